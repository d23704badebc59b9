"""Sessions that were signed out of: their cookie opens nothing any more, wherever a copy of it lies.

Belongs here: names of ended sessions in TEW_HOME/accounts/ended.json until they would have ended anyway; asked by the dashboard and by
the door, two processes. Does not belong here: sessions that end by time or by a change of their account (gate.py, door.py).
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from dagster_project.settings import Settings
from dagster_project.warehouse.lock import file_lock
from dashboard.access.accounts import folder, write_private


class Ended:
    """The ended sessions of one home, read again when the file changes."""

    def __init__(self, settings: Settings, longest_s: float) -> None:
        self._path = folder(settings) / "ended.json"
        self._longest_s = longest_s
        self._seen: tuple[int, int, int] | None = None
        self._kept: dict[str, float] = {}

    def holds(self, name: str) -> bool:
        """Whether the session of this name was signed out of."""
        return name in self._load()

    def add(self, name: str) -> None:
        """The session ends now. Raises OSError where that cannot be kept."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        now = time.time()
        with file_lock(self._path.with_suffix(".lock"), wait_s=10.0):
            kept = {one: until for one, until in self._load().items() if until > now}
            write_private(self._path, json.dumps({**kept, name: now + self._longest_s}).encode())

    def _load(self) -> dict[str, float]:
        found = _stamp(self._path)
        if found != self._seen:
            self._kept, self._seen = _read(self._path), found
        return self._kept


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read(path: Path) -> dict[str, float]:
    try:
        return {str(name): float(until) for name, until in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
