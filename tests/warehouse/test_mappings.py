"""A mapping that a person accepted: in the journal, in force from the next refresh on, and after a rebuild."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import openpyxl

from dagster_project.settings import Settings
from dagster_project.warehouse import mappings, refresh
from dagster_project.warehouse.archive import Journal
from dagster_project.warehouse.check import check_files
from dagster_project.warehouse.store import open_store
from tests.program import tew

ROWS = (
    ("示范县2026年10月乡企生产进度",),
    ("单位：万元",),
    ("报送地", "产出增加值总额", "缴纳的税金"),
    ("云溪街道", 1201, 90),
    ("枫林湖镇", 3300, 210),
)


def write(path: Path, rows: tuple[tuple[Any, ...], ...] = ROWS) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def figures(settings: Settings) -> list[tuple[Any, ...]]:
    with open_store(settings) as store:
        return store.connection.execute(
            "SELECT indicator_code, unit_id, value::INT, status FROM raw.observation ORDER BY 1, 2"
        ).fetchall()


def test_accepted_kept_in_the_journal_and_read_by_from_then_on(home: Settings) -> None:
    path = write(home.inbox / "own.xlsx")
    before = tew(home, "check", str(path))
    assert before.returncode == 1 and "own.xlsx" in before.stdout
    refresh.receive(home)
    refresh.ingest_pending(home)
    assert figures(home) == []

    shown = tew(home, "map", str(path), "--json")
    assert shown.returncode == 0, shown.stderr
    said = json.loads(shown.stdout)
    assert said["status"] == "proposed" and said["would_read"]["resolved"] == 4
    assert not any(event["event"] == "mapping" for event in Journal(home.journal).replay().others)

    done = tew(home, "map", str(path), "--accept", "--by", "Li", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["status"] == "accepted"
    (event,) = mappings.accepted(home)
    assert event["by"] == "Li" and event["file"] == "own.xlsx"

    report = refresh.ingest_pending(home)
    assert report.rebuilt == "rules_changed"
    expected = [
        ("TE01", "529901001", 1201, "accepted"),
        ("TE01", "529901100", 3300, "accepted"),
        ("TE03", "529901001", 90, "accepted"),
        ("TE03", "529901100", 210, "accepted"),
    ]
    assert figures(home) == expected
    assert check_files(home, [path])[0].count("error") == 0

    # a rebuild knows nothing but archive and journal
    shutil.rmtree(home.work)
    refresh.ingest_pending(home)
    assert figures(home) == expected


def test_what_cannot_be_mapped_says_why(home: Settings, tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.xlsx", (("只有文字",),))
    done = tew(home, "map", str(empty), "--accept")
    assert done.returncode == 1 and "empty.xlsx" in done.stderr
    nameless = write(tmp_path / "nameless.xlsx", (("产出增加值总额进度",), *ROWS[1:]))
    done = tew(home, "map", str(nameless), "--accept")
    assert done.returncode == 1 and "nameless.xlsx" in done.stderr
    assert tew(home, "map", str(nameless), "--set", "B").returncode == 1
    assert tew(home, "map", str(tmp_path / "absent.xlsx")).returncode == 1
    assert mappings.accepted(home) == []


def test_the_deployments_own_word_goes_first(home: Settings, tmp_path: Path) -> None:
    rows = {
        "heading_aliases": [
            {"heading": "累计", "kind": "ignore", "role": "mapped", "form_code": "", "note": ""},
            {"heading": "从来没有过的词", "kind": "ignore", "role": "mapped", "form_code": "", "note": ""},
        ]
    }
    folder = mappings.merged(home.seeds, tmp_path / "merged", rows)
    text = (folder / "heading_aliases.csv").read_text(encoding="utf-8")
    assert text.count("\n累计,") == 1 and "\n累计,ignore" not in text and "从来没有过的词,ignore" in text


def test_a_sheet_that_a_form_reads_already_is_offered_no_mapping(home: Settings) -> None:
    """A mapping could only take something away from it."""
    known = (
        ("示范县乡镇企业主要经济指标完成情况表（2026年1-10月）",),
        ("单位：万元",),
        ("乡镇", "增加值"),
        ("云溪街道", 1201),
    )
    path = write(home.inbox / "known.xlsx", (*known, ("枫林湖镇", 3300)))
    shown = tew(home, "map", str(path), "--json")
    said = json.loads(shown.stdout)
    assert said["sheets"][0]["is_known"] and said["would_read"] is None and said["rows"] == {}
    assert tew(home, "map", str(path), "--accept").returncode == 1
