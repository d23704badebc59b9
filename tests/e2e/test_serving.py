"""What the server promises: weight and speed of a load, health, versions that change, a home without data."""

from __future__ import annotations

import gzip
import json
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dagster_project.settings import Settings, load_settings
from dashboard.i18n import Translator
from tests.e2e.tabs import Tab, new_tab, serve, stop

pytestmark = pytest.mark.e2e

MAX_TRANSFERRED = 1_200_000


def test_health_names_the_served_version(address: str, county_home: Settings) -> None:
    with urllib.request.urlopen(f"{address}/healthz") as answer:
        assert answer.status == 200
        assert json.load(answer)["version"] == county_home.current.read_text(encoding="utf-8").strip()


def test_the_overview_is_light_and_knows_no_foreign_address(browser: Browser, address: str) -> None:
    tab = new_tab(browser, address)
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("Network.enable")
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page = tab.open("/")
    assert sum(received) <= MAX_TRANSFERRED, f"{sum(received):.0f} bytes"
    scripts = page.evaluate("[...document.scripts].map(node => node.src).filter(Boolean)")
    assert scripts and all(source.startswith(address) for source in scripts)
    assert not any("ag_grid" in source or "plotly" in source for source in scripts)
    tab.watch.check(page)
    page.close()


def test_bundles_are_compressed_and_kept(address: str) -> None:
    with urllib.request.urlopen(address) as answer:
        index = answer.read().decode()
    source = index.split('<script src="')[1].split('"')[0]
    request = urllib.request.Request(address + source, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "max-age" in answer.headers["Cache-Control"]
        packed = answer.read()
    plain = urllib.request.urlopen(address + source).read()
    assert gzip.decompress(packed) == plain


def test_a_home_without_a_version_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    process, address = serve(load_settings(home=tmp_path / "empty"))
    try:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/healthz")
        assert refused.value.code == 503
        assert json.load(refused.value)["reason"]
        page = browser.new_page()
        for lang in ("zh", "en"):
            page.goto(f"{address}/?lang={lang}")
            page.locator("h1").wait_for()
            assert page.locator("h1").inner_text() == Translator(lang)("nothing.title")
        page.close()
    finally:
        stop(process)


def test_an_open_page_follows_a_new_version(browser: Browser, small_home: Settings) -> None:
    """Publishes a copy of the version under a new name, as a refresh would, while a page is open."""
    process, address = serve(small_home)
    try:
        tab: Tab = new_tab(browser, address)
        page = tab.open("/")
        before = small_home.current.read_text(encoding="utf-8").strip()
        assert page.locator("[data-version]").get_attribute("data-version") == before
        after = before + "-next"
        shutil.copytree(small_home.published / before, small_home.published / after)
        beside = small_home.published / ".CURRENT.test"
        beside.write_text(after, encoding="utf-8")
        beside.replace(small_home.current)
        started = time.monotonic()
        page.locator(f'[data-version="{after}"]').wait_for(timeout=15_000)
        assert time.monotonic() - started < 15
        assert after in page.locator(".banner").inner_text()
        tab.watch.check(page)
        page.close()
    finally:
        stop(process)
