"""What was received, kept for ever: files by SHA-256 beside the journal, and what counts as a delivery.

Belongs here: looking through the inbox, copying into `archive/`, the journal and its replay.
Does not belong here: reading workbooks (ingest), the database (store.py), which content is in force (refresh.py).

Everything else in a home can be rebuilt from this. The inbox itself is never altered.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster_project.settings import Settings
from dagster_project.warehouse.files import read_json, sync_directory, write_json

CHUNK = 1 << 20
RESTAT_S = 0.2
TEMPORARY_PREFIXES = ("~$", ".")
TEMPORARY_SUFFIXES = (".tmp", ".part", ".partial", ".crdownload", ".download", ".swp", ".lock")
SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})

Event = dict[str, Any]


def utc_now() -> datetime:
    """Now, UTC without zone, as the database keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def from_timestamp(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


# ---------------------------------------------------------------------------------------------------- archived files


def as_text(path: str) -> str:
    """The path as text that every file and database can hold (names may carry bytes that are no text)."""
    return path.encode("utf-8", "replace").decode()


def archived_path(settings: Settings, sha256: str) -> Path:
    return settings.archive / sha256[:2] / sha256


def read_archived(settings: Settings, sha256: str) -> bytes:
    """The content as received; OSError where it is missing, ValueError where it no longer has its hash."""
    content = archived_path(settings, sha256).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(f"archive/{sha256[:2]}/{sha256} holds other bytes (SHA-256 {found}); restore it from a backup")
    return content


def archive_bytes(settings: Settings, content: bytes) -> str:
    """Keep `content`; returns its SHA-256. Done when the file and its folder are on the disk."""
    sha256 = hashlib.sha256(content).hexdigest()
    target = archived_path(settings, sha256)
    if not (target.is_file() and target.stat().st_size == len(content)):
        _store(settings, iter((content,)))
    sync_folders(settings, [sha256])
    return sha256


def sync_folders(settings: Settings, contents: Iterable[str]) -> None:
    """Flush the folders of archived contents: once for many files, and before the journal speaks of them."""
    for folder in sorted({archived_path(settings, sha256).parent for sha256 in contents}):
        sync_directory(folder)
    if settings.archive.is_dir():
        sync_directory(settings.archive)


def _store(settings: Settings, chunks: Iterable[bytes]) -> tuple[str, int]:
    """Write chunks aside, flush, rename to their hash. Returns (sha256, size).

    The rename itself is on the disk after `sync_folders` only.
    """
    incoming = settings.archive / "incoming"
    if not incoming.is_dir():
        incoming.mkdir(parents=True, exist_ok=True)
    temporary = incoming / f"{os.getpid()}-{threading.get_ident()}-{time.monotonic_ns()}"
    digest = hashlib.sha256()
    size = 0
    try:
        with temporary.open("wb") as handle:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                handle.write(chunk)
            handle.flush()
            os.fsync(handle.fileno())
        sha256 = digest.hexdigest()
        target = archived_path(settings, sha256)
        try:
            temporary.replace(target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
    except BaseException:
        # Ctrl-C included: nothing half-written stays behind.
        temporary.unlink(missing_ok=True)
        raise
    return sha256, size


def clear_incoming(settings: Settings) -> None:
    """Remove what a killed copy left; the caller holds the lock."""
    incoming = settings.archive / "incoming"
    if incoming.is_dir():
        for path in incoming.iterdir():
            path.unlink(missing_ok=True)


# ------------------------------------------------------------------------------------------------------- the journal


@dataclass(frozen=True, slots=True)
class Received:
    """One delivery that entered the journal. `received_at` and `ingested_at` are UTC without zone."""

    seq: int
    batch: int
    path: str
    sha256: str
    size_bytes: int
    received_at: datetime
    ingested_at: datetime
    stored: bool = True

    @property
    def submission_id(self) -> str:
        return submission_id(self.seq)


def submission_id(seq: int) -> str:
    return f"S{seq:06d}"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A submission taken out of force; `after_seq` is the last delivery known when it was said."""

    submission_id: str
    at: datetime
    reason: str
    by: str | None
    after_seq: int


@dataclass(frozen=True, slots=True)
class PathSeen:
    """What a path of the inbox held when it was last looked at."""

    sha256: str
    size: int
    mtime_ns: int


@dataclass
class JournalState:
    """The journal, replayed."""

    received: dict[int, Received] = field(default_factory=dict)
    seen_again: set[int] = field(default_factory=set)
    withdrawn: dict[str, Withdrawal] = field(default_factory=dict)
    paths: dict[str, PathSeen] = field(default_factory=dict)
    by_content: dict[str, list[int]] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)
    others: list[Event] = field(default_factory=list)
    damaged_lines: list[int] = field(default_factory=list)
    last_seq: int = 0
    last_batch: int = 0

    @property
    def live(self) -> list[Received]:
        """Deliveries that are submissions: all received, less those found to be in force already."""
        return [entry for seq, entry in self.received.items() if seq not in self.seen_again]

    @property
    def position(self) -> str:
        """Changes exactly when something happened that can change a figure."""
        alive = self.received.keys() - self.seen_again
        return f"{len(alive)}:{max(alive, default=0)}:{len(self.withdrawn)}:{len(self.others)}"

    def apply(self, event: Event) -> None:
        """Take in one event. KeyError, ValueError or TypeError where it lacks what its kind needs."""
        kind = event["event"]
        if kind == "received":
            entry = Received(
                seq=int(event["seq"]),
                batch=int(event["batch"]),
                path=event["path"],
                sha256=event["sha256"],
                size_bytes=int(event["size"]),
                received_at=datetime.fromisoformat(event["received_at"]),
                ingested_at=datetime.fromisoformat(event["at"]),
                stored=bool(event.get("stored", True)),
            )
            self.received[entry.seq] = entry
            self.by_content.setdefault(entry.sha256, []).append(entry.seq)
            self.paths[entry.path] = PathSeen(entry.sha256, entry.size_bytes, int(event["mtime_ns"]))
            self.last_seq = max(self.last_seq, entry.seq)
            self.last_batch = max(self.last_batch, entry.batch)
        elif kind == "seen_again":
            if event.get("seq") is not None:
                self.seen_again.add(int(event["seq"]))
            self.paths[event["path"]] = PathSeen(event["sha256"], int(event["size"]), int(event["mtime_ns"]))
        elif kind == "withdrawn":
            self.withdrawn[event["submission_id"]] = Withdrawal(
                event["submission_id"],
                datetime.fromisoformat(event["at"]),
                event["reason"],
                event.get("by"),
                int(event["after_seq"]),
            )
        elif kind == "published":
            self.published.append(event["version"])
        else:
            # what was said then, was said of the deliveries known then
            self.others.append({"after_seq": self.last_seq, **event})


class Journal:
    """`archive/journal.jsonl`: one event a line, only ever appended to, each line on the disk before it counts.

    Events: `received`, `seen_again`, `withdrawn`, `published`; any other kind (acceptances, explanations, mappings)
    is kept and handed on in `JournalState.others`. Every event carries `at` (UTC).
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def replay(self) -> JournalState:
        """Read everything. A last line without its end was never finished and does not count.

        A damaged line in the middle is skipped and named in `damaged_lines`: what stands behind it still counts.
        """
        state = JournalState()
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return state
        lines = content.split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):
            if not line.strip():
                continue
            try:
                state.apply(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError):
                state.damaged_lines.append(number)
        return state

    def append(self, events: Iterable[Event]) -> None:
        """Add events, flushed to the disk together, after cutting off an unfinished last line."""
        stamp = utc_now().isoformat(timespec="microseconds")
        text = "".join(json.dumps({"at": stamp, **event}, separators=(",", ":")) + "\n" for event in events)
        if not text:
            return
        fresh = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        try:
            with _exclusive(descriptor):
                end = _end_of_last_line(descriptor)
                if end != os.fstat(descriptor).st_size:
                    os.ftruncate(descriptor, end)
                os.lseek(descriptor, end, os.SEEK_SET)
                view = memoryview(text.encode())
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            sync_directory(self.path.parent)


class _exclusive:
    """Two processes may append (a withdrawal beside a refresh): one at a time, for the few milliseconds it takes."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __enter__(self) -> None:
        if os.name != "nt":
            import fcntl

            fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        if os.name != "nt":
            import fcntl

            fcntl.flock(self.descriptor, fcntl.LOCK_UN)


def _end_of_last_line(descriptor: int) -> int:
    """Offset just behind the last newline (0 where there is none)."""
    position = os.fstat(descriptor).st_size
    while position > 0:
        start = max(0, position - 4096)
        os.lseek(descriptor, start, os.SEEK_SET)
        block = os.read(descriptor, position - start)
        found = block.rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0


# --------------------------------------------------------------------------------------------------------- the inbox


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the inbox: relative path with '/', size in bytes, modification time in ns."""

    path: str
    size: int
    mtime_ns: int


@dataclass
class Scan:
    """One look through the inbox: `changed` are those whose path, size or time is new to the journal."""

    changed: list[Found] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    is_moved: bool = False
    total: int = 0


def is_temporary(name: str) -> bool:
    """Names that programs give to files they have not finished, or that the desktop hides."""
    lowered = name.lower()
    return name.startswith(TEMPORARY_PREFIXES) or lowered.endswith(TEMPORARY_SUFFIXES)


def scan(settings: Settings, state: JournalState) -> Scan:
    """Look through the inbox, sub-folders too, without reading a file. Links are not followed."""
    result = Scan()
    if not settings.inbox.is_dir():
        return result
    result.is_moved = _inbox_identity(settings) != read_json(settings.work / "inbox.json")
    _walk(settings.inbox, "", state, result)
    result.changed.sort(key=lambda found: (found.mtime_ns, found.path))
    return result


def _walk(folder: Path, prefix: str, state: JournalState, result: Scan) -> None:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        result.unreadable.append(prefix.rstrip("/"))
        return
    for entry in entries:
        path = prefix + entry.name
        try:
            if entry.is_symlink():
                result.skipped.append(path)
            elif entry.is_dir(follow_symlinks=False):
                if entry.name.startswith("."):
                    result.skipped.append(path)
                else:
                    _walk(Path(entry.path), path + "/", state, result)
            elif is_temporary(entry.name):
                result.unsettled.append(path)
            elif entry.name.lower() in SYSTEM_NAMES:
                result.skipped.append(path)
            else:
                info = entry.stat(follow_symlinks=False)
                if not stat.S_ISREG(info.st_mode):
                    result.skipped.append(path)
                    continue
                result.total += 1
                seen = state.paths.get(path)
                if seen is None or (seen.size, seen.mtime_ns) != (info.st_size, info.st_mtime_ns):
                    result.changed.append(Found(path, info.st_size, info.st_mtime_ns))
        except OSError:
            result.unreadable.append(path)


def _inbox_identity(settings: Settings) -> dict[str, int]:
    info = settings.inbox.stat()
    return {"device": info.st_dev, "inode": info.st_ino}


def remember_inbox(settings: Settings) -> None:
    """Note which directory the inbox is, so that a moved or copied home is known by it."""
    if settings.inbox.is_dir():
        identity = _inbox_identity(settings)
        if read_json(settings.work / "inbox.json") != identity:
            write_json(settings.work / "inbox.json", identity)


def settle(
    settings: Settings, found: list[Found], pause: Callable[[float], None] = time.sleep
) -> tuple[set[str], float]:
    """Which young files are still being written: (paths, seconds waited).

    Only files younger than `settings.settle_seconds` (or dated in the future) are looked at twice.
    """
    now = time.time()
    young = [entry for entry in found if now - entry.mtime_ns / 1e9 < settings.settle_seconds]
    if not young or settings.settle_seconds == 0:
        return set(), 0.0
    wait = min(RESTAT_S, settings.settle_seconds)
    pause(wait)
    moving = set()
    for entry in young:
        try:
            info = (settings.inbox / entry.path).lstat()
        except OSError:
            moving.add(entry.path)
            continue
        if (info.st_size, info.st_mtime_ns) != (entry.size, entry.mtime_ns):
            moving.add(entry.path)
    return moving, wait


@dataclass(frozen=True, slots=True)
class Copied:
    """A file of the inbox that now stands in the archive, or is too large for it (`stored` False)."""

    found: Found
    sha256: str
    size: int
    stored: bool


def may_read(settings: Settings, found: Found) -> bool:
    return os.access(settings.inbox / found.path, os.R_OK)


def copy_in(settings: Settings, found: Found) -> Copied | None:
    """Copy one file into the archive. None where it changed meanwhile; OSError where it cannot be read.

    A file that already stands there under the same hash is only hashed.
    """
    source = settings.inbox / found.path
    too_large = found.size > settings.max_file_mb << 20
    # one that fits is read once; a larger one is hashed first, since it may stand in the archive already
    content: bytes | None = None
    if found.size <= CHUNK:
        with source.open("rb") as handle:
            content = handle.read(found.size + 1)
        if len(content) != found.size:
            return None
    sha256, size = _hash(source) if content is None else (hashlib.sha256(content).hexdigest(), len(content))
    stored = not too_large
    if stored and not _is_archived(settings, sha256, size):
        sha256, size = _store(settings, _chunks(source) if content is None else (content,))
    after = source.lstat()
    if (after.st_size, after.st_mtime_ns) != (found.size, found.mtime_ns) or size != found.size:
        return None
    return Copied(found, sha256, size, stored)


def _is_archived(settings: Settings, sha256: str, size: int) -> bool:
    try:
        return archived_path(settings, sha256).stat().st_size == size
    except OSError:
        return False


def _chunks(path: Path) -> Iterable[bytes]:
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            yield chunk


def _hash(path: Path) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    for chunk in _chunks(path):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size
