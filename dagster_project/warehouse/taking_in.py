"""From the archive into schema raw: everything received and not yet read.

Belongs here: the order of intake, which repeated contents count, batches, what is read again and why, the report.
Does not belong here: reading, resolving and judging a workbook (ingest, audit), SQL (store.py).

The order is the journal's: batch by batch as they were received, within a batch registers first, then by time of
receipt. So a rebuild meets every workbook with the same knowledge as the first time. Parsing runs in child processes;
resolve and audit run here, one workbook after another, each knowing what the earlier ones said.
"""

from __future__ import annotations

import gc
import pickle
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from dagster_project.ingest.model import Intake, Issue, ParsedWorkbook, Submission
from dagster_project.ingest.pool import ParsePool
from dagster_project.reference import Reference, load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse import (
    acts,
    archive,
    closing,
    fingerprints,
    mappings,
    reception,
    reference_tables,
    rejudging,
    rereading,
)
from dagster_project.warehouse import store as stores
from dagster_project.warehouse.archive import Journal, JournalState, Received, Withdrawal, utc_now
from dagster_project.warehouse.errors import INTERNAL_ERROR, WarehouseError, render
from dagster_project.warehouse.known import Known, Reading, history_start
from dagster_project.warehouse.readers import Readers
from dagster_project.warehouse.store import SCHEMA_KEY, Ahead, Batch, DamagedDatabase, Store, supersession_keys

# Rows written in one transaction: a kill costs at most the reading of these again.
BATCH_ROWS = 200_000
# Observations written ahead of the rest of their batch, while later workbooks are judged.
AHEAD_ROWS = 4_000
# Parsed figures kept in memory before the rest waits on disk.
HELD_FIGURES = 400_000
# Files handed to the pool at once, over batch borders.
CHUNK_FILES = 500
# A batch of fewer files is parsed whole before any is judged.
WORTH_OVERLAPPING = 16
# Thresholds of the garbage collector while records are made by the hundred thousand: the first counts those still held.
COLLECTION = (2_000_000, 5, 5)

Progress = Callable[[str, int, int], None]

INTAKE_KEY = "intake_fingerprint"
POSITION_KEY = "position"
REREAD_KEY = "reread_after_seq"
REJUDGE_KEY = "rejudge_for"


@dataclass
class IngestReport:
    """What taking in did. `submissions` has one entry per workbook taken in now, `rejected` those that gave nothing,
    with their messages; `seen_again` repeated contents found to be in force; `reread` submissions read again because
    a register came in late or was withdrawn, where that changed something; `rejudged` those judged again because a neighbour came in late."""

    submissions: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    seen_again: list[str] = field(default_factory=list)
    reread: list[str] = field(default_factory=list)
    rejudged: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    observations: int = 0
    quarantined: int = 0
    issues: dict[str, int] = field(default_factory=lambda: {"error": 0, "warning": 0, "info": 0})
    rebuilt: str | None = None
    damaged: str | None = None
    reference_loaded: bool = False
    position: str = ""
    seconds: float = 0.0

    def counted(self) -> tuple[int, int, int, int, dict[str, int]]:
        """What taking in one submission changes, to be given back to `restore`."""
        return len(self.submissions), len(self.rejected), self.observations, self.quarantined, dict(self.issues)

    def restore(self, counted: tuple[int, int, int, int, dict[str, int]]) -> None:
        """As if nothing had been taken in since."""
        submissions, rejected, self.observations, self.quarantined, self.issues = counted
        del self.submissions[submissions:], self.rejected[rejected:]


def load_reference_tables(settings: Settings, reference: Reference | None = None) -> bool:
    """Schema reference from the deployment's folder; False where it already holds exactly these rows."""
    with stores.open_store(settings) as store:
        return reference_tables.load(store.connection, reference or load_reference(mappings.seeds(settings)), settings)


