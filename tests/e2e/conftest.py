"""Fixtures of the browser tests: a served dashboard over the demonstration county, a browser, a watched tab.

Belongs here: fixtures. Does not belong here: what they are made of (tabs.py), what a page must show (test_*.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from dagster_project.settings import Settings
from tests.browser import LAUNCH_ARGUMENTS, find_chromium
from tests.e2e.tabs import Tab, new_tab, serve, stop


@pytest.fixture(scope="session")
def address(county_home: Settings) -> Iterator[str]:
    process, found = serve(county_home)
    yield found
    stop(process)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=LAUNCH_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Tab]:
    """One tab; whatever a test does in it must leave no trace of trouble."""
    made = new_tab(browser, address)
    yield made
    made.page.close()
