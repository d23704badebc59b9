"""Dagster's instance of a home: its folder and configuration, and the runs that a killed process left behind.

Belongs here: opening the instance, telling which process a run belongs to, failing runs whose process is dead.
Does not belong here: assets, jobs, what a run does. https://docs.dagster.io/deployment/oss/dagster-yaml
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

from dagster_project.settings import Settings
from dagster_project.warehouse.files import damaged_sqlite, is_yaml

PROCESS_TAG = "tew/process"
# A run whose process died is not a failed one: the inbox sensor may launch the same files again.
KILLED_TAG = "tew/killed"
UNFINISHED = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
# A launched run tells its process within this time, however slow the machine.
LAUNCH_GRACE_S = 300.0
_YAML = Path(__file__).with_name("dagster.yaml")


def prepare_home(settings: Settings) -> Path:
    """Create Dagster's folder and its dagster.yaml where absent; an edited file is kept, a damaged database set aside.

    Returns the folder.
    """
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    _set_damaged_aside(settings)
    target = settings.dagster_home / "dagster.yaml"
    if not target.exists():
        temporary = target.with_suffix(".yaml.new")
        shutil.copyfile(_YAML, temporary)
        temporary.replace(target)
    return settings.dagster_home


def _set_damaged_aside(settings: Settings) -> None:
    """Records of runs that are no database any more, and a configuration that cannot be read, would stop every refresh; on
    the first hangs nothing but history, and the second is kept for whoever edited it."""
    configuration = settings.dagster_home / "dagster.yaml"
    is_unreadable = configuration.is_file() and not is_yaml(configuration)
    for path in [*damaged_sqlite(settings.dagster_home), *([configuration] if is_unreadable else [])]:
        aside = settings.dagster_home / "damaged"
        aside.mkdir(exist_ok=True)
        for part in path.parent.glob(f"{path.name}*"):
            part.replace(aside / f"{time.time_ns()}-{part.name}.kept")


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """The persistent instance of a home, so that every run is seen in the UI. Telemetry is off."""
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    with DagsterInstance.from_config(str(prepare_home(settings))) as instance:
        yield instance


def process_mark(pid: int | None = None) -> str:
    """`pid@start`: names a process for good, since a process id alone is used again."""
    process = psutil.Process(pid)
    return f"{process.pid}@{process.create_time():.2f}"


def is_alive(mark: str) -> bool:
    """Whether the process of a `process_mark` still runs; a zombie does not."""
    pid, _, started = mark.partition("@")
    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - float(started)) < 1.0
    except (psutil.Error, ValueError):
        return False


def is_dead(run: DagsterRun, launched_at: float | None, now: float) -> bool:
    """Whether an unfinished run has nobody who works on it.

    `launched_at` and `now` are seconds since the epoch. A run that has not told its process yet has a grace time.
    """
    mark = run.tags.get(PROCESS_TAG)
    if mark is not None:
        return not is_alive(mark)
    return launched_at is None or now - launched_at > LAUNCH_GRACE_S


def fail_dead_runs(instance: DagsterInstance) -> list[str]:
    """Fail every unfinished run whose process is gone and free its slots; returns their ids.

    Safe at any time: a run at work is told by its process, not by a time limit.
    """
    failed: list[str] = []
    for record in instance.get_run_records(RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        if not is_dead(run, record.create_timestamp.timestamp(), time.time()):
            continue
        instance.add_run_tags(run.run_id, {KILLED_TAG: "true"})
        instance.report_run_failed(
            run,
            "The process of this run ended without finishing (killed, or the machine went down). Nothing is lost: "
            "what it had received stays in archive/, the published version still serves, the next refresh goes on.",
        )
        if instance.event_log_storage.supports_global_concurrency_limits:
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        failed.append(run.run_id)
    return failed
