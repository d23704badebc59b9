"""Judging earlier submissions again when what they were measured against comes in late.

Belongs here: noting what came late, finding who was judged without it, and changing what is said of them in raw.issue.
Does not belong here: which rules wait for what (audit/neighbours.py), the order of intake (taking_in.py).

Only issues change, never a figure. An issue that no longer holds stays, as an info that says which file settled it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dagster_project.audit.history import History, InMemoryHistory, month_index, month_start
from dagster_project.audit.neighbours import MONTHS_AFTER, WAIT_FOR_MONTHS, WAIT_FOR_PARTS, BeforeMonth
from dagster_project.ingest.messages import Messages
from dagster_project.ingest.model import Intake, Issue, ParsedWorkbook
from dagster_project.warehouse.store import Store

# (form, unit, month)
Said = tuple[str, str, date]


@dataclass(frozen=True, slots=True)
class Affected:
    """What of a submission is to be judged again, and the seq of the submission that it did not know."""

    rules: frozenset[str]
    unit_id: str
    period: date
    cause: int


@dataclass
class Late:
    """What came in after somebody who is measured against it; the values are the seq that brought it."""

    parts: dict[date, int] = field(default_factory=dict)
    months: dict[Said, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.parts or self.months)

    def copy(self) -> Late:
        """For taking back what a batch noted."""
        return Late(dict(self.parts), dict(self.months))

    def note(self, intake: Intake, seq: int, history: InMemoryHistory) -> None:
        """Before a submission joins the history: what it brings, and who may have been judged without it."""
        seen: set[tuple[str, str | None, date, str | None]] = {
            (cell.form_code, cell.unit_id, cell.period, cell.level)
            for cell in intake.parsed.observations
            if cell.status == "accepted"
        }
        for form_code, unit_id, period, level in seen:
            if unit_id is None:
                continue
            if level != "county":
                self.parts[period] = seq
            for months in MONTHS_AFTER:
                later = month_start(month_index(period) + months)
                if history.reported(form_code, unit_id, later):
                    self.months[form_code, unit_id, later] = seq

    def to_text(self) -> str:
        """For raw.meta, so that a killed refresh does not forget it."""
        months = [[form, unit, period.isoformat(), seq] for (form, unit, period), seq in self.months.items()]
        return json.dumps({"parts": {day.isoformat(): seq for day, seq in self.parts.items()}, "months": months})

    @classmethod
    def from_text(cls, text: str | None) -> Late:
        if not text:
            return cls()
        held = json.loads(text)
        return cls(
            {date.fromisoformat(day): seq for day, seq in held["parts"].items()},
            {(form, unit, date.fromisoformat(day)): seq for form, unit, day, seq in held["months"]},
        )


def affected(store: Store, late: Late) -> dict[str, list[Affected]]:
    """By submission id: what is to be judged again, since it was judged before its neighbour came."""
    found: dict[str, list[Affected]] = {}
    for submission_id, seq, unit_id, period in store.open_warnings(WAIT_FOR_PARTS, "county", list(late.parts)):
        cause = late.parts[period]
        if seq < cause:
            found.setdefault(submission_id, []).append(Affected(WAIT_FOR_PARTS, unit_id, period, cause))
    for submission_id, seq, form_code, unit_id, period in store.saying(list(late.months)):
        cause = late.months[form_code, unit_id, period]
        if seq < cause:
            found.setdefault(submission_id, []).append(Affected(WAIT_FOR_MONTHS, unit_id, period, cause))
    return found


def judge_again(
    parsed: ParsedWorkbook,
    items: Iterable[Affected],
    history: InMemoryHistory,
    read: Callable[[ParsedWorkbook, History], Intake],
) -> list[tuple[Affected, list[Issue]]]:
    """For each item, what is said now. `read` resolves and audits a workbook against the history it is given."""
    by_month: dict[date, list[Affected]] = {}
    for item in items:
        by_month.setdefault(item.period, []).append(item)
    forms = frozenset(cell.form_code for cell in parsed.observations)
    found: list[tuple[Affected, list[Issue]]] = []
    for period, wanted in by_month.items():
        # resolve and audit write into what they read
        intake = read(copy.deepcopy(parsed), BeforeMonth(history, forms, period))
        for item in wanted:
            now = [
                issue
                for issue in intake.issues
                if issue.rule in item.rules and issue.unit_id == item.unit_id and issue.period == item.period
            ]
            found.append((item, now))
    return found


def apply(
    store: Store,
    submission_id: str,
    seq: int,
    judged: list[tuple[Affected, list[Issue]]],
    causes: dict[int, str],
    messages: Messages,
) -> bool:
    """Bring raw.issue to what is said now; True where anything changed. The caller holds the transaction."""
    changed = False
    for item, now in judged:
        present: dict[tuple[Any, ...], Issue] = {(issue.sheet, issue.cell, issue.rule): issue for issue in now}
        for number, sheet, cell, rule, severity, zh, en in store.open_issues(
            submission_id, item.rules, item.unit_id, item.period
        ):
            issue = present.pop((sheet, cell, rule), None)
            if issue is None:
                zh, en = messages.render("audit.settled", said_zh=zh, said_en=en, file=causes[item.cause])
                store.restate(submission_id, number, "info", zh, en, "resolved")
            elif (issue.severity, issue.message_zh) != (severity, zh):
                store.restate(submission_id, number, issue.severity, issue.message_zh, issue.message_en, "open")
            else:
                continue
            changed = True
        for issue in present.values() if item.rules is not WAIT_FOR_PARTS else ():
            store.add_issue(submission_id, seq, issue)
            changed = True
    if changed:
        store.recount(submission_id)
    return changed
