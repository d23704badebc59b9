"""How fast and in how much memory a table becomes a workbook: 22,000 cells, and 570,000 rows of 45 cells' size.

Run `python -m benchmarks.exports [--rows N]`: prints seconds and the peak of memory over the idle process. Belongs here:
measuring the writer that the dashboard uses. Does not belong here: the time of the query (benchmarks.spine).

The 570,000 x 45 of issue 5 are more cells than a sheet of Excel likes but fewer rows than it holds (1,048,576).
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from dashboard.export import xlsx
from dashboard.export.tables import Column, Table, Value

WIDE = 45
SMALL = (1000, 22)
LIMIT_SECONDS, LIMIT_MB = 3.0, 300.0
STEP = 50_000


def rows(count: int, width: int, *, tell: bool = False) -> Iterator[tuple[Value, ...]]:
    """A name and numbers that differ from row to row, made one by one."""
    for row in range(count):
        if tell and row % STEP == 0:
            print(f"  {row:,} rows", file=sys.stderr, flush=True)
        yield (f"unit {row}", *(row * 7 + column for column in range(width - 1)))


def table(count: int, width: int, *, is_large: bool) -> Table:
    columns = tuple(Column((f"c{index}",), None if index == 0 else 2) for index in range(width))
    found = rows(count, width, tell=is_large)
    return Table("bench", "bench", "", columns, found if is_large else tuple(found))


def measure(made: Table, folder: Path) -> tuple[float, float, int]:
    """Seconds, growth of the process's peak in MB, bytes of the file."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    target = folder / "table.xlsx"
    xlsx.write(made, str(target), footer="&P", stamp="bench", made_at=datetime(2026, 1, 1))
    spent = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return spent, (peak - before) / 1024, target.stat().st_size


def main() -> int:
    """1 where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=570_000, help="rows of the large table")
    count = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        spent, grown, size = measure(table(*SMALL, is_large=False), Path(folder))
        print(f"{SMALL[0] * SMALL[1]:,} cells: {spent:.2f} s, {grown:.0f} MB over idle, {size:,} bytes")
        long, peak, large = measure(table(count, WIDE, is_large=True), Path(folder))
        print(f"{count:,} x {WIDE} cells: {long:.0f} s, {peak:.0f} MB over idle, {large:,} bytes")
    return int(spent > LIMIT_SECONDS or peak > LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main())
