"""Closing a month: approved, frozen with its version, revised and reopened with a reason; replayed by a rebuild."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from dagster_project.settings import Settings
from dagster_project.warehouse import closing, pointer, refresh
from dagster_project.warehouse.errors import WarehouseError
from dagster_project.warehouse.publish import retain
from dagster_project.warehouse.read import PublishedReader
from tests.program import tew
from tests.warehouse import workbooks
from tests.warehouse.workbooks import CODES, TOWNS

MARCH = date(2026, 3, 1)
YTD = (
    "SELECT value_ytd FROM marts.fct_indicator_progress WHERE indicator_code = 'TE01' AND basis = 'reported' "
    "AND unit_id = $unit AND period = DATE '2026-03-01'"
)
REVISED = (
    "SELECT unit_id, measure, previous_value, new_value, closed_with FROM marts.fct_revision "
    "WHERE is_after_closing AND measure = 'ytd' ORDER BY unit_id"
)


def ask(settings: Settings, sql: str, version: str | None = None, **params: Any) -> list[tuple[Any, ...]]:
    return PublishedReader(settings, version=version).query(sql, params or None)[1]


def test_a_closed_month_keeps_its_figures_and_lists_what_came_later(home: Settings) -> None:
    workbooks.townships(home.inbox / "a.xlsx", 3, {TOWNS[0]: (5, 50)})
    frozen = refresh.run_refresh(home).published
    assert frozen
    assert tew(home, "close", "2026-03", "--by", "Li").returncode == 1, "nobody approved it"
    assert tew(home, "approve", "2026-03", "--by", "Wang").returncode == 0
    done = tew(home, "close", "2026-03", "--by", "Li", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["version"] == frozen, done.stderr
    assert refresh.run_refresh(home).published, "pages learn of it from a new version"
    assert ask(home, "SELECT status, version, approved_by, closed_by FROM marts.fct_month_closing") == [
        ("closed", frozen, "Wang", "Li")
    ]
    # One figure changed, one said for the first time.
    workbooks.townships(home.inbox / "b.xlsx", 3, {TOWNS[0]: (6, 51), TOWNS[1]: (4, 40)}, mtime=workbooks.START + 99)
    for run in (refresh.run_refresh, refresh.rebuild):
        assert run(home).published
        assert ask(home, YTD, unit=CODES[TOWNS[0]]) == [(51,)]
        assert ask(home, YTD, frozen, unit=CODES[TOWNS[0]]) == [(50,)], "the frozen version still says what it said"
        assert ask(home, REVISED) == [
            (CODES[TOWNS[0]], "ytd", 50, 51, frozen),
            (CODES[TOWNS[1]], "ytd", None, 40, frozen),
        ]
        [(severity, said)] = ask(home, "SELECT severity, message_en FROM marts.fct_issue WHERE rule = 'CLOSED'")
        assert severity == "warning" and frozen in said and "2 of its figures" in said
    asked = tew(home, "query", "--version", frozen, "--format", "csv", YTD.replace("$unit", f"'{CODES[TOWNS[0]]}'"))
    assert asked.returncode == 0 and asked.stdout.split() == ["value_ytd", "50.000000"]
    # Reopened: what comes now is meant, what came while it was closed stays listed.
    assert tew(home, "reopen", "2026-03", "--by", "Li", "--reason", "audit").returncode == 0
    workbooks.townships(home.inbox / "c.xlsx", 3, {TOWNS[0]: (7, 52)}, mtime=workbooks.START + 199)
    assert refresh.run_refresh(home).published
    assert [row[3] for row in ask(home, REVISED)] == [51, 40]
    shown = json.loads(tew(home, "months", "--json").stdout)
    assert [(row["period"], row["state"], row["reason"]) for row in shown] == [("2026-03", "reopened", "audit")]
    few = home.model_copy(update={"keep_versions": 2})
    retain(few)
    assert frozen in pointer.version_names(home) and len(pointer.version_names(home)) == 3


def test_what_cannot_be_decided_is_said(small_home: Settings) -> None:
    [(newest,)] = ask(small_home, "SELECT max(period) FROM marts.fct_indicator_progress WHERE level = 'county'")

    def refused(act: Any, *call: Any) -> str:
        with pytest.raises(WarehouseError) as error:
            act(small_home, *call)
        return error.value.key

    assert refused(closing.approve, date(1999, 1, 1), "Wang") == "warehouse.month_no_figures"
    assert refused(closing.approve, newest, " ") == "warehouse.month_by_whom"
    assert refused(closing.close, newest, "Li") == "warehouse.month_not_approved"
    assert refused(closing.reopen, newest, "why", "Li") == "warehouse.month_not_closed"
    closing.close(small_home, newest, "Li", "Wang")
    assert refused(closing.close, newest, "Li", "Wang") == "warehouse.month_is_closed"
    assert refused(closing.reopen, newest, " ", "Li") == "warehouse.month_no_reason"
    closing.reopen(small_home, newest, "why", "Li")
    assert closing.close(small_home, newest, "Li", "Wang").round_no == 2
    assert closing.frozen_version(small_home, newest) == pointer.current_version(small_home)


def test_a_month_whose_approved_version_is_gone_must_be_approved_again(small_home: Settings) -> None:
    [(newest,)] = ask(small_home, "SELECT max(period) FROM marts.fct_indicator_progress WHERE level = 'county'")
    version = closing.approve(small_home, newest, "Wang").version
    (small_home.published / version).rename(small_home.published / ".gone")
    with pytest.raises(WarehouseError) as refused:
        closing.close(small_home, newest, "Li")
    assert refused.value.key == "warehouse.month_version_gone"
