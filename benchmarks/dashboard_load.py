"""How long the overview takes to load and to change, in Chromium, beside a Streamlit page over the same file in one run.

Run `python -m benchmarks.dashboard_load [--home DIR] [--loads 7] [--changes 44] [--json FILE]`. Without --home it makes the
demonstration county first. Streamlit is installed into a throwaway environment (--streamlit DIR uses one that stands);
where that fails its row is left out and the reason printed. Exit 1 where a limit of issue 5 is broken.

A load counts until the last picture that changed (the browser's screencast); a change of month or basis from the click to
the last picture it changed. Every month is opened for the first time in its run, so that no page comes from a cache.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import duckdb
from playwright.sync_api import Browser, sync_playwright

from benchmarks import pixels, served
from benchmarks.report import emit
from dashboard.data.store import SQL_FOLDER
from tests.browser import LAUNCH_ARGUMENTS, find_chromium

COLD_SECONDS, WARM_SECONDS, CHANGE_SECONDS, MOST_BYTES = 1.3, 0.6, 0.25, 1_200_000
MONTHS = ".menu-period > summary"
CAPTION = "[data-testid=stCaptionContainer]"


def ours(browser: Browser, address: str, changes: int) -> list[float]:
    """Seconds of each change: month after month into the past by the header's menu, then the basis there and back."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    seen = pixels.watch(context)
    page = seen.page
    page.goto(f"{address}/?lang=en")
    page.locator("table.heat").wait_for()
    seen.settle(0.0)
    spent: list[float] = []

    def choose(menu: str, link: str) -> None:
        summary = page.locator(f"{menu} > summary")
        before = summary.inner_text()
        summary.click()
        chosen = page.locator(f"{menu} {link}")
        chosen.wait_for()
        # By the keyboard: a mouse would leave its shade on the row that it comes to rest on.
        chosen.focus()
        seen.settle(0.0, 0.15)
        spent.append(pixels.change(seen, lambda: page.keyboard.press("Enter"), lambda: summary.inner_text() != before))

    months = page.locator(".menu-period .menu-list a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    for href in sorted(months, reverse=True)[:changes]:
        period = href.split("period=")[1].split("&")[0]
        choose(".menu-period", f"a[href*='period={period}']")
    while len(spent) < changes:
        choose(".menu:nth-of-type(2)", "a")
    context.close()
    return spent


def theirs(browser: Browser, address: str, changes: int) -> list[float]:
    """The same by Streamlit's select boxes: the next month by the keyboard, then the basis there and back."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    seen = pixels.watch(context)
    page = seen.page
    page.goto(address)
    page.locator("[data-testid=stDataFrame] canvas").nth(1).wait_for()
    seen.settle(0.0, 1.0)
    spent: list[float] = []
    boxes = page.locator("[data-testid=stSelectbox] input")

    def choose(box: int, key: str) -> None:
        before = page.locator(CAPTION).first.inner_text()
        boxes.nth(box).click()
        page.locator("[role=option]").first.wait_for()
        page.keyboard.press(key)
        seen.settle(0.0, 0.3)
        spent.append(
            pixels.change(
                seen,
                lambda: page.keyboard.press("Enter"),
                lambda: page.locator(CAPTION).first.inner_text() != before,
            )
        )

    for _ in range(min(changes, 35)):
        choose(0, "ArrowDown")
    at_first = True
    while len(spent) < changes:
        choose(1, "ArrowDown" if at_first else "ArrowUp")
        at_first = not at_first
    context.close()
    return spent


def row(name: str, cold: list[pixels.Load], warm: list[pixels.Load], spent: list[float]) -> dict[str, Any]:
    return {
        "page": name,
        "cold s": statistics.median(load.seconds for load in cold),
        "cold max": max(load.seconds for load in cold),
        "bytes": int(max(load.received for load in cold)),
        "requests": max(load.requests for load in cold),
        "warm s": statistics.median(load.seconds for load in warm),
        "warm max": max(load.seconds for load in warm),
        "changes": len(spent),
        "change p50": pixels.percentile(spent, 0.5),
        "change p95": pixels.percentile(spent, 0.95),
    }


def install_streamlit(folder: Path) -> Path:
    """An environment with Streamlit and our DuckDB; the path of its `streamlit`. Raises CalledProcessError, OSError."""
    program = folder / ("Scripts" if os.name == "nt" else "bin")
    if not (program / "streamlit").exists():
        venv.create(folder, with_pip=True)
        wanted = ["streamlit", f"duckdb=={duckdb.__version__}"]
        subprocess.run(
            [program / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted],
            check=True,
            capture_output=True,
            timeout=600,
        )
    return program / "streamlit"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a published home; left as it is")
    parser.add_argument("--loads", type=int, default=7)
    parser.add_argument("--changes", type=int, default=44)
    parser.add_argument("--streamlit", type=Path, help="an environment to keep Streamlit in")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = served.county(options.home or Path(folder) / "home")
        file = settings.published / settings.current.read_text(encoding="utf-8").strip() / "warehouse.duckdb"
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=LAUNCH_ARGUMENTS)
        port = served.free_port()
        command = [sys.executable, "-m", "dashboard.serve", "--port", str(port)]
        with served.process(command, port, "/healthz", settings.home) as address:
            cold, warm = pixels.loads(browser, address, "table.heat", options.loads)
            results.append(row("ours", cold, warm, ours(browser, address, options.changes)))
        try:
            program = install_streamlit(options.streamlit or Path(folder) / "streamlit")
            port = served.free_port()
            command = [
                str(program), "run", str(Path(__file__).with_name("streamlit_page.py")), "--server.port", str(port),
                "--server.address", "127.0.0.1", "--server.headless", "true", "--browser.gatherUsageStats", "false",
                "--client.toolbarMode", "minimal", "--", str(file), str(SQL_FOLDER),
            ]  # fmt: skip
            with served.process(command, port, "/_stcore/health") as address:
                cold, warm = pixels.loads(browser, address, "[data-testid=stDataFrame] canvas", options.loads)
                results.append(row("streamlit", cold, warm, theirs(browser, address, options.changes)))
        except (subprocess.SubprocessError, OSError, RuntimeError) as error:
            print(f"streamlit: left out, it could not be installed or started ({type(error).__name__}: {error})")
        browser.close()
    load = f", load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else ""
    emit(f"overview, 1366x768, {options.loads} loads{load}", results, options.json)
    mine = results[0]
    limits = {"cold s": COLD_SECONDS, "warm s": WARM_SECONDS, "bytes": MOST_BYTES, "change p95": CHANGE_SECONDS}
    broken = [name for name, most in limits.items() if mine[name] > most]
    print("limits held" if not broken else f"limits broken: {', '.join(broken)}")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
