"""The archive and its journal: nothing received is lost, nothing is taken twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import archive, reception
from dagster_project.warehouse.archive import Journal


def put(settings: Settings, name: str, content: bytes, mtime: float | None = None) -> Path:
    path = settings.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if mtime is not None:
        os.utime(path, (mtime, mtime))
    return path


def settled(settings: Settings, superseded: set[str] | None = None) -> None:
    """What taking in says at its end."""
    position = Journal(settings.journal).replay().position
    reception.remember_in_force(settings, position, superseded or set(), set())


def test_files_enter_by_hash_in_order_of_time_then_name(home: Settings) -> None:
    put(home, "b.xlsx", b"two", 1_700_000_000)
    put(home, "a.xlsx", b"three", 1_700_000_000)
    put(home, "镇/z.xlsx", b"one", 1_600_000_000)
    report = reception.receive(home)
    assert [entry["path"] for entry in report.received] == ["镇/z.xlsx", "a.xlsx", "b.xlsx"]
    state = Journal(home.journal).replay()
    assert [entry.submission_id for entry in state.live] == ["S000001", "S000002", "S000003"]
    assert {entry.batch for entry in state.live} == {1}
    for entry in state.live:
        assert archive.read_archived(home, entry.sha256) == (home.inbox / entry.path).read_bytes()
    assert state.received[1].received_at.year == 2020
    assert reception.receive(home).received == []


def test_a_time_in_the_future_is_capped_at_intake(home: Settings) -> None:
    put(home, "a.xlsx", b"x", time.time() + 10_000_000)
    reception.receive(home)
    entry = Journal(home.journal).replay().received[1]
    assert entry.received_at <= archive.utc_now()


def test_unchanged_files_are_not_read_again(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home, "a.xlsx", b"x", 1_700_000_000)
    reception.receive(home)

    def refuse(*_: object) -> None:
        raise AssertionError("a file that did not change was read")

    monkeypatch.setattr(archive, "_hash", refuse)
    assert reception.receive(home).received == []


def test_same_content_elsewhere_or_later_is_ignored_while_in_force(home: Settings) -> None:
    put(home, "a.xlsx", b"x", 1_700_000_000)
    reception.receive(home)
    settled(home)
    put(home, "copy.xlsx", b"x", 1_700_000_100)
    put(home, "a.xlsx", b"x", 1_700_000_200)
    report = reception.receive(home)
    assert (report.received, sorted(report.ignored)) == ([], ["a.xlsx", "copy.xlsx"])
    # said once: the journal knows both places now
    assert reception.receive(home).ignored == []


def test_a_superseded_content_is_a_delivery_again(home: Settings) -> None:
    put(home, "a.xlsx", b"A", 1_700_000_000)
    reception.receive(home)
    put(home, "a.xlsx", b"B", 1_700_000_100)
    reception.receive(home)
    settled(home, {hashlib.sha256(b"A").hexdigest()})
    put(home, "a.xlsx", b"A", 1_700_000_200)
    report = reception.receive(home)
    assert [entry["submission_id"] for entry in report.received] == ["S000003"]


def test_a_repetition_waits_for_the_database_while_something_is_pending(home: Settings) -> None:
    put(home, "a.xlsx", b"A", 1_700_000_000)
    reception.receive(home)
    put(home, "b.xlsx", b"A", 1_700_000_100)
    assert len(reception.receive(home).received) == 1


def test_a_moved_home_brings_no_deliveries(home: Settings, tmp_path: Path) -> None:
    put(home, "a.xlsx", b"x", 1_700_000_000)
    reception.receive(home)
    settled(home)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(home.home, elsewhere, copy_function=shutil.copyfile)
    moved = load_settings(home=elsewhere, settle_seconds=0)
    assert (moved.inbox / "a.xlsx").stat().st_mtime != 1_700_000_000
    report = reception.receive(moved)
    assert (report.received, report.ignored) == ([], [])
    assert Journal(moved.journal).replay().received.keys() == {1}
    # a new content there is a delivery all the same
    put(moved, "a.xlsx", b"y")
    assert len(reception.receive(moved).received) == 1


def test_unfinished_hidden_and_linked_files_are_left(home: Settings, tmp_path: Path) -> None:
    for name in ("~$a.xlsx", "a.xlsx.part", "b.tmp", ".hidden.xlsx"):
        put(home, name, b"x")
    put(home, "Thumbs.db", b"x")
    put(home, "good.xlsx", b"x")
    outside = tmp_path / "outside.xlsx"
    outside.write_bytes(b"secret")
    (home.inbox / "link.xlsx").symlink_to(outside)
    (home.inbox / "folder").symlink_to(tmp_path)
    report = reception.receive(home)
    assert [entry["path"] for entry in report.received] == ["good.xlsx"]
    assert sorted(report.unsettled) == [".hidden.xlsx", "a.xlsx.part", "b.tmp", "~$a.xlsx"]
    assert sorted(report.skipped) == ["Thumbs.db", "folder", "link.xlsx"]


def test_a_growing_file_is_left_for_the_next_time(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", settle_seconds=2)
    path = put(settings, "a.xlsx", b"first part")
    put(settings, "whole.xlsx", b"whole")
    scan = archive.scan(settings, archive.JournalState())

    def write_on(_: float) -> None:
        with path.open("ab") as handle:
            handle.write(b", second part")

    moving, waited = archive.settle(settings, scan.changed, pause=write_on)
    assert moving == {"a.xlsx"}
    assert 0 < waited <= 0.2


def test_a_file_just_copied_is_taken_in_at_once(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", settle_seconds=2)
    put(settings, "a.xlsx", b"x")
    assert len(reception.receive(settings).received) == 1


def test_too_large_a_file_is_named_not_copied(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", settle_seconds=0, max_file_mb=1)
    put(settings, "big.xlsx", b"0" * ((1 << 20) + 1))
    reception.receive(settings)
    entry = Journal(settings.journal).replay().received[1]
    assert not entry.stored
    assert not archive.archived_path(settings, entry.sha256).exists()


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_named(home: Settings) -> None:
    put(home, "a.xlsx", b"x").chmod(0)
    assert reception.receive(home).unreadable == ["a.xlsx"]


@given(cut=st.integers(min_value=1, max_value=200))
def test_a_torn_last_line_does_not_count_and_is_cut(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    journal = Journal(path)
    event = {"event": "seen_again", "path": "镇.xlsx", "sha256": "0" * 64, "size": 1, "mtime_ns": 1}
    journal.append([event])
    whole = path.read_bytes()
    journal.append([{**event, "path": "other.xlsx"}])
    torn = path.read_bytes()[: -min(cut, len(path.read_bytes()) - len(whole))]
    path.write_bytes(torn)
    assert journal.replay().paths.keys() == {"镇.xlsx"}
    journal.append([{**event, "path": "third.xlsx"}])
    state = journal.replay()
    assert state.paths.keys() == {"镇.xlsx", "third.xlsx"}
    assert state.damaged_lines == []
    for line in path.read_text(encoding="utf-8").splitlines():
        assert json.loads(line)["at"]


def test_a_damaged_line_in_the_middle_is_named_and_the_rest_counts(home: Settings) -> None:
    put(home, "a.xlsx", b"x")
    reception.receive(home)
    with home.journal.open("ab") as handle:
        handle.write(b"\x00\x00\x00\n")
    put(home, "b.xlsx", b"y")
    report = reception.receive(home)
    assert report.damaged_journal_lines == [2]
    assert Journal(home.journal).replay().received.keys() == {1, 2}


def test_an_altered_archived_file_is_noticed(home: Settings) -> None:
    sha = archive.archive_bytes(home, b"content")
    archive.archived_path(home, sha).write_bytes(b"other")
    with pytest.raises(ValueError, match="holds other bytes"):
        archive.read_archived(home, sha)
