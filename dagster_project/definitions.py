"""Dagster's Definitions, assembled; nothing else stands here.

`build_defs(settings)` is what tests and the command line call; `defs` is what Dagster loads, and is only evaluated
then. https://docs.dagster.io/guides/build/projects-and-components
"""

from __future__ import annotations

from pathlib import Path

from dagster import Definitions, JobDefinition, ScheduleDefinition, definitions, in_process_executor
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from dagster_project.orchestration.alerting import alert_sensor
from dagster_project.orchestration.assets import build_assets
from dagster_project.orchestration.checks import CALENDAR, calendar_checks, calendar_job
from dagster_project.orchestration.chores import (
    BULLETIN,
    COMPARE,
    REMINDERS,
    RETENTION,
    bulletin_job,
    compare_job,
    month_end_job,
    rebuild_job,
    reminders_job,
    retention_job,
)
from dagster_project.orchestration.jobs import refresh_job
from dagster_project.orchestration.manifest import ensure_manifest
from dagster_project.orchestration.schedules import daily_refresh, monthly_calendar
from dagster_project.orchestration.sensors import inbox_sensor
from dagster_project.orchestration.session import SESSION, Session, session_resource
from dagster_project.reference import ReferenceError, load_reference
from dagster_project.settings import PROJECT_ROOT, Settings, load_settings


def build_defs(settings: Settings, session: Session | None = None) -> Definitions:
    """All of Dagster for one home. Parses the dbt project where it has changed; runs nothing.

    `session`: the one that the caller will read after the run; by default each run makes its own.
    """
    job = refresh_job()
    calendar: dict[str, JobDefinition | UnresolvedAssetJobDefinition] = {
        REMINDERS: reminders_job(settings),
        CALENDAR: calendar_job(),
        BULLETIN: bulletin_job(settings),
        RETENTION: retention_job(settings),
        COMPARE: compare_job(settings),
    }

    def schedules(seeds: Path) -> list[ScheduleDefinition]:
        reference = load_reference(seeds)
        return [daily_refresh(settings, reference, job), *monthly_calendar(settings, reference, calendar)]

    try:
        by_the_clock = schedules(settings.seeds)
    except ReferenceError:
        # A run must begin to say in its own words what is wrong with the reference data; until that is put right the clock
        # goes by the program's own.
        by_the_clock = schedules(PROJECT_ROOT / "seeds" / "reference")
    return Definitions(
        assets=build_assets(ensure_manifest(settings)),
        asset_checks=calendar_checks(settings),
        jobs=[job, rebuild_job(), *calendar.values(), month_end_job(settings)],
        schedules=by_the_clock,
        sensors=[inbox_sensor(settings, job), alert_sensor(settings)],
        resources={SESSION: session_resource(settings, session)},
        # One process, whatever is materialized and from where: see jobs.py.
        executor=in_process_executor,
    )


@definitions
def defs() -> Definitions:
    return build_defs(load_settings())
