"""`tew docs`: one file that documents every published table, and asks no host for anything.

Belongs here: the command and what a browser makes of its file. Does not belong here: that every column is described
(tests/contracts/test_published_warehouse.py).
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from dagster_project.settings import Settings
from dagster_project.warehouse.pointer import current_version, version_file
from tests.browser import LAUNCH_ARGUMENTS, find_chromium
from tests.program import tew
from tests.published import open_copy


def _opened_offline(page: Path) -> tuple[str, list[str]]:
    """The text that a browser without network shows, and every address that the page asked for."""
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=LAUNCH_ARGUMENTS)
        tab = browser.new_context(offline=True).new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(f"{page.as_uri()}#!/model/model.tew.fct_indicator_progress")
        tab.get_by_text("required_monthly").first.wait_for(timeout=30_000)
        shown = tab.inner_text("body")
        browser.close()
    return shown, asked


@pytest.mark.e2e
def test_the_tables_are_documented_in_one_file_that_needs_no_network(small_home: Settings, tmp_path: Path) -> None:
    before = version_file(small_home, current_version(small_home) or "").stat().st_mtime_ns
    page = tmp_path / "tables.html"
    done = tew(small_home, "docs", "--output", str(page))
    assert done.returncode == 0, done.stderr
    assert version_file(small_home, current_version(small_home) or "").stat().st_mtime_ns == before
    assert not (small_home.work / "docs").exists()
    html = page.read_text(encoding="utf-8")
    assert str(small_home.home) not in html, "a path of this machine"
    with open_copy(version_file(small_home, current_version(small_home) or "")) as marts:
        described = marts.execute(
            "select table_name, comment from duckdb_tables() where schema_name = 'marts'"
        ).fetchall()
    assert described
    assert [name for name, comment in described if json.dumps(comment, ensure_ascii=False)[1:-1] not in html] == []

    # a thread of its own: the browser of other tests may hold this one's event loop
    with ThreadPoolExecutor(max_workers=1) as thread:
        shown, asked = thread.submit(_opened_offline, page).result()
    assert "fct_indicator_progress" in shown and re.search(r"DECIMAL\(24, ?6\)", shown)
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_without_a_published_version_it_says_so(home: Settings, tmp_path: Path) -> None:
    done = tew(home, "docs", "--output", str(tmp_path / "tables.html"))
    assert done.returncode == 1 and "tew refresh" in done.stderr
    assert not (tmp_path / "tables.html").exists()
