"""The specimens as other hands would send them: other order, units, rows, words, and kinds of file.

Belongs here: what each specimen's table looks like, the changes (pure, on a copy of the grid), the writers.
Does not belong here: what must come out of them (test_specimen_variants.py).
"""

from __future__ import annotations

import csv
import html
import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from xml.sax.saxutils import escape, quoteattr

import openpyxl

from dagster_project.ingest.grid import CellValue, Sheet, cell_text
from dagster_project.ingest.text import normalise


@dataclass(frozen=True)
class Shape:
    """A specimen's table: rows and columns from 0. `blocks` are runs of rows that belong together; `names` counts the
    columns that say whose or which row it is; `money` and `mass` are (rows, columns) of figures in one unit each."""

    head: tuple[int, int]
    blocks: tuple[tuple[int, int], ...]
    names: int
    money: tuple[tuple[range, tuple[int, ...]], ...] = ()
    mass: tuple[tuple[range, tuple[int, ...]], ...] = ()

    @property
    def body(self) -> range:
        return range(self.blocks[0][0], self.blocks[-1][1] + 1)


def _singles(first: int, last: int) -> tuple[tuple[int, int], ...]:
    return tuple((row, row) for row in range(first, last + 1))


SHAPES = {
    "00": Shape((1, 1), _singles(2, 11), 3),
    "01": Shape((2, 3), _singles(5, 17), 2, money=((range(4, 18), (2, 3, 4, 6, 7, 8, 10, 11, 12)),)),
    "02": Shape((2, 3), ((4, 5), (6, 7), (8, 8)), 1, money=((range(4, 9), (3, 4, 5)),)),
    "03": Shape(
        (2, 3),
        ((4, 5), (6, 7), (8, 9), (10, 12), (13, 14), (15, 16), (17, 18)),
        4,
        money=((range(4, 20), (5, 6, 7)),),
    ),
    "04": Shape((4, 5), _singles(6, 10), 1, money=((range(6, 10), (3, 4, 5)),)),
    "05": Shape((2, 3), _singles(4, 6), 2, mass=((range(4, 8), (2, 3, 4, 5, 6)),)),
    "06": Shape((1, 1), ((2, 5), (6, 9), (10, 13)), 2),
    "07": Shape((0, 0), _singles(1, 5), 0, money=((range(1, 6), (4, 5, 6, 7, 8)),)),
    "08": Shape((2, 2), ((3, 4),), 2, mass=((range(3, 5), tuple(range(2, 14))),)),
}


def copied(grid: Sheet) -> Sheet:
    """Rows of equal length that may be altered."""
    width = grid.width
    return replace(grid, rows=[[*row, *[None] * (width - len(row))] for row in grid.rows], merges=list(grid.merges))


# --------------------------------------------------------------------------------------------------------- the order


def _with_rows(grid: Sheet, order: Sequence[int | list[CellValue]]) -> Sheet:
    """Rows in another order; a list stands for a row of its own. Merges go along where their rows stay neighbours."""
    place = {row: number for number, row in enumerate(order) if isinstance(row, int)}
    rows = [
        list(grid.rows[row]) if isinstance(row, int) else [*row, *[None] * (grid.width - len(row))] for row in order
    ]
    merges = [
        (place[top], left, place[bottom], right)
        for top, left, bottom, right in grid.merges
        if top in place and bottom in place and place[bottom] - place[top] == bottom - top
    ]
    percents = frozenset((place[row], column) for row, column in grid.percents if row in place)
    return replace(grid, rows=rows, merges=merges, percents=percents)


def rows_swapped(grid: Sheet, shape: Shape) -> Sheet:
    """The last township, enterprise or item first."""
    inside = [row for first, last in reversed(shape.blocks) for row in range(first, last + 1)]
    order = [*range(shape.body[0]), *inside, *range(shape.body[-1] + 1, len(grid.rows))]
    return _with_rows(copied(grid), order)


