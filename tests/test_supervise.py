"""Supervision with real processes: restarted when they die, stopped with all their children, never orphaned."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from dagster_project import supervise
from dagster_project.commands.texts import CommandError
from dagster_project.settings import PROJECT_ROOT, Settings

# A child that starts a child of its own and tells both process ids.
PARENT_AND_CHILD = (
    "import subprocess, sys, time, os; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)']);"
    "print(os.getpid(), p.pid, flush=True); time.sleep(300)"
)


def wait_for(condition: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def logged_pids(settings: Settings, name: str) -> list[int]:
    path = settings.home / "logs" / f"{name}.log"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    numbers = [line.split() for line in lines if line and line[0].isdigit()]
    return [int(number) for number in numbers[-1]] if numbers else []


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def sleeper(name: str = "sleeper") -> supervise.Child:
    return supervise.Child(name, [sys.executable, "-c", PARENT_AND_CHILD], lambda: True)


def test_stopping_ends_grandchildren_too(home: Settings) -> None:
    child = sleeper()
    supervise._start(child, home)
    wait_for(lambda: len(logged_pids(home, "sleeper")) == 2)
    pids = logged_pids(home, "sleeper")
    assert not any(is_gone(pid) for pid in pids)
    supervise.stop_all([child])
    wait_for(lambda: all(is_gone(pid) for pid in pids))


def test_what_dies_is_started_again_after_a_wait(home: Settings) -> None:
    said: list[str] = []
    child = sleeper("restarted")
    supervise._start(child, home)
    wait_for(lambda: len(logged_pids(home, "restarted")) == 2)
    first = logged_pids(home, "restarted")
    assert child.process is not None
    os.kill(child.process.pid, signal.SIGKILL)
    wait_for(lambda: not child.is_running)
    now = time.monotonic()
    say = lambda key, **fields: said.append(key)  # noqa: E731
    supervise.supervise_once([child], home, now, say)
    assert said == ["cli.up_restart"] and not child.is_running
    supervise.supervise_once([child], home, now + 0.5, say)
    assert not child.is_running, "started again before its wait was over"
    supervise.supervise_once([child], home, now + 1.1, say)
    assert child.is_running and child.restarts == 1
    wait_for(lambda: is_gone(first[1]))
    supervise.stop_all([child])


def test_backoff_doubles_to_a_limit() -> None:
    assert [supervise.backoff_seconds(n) for n in (1, 2, 3, 4, 5, 6, 100)] == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the kernel's parent-death signal exists on Linux only"
)
def test_a_killed_supervisor_leaves_no_child(home: Settings) -> None:
    script = textwrap.dedent(
        f"""
        import sys, time
        from pathlib import Path
        from dagster_project import supervise
        from dagster_project.settings import load_settings
        child = supervise.Child("orphan", [sys.executable, "-c", "import os, time; print(os.getpid(), 0, flush=True); time.sleep(300)"], lambda: True)
        supervise._start(child, load_settings(home=Path({str(home.home)!r})))
        time.sleep(300)
        """
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT_ROOT)
    wait_for(lambda: logged_pids(home, "orphan"))
    child = logged_pids(home, "orphan")[0]
    supervisor.kill()
    supervisor.wait()
    wait_for(lambda: is_gone(child))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_only_this_machine_is_served(host: str) -> None:
    with pytest.raises(CommandError) as caught:
        supervise.check_call(host, [8050, 3000])
    assert caught.value.key == "cli.up_not_loopback"


def test_a_taken_port_is_named() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(CommandError) as caught:
            supervise.check_call("127.0.0.1", [supervise.free_port(), port])
        assert (caught.value.key, caught.value.fields["port"]) == ("cli.up_port_taken", port)
    with pytest.raises(CommandError) as caught:
        supervise.check_call("127.0.0.1", [8050, 8050])
    assert caught.value.key == "cli.up_same_port"


def test_workspace_names_one_shared_code_server(tmp_path: Path) -> None:
    import yaml

    for address in ("/tmp/x/code.sock", ("127.0.0.1", 4000)):
        loaded = yaml.safe_load(supervise.workspace_text(address))["load_from"]
        assert len(loaded) == 1
        server = loaded[0]["grpc_server"]
        assert server["location_name"] == "tew"
        assert server["host"] in ("localhost", "127.0.0.1")
        assert ("socket" in server) != ("port" in server)
