"""Rows of a query as a table, CSV or JSON, without losing a digit.

Belongs here: turning column names and rows into text.
Does not belong here: running the query (commands/query.py), opening files.
"""

from __future__ import annotations

import csv
import json
import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TextIO

NULL_TEXT = "NULL"
# A spreadsheet program runs a text cell that starts so as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def unique_names(names: Sequence[str]) -> list[str]:
    """Column names made distinct (`a, a` → `a, a_1`), so that a JSON object keeps every column."""
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        candidate, count = name, 0
        while candidate in taken:
            count += 1
            candidate = f"{name}_{count}"
        taken.add(candidate)
        result.append(candidate)
    return result


def plain(value: Any) -> str:
    """One value as text; decimals keep all their digits and never turn to exponents."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, list | tuple | dict):
        return json_text(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def json_text(value: Any) -> str:
    """One value as JSON. A decimal is a number with all its digits; a number that JSON cannot say (NaN) is null."""
    if value is None:
        return "null"
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float):
        return json.dumps(value) if math.isfinite(value) else "null"
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else "null"
    if isinstance(value, date | time):
        return json.dumps(value.isoformat())
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(plain(key), ensure_ascii=False)}: {json_text(v)}" for key, v in value.items())
        return "{" + inner + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(json_text(item) for item in value) + "]"
    return json.dumps(plain(value), ensure_ascii=False)


def json_lines(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A JSON array of objects, one object a line, as chunks of text."""
    keys = [json.dumps(name, ensure_ascii=False) for name in unique_names(names)]
    yield "["
    separator = "\n"
    for row in rows:
        pairs = ", ".join(f"{key}: {json_text(value)}" for key, value in zip(keys, row, strict=True))
        yield f"{separator}{{{pairs}}}"
        separator = ",\n"
    yield "\n]\n"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def spreadsheet_safe(value: Any) -> Any:
    """A text that a spreadsheet program would run as a formula gets an apostrophe in front; numbers stay."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS) and not _is_number(value):
        return "'" + value
    return value


def write_csv(handle: TextIO, names: Sequence[str], rows: Iterable[Sequence[Any]], *, for_spreadsheet: bool) -> int:
    """Write RFC 4180 lines; NULL is an empty field. Returns the number of rows."""
    writer = csv.writer(handle, lineterminator="\r\n" if for_spreadsheet else "\n")
    writer.writerow(names)
    count = 0
    for row in rows:
        values = map(spreadsheet_safe, row) if for_spreadsheet else row
        writer.writerow(["" if value is None else plain(value) for value in values])
        count += 1
    return count


def display_width(text: str) -> int:
    """Columns that a terminal uses: two for wide and full-width characters, none for combining marks."""
    width = 0
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
            continue
        width += 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
    return width


def _pad(text: str, width: int, right: bool) -> str:
    fill = " " * (width - display_width(text))
    return fill + text if right else text + fill


def table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table for the eye: aligned by display width, numbers to the right, NULL told apart from an empty text."""
    cells = [[NULL_TEXT if value is None else plain(value).replace("\n", "⏎") for value in row] for row in rows]
    widths = [
        max([display_width(name), *(display_width(row[index]) for row in cells)]) for index, name in enumerate(names)
    ]
    numeric = [
        any(row[index] is not None for row in rows)
        and all(
            row[index] is None or (isinstance(row[index], int | float | Decimal) and not isinstance(row[index], bool))
            for row in rows
        )
        for index in range(len(names))
    ]
    lines = [
        "  ".join(_pad(name, widths[i], numeric[i]) for i, name in enumerate(names)).rstrip(),
        "  ".join("-" * width for width in widths),
    ]
    lines += ["  ".join(_pad(cell, widths[i], numeric[i]) for i, cell in enumerate(row)).rstrip() for row in cells]
    return "\n".join(lines)
