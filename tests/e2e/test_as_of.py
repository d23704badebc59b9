"""An earlier day across the dashboard: it is made while the page waits, marked, told from the present, and left again."""

from __future__ import annotations

import io
import urllib.error
import urllib.request
import zipfile
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import pytest
from docx import Document

from dagster_project.commands import proof as proof_command
from dagster_project.settings import Settings
from dagster_project.warehouse import as_of, as_of_file
from dagster_project.warehouse.read import PublishedReader
from dashboard.as_of.days import store_of
from dashboard.components import numbers
from dashboard.export import bulletin, docx
from dashboard.i18n import Translator
from tests.e2e.tabs import Tab
from tests.e2e.test_accessibility import grave

pytestmark = pytest.mark.slow

# The demonstration corrects a figure of September 2026 on 19 October.
DAY = date(2026, 10, 15)
MONTH = date(2026, 9, 1)
AT = f"as_of={DAY}&period={MONTH:%Y-%m}"


@pytest.fixture(scope="module")
def made(tab_once: Tab, county_home: Settings) -> Settings:
    """The day, made by opening a page of it."""
    file = as_of_file.path(county_home, DAY)
    if file is not None:
        # Another test made it: here the page must have it made.
        file.unlink()
    page = tab_once.open(f"/?{AT}")
    assert Translator("zh")("as_of.making_title", day=DAY) == page.locator("h1").inner_text()
    page.evaluate("window.kept = true")
    page.locator(".banner.as-of").wait_for(timeout=120_000)
    tab_once.watch.check(page)
    assert as_of_file.path(county_home, DAY) is not None
    return county_home


@pytest.fixture(scope="module")
def tab_once(browser, address):  # type: ignore[no-untyped-def]
    from tests.e2e.tabs import new_tab

    opened = new_tab(browser, address)
    yield opened
    opened.page.close()


def test_the_waiting_page_turned_into_the_day_without_a_reload(made: Settings, tab_once: Tab) -> None:
    assert tab_once.page.evaluate("window.kept") is True
    assert f"as_of={DAY}" in tab_once.page.url
    assert Translator("zh")("as_of.banner", day=DAY) in tab_once.page.locator(".banner.as-of").inner_text()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_of_the_day_is_marked_and_its_links_keep_it(made: Settings, tab: Tab, lang: str) -> None:
    for path in ("/", "/township", "/enterprise", "/safety", "/coal", "/quality", "/submissions", "/trace"):
        page = tab.open(f"{path}?{AT}&lang={lang}")
        assert Translator(lang)("as_of.banner", day=DAY) in page.locator(".banner.as-of").inner_text(), path
        assert page.locator("nav a:not([href*='as_of='])").count() == 0, path
        assert page.locator("a.figure:not([href*='as_of='])").count() == 0, path
        tab.watch.check(page)
    assert page.locator("#submit-files").count() == 0


def test_the_banner_is_printed(made: Settings, tab: Tab) -> None:
    page = tab.open(f"/?{AT}")
    page.emulate_media(media="print")
    assert page.locator(".banner.as-of").is_visible()


def test_figures_and_traces_are_those_of_the_day(made: Settings, tab: Tab) -> None:
    file = as_of_file.path(made, DAY)
    assert file is not None
    changed = _changed(made)
    unit, code, then, now = changed
    page = tab.open(f"/trace?{AT}&indicator={code}&township={unit}&basis=comparable")
    assert _shown(then) in page.locator("h1").inner_text()
    assert "".join(page.locator("main").inner_text().split()).count("2026-10-19") == 0
    page = tab.open(f"/trace?period={MONTH:%Y-%m}&indicator={code}&township={unit}&basis=comparable")
    assert _shown(now) in page.locator("h1").inner_text()
    tab.watch.check(page)


def test_what_changed_since_lists_each_figure_with_both_traces(made: Settings, tab: Tab) -> None:
    unit, code, then, now = _changed(made)
    page = tab.open(f"/?{AT}")
    page.locator(".banner.as-of a").first.click()
    page.locator("h1", has_text=f"{DAY} 以后").wait_for()
    line = page.locator(f"tr:has(a[href*='indicator={code}'][href*='township={unit}'])").first
    links = line.locator("a.figure")
    assert [links.nth(0).inner_text(), links.nth(1).inner_text()] == [_shown(then), _shown(now)]
    assert f"as_of={DAY}" in str(links.nth(0).get_attribute("href"))
    assert "as_of" not in str(links.nth(1).get_attribute("href"))
    tab.watch.check(page)


def test_days_that_cannot_be_shown_are_told(tab: Tab) -> None:
    page = tab.open("/township?as_of=2019-05-04")
    assert page.locator("h1").inner_text() == Translator("zh")("as_of.early_title", day="2019-05-04")
    page.locator("main a[href*='as_of=']").first.wait_for()
    page = tab.open("/?as_of=2099-05-04&lang=en")
    assert page.locator("h1").inner_text() == Translator("en")("as_of.future_title", day="2099-05-04")
    page.locator("main").get_by_text(Translator("en")("as_of.back")).click()
    page.wait_for_url(lambda url: "as_of" not in url)
    tab.watch.check(page)


