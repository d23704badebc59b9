"""One refresh at a time on a home: an operating system's file lock.

Belongs here: taking and giving back the lock on `work/refresh.lock`, naming its holder.
Does not belong here: what is done under it (refresh.py), locks of DuckDB.

The kernel frees the lock when its process dies, however it dies; so a killed refresh never blocks the next
(Dagster's pools do, measured.md).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.settings import Settings
from dagster_project.warehouse.errors import LockHeld
from dagster_project.warehouse.files import read_json

# Paths this process already holds, and the thread that does: flock is per open file, so a second open in one process would wait for itself.
_held: dict[Path, int] = {}
_guard = threading.Lock()

if sys.platform == "win32":  # pragma: no cover - exercised on Windows only
    import msvcrt

    # msvcrt locks bytes, and locked bytes cannot be read by others: lock one far behind the holder's text.
    _LOCKED_BYTE = 1 << 20

    def _lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def holder(path: Path) -> dict[str, object]:
    """What the last holder wrote of itself: `pid`, `since` (UTC); empty where nothing readable stands there."""
    found = read_json(path)
    return found if isinstance(found, dict) else {}


def is_locked(settings: Settings) -> bool:
    """Whether a process (this one included) works on the home now."""
    path = settings.lock_file
    if path in _held:
        return True
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        if not _lock(descriptor):
            return True
        _unlock(descriptor)
        return False
    finally:
        os.close(descriptor)


def refresh_lock(settings: Settings, *, wait_s: float = 0.0) -> AbstractContextManager[None]:
    """The lock of a home's one writer, `work/refresh.lock`; see `file_lock`."""
    return file_lock(settings.lock_file, wait_s=wait_s)


@contextmanager
def file_lock(path: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold `path` for the block; the same thread may hold it twice.

    `wait_s`: how long to try before giving up (0: at once).
    Raises LockHeld, which names the holder's process.
    """
    me = threading.get_ident()
    nested = False
    descriptor = -1
    with _guard:
        if path in _held:
            if _held[path] != me:
                raise LockHeld(
                    "warehouse.locked", pid=os.getpid(), since=holder(path).get("since", "?"), file=path.name
                )
            nested = True
        else:
            descriptor = _acquire(path, wait_s)
            _held[path] = me
    if nested:
        yield
        return
    try:
        yield
    finally:
        with _guard:
            del _held[path]
            # The text stays for whoever looks after a crash; only the lock itself decides.
            _unlock(descriptor)
            os.close(descriptor)


def _acquire(path: Path, wait_s: float) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + wait_s
    while not _lock(descriptor):
        if time.monotonic() >= deadline:
            os.close(descriptor)
            known = holder(path)
            raise LockHeld("warehouse.locked", pid=known.get("pid", "?"), since=known.get("since", "?"), file=path.name)
        time.sleep(0.1)
    text = json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")})
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, text.encode())
    return descriptor
