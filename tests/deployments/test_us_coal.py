"""The second deployment: real mines, another country's reference data, the same code, to fct_indicator_progress."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import xlrd

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


@dataclass
class Ground:
    """What a county's mines brought in one year, as the workbooks' own rows add up."""

    short_tons: float = 0
    hours: float = 0


@pytest.fixture(scope="module")
def books(shared_workbooks: Path) -> dict[int, dict[str, Ground]]:
    """year → county and state (as `Bibb_Alabama`) → sums, read by nothing of ours."""
    found: dict[int, dict[str, Ground]] = {}
    for year in NATION:
        sheet = xlrd.open_workbook(shared_workbooks / "coal-mines" / f"coalpublic{year}.xls").sheet_by_index(0)
        heads = [str(value).strip() for value in sheet.row_values(3)]
        place = found.setdefault(year, defaultdict(Ground))
        for number in range(4, sheet.nrows):
            row = dict(zip(heads, sheet.row_values(number), strict=True))
            state = row["Mine State"].partition("(")[0].strip()  # two coalfields of one state are one state
            ground = place[f"{row['Mine County'].strip()}_{state}"]
            ground.short_tons += row["Production (short tons)"]
            ground.hours += 0 if row["Labor Hours"] == "-" else row["Labor Hours"]
    return found


def by_state(places: dict[str, Ground]) -> dict[str, Ground]:
    states: dict[str, Ground] = defaultdict(Ground)
    for name, ground in places.items():
        state = states[name.rpartition("_")[2]]
        state.short_tons += ground.short_tons
        state.hours += ground.hours
    return states


@pytest.mark.parametrize(("year", "before"), [(2010, 2001), (2013, 2010)])
def test_growth_of_every_county_is_that_of_its_mines_together(
    coal: duckdb.DuckDBPyConnection, books: dict[int, dict[str, Ground]], year: int, before: int
) -> None:
    rows = coal.execute(
        "select unit_id, growth_pct, growth_note_en, base_ytd from marts.fct_indicator_progress where basis = 'reported'"
        " and level = 'township' and indicator_code = 'CO01' and period = make_date(?, 12, 1) and value_ytd is not null",
        [year],
    ).fetchall()
    compared = 0
    for unit, growth, note, base in rows:
        now, then = books[year][unit].short_tons, books[before].get(unit)
        if then is None or not then.short_tons:
            assert growth is None and note and not base, unit  # nothing to grow from, and it says so
            continue
        # a stored tonne has six decimals: some mines brought a few tons only
        assert growth == pytest.approx((now / then.short_tons - 1) * 100, rel=1e-6, abs=1e-4), unit
        compared += 1
    assert compared > 150


@pytest.mark.parametrize(("year", "before"), [(2010, 2001), (2013, 2010)])
def test_growth_of_every_state_is_that_of_its_counties_together(
    coal: duckdb.DuckDBPyConnection, books: dict[int, dict[str, Ground]], year: int, before: int
) -> None:
    rows = coal.execute(
        "select split_part(unit_id, '_', -1) as state, sum(value_ytd) filter (year(period) = ?) / "
        "sum(value_ytd) filter (year(period) = ?) * 100 - 100 from marts.fct_indicator_progress where basis = 'reported'"
        " and level = 'township' and indicator_code = 'CO01' group by state",
        [year, before],
    ).fetchall()
    now, then = by_state(books[year]), by_state(books[before])
    grown = {state: growth for state, growth in rows if growth is not None}
    expected = {
        state: (now[state].short_tons / ground.short_tons - 1) * 100
        for state, ground in then.items()
        if state in now and ground.short_tons
    }
    assert grown == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert len(grown) > 20


@pytest.mark.parametrize("year", sorted(NATION))
def test_output_per_hour_of_counties_and_states_is_a_ratio_of_sums(
    coal: duckdb.DuckDBPyConnection, books: dict[int, dict[str, Ground]], year: int
) -> None:
    rows = coal.execute(
        "select unit_id, value_exact from marts.fct_indicator_progress where basis = 'reported' and level = 'township'"
        " and indicator_code = 'CO17' and period = make_date(?, 12, 1) and value_exact is not null",
        [year],
    ).fetchall()
    for unit, value in rows:
        assert value == pytest.approx(books[year][unit].short_tons / books[year][unit].hours, rel=1e-6), unit
    # a state's from its numerators and denominators, which stand beside; the mean of its counties' would be another
    sums = coal.execute(
        "select split_part(tons.unit_id, '_', -1) as state, sum(tons.value_ytd) / sum(hours.value_ytd) "
        "from marts.fct_indicator_progress as tons join marts.fct_indicator_progress as hours"
        " on hours.indicator_code = 'CO16' and tons.basis = hours.basis and tons.level = hours.level"
        " and tons.unit_id = hours.unit_id and tons.period = hours.period"
        " where tons.indicator_code = 'CO01' and tons.basis = 'reported' and tons.level = 'township'"
        " and tons.period = make_date(?, 12, 1) group by state",
        [year],
    ).fetchall()
    expected = {state: ground.short_tons / ground.hours for state, ground in by_state(books[year]).items()}
    per_hour = {state: float(value) / float(SHORT_TON) for state, value in sums}
    assert per_hour == pytest.approx(expected, rel=1e-6)


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


def test_openings_and_closures_stand_in_the_bridge_of_every_county(coal: duckdb.DuckDBPyConnection) -> None:
    """Per county the parts add up to its change; over all counties entries and exits are those of the nation."""
    left_over = coal.execute(
        "select progress.unit_id, progress.period from marts.fct_indicator_progress as progress join ("
        " select level, unit_id, indicator_code, period, sum(amount) as amount from marts.fct_bridge group by all"
        ") as bridge using (level, unit_id, indicator_code, period)"
        " where progress.basis = 'reported' and progress.indicator_code = 'CO01'"
        " and bridge.amount is distinct from progress.value_ytd - progress.base_ytd"
    ).fetchall()
    assert left_over == []
    for component in ("entry", "exit"):
        counties, nation = (
            dict(
                coal.execute(
                    "select year(period), count(*) from marts.fct_bridge where level = ? and indicator_code = 'CO01'"
                    " and component = ? group by 1",
                    [level, component],
                ).fetchall()
            )
            for level in ("township", "county")
        )
        assert nation == {2010: 1, 2013: 1}
        assert min(counties.values()) > 50, component
