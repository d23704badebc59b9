"""A small published warehouse made by hand: what `tew query`, `path`, `versions` and `rollback` need, in no time."""

from __future__ import annotations

import json

import duckdb
import pytest

from dagster_project.settings import Settings

VERSIONS = ("20261101T000000Z-000001", "20261102T000000Z-000002")


@pytest.fixture
def published_home(home: Settings) -> Settings:
    """Two versions; the second serves."""
    for number, version in enumerate(VERSIONS, 1):
        folder = home.published / version
        folder.mkdir(parents=True)
        with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
            connection.execute("CREATE SCHEMA marts")
            connection.execute(
                "CREATE TABLE marts.fct_observation AS SELECT * FROM (VALUES "
                "('城关街道', 123456789012345678.123456::DECIMAL(24,6), DATE '2026-10-01'), ('=1+1', NULL, NULL)"
                ") AS t(township, value, period)"
            )
            connection.execute(f"CREATE TABLE marts.which AS SELECT {number} AS version")
        manifest = {"version": version, "created_at": "2026-11-01T00:00:00", "size_bytes": 1, "rows": {"which": 1}}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    home.current.write_text(VERSIONS[-1] + "\n", encoding="utf-8")
    return home
