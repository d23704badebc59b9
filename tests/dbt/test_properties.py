"""What must hold of every county, on counties made at random and run through the whole dbt project (domain.md D.3, K).

Belongs here: laws. Does not belong here: worked numbers (tests/golden), single formulas (dbt unit tests).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.dbt import counties
from tests.dbt.counties import COUNTY, MONTHS, YEARS, County
from tests.raw_rows import Raw

pytestmark = pytest.mark.slow

SEEDS = (1, 2)
LOOKING_BACK = ("value_month_derived", "growth_month_pct", "change_since_year_end", "growth_two_year_pct")
Figure = dict[str, Any]


@dataclass
class Made:
    """A county with its marts, and its twin's."""

    county: County
    marts: duckdb.DuckDBPyConnection
    twin: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module", params=SEEDS)
def made(
    request: pytest.FixtureRequest,
    build_marts: Callable[..., duckdb.DuckDBPyConnection],
    tmp_path_factory: pytest.TempPathFactory,
) -> Made:
    county = counties.make(request.param)
    twin = county.twin()
    return Made(
        county,
        build_marts(county.raw(), county.seeds(tmp_path_factory.mktemp("county"))),
        build_marts(twin.raw(), twin.seeds(tmp_path_factory.mktemp("twin")), links_twice=True),
    )


def figures(marts: duckdb.DuckDBPyConnection, code: str, basis: str = "comparable") -> dict[tuple[str, date], Figure]:
    """(unit, period) → row of the county's and the townships' figures."""
    cursor = marts.execute(
        "select * from marts.fct_indicator_progress where indicator_code = ? and basis = ? and level <> 'enterprise'",
        [code, basis],
    )
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, found, strict=True)) for found in cursor.fetchall()]
    return {(found["unit_id"], found["period"]): found for found in rows}


@pytest.mark.parametrize("basis", ["reported", "comparable"])
def test_townships_add_up_to_the_county(made: Made, basis: str) -> None:
    for code in ("TE01", "BF11", "BF01"):
        found = figures(made.marts, code, basis)
        periods = {period for unit, period in found if unit == COUNTY}
        assert len(periods) == len(YEARS) * len(MONTHS)
        for period in periods:
            parts = [row for (unit, of), row in found.items() if of == period and unit != COUNTY]
            county = found[COUNTY, period]
            assert county["value_ytd"] == sum(row["value_ytd"] for row in parts if row["value_ytd"] is not None)
            if basis == "comparable" and county["base_ytd"] is not None:
                based = [row["base_ytd"] for row in parts if row["value_ytd"] is not None]
                assert county["base_ytd"] == sum(base for base in based if base is not None), (code, period)


def test_enterprises_add_up_to_their_townships(made: Made) -> None:
    for (unit, period), row in figures(made.marts, "BF01", "reported").items():
        if unit == COUNTY:
            continue
        present = [
            plant.figures[period.year, period.month]
            for plant in made.county.plants
            if period.year in plant.years and made.county.place_of(plant, period.year, period.month) == unit
        ]
        assert (row["value_ytd"] or 0) == sum(present), (unit, period)


def test_a_ratio_is_the_ratio_of_the_sums(made: Made) -> None:
    over, under = figures(made.marts, "TE01"), figures(made.marts, "BF11")
    checked = 0
    for (unit, period), row in figures(made.marts, "TE09").items():
        if unit != COUNTY:
            continue
        n = sum(r["value_ytd"] for (u, p), r in over.items() if p == period and u != COUNTY and r["value_ytd"])
        d = sum(r["value_ytd"] for (u, p), r in under.items() if p == period and u != COUNTY and r["value_ytd"])
        assert row["value_exact"] == pytest.approx(float(n) / float(d) * 10_000, rel=1e-12), period
        checked += 1
    assert checked == len(YEARS) * len(MONTHS)


def test_a_derived_month_is_that_month_and_no_other(made: Made) -> None:
    """Of every township: what its ground of today brought in the month alone, or nothing; never two months as one."""
    county, found = made.county, figures(made.marts, "TE01", "reported")
    known, unknown = defaultdict(Decimal), set()
    told = 0
    for (unit, period), row in found.items():
        year, month = period.year, period.month
        if unit == COUNTY:
            continue
        shares = county.predecessors(year, month)[unit]
        grounds = [(ground, year, m) for ground in shares for m in (month - 1, month) if m]
        handed = unit in county.shared and (year, month) == (2025, county.change_month)
        if (handed and month > 1) or any(ground in county.silent for ground in grounds):
            assert row["value_month_derived"] is None, (unit, period)
            if row["value_month"] is not None:
                unknown.add(period)
            continue
        brought = sum(
            (
                (county.truth["TE01", g, year, month] - county.truth.get(("TE01", g, year, month - 1), 0)) * share
                for g, share in shares.items()
            ),
            Decimal(0),
        )
        assert row["value_month_derived"] == brought, (unit, period)
        known[period] += brought
        told += 1
    assert told > 100
    for period, total in known.items():
        assert found[COUNTY, period]["value_month_derived"] == (None if period in unknown else total), period


