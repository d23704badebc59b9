"""`tew trace`: from a figure to its cells, through units and indicators; clear words where there is nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from tests.program import tew


def traced(settings: Settings, *arguments: str) -> Any:
    done = tew(settings, "trace", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, parse_float=Decimal)


def figure(settings: Settings, level: str, source: str) -> tuple[str, str, str, Decimal]:
    rows = PublishedReader(settings).query(
        "SELECT indicator_code, unit_id, strftime(period, '%Y-%m'), value_ytd FROM marts.fct_indicator_progress "
        "WHERE basis = 'reported' AND level = $level AND value_source = $source AND value_ytd <> 0 "
        "AND NOT is_carried ORDER BY period DESC, 1, 2 LIMIT 1",
        {"level": level, "source": source},
    )[1]
    assert rows
    return rows[0]


def asked(settings: Settings, level: str, source: str) -> tuple[Any, Decimal]:
    indicator, unit, period, value = figure(settings, level, source)
    return traced(settings, "--indicator", indicator, "--unit", unit, "--period", period), value


def test_a_reported_figure_names_the_cell_that_the_workbook_holds(small_home_source: Settings) -> None:
    found, value = asked(small_home_source, "enterprise", "reported")
    cell = next(row for row in found["cells"] if row["measure"] in ("ytd", "stock") and row["value"] == value)
    path = next(small_home_source.inbox.rglob(cell["file_name"].rsplit("/", 1)[-1]))
    written = openpyxl.load_workbook(path, data_only=True)[cell["sheet"]][cell["cell"]].value
    assert str(written).replace(",", "").strip() == cell["raw_text"].replace(",", "").strip()
    assert {"file_name", "raw_unit", "unit_factor", "submission_id", "received_at"} <= set(cell)


@pytest.mark.parametrize(("level", "source"), [("county", "townships"), ("township", "enterprises")])
def test_a_sum_is_traced_to_cells_that_add_up(small_home_source: Settings, level: str, source: str) -> None:
    found, value = asked(small_home_source, level, source)
    assert sum(part["figure"]["value_ytd"] for part in found["parts"]) == value
    leaves: list[Any] = []
    waiting = list(found["parts"])
    while waiting:
        part = waiting.pop()
        waiting += part["parts"]
        leaves += [] if part["parts"] else [part]
    for leaf in leaves:
        assert leaf["cells"] or leaf["figure"]["value_ytd"] is None
    assert len(found["cells"]) >= len([leaf for leaf in leaves if leaf["cells"]])


def test_a_ratio_is_traced_to_numerator_and_denominator(small_home_source: Settings) -> None:
    found, _ = asked(small_home_source, "county", "ratio")
    assert len({part["indicator_code"] for part in found["parts"]}) == 2
    assert found["cells"]


def test_nothing_found_is_1_and_says_what_is_there(small_home_source: Settings) -> None:
    indicator, unit, period, _ = figure(small_home_source, "enterprise", "reported")
    for call, named in (
        (["--indicator", "NOSUCH", "--unit", unit, "--period", period], "NOSUCH"),
        (["--indicator", indicator, "--unit", "nobody", "--period", period], "nobody"),
        (["--indicator", indicator, "--unit", unit, "--period", "2001-01"], period),
        (["--indicator", indicator, "--unit", unit, "--period", period, "--as-of", "2001-01-01"], "2001-01-01"),
    ):
        done = tew(small_home_source, "trace", *call)
        assert done.returncode == 1 and named in done.stderr and len(done.stderr.strip().splitlines()) == 2
        assert not done.stdout
    wrong = ["--indicator", indicator, "--unit", unit, "--period", period, "--as-of", "yesterday"]
    assert tew(small_home_source, "trace", *wrong).returncode == 2
