"""A table as CSV that Excel opens rightly: UTF-8 with its mark, one heading row, no cell that would be run.

Belongs here: the text of the file. Does not belong here: what the table holds (tables.py).

What a workbook says above and below its table (months, unit, basis, version, the day whose knowledge it shows) stands here
in a last column, the same in every row: lines before or after the table would break whoever reads it with a program.
"""

from __future__ import annotations

import csv
import io
from typing import TextIO

from dashboard.export.tables import Table, Value

MARK = "\ufeff"
# What Excel and WPS take for the beginning of a formula.
RUNS = ("=", "+", "-", "@", "\t", "\r")


def write(table: Table, said: tuple[str, str] | None = None) -> bytes:
    """The table's rows below one heading row; merged headings are joined by a space. Numbers are unrounded.

    `said` is heading and text of the last column, which says what the figures are.
    """
    out = io.StringIO()
    into(table, out, said)
    return out.getvalue().encode("utf-8")


def into(table: Table, out: TextIO, said: tuple[str, str] | None = None) -> None:
    """The same into an open text file (UTF-8, no translation of line ends), row by row."""
    out.write(MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    head, last = ([said[0]], [cell(said[1])]) if said else ([], [])
    writer.writerow([*(" ".join(dict.fromkeys(column.heading)) for column in table.columns), *head])
    for values in table.rows:
        writer.writerow([*(cell(value) for value in values), *last])


def cell(value: Value) -> str:
    """A value as its field: an absent one empty, 0 as 0, a text that a spreadsheet would run behind an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(RUNS) else value
    return f"{value:f}" if not isinstance(value, int) else str(value)
