"""Every page in both languages, in a real browser: what it must answer, and that nothing leaks or leaves."""

from __future__ import annotations

import random
import re
import unicodedata
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.i18n import Translator
from dashboard.pages.registry import PAGES, WALL
from tests.e2e.tabs import Tab, new_tab

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LANGUAGES = ("zh", "en")
CHINESE = re.compile(r"[\u3400-\u9fff]")
# Names of programs and of file formats stay as they are.
KEPT_ENGLISH = {"Excel", "Word", "xlsx"}
# One of the demonstration county's towns: it absorbed another in 2025.
TOWN = "529901101"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", [entry.path for entry in PAGES])
def test_each_page_opens_in_each_language(tab: Tab, path: str, lang: str) -> None:
    page = tab.open(f"{path}?lang={lang}")
    t = Translator(lang)
    entry = next(entry for entry in PAGES if entry.path == path)
    assert page.locator("html").get_attribute("lang") == ("zh-CN" if lang == "zh" else "en")
    assert page.title().startswith(t(entry.key))
    assert page.locator("h1").count() == 1
    current = page.locator("nav [aria-current=page]")
    assert current.all_inner_texts() == ([t(entry.key)] if entry.is_listed else [])
    assert page.locator("main footer").inner_text().strip()
    tab.watch.check(page)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_overview_answers_where_the_county_stands_and_who_holds_it_back(tab: Tab, lang: str) -> None:
    page = tab.open(f"/?lang={lang}")
    t = Translator(lang)
    headline = page.get_by_role("table", name=t("overview.caption"))
    assert headline.get_by_role("row").count() >= 10
    for heading in ("col.ytd", "col.growth", "col.attainment", "col.gap", "col.lamp", "col.reach"):
        assert headline.get_by_role("columnheader", name=t(heading), exact=True).count() == 1
    heat = page.get_by_role("table", name=t("heat.caption"))
    assert heat.get_by_role("row").count() == 14
    assert page.get_by_role("heading", name=t("change.title")).is_visible()
    assert headline.locator("img.bullet").count() >= 5
    for image in page.locator("table img.bullet, table img.spark").all():
        assert image.get_attribute("alt")
    lamps = headline.locator(".lamp")
    assert lamps.count() >= 8
    for lamp in lamps.all():
        assert lamp.locator(".shape").inner_text() and lamp.locator(".word").inner_text()
        assert lamp.get_attribute("title")
    tab.watch.check(page)


def test_the_english_overview_has_no_chinese_but_the_language_switch(tab: Tab) -> None:
    page = tab.open("/?lang=en")
    # Enterprises have a Chinese name alone; everything else is in English.
    for part in ("h1", "h2", ".sub", "table.headline", "table.heat", ".footnote", ".app-footer", "header", "nav"):
        for text in page.locator(part).all_inner_texts():
            assert CHINESE.findall(text.replace("中文", "")) == [], text


@pytest.mark.parametrize("path", [entry.path for entry in PAGES if entry.path != "/dictionary"])
def test_an_english_page_has_english_headings_and_a_chinese_one_no_english_word(
    tab: Tab, county_home: Settings, path: str
) -> None:
    """Names of enterprises and files are Chinese in both; the dictionary is in both languages by design."""
    names = {row[0] for row in PublishedReader(county_home).query("select name_zh from marts.dim_enterprise")[1]}
    page = tab.open(f"{path}?lang=en")
    for part in ("h1", "h2", ".sub", "thead th", ".footnote:not(.exports)", "summary", "button", "label"):
        for text in page.locator(part).all_inner_texts():
            for name in sorted(names, key=len, reverse=True):
                text = text.replace(name, "")
            assert CHINESE.findall(text.replace("中文", "")) == [], (part, text)
    page = tab.open(path)
    words = set(re.findall(r"(?<![\w.])[A-Za-z]{4,}(?![\w.])", page.locator("main").inner_text()))
    assert words <= KEPT_ENGLISH, words - KEPT_ENGLISH


