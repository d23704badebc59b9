"""Which versions are published and which one serves: names and manifests, without opening a database.

Belongs here: CURRENT, version names, manifests, the note of a rollback.
Does not belong here: making versions (publish.py), querying them (read.py). Imports no DuckDB, so that
"nothing new" is said at once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dagster_project.settings import Settings
from dagster_project.warehouse.files import read_json

DATABASE = "warehouse.duckdb"
MANIFEST = "manifest.json"


def current_version(settings: Settings) -> str | None:
    """The name that CURRENT holds; None where nothing was published or the pointer is damaged."""
    try:
        name = settings.current.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    # The pointer is a name, never a path: what a damaged one says must not lead elsewhere.
    if not name or name.startswith(".") or Path(name).name != name:
        return None
    return name


def version_file(settings: Settings, version: str) -> Path:
    return settings.published / version / DATABASE


def read_manifest(settings: Settings, version: str) -> dict[str, Any] | None:
    """The manifest of a version, or None where it is missing or damaged."""
    try:
        found = json.loads((settings.published / version / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def version_names(settings: Settings) -> list[str]:
    """Complete versions, oldest first."""
    if not settings.published.is_dir():
        return []
    return sorted(
        path.name
        for path in settings.published.iterdir()
        if not path.name.startswith(".") and (path / DATABASE).is_file() and (path / MANIFEST).is_file()
    )


def rollback_file(settings: Settings) -> Path:
    """Says that an older version serves because a person wanted it: {version, base, at}."""
    return settings.work / "rollback.json"


def rebuild_note(settings: Settings) -> Path:
    """Lies in `work/` from the moment a rebuild is asked for until a version is published."""
    return settings.work / "rebuild.requested"


def base_version(settings: Settings) -> str | None:
    """The version that stands for the newest state: CURRENT's, or the newest where a person rolled back."""
    current = current_version(settings)
    chosen = read_json(rollback_file(settings))
    if isinstance(chosen, dict) and chosen.get("version") == current and chosen.get("base") in version_names(settings):
        return str(chosen["base"])
    return current


def is_served(settings: Settings) -> bool:
    """Whether CURRENT names a version whose file and manifest are there."""
    version = current_version(settings)
    return (
        version is not None
        and version_file(settings, version).is_file()
        and read_manifest(settings, version) is not None
    )