def ingest_pending(
    settings: Settings, progress: Progress | None = None, readers: Readers | None = None
) -> IngestReport:
    """Take in all that the journal holds and schema raw does not; the caller holds the lock. `readers` may be at work
    already.

    A damaged database is set aside and made anew; one that was read under other rules is made anew.
    Raises ReferenceError (reference data), WarehouseError (an archived file is missing or altered, disk).
    """
    started = time.monotonic()
    report = IngestReport()
    journal = Journal(settings.journal)
    with ExitStack() as stack:
        stack.enter_context(_few_collections())
        seeds = mappings.seeds(settings)
        readers = readers or stack.enter_context(Readers(settings))
        if reception.seem_pending(settings, journal.replay()):
            # at once: they load while the reference data and what is known are read here
            readers.pool(seeds)
        reference = load_reference(seeds)

        def pool() -> ParsePool:
            return readers.pool(seeds)

        try:
            _run(settings, reference, journal, report, progress, pool)
        except DamagedDatabase:
            stamp = utc_now().strftime("%Y%m%dT%H%M%S")
            report = IngestReport(damaged=stores.set_aside(settings, stamp).relative_to(settings.home).as_posix())
            report.rebuilt = "damaged"
            _run(settings, reference, journal, report, progress, pool)
    report.seconds = round(time.monotonic() - started, 3)
    return report


@contextmanager
def _few_collections() -> Iterator[None]:
    """Intake makes millions of records and hardly a cycle: looking for cycles at the usual pace, among these and all that
    was there before, is a tenth of its work. What a freeze has set aside is not looked through; the second one ages what
    came meanwhile, so that it is not looked through at once either."""
    before = gc.get_threshold()
    gc.set_threshold(*COLLECTION)
    gc.freeze()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        gc.set_threshold(*before)


def _run(
    settings: Settings,
    reference: Reference,
    journal: Journal,
    report: IngestReport,
    progress: Progress | None,
    pool: Callable[[], ParsePool],
) -> None:
    state = journal.replay()
    with _store_of_these_rules(settings, reference, report) as store, Ahead(store) as ahead:
        report.reference_loaded = reference_tables.load(store.connection, reference, settings)
        _TakingIn(settings, reference, journal, state, store, report, progress, pool, ahead).run()


@contextmanager
def _store_of_these_rules(settings: Settings, reference: Reference, report: IngestReport) -> Iterator[Store]:
    """The work database, made anew where it was read under other rules; raises DamagedDatabase."""
    wanted = {INTAKE_KEY: fingerprints.intake(reference), SCHEMA_KEY: stores.schema_fingerprint()}
    for leftover in (settings.work / "spool").glob("*"):
        # Of a killed refresh; the caller holds the lock.
        leftover.unlink(missing_ok=True)
    if settings.warehouse.exists():
        with stores.open_store(settings) as store:
            store.verify()
            found = {key: store.meta(key) for key in wanted}
            if found == wanted:
                yield store
                return
        # Read under other rules, or never finished its first transaction: all of it again.
        if found[INTAKE_KEY] is not None:
            report.rebuilt = report.rebuilt or "rules_changed"
        stores.discard(settings)
    with stores.open_store(settings) as store:
        with store.transaction():
            for key, value in wanted.items():
                store.set_meta(key, value)
        yield store


