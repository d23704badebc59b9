"""Rows as text: widths of Chinese, exact decimals, NULL apart from empty, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.commands import render


def test_table_aligns_wide_characters_and_numbers() -> None:
    text = render.table(["乡镇", "value"], [("城关街道", Decimal("1234.500000")), ("a", None), ("", Decimal("-3"))])
    lines = text.splitlines()
    assert len({render.display_width(line) for line in lines if line.strip()} - {0}) >= 1
    assert lines[0] == "乡镇            value"
    assert lines[2] == "城关街道  1234.500000"
    assert lines[3] == "a                NULL"
    assert lines[4] == "                   -3"


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("镇", 2), ("Ａ", 2), ("e\u0301", 1), ("\u200b", 0), ("●", 1), ("", 0)]
)
def test_display_width(text: str, width: int) -> None:
    assert render.display_width(text) == width


def test_json_keeps_every_digit_and_every_column() -> None:
    rows = [
        (
            Decimal("123456789012345678.123456"),
            Decimal("0E-6"),
            float("nan"),
            date(2026, 10, 1),
            "煤",
            None,
            [1, {"a": Decimal("0.1")}],
        )
    ]
    text = "".join(render.json_lines(["v", "v", "n", "d", "t", "x", "l"], rows))
    assert "123456789012345678.123456" in text
    parsed = json.loads(text, parse_float=Decimal)
    assert parsed == [
        {
            "v": Decimal("123456789012345678.123456"),
            "v_1": Decimal("0.000000"),
            "n": None,
            "d": "2026-10-01",
            "t": "煤",
            "x": None,
            "l": [1, {"a": Decimal("0.1")}],
        }
    ]


def test_json_of_no_rows_is_an_empty_list() -> None:
    assert json.loads("".join(render.json_lines(["a"], []))) == []


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**17), max_value=10**17))
def test_decimals_round_trip(value: Decimal) -> None:
    assert Decimal(render.plain(value)) == value
    assert "E" not in render.plain(value)
    assert json.loads(render.json_text(value), parse_float=Decimal, parse_int=Decimal) == value


@given(
    st.lists(
        st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\0")), min_size=2, max_size=2),
        max_size=5,
    )
)
def test_csv_round_trips_any_text(rows: list[list[str]]) -> None:
    handle = io.StringIO(newline="")
    assert render.write_csv(handle, ["a", "b"], rows, for_spreadsheet=False) == len(rows)
    assert list(csv.reader(io.StringIO(handle.getvalue(), newline=""))) == [["a", "b"], *rows]


def test_csv_for_a_spreadsheet_runs_no_formula_and_keeps_numbers() -> None:
    handle = io.StringIO(newline="")
    rows = [("=cmd()", "-5.2", Decimal("-1.50"), "@x"), ("+1", "—", None, "-")]
    render.write_csv(handle, list("abcd"), rows, for_spreadsheet=True)
    assert handle.getvalue().split("\r\n")[1:3] == ["'=cmd(),-5.2,-1.50,'@x", "+1,—,,'-"]


def test_plain_values() -> None:
    assert render.plain(datetime(2026, 11, 3, 8, 0)) == "2026-11-03 08:00:00"
    assert render.plain(True) == "true"
    assert render.plain({"a": None}) == '{"a": null}'


def test_unique_names() -> None:
    assert render.unique_names(["a", "a", "a_1", "a"]) == ["a", "a_1", "a_1_1", "a_2"]
