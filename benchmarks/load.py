"""Load: signed-in readers who think and click while versions are published; what they met, and how memory went.

`python -m benchmarks.load --minutes 30` over a copy of the home of TEW_HOME: 100 readers of several roles, 1 to 5 seconds between
two pages, a refresh of an altered workbook every two minutes. Every answer must be a page of exactly one version. Printed are
failures, percentiles of the answers' time, and the server's memory at each version; growth is judged from the tenth version on.

Belongs here: readers, publisher, report. Does not belong here: how fast one page is alone (benchmarks.dashboard_load).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx
import openpyxl
import psutil

from dagster_project.settings import PROJECT_ROOT, Settings, load_settings
from dagster_project.supervise import free_port
from dagster_project.warehouse import publish
from dagster_project.warehouse.pointer import current_version
from dagster_project.warehouse.read import PublishedReader
from dashboard.access.accounts import Account, Accounts
from dashboard.pages import registry

PASSWORD = "benchmark-of-load-77"
VERSION = re.compile(r"(?<!version=)\b\d{8}T\d{6}Z-\d{6}\b")
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
# Leaders and sections see every page, townships their own: each role has caches of its own.
PEOPLE = (
    Account("l-leader", "leader"),
    Account("l-staff", "staff"),
    Account("l-coal", "section", None, ("coal",)),
    Account("l-town", "township_reporter", "529901101"),
)
WARM_VERSIONS = 10
SAMPLE_S = 2.0


@dataclass
class Report:
    """Seconds of answers, what failed, and (seconds, MB, versions so far) of the server."""

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    memory: list[tuple[float, float, int]] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    publish_failures: list[str] = field(default_factory=list)

    @property
    def p95(self) -> float:
        return quantiles(self.seconds, n=20)[-1] if len(self.seconds) > 1 else 0.0

    def growth(self) -> float | None:
        """MB a version from the tenth on (least squares); None before there are five of them."""
        last: dict[int, float] = {}
        for _, megabytes, count in self.memory:
            if count >= WARM_VERSIONS:
                last[count] = max(megabytes, last.get(count, 0.0))
        if len(last) < 5:
            return None
        xs, ys = list(last), list(last.values())
        mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
        spread = sum((x - mean_x) ** 2 for x in xs)
        return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread


def body(page: str, search: str) -> dict[str, Any]:
    """The page's callback as a browser sends it."""
    return {
        "output": "..frame.children...document.data..",
        "outputs": [{"id": "frame", "property": "children"}, {"id": "document", "property": "data"}],
        "inputs": [
            {"id": "url", "property": "pathname", "value": page},
            {"id": "url", "property": "search", "value": search},
            {"id": "published", "property": "data", "value": None},
        ],
        "changedPropIds": ["url.search"],
        "state": [],
    }


async def reader(
    number: int, address: str, periods: list[str], until: float, think: tuple[float, float], report: Report
) -> None:
    """One person: signs in, then opens page after page."""
    dice, origin = random.Random(number), {"Origin": address}
    account = PEOPLE[number % len(PEOPLE)]
    pages = [entry.path for entry in registry.PAGES if entry.is_listed]
    if account.role == "township_reporter":
        pages = ["/", "/township", "/safety", "/submissions", "/scorecard", "/dictionary"]
    async with httpx.AsyncClient(base_url=address, timeout=60.0, follow_redirects=False) as browser:
        # A hundred people do not sign in within one second, and a password's hash is dear on purpose.
        await asyncio.sleep(dice.uniform(0, min(60.0, (until - time.monotonic()) / 5)))
        try:
            found = TOKEN.search((await browser.get("/login")).text)
            fields = {"csrf_token": found[1] if found else "", "name": account.name, "password": PASSWORD}
            answer = await browser.post("/login", data=fields, headers=origin)
        except httpx.HTTPError as error:
            report.failed.append(f"sign-in {type(error).__name__}")
            return
        if answer.status_code != 302:
            report.failed.append(f"sign-in {answer.status_code}")
            return
        await asyncio.sleep(dice.uniform(0, think[1]))
        while time.monotonic() < until:
            page = dice.choice(pages)
            search = f"?period={dice.choice(periods)}&lang={dice.choice(['zh', 'zh', 'en'])}"
            began = time.monotonic()
            try:
                answer = await browser.post("/_dash-update-component", json=body(page, search), headers=origin)
                text = answer.text
            except httpx.HTTPError as error:
                report.failed.append(f"{page} {type(error).__name__}")
                continue
            report.seconds.append(time.monotonic() - began)
            versions = set(VERSION.findall(text))
            if answer.status_code != 200 or "data-version" not in text or not versions:
                report.failed.append(f"{page}{search} {answer.status_code}")
            elif len(versions) > 1:
                report.mixed.append(f"{page}{search} {sorted(versions)}")
            report.seen |= versions
            await asyncio.sleep(dice.uniform(*think))


