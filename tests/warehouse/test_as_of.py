"""What was known on an earlier day: the marts made as of it, and the macros that analysts call."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.settings import Settings
from dagster_project.warehouse import as_of, pointer, refresh
from dagster_project.warehouse.read import PublishedReader
from tests.conftest import make_home
from tests.program import tew
from tests.warehouse import workbooks
from tests.warehouse.workbooks import START

# When a home took a file in differs from home to home; all else is said by the files.
VOLATILE = {"ingested_at"}
DAY = timedelta(days=1)


def marts(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every mart's rows, sorted, without what names the moment of making."""
    found = {}
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts'").fetchall()
        for (table,) in tables:
            names = [row[0] for row in connection.execute(f"DESCRIBE marts.{table}").fetchall()]
            kept = ", ".join(f'"{name}"' for name in names if name not in VOLATILE)
            found[table] = connection.execute(f"SELECT {kept} FROM marts.{table} ORDER BY ALL").fetchall()
    return found


def differences(left: Path, right: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Per mart the rows that only one side has, a few of them."""
    a, b = marts(left), marts(right)
    assert a.keys() == b.keys() and sum(map(len, a.values())) > 0
    return {
        table: [
            *(("left", *row) for row in a[table] if row not in b[table]),
            *(("right", *row) for row in b[table] if row not in a[table]),
        ][:4]
        for table in a
        if a[table] != b[table]
    }


def served(settings: Settings) -> Path:
    return pointer.version_file(settings, pointer.current_version(settings) or "")


def test_as_of_a_day_equals_a_home_that_holds_only_what_was_received_by_then(
    small_home: Settings, tmp_path: Path
) -> None:
    stamps = sorted({path.stat().st_mtime for path in small_home.inbox.rglob("*") if path.is_file()})
    day = datetime.fromtimestamp(stamps[len(stamps) // 2], UTC).date()
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY
    earlier = make_home(tmp_path / "earlier")
    for path in small_home.inbox.rglob("*"):
        if path.is_file() and path.stat().st_mtime < end.timestamp():
            target = earlier.inbox / path.relative_to(small_home.inbox)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    kept = sum(path.is_file() for path in earlier.inbox.rglob("*"))
    assert 0 < kept < sum(path.is_file() for path in small_home.inbox.rglob("*"))
    assert refresh.run_refresh(earlier).published

    assert as_of.path(small_home, day) is None
    before = served(small_home).stat().st_mtime_ns
    done = tew(small_home, "as-of", day.isoformat(), "--json")
    assert done.returncode == 0, done.stderr
    file = Path(json.loads(done.stdout)["path"])
    assert as_of.path(small_home, day) == file and served(small_home).stat().st_mtime_ns == before
    assert differences(file, served(earlier)) == {}
    counted = tew(
        small_home, "query", "--as-of", day.isoformat(), "select count(*) c from marts.fct_submission", "--json"
    )
    assert json.loads(counted.stdout) == [{"c": kept}]
    # The macro says of the published file what the file of that day holds.
    columns = "indicator_code, level, unit_id, period, measure, value, submission_id, sheet, cell, line_no"
    then = as_of.query(file, small_home, f"SELECT {columns} FROM marts.fct_observation ORDER BY ALL")[1]
    assert (
        PublishedReader(small_home).query(
            f"SELECT {columns} FROM marts.fct_observation_as_of($d) ORDER BY ALL", {"d": day}
        )[1]
        == then
    )


@pytest.fixture
def corrected(home: Settings) -> Settings:
    """January three times: 100, then 200 dated before it, then 300 a month later, which was withdrawn since."""
    for number, (value, days) in enumerate(((100, 10), (200, 5), (300, 40)), start=1):
        stamp = START + days * 86400
        workbooks.townships(home.inbox / f"{number}.xlsx", 1, {"枫林湖镇": (value, value)}, mtime=stamp)
        from dagster_project.warehouse import reception

        reception.receive(home)
    refresh.withdraw(home, "S000003", "typed twice")
    assert refresh.run_refresh(home).published
    return home


def test_a_file_dated_before_its_predecessor_and_a_later_withdrawal(corrected: Settings) -> None:
    def known(days: int) -> list[float]:
        day = datetime.fromtimestamp(START + days * 86400, UTC).date()
        rows = PublishedReader(corrected).query(
            "SELECT value FROM marts.fct_observation_as_of($d) WHERE measure = 'month' AND value IS NOT NULL",
            {"d": day},
        )[1]
        return [float(row[0]) for row in rows]

    # The second file is in force from the first one's receipt on; the third was until it was withdrawn, today.
    assert [known(days) for days in (4, 6, 10, 39, 40)] == [[], [], [200], [200], [300]]
    assert PublishedReader(corrected).query(
        "SELECT value FROM marts.fct_observation WHERE measure = 'month' AND value IS NOT NULL"
    )[1] == [(200,)]
    # The withdrawn third one revises nothing.
    assert PublishedReader(corrected).query(
        "SELECT previous_value, new_value, difference, previous_submission_id, submission_id FROM marts.fct_revision "
        "WHERE measure = 'month'"
    )[1] == [(100, 200, 100, "S000001", "S000002")]
    statuses = "SELECT status FROM marts.fct_submission_as_of($d) ORDER BY submission_id"
    late = datetime.fromtimestamp(START + 41 * 86400, UTC).date()
    assert PublishedReader(corrected).query(statuses, {"d": late})[1] == [("accepted",)] * 3
    assert PublishedReader(corrected).query(statuses, {"d": date.today() + DAY})[1][2] == ("withdrawn",)


def test_a_rebuild_from_the_archive_alone_gives_the_same_marts(corrected: Settings, tmp_path: Path) -> None:
    former = tmp_path / "former.duckdb"
    shutil.copyfile(served(corrected), former)
    shutil.rmtree(corrected.inbox)
    corrected.inbox.mkdir(parents=True)
    shutil.rmtree(corrected.work)
    report = refresh.rebuild(corrected)
    assert report.published
    assert differences(former, served(corrected)) == {}
