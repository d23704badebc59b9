"""Any mart as of any day: the published version made again with what was known at the end of that day.

Belongs here: making such a file, opening it. Where it lies: as_of_file.py.
Does not belong here: which rows were known (dbt/macros/as_of.sql, applied by staging alone), tracing, printing.

The file lies below the version it was made from, `published/<version>/as_of/<day>/warehouse.duckdb`, and goes with it.
The reading side (`query`) imports neither dbt nor Dagster.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from functools import cached_property
from pathlib import Path

from dagster_project.settings import Settings
from dagster_project.warehouse.as_of_file import FOLDER, path, place
from dagster_project.warehouse.errors import BuildFailed, NothingPublished
from dagster_project.warehouse.pointer import DATABASE, current_version, version_file
from dagster_project.warehouse.read import Params, Result, open_file

__all__ = ["FOLDER", "make", "path", "query"]
# A day is read many times and then never again; so many stay beside a version.
KEPT_DAYS = 12


def query(file: Path, settings: Settings, sql: str, params: Params = None) -> Result:
    """Column names and rows of one statement on such a file, read-only and confined to it."""
    connection = open_file(settings, file)
    try:
        cursor = connection.execute(sql, params) if params is not None else connection.execute(sql)
        return [column[0] for column in cursor.description or []], cursor.fetchall()
    finally:
        connection.close()


def make(
    settings: Settings, day: date, *, wait_s: float = 600.0, progress: Callable[[str], None] | None = None
) -> Path:
    """The file of that day, made where it is not there yet; readers of the published version are not disturbed.

    Holds the writer's lock meanwhile, since dbt reads the work database. Raises NothingPublished, LockHeld, and
    BuildFailed where dbt does not make every table.
    """
    from dagster_project.warehouse.lock import refresh_lock

    done = path(settings, day)
    if done is not None:
        return done
    with refresh_lock(settings, wait_s=wait_s):
        # Another process may have made it, or published, while this one waited.
        version = current_version(settings)
        if version is None or not version_file(settings, version).is_file():
            raise NothingPublished("warehouse.nothing_published", home=settings.home.name)
        done = path(settings, day)
        return done if done is not None else _make(settings, version, day, progress)


class _AsOfSettings(Settings):
    """The same home with a candidate and a dbt cache of its own: another path or day would spoil those of a refresh."""

    as_of: date = date.max

    @cached_property
    def as_of_day(self) -> str:
        return self.as_of.isoformat()

    @cached_property
    def candidate(self) -> Path:
        return self.work / FOLDER / DATABASE

    @cached_property
    def dbt_target_path(self) -> Path:
        return self.work / "dbt_as_of"


def _make(settings: Settings, version: str, day: date, progress: Callable[[str], None] | None) -> Path:
    from dagster_project.warehouse import build
    from dagster_project.warehouse.files import sync_file
    from dagster_project.warehouse.publish import finish_candidate

    own = _AsOfSettings(**{**settings.model_dump(), "as_of": day})
    # Tests judge the arithmetic of what is published; here only the tables count. They would lengthen the reader's
    # wait, and one that failed on an old day would keep every table behind it from being made.
    outcome = build.build(own, progress, judged=False)
    broken = [node for node in outcome.nodes if node.status != "success"]
    if outcome.error is not None or broken:
        named = "; ".join(f"{node.name}: {node.message}" for node in broken[:3]) or outcome.error
        raise BuildFailed("warehouse.as_of_failed", day=day.isoformat(), error=named)
    finish_candidate(own.candidate)
    sync_file(own.candidate)
    target = place(settings, version, day)
    target.parent.mkdir(parents=True, exist_ok=True)
    own.candidate.replace(target)
    own.intermediate.unlink(missing_ok=True)
    _forget_old(target.parent.parent, target.parent)
    return target


def _forget_old(folder: Path, kept: Path) -> None:
    days = sorted((one for one in folder.iterdir() if one != kept), key=lambda one: one.stat().st_mtime)
    for one in days[: max(0, len(days) + 1 - KEPT_DAYS)]:
        shutil.rmtree(one, ignore_errors=True)