@pytest.mark.parametrize("lang", LANGUAGES)
def test_county_to_township_to_enterprise_to_cell_by_clicking(tab: Tab, lang: str) -> None:
    page = tab.open(f"/?lang={lang}")
    t = Translator(lang)
    heat = page.get_by_role("table", name=t("heat.caption"))
    heat.locator(f'tbody th a[href*="township={TOWN}"]').click()
    page.locator(".profile").wait_for()
    assert f"township={TOWN}" in page.url and "/township" in page.url
    tab.watch.check(page)
    enterprise = page.locator('main a[href*="enterprise="][href^="/enterprise"]').first
    name = enterprise.inner_text()
    enterprise.click()
    page.locator("dl.facts").wait_for()
    assert name in page.locator("h1").inner_text()
    tab.watch.check(page)
    page.locator("main a.figure").first.click()
    page.wait_for_url("**/trace**")
    page.locator("main td.version-in_force").first.wait_for()
    assert re.search(r"\.xlsx?", page.locator("main").inner_text())
    # Three clicks, and the cell stands in its sheet, with the figure that was clicked.
    assert page.locator("table.sheet td[aria-current]").inner_text().strip()
    tab.watch.check(page)


def test_the_township_page_shows_its_parts(tab: Tab) -> None:
    page = tab.open(f"/township?township={TOWN}")
    t = Translator("zh")
    profile = page.get_by_role("table", name=t("township.caption"))
    assert profile.get_by_role("row").count() >= 10
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    page.locator("details.twin summary").click()
    twin = page.locator("details.twin table")
    assert twin.get_by_role("row").count() == 14
    page.get_by_role("link", name=t("series.months", n=36)).click()
    page.wait_for_url("**months=36**")
    tab.watch.check(page)


def test_a_unit_that_was_merged_points_to_its_successor(tab: Tab) -> None:
    page = tab.open("/township?township=529901204")
    page.get_by_role("main").locator(f'a[href*="township={TOWN}"]').click()
    page.locator(".profile").wait_for()
    tab.watch.check(page)


def due_reports(t: Translator) -> re.Pattern[str]:
    """The calendar's heading with any counts, also as paper spells it."""
    words = unicodedata.normalize("NFKC", t("calendar.title", n=77, missing=77, late=77))
    return re.compile(re.sub("[:：]", "[:：]", re.sub("[,，]", "[,，]", words)).replace("77", "[0-9]+"))


def test_submissions_lead_to_the_issues_of_a_file(tab: Tab) -> None:
    page = tab.open("/submissions")
    t = Translator("zh")
    assert page.get_by_role("heading", name=due_reports(t)).is_visible()
    assert page.locator("td.status-on_time").count() >= 1
    issues = page.locator('main a[href*="submission="]')
    if issues.count() == 0:
        pytest.fail("the demonstration plants defects: some submission of the last month must have issues")
    issues.first.click()
    page.locator("table.issues").wait_for()
    assert page.locator("table.issues tbody tr").count() >= 1
    tab.watch.check(page)


def test_the_dictionary_explains_every_indicator(tab: Tab) -> None:
    page = tab.open("/dictionary?lang=en")
    table = page.locator("table.dictionary")
    assert table.locator("tbody tr").count() >= 90
    row = table.locator("tr", has=page.locator("#indicator-SA03"))
    assert "÷" in row.inner_text()
    tab.watch.check(page)


def test_the_enterprise_grid_speaks_chinese_and_leads_to_an_enterprise(tab: Tab) -> None:
    page = tab.open("/enterprise")
    page.locator(".ag-row").first.wait_for()
    assert page.locator(".ag-row").count() >= 10
    page.locator(".ag-row a").first.click()
    page.locator("dl.facts").wait_for()
    tab.watch.check(page)


