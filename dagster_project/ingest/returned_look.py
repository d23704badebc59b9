"""The look of an old .xls for the .xlsx that comes back: number formats, fonts, borders, fills, alignment, sizes.

Belongs here: reading styles with xlrd and writing them with openpyxl. Does not belong here: values, merges, marks
(returned.py). Formulas are not here: BIFF keeps them as compiled tokens, and what comes back are their values.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

# [MS-XLS] 2.5.11 BorderStyle, 2.5.131 FillPattern, 2.5.143 HorizAlign, 2.5.293 VertAlign
_LINES = (
    None,
    "thin",
    "medium",
    "dashed",
    "dotted",
    "thick",
    "double",
    "hair",
    "mediumDashed",
    "dashDot",
    "mediumDashDot",
    "dashDotDot",
    "mediumDashDotDot",
    "slantDashDot",
)
_SOLID = 1
_ACROSS = ("general", "left", "center", "right", "fill", "justify", "centerContinuous", "distributed")
_DOWN = ("top", "center", "bottom", "justify", "distributed")
# Styles of cells beyond these are nobody's table.
_MOST_ROWS, _MOST_COLUMNS = 5000, 256


def dress(content: bytes, pages: Sequence[Worksheet]) -> bool:
    """Give the pages, in the order of the file's sheets, its look; False where it cannot be read as old .xls.

    Number formats are only set where the page has a number: a code such as 0610 was written as the text a person sees.
    """
    import xlrd

    try:
        book = xlrd.open_workbook(file_contents=content, formatting_info=True, logfile=io.StringIO())
        if book.nsheets != len(pages):
            return False
        styles: dict[int, dict[str, Any]] = {}
        for sheet, page in zip(book.sheets(), pages, strict=True):
            _dress_sheet(book, sheet, page, styles)
    except Exception:  # the look is not worth the figures: they come back plain
        return False
    return True


def _dress_sheet(book: Any, sheet: Any, page: Worksheet, styles: dict[int, dict[str, Any]]) -> None:
    for column, info in sheet.colinfo_map.items():
        if column < _MOST_COLUMNS and info.width:
            page.column_dimensions[get_column_letter(column + 1)].width = round(info.width / 256, 2)
    for row, info in sheet.rowinfo_map.items():
        if row < _MOST_ROWS and info.has_default_height != 1 and info.height:
            page.row_dimensions[row + 1].height = info.height / 20
    for row in range(min(sheet.nrows, _MOST_ROWS)):
        for column in range(min(sheet.row_len(row), _MOST_COLUMNS)):
            index = sheet.cell_xf_index(row, column)
            style = styles.get(index)
            if style is None:
                style = styles[index] = _style(book, index)
            cell = page.cell(row + 1, column + 1)
            for name in ("font", "alignment", "border", "fill"):
                if style[name] is not None:
                    setattr(cell, name, style[name])
            if style["number_format"] and isinstance(cell.value, (int, float)) and not isinstance(cell.value, bool):
                cell.number_format = style["number_format"]


def _style(book: Any, index: int) -> dict[str, Any]:
    xf = book.xf_list[index]
    font = book.font_list[xf.font_index]
    number = book.format_map.get(xf.format_key)
    fill = xf.background
    border = xf.border
    lines = {
        side: Side(_LINES[style], _colour(book, getattr(border, f"{side}_colour_index")))
        for side in ("left", "right", "top", "bottom")
        if 0 < (style := getattr(border, f"{side}_line_style")) < len(_LINES)
    }
    return {
        "font": Font(
            name=font.name or None,
            size=font.height / 20 if font.height else None,
            bold=bool(font.bold) or font.weight >= 700,
            italic=bool(font.italic),
            strike=bool(font.struck_out),
            underline="single" if font.underline_type else None,
            color=_colour(book, font.colour_index),
        ),
        "alignment": Alignment(
            horizontal=_ACROSS[xf.alignment.hor_align] if xf.alignment.hor_align < len(_ACROSS) else None,
            vertical=_DOWN[xf.alignment.vert_align] if xf.alignment.vert_align < len(_DOWN) else None,
            wrap_text=bool(xf.alignment.text_wrapped),
            indent=xf.alignment.indent_level,
        ),
        "border": Border(**lines) if lines else None,
        "fill": PatternFill("solid", fgColor=_colour(book, fill.pattern_colour_index) or "FFFFFF")
        if fill.fill_pattern == _SOLID
        else None,
        "number_format": number.format_str if number is not None and number.format_str != "General" else None,
    }


def _colour(book: Any, index: int) -> str | None:
    rgb = book.colour_map.get(index)
    return None if rgb is None else "{:02X}{:02X}{:02X}".format(*rgb)
