"""From a figure to its sheet: the cell is marked in its neighbourhood, the original and every version stand beside it."""

from __future__ import annotations

import urllib.request

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.i18n import Translator
from tests.e2e.tabs import Tab

T = Translator("zh")


def test_a_revised_figure_shows_its_cell_and_all_its_versions(tab: Tab, county_home: Settings) -> None:
    sql = (
        "select unit_id, indicator_code, period, sheet, cell, previous_submission_id from marts.fct_revision "
        "where level = 'township' and measure = 'ytd' and previous_value is not null order by valid_from desc limit 1"
    )
    unit, code, period, sheet, cell, before = PublishedReader(county_home).query(sql)[1][0]
    page = tab.open(f"/trace?indicator={code}&township={unit}&period={period:%Y-%m}")
    page.locator("table.sheet").wait_for()
    section = page.locator("section:has(table.sheet)")
    assert f"{sheet}!{cell}" in section.locator("h2").inner_text()
    marked = section.locator("td[aria-current]")
    assert marked.count() == 1
    read = "select raw_text from marts.fct_observation where unit_id = $u and indicator_code = $c and period = $p"
    texts = {row[0] for row in PublishedReader(county_home).query(read, {"u": unit, "c": code, "p": period})[1]}
    assert marked.locator("strong").inner_text() in texts
    # who sent each version, when, and the way to it
    versions = section.locator("table.versions tbody tr")
    assert versions.count() == 2
    assert PublishedReader(county_home).query(
        "select 1 from marts.fct_submission where submission_id = $s", {"s": before}
    )[1]
    versions.nth(1).locator("a[href*='cell=']").click()
    page.wait_for_url("**cell=**")
    page.locator("tr.selected th", has_text=T("sheet.version", n=1)).wait_for()
    page.locator("table.sheet td[aria-current]").wait_for()
    original = page.locator("section:has(table.sheet) a[href^='/submissions/original/']").first.get_attribute("href")
    assert before in str(original)
    assert urllib.request.urlopen(tab.address + str(original)).read()[:2] == b"PK"
    tab.watch.check(page)
