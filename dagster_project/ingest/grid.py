"""The grid: a workbook as cells, whatever file kind it came from.

Belongs here: plain records of sheets and cells, A1 addresses.
Does not belong here: reading a file kind (read.py), meaning (parse.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from dagster_project.ingest.model import Issue

CellValue = str | float | int | bool | date | datetime | time | timedelta | None


@lru_cache(maxsize=16_384)
def column_letters(index: int) -> str:
    """Zero-based column index → spreadsheet letters (0 → A, 26 → AA)."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


@lru_cache(maxsize=65_536)
def address(row: int, column: int) -> str:
    """Zero-based row and column → A1 address. The same ones come in every sheet, and one text for all of them packs small."""
    return f"{_LETTERS[column] if 0 <= column < len(_LETTERS) else column_letters(column)}{row + 1}"


_LETTERS = tuple(column_letters(column) for column in range(256))


def cell_text(value: CellValue) -> str:
    """The cell as a person reads it: whole floats without '.0', dates in ISO form, None as ''."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        # a spreadsheet keeps and shows 15 digits; what float arithmetic adds beyond (16.900000000000002) nobody typed
        return f"{value:.15g}"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value)


@dataclass(slots=True)
class Sheet:
    """One sheet from A1 on; rows may differ in length and blank ones may be one shared list, so they are never altered.

    `merges` are inclusive zero-based (row, column, row, column).
    `percents` are the cells that show their number as a percentage: 0.125 there reads 12.5 %.
    `uncached` are formulas that no program has computed; their cells hold the formula as text, '=SUM(B3:B9)'.
    An error value stays a text, '#DIV/0!'. A number under a format such as 0000 is the text a person sees, '0610'.
    """

    name: str
    rows: list[list[CellValue]]
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    is_hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    percents: frozenset[tuple[int, int]] = frozenset()
    uncached: frozenset[tuple[int, int]] = frozenset()

    def value(self, row: int, column: int) -> CellValue:
        """The cell's own value; None beyond the grid."""
        if 0 <= row < len(self.rows) and 0 <= column < len(self.rows[row]):
            return self.rows[row][column]
        return None

    def text(self, row: int, column: int) -> str:
        return cell_text(self.value(row, column))

    @property
    def width(self) -> int:
        return max((len(row) for row in self.rows), default=0)


@dataclass(slots=True)
class Workbook:
    """All sheets of one file; `kind` by content: xlsx, xlsm, xlsb, xls, ods, csv, html, spreadsheetml, zip, unknown."""

    file_name: str
    kind: str
    sheets: list[Sheet] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
