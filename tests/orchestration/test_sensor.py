"""The inbox sensor on a real home and a real instance: settled files only, each content once, again after a kill."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance, RunRequest, SensorResult, job, op
from dagster._core.storage.tags import RUN_KEY_TAG

from dagster_project.orchestration import instance as instances
from dagster_project.orchestration import sensors
from dagster_project.settings import Settings
from dagster_project.warehouse import archive
from dagster_project.warehouse.lock import refresh_lock
from dagster_project.warehouse.refresh import receive


@op
def nothing() -> None: ...


@job(name="refresh")
def refresh_like() -> None:
    nothing()


@pytest.fixture
def dagster(home: Settings) -> Iterator[DagsterInstance]:
    with instances.open_instance(home) as instance:
        yield instance


@pytest.fixture
def settling(home: Settings) -> Settings:
    return home.model_copy(update={"settle_seconds": 5.0})


def put(settings: Settings, name: str, content: bytes, age_s: float = 60.0) -> Path:
    settings.inbox.mkdir(parents=True, exist_ok=True)
    path = settings.inbox / name
    path.write_bytes(content)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def tick(settings: Settings, instance: DagsterInstance, cursor: str | None) -> SensorResult:
    return sensors.evaluate(settings, instance, cursor, time.time())


def request(result: SensorResult) -> RunRequest:
    assert result.run_requests and len(result.run_requests) == 1, result.skip_reason
    return result.run_requests[0]


def reason(result: SensorResult) -> str:
    assert not result.run_requests and result.skip_reason is not None
    return str(result.skip_reason.skip_message)


def launch(instance: DagsterInstance, asked: RunRequest, *, killed: bool) -> None:
    """What the daemon would do with a request, and how the run then ended."""
    tags = {RUN_KEY_TAG: str(asked.run_key)}
    if killed:
        tags[instances.PROCESS_TAG] = "999999999@1.0"
        instance.create_run_for_job(refresh_like, tags=tags)
    else:
        tags[instances.PROCESS_TAG] = instances.process_mark()
        instance.report_run_failed(instance.create_run_for_job(refresh_like, tags=tags))


def test_files_still_being_written_wait(settling: Settings, dagster: DagsterInstance) -> None:
    put(settling, "old.xlsx", b"a")
    young = put(settling, "young.xlsx", b"b", age_s=0.5)
    waiting = tick(settling, dagster, None)
    assert "young.xlsx" in reason(waiting)
    os.utime(young, (time.time() - 60, time.time() - 60))
    assert request(tick(settling, dagster, waiting.cursor)).tags["tew/trigger"] == "inbox_sensor"


def test_the_key_is_the_content_not_the_time(home: Settings, dagster: DagsterInstance) -> None:
    path = put(home, "a.xlsx", b"one")
    first = request(tick(home, dagster, None)).run_key
    os.utime(path, (time.time() - 30, time.time() - 30))
    assert request(tick(home, dagster, None)).run_key == first
    put(home, "a.xlsx", b"two")
    assert request(tick(home, dagster, None)).run_key != first


def test_a_failed_run_is_not_launched_again_until_something_changes(home: Settings, dagster: DagsterInstance) -> None:
    put(home, "a.xlsx", b"one")
    asked = tick(home, dagster, None)
    launch(dagster, request(asked), killed=False)
    assert "failed" in reason(tick(home, dagster, asked.cursor))
    # the failed run had received the file: it stands in the archive now, and is still the same
    receive(home)
    assert not archive.scan(home, archive.Journal(home.journal).replay()).changed
    again = tick(home, dagster, asked.cursor)
    assert "failed" in reason(again)
    put(home, "b.xlsx", b"two")
    assert request(tick(home, dagster, again.cursor)).run_key != request(asked).run_key


def test_a_killed_run_is_launched_again_but_not_for_ever(home: Settings, dagster: DagsterInstance) -> None:
    put(home, "a.xlsx", b"one")
    cursor, keys = None, []
    for _ in range(sensors.MAX_LAUNCHES):
        asked = tick(home, dagster, cursor)
        keys.append(request(asked).run_key)
        launch(dagster, request(asked), killed=True)
        cursor = asked.cursor
    assert len(set(keys)) == sensors.MAX_LAUNCHES
    assert "killed" in reason(tick(home, dagster, cursor))


def test_a_run_that_never_began_is_launched_again(home: Settings, dagster: DagsterInstance) -> None:
    """A machine too busy to answer fails a run before any process works on it; the workbook must not wait for a day."""
    put(home, "a.xlsx", b"one")
    asked = tick(home, dagster, None)
    tags = {RUN_KEY_TAG: str(request(asked).run_key)}
    dagster.report_run_failed(dagster.create_run_for_job(refresh_like, tags=tags))
    assert request(tick(home, dagster, asked.cursor)).run_key != request(asked).run_key


def test_one_run_at_a_time(home: Settings, dagster: DagsterInstance) -> None:
    put(home, "a.xlsx", b"one")
    with refresh_lock(home):
        assert "at work" in reason(tick(home, dagster, None))
    mark = {instances.PROCESS_TAG: instances.process_mark()}
    run = dagster.create_run_for_job(refresh_like, tags=mark)
    assert "at work" in reason(tick(home, dagster, None))
    dagster.report_run_failed(run)
    request(tick(home, dagster, None))


@pytest.mark.parametrize("text", [None, "", "x", "[]", "{}", '{"hashed": {"a": [1]}, "key": "k", "launches": 1}'])
def test_an_unreadable_cursor_is_an_empty_one(text: str | None) -> None:
    assert sensors.Cursor.load(text) == sensors.Cursor({})


def test_a_cursor_round_trips() -> None:
    cursor = sensors.Cursor({"a/b.xlsx": (1, 2, "x")}, "k", 2, "r")
    assert sensors.Cursor.load(cursor.dump()) == cursor
