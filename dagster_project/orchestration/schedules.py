"""Schedules: the daily refresh, and the monthly calendar of checks, reminders, the bulletin's draft and retention.

Belongs here: when the job runs by the clock. Does not belong here: what it does (jobs.py, assets.py).
https://docs.dagster.io/guides/automate/schedules
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dagster import (
    DefaultScheduleStatus,
    JobDefinition,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    schedule,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from dagster_project.orchestration.checks import CALENDAR
from dagster_project.orchestration.chores import BULLETIN, COMPARE, REMINDERS, RETENTION, bulletin_day
from dagster_project.reference import Reference, ReferenceError
from dagster_project.settings import Settings
from dagster_project.warehouse.refresh import nothing_new

DEFAULT_TIME = "06:00"
DEFAULT_ZONE = "Asia/Shanghai"


def cron_of(time_of_day: str, key: str = "daily_refresh_at") -> str:
    """`06:00` → `0 6 * * *`; raises ReferenceError for anything that is no time of day."""
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", time_of_day.strip())
    if match is None:
        raise ReferenceError(f"settings.csv, {key}: read {time_of_day!r}, expected a time such as 06:00")
    return f"{int(match[2])} {int(match[1])} * * *"


def daily_refresh(settings: Settings, reference: Reference, job: UnresolvedAssetJobDefinition) -> ScheduleDefinition:
    """The job once a day at the hour of settings.csv; skipped, with the reason, where nothing is new."""

    @schedule(
        name="daily_refresh",
        job=job,
        cron_schedule=cron_of(reference.setting("daily_refresh_at", DEFAULT_TIME)),
        execution_timezone=reference.setting("time_zone", DEFAULT_ZONE),
        default_status=DefaultScheduleStatus.RUNNING,
        description="Takes in what is new once a day, also what the inbox sensor left after a failed run.",
    )
    def daily(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
        if nothing_new(settings):
            return SkipReason("Nothing new in inbox, archive and reference data.")
        day = context.scheduled_execution_time.date().isoformat()
        return RunRequest(run_key=f"daily-{day}", tags={"tew/trigger": "daily_refresh"})

    return daily


def monthly_calendar(
    settings: Settings, reference: Reference, jobs: Mapping[str, JobDefinition | UnresolvedAssetJobDefinition]
) -> list[ScheduleDefinition]:
    """Checks and reminders once a day at `reminders_at`, the draft on `bulletin_day`, retention in the night.

    Each step decides by the calendar of forms whether the day is one of its own.
    """
    zone = reference.setting("time_zone", DEFAULT_ZONE)
    minute, hour, *_ = cron_of(reference.setting("reminders_at", "09:00"), "reminders_at").split()
    crons = {
        CALENDAR: (f"{minute} {hour} * * *", "Completeness and freshness, once a day."),
        REMINDERS: (f"{minute} {hour} * * *", "On the days of reminder_days: what is due, and who has not reported."),
        BULLETIN: (f"{minute} {hour} {bulletin_day(reference)} * *", "The draft of last month's bulletin."),
        RETENTION: ("30 3 * * *", "Clears away what is not needed any more."),
        COMPARE: ("30 4 * * 0", "On Sundays: is what refreshes published what a whole build gives?"),
    }
    return [
        ScheduleDefinition(
            name=f"{name}_schedule",
            job=jobs[name],
            cron_schedule=cron,
            execution_timezone=zone,
            default_status=DefaultScheduleStatus.RUNNING,
            description=description,
        )
        for name, (cron, description) in crons.items()
    ]
