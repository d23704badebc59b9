"""Requests that signed-in readers get answered on this machine, and how soon; ours beside Apache Superset over the same file.

Part one: `--readers` (100) signed-in readers who think 1 to 5 seconds between two pages, as `benchmarks.load` has them, with no
version published: 95th percentile, failures, and the server's processor time per request. Two processors divided by that
time is what the machine could answer if nothing else ran on it: the figure that a busy machine does not bend.

Part two: eight clients without thinking. Ours: page callbacks with login and row scope, drawn first and drawn again. Superset:
the queries that draw the overview, each a virtual dataset asked through /api/v1/chart/data as a dashboard's charts are,
without and with its data cache; one answer of ours is a whole page, one of Superset's a single chart. Needs an environment
of its own: `python3 -m venv DIR && DIR/bin/pip install apache-superset duckdb-engine rich cachetools "flask-caching<2.4"` (what
Superset 6.1 does not declare, and a Flask-Caching it starts with), then `--superset DIR`; without it its rows are left out by name.

Belongs here: many clients at once. Does not belong here: one after the other (callbacks.py), versions changing (load.py).
Run: python -m benchmarks.throughput [--home HOME] [--superset DIR] [--seconds 30] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil

from benchmarks import callbacks, load, served
from benchmarks.report import emit
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse.pointer import current_version, version_file
from dagster_project.warehouse.read import PublishedReader
from dashboard import app as application
from dashboard.access.accounts import Accounts
from dashboard.data.scope import WHOLE
from dashboard.data.store import sql

CLIENTS = 8
PROCESSORS = 2
THINK_S = (1.0, 5.0)
LIMIT_MS = 500.0
MONTHS = 6
RATIO = 10.0
ADMIN = {"username": "benchmark", "password": "benchmark-of-throughput-7"}
CONFIG = """
import os
import random
SECRET_KEY = "benchmark-of-throughput-0123456789abcdef"
SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.environ["SUPERSET_HOME"] + "/superset.db?check_same_thread=false"
WTF_CSRF_ENABLED = TALISMAN_ENABLED = RATELIMIT_ENABLED = PREVENT_UNSAFE_DB_CONNECTIONS = False
FAB_ADD_SECURITY_API = True
LOG_LEVEL = "ERROR"
CACHE_CONFIG = {"CACHE_TYPE": os.environ["BENCHMARK_CACHE"], "CACHE_DEFAULT_TIMEOUT": 3600}
DATA_CACHE_CONFIG = CACHE_CONFIG
FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache"}
"""


# -- readers who think -------------------------------------------------------------------------
async def _reader(
    number: int, address: str, asked: Sequence[tuple[str, str]], name: str, until: float, report: load.Report
) -> None:
    dice = random.Random(number)
    headers = {"Origin": address, "Accept-Encoding": "br"}
    async with httpx.AsyncClient(base_url=address, timeout=60.0, headers=headers) as browser:
        await asyncio.sleep(dice.uniform(0, min(30.0, (until - time.monotonic()) / 3)))
        found = load.TOKEN.search((await browser.get("/login")).text)
        fields = {"csrf_token": found[1] if found else "", "name": name, "password": load.PASSWORD}
        if (await browser.post("/login", data=fields)).status_code != 302:
            report.failed.append(f"sign-in of {name}")
            return
        await asyncio.sleep(dice.uniform(*THINK_S))
        while time.monotonic() < until:
            page, search = dice.choice(asked)
            began = time.monotonic()
            try:
                answer = await browser.post("/_dash-update-component", json=load.body(page, search))
            except httpx.HTTPError as error:
                report.failed.append(f"{page} {type(error).__name__}")
                continue
            report.seconds.append(time.monotonic() - began)
            if answer.status_code != 200 or "data-version" not in answer.text:
                report.failed.append(f"{page}{search} {answer.status_code}")
            await asyncio.sleep(dice.uniform(*THINK_S))


def readers(settings: Settings, count: int, seconds: float) -> dict[str, Any]:
    """The row of `count` thinking readers of every kind of scope."""
    known = callbacks.world(settings)
    people = [account for account in callbacks.people(known) if account.role != "enterprise_reporter"]
    pages = ["/", "/township", "/enterprise", "/safety", "/coal", "/energy", "/scorecard", "/trace", "/quality"]
    asked = {account.name: callbacks.addresses(known, account, pages, 24) for account in people}
    report = load.Report()
    with callbacks.server(settings) as (address, process):
        until = time.monotonic() + seconds

        async def everybody() -> None:
            names = itertools.islice(itertools.cycle(asked), count)
            await asyncio.gather(
                *[_reader(at, address, asked[name], name, until, report) for at, name in enumerate(names)]
            )

        before = callbacks.processor_ms(process)
        asyncio.run(everybody())
        spent = callbacks.processor_ms(process) - before
    times = [value * 1e3 for value in report.seconds]
    return _row(f"{count} readers who think", times, len(report.failed), seconds, spent)


def _row(what: str, times: Sequence[float], failed: int, seconds: float, cpu_ms: float) -> dict[str, Any]:
    per_request = cpu_ms / max(1, len(times))
    return {
        "what": what,
        "answers": len(times),
        "failed": failed,
        "per s": round(len(times) / seconds, 1),
        "p50 ms": round(median(times), 1) if times else "-",
        "p95 ms": round(callbacks.p95(times), 1) if times else "-",
        "cpu ms": round(per_request, 1),
        "possible per s": round(PROCESSORS * 1e3 / per_request, 1) if per_request else "-",
    }


# -- clients without thinking ------------------------------------------------------------------
def drive(ask: Callable[[int], None], seconds: float) -> tuple[list[float], int]:
    """Milliseconds of every answer that CLIENTS threads got within `seconds`, and how many failed; `ask` gets a number."""
    numbers = itertools.count()
    until = time.monotonic() + seconds

    def client(_: int) -> tuple[list[float], int]:
        times: list[float] = []
        failed = 0
        while time.monotonic() < until:
            began = time.perf_counter()
            try:
                ask(next(numbers))
            except (httpx.HTTPError, RuntimeError):
                failed += 1
                continue
            times.append((time.perf_counter() - began) * 1e3)
        return times, failed

    with ThreadPoolExecutor(CLIENTS) as pool:
        done = list(pool.map(client, range(CLIENTS)))
    return [value for times, _ in done for value in times], sum(failed for _, failed in done)


def ours(settings: Settings, seconds: float) -> list[dict[str, Any]]:
    """Rows of our page callbacks: every address first drawn, then the same addresses again for `seconds`."""
    known = callbacks.world(settings)
    people = [account for account in callbacks.people(known) if account.role in ("leader", "township_reporter")]
    rows = []
    with ExitStack() as stack:
        address, process = stack.enter_context(callbacks.server(settings))
        asked = []
        for account in people:
            scope_pages = ["/", "/township", "/enterprise", "/safety", "/coal", "/energy", "/scorecard", "/trace"]
            clients = []
            for _ in range(CLIENTS):
                headers = {"Origin": address, "Accept-Encoding": "br"}
                browser = stack.enter_context(httpx.Client(base_url=address, timeout=60, headers=headers))
                callbacks.sign_in(browser, account.name)
                clients.append(browser)
            asked += [(clients, page, search) for page, search in callbacks.addresses(known, account, scope_pages, 40)]

        def one(number: int) -> None:
            clients, page, search = asked[number % len(asked)]
            callbacks.ask(clients[number % CLIENTS], page, search)

        # Addresses outnumber the server's page cache, so that the first round draws each one.
        before, began = callbacks.processor_ms(process), time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as pool:
            times = list(pool.map(lambda at: _timed(one, at), range(len(asked))))
        took = time.monotonic() - began
        rows.append(_row("ours, whole pages, drawn first", times, 0, took, callbacks.processor_ms(process) - before))
        few = asked[:40]

        def again(number: int) -> None:
            clients, page, search = few[number % len(few)]
            callbacks.ask(clients[number % CLIENTS], page, search)

        for number in range(len(few)):
            again(number)
        before = callbacks.processor_ms(process)
        times, failed = drive(again, seconds)
        spent = callbacks.processor_ms(process) - before
        rows.append(_row("ours, whole pages, drawn before", times, failed, seconds, spent))
    return rows


def _timed(ask: Callable[[int], None], number: int) -> float:
    began = time.perf_counter()
    ask(number)
    return (time.perf_counter() - began) * 1e3


# -- Superset ----------------------------------------------------------------------------------
def questions(settings: Settings, pages: int = MONTHS) -> list[str]:
    """The SQL of every query that draws the overview of some months, its parameters written out."""
    store = callbacks.Watched(PublishedReader(settings), WHOLE)
    found: dict[str, None] = {}
    application.draw(store, "/", "?period=1900-01")
    for period in callbacks.world(settings).periods[:pages]:
        store.ran.clear()
        application.draw(store, "/", f"?period={period}")
        for name, params in store.ran:
            found[_literal(sql(name), params)] = None
    return list(found)


def _literal(text: str, params: dict[str, Any]) -> str:
    for name in sorted(params, key=len, reverse=True):
        value = params[name]
        if isinstance(value, date):
            shown = f"date '{value:%Y-%m-%d}'"
        elif isinstance(value, str):
            shown = "'" + value.replace("'", "''") + "'"
        else:
            shown = "null" if value is None else str(value)
        text = text.replace(f"${name}", shown)
    return text


@contextmanager
def superset(environment: Path, folder: Path, cache: str) -> Iterator[tuple[str, list[psutil.Process]]]:
    """A Superset server with an administrator, its metadata below `folder`; `cache` is Flask-Caching's kind."""
    home = folder / "superset"
    home.mkdir(exist_ok=True)
    config = home / "superset_config.py"
    config.write_text(CONFIG, encoding="utf-8")
    variables = {
        **os.environ,
        "SUPERSET_HOME": str(home),
        "SUPERSET_CONFIG_PATH": str(config),
        "FLASK_APP": "superset",
        "BENCHMARK_CACHE": cache,
        "PYTHONPATH": "",
    }
    program = str(environment / "bin" / "superset")
    if not (home / "superset.db").is_file():
        admin = ["--firstname", "b", "--lastname", "b", "--email", "b@example.org"]
        for arguments in (
            ["db", "upgrade"],
            ["fab", "create-admin", "--username", ADMIN["username"], "--password", ADMIN["password"], *admin],
            ["init"],
        ):
            done = subprocess.run([program, *arguments], env=variables, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"superset {' '.join(arguments[:2])}: {done.stderr[-800:]}")
    port = served.free_port()
    command = [
        *(str(environment / "bin" / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--timeout", "120"),
        *("--workers", "2", "--worker-class", "gthread", "--threads", "8", "superset.app:create_app()"),
    ]
    server = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                if httpx.get(f"{address}/health", timeout=10).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Superset does not come up")
            time.sleep(1)
        yield address, [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    finally:
        server.terminate()
        server.wait(timeout=60)


def _signed_in(stack: ExitStack, address: str) -> httpx.Client:
    browser = stack.enter_context(httpx.Client(base_url=address, timeout=120))
    token = browser.post("/api/v1/security/login", json={**ADMIN, "provider": "db", "refresh": False})
    token.raise_for_status()
    browser.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
    return browser


def _created(browser: httpx.Client, path: str, body: dict[str, Any]) -> int:
    answer = browser.post(path, json=body)
    if answer.status_code >= 300:
        raise RuntimeError(f"Superset {path}: {answer.status_code} {answer.text[:300]}")
    return int(answer.json()["id"])


def beside(settings: Settings, environment: Path, folder: Path, seconds: float) -> list[dict[str, Any]]:
    """Rows of Superset: the same questions as charts, without and with its data cache."""
    version = current_version(settings)
    assert version is not None
    file = version_file(settings, version).resolve()
    texts = questions(settings)
    rows: list[dict[str, Any]] = []
    datasets: list[tuple[int, list[str]]] = []
    for cache in ("NullCache", "SimpleCache"):
        with superset(environment, folder, cache) as (address, processes), ExitStack() as stack:
            clients = [_signed_in(stack, address) for _ in range(CLIENTS)]
            if not datasets:
                uri = f"duckdb:///{file}?access_mode=read_only"
                source = _created(
                    clients[0],
                    "/api/v1/database/",
                    {"database_name": "tew", "sqlalchemy_uri": uri, "expose_in_sqllab": True},
                )
                for at, text in enumerate(texts):
                    made = {"database": source, "table_name": f"question {at}", "sql": text, "schema": "marts"}
                    number = _created(clients[0], "/api/v1/dataset/", made)
                    columns = clients[0].get(f"/api/v1/dataset/{number}").json()["result"]["columns"]
                    datasets.append((number, [column["column_name"] for column in columns]))

            def one(number: int, clients: list[httpx.Client] = clients) -> None:
                dataset, columns = datasets[number % len(datasets)]
                query = {"columns": columns, "metrics": [], "row_limit": 10000, "filters": [], "orderby": []}
                body = {"datasource": {"id": dataset, "type": "table"}, "queries": [query], "result_type": "full"}
                answer = clients[number % CLIENTS].post("/api/v1/chart/data", json=body)
                if answer.status_code != 200 or answer.json()["result"][0]["status"] != "success":
                    raise RuntimeError(f"Superset answered {answer.status_code} {answer.text[:300]}")

            for number in range(len(datasets)):
                one(number)
            before = sum(callbacks.processor_ms(process) for process in processes)
            times, failed = drive(one, seconds)
            spent = sum(callbacks.processor_ms(process) for process in processes) - before
            kept = "without data cache" if cache == "NullCache" else "from its data cache"
            rows.append(_row(f"Superset, single charts, {kept}", times, failed, seconds, spent))
    return rows


def verdict(rows: Sequence[dict[str, Any]], charts: float) -> list[dict[str, Any]]:
    """Ours over Superset's, like beside like; the same questions are `charts` answers of Superset and one of ours."""
    by_name = {row["what"]: row for row in rows}
    pairs = (
        ("ours, whole pages, drawn first", "Superset, single charts, without data cache"),
        ("ours, whole pages, drawn before", "Superset, single charts, from its data cache"),
    )
    found = []
    for mine, other in pairs:
        if mine in by_name and other in by_name:
            a, b = by_name[mine], by_name[other]
            found.append(
                {
                    "ours": mine,
                    "beside": other,
                    "answers a second": round(a["per s"] / max(b["per s"], 0.01), 1),
                    "by processor time": round(b["cpu ms"] / max(a["cpu ms"], 0.01), 1),
                    "the same questions": round(charts * a["per s"] / max(b["per s"], 0.01), 1),
                }
            )
    return found


def main() -> int:
    """Exit 1 where a reader's request failed, readers waited longer than the limit, or Superset answers more than a tenth."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("--home", type=Path, help="a published home, left as it is; default: that of TEW_HOME")
    parser.add_argument("--superset", type=Path, help="an environment with apache-superset and duckdb-engine")
    parser.add_argument("--readers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement without thinking")
    parser.add_argument(
        "--thinking", type=float, default=120.0, help="seconds of the readers who think; 0 leaves them out"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    given = load_settings(home=options.home, settle_seconds=0) if options.home else load_settings()
    rows: list[dict[str, Any]] = []
    charts = 0.0
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        settings = callbacks.own_copy(given, folder)
        for account in callbacks.people(callbacks.world(settings)):
            Accounts(settings).add(account, load.PASSWORD)
        if options.thinking:
            rows.append(readers(settings, options.readers, options.thinking))
        rows += ours(settings, options.seconds)
        if options.superset and (options.superset / "bin" / "superset").is_file():
            rows += beside(settings, options.superset, folder, options.seconds)
            charts = len(questions(settings)) / MONTHS
        else:
            print("Superset left out: no environment with it was given (--superset)")
    emit("readers at once", rows)
    compared = verdict(rows, charts) if charts else []
    if compared:
        print(f"One overview is {charts:.1f} charts.")
        emit("ours over Superset's", compared)
    if options.json:
        options.json.write_text(json.dumps({"rows": rows, "beside": compared}, indent=1))
    thinking = [row for row in rows if "think" in row["what"]]
    is_slow = any(row["failed"] or row["p95 ms"] > LIMIT_MS for row in thinking)
    return 1 if is_slow or any(row["the same questions"] < RATIO for row in compared) else 0


if __name__ == "__main__":
    sys.exit(main())
