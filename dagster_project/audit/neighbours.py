"""Which judgements wait for others, and what a submission meets when it is judged again.

Belongs here: the rules whose answer depends on months and units that may come in later, and the history as such a
submission would have met it, had the late one come in time.
Does not belong here: finding and reading those submissions again (warehouse/rejudging.py), the rules (rules_*.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from dagster_project.audit.history import Acceptance, Entry, InMemoryHistory, month_index

# A county's base, sum or gain, once the parts of its month are known or corrected: they may bear it out. Nothing new is said of
# the county then: where the parts contradict it, their own sheet says so.
WAIT_FOR_PARTS = frozenset({"V02", "V08", "V11"})
# Those of them that say that a sum does not fit: where county and parts came in, one of them says so.
SUM_RULES = frozenset({"V08"})
# What is measured against the month before, or the same month a year before. None of these holds a cell back, so that
# judging again changes what is said and never a figure.
WAIT_FOR_MONTHS = frozenset({"V02", "V04", "V11", "V12", "V13", "V18", "V19"})
# Months after a late one that are judged again: the next, and the same of the next year.
MONTHS_AFTER = (1, 12)


class BeforeMonth:
    """A history without what a submission of one form and month brought itself, and without all later months; with
    `knew_next` the month after it stays, which was there before the submission (V02.next)."""

    def __init__(
        self, history: InMemoryHistory, form_codes: frozenset[str], period: date, *, knew_next: bool = False
    ) -> None:
        self._history = history
        self._forms = form_codes
        self._index = month_index(period)
        self._next = self._index + 1 if knew_next else None
        self._kept: dict[tuple[str, str, str], Mapping[int, Entry]] = {}

    def value(self, indicator_code: str, unit_id: str, period: date, measure: str) -> Decimal | None:
        entry = self.months(indicator_code, unit_id, measure).get(month_index(period))
        return entry[1] if entry else None

    def series(
        self, indicator_code: str, unit_id: str, measure: str, until: date, months: int
    ) -> list[tuple[date, Decimal]]:
        known = self.months(indicator_code, unit_id, measure)
        found = self._history.series(indicator_code, unit_id, measure, until, months)
        return [(month, value) for month, value in found if month_index(month) in known]

    def months(self, indicator_code: str, unit_id: str, measure: str) -> Mapping[int, Entry]:
        key = (indicator_code, unit_id, measure)
        kept = self._kept.get(key)
        if kept is None:
            known = self._history.months(*key)
            kept = self._kept[key] = {
                index: entry
                for index, entry in known.items()
                if index < self._index or index == self._next or (index == self._index and entry[2] not in self._forms)
            }
        return kept

    def reported(self, form_code: str, unit_id: str, period: date) -> bool:
        index = month_index(period)
        if index > self._index or (index == self._index and form_code in self._forms):
            return False
        return self._history.reported(form_code, unit_id, period)

    def incidents(self, unit_id: str, first: date, last: date) -> tuple[int, int] | None:
        return self._history.incidents(unit_id, first, last)

    def accepted(self, rule: str, indicator_code: str, unit_id: str) -> Mapping[int, Acceptance]:
        return self._history.accepted(rule, indicator_code, unit_id)
