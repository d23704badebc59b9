"""`tew refresh` whole: what the run tells, what a failed or killed run leaves, two at once (design 3.2, 3.3)."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from dagster import AssetKey, DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus

from dagster_project.orchestration import instance as instances
from dagster_project.settings import PROJECT_ROOT, Settings
from tests.program import TEW, environment, tew, tew_program
from tests.warehouse import workbooks

pytestmark = pytest.mark.slow


@pytest.fixture
def arrived(small_home: Settings) -> Settings:
    """A published home, and two files that came since: one that is no workbook, and a picture named .xlsx."""
    (small_home.inbox / "坏表.xlsx").write_bytes(bytes(range(64)))
    (small_home.inbox / "照片.xlsx").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    return small_home


def serving(settings: Settings) -> str:
    return settings.current.read_text(encoding="utf-8").strip()


def count(settings: Settings, table: str) -> int:
    done = tew(settings, "query", f"select count(*) as n from marts.{table}", "--json")
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)[0]["n"])


def runs(settings: Settings) -> list[DagsterRun]:
    with instances.open_instance(settings) as instance:
        return list(instance.get_runs())


def metadata(instance: DagsterInstance, asset: str) -> dict[str, Any]:
    event = instance.get_latest_materialization_event(AssetKey(asset))
    assert event is not None and event.asset_materialization is not None
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_a_refresh_publishes_and_its_run_tells_what_came_in(arrived: Settings) -> None:
    before, issues = serving(arrived), count(arrived, "fct_issue")
    done = tew(arrived, "refresh", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["status"] == "published" and report["published"] == serving(arrived) != before
    assert {entry["file_name"] for entry in report["ingest"]["rejected"]} == {"坏表.xlsx", "照片.xlsx"}
    assert {one["file_name"] for one in report["errors"]} == {"坏表.xlsx", "照片.xlsx"}
    assert all(one["message_zh"] and one["message_en"] for one in report["errors"])
    assert count(arrived, "fct_issue") == issues + 2

    with instances.open_instance(arrived) as instance:
        (run,) = instance.get_runs()
        assert (run.run_id, run.status, run.job_name) == (report["run_id"], DagsterRunStatus.SUCCESS, "refresh")
        received, ingested = metadata(instance, "received_files"), metadata(instance, "raw_observations")
        published = metadata(instance, "published_version")
        logs = instance.all_logs(run.run_id)
    assert received["files_received"] == 2 and "照片.xlsx" in received["received"]
    assert ingested["files_rejected"] == 2 and "坏表.xlsx" in ingested["rejected"]
    assert published["version"] == report["published"] and published["dagster/row_count"] > 0
    # a home can be moved: nothing that it stores may name its place
    assert str(arrived.home) not in json.dumps([received, ingested, published], default=str)
    checks = [log for log in logs if log.dagster_event_type is DagsterEventType.ASSET_CHECK_EVALUATION]
    assert checks and all(log.get_dagster_event().asset_check_evaluation_data.passed for log in checks)

    again = tew_program(arrived, "refresh", "--json")
    assert (again.returncode, json.loads(again.stdout)["status"]) == (0, "nothing_new")
    (arrived.inbox / "坏表.xlsx").touch()
    touched = tew_program(arrived, "refresh", "--json")
    assert (touched.returncode, json.loads(touched.stdout)["status"]) == (0, "nothing_new")
    assert len(runs(arrived)) == 1


def test_nothing_new_is_said_before_dagster_is_imported(small_home: Settings) -> None:
    program = (
        "import sys, json; from dagster_project import cli; sys.argv = ['tew', 'refresh', '--json']\n"
        "try: cli.main()\nexcept SystemExit: pass\n"
        "sys.stderr.write(json.dumps([m for m in ('dagster', 'dbt', 'duckdb') if m in sys.modules]))"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(small_home), capture_output=True, text=True, check=True
    )
    assert time.monotonic() - started < 2.0
    assert json.loads(done.stdout)["status"] == "nothing_new"
    assert json.loads(done.stderr) == []


@contextmanager
def dbt_project_with(extra: dict[str, str], folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The dbt project with files added to it."""
    copy = folder / "dbt"
    shutil.copytree(PROJECT_ROOT / "dbt", copy, ignore=shutil.ignore_patterns("target", "logs"))
    for name, text in extra.items():
        (copy / name).write_text(text, encoding="utf-8")
    with patch.context() as inner:
        inner.setattr(Settings, "dbt_project", property(lambda self: copy))
        yield