def columns_swapped(grid: Sheet, shape: Shape, names_too: bool = False) -> Sheet:
    """The last group of columns first, and within a group the last column; with `names_too` the names come last."""
    grid = copied(grid)
    top = shape.head[0]
    groups: list[list[int]] = []
    column = 0 if names_too else shape.names
    while column < grid.width:
        right = max((m[3] for m in grid.merges if m[0] == top and m[1] == column), default=column)
        groups.append(list(range(column, right + 1))[::-1])
        column = right + 1
    order = [*range(0 if names_too else shape.names), *(one for group in reversed(groups) for one in group)]
    place = {old: new for new, old in enumerate(order)}
    table = range(top, len(grid.rows)) if shape.names == 0 else range(top, _last_row(grid, shape) + 1)
    for row in table:
        before = list(grid.rows[row])
        # what a merge shows stands in its first cell
        heads = {m[1]: min(place[c] for c in range(m[1], m[3] + 1)) for m in grid.merges if m[0] == row and m[3] > m[1]}
        grid.rows[row][:] = [None] * len(before)
        for old, value in enumerate(before):
            if value not in (None, ""):
                grid.rows[row][heads.get(old, place[old])] = value
    merges = []
    for m in grid.merges:
        if m[0] in table:
            places = [place[one] for one in range(m[1], m[3] + 1)]
            m = (m[0], min(places), m[2], max(places))
        merges.append(m)
    percents = frozenset((row, place[c] if row in table else c) for row, c in grid.percents)
    return replace(grid, merges=merges, percents=percents)


def _last_row(grid: Sheet, shape: Shape) -> int:
    """The table's last row, with the total below it."""
    last = shape.body[-1]
    below = [row for row in range(last + 1, len(grid.rows)) if any("合" in cell_text(v) for v in grid.rows[row][:3])]
    return below[0] if below and below[0] == last + 1 else last


# --------------------------------------------------------------------------------------------------------- the units


def _scaled(value: CellValue, factor: Decimal) -> CellValue:
    """A figure in another unit; texts that are no figure, or that carry a unit of their own, stay."""
    if isinstance(value, bool) or value in (None, ""):
        return value
    text = normalise(cell_text(value)).replace(",", "").strip()
    try:
        return float(Decimal(text) * factor)
    except InvalidOperation:
        return value


def _scale(grid: Sheet, where: Iterable[tuple[range, tuple[int, ...]]], factor: str) -> None:
    for rows, columns in where:
        for row in rows:
            for column in columns:
                grid.rows[row][column] = _scaled(grid.rows[row][column], Decimal(factor))


def _say(grid: Sheet, said: dict[tuple[int, int], str]) -> None:
    for (row, column), text in said.items():
        grid.rows[row][column] = text


def unit_of_the_sheet(grid: Sheet, shape: Shape, number: str) -> Sheet:
    """Another unit in the line above the table."""
    grid = copied(grid)
    if number == "01":
        _scale(grid, shape.money, "0.0001")
        _say(grid, {(1, 14): "单位：亿元、人、％"})
    elif number == "03":
        _scale(grid, shape.money, "10")
        _say(grid, {(1, 8): "计量单位:千元"})
    elif number == "04":
        _scale(grid, shape.money, "0.1")
        _say(grid, {(3, 4): "计量单位：万元"} | {(row, 1): "" for row in range(6, 10)})
    elif number == "05":
        _scale(grid, shape.mass, "0.0001")
        _say(grid, {(1, 10): "单位：万吨、人"})
    elif number == "08":
        _scale(grid, shape.mass, "0.0001")
        _say(grid, {(0, 6): "计量单位：万吨"})
    return grid


