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
