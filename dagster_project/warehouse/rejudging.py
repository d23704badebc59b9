"""Judging earlier submissions again when what they were measured against comes in late, or is withdrawn.

Belongs here: noting what came late or went, finding who was judged without or with it, and changing what is said of them
in raw.issue.
Does not belong here: which rules wait for what (audit/neighbours.py), the order of intake (taking_in.py), late registers
(rereading.py).

Only issues change, never a figure. An issue that no longer holds stays, as an info that says which file settled it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from dagster_project.audit.history import History, InMemoryHistory, month_index, month_start
from dagster_project.audit.neighbours import (
    MONTHS_AFTER,
    SUM_RULES,
    WAIT_FOR_MONTHS,
    WAIT_FOR_PARTS,
    BeforeMonth,
)
from dagster_project.ingest.messages import Messages
from dagster_project.ingest.model import Intake, Issue, ParsedWorkbook
from dagster_project.warehouse.store import Store

# (form, unit, month)
Said = tuple[str, str, date]
# sheet, cell, rule, indicator, beginning of the text
Place = tuple[str | None, str | None, str, str | None, str]


@dataclass(frozen=True, slots=True)
class Affected:
    """What of a submission is to be judged again, and the seq of the submission that it did not know, or knew too well.

    `knew_next`: the unit's next month was there before it. `may_begin`: an issue of a sum may be new to it, since it came
    after the sum's parts; of the others nothing new is said (neighbours.WAIT_FOR_PARTS).
    """

    rules: frozenset[str]
    unit_id: str
    period: date
    cause: int
    is_gone: bool = False
    knew_next: bool = False
    may_begin: bool = False


@dataclass
class Late:
    """What came in after somebody who is measured against it, and what was withdrawn; the values are the seq that did it."""

    parts: dict[date, int] = field(default_factory=dict)
    months: dict[Said, int] = field(default_factory=dict)
    gone_parts: dict[date, int] = field(default_factory=dict)
    gone_months: dict[Said, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.parts or self.months or self.gone_parts or self.gone_months)

    def copy(self) -> Late:
        """For taking back what a batch noted."""
        return Late(dict(self.parts), dict(self.months), dict(self.gone_parts), dict(self.gone_months))

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

    def note_gone(self, said: Iterable[tuple[str, str, date, str]], seq: int) -> None:
        """A submission was withdrawn that spoke of these (form, unit, month, level): who was measured against it, also
        backwards (V02.next), and who speaks in its place from now on, for it may not have been judged again since it was
        superseded."""
        for form_code, unit_id, period, level in said:
            if level != "county":
                self.gone_parts[period] = seq
            for months in (-1, 0, *MONTHS_AFTER):
                self.gone_months[form_code, unit_id, month_start(month_index(period) + months)] = seq

    def to_text(self) -> str:
        """For raw.meta, so that a killed refresh does not forget it."""

        def of_days(held: dict[date, int]) -> dict[str, int]:
            return {day.isoformat(): seq for day, seq in held.items()}

        def of_months(held: dict[Said, int]) -> list[list[object]]:
            return [[form, unit, period.isoformat(), seq] for (form, unit, period), seq in held.items()]

        held = {"parts": of_days(self.parts), "months": of_months(self.months)}
        if self.gone_parts or self.gone_months:
            held |= {"gone_parts": of_days(self.gone_parts), "gone_months": of_months(self.gone_months)}
        return json.dumps(held)

    @classmethod
    def from_text(cls, text: str | None) -> Late:
        if not text:
            return cls()
        held = json.loads(text)
        days = [
            {date.fromisoformat(day): seq for day, seq in held.get(key, {}).items()} for key in ("parts", "gone_parts")
        ]
        months = [
            {(form, unit, date.fromisoformat(day)): seq for form, unit, day, seq in held.get(key, [])}
            for key in ("months", "gone_months")
        ]
        return cls(days[0], months[0], days[1], months[1])


def affected(store: Store, late: Late) -> dict[str, list[Affected]]:
    """By submission id: what is to be judged again, since it was judged before its neighbour came, or before it went."""
    found: list[tuple[str, int, Affected]] = []
    for submission_id, seq, unit_id, period in store.warned(WAIT_FOR_PARTS, "county", list(late.parts)):
        if seq < late.parts[period]:
            found.append((submission_id, seq, Affected(WAIT_FOR_PARTS, unit_id, period, late.parts[period])))
    for submission_id, seq, form_code, unit_id, period in store.saying(list(late.months)):
        cause = late.months[form_code, unit_id, period]
        if seq < cause:
            found.append((submission_id, seq, Affected(WAIT_FOR_MONTHS, unit_id, period, cause)))
    found += _affected_by_what_went(store, late)
    ahead = store.knew_next([(seq, item.unit_id, item.period) for _, seq, item in found])
    by_submission: dict[str, list[Affected]] = {}
    for submission_id, seq, item in found:
        if (seq, item.unit_id, item.period) in ahead:
            item = replace(item, knew_next=True)
        by_submission.setdefault(submission_id, []).append(item)
    return by_submission


def _affected_by_what_went(store: Store, late: Late) -> list[tuple[str, int, Affected]]:
    found: list[tuple[str, int, Affected]] = []
    days = list(late.gone_parts)
    last_part = store.last_at_level("township", days)
    speakers = {(one[0], one[2], one[3]): one for one in store.speaking_at_level("county", days)}
    # who was told something once: it may be true again
    told = {(one[0], one[2], one[3]): one for one in store.warned(WAIT_FOR_PARTS, "county", days, settled=True)}
    for key, (submission_id, seq, unit_id, period) in sorted((told | speakers).items()):
        may_begin = key in speakers and seq > last_part.get(period, 0)
        item = Affected(WAIT_FOR_PARTS, unit_id, period, late.gone_parts[period], is_gone=True, may_begin=may_begin)
        found.append((submission_id, seq, item))
    for submission_id, seq, form_code, unit_id, period in store.saying(list(late.gone_months)):
        cause = late.gone_months[form_code, unit_id, period]
        found.append((submission_id, seq, Affected(WAIT_FOR_MONTHS, unit_id, period, cause, is_gone=True)))
    return found


def judge_again(
    parsed: ParsedWorkbook,
    items: Iterable[Affected],
    history: InMemoryHistory,
    read: Callable[[ParsedWorkbook, History], Intake],
) -> list[tuple[Affected, list[Issue]]]:
    """For each item, what is said now. `read` resolves and audits a workbook against the history it is given."""
    by_month: dict[tuple[date, bool], list[Affected]] = {}
    for item in items:
        by_month.setdefault((item.period, item.knew_next), []).append(item)
    forms = frozenset(cell.form_code for cell in parsed.observations)
    found: list[tuple[Affected, list[Issue]]] = []
    for (period, knew_next), wanted in by_month.items():
        # resolve and audit write into what they read
        intake = read(copy.deepcopy(parsed), BeforeMonth(history, forms, period, knew_next=knew_next))
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
        present: dict[Place, list[Issue]] = {}
        for issue in now:
            place = _place(issue.sheet, issue.cell, issue.rule, issue.indicator_code, issue.message_zh)
            present.setdefault(place, []).append(issue)
        settled: dict[Place, int] = {}
        for number, sheet, cell, rule, indicator, severity, zh, en, status in store.issues_of(
            submission_id, item.rules, item.unit_id, item.period
        ):
            place = _place(sheet, cell, rule, indicator, zh)
            if status != "open":
                settled.setdefault(place, number)
                continue
            same = present.get(place)
            if not same:
                key = "audit.settled_by_withdrawal" if item.is_gone else "audit.settled"
                zh, en = messages.render(key, said_zh=zh, said_en=en, file=causes[item.cause])
                store.restate(submission_id, number, "info", zh, en, "resolved")
            elif ((issue := same.pop(0)).severity, issue.message_zh) != (severity, zh):
                store.restate(submission_id, number, issue.severity, issue.message_zh, issue.message_en, "open")
            else:
                continue
            changed = True
        for place, issues in present.items():
            for issue in issues:
                if place in settled:
                    number = settled.pop(place)
                    store.restate(submission_id, number, issue.severity, issue.message_zh, issue.message_en, "open")
                elif _may_begin(item, issue):
                    store.add_issue(submission_id, seq, issue)
                else:
                    continue
                changed = True
    if changed:
        store.recount(submission_id)
    return changed


def _place(sheet: str | None, cell: str | None, rule: str, indicator: str | None, message_zh: str) -> Place:
    """What makes two issues the same. Of a whole sheet the rule may say several things: the text's beginning, which names
    indicator and measure, tells them apart."""
    return sheet, cell, rule, indicator, message_zh.partition("\uff1a")[0] if cell is None else ""


def _may_begin(item: Affected, issue: Issue) -> bool:
    """Whether what was never said of the submission is said now."""
    if item.rules is not WAIT_FOR_PARTS:
        return True
    # a sum that does not fit is told once, at whichever of county and parts came later
    return item.is_gone and (issue.rule not in SUM_RULES or item.may_begin)