def by_refresh(settings: Settings) -> None:
    """A refresh, as a person starts it, of a township workbook with one figure altered."""
    newest = max(settings.inbox.glob("*.xlsx"), key=lambda path: (path.stat().st_size > 8000, path.stat().st_mtime))
    book = openpyxl.load_workbook(newest)
    cells = [cell for row in book.active.iter_rows(min_row=5) for cell in row if isinstance(cell.value, (int, float))]
    cell = max(cells, key=lambda one: one.value)
    cell.value += 1
    book.save(settings.inbox / f"load-{time.time_ns()}.xlsx")
    environment = {**os.environ, "TEW_HOME": str(settings.home), "PYTHONPATH": str(PROJECT_ROOT)}
    command = [sys.executable, "-m", "dagster_project.cli", "refresh"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-300:])


def by_copy(settings: Settings) -> None:
    """The same figures as a new version: for the short run among the tests."""
    version, name = current_version(settings), publish.next_version(settings)
    assert version is not None
    shutil.copytree(settings.published / version, settings.published / f".{name}.new")
    (settings.published / f".{name}.new").replace(settings.published / name)
    publish.point_to(settings, name)
    publish.retain(settings)


async def publisher(
    settings: Settings, every: float, until: float, make: Callable[[Settings], None], report: Report
) -> None:
    """A version every `every` seconds, counted from the beginning of one to that of the next."""
    while time.monotonic() + every < until:
        began = time.monotonic()
        await asyncio.sleep(every)
        try:
            await asyncio.to_thread(make, settings)
            report.versions.append(current_version(settings) or "?")
        except Exception as error:
            report.publish_failures.append(str(error))
        await asyncio.sleep(max(0.0, every - (time.monotonic() - began)))


async def watcher(process: subprocess.Popen[bytes], until: float, report: Report) -> None:
    """The server's resident memory."""
    server, began = psutil.Process(process.pid), time.monotonic()
    while time.monotonic() < until:
        report.memory.append((time.monotonic() - began, server.memory_info().rss / 1e6, len(report.versions)))
        await asyncio.sleep(SAMPLE_S)


async def _all(
    settings: Settings,
    process: subprocess.Popen[bytes],
    address: str,
    readers: int,
    seconds: float,
    every: float,
    think: tuple[float, float],
    make: Callable[[Settings], None],
) -> Report:
    report = Report()
    rows = PublishedReader(settings).query(
        "SELECT DISTINCT strftime(period, '%Y-%m') FROM marts.fct_indicator_progress "
        "WHERE level = 'county' AND value_ytd IS NOT NULL ORDER BY 1 DESC LIMIT 6"
    )[1]
    periods = [row[0] for row in rows]
    until = time.monotonic() + seconds
    people = [reader(number, address, periods, until, think, report) for number in range(readers)]
    await asyncio.gather(publisher(settings, every, until, make, report), watcher(process, until, report), *people)
    return report


def run(
    settings: Settings,
    *,
    readers: int = 100,
    seconds: float = 1800.0,
    every: float = 120.0,
    think: tuple[float, float] = (1.0, 5.0),
    make: Callable[[Settings], None] = by_refresh,
) -> Report:
    """Serve `settings`, a home of its own, to `readers`; raises RuntimeError where the server does not come up."""
    for account in PEOPLE:
        Accounts(settings).add(account, PASSWORD)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "TEW_HOME": str(settings.home), "PYTHONPATH": str(PROJECT_ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.serve", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                if httpx.get(f"{address}/healthz", timeout=5).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError("the server does not come up")
            time.sleep(0.3)
        return asyncio.run(_all(settings, process, address, readers, seconds, every, think, make))
    finally:
        process.terminate()
        process.wait(timeout=30)


def main() -> int:
    """Exit 1 where a request failed, a page held two versions, or memory grows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--readers", type=int, default=100)
    parser.add_argument("--every", type=float, default=120.0, help="seconds from one refresh to the next")
    options = parser.parse_args()
    own = load_settings()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(own.home, home, ignore=shutil.ignore_patterns("accounts", "logs", "alerts.toml"))
        settings = load_settings(home=home, settle_seconds=0)
        report = run(settings, readers=options.readers, seconds=options.minutes * 60, every=options.every)
    growth = report.growth()
    print(
        f"readers {options.readers}  minutes {options.minutes:g}  requests {len(report.seconds)}  failed {len(report.failed)}  "
        f"pages of two versions {len(report.mixed)}  versions {len(report.versions)}  failed refreshes "
        f"{len(report.publish_failures)}"
    )
    print(f"seconds: median {median(report.seconds):.3f}  p95 {report.p95:.3f}  most {max(report.seconds):.3f}")
    print("version  MB (most)")
    for count in sorted({entry[2] for entry in report.memory}):
        print(f"{count:7d}  {max(megabytes for _, megabytes, at in report.memory if at == count):.0f}")
    print(f"MB a version from the {WARM_VERSIONS}th on: {'too few versions' if growth is None else f'{growth:+.2f}'}")
    for line in [*report.failed[:5], *report.mixed[:5], *report.publish_failures[:5]]:
        print(line)
    return 1 if report.failed or report.mixed or (growth is not None and growth > 1.0) else 0


if __name__ == "__main__":
    sys.exit(main())
