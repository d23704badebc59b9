"""Files that survive a power cut: written aside, flushed, then renamed into place.

Belongs here: atomic writing of small and large files, flushing of directories, by which bytes a kind of file begins.
Does not belong here: what the files mean.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

# https://sqlite.org/fileformat.html
SQLITE_MARK = b"SQLite format 3\x00"


def sync_directory(folder: Path) -> None:
    """Flush a directory's entries, so that a rename in it survives a power cut. Windows flushes by itself."""
    if os.name == "nt":  # pragma: no cover - Windows cannot open a directory
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Flush a file that another program wrote."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write that becomes `path` when all of it is on the disk; after an error `path` is as it was."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    # A left-over of a dead process with our number might be readable by others.
    temporary.unlink(missing_ok=True)
    try:
        # O_BINARY exists on Windows only, where text mode is the default.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(temporary, flags, mode), "wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        # Ctrl-C included: nothing half-written stays behind.
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.absolute().parent)


def write_atomic(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: readers see the old or the new file whole, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as handle:
        handle.write(content)


def write_json(path: Path, value: Any) -> None:
    """`value` as indented UTF-8 JSON, atomically."""
    write_atomic(path, (json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode())


def read_json(path: Path) -> Any:
    """The file's JSON, or None where it is missing or unreadable."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def begins_with(path: Path, mark: bytes, offset: int = 0) -> bool:
    """Whether a file holds `mark` at `offset`; one that is too short or cannot be read does not."""
    try:
        with path.open("rb") as handle:
            return handle.read(offset + len(mark))[offset:] == mark
    except OSError:
        return False


def damaged_sqlite(folder: Path) -> list[Path]:
    """Files named *.db below `folder` that are no SQLite database (an empty one is one that was just begun)."""
    found = sorted(folder.rglob("*.db")) if folder.is_dir() else []
    return [path for path in found if path.stat().st_size and not begins_with(path, SQLITE_MARK)]


def is_yaml(path: Path) -> bool:
    """Whether a file can be read as keys and values of YAML."""
    import yaml  # type: ignore[import-untyped, unused-ignore]

    try:
        return isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError, yaml.YAMLError):
        return False