def test_a_day_is_typed_in_the_header(made: Settings, tab: Tab) -> None:
    page = tab.open(f"/?period={MONTH:%Y-%m}")
    page.locator(".menu-as-of summary").click()
    page.locator("#as-of-day").fill(str(DAY))
    page.locator("#as-of-day").press("Enter")
    page.locator(".banner.as-of").wait_for()
    assert f"as_of={DAY}" in page.url


def test_downloads_hold_the_day_and_say_so(made: Settings, address: str) -> None:
    answer = urllib.request.urlopen(f"{address}/export/progress.xlsx?{AT}&indicator=TE01")
    assert str(DAY) in str(answer.headers["Content-Disposition"])
    sheet = openpyxl.load_workbook(io.BytesIO(answer.read())).active
    texts = [str(cell.value) for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert sum(str(DAY) in text for text in texts) == 2
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/export/progress.xlsx?as_of=2019-05-04")
    assert refused.value.code == 404


def test_the_bulletin_of_the_day_says_so(made: Settings) -> None:
    draft = store_of(made, DAY).draw(lambda snapshot: bulletin.draft(snapshot, MONTH, "http://127.0.0.1"))
    words = "\n".join(paragraph.text for paragraph in Document(io.BytesIO(docx.write(draft))).paragraphs)
    assert draft.notes[1][-1] in words and str(DAY.day) in draft.notes[1][-1]
    assert str(DAY) in draft.stamp
    assert all(f"as_of={DAY}" in figure.trace for figure in draft.figures())


def _changed(home: Settings) -> tuple[str, str, object, object]:
    """A township's figure that differs between the day and now: unit, indicator, then, now."""
    sql = (
        "select unit_id, indicator_code, value_ytd from marts.fct_indicator_progress where level = 'township'"
        f" and basis = 'comparable' and period = date '{MONTH}' and indicator_code = 'TE08'"
        " and value_ytd is not null order by all"
    )
    file = as_of_file.path(home, DAY)
    assert file is not None
    then = {row[:2]: row[2] for row in as_of.query(file, home, sql)[1]}
    now = {row[:2]: row[2] for row in PublishedReader(home).query(sql)[1]}
    found = [(key, then[key], now[key]) for key in then if key in now and then[key] != now[key]]
    assert found, "the demonstration corrects nothing between the two"
    (unit, code), old, new = found[0]
    return unit, code, old, new


def _shown(value: object) -> str:
    return numbers.number(value, 0)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_changed_since_then_is_accessible_and_says_what_was_due(made: Settings, tab: Tab, lang: str) -> None:
    page = tab.open(f"/changes?{AT}&lang={lang}")
    page.locator("main table").first.wait_for()
    assert grave(page) == []
    # The rule beside a lamp names the schedule: a figure left out of the query would read as a dash.
    rules = page.locator("main .lamp .visually-hidden").all_inner_texts()
    assert rules and not any("—" in rule for rule in rules)
    tab.watch.check(page)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_month_that_was_not_known_on_the_day_is_compared_all_the_same(made: Settings, tab: Tab, lang: str) -> None:
    """Where a month came in and was corrected on one day, no earlier day knows it: all its figures are new."""
    t = Translator(lang)
    page = tab.open(f"/changes?as_of={DAY}&period=2026-10&lang={lang}")
    new = page.locator("details.twin table tbody tr").count()
    assert new > 20
    assert page.locator("h1").inner_text() != t("no_period.title", month="2026-10")
    # Of any other page such a month still says that there is nothing.
    assert tab.open(f"/?as_of={DAY}&period=2026-10&lang={lang}").locator("table.heat").count() == 0
    tab.watch.check(page)


def test_the_proof_package_of_the_day_holds_what_was_known_then(
    made: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unit, code, then, now = _changed(made)
    targets = {day: tmp_path / f"{day}.zip" for day in (DAY, None)}
    for day, target in targets.items():
        proof_command.run(made, MONTH, target, "http://127.0.0.1", as_of=day, as_json=True)
    sources = {}
    for day, value in ((DAY, then), (None, now)):
        package = zipfile.ZipFile(targets[day])
        (tmp_path / f"{day}.duckdb").write_bytes(package.read("warehouse.duckdb"))
        with duckdb.connect(str(tmp_path / f"{day}.duckdb"), read_only=True) as connection:
            found = connection.execute(
                "select value_ytd from marts.fct_indicator_progress where level = 'township' and basis = 'comparable'"
                " and unit_id = ? and indicator_code = ? and period = ?",
                [unit, code, MONTH],
            ).fetchone()
        assert found == (value,)
        says = str(DAY) in package.read("index.html").decode()
        assert says == (day is not None)
        sources[day] = {name for name in package.namelist() if name.startswith("sources/")}
    # The workbook of the correction came later.
    assert sources[DAY] < sources[None]
    assert f'"as_of": "{DAY}"' in capsys.readouterr().out