def test_header_settings_stay_in_the_address(tab: Tab) -> None:
    page = tab.open("/?lang=en")
    page.locator("details.menu").nth(1).locator("summary").click()
    page.get_by_role("link", name="reported basis").click()
    page.locator("details.menu summary", has_text="as reported").wait_for()
    assert "basis=reported" in page.url
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Townships").click()
    page.wait_for_url("**/township**")
    assert "basis=reported" in page.url and "lang=en" in page.url
    page.locator(".ranking").wait_for()
    tab.watch.check(page)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_ranking_shows_last_months_place_as_a_ghost(tab: Tab, county_home: Settings, lang: str) -> None:
    """A dot a township that has a gap this month, a hollow one beside it for the month before, both in figures too."""
    sql = (
        "with ours as (select unit_id, period, gap_pp, rank, rank_of, max(period) over () as newest "
        "from marts.fct_indicator_progress where level = 'township' and basis = 'comparable' "
        "and indicator_code = 'TE01' and gap_pp is not null and not is_carried) "
        "select now.unit_id, before.gap_pp, before.rank, before.rank_of, before.period "
        "from ours as now left join ours as before on now.unit_id = before.unit_id "
        "and before.period = now.newest - interval 1 month where now.period = now.newest order by before.rank nulls last"
    )
    found = PublishedReader(county_home).query(sql)[1]
    page = tab.open(f"/township?indicator=TE01&lang={lang}")
    drawn = page.locator(".ranking img.dots")
    assert drawn.count() == len(found) > 0
    ghosts = [row for row in found if row[1] is not None]
    parted = Translator(lang)("dots.month", now="", before="")
    assert len(ghosts) > 0
    assert sum(parted in (image.get_attribute("alt") or "") for image in drawn.all()) == len(ghosts)
    unit, _, rank, rank_of, period = ghosts[0]
    row = page.locator(".ranking tr", has=page.locator(f"a[href*='township={unit}']")).first
    assert row.locator("td").nth(1).inner_text() == f"{rank}/{rank_of}"
    row.locator(f"a[href*='/trace'][href*='period={period:%Y-%m}']").last.click()
    page.wait_for_url("**/trace?**")
    page.locator("h1").wait_for()
    tab.watch.check(page)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/township?township=000000000", "township.unknown"),
        ("/enterprise?enterprise=nobody", "enterprise.unknown"),
        ("/submissions?submission=S999999", "submissions.unknown"),
        ("/trace?indicator=XX99", "trace.no_indicator"),
        ("/?period=2099-01", "no_period.why"),
        ("/no-such-page", "missing.title"),
    ],
)
def test_what_is_not_there_is_said(tab: Tab, path: str, says: str) -> None:
    page = tab.open(path)
    sentence = Translator("zh")(says)
    start = sentence.split("{")[0]
    assert start in page.locator("main").inner_text()
    tab.watch.check(page)


def test_random_addresses_show_no_leaked_words(tab: Tab) -> None:
    """Forty states of the address and more, sound and unsound ones."""
    chance = random.Random(20261108)
    states = [(entry.path, lang) for entry in (*PAGES, WALL) for lang in LANGUAGES]
    for path, lang in [*states, *chance.sample(states, len(states))]:
        # Every page comes twice in each language.
        parts = {
            "basis": chance.choice(["comparable", "reported", "x"]),
            "unit": chance.choice(["yi", "wan", ""]),
            "period": chance.choice(["2026-10", "2026-01", "2025-12", "2024-02", "2023-11", "1999-01", "2026-13"]),
            "township": chance.choice(["", TOWN, "529901002", "529901106", "529901204", "529901900", "1"]),
            "indicator": chance.choice(["", "TE01", "TE04", "SA02", "SA03", "EN01", "CO01", "TE11", "BF05", "??"]),
            "months": chance.choice(["13", "24", "36", "0", "x"]),
            "enterprise": chance.choice(["", "9152990179025563XT", "nobody"]),
            "submission": chance.choice(["", "S000001", "S000251", "S999999"]),
            "cell": chance.choice(["", "Sheet1!C9", "Sheet1!ZZ9", "nothing"]),
            "whatif": chance.choice(["", "a:1", "a:x_and_cap:5", "cap:-3"]),
            "version": chance.choice(["", "", "", "nosuch"]),
            "as_of": chance.choice(["", "2026-10-15", "2019-05-04", "x"]),
        }
        chosen = {key: value for key, value in parts.items() if value and chance.random() < 0.7}
        page = tab.open(f"{path}?lang={lang}&" + "&".join(f"{key}={value}" for key, value in chosen.items()))
        assert page.locator("main").inner_text().strip()
        assert page.locator("html").get_attribute("lang") == ("zh-CN" if lang == "zh" else "en"), page.url
        assert Translator("zh")("error.title") not in page.locator("h1").inner_text(), page.url
        assert Translator("en")("error.title") not in page.locator("h1").inner_text(), page.url
        tab.watch.check(page)


