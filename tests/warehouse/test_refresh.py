"""A whole refresh without Dagster: published, nothing new, rolled back, rebuilt, killed."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from dagster_project.settings import PROJECT_ROOT, Settings, load_settings
from dagster_project.warehouse import check, lock, pointer, publish, refresh, store
from dagster_project.warehouse.read import PublishedReader
from tests.warehouse import workbooks
from tests.warehouse.workbooks import CODES, START


def value(settings: Settings, name: str) -> object:
    rows = PublishedReader(settings).query(
        "SELECT value FROM marts.fct_observation WHERE unit_id = $u AND indicator_code = 'TE01' AND measure = 'month'",
        {"u": CODES[name]},
    )[1]
    return [float(row[0]) for row in rows]


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = load_settings(home=tmp_path_factory.mktemp("refreshed"), settle_seconds=0)
    workbooks.register(settings.inbox / "名录.xlsx")
    workbooks.townships(settings.inbox / "一月.xlsx", 1, {"站前镇": (10, 10), "枫林湖镇": ("abc", 5)}, mtime=START + 1)
    (settings.inbox / "空.xlsx").write_bytes(b"")
    report = refresh.run_refresh(settings)
    assert report.status == "published", report
    (settings.home / "report.json").write_text(json.dumps(report.as_dict()))
    return settings


@pytest.fixture
def own(refreshed: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(refreshed.home, tmp_path / "own")
    return load_settings(home=tmp_path / "own", settle_seconds=0)


def test_the_report_says_what_came_in_and_what_did_not(refreshed: Settings) -> None:
    report = json.loads((refreshed.home / "report.json").read_text())
    assert len(report["reception"]["received"]) == 3
    assert [entry["file_name"] for entry in report["ingest"]["rejected"]] == ["空.xlsx"]
    assert report["ingest"]["issues"]["error"] >= 2
    assert report["published"] == report["serving"] == pointer.current_version(refreshed)
    manifest = pointer.read_manifest(refreshed, report["published"])
    assert manifest is not None
    assert manifest["rows"]["fct_submission"] == 3
    assert manifest["submissions"]["by_status"] == {"accepted": 2, "rejected": 1}
    assert value(refreshed, "站前镇") == [10.0]


def test_nothing_new_is_said_at_once_and_without_heavy_imports(refreshed: Settings) -> None:
    code = (
        "import sys, time\n"
        "from dagster_project.settings import load_settings\n"
        "from dagster_project.warehouse.refresh import nothing_new\n"
        "started = time.monotonic()\n"
        "found = nothing_new(load_settings(home=sys.argv[1], settle_seconds=0))\n"
        "print(found is not None, time.monotonic() - started < 0.5,"
        " [m for m in ('dagster', 'dbt', 'duckdb') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(refreshed.home)], capture_output=True, text=True, cwd=PROJECT_ROOT, check=True
    )
    assert done.stdout.strip() == "True True []"


def test_nothing_new_in_a_moved_home_and_for_a_content_in_force(own: Settings) -> None:
    again = refresh.run_refresh(own)
    assert again.status == "nothing_new"
    shutil.copy(own.inbox / "一月.xlsx", own.inbox / "一月（副本）.xlsx")
    report = refresh.run_refresh(own)
    assert (report.status, report.ignored) == ("nothing_new", ["一月（副本）.xlsx"])
    assert refresh.nothing_new(own) is not None


def test_what_makes_something_new(own: Settings, tmp_path: Path) -> None:
    refresh.run_refresh(own)
    assert refresh.nothing_new(own)
    served = own.published / (pointer.current_version(own) or "")
    # reference data
    seeds = tmp_path / "seeds"
    shutil.copytree(own.seeds, seeds)
    with (seeds / "settings.csv").open("a", encoding="utf-8") as handle:
        handle.write("something,new,,\n")
    assert refresh.nothing_new(load_settings(home=own.home, seeds=seeds)) is None
    # a withdrawal
    journal = own.journal.read_bytes()
    refresh.withdraw(own, "S000001", "test")
    assert refresh.nothing_new(own) is None
    own.journal.write_bytes(journal)
    assert refresh.nothing_new(own)
    # a new file, but not a temporary one
    (own.inbox / "~$x.xlsx").write_bytes(b"x")
    assert refresh.nothing_new(own)
    (own.inbox / "x.xlsx").write_bytes(b"x")
    assert refresh.nothing_new(own) is None
    (own.inbox / "x.xlsx").unlink()
    # the served file is gone
    shutil.rmtree(served)
    assert refresh.nothing_new(own) is None


def test_rollback_stands_until_something_new_and_rebuild_gives_the_same(own: Settings) -> None:
    first = pointer.current_version(own)
    assert first is not None
    workbooks.townships(own.inbox / "一月改.xlsx", 1, {"站前镇": (30, 30)}, mtime=START + 50)
    second = refresh.run_refresh(own).published
    assert second is not None
    assert value(own, "站前镇") == [30.0]
    publish.rollback(own, first)
    assert value(own, "站前镇") == [10.0]
    assert refresh.run_refresh(own).status == "nothing_new"
    assert pointer.current_version(own) == first
    before = _marts(own, second)
    third = refresh.rebuild(own).published
    assert third is not None
    assert pointer.current_version(own) == third
    assert _marts(own, third) == before
    assert refresh.nothing_new(own)


def test_a_deleted_published_folder_is_made_again(own: Settings) -> None:
    shutil.rmtree(own.published)
    report = refresh.run_refresh(own)
    assert report.status == "published"
    assert value(own, "站前镇") == [10.0]


def test_a_work_database_cut_in_half_is_made_again_by_the_same_refresh(own: Settings) -> None:
    # Intake may find all it needs in the half that is left; dbt then meets the damage.
    content = own.warehouse.read_bytes()
    own.warehouse.write_bytes(content[: len(content) // 2])
    (own.inbox / "note.csv").write_text("note,1\n", encoding="utf-8")
    report = refresh.run_refresh(own)
    assert report.status == "published", report
    assert value(own, "站前镇") == [10.0]
    assert list((own.work / "damaged").rglob("warehouse.duckdb"))


def test_what_a_message_says_of_a_damaged_file() -> None:
    assert store.tells_damage("Runtime Error in model dim_indicator: Corrupt database file: block 12")
    assert not store.tells_damage("Runtime Error: Conversion Error: could not convert string 'abc' to INT32")


def test_checking_needs_no_home_and_no_lock(own: Settings, tmp_path: Path) -> None:
    empty = load_settings(home=tmp_path / "nowhere", settle_seconds=0)
    path = workbooks.townships(tmp_path / "t.xlsx", 2, {"站前镇": (12, "abc")})
    (tmp_path / "bad.xlsx").write_bytes(b"")
    found = check.check_files(empty, [path, tmp_path / "bad.xlsx", tmp_path / "missing.xlsx"])
    assert [entry.ok for entry in found] == [False, False, False]
    assert any(issue.cell == "D5" for issue in found[0].issues)
    assert not empty.work.joinpath("warehouse.duckdb").exists()
    with lock.refresh_lock(own), store.open_store(own):
        # 10 in January are published: a February's year to date below it is told from there
        path = workbooks.townships(tmp_path / "t2.xlsx", 2, {"站前镇": (12, 5)})
        issues = check.check_files(own, [path])[0].issues
    assert issues, "the published history was not met"


KILLED = """
import sys
from dagster_project.settings import load_settings
from dagster_project.warehouse import refresh
print("start", flush=True)
report = refresh.run_refresh(load_settings(home=sys.argv[1], settle_seconds=0))
sys.exit(0 if report.ok else 1)
"""


@pytest.mark.slow
def test_a_killed_refresh_leaves_the_served_version_and_the_next_completes(own: Settings) -> None:
    workbooks.townships(own.inbox / "二月.xlsx", 2, {"站前镇": (7, 17)}, mtime=START + 60)
    served = pointer.current_version(own)
    chance = random.Random(3)
    kills = 0
    for _ in range(6):
        command = [sys.executable, "-c", KILLED, str(own.home)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.random() * 9)
        if child.poll() is None:
            child.kill()
            kills += 1
        assert child.wait() in (0, -9)
        assert pointer.is_served(own)
        assert value(own, "站前镇") in ([10.0], [10.0, 7.0], [7.0, 10.0])
    assert kills > 1
    assert refresh.run_refresh(own).ok
    assert refresh.nothing_new(own)
    assert sorted(value(own, "站前镇")) == [7.0, 10.0]  # type: ignore[type-var]
    assert served is not None


def _marts(settings: Settings, version: str) -> dict[str, list[object]]:
    connection = duckdb.connect(str(pointer.version_file(settings, version)), read_only=True)
    try:
        found: dict[str, list[object]] = {}
        for (table,) in connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall():
            found[table] = connection.execute(f"SELECT * FROM marts.{table} ORDER BY ALL").fetchall()
        return found
    finally:
        connection.close()


def test_a_fault_of_the_program_takes_nothing_out_of_force(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    served = pointer.current_version(own)
    refresh.run_refresh(own)

    def fail(*_: object) -> None:
        raise ZeroDivisionError("made for this test")

    monkeypatch.setattr("dagster_project.warehouse.known.resolve", fail)
    report = refresh.rebuild(own)
    assert (report.status, report.serving) == ("failed", served)
    assert "一月.xlsx" in (report.reason_zh or "")
    monkeypatch.undo()
    refresh.discard_work(own)
    assert refresh.run_refresh(own).status == "published"
