"""A backup restored on an empty folder gives the same marts and accounts; damage is told; the doctor finds what is wrong."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path
from typing import Any

from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.access.accounts import Account, Accounts
from tests.program import tew

GOOD = "A-long-enough-password"
TABLES = ("fct_observation", "fct_indicator_progress", "fct_issue", "dim_enterprise", "fct_completeness")


def marts(settings: Settings) -> dict[str, Any]:
    reader = PublishedReader(settings)
    return {table: sorted(map(repr, reader.query(f"select * from marts.{table}")[1])) for table in TABLES}


def test_a_restored_home_rebuilds_the_same_marts(small_home: Settings, tmp_path: Path) -> None:
    Accounts(small_home).add(Account("zhang", "leader"), GOOD)
    file = tmp_path / "kept.zip"
    assert tew(small_home, "backup", str(file)).returncode == 0
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
