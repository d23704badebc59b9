"""Numbers, null tokens and units as cells hold them (domain.md C.2, I.13)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.ingest.grid import CellValue, Sheet, Workbook
from dagster_project.ingest.parse import parse_grid
from dagster_project.ingest.units import choose
from dagster_project.ingest.values import bare_number, decimal_of
from dagster_project.ingest.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("text", "number", "suffix"),
    [
        ("5,332.0 ", "5332.0", None),
        ("１，４４７．０", "1447.0", None),
        ("1 905", "1905", None),
        ("1\u00a0905", "1905", None),
        ("１２．５％", "12.5", "%"),
        ("'123", "123", None),
        ("(123)", "-123", None),
        ("（4.3）", "-4.3", None),
        ("-123", "-123", None),
        ("－123", "-123", None),
        ("△123", "-123", None),
        ("▲9.3", "-9.3", None),
        ("下降5.2", "-5.2", None),
        ("下降5.2%", "-5.2", "%"),
        ("增长17.4%", "17.4", "%"),
        ("0.1117亿元", "0.1117", "亿元"),
        ("1.2亿", "1.2", "亿"),
        ("350万", "350", "万"),
        ("1.2E3", "1200", None),
        ("-0.6个百分点", "-0.6", "个百分点"),
        ("1234,5678", "12345678", None),
    ],
)
def test_spellings_of_numbers(vocabulary: Vocabulary, text: str, number: str, suffix: str | None) -> None:
    figure = vocabulary.figures.read(text)
    assert (figure.number, figure.suffix, figure.problem) == (Decimal(number), suffix, None)
    assert figure.raw_text == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "unknown"),
        ("\u3000", "unknown"),
        ("—", "na"),
        ("–", "na"),
        ("-", "na"),
        ("－", "na"),
        ("一", "na"),
        ("/", "na"),
        ("×", "na"),
        ("…", "below_unit"),
        ("...", "below_unit"),
        ("｡｡｡", "below_unit"),
        ("未报", "not_reported"),
        ("缺", "not_reported"),
        ("停产", "suspended"),
        ("歇业", "suspended"),
        ("关闭", "closed"),
    ],
)
def test_null_tokens_stay_apart(vocabulary: Vocabulary, text: str, reason: str) -> None:
    """domain.md I.13: blank, dash, ellipsis, the numeral one alone and not-reported are different things."""
    figure = vocabulary.figures.read(text)
    assert (figure.number, figure.null_reason) == (None, reason)


def test_zero_is_a_value(vocabulary: Vocabulary) -> None:
    for zero in (0, 0.0, "0", "０", "0.00"):
        assert vocabulary.figures.read(zero).number == 0


@pytest.mark.parametrize("text", ["abc", "12,34", "1.2.3", "下降-5", "3人以内", "12-13", "约", "1..2", "万"])
def test_what_is_no_number_is_not_guessed(vocabulary: Vocabulary, text: str) -> None:
    figure = vocabulary.figures.read(text)
    assert figure.number is None or figure.suffix is not None
    assert figure.raw_text == text


@pytest.mark.parametrize(("text", "problem"), [("#DIV/0!", "error"), ("#REF!", "error"), ("####", "error")])
def test_formula_errors(vocabulary: Vocabulary, text: str, problem: str) -> None:
    assert vocabulary.figures.read(text).problem == problem


def test_dates_truths_and_uncached_formulas_are_no_figures(vocabulary: Vocabulary) -> None:
    figures = vocabulary.figures
    assert figures.read(datetime(2026, 3, 1)).problem == "date"
    assert figures.read(True).problem == "text"
    assert figures.read("=SUM(B3:B9)", is_uncached=True).problem == "formula"
    assert figures.read(float("nan")).problem == "error"


def test_percent_format_reads_as_points(vocabulary: Vocabulary) -> None:
    figure = vocabulary.figures.read(0.125, is_percent=True)
    assert (figure.number, figure.suffix) == (Decimal("12.500"), "%")


def test_binary_noise_goes_and_real_digits_stay() -> None:
    assert decimal_of(7140.789999999999) == Decimal("7140.79")
    assert decimal_of(16.900000000000002) == Decimal("16.9")
    assert str(decimal_of(14847.2942161781)) == "14847.2942161781"


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False))
def test_every_way_to_write_a_number_reads_the_same(number: Decimal) -> None:
    plain = f"{number:f}"
    full_width = plain.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789.,-"})
    for written in (plain, f"{number:,f}", f" {plain}\u3000", full_width):
        from dagster_project.ingest.text import normalise

        assert bare_number(normalise(written)) == (number, None)
    assert decimal_of(float(number)) == number


@given(st.text(max_size=12))
def test_no_text_breaks_the_reader(vocabulary: Vocabulary, text: str) -> None:
    figure = vocabulary.figures.read(text)
    assert sum(part is not None for part in (figure.number, figure.null_reason, figure.problem)) == 1


@pytest.mark.parametrize(
    ("spelling", "dimension", "factor"),
    [
        ("万元", "money", "1"),
        ("千元", "money", "0.1"),
        ("亿元", "money", "10000"),
        ("元", "money", "0.0001"),
        ("万吨", "mass", "10000"),
        ("KG", "mass", "0.001"),
        ("万吨/年", "capacity", "10000"),
        ("万人", "people", "10000"),
        ("tce", "energy", "1"),
        ("度", "electricity", "0.0001"),
        ("万ｋＷｈ", "electricity", "1"),
        ("m³", "volume", "0.0001"),
        ("％", "percent", "1"),
        ("人/百万吨", "death_rate", "1"),
    ],
)
def test_units(vocabulary: Vocabulary, spelling: str, dimension: str, factor: str) -> None:
    unit = vocabulary.units.find(spelling)
    assert unit is not None
    assert (unit.dimension, unit.factor) == (dimension, Decimal(factor))


def test_a_unit_line_gives_each_dimension_its_own(vocabulary: Vocabulary) -> None:
    units, unknown = vocabulary.units.find_all("万元、人、%")
    assert unknown == []
    assert [choose([units], dimension).canonical for dimension in ("money", "people", "percent")] == ["万元", "人", "%"]
    assert choose([units], "mass") is None
    assert vocabulary.units.find_all("万元、担") == ([units[0]], ["担"])


def test_every_unit_stores_in_its_dimensions_unit(vocabulary: Vocabulary) -> None:
    for units in vocabulary.units.by_dimension.values():
        for unit in units:
            stored = vocabulary.units.find(unit.stored_unit)
            assert stored is not None and stored.dimension == unit.dimension, unit
            assert unit.factor > 0


@settings(max_examples=60, deadline=None)
@given(
    st.data(),
    st.integers(min_value=1, max_value=10**9).map(lambda cents: Decimal(cents) / 100),
    st.sampled_from(("sheet", "column", "cell")),
)
def test_a_figure_is_the_same_in_every_unit_wherever_the_unit_is_stated(
    vocabulary: Vocabulary, data: st.DataObject, value: Decimal, place: str
) -> None:
    unit = data.draw(st.sampled_from(vocabulary.units.by_dimension["money"]))
    said = {where: unit.spelling if where == place else "" for where in ("sheet", "column", "cell")}
    rows: list[list[CellValue]] = [
        ["示范县乡镇企业主要经济指标完成情况表（2026年1—3月）"],
        [f"单位：{said['sheet']}" if said["sheet"] else None],
        ["乡镇", f"增加值（{said['column']}）" if said["column"] else "增加值", "实交税金"],
        [None, "累计", "累计"],
        ["站前镇", f"{value / unit.factor:f}{said['cell']}", 1.0],
    ]
    parsed = parse_grid(Workbook("a.xlsx", "xlsx", [Sheet("S", rows)]), vocabulary)
    [read] = [one.value for one in parsed.observations if one.indicator_code == "TE01"]
    assert read == value


def test_a_percentage_is_read_as_the_heading_or_the_unit_line_declares_it(vocabulary: Vocabulary) -> None:
    """12.5 and 0.125 are the same where the form says so; nothing is guessed from the size."""
    for heading, written, points in (
        ("增长%", 12.5, "12.5"),
        ("增长（小数）", 0.125, "12.5"),
        ("增长%", 0.125, "0.125"),
    ):
        rows: list[list[CellValue]] = [
            ["示范县乡镇企业主要经济指标完成情况表（2026年1—3月）"],
            ["单位：万元"],
            ["乡镇", "增加值", None, None],
            [None, "累计", "同期", heading],
            ["站前镇", 45.0, 40.0, written],
        ]
        sheet = Sheet("S", rows, [(2, 1, 2, 3)])
        parsed = parse_grid(Workbook("a.xlsx", "xlsx", [sheet]), vocabulary)
        [read] = [one.value for one in parsed.observations if one.measure == "declared_growth"]
        assert read == Decimal(points)


def test_hidden_sheets_rows_and_columns_are_read_and_the_reporter_is_told(vocabulary: Vocabulary) -> None:
    rows: list[list[CellValue]] = [
        ["示范县乡镇企业主要经济指标完成情况表（2026年1—3月）"],
        ["单位：万元"],
        ["乡镇", "增加值", None],
        [None, "本月", "累计"],
        ["站前镇", 5.0, 45.0],
        ["卫山镇", 6.0, 46.0],
    ]
    merges = [(2, 1, 2, 2)]
    shown = Sheet("1", rows, merges, hidden_rows=frozenset({4}), hidden_columns=frozenset({1}))
    hidden = Sheet("2", [[*row] for row in rows], merges, is_hidden=True)
    parsed = parse_grid(Workbook("a.xlsx", "xlsx", [shown, hidden]), vocabulary)
    assert {(one.sheet, one.cell) for one in parsed.observations if one.measure == "month"} == {
        (sheet, cell) for sheet in "12" for cell in ("B5", "B6")
    }
    told = {(issue.rule, issue.sheet) for issue in parsed.issues}
    assert {("parse.hidden_cells", "1"), ("parse.hidden_sheet", "2")} <= told
