"""Spellings of periods (domain.md C.2): titles, sheet names, headings, cells."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.ingest.periods import Period, complete, from_cell
from dagster_project.ingest.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("text", "year", "month", "grain"),
    [
        ("示范县2008年1-8月完成情况", 2008, 8, "ytd"),
        ("××市2008年1—8月乡镇企业主要经济指标", 2008, 8, "ytd"),
        ("2008年1~8月", 2008, 8, "ytd"),
        ("2008年1至8月份", 2008, 8, "ytd"),
        ("二〇〇八年一至八月", 2008, 8, "ytd"),
        ("二○○八年八月", 2008, 8, "month"),
        ("2008年8月份", 2008, 8, "month"),
        ("2008.8", 2008, 8, "month"),
        ("2008.08", 2008, 8, "month"),
        ("２００８年８月", 2008, 8, "month"),
        ("截至2008年8月底", 2008, 8, "ytd"),
        ("2008年上半年", 2008, 6, "ytd"),
        ("2008年前三季度", 2008, 9, "ytd"),
        ("2026年一季度", 2026, 3, "ytd"),
        ("2008年度", 2008, None, "full_year"),
        ("2026年乡镇企业目标任务", 2026, None, "year"),
        ("市、州生产总值(2018)", 2018, None, "year"),
        ("202603", 2026, 3, "month"),
        ("1-8月", None, 8, "ytd"),
        ("十二月", None, 12, "month"),
        ("3月份", None, 3, "month"),
        ("二〇二六年十一月", 2026, 11, "month"),
        ("2008年7-9月", 2008, 9, "range"),
    ],
)
def test_spellings(vocabulary: Vocabulary, text: str, year: int | None, month: int | None, grain: str) -> None:
    found = vocabulary.periods.find(text)
    assert found is not None
    assert (found.year, found.month, found.grain) == (year, month, grain)


@pytest.mark.parametrize(
    "text",
    [
        "报出日期：2026年4月5日",
        "有效期至：2009年12月",
        "清乡企〔2008〕12号",
        "填表日期:2026-04-05",
        "增加值",
        "1-15 各市",
    ],
)
def test_what_names_no_period(vocabulary: Vocabulary, text: str) -> None:
    assert vocabulary.periods.find(text) is None


def test_a_title_lends_its_year_and_a_sheet_its_month() -> None:
    title, sheet = Period(2026, None, "year"), Period(None, 3, "month")
    joined = complete([title, sheet])
    assert joined is not None and joined.first_day == date(2026, 3, 1)
    assert complete([Period(2026, None, "year"), Period(2025, 3, "month")]).month is None  # type: ignore[union-attr]


def test_cells(vocabulary: Vocabulary) -> None:
    for value in (datetime(2026, 3, 31), 202603, 202603.0, "202603", "2026年3月", "2026-03"):
        found = from_cell(value, vocabulary.periods)
        assert found is not None and (found.year, found.month) == (2026, 3), value
    assert from_cell(2026.0, vocabulary.periods) == Period(2026, None, "year", "2026")
    assert from_cell(True, vocabulary.periods) is None


@given(st.integers(1990, 2100), st.integers(2, 12), st.sampled_from(["-", "—", "－", "~", "至", "到"]))
def test_year_to_date_ranges(vocabulary: Vocabulary, year: int, month: int, dash: str) -> None:
    found = vocabulary.periods.find(f"某县{year}年1{dash}{month}月情况表")
    assert found is not None
    assert (found.year, found.month, found.grain) == (year, month, "ytd")


@given(st.text(max_size=20))
def test_no_text_breaks_the_finder(vocabulary: Vocabulary, text: str) -> None:
    found = vocabulary.periods.find(text)
    assert found is None or found.month is None or 1 <= found.month <= 12