class _TakingIn:
    """One pass over what is pending."""

    def __init__(
        self,
        settings: Settings,
        reference: Reference,
        journal: Journal,
        state: JournalState,
        store: Store,
        report: IngestReport,
        progress: Progress | None,
        pool: Callable[[], ParsePool],
        ahead: Ahead,
    ) -> None:
        self.settings = settings
        self.reference = reference
        self.journal = journal
        self.store = store
        self.report = report
        self.progress = progress
        self.reading = Reading(reference)
        self.state = state
        self.pool = pool
        self.batch = Batch()
        self.ahead = ahead
        self.known: Known | None = None
        self.oldest: date | None = None
        self.done = 0
        self.total = 0
        # Contents that were received more than once: seq of the last submission, its keys, whether one was beaten.
        self.repeated: dict[str, _Repeated] = {}
        # How many acceptances raw.act holds, and with them the history.
        self.heard = store.heard()
        # What was beaten before this pass; None where that is not known.
        self.beaten_before: set[int] | None = None
        self.has_reread = False
        # What came later than somebody who is measured against it; kept in raw.meta until they are judged again.
        self.late = rejudging.Late.from_text(store.meta(REJUDGE_KEY))

    # --------------------------------------------------------------------------------------------------- the order

    def run(self) -> None:
        stored = self.store.known_submissions()
        pending = sorted(
            (entry for entry in self.state.live if entry.submission_id not in stored), key=lambda e: (e.batch, e.seq)
        )
        self.total = len(pending)
        withdrawn = (
            {row for row in stored if self.store.status_of(row) == "withdrawn"} if self.state.withdrawn else set()
        )
        waiting = sorted(
            (entry for sid, entry in self.state.withdrawn.items() if sid not in withdrawn),
            key=lambda entry: (entry.after_seq, entry.at),
        )
        self.beaten_before = reception.beaten(self.settings, self.store.meta(POSITION_KEY))
        if pending or waiting or self._registers_unfinished() or self.late:
            # a refresh that is killed from here on leaves none behind that would be too short
            reception.forget_in_force(self.settings)
        if pending or self._registers_unfinished() or self.late:
            self._watch_repeated(pending, stored)
            with ExitStack() as stack:
                for chunk in _chunks_of_batches(pending):
                    parsed = _Shelf(self.settings.work / "spool")
                    stack.callback(parsed.clear)
                    arriving = self._parse(chunk)
                    for batch in _by_batch(chunk):
                        waiting = self._withdraw(waiting, min(entry.seq for entry in batch))
                        self._hear(before_seq=min(entry.seq for entry in batch))
                        taken = self._take_arriving(batch, arriving, parsed)
                        self._take_batch([entry for entry in batch if entry.seq not in taken], parsed)
                        if self._registers_unfinished():
                            self._reread()
                        self._rejudge()
                    parsed.clear()
                # A refresh was killed between a register, or a late month, and what waited for it.
                if self._registers_unfinished():
                    self._reread()
                if self.late:
                    self._rejudge()
        self._flush()
        self._withdraw(waiting, None)
        self._finish()

    def _parse(self, entries: Iterable[Received]) -> Iterator[tuple[int, ParsedWorkbook]]:
        """Parsed workbooks by seq, in the order of `entries`, as the children are done with them."""
        readable = [entry for entry in entries if self._is_readable(entry)]
        if not readable:
            return  # no pool for nothing
        by_seq = {entry.seq: entry for entry in readable}

        def contents() -> Iterator[tuple[int, bytes, str]]:
            for entry in readable:
                yield entry.seq, self._content(entry), archive.as_text(entry.path)

        for seq, parsed in self.pool().parse_many(contents()):
            for cell in parsed.observations:
                if self.oldest is None or cell.period < self.oldest:
                    self.oldest = cell.period
            self.done += 1
            if self.progress is not None:
                self.progress(by_seq[seq].path, self.done, max(self.total, self.done))
            yield seq, parsed

    def _take_arriving(
        self, batch: list[Received], arriving: Iterator[tuple[int, ParsedWorkbook]], shelf: _Shelf
    ) -> set[int]:
        """Take in a batch's first workbooks while its later ones are still being parsed; returns the seqs taken.

        A register goes before what refers to it, and may come last: so this goes on only as long as none has come and
        nothing need be written. If one comes after all, what was taken is forgotten and parsed again.
        """
        may_take = len(batch) >= WORTH_OVERLAPPING and not self.repeated
        if may_take:
            self._flush()
        before, late = self.report.counted(), self.late.copy()
        taken: list[Received] = []
        has_register = False
        for entry in batch:
            parsed: ParsedWorkbook | None = None
            if self._is_readable(entry):
                seq, parsed = next(arriving)
                has_register = has_register or self.reading.is_register(parsed)
                shelf.put(seq, parsed)
            may_take = may_take and not has_register and self._needs_no_writing()
            if may_take:
                self._take(entry, shelf.take(entry.seq))
                taken.append(entry)
                if len(self.batch.rows["observation"]) >= AHEAD_ROWS:
                    self.ahead.put(self.batch)
        if has_register and taken:
            self.ahead.forget()
            self.batch, self.known, self.late = Batch(), None, late
            self.report.restore(before)
            self.done -= len(taken)
            for seq, again in self._parse(taken):
                shelf.put(seq, again)
            taken = []
        return {entry.seq for entry in taken}

    def _needs_no_writing(self) -> bool:
        """Whether the next workbook can be taken without writing earlier ones: memory suffices, history reaches back."""
        if self.batch.size + self.ahead.rows >= BATCH_ROWS:
            return False
        return self.known is None or self.oldest is None or self.known.reaches(history_start(self.oldest))

    def _is_readable(self, entry: Received) -> bool:
        """Not too large, and not withdrawn with its content gone."""
        if not entry.stored:
            return False
        return not (
            entry.submission_id in self.state.withdrawn
            and not archive.archived_path(self.settings, entry.sha256).is_file()
        )

    def _content(self, entry: Received) -> bytes:
        try:
            return archive.read_archived(self.settings, entry.sha256)
        except (OSError, ValueError) as error:
            if self._heal(entry):
                return archive.read_archived(self.settings, entry.sha256)
            raise WarehouseError(
                "warehouse.archive_damaged",
                submission=entry.submission_id,
                file=entry.path,
                path=f"archive/{entry.sha256[:2]}/{entry.sha256}",
                error=error,
            ) from error

    def _heal(self, entry: Received) -> bool:
        """Take a missing or altered archived file from the inbox again, where it still stands there."""
        source = self.settings.inbox / entry.path
        try:
            content = source.read_bytes()
        except OSError:
            return False
        import hashlib

        if hashlib.sha256(content).hexdigest() != entry.sha256:
            return False
        archive.archived_path(self.settings, entry.sha256).unlink(missing_ok=True)
        archive.archive_bytes(self.settings, content)
        return True

    # ----------------------------------------------------------------------------------------------- one submission

    def _take_batch(self, entries: list[Received], shelf: _Shelf) -> None:
        registers = [entry for entry in entries if self._is_register(shelf, entry)]
        first = {entry.seq for entry in registers}
        for entry in [*registers, *(entry for entry in entries if entry.seq not in first)]:
            self._take(entry, shelf.take(entry.seq))
            if self.batch.size >= BATCH_ROWS:
                self._flush()
        if registers:
            # Written with the register itself: a kill in between must not lose that others wait for it.
            ids = tuple(entry.submission_id for entry in registers)
            self._flush({REREAD_KEY: rereading.Cause(min(entry.seq for entry in entries), ids).to_text()})

    def _is_register(self, shelf: _Shelf, entry: Received) -> bool:
        parsed = shelf.peek(entry.seq)
        return parsed is not None and self.reading.is_register(parsed)

    def _take(self, entry: Received, parsed: ParsedWorkbook | None) -> None:
        again = self.repeated.get(entry.sha256)
        if again is not None and again.is_in_force:
            self.state.seen_again.add(entry.seq)
            stamp = self.state.paths[entry.path]
            event = {
                "event": "seen_again",
                "seq": entry.seq,
                "path": entry.path,
                "sha256": entry.sha256,
                "size": entry.size_bytes,
                "mtime_ns": stamp.mtime_ns,
                "reason": "in_force",
            }
            # What it repeats must be stored before the repetition counts as settled.
            self._flush()
            self.journal.append([event])
            self.report.seen_again.append(entry.path)
            return
        submission = _submission(entry)
        intake, status = self._read(submission, parsed)
        self.batch.add(submission, intake, status)
        keys = supersession_keys(intake) if self.repeated else set()
        if status == "accepted":
            self.late.note(intake, entry.seq, self._current().history)
            self._current().add(intake)
            for other in self.repeated.values():
                other.meet(entry.seq, keys)
        if again is not None:
            again.replace(entry.seq, keys)
        self._report(submission, intake, status)

    def _read(
        self, submission: Submission, parsed: ParsedWorkbook | None, known: Known | None = None
    ) -> tuple[Intake, str]:
        """Resolve and audit, beside `known` or else what is known now; a fault of ours rejects this workbook alone, with an issue that says so."""
        if parsed is None:
            key = "warehouse.file_too_large"
            zh, en = render(
                key,
                file=submission.file_name,
                size_mb=round(submission.size_bytes / 2**20, 1),
                limit_mb=self.settings.max_file_mb,
            )
            return _empty(submission.file_name, Issue(key, "error", zh, en)), "rejected"
        try:
            intake = self.reading.read(parsed, known or self._current(), submission)
        except WarehouseError:
            raise
        except Exception as error:
            key = INTERNAL_ERROR
            where = traceback.extract_tb(error.__traceback__)[-1]
            zh, en = render(
                key,
                file=submission.file_name,
                error=f"{type(error).__name__}: {error}",
                place=f"{Path(where.filename).name}:{where.lineno}",
            )
            return _empty(submission.file_name, *parsed.issues, Issue(key, "error", zh, en)), "rejected"
        return intake, "accepted" if _says_something(intake) else "rejected"

    def _current(self) -> Known:
        """What earlier submissions said; loaded at the first need, and again where older history is needed."""
        since = None if self.oldest is None else history_start(self.oldest)
        if self.known is None or (since is not None and not self.known.reaches(since)):
            self._flush()
            self.known = Known.load(self.store, self.reference, self.reading.vocabulary, since)
        return self.known

    def _report(self, submission: Submission, intake: Intake, status: str) -> None:
        issues = intake.issues
        quarantined = sum(cell.status == "quarantined" for cell in intake.parsed.observations)
        entry = {
            "submission_id": submission.submission_id,
            "file_name": submission.file_name,
            "status": status,
            "form_code": intake.form_code,
            "period": None if intake.period is None else intake.period.isoformat(),
            "observations": len(intake.parsed.observations),
            "quarantined": quarantined,
            "errors": sum(issue.severity == "error" for issue in issues),
            "warnings": sum(issue.severity == "warning" for issue in issues),
        }
        self.report.submissions.append(entry)
        self.report.observations += len(intake.parsed.observations)
        self.report.quarantined += quarantined
        for issue in issues:
            self.report.issues[issue.severity] += 1
        if status == "rejected":
            said = [
                {"sheet": issue.sheet, "cell": issue.cell, "zh": issue.message_zh, "en": issue.message_en}
                for issue in issues
                if issue.severity == "error"
            ]
            self.report.rejected.append({**entry, "messages": said})

    # ------------------------------------------------------------------------------------------- what has a past

    def _watch_repeated(self, pending: list[Received], stored: set[str]) -> None:
        """Contents among the pending that were or will be received more than once."""
        counts: dict[str, int] = {}
        for entry in pending:
            counts[entry.sha256] = counts.get(entry.sha256, 0) + 1
        again = any(len(self.state.by_content[sha]) > 1 for sha in counts)
        out = self.store.superseded_contents() if again else set()
        for sha, count in counts.items():
            earlier = [seq for seq in self.state.by_content[sha] if archive.submission_id(seq) in stored]
            if earlier:
                last = max(earlier)
                keys = self.store.content_keys(archive.submission_id(last))
                self.repeated[sha] = _Repeated(last, keys, is_beaten=sha in out)
            elif count > 1:
                self.repeated[sha] = _Repeated(None, set())

    def _registers_unfinished(self) -> bool:
        return self.store.meta(REREAD_KEY) not in (None, "")

    def _reread(self) -> None:
        """Registers came in, or one went: read earlier submissions again that they have something to say about. Same
        submission, same place in the order; what follows for its neighbours is judged again after it."""
        self._flush()
        cause = rereading.Cause.from_text(self.store.meta(REREAD_KEY) or "")
        wanted = self.store.depending_on_registers(cause.before, cause.since(self.store))
        entries = [entry for entry in self.state.live if entry.submission_id in wanted]
        shelf = _Shelf(self.settings.work / "spool")
        try:
            for seq, again in self._parse(entries):
                shelf.put(seq, again)
            self.known = None
            if entries:
                self.has_reread = True
                first = history_start(self.oldest or date.max)
                again_seqs = {entry.seq for entry in entries}
                met = rereading.AsItCame(self.store, self.reference, self.reading.vocabulary, first, again_seqs)
            for entry in entries:
                parsed = shelf.take(entry.seq)
                if parsed is None:
                    continue
                submission = _submission(entry)
                intake, status = self._read(submission, parsed, met.before(entry.seq))
                if status != "accepted":
                    continue
                intake.issues.extend(self.store.told(entry.submission_id, rereading.KEPT_RULE))
                met.add(intake)
                self.batch.add(submission, intake, status)
                severities = [issue.severity for issue in intake.issues]
                unknown = sum(cell.unit_id is None for cell in intake.parsed.observations)
                unknown += sum(not (row.enterprise_id or row.township_code) for row in intake.parsed.incidents)
                if wanted[entry.submission_id] != (unknown, severities.count("error"), severities.count("warning")):
                    self.report.reread.append(entry.path)
        finally:
            shelf.clear()
        self._flush()
        rereading.note_neighbours(self.store, [entry.submission_id for entry in entries], self.late)
        self._flush({REREAD_KEY: ""})

    def _rejudge(self) -> None:
        """Judge again those that were judged before their neighbours came, or went: the month before, the parts of a sum."""
        late, self.late = self.late, rejudging.Late()
        if not late:
            return
        self._flush({REJUDGE_KEY: late.to_text()})
        items = rejudging.affected(self.store, late)
        entries = [entry for entry in self.state.live if entry.submission_id in items]
        files = {entry.seq: archive.as_text(entry.path) for entry in self.state.live} if entries else {}
        found = {}
        for seq, parsed in self._parse(entries):
            entry = self.state.received[seq]
            known = self._current()
            found[entry] = rejudging.judge_again(
                parsed,
                items[entry.submission_id],
                known.history,
                lambda book, history, entry=entry, known=known: self.reading.read(  # type: ignore[misc]
                    book, known, _submission(entry), history
                ),
            )
        # the report counts what is said of the workbooks of this refresh, as it stands at its end
        own = {entry["submission_id"] for entry in self.report.submissions}
        ids = [entry.submission_id for entry in found if entry.submission_id in own]
        before = self.store.severities(ids)
        with self.store.transaction():
            for entry, judged in found.items():
                if rejudging.apply(self.store, entry.submission_id, entry.seq, judged, files, self.reading.messages):
                    self.report.rejudged.append(entry.path)
            self.store.set_meta(REJUDGE_KEY, "")
        for severity, count in self.store.severities(ids).items():
            self.report.issues[severity] += count - before[severity]

    def _withdraw(self, waiting: list[Withdrawal], before_seq: int | None) -> list[Withdrawal]:
        """Apply the withdrawals said before a delivery (all, where None); returns those left. One after another, each
        with what follows from it, so that it does not matter how many a refresh finds."""
        due = [entry for entry in waiting if before_seq is None or entry.after_seq < before_seq]
        for entry in due:
            self._flush()
            seq = next(seq for seq, one in self.state.received.items() if one.submission_id == entry.submission_id)
            self.late.note_gone(self.store.said_by(entry.submission_id), seq)
            with self.store.transaction():
                if self.store.registers_since([entry.submission_id]) is not None:
                    self.store.set_meta(REREAD_KEY, rereading.Cause(entry.after_seq + 1).to_text())
                self.store.withdraw(entry.submission_id, entry.at)
                self.store.set_meta(REJUDGE_KEY, self.late.to_text())
            self.report.withdrawn.append(entry.submission_id)
            self.known = None
            for sha, repeated in self.repeated.items():
                if entry.submission_id in {archive.submission_id(seq) for seq in self.state.by_content[sha]}:
                    repeated.is_beaten = True
            if self._registers_unfinished():
                self._reread()
            self._rejudge()
        return [entry for entry in waiting if entry not in due]

    def _hear(self, before_seq: int) -> None:
        """What staff accepted before a delivery is known to it: released figures, questions that are answered."""
        said = [event for event in self.state.others if event["after_seq"] < before_seq]
        count = sum(event.get("event") == acts.ACCEPTED for event in said)
        if count <= self.heard:
            return
        self._flush()
        with self.store.transaction():
            self.store.replace("raw.act", acts.rows(said))
        self.heard, self.known = count, None

    def _flush(self, meta: dict[str, str] | None = None) -> None:
        if self.batch.submissions or meta:
            if self.late:
                meta = {REJUDGE_KEY: self.late.to_text(), **(meta or {})}
            self.store.write(self.batch, meta, self.ahead)
            self.batch = Batch()

    def _finish(self) -> None:
        """Note what the database now stands for, and which contents may come again."""
        position = self.journal.replay().position if self.report.seen_again else self.state.position
        self.report.position = position
        if self.store.meta(POSITION_KEY) != position or self.report.submissions or self.report.withdrawn:
            with self.store.transaction():
                self.store.replace("raw.act", acts.rows(self.state.others))
                self.store.replace("raw.closing", closing.rows(self.state.others))
                self.store.set_meta(POSITION_KEY, position)
        beaten = self._beaten()
        reception.remember_in_force(self.settings, position, self.store.superseded_contents(beaten), beaten)

    def _beaten(self) -> set[int]:
        """Seqs no longer wholly in force, from what is known of them and what came in now. A submission that was read
        again, or withdrawn, may beat fewer than it did; then all are looked at."""
        if self.beaten_before is None or self.report.withdrawn or self.has_reread:
            return self.store.beaten()
        ids = [entry["submission_id"] for entry in self.report.submissions]
        return self.beaten_before | self.store.beaten_by(ids) if ids else self.beaten_before


