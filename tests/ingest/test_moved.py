"""A known form whose columns moved or were renamed is read as ever, and what moved is said."""

from __future__ import annotations

from pathlib import Path

from dagster_project.settings import Settings
from dagster_project.warehouse import refresh
from dagster_project.warehouse.check import check_files
from dagster_project.warehouse.store import open_store
from tests.warehouse import workbooks
from tests.warehouse.workbooks import START


def write(path: Path, heads: tuple[str, str], figures: tuple[int, int], month: int, group: str = "增加值") -> None:
    rows: list[list[object]] = [
        [f"示范县乡镇企业主要经济指标完成情况表（2026年1—{month}月）"],
        ["", "", "", "单位：万元"],
        ["序号", "乡镇", group, ""],
        ["", "", *heads],
        [1, "站前镇", *figures],
    ]
    workbooks.write(path, rows, ("A1:D1", "C3:D3", "A3:A4", "B3:B4"), START + month)


def said(settings: Settings) -> list[tuple[str, str, str]]:
    with open_store(settings) as store:
        return store.connection.execute(
            "SELECT s.file_name, i.message_zh, i.message_en FROM raw.issue i JOIN raw.submission s USING "
            "(submission_id) WHERE i.rule = 'parse.moved' AND i.severity = 'info' ORDER BY i.seq"
        ).fetchall()


def test_what_moved_and_what_was_renamed_is_said_and_everything_is_read(home: Settings) -> None:
    write(home.inbox / "2.xlsx", ("本月", "1-2月"), (10, 20), 2)
    write(home.inbox / "3.xlsx", ("本 月", "1-3月"), (10, 30), 3)
    write(home.inbox / "4.xlsx", ("累计", "本月"), (40, 10), 4, "乡镇企业增加值")
    refresh.receive(home)
    refresh.ingest_pending(home)
    [(name, zh, en)] = said(home)
    assert name == "4.xlsx" and "3.xlsx" in zh and "3.xlsx" in en
    assert "C→D" in zh and "D→C" in zh and "增加值 / 本 月→乡镇企业增加值 / 本月" in en
    with open_store(home) as store:
        figures = store.connection.execute(
            "SELECT measure, value::INT FROM raw.observation ORDER BY seq, measure"
        ).fetchall()
    assert figures == [("month", 10), ("ytd", 20), ("month", 10), ("ytd", 30), ("month", 10), ("ytd", 40)]


def test_a_check_says_it_too_within_a_batch(home: Settings) -> None:
    write(home.inbox / "3.xlsx", ("本月", "1-3月"), (10, 30), 3)
    write(home.inbox / "4.xlsx", ("累计", "本月"), (40, 10), 4)
    checked = check_files(home, [home.inbox / "3.xlsx", home.inbox / "4.xlsx"])
    assert [[issue.rule for issue in book.issues if issue.rule == "parse.moved"] for book in checked] == [
        [],
        ["parse.moved"],
    ]
