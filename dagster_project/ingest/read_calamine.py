"""The first reader: python-calamine, for .xlsx, .xlsm, .xlsb, .xls and .ods.

Belongs here: turning its sheets into grids whose A1 addresses are exact, with the extras that it leaves out.
Does not belong here: finding those extras (read_xlsx.py, read_biff.py, read_xlsb.py, read_ods.py), dispatch (read.py).
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from dagster_project.ingest.grid import CellValue, Sheet
from dagster_project.ingest.read_common import Extras, Unreadable, guarded, put, short, tidy_row

# above this the sheet is converted row by row, so that blank rows never stand in memory as lists
_BLOCK = 200_000


class CalamineBook:
    """An open workbook of the first reader; every call raises Unreadable instead of panicking."""

    def __init__(self, content: bytes) -> None:
        def load() -> CalamineWorkbook:
            try:
                return CalamineWorkbook.from_filelike(io.BytesIO(content))
            except PasswordError:
                raise Unreadable("read.password") from None
            except CalamineError as fault:
                raise Unreadable("read.damaged", detail=short(str(fault))) from None

        with _quiet():
            self._book = guarded(load)
        self._sheets = list(self._book.sheets_metadata)

    @property
    def names(self) -> list[str]:
        """Names of all sheets in order, those without a grid (charts) too."""
        return [sheet.name for sheet in self._sheets]

    def has_grid(self, index: int) -> bool:
        return self._sheets[index].typ in (SheetTypeEnum.WorkSheet, SheetTypeEnum.MacroSheet)

    def is_hidden(self, index: int) -> bool:
        return self._sheets[index].visible != SheetVisibleEnum.Visible

    def sheet(self, index: int, extras: Extras) -> Sheet:
        """One sheet as a grid; raises Unreadable."""

        def load() -> Sheet:
            try:
                source = self._book.get_sheet_by_index(index)
            except CalamineError as fault:
                raise Unreadable("read.damaged", detail=short(str(fault))) from None
            rows = _rows(source)
            merges = extras.merges
            if merges is None:
                merges = [
                    (top, left, bottom, right) for (top, left), (bottom, right) in source.merged_cell_ranges or ()
                ]
            return Sheet(source.name, rows, merges, self.is_hidden(index))

        with _quiet():
            sheet = guarded(load)
        apply_extras(sheet, extras)
        return sheet


@contextmanager
def _quiet() -> Iterator[None]:
    """What a panic prints is no word for a clerk: standard error goes nowhere while the first reader works."""
    try:
        kept = os.dup(2)
    except OSError:
        yield  # there is no standard error
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _rows(source: Any) -> list[list[CellValue]]:
    start = source.start
    if start is None:
        return []
    top, left = start
    rows: list[list[CellValue]] = [tidy_row((), 0) for _ in range(top)]
    body: Iterator[Any]
    if source.height * source.width <= _BLOCK:
        body = iter(source.to_python(skip_empty_area=True))
    else:
        # iter_rows begins at row 1, to_python at the first used row
        body = islice(source.iter_rows(), top, None)
    rows.extend(tidy_row(row, left) for row in body)
    return rows


def apply_extras(sheet: Sheet, extras: Extras) -> None:
    """Put what the first reader lost back into a grid."""
    for (row, column), text in extras.texts.items():
        put(sheet.rows, row, column, text)
    for (row, column), width in extras.padded.items():
        value = sheet.value(row, column)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 and value == int(value):
            put(sheet.rows, row, column, str(int(value)).zfill(width))
    sheet.percents = frozenset(extras.percents)
    sheet.uncached = frozenset(extras.uncached)
    sheet.hidden_rows = frozenset(row for row in extras.hidden_rows if row < len(sheet.rows))
    width = sheet.width if extras.hidden_columns else 0
    sheet.hidden_columns = frozenset(column for column in extras.hidden_columns if column < width)
