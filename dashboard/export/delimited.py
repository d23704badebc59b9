"""A table as CSV that Excel opens rightly: UTF-8 with its mark, one heading row, no cell that would be run.

Belongs here: the text of the file. Does not belong here: what the table holds (tables.py).
"""

from __future__ import annotations

import csv
import io
from typing import TextIO

from dashboard.export.tables import Table, Value

MARK = "\ufeff"
# What Excel and WPS take for the beginning of a formula.
RUNS = ("=", "+", "-", "@", "\t", "\r")


def write(table: Table) -> bytes:
    """The table's rows below one heading row; merged headings are joined by a space. Numbers are unrounded."""
    out = io.StringIO()
    into(table, out)
    return out.getvalue().encode("utf-8")


def into(table: Table, out: TextIO) -> None:
    """The same into an open text file (UTF-8, no translation of line ends), row by row."""
    out.write(MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(" ".join(dict.fromkeys(column.heading)) for column in table.columns)
    for values in table.rows:
        writer.writerow(cell(value) for value in values)


def cell(value: Value) -> str:
    """A value as its field: an absent one empty, 0 as 0, a text that a spreadsheet would run behind an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(RUNS) else value
    return f"{value:f}" if not isinstance(value, int) else str(value)
