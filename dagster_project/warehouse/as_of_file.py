"""Where the file of an earlier day lies: `published/<version>/as_of/<day>/warehouse.duckdb`.

Belongs here: its path. Does not belong here: making it (as_of.py, with dbt behind it). The dashboard reads by this one.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from dagster_project.settings import Settings
from dagster_project.warehouse.pointer import DATABASE, current_version

FOLDER = "as_of"


def path(settings: Settings, day: date) -> Path | None:
    """The finished file of that day for the version that serves, or None where it was not made yet."""
    version = current_version(settings)
    if version is None:
        return None
    found = place(settings, version, day)
    return found if found.is_file() else None


def place(settings: Settings, version: str, day: date) -> Path:
    """Where the file of that day belongs, whether it is there or not."""
    return settings.published / version / FOLDER / day.isoformat() / DATABASE
