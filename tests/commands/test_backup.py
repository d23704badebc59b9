"""A backup restored on an empty folder gives the same marts and accounts; damage is told; the doctor finds what is wrong."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dagster_project.commands import doctor
from dagster_project.commands.texts import Texts
from dagster_project.orchestration.instance import open_instance
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import home_format
from dagster_project.warehouse.archive import Journal
from dagster_project.warehouse.read import PublishedReader
from dashboard.access.accounts import Account, Accounts
from dashboard.access.accounts import path as accounts_path
from tests.program import tew

GOOD = "A-long-enough-password"
TABLES = ("fct_observation", "fct_indicator_progress", "fct_issue", "dim_enterprise", "fct_completeness")


def marts(settings: Settings) -> dict[str, Any]:
    reader = PublishedReader(settings)
    return {table: sorted(map(repr, reader.query(f"select * from marts.{table}")[1])) for table in TABLES}


def test_a_restored_home_rebuilds_the_same_marts(small_home: Settings, tmp_path: Path) -> None:
    Accounts(small_home).add(Account("zhang", "leader"), GOOD)
    file = tmp_path / "kept.zip"
    (small_home.inbox / "late.xlsx").write_bytes(b"not taken in yet")
    written = tew(small_home, "backup", str(file))
    assert written.returncode == 0 and "1 files in the inbox are not taken in yet" in written.stdout, written.stdout
    (small_home.inbox / "late.xlsx").unlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert tew(small_home, "backup", str(file)).returncode == 1
    other = load_settings(home=tmp_path / "other", settle_seconds=0)
    done = tew(other, "restore", str(file), "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["files"] > 20
    assert tew(other, "restore", str(file)).returncode == 1
    moved = other.model_copy(update={"seeds": other.home / "reference"})
    assert tew(moved, "rebuild").returncode == 0
    assert marts(moved) == marts(small_home)
    assert Accounts(moved).verify("zhang", GOOD)
    assert tew(moved, "doctor").returncode == 0


def altered(file: Path, target: Path, name: str, content: bytes | None) -> Path:
    """A copy of a backup in which one file has other bytes, or (None) is left out."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            if info.filename != name:
                new.writestr(info, old.read(info))
            elif content is not None:
                new.writestr(info, content)
    return target


def test_a_damaged_backup_restores_nothing(home: Settings, tmp_path: Path) -> None:
    Accounts(home).add(Account("zhang", "leader"), GOOD)
    file = tmp_path / "kept.zip"
    assert tew(home, "backup", str(file)).returncode == 0
    cut = tmp_path / "cut.zip"
    cut.write_bytes(file.read_bytes()[:-100])
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as box:
        box.writestr("archive/../../evil", "x")
        box.writestr("contents.json", json.dumps({"format": 1, "files": {"archive/../../evil": "x"}}))
    accounts = "accounts/accounts.json"
    for number, bad in enumerate(
        [
            cut,
            evil,
            altered(file, tmp_path / "a.zip", accounts, b"[]"),
            altered(file, tmp_path / "b.zip", accounts, None),
        ]
    ):
        other = load_settings(home=tmp_path / f"other{number}")
        assert tew(other, "restore", str(bad)).returncode == 1
        assert not (other.home / "accounts").exists() and not (tmp_path / "evil").exists()


def findings(settings: Settings) -> set[str]:
    rows = json.loads(tew(settings, "doctor", "--json").stdout)
    return {row["key"] for row in rows if row["severity"] != "ok"} - {"doctor.packages"}


def test_the_doctor_finds_what_is_wrong(small_home: Settings) -> None:
    Accounts(small_home).add(Account("zhang", "leader"), GOOD)
    assert findings(small_home) == set()
    first, second = sorted(small_home.archive.glob("??/*"))[:2]
    first.chmod(0o600)
    first.write_bytes(b"other")
    second.unlink()
    (small_home.home / "accounts" / "accounts.json").chmod(0o644)
    version = next(small_home.published.glob("*/warehouse.duckdb"))
    version.chmod(0o600)
    with version.open("ab") as handle:
        handle.write(b"x")
    assert findings(small_home) == {
        "doctor.archive_altered",
        "doctor.archive_missing",
        "doctor.too_open",
        "doctor.version_altered",
    }
    small_home.current.write_text("nothing-there", encoding="utf-8")
    assert "doctor.version_missing" in findings(small_home)
    assert tew(small_home, "doctor").returncode == 1


