"""Every file kind is read by its content, with exact addresses; nothing of a bad file escapes as an exception."""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagster_project.ingest.grid import Sheet, Workbook, address, cell_text
from dagster_project.ingest.messages import MessageError, Messages
from dagster_project.ingest.read import read_workbook
from dagster_project.ingest.read_common import Limits
from dagster_project.ingest.read_xlsx import column_index
from dagster_project.reference import load_reference

ROOT = Path(__file__).resolve().parents[2]
WORKBOOKS = ROOT.parent / "shared" / "workbooks"
needs_workbooks = pytest.mark.skipif(not WORKBOOKS.is_dir(), reason="shared/workbooks is not on this machine")
MESSAGES = Messages.load(load_reference(ROOT / "seeds" / "reference"))


def read(content: bytes, name: str = "x.xls", limits: Limits | None = None) -> Workbook:
    return read_workbook(content, name, MESSAGES, limits or Limits())


def rules(book: Workbook) -> list[str]:
    return [issue.rule for issue in book.issues]


def only(content: bytes, name: str = "x.xls") -> Sheet:
    book = read(content, name)
    assert not [issue for issue in book.issues if issue.severity == "error"], book.issues
    assert len(book.sheets) == 1
    return book.sheets[0]


def xlsx(**options: object) -> tuple[io.BytesIO, xlsxwriter.Workbook]:
    buffer = io.BytesIO()
    return buffer, xlsxwriter.Workbook(buffer, options)


