"""Every page in both languages by the rules of axe-core: WCAG 2.2 AA as far as a program can judge it.

Belongs here: the automatic check of accessibility. Does not belong here: what a page must answer (test_pages.py).
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from dashboard.pages.registry import PAGES
from tests.e2e.tabs import Tab

pytestmark = pytest.mark.e2e

GRAVE = ("serious", "critical")
# The headings of the page that says that a page went wrong (error.title).
FAULTS = ("本页出了差错", "Something went wrong on this page")
# A township that exists and a figure that has a trace: pages with an object are other pages than those without.
DETAILS = ("/township?township=529901101", "/trace?indicator=TE01&township=529901101")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", [*[entry.path for entry in PAGES], *DETAILS])
def test_axe_finds_nothing_grave(tab: Tab, path: str, lang: str) -> None:
    page = tab.open(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    heading = page.locator("h1").first.inner_text()
    assert heading not in FAULTS, "an error page is not the page to be judged"
    answer = Axe().run(page).response
    assert len(answer["passes"]) > 20, "axe has judged the page"
    grave = [
        (rule["id"], [node["target"] for node in rule["nodes"]])
        for rule in answer["violations"]
        if rule["impact"] in GRAVE
    ]
    assert grave == []
