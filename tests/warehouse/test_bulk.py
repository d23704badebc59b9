"""Many rows at once: what goes in comes out, whatever a column repeats."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dagster_project.warehouse.bulk import insert_rows

TABLE = "CREATE TABLE t (id VARCHAR NOT NULL, text VARCHAR, value DECIMAL(24, 6), day DATE, flag BOOLEAN, n INTEGER)"
ODD = 'she said "a, b"\nand left'


@pytest.mark.parametrize(
    "rows",
    [
        [("a", ODD, Decimal("1.5"), date(2026, 1, 1), True, 7)],
        [("a", None, None, None, None, None)] * 3,
        [("a", "", Decimal("-0.000001"), date(2026, 1, 1), False, 0)] * 3,
        [("a", ODD, None, date(2026, 1, 1), True, 7), ("b", None, Decimal(2), None, None, None), ("b", "", None, None, True, 7)],
        [("a", ODD, Decimal(1), None, True, 1), ("b", ODD, Decimal(2), None, True, 2), ("c", ODD, None, None, True, 3)],
    ],
)  # fmt: skip
def test_rows_come_back_as_they_went_in(rows: list[tuple[object, ...]], tmp_path: Path) -> None:
    connection = duckdb.connect()
    connection.execute(TABLE)
    assert insert_rows(connection, "t", rows, tmp_path) == len(rows)
    assert connection.execute("SELECT * FROM t").fetchall() == rows
    assert not list(tmp_path.iterdir())


def test_what_utf8_cannot_hold_becomes_a_question_mark(tmp_path: Path) -> None:
    connection = duckdb.connect()
    connection.execute(TABLE)
    for texts in (("\udcff", "\udcff"), ("\udcff", "b")):
        insert_rows(connection, "t", [("a", text, None, None, None, None) for text in texts], tmp_path)
    assert connection.execute("SELECT text FROM t").fetchall() == [("?",), ("?",), ("?",), ("b",)]