def rezip(content: bytes, **replaced: bytes) -> bytes:
    """The package with parts replaced; keys are the ends of part names, dots as underscores."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as package, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name in package.namelist():
            key = name.rsplit("/", 1)[-1].replace(".", "_")
            out.writestr(name, replaced.get(key, package.read(name)))
    return buffer.getvalue()


# --- messages -----------------------------------------------------------------------------------------------------


def test_an_unknown_key_or_a_missing_field_is_a_programming_error() -> None:
    with pytest.raises(MessageError, match=r"no row with key 'read\.nothing'"):
        MESSAGES.render("read.nothing")
    with pytest.raises(MessageError, match="asks for field 'file'"):
        MESSAGES.render("read.empty")


def test_both_deployments_hold_the_same_reading_texts() -> None:
    other = Messages.load(load_reference(ROOT / "tests" / "deployments" / "us_coal"))
    for key, texts in MESSAGES.texts.items():
        if key.startswith(("read.", "returned.")):
            assert other.texts[key] == texts


# --- xlsx ---------------------------------------------------------------------------------------------------------


def a_rich_sheet() -> bytes:
    buffer, book = xlsx()
    page = book.add_worksheet("一月")
    page.write("C5", "0610")
    page.write("D5", 0.1)
    page.write("E5", 3)
    page.write_boolean("F5", True)
    page.write("G5", 610, book.add_format({"num_format": "0000"}))
    page.write("H5", 0.125, book.add_format({"num_format": "0.0%"}))
    page.write_formula("C6", "=1/0", None, "#DIV/0!")
    page.write_formula("D6", '=IF(1>0,"a & b","")', None, "a & b")
    page.write_formula("E6", '=SUM(D5:E5)&"<"', None, "")
    page.write_datetime("C7", datetime(2026, 3, 1), book.add_format({"num_format": "yyyy-mm-dd"}))
    page.write_datetime("D7", datetime(2026, 3, 1, 12, 30), book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
    page.write_datetime("E7", time(8, 0), book.add_format({"num_format": "hh:mm"}))
    page.write("F7", 46082, book.add_format({"num_format": 'yyyy"年"m"月"'}))
    page.merge_range("C10:D11", "m")
    page.set_row(6, None, None, {"hidden": True})
    page.set_column("E:F", None, None, {"hidden": True})
    hidden = book.add_worksheet("藏")
    hidden.hide()
    hidden.write("B2", "x")
    book.close()
    return buffer.getvalue()


def test_values_keep_their_types_and_addresses() -> None:
    sheet = read(a_rich_sheet()).sheets[0]
    found = {address(r, c): sheet.value(r, c) for r in range(len(sheet.rows)) for c in range(sheet.width)}
    assert {at: value for at, value in found.items() if value is not None} == {
        "C5": "0610",
        "D5": 0.1,
        "E5": 3,
        "F5": True,
        "G5": "0610",
        "H5": 0.125,
        "C6": "#DIV/0!",
        "D6": "a & b",
        "E6": '=SUM(D5:E5)&"<"',
        "C7": date(2026, 3, 1),
        "D7": datetime(2026, 3, 1, 12, 30),
        "E7": time(8, 0),
        "F7": date(2026, 3, 1),
        "C10": "m",
    }
    assert sheet.merges == [(9, 2, 10, 3)]
    assert sheet.percents == {(4, 7)}
    assert sheet.uncached == {(5, 4)}
    assert sheet.text(4, 3) == "0.1" and sheet.text(4, 4) == "3"


def test_hidden_sheets_rows_and_columns_are_read_and_said() -> None:
    first, second = read(a_rich_sheet()).sheets
    assert not first.is_hidden and first.hidden_rows == {6} and first.hidden_columns == {4, 5}
    assert second.is_hidden and second.value(1, 1) == "x"


def test_a_formula_that_openpyxl_wrote_has_no_value() -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page["B2"], page["B3"], page["B4"] = 1, 2, "=SUM(B2:B3)"
    buffer = io.BytesIO()
    book.save(buffer)
    sheet = only(buffer.getvalue())
    assert sheet.value(3, 1) == "=SUM(B2:B3)" and sheet.uncached == {(3, 1)}


def test_integers_longer_than_a_float_keep_every_digit() -> None:
    buffer, book = xlsx()
    book.add_worksheet().write("A1", 1)
    book.close()
    part = zipfile.ZipFile(buffer).read("xl/worksheets/sheet1.xml").replace(b"<v>1</v>", b"<v>915299017800013736</v>")
    assert only(rezip(buffer.getvalue(), sheet1_xml=part)).value(0, 0) == 915299017800013736


def test_cells_without_references_are_counted() -> None:
    buffer, book = xlsx()
    page = book.add_worksheet()
    page.write("A1", 1)
    page.write_formula("B1", "=A1/0", None, "#DIV/0!")
    book.close()
    part = zipfile.ZipFile(buffer).read("xl/worksheets/sheet1.xml")
    for at in (b' r="A1"', b' r="B1"'):
        part = part.replace(b"<c" + at, b"<c")
    assert only(rezip(buffer.getvalue(), sheet1_xml=part)).rows[0] == [1, "#DIV/0!"]


def test_a_namespace_prefix_hides_nothing() -> None:
    buffer, book = xlsx()
    page = book.add_worksheet("p")
    page.write_formula("B2", "=1/0", None, "#DIV/0!")
    page.set_row(1, None, None, {"hidden": True})
    book.close()
    import re

    part = zipfile.ZipFile(buffer).read("xl/worksheets/sheet1.xml")
    part = re.sub(rb"<(/?)(\w)", rb"<\1x:\2", part).replace(b"xmlns=", b"xmlns:x=")
    sheet = only(rezip(buffer.getvalue(), sheet1_xml=part))
    assert sheet.value(1, 1) == "#DIV/0!" and sheet.hidden_rows == {1}


@given(st.integers(0, 16_383))
def test_letters_of_a_column_and_back(column: int) -> None:
    letters = address(0, column)[:-1]
    assert column_index(letters.encode()) == column


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 60), st.integers(0, 40)),
        st.one_of(
            st.integers(-(10**9), 10**9),
            st.floats(-1e12, 1e12, allow_nan=False).map(lambda value: float(f"{value:.12g}")),
            st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=8).map("t".__add__),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_what_stands_at_an_address_is_read_at_that_address(cells: dict[tuple[int, int], object]) -> None:
    buffer, book = xlsx(strings_to_formulas=False)
    page = book.add_worksheet()
    for (row, column), value in cells.items():
        page.write(row, column, value)
    book.close()
    sheet = only(buffer.getvalue())
    found = {
        (row, column): value
        for row, line in enumerate(sheet.rows)
        for column, value in enumerate(line)
        if value is not None
    }
    assert found == cells


# --- text -----------------------------------------------------------------------------------------------------


TABLE = [["乡镇", "代码", "产值"], ["枫林湖镇", "0610", "12.5"], ["石桥,乡", "", "—"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "\uff0c"])
def test_csv_in_every_encoding_and_delimiter(encoding: str, delimiter: str) -> None:
    lines = [delimiter.join(f'"{cell}"' if delimiter in cell or "," in cell else cell for cell in row) for row in TABLE]
    book = read(("\r\n".join(lines) + "\r\n").encode(encoding), "月报.csv")
    assert book.kind == "csv" and not book.issues
    assert book.sheets[0].name == "月报"
    assert book.sheets[0].rows == [["乡镇", "代码", "产值"], ["枫林湖镇", "0610", "12.5"], ["石桥,乡", None, "—"]]


def test_guards_of_codes_in_csv_are_taken_off() -> None:
    sheet = only(b'a,b,c\n="0610",9152\t,"=""x"""\n')
    assert sheet.rows[1] == ["0610", "9152", "x"]


