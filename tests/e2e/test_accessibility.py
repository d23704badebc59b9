"""Every page in both languages by the rules of axe-core: WCAG 2.2 AA as far as a program can judge it.

Belongs here: the automatic check of accessibility. Does not belong here: what a page must answer (test_pages.py).
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.pages.registry import PAGES, WALL
from tests.e2e.tabs import Tab, new_tab, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GRAVE = ("serious", "critical")
# The headings of the page that says that a page went wrong (error.title).
FAULTS = ("本页出了差错", "Something went wrong on this page")
# A township that exists and a figure that has a trace: pages with an object are other pages than those without.
DETAILS = ("/township?township=529901101", "/trace?indicator=TE01&township=529901101")


def grave(page: Page) -> list[tuple[str, list[object]]]:
    """The serious and critical violations that axe-core finds on a drawn page: rule, and where."""
    answer = Axe().run(page).response
    assert len(answer["passes"]) > 15, "axe has judged the page"
    return [
        (rule["id"], [node["target"] for node in rule["nodes"]])
        for rule in answer["violations"]
        if rule["impact"] in GRAVE
    ]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", [*[entry.path for entry in (*PAGES, WALL)], *DETAILS])
def test_axe_finds_nothing_grave(tab: Tab, path: str, lang: str) -> None:
    # the wall board fades from screen to screen; half-way through nothing can be judged
    tab.page.emulate_media(reduced_motion="reduce")
    page = tab.open(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    heading = page.locator("h1").first.inner_text()
    assert heading not in FAULTS, "an error page is not the page to be judged"
    assert grave(page) == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_axe_finds_nothing_grave_around_a_cell_of_a_received_sheet(tab: Tab, county_home: Settings, lang: str) -> None:
    sql = (
        "select unit_id, indicator_code, period from marts.fct_revision where level = 'township' and measure = 'ytd' "
        "and previous_value is not null order by valid_from desc limit 1"
    )
    unit, code, period = PublishedReader(county_home).query(sql)[1][0]
    page = tab.open(f"/trace?indicator={code}&township={unit}&period={period:%Y-%m}&lang={lang}")
    page.locator("table.sheet td[aria-current]").wait_for()
    assert grave(page) == []


def test_a_phone_reaches_what_moves_sideways(browser: Browser, address: str) -> None:
    tab = new_tab(browser, address)
    tab.page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/", DETAILS[0], "/submissions", "/quality"):
        page = tab.open(path)
        wait_until(
            page,
            "[...document.querySelectorAll('.table-box')].every("
            "box => box.scrollWidth <= box.clientWidth + 1 || box.tabIndex === 0)",
        )
        answer = Axe().run(page).response
        assert [rule["id"] for rule in answer["violations"] if rule["impact"] in GRAVE] == [], path
    tab.page.close()


@pytest.mark.parametrize("path", ["/", DETAILS[0], "/submissions"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(tab: Tab, path: str) -> None:
    """Every control and link in sight takes the focus by Tab alone, in the order of the page, with an outline."""
    page = tab.open(path)
    page.evaluate(
        """() => { window.reached = []; document.addEventListener("focusin", event => {
          const style = getComputedStyle(event.target);
          window.reached.push([event.target, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2]);
        }); }"""
    )
    waiting = page.evaluate(
        """() => { window.waiting = [...document.querySelectorAll("a[href], button, summary, input, select")]
          .filter(node => node.checkVisibility({visibilityProperty: true}) && !node.disabled && node.tabIndex >= 0);
          return window.waiting.length; }"""
    )
    assert waiting > 40
    for _ in range(waiting + 5):
        page.keyboard.press("Tab")
    missed, bare = page.evaluate(
        """() => { const reached = new Set(window.reached.map(one => one[0]));
          const name = node => node.outerHTML.slice(0, 120);
          return [window.waiting.filter(node => !reached.has(node)).map(name),
                  window.reached.filter(one => !one[1] && one[0].id !== "submit-files").map(one => name(one[0]))]; }"""
    )
    assert missed == [] and bare == []
    order = page.evaluate(
        "window.reached.map(one => one[0].closest('header') ? 'header' : one[0].closest('nav.app-nav') ? 'nav' : "
        "one[0].closest('main') ? 'main' : '').filter(Boolean)"
    )
    assert [place for at, place in enumerate(order[:waiting]) if at == 0 or place != order[at - 1]][:3] == [
        "header",
        "nav",
        "main",
    ]
    tab.watch.check(page)


def test_every_chart_has_its_table(tab: Tab) -> None:
    """Beside it in its section, or where a link below it leads."""
    charts = 0
    for path in (*[entry.path for entry in PAGES], *DETAILS):
        page = tab.open(path)
        for chart in page.locator("main [role=img], main section img:not(table img):not(.why-line img)").all():
            charts += 1
            section = chart.locator("xpath=ancestor::section[1]")
            table = section.locator("table")
            if table.count() == 0:
                table = page.locator(f"{section.locator('a.to-twin').get_attribute('href')} table")
            assert table.first.locator("tbody tr").count() >= 1, (path, section.inner_text()[:60])
            described = chart.evaluate("node => node.alt || node.closest('[aria-label]')?.getAttribute('aria-label')")
            assert described, path
    assert charts >= 3
    tab.watch.check(tab.page)
