"""Handing in a workbook on the page: error at its cell → mended file → confirmed → in the inbox; an unknown layout mapped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser

from dagster_project.settings import Settings
from dagster_project.warehouse import mappings, refresh
from dagster_project.warehouse.check import check_files
from dagster_project.warehouse.read import PublishedReader
from dashboard.i18n import Translator
from tests.e2e.tabs import Tab, new_tab, serve, stop, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def desk(browser: Browser, small_home: Settings) -> Iterator[tuple[Tab, Settings]]:
    process, address = serve(small_home)
    made = new_tab(browser, address)
    yield made, small_home
    made.page.close()
    stop(process)


def number_cell(path: Path) -> str:
    """A cell of the first sheet that holds a township's amount; the total stands above them."""
    sheet = openpyxl.load_workbook(path).worksheets[0]
    return next(
        cell.coordinate
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, (int, float)) and cell.value > 1000 and cell.row >= 8
    )


def newest_workbook(settings: Settings) -> Path:
    """The last month's main form, as it was sent."""
    return max(settings.inbox.glob("20*月乡镇企业主要经济指标.xlsx"), key=lambda path: path.name)


def test_error_at_its_cell_then_mended_and_confirmed(desk: tuple[Tab, Settings], tmp_path: Path) -> None:
    tab, settings = desk
    t = Translator("zh")
    sent = newest_workbook(settings)
    cell = number_cell(sent)
    broken = tmp_path / "再报.xlsx"
    book = openpyxl.load_workbook(sent)
    book.worksheets[0][cell] = "abc"
    book.save(broken)
    page = tab.open("/submissions")
    page.locator("#submit-files").set_input_files(broken)
    page.locator(".checked table.issues").wait_for(timeout=20_000)
    rows = page.locator(".checked tr", has=page.locator("td.severity-error"))
    assert any(text.startswith(f"{book.worksheets[0].title}!{cell}") for text in rows.all_inner_texts())
    with page.expect_download() as download:
        page.locator("a.marked").click()
    marked = tmp_path / "marked.xlsx"
    download.value.save_as(marked)
    assert openpyxl.load_workbook(marked).worksheets[0][cell].comment
    before = set(settings.inbox.iterdir())
    mended = tmp_path / sent.name
    book.worksheets[0][cell] = openpyxl.load_workbook(sent).worksheets[0][cell].value + 1
    book.save(mended)
    page.locator("#submit-files").set_input_files(mended)
    page.locator(".checked").wait_for()
    wait_until(page, "cell => !document.querySelector('.checked').innerText.includes('!' + cell + '\\t')", cell)
    page.locator("[data-action=confirm]").click()
    page.get_by_text(t("submit.waiting")).wait_for(timeout=10_000)
    new = set(settings.inbox.iterdir()) - before
    assert [path.read_bytes() for path in new] == [mended.read_bytes()]
    assert {path.name for path in new} != {sent.name}, "a file of the same name must not be written over"
    # As a refresh would: another version is published while the page waits.
    version = settings.current.read_text(encoding="utf-8").strip()
    after = version + "-next"
    (settings.published / after).mkdir()
    for path in (settings.published / version).iterdir():
        (settings.published / after / path.name).write_bytes(path.read_bytes())
    beside = settings.published / ".CURRENT.test"
    beside.write_text(after, encoding="utf-8")
    beside.replace(settings.current)
    page.get_by_text(t("submit.published", version=after)).wait_for(timeout=20_000)
    page.locator(f'[data-version="{after}"]').wait_for(timeout=20_000)
    tab.watch.check(page)


def test_a_submission_is_withdrawn_with_a_reason_and_a_form_comes_down(
    desk: tuple[Tab, Settings], tmp_path: Path
) -> None:
    tab, settings = desk
    t = Translator("en")
    page = tab.open("/submissions?lang=en&submission=S000003")
    page.locator("#withdraw-reason").fill("sent by mistake")
    page.get_by_role("button", name=t("submit.withdraw")).click()
    page.get_by_text(t("submit.withdraw_done")).wait_for()
    assert '"S000003"' in settings.journal.read_text(encoding="utf-8").splitlines()[-1]
    page.get_by_text(t("submit.templates")).click()
    page.locator("[data-template] select").select_option("TE-M1")
    page.locator("[data-template] input[name=whom]").fill("站前镇")
    with page.expect_download() as download:
        page.get_by_role("button", name=t("submit.filled")).click()
    form = tmp_path / "form.xlsx"
    download.value.save_as(form)
    assert openpyxl.load_workbook(form).worksheets
    tab.watch.check(page)