def cut_line(path: Path, number: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: number - 1] + lines[number:]))


def overwrite(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(b"garbage " * 100)


def manifest(settings: Settings) -> Path:
    return next(settings.published.glob("*/manifest.json"))


# What a person or a disk may do to a home, and what the doctor calls it.
HARMS: dict[str, tuple[Callable[[Settings], object], set[str]]] = {
    "journal gone": (lambda home: home.journal.unlink(), {"doctor.journal_missing"}),
    "line of the journal gone": (
        lambda home: cut_line(home.journal, 3),
        {"doctor.journal_gap", "doctor.archive_unnamed"},
    ),
    "pointer gone": (lambda home: home.current.unlink(), {"doctor.no_pointer"}),
    "manifest damaged": (lambda home: overwrite(manifest(home)), {"doctor.manifest_damaged"}),
    "versions deleted": (lambda home: shutil.rmtree(home.published), {"doctor.nothing_published"}),
    "work database damaged": (lambda home: overwrite(home.warehouse), {"doctor.work_damaged"}),
    "work database gone": (lambda home: home.warehouse.unlink(), {"doctor.work_missing"}),
    "a file for a folder": (lambda home: (shutil.rmtree(home.inbox), home.inbox.touch()), {"doctor.not_a_folder"}),
    "a newer program's": (lambda home: home_format.path(home).write_text('{"format": 9}'), {"warehouse.home_newer"}),
    "role unknown": (lambda home: Accounts(home).add(Account("zhang", "nosuch"), GOOD), {"doctor.account"}),
    "unit unknown": (
        lambda home: Accounts(home).add(Account("wang", "township_reporter", "9"), GOOD),
        {"doctor.account_unit"},
    ),
    "accounts damaged": (
        lambda home: (Accounts(home).add(Account("li", "leader"), GOOD), overwrite(accounts_path(home))),
        {"user.damaged"},
    ),
    "the clock's": (
        lambda home: Journal(home.journal).append([{"event": "told", "at": "2199-01-01T00:00:00"}]),
        {"doctor.clock"},
    ),
    "Dagster's records": (lambda home: dagster_file(home, "runs.db"), {"doctor.dagster_damaged"}),
    "Dagster's configuration": (lambda home: dagster_file(home, "dagster.yaml"), {"doctor.dagster_yaml"}),
}


def dagster_file(home: Settings, name: str) -> None:
    home.dagster_home.mkdir(parents=True, exist_ok=True)
    (home.dagster_home / name).write_bytes(b"\x00: [" * 100)


def test_the_doctor_names_each_harm_and_what_to_do(small_home: Settings, tmp_path: Path) -> None:
    texts, told = Texts(small_home.seeds), {}
    for number, (harm, (do, _)) in enumerate(HARMS.items()):
        home = load_settings(home=tmp_path / str(number))
        shutil.copytree(small_home.home, home.home, ignore=shutil.ignore_patterns("dbt"))
        do(home)
        found = [one for one in doctor.examine(home) if one.severity != "ok" and one.key != "doctor.packages"]
        told[harm] = {one.key for one in found}
        assert all(texts.pair(one.key, **one.fields) for one in found)
        shutil.rmtree(home.home)
    assert told == {harm: keys for harm, (_, keys) in HARMS.items()}


def test_damaged_records_of_dagster_are_set_aside(home: Settings) -> None:
    dagster_file(home, "runs.db")
    (home.dagster_home / "history").mkdir()
    (home.dagster_home / "history" / "runs.db").write_bytes(b"garbage" * 50)
    dagster_file(home, "dagster.yaml")
    with open_instance(home) as instance:
        assert instance.get_runs() == []
    assert len(list((home.dagster_home / "damaged").iterdir())) == 3
