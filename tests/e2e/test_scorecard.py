"""Appraisal in a browser: what each township scores, why, and what another parameter would make of it."""

from __future__ import annotations

import pytest

from dashboard.i18n import Translator
from tests.e2e.tabs import Tab

pytestmark = pytest.mark.e2e

TOWN = "529901104"  # over its cap of deaths in 2026


@pytest.mark.parametrize("lang", ("zh", "en"))
def test_a_score_opens_its_line_and_a_simulation_changes_only_what_is_labelled_so(tab: Tab, lang: str) -> None:
    page = tab.open(f"/scorecard?lang={lang}&period=2026-10")
    t = Translator(lang)
    tables = page.locator("table.heat")
    assert tables.count() == 3
    published = tables.first.locator("tbody tr").first.inner_text()
    assert page.locator("td.on-red").count() == 1  # the vetoed one, its total still there
    page.locator(f'td a[href*="township={TOWN}"][href*="indicator=SA02"]').click()
    line = page.locator("ul.lines li strong")
    line.wait_for()
    assert line.inner_text().strip()
    assert page.locator(f'ul.lines a[href^="/trace"][href*="township={TOWN}"]').count() >= 5
    assert page.get_by_role("columnheader", name=t("scorecard.simulated"), exact=True).count() == 0
    tab.open(f"/scorecard?lang={lang}&period=2026-10&indicator=TE01")
    page.locator("table.compact a.choice").last.click()
    simulated = page.get_by_role("columnheader", name=t("scorecard.simulated"), exact=True)
    simulated.first.wait_for()
    assert "whatif=" in page.url and simulated.count() == 3
    assert page.locator("table.heat").first.locator("tbody tr").first.inner_text().startswith(published)
    tab.watch.check(page)


@pytest.mark.parametrize("lang", ("zh", "en"))
def test_tasks_tell_what_is_overdue_and_whose_it_is_and_open_their_sheet(tab: Tab, lang: str) -> None:
    page = tab.open(f"/scorecard?lang={lang}&period=2026-10")
    t = Translator(lang)
    owners = page.get_by_role("heading", name="52.4%")
    # 21 tasks, 11 done; the county's own and four others' rows are late
    assert owners.count() == 1 and all(part in owners.inner_text() for part in ("21", "11", "5"))
    late = page.get_by_role("row").filter(has=page.get_by_role("cell", name=t("tasks.status.overdue"), exact=True))
    assert late.count() == 5
    place = late.filter(has_text="食用菌无公害认证").get_by_role("link")
    cell = place.inner_text().rsplit("!", 1)[1]
    place.click()
    region = page.locator(".sheet-region table")
    region.wait_for()
    assert "食用菌无公害认证" in region.inner_text() and f"!{cell}" in page.locator("main").inner_text()
    tab.watch.check(page)
