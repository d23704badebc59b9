"""What the overview costs as markup, as Dash components, in a Mantine shell, and in Mantine tables; long tables scrolled.

Run `python -m benchmarks.dashboard_shell [--home DIR] [--loads 5] [--changes 20] [--json FILE]`: one run, one browser, the
same content over the same file. Needs dash-mantine-components beside the project's packages; without it its rows are left
out by name. The second table scrolls 22,000 cells as AG Grid and as markup: the longest time between two frames.

Belongs here: the measurement behind the choice of components (docs/architecture.md). Not here: Streamlit (dashboard_load).
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dash import Dash, Input, Output, html
from dash.development.base_component import Component
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import pixels, served
from benchmarks.report import emit
from dagster_project.settings import load_settings
from dashboard import app as application
from dashboard.components import tables
from dashboard.components.grid import grid
from dashboard.components.markup import components, flatten
from tests.browser import LAUNCH_ARGUMENTS, find_chromium

VARIANTS = ("markup", "components", "mantine shell", "mantine shell and tables")
TABLES = ("AG Grid", "markup table")
ROWS, COLUMNS = 1000, 22
STALL_SECONDS = 0.1
PICK = "(value) => value ? '?lang=en&period=' + value : window.dash_clientside.no_update"
FRAMES = """seconds => new Promise(done => { const gaps = []; let last = performance.now(); const end = last + 1000 * seconds;
  (function step(now) { gaps.push(now - last); last = now; if (now < end) requestAnimationFrame(step); else done(gaps); })(last);
})"""


# -- what is served ----------------------------------------------------------------------------
def _walk(node: Any, change: Callable[[Component], Component]) -> Any:
    """The tree with `change` applied to each component, children first."""
    if isinstance(node, (list, tuple)):
        return [_walk(child, change) for child in node]
    if not isinstance(node, Component):
        return node
    if getattr(node, "children", None) is not None:
        node.children = _walk(node.children, change)
    return change(node)


def _mantine(node: Component, with_tables: bool) -> Component:
    """Mantine's own component for a table's part, and its header with selects for ours."""
    import dash_mantine_components as dmc  # type: ignore[import-not-found, unused-ignore]

    parts = {"Table": dmc.Table, "Thead": dmc.TableThead, "Tbody": dmc.TableTbody, "Tr": dmc.TableTr}
    parts |= {"Th": dmc.TableTh, "Td": dmc.TableTd}
    if with_tables and node._type in parts:
        return parts[node._type](node.children, className=getattr(node, "className", None))
    if node._type == "Header":
        months = [f"{2026 - at // 12}-{12 - at % 12:02d}" for at in range(2, 36)]
        return dmc.AppShellHeader(
            dmc.Group(
                [
                    dmc.Title(children="bureau", order=4),
                    dmc.Select(id="pick", data=months, value=None, placeholder="period", size="xs"),
                    dmc.Select(data=["comparable", "reported"], value="comparable", size="xs"),
                    dmc.Select(data=["yi", "wan"], value=None, placeholder="unit", size="xs"),
                    dmc.SegmentedControl(data=["zh", "en"], value="en", size="xs"),
                ],
                h="100%",
                px="md",
            )
        )
    return node


def variant(name: str, home: Path) -> Dash:
    """The dashboard over `home`, its pages drawn as `name` says."""
    if name == "components":
        application.flatten = components
    elif name.startswith("mantine"):
        with_tables = name.endswith("tables")
        application.flatten = lambda node: _walk(components(node), lambda one: _mantine(one, with_tables))
    made = application.create_app(load_settings(home=home))
    if name.startswith("mantine"):
        import dash_mantine_components as dmc

        ours = made.layout
        made.layout = lambda: dmc.MantineProvider(dmc.AppShell(ours(), header={"height": 48}))
        made.clientside_callback(PICK, Output("url", "search"), Input("pick", "value"), prevent_initial_call=True)

        @made.server.after_request
        def open_policy(answer: Any) -> Any:
            """Our policy names the inline scripts that it knows; the trial's one came after."""
            answer.headers["Content-Security-Policy"] = "default-src 'self' data: blob: 'unsafe-inline'"
            return answer

    return made


def long_table(name: str) -> Dash:
    """22,000 cells, nothing else."""
    made = Dash(__name__, assets_folder=str(Path(application.__file__).with_name("assets")), serve_locally=True)
    fields = [f"c{at}" for at in range(COLUMNS)]
    rows = [{field: row * 7 + at for at, field in enumerate(fields)} for row in range(ROWS)]
    if name == "AG Grid":
        columns = [{"field": field, "headerName": field, "minWidth": 90} for field in fields]
        made.layout = grid("long", columns, rows, {}, "long", height=640)
    else:
        header = [[tables.head(field, numeric=True) for field in fields]]
        body = [html.Tr([tables.cell(str(row[field]), numeric=True) for field in fields]) for row in rows]
        made.layout = html.Div(flatten(tables.table("long", header, body)))
    return made


