"""Page callbacks over HTTP with login and row scope on: first draw and drawn again apart, beside the bare DuckDB queries.

Readers of several roles sign in to a server of its own over a copy of a home's accounts and ask for every page, with the
subjects that its links lead to (townships, enterprises, traces of figures of every level). Each address is asked for once
when nothing of it was drawn (`first`), then again (`again`). The bare queries are the named queries that the same draws
ran, without row scope, each executed and fetched on an open DuckDB connection of another process. Seconds of a busy
machine vary; processor time of the server (`cpu`) hardly does, so both are given.

Belongs here: addresses of pages, timing one reader after the other. Does not belong here: many readers at once
(throughput.py, load.py), how a browser paints (pixels.py).
Run: python -m benchmarks.callbacks [--home HOME] [--addresses 24] [--json FILE]
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import Any
from urllib.parse import urlencode

import brotli
import httpx
import psutil

from benchmarks import load, served
from benchmarks.report import emit
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse.pointer import current_version, version_file
from dagster_project.warehouse.read import PublishedReader, open_file
from dashboard import app as application
from dashboard.access.accounts import Account, Accounts
from dashboard.access.roles import load_roles
from dashboard.data.scope import WHOLE, Scope
from dashboard.data.store import Reader, Row, Store, sql
from dashboard.pages import registry

NAMES = "(a version's names)"
SUBJECTS = {
    "townships": "SELECT township_code FROM marts.dim_township WHERE kind <> 'county' AND successor_code IS NULL ORDER BY 1",
    "enterprises": "SELECT enterprise_id FROM marts.dim_enterprise WHERE status = 'active' ORDER BY 1 LIMIT 400",
    "figures": "SELECT level, unit_id, indicator_code FROM marts.fct_indicator_progress "
    "WHERE period = (SELECT max(period) FROM marts.fct_indicator_progress WHERE value_ytd IS NOT NULL AND level = 'county') "
    "AND value_ytd IS NOT NULL ORDER BY 1, 2, 3 LIMIT 4000",
    "periods": "SELECT DISTINCT strftime(period, '%Y-%m') FROM marts.fct_indicator_progress "
    "WHERE level = 'county' AND value_ytd IS NOT NULL ORDER BY 1 DESC LIMIT 12",
}


@dataclass(frozen=True)
class World:
    """What addresses are made of: codes and months of one version."""

    townships: tuple[str, ...]
    enterprises: tuple[str, ...]
    figures: tuple[tuple[str, str, str], ...]
    periods: tuple[str, ...]


@dataclass
class Timing:
    """Milliseconds of one page: first draws, the same addresses again, bare queries; processor time of first draws."""

    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    kilobytes: list[float] = field(default_factory=list)


class Watched(Store):
    """A store that notes which named queries a draw really ran, apart from what its caches held."""

    def __init__(self, reader: Reader, scope: Scope) -> None:
        super().__init__(reader, scope_of=lambda: scope)
        self.ran: list[tuple[str, dict[str, Any]]] = []
        self._fetched = False

    def run(
        self, version: str, name: str, params: dict[str, Any], scope: Scope = WHOLE, reader: Reader | None = None
    ) -> tuple[Row, ...]:
        self._fetched = False
        rows = super().run(version, name, params, scope, reader)
        if self._fetched:
            self.ran.append((name, params))
        self._fetched = False
        return rows

    def _fetch(self, version: str, text: str, params: dict[str, Any], reader: Reader | None = None) -> tuple[Row, ...]:
        self._fetched = True
        return super()._fetch(version, text, params, reader)


def world(settings: Settings) -> World:
    reader = PublishedReader(settings)
    found = {name: reader.query(text)[1] for name, text in SUBJECTS.items()}
    return World(
        tuple(row[0] for row in found["townships"]),
        tuple(row[0] for row in found["enterprises"]),
        tuple((row[0], row[1], row[2]) for row in found["figures"]),
        tuple(row[0] for row in found["periods"]),
    )


def people(known: World) -> list[Account]:
    """Whole county, one subject, one township, one enterprise: every kind of row scope."""
    return [
        Account("c-leader", "leader"),
        Account("c-coal", "section", None, ("coal",)),
        Account("c-town", "township_reporter", known.townships[0]),
        Account("c-firm", "enterprise_reporter", known.enterprises[0]),
    ]


def addresses(known: World, account: Account, pages: Sequence[str], count: int, seed: int = 7) -> list[tuple[str, str]]:
    """`count` different (page, search) of every page, as its links lead there."""
    dice = random.Random(f"{seed} {account.name}")
    townships = [account.unit] if account.role == "township_reporter" else known.townships
    enterprises = [account.unit] if account.role == "enterprise_reporter" else known.enterprises
    found: dict[tuple[str, str], None] = {}
    for page in pages:
        tries, kept = 0, 0
        while kept < count and tries < count * 20:
            tries += 1
            said: dict[str, str] = {"period": dice.choice(known.periods), "lang": dice.choice(("zh", "zh", "en"))}
            if page == "/township":
                said["township"] = str(dice.choice(townships))
            elif page == "/enterprise" and dice.random() < 0.75:
                said["enterprise"] = str(dice.choice(enterprises))
            elif page == "/trace":
                level, unit, said["indicator"] = dice.choice(known.figures)
                if account.role == "township_reporter":
                    level, unit = "township", str(account.unit)
                if account.role == "enterprise_reporter":
                    level, unit = "enterprise", str(account.unit)
                if level in ("township", "enterprise"):
                    said[level] = unit
            elif page in ("/", "/wall", "/scorecard", "/energy", "/coal"):
                said["basis"] = dice.choice(("comparable", "reported"))
            address = (page, f"?{urlencode(said)}")
            if address not in found:
                found[address] = None
                kept += 1
    return list(found)


def sign_in(browser: httpx.Client, name: str) -> None:
    token = load.TOKEN.search(browser.get("/login").text)
    fields = {"csrf_token": token[1] if token else "", "name": name, "password": load.PASSWORD}
    answer = browser.post("/login", data=fields)
    if answer.status_code != 302:
        raise RuntimeError(f"{name} cannot sign in: {answer.status_code}")


def ask(browser: httpx.Client, page: str, search: str) -> tuple[float, bytes]:
    """Milliseconds until the whole answer is here, compressed as a browser gets it; and its text."""
    began = time.perf_counter()
    with browser.stream("POST", "/_dash-update-component", json=load.body(page, search)) as answer:
        raw = b"".join(answer.iter_raw())
    elapsed = (time.perf_counter() - began) * 1e3
    packed = answer.headers.get("Content-Encoding") == "br"
    text = brotli.decompress(raw) if packed else raw
    if answer.status_code != 200 or b"data-version" not in text:
        raise RuntimeError(f"{page}{search} answered {answer.status_code}")
    return elapsed, raw


@contextmanager
def server(settings: Settings) -> Iterator[tuple[str, psutil.Process]]:
    """A dashboard over `settings`, and its process."""
    port = served.free_port()
    before = {child.pid for child in psutil.Process().children()}
    command = [sys.executable, "-m", "dashboard.serve", "--port", str(port)]
    with served.process(command, port, "/healthz", settings.home) as address:
        made = [child for child in psutil.Process().children() if child.pid not in before]
        yield address, made[0]


def processor_ms(process: psutil.Process) -> float:
    times = process.cpu_times()
    return (times.user + times.system) * 1e3


def bare(settings: Settings, scope: Scope, asked: Sequence[tuple[str, str]]) -> list[float]:
    """Milliseconds that the queries of each draw take on a bare connection, in the order in which they were drawn."""
    store = Watched(PublishedReader(settings), scope)
    version = current_version(settings)
    assert version is not None
    # The configuration of the server: one process opens a file with one.
    connection = open_file(settings, version_file(settings, version))
    found = []
    application.draw(store, asked[0][0], "?period=1900-01")
    for page, search in asked:
        store.ran.clear()
        application.draw(store, page, search)
        questions = [(sql(name), params) for name, params in store.ran]
        samples = []
        for _ in range(3):
            began = time.perf_counter()
            for text, params in questions:
                connection.cursor().execute(text, params or None).fetchall()
            samples.append((time.perf_counter() - began) * 1e3)
        found.append(median(samples))
    return found


def p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else (values[0] if values else 0.0)


def measure(settings: Settings, count: int, names: Sequence[str] | None = None) -> dict[tuple[str, str], Timing]:
    """Timings by (account, page)."""
    known = world(settings)
    readers = [one for one in people(known) if names is None or one.name in names]
    accounts, roles = Accounts(settings), load_roles(settings)
    for account in readers:
        accounts.add(account, load.PASSWORD)
    found: dict[tuple[str, str], Timing] = {}
    with server(settings) as (address, process):
        for account in readers:
            scope = roles.scope(account)
            pages = [entry.path for entry in (*registry.PAGES, registry.WALL) if scope.opens(entry.path)]
            asked = addresses(known, account, pages, count)
            headers = {"Origin": address, "Accept-Encoding": "br"}
            with httpx.Client(base_url=address, timeout=60, headers=headers) as browser:
                sign_in(browser, account.name)
                # Names, months and rules of a version are read once for each scope, by whoever comes first: told apart.
                found[account.name, NAMES] = Timing(first=[ask(browser, asked[0][0], "?period=1900-01")[0]])
                for page, search in asked:
                    timing = found.setdefault((account.name, page), Timing())
                    before = processor_ms(process)
                    elapsed, raw = ask(browser, page, search)
                    timing.cpu.append(processor_ms(process) - before)
                    timing.first.append(elapsed)
                    timing.kilobytes.append(len(raw) / 1e3)
                    timing.again.append(ask(browser, page, search)[0])
            for (page, _), elapsed in zip(asked, bare(settings, scope, asked), strict=True):
                found[account.name, page].bare.append(elapsed)
    return found


def rows(found: dict[tuple[str, str], Timing], *, detail: bool = False) -> list[dict[str, Any]]:
    """A row for each page over all readers (each reader's page with `detail`), each reader, and everything."""
    groups: dict[tuple[str, str], list[Timing]] = {}
    for (name, page), timing in found.items():
        if page == NAMES or detail:
            groups.setdefault((name, page), []).append(timing)
        if page != NAMES:
            for key in (("all", page), (name, "all"), ("all", "all")):
                groups.setdefault(key, []).append(timing)
    order = sorted(groups, key=lambda key: (key[1] == "all", key[1] == NAMES, key[0] == "all" and key[1] == "all"))
    return [_row(*key, groups[key]) for key in order]


def _row(name: str, page: str, timings: Sequence[Timing]) -> dict[str, Any]:
    def all_of(kind: str) -> list[float]:
        return [value for timing in timings for value in getattr(timing, kind)]

    first, again, queries, cpu, kilobytes = (all_of(kind) for kind in ("first", "again", "bare", "cpu", "kilobytes"))
    return {
        "reader": name,
        "page": page,
        "n": len(first),
        "first p50": _rounded(median(first)),
        "first p95": _rounded(p95(first)),
        "again p50": _rounded(median(again)) if again else "-",
        "again p95": _rounded(p95(again)) if again else "-",
        "cpu mean": _rounded(fmean(cpu)) if cpu else "-",
        "bare mean": _rounded(fmean(queries)) if queries else "-",
        "first / bare": f"{fmean(first) / fmean(queries):.1f}" if queries and fmean(queries) > 0.05 else "-",
        "kB": _rounded(fmean(kilobytes)) if kilobytes else "-",
    }


def _rounded(value: float) -> str:
    return f"{value:.1f}"


def own_copy(settings: Settings, folder: Path) -> Settings:
    """A home with the published version of `settings` and accounts of its own."""
    home = folder / "home"
    home.mkdir()
    (home / "published").symlink_to(settings.published.resolve())
    if (settings.home / "home.json").is_file():
        shutil.copy(settings.home / "home.json", home)
    return load_settings(home=home, settle_seconds=0)


def main() -> int:
    """Exit 1 where the 95th percentile of all first draws is over `--limit`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.callbacks", description=__doc__)
    parser.add_argument("--home", type=Path, help="a published home, left as it is; default: that of TEW_HOME")
    parser.add_argument("--addresses", type=int, default=24, help="different addresses of each page and reader")
    parser.add_argument("--readers", nargs="*", help="names of readers (c-leader, c-coal, c-town, c-firm)")
    parser.add_argument("--limit", type=float, default=50.0, help="milliseconds that 95 of 100 first draws may take")
    parser.add_argument("--detail", action="store_true", help="a row for each reader's page")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    given = load_settings(home=options.home, settle_seconds=0) if options.home else load_settings()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(own_copy(given, Path(folder)), options.addresses, options.readers)
    emit("page callbacks, milliseconds", rows(found, detail=options.detail), options.json)
    first = [value for (_, page), timing in found.items() if page != NAMES for value in timing.first]
    return 1 if p95(first) > options.limit else 0


if __name__ == "__main__":
    sys.exit(main())
