"""Accepting and explaining issues: recorded, in force after a refresh, replayed by a rebuild."""

from __future__ import annotations

from typing import Any

import pytest

from dagster_project.settings import Settings
from dagster_project.warehouse import acts, refresh, store
from dagster_project.warehouse.check import check_files
from dagster_project.warehouse.errors import WarehouseError
from dagster_project.warehouse.read import PublishedReader
from tests.program import tew
from tests.warehouse import workbooks
from tests.warehouse.workbooks import START, TOWNS

CELL = "SELECT status, value FROM marts.fct_observation_version WHERE submission_id = $s AND sheet = $h AND cell = $c"
ISSUE = (
    "SELECT status, explanation, accepted_by, accepted_reason, accepted_at IS NOT NULL FROM marts.fct_issue "
    "WHERE submission_id = $s AND sheet = $h AND cell = $c AND rule = $r"
)


def ask(settings: Settings, sql: str, **params: Any) -> list[tuple[Any, ...]]:
    return PublishedReader(settings).query(sql, params)[1]


def test_an_accepted_error_releases_its_cell_and_a_rebuild_keeps_it(home: Settings) -> None:
    figures = {TOWNS[0]: (-5, -50), TOWNS[1]: (4, 40)}
    workbooks.townships(home.inbox / "a.xlsx", 2, figures)
    assert refresh.run_refresh(home).published
    submission, sheet, cell, rule = ask(
        home,
        "SELECT i.submission_id, i.sheet, i.cell, min(i.rule) FROM marts.fct_issue i "
        "JOIN marts.fct_observation_version v USING (submission_id, sheet, cell) "
        "WHERE i.severity = 'error' AND v.status = 'quarantined' AND v.unit_id IS NOT NULL AND v.value IS NOT NULL "
        "GROUP BY ALL HAVING count(DISTINCT i.rule) = 1 ORDER BY 1, 2, 3 LIMIT 1",
    )[0]
    where = {"s": submission, "h": sheet, "c": cell}
    value = ask(home, CELL, **where)[0][1]
    said = ["--rule", rule, "--reason", "seen the ledger", "--by", "Section"]
    assert tew(home, "explain", submission, cell, *said, "--sheet", sheet).returncode == 0
    done = tew(home, "accept", submission, cell, *said, "--sheet", sheet)
    assert done.returncode == 0, done.stderr
    assert ask(home, CELL, **where) == [("quarantined", value)], "nothing changes before a refresh"
    for run in (refresh.run_refresh, refresh.rebuild):
        assert run(home).published
        [(status, kept)] = ask(home, CELL, **where)
        assert status in ("in_force", "superseded") and kept == value
        assert ask(home, ISSUE, **where, r=rule) == [
            ("accepted", "seen the ledger", "Section", "seen the ledger", True)
        ]


def test_what_cannot_be_accepted_is_said(small_home_source: Settings) -> None:
    for call, key in (
        (("S999999", "A1", "V01", "why", "me"), "warehouse.act_no_issue"),
        (("S000001", "A1", "V01", " ", "me"), "warehouse.act_unsaid"),
        (("S000001", "A1", "V01", "why", ""), "warehouse.act_unsaid"),
    ):
        with pytest.raises(WarehouseError) as refused:
            acts.accept(small_home_source, *call)
        assert refused.value.key == key


RAW = (
    "SELECT s.file_name, i.cell, i.rule, i.severity, i.message_zh FROM raw.issue i JOIN raw.submission s "
    "USING (submission_id) ORDER BY ALL"
)


def told(settings: Settings) -> list[tuple[Any, ...]]:
    with store.open_store(settings) as opened:
        return opened.connection.execute(RAW).fetchall()


def test_later_months_meet_what_was_accepted(home: Settings) -> None:
    """A released error is last month's figure; an accepted jump is not asked for again; `tew check` knows both."""

    def deliver(year: int, month: int, jump: tuple[int, int], negative: tuple[int, int]) -> None:
        name = f"{year}-{month}.xlsx"
        figures = {TOWNS[0]: jump, TOWNS[1]: negative}
        workbooks.townships(home.inbox / name, month, figures, year=year, mtime=START + year * 12 + month)

    deliver(2025, 2, (100, 200), (50, 90))
    deliver(2025, 3, (100, 300), (50, 140))
    deliver(2026, 2, (400, 800), (-60, -60))
    assert refresh.run_refresh(home).published
    last = "S000003"
    for cell, rule in ask(
        home,
        "SELECT cell, rule FROM marts.fct_issue WHERE submission_id = $s AND cell IS NOT NULL "
        "AND (severity = 'error' OR rule = 'V12')",
        s=last,
    ):
        acts.accept(home, last, cell, rule, "a new plant", "Section")
    assert refresh.run_refresh(home).published
    deliver(2026, 3, (400, 1200), (70, 20))
    [checked] = check_files(home, [home.inbox / "2026-3.xlsx"])
    refresh.receive(home)
    refresh.ingest_pending(home)
    march = [(cell, rule, severity) for name, cell, rule, severity, _ in told(home) if name == "2026-3.xlsx"]
    assert ("D5", "V12", "info") in march
    assert ("D6", "V02", "warning") in march, "-60 + 70 is 10, not 20: the accepted -60 is known"
    assert {(issue.cell, issue.rule, issue.severity) for issue in checked.issues} == set(march)
    before = told(home)
    refresh.discard_work(home)
    refresh.ingest_pending(home)
    assert told(home) == before, "a rebuild says the same"
