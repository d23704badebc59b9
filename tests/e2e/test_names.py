"""The queue of unknown names on /quality: drawn for who may answer, answered in the page, in both languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from dagster_project.settings import Settings
from dagster_project.warehouse import refresh
from dagster_project.warehouse.archive import Journal
from dashboard.i18n import Translator
from tests.e2e.tabs import new_tab, serve, stop
from tests.warehouse import workbooks

pytestmark = pytest.mark.e2e
NAMES = {"zh": ("站前老镇", "站前镇"), "en": ("枫林湖老镇", "枫林湖镇")}


def test_a_name_is_given_its_meaning_in_the_page(browser: Browser, small_home: Settings) -> None:
    workbooks.townships(small_home.inbox / "老镇.xlsx", 1, {old: (10, 10) for old, _ in NAMES.values()})
    refresh.run_refresh(small_home)
    process, address = serve(small_home)
    tab = new_tab(browser, address)
    try:
        for lang, (old, new) in NAMES.items():
            t, code = Translator(lang), workbooks.CODES[new]
            page = tab.open(f"/quality?lang={lang}")
            row = page.locator("[data-names] tbody tr", has_text=old)
            row.wait_for()
            assert code in row.inner_text()
            row.get_by_label(t("names.means_of", name=old)).fill("999")
            row.get_by_label(t("names.by")).fill("Li")
            row.get_by_role("button", name=t("names.save")).click()
            row.locator("[role=status]", has_text="999").wait_for()
            row.get_by_label(t("names.means_of", name=old)).fill(code)
            row.get_by_role("button", name=t("names.save")).click()
            row.get_by_text(t("names.kept", name=old, known=new, code=code)).wait_for()
    finally:
        tab.page.close()
        stop(process)
    kept = [event for event in Journal(small_home.journal).replay().others if event["event"] == "mapping"]
    assert [event["by"] for event in kept] == ["Li", "Li"]
