"""Mappings that a person confirmed: kept in the archive's journal, so that a rebuild reads as they say (design 3.3).

Belongs here: the event, and the deployment's reference data with the mappings' rows added.
Does not belong here: what a mapping says (ingest/mapping.py), the journal's form (archive.py).

The folder of reference data is people's own and never written to. Where mappings exist, the rows of both stand in a
folder below work/ that is named by their content; reading, checking and the tables of schema reference all take it.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from dagster_project.reference import fingerprint, schema
from dagster_project.settings import Settings
from dagster_project.warehouse.archive import Event, Journal

EVENT = "mapping"
FOLDER = "reference"


def accept(
    settings: Settings, rows: dict[str, list[dict[str, str]]], file_name: str, sha256: str, by: str | None
) -> str:
    """Say a mapping in the journal; the next refresh reads everything again by it. Returns its identifier."""
    text = json.dumps(rows, sort_keys=True, ensure_ascii=False)
    mapping_id = "M" + hashlib.sha256(text.encode()).hexdigest()[:8].upper()
    event: Event = {
        "event": EVENT,
        "mapping_id": mapping_id,
        "file": file_name,
        "sha256": sha256,
        "by": by,
        "rows": rows,
    }
    Journal(settings.journal).append([event])
    return mapping_id


def accepted(settings: Settings) -> list[Event]:
    """Mappings in force, the oldest first; one that was accepted twice counts once."""
    if not settings.journal.exists():
        return []
    found: dict[str, Event] = {}
    for event in Journal(settings.journal).replay().others:
        if event.get("event") == EVENT:
            found[str(event["mapping_id"])] = event
    return list(found.values())


def seeds(settings: Settings) -> Path:
    """The folder of reference data to read by: the deployment's own, or that with the mappings' rows added."""
    events = accepted(settings)
    if not events:
        return settings.seeds
    text = json.dumps([event["rows"] for event in events], sort_keys=True)
    name = hashlib.sha256(f"{fingerprint(settings.seeds)}{text}".encode()).hexdigest()[:16]
    folder = settings.work / FOLDER / name
    if not folder.is_dir():
        _write(settings.seeds, folder, [event["rows"] for event in events])
    return folder


def merged(source: Path, target: Path, rows: dict[str, list[dict[str, str]]]) -> Path:
    """A copy of a reference folder with rows added; for trying a mapping before it is accepted."""
    _write(source, target, [rows])
    return target


def _write(source: Path, folder: Path, additions: list[dict[str, list[dict[str, str]]]]) -> None:
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    making.parent.mkdir(parents=True, exist_ok=True)
    making.mkdir()
    for path in source.glob("*.csv"):
        shutil.copyfile(path, making / path.name)
    for table, columns in schema().items():
        added = [row for rows in additions for row in rows.get(table, ())]
        if added:
            _append(making / f"{table}.csv", added, [column.name for column in columns if column.is_key])
    try:
        making.replace(folder)
    except OSError:
        # another process made the same folder meanwhile
        shutil.rmtree(making, ignore_errors=True)
        if not folder.is_dir():
            raise


def _append(path: Path, rows: list[dict[str, str]], keys: list[str]) -> None:
    """Add rows that the table does not have; the deployment's own word goes first."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        header = list(reader.fieldnames or [])
        present: list[dict[str, Any]] = list(reader)

    def key(row: dict[str, Any]) -> tuple[str, ...]:
        return tuple((row.get(name) or "").strip() for name in keys)

    known = {key(row) for row in present}
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, header, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(present)
        for row in rows:
            if key(row) not in known:
                known.add(key(row))
                writer.writerow(row)