def serve(name: str, port: int, home: Path) -> None:
    import waitress

    made = long_table(name) if name in TABLES else variant(name, home)
    waitress.serve(made.server, host="127.0.0.1", port=port, threads=8)


# -- what is measured --------------------------------------------------------------------------
def changes(browser: Browser, address: str, times: int, by_select: bool) -> list[float]:
    """Seconds of each change to a month not shown before, from the click to the last picture it changed."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    seen = pixels.watch(context)
    page = seen.page
    page.goto(f"{address}/?lang=en")
    page.locator("table.heat").wait_for()
    seen.settle(0.0)
    spent: list[float] = []
    said = page.locator("main .sub").first
    for _ in range(times):
        before = said.inner_text()
        month = f"{2026 - (len(spent) + 3) // 12}-{12 - (len(spent) + 3) % 12:02d}"
        if by_select:
            page.locator("#pick").click()
            chosen = page.get_by_role("option", name=month, exact=True)
        else:
            page.locator(".menu-period > summary").click()
            chosen = page.locator(f".menu-period a[href*='period={month}']")
        chosen.wait_for()
        seen.settle(0.0, 0.3)
        spent.append(
            pixels.change(
                seen,
                lambda there=chosen: there.evaluate("node => node.click()"),
                lambda text=before: said.inner_text() != text,
            )
        )
    context.close()
    return spent


def scrolled(page: Page, seconds: float = 4.0) -> list[float]:
    """Seconds between frames while the wheel turns over the middle of the page."""
    page.mouse.move(680, 400)
    page.evaluate(f"window.gaps = ({FRAMES})({seconds})")
    for _ in range(int(seconds * 40)):
        page.mouse.wheel(0, 240)
        page.wait_for_timeout(15)
    gaps: list[float] = page.evaluate("window.gaps")
    if page.evaluate("Math.max(scrollY, ...[...document.querySelectorAll('*')].map(one => one.scrollTop))") < 1000:
        raise RuntimeError("nothing was scrolled")
    return [gap / 1000 for gap in gaps[1:]]


def shell_row(name: str, browser: Browser, home: Path, loads: int, times: int) -> dict[str, Any]:
    port = served.free_port()
    command = [sys.executable, "-m", "benchmarks.dashboard_shell", "--serve", name, str(port), "--home", str(home)]
    with served.process(command, port, "/healthz") as address:
        cold, warm = pixels.loads(browser, f"{address}/?lang=en", "table.heat", loads)
        spent = changes(browser, address, times, name.startswith("mantine"))
    return {
        "overview as": name,
        "cold s": statistics.median(one.seconds for one in cold),
        "bytes": int(max(one.received for one in cold)),
        "warm s": statistics.median(one.seconds for one in warm),
        "change p50": pixels.percentile(spent, 0.5),
        "change p95": pixels.percentile(spent, 0.95),
    }


def table_row(name: str, browser: Browser, home: Path, loads: int) -> dict[str, Any]:
    port = served.free_port()
    command = [sys.executable, "-m", "benchmarks.dashboard_shell", "--serve", name, str(port), "--home", str(home)]
    there = ".ag-row" if name == "AG Grid" else "table.grid"
    with served.process(command, port, "/") as address:
        cold, _ = pixels.loads(browser, address, there, loads)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(address)
        page.locator(there).first.wait_for()
        page.wait_for_timeout(1000)
        gaps = scrolled(page)
        page.close()
    return {
        f"{ROWS * COLUMNS:,} cells as": name,
        "cold s": statistics.median(one.seconds for one in cold),
        "bytes": int(max(one.received for one in cold)),
        "frames": len(gaps),
        "gap p50": pixels.percentile(gaps, 0.5),
        "gap p95": pixels.percentile(gaps, 0.95),
        "longest gap": max(gaps),
    }


def main() -> int:
    """1 where AG Grid stalls."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a published home; left as it is")
    parser.add_argument("--loads", type=int, default=5)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", nargs=2, metavar=("VARIANT", "PORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve[0], int(options.serve[1]), options.home)
        return 0
    has_mantine = importlib.util.find_spec("dash_mantine_components") is not None
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = served.county(options.home or Path(folder) / "home").home
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=LAUNCH_ARGUMENTS)
        shells = []
        for name in VARIANTS:
            if name.startswith("mantine") and not has_mantine:
                print(f"{name}: left out, dash-mantine-components is not installed")
                continue
            shells.append(shell_row(name, browser, home, options.loads, options.changes))
        emit(f"overview, {options.loads} loads, {options.changes} changes", shells, options.json)
        long = [table_row(name, browser, home, options.loads) for name in TABLES]
        emit("a long table under the wheel", long, options.json and options.json.with_suffix(".tables.json"))
        browser.close()
    return int(float(long[0]["longest gap"]) > STALL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
