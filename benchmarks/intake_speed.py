"""How long do 240 workbooks take from the archive into the database, beside what merely opening them costs?

One run, side by side, on the clean workbooks of intake_county.py (20 townships x 12 months x 3 sheets). In turn, and
repeated: `ours` is the reading of `tew refresh` in a new home that holds the register (parse in child processes that
are started anew, resolve, audit, store; the files are in the archive already); `with receiving` adds copying the inbox
into the archive with its journal; `pandas + openpyxl` is pandas.read_excel(..., sheet_name=None) of each file;
`calamine` is python-calamine opening each and reading every sheet. Medians of the wall clock, and of processor time (user
and system, child processes included), which tells more where others use the machine too. The limit is on the wall clock
with receiving. Beside it, one workbook through `tew check`, start-up included.
Run: python -m benchmarks.intake_speed [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.intake_county import County
from benchmarks.report import emit
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse.readers import Readers
from dagster_project.warehouse.refresh import ingest_pending, receive
from dagster_project.warehouse.store import open_store

LIMIT = 0.5
CHECK_LIMIT_S = 2.0


def prepare(folder: Path, seed: int) -> tuple[Path, list[Path]]:
    """Seeds folder and the 240 files; the register lies beside them as register.xlsx."""
    county = County(seed)
    seeds = county.write_seeds(folder / "seeds")
    files = folder / "files"
    files.mkdir()
    (folder / "register.xlsx").write_bytes(county.roster().to_bytes())
    paths = []
    for period in county.measured:
        for township in county.townships:
            book = county.book(township, period)
            path = files / book.file_name
            path.write_bytes(book.to_bytes())
            paths.append(path)
    return seeds, paths


def new_home(folder: Path, seeds: Path, number: int) -> Settings:
    """A home that has taken in the register."""
    settings = load_settings(home=folder / f"home{number}", seeds=seeds, settle_seconds=0)
    settings.inbox.mkdir(parents=True)
    (settings.inbox / "register.xlsx").write_bytes((folder / "register.xlsx").read_bytes())
    receive(settings)
    ingest_pending(settings)
    return settings


class Spent(NamedTuple):
    """Seconds by the wall clock, and of processors in this process and its ended children."""

    wall: float
    cpu: float

    def __add__(self, other: object) -> Spent:
        assert isinstance(other, Spent)
        return Spent(self.wall + other.wall, self.cpu + other.cpu)


def timed(work: Callable[[], object]) -> Spent:
    before, started = os.times(), time.perf_counter()
    work()
    wall, after = time.perf_counter() - started, os.times()
    return Spent(wall, sum(after[:4]) - sum(before[:4]))


def ours(folder: Path, seeds: Path, paths: list[Path], number: int) -> tuple[Spent, Spent, int]:
    """Seconds of receiving and of taking in, and the figures stored."""
    settings = new_home(folder, seeds, number)
    for path in paths:
        os.link(path, settings.inbox / path.name)
    with Readers(settings) as readers:  # as `tew refresh` does it

        def take() -> None:
            ingest_pending(settings, None, readers)
            readers.close()

        received = timed(lambda: receive(settings, readers))
        taken = timed(take)
    with open_store(settings) as store:
        found = store.connection.execute("SELECT count(*) FROM raw.observation").fetchone()
        lost = store.connection.execute("SELECT count(*) FROM raw.submission WHERE status <> 'accepted'").fetchone()
    if found is None or lost is None or lost[0]:
        raise SystemExit("a clean workbook was rejected")
    return received, taken, found[0]


def pandas_openpyxl(paths: list[Path]) -> Spent:
    import pandas

    return timed(lambda: [pandas.read_excel(path, sheet_name=None, header=None, engine="openpyxl") for path in paths])


def calamine(paths: list[Path]) -> Spent:
    from python_calamine import CalamineWorkbook

    def read() -> None:
        for path in paths:
            book = CalamineWorkbook.from_path(str(path))
            for name in book.sheet_names:
                book.get_sheet_by_name(name).to_python()

    return timed(read)


def check(folder: Path, seeds: Path, path: Path) -> Spent:
    """`tew check FILE` as a person types it."""
    tew = str(Path(sys.executable).with_name("tew"))
    env = {**os.environ, "TEW_HOME": str(folder / "empty"), "TEW_SEEDS": str(seeds)}

    def run() -> None:
        done = subprocess.run([tew, "check", str(path)], env=env, capture_output=True, text=True, check=False)
        # without its register in force the enterprises are unknown: warnings, and maybe errors, but it was read
        if done.returncode not in (0, 1) or path.name not in done.stdout:
            raise SystemExit(f"tew check failed:\n{done.stdout}\n{done.stderr}")

    return timed(run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    times: dict[str, list[Spent]] = {}
    figures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds, paths = prepare(folder, options.seed)
        for number in range(options.rounds):
            received, taken, figures = ours(folder, seeds, paths, number)
            times.setdefault("ours", []).append(taken)
            times.setdefault("ours, with receiving", []).append(received + taken)
            times.setdefault("pandas + openpyxl, opening only", []).append(pandas_openpyxl(paths))
            times.setdefault("calamine, opening only", []).append(calamine(paths))
            times.setdefault("tew check, one workbook", []).append(check(folder, seeds, paths[0]))
    medians = {
        name: Spent(*(statistics.median(one[at] for one in values) for at in (0, 1))) for name, values in times.items()
    }
    opening, bare = medians["pandas + openpyxl, opening only"], medians["calamine, opening only"]
    rows: list[dict[str, Any]] = [
        {
            "what": name,
            "seconds": spent.wall,
            "cpu s": spent.cpu,
            "ms a workbook": 1000 * spent.wall / (1 if "check" in name else len(paths)),
            "of pandas": f"{spent.wall / opening.wall:.2f}" if "check" not in name else "",
            "cpu of pandas": f"{spent.cpu / opening.cpu:.2f}" if "check" not in name else "",
            "of calamine": f"{spent.wall / bare.wall:.1f}" if "check" not in name else "",
        }
        for name, spent in medians.items()
    ]
    emit(f"{len(paths)} workbooks, {figures} figures stored; medians of {options.rounds}", rows, options.json)
    whole = medians["ours, with receiving"]
    print(f"ratio to pandas + openpyxl {whole.wall / opening.wall:.2f} (limit {LIMIT}), of processor time "
          f"{whole.cpu / opening.cpu:.2f}; to python-calamine {whole.wall / bare.wall:.1f}; tew check "
          f"{medians['tew check, one workbook'].wall:.2f} s (limit {CHECK_LIMIT_S})")  # fmt: skip


if __name__ == "__main__":
    main()
