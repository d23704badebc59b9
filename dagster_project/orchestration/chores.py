"""Jobs beside the refresh: rebuild, reminders, bulletin draft, retention, the marts as of a month's end.

Belongs here: thin jobs of one step, what they tell in the UI, what a person must do where they fail. Does not belong here:
the work itself (warehouse/, alerts/, commands/), when they run (schedules.py).
https://docs.dagster.io/guides/build/ops

No postponed annotations here: Dagster reads the type of `context` when it meets a function.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from dagster import (
    AssetSelection,
    Backoff,
    DagsterInstance,
    DagsterRunStatus,
    Failure,
    JobDefinition,
    MetadataValue,
    MonthlyPartitionsDefinition,
    OpDefinition,
    OpExecutionContext,
    RetryPolicy,
    RunsFilter,
    define_asset_job,
    in_process_executor,
    job,
    op,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from dagster_project.alerts import due, send, texts
from dagster_project.commands.texts import CommandError, Texts
from dagster_project.orchestration.metadata import markdown_table
from dagster_project.orchestration.session import REBUILD_TAG
from dagster_project.reference import Reference, ReferenceError, load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse import as_of, lock, refresh, retention
from dagster_project.warehouse.archive import Journal
from dagster_project.warehouse.errors import WarehouseError

REMINDERS, BULLETIN, RETENTION, MONTH_END, REBUILD, COMPARE = (
    "due_day_reminders",
    "bulletin_draft",
    "retention",
    "as_of_month_end",
    "rebuild",
    "compare",
)
FINISHED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
# The network to a messaging service stumbles; the lock of a home is held by a refresh.
AGAIN = RetryPolicy(max_retries=3, delay=60, backoff=Backoff.EXPONENTIAL)


class NotTold(RuntimeError):
    """Channels did not take the reminder; worth trying again."""


def problem(texts: Texts, error: Exception) -> str:
    """What is wrong, in both languages; of reference data also what mends it after a new program."""
    if isinstance(error, CommandError):
        return texts.lines(error.key, **error.fields)
    if isinstance(error, ReferenceError):
        return f"{texts.lines('cli.reference_error', problem=error)}\n{texts.lines('upgrade.hint')}"
    return str(error)


@contextmanager
def told(settings: Settings, what_to_do: str) -> Iterator[None]:
    """What people can put right fails the run with its own words and what to do (a row of messages.csv), without a retry."""
    try:
        yield
    except (WarehouseError, ReferenceError, CommandError) as error:
        texts = Texts(settings.seeds)
        raise Failure(f"{problem(texts, error)}\n\n{texts.lines(what_to_do)}", allow_retries=False) from error


def _job(name: str, description: str, step: OpDefinition, **options: Any) -> JobDefinition:
    @job(name=name, description=description, executor_def=in_process_executor, **options)
    def made() -> None:
        step()

    return made


# ----------------------------------------------------------------------------------------------------------- rebuild


def rebuild_job() -> UnresolvedAssetJobDefinition:
    """The refresh, after the work database was forgotten: everything is read again from the archive."""
    return define_asset_job(
        REBUILD,
        selection=AssetSelection.all(),
        executor_def=in_process_executor,
        tags={REBUILD_TAG: "true"},
        description="Everything again from archive/, then published; the present version serves meanwhile (tew rebuild).",
    )


# ----------------------------------------------------------------------------------------------------------- compare


def compare_job(settings: Settings) -> JobDefinition:
    """The published version held against marts made whole: refreshes keep the years that nothing touched."""

    @op(name="compare_with_whole")
    def step(context: OpExecutionContext) -> None:
        what_to_do = "Nothing was changed. Put right what is named here; the next week tries again (tew compare)."
        with told(settings, what_to_do), lock.refresh_lock(settings, wait_s=1800.0):
            found = refresh.compare(settings, _logging(context))
        if found:
            named = "; ".join(f"{one.table} ({one.published} / {one.whole} rows)" for one in found)
            raise Failure(
                f"The published marts differ from a whole build: {named}. The next refresh makes everything anew; "
                "pass this on to whoever maintains the system.",
                allow_retries=False,
            )
        context.add_output_metadata({"equal": "something new waits, not compared" if found is None else "every cell"})

    return _job(COMPARE, "Makes all marts whole beside the published ones and fails where a cell differs.", step)


# --------------------------------------------------------------------------------------------------------- reminders


@dataclass(frozen=True)
class Reminded:
    """What one look at the calendar found and told."""

    owed: list[due.Due]
    done: send.Sent


def remind(settings: Settings, today: date) -> Reminded:
    """Tell the channels what is due; raises NotTold where one did not take it and will be tried again."""
    owed = due.reminders(settings, load_reference(settings.seeds), today)
    done = send.Sent()
    if owed:
        done = send.tell(settings, "due", f"due {today.isoformat()}", texts.due(settings, today, owed))
    if done.failed:
        problems = "; ".join(f"{name}: {problem}" for name, problem in done.failed.items())
        raise NotTold(f"{problems}. Check alerts.toml and the network: tew alert test")
    return Reminded(owed, done)


def due_table(owed: list[due.Due]) -> MetadataValue:
    """Forms with their due day and who owes them, for the run's page."""
    rows = [
        (
            entry.form_code,
            f"{entry.period:%Y-%m}",
            entry.due_on.isoformat(),
            f"{len(entry.silent)}/{entry.expected}",
            ", ".join(entry.silent_names("zh")[: texts.NAMES]),
        )
        for entry in owed
    ]
    return MetadataValue.md(markdown_table(["form", "month", "due", "not reported", "who"], rows) or "-")


