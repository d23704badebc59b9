"""`tew path`, `tew versions`, `tew rollback`: what is published, and which version serves.

Belongs here: printing. Does not belong here: the pointer and the versions themselves (warehouse/publish.py, read.py).
"""

from __future__ import annotations

import json
from pathlib import Path

from dagster_project.commands import render
from dagster_project.commands.texts import Texts, out
from dagster_project.settings import Settings
from dagster_project.warehouse.errors import NothingPublished
from dagster_project.warehouse.pointer import current_version, version_file, version_names

# A refresh that ends meanwhile would publish over the choice; so the choice waits for it.
WAIT_S = 120.0


def published_file(settings: Settings, version: str | None = None) -> Path:
    """The file of the version that serves, or of an earlier one; NothingPublished where there is none, or it is gone."""
    if version is not None and version not in version_names(settings):
        known = ", ".join(reversed(version_names(settings))) or "-"
        raise NothingPublished("warehouse.no_such_version", version=version, known=known)
    version = version or current_version(settings)
    if version is None:
        raise NothingPublished("warehouse.nothing_published", home=settings.home.name)
    path = version_file(settings, version)
    if not path.is_file():
        raise NothingPublished("warehouse.version_missing", version=version, home=settings.home.name)
    return path


def print_path(settings: Settings, *, as_json: bool) -> None:
    """The file of the version that serves."""
    path = published_file(settings)
    out(json.dumps({"version": path.parent.name, "path": str(path)}, ensure_ascii=False) if as_json else str(path))


def print_versions(settings: Settings, *, as_json: bool) -> None:
    """All versions, newest first; an empty list is no error."""
    from dagster_project.warehouse.publish import versions

    found = [
        {
            "version": version.name,
            "is_current": version.is_current,
            "created_at": version.created_at,
            "size_bytes": version.manifest.get("size_bytes"),
            "sha256": version.manifest.get("sha256"),
            "observations": (version.manifest.get("rows") or {}).get("fct_observation"),
            "submissions": (version.manifest.get("rows") or {}).get("fct_submission"),
        }
        for version in versions(settings)
    ]
    if as_json:
        out(json.dumps(found, ensure_ascii=False))
        return
    shown = [
        (
            "*" if row["is_current"] else "",
            row["version"],
            row["created_at"],
            row["size_bytes"],
            row["observations"],
            row["submissions"],
        )
        for row in found
    ]
    out(render.table(["", "version", "created_at (UTC)", "bytes", "observations", "submissions"], shown))


def rollback(settings: Settings, version: str, *, as_json: bool) -> None:
    """Serve `version`; raises NothingPublished where there is no such version, LockHeld where one is at work too long."""
    from dagster_project.warehouse import publish
    from dagster_project.warehouse.lock import refresh_lock

    with refresh_lock(settings, wait_s=WAIT_S):
        previous = publish.rollback(settings, version)
    if as_json:
        out(json.dumps({"status": "done", "version": version, "previous": previous or None}, ensure_ascii=False))
    else:
        out(Texts(settings.seeds).lines("cli.rolled_back", version=version, previous=previous or "-"))
