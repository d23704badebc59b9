"""Clearing away what is not needed any more: versions, files of earlier days, logs, drafts, what was set aside.

Belongs here: what may go and when. Does not belong here: Dagster's own records (orchestration/chores.py), the archive, the
inbox, accounts and the activity log, of which nothing is ever removed here.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dagster_project.settings import Settings
from dagster_project.warehouse import as_of, closing, publish
from dagster_project.warehouse.lock import refresh_lock
from dagster_project.warehouse.pointer import current_version, version_names

DRAFTS = "drafts"
DAY_S = 86_400


@dataclass
class Swept:
    """What was removed, as paths below the home, and the bytes that it held."""

    removed: list[str] = field(default_factory=list)
    bytes: int = 0


def sweep(settings: Settings, keep_days: int, *, wait_s: float = 600.0, now: float | None = None) -> Swept:
    """Remove versions beyond `keep_versions`, files of earlier days beside versions that do not serve and are not
    frozen, and logs, drafts and damaged databases older than `keep_days` days. Raises LockHeld."""
    done = Swept()
    oldest = (now or time.time()) - keep_days * DAY_S
    with refresh_lock(settings, wait_s=wait_s):
        before = {name: _size(settings.published / name) for name in version_names(settings)}
        for name in publish.retain(settings):
            done.removed.append(f"published/{name}")
            done.bytes += before.get(name, 0)
        for path in [*_days(settings), *_aged(settings, oldest)]:
            size = _size(path)
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                done.removed.append(path.relative_to(settings.home).as_posix())
                done.bytes += size
    return done


def _days(settings: Settings) -> Iterator[Path]:
    """As-of files can be made again at any time; those of the serving and of frozen versions stay."""
    kept = closing.kept_versions(settings) | {current_version(settings)}
    for name in version_names(settings):
        folder = settings.published / name / as_of.FOLDER
        if name not in kept and folder.is_dir():
            yield folder


def _aged(settings: Settings, oldest: float) -> Iterator[Path]:
    places = (
        (settings.home / "logs", "*.log*"),
        (settings.home / DRAFTS, "*.docx"),
        (settings.work / "damaged", "*"),
    )
    for folder, pattern in places:
        for path in sorted(folder.glob(pattern)) if folder.is_dir() else []:
            if path.stat().st_mtime < oldest:
                yield path


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
