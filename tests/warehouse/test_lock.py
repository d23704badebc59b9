"""One writer at a time: the lock of the operating system, freed by a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse.errors import LockHeld
from dagster_project.warehouse.lock import holder, is_locked, refresh_lock

HOLD = """
import sys, time
from dagster_project.settings import load_settings
from dagster_project.warehouse.lock import refresh_lock
with refresh_lock(load_settings(home=sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_refused_by_name_and_a_kill_frees_it(home: Settings) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.home)], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "held\n"
        assert is_locked(home)
        with pytest.raises(LockHeld) as refused, refresh_lock(home):
            pass
        assert str(child.pid) in str(refused.value)
        assert holder(home.lock_file)["pid"] == child.pid
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert not is_locked(home)
        with refresh_lock(home):
            assert is_locked(home)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def test_one_thread_may_hold_it_twice_another_may_not(home: Settings) -> None:
    seen: list[BaseException] = []

    def other() -> None:
        try:
            with refresh_lock(home):
                pass
        except LockHeld as error:
            seen.append(error)

    with refresh_lock(home), refresh_lock(home):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(seen) == 1
    assert not is_locked(home)


def test_waiting_ends_in_time(home: Settings) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.home)], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )
    assert child.stdout is not None
    try:
        child.stdout.readline()
        started = time.monotonic()
        with pytest.raises(LockHeld), refresh_lock(home, wait_s=0.3):
            pass
        assert 0.3 <= time.monotonic() - started < 5
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