def unit_of_the_column(grid: Sheet, shape: Shape, number: str) -> Sheet:
    """Another unit in the heading, which counts more than the sheet's."""
    grid = copied(grid)
    if number == "01":
        _scale(grid, [(rows, columns[:3]) for rows, columns in shape.money], "10")
        _scale(grid, [(rows, columns[6:]) for rows, columns in shape.money], "10000")
        _say(grid, {(2, 2): "增加值(千元)", (2, 10): "实交税金（元）"})
    elif number == "03":
        _scale(grid, shape.money, "0.0001")
        _say(grid, {(2, 5): "工业总产值(现价)(亿元)"})
    elif number == "05":
        _scale(grid, shape.mass, "0.0001")
        _say(grid, {(2, 2): "原煤产量（万吨）", (2, 5): "销量（万吨）", (2, 6): "库存(万吨)"})
    elif number == "07":
        _scale(grid, [(rows, columns[:3]) for rows, columns in shape.money], "0.1")
        _scale(grid, [(rows, columns[3:]) for rows, columns in shape.money], "1000")
        for column in range(4, 9):
            text = cell_text(grid.rows[0][column])
            grid.rows[0][column] = text.replace("千元", "万元" if column < 7 else "元")
    return grid


def unit_of_the_row(grid: Sheet, shape: Shape, number: str) -> Sheet:
    """Each row in a unit of its own."""
    grid = copied(grid)
    if number == "02":
        for row, (unit, factor) in zip(range(4, 9), _UNITS_FROM_10K * 2, strict=False):
            _scale(grid, [(range(row, row + 1), (3, 4, 5))], factor)
            _say(grid, {(row, 1): unit})
    elif number == "04":
        for row, (unit, factor) in zip(range(6, 10), _UNITS_FROM_1K, strict=True):
            _scale(grid, [(range(row, row + 1), (3, 4, 5))], factor)
            _say(grid, {(row, 1): unit})
    elif number == "06":
        for row, (unit, factor) in zip((2, 3, 6, 7, 10, 11), _UNITS_FROM_10K * 2, strict=False):
            _scale(grid, [(range(row, row + 1), (4,))], factor)
            _say(grid, {(row, 2): unit})
    return grid


_UNITS_FROM_10K = (("亿元", "0.0001"), ("千元", "10"), ("元", "10000"))
_UNITS_FROM_1K = (("元", "1000"), ("万元", "0.1"), ("亿元", "0.00001"), ("千元", "1"))


def unit_in_the_cell(grid: Sheet, shape: Shape, number: str) -> Sheet:
    """A unit behind every figure of money, which counts more than any other."""
    grid = copied(grid)
    unit, factor = ("亿元", "0.0001") if number in ("01", "02", "03") else ("万元", "0.1")
    for rows, columns in shape.money:
        for row in rows:
            for column in columns:
                value = _scaled(grid.rows[row][column], Decimal(factor))
                if isinstance(value, float) and value:
                    grid.rows[row][column] = f"{value:.10g}{unit}"
    return grid


# ---------------------------------------------------------------------------------------------------------- the rows


def blank_rows_between(grid: Sheet, shape: Shape) -> Sheet:
    """A blank row after every township, enterprise or item."""
    order: list[int | list[CellValue]] = list(range(shape.body[0]))
    for first, last in shape.blocks:
        order += [*range(first, last + 1), []]
    return _with_rows(copied(grid), [*order, *range(shape.body[-1] + 1, len(grid.rows))])


def subtotals(grid: Sheet, shape: Shape) -> Sheet:
    """The sum of the rows so far after the third block, and again at the end, with their figures."""
    grid = copied(grid)
    named = 1 if shape.names > 1 else 0

    def total(word: str, rows: Iterable[int]) -> list[CellValue]:
        line: list[CellValue] = [None] * grid.width
        line[named] = word
        for column in range(max(shape.names, 2), grid.width):
            values = [grid.rows[row][column] for row in rows]
            figures = [value for value in values if isinstance(value, (int, float))]
            if figures:
                line[column] = float(sum(figures))
        return line

    order: list[int | list[CellValue]] = list(range(shape.body[0]))
    done: list[int] = []
    for number, (first, last) in enumerate(shape.blocks, start=1):
        order += range(first, last + 1)
        done += range(first, last + 1)
        if number == 3:
            order.append(total("小　计", done))
    order.append(total("总 计", done))
    return _with_rows(grid, [*order, *range(shape.body[-1] + 1, len(grid.rows))])


