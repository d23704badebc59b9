"""Rounding, units and signs as pages write them (domain.md B.6)."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.components import numbers

DECIMALS = st.integers(min_value=0, max_value=4)
FINITE = st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, allow_infinity=False, places=6)


@given(FINITE, DECIMALS, st.booleans())
def test_text_is_the_value_rounded_half_up_and_zero_has_no_sign(value: Decimal, decimals: int, signed: bool) -> None:
    text = numbers.number(value, decimals, signed=signed)
    assert re.fullmatch(r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?", text), text
    read = Decimal(text.replace(",", ""))
    assert read == value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    if read == 0:
        assert text[0] not in "+-"
    else:
        assert text.startswith("-") == (read < 0)
        assert text.startswith("+") == (signed and read > 0)
    assert len(text.partition(".")[2]) == decimals


@given(st.floats(allow_nan=True, allow_infinity=True), DECIMALS)
def test_no_float_shows_as_a_word(value: float, decimals: int) -> None:
    text = numbers.number(value, decimals)
    assert not re.search(r"nan|inf|None|e", text, re.IGNORECASE)
    if math.isfinite(value):
        assert text != numbers.NOTHING
    else:
        assert text == numbers.NOTHING


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (2.675, 2, "2.68"),  # a float that is a hair below, read as people read it
        (Decimal("0.5"), 0, "1"),
        (Decimal("-0.5"), 0, "-1"),
        (Decimal("-0.04"), 1, "0.0"),
        (-0.0, 1, "0.0"),
        (Decimal("1234567.891"), 0, "1,234,568"),
        (None, 1, "—"),
        (float("nan"), 1, "—"),
        (0, 0, "0"),
    ],
)
def test_examples(value: object, decimals: int, text: str) -> None:
    assert numbers.number(value, decimals) == text


@pytest.mark.parametrize(
    ("stored", "preferred", "mode", "value", "text"),
    [
        ("万元", "亿元", None, Decimal("67234"), "6.72"),
        ("万元", "亿元", "wan", Decimal("67234"), "67,234"),
        ("万元", "万元", "yi", Decimal("67234"), "6.72"),
        ("吨", "万吨", "yi", Decimal("1840000"), "184.00"),
        ("人/百万吨", None, None, Decimal("0.2875"), "0.288"),
        ("没有登记的单位", None, None, Decimal("12"), "12"),
    ],
)
def test_display_units(stored: str, preferred: str | None, mode: str | None, value: Decimal, text: str) -> None:
    assert numbers.in_unit(value, numbers.display_unit(stored, preferred, mode), 0) == text


@given(FINITE)
def test_switching_the_unit_never_changes_the_figure(value: Decimal) -> None:
    large = numbers.display_unit("万元", None, "yi")
    small = numbers.display_unit("万元", None, "wan")
    assert value * large.factor * 10000 == value * small.factor


def test_every_shown_unit_has_both_languages() -> None:
    for unit in numbers._display_units().values():
        assert unit.zh and unit.en and unit.factor > 0
        assert not re.search(r"\d ?[KMB]\b", unit.en), "thousands and millions are never letters"
