"""Runs whose process is gone are failed, runs at work are left alone, whatever reused the process id."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import yaml
from dagster import DagsterEvent, DagsterInstance, DagsterRunStatus, job, op
from dagster._core.events import DagsterEventType
from dagster._core.storage.tags import RUN_KEY_TAG

from dagster_project.orchestration import instance as module
from dagster_project.settings import Settings


@op
def nothing() -> None: ...


@job
def empty() -> None:
    nothing()


@pytest.fixture
def dagster(home: Settings) -> Iterator[DagsterInstance]:
    with module.open_instance(home) as instance:
        yield instance


def start_run(instance: DagsterInstance, mark: str | None) -> str:
    tags = {RUN_KEY_TAG: "k"} | ({} if mark is None else {module.PROCESS_TAG: mark})
    run = instance.create_run_for_job(empty, tags=tags)
    for kind in (DagsterEventType.PIPELINE_STARTING, DagsterEventType.PIPELINE_START):
        instance.report_dagster_event(DagsterEvent(event_type_value=kind.value, job_name="empty"), run.run_id)
    return run.run_id


def status(instance: DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_killed_process_fails_its_run_and_a_living_one_keeps_it(dagster: DagsterInstance) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    killed = start_run(dagster, module.process_mark(child.pid))
    alive = start_run(dagster, module.process_mark())
    assert module.fail_dead_runs(dagster) == []
    child.kill()
    child.wait()
    assert module.fail_dead_runs(dagster) == [killed]
    assert status(dagster, killed) is DagsterRunStatus.FAILURE
    assert status(dagster, alive) is DagsterRunStatus.STARTED
    run = dagster.get_run_by_id(killed)
    assert run is not None and run.tags[module.KILLED_TAG] == "true"
    assert module.fail_dead_runs(dagster) == []


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    mark = module.process_mark(child.pid)
    assert module.is_alive(mark)
    child.kill()
    deadline = time.monotonic() + 10
    while module.is_alive(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not module.is_alive(mark)  # nobody has waited for it yet
    child.wait()


@pytest.mark.parametrize("mark", ["", "x", "1@", "999999999@1.0"])
def test_unreadable_or_unknown_marks_are_dead(mark: str) -> None:
    assert not module.is_alive(mark)


def test_a_reused_process_id_is_another_process() -> None:
    pid, _, started = module.process_mark().partition("@")
    assert not module.is_alive(f"{pid}@{float(started) - 100:.2f}")


def test_a_run_without_process_has_time_to_tell_it(dagster: DagsterInstance) -> None:
    run_id = start_run(dagster, None)
    assert module.fail_dead_runs(dagster) == []
    run = dagster.get_run_by_id(run_id)
    assert run is not None
    assert not module.is_dead(run, 1000.0, 1000.0 + module.LAUNCH_GRACE_S - 1)
    assert module.is_dead(run, 1000.0, 1000.0 + module.LAUNCH_GRACE_S + 1)


def test_an_edited_dagster_yaml_is_kept(home: Settings) -> None:
    folder = module.prepare_home(home)
    text = yaml.safe_load((folder / "dagster.yaml").read_text(encoding="utf-8"))
    assert text["telemetry"] == {"enabled": False} and text["nux"] == {"enabled": False}
    (folder / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    module.prepare_home(home)
    assert (folder / "dagster.yaml").read_text(encoding="utf-8") == "telemetry:\n  enabled: false\n"


def test_dagster_yaml_holds_no_absolute_path(dagster: DagsterInstance, home: Settings) -> None:
    assert dagster.is_persistent
    assert str(home.home) not in (home.dagster_home / "dagster.yaml").read_text(encoding="utf-8")
