"""Reconciliation on /quality: our figure, theirs, the difference and its parts, each figure with its trace."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.i18n import Translator
from tests.e2e.tabs import Tab


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("+", ""))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_our_sum_stands_beside_the_statistics_bureau(tab: Tab, county_home: Settings, lang: str) -> None:
    month = "2026-09-01"
    reader = PublishedReader(county_home)
    sql = (
        "select indicator_code, value_ytd from marts.fct_indicator_progress where level = 'county' and basis = 'reported' "
        f"and indicator_code in ('TE02', 'RC01', 'TE03', 'RC02') and period = date '{month}'"
    )
    known = {code: round(value) for code, value in reader.query(sql)[1]}
    # October has no figure of theirs: the newest quarter is compared.
    page = tab.open(f"/quality?period=2026-10&lang={lang}")
    table = page.locator("table.reconciliation").first
    lines = [[cell.inner_text() for cell in line.locator("td").all()] for line in table.locator("tbody tr").all()]
    assert len(lines) == 2
    for line, ours, theirs in zip(lines, ("TE02", "TE03"), ("RC01", "RC02"), strict=True):
        assert (_number(line[1]), _number(line[3])) == (known[ours], known[theirs])
        assert _number(line[4]) == known[ours] - known[theirs]
    # Outside their scope and left within it add up, but for rounding.
    assert abs(_number(lines[0][8]) + _number(lines[0][9]) - _number(lines[0][4])) <= 1
    links = table.locator("a.figure[href*='/trace']")
    assert links.count() == 4
    section = page.locator("section:has(table.reconciliation)")
    note = reader.query("select scope_note_zh, scope_note_en from marts.fct_reconciliation where other_code = 'RC01'")[
        1
    ][0]
    assert note[lang == "en"] in section.inner_text()
    tab.watch.check(page)
    page = tab.open(str(table.locator("a.figure").nth(1).get_attribute("href")))
    page.locator("table.sheet td[aria-current]").wait_for()
    assert Translator(lang)("sheet.this_cell").strip() in page.locator("table.sheet td[aria-current]").inner_text()
