"""How a parsed workbook is judged, and what it meets then: the registers and figures that earlier submissions left.

Belongs here: filling ingest's Directory and audit's History from a database, keeping them up to date while
submissions are taken in, calling resolve and audit. Does not belong here: how they answer (ingest/resolve.py, audit/history.py), SQL of schema raw
(store.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dagster_project.audit.history import Acceptance, History, InMemoryHistory, Source
from dagster_project.audit.run import Auditor
from dagster_project.ingest.messages import Messages
from dagster_project.ingest.model import (
    Columns,
    IncidentRow,
    Intake,
    KnownEnterprise,
    NewTownship,
    ParsedWorkbook,
    Submission,
)
from dagster_project.ingest.moved import columns_of, moves, places_of
from dagster_project.ingest.resolve import Directory, resolve
from dagster_project.ingest.vocabulary import Vocabulary
from dagster_project.reference import Reference
from dagster_project.warehouse.store import Store

# form, reporting unit, file, sheet, letters of a column, indicator, measure, heading
ColumnRow = tuple[str, str | None, str, str, str, str, str, str | None]
BEGINNING = date(1, 1, 1)
# Months that the rules may look back from the oldest figure that comes in.
HISTORY_MONTHS = 37
# Up to so many stored figures the history is read whole, which costs less than asking unit by unit.
WHOLE_FIGURES = 200_000


def history_start(oldest: date) -> date:
    """First month of history that a figure of `oldest` may be compared with."""
    index = oldest.year * 12 + oldest.month - 1 - HISTORY_MONTHS
    return date(max(index // 12, 1), index % 12 + 1, 1)


class Registers:
    """Ingest's Directory as audit asks it (audit.context.Registers)."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._by_day: dict[date, tuple[KnownEnterprise, ...]] = {}

    def forget(self) -> None:
        """The directory has learned something."""
        self._by_day.clear()

    def enterprise(self, enterprise_id: str, day: date) -> KnownEnterprise | None:
        return self._directory.enterprise_at(enterprise_id, day)

    def enterprises(self, day: date) -> Iterable[KnownEnterprise]:
        """The same tuple for the same day, as long as nothing is learned: who asks may remember what follows from it."""
        found = self._by_day.get(day)
        if found is None:
            known = (self._directory.enterprise_at(one, day) for one in self._directory.enterprises)
            found = self._by_day[day] = tuple(one for one in known if one is not None)
        return found


@dataclass
class Known:
    """Registers and history as the next submission meets them; figures from `since` on."""

    directory: Directory
    registers: Registers
    history: InMemoryHistory
    since: date
    # (form, reporting unit) → the columns of its last workbook
    columns: dict[tuple[str, str | None], Columns] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        reference: Reference,
        vocabulary: Vocabulary,
        townships: Iterable[NewTownship],
        enterprises: Iterable[KnownEnterprise],
        figures: Iterable[tuple[Any, ...]],
        incidents: Iterable[IncidentRow],
        since: date = BEGINNING,
        acceptances: Iterable[Acceptance] = (),
        columns: Iterable[ColumnRow] = (),
        source: Source | None = None,
    ) -> Known:
        """From plain records; `figures` as InMemoryHistory.load takes them, in order of intake. `source` gives the
        figures of a unit when they are needed; then `figures` is empty."""
        directory = Directory.from_reference(reference, vocabulary)
        for township in townships:
            directory.add_township(township)
        for enterprise in enterprises:
            directory.register(enterprise)
        history = InMemoryHistory(reference, source)
        history.load(figures)
        for row in incidents:
            history.add_incident(row)
        history.accept(acceptances)
        return cls(directory, Registers(directory), history, since, _columns(columns))

    @classmethod
    def load(cls, store: Store, reference: Reference, vocabulary: Vocabulary, since: date | None) -> Known:
        """From the work database; `since` None: no figure comes in, so that none is looked up."""
        first = since or date(9999, 1, 1)
        is_large = since is not None and store.holds_more_than(WHOLE_FIGURES, first)

        def source(units: Collection[str] | None) -> Iterable[tuple[Any, ...]]:
            return store.figures(first, units)

        return cls.build(
            reference,
            vocabulary,
            store.townships(),
            store.enterprises(),
            store.figures(first) if since and not is_large else (),
            store.incidents(),
            first,
            store.acceptances() if since else (),
            store.columns() if since else (),
            source if is_large else None,
        )

    def reaches(self, since: date) -> bool:
        return self.since <= since

    def add(self, intake: Intake) -> None:
        """A submission that `Reading.read` made was accepted: the next one meets it."""
        self.directory.learn(intake)
        if intake.parsed.roster:
            self.registers.forget()
        self.history.add_intake(intake)
        for form_code, columns in intake.columns.items():
            self.columns[form_code, intake.reporter_unit_id] = columns


def _columns(rows: Iterable[ColumnRow]) -> dict[tuple[str, str | None], Columns]:
    found: dict[tuple[str, str | None], Columns] = {}
    held: dict[tuple[str, str | None], dict[str, set[tuple[str, str, str]]]] = {}
    for form_code, reporter, file_name, sheet, letters, indicator_code, measure, heading in rows:
        key = (form_code, reporter)
        known = found.setdefault(key, Columns(file_name, sheet))
        if known.sheet == sheet:
            held.setdefault(key, {}).setdefault(letters, set()).add((indicator_code, measure, heading or ""))
    for key, by_letters in held.items():
        found[key].places = places_of(by_letters)
    return found


class Reading:
    """Resolve and audit with everything compiled once: the one way in which a refresh and a check judge a workbook."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.vocabulary = Vocabulary.load(reference)
        self.messages = Messages.load(reference)
        self.auditor = Auditor(reference, self.messages)
        self.register_forms = {row["form_code"] for row in reference.rows("forms") if row["subject"] == "roster"}

    def is_register(self, parsed: ParsedWorkbook) -> bool:
        """Whether the workbook is a register, which is read before what refers to it."""
        return any(sheet.form_code in self.register_forms for sheet in parsed.sheets)

    def read(
        self, parsed: ParsedWorkbook, known: Known, submission: Submission, history: History | None = None
    ) -> Intake:
        """One parsed workbook with units, issues and what is held back; `known` is not changed.

        `history` stands for that of `known` where an earlier submission is judged again.
        """
        intake = resolve(parsed, known.directory, self.vocabulary, submission.received_at.date())
        if known.history.is_read_as_needed:
            known.history.need(self._met_by(intake, known))
        intake.columns = columns_of(intake)
        for form_code, columns in intake.columns.items():
            before = known.columns.get((form_code, intake.reporter_unit_id))
            issue = moves(before, columns, self.messages) if before is not None else None
            if issue is not None:
                intake.issues.append(issue)
        self.auditor.audit(intake, history or known.history, known.registers, submission)
        return intake

    def _met_by(self, intake: Intake, known: Known) -> set[str]:
        """The units that the rules are likely to ask after: those of the workbook, the enterprises of its places."""
        observations = intake.parsed.observations
        units = {cell.unit_id for cell in observations if cell.unit_id is not None}
        places = {cell.township_code for cell in observations if cell.township_code is not None}
        units |= places
        for day in {cell.period for cell in observations}:
            units.update(one.enterprise_id for one in known.registers.enterprises(day) if one.township_code in places)
        return units
