"""What a workbook meets when it is read: the registers and the figures that earlier submissions left.

Belongs here: filling ingest's Directory and audit's History from a database, and keeping them up to date while
submissions are taken in. Does not belong here: how they answer (ingest/resolve.py, audit/history.py), SQL of schema raw
(store.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from dagster_project.audit.history import InMemoryHistory
from dagster_project.ingest.model import IncidentRow, Intake, KnownEnterprise, NewTownship
from dagster_project.ingest.resolve import Directory
from dagster_project.reference import Reference
from dagster_project.warehouse.store import Store

BEGINNING = date(1, 1, 1)
# Months that the rules may look back from the oldest figure that comes in.
HISTORY_MONTHS = 37


def history_start(oldest: date) -> date:
    """First month of history that a figure of `oldest` may be compared with."""
    index = oldest.year * 12 + oldest.month - 1 - HISTORY_MONTHS
    return date(max(index // 12, 1), index % 12 + 1, 1)


@dataclass
class Known:
    """Registers and history as the next submission meets them; figures from `since` on."""

    directory: Directory
    history: InMemoryHistory
    since: date

    @classmethod
    def build(
        cls,
        reference: Reference,
        townships: Iterable[NewTownship],
        enterprises: Iterable[KnownEnterprise],
        figures: Iterable[tuple[Any, ...]],
        incidents: Iterable[IncidentRow],
        since: date = BEGINNING,
    ) -> Known:
        """From plain records; `figures` as InMemoryHistory.load takes them, in order of intake."""
        directory = Directory(reference, enterprises=enterprises, townships=townships)
        history = InMemoryHistory(reference)
        history.load(figures)
        for row in incidents:
            history.add_incident(row)
        return cls(directory, history, since)

    @classmethod
    def load(cls, store: Store, reference: Reference, since: date | None) -> Known:
        """From the work database; `since` None: no figure comes in, so that none is looked up."""
        first = since or date(9999, 1, 1)
        return cls.build(
            reference,
            store.townships(),
            store.enterprises(),
            store.figures(first) if since else (),
            store.incidents(),
            first,
        )

    def reaches(self, since: date) -> bool:
        return self.since <= since

    def add(self, intake: Intake) -> None:
        """A submission was accepted: the next one meets it."""
        self.directory.add(intake)
        self.history.add_intake(intake)
