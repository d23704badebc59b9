"""Proposals for workbooks of unknown layout: what is found, what is only offered, what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.ingest.grid import Sheet, Workbook
from dagster_project.ingest.mapping import BadOverride, SheetProposal, likeness, propose, rows_of, sign
from dagster_project.ingest.parse import parse_grid
from dagster_project.ingest.read import read_workbook
from dagster_project.ingest.vocabulary import Vocabulary
from dagster_project.reference import load_reference
from dagster_project.settings import PROJECT_ROOT
from dagster_project.warehouse.mappings import merged

SEEDS = PROJECT_ROOT / "seeds" / "reference"
OWN = (
    ("示范县2026年10月乡企生产进度",),
    ("单位：万元",),
    ("报送地", "产出增加值总额", "工业部分增加值额", "缴纳的税金", "其他情况"),
    ("云溪街道", 1201, 800, 90, "无"),
    ("枫林湖镇", 3300, 2100, 210, ""),
    ("站前镇", 4100, 2500, 300, ""),
)
ITEMS = (
    ("示范县2026年10月情况",),
    ("单位：万元",),
    ("内容", "本月", "累计"),
    ("增加值", 100, 900),
    ("实际缴纳的税金", 10, 90),
    ("完全不同的事", 3, 7),
)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.load(load_reference(SEEDS))


def book(rows: tuple[tuple[object, ...], ...], name: str = "own.xlsx") -> Workbook:
    return Workbook(name, "xlsx", [Sheet("报送", [list(row) for row in rows])])  # type: ignore[arg-type]


def states(proposal: SheetProposal) -> dict[str, tuple[str, str | None]]:
    return {one.letter or one.heading: (one.state, one.means) for one in [*proposal.columns, *proposal.items]}


def read_with(proposals: list[SheetProposal], workbook: Workbook, folder: Path) -> Vocabulary:
    rows = rows_of(proposals)
    first = Vocabulary.load(load_reference(merged(SEEDS, folder / "words", rows)))
    sign(rows, workbook, first, proposals)
    return Vocabulary.load(load_reference(merged(SEEDS, folder / "forms", rows)))


def test_headings_like_known_ones_are_proposed_and_others_only_offered(vocabulary: Vocabulary) -> None:
    (proposal,) = propose(book(OWN), vocabulary)
    assert not proposal.is_known and (proposal.layout, proposal.period) == ("L1", "2026-10")
    assert (proposal.unit_level, proposal.units, proposal.units_known) == ("township", 3, 3)
    assert states(proposal) == {
        "A": ("unit", "township"),
        "B": ("proposed", "TE01"),
        "C": ("possible", "TE02"),
        "D": ("proposed", "TE03"),
        "E": ("ignored", None),
    }
    assert all(0 <= one.confidence <= 1 for one in proposal.columns)


def test_a_person_may_change_a_column_and_the_file_is_read_by_it(vocabulary: Vocabulary, tmp_path: Path) -> None:
    workbook = book(OWN)
    proposals = propose(workbook, vocabulary, overrides={"C": "TE02", "D": "-"})
    assert states(proposals[0])["C"] == ("proposed", "TE02") and states(proposals[0])["D"][0] == "ignored"
    parsed = parse_grid(workbook, read_with(proposals, workbook, tmp_path))
    assert parsed.sheets[0].form_code == proposals[0].form_code
    values = {(one.unit.name, one.indicator_code): int(one.value or 0) for one in parsed.observations}
    assert values[("枫林湖镇", "TE01")] == 3300 and values[("站前镇", "TE02")] == 2500
    assert {code for _, code in values} == {"TE01", "TE02"} and len(values) == 6
    assert [issue.rule for issue in parsed.issues if issue.severity == "error"] == []


def test_next_month_is_read_by_it_and_known_forms_stay_what_they_are(vocabulary: Vocabulary, tmp_path: Path) -> None:
    workbook = book(OWN)
    proposals = propose(workbook, vocabulary)
    mapped = read_with(proposals, workbook, tmp_path)
    later = tuple(tuple(str(v).replace("10月", "11月") if isinstance(v, str) else v for v in row) for row in OWN)
    parsed = parse_grid(book(later, "next.xlsx"), mapped)
    assert parsed.sheets[0].form_code == proposals[0].form_code and str(parsed.sheets[0].period) == "2026-11-01"
    known = (
        ("示范县乡镇企业主要经济指标完成情况表（2026年10月）",),
        ("单位：万元",),
        ("乡镇", "增加值累计", "实交税金累计"),
        ("云溪街道", 1, 2),
    )
    assert parse_grid(book(known), mapped).sheets[0].form_code == "TE-M1"


def test_rows_that_name_items(vocabulary: Vocabulary, tmp_path: Path) -> None:
    workbook = book(ITEMS)
    proposals = propose(workbook, vocabulary, unit_column="A")
    found = states(proposals[0])
    assert proposals[0].layout == "L2" and found["A"] == ("item", "indicator")
    assert found["增加值"] == ("known", "TE01") and found["实际缴纳的税金"] == ("proposed", "TE03")
    assert found["完全不同的事"][0] == "ignored"
    parsed = parse_grid(workbook, read_with(proposals, workbook, tmp_path))
    values = {(one.indicator_code, one.measure): int(one.value or 0) for one in parsed.observations}
    assert values == {("TE01", "month"): 100, ("TE01", "ytd"): 900, ("TE03", "month"): 10, ("TE03", "ytd"): 90}


@pytest.mark.parametrize(("changes", "key"), [({"Z": "TE01"}, "map.no_column"), ({"B": "XX99"}, "map.unknown_code")])
def test_a_wrong_correction_is_named(vocabulary: Vocabulary, changes: dict[str, str], key: str) -> None:
    with pytest.raises(BadOverride) as raised:
        propose(book(OWN), vocabulary, overrides=changes)
    assert raised.value.key == key


def test_a_yearbook(vocabulary: Vocabulary, shared_workbooks: Path, tmp_path: Path) -> None:
    path = next((shared_workbooks / "yearbooks").glob("17-2*2020*.xlsx"))
    workbook = read_workbook(path.read_bytes(), path.name, vocabulary.messages)
    (proposal,) = propose(workbook, vocabulary)
    found = states(proposal)
    assert (proposal.period, proposal.grain, proposal.units) == ("2020", "year", 11)
    assert found["A"] == ("unit", "township") and found["C"] == ("known", "BF14")
    # parts of another whole, and a figure for each head, are not taken for the whole
    assert {found[letter][0] for letter in "DEF"} == {"ignored"} and found["H"][0] == "possible"
    proposals = propose(workbook, vocabulary, overrides={"B": "BF13"})
    parsed = parse_grid(workbook, read_with(proposals, workbook, tmp_path))
    people = {one.unit.name: one.value for one in parsed.observations if one.indicator_code == "BF13"}
    assert people["杭州市"] == 11965000 and len(people) == 11


def test_likeness_is_of_whole_words() -> None:
    assert likeness("地区生产总值", "地区生产总值") == 1.0
    assert likeness("生产总值", "地区生产总值") >= 0.75
    assert likeness("实交税金", "煤炭库存") == 0.0
    assert likeness("", "x") == 0.0


def test_a_register_with_more_words_than_figures_has_its_header_found(vocabulary: Vocabulary) -> None:
    heads = ("报送地", "联系人", "电话", "地址", "所属行业", "经营状态", "本年产出增加值总额", "缴纳的税金", "用工")
    rows = [
        ("云溪街道", "王五", "无", "一号", "建材", "在产", 1201, 90, 30),
        ("枫林湖镇", "李四", "无", "二号", "化工", "在产", 3300, 210, 44),
    ]
    (proposal,) = propose(book((("示范县2026年10月生产单位名册",), heads, *rows)), vocabulary)
    assert proposal.header_rows == "2-2" and (proposal.units, proposal.units_known) == (2, 2)
    assert states(proposal)["H"] == ("proposed", "TE03")


def test_names_that_no_register_has_are_told(vocabulary: Vocabulary) -> None:
    strange = tuple(("甲乙丙镇", *row[1:]) if len(row) > 1 and isinstance(row[1], int) else row for row in OWN)
    (proposal,) = propose(book(strange), vocabulary)
    assert proposal.units_known == 0 and proposal.unknown[0] == "甲乙丙镇"
