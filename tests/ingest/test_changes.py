"""A register of changes of township-level units, made up in the geometry of the official one (domain.md D.2).

Merged cells are the meaning here, so the workbook is a real .xlsx. The official register itself: test_shared_workbooks.py.
"""

from __future__ import annotations

import io

import openpyxl
import pytest

from dagster_project.ingest.model import ParsedWorkbook, UnitChange
from dagster_project.ingest.parse import parse
from dagster_project.ingest.vocabulary import Vocabulary

HEAD = ["序号", "省份", "原区划代码", "原名称", "变更原因", "现区划代码", "现名称", "批准文件"]
NOTE = "    2.各级民政统计人员将在当年12月底核对。"
Rows = list[list[object]]


def register(sheets: dict[str, tuple[Rows, list[str]]]) -> bytes:
    """An .xlsx of sheets with their merges; '' is a blank cell."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, (rows, merges) in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append([None if cell == "" else cell for cell in row] or [None])
        for merge in merges:
            sheet.merge_cells(merge)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.fixture(scope="module")
def made_up(vocabulary: Vocabulary) -> ParsedWorkbook:
    rows_2024: Rows = [
        ["2024年某地县以下行政区划代码变更情况"],
        [],
        [],
        [*HEAD, ""],
        [1, "贵州", 529901106, "滨河镇", "撤镇设街道", 529901002, "滨河街道", "示府发〔2024〕18号", False],
        [2, "", 529901103, "新桥坝镇", "名称变更", 529901103, "新桥镇", "示府发〔2023〕41号", False],
        [3, "", 529901204, "石门乡", "撤乡、镇设镇", 529901101, "站前镇", "示府发〔2025〕7号", False],
        [4, "", 529901101, "站前镇", "", "", "", "", False],
        [5, "", 529901300, "甲乡", "撤乡、镇设镇", 529901110, "丙镇", "示府发〔2024〕9号", False],
        [6, "", 529901301, "乙乡", "", "", "", "", False],
        [7, "", 529901302, "丁乡", "撤乡设街道、镇", 529901003, "东街道", "", False],
        [8, "", "", "", "", 529901111, "丁镇", "", False],
        [9, "", 529901303, "戊乡", "撤销", "并入丙镇", "", "", False],
        [10, "", 529901304, "己乡", "撤销乡", "", "", "", False],
        [11, "", "", "", "新设街道", 529901004, "西街道", "示府发〔2024〕10号", False],
        ["", "", "", "", "", "", "", "示府发〔2024〕11号", False],
        [12, "", 529901305, "庚乡", "隶属关系变更", 529902305, "庚乡", "", True],
        [13, "", 529901306, "辛乡", "区划代码变更", 529901307, "辛乡", "", False],
        [14, "四川", 519901200, "壬乡", "", "", "壬镇", "", False],
        [],
        ["注：1.本表由统计人员编制。"],
        [NOTE],
    ]
    merges_2024 = [
        "A1:H1",
        "B5:B17",
        *("E7:E8", "F7:F8", "G7:G8", "E9:E10", "F9:F10", "G9:G10"),
        *("C11:C12", "D11:D12", "E11:E12", "F13:G13"),
        *("A15:A16", "C15:C16", "D15:D16", "E15:E16", "F15:F16", "G15:G16"),
        *("A21:G21", "A22:G22"),
    ]
    rows_2015: Rows = [
        ["2015年某地县以下行政区划变更情况"],
        [],
        ["（12月份）"],
        [],
        [name for name in HEAD if name != "省份"],
        [1, "529901200\xa0", "王家镇", "\xa0撤镇设乡", 529901210, "王家乡", "\xa0示府〔2015〕1号"],
        [2, 529901200, "王家镇", "撤镇设乡", 529901210, "王家乡", "示府〔2015〕1号"],
        [3, 52990, "半码乡", "撤乡设镇", 529901112, "半码镇", ""],
    ]
    content = register({"2024": (rows_2024, merges_2024), "2015": (rows_2015, ["A1:G1", "A3:G3"])})
    return parse(content, "变更名册.xlsx", vocabulary)


def by(parsed: ParsedWorkbook, sheet: str, order_no: str) -> UnitChange:
    (found,) = [row for row in parsed.changes if row.sheet == sheet and row.order_no == order_no]
    return found


def test_both_sheets_are_recognised_by_their_headings(made_up: ParsedWorkbook) -> None:
    """Header in row 4 and 5, one sheet without the province's column."""
    assert [(one.form_code, str(one.period)) for one in made_up.sheets] == [
        ("UC-Y1", "2024-12-01"),
        ("UC-Y1", "2015-12-01"),
    ]
    assert [issue.rule for issue in made_up.issues if issue.severity == "error"] == []
    assert len(made_up.changes) == 14 + 3