def notes_and_signatures(grid: Sheet, shape: Shape) -> Sheet:
    """Remarks above and below the table, signatures, and rubbish after them."""
    above: list[CellValue] = ["本表由合成数据生成，仅供测试。"]
    below: list[list[CellValue]] = [
        [],
        ["注：1.本表“本月”指报告月当月；2.因单位取舍，合计与分项略有出入。"],
        ["分管领导：张三　　审核人：李四　　制表人：王五　　报出日期：2026年5月8日"],
        ["第 1 页，共 1 页"],
    ]
    return _with_rows(copied(grid), [*range(shape.head[0]), above, *range(shape.head[0], len(grid.rows)), *below])


def second_page(grid: Sheet, shape: Shape) -> Sheet:
    """The table goes on on a second page, under its heading once more."""
    middle = shape.blocks[len(shape.blocks) // 2][0]
    head = range(shape.head[0], shape.head[1] + 1)
    again: list[int | list[CellValue]] = [["续表"], *([*grid.rows[row]] for row in head)]
    page = _with_rows(copied(grid), [*range(middle), *again, *range(middle, len(grid.rows))])
    shift = middle + 1 - shape.head[0]
    page.merges += [
        (top + shift, left, bottom + shift, right) for top, left, bottom, right in grid.merges if top in head
    ]
    return page


# ------------------------------------------------------------------------------------------------------- the writers


def shown(grid: Sheet, row: int, column: int) -> str:
    """The cell as a text export writes it."""
    value = grid.value(row, column)
    if (row, column) in grid.percents and isinstance(value, float):
        return f"{100 * value:.10g}%"
    return cell_text(value)


def workbook(grid: Sheet, down: int = 0, right: int = 0) -> bytes:
    """An .xlsx with merges, `down` blank rows above and `right` blank columns at the left."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row, cells in enumerate(grid.rows):
        for column, value in enumerate(cells):
            if value is not None and value != "":
                cell = sheet.cell(row + 1 + down, column + 1 + right, value)
                if (row, column) in grid.percents:
                    cell.number_format = "0.0%"
    for top, left, bottom, last in grid.merges:
        sheet.merge_cells(
            start_row=top + 1 + down,
            start_column=left + 1 + right,
            end_row=bottom + 1 + down,
            end_column=last + 1 + right,
        )
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def moved(grid: Sheet) -> bytes:
    return workbook(grid, 3, 2)


def _spans(grid: Sheet) -> tuple[dict[tuple[int, int], tuple[int, int]], set[tuple[int, int]]]:
    """Of every merge's first cell how many rows and columns it spans, and the cells it covers."""
    spans = {(top, left): (bottom - top + 1, right - left + 1) for top, left, bottom, right in grid.merges}
    covered = {
        (row, column)
        for top, left, bottom, right in grid.merges
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
    } - set(spans)
    return spans, covered


def web_page(grid: Sheet) -> bytes:
    """An HTML table that is named .xls, in GBK, as web platforms export it."""
    spans, covered = _spans(grid)
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


def separated(delimiter: str, encoding: str) -> Callable[[Sheet], bytes]:
    """A text file; merged cells leave blanks, as Excel writes them."""

    def write(grid: Sheet) -> bytes:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter).writerows(
            [shown(grid, row, column) for column in range(grid.width)] for row in range(len(grid.rows))
        )
        return out.getvalue().encode(encoding)

    return write


