"""`tew new-year`: reference data of a new year from the year before, and what somebody must decide.

Belongs here: which rows are carried (schemes with their grades, plan tables of progress), what must be decided.
Does not belong here: reading reference data (reference.py), wording (messages.csv), targets (new_year_targets.py).

Rows valid by date (forms, thresholds, coefficients, rules) and the calendar of forms, which knows months and no year,
hold on by themselves; those that end with the old year are listed, not renewed: whether they go on is a decision.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

from dagster_project.commands import new_year_targets
from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.reference import load_reference, schema
from dagster_project.settings import Settings
from dagster_project.warehouse.files import write_atomic

Row = dict[str, str]
# Tables whose rows belong to a year, and the column that names their scheme.
YEARLY = {"appraisal_schemes": "scheme_id", "time_progress": None}
OF_SCHEME = "appraisal_grades"


def run(settings: Settings, year: int, *, write: bool, targets: Path | None = None) -> None:
    """Print what is carried into `year` and what must be decided; write the CSV files where `write`.

    `targets`: where to write last year's targets as a table to fill in.

    Raises CommandError where the year before has no row to carry or a file cannot be written.
    """
    texts = Texts(settings.seeds)
    load_reference(settings.seeds)  # broken reference data is told before anything is written
    added = carried(settings.seeds, year)
    for table, rows in added.items():
        out(texts.lines("new_year.carried", table=table, n=len(rows), year=year))
    going_on = forms(settings.seeds, year)
    out(texts.lines("new_year.forms", n=len(going_on), year=year, forms=", ".join(going_on)))
    _targets(settings, texts, year, targets)
    for table, key, last in ending(settings.seeds, year):
        out(texts.lines("new_year.ending", table=table, row=key, day=last))
    out(texts.lines("new_year.decide", year=year))
    if not write:
        out(texts.lines("new_year.dry"))
        return
    for table, rows in added.items():
        if rows:
            _append(settings.seeds / f"{table}.csv", rows)
    load_reference(settings.seeds)
    out(texts.lines("new_year.written", folder=settings.seeds))


def forms(folder: Path, year: int) -> list[str]:
    """Codes of the forms that are in force when `year` begins."""
    return [
        row["form_code"]
        for row in _read(folder / "forms.csv")
        if not row["valid_to"] or date.fromisoformat(row["valid_to"]) >= date(year, 1, 1)
    ]


def _targets(settings: Settings, texts: Texts, year: int, path: Path | None) -> None:
    last = new_year_targets.of_year(settings, year - 1)
    if last is None:
        out(texts.lines("new_year.nothing_published", year=year - 1))
        return
    known = new_year_targets.of_year(settings, year) or []
    counts = {"units": len({one.unit_id for one in last}), "indicators": len({one.indicator_code for one in last})}
    out(texts.lines("new_year.targets", n=len(last), before=year - 1, year=year, known=len(known), **counts))
    pending = sum(one.value is None for one in last)
    if pending:
        out(texts.lines("new_year.targets_pending", n=pending, before=year - 1))
    if path is None:
        return
    try:
        write_atomic(path.resolve(), new_year_targets.workbook(last, texts, year))
    except OSError as error:
        raise CommandError("cli.output_failed", path=path, problem=error.strerror or error) from error
    out(texts.lines("new_year.targets_written", path=path))


def carried(folder: Path, year: int) -> dict[str, list[Row]]:
    """Rows to add for `year` by table; rows that are there already are not carried twice."""
    added: dict[str, list[Row]] = {}
    renamed: dict[str, str] = {}
    for table, scheme in YEARLY.items():
        rows = _read(folder / f"{table}.csv")
        keys = [column.name for column in schema()[table] if column.is_key]
        known = {tuple(row[key] for key in keys) for row in rows}
        added[table] = []
        for row in rows:
            if row["year"] != str(year - 1):
                continue
            new = row | {"year": str(year)}
            if scheme:
                new[scheme] = next_name(row[scheme], year)
                renamed[row[scheme]] = new[scheme]
            if tuple(new[key] for key in keys) not in known:
                added[table].append(new)
    grades = _read(folder / f"{OF_SCHEME}.csv")
    known_grades = {(row["scheme_id"], row["grade"]) for row in grades}
    added[OF_SCHEME] = [
        row | {"scheme_id": renamed[row["scheme_id"]]}
        for row in grades
        if row["scheme_id"] in renamed and (renamed[row["scheme_id"]], row["grade"]) not in known_grades
    ]
    return added


def next_name(name: str, year: int) -> str:
    """A scheme's name in the new year: the old year in it is replaced, else the year is put before it."""
    old = str(year - 1)
    return name.replace(old, str(year)) if old in name else f"{year}-{name}"


def ending(folder: Path, year: int) -> list[tuple[str, str, date]]:
    """(table, key, last day) of dated rows whose last day lies in the year before `year`."""
    found = []
    for table, columns in schema().items():
        names = {column.name for column in columns}
        if "valid_to" not in names:
            continue
        key = columns[0].name
        for row in _read(folder / f"{table}.csv"):
            last = row.get("valid_to") or ""
            if last.startswith(f"{year - 1}-"):
                found.append((table, row[key], date.fromisoformat(last)))
    return found


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def _append(path: Path, rows: list[Row]) -> None:
    """Add rows below what stands there; nothing above is touched."""
    before = path.read_bytes()
    ending = "\r\n" if b"\r\n" in before else "\n"
    text = io.StringIO()
    names = next(csv.reader([before.decode("utf-8-sig").splitlines()[0]]))
    csv.DictWriter(text, names, lineterminator=ending).writerows(rows)
    try:
        write_atomic(path.resolve(), before.rstrip(b"\r\n") + ending.encode() + text.getvalue().encode("utf-8"))
    except OSError as error:
        raise CommandError("cli.output_failed", path=path, problem=error.strerror or error) from error
