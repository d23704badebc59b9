"""Reference data as rows: reads the folder of CSV files that describes a deployment, typed and checked.

Belongs here: reading `seeds/reference/*.csv` by the declared schema (reference_schema.csv), and its errors.
Does not belong here: what the rows mean (ingest/vocabulary.py, audit/, dbt), DuckDB (warehouse/reference_tables.py).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any

SCHEMA_FILE = Path(__file__).with_name("reference_schema.csv")

Row = dict[str, Any]


class ReferenceError(ValueError):
    """The reference folder cannot be used; the message names file, line, column and what to do."""


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column: `type` is text, integer, decimal, boolean or date."""

    name: str
    type: str
    required: bool
    is_key: bool
    is_intake: bool
    description: str


@lru_cache(maxsize=1)
def schema() -> dict[str, tuple[Column, ...]]:
    """Declared tables: name → columns in order."""
    tables: dict[str, list[Column]] = {}
    with SCHEMA_FILE.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            tables.setdefault(row["table"], []).append(
                Column(
                    row["column"],
                    row["type"],
                    row["required"] == "true",
                    row["key"] == "true",
                    row["intake"] == "true",
                    row["description"],
                )
            )
    return {name: tuple(columns) for name, columns in tables.items()}


@dataclass(frozen=True)
class Reference:
    """All reference tables of one deployment.

    `tables[name]` is a tuple of rows (column → typed value, None where the cell is empty).
    `fingerprint` changes with any file; `intake_fingerprint` only with files that decide how workbooks are read.
    """

    folder: Path
    tables: dict[str, tuple[Row, ...]]
    fingerprint: str
    intake_fingerprint: str

    def rows(self, table: str) -> tuple[Row, ...]:
        return self.tables[table]

    def setting(self, key: str, default: str | None = None) -> str:
        """One row of settings.csv; raises ReferenceError where it is missing and no default is given."""
        for row in self.tables["settings"]:
            if row["key"] == key:
                return str(row["value"]) if row["value"] is not None else ""
        if default is not None:
            return default
        raise ReferenceError(f"settings.csv: key {key!r} is missing in {self.folder.name}")


def _convert(text: str, column: Column) -> Any:
    if text == "":
        return None
    if column.type == "text":
        return text
    if column.type == "integer":
        return int(text)
    if column.type == "decimal":
        return Decimal(text)
    if column.type == "boolean":
        lowered = text.strip().lower()
        if lowered in ("true", "1"):
            return True
        if lowered in ("false", "0"):
            return False
        raise ValueError(text)
    if column.type == "date":
        return date.fromisoformat(text)
    raise ReferenceError(f"reference_schema.csv: unknown type {column.type!r} of {column.name}")


def _read_table(path: Path, columns: tuple[Column, ...], problems: list[str]) -> tuple[Row, ...]:
    by_name = {column.name: column for column in columns}
    rows: list[Row] = []
    with path.open(encoding="utf-8-sig", newline="") as handle:
        # by position: every command and every reading process begins with this, and csv.DictReader takes twice as long
        reader = csv.reader(handle)
        header = next(reader, [])
        for missing in (name for name in by_name if name not in header):
            problems.append(f"{path.name}: column {missing!r} is missing; add it to the header")
        for extra in (name for name in header if name not in by_name):
            problems.append(f"{path.name}: column {extra!r} is not known; remove it or declare it")
        seen: dict[tuple[Any, ...], int] = {}
        keys = [column.name for column in columns if column.is_key]
        places = {name: place for place, name in enumerate(header)}
        declared = [(column, column.name, places.get(column.name), column.type == "text") for column in columns]
        for line in reader:
            if not line:
                continue
            row: Row = {}
            for column, name, place, is_text in declared:
                text = line[place].strip() if place is not None and place < len(line) else ""
                if is_text:
                    row[name] = text or None
                else:
                    try:
                        row[name] = _convert(text, column)
                    except (ValueError, InvalidOperation):
                        problems.append(
                            f"{path.name} line {reader.line_num}, {name}: read {text!r}, expected a {column.type}"
                        )
                        row[name] = None
                if text == "" and column.required:
                    problems.append(f"{path.name} line {reader.line_num}, {name}: must not be empty")
            key = tuple(row[name] for name in keys)
            if keys and key in seen:
                problems.append(f"{path.name} line {reader.line_num}: same key as line {seen[key]}: {key}")
            seen[key] = reader.line_num
            rows.append(row)
    return tuple(rows)


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def fingerprint(folder: Path) -> str:
    """Content hash of every declared CSV file of the folder, without parsing (fast path of a refresh)."""
    return _digest(folder / f"{name}.csv" for name in sorted(schema()) if (folder / f"{name}.csv").is_file())


def load_reference(folder: Path) -> Reference:
    """Read and check every declared table of `folder`.

    Raises ReferenceError that lists all problems at once (missing files, columns, values, duplicate keys).
    """
    if not folder.is_dir():
        raise ReferenceError(f"reference folder not found: {folder.name}; set TEW_SEEDS to a folder of CSV files")
    problems: list[str] = []
    tables: dict[str, tuple[Row, ...]] = {}
    for name, columns in schema().items():
        path = folder / f"{name}.csv"
        if not path.is_file():
            problems.append(f"{name}.csv is missing; every deployment holds every file, header only where unused")
            continue
        tables[name] = _read_table(path, columns, problems)
    if problems:
        raise ReferenceError("reference data of " + folder.name + ":\n  " + "\n  ".join(problems))
    intake = sorted(name for name, columns in schema().items() if columns[0].is_intake)
    return Reference(
        folder=folder,
        tables=tables,
        fingerprint=fingerprint(folder),
        intake_fingerprint=_digest(folder / f"{name}.csv" for name in intake),
    )