def spreadsheetml(grid: Sheet) -> bytes:
    """The XML of 2003 that many Chinese templates still are, named .xls."""
    spans, covered = _spans(grid)
    lines = []
    for row in range(len(grid.rows)):
        line = []
        for column in range(grid.width):
            text = shown(grid, row, column)
            if (row, column) in covered or not text:
                continue
            down, across = spans.get((row, column), (1, 1))
            kind = "Number" if isinstance(grid.value(row, column), (int, float)) and "%" not in text else "String"
            line.append(
                f'<Cell ss:Index="{column + 1}" ss:MergeDown="{down - 1}" ss:MergeAcross="{across - 1}">'
                f'<Data ss:Type="{kind}">{escape(text)}</Data></Cell>'
            )
        lines.append(f'<Row ss:Index="{row + 1}">{"".join(line)}</Row>')
    head = (
        '<?xml version="1.0" encoding="UTF-8"?><?mso-application progid="Excel.Sheet"?>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Sheet1"><Table>'
    )
    return f"{head}{''.join(lines)}</Table></Worksheet></Workbook>".encode()


def open_document(grid: Sheet) -> bytes:
    """An .ods."""
    spans, covered = _spans(grid)
    lines = []
    for row in range(len(grid.rows)):
        line = []
        for column in range(grid.width):
            if (row, column) in covered:
                line.append("<table:covered-table-cell/>")
                continue
            text = shown(grid, row, column)
            down, across = spans.get((row, column), (1, 1))
            value = grid.value(row, column)
            number = isinstance(value, (int, float)) and "%" not in text
            kind = (
                f'office:value-type="float" office:value={quoteattr(text)}' if number else 'office:value-type="string"'
            )
            span = (
                f' table:number-rows-spanned="{down}" table:number-columns-spanned="{across}"'
                if down + across > 2
                else ""
            )
            body = f"<text:p>{escape(text)}</text:p>" if text else ""
            line.append(f"<table:table-cell {kind if text else ''}{span}>{body}</table:table-cell>")
        lines.append(f"<table:table-row>{''.join(line)}</table:table-row>")
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body>'
        f'<office:spreadsheet><table:table table:name="Sheet1">{"".join(lines)}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        package.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0"?><manifest:manifest '
            'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        package.writestr("content.xml", content)
    return out.getvalue()


def zipped(grid: Sheet) -> bytes:
    """The workbook in an archive, beside a system file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Thumbs.db", b"x")
        archive.writestr("报表/报表.xlsx", workbook(grid))
    return out.getvalue()


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
    "乡  镇": "乡镇名称",
    "从业人员": "从业人数",
    "1-3月": "年初累计",
    "1-本月": "累计",
    "上年同期": "去年同期",
    "工业总产值(现价)": "工业总产值（当年价格）",
    "工业总产值(当年价)": "工业总产值",
    "主营业务收入": "营业收入",
    "从业人员期末人数": "期末从业人员",
    "矿 名": "煤矿名称",
    "原煤产量": "煤炭产量",
    "销量": "煤炭销量",
    "库存": "煤炭库存",
    "计量单位": "单位",
    "2026年目标": "目标任务",
    "2025年实绩": "2025年实际",
    "规模以上": "是否规模以上",
    "状态": "企业状态",
    "行业代码": "行业",
    "消费量总计": "消费总量",
    "月末库存": "期末库存",
}
OTHER_WORDS = {
    "本月": "当月",
    "累计": "1-3月累计",
    "1-3月": "本年累计",
    "同期": "去年同期",
    "±%": "比上年同期增减%",
    "本月止累计": "年初至本月累计",
    "去年同期累计": "上年同期累计",
    "比上年同期±%": "同比(%)",
    "1-本月": "本月止累计",
    "企业名称": "单位详细名称",
    "统一社会信用代码": "信用代码",
    "所在乡镇": "所属乡镇",
    "乡镇": "所在乡镇",
    "指标": "指标名称",
    "备注": "说明",
    "从业人数": "期末从业人数",
}


def in_words(grid: Sheet, words: dict[str, str]) -> Sheet:
    """The same table with other headings."""
    grid = copied(grid)
    for cells in grid.rows:
        cells[:] = [words.get(value.strip(), value) if isinstance(value, str) else value for value in cells]
    return grid
