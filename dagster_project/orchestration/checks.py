"""Asset checks by the calendar: completeness of reports, freshness of what is served.

Belongs here: checks that time alone can turn, so that a refresh does not judge them. Does not belong here: tests of the marts
(dbt), what is due (alerts/due.py). https://docs.dagster.io/guides/test/asset-checks
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetKey,
    AssetSelection,
    asset_check,
    define_asset_job,
    in_process_executor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from dagster_project.alerts import due
from dagster_project.commands.texts import Texts
from dagster_project.orchestration.chores import due_table, told
from dagster_project.orchestration.translator import PUBLISHED_VERSION
from dagster_project.reference import load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse import archive, pointer

COMPLETENESS = AssetKey(["marts", "fct_completeness"])
CHECKS = [AssetCheckKey(COMPLETENESS, "reported_when_due"), AssetCheckKey(PUBLISHED_VERSION, "fresh")]
CALENDAR = "calendar_checks"
LISTED = 10
DO = "run.next_check"


def completeness(settings: Settings, today: date) -> AssetCheckResult:
    """Whether everybody has reported what was due within the last month."""
    with told(settings, DO):
        owed = due.overdue(settings, load_reference(settings.seeds), today)
    texts = Texts(settings.seeds)
    silent = sum(len(entry.silent) for entry in owed)
    return AssetCheckResult(
        asset_key=COMPLETENESS,
        check_name="reported_when_due",
        passed=not owed,
        severity=AssetCheckSeverity.WARN,
        description=texts.lines("run.check_owed", count=silent) if owed else texts.lines("run.check_reported"),
        metadata={"overdue": silent, "owed": due_table(owed)},
    )


def freshness(settings: Settings, now: float) -> AssetCheckResult:
    """Whether a version serves and nothing has waited in the inbox for longer than `stale_after_hours`."""
    with told(settings, DO):
        hours = float(load_reference(settings.seeds).setting("stale_after_hours", "24"))
    texts = Texts(settings.seeds)
    problems: list[str] = []
    version = pointer.current_version(settings)
    manifest = pointer.read_manifest(settings, version) if version else None
    if version is None or manifest is None or not pointer.is_served(settings):
        problems.append(texts.lines("run.check_no_version"))
    state = archive.Journal(settings.journal).replay()
    found = archive.scan(settings, state)
    # A file keeps the time of its writer: what counts is since when it can have been seen, the version's own time.
    since = datetime.fromisoformat(manifest["created_at"]).replace(tzinfo=UTC).timestamp() if manifest else now
    waiting = [entry.path for entry in found.changed if now - max(since, entry.mtime_ns / 1e9) > hours * 3600]
    if waiting:
        names = ", ".join(waiting[:LISTED])
        problems.append(texts.lines("run.check_waiting", count=len(waiting), hours=f"{hours:g}", files=names))
    if found.unreadable:
        problems.append(texts.lines("run.check_unreadable", files=", ".join(found.unreadable[:LISTED])))
    return AssetCheckResult(
        asset_key=PUBLISHED_VERSION,
        check_name="fresh",
        passed=not problems,
        severity=AssetCheckSeverity.WARN,
        description="\n".join(problems) or texts.lines("run.check_served"),
        metadata={"version": version or "-", "waiting": len(waiting), "age_hours": round((now - since) / 3600, 1)},
    )


def calendar_checks(settings: Settings) -> list[AssetChecksDefinition]:
    """The two checks of one home."""

    @asset_check(asset=COMPLETENESS, name="reported_when_due", description="Everybody has reported what was due.")
    def reported_when_due() -> AssetCheckResult:
        return completeness(settings, due.local_today(load_reference(settings.seeds)))

    @asset_check(asset=PUBLISHED_VERSION, name="fresh", description="A version serves, and nothing waits for long.")
    def fresh() -> AssetCheckResult:
        return freshness(settings, time.time())

    return [reported_when_due, fresh]


def calendar_job() -> UnresolvedAssetJobDefinition:
    """Both checks; no asset is made."""
    return define_asset_job(
        CALENDAR,
        selection=AssetSelection.checks(*CHECKS),
        executor_def=in_process_executor,
        description="Completeness and freshness, by the calendar.",
    )
