"""Files that survive a power cut: written aside, flushed, then renamed into place.

Belongs here: atomic writing of small and large files, flushing of directories.
Does not belong here: what the files mean.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


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


def write_atomic(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: readers see the old or the new file whole, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_json(path: Path, value: Any) -> None:
    """`value` as indented UTF-8 JSON, atomically."""
    write_atomic(path, (json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode())


def read_json(path: Path) -> Any:
    """The file's JSON, or None where it is missing or unreadable."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
