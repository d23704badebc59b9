"""Memory at rest of `tew up`, by process, as proportional set size (PSS): shared pages are counted once.

Over a copy of a home with accounts, so that the door before Dagster's web server runs too. At rest: no run of a job is under way
(the first may start one by itself). `after start` is taken when all answer and the daemon has ticked; `after pages` when a leader and a township have each opened every page, so that names and
pages of the version are held. Exit 1 where the dashboard is over 250 MB or everything over 900 MB.

Belongs here: starting it, waiting, adding up. Does not belong here: growth under load (load.py).
Run: python -m benchmarks.memory [--home HOME] [--settle 30] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks import callbacks, load, served
from benchmarks.report import emit
from dagster_project.settings import PROJECT_ROOT, load_settings
from dashboard.access.accounts import Accounts
from dashboard.pages import registry

LIMITS = {"dashboard": 250.0, "everything": 900.0}
NAMES = {
    "dashboard.serve": "dashboard",
    "dashboard.access.door": "door",
    "dagster_webserver": "Dagster web server",
    "dagster._daemon": "Dagster daemon",
    "api grpc": "code server",
    "dagster_project.cli up": "supervisor",
}


def name_of(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    return next((name for sign, name in NAMES.items() if sign in words), "other")


def pss(root: psutil.Process) -> dict[str, float]:
    """MB by kind of process, of `root` and all below it."""
    found: dict[str, float] = {}
    for process in (root, *root.children(recursive=True)):
        try:
            name, megabytes = name_of(process), process.memory_full_info().pss / 1e6
        except psutil.NoSuchProcess:
            continue
        found[name] = found.get(name, 0.0) + megabytes
    return found


def _answers(address: str, path: str, statuses: tuple[int, ...]) -> bool:
    try:
        return httpx.get(address + path, timeout=5).status_code in statuses
    except httpx.HTTPError:
        return False


def _wait_for_rest(root: psutil.Process, seconds: float) -> None:
    """Until no run of a job (a child of the code server's) has been there for `seconds`; RuntimeError after ten minutes."""
    deadline, quiet_since = time.monotonic() + 600, time.monotonic()
    while time.monotonic() - quiet_since < seconds:
        if time.monotonic() > deadline:
            raise RuntimeError("a run goes on and on")
        if any("spawn_main" in " ".join(one.cmdline()) for one in root.children(recursive=True)):
            quiet_since = time.monotonic()
        time.sleep(1.0)


def _open_every_page(address: str, names: list[str], known: callbacks.World) -> None:
    for account in callbacks.people(known):
        if account.name not in names:
            continue
        headers = {"Origin": address, "Accept-Encoding": "br"}
        with httpx.Client(base_url=address, timeout=60, headers=headers) as browser:
            callbacks.sign_in(browser, account.name)
            pages = [entry.path for entry in registry.PAGES]
            for page, search in callbacks.addresses(known, account, pages, 2):
                callbacks.ask(browser, page, search)


def measure(home: Path, settle: float) -> list[tuple[str, dict[str, float]]]:
    """(when, MB by kind of process) of `tew up` over `home`, which has accounts already."""
    settings = load_settings(home=home, settle_seconds=0)
    known = callbacks.world(settings)
    port, dagster_port = served.free_port(), served.free_port()
    environment = {**os.environ, "TEW_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT)}
    command = [
        sys.executable,
        "-m",
        "dagster_project.cli",
        "up",
        "--port",
        str(port),
        "--dagster-port",
        str(dagster_port),
    ]
    process = subprocess.Popen(
        command, env=environment, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 240
        while not (_answers(address, "/healthz", (200,)) and _answers(f"http://127.0.0.1:{dagster_port}", "/", (302,))):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("tew up does not come up")
            time.sleep(1.0)
        root = psutil.Process(process.pid)
        _wait_for_rest(root, settle)
        found = [("after start", pss(root))]
        _open_every_page(address, ["c-leader", "c-town"], known)
        _wait_for_rest(root, settle / 3)
        return [*found, ("after pages", pss(root))]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def main() -> int:
    """Exit 1 where a limit is passed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--home", type=Path, help="a published home, left as it is; default: that of TEW_HOME")
    parser.add_argument("--settle", type=float, default=30.0, help="seconds of rest before measuring")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    given = load_settings(home=options.home, settle_seconds=0) if options.home else load_settings()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(given.home, home, ignore=shutil.ignore_patterns("accounts", "logs", "alerts.toml"))
        settings = load_settings(home=home, settle_seconds=0)
        for account in callbacks.people(callbacks.world(settings)):
            Accounts(settings).add(account, load.PASSWORD)
        taken = measure(settings.home, options.settle)
    rows: list[dict[str, Any]] = []
    is_over = False
    for when, found in taken:
        everything = sum(found.values())
        for name, megabytes in [*sorted(found.items(), key=lambda item: -item[1]), ("everything", everything)]:
            limit = LIMITS.get(name)
            is_over = is_over or (limit is not None and megabytes > limit)
            rows.append({"when": when, "process": name, "PSS MB": round(megabytes, 1), "limit": limit or "-"})
    emit("memory at rest", rows, options.json)
    return 1 if is_over else 0


if __name__ == "__main__":
    sys.exit(main())
