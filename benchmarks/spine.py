"""From an empty home to a published county, by the commands a person types.

Measures: `tew demo`, the first `tew refresh`, `tew refresh` with nothing new, one corrected workbook arriving;
`tew query` answering while a refresh runs; the published version after SIGKILL of a refresh, and the next refresh.
Run: python -m benchmarks.spine [--months 36] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.report import emit

TEW = str(Path(sys.executable).with_name("tew"))


def tew(home: Path, *arguments: str, check: bool = True) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Run one command over `home`; seconds and the finished process."""
    started = time.perf_counter()
    done = subprocess.run(
        [TEW, *arguments], env={**os.environ, "TEW_HOME": str(home)}, capture_output=True, text=True, check=False
    )
    elapsed = time.perf_counter() - started
    if check and done.returncode != 0:
        raise SystemExit(f"tew {' '.join(arguments)} failed with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return elapsed, done


def start(home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [TEW, "refresh"],
        env={**os.environ, "TEW_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def answering_while_refreshing(home: Path) -> list[float]:
    """Seconds of each `tew query` for as long as one refresh runs."""
    refresh = start(home)
    times: list[float] = []
    while refresh.poll() is None:
        elapsed, _ = tew(home, "query", "select count(*) from marts.fct_observation")
        times.append(elapsed)
    if refresh.returncode != 0:
        raise SystemExit("the refresh beside the queries failed")
    return times


def serving_after_kill(home: Path, after_s: float) -> tuple[str, float]:
    """Kill a refresh; what is served then, and how long the next refresh takes."""
    _, before = tew(home, "path")
    refresh = start(home)
    time.sleep(after_s)
    os.killpg(refresh.pid, signal.SIGKILL)
    refresh.wait()
    _, count = tew(home, "query", "select count(*) from marts.fct_observation", "--format", "csv")
    _, path = tew(home, "path")
    served = "same version" if path.stdout == before.stdout and "count" in count.stdout else "CHANGED"
    elapsed, _ = tew(home, "refresh")
    return served, elapsed


def grow(home: Path, seeds_note: str) -> None:
    """Make something new for a refresh: a small workbook that no form knows is taken in, reported and published."""
    path = home / "inbox" / f"note-{seeds_note}.csv"
    path.write_text(f"note,{seeds_note}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        demo, _ = tew(home, "demo", "--months", str(options.months))
        rows.append({"step": "tew demo", "seconds": demo, "note": f"{len(list((home / 'inbox').iterdir()))} files"})
        first, _ = tew(home, "refresh")
        rows.append({"step": "first tew refresh", "seconds": first, "note": "limit for both together 60 s"})
        for _ in range(3):
            nothing, done = tew(home, "refresh")
            rows.append(
                {
                    "step": "tew refresh, nothing new",
                    "seconds": nothing,
                    "note": done.stdout.strip().splitlines()[-1][:60],
                }
            )
        grow(home, "one")
        one, _ = tew(home, "refresh")
        rows.append({"step": "one file arriving", "seconds": one, "note": ""})
        grow(home, "two")
        times = answering_while_refreshing(home)
        rows.append({"step": "tew query while refreshing", "seconds": max(times), "note": f"{len(times)} answered"})
        for number, after in enumerate((1.0, 3.0, 5.0, 7.0)):
            grow(home, f"kill{number}")
            served, next_refresh = serving_after_kill(home, after)
            rows.append({"step": f"SIGKILL after {after:.0f} s", "seconds": next_refresh, "note": f"served: {served}"})
    emit("the spine, county scale", rows, options.json)


if __name__ == "__main__":
    main()
