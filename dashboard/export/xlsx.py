"""A table as an Excel workbook, ready to print: merged title and headings, unit line, number formats, page set-up.

Belongs here: looks of the sheet. Does not belong here: what the table holds (tables.py).

Every text is written as text: a name that begins with "=" must not become a formula in somebody's Excel. A table whose
rows are no tuple is large: it is written row by row in bounded memory, and its headings are merged sideways alone.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from dashboard.export.docx import merged
from dashboard.export.tables import Table, Value

MARGIN_INCHES = 0.5
PAPER_A4 = 9
# Sheet names may hold 31 characters and none of these.
SHEET_LENGTH = 31
FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


def write(table: Table, target: BinaryIO | str, *, footer: str, stamp: str, made_at: datetime, mark: str = "") -> int:
    """Write one sheet; gives the rows written.

    `footer` is the page count in Excel's codes, `stamp` stands below the table, `mark` (who took it out, and when) below it
    and on every printed page, `made_at` is the version's time: the
    file says when its figures were made, not when somebody clicked.
    """
    is_large = not isinstance(table.rows, tuple)
    options = {"constant_memory": is_large, "in_memory": not is_large, "strings_to_formulas": False}
    book = xlsxwriter.Workbook(target, {**options, "strings_to_urls": False, "strings_to_numbers": False})
    try:
        book.set_properties({"title": table.title, "comments": stamp, "created": made_at})
        sheet = book.add_worksheet(table.title.translate(FORBIDDEN)[:SHEET_LENGTH])
        return _fill(book, sheet, table, footer, tuple(filter(None, (stamp, mark))), is_large)
    finally:
        book.close()


def _fill(book: Any, sheet: Any, table: Table, footer: str, stamps: tuple[str, ...], is_large: bool) -> int:
    last = len(table.columns) - 1
    depth = len(table.columns[0].heading)
    bold = book.add_format({"bold": True, "align": "center", "font_size": 14})
    right = book.add_format({"align": "right", "font_size": 9})
    head = book.add_format(
        {"bold": True, "border": 1, "align": "center", "valign": "vcenter", "text_wrap": True, "font_size": 10}
    )
    note = book.add_format({"font_size": 9})
    text = book.add_format({"border": 1, "font_size": 10})
    # The words that stand for a number (not reported, new) stand where the number would.
    word = book.add_format({"border": 1, "font_size": 10, "align": "right"})
    formats = [
        text
        if column.decimals is None
        else book.add_format({"border": 1, "font_size": 10, "num_format": _code(column.decimals)})
        for column in table.columns
    ]
    for index, column in enumerate(table.columns):
        sheet.set_column(index, index, column.width)
    first = 2
    _across(sheet, 0, last, table.title, bold)
    _across(sheet, 1, last, table.unit_line, right)
    _headings(sheet, table, first, head, is_large)
    row = first + depth
    written = 0
    for values in table.rows:
        for index, value in enumerate(values):
            is_word = isinstance(value, str) and table.columns[index].decimals is not None
            _value(sheet, row, index, value, word if is_word else formats[index])
        row += 1
        written += 1
    for line in (*table.notes, *stamps):
        sheet.write_string(row, 0, line, note)
        row += 1
    sheet.freeze_panes(first + depth, 1)
    sheet.repeat_rows(first, first + depth - 1)
    sheet.print_area(0, 0, row - 1, last)
    sheet.set_paper(PAPER_A4)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(MARGIN_INCHES, MARGIN_INCHES, MARGIN_INCHES, MARGIN_INCHES)
    # In a footer an ampersand begins a code, and no more than 255 signs are read.
    printed = stamps[-1].replace("&", "&&")[:180] if len(stamps) > 1 else ""
    sheet.set_footer(f"&L&8{printed}&C{footer}" if printed else f"&C{footer}")
    return written


def _code(decimals: int) -> str:
    return "#,##0" + (f".{'0' * decimals}" if decimals else "")


def _across(sheet: Any, row: int, last: int, text: str, form: Any) -> None:
    if last:
        sheet.merge_range(row, 0, row, last, "", form)
    sheet.write_string(row, 0, text, form)


def _headings(sheet: Any, table: Table, first: int, form: Any, is_large: bool) -> None:
    for level, start, end, bottom, text in merged(table):
        # Written in bounded memory, a row that was left cannot be gone back to: no merging downwards.
        depth = level if is_large else bottom
        if (depth, end) != (level, start):
            sheet.merge_range(first + level, start, first + depth, end, "", form)
        sheet.write_string(first + level, start, text, form)


def _value(sheet: Any, row: int, column: int, value: Value, form: Any) -> None:
    if value is None:
        sheet.write_blank(row, column, None, form)
    elif isinstance(value, (Decimal, int)):
        sheet.write_number(row, column, float(value), form)
    else:
        sheet.write_string(row, column, value, form)
