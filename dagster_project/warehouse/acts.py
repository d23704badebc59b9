"""What people say about an issue: an explanation, or that it is accepted, with a reason; kept in the archive's journal.

Belongs here: saying it (the command line and the dashboard call these functions), and the rows of raw.act that dbt
reads. Does not belong here: who may say it (dashboard/access), what it changes (dbt: stg_act, stg_observation).

An accepted error puts its cell in force from that moment on, where no other error holds the cell back; the version that
was held back stays visible with its issue. Later deliveries meet what was accepted before them: as history, and as an
answer to the same question (audit/acceptance.py). Nothing changes before the next refresh, and a rebuild replays all of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dagster_project.settings import Settings
from dagster_project.warehouse.archive import Event, Journal
from dagster_project.warehouse.errors import WarehouseError
from dagster_project.warehouse.read import PublishedReader

ACCEPTED = "accepted"
EXPLAINED = "explained"
KINDS = (ACCEPTED, EXPLAINED)


def accept(
    settings: Settings, submission_id: str, cell: str, rule: str, reason: str, by: str, sheet: str | None = None
) -> Event:
    """Section staff take an issue as it is. Raises WarehouseError: no such issue, more than one, no reason, no person."""
    return _say(settings, ACCEPTED, submission_id, cell, rule, reason, by, sheet)


def explain(
    settings: Settings, submission_id: str, cell: str, rule: str, text: str, by: str, sheet: str | None = None
) -> Event:
    """A reporter says why the figure is right; the issue stays open. Raises as `accept`."""
    return _say(settings, EXPLAINED, submission_id, cell, rule, text, by, sheet)


def _say(
    settings: Settings, kind: str, submission_id: str, cell: str, rule: str, text: str, by: str, sheet: str | None
) -> Event:
    if not text.strip() or not by.strip():
        raise WarehouseError("warehouse.act_unsaid", submission=submission_id, cell=cell)
    found = PublishedReader(settings).query(
        "SELECT DISTINCT sheet FROM marts.fct_issue WHERE submission_id = $id AND cell = $cell AND rule = $rule "
        "AND ($sheet IS NULL OR sheet = $sheet) ORDER BY 1",
        {"id": submission_id, "cell": cell, "rule": rule, "sheet": sheet},
    )[1]
    if not found:
        raise WarehouseError("warehouse.act_no_issue", submission=submission_id, cell=cell, rule=rule)
    if len(found) > 1:
        sheets = ", ".join(str(row[0]) for row in found)
        raise WarehouseError("warehouse.act_which_sheet", submission=submission_id, cell=cell, sheets=sheets)
    event: Event = {
        "event": kind,
        "submission_id": submission_id,
        "sheet": found[0][0],
        "cell": cell,
        "rule": rule,
        "text": text.strip(),
        "by": by.strip(),
    }
    Journal(settings.journal).append([event])
    return event


def rows(others: list[Event]) -> list[tuple[Any, ...]]:
    """Rows of raw.act from the journal's other events, in the order they were said."""
    return [
        (
            number,
            event["submission_id"],
            event.get("sheet"),
            event["cell"],
            event["rule"],
            event["event"],
            event["text"],
            event["by"],
            datetime.fromisoformat(event["at"]),
        )
        for number, event in enumerate(others, start=1)
        if event.get("event") in KINDS
    ]
