"""The sensor that tells people: of runs that failed, of refreshes that took in errors.

Belongs here: which finished run is told, with what facts. Does not belong here: texts and sending (alerts/).

It looks at all finished runs, also those that `tew refresh` made in its own process or that a kill ended, which Dagster's own
run status sensors do not see. A failure that says the same as one of the last hours is not told again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster import (
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRecord,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from dagster_project.alerts import send, texts
from dagster_project.orchestration.translator import PUBLISHED_VERSION, RAW_OBSERVATIONS
from dagster_project.settings import Settings

MINIMUM_INTERVAL_S = 60
LOOKED_AT = 50
# The same words again within a day are the same event.
SAME_HOURS = 20
# Tried again with the next ticks for so long, then given up; what is remembered by then is not told twice.
OVERLAP = timedelta(minutes=10)
ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]


def reason(instance: DagsterInstance, run_id: str) -> str:
    """Why a run failed: the first step's own words, else what kept it from beginning, else what the run says of itself."""
    for kind in (DagsterEventType.STEP_FAILURE, DagsterEventType.ENGINE_EVENT, DagsterEventType.RUN_FAILURE):
        for entry in instance.all_logs(run_id, of_type=kind):
            event = entry.get_dagster_event()
            if kind is DagsterEventType.STEP_FAILURE:
                data = event.step_failure_data
                if data.user_failure_data is not None and data.user_failure_data.description:
                    return str(data.user_failure_data.description)
                if data.error is not None:
                    cause = data.error.cause or data.error
                    return str(cause.message).strip()
            elif kind is DagsterEventType.ENGINE_EVENT:
                if event.engine_event_data.error is not None:
                    return str(event.engine_event_data.error.message).strip()
            elif event.message:
                return str(event.message)
    return "-"


def facts(instance: DagsterInstance, run_id: str) -> dict[str, Any]:
    """What a refresh took in and published, from its events; empty where it published nothing."""
    found: dict[str, Any] = {}
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION):
        event = entry.get_dagster_event()
        if event.asset_key in (RAW_OBSERVATIONS, PUBLISHED_VERSION):
            metadata = event.step_materialization_data.materialization.metadata
            found |= {str(name): value.value for name, value in metadata.items()}
    return found if "version" in found else {}


def rejected_files(table: str) -> list[str]:
    """File names of a metadata table `rejected` (metadata.ingest), each once."""
    rows = [line.split(" | ")[0].lstrip("| ") for line in table.splitlines()[2:] if line.startswith("| ")]
    return list(dict.fromkeys(rows))


def tell_run(settings: Settings, instance: DagsterInstance, record: RunRecord) -> send.Sent:
    """Tell what one finished run is worth telling."""
    run = record.dagster_run
    if run.status is DagsterRunStatus.FAILURE:
        why = reason(instance, run.run_id)
        when = datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC)
        part = int(when.timestamp() // (SAME_HOURS * 3600))
        key = f"failed {run.job_name} {hashlib.sha256(why.encode()).hexdigest()[:16]} {part}"
        said = texts.failed(settings, run.job_name, f"{when:%Y-%m-%d %H:%M} UTC", why, run.run_id)
        return send.tell(settings, "failed", key, said)
    found = facts(instance, run.run_id)
    if not found or not (found.get("issues_error") or found.get("files_rejected")):
        return send.Sent()
    counts = {
        "submissions": found.get("submissions", 0),
        "errors": found.get("issues_error", 0),
        "warnings": found.get("issues_warning", 0),
        "quarantined": found.get("quarantined", 0),
        "rejected": found.get("files_rejected", 0),
    }
    names = rejected_files(str(found.get("rejected", "")))
    said = texts.errors(settings, str(found["version"]), counts, names)
    return send.tell(settings, "errors", f"errors {found['version']}", said)


def evaluate(settings: Settings, instance: DagsterInstance, cursor: str | None, now: datetime) -> tuple[str, str]:
    """One tick: the next cursor, and what it did in words. The first tick tells nothing of what was before it."""
    from dagster_project.alerts.channels import load

    if not load(settings).channels:
        return json.dumps({"since": now.isoformat()}), "No channel in alerts.toml."
    try:
        since = datetime.fromisoformat(json.loads(cursor or "{}")["since"])
    except (ValueError, KeyError, TypeError):
        return json.dumps({"since": now.isoformat()}), "Begins to watch now."
    records = instance.get_run_records(
        RunsFilter(statuses=ENDED, updated_after=since - OVERLAP), limit=LOOKED_AT, order_by="update_timestamp"
    )
    told, failed = _tell_all(settings, instance, reversed(list(records)), since)
    words = f"Told {told} messages." + (f" Not taken: {'; '.join(failed)}" if failed else "")
    return json.dumps({"since": now.isoformat()}), words


def _tell_all(
    settings: Settings, instance: DagsterInstance, records: Iterable[RunRecord], since: datetime
) -> tuple[int, list[str]]:
    told, failed = 0, []
    for record in records:
        if (record.end_time or 0) < (since - OVERLAP).timestamp():
            continue
        done = tell_run(settings, instance, record)
        told += len(done.sent)
        failed += [f"{name}: {problem}" for name, problem in done.failed.items()]
    return told, failed


def alert_sensor(settings: Settings) -> SensorDefinition:
    """The sensor of one home; it launches nothing."""

    @sensor(
        name="alert_sensor",
        minimum_interval_seconds=MINIMUM_INTERVAL_S,
        default_status=DefaultSensorStatus.RUNNING,
        description="Tells the channels of alerts.toml of failed runs and of refreshes that took in errors.",
    )
    def alert(context: SensorEvaluationContext) -> SkipReason:
        cursor, words = evaluate(settings, context.instance, context.cursor, datetime.now(UTC))
        context.update_cursor(cursor)
        return SkipReason(words)

    return alert
