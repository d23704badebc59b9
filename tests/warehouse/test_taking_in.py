"""Taking in real workbooks: order, supersession, late registers, withdrawal, damage, kills."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.audit import history
from dagster_project.settings import PROJECT_ROOT, Settings, load_settings
from dagster_project.warehouse import archive, known, reception, refresh, store, taking_in
from dagster_project.warehouse.errors import WarehouseError
from dagster_project.warehouse.taking_in import IngestReport
from tests.warehouse import workbooks
from tests.warehouse.workbooks import CODES, START


def take_in(settings: Settings) -> IngestReport:
    refresh.receive(settings)
    return refresh.ingest_pending(settings)


def raw(settings: Settings) -> dict[str, list[Any]]:
    """Schema raw as it stands, without when it was taken in."""
    with store.open_store(settings) as opened:
        found = {}
        for table in store.RAW_TABLES:
            excluded = " EXCLUDE (ingested_at)" if table == "submission" else ""
            found[table] = opened.connection.execute(f"SELECT *{excluded} FROM raw.{table} ORDER BY ALL").fetchall()
        return found


def in_force(settings: Settings, name: str, measure: str = "month") -> Decimal | None:
    """The latest value added of a township among accepted submissions."""
    with store.open_store(settings) as opened:
        row = opened.connection.execute(
            "SELECT arg_max(o.value, o.seq) FROM raw.observation o JOIN raw.submission s USING (submission_id) "
            "WHERE s.status = 'accepted' AND o.unit_id = ? AND o.measure = ? AND o.indicator_code = 'TE01'",
            [CODES[name], measure],
        ).fetchone()
    return row[0] if row else None


def ids(report: IngestReport) -> list[str]:
    return [entry["submission_id"] for entry in report.submissions]


def test_a_b_a_are_three_submissions_and_a_fourth_is_ignored(home: Settings) -> None:
    one, other = {"站前镇": (10, 10)}, {"站前镇": (20, 20)}
    path = home.inbox / "a.xlsx"
    workbooks.townships(path, 1, one)
    assert ids(take_in(home)) == ["S000001"]
    content = path.read_bytes()
    assert in_force(home, "站前镇") == 10
    workbooks.townships(path, 1, other, mtime=START + 10)
    assert ids(take_in(home)) == ["S000002"]
    assert in_force(home, "站前镇") == 20
    _again(path, content, START + 20)
    assert ids(take_in(home)) == ["S000003"]
    assert in_force(home, "站前镇") == 10
    _again(home.inbox / "same.xlsx", content, START + 30)
    report = refresh.receive(home)
    assert (report.received, report.ignored) == ([], ["same.xlsx"])


def test_a_correction_whose_source_was_mended_is_told_with_its_file_and_line(home: Settings, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(home.seeds, seeds)
    with (seeds / "corrections.csv").open("a", encoding="utf-8") as handle:
        handle.write("K0,TE01,529901101,2025-12-01,ytd,1,2,an older one,Section,2026-01-08,retired\n")
        handle.write("K1,TE01,529901101,2026-01-01,ytd,10,100,a digit was lost,Section,2026-02-08,active\n")
    settings = load_settings(home=home.home, seeds=seeds, settle_seconds=0)
    workbooks.townships(home.inbox / "a.xlsx", 1, {"站前镇": (100, 10)})
    assert take_in(settings).issues["error"] == 0
    assert in_force(settings, "站前镇", "ytd") == 100
    workbooks.townships(home.inbox / "b.xlsx", 1, {"站前镇": (100, 101)}, mtime=START + 1)
    report = take_in(settings)
    assert report.issues["error"] == 1 and in_force(settings, "站前镇", "ytd") == 101
    [told] = [row for row in raw(settings)["issue"] if row[0] == ids(report)[0] and "error" in row]
    for text in (told[7], told[8]):
        assert "corrections.csv" in text and "K1" in text and "101" in text
    assert "第 3 行" in told[7] and "line 3" in told[8]


def test_a_b_a_a_in_one_look_at_the_inbox(home: Settings) -> None:
    first = workbooks.townships(home.inbox / "1.xlsx", 1, {"站前镇": (10, 10)})
    workbooks.townships(home.inbox / "2.xlsx", 1, {"站前镇": (20, 20)}, mtime=START + 1)
    _again(home.inbox / "3.xlsx", first.read_bytes(), START + 2)
    _again(home.inbox / "4.xlsx", first.read_bytes(), START + 3)
    report = take_in(home)
    assert ids(report) == ["S000001", "S000002", "S000003"]
    assert report.seen_again == ["4.xlsx"]
    assert in_force(home, "站前镇") == 10
    assert take_in(home).submissions == []


def test_a_resubmission_of_another_township_supersedes_nothing(home: Settings) -> None:
    path = workbooks.townships(home.inbox / "a.xlsx", 1, {"站前镇": (10, 10)})
    content = path.read_bytes()
    take_in(home)
    workbooks.townships(home.inbox / "b.xlsx", 1, {"枫林湖镇": (5, 5)}, mtime=START + 1)
    take_in(home)
    _again(home.inbox / "c.xlsx", content, START + 2)
    assert refresh.receive(home).ignored == ["c.xlsx"]


def test_registers_come_before_what_refers_to_them(home: Settings) -> None:
    workbooks.enterprises(home.inbox / "a.xlsx", 1, {"示范铝业有限公司": (100, 100)}, mtime=START)
    workbooks.register(home.inbox / "z.xlsx", mtime=START + 5)
    report = take_in(home)
    assert ids(report) == ["S000002", "S000001"]
    assert report.quarantined == 0
    assert report.reread == []


@pytest.mark.parametrize("ahead_rows", [taking_in.AHEAD_ROWS, 3])
def test_a_register_at_the_end_of_a_large_batch_still_comes_first(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_rows: int
) -> None:
    """Workbooks are judged while later ones are parsed, and some written already; a register among those changes what
    the first ones meet."""
    monkeypatch.setattr(taking_in, "AHEAD_ROWS", ahead_rows)

    def fill(settings: Settings, register_at: float) -> IngestReport:
        for number in range(20):
            figures = {"示范铝业有限公司": (100 + number, 100 + number)}
            workbooks.enterprises(settings.inbox / f"a{number:02d}.xlsx", 1, figures, mtime=START + number)
        workbooks.register(settings.inbox / "z.xlsx", mtime=register_at)
        return take_in(settings)

    late = fill(home, START + 100)
    assert ids(late)[0] == "S000021" and len(ids(late)) == 21
    assert (late.quarantined, late.reread, late.observations) == (0, [], 40)
    other = load_settings(home=tmp_path / "other", seeds=home.seeds, settle_seconds=0)
    early = fill(other, START - 100)
    assert early.issues == late.issues
    sql = "SELECT indicator_code, unit_id, value, status, cell, received_at FROM raw.observation ORDER BY ALL"
    found = []
    for settings in (home, other):
        with store.open_store(settings) as opened:
            found.append(opened.connection.execute(sql).fetchall())
    assert found[0] == found[1] and len(found[0]) == 40


def test_what_is_written_ahead_counts_with_its_batch_or_not_at_all(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbooks.register(home.inbox / "z.xlsx", mtime=START - 100)
    take_in(home)
    for number in range(20):
        figures = {"示范铝业有限公司": (100 + number, 100 + number)}
        workbooks.enterprises(home.inbox / f"a{number:02d}.xlsx", 1, figures, mtime=START + number)
    before = raw(home)
    monkeypatch.setattr(taking_in, "AHEAD_ROWS", 6)
    real, calls = store.insert_rows, []

    def full(connection: Any, table: str, rows: Any, spool: Path) -> int:
        calls.append(table)
        if len(calls) == 3:
            raise duckdb.IOException("No space left on device")
        return real(connection, table, rows, spool)

    with monkeypatch.context() as patched:
        patched.setattr(store, "insert_rows", full)
        with pytest.raises(WarehouseError, match="No space left"):
            take_in(home)
    assert calls[:3] == ["raw.observation"] * 3
    assert raw(home) == before
    report = take_in(home)
    assert (len(report.submissions), report.observations) == (20, 40)
    found = raw(home)
    monkeypatch.setattr(taking_in, "AHEAD_ROWS", 1_000)
    refresh.discard_work(home)
    take_in(home)
    assert raw(home) == found


def test_a_late_register_brings_waiting_rows_into_force(home: Settings) -> None:
    workbooks.enterprises(home.inbox / "a.xlsx", 1, {"示范铝业有限公司": (100, 100)})
    assert take_in(home).quarantined == 2
    workbooks.register(home.inbox / "z.xlsx", mtime=START + 5)
    report = take_in(home)
    assert report.reread == ["a.xlsx"]
    found = raw(home)
    assert {row[5] for row in found["observation"]} == {"91529901780001003A"}
    refresh.discard_work(home)
    take_in(home)
    assert raw(home) == found


def test_bad_files_are_rejected_with_messages_and_the_rest_loads(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", settle_seconds=0, max_file_mb=1)
    settings.inbox.mkdir(parents=True)
    (settings.inbox / "empty.xlsx").write_bytes(b"")
    (settings.inbox / "picture.xlsx").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 500)
    (settings.inbox / "huge.xlsx").write_bytes(b"0" * ((1 << 20) + 1))
    workbooks.townships(settings.inbox / "good.xlsx", 1, {"站前镇": (10, 10)})
    report = take_in(settings)
    assert sorted(entry["file_name"] for entry in report.rejected) == ["empty.xlsx", "huge.xlsx", "picture.xlsx"]
    assert all(message["zh"] and message["en"] for entry in report.rejected for message in entry["messages"])
    assert all(entry["messages"] for entry in report.rejected)
    assert in_force(settings, "站前镇") == 10


def test_withdrawal_takes_out_of_force_and_back_to_what_was(home: Settings) -> None:
    workbooks.townships(home.inbox / "a.xlsx", 1, {"站前镇": (10, 10)})
    path = workbooks.townships(home.inbox / "b.xlsx", 1, {"站前镇": (20, 20)}, mtime=START + 1)
    take_in(home)
    refresh.withdraw(home, "S000002", "wrong month")
    report = take_in(home)
    assert report.withdrawn == ["S000002"]
    assert in_force(home, "站前镇") == 10
    found = raw(home)
    refresh.discard_work(home)
    take_in(home)
    assert raw(home) == found
    # what was withdrawn and is sent again counts again
    _again(home.inbox / "c.xlsx", path.read_bytes(), START + 9)
    assert ids(take_in(home)) == ["S000003"]
    assert in_force(home, "站前镇") == 20


@pytest.mark.parametrize(("submission", "reason"), [("S000009", "x"), ("S000001", " ")])
def test_a_withdrawal_that_cannot_be_is_refused(home: Settings, submission: str, reason: str) -> None:
    workbooks.townships(home.inbox / "a.xlsx", 1, {"站前镇": (10, 10)})
    refresh.receive(home)
    with pytest.raises(WarehouseError, match=submission):
        refresh.withdraw(home, submission, reason)


@pytest.mark.parametrize("harm", ["garbage", "flipped", "truncated", "deleted"])
def test_a_damaged_work_database_is_made_anew(home: Settings, harm: str) -> None:
    for number in range(3):
        workbooks.townships(home.inbox / f"{number}.xlsx", number + 1, {"站前镇": (10, 10 + number)})
    take_in(home)
    found = raw(home)
    content = bytearray(home.warehouse.read_bytes())
    if harm == "garbage":
        home.warehouse.write_bytes(b"this was a database")
    elif harm == "flipped":
        for at in range(12_288, len(content), 500):
            content[at] ^= 0xFF
        home.warehouse.write_bytes(content)
    elif harm == "truncated":
        home.warehouse.write_bytes(content[: len(content) // 8])
    else:
        home.warehouse.unlink()
    report = refresh.ingest_pending(home)
    assert raw(home) == found
    if harm != "deleted":
        assert report.damaged is not None
        assert (home.home / report.damaged / "warehouse.duckdb").is_file()


def test_a_database_held_by_another_program_is_not_set_aside(home: Settings) -> None:
    workbooks.townships(home.inbox / "a.xlsx", 1, {"站前镇": (10, 10)})
    take_in(home)
    code = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code, str(home.warehouse)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        child.stdout.readline()
        with pytest.raises(WarehouseError) as refused:
            refresh.ingest_pending(home)
        assert refused.value.key == "warehouse.work_in_use"
        assert home.warehouse.is_file()
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def test_a_lost_archived_file_comes_back_from_the_inbox_or_is_named(home: Settings) -> None:
    path = workbooks.townships(home.inbox / "a.xlsx", 1, {"站前镇": (10, 10)})
    content = path.read_bytes()
    refresh.receive(home)
    sha = archive.archive_bytes(home, content)
    archive.archived_path(home, sha).write_bytes(b"rotten")
    assert ids(refresh.ingest_pending(home)) == ["S000001"]
    assert archive.read_archived(home, sha) == content
    archive.archived_path(home, sha).unlink()
    path.unlink()
    refresh.discard_work(home)
    with pytest.raises(WarehouseError) as named:
        refresh.ingest_pending(home)
    assert "S000001" in str(named.value)
    assert "a.xlsx" in str(named.value)
    # a person's way out
    refresh.withdraw(home, "S000001", "lost")
    assert refresh.ingest_pending(home).withdrawn == ["S000001"]


def test_changed_reading_rules_read_everything_again(home: Settings, tmp_path: Path) -> None:
    workbooks.townships(home.inbox / "a.xlsx", 1, {"站前镇": (10, 10)})
    take_in(home)
    seeds = tmp_path / "seeds"
    shutil.copytree(home.seeds, seeds)
    with (seeds / "null_tokens.csv").open("a", encoding="utf-8", newline="") as handle:
        handle.write("\r\n没有哦,na,\r\n")
    changed = load_settings(home=home.home, seeds=seeds, settle_seconds=0)
    report = refresh.ingest_pending(changed)
    assert report.rebuilt == "rules_changed"
    assert ids(report) == ["S000001"]


@pytest.mark.parametrize("single_units", [0, 12, 10_000])
def test_a_history_read_unit_by_unit_judges_as_one_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, single_units: int
) -> None:
    def taken(name: str) -> dict[str, list[Any]]:
        settings = load_settings(home=tmp_path / name, settle_seconds=0)
        workbooks.register(settings.inbox / "r.xlsx", mtime=START)
        for number, value in ((1, 10), (2, 20), (3, 30)):
            figures = {"站前镇": (10, value), "枫林湖镇": (10, 10 * number)}
            workbooks.townships(settings.inbox / f"{number}.xlsx", number, figures, mtime=START + number)
            workbooks.enterprises(
                settings.inbox / f"e{number}.xlsx",
                number,
                {"示范铝业有限公司": (100, 100 * number)},
                mtime=START + number,
            )
            take_in(settings)
        # a drop of the year to date, a jump, a month that comes again with its neighbour's figures
        workbooks.townships(
            settings.inbox / "4.xlsx", 4, {"站前镇": (10, 5), "枫林湖镇": (9000, 9030)}, mtime=START + 9
        )
        workbooks.townships(settings.inbox / "3b.xlsx", 3, {"站前镇": (10, 20)}, mtime=START + 10)
        workbooks.enterprises(settings.inbox / "e4.xlsx", 4, {"示范铝业有限公司": (1, 90)}, mtime=START + 11)
        take_in(settings)
        found = raw(settings)
        # a workbook written twice is not the same to the byte
        found["submission"] = [(*row[:3], *row[5:]) for row in found["submission"]]
        return found

    whole = taken("whole")
    monkeypatch.setattr(known, "WHOLE_FIGURES", 0)
    monkeypatch.setattr(history, "SINGLE_UNITS", single_units)
    asked = []
    figures = store.Store.figures
    monkeypatch.setattr(store.Store, "figures", lambda *given: asked.append(given[-1]) or figures(*given))
    parts = taken("parts")
    assert any(asked) and len(whole["issue"]) > 3
    assert parts == whole


def test_what_is_beaten_is_known_from_what_came_in(home: Settings) -> None:
    """Whatever comes, what is kept from refresh to refresh is what a look at everything gives."""
    workbooks.townships(home.inbox / "1.xlsx", 1, {"站前镇": (10, 10), "枫林湖镇": (5, 5)})
    workbooks.enterprises(home.inbox / "e.xlsx", 1, {"示范铝业有限公司": (100, 100)}, mtime=START + 1)
    beaten = [_beaten(home)]
    workbooks.townships(home.inbox / "2.xlsx", 1, {"站前镇": (20, 20)}, mtime=START + 2)
    beaten.append(_beaten(home))
    workbooks.register(home.inbox / "r.xlsx", mtime=START + 3)
    beaten.append(_beaten(home))
    workbooks.enterprises(home.inbox / "e2.xlsx", 1, {"示范铝业有限公司": (110, 110)}, mtime=START + 4)
    beaten.append(_beaten(home))
    refresh.withdraw(home, "S000003", "typed twice")
    beaten.append(_beaten(home))
    assert beaten == [set(), {1}, {1}, {1, 2}, {2}]


def _beaten(settings: Settings) -> set[int]:
    take_in(settings)
    with store.open_store(settings) as opened:
        whole = opened.beaten()
        assert reception.beaten(settings, opened.meta(taking_in.POSITION_KEY)) == whole
    return whole


RUN = """
import sys
from dagster_project.settings import load_settings
from dagster_project.warehouse import lock, refresh, taking_in
settings = load_settings(home=sys.argv[1], settle_seconds=0)
taking_in.BATCH_ROWS = 10
print("start", flush=True)
with lock.refresh_lock(settings):
    refresh.receive(settings)
    refresh.ingest_pending(settings)
