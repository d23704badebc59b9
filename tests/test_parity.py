"""The published figures agree with a second computation that shares no line with the SQL.

Belongs here: a small county, cell by cell, in every column that the second computation has. Does not belong
here: the arithmetic (benchmarks/parity.py) and the whole county at full length (python -m benchmarks.parity).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.parity import COLUMNS, Parity, compare
from dagster_project.settings import PROJECT_ROOT

TEW = str(Path(sys.executable).with_name("tew"))


@pytest.fixture(scope="module")
def parity(tmp_path_factory: pytest.TempPathFactory) -> Parity:
    home = tmp_path_factory.mktemp("parity")
    environment = {**os.environ, "TEW_HOME": str(home)}
    for arguments in (["demo", "--months", "3"], ["refresh"]):
        subprocess.run([TEW, *arguments], env=environment, check=True, capture_output=True)
    version = (home / "published" / "CURRENT").read_text(encoding="utf-8").strip()
    return Parity(home / "published" / version / "warehouse.duckdb", PROJECT_ROOT / "seeds" / "reference")


@pytest.fixture(scope="module")
def ours(parity: Parity) -> dict[Any, dict[str, Any]]:
    return parity.rows()


@pytest.mark.slow
def test_every_cell_agrees(parity: Parity, ours: dict[Any, dict[str, Any]]) -> None:
    by_column: dict[str, dict[str, Any]] = {entry["column"]: entry for entry in compare(ours, parity.theirs)}
    assert by_column["(row)"]["compared"] > 4000
    assert set(by_column) == {"(row)", *COLUMNS}
    wrong = {
        column: entry["examples"]
        for column, entry in by_column.items()
        if entry["different"] or entry["only_ours"] or entry["only_theirs"]
    }
    assert wrong == {}


@pytest.mark.slow
def test_a_changed_cell_is_found(parity: Parity, ours: dict[Any, dict[str, Any]]) -> None:
    spoiled = [dict(row) for row in parity.theirs]
    row = next(r for r in spoiled if r["indicator_code"] == "TE01" and r["level"] == "county")
    row["value_ytd"] += 1
    entry = next(e for e in compare(ours, spoiled) if e["column"] == "value_ytd")
    assert entry["different"] == 1
