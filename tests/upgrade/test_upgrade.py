"""A home and a reference folder that an earlier program wrote, taken over by this one.

`homes/` holds one file for every released state: a small home (archive, published version, work database, accounts where there
were any) and the reference folder it was made with, zipped as they stood.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from dagster_project.commands import doctor
from dagster_project.reference_upgrade import changes
from dagster_project.settings import PROJECT_ROOT, Settings, load_settings
from dagster_project.warehouse import home_format, pointer
from dagster_project.warehouse.errors import WarehouseError
from dagster_project.warehouse.read import PublishedReader
from dashboard.access.accounts import Accounts
from dashboard.app import draw
from dashboard.data.store import Store
from tests.program import tew
from tests.warehouse.workbooks import CODES, TOWNS

HOMES = sorted(Path(__file__).with_name("homes").glob("*.zip"))
FEBRUARY = (
    "SELECT value_ytd FROM marts.fct_indicator_progress WHERE indicator_code = 'TE01' AND basis = 'reported' "
    "AND unit_id = $unit AND period = DATE '2026-02-01'"
)


@pytest.fixture
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    with zipfile.ZipFile(request.param) as packed:
        packed.extractall(tmp_path)
    for path in (tmp_path / "home" / "accounts").glob("*"):
        # What a zip file does not keep.
        path.chmod(0o600)
    return load_settings(home=tmp_path / "home", seeds=tmp_path / "reference", settle_seconds=0)


@pytest.mark.parametrize("old", HOMES, indirect=True, ids=lambda path: path.stem)
def test_a_home_of_an_earlier_program_goes_on(old: Settings) -> None:
    before = pointer.current_version(old)
    assert before is not None
    # The old version serves until the new program has made its own; pages that it cannot show say so.
    assert PublishedReader(old).query(FEBRUARY, {"unit": CODES[TOWNS[0]]})[1] == [(22,)]
    refused = tew(old, "refresh")
    assert refused.returncode == 1 and "tew upgrade" in refused.stderr, refused.stderr
    listed = json.loads(tew(old, "upgrade", "--json").stdout)
    assert not listed["written"] and changes(old.seeds), "a dry run writes nothing"
    done = tew(old, "upgrade", "--write")
    assert done.returncode == 0, done.stderr
    assert (old.home / "upgraded").is_dir() and changes(old.seeds) == []
    refreshed = tew(old, "refresh")
    assert refreshed.returncode == 0, refreshed.stderr
    after = pointer.current_version(old)
    assert after not in (None, before)
    reader = PublishedReader(old)
    assert reader.query(FEBRUARY, {"unit": CODES[TOWNS[0]]})[1] == [(22,)]
    journal = [json.loads(line) for line in old.journal.read_text(encoding="utf-8").splitlines()]
    received = {event["seq"] for event in journal if event["event"] == "received"}
    assert reader.query("SELECT count(*) FROM marts.fct_submission")[1] == [(len(received),)]
    withdrawn = {event["submission_id"] for event in journal if event["event"] == "withdrawn"}
    shown = reader.query("SELECT submission_id FROM marts.fct_submission WHERE status = 'withdrawn'")[1]
    assert {row[0] for row in shown} == withdrawn
    said = [event for event in journal if event["event"] == "explained"]
    kept = reader.query("SELECT explanation FROM marts.fct_issue WHERE explanation IS NOT NULL")[1]
    assert [row[0] for row in kept] == [event["text"] for event in said]
    if (old.home / "accounts").is_dir():
        assert Accounts(old).verify("wang", "A-long-enough-password")
    assert home_format.number(old) == home_format.FORMAT
    assert [found for found in doctor.examine(old) if found.severity == "error"] == []
    # Both versions stay, and the earlier one can be asked and served again.
    assert pointer.version_names(old)[-2:] == [before, after]
    store = Store(PublishedReader(old), earlier=lambda version: PublishedReader(old, version=version))
    page = str(draw(store, "/", f"?version={before}")[0])
    assert "tew query --version" in page or before in page
    assert tew(old, "query", "--version", before, "SELECT count(*) FROM marts.fct_observation").returncode == 0
    assert tew(old, "refresh").returncode == 0 and pointer.current_version(old) == after


def test_every_released_state_has_its_home() -> None:
    assert len(HOMES) >= 2 and all(path.stat().st_size < 500_000 for path in HOMES)


def test_an_upgrade_changes_nothing_that_stands_in_the_folder(tmp_path: Path) -> None:
    seeds = tmp_path / "reference"
    shutil.copytree(PROJECT_ROOT / "seeds" / "reference", seeds)
    settings = load_settings(home=tmp_path / "home", seeds=seeds)
    messages = seeds / "messages.csv"
    lines = messages.read_text(encoding="utf-8").splitlines(keepends=True)
    own = [line.replace("已撤回", "已收回") for line in lines if not line.startswith("cli.up_ready,")]
    messages.write_text("".join(own), encoding="utf-8")
    (seeds / "townships.csv").unlink()
    (seeds / "units.csv").unlink()
    roles = seeds / "access_roles.csv"
    rows = [line.rpartition(",")[0] for line in roles.read_text(encoding="utf-8").splitlines()]
    roles.write_text(
        "\r\n".join([*rows, "guest,Gast,Guest" + "," * (rows[0].count(",") - 2)]) + "\r\n", encoding="utf-8"
    )
    found = {change.file: change for change in changes(seeds)}
    assert found.keys() == {"messages.csv", "townships.csv", "units.csv", "access_roles.csv"}
    assert found["townships.csv"].rows == 0, "another county's townships would be wrong"
    assert found["units.csv"].is_new and found["units.csv"].rows > 10
    assert found["access_roles.csv"].columns and "guest,Gast,Guest" in found["access_roles.csv"].content
    assert "\r\n" in found["access_roles.csv"].content
    assert found["messages.csv"].rows == 1 and found["messages.csv"].content.startswith("".join(own))
    done = tew(settings, "upgrade", "--write", "--json")
    assert done.returncode == 1, (
        "a deployment without townships is told what it lacks, after what can be added was added"
    )
    kept = next((settings.home / "upgraded").iterdir())
    assert (kept / "messages.csv").read_text(encoding="utf-8") == "".join(own)


def test_a_home_of_a_newer_program_is_left_alone(small_home: Settings) -> None:
    home_format.path(small_home).write_text('{"format": 9}', encoding="utf-8")
    before = small_home.journal.read_bytes()
    (small_home.inbox / "new.xlsx").write_bytes(b"x")
    done = tew(small_home, "refresh")
    assert done.returncode == 1 and "newer program" in done.stderr
    assert small_home.journal.read_bytes() == before


def test_migrations_run_in_order_and_again_after_a_kill(home: Settings) -> None:
    done: list[int] = []

    def second(_settings: Settings) -> None:
        done.append(2)
        if done.count(2) == 1:
            raise OSError("killed")

    steps = {1: lambda _settings: done.append(1), 2: second}
    home_format.enter(home)
    with pytest.raises(OSError):
        home_format.enter(home, 3, steps)
    assert home_format.number(home) == 2
    assert home_format.enter(home, 3, steps) == [2] and home_format.enter(home, 3, steps) == []
    assert done == [1, 2, 2]
    with pytest.raises(WarehouseError):
        home_format.enter(home, 2, steps)
