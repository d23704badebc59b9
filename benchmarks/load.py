"""Load: signed-in readers who think and click while versions are published; what they met, and how memory went.

`python -m benchmarks.load --minutes 30` over a copy of the home of TEW_HOME: 100 readers of several roles, 1 to 5 seconds between
two pages, a refresh of an altered workbook every two minutes. Every answer must be a page of exactly one version. Printed are, for
each version, requests, the 95th percentile and the memory of the server (PSS, its children's too), then a table of verdicts; growth
is judged from the tenth version on, and a long run that published too few to judge it has failed.

The version at a page's foot could be right and a figure above it of another: so a minute follows in which every version calls each
township by a name of its own, and every name in an answer must be that of the version at its foot.

Belongs here: readers, publisher, report. Does not belong here: how fast one page is alone (benchmarks.dashboard_load).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
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

import duckdb
import httpx
import openpyxl
import psutil

from benchmarks.report import emit
from dagster_project.settings import PROJECT_ROOT, Settings, load_settings
from dagster_project.supervise import free_port
from dagster_project.warehouse import publish
from dagster_project.warehouse.pointer import current_version
from dagster_project.warehouse.read import PublishedReader
from dashboard.access.accounts import Account, Accounts
from dashboard.pages import registry

PASSWORD = "benchmark-of-load-77"
VERSION = re.compile(r"(?<!version=)\b\d{8}T\d{6}Z-\d{6}\b")
# What `by_mark` adds to the names of a version: its number.
MARK = re.compile(r"~v(\d+)~")
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
# Growth from the tenth version on that is no growth: medians of one version scatter by some 3 MB, and a half hour has six of them.
# `--copies --every 6` has many more, and shows less.
NOISE_MB = 2.0
TIMEOUT_S = 60.0


@dataclass
class Report:
    """Seconds of answers, what failed, and (seconds, MB, versions so far) of the server; `marked`: names met whose version was told."""

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    marked: int = 0
    answered: list[tuple[float, int]] = field(default_factory=list)
    memory: list[tuple[float, float, int]] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    publish_failures: list[str] = field(default_factory=list)

    @property
    def p95(self) -> float:
        return quantiles(self.seconds, n=20)[-1] if len(self.seconds) > 1 else 0.0

    def by_version(self) -> list[tuple[int, int, float, float]]:
        """(versions published so far, requests, 95th percentile in s, median MB), in their order."""
        found = []
        for count in sorted({at for _, _, at in self.memory}):
            times = [seconds for seconds, at in self.answered if at == count]
            p95 = quantiles(times, n=20)[-1] if len(times) > 1 else 0.0
            found.append((count, len(times), p95, median(megabytes for _, megabytes, at in self.memory if at == count)))
        return found

    def growth(self) -> float | None:
        """MB a version from the tenth on (least squares over each version's median); None before there are five of them."""
        last = [(count, megabytes) for count, _, _, megabytes in self.by_version() if count >= WARM_VERSIONS]
        if len(last) < 5:
            return None
        xs, ys = zip(*last, strict=True)
        mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
        spread = sum((x - mean_x) ** 2 for x in xs)
        return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread

    def judge(self, text: str, where: str, status: int = 200) -> None:
        """One answer: a page, of one version, whose names are that version's."""
        versions = set(VERSION.findall(text))
        if status != 200 or "data-version" not in text or not versions:
            self.failed.append(f"{where} {status}")
            return
        marks = set(MARK.findall(text))
        foot = {str(int(version.rpartition("-")[2])) for version in versions}
        if len(versions) > 1 or (marks and marks != foot):
            self.mixed.append(f"{where} {sorted(versions)} {sorted(marks)}")
        self.marked += bool(marks)
        self.seen |= versions


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
    async with httpx.AsyncClient(base_url=address, timeout=TIMEOUT_S, follow_redirects=False) as browser:
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
            took = time.monotonic() - began
            report.seconds.append(took)
            report.answered.append((took, len(report.versions)))
            report.judge(text, f"{page}{search}", answer.status_code)
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


def by_copy(settings: Settings, alter: Callable[[Path, str], None] | None = None) -> None:
    """The same figures as a new version, altered where asked: quicker than a refresh."""
    version, name = current_version(settings), publish.next_version(settings)
    assert version is not None
    new = settings.published / f".{name}.new"
    shutil.copytree(settings.published / version, new)
    if alter is not None:
        alter(new / "warehouse.duckdb", name)
    new.replace(settings.published / name)
    publish.point_to(settings, name)
    publish.retain(settings)


def by_mark(settings: Settings) -> None:
    """A version in which every township's name ends in the version's number."""
    by_copy(settings, _mark)


def _mark(warehouse: Path, version: str) -> None:
    warehouse.chmod(0o600)
    with duckdb.connect(str(warehouse)) as connection:
        for column in ("name_zh", "name_en"):
            connection.execute(
                f"UPDATE marts.dim_township SET {column} = regexp_replace({column}, '~v.*', '') || '~v' || ? || '~'",
                [str(int(version.rpartition("-")[2]))],
            )


async def publisher(
    settings: Settings, every: float, until: float, make: Callable[[Settings], None], report: Report
) -> None:
    """A version every `every` seconds, counted from the beginning of one to that of the next, however long each takes."""
    tick = time.monotonic() + every
    while tick < until:
        await asyncio.sleep(max(0.0, tick - time.monotonic()))
        tick = max(tick + every, time.monotonic())
        before = current_version(settings)
        try:
            await asyncio.to_thread(make, settings)
        except Exception as error:
            report.publish_failures.append(str(error))
            continue
        if (version := current_version(settings)) and version != before:
            report.versions.append(version)
        else:
            report.publish_failures.append("nothing was published")


def memory_mb(process: psutil.Process) -> float:
    """What a process and its children take, pages shared with others by their part (PSS); resident memory elsewhere."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            full = one.memory_full_info()
            total += getattr(full, "pss", full.rss) / 1e6
    return total


async def watcher(process: subprocess.Popen[bytes], until: float, report: Report) -> None:
    """The server's memory."""
    server, began = psutil.Process(process.pid), time.monotonic()
    while time.monotonic() < until:
        megabytes = await asyncio.to_thread(memory_mb, server)
        report.memory.append((time.monotonic() - began, megabytes, len(report.versions)))
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
    accounts = Accounts(settings)
    known = {account.name for account in accounts.all()}
    for account in PEOPLE:
        if account.name not in known:
            accounts.add(account, PASSWORD)
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


def verdicts(report: Report, marked: Report | None, *, must_judge_growth: bool) -> list[dict[str, Any]]:
    """Each requirement with what was measured and whether it holds."""
    growth = report.growth()
    rows: list[tuple[str, object, bool]] = [
        ("requests answered", len(report.seconds), len(report.seconds) > 0),
        ("requests failed", len(report.failed), not report.failed),
        ("pages of two versions", len(report.mixed), not report.mixed),
        ("refreshes failed", len(report.publish_failures), not report.publish_failures),
        ("versions met by readers", len(report.seen), len(report.seen) > 1),
        (
            f"MB a version from the {WARM_VERSIONS}th on",
            "too few versions" if growth is None else f"{growth:+.2f}",
            growth <= NOISE_MB if growth is not None else not must_judge_growth,
        ),
    ]
    if marked is not None:
        rows += [
            ("pages with marked names", marked.marked, marked.marked > 0 and len(marked.versions) > 1),
            ("names of another version than the foot's", len(marked.mixed), not marked.mixed),
            ("requests failed meanwhile", len(marked.failed), not (marked.failed or marked.publish_failures)),
        ]
    return [
        {"requirement": what, "measured": str(value), "holds": "yes" if holds else "NO"} for what, value, holds in rows
    ]


def main() -> int:
    """Exit 1 where a request or a refresh failed, a page held two versions, or memory grows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--readers", type=int, default=100)
    parser.add_argument("--every", type=float, default=120.0, help="seconds from one refresh to the next")
    parser.add_argument(
        "--marked-seconds", type=float, default=60.0, help="how long names differ by version, afterwards"
    )
    parser.add_argument(
        "--copies", action="store_true", help="copies instead of refreshes, for the memory of many versions"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    own = load_settings()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(own.home, home, ignore=shutil.ignore_patterns("accounts", "logs", "alerts.toml"))
        settings = load_settings(home=home, settle_seconds=0)
        make = by_copy if options.copies else by_refresh
        seconds = options.minutes * 60
        report = run(settings, readers=options.readers, seconds=seconds, every=options.every, make=make)
        marked = None
        if options.marked_seconds:
            marked = run(settings, readers=options.readers, seconds=options.marked_seconds, every=6.0, make=by_mark)
    if report.seconds:
        middle, most = median(report.seconds), max(report.seconds)
        print(
            f"{options.readers} readers, {options.minutes:g} minutes; seconds: median {middle:.3f}  p95 {report.p95:.3f}  most {most:.3f}"
        )
    columns = ("versions published", "requests", "p95 s", "MB (PSS, median)")
    emit("by version", [dict(zip(columns, row, strict=True)) for row in report.by_version()])
    rows = verdicts(report, marked, must_judge_growth=seconds >= 1800)
    emit("verdicts", rows, options.json)
    later = [] if marked is None else [*marked.failed[:5], *marked.mixed[:5], *marked.publish_failures[:5]]
    for line in [*report.failed[:5], *report.mixed[:5], *report.publish_failures[:5], *later]:
        print(line)
    return 0 if all(row["holds"] == "yes" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