def test_the_bridge_adds_up_to_the_change(made: Made) -> None:
    parts: dict[tuple[str, str, date], dict[str, tuple[Decimal, float | None]]] = defaultdict(dict)
    for code, unit, period, component, amount, points in made.marts.execute(
        "select indicator_code, unit_id, period, component, amount, points from marts.fct_bridge"
    ).fetchall():
        parts[code, unit, period][component] = (amount, points)
    checked, seen = 0, set()
    for code in ("TE01", "BF01", "BF11"):
        for (unit, period), row in figures(made.marts, code, "reported").items():
            if row["value_ytd"] is None or row["base_ytd"] is None:
                continue
            split = parts[code, unit, period]
            assert sum(amount for amount, _ in split.values()) == row["value_ytd"] - row["base_ytd"]
            if row["growth_pct"] is not None:
                assert sum(points or 0 for _, points in split.values()) == pytest.approx(row["growth_pct"])
            seen |= {name for name, (amount, _) in split.items() if amount}
            checked += 1
    assert checked > 100 and {"matched", "entry", "exit", "boundary"} <= seen


def test_growth_of_a_merged_unit_lies_between_those_of_its_predecessors(made: Made) -> None:
    county, found, merged = made.county, figures(made.marts, "TE01"), 0
    for (unit, period), row in found.items():
        year, month = period.year, period.month
        if unit == COUNTY or year == YEARS[0]:
            continue
        of = county.predecessors(year, month)[unit]
        spoken = all((ground, y, month) not in county.silent for ground in of for y in (year, year - 1))
        if len(of) < 2 or not spoken or county.changed(year - 1, month):
            continue
        each = [county.truth["TE01", g, year, month] / county.truth["TE01", g, year - 1, month] - 1 for g in of]
        assert min(each) * 100 - 1e-9 <= row["growth_pct"] <= max(each) * 100 + 1e-9, (unit, period, each)
        merged += 1
    assert merged > 5


def test_a_base_is_restated_once(made: Made) -> None:
    """A year after a change the figure of last year is already that of today's unit: nothing is added again."""
    county, found, checked = made.county, figures(made.marts, "TE01"), 0
    for (unit, period), row in found.items():
        last = date(period.year - 1, period.month, 1)
        if unit == COUNTY or period.year == YEARS[0] or not county.changed(last.year, last.month) or row["is_carried"]:
            continue
        assert row["base_ytd"] == found[unit, last]["value_ytd"], (unit, period)
        checked += 1
    assert checked > 5


def test_a_new_code_and_links_listed_twice_change_nothing_and_kept_bases_are_all_that_differs(made: Made) -> None:
    county = made.county
    old, new = county.renamed
    present = figures(made.marts, "BF01")
    kept: dict[tuple[str, date], int] = defaultdict(int)
    for plant in county.plants:
        if plant.name not in county.leavers:
            continue
        for month in MONTHS:
            place, period = county.place_of(plant, 2026, month), date(2026, month, 1)
            # also where it was the last one: the township's figure is 0 then, beside the base that is kept
            if place is not None and present[place, period]["value_ytd"] is not None:
                kept[place, period] += plant.figures[2025, month]
                kept[COUNTY, period] += plant.figures[2025, month]
    assert kept or not county.leavers
    differing = 0
    for code in ("TE01", "BF11", "TE09", "BF01"):
        for basis in ("reported", "comparable"):
            here = figures(made.marts, code, basis)
            there = {(old if u == new else u, p): row for (u, p), row in figures(made.twin, code, basis).items()}
            assert here.keys() == there.keys()
            for key, row in here.items():
                more = kept.get(key, 0) if (code, basis) == ("BF01", "comparable") else 0
                other = there[key]
                assert row["value_ytd"] == other["value_ytd"], (code, key)
                assert (row["base_ytd"] or 0) + more == (other["base_ytd"] or 0), (code, basis, key)
                if more:
                    differing += 1
                    expected = float(row["value_ytd"]) / float(other["base_ytd"]) * 100 - 100
                    assert other["growth_pct"] == pytest.approx(expected)
                else:
                    assert row["growth_pct"] == other["growth_pct"], (code, basis, key)
                    assert row["is_carried"] == other["is_carried"]
                    for column in LOOKING_BACK:
                        assert row[column] == other[column], (column, code, basis, key)
    assert differing > 0 or not kept


def test_as_of_a_day_is_what_was_received_by_then(
    build_marts: Callable[..., duckdb.DuckDBPyConnection], tmp_path_factory: pytest.TempPathFactory
) -> None:
    county = counties.make(3)
    seeds = county.seeds(tmp_path_factory.mktemp("county"))
    raw = county.raw()
    withdrawn = [row for row in raw.rows["submission"] if row["withdrawn_at"] is not None]
    assert withdrawn
    # a day on which one file that is withdrawn today was in force
    day = withdrawn[len(withdrawn) // 2]["received_at"].date() + timedelta(days=1)
    then = build_marts(raw, seeds, day)
    archive = build_marts(received_by(county.raw(), day), seeds)
    tables = archive.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    rows = 0
    for (table,) in tables:
        asked = f"select * from marts.{table} order by all"
        expected = archive.execute(asked).fetchall()
        assert then.execute(asked).fetchall() == expected, table
        rows += len(expected)
    assert rows > 1000


def received_by(raw: Raw, day: date) -> Raw:
    """The archive as it stood at the end of `day`: what had come, nothing of it withdrawn later."""
    end = datetime(day.year, day.month, day.day) + timedelta(days=1)
    known = {row["submission_id"] for row in raw.rows["submission"] if row["received_at"] < end}
    for table, rows in raw.rows.items():
        raw.rows[table] = [row for row in rows if row["submission_id"] in known]
    for row in raw.rows["submission"]:
        if row["withdrawn_at"] is not None and row["withdrawn_at"] >= end:
            row["status"], row["withdrawn_at"] = "accepted", None
    assert len(known) < raw.seq
    return raw
