"""Files that a person hands in elsewhere than in the inbox folder: written there whole, under a safe name.

Belongs here: the name a file gets and its atomic writing. Does not belong here: checking it (check.py), taking it in
(reception.py), the page (dashboard/).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from dagster_project.settings import Settings
from dagster_project.warehouse.archive import TEMPORARY_PREFIXES, TEMPORARY_SUFFIXES
from dagster_project.warehouse.files import sync_directory

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*/\\]+')
LONGEST = 80


def safe_name(name: str) -> str:
    """A name for the inbox from one that was sent: its last part alone, never hidden, never one that intake skips."""
    last = re.split(r"[/\\]", name)[-1]
    cleaned = _FORBIDDEN.sub("_", last).strip().lstrip("".join({*"".join(TEMPORARY_PREFIXES)}) + " ")
    stem, dot, suffix = cleaned.rpartition(".")
    if not dot:
        stem, suffix = cleaned, ""
    if f".{suffix.lower()}" in TEMPORARY_SUFFIXES:
        stem, suffix = f"{stem}_{suffix}", ""
    while len(stem.encode()) > LONGEST * 3 or len(stem) > LONGEST:
        stem = stem[:-1]
    return f"{stem or 'workbook'}.{suffix[:8]}" if suffix else (stem or "workbook")


def deliver(settings: Settings, name: str, content: bytes) -> Path:
    """Write a workbook into the inbox: whole or not at all, never over another file. Raises OSError."""
    settings.inbox.mkdir(parents=True, exist_ok=True)
    wanted = safe_name(name)
    stem, dot, suffix = wanted.rpartition(".")
    if not dot:
        stem, suffix = wanted, ""
    # A leading dot: intake passes over it while it is being written.
    temporary = settings.inbox / f".{os.getpid()}-{os.urandom(6).hex()}.part"
    try:
        with temporary.open("xb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        number = 1
        while True:
            mark = "" if number == 1 else f" ({number})"
            target = settings.inbox / (f"{stem}{mark}.{suffix}" if suffix else f"{stem}{mark}")
            try:
                # A link fails where the name is taken; a rename would replace a file that nobody has read yet.
                os.link(temporary, target)
                break
            except FileExistsError:
                if target.is_file() and target.read_bytes() == content:
                    break
                number += 1
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(settings.inbox)
    return target
