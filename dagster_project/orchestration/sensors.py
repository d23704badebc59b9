"""Sensors: the inbox sensor, which launches a refresh when files have arrived.

Belongs here: when the job runs by what has happened. Does not belong here: what a refresh does (assets.py), what
counts as a delivery (warehouse/archive.py). https://docs.dagster.io/guides/automate/sensors

The cursor is the content, not the time, of what waits: a file that is touched, or sent again while it waits,
launches nothing twice. One run at a time: while a refresh is at work on the home, whoever started it, the sensor waits.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from dagster import (
    DagsterInstance,
    DefaultSensorStatus,
    RunRequest,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from dagster_project.orchestration.instance import KILLED_TAG, PROCESS_TAG, UNFINISHED, fail_dead_runs
from dagster_project.settings import Settings
from dagster_project.warehouse import archive, lock
from dagster_project.warehouse.refresh import nothing_new

MINIMUM_INTERVAL_S = 30
# The same content is launched again after a kill, but not for ever: a workbook may be what kills.
MAX_LAUNCHES = 3

# path → (size, modification time in ns, SHA-256): what the last tick hashed
Hashed = dict[str, tuple[int, int, str]]


@dataclass(frozen=True)
class Cursor:
    """What the last ticks know: hashes of waiting files; the key last launched, how often, with which reference data."""

    hashed: Hashed
    key: str = ""
    launches: int = 0
    reference: str = ""

    @staticmethod
    def load(text: str | None) -> Cursor:
        """An unreadable cursor is an empty one: at worst files are hashed once more."""
        try:
            data = json.loads(text or "{}")
            hashed = {path: (int(size), int(mtime), str(sha)) for path, (size, mtime, sha) in data["hashed"].items()}
            return Cursor(hashed, str(data["key"]), int(data["launches"]), str(data["reference"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return Cursor({})

    def dump(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


def split_settled(
    found: Iterable[archive.Found], now: float, settle_s: float
) -> tuple[list[archive.Found], list[archive.Found]]:
    """(settled, still young): a file counts once its last change is `settle_s` seconds old. `now` in seconds.

    A time in the future is a wrong clock, not a file being written.
    """
    settled: list[archive.Found] = []
    young: list[archive.Found] = []
    for entry in found:
        age = now - entry.mtime_ns / 1e9
        (young if 0 <= age < settle_s else settled).append(entry)
    return settled, young


def hash_files(settings: Settings, found: Iterable[archive.Found], known: Mapping[str, tuple[int, int, str]]) -> Hashed:
    """SHA-256 of each file, taken from `known` where size and time are the same; unreadable files are left out."""
    result: Hashed = {}
    for entry in found:
        before = known.get(entry.path)
        if before is not None and before[:2] == (entry.size, entry.mtime_ns):
            result[entry.path] = before
            continue
        try:
            with (settings.inbox / entry.path).open("rb") as handle:
                sha = hashlib.file_digest(handle, "sha256").hexdigest()
        except OSError:
            continue
        result[entry.path] = (entry.size, entry.mtime_ns, sha)
    return result


def content_key(hashed: Hashed, position: str, reference: str) -> str:
    """Names what waits: the files' contents by path, the journal's position, the reference data."""
    digest = hashlib.sha256()
    for path in sorted(hashed):
        digest.update(f"{path}\0{hashed[path][2]}\n".encode())
    digest.update(f"{position}\n{reference}".encode())
    return digest.hexdigest()[:32]


def was_cut_short(instance: DagsterInstance, run_key: str) -> bool:
    """Whether the last run of a key ended because its process died, or never came to have one (a machine too busy to answer)."""
    runs = instance.get_runs(RunsFilter(tags={"dagster/run_key": run_key}), limit=1)
    return bool(runs) and (runs[0].tags.get(KILLED_TAG) == "true" or PROCESS_TAG not in runs[0].tags)


def evaluate(settings: Settings, instance: DagsterInstance, cursor_text: str | None, now: float) -> SensorResult:
    """One tick: a run request, or the reason why not, and the next cursor."""
    from dagster_project.reference import fingerprint

    cursor = Cursor.load(cursor_text)
    fail_dead_runs(instance)
    if instance.get_runs(RunsFilter(statuses=UNFINISHED), limit=1) or lock.is_locked(settings):
        return SensorResult(skip_reason=SkipReason("A refresh is at work on this home."), cursor=cursor.dump())
    if nothing_new(settings):
        return SensorResult(skip_reason=SkipReason("Nothing new."), cursor=Cursor({}).dump())
    state = archive.Journal(settings.journal).replay()
    settled, young = split_settled(archive.scan(settings, state).changed, now, settings.settle_seconds)
    hashed = hash_files(settings, settled, cursor.hashed)
    cursor = replace(cursor, hashed=hashed)
    if young:
        names = ", ".join(entry.path for entry in young[:5])
        return SensorResult(skip_reason=SkipReason(f"Still being written: {names}"), cursor=cursor.dump())
    reference = fingerprint(settings.seeds)
    # Files that a failed run had received stand in the archive, no longer before it: they are still the same key.
    is_left_over = not hashed and cursor.launches > 0 and reference == cursor.reference
    key = cursor.key if is_left_over else content_key(hashed, state.position, reference)
    launches = cursor.launches if key == cursor.key else 0
    if launches and not was_cut_short(instance, f"{key}-{launches}"):
        reason = "The last run of the same files failed; it is tried again when something changes, or daily."
        return SensorResult(skip_reason=SkipReason(reason), cursor=cursor.dump())
    if launches >= MAX_LAUNCHES:
        reason = (
            f"{launches} runs of the same files were killed or never began; run `tew refresh` and look at the machine."
        )
        return SensorResult(skip_reason=SkipReason(reason), cursor=cursor.dump())
    launches += 1
    request = RunRequest(run_key=f"{key}-{launches}", tags={"tew/trigger": "inbox_sensor"})
    return SensorResult(run_requests=[request], cursor=Cursor(hashed, key, launches, reference).dump())


def inbox_sensor(settings: Settings, job: UnresolvedAssetJobDefinition) -> SensorDefinition:
    """The sensor of one home; all it decides is in `evaluate`."""

    @sensor(
        name="inbox_sensor",
        job=job,
        minimum_interval_seconds=MINIMUM_INTERVAL_S,
        default_status=DefaultSensorStatus.RUNNING,
        description="Launches a refresh when settled files with new content stand in the inbox.",
    )
    def inbox(context: SensorEvaluationContext) -> SensorResult:
        return evaluate(settings, context.instance, context.cursor, time.time())

    return inbox
