"""Enterprises that close at the turn of the year, and townships that lose their last one (domain.md D.3, D.4).

Belongs here: exits in the bridge, the row of a township without enterprises, kept bases. Does not belong here: laws over
random counties (test_properties.py).
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.settings import PROJECT_ROOT
from tests.raw_rows import Raw

COUNTY, FULL, LEFT, KEPT, QUIET = "529901", "529901101", "529901102", "529901103", "529901104"
PLANTS = {
    "STAYS": FULL,
    "BY-EVENT": FULL,
    "BY-FORM": FULL,
    "BY-REGISTER": FULL,
    "LAST": LEFT,
    "LASTKEPT": KEPT,
    "QUIETONE": QUIET,
}
CLOSED = {"BY-EVENT": "", "LAST": "", "LASTKEPT": "true"}
EVENT = {"event": "closed", "effective_from": "2026-01-01"}


@pytest.fixture(scope="module")
def marts(
    build_marts: Callable[..., duckdb.DuckDBPyConnection], tmp_path_factory: pytest.TempPathFactory
) -> duckdb.DuckDBPyConnection:
    seeds: Path = tmp_path_factory.mktemp("closures") / "reference"
    shutil.copytree(PROJECT_ROOT / "seeds" / "reference", seeds)
    with (seeds / "enterprise_events.csv").open(encoding="utf-8") as handle:
        fields = next(csv.reader(handle))
    with (seeds / "enterprise_events.csv").open("a", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fields, restval="")
        writer.writerows({"enterprise_id": name, "keep_base": kept, **EVENT} for name, kept in CLOSED.items())
    raw = Raw()
    raw.submission("RO-Y1", "2025-01", "2025-01-05")
    for name, place in PLANTS.items():
        raw.enterprise(name, place, "2025-01-01")
    raw.submission("RO-Y1", "2026-01", "2026-01-05")
    raw.enterprise("BY-REGISTER", FULL, "2026-01-01", unit_status="closed")
    for code, measure in (("BF01", "ytd"), ("TE04", "stock")):
        raw.submission("TE-M3", "2025-01", "2025-02-05")
        for name, place in PLANTS.items():
            raw.add(code, name, "2025-01", township=place, **{measure: 100})
        raw.submission("TE-M3", "2026-01", "2026-02-05")
        raw.add(code, "STAYS", "2026-01", township=FULL, **{measure: 130})
        raw.add(code, "BY-FORM", "2026-01", township=FULL, **{measure: "closed"})
        raw.coverage("BY-FORM", "2026-01", "closed", "enterprise")
    return build_marts(raw, seeds)


def january(marts: duckdb.DuckDBPyConnection, code: str, unit: str, basis: str) -> tuple[Any, ...] | None:
    return marts.execute(
        "select value_ytd, base_ytd, growth_pct, reported_units, expected_units from marts.fct_indicator_progress"
        " where indicator_code = ? and unit_id = ? and basis = ? and period = date '2026-01-01'",
        [code, unit, basis],
    ).fetchone()


def bridge(marts: duckdb.DuckDBPyConnection, code: str, unit: str) -> dict[str, Any]:
    found = marts.execute(
        "select component, amount from marts.fct_bridge"
        " where indicator_code = ? and unit_id = ? and period = date '2026-01-01' and amount <> 0",
        [code, unit],
    ).fetchall()
    return dict(found)


@pytest.mark.parametrize("code", ["BF01", "TE04"])
def test_who_closed_on_the_first_of_january_is_an_exit(marts: duckdb.DuckDBPyConnection, code: str) -> None:
    # three ways to say it, one of them its own row that says 关闭
    assert bridge(marts, code, FULL) == {"matched": 30, "exit": -300}
    county = bridge(marts, code, COUNTY)
    assert county["exit"] == -500 and county["matched"] == 30
    value, base, *_ = january(marts, code, COUNTY, "reported") or ()
    assert sum(county.values()) == value - base


@pytest.mark.parametrize("code", ["BF01", "TE04"])
def test_a_township_that_lost_its_last_enterprise_keeps_a_row(marts: duckdb.DuckDBPyConnection, code: str) -> None:
    for unit, kept, growth in ((LEFT, 0, None), (KEPT, 100, -100)):
        assert january(marts, code, unit, "reported") == (0, 100, -100, 0, 0)
        assert january(marts, code, unit, "comparable") == (0, kept, growth, 0, 0)
        assert bridge(marts, code, unit) == {"exit": -100}
    # the base that is kept is in the county's too: 130 against STAYS and LASTKEPT
    assert (january(marts, code, COUNTY, "comparable") or ())[:2] == (130, 200)


def test_silence_is_no_closure(marts: duckdb.DuckDBPyConnection) -> None:
    value, _, _, reported, expected = january(marts, "BF01", QUIET, "reported") or ()
    assert (value, reported, expected) == (None, 0, 1)