"""


@pytest.mark.slow
def test_killed_anywhere_the_next_run_comes_to_the_same(tmp_path: Path) -> None:
    def filled(name: str) -> Settings:
        settings = load_settings(home=tmp_path / name, settle_seconds=0)
        for number in range(1, 9):
            figures = {"站前镇": (number, number), "枫林湖镇": (number, number * 2)}
            workbooks.townships(settings.inbox / f"{number}.xlsx", number, figures, mtime=START + number)
        workbooks.enterprises(settings.inbox / "e.xlsx", 1, {"示范铝业有限公司": (100, 100)}, mtime=START + 20)
        workbooks.register(settings.inbox / "r.xlsx", mtime=START + 30)
        shutil.copy2(settings.inbox / "3.xlsx", settings.inbox / "3 again.xlsx")
        return settings

    def start(settings: Settings) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", RUN, str(settings.home)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT)
        assert child.stdout is not None
        child.stdout.readline()
        return child

    whole = filled("whole")
    template = whole.home / "inbox"
    started = time.monotonic()
    assert start(whole).wait() == 0
    lasts = time.monotonic() - started
    expected = raw(whole)
    assert len(expected["submission"]) == 10
    chance = random.Random(7)
    kills = 0
    killed = load_settings(home=tmp_path / "killed", settle_seconds=0)
    shutil.copytree(template, killed.inbox)
    for _ in range(12):
        child = start(killed)
        time.sleep(chance.random() * lasts)
        if child.poll() is None:
            child.kill()
            kills += 1
        assert child.wait() in (0, -9)
        if chance.random() < 0.3:
            shutil.rmtree(killed.work, ignore_errors=True)
    assert start(killed).wait() == 0
    assert kills > 3
    assert raw(killed) == expected


def _again(path: Path, content: bytes, mtime: float) -> None:
    path.write_bytes(content)
    os.utime(path, (mtime, mtime))
