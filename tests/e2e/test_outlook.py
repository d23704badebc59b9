"""A township's outlook and bridge: the figures of marts, steps that add up, each with its trace."""

from __future__ import annotations

from decimal import Decimal

from playwright.sync_api import Page

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.i18n import Translator
from tests.e2e.tabs import Tab

T = Translator("zh")


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("+", ""))


def _facts(page: Page, heading: str) -> dict[str, str]:
    rows = page.locator(f"section:has(h2:text-matches('{heading}')) tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").first.inner_text() for row in rows}


def test_the_bridge_of_a_township_adds_up_and_opens_traces(tab: Tab, county_home: Settings) -> None:
    sql = (
        "select unit_id, indicator_code from marts.fct_bridge where level = 'township' and period = date '2026-10-01' "
        "and component = 'entry' and indicator_code = 'TE02' limit 1"
    )
    unit, code = PublishedReader(county_home).query(sql)[1][0]
    page = tab.open(f"/township?township={unit}&indicator={code}&period=2026-10")
    section = page.locator("section:has(table.bridge)")
    amounts = [_number(cell.inner_text()) for cell in section.locator("tbody tr td:nth-child(2)").all()]
    assert len(amounts) >= 4
    assert amounts[0] + sum(amounts[1:-1]) == amounts[-1]
    assert T("bridge.entry") in section.inner_text()
    assert section.locator("a.figure[href*='/trace']").count() == len(amounts)
    tab.watch.check(page)


def test_the_forecast_shows_its_band_and_the_chance_of_the_target(tab: Tab, county_home: Settings) -> None:
    sql = (
        "select unit_id, indicator_code, forecast_value, forecast_low, forecast_high, target_probability_pct "
        "from marts.fct_indicator_progress where level = 'township' and basis = 'comparable' "
        "and indicator_code in ('TE01', 'TE02', 'TE03', 'TE08') and target_form = 'level' "
        "and period = date '2026-10-01' and target_probability_pct between 2 and 98 order by 1, 2 limit 1"
    )
    unit, code, value, low, high, chance = PublishedReader(county_home).query(sql)[1][0]
    page = tab.open(f"/township?township={unit}&indicator={code}&period=2026-10")
    facts = _facts(page, T("outlook.forecast"))
    assert _number(facts[T("outlook.forecast")]) == round(value)
    band = next(text for name, text in facts.items() if name.startswith("预计范围"))
    assert [_number(part) for part in band.split("—")] == [round(low), round(high)]
    assert str(round(chance)) in facts[T("outlook.chance")]
    assert facts[T("outlook.chance")] in page.locator("main").inner_text()
    tab.watch.check(page)
