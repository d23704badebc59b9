"""Coal and energy: the question of each page is answerable from the accessibility tree, and figures open their trace."""

from __future__ import annotations

import pytest

from dashboard.i18n import Translator
from tests.e2e.tabs import Tab

pytestmark = pytest.mark.e2e

LANGUAGES = ("zh", "en")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_coal_shows_output_against_plan_mine_by_mine(tab: Tab, lang: str) -> None:
    page = tab.open(f"/coal?lang={lang}")
    t = Translator(lang)
    assert "%" in page.locator("h1").inner_text()
    mines = page.get_by_role("table", name=t("coal.mines_caption"))
    assert mines.locator("tbody tr").count() >= 10
    for image in mines.locator("img").all():
        assert image.get_attribute("alt")
    plan = page.get_by_role("table", name=t("coal.townships_caption"))
    assert plan.locator("tbody tr").count() >= 5 and plan.locator("img.bullet").count() >= 5
    tab.watch.check(page)
    shown = mines.locator("a.figure").nth(1).inner_text()
    mines.locator("a.figure").nth(1).click()
    page.locator("main td.version-in_force").first.wait_for()
    assert shown in page.locator("h1").inner_text()


def test_a_mine_over_its_capacity_is_named_in_the_heading(tab: Tab) -> None:
    """The demonstration plants one (V25) in May 2025."""
    page = tab.open("/coal?period=2025-05")
    first = page.get_by_role("table", name=Translator("zh")("coal.mines_caption")).locator("tbody tr").first
    assert Translator("zh")("coal.alert_word") in first.inner_text()
    assert first.locator("th").inner_text() in page.locator("h1").inner_text()
    tab.watch.check(page)