def test_a_title_line_with_commas_does_not_choose_the_delimiter() -> None:
    text = "一，二，三，四，五\n单位：万元\n乡镇\t产值\t税金\n甲\t1,200\t3\n乙\t1,300\t4\n"
    assert only(text.encode("gb18030")).rows[3] == ["甲", "1,200", "3"]


def test_commas_within_quoted_cells_do_not_choose_the_delimiter() -> None:
    lines = ['"h1"\t"h2"\t"h3"', *['""\t","\t",,,"'] * 3]
    assert only("\r\n".join(lines).encode("utf-8-sig")).rows == [["h1", "h2", "h3"], *[[None, ",", ",,,"]] * 3]


def test_an_unclosed_quotation_mark_swallows_nothing() -> None:
    rows = only(('a,"b\n' + "c,d\n" * 300_000).encode()).rows
    assert len(rows) == 300_001 and rows[-1] == ["c", "d"]


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab,;"\n镇0-. '), max_size=6), min_size=3, max_size=3), min_size=3, max_size=8
    )
)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_csv_written_by_the_standard_writer_comes_back(table: list[list[str]]) -> None:
    import csv

    table = [["h1", "h2", "h3"], *table]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter="\t", quoting=csv.QUOTE_ALL).writerows(table)
    rows = only(out.getvalue().encode("utf-8-sig")).rows
    padded = [[cell or "" for cell in row] + [""] * (3 - len(row)) for row in rows]
    expected = list(table)
    while expected and not any(expected[-1]):
        expected.pop()
    assert padded == expected


# --- markup -------------------------------------------------------------------------------------------------------


def test_html_named_xls_with_spans_and_exact_numbers() -> None:
    page = """<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><meta charset=gb2312><title>no</title>
      <style>td {color:red}</style></head><body><h1>月报&nbsp;表</h1>
      <table><tr><td rowspan=2>乡镇</td><td colspan="2">产值</td></tr>
      <tr><td>本月</td><td>累计</td></tr>
      <tr><td>枫林湖镇<td x:num="1234.5678">1,234.57</td><td x:num="0.125" style='mso-number-format:"0\\.0%"'>12.5%</td></tr>
      <tr style="display:none"><td>藏<br>行</td></tr></table><p>注：一</p>
      <table><tr><td>二</td></tr></table></body></html>"""
    book = read(page.encode("gb18030"), "月报.xls")
    sheet = book.sheets[0]
    assert book.kind == "html" and not book.issues
    assert sheet.rows == [
        ["月报\xa0表"],
        ["乡镇", "产值"],
        [None, "本月", "累计"],
        ["枫林湖镇", 1234.5678, 0.125],
        ["藏\n行"],
        ["注：一"],
        ["二"],
    ]
    assert sheet.merges == [(1, 1, 1, 2), (1, 0, 2, 0)] or sheet.merges == [(1, 0, 2, 0), (1, 1, 1, 2)]
    assert sheet.percents == {(3, 2)} and sheet.hidden_rows == {4}


def test_html_with_an_unclosed_head_loses_nothing() -> None:
    assert only(b"<html><head><title>x<table><tr><td>1<td>2</table>").rows == [["1", "2"]]


def test_a_web_archive_is_read() -> None:
    text = (
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=B\r\n\r\n--B\r\nContent-Type: text/html;"
        ' charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
        "<html><table><tr><td x:num=3D5>5</td></tr></table></html>\r\n--B--\r\n"
    )
    assert only(text.encode()).rows == [[5.0]]


