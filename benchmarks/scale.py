"""What a refresh costs at the scale of a county, a city and a province, by the commands a person types.

Measures, in one run: the first refresh (everything built and tested), one workbook that arrives with a new figure (of the
newest month: earlier years are kept; of the oldest: none is), and "nothing new": seconds, seconds per million observations, peak memory of each; size of the published file; the slowest
dbt models of the first refresh; the same main marts by hand in pandas (benchmarks/scale_pandas.py), beside.
Belongs here: nothing else. Pages at scale: benchmarks/dashboard_load.py.
Run: python -m benchmarks.scale --scale city [--months 120] [--again 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl

from benchmarks.report import emit

TEW = (sys.executable, "-m", "dagster_project.cli")
# Of a sheet of the demonstration, the rows of headings.
HEADING_ROWS = 4
GROWN = 1.001


@dataclass(frozen=True)
class Cost:
    """One command: wall clock and processor time in seconds, peak memory of it and its children in MB, its output."""

    seconds: float
    processor: float
    peak_mb: float
    output: str


def run(environment: dict[str, str], *command: str) -> Cost:
    """Run a command to its end; SystemExit with its output where it fails."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        child = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        elapsed = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        for stream in (output, errors):
            stream.seek(0)
        if child.returncode != 0:
            told = f"{output.read()}\n{errors.read()}"
            raise SystemExit(f"{' '.join(command)} failed with {child.returncode}:\n{told}")
        return Cost(elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output.read())


def one_workbook_arrives(home: Path, number: int, *, newest: bool = True) -> None:
    """A sheet of enterprises of the newest month (else the oldest) again, under another name, its first figure a
    thousandth larger."""
    found = sorted(path for path in (home / "inbox").glob("[12]???年*.xlsx") if "规模以上" in path.name)
    source = found[-1 if newest else 0]
    book = openpyxl.load_workbook(source)
    cells = (cell for row in book.active.iter_rows(min_row=HEADING_ROWS + 1) for cell in row)
    figure = next(cell for cell in cells if isinstance(cell.value, int | float) and cell.value > HEADING_ROWS * 25)
    figure.value = round(figure.value * GROWN**number, 2)
    book.save(source.with_name(f"{number}-{source.name}"))


def slowest(home: Path, count: int) -> list[dict[str, Any]]:
    results = json.loads((home / "work" / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    results.sort(key=lambda one: -one["execution_time"])
    return [
        {"model": one["unique_id"].split(".", 2)[-1].split(".")[0], "seconds": one["execution_time"]}
        for one in results[:count]
    ]


def by_hand(environment: dict[str, str], home: Path, published: Path) -> list[dict[str, Any]]:
    """Rows of the counterpart; a library that is not there is named."""
    work = str(home / "work" / "warehouse.duckdb")
    cost = run(environment, sys.executable, "-m", "benchmarks.scale_pandas", work, str(published))
    told = json.loads(cost.output)
    seconds = sum(told["seconds"].values())
    step = f"main marts by hand in pandas, no tests ({told['agree']:,} of {told['compared']:,} cells agree)"
    rows = [
        {
            "step": step,
            "seconds": seconds,
            "processor s": None,
            "s per million": seconds / told["observations"] * 1e6,
            "peak MB": round(told["peak_mb"]),
        }
    ]
    if importlib.util.find_spec("polars") is None:
        rows.append({**dict.fromkeys(rows[0]), "step": "polars: not installed, skipped"})
    return rows


def measure(
    home: Path, scale: str, months: int | None, again: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the table, and the slowest models of the first refresh."""
    environment = {"TEW_HOME": str(home)}
    rows: list[dict[str, Any]] = []

    def note(step: str, costs: list[Cost], observations: int) -> None:
        seconds = statistics.median(cost.seconds for cost in costs)
        rows.append(
            {
                "step": step,
                "seconds": seconds,
                "processor s": statistics.median(cost.processor for cost in costs),
                "s per million": seconds / observations * 1e6,
                "peak MB": round(max(cost.peak_mb for cost in costs)),
            }
        )

    run(environment, *TEW, "demo", "--scale", scale, *(["--months", str(months)] if months else []))
    if scale != "county":
        environment["TEW_SEEDS"] = str(home / "demo" / "seeds")
    first = run(environment, *TEW, "refresh", "--json")
    told = run(
        environment, *TEW, "query", "--format", "json", "select count(*) as n from marts.fct_observation_version"
    )
    observations = int(json.loads(told.output)[0]["n"])
    note(f"first refresh of {observations:,} observations, all tests", [first], observations)
    models = slowest(home, 12)
    arrived = []
    for number in range(1, again + 1):
        one_workbook_arrives(home, number)
        arrived.append(run(environment, *TEW, "refresh"))
    note("one workbook of the newest month arrives, to the published figure", arrived, observations)
    one_workbook_arrives(home, again + 1, newest=False)
    note("one of the oldest month, every year made anew", [run(environment, *TEW, "refresh")], observations)
    note("nothing new", [run(environment, *TEW, "refresh") for _ in range(again)], observations)
    published = Path(run(environment, *TEW, "path").output.strip())
    rows.extend(by_hand(environment, home, published) if scale != "county" else [])
    size = f"published file: {published.stat().st_size / 1e6:,.0f} MB"
    rows.append({**dict.fromkeys(rows[0]), "step": size})
    return rows, models


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=("county", "city", "province"), default="city")
    parser.add_argument("--months", type=int, default=None)
    parser.add_argument("--again", type=int, default=1, help="how many workbooks arrive, one after another (median)")
    parser.add_argument("--home", type=Path, help="where to make it; default a temporary folder")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        rows, models = measure(chosen.home or Path(temporary) / "home", chosen.scale, chosen.months, chosen.again)
    emit(f"refresh at scale {chosen.scale}", rows, chosen.json)
    emit("slowest models of the first refresh", models)


if __name__ == "__main__":
    main()