def test_keyboard_reaches_the_content_and_the_menus(tab: Tab) -> None:
    page = tab.open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("details.menu[open]").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("details.menu[open]").count() == 0


def test_no_page_is_wider_than_the_screen(tab: Tab) -> None:
    for lang in LANGUAGES:
        for entry in PAGES:
            page = tab.open(f"{entry.path}?lang={lang}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 1366, (entry.path, lang)
            for box in page.locator(".table-box").all():
                wide, seen = box.evaluate("node => [node.scrollWidth, node.clientWidth]")
                assert wide <= seen + 1, (entry.path, lang, box.inner_text()[:80])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_phone_reads_every_page_without_moving_sideways(browser: Browser, address: str, lang: str) -> None:
    tab = new_tab(browser, address)
    tab.page.set_viewport_size({"width": 390, "height": 844})
    read = ["/", "/township", f"/township?township={TOWN}"]
    for path in read if lang == "en" else {*read, *[entry.path for entry in PAGES]}:
        page = tab.open(f"{path}{'&' if '?' in path else '?'}lang={lang}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, (path, lang)
        # The overview's and a township's figures stand in sight, each named: nothing scrolls, not even in its box.
        for box in page.locator(".table-box:has(> .cards)").all():
            wide, seen = box.evaluate("node => [node.scrollWidth, node.clientWidth]")
            assert wide <= seen + 1, (path, lang)
        unnamed = page.locator(".cards td:visible:not(:has(.lamp)):not([data-label])")
        assert unnamed.count() == 0, (path, lang)
    tab.watch.check(tab.page)
    tab.page.close()


def test_paper_holds_what_the_screen_shows(browser: Browser, address: str, tmp_path: Path) -> None:
    """A4 and A3: pages are numbered, a folded table stands open, a list is whole, the overview fits one A3 sheet."""
    tab = new_tab(browser, address)
    texts: dict[str, list[str]] = {}
    for name, path, paper in (
        ("overview", "/", "A4"),
        ("sheet", "/", "A3"),
        ("township", f"/township?township={TOWN}", "A4"),
        ("enterprises", "/enterprise", "A4"),
        ("submissions", "/submissions", "A4"),
    ):
        # Printed at once: paper does not wait for the live chart.
        page = tab.page
        page.goto(address + path)
        page.locator("h1").wait_for()
        target = tmp_path / f"{name}.pdf"
        page.pdf(path=target, format=paper, landscape=True, print_background=True)
        # Chromium's PDF spells some characters as their radicals.
        texts[name] = [unicodedata.normalize("NFKC", sheet.extract_text()) for sheet in PdfReader(target).pages]
    assert len(texts["overview"]) == 2 and len(texts["sheet"]) == 1
    for sheets in texts.values():
        for number, text in enumerate(sheets, 1):
            assert f"{number} / {len(sheets)}" in text
    t = Translator("zh")
    whole = "".join(texts["township"])
    assert all(f"2026年{month}月" in whole for month in range(1, 11)), "the chart's table is on paper"
    listed = [text for text in texts["enterprises"] if t("col.industry") in text]
    assert len(listed) == len(texts["enterprises"]) > 3, "every sheet repeats the heading"
    assert t("menu.print") not in whole
    assert t("series.actual") in whole, "the chart itself is on paper, with its legend"
    sent = "".join(texts["submissions"])
    assert due_reports(t).search(sent) and t("month.act.by") not in sent, "no field to fill in is on paper"
    tab.watch.check(tab.page)
    tab.page.close()
