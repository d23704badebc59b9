"""Many rows into DuckDB at once: through a typed CSV file, since parameters are a hundred times slower.

Belongs here: encoding of Python values, the INSERT that reads them back, and the transaction around several of them.
Does not belong here: which rows, which tables (store.py, reference_tables.py).

Measured with 23 columns: executemany 900 rows/s, unnest of bound lists 50,000, this 140,000, most of it in Python.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

# Far above the 32,767 characters of a cell times the columns of a row.
MAX_LINE = 16_000_000


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All statements of the block or, after whatever ends it early, none."""
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        # A connection that an error has closed already has nothing to take back; the error itself is what counts.
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _text(value: Any) -> str | None:
    """A value as DuckDB casts it from text."""
    return value if value is None or value.__class__ is str else str(value)


def _encode(value: Any) -> str:
    if value is None:
        return ""
    if value.__class__ is str:
        return '"' + value.replace('"', '""') + '"'
    return str(value)


def _is_one(values: Sequence[Any]) -> bool:
    """Whether a column says the same from top to bottom: many do; where not, the last row mostly tells."""
    return bool(values[-1] == values[0]) and values.count(values[0]) == len(values)


def _encode_column(values: Sequence[Any], kind: str) -> list[str]:
    """Most columns repeat a few values: each of those is encoded once."""
    if kind.startswith("DECIMAL"):
        # counting figures takes longer than writing them
        return ["" if value is None else str(value) for value in values]
    distinct = set(values)
    if len(distinct) * 2 < len(values):
        known = {value: _encode(value) for value in distinct}
        return list(map(known.__getitem__, values))
    if any(value.__class__ is str and '"' in value for value in distinct):
        return [_encode(value) for value in values]
    return ["" if value is None else f'"{value}"' if value.__class__ is str else str(value) for value in values]


def column_types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Column → type of `schema.table`, in order."""
    return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {table}").fetchall()}


def insert_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]], spool: Path) -> int:
    """Insert `rows` (values in the table's column order) into `schema.table`; returns their number.

    `spool` is a folder for the passing file. Text keeps every character, NULL stays apart from '';
    lone surrogates, which UTF-8 cannot hold, become '?'. Takes part in the connection's transaction.
    """
    if not rows:
        return 0
    types = column_types(connection, table)
    columns = list(zip(*rows, strict=True))
    if len(columns) != len(types):
        raise ValueError(f"{table}: rows of {len(columns)} values, the table has {len(types)} columns")
    spool.mkdir(parents=True, exist_ok=True)
    path = spool / f"{os.getpid()}-{table}.csv"
    # What one column says of all rows stands in the statement. The first goes into the file all the same: a row of
    # NULLs alone would be an empty line, which the reader skips, and no table may leave its first column blank.
    written: list[list[str]] = []
    declared: list[str] = []
    chosen: list[str] = []
    given: dict[str, str | None] = {"path": str(path)}
    for number, ((name, kind), values) in enumerate(zip(types.items(), columns, strict=True)):
        if number and _is_one(values):
            text = _text(values[0])
            given[f"value{number}"] = None if text is None else text.encode("utf-8", "replace").decode()
            chosen.append(f"CAST($value{number} AS {kind})")
        else:
            written.append(_encode_column(values, kind))
            declared.append(f"'{name}': '{kind}'")
            chosen.append(f'"{name}"')
    try:
        with path.open("w", encoding="utf-8", errors="replace", newline="") as handle:
            handle.write("\n".join(map(",".join, zip(*written, strict=True))))
            handle.write("\n")
        connection.execute(
            f"INSERT INTO {table} SELECT {', '.join(chosen)} FROM read_csv($path, header = false, delim = ',', "
            "quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, auto_detect = false, "
            f"new_line = '\\n', strict_mode = true, max_line_size = {MAX_LINE}, "
            f"columns = {{{', '.join(declared)}}})",
            given,
        )
    finally:
        path.unlink(missing_ok=True)
    return len(rows)