@pytest.mark.parametrize(
    ("order_no", "op", "structure", "continued"),
    [
        ("1", "rank_change", "1:1", False),
        ("2", "rename", "1:1", True),
        ("3", "absorb", "n:1", False),
        ("4", "absorb", "n:1", True),
        ("5", "merge_new", "n:1", False),
        ("6", "merge_new", "n:1", False),
        ("7", "split", "1:n", False),
        ("8", "split", "1:n", False),
        ("9", "absorb", "1:1", False),
        ("10", "abolish", "1:0", False),
        ("11", "establish", "0:1", False),
        ("12", "transfer", "1:1", True),
        ("13", "code_change", "1:1", True),
    ],
)
def test_the_operation_follows_from_structure_and_reason(
    made_up: ParsedWorkbook, order_no: str, op: str, structure: str, continued: bool
) -> None:
    row = by(made_up, "2024", order_no)
    assert (row.op, row.structure, row.is_continued) == (op, structure, continued)


def test_merged_cells_count_for_every_row_and_keep_their_address(made_up: ParsedWorkbook) -> None:
    second, split = by(made_up, "2024", "6"), by(made_up, "2024", "8")
    assert (second.predecessor_code, second.successor_code, second.successor_name) == (
        "529901301",
        "529901110",
        "丙镇",
    )
    assert (second.predecessor_cell, second.successor_cell, second.cell) == ("D10", "G9", "C10")
    assert (split.predecessor_name, split.predecessor_cell, split.successor_name) == ("丁乡", "D11", "丁镇")
    assert by(made_up, "2024", "5").event_no == second.event_no != split.event_no
    assert (second.reason, second.doc_no) == ("撤乡、镇设镇", None)  # a document is not filled down


def test_a_successor_named_in_words_and_a_second_document(made_up: ParsedWorkbook) -> None:
    words, founded = by(made_up, "2024", "9"), by(made_up, "2024", "11")
    assert (words.successor_code, words.successor_name, words.successor_cell) == (None, "丙镇", "F13")
    assert founded.doc_no == "示府发〔2024〕10号; 示府发〔2024〕11号"


def test_the_province_ends_where_the_codes_leave_it(made_up: ParsedWorkbook) -> None:
    assert by(made_up, "2024", "13").province == "贵州" and by(made_up, "2024", "14").province == "四川"
    assert by(made_up, "2015", "1").province is None


def test_a_row_that_repeats_another_counts_once(made_up: ParsedWorkbook) -> None:
    first, again = by(made_up, "2015", "1"), by(made_up, "2015", "2")
    assert (first.status, again.status, again.repeats_cell) == ("accepted", "repeated", "B6")
    assert first.predecessor_code == "529901200" and first.reason == "撤镇设乡"


def test_what_a_person_must_look_at_is_told_at_its_cell(made_up: ParsedWorkbook) -> None:
    told = [(i.rule, i.sheet, i.cell) for i in made_up.issues if i.severity == "warning"]
    assert told == [
        ("parse.change_half", "2024", "F13"),
        ("parse.change_half", "2024", "G19"),
        ("parse.change_repeated", "2015", "B7"),
        ("parse.change_code", "2015", "C8"),
    ]
    for issue in made_up.issues:
        assert issue.cell is None or (issue.cell in issue.message_zh and issue.cell in issue.message_en)
    read = [i.message_en for i in made_up.issues if i.rule == "parse.changes_read"]
    assert "14 changes of township-level units read, 11 events, of them 2 mergers, 1 splits" in read[0]


def test_a_register_without_a_year_is_told(vocabulary: Vocabulary) -> None:
    rows: Rows = [["县以下行政区划变更情况"], HEAD, [1, "", 529901106, "滨河镇", "", 529901002, "滨河街道", ""]]
    parsed = parse(register({"Sheet1": (rows, [])}), "名册.xlsx", vocabulary)
    assert parsed.changes == []
    assert [issue.rule for issue in parsed.issues if issue.severity == "error"] == ["parse.no_period"]


def test_the_day_of_a_row_dates_it(vocabulary: Vocabulary) -> None:
    rows: Rows = [
        ["县以下行政区划变更情况"],
        [*HEAD, "生效日期"],
        [1, "", 529901106, "滨河镇", "", 529901002, "滨河街道", "", "2024年7月1日"],
        [2, "", 529901107, "某镇", "", 529901005, "某街道", "", ""],
    ]
    parsed = parse(register({"Sheet1": (rows, [])}), "名册.xlsx", vocabulary)
    assert [(row.year, str(row.effective_on)) for row in parsed.changes] == [(2024, "2024-07-01")]
    assert [(i.rule, i.severity) for i in parsed.issues if i.severity == "error"] == [("parse.change_year", "error")]
