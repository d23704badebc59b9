"""How a reader wants it shown: more contrast, the wall board.

Belongs here: themes and the board in a real browser. Does not belong here: what a page must answer (test_pages.py).
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from dashboard.i18n import Translator
from tests.e2e.tabs import Tab, new_tab

pytestmark = pytest.mark.e2e

TOWN = "529901101"
# The smallest text of the board as a share of the screen's height: 20 mm on a 55-inch screen, read from four metres.
SMALLEST = 0.03
SIZES = """() => [...document.querySelectorAll(".slide.active *, .wall-foot *")]
  .filter(node => !node.closest(".visually-hidden") && [...node.childNodes].some(c => c.nodeType === 3 && c.data.trim()))
  .map(node => parseFloat(getComputedStyle(node).fontSize))"""


def too_faint(page: Page) -> list[str]:
    """Texts below 7:1 (4.5:1 where they are large), as axe-core measures them."""
    rules = {"runOnly": {"type": "rule", "values": ["color-contrast-enhanced"]}}
    rules |= {"rules": {"color-contrast-enhanced": {"enabled": True}}}
    answer = Axe().run(page, options=rules).response
    assert answer["passes"], "axe has measured the page"
    return [str(node["target"]) for rule in answer["violations"] for node in rule["nodes"]]


def test_high_contrast_is_chosen_in_the_header_and_kept(tab: Tab) -> None:
    page = tab.open("/")
    assert page.locator("html").get_attribute("data-theme") is None
    page.locator("details.menu-display summary").click()
    button = page.get_by_role("button", name=Translator("zh")("menu.contrast"))
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert too_faint(page) == []
    page = tab.open(f"/township?township={TOWN}")
    # The first answer says so already: nothing changes its looks while it is drawn.
    with page.expect_response(lambda answer: "/township" in answer.url) as first:
        page.reload()
    assert 'data-theme="contrast"' in first.value.text()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    assert too_faint(page) == []
    tab.watch.check(page)


def test_high_contrast_follows_the_system_where_nothing_is_chosen(browser: Browser, address: str) -> None:
    page = browser.new_page(contrast="more")
    page.goto(f"{address}/quality")
    page.locator("h1").wait_for()
    assert page.locator("html").get_attribute("data-theme") == "contrast"
    assert too_faint(page) == []
    page.close()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_board_is_large_and_fits_one_screen(browser: Browser, address: str, lang: str) -> None:
    tab = new_tab(browser, address)
    page = tab.page
    for width, height in ((1920, 1080), (1366, 768)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{address}/wall?lang={lang}")
        page.locator(".slide.active").wait_for()
        slides = page.locator(".slide").count()
        assert slides >= 4
        for _ in range(slides):
            assert page.locator(".slide.active").count() == 1
            assert page.locator(".slide.active h2").first.inner_text().strip()
            assert min(page.evaluate(SIZES)) >= SMALLEST * height - 0.01
            wide, high = page.evaluate("(w => [w.scrollWidth, w.scrollHeight])(document.querySelector('.wall'))")
            assert wide <= width and high <= height, page.locator(".slide.active h2").first.inner_text()
            tab.watch.check(page)
            page.keyboard.press("ArrowRight")
    page.close()


def test_the_board_turns_and_stops(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.clock.install()
    page.goto(f"{address}/wall")
    page.locator(".slide").first.wait_for(state="attached")
    place = page.locator(".wall-place")
    page.clock.run_for(1_000)
    assert place.inner_text().startswith("1 /")
    page.clock.run_for(13_000)
    assert place.inner_text().startswith("2 /")
    # A moved mouse holds it for half a minute.
    page.mouse.move(400, 300)
    page.clock.run_for(20_000)
    assert place.inner_text().startswith("2 /")
    page.clock.run_for(12_000)
    assert place.inner_text().startswith("3 /")
    pause = page.get_by_role("button", name=Translator("zh")("wall.pause"))
    pause.click()
    page.clock.run_for(120_000)
    assert pause.get_attribute("aria-pressed") == "true" and place.inner_text().startswith("3 /")
    page.close()


def test_the_board_stands_still_for_who_wants_less_motion(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    page.clock.install()
    page.goto(f"{address}/wall")
    page.locator(".slide").first.wait_for(state="attached")
    page.clock.run_for(60_000)
    assert page.locator(".wall-place").inner_text().startswith("1 /")
    assert page.evaluate("getComputedStyle(document.querySelector('.slide.active')).animationName") == "none"
    page.get_by_role("button", name=Translator("zh")("wall.next")).click()
    assert page.locator(".wall-place").inner_text().startswith("2 /")
    page.close()