@dataclass
class _Repeated:
    """A content received more than once: the submission that last brought it, and whether it is beaten since."""

    seq: int | None
    keys: set[Any]
    is_beaten: bool = False

    @property
    def is_in_force(self) -> bool:
        return self.seq is not None and not self.is_beaten

    def meet(self, seq: int, keys: set[Any]) -> None:
        """A submission was taken in: does it beat this content?"""
        if self.seq is not None and seq > self.seq and not self.is_beaten and not self.keys.isdisjoint(keys):
            self.is_beaten = True

    def replace(self, seq: int, keys: set[Any]) -> None:
        self.seq, self.keys, self.is_beaten = seq, keys, False


class _Shelf:
    """Parsed workbooks waiting for their turn: in memory up to HELD_FIGURES, the rest pickled on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: dict[int, ParsedWorkbook] = {}
        self.spilled: dict[int, Path] = {}
        self.figures = 0

    def put(self, seq: int, parsed: ParsedWorkbook) -> None:
        if self.figures + len(parsed.observations) <= HELD_FIGURES or not parsed.observations or parsed.roster:
            self.held[seq] = parsed
            self.figures += len(parsed.observations)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{seq}.parsed"
        path.write_bytes(pickle.dumps(parsed, protocol=pickle.HIGHEST_PROTOCOL))
        self.spilled[seq] = path

    def peek(self, seq: int) -> ParsedWorkbook | None:
        """The workbook where it is held; one with a register always is."""
        return self.held.get(seq)

    def take(self, seq: int) -> ParsedWorkbook | None:
        parsed = self.held.pop(seq, None)
        if parsed is not None:
            self.figures -= len(parsed.observations)
            return parsed
        path = self.spilled.pop(seq, None)
        if path is None:
            return None
        parsed = pickle.loads(path.read_bytes())
        path.unlink(missing_ok=True)
        return parsed

    def clear(self) -> None:
        self.held.clear()
        for path in self.spilled.values():
            path.unlink(missing_ok=True)
        self.spilled.clear()


def _by_batch(entries: Iterable[Received]) -> list[list[Received]]:
    groups: dict[int, list[Received]] = {}
    for entry in entries:
        groups.setdefault(entry.batch, []).append(entry)
    return list(groups.values())


def _chunks_of_batches(entries: list[Received]) -> Iterator[list[Received]]:
    """Whole batches together until CHUNK_FILES, so that the pool stays busy over many small ones."""
    chunk: list[Received] = []
    for group in _by_batch(entries):
        if chunk and len(chunk) + len(group) > CHUNK_FILES:
            yield chunk
            chunk = []
        chunk = [*chunk, *group]
    if chunk:
        yield chunk


def _submission(entry: Received) -> Submission:
    return Submission(
        submission_id=entry.submission_id,
        seq=entry.seq,
        file_name=archive.as_text(entry.path),
        sha256=entry.sha256,
        size_bytes=entry.size_bytes,
        received_at=entry.received_at,
        ingested_at=entry.ingested_at,
    )


def _says_something(intake: Intake) -> bool:
    parsed = intake.parsed
    return any(
        (
            parsed.observations,
            parsed.roster,
            parsed.incidents,
            parsed.coverage,
            parsed.totals,
            parsed.changes,
            parsed.tasks,
        ),
    )


def _empty(file_name: str, *issues: Issue) -> Intake:
    parsed = ParsedWorkbook(file_name, "unknown", issues=list(issues))
    return Intake(parsed, None, None, None, None, None)
