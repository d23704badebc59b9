"""`tew up` with everything it starts: one code server, a file that arrives, what dies, a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from dagster_project.settings import Settings
from dagster_project.supervise import free_port
from tests.program import TEW, environment, tew, tew_program

LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename } } } } }"
RELOAD = """mutation { reloadRepositoryLocation(repositoryLocationName: "tew") {
    ... on WorkspaceLocationEntry { locationOrLoadError { __typename } } } }"""
RUNS = "{ runsOrError { ... on Runs { results { status jobName tags { key value } } } } }"


@dataclass
class Up:
    """A running `tew up`."""

    settings: Settings
    process: subprocess.Popen[str]
    port: int
    dagster_port: int

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.loads(answer.read())

    def ask_dagster(self, query: str) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.dagster_port}/graphql",
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())["data"]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, word: str) -> psutil.Process:
        (found,) = [one for one in psutil.Process(self.process.pid).children() if word in " ".join(one.cmdline())]
        return found


def wait_for(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except (OSError, ValueError, psutil.Error):
            pass
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s: {what}")


@pytest.fixture
def up(small_home: Settings) -> Iterator[Up]:
    ports = free_port(), free_port()
    process = subprocess.Popen(
        [*TEW, "up", "--port", str(ports[0]), "--dagster-port", str(ports[1])],
        env=environment(small_home),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline() + process.stdout.readline()
        assert f"http://127.0.0.1:{ports[0]}/" in said and f"http://127.0.0.1:{ports[1]}/" in said, _logs(small_home)
        yield Up(small_home, process, *ports)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _logs(settings: Settings) -> str:
    return "\n".join(path.read_text(encoding="utf-8")[-2000:] for path in (settings.home / "logs").glob("*.log"))


def listening_addresses(processes: list[psutil.Process]) -> set[str]:
    found = set()
    for process in processes:
        for connection in process.net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN:
                found.add(connection.laddr.ip)
    return found


def remote_addresses(processes: list[psutil.Process]) -> set[str]:
    return {
        connection.raddr.ip
        for process in processes
        for connection in process.net_connections(kind="inet")
        if connection.raddr
    }


@pytest.mark.slow
def test_up_serves_takes_in_what_arrives_and_ends_cleanly(up: Up) -> None:
    before = up.get("/healthz")
    assert before["version"] == up.settings.current.read_text(encoding="utf-8").strip()
    (location,) = up.ask_dagster(LOCATIONS)["workspaceOrError"]["locationEntries"]
    assert (location["name"], location["locationOrLoadError"]["__typename"]) == ("tew", "RepositoryLocation")
    servers = [one for one in up.children() if "api grpc" in " ".join(one.cmdline())]
    assert len(servers) == 1, "web server and daemon share one code server"
    assert listening_addresses(up.children()) == {"127.0.0.1"}

    second = tew_program(up.settings, "up", "--port", str(free_port()), "--dagster-port", str(free_port()))
    assert second.returncode == 1 and str(up.settings.home) in second.stderr
    taken = tew_program(up.settings, "up", "--port", str(up.port), "--dagster-port", str(free_port()))
    assert taken.returncode == 1 and str(up.port) in taken.stderr

    # a file arrives: the sensor finds it, the run takes it in, the dashboard shows the new version without a restart
    (up.settings.inbox / "坏表.xlsx").write_bytes(bytes(range(64)))
    published = wait_for(
        lambda: (v := up.get("/healthz")["version"]) != before["version"] and v, 180, _logs(up.settings)
    )
    assert published > before["version"]
    issues = "select file_name from marts.fct_submission where file_name = '坏表.xlsx'"
    assert json.loads(tew(up.settings, "query", issues, "--json").stdout) == [{"file_name": "坏表.xlsx"}]

    def finished() -> Any:
        found = up.ask_dagster(RUNS)["runsOrError"]["results"]
        return found if found and all(run["status"] == "SUCCESS" for run in found) else None

    (run,) = wait_for(finished, 60, "the run ends")
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert run["jobName"] == "refresh" and tags["tew/trigger"] == "inbox_sensor" and tags["tew/process"]
    assert remote_addresses(up.children()) <= {"127.0.0.1"}, "nothing may speak to another machine"

    # what dies comes back, and the web server finds the code again at the same address
    killed = {word: up.child(word) for word in ("dashboard.serve", "api grpc")}
    for one in killed.values():
        one.kill()
    for word, one in killed.items():
        wait_for(lambda word=word, one=one: up.child(word).pid != one.pid, 60, f"{word} again")
    wait_for(lambda: up.get("/healthz")["version"] == published, 60, "the dashboard answers again")

    def is_loaded() -> bool:
        # asked anew: what the web server remembers of the former code server proves nothing
        entry = up.ask_dagster(RELOAD)["reloadRepositoryLocation"]
        return bool(entry.get("locationOrLoadError", {}).get("__typename") == "RepositoryLocation")

    wait_for(is_loaded, 60, "the code location is loaded again")

    family = up.children()
    os.kill(up.process.pid, signal.SIGINT)
    assert up.process.wait(timeout=60) == 0
    assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the kernel's parent-death signal exists on Linux only")
def test_a_killed_up_leaves_no_process(up: Up) -> None:
    family = up.children()
    assert len(family) >= 4
    up.process.kill()
    up.process.wait()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert [" ".join(one.cmdline()) for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []
