"""All cells in force of a span of months as one file, written row by row: `python -m dashboard.export.large`.

Belongs here: the table of all cells, writing it in a process of its own that tells how far it is. Does not belong here:
starting, stopping and handing out (jobs.py), the file formats, SQL.

Prints one JSON line after the other: {"done", "total"}, at the end with "peak_mb"; {"problem"} and exit code 1 where it
could not be written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psutil

from dagster_project.settings import load_settings
from dashboard.data.stream import Stream
from dashboard.export import delimited, xlsx
from dashboard.export.tables import Column, Table, Value
from dashboard.i18n import Translator

# Columns of data/sql/observations.sql: name, decimals of a number (None: text), width.
COLUMNS: tuple[tuple[str, int | None, int], ...] = (
    *(("period", None, 11), ("level", None, 10), ("unit_id", None, 16), ("unit_name", None, 28)),
    *(("township_name", None, 14), ("indicator_code", None, 10), ("indicator_name", None, 26), ("unit", None, 10)),
    *(("measure", None, 12), ("value", 6, 16), ("null_reason", None, 12), ("is_estimated", 0, 8), ("is_carried", 0, 8)),
    *(("form_code", None, 10), ("file_name", None, 34), ("sheet", None, 14), ("cell", None, 8), ("raw_text", None, 14)),
    *(("raw_unit", None, 10), ("unit_factor", 12, 12), ("submission_id", None, 12), ("received_at", None, 20)),
)
# Rows that a sheet of Excel holds, less title, unit line, heading and foot.
SHEET_ROWS = 1_048_576 - 8
TOLD_EVERY = 5000


def plain(value: Any) -> Value:
    """A value of the database as a cell: days and times as text, yes and no as 1 and 0."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, date) else value


def told(rows: Iterator[tuple[Any, ...]], total: int) -> Iterator[tuple[Value, ...]]:
    """The rows as cells; says every few thousand how far it is."""
    for number, row in enumerate(rows):
        if number % TOLD_EVERY == 0:
            say(done=number, total=total)
        yield tuple(plain(value) for value in row)


def say(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def table(stream: Stream, t: Translator, since: date, until: date, total: int) -> Table:
    """All cells in force of the months; the rows can be read once."""
    columns = tuple(Column((t(f"cells.{name}"),), decimals, width) for name, decimals, width in COLUMNS)
    months = t("cells.months", since=f"{since:%Y-%m}", until=f"{until:%Y-%m}", n=total)
    rows = told(stream.rows("observations", since=since, period=until), total)
    return Table("cells", t("export.title.cells"), months, columns, rows)


def run(version: str, kind: str, since: date, until: date, lang: str, target: Path) -> int:
    """Write the file; 1 where a sheet cannot hold it or the disk refuses it."""
    settings, t = load_settings(), Translator(lang)
    stream = Stream(settings, version)
    total = int(stream.one("observations_count", since=since, period=until))
    if kind == "xlsx" and total > SHEET_ROWS:
        say(problem=t("large.too_many", n=total, most=SHEET_ROWS))
        return 1
    found = table(stream, t, since, until, total)
    stamp = t("export.stamp", version=version)
    try:
        if kind == "csv":
            with target.open("w", encoding="utf-8", newline="") as handle:
                delimited.into(found, handle)
        else:
            made = datetime.strptime(version[:15], "%Y%m%dT%H%M%S")
            xlsx.write(found, str(target), footer=t("export.page"), stamp=stamp, made_at=made)
    except OSError as error:
        say(problem=t("large.disk", problem=error.strerror or str(error)))
        return 1
    say(done=total, total=total, peak_mb=round(peak_mb()))
    return 0


def peak_mb() -> float:
    """The most memory that this process itself has held, in MB; where the system does not tell, what it holds now.

    Not getrusage: on Linux that begins with what the process held that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return float(psutil.Process().memory_info().rss) / 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="All cells in force of a span of months as one file.")
    parser.add_argument("--version", required=True, help="published version")
    parser.add_argument("--kind", required=True, choices=("xlsx", "csv"))
    for name in ("--since", "--until"):
        parser.add_argument(name, required=True, type=date.fromisoformat, help="first day of a month")
    parser.add_argument("--lang", default="zh", choices=("zh", "en"))
    parser.add_argument("--target", required=True, type=Path, help="file to write")
    given = parser.parse_args(arguments)
    return run(given.version, given.kind, given.since, given.until, given.lang, given.target)


if __name__ == "__main__":
    sys.exit(main())
