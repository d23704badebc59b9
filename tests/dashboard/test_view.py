"""Words of a figure: what a page says beside a number. Catalogue and texts are real; no published version is needed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dashboard.components import html
from dashboard.data.catalogue import Catalogue
from dashboard.i18n import Translator
from dashboard.pages.overview import gap_cell
from dashboard.state import State
from dashboard.view import View

INDICATORS: dict[str, dict[str, Any]] = {
    "staff": {"name_zh": "从业人员", "name_en": "Persons employed", "unit": "人", "unit_display": "万人"},
    "accidents": {"name_zh": "重特大事故起数", "name_en": "Major accidents", "unit": "起", "unit_display": "起"},
}


def view(lang: str) -> View:
    rows = {
        code: {"indicator_code": code, "kind": "stock", "decimals": 0, "growth_basis": "nominal", **row}
        for code, row in INDICATORS.items()
    }
    known = Catalogue("v", {}, rows, {}, {}, (), {}, {}, {}, {}, (), None, {}, {}, frozenset())
    words = Translator(lang)
    return View("/", State(lang=lang), None, known, words, date(2026, 10, 1), frozenset())  # type: ignore[arg-type]


def row(**changes: Any) -> dict[str, Any]:
    standing = {"start_value": 3203, "target_value": 3267, "value_ytd": 3164, "gap_pp": -144.3, "attainment_pct": -60.9}
    return {
        "indicator_code": "staff",
        "target_form": "level",
        "lamp": "red",
        "is_carried": False,
        **standing,
        **changes,
    }


@pytest.mark.parametrize(("lang", "lost"), [("zh", "净减 39 人"), ("en", "net loss of 39 persons")])
def test_a_state_that_shrank_says_its_net_loss(lang: str, lost: str) -> None:
    """Its share of the planned increase is negative: "144.3 points behind" startles and says nothing."""
    page = view(lang)
    assert gap_cell(page, row()) == lost and page.gap_of(row()) == lost
    assert page.attainment(row()) == "—"
    assert lost in page.lamp_sentence(row()) and "144" not in page.lamp_sentence(row())
    grown = row(value_ytd=3240, gap_pp=-25.5, attainment_pct=57.8)
    assert page.net_loss(grown) == "" and page.attainment(grown) == "57.8"
    assert "25.5" in gap_cell(page, grown)


def test_a_carried_figure_has_no_gap() -> None:
    assert gap_cell(view("zh"), row(value_ytd=3240, gap_pp=-7.6, is_carried=True)) == "—"


def test_a_unit_that_ends_the_name_is_not_said_twice() -> None:
    assert view("en").unit_beside("accidents") == ""
    beside = view("zh").unit_beside("accidents")
    assert isinstance(beside, html.Span) and beside.children == " 起"
