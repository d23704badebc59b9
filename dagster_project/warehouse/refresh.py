"""The steps of a refresh, in order, as functions over Settings.

Belongs here: `receive`, `ingest_pending`, `load_reference_tables`, `nothing_new`, and their sum `run_refresh`;
`rebuild`. Does not belong here: how a step works (reception.py, taking_in.py, build.py, publish.py),
Dagster (orchestration/), printing (commands/).

Nothing heavy is imported at the top: "nothing new" must be said at once. Dagster's assets call the same functions;
whoever calls single steps holds `lock.refresh_lock` over all of them.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from dagster_project.settings import Settings
from dagster_project.warehouse import archive, fingerprints, home_format, pointer, reception, withdrawal
from dagster_project.warehouse.archive import Journal
from dagster_project.warehouse.errors import WarehouseError, render
from dagster_project.warehouse.lock import refresh_lock
from dagster_project.warehouse.readers import Readers
from dagster_project.warehouse.reception import Reception

if TYPE_CHECKING:
    from dagster_project.warehouse.build import BuildResult
    from dagster_project.warehouse.increments import Difference
    from dagster_project.warehouse.taking_in import IngestReport

# step (receive, read, build, publish), done, total, what is at hand
Progress = Callable[[str, int, int, str], None]

P = ParamSpec("P")
T = TypeVar("T")


def is_database_trouble(error: Exception) -> bool:
    """Whether DuckDB met a limit of the machine; wrong SQL is a fault of ours and stays what it is."""
    kind = type(error)
    return kind.__module__.partition(".")[0] in ("duckdb", "_duckdb") and kind.__name__ in (
        "IOException",
        "OutOfMemoryException",
        "FatalException",
        "InternalException",
        "SerializationException",
    )


def is_damage_told(result: BuildResult) -> bool:
    """Whether a failed build says that the work database's own file is bad, and not that a model or a figure is."""
    from dagster_project.warehouse.store import tells_damage

    return any(tells_damage(text) for text in (result.error or "", *(node.message or "" for node in result.failures)))


@contextmanager
def explained(step: str) -> Iterator[None]:
    """Turn what disk and database say (full, read-only, forbidden) into a WarehouseError with what to do."""
    try:
        yield
    except WarehouseError:
        raise
    except OSError as error:
        raise WarehouseError("warehouse.disk", step=step, error=error) from error
    except Exception as error:
        if is_database_trouble(error):
            raise WarehouseError("warehouse.database", step=step, error=error) from error
        raise


