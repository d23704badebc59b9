"""A deployment's reference folder brought to the program's present schema: missing files, columns and rows.

Belongs here: what is missing and with what it is filled. Does not belong here: judging values (reference.py), printing
(commands/upgrade.py). Nothing that stands in the folder is changed or removed.

A new column takes the value of the same row in the project's own folder, else nothing, or false where it must hold something. A
new file is the project's own, or its heading alone where its rows are about one county. New messages and settings are added;
what names the county is not.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from dagster_project.reference import Column, schema
from dagster_project.settings import PROJECT_ROOT

OWN = PROJECT_ROOT / "seeds" / "reference"
# Rows of these are about one county: another one's would be wrong.
ABOUT_ONE_COUNTY = frozenset(
    ("townships", "township_links", "township_aliases", "enterprise_events", "corrections", "reconciliation")
)
# Rows of these are the program's: a key that is missing is added.
ADDED_BY_KEY = ("messages", "settings")
NAMES_THE_COUNTY = ("county_", "bureau_", "data_notice_")
DEFAULTS = {"boolean": "false", "integer": "0", "decimal": "0"}

Rows = list[dict[str, str]]


@dataclass
class Change:
    """What one file lacks: `content` is the whole new text."""

    file: str
    is_new: bool = False
    columns: list[str] = field(default_factory=list)
    rows: int = 0
    content: str = ""


def _read(path: Path) -> tuple[list[str], Rows, str]:
    """Header, rows, and the newline that the file is written with."""
    text = path.read_bytes().decode("utf-8-sig")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows = [{key: value or "" for key, value in row.items() if key is not None} for row in reader]
    return list(reader.fieldnames or []), rows, "\r\n" if "\r\n" in text else "\n"


def _written(header: list[str], rows: Rows, newline: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=header, lineterminator=newline, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _key(row: dict[str, str], columns: tuple[Column, ...]) -> tuple[str, ...]:
    return tuple(row.get(column.name, "") for column in columns if column.is_key)


def _change(folder: Path, name: str, columns: tuple[Column, ...]) -> Change | None:
    path, own = folder / f"{name}.csv", OWN / f"{name}.csv"
    own_header, own_rows, _ = _read(own)
    if not path.is_file():
        rows = [] if name in ABOUT_ONE_COUNTY else own_rows
        return Change(path.name, True, rows=len(rows), content=_written(own_header, rows, "\n"))
    header, rows, newline = _read(path)
    missing = [column for column in columns if column.name not in header]
    known = {_key(row, columns): row for row in own_rows}
    for row in rows:
        same = known.get(_key(row, columns), {})
        for column in missing:
            fallback = DEFAULTS.get(column.type, "") if column.required else ""
            row[column.name] = same.get(column.name) or fallback
    added: Rows = []
    if name in ADDED_BY_KEY:
        there = {_key(row, columns) for row in rows}
        added = [row for key, row in known.items() if key not in there and not str(key[0]).startswith(NAMES_THE_COUNTY)]
    if not missing and not added:
        return None
    if missing:
        content = _written([*header, *(column.name for column in missing)], [*rows, *added], newline)
    else:
        # As it stands, quotes and all, with the new rows behind it.
        text = path.read_bytes().decode("utf-8")
        lines = _written(header, added, newline).split(newline, 1)[1]
        content = text + ("" if text.endswith("\n") else newline) + lines
    return Change(path.name, columns=[column.name for column in missing], rows=len(added), content=content)


def changes(folder: Path) -> list[Change]:
    """What the folder lacks, file by file; empty where it is complete."""
    found = (_change(folder, name, columns) for name, columns in schema().items())
    return [change for change in found if change is not None]
