"""The returned workbook: theirs as they sent it, faulty cells marked, every issue listed and linked."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from openpyxl.worksheet.worksheet import Worksheet

from dagster_project.ingest.messages import Messages
from dagster_project.ingest.model import Issue
from dagster_project.ingest.read import read_workbook
from dagster_project.ingest.returned import mark
from dagster_project.reference import load_reference

ROOT = Path(__file__).resolve().parents[2]
WORKBOOKS = ROOT.parent / "shared" / "workbooks"
LIST = "问题清单"


@pytest.fixture(scope="module")
def messages() -> Messages:
    return Messages.load(load_reference(ROOT / "seeds" / "reference"))


def issue(sheet: str | None, cell: str | None, severity: str = "error", raw: str | None = None) -> Issue:
    return Issue("V07", severity, f"{cell} 有误", f"{cell} is wrong", sheet=sheet, cell=cell, raw_text=raw)  # type: ignore[arg-type]


def a_form() -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    page = book.add_worksheet("1月's")
    page.set_column("A:A", 31)
    page.merge_range("A1:D1", "主要经济指标", book.add_format({"bold": True, "align": "center"}))
    page.write("A3", "枫林湖镇")
    page.write("B3", 1234.5, book.add_format({"num_format": "#,##0.00", "font_color": "#0000FF"}))
    page.write("B4", -3)
    page.write_formula("B5", "=SUM(B3:B4)", None, 1231.5)
    page.write_formula("C5", '=IF(1=1,"甲<","")', None, "甲<")
    page.write_formula("D5", "=1/0", None, "#DIV/0!")
    page.write_comment("A3", "原有批注")
    book.add_worksheet("第二页").write("A1", "x")
    book.close()
    return buffer.getvalue()


def page_of(content: bytes, title: str) -> Worksheet:
    return openpyxl.load_workbook(io.BytesIO(content))[title]


def test_faulty_cells_are_filled_framed_and_commented_in_both_languages(messages: Messages) -> None:
    content, name = mark(
        a_form(),
        "表.xlsx",
        [issue("1月's", "B3"), issue("1月's", "B4", "warning"), issue("1月's", "B3", "warning")],
        messages,
    )
    page = page_of(content, "1月's")
    assert name == "表.xlsx"
    assert (page["B3"].fill.fill_type, page["B3"].fill.fgColor.rgb) == ("solid", "FFFFC7CE")
    assert page["B4"].fill.fgColor.rgb == "FFFFEB9C"
    assert (page["B3"].border.left.style, page["B4"].border.left.style) == ("thick", "mediumDashed")
    text = page["B3"].comment.text
    assert text.splitlines() == ["[错误] B3 有误", "[Error] B3 is wrong", "[警告] B3 有误", "[Warning] B3 is wrong"]


def test_everything_else_stays_as_they_sent_it(messages: Messages) -> None:
    content, _ = mark(a_form(), "表.xlsx", [issue("1月's", "B3")], messages)
    page = page_of(content, "1月's")
    assert page.column_dimensions["A"].width == pytest.approx(31, abs=1)
    assert page["B3"].number_format == "#,##0.00"
    assert page["B3"].font.color.rgb == "FF0000FF"
    assert page["A1"].font.bold and "A1:D1" in page.merged_cells
    assert page["B5"].value == "=SUM(B3:B4)"
    assert page["A3"].comment.text == "原有批注"
    assert page["B4"].fill.fill_type is None and page["B4"].comment is None


def test_formulas_keep_the_values_that_they_had(messages: Messages) -> None:
    content, _ = mark(a_form(), "表.xlsx", [issue("1月's", "B3")], messages)
    sheet = read_workbook(content, "表.xlsx", messages).sheets[0]
    assert [sheet.value(4, column) for column in (1, 2, 3)] == [1231.5, "甲<", "#DIV/0!"]
    assert not sheet.uncached


def test_the_list_names_every_issue_and_links_to_its_cell(messages: Messages) -> None:
    issues = [
        issue("1月's", "B4", "warning"),
        issue("1月's", "B3", raw="=1+1"),
        issue("第二页", None),
        issue(None, None, "info"),
    ]
    content, _ = mark(a_form(), "表.xlsx", issues, messages)
    page = page_of(content, LIST)
    rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=5)]
    assert [row[1].split("\n")[0] for row in rows] == ["错误", "错误", "警告", "提示"]
    assert rows[0][2:5] == ["1月's", "B3", "=1+1"]
    assert page["E5"].data_type == "s" and page["E5"].quotePrefix, "their text is no formula of ours"
    assert page["D5"].hyperlink.location == "'1月''s'!B3"
    assert page["D6"].hyperlink.location == "'第二页'!A1"
    assert page["D8"].hyperlink is None
    assert "错误 2 个" in page["A1"].value and "2 errors" in page["A1"].value


def test_a_cell_inside_a_merged_range_is_marked_at_its_anchor(messages: Messages) -> None:
    content, _ = mark(a_form(), "表.xlsx", [issue("1月's", "C1")], messages)
    assert page_of(content, "1月's")["A1"].fill.fgColor.rgb == "FFFFC7CE"


def test_a_returned_workbook_sent_again_carries_no_old_marks(messages: Messages) -> None:
    once, name = mark(a_form(), "表.xlsx", [issue("1月's", "B3")], messages)
    book = read_workbook(once, name, messages)
    assert [sheet.name for sheet in book.sheets] == ["1月's", "第二页"]
    assert [found.rule for found in book.issues] == ["read.own_issue_list"]
    twice, _ = mark(once, name, [issue("1月's", "B4")], messages)
    reopened = openpyxl.load_workbook(io.BytesIO(twice))
    assert reopened.sheetnames == ["1月's", "第二页", LIST]
    page = reopened["1月's"]
    assert page["B3"].comment is None and page["B3"].fill.fill_type is None
    assert page["B4"].comment is not None and page["A3"].comment.text == "原有批注"
    assert page["B3"].number_format == "#,##0.00"


def test_other_kinds_come_back_as_xlsx(messages: Messages) -> None:
    text = "乡镇,代码,产值\n枫林湖镇,0610,12.5\n=cmd|' /C calc'!A0,-,3\n".encode("gb18030")
    content, name = mark(text, "a.csv", [issue("a", "C2")], messages)
    page = page_of(content, "a")
    assert name == "a.xlsx"
    assert page["B2"].value == "0610" and page["C2"].comment is not None
    assert page["A3"].data_type == "s" and page["A3"].quotePrefix


def test_macros_stay_and_the_file_stays_xlsm(messages: Messages) -> None:
    with zipfile.ZipFile(io.BytesIO(a_form())) as package:
        parts = {item: package.read(item) for item in package.namelist()}
    parts["xl/vbaProject.bin"] = b"macro"
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(
        b"officedocument.spreadsheetml.sheet.main+xml", b"ms-excel.sheet.macroEnabled.main+xml"
    ).replace(b"application/vnd.openxmlformats-ms-excel", b"application/vnd.ms-excel")  # fmt: skip
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for item, data in parts.items():
            out.writestr(item, data)
    content, name = mark(buffer.getvalue(), "b.xlsm", [issue("1月's", "B3")], messages)
    assert name == "b.xlsm"
    assert zipfile.ZipFile(io.BytesIO(content)).read("xl/vbaProject.bin") == b"macro"


def test_a_file_that_cannot_be_read_comes_back_as_its_list_alone(messages: Messages) -> None:
    content, name = mark(b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "p.xlsx", [issue(None, None)], messages)
    assert name == "p.xlsx"
    assert openpyxl.load_workbook(io.BytesIO(content)).sheetnames == [LIST]


def test_a_zip_comes_back_as_a_zip_of_marked_members(messages: Messages) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        out.writestr("甲/一.xlsx", a_form())
        out.writestr("二.csv", "a,b\n1,2\n")
    content, name = mark(
        buffer.getvalue(), "all.zip", [issue("甲/一.xlsx/1月's", "B3"), issue("二.csv/二", "A2")], messages
    )
    package = zipfile.ZipFile(io.BytesIO(content))
    assert name == "all.zip" and package.namelist() == ["甲/一.xlsx", "二.xlsx"]
    assert page_of(package.read("甲/一.xlsx"), "1月's")["B3"].comment is not None
    assert page_of(package.read("二.xlsx"), "二")["A2"].comment is not None


@pytest.mark.skipif(not WORKBOOKS.is_dir(), reason="shared/workbooks is not on this machine")
@pytest.mark.parametrize("name", ["specimens/02-全县汇总.xls", "yearbooks/0115-市、州生产总值（2018）.xls"])
def test_an_old_xls_comes_back_with_its_values_and_merges(name: str, messages: Messages) -> None:
    path = WORKBOOKS / name
    before = read_workbook(path.read_bytes(), path.name, messages)
    content, new_name = mark(path.read_bytes(), path.name, [issue(before.sheets[0].name, "B2")], messages)
    after = read_workbook(content, new_name, messages)
    assert new_name.endswith(".xlsx")
    assert [
        [before.sheets[0].text(r, c) for c in range(before.sheets[0].width)] for r in range(len(before.sheets[0].rows))
    ] == [
        [after.sheets[0].text(r, c) for c in range(before.sheets[0].width)] for r in range(len(before.sheets[0].rows))
    ]
    assert sorted(before.sheets[0].merges) == sorted(after.sheets[0].merges)


@pytest.mark.skipif(not WORKBOOKS.is_dir(), reason="shared/workbooks is not on this machine")
def test_an_old_xls_comes_back_in_its_own_look(messages: Messages) -> None:
    import xlrd
    from openpyxl.cell import MergedCell

    path = WORKBOOKS / "yearbooks" / "0115-市、州生产总值（2018）.xls"
    old = xlrd.open_workbook(path, formatting_info=True)
    sheet = old.sheet_by_index(0)
    content, _ = mark(path.read_bytes(), path.name, [], messages)
    page = page_of(content, sheet.name)
    fonts, bordered = set(), 0
    for row in range(sheet.nrows):
        for column in range(sheet.row_len(row)):
            xf = old.xf_list[sheet.cell_xf_index(row, column)]
            cell = page.cell(row + 1, column + 1)
            if isinstance(cell, MergedCell):
                continue
            fonts.add(cell.font.name)
            assert cell.font.name == old.font_list[xf.font_index].name
            # the first cell of a merge also bears the edges of its last
            assert (cell.border.bottom and cell.border.bottom.style) or not xf.border.bottom_line_style
            bordered += bool(xf.border.bottom_line_style)
    assert len(fonts) > 1 and bordered, "the file has a look to keep"
    widths = {column: info.width / 256 for column, info in sheet.colinfo_map.items() if column < 3}
    for column, width in widths.items():
        assert page.column_dimensions["ABC"[column]].width == pytest.approx(width, abs=0.01)


def test_dates_stay_dates_when_a_grid_is_written(messages: Messages) -> None:
    xml = (
        b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        b'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="S[1]"><Table><Row>'
        b'<Cell><Data ss:Type="DateTime">2026-03-01T00:00:00.000</Data></Cell></Row></Table></Worksheet></Workbook>'
    )
    content, _ = mark(xml, "d.xls", [issue("S[1]", "A1")], messages)
    assert read_workbook(content, "d.xlsx", messages).sheets[0].value(0, 0) == date(2026, 3, 1)
    assert page_of(content, "S_1_")["A1"].comment is not None
