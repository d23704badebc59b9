"""From the inbox into the archive: which files are deliveries, in which order, and what the journal says of them.

Belongs here: the rule that a content sent again is ignored while it is in force, as far as it can be told without
the database. Does not belong here: reading workbooks (taking_in.py), the journal's form (archive.py).

Where it cannot be told yet (something else is pending), the delivery enters the journal and taking_in.py decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from dagster_project.settings import Settings
from dagster_project.warehouse import archive
from dagster_project.warehouse.archive import Copied, Event, Found, Journal, JournalState
from dagster_project.warehouse.files import read_json, write_json

COPIES_AT_ONCE = 4


@dataclass
class Reception:
    """What one look through the inbox brought; paths are relative to the inbox.

    `ignored` holds contents that are in force already; `unsettled` files still being written or temporary by name;
    `skipped` links, folders and files of the operating system; `unreadable` files we may not read.
    """

    received: list[dict[str, Any]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    damaged_journal_lines: list[int] = field(default_factory=list)
    files_in_inbox: int = 0


def _in_force_file(settings: Settings) -> Any:
    return settings.work / "in_force.json"


def remember_in_force(settings: Settings, position: str, superseded: set[str], beaten: set[int]) -> None:
    """Keep which contents are out of force at a journal position, for the next reception, and which submissions are
    beaten, for the next intake."""
    kept = {"position": position, "superseded": sorted(superseded), "beaten": sorted(beaten)}
    write_json(_in_force_file(settings), kept)


def forget_in_force(settings: Settings) -> None:
    """What was remembered no longer holds."""
    _in_force_file(settings).unlink(missing_ok=True)


def beaten(settings: Settings, position: str | None) -> set[int] | None:
    """The submissions that were beaten at a journal position, or None where that was not kept."""
    found = read_json(_in_force_file(settings))
    if isinstance(found, dict) and found.get("position") == position and "beaten" in found:
        return set(found["beaten"])
    return None


def _superseded(settings: Settings, state: JournalState) -> set[str] | None:
    """Contents out of force, or None where something was not taken in yet."""
    found = read_json(_in_force_file(settings))
    if isinstance(found, dict) and found.get("position") == state.position:
        return set(found["superseded"])
    return None


def seem_pending(settings: Settings, state: JournalState) -> int:
    """How many deliveries seem not to be taken in, by what the last intake left beside the database: a guess that
    costs no look into it."""
    found = read_json(_in_force_file(settings))
    position = str(found.get("position")) if isinstance(found, dict) else ""
    last = position.split(":")[1] if position.count(":") else "0"
    return sum(entry.seq > int(last) for entry in state.live) if last.isdigit() else len(state.live)


def receive(
    settings: Settings,
    on_coming: Callable[[], None] | None = None,
    on_copied: Callable[[Copied], None] | None = None,
) -> Reception:
    """Copy all that is new in the inbox into the archive and say so in the journal; the caller holds the lock.

    `on_coming` is called once, before anything is copied, where there is something; `on_copied` with each content that was
    never received before, in their order, before the journal says so.
    """
    for folder in (settings.inbox, settings.archive, settings.work):
        folder.mkdir(parents=True, exist_ok=True)
    archive.clear_incoming(settings)
    journal = Journal(settings.journal)
    state = journal.replay()
    scan = archive.scan(settings, state)
    moving, _ = archive.settle(settings, scan.changed)
    report = Reception(
        unsettled=[*scan.unsettled, *sorted(moving)],
        skipped=scan.skipped,
        unreadable=list(scan.unreadable),
        damaged_journal_lines=state.damaged_lines,
        files_in_inbox=scan.total,
    )
    copies: list[Copied] = []
    settled = [found for found in scan.changed if found.path not in moving]
    if settled and on_coming is not None:
        on_coming()
    for found, copying in _copy_all(settings, settled):
        try:
            copied = copying()
        except PermissionError:
            if archive.may_read(settings, found):
                # Not this file is closed to us but the archive: nothing can be received.
                raise
            report.unreadable.append(found.path)
            continue
        except FileNotFoundError:
            # Taken away between looking and reading: it was never received.
            continue
        if copied is None:
            report.unsettled.append(found.path)
        else:
            copies.append(copied)
            if on_copied is not None and copied.sha256 not in state.by_content:
                on_copied(copied)
    if copies:
        archive.sync_folders(settings, [copied.sha256 for copied in copies if copied.stored])
    journal.append(_events(settings, state, copies, scan.is_moved, report))
    archive.remember_inbox(settings)
    return report


def _copy_all(settings: Settings, found: list[Found]) -> Iterator[tuple[Found, Callable[[], Copied | None]]]:
    """Each file with what copying it comes to, in their order. Some are copied at a time: nearly all of it is waiting
    until a file is on the disk, and a disk writes many at once hardly slower than one."""
    with ThreadPoolExecutor(min(COPIES_AT_ONCE, len(found)) or 1, thread_name_prefix="receiving") as threads:
        yield from [(one, threads.submit(archive.copy_in, settings, one).result) for one in found]


def _events(
    settings: Settings, state: JournalState, copies: list[Copied], is_moved: bool, report: Reception
) -> list[Event]:
    """Journal events of the copies, in the order that decides supersession: time of receipt, then name."""
    now = time.time()
    copies.sort(key=lambda copied: (min(copied.found.mtime_ns / 1e9, now), copied.found.path))
    superseded = _superseded(settings, state)
    events: list[Event] = []
    seq, batch = state.last_seq, state.last_batch + 1
    for copied in copies:
        found = copied.found
        base: Event = {
            "path": found.path,
            "sha256": copied.sha256,
            "size": copied.size,
            "mtime_ns": found.mtime_ns,
        }
        seen = state.paths.get(found.path)
        is_same_place = seen is not None and seen.sha256 == copied.sha256
        if is_same_place and is_moved:
            # The inbox is another directory than last time (a moved or restored home): times alone say nothing.
            events.append({"event": "seen_again", **base, "reason": "moved"})
            continue
        if copied.sha256 in state.by_content and superseded is not None and copied.sha256 not in superseded:
            events.append({"event": "seen_again", **base, "reason": "in_force"})
            report.ignored.append(found.path)
            continue
        seq += 1
        # From here on the order among the new ones matters: the database must decide.
        superseded = None
        received_at = archive.from_timestamp(min(found.mtime_ns / 1e9, now)).isoformat(timespec="microseconds")
        event = {"event": "received", "seq": seq, "batch": batch, **base, "received_at": received_at}
        if not copied.stored:
            event["stored"] = False
        events.append(event)
        report.received.append({"submission_id": archive.submission_id(seq), "path": found.path, "size": copied.size})
    return events
