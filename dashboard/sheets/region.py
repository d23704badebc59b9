"""The part of a sheet around one cell, as its reporter saw it: merged headings, labels, neighbours, the cell marked.

Belongs here: which rows and columns are shown, and the table made of them; pure.
Does not belong here: reading the workbook (ingest/read.py), who may see it (routes.py), wording (i18n/).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dagster_project.ingest.grid import Sheet, column_letters
from dashboard.components import html
from dashboard.components.links import attribute, hidden

# So much of a sheet is shown: headings on top, labels to the left, neighbours on every side.
HEAD_ROWS = 8
LABEL_COLUMNS = 3
AROUND_ROWS = 3
AROUND_COLUMNS = 3
LONGEST = 200
_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
# A place in the table: an index of the sheet, or None for what is left out between its neighbours.
Slot = int | None


def position(address: str) -> tuple[int, int] | None:
    """Zero-based row and column of an A1 address; None where it is none."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]) - 1, column - 1


def slots(wanted: set[int]) -> list[Slot]:
    """The indexes in order, with None where some between two of them are left out."""
    shown: list[Slot] = []
    for index in sorted(wanted):
        last = shown[-1] if shown else None
        if last is not None and index > last + 1:
            shown.append(None)
        shown.append(index)
    return shown


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def shown_rows(sheet: Sheet, row: int, column: int) -> list[Slot]:
    """The heading rows (those above the column's first number), and the neighbours of the row."""
    first = next((index for index in range(row + 1) if _is_number(sheet.value(index, column))), row)
    near = range(max(0, row - AROUND_ROWS), min(len(sheet.rows), row + AROUND_ROWS + 1))
    return slots({*range(min(first, HEAD_ROWS)), *near, row})


def shown_columns(sheet: Sheet, row: int, column: int) -> list[Slot]:
    """The columns that name the row (its first texts), and the neighbours of the column."""
    texts = [index for index in range(column) if isinstance(sheet.value(row, index), str)]
    near = range(max(0, column - AROUND_COLUMNS), min(sheet.width, column + AROUND_COLUMNS + 1))
    return slots({*texts[:LABEL_COLUMNS], *near, column})


def _covered(shown: list[Slot], first: int, last: int) -> list[int]:
    """Places of the table that a merge from `first` to `last` covers; a gap counts where both its sides do."""
    found = []
    for place, index in enumerate(shown):
        before = shown[place - 1] if index is None else index
        after = shown[place + 1] if index is None else index
        if before is not None and after is not None and first <= before and after <= last:
            found.append(place)
    return found


def text(sheet: Sheet, row: int, column: int) -> str:
    """A cell as it reads on screen: a percentage as one, long texts cut."""
    value = sheet.value(row, column)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and (row, column) in sheet.percents:
        return f"{float(value) * 100:.12g}%"
    return sheet.text(row, column)[:LONGEST]


def table(sheet: Sheet, row: int, column: int, t: Callable[..., str]) -> html.Table:
    """The region around a cell, with the sheet's own letters and numbers at its edges."""
    rows, columns = shown_rows(sheet, row, column), shown_columns(sheet, row, column)
    spans: dict[tuple[int, int], tuple[int, int, int, int]] = {}
    taken: set[tuple[int, int]] = set()
    for top, left, bottom, right in sheet.merges:
        down, across = _covered(rows, top, bottom), _covered(columns, left, right)
        if not down or not across or (len(down) == 1 and len(across) == 1 and (top, left) == (bottom, right)):
            continue
        spans[down[0], across[0]] = (top, left, len(down), len(across))
        taken |= {(one, other) for one in down for other in across} - {(down[0], across[0])}
    head = [
        html.Th("", className="edge"),
        *[html.Th(_letters(index), scope="col", className="edge") for index in columns],
    ]
    body = []
    for place, index in enumerate(rows):
        cells: list[Any] = [html.Th("⋮" if index is None else str(index + 1), scope="row", className="edge")]
        for beside, other in enumerate(columns):
            if (place, beside) in taken:
                continue
            merge = spans.get((place, beside))
            at: tuple[Slot, Slot] = merge[:2] if merge else (index, other)
            depth, width = merge[2:] if merge else (1, 1)
            cells.append(_cell(sheet, at, depth, width, (row, column), t))
        body.append(html.Tr(cells))
    caption = t("sheet.caption", sheet=sheet.name, cell=f"{column_letters(column)}{row + 1}")
    return html.Table(
        [html.Caption(caption, className="visually-hidden"), html.Thead(html.Tr(head)), html.Tbody(body)],
        className="grid sheet",
    )


def _letters(index: Slot) -> str:
    return "⋯" if index is None else column_letters(index)


def _cell(
    sheet: Sheet, at: tuple[Slot, Slot], depth: int, width: int, marked: tuple[int, int], t: Callable[..., str]
) -> html.Td:
    row, column = at
    if row is None or column is None:
        return html.Td("", className="left-out", rowSpan=depth, colSpan=width)
    content: Any = text(sheet, row, column)
    classes = ["num"] if _is_number(sheet.value(row, column)) else []
    if depth > 1 or width > 1:
        classes.append("merged")
    options: dict[str, Any] = {}
    if (row, column) == marked:
        classes.append("marked")
        content = [html.Strong(content), hidden(f" {t('sheet.this_cell')}")]
        options = attribute("aria-current", "true")
    return html.Td(content, className=" ".join(classes) or None, rowSpan=depth, colSpan=width, **options)
