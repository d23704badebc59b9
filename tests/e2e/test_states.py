"""What a page says while it waits, when the server is gone, and where the published version is an older program's.

Belongs here: states of the whole page in a real browser. Does not belong here: empty parts of one page (test_pages.py).
"""

from __future__ import annotations

import shutil
import time
import urllib.error
import urllib.request
from urllib.parse import urlparse

import duckdb
import pytest
from playwright.sync_api import Browser, Route

from dagster_project.settings import Settings
from dashboard.i18n import Translator
from tests.e2e.tabs import Tab, new_tab, serve, stop, wait_until

pytestmark = pytest.mark.e2e

ASK = "document.dispatchEvent(new Event('visibilitychange'))"


def test_a_server_that_is_gone_is_said_and_what_was_missed_shows_when_it_is_back(
    browser: Browser, small_home: Settings
) -> None:
    process, address = serve(small_home)
    tab = new_tab(browser, address)
    page = tab.open("/?lang=en")
    strip = page.locator("#server-away")
    assert strip.is_hidden()
    stop(process)
    page.evaluate(ASK)
    strip.wait_for()
    assert Translator("en")("server.away") in strip.inner_text()
    # Whoever goes on to another page while it is away gets it afterwards, by itself.
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Quality").click()
    page.wait_for_timeout(300)
    process, _ = serve(small_home, urlparse(address).port)
    try:
        strip.wait_for(state="hidden", timeout=15_000)
        page.locator("nav [aria-current=page]", has_text="Quality").wait_for(timeout=15_000)
        assert "/quality" in page.url
    finally:
        stop(process)
        page.close()


def test_a_page_on_its_way_says_so_until_it_is_there(tab: Tab) -> None:
    page = tab.page

    def slow(route: Route) -> None:
        time.sleep(0.9)
        route.continue_()

    for lang in ("zh", "en"):
        with urllib.request.urlopen(f"{tab.address}/?lang={lang}") as answer:
            first = answer.read().decode()
        assert Translator(lang)("loading") in first and "Loading..." not in first
    tab.open("/")
    page.evaluate(
        "window.busy = []; new MutationObserver(() => window.busy.push(document.documentElement.hasAttribute('data-busy')))"
        ".observe(document.documentElement, {attributeFilter: ['data-busy']})"
    )
    page.route("**/_dash-update-component*", slow)
    page.locator("nav").get_by_role("link", name="煤炭").click()
    page.locator("table.mines").wait_for()
    wait_until(page, "!document.documentElement.hasAttribute('data-busy')")
    assert page.evaluate("window.busy") == [True, False]
    tab.watch.check(page)


def _without(settings: Settings, relation: str, version: str) -> None:
    """Publish a copy of the version that serves without one of its tables, as an older program would have made it."""
    before = settings.current.read_text(encoding="utf-8").strip()
    shutil.copytree(settings.published / before, settings.published / version)
    with duckdb.connect(str(settings.published / version / "warehouse.duckdb")) as connection:
        kind = connection.execute(
            "select table_type from information_schema.tables where table_schema = 'marts' and table_name = ?",
            [relation],
        ).fetchone()
        assert kind is not None
        connection.execute(f"drop {'view' if kind[0] == 'VIEW' else 'table'} marts.{relation}")
    settings.current.write_text(version, encoding="utf-8")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_version_of_an_older_program_says_what_is_missing_and_what_to_do(
    browser: Browser, small_home: Settings, lang: str
) -> None:
    t = Translator(lang)
    _without(small_home, "fct_scorecard", "older")
    process, address = serve(small_home)
    tab = new_tab(browser, address)
    try:
        page = tab.open(f"/scorecard?lang={lang}")
        said = page.locator("main").inner_text()
        assert page.locator("h1").inner_text() == t("old.page_title")
        assert "fct_scorecard" in said and "tew refresh" in said
        # A download of that page says the same, in words.
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/export/scorecard.xlsx?lang={lang}")
        words = refused.value.read().decode("utf-8")
        assert refused.value.code == 409 and words.endswith(t("old.export"))
        assert t("old.why", table="fct_scorecard") in words
        # The other pages stand, one click away.
        page.get_by_role("navigation", name=t("nav.label")).get_by_role("link", name=t("nav.overview")).click()
        page.locator("table.heat").wait_for()
        _without(small_home, "dim_setting", "oldest")
        page = tab.open(f"/?lang={lang}")
        assert page.locator("h1").inner_text() == t("old.title")
        assert "dim_setting" in page.locator("main").inner_text()
        tab.watch.check(page)
        # The region of a sheet is a piece of a page: it says the same where the page would show it.
        _without(small_home, "fct_submission", "older_still")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/trace/sheet?submission=S000001&sheet=Sheet1&cell=A1&lang={lang}")
        words = refused.value.read().decode("utf-8")
        assert refused.value.code == 409 and t("old.why", table="fct_submission") in words
    finally:
        stop(process)
        tab.page.close()