def test_a_name_never_leaves_the_inbox(desk: tuple[Tab, Settings]) -> None:
    tab, settings = desk
    page = tab.open("/submissions")
    before = {path.name for path in settings.home.rglob("*")}
    started = time.monotonic()
    written = page.evaluate(
        """async () => {
          const form = new FormData();
          form.append('files', new Blob(['名称,值\\n甲,1']), '../../~$.x/..\\\\.hidden.csv');
          const headers = {'X-Tew-Request': '1'};
          const checked = await (await fetch('/submissions/check', {method: 'POST', headers, body: form})).json();
          const answer = await fetch('/submissions/confirm', {method: 'POST', body: JSON.stringify({token: checked.token}),
            headers: {...headers, 'Content-Type': 'application/json'}});
          return (await answer.json()).files;
        }"""
    )
    assert written == ["hidden.csv"]
    assert time.monotonic() - started < 10
    assert {path.name for path in settings.home.rglob("*")} - before == {"hidden.csv"}
    assert (settings.inbox / "hidden.csv").is_file()


def test_an_unknown_layout_is_mapped_by_its_person_and_checked_again(
    desk: tuple[Tab, Settings], tmp_path: Path
) -> None:
    tab, settings = desk
    t = Translator("zh")
    path = tmp_path / "自编进度.xlsx"
    book = openpyxl.Workbook()
    rows = (
        ("示范县2026年10月乡企生产进度",),
        ("单位：万元",),
        ("报送地", "产出增加值总额", "工业部分增加值额", "缴纳的税金"),
        ("云溪街道", 1201, 800, 90),
        ("枫林湖镇", 3300, 2100, 210),
    )
    for row in rows:
        book.active.append(row)
    book.save(path)
    page = tab.open("/submissions")
    page.locator("#submit-files").set_input_files(path)
    page.locator("[data-action=map]").click()
    grid = page.get_by_role("table", name=t("map.caption"))
    grid.wait_for(timeout=20_000)
    cells = [[cell.inner_text() for cell in row.locator("td").all()] for row in grid.locator("tbody tr").all()]
    assert [row[0] for row in cells] == ["A", "B", "C", "D"]
    assert [row[1].split("（")[0].strip() for row in cells] == [
        t(f"map.state.{name}") for name in ("unit", "proposed", "possible", "proposed")
    ]
    assert all(0 <= float(row[3]) <= 1 for row in cells)
    # What is only possible is left out until a person says what it is.
    chosen = page.locator("#map-0-0-C")
    assert chosen.input_value() == "-" and page.locator("#map-0-0-B").input_value() == "TE01"
    page.get_by_text(t("map.would_read", n=4, units=4)).wait_for()
    chosen.focus()
    chosen.select_option("TE02")
    page.get_by_text(t("map.would_read", n=6, units=6)).wait_for(timeout=20_000)
    assert page.evaluate("document.activeElement.id") == "map-0-0-C"
    page.locator("[data-action=map-accept]").click()
    page.locator(".checked .banner").wait_for(timeout=20_000)
    (event,) = mappings.accepted(settings)
    assert event["mapping_id"] in page.locator(".checked .banner").inner_text()
    assert "6" in page.locator(".checked p").first.inner_text() and page.locator("[data-action=map]").count() == 0
    # The same sheet is known from then on, to the command line too.
    (checked,) = check_files(settings, [path])
    assert checked.observations == 6 and checked.intake and checked.intake.form_code
    page.locator("[data-action=confirm]").click()
    page.get_by_text(t("submit.waiting")).wait_for(timeout=10_000)
    assert (settings.inbox / path.name).read_bytes() == path.read_bytes()


def test_a_warning_is_explained_in_the_page_and_shown_afterwards(desk: tuple[Tab, Settings]) -> None:
    tab, settings = desk
    t = Translator("zh")
    sql = (
        "select submission_id, sheet, cell from marts.fct_issue where severity = 'warning' and cell is not null "
        "and submission_id is not null order by all limit 1"
    )
    submission, sheet, cell = PublishedReader(settings).query(sql)[1][0]
    page = tab.open(f"/submissions?submission={submission}")
    row = page.locator("table.issues tr", has=page.get_by_text(f"{sheet}!{cell}", exact=True)).first
    assert t("said.asked") in row.inner_text()
    row.locator("[data-say=explain]").click()
    page.keyboard.type("新上两条生产线")
    page.keyboard.press("Tab")
    page.keyboard.type("王五")
    page.keyboard.press("Enter")
    said = row.locator("p.said")
    said.wait_for()
    assert "新上两条生产线" in said.inner_text() and t("said.pending") in said.inner_text()
    # The next version holds it.
    assert refresh.run_refresh(settings).published
    page = tab.open(f"/submissions?submission={submission}")
    row = page.locator("table.issues tr", has=page.get_by_text(f"{sheet}!{cell}", exact=True)).first
    assert t("said.explained", text="新上两条生产线") in row.inner_text()
    assert t("said.asked") not in row.inner_text()
    tab.watch.check(page)
