"""What a refresh costs at the scale of a county, a city and a province, by the commands a person types.

Measures, in one run: writing the data, the first refresh (everything built and tested), "nothing new", one workbook that
arrives; seconds, seconds per million observations, peak memory of the refresh, size of the published file; the slowest dbt
models. Belongs here: nothing else. Pages at scale: benchmarks/dashboard_load.py.
Run: python -m benchmarks.scale --scale city [--months 120] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import openpyxl

from benchmarks.report import emit

TEW = str(Path(sys.executable).with_name("tew"))


def tew(environment: dict[str, str], *arguments: str) -> tuple[float, float, str]:
    """Run one command; seconds, the highest peak memory in MB of any command so far, and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(
        [TEW, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    elapsed = time.perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"tew {' '.join(arguments)} failed with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return elapsed, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, done.stdout


def one_workbook_arrives(home: Path) -> None:
    """The first workbook of the inbox again, under another name, with one more sheet: other content, the same figures."""
    source = min(path for path in (home / "inbox").glob("*.xlsx") if "规模以上" in path.name)
    book = openpyxl.load_workbook(source)
    book.properties.comments = "sent again"
    book.save(source.with_name("again-" + source.name))


def slowest(home: Path, count: int) -> list[dict[str, Any]]:
    results = json.loads((home / "work" / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    results.sort(key=lambda one: -one["execution_time"])
    return [
        {"model": one["unique_id"].split(".", 2)[-1].split(".")[0], "seconds": one["execution_time"]}
        for one in results[:count]
    ]


def measure(home: Path, scale: str, months: int | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the table, and the slowest models of the first refresh."""
    environment = {"TEW_HOME": str(home)}
    rows: list[dict[str, Any]] = []

    def note(step: str, seconds: float, peak: float | None = None, observations: int | None = None) -> None:
        per_million = None if not observations else seconds / observations * 1e6
        rows.append({"step": step, "seconds": seconds, "s per million": per_million, "peak MB": peak})

    wanted = ["--months", str(months)] if months else []
    seconds, _, _ = tew(environment, "demo", "--scale", scale, *wanted)
    if scale != "county":
        environment["TEW_SEEDS"] = str(home / "demo" / "seeds")
    first, peak, _ = tew(environment, "refresh", "--json")
    told = tew(environment, "query", "--format", "json", "select count(*) as n from marts.fct_observation_version")[2]
    observations = int(json.loads(told)[0]["n"])
    note("write the data", seconds, None, observations)
    note("first refresh, all tests", first, peak, observations)
    models = slowest(home, 12)
    note("nothing new", tew(environment, "refresh")[0])
    one_workbook_arrives(home)
    note("one workbook arrives", tew(environment, "refresh")[0])
    file = Path(tew(environment, "path")[2].strip())
    rows.append({"step": f"{observations:,} observations", "seconds": None, "s per million": None, "peak MB": None})
    rows.append(
        {
            "step": f"published {file.stat().st_size / 1e6:,.0f} MB",
            "seconds": None,
            "s per million": None,
            "peak MB": None,
        }
    )
    return rows, models


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=("county", "city", "province"), default="city")
    parser.add_argument("--months", type=int, default=None)
    parser.add_argument("--home", type=Path, help="where to make it; default a temporary folder")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        rows, models = measure(chosen.home or Path(temporary) / "home", chosen.scale, chosen.months)
    emit(f"refresh at scale {chosen.scale}", rows, chosen.json)
    emit("slowest models of the first refresh", models)


if __name__ == "__main__":
    main()
