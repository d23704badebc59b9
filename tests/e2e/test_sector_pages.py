"""Coal, energy and quality: the question of each page is answerable from the accessibility tree, and figures open their trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.settings import Settings
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


@pytest.mark.parametrize("lang", LANGUAGES)
def test_energy_says_whether_the_list_meets_its_reduction_and_who_drives_it(tab: Tab, lang: str) -> None:
    page = tab.open(f"/energy?lang={lang}")
    t = Translator(lang)
    headline = page.get_by_role("table", name=t("energy.caption"))
    assert headline.locator(".lamp .word").first.inner_text()
    members = page.get_by_role("table", name=t("energy.members_caption"))
    assert members.locator("tbody tr").count() == 12
    # What the enterprises did adds up to the change of the list, which the headline prints.
    total = members.locator("tfoot td").nth(8).inner_text().lstrip("+")
    assert total in headline.locator("tbody tr").first.inner_text()
    effects = [float(row.locator("td").nth(8).inner_text()) for row in members.locator("tbody tr").all()]
    assert effects == sorted(effects, reverse=True)
    fuels = page.get_by_role("table", name=t("energy.fuels_caption"))
    for heading in ("energy.head.calorific.chosen", "energy.head.equivalent"):
        assert fuels.get_by_role("columnheader", name=t(heading), exact=True).count() == 1
    tab.watch.check(page)
    fuels.locator("a.figure").first.click()
    page.wait_for_url("**/trace**")
    page.locator("main td.version-in_force, main table").first.wait_for()
    tab.watch.check(page)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_quality_shows_issues_held_back_cells_and_revisions(tab: Tab, lang: str) -> None:
    """May 2025 holds planted defects."""
    page = tab.open(f"/quality?lang={lang}&period=2025-05")
    t = Translator(lang)
    rules = page.get_by_role("table", name=t("quality.by_rule_caption"))
    assert "V25" in rules.inner_text()
    assert page.get_by_role("table", name=t("quality.by_unit_caption")).locator("tbody tr").count() >= 1
    assert page.get_by_role("table", name=t("quality.history_caption")).locator("tbody tr").count() == 3
    page.locator("details[data-part=issues] summary").click()
    assert page.get_by_role("table", name=t("quality.list_caption")).locator("tbody tr").count() >= 1
    tab.watch.check(page)


def test_a_held_back_cell_stands_with_its_value_and_opens_its_trace(tab: Tab) -> None:
    t = Translator("zh")
    page = tab.open("/quality?period=2025-03")
    held = page.get_by_role("table", name=t("quality.held_caption"))
    assert held.locator("td.version-quarantined").count() >= 1
    held.locator("td.version-quarantined a").first.click()
    page.locator("main td.version-quarantined").first.wait_for()
    tab.watch.check(page)


def test_the_trace_gives_the_original_file(tab: Tab, county_home: Settings) -> None:
    page = tab.open("/trace?indicator=CO01&enterprise=915299017902238141")
    with page.expect_download() as download:
        page.locator('main a[href^="/submissions/original/"]').first.click()
    content = Path(download.value.path()).read_bytes()
    assert content in {path.read_bytes() for path in county_home.inbox.iterdir() if path.stat().st_size == len(content)}
    tab.watch.check(page)


@pytest.mark.parametrize("unit", ["", "&township=529901101"])
def test_the_parts_on_a_trace_give_the_ratio_over_a_frozen_list(tab: Tab, unit: str) -> None:
    """The county's or township's own value added would give another ratio than that of the list."""
    t = Translator("zh")
    page = tab.open(f"/trace?indicator=EN01{unit}")
    foot = page.locator("main table tfoot tr", has_text=t("trace.sum", n="").rstrip("）")).first
    above, below, ratio = (float(text.replace(",", "")) for text in foot.locator("td").all_inner_texts()[:3])
    assert above / below == pytest.approx(ratio, rel=1e-3)
    assert f"{ratio:.4f}" in page.locator("h1").inner_text()
    tab.watch.check(page)