SPREADSHEETML = """<?xml version="1.0"{encoding}?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:x="urn:schemas-microsoft-com:office:excel"
 xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
 <Styles><Style ss:ID="p"><NumberFormat ss:Format="Percent"/></Style>
 <Style ss:ID="z"><NumberFormat ss:Format="0000"/></Style></Styles>
 <Worksheet ss:Name="表一"><Table><Column ss:Hidden="1"/><Column ss:Index="3" ss:Span="1" ss:Hidden="1"/>
  <Row ss:Index="3"><Cell ss:Index="2" ss:MergeAcross="1" ss:MergeDown="1"><Data ss:Type="String">乡镇</Data></Cell>
   <Cell><Data ss:Type="Number">0.1</Data></Cell></Row>
  <Row ss:Hidden="1"><Cell ss:StyleID="p"><Data ss:Type="Number">0.125</Data></Cell>
   <Cell ss:StyleID="z"><Data ss:Type="Number">610</Data></Cell>
   <Cell><Data ss:Type="Error">#REF!</Data></Cell><Cell ss:Formula="=RC[-1]*2"/>
   <Cell><Data ss:Type="DateTime">2026-03-01T00:00:00.000</Data></Cell><Cell><Data ss:Type="Boolean">1</Data></Cell></Row>
 </Table></Worksheet>
 <Worksheet ss:Name="藏"><Table><Row><Cell><ss:Data ss:Type="String">a<B>b</B></ss:Data></Cell></Row></Table>
  <x:WorksheetOptions><x:Visible>SheetHidden</x:Visible></x:WorksheetOptions></Worksheet>
</Workbook>"""


@pytest.mark.parametrize(("declared", "encoding"), [("", "utf-8"), (' encoding="gb2312"', "gb18030"), ("", "utf-16")])
def test_spreadsheetml(declared: str, encoding: str) -> None:
    book = read(SPREADSHEETML.format(encoding=declared).encode(encoding))
    first, second = book.sheets
    assert book.kind == "spreadsheetml" and not book.issues
    assert first.name == "表一"
    assert first.rows[2:] == [
        [None, "乡镇", None, 0.1],
        [0.125, "0610", "#REF!", "=RC[-1]*2", date(2026, 3, 1), True],
    ]
    assert first.merges == [(2, 1, 3, 2)]
    assert first.percents == {(3, 0)} and first.uncached == {(3, 3)}
    assert first.hidden_rows == {3} and first.hidden_columns == {0, 2, 3}
    assert second.is_hidden and second.rows == [["ab"]]


def test_entities_in_spreadsheetml_are_refused() -> None:
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">&b;</Workbook>'
    )
    assert rules(read(bomb.encode())) == ["read.xml_entities"]


# --- ods ----------------------------------------------------------------------------------------------------------


def ods(body: str) -> bytes:
    namespaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {namespaces} office:version="1.2"><office:body>'
        f"<office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        out.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        out.writestr("META-INF/manifest.xml", manifest)
        out.writestr("content.xml", content)
    return buffer.getvalue()


def test_ods_with_merges_percentages_repeats_and_hidden_rows() -> None:
    sheet = only(
        ods(
            '<table:table table:name="表"><table:table-column table:number-columns-repeated="2"/>'
            '<table:table-column table:visibility="collapse"/>'
            '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
            '<table:table-row><table:table-cell office:value-type="string" table:number-columns-spanned="2">'
            "<text:p>标题</text:p></table:table-cell><table:covered-table-cell/>"
            '<table:table-cell office:value-type="percentage" office:value="0.125"><text:p>12.5%</text:p>'
            "</table:table-cell></table:table-row>"
            '<table:table-row table:visibility="collapse"><table:table-cell table:number-columns-repeated="2"/>'
            '<table:table-cell office:value-type="float" office:value="0.1"><text:p>0.1</text:p></table:table-cell>'
            '<table:table-cell table:formula="of:=SUM([.A1:.A2])"/></table:table-row>'
            '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
            'table:number-columns-repeated="16384"/></table:table-row></table:table>'
        )
    )
    assert sheet.rows[2:4] == [["标题", None, 0.125], [None, None, 0.1, "=SUM([.A1:.A2])"]]
    assert sheet.merges == [(2, 0, 2, 1)] and sheet.percents == {(2, 2)}
    assert sheet.hidden_rows == {3} and sheet.hidden_columns == {2} and sheet.uncached == {(3, 3)}


