"""The specimens again, as other hands would send them: moved, saved as other kinds of file, under other names.

Belongs here: variants made from the specimens, held against expected.csv figure by figure.
Does not belong here: the specimens themselves (test_real_files.py), single traps (test_layouts.py).
"""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from dagster_project.ingest.grid import Sheet, cell_text
from dagster_project.ingest.parse import parse
from dagster_project.ingest.read import read_workbook
from dagster_project.ingest.resolve import Directory, resolve
from dagster_project.ingest.vocabulary import Vocabulary
from dagster_project.reference import Reference

RECEIVED = date(2026, 11, 24)


def shown(grid: Sheet, row: int, column: int) -> str:
    """The cell as a text export writes it."""
    value = grid.value(row, column)
    if (row, column) in grid.percents and isinstance(value, float):
        return f"{100 * value:.10g}%"
    return cell_text(value)


def moved(grid: Sheet) -> bytes:
    """Three blank rows above, two blank columns at the left, merges kept."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row, cells in enumerate(grid.rows):
        for column, value in enumerate(cells):
            if value is not None and value != "":
                cell = sheet.cell(row + 4, column + 3, value)
                if (row, column) in grid.percents:
                    cell.number_format = "0.0%"
    for top, left, bottom, right in grid.merges:
        sheet.merge_cells(start_row=top + 4, start_column=left + 3, end_row=bottom + 4, end_column=right + 3)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def web_page(grid: Sheet) -> bytes:
    """An HTML table that is named .xls, in GBK, as web platforms export it."""
    spans = {(top, left): (bottom - top + 1, right - left + 1) for top, left, bottom, right in grid.merges}
    covered = {
        (row, column)
        for top, left, bottom, right in grid.merges
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
    } - set(spans)
    lines = []
    for row in range(len(grid.rows)):
        line = []
        for column in range(grid.width):
            if (row, column) in covered:
                continue
            down, across = spans.get((row, column), (1, 1))
            line.append(f'<td rowspan="{down}" colspan="{across}">{html.escape(shown(grid, row, column))}</td>')
        lines.append(f"<tr>{''.join(line)}</tr>")
    page = f'<html><head><meta charset="gbk"></head><body><table>{"".join(lines)}</table></body></html>'
    return page.encode("gb18030")


def semicolons(grid: Sheet) -> bytes:
    """Text with semicolons in GB18030; merged cells leave blanks, as Excel writes them."""
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(
        [shown(grid, row, column) for column in range(grid.width)] for row in range(len(grid.rows))
    )
    return out.getvalue().encode("gb18030")


# what other offices call the same; each stands whole in a cell
WORDS = {
    "实交税金": "上缴税金",
    "同期": "上年同期数",
    "去年同期累计": "去年同期数",
    "±%": "增长%",
    "指标名称": "指标",
    "本月止累计": "累计",
    "企业名称": "单位名称",
    "所在乡镇": "乡镇",
    "统一社会信用代码": "社会信用代码",
}


def other_words(grid: Sheet) -> bytes:
    """The same table with other headings."""
    for cells in grid.rows:
        cells[:] = [WORDS.get(value.strip(), value) if isinstance(value, str) else value for value in cells]
    return moved(grid)


VARIANTS: dict[str, tuple[str, Callable[[Sheet], bytes]]] = {
    "moved": ("b.xlsx", moved),
    "web page": ("b.xls", web_page),
    "other words": ("c.xlsx", other_words),
    "semicolons": ("b.csv", semicolons),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_expected_figures_of_variants(
    shared_workbooks: Path, vocabulary: Vocabulary, county_reference: Reference, variant: str
) -> None:
    name, write = VARIANTS[variant]
    folder = shared_workbooks / "specimens"
    directory = Directory.from_reference(county_reference, vocabulary)
    held: dict[tuple[str, ...], Decimal | None] = {}
    for path in sorted(folder.glob("0*")):
        grids = [grid for grid in read_workbook(path.read_bytes(), path.name, vocabulary.messages).sheets if grid.rows]
        for number, grid in enumerate(grids):
            intake = resolve(parse(write(grid), f"{number}{name}", vocabulary), directory, vocabulary, RECEIVED)
            directory.learn(intake)
            for one in intake.parsed.observations:
                if one.status == "accepted":
                    key = (path.name, one.indicator_code, one.level, str(one.unit_id), str(one.period), one.measure)
                    held[key] = one.value
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as handle:
        expected = list(csv.DictReader(handle))
    parts = ("file", "indicator_code", "level", "unit", "period", "measure")
    wanted = {tuple(row[part] for part in parts): Decimal(row["value"]) if row["value"] else None for row in expected}
    assert {key: held.get(key, "lacking") for key in wanted} == wanted
