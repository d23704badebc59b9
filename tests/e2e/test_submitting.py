"""Handing in a workbook on the page: error at its cell → mended file → confirmed → in the inbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser

from dagster_project.settings import Settings
from dashboard.i18n import Translator
from tests.e2e.tabs import Tab, new_tab, serve, stop

pytestmark = pytest.mark.e2e


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
    page.wait_for_function(
        "cell => !document.querySelector('.checked').innerText.includes('!' + cell + '\\t')", arg=cell
    )
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
