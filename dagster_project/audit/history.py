"""What was in force before a submission: the figures that the rules compare with.

Belongs here: the `History` protocol and its one implementation in memory.
Does not belong here: how the warehouse stores figures (warehouse/store.py feeds this), rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from dagster_project.ingest.model import IncidentRow, Intake
from dagster_project.reference import Reference

# The figure as float (comparisons), as stored (texts), and the form it came from.
Entry = tuple[float, Decimal, str | None]
_NO_MONTHS: dict[int, Entry] = {}
# Rows as `InMemoryHistory.load` takes them, of these units, or of all where None.
Source = Callable[[Collection[str] | None], Iterable[tuple]]
# So many units asked after one by one, and the rest is read at once.
SINGLE_UNITS = 12


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An issue about a figure that staff accepted: the figure as it was accepted, by whom, and why."""

    rule: str
    indicator_code: str
    unit_id: str
    period: date
    measure: str
    value: float
    by: str
    reason: str


_NOTHING_ACCEPTED: dict[int, Acceptance] = {}


def month_index(period: date) -> int:
    """Months since year 0: consecutive months differ by one, so that no date arithmetic is needed."""
    return period.year * 12 + period.month - 1


def month_start(index: int) -> date:
    """The first day of the month with this index."""
    return date(index // 12, index % 12 + 1, 1)


class History(Protocol):
    """Figures in force when a submission arrives, in stored units."""

    def value(self, indicator_code: str, unit_id: str, period: date, measure: str) -> Decimal | None:
        """One figure, or None where there is none or it is null."""

    def series(
        self, indicator_code: str, unit_id: str, measure: str, until: date, months: int
    ) -> list[tuple[date, Decimal]]:
        """Known figures of the `months` months that end with `until` (included), oldest first."""

    def months(self, indicator_code: str, unit_id: str, measure: str) -> Mapping[int, Entry]:
        """All known months of one series by `month_index`; not to be changed by the caller."""

    def reported(self, form_code: str, unit_id: str, period: date) -> bool:
        """Whether the unit has a row of that form for that month in force."""

    def incidents(self, unit_id: str, first: date, last: date) -> tuple[int, int] | None:
        """(number, deaths) of the incidents of a unit or township in [first, last]; None where no sheet came in yet."""

    def accepted(self, rule: str, indicator_code: str, unit_id: str) -> Mapping[int, Acceptance]:
        """What staff accepted of this rule about this figure, by `month_index`."""


class InMemoryHistory:
    """History in dictionaries: 36 months x 170 units x 40 series fit in some 60 MB, an update costs microseconds.

    Where two forms report one key, the indicator's `source_form` order says which is in force (design.md 3.5);
    without a reference the later one is.

    With a `source` the figures of a unit are read when it is first asked after: of a province only what a workbook
    meets is held. What the source tells must not have been added before.
    """

    def __init__(self, reference: Reference | None = None, source: Source | None = None) -> None:
        self._source = source
        self._fetched: set[str] = set()
        self._singles = 0
        self._series: dict[tuple[str, str, str], dict[int, Entry]] = {}
        self._reported: set[tuple[str, str, int]] = set()
        # unit or township -> month -> deaths of each incident
        self._incidents: dict[str, dict[int, list[int]]] = {}
        self._accepted: dict[tuple[str, str, str], dict[int, Acceptance]] = {}
        self._last_incident_month = -1
        self._rank: dict[tuple[str, str], int] = {}
        if reference is not None:
            for row in reference.rows("indicators"):
                for rank, form in enumerate((row["source_form"] or "").split("|")):
                    if form.strip():
                        self._rank[row["indicator_code"], form.strip()] = rank

    @property
    def is_read_as_needed(self) -> bool:
        """Whether figures are still read unit by unit, so that `need` saves something."""
        return self._source is not None

    def need(self, units: Iterable[str]) -> None:
        """These units will be asked after: what is stored of them is read in one go."""
        if self._source is None:
            return
        wanted = set(units) - self._fetched
        if wanted:
            self._fetched |= wanted
            self.load(self._source(wanted))

    def _fetch(self, unit_id: str) -> None:
        """A unit that nobody said would be needed."""
        source = self._source
        assert source is not None
        self._singles += 1
        if self._singles <= SINGLE_UNITS:
            self.need((unit_id,))
            return
        fetched, self._source = self._fetched, None
        self.load(row for row in source(None) if row[1] not in fetched)

    def value(self, indicator_code: str, unit_id: str, period: date, measure: str) -> Decimal | None:
        entry = self.months(indicator_code, unit_id, measure).get(month_index(period))
        return entry[1] if entry else None

    def series(
        self, indicator_code: str, unit_id: str, measure: str, until: date, months: int
    ) -> list[tuple[date, Decimal]]:
        known = self.months(indicator_code, unit_id, measure)
        last = month_index(until)
        return [(month_start(i), known[i][1]) for i in range(last - months + 1, last + 1) if i in known]

    def months(self, indicator_code: str, unit_id: str, measure: str) -> Mapping[int, Entry]:
        if self._source is not None and unit_id not in self._fetched:
            self._fetch(unit_id)
        return self._series.get((indicator_code, unit_id, measure), _NO_MONTHS)

    def reported(self, form_code: str, unit_id: str, period: date) -> bool:
        if self._source is not None and unit_id not in self._fetched:
            self._fetch(unit_id)
        return (form_code, unit_id, month_index(period)) in self._reported

    def incidents(self, unit_id: str, first: date, last: date) -> tuple[int, int] | None:
        low, high = month_index(first), month_index(last)
        if self._last_incident_month < high:
            return None
        by_month = self._incidents.get(unit_id, {})
        deaths = [d for month, rows in by_month.items() if low <= month <= high for d in rows]
        return len(deaths), sum(deaths)

    def accepted(self, rule: str, indicator_code: str, unit_id: str) -> Mapping[int, Acceptance]:
        return self._accepted.get((rule, indicator_code, unit_id), _NOTHING_ACCEPTED)

    def accept(self, acceptances: Iterable[Acceptance]) -> None:
        """Staff took these figures as they are; of one month the last word counts."""
        for one in acceptances:
            self._accepted.setdefault((one.rule, one.indicator_code, one.unit_id), {})[month_index(one.period)] = one

    def add(
        self,
        indicator_code: str,
        unit_id: str,
        period: date,
        measure: str,
        value: Decimal | None,
        null_reason: str | None = None,
        form_code: str | None = None,
    ) -> None:
        """Puts one figure in force; a null takes the key's figure out of force."""
        self._put(indicator_code, unit_id, month_index(period), measure, value, form_code)

    def _put(
        self, indicator_code: str, unit_id: str, index: int, measure: str, value: Decimal | None, form_code: str | None
    ) -> None:
        if self._source is not None and unit_id not in self._fetched:
            self._fetch(unit_id)
        if form_code is not None:
            self._reported.add((form_code, unit_id, index))
        key = (indicator_code, unit_id, measure)
        known = self._series.get(key)
        if known is None:
            known = self._series[key] = {}
        present = known.get(index)
        if present is not None and present[2] != form_code and self._ranks_below(indicator_code, form_code, present[2]):
            return
        if value is None:
            known.pop(index, None)
        else:
            known[index] = (float(value), value, form_code)

    def load(self, rows: Iterable[tuple]) -> None:
        """Many rows (indicator_code, unit_id, period, measure, value[, null_reason[, form_code]]) in force."""
        for row in rows:
            self.add(*row)

    def add_incident(self, row: IncidentRow) -> None:
        """Counts one incident in force for its enterprise and its township."""
        index = month_index(row.occurred_on)
        self._last_incident_month = max(self._last_incident_month, index)
        for unit in (row.enterprise_id, row.township_code):
            if unit:
                self._incidents.setdefault(unit, {}).setdefault(index, []).append(row.deaths)

    def add_intake(self, intake: Intake) -> None:
        """Puts what a submission brings into force, once it has been audited; repeated rows of one key add."""
        sums: dict[tuple[str, str, int, str], tuple[Decimal | None, str]] = {}
        indexes: dict[date, int] = {}
        for obs in intake.parsed.observations:
            # a carried figure is an earlier month's: nothing may be measured against it
            if obs.unit_id is None or obs.status != "accepted" or obs.is_carried:
                continue
            index = indexes.get(obs.period)
            if index is None:
                index = indexes[obs.period] = month_index(obs.period)
            key = (obs.indicator_code, obs.unit_id, index, obs.measure)
            before = sums.get(key)
            value = obs.value
            if before is not None and before[0] is not None:
                value = before[0] if value is None else before[0] + value
            sums[key] = (value, obs.form_code)
        series, said = self._series, None
        for (code, unit_id, index, measure), (value, form_code) in sums.items():
            # the figures of a row stand one behind another: asked once of each
            if said != (form_code, unit_id, index):
                said = (form_code, unit_id, index)
                self._reported.add(said)
                if self._source is not None and unit_id not in self._fetched:
                    self._fetch(unit_id)
            known = series.get((code, unit_id, measure))
            if known is None or value is None or index in known:
                self._put(code, unit_id, index, measure, value, form_code)
            else:
                known[index] = (float(value), value, form_code)
        self.add_incidents(row for row in intake.parsed.incidents if row.status == "accepted")

    def add_incidents(self, rows: Iterable[IncidentRow]) -> None:
        """Puts a sheet's incidents into force; sent again, it replaces the unit's incidents of that month."""
        held = list(rows)
        for row in held:
            for unit in (row.enterprise_id, row.township_code):
                self._incidents.get(unit or "", {}).pop(month_index(row.occurred_on), None)
        for row in held:
            self.add_incident(row)

    def _ranks_below(self, indicator_code: str, new: str | None, present: str | None) -> bool:
        unranked = len(self._rank)
        new_rank = self._rank.get((indicator_code, new or ""), unranked)
        return new_rank > self._rank.get((indicator_code, present or ""), unranked)