def _explains(step: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    def wrap(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            with explained(step):
                return function(*args, **kwargs)

        return call

    return wrap


# ------------------------------------------------------------------------------------------------------------- steps


@_explains("receive")
def receive(settings: Settings, readers: Readers | None = None) -> Reception:
    """Everything new in the inbox into the archive and the journal; an older home is brought up to date first.

    `readers` that will take it in start as soon as there is something, and read the first files meanwhile.
    """
    home_format.enter(settings)
    if readers is None:
        return reception.receive(settings)
    return reception.receive(settings, readers.start_early, readers.begin)


@_explains("read")
def ingest_pending(
    settings: Settings, progress: Progress | None = None, readers: Readers | None = None
) -> IngestReport:
    """Everything received and not yet read into schema raw; also brings schema reference up to date."""
    from dagster_project.warehouse import taking_in

    def report(name: str, done: int, total: int) -> None:
        if progress is not None:
            progress("read", done, total, name)

    return taking_in.ingest_pending(settings, report, readers)


@_explains("reference")
def load_reference_tables(settings: Settings) -> bool:
    """Schema reference from TEW_SEEDS; False where nothing changed."""
    from dagster_project.warehouse import taking_in

    return taking_in.load_reference_tables(settings)


@_explains("build")
def build(settings: Settings, progress: Progress | None = None) -> BuildResult:
    """The candidate by dbt, with its tests."""
    from dagster_project.warehouse import build as builder

    count = 0

    def report(message: str) -> None:
        nonlocal count
        count += 1
        if progress is not None:
            progress("build", count, 0, message)

    result = builder.build(settings, report)
    if not result.ok and is_damage_told(result):
        # Intake reads only what it needs of the work database; damage elsewhere in the file shows first here.
        from dagster_project.warehouse import store

        store.set_aside(settings, archive.utc_now().strftime("%Y%m%dT%H%M%S"))
        ingest_pending(settings, progress)
        result = builder.build(settings, report)
    return result


@_explains("publish")
def publish(settings: Settings, result: BuildResult | None = None, report: dict[str, Any] | None = None) -> str:
    """The candidate as the served version; PublishRefused where its build did not pass."""
    from dagster_project.warehouse import publish as publisher

    return publisher.publish(settings, result, report)


# ------------------------------------------------------------------------------------------------------- nothing new


@dataclass(frozen=True)
class NothingNew:
    """Why a refresh has nothing to do: `version` serves; `base` is the newest one where a person rolled back;
    `unsettled` are temporary files of the inbox, `unreadable` those we may not read."""

    version: str
    base: str
    unsettled: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


def nothing_new(settings: Settings) -> NothingNew | None:
    """What serves already is all there is, or None where a refresh has something to do. Writes nothing.

    Fast: no file is hashed, no database opened. Compared are the journal, the reference data and the code with the
    manifest of the served version; after a rollback with the newest version's, so that the choice stands until
    something new comes in.
    """
    version = pointer.current_version(settings)
    base = pointer.base_version(settings)
    if version is None or base is None or not pointer.is_served(settings):
        return None
    manifest = pointer.read_manifest(settings, base)
    if manifest is None:
        return None
    if pointer.rebuild_note(settings).exists():
        return None
    state = Journal(settings.journal).replay()
    if manifest.get("position") != state.position:
        return None
    if manifest.get("reference_fingerprint") != fingerprints.reference(settings):
        return None
    if manifest.get("code_fingerprint") != fingerprints.code(settings):
        return None
    scan = archive.scan(settings, state)
    unreadable = [found.path for found in scan.changed if not archive.may_read(settings, found)]
    if len(unreadable) < len(scan.changed):
        return None
    return NothingNew(version, base, tuple(scan.unsettled), (*unreadable, *scan.unreadable))


# ------------------------------------------------------------------------------------------------------- the whole


@dataclass
class RefreshReport:
    """What a refresh did. `status`: published, nothing_new, failed; JSON by `as_dict`.

    `published` is the new version's name or None; `serving` the one readers see now. `reason_zh` and `reason_en`
    say why nothing was published.
    """

    status: str
    published: str | None = None
    serving: str | None = None
    reason_zh: str | None = None
    reason_en: str | None = None
    reception: dict[str, Any] = field(default_factory=dict)
    ingest: dict[str, Any] = field(default_factory=dict)
    build: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status != "failed"

    @property
    def received(self) -> list[dict[str, Any]]:
        return self.reception.get("received", [])

    @property
    def ignored(self) -> list[str]:
        return [*self.reception.get("ignored", []), *self.ingest.get("seen_again", [])]

    @property
    def rejected(self) -> list[dict[str, Any]]:
        return self.ingest.get("rejected", [])

    @property
    def issues(self) -> dict[str, int]:
        return self.ingest.get("issues", {})

    @property
    def observations(self) -> int:
        return int(self.ingest.get("observations", 0))

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


def build_summary(result: BuildResult) -> dict[str, Any]:
    """What a report keeps of a build: counts, failures and warnings with their rows."""
    listed = [*result.failures, *result.warnings]
    return {
        "ok": result.ok,
        "seconds": result.seconds,
        "nodes": result.counts(),
        "since": result.since,
        "whole": result.whole,
        "error": result.error,
        "findings": [
            {
                "name": node.name,
                "type": node.resource_type,
                "status": node.status,
                "message": node.message,
                "rows": node.failures,
                "sample": node.sample,
            }
            for node in listed
        ],
    }


def run_refresh(settings: Settings, progress: Progress | None = None, *, wait_s: float = 0.0) -> RefreshReport:
    """Receive, read, audit, build, test, publish: one refresh without Dagster.

    Nothing is published where the build or one of its tests fails; the report says which. Raises LockHeld where
    another refresh is at work, ReferenceError where the reference data cannot be used, WarehouseError where disk or
    archive are at fault; what was published before serves on, and what was received stays received.
    """
    with refresh_lock(settings, wait_s=wait_s):
        return _refresh(settings, progress)


def _refresh(settings: Settings, progress: Progress | None) -> RefreshReport:
    seconds: dict[str, float] = {}
    tell = progress or (lambda *_: None)

    def timed(step: str, function: Callable[[], T]) -> T:
        tell(step, 0, 0, "")
        started = time.monotonic()
        try:
            return function()
        finally:
            seconds[step] = round(time.monotonic() - started, 3)

    with Readers(settings) as readers:
        received = timed("receive", lambda: receive(settings, readers))
        report = RefreshReport("failed", reception=asdict(received), seconds=seconds)
        if nothing_new(settings):
            return _nothing(settings, report)
        ingest = timed("read", lambda: ingest_pending(settings, progress, readers))
    report.ingest = asdict(ingest)
    if nothing_new(settings):
        return _nothing(settings, report)
    result = timed("build", lambda: build(settings, progress))
    report.build = build_summary(result)
    try:
        report.published = timed("publish", lambda: publish(settings, result, manifest_report(received, ingest)))
        report.status = "published"
    except WarehouseError as error:
        report.reason_zh, report.reason_en = error.message_zh, error.message_en
    report.serving = pointer.current_version(settings)
    return report


def manifest_report(received: Reception, ingest: IngestReport) -> dict[str, Any]:
    """What the manifest keeps of the refresh that made the version."""
    return {
        "received": len(received.received),
        "submissions": len(ingest.submissions),
        "rejected": [{"file_name": entry["file_name"], "messages": entry["messages"]} for entry in ingest.rejected],
        "ignored": len(received.ignored) + len(ingest.seen_again),
        "withdrawn": ingest.withdrawn,
        "observations": ingest.observations,
        "issues": ingest.issues,
        "rebuilt": ingest.rebuilt,
    }


def _nothing(settings: Settings, report: RefreshReport) -> RefreshReport:
    report.status = "nothing_new"
    report.serving = pointer.current_version(settings)
    report.reason_zh, report.reason_en = render("warehouse.nothing_new", version=report.serving)
    return report


def rebuild(settings: Settings, progress: Progress | None = None, *, wait_s: float = 0.0) -> RefreshReport:
    """Everything again from the archive: the work database is made anew, then a refresh as always.

    The former version serves until the new one is published; where nothing differs, the marts come out the same.
    """
    with refresh_lock(settings, wait_s=wait_s):
        discard_work(settings)
        return _refresh(settings, progress)


@_explains("rebuild")
def discard_work(settings: Settings) -> None:
    """Forget the work database, so that the next refresh reads everything again and publishes.

    The served version's manifest is not touched: a note in `work/` makes `nothing_new` say no.
    """
    from dagster_project.warehouse import store

    discard_kept(settings)
    store.discard(settings)


@_explains("rebuild")
def discard_kept(settings: Settings) -> None:
    """Forget what is kept of earlier years, so that the next refresh makes every mart anew and publishes."""
    from dagster_project.warehouse import increments

    settings.work.mkdir(parents=True, exist_ok=True)
    pointer.rebuild_note(settings).touch()
    increments.forget(settings)


@_explains("compare")
def compare(settings: Settings, progress: Callable[[str], None] | None = None) -> list[Difference] | None:
    """The newest version held against marts made whole, cell by cell; None where something new waits, since the work
    database may then be ahead. Where they differ, what is kept is forgotten. The caller holds the refresh lock."""
    from dagster_project.warehouse import increments

    if nothing_new(settings) is None:
        return None
    found = increments.compare(settings, progress)
    if found:
        discard_kept(settings)
    return found


withdraw = _explains("withdraw")(withdrawal.withdraw)