def test_a_failed_test_publishes_nothing_and_is_named(
    arrived: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = serving(arrived)
    broken = "select township_code from {{ ref('dim_township') }}"
    with dbt_project_with({"tests/never_holds.sql": broken}, tmp_path, monkeypatch):
        done = tew(arrived, "refresh", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["status"] == "failed" and report["published"] is None and report["serving"] == before
    for reason in (report["reason_zh"], report["reason_en"], done.stderr):
        assert "never_holds" in reason and before in reason and "township_code" in reason, (
            "and one of the rows it found"
        )
    assert "Traceback" not in done.stderr
    assert serving(arrived) == before
    (run,) = runs(arrived)
    assert run.status is DagsterRunStatus.FAILURE


def test_a_model_that_breaks_is_named(arrived: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "select no_such_column from {{ ref('dim_township') }}"
    with dbt_project_with({"models/marts/dim_broken.sql": broken}, tmp_path, monkeypatch):
        done = tew(arrived, "refresh")
    assert done.returncode == 1
    assert "dim_broken" in done.stderr and "no_such_column" in done.stderr and "Traceback" not in done.stderr


def start_refresh(settings: Settings) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TEW, "refresh", "--json"],
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"the refresh ended before it said {text!r}")


@pytest.mark.parametrize("moment", ["in dbt", "Publish"])
def test_a_killed_refresh_serves_on_and_blocks_nothing(arrived: Settings, moment: str) -> None:
    before, observations = serving(arrived), count(arrived, "fct_observation")
    process = start_refresh(arrived)
    read_until(process, "(dbt)")
    # while it runs, queries are answered from what is published
    assert count(arrived, "fct_observation") == observations
    read_until(process, " of " if moment == "in dbt" else moment)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    psutil.wait_procs(children, timeout=10)
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []

    assert serving(arrived) == before or moment == "Publish"
    assert count(arrived, "fct_observation") == observations
    done = tew_program(arrived, "refresh", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] in ("published", "nothing_new")
    assert count(arrived, "fct_observation") == observations
    assert count(arrived, "fct_issue") > 0 and serving(arrived) > before
    if json.loads(done.stdout)["status"] == "published":
        statuses = {run.status: run.tags.get(instances.KILLED_TAG) for run in runs(arrived)}
        assert statuses == {DagsterRunStatus.SUCCESS: None, DagsterRunStatus.FAILURE: "true"}


def test_two_refreshes_at_once_give_one_version(arrived: Settings) -> None:
    versions = len(list(arrived.published.glob("*/manifest.json")))
    both = [start_refresh(arrived), start_refresh(arrived)]
    reports = []
    for process in both:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        reports.append(json.loads(out)["status"])
    assert sorted(reports) == ["nothing_new", "published"]
    assert len(list(arrived.published.glob("*/manifest.json"))) == versions + 1


def test_a_lock_held_too_long_is_1_and_names_the_holder(arrived: Settings) -> None:
    from dagster_project.warehouse.lock import refresh_lock

    with refresh_lock(arrived):
        done = tew_program(arrived, "refresh", "--wait", "0.5")
    assert done.returncode == 1 and str(psutil.Process().pid) in done.stderr and "Traceback" not in done.stderr


def test_a_rebuild_gives_the_same_figures(small_home: Settings) -> None:
    sql = "select * exclude (received_at) from marts.fct_observation order by all"
    before = tew(small_home, "query", sql, "--format", "csv").stdout
    done = tew(small_home, "rebuild", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["status"] == "published"
    assert tew(small_home, "query", sql, "--format", "csv").stdout == before


def test_a_refresh_keeps_the_year_before_and_compare_finds_no_difference(home: Settings) -> None:
    workbooks.townships(home.inbox / "2025-12.xlsx", 12, {"枫林湖镇": (10, 120), "站前镇": (21, 241)}, year=2025)
    workbooks.townships(home.inbox / "2026-01.xlsx", 1, {"枫林湖镇": (11, 11), "站前镇": (24, 24)}, year=2026)
    first = json.loads(tew(home, "refresh", "--json").stdout)
    assert first["status"] == "published" and first["build"]["since"] is None
    workbooks.townships(home.inbox / "更正.xlsx", 1, {"枫林湖镇": (12, 12), "站前镇": (24, 24)}, year=2026)
    second = json.loads(tew(home, "refresh", "--json").stdout)
    assert (second["status"], second["build"]["since"]) == ("published", "2026"), second
    found = tew(
        home, "query", "select sum(value) from marts.fct_observation where measure = 'month'", "--format", "csv"
    )
    assert found.stdout.split()[1] == "67.000000"
    done = tew(home, "compare", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["equal"], done.stderr
    assert len(first["build"]["nodes"]) == len(second["build"]["nodes"]) == 2
    assert first["build"]["nodes"] == second["build"]["nodes"], "all models and tests, of all years"
