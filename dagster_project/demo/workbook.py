"""Sheets as the demonstration writes them: cells, what stands behind them, and the bytes of the file.

Belongs here: the grid that a layout fills, the record of each cell that carries a figure, rendering to .xlsx and CSV.
Does not belong here: which cells there are (layouts.py), the truth files (truth.py).
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

import xlsxwriter

from dagster_project.ingest.grid import address

LABEL = "合成数据"

CellContent = str | int | float | Decimal | date | None


@dataclass(frozen=True)
class Fact:
    """One cell that carries a figure, as an honest reader finds it.

    `value` is in the indicator's stored unit; exactly one of `value` and `null_reason` is set. `defect` names the row of
    defects.csv that spoils it; `is_optional` marks a cell that a reader may also leave out (a printed rate of a mine).
    """

    indicator: str
    level: str
    unit_id: str
    township: str | None
    period: date
    measure: str
    value: Decimal | None
    null_reason: str | None = None
    sheet: str = ""
    cell: str = ""
    raw_text: str = ""
    is_carried: bool = False
    is_optional: bool = False
    defect: str | None = None

    @property
    def key(self) -> tuple[str, str, str, date, str]:
        return (self.indicator, self.level, self.unit_id, self.period, self.measure)


@dataclass(frozen=True)
class Defect:
    """One planted fault, at its cell. `expectation` is must (a reader has to report it), may, or none (has to read it)."""

    defect_id: str
    kind: str
    rule: str
    severity: str
    expectation: str
    planted: str
    sheet: str = ""
    cell: str = ""
    raw_text: str = ""
    indicator: str = ""
    unit_id: str = ""
    period: date | None = None


@dataclass
class Sheet:
    """A grid under construction; rows and columns count from zero."""

    name: str
    cells: dict[tuple[int, int], tuple[CellContent, str]] = field(default_factory=dict)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    widths: dict[int, float] = field(default_factory=dict)

    def put(self, row: int, column: int, content: CellContent, style: str = "body") -> None:
        self.cells[row, column] = (content, style)

    def merge(self, row: int, column: int, last_row: int, last_column: int, content: CellContent, style: str) -> None:
        self.put(row, column, content, style)
        if (row, column) != (last_row, last_column):
            self.merges.append((row, column, last_row, last_column))

    def total(self, row: int, column: int, content: Decimal, first: int, last: int, style: str = "number") -> None:
        """A cell whose formula sums rows first..last of its column, with the value that the office program kept."""
        self.put(row, column, content, style)
        letter = address(0, column)[:-1]
        self.formulas[row, column] = f"=SUM({letter}{first + 1}:{letter}{last + 1})"

    def text(self, row: int, column: int) -> str:
        content = self.cells.get((row, column), (None, ""))[0]
        return "" if content is None else str(content)

    @property
    def height(self) -> int:
        return max((row for row, _ in self.cells), default=-1) + 1


@dataclass
class Book:
    """One file: its sheets, the facts and defects of its cells."""

    file_name: str
    form: str
    period: date
    title: str
    sheets: list[Sheet] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)

    def sheet(self, name: str = "Sheet1") -> Sheet:
        sheet = Sheet(name)
        self.sheets.append(sheet)
        return sheet

    def renamed_sheet(self, name: str) -> None:
        """A CSV has one sheet, named as its reader names it."""
        self.facts = [replace(fact, sheet=name) for fact in self.facts]
        self.defects = [replace(defect, sheet=name) for defect in self.defects]


_STYLES: dict[str, dict[str, object]] = {
    "title": {"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"},
    "note": {"font_size": 10},
    "unit": {"font_size": 10, "align": "right"},
    "head": {"bold": True, "align": "center", "valign": "vcenter", "border": 1, "text_wrap": True},
    "body": {"border": 1},
    "middle": {"border": 1, "valign": "vcenter"},
    "number": {"border": 1, "align": "right"},
    "rate": {"border": 1, "align": "right", "num_format": "0.0"},
    "date": {"border": 1, "num_format": "yyyy-mm-dd"},
}


def render_xlsx(book: Book, created: datetime) -> bytes:
    """The workbook as .xlsx, the same bytes for the same content: archive times are fixed, `created` is given."""
    buffer = io.BytesIO()
    workbook = xlsxwriter.Workbook(buffer, {"in_memory": True})
    workbook.set_properties(
        {"title": book.title, "author": "示范县乡镇企业局", "comments": f"{LABEL} synthetic data", "created": created}
    )
    formats = {name: workbook.add_format({"font_name": "宋体", **style}) for name, style in _STYLES.items()}
    for sheet in book.sheets:
        worksheet = workbook.add_worksheet(sheet.name)
        for column, width in sheet.widths.items():
            worksheet.set_column(column, column, width)
        merged = {(row, column) for row, column, _, _ in sheet.merges}
        for row, column, last_row, last_column in sheet.merges:
            worksheet.merge_range(row, column, last_row, last_column, "", formats[sheet.cells[row, column][1]])
        for (row, column), (content, style) in sorted(sheet.cells.items()):
            look = formats[style]
            if (row, column) in sheet.formulas and isinstance(content, Decimal):
                worksheet.write_formula(row, column, sheet.formulas[row, column], look, _plain(content))
            elif content is None:
                worksheet.write_blank(row, column, None, look)
            elif isinstance(content, Decimal):
                worksheet.write_number(row, column, _plain(content), look)
            elif isinstance(content, (int, float)):
                worksheet.write_number(row, column, content, look)
            elif isinstance(content, date):
                worksheet.write_datetime(row, column, datetime(content.year, content.month, content.day), look)
            elif (row, column) in merged or content:
                worksheet.write_string(row, column, content, look)
        worksheet.set_landscape()
        worksheet.fit_to_pages(1, 0)
        worksheet.set_paper(9)
    workbook.close()
    return buffer.getvalue()


def render_csv(book: Book, encoding: str) -> bytes:
    """The first sheet as comma-separated text in the given encoding, as an office program saves it."""
    sheet = book.sheets[0]
    width = max(column for _, column in sheet.cells) + 1
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    for row in range(sheet.height):
        writer.writerow([sheet.text(row, column) for column in range(width)])
    return buffer.getvalue().encode(encoding)


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