def reminders_job(settings: Settings) -> JobDefinition:
    """Once a day: on the days of `reminder_days`, who has not reported what is due."""

    @op(name="remind", retry_policy=AGAIN)
    def step(context: OpExecutionContext) -> None:
        with told(settings, "run.next_reminders"):
            found = remind(settings, due.local_today(load_reference(settings.seeds)))
        context.add_output_metadata(
            {"forms": len(found.owed), "told": ", ".join(found.done.sent) or "-", "owed": due_table(found.owed)}
        )

    return _job(REMINDERS, "Tells the channels of alerts.toml what is due and who has not reported.", step)


# ---------------------------------------------------------------------------------------------------- bulletin draft


def draft_bulletin(settings: Settings, period: date) -> tuple[Path, list[str]]:
    """The bulletin of a month into drafts/, and what was left out of it. Raises CommandError, NothingPublished."""
    from dagster_project.commands import bulletin

    return bulletin.write_draft(settings, period, settings.home / retention.DRAFTS)


def bulletin_job(settings: Settings) -> JobDefinition:
    """The draft of last month's bulletin, to be edited by people."""

    @op(name="draft")
    def step(context: OpExecutionContext) -> None:
        today = due.local_today(load_reference(settings.seeds))
        period = due.add_months(today.replace(day=1), -1)
        with told(settings, "run.next_draft"):
            target, dropped = draft_bulletin(settings, period)
        context.add_output_metadata(
            {
                "file": target.relative_to(settings.home).as_posix(),
                "sentences_left_out": "; ".join(dropped) or "-",
            }
        )

    return _job(BULLETIN, "Drafts last month's bulletin into drafts/ of the home.", step)


# --------------------------------------------------------------------------------------------------------- retention


def forget_runs(instance: DagsterInstance, before: datetime, limit: int = 500) -> int:
    """Remove records and captured output of finished runs older than `before`; returns how many."""
    removed = 0
    for run in instance.get_runs(RunsFilter(statuses=FINISHED, created_before=before), limit=limit):
        instance.compute_log_manager.delete_logs(prefix=[run.run_id])
        instance.delete_run(run.run_id)
        removed += 1
    return removed


def retention_job(settings: Settings) -> JobDefinition:
    """Old versions, as-of files, logs, drafts and records of runs."""

    @op(name="sweep", retry_policy=RetryPolicy(max_retries=2, delay=600))
    def step(context: OpExecutionContext) -> None:
        with told(settings, "run.next_retention"):
            reference = load_reference(settings.seeds)
            done = retention.sweep(settings, int(reference.setting("keep_log_days", "90")))
            days = int(reference.setting("keep_run_days", "400"))
            runs = forget_runs(context.instance, datetime.now(UTC) - timedelta(days=days))
        context.add_output_metadata({"removed": "\n".join(done.removed) or "-", "bytes": done.bytes, "runs": runs})

    return _job(
        RETENTION, "Removes old versions, as-of files, logs, drafts and records of runs; never the archive.", step
    )


# --------------------------------------------------------------------------------------------------------- month ends


def first_month(settings: Settings) -> date:
    """The month of the first receipt, which is as far back as anything was known; else this one."""
    received = Journal(settings.journal).replay().received.values()
    first = min((entry.received_at for entry in received), default=None)
    return (first.date() if first else datetime.now(UTC).date()).replace(day=1)


def month_end_job(settings: Settings) -> JobDefinition:
    """The marts as they stood at a month's end, one partition a month: Dagster's backfill makes a row of them."""

    @op(name="as_of")
    def step(context: OpExecutionContext) -> None:
        day = due.month_end(date.fromisoformat(context.partition_key))
        began = time.monotonic()
        with told(settings, "run.next_as_of"):
            made = as_of.make(settings, day, wait_s=1800.0, progress=_logging(context))
        context.add_output_metadata(
            {"file": made.relative_to(settings.home).as_posix(), "seconds": round(time.monotonic() - began, 1)}
        )

    months = MonthlyPartitionsDefinition(start_date=first_month(settings).isoformat())
    return _job(
        MONTH_END,
        "The marts as they stood at the end of a month (tew as-of), beside the version.",
        step,
        partitions_def=months,
    )


def _logging(context: OpExecutionContext) -> Callable[[str], None]:
    def report(message: str) -> None:
        context.log.debug(message)

    return report


def bulletin_day(reference: Reference) -> int:
    """Day of the month on which the bulletin is drafted; ReferenceError for one that not every month has."""
    text = reference.setting("bulletin_day", "10")
    if not text.isdigit() or not 1 <= int(text) <= 28:
        raise ReferenceError(f"settings.csv, bulletin_day: read {text!r}, expected a day from 1 to 28")
    return int(text)
