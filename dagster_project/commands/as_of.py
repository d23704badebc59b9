"""`tew as-of`: the marts of an earlier day. Printing only; making them stands in warehouse/as_of.py."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from dagster_project.commands.texts import Texts, note, out
from dagster_project.settings import Settings
from dagster_project.warehouse import as_of


def run(settings: Settings, day: date, wait: float, *, as_json: bool) -> None:
    """Make the file where it is missing and print where it is; raises BuildFailed, LockHeld, NothingPublished."""
    path = ready(settings, day, wait)
    if as_json:
        out(json.dumps({"status": "done", "as_of": day.isoformat(), "path": str(path)}, ensure_ascii=False))
    else:
        out(Texts(settings.seeds).lines("cli.as_of_done", day=day, path=path))


def ready(settings: Settings, day: date, wait: float = 600.0) -> Path:
    """The file of that day, made now where it is missing, with a word about it."""
    found = as_of.path(settings, day)
    if found is not None:
        return found
    note(Texts(settings.seeds).lines("cli.as_of_making", day=day))
    return as_of.make(settings, day, wait_s=wait)
