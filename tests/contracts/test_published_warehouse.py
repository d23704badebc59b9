"""The published file keeps its promises: tables, columns, types, comments, portable storage (design 3.3, 3.4)."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest

from dagster_project.settings import PROJECT_ROOT, Settings
from tests.published import open_copy

CONTRACT = Path(__file__).with_name("marts_contract.csv")
MONEY_LIKE = {"value", "value_month", "value_ytd", "base_month", "base_ytd", "target_value", "actual_value"}
RATE_LIKE = {"growth_pct", "attainment_pct", "time_progress_pct", "gap_pp", "contribution_pp", "growth_change_pp"}


@pytest.fixture(scope="module")
def published(county_home: Settings) -> duckdb.DuckDBPyConnection:
    version = county_home.current.read_text(encoding="utf-8").strip()
    return open_copy(county_home.published / version / "warehouse.duckdb")


def contract() -> dict[str, list[str]]:
    with CONTRACT.open(encoding="utf-8", newline="") as handle:
        return {row["table"]: row["columns"].split() for row in csv.DictReader(handle)}


@pytest.mark.parametrize("table", sorted(contract()))
def test_promised_columns_are_there(published: duckdb.DuckDBPyConnection, table: str) -> None:
    rows = published.execute(
        "select column_name, data_type from duckdb_columns() where schema_name = 'marts' and table_name = ?", [table]
    ).fetchall()
    types = dict(rows)
    assert [name for name in contract()[table] if name not in types] == []
    for name, data_type in types.items():
        if table.startswith("fct_") and name in MONEY_LIKE:
            assert data_type == "DECIMAL(24,6)", f"{table}.{name} is {data_type}"
        if name in RATE_LIKE:
            assert data_type == "DOUBLE", f"{table}.{name} is {data_type}"
        if name == "period":
            assert data_type == "DATE", f"{table}.{name} is {data_type}"


def test_only_tables_and_macros_of_schema_marts_are_published(published: duckdb.DuckDBPyConnection) -> None:
    assert published.execute("select distinct schema_name from duckdb_tables()").fetchall() == [("marts",)]
    assert published.execute("select view_name from duckdb_views() where not internal").fetchall() == []


def test_every_mart_and_column_is_described(published: duckdb.DuckDBPyConnection) -> None:
    tables = published.execute("select table_name, comment from duckdb_tables() where schema_name = 'marts'").fetchall()
    columns = published.execute(
        "select table_name || '.' || column_name, comment from duckdb_columns() where schema_name = 'marts'"
    ).fetchall()
    assert len(tables) >= len(contract())
    assert [name for name, comment in tables + columns if not (comment or "").strip()] == []
    not_grain_first = [name for name, comment in tables if not comment.lower().startswith("one row per")]
    assert not_grain_first == [], "the first sentence of a mart's description is its grain"


def test_older_clients_can_open_the_file(county_home: Settings) -> None:
    """DuckDB's file header holds the storage version at byte 12: 64 is v1.0.0, what every 1.x client reads."""
    version = county_home.current.read_text(encoding="utf-8").strip()
    header = (county_home.published / version / "warehouse.duckdb").read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64


def test_no_write_ahead_log_is_left(county_home: Settings) -> None:
    assert list(county_home.published.rglob("*.wal")) == []


def test_dbt_layers() -> None:
    """Staging reads sources; intermediate reads staging and intermediate; marts never read raw."""
    import re

    models = PROJECT_ROOT / "dbt" / "models"
    allowed = {
        "staging": re.compile(r"^$"),
        "intermediate": re.compile(r"^(stg_|int_)"),
        "marts": re.compile(r"^(int_|dim_|fct_|stg_reference__|stg_)"),
    }
    seen = 0
    for layer, pattern in allowed.items():
        for path in (models / layer).rglob("*.sql"):
            seen += 1
            text = path.read_text(encoding="utf-8")
            if layer != "staging":
                assert "source(" not in text, f"{path.name} reads a source: only staging does"
            for name in re.findall(r"ref\(\s*['\"]([a-z_0-9]+)['\"]", text):
                assert pattern.match(name), f"{path.name} ({layer}) reads {name}"
            prefix = {"staging": ("stg_",), "intermediate": ("int_",), "marts": ("dim_", "fct_")}[layer]
            assert path.stem.startswith(prefix), f"{path.name} stands in {layer}"
    assert seen > 15