def test_an_encoding_that_does_not_exist_is_damage() -> None:
    content = ods('<table:table table:name="x" table:visibility="collapse"/>')
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        part = package.read("content.xml").replace(b'"1.0"?>', b'"1.0" encoding="UTFu8"?>', 1)
    assert rules(read(rezip(content, content_xml=part))) == ["read.damaged"]
    assert rules(read(SPREADSHEETML.format(encoding=' encoding="UTFu8"').encode())) == ["read.encoding"]


def test_ods_that_repeats_a_value_over_the_whole_sheet_is_refused() -> None:
    body = (
        '<table:table table:name="x"><table:table-row table:number-rows-repeated="1048576"><table:table-cell '
        'office:value-type="float" office:value="1" table:number-columns-repeated="16384"/></table:table-row>'
        "</table:table>"
    )
    assert rules(read(ods(body))) == ["read.too_large"]


# --- xlsb ---------------------------------------------------------------------------------------------------------


def record(kind: int, body: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length, size = len(body), b""
    while True:
        size += bytes([length & 0x7F | (0x80 if length > 0x7F else 0)])
        length >>= 7
        if not length:
            return head + size + body


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb() -> bytes:
    """A minimal binary workbook: [MS-XLSB] records of one sheet with a number, a percentage, an error and a text."""

    def cell(column: int, style: int = 0) -> bytes:
        return struct.pack("<II", column, style)

    def row(index: int, hidden: bool = False) -> bytes:
        return record(0, struct.pack("<IIHBBBI", index, 0, 300, 0, 0x10 if hidden else 0, 0, 0))

    sheet = (
        record(129)
        + record(148, struct.pack("<4I", 1, 4, 1, 3))
        + record(60, struct.pack("<IIIIH", 3, 3, 2000, 0, 1))
        + record(145)
        + row(1)
        + record(6, cell(1) + wide("枫林湖镇"))
        + record(5, cell(2) + struct.pack("<d", 0.1))
        + row(4, hidden=True)
        + record(5, cell(2, 1) + struct.pack("<d", 0.125))
        + record(3, cell(3) + b"\x07")
        + record(146)
        + record(176, struct.pack("<4I", 1, 2, 1, 1))
        + record(130)
    )
    styles = (
        record(278)
        + record(615, struct.pack("<I", 1))
        + record(44, struct.pack("<H", 164) + wide("0.0%"))
        + record(616)
        + record(617, struct.pack("<I", 2))
        + record(47, struct.pack("<HH", 0, 0) + bytes(12))
        + record(47, struct.pack("<HH", 0, 164) + bytes(12))
        + record(618)
        + record(279)
    )
    workbook = (
        record(131) + record(143) + record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("表")) + record(144)
    )
    base = "http://schemas.openxmlformats.org"
    relation = '<Relationship Id="{}" Type="' + base + '/officeDocument/2006/relationships/{}" Target="{}"/>'
    head = '<?xml version="1.0"?><Relationships xmlns="' + base + '/package/2006/relationships">'
    types = (
        f'<?xml version="1.0"?><Types xmlns="{base}/package/2006/content-types">'
        '<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>'
    )
    parts = {
        "[Content_Types].xml": types.encode(),
        "_rels/.rels": (
            head + relation.format("rId1", "officeDocument", "xl/workbook.bin") + "</Relationships>"
        ).encode(),
        "xl/_rels/workbook.bin.rels": (
            head
            + relation.format("rId1", "worksheet", "worksheets/sheet1.bin")
            + relation.format("rId2", "styles", "styles.bin")
            + "</Relationships>"
        ).encode(),
        "xl/workbook.bin": workbook + record(132),
        "xl/styles.bin": styles,
        "xl/worksheets/sheet1.bin": sheet,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for name, data in parts.items():
            out.writestr(name, data)
    return buffer.getvalue()


def test_xlsb() -> None:
    book = read(xlsb(), "x.xlsb")
    sheet = book.sheets[0]
    assert book.kind == "xlsb" and not book.issues and sheet.name == "表"
    assert sheet.rows == [[], [None, "枫林湖镇", 0.1], [], [], [None, None, 0.125, "#DIV/0!"]]
    assert sheet.merges == [(1, 1, 2, 1)] and sheet.percents == {(4, 2)}
    assert sheet.hidden_rows == {4} and sheet.hidden_columns == {3}


# --- old .xls -----------------------------------------------------------------------------------------------------


def biff(cells: bytes, version: int = 0x0600, before: bytes = b"") -> bytes:
    """A Workbook stream in an OLE container: one sheet with the given cell records."""

    def rec(kind: int, body: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    bof = struct.pack("<HHHH", version, 0x0005, 0x0DBB, 0x07CC) + (bytes(8) if version == 0x0600 else b"")
    name = b"\x05\x00Sheet" if version == 0x0600 else b"\x05Sheet"
    xfs = b"".join(
        rec(0x00E0, struct.pack("<HH", 0, code) + bytes(16 if version == 0x0600 else 12)) for code in (0, 10)
    )
    bound = rec(0x0085, struct.pack("<IBB", 0, 0, 0) + name)
    head = rec(0x0809, bof) + rec(0x0042, struct.pack("<H", 1200 if version == 0x0600 else 1252)) + before + xfs
    position = len(head) + len(bound) + 4
    bound = rec(0x0085, struct.pack("<IBB", position, 0, 0) + name)
    sheet_bof = bof[:2] + struct.pack("<H", 0x0010) + bof[4:]
    stream = head + bound + rec(0x000A) + rec(0x0809, sheet_bof) + cells + rec(0x000A)
    stream += bytes(-len(stream) % 512)
    stream += bytes(max(4096 - len(stream), 0))
    sectors = len(stream) // 512
    fat = [0xFFFFFFFD, 0xFFFFFFFE] + [index + 3 for index in range(sectors - 1)] + [0xFFFFFFFE]
    fat += [0xFFFFFFFF] * (128 - len(fat))

    def entry(text: str, kind: int, first: int, size: int, child: int = 0xFFFFFFFF) -> bytes:
        raw = text.encode("utf-16-le")
        return (
            raw.ljust(64, b"\0")
            + struct.pack("<HBB", len(raw) + 2, kind, 1)
            + struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, child)
            + bytes(36)
            + struct.pack("<IQ", first, size)
        )

    stream_name = "Workbook" if version == 0x0600 else "Book"
    directory = entry("Root Entry", 5, 0xFFFFFFFE, 0, 1) + entry(stream_name, 2, 2, len(stream))
    directory += entry("", 0, 0, 0) * 2
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<IIIIIIIII", 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)[:36]
    header += struct.pack("<I", 0xFFFFFFFF) * 108
    return header + struct.pack("<128I", *fat) + directory + stream


def rec(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


CELLS = (
    rec(0x0208, struct.pack("<HHHHHHI", 3, 0, 5, 255, 0, 0, 0x20))
    + rec(0x007D, struct.pack("<HHHHHH", 4, 4, 2000, 0, 1, 0))
    + rec(0x0203, struct.pack("<HHHd", 2, 1, 0, 0.1))
    + rec(0x0203, struct.pack("<HHHd", 2, 2, 1, 0.125))
    + rec(0x0205, struct.pack("<HHHBB", 3, 1, 0, 0x07, 1))
    + rec(0x0006, struct.pack("<HHH", 3, 2, 0) + b"\x02\x00\x17\x00\x00\x00\xff\xff" + bytes(8))
)


def test_old_xls_errors_percentages_and_hidden_rows() -> None:
    book = read(biff(CELLS))
    sheet = book.sheets[0]
    assert book.kind == "xls" and not book.issues
    assert sheet.rows == [[], [], [None, 0.1, 0.125], [None, "#DIV/0!", "#REF!"]]
    assert sheet.percents == {(2, 2)} and sheet.hidden_rows == {3}


def test_biff5_text_in_gbk_under_a_western_code_page_gets_the_second_opinion() -> None:
    raw = "枫林湖镇工业总产值".encode("gb18030")
    label = rec(0x0204, struct.pack("<HHHH", 1, 1, 0, len(raw)) + raw)
    book = read(biff(label + rec(0x0203, struct.pack("<HHHd", 1, 2, 0, 5.0)), version=0x0500))
    assert book.sheets[0].rows[1] == [None, "枫林湖镇工业总产值", 5.0]
    assert rules(book) == ["read.second_reader"]
    assert book.issues[0].cell == "B2" and "枫林湖镇" in book.issues[0].message_zh


def test_an_encrypted_xls_says_password() -> None:
    assert rules(read(biff(b"", before=rec(0x002F, bytes(6))))) == ["read.password"]


def test_a_cut_xls_is_damaged() -> None:
    whole = biff(CELLS)
    assert rules(read(whole[:900])) == ["read.damaged"]


def test_a_sector_chain_in_circles_ends() -> None:
    whole = bytearray(biff(CELLS))
    struct.pack_into("<I", whole, 512 + 4 * 9, 2)
    assert rules(read(bytes(whole))) == ["read.damaged"]


@needs_workbooks
def test_the_yearbook_that_comes_back_as_mojibake_is_read_by_the_second_reader() -> None:
    path = next((WORKBOOKS / "yearbooks").glob("17-2*2013*.xls"))
    book = read(path.read_bytes(), path.name)
    sheet = book.sheets[0]
    assert sheet.name == "17-2 各市国民经济主要指标（2013年）"
    assert sheet.rows[5][0] == "杭州市" and sheet.rows[5][2] == 706.61
    assert rules(book) == ["read.second_reader"]


@needs_workbooks
def test_every_ordinary_workbook_is_read_without_an_issue() -> None:
    paths = [path for path in WORKBOOKS.glob("*/*.*") if path.parent.name != "hostile" and path.suffix != ".md"]
    assert len(paths) > 20
    for path in paths:
        book = read(path.read_bytes(), path.name)
        if "2013年" not in path.name:
            assert not book.issues, path.name
        assert book.sheets and book.sheets[0].rows, path.name


# --- zip of workbooks ---------------------------------------------------------------------------------------------


def archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return buffer.getvalue()


def test_a_zip_gives_the_sheets_of_every_member() -> None:
    inner = archive({"x.csv": b"a,b\n1,2\n"})
    book = read(
        archive(
            {
                "三月/甲.xlsx": a_rich_sheet(),
                "乙.csv": b"a,b\n1,2\n",
                "__MACOSX/._甲.xlsx": b"x",
                "~$甲.xlsx": b"x",
                "丙.pdf": b"%PDF-1.7 x",
                "丁.zip": inner,
            }
        ),
        "all.zip",
    )
    assert book.kind == "zip"
    assert [sheet.name for sheet in book.sheets] == ["三月/甲.xlsx/一月", "三月/甲.xlsx/藏", "乙.csv/乙"]
    found = {(issue.rule, issue.sheet) for issue in book.issues}
    assert {("read.not_a_workbook", "丙.pdf"), ("read.nested_archive", "丁.zip")} <= found
    assert rules(book).count("read.member_ignored") == 2


def test_member_names_in_gbk_are_read() -> None:
    content = bytearray(archive({"abcd.csv": b"a,b\n1,2\n"}))
    content = content.replace(b"abcd.csv", "镇月".encode("gb18030") + b".csv")
    assert read(bytes(content), "z.zip").sheets[0].name == "镇月.csv/镇月"


# --- hostile ------------------------------------------------------------------------------------------------------


def sheet_part(rows: str) -> bytes:
    buffer, book = xlsx()
    book.add_worksheet("S").write("A1", 1)
    book.close()
    part = (
        '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f"{rows}</sheetData></worksheet>"
    )
    return rezip(buffer.getvalue(), sheet1_xml=part.encode())


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "read.empty"),
        (b"\r\n  \n", "read.empty"),
        (b"\0" * 4096, "read.empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "read.not_a_workbook"),
        (b"\xff\xd8\xff\xe0" + bytes(range(256)), "read.not_a_workbook"),
        (b"%PDF-1.4\n%\xe2\xe3", "read.not_a_workbook"),
        (b"Rar!\x1a\x07\x00", "read.not_a_workbook"),
        (bytes(range(256)) * 4, "read.unknown_kind"),
        (b"PK\x03\x04" + b"x" * 100, "read.damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 600, "read.damaged"),
        (b"<html><body>404</body></html>", "read.html_without_table"),
        (
            archive({"docProps/app.xml": b"", "word/document.xml": b"", "[Content_Types].xml": b""}),
            "read.not_a_workbook",
        ),
        (archive({}), "read.empty_archive"),
    ],
)
def test_what_is_no_workbook_says_what_it_is(content: bytes, rule: str) -> None:
    book = read(content, "报表.xlsx")
    assert rules(book) == [rule] and not book.sheets
    assert book.issues[0].severity == "error"
    assert "报表.xlsx" in book.issues[0].message_zh and "报表.xlsx" in book.issues[0].message_en


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_truncated_xlsx_is_damaged(keep: float) -> None:
    content = a_rich_sheet()
    assert rules(read(content[: int(len(content) * keep)])) == ["read.damaged"]


def test_a_zip_bomb_is_refused_by_its_directory() -> None:
    assert rules(read(archive({"[Content_Types].xml": b" " * (30 << 20)}))) == ["read.zip_bomb"]
    assert rules(read(archive({"a.csv": bytes(11 << 20)}))) == ["read.zip_bomb"]


def test_a_zip_that_lies_about_its_size_is_read_no_further_than_it_says() -> None:
    content = bytearray(archive({"a.csv": b"a,b\n" * 5000}))
    at = content.rindex(b"PK\x01\x02")
    struct.pack_into("<I", content, at + 24, 10)
    book = read(bytes(content))
    assert rules(book) == ["read.damaged_sheet"]


def test_a_million_blank_rows_cost_no_memory() -> None:
    import tracemalloc

    rows = "".join(f'<row r="{i}" ht="20" customHeight="1"><c r="A{i}" s="0"/></row>' for i in range(2, 1_000_000))
    content = sheet_part('<row r="1"><c r="A1"><v>7</v></c></row>' + rows)
    tracemalloc.start()
    book = read(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert book.sheets[0].rows == [[7.0]] and not book.issues
    assert peak < 600 << 20


def test_a_stray_cell_at_the_end_of_the_sheet_is_reported_with_what_it_holds() -> None:
    buffer, book = xlsx()
    page = book.add_worksheet("S")
    page.write("A1", 1)
    page.write("XFD1048576", "忘在这里")
    book.close()
    found = read(buffer.getvalue())
    assert found.sheets[0].rows == [[1.0]]
    assert [(issue.rule, issue.cell, issue.raw_text) for issue in found.issues] == [
        ("read.stray_cell", "XFD1048576", "忘在这里")
    ]


def test_a_sheet_that_cannot_fit_is_an_issue_and_the_others_are_read() -> None:
    buffer, book = xlsx()
    page = book.add_worksheet("大")
    for column in range(2000):
        page.write(0, column, 1)
        page.write(9999, column, 1)
    book.add_worksheet("小").write("B2", 5)
    book.close()
    found = read(buffer.getvalue())
    assert [(issue.rule, issue.sheet) for issue in found.issues] == [("read.too_large", "大")]
    assert [sheet.rows for sheet in found.sheets] == [[[], [None, 5.0]]]


def test_an_xml_bomb_in_a_package_is_named() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaaaaaaaa">]><sst xmlns="m"><si><t>&a;&a;</t></si></sst>'
    buffer, book = xlsx()
    book.add_worksheet().write("A1", "x")
    book.close()
    assert rules(read(rezip(buffer.getvalue(), sharedStrings_xml=bomb))) == ["read.xml_entities"]


def test_an_encrypted_package_says_password() -> None:
    whole = biff(CELLS).replace("Workbook".encode("utf-16-le"), "Encrypte".encode("utf-16-le"))
    assert rules(read(whole)) == ["read.not_a_workbook"]
    name, long_name = "Workbook".encode("utf-16-le").ljust(64, b"\0"), "EncryptedPackage".encode("utf-16-le")
    named = biff(CELLS).replace(name + struct.pack("<H", 18), long_name.ljust(64, b"\0") + struct.pack("<H", 34))
    assert rules(read(named)) == ["read.password"]


ORIGINALS = [a_rich_sheet(), biff(CELLS), xlsb(), SPREADSHEETML.encode()]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_files_never_raise(data: st.DataObject) -> None:
    original = data.draw(st.sampled_from(ORIGINALS))
    content = bytearray(original)
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(content))))
    book = read(bytes(content[:cut]))
    assert book.sheets or book.issues
    assert "read.internal" not in rules(book)


@given(st.binary(max_size=300))
def test_random_bytes_never_raise(content: bytes) -> None:
    book = read(content)
    assert book.sheets or book.issues
    assert "read.internal" not in rules(book)


# --- text of a cell -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (3.0, "3"), (16.900000000000002, "16.9"), (1e15, "1e+15"), (12345678.25, "12345678.25"),
     (-0.0, "0"), (True, "TRUE"), (None, ""), (915299017800013736, "915299017800013736"), (date(2026, 3, 1), "2026-03-01")],
)  # fmt: skip
def test_the_text_of_a_cell_is_what_a_person_reads(value: object, text: str) -> None:
    assert cell_text(value) == text  # type: ignore[arg-type]
