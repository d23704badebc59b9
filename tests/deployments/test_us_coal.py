"""The second deployment: real mines, another country's reference data, the same code, to fct_indicator_progress."""

from __future__ import annotations

import csv
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dagster_project.settings import PROJECT_ROOT, Settings
from tests.conftest import make_home

SHORT_TON = Decimal("0.90718474")
# Totals that the publisher of the workbooks states: short tons and employees (shared/workbooks/README.md).
NATION = {2001: (1_127_688_806, 77_088), 2010: (1_084_368_148, 86_195), 2013: (984_841_779, 80_396)}


@pytest.fixture(scope="module")
def coal(shared_workbooks: Path, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    from dagster_project.warehouse import refresh

    settings: Settings = make_home(
        tmp_path_factory.mktemp("coal"), seeds=PROJECT_ROOT / "tests" / "deployments" / "us_coal"
    )
    settings.inbox.mkdir(parents=True)
    for path in sorted((shared_workbooks / "coal-mines").glob("*.xls")):
        shutil.copy(path, settings.inbox / path.name)
    report = refresh.run_refresh(settings)
    assert report.published, report
    version = settings.current.read_text(encoding="utf-8").strip()
    return duckdb.connect(str(settings.published / version / "warehouse.duckdb"), read_only=True)


def progress(db: duckdb.DuckDBPyConnection, level: str, indicator: str, year: int) -> dict[str, Decimal]:
    rows = db.execute(
        "select unit_id, value_ytd from marts.fct_indicator_progress "
        "where basis = 'reported' and level = ? and indicator_code = ? and period = make_date(?, 12, 1)",
        [level, indicator, year],
    ).fetchall()
    return dict(rows)


@pytest.mark.parametrize("year", sorted(NATION))
def test_national_totals_come_out_exactly(coal: duckdb.DuckDBPyConnection, year: int) -> None:
    short_tons, employees = NATION[year]
    ((unit, tonnes),) = progress(coal, "county", "CO01", year).items()
    # the stored figure has six decimals a row: exact to a thousandth of a tonne over some two thousand rows
    assert abs(tonnes - short_tons * SHORT_TON) < Decimal("0.001")
    assert progress(coal, "county", "BF11", year) == {unit: employees}


@pytest.mark.parametrize("year", [2001, 2010])
def test_county_roll_up_equals_the_third_partys_table(
    coal: duckdb.DuckDBPyConnection, shared_workbooks: Path, year: int
) -> None:
    path = shared_workbooks / "coal-mines" / f"expectedOutput_{year}_summary.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        expected = {
            row["CountyState"]: (int(row["Productionshorttons"]), int(row["AverageEmployees"]))
            for row in csv.DictReader(handle)
        }
    tonnes = progress(coal, "township", "CO01", year)
    people = progress(coal, "township", "BF11", year)
    ours = {unit: (round(tonnes[unit] / SHORT_TON), int(people[unit])) for unit in tonnes}
    assert ours == expected
    assert len(ours) == {2001: 229, 2010: 225}[year]


def test_output_per_hour_is_a_ratio_of_sums(coal: duckdb.DuckDBPyConnection) -> None:
    (value,) = progress(coal, "county", "CO17", 2013).values()
    assert round(float(value), 3) == 5.536


def test_repeated_rows_of_a_mine_stay_apart_and_add(coal: duckdb.DuckDBPyConnection) -> None:
    surplus = coal.execute(
        "select count(*) from marts.fct_observation "
        "where indicator_code = 'CO01' and measure = 'ytd' and line_no > 1 and period = date '2010-12-01'"
    ).fetchone()
    assert surplus == (167,)


def test_nothing_of_these_workbooks_is_rejected(coal: duckdb.DuckDBPyConnection) -> None:
    assert coal.execute("select message_en from marts.fct_issue where severity = 'error'").fetchall() == []


@pytest.mark.parametrize(("year", "before"), [(2010, 2001), (2013, 2010)])
def test_the_bridge_splits_the_change_into_mines_that_stayed_opened_and_closed(
    coal: duckdb.DuckDBPyConnection, year: int, before: int
) -> None:
    mines = {each: progress(coal, "enterprise", "CO01", each) for each in (before, year)}
    both = mines[before].keys() & mines[year].keys()
    expected = {
        "matched": sum(mines[year][mine] - mines[before][mine] for mine in both),
        "entry": sum(value for mine, value in mines[year].items() if mine not in both),
        "exit": -sum(value for mine, value in mines[before].items() if mine not in both),
    }
    found = dict(
        coal.execute(
            "select component, amount from marts.fct_bridge where level = 'county' and indicator_code = 'CO01' "
            "and period = make_date(?, 12, 1) and base_period = make_date(?, 12, 1)",
            [year, before],
        ).fetchall()
    )
    # mines with rows in two counties of which one has no mine any more: within the nation nothing comes of it
    moved = [found.pop(component, 0) for component in ("boundary", "revision")]
    assert found == expected
    assert sum(moved) == 0
