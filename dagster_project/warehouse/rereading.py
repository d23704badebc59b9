"""Reading earlier submissions again when a register comes in late, or is withdrawn.

Belongs here: which submissions a register has something to say about, what each of them met when it came in, and who is to
be judged again afterwards.
Does not belong here: late and withdrawn figures (rejudging.py), the order of intake (taking_in.py).

A submission that is read again meets all registers known now, and the figures of those submissions only that came before
it: so it says what it would have said, had the register been there. What came after it is then followed by rejudging.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

from dagster_project.audit.history import InMemoryHistory
from dagster_project.audit.neighbours import MONTHS_AFTER
from dagster_project.ingest.model import IncidentRow, Intake
from dagster_project.ingest.vocabulary import Vocabulary
from dagster_project.reference import Reference
from dagster_project.warehouse.known import Known
from dagster_project.warehouse.rejudging import Late
from dagster_project.warehouse.store import Store

# What is said of a workbook's columns beside the one before it, and does not depend on registers.
KEPT_RULE = "parse.moved"


@dataclass(frozen=True, slots=True)
class Cause:
    """A batch with registers, or a register that was withdrawn: what came `before` it is to be read again, as far as it
    speaks of months `since` (a register says nothing of earlier ones, except who is who)."""

    before: int
    registers: tuple[str, ...] = ()

    def since(self, store: Store) -> date:
        """The first month that it speaks of; of all months where a register is gone."""
        return (store.registers_since(self.registers) if self.registers else None) or date.min

    def to_text(self) -> str:
        """For raw.meta, so that a killed refresh does not forget it."""
        return json.dumps({"before": self.before, "registers": self.registers})

    @classmethod
    def from_text(cls, text: str) -> Self:
        held = json.loads(text)
        return cls(held["before"], tuple(held["registers"]))


class AsItCame:
    """All registers, and of the figures what had come in before each submission; asked in the order of intake."""

    def __init__(
        self, store: Store, reference: Reference, vocabulary: Vocabulary, since: date, again: set[int]
    ) -> None:
        base = Known.load(store, reference, vocabulary, None)
        history = InMemoryHistory(reference)
        history.accept(store.acceptances())
        self._known = replace(base, history=history, since=since)
        self._again = again
        self._figures = store.figures_as_they_came(since)
        self._incidents: dict[int, list[IncidentRow]] = {}
        for seq, row in store.incidents_as_they_came():
            if seq not in again:
                self._incidents.setdefault(seq, []).append(row)
        self._next: tuple[Any, ...] | None = next(self._figures, None)

    def before(self, seq: int) -> Known:
        """What the submission with this seq met."""
        while self._next is not None and self._next[-1] < seq:
            if self._next[-1] not in self._again:
                self._known.history.add(*self._next[:-1])
            self._next = next(self._figures, None)
        for earlier in sorted(one for one in self._incidents if one < seq):
            self._known.history.add_incidents(self._incidents.pop(earlier))
        return self._known

    def add(self, intake: Intake) -> None:
        """A submission has been read again: the next one meets it."""
        self._known.add(intake)
        self._known.columns.clear()


def note_neighbours(store: Store, ids: list[str], late: Late) -> None:
    """Who of those read again is measured against what came in after it."""
    for form_code, unit_id, period, seq in store.later_neighbours(ids, MONTHS_AFTER):
        late.months[form_code, unit_id, period] = max(seq, late.months.get((form_code, unit_id, period), 0))
    for period, seq in store.later_parts(ids):
        late.parts[period] = max(seq, late.parts.get(period, 0))
