"""Units of measure: reading their spellings, and the factor to the unit that is stored (domain.md C.2).

Belongs here: spellings to units, lists of units, scale words, precedence.
Does not belong here: the spellings (seeds/reference/units.csv), numbers (values.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dagster_project.ingest.text import normalise


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One row of units.csv. `factor` turns a figure in this unit into the dimension's stored unit.

    A unit book makes each once, so that they are told apart by identity: figures look theirs up by the thousand.
    """

    spelling: str
    canonical: str
    dimension: str
    factor: Decimal
    stored_unit: str


@dataclass(slots=True)
class UnitBook:
    """Spellings, normalised, to units."""

    by_spelling: dict[str, Unit] = field(default_factory=dict)
    by_dimension: dict[str, list[Unit]] = field(default_factory=dict)
    longest: int = 0
    splitter: re.Pattern[str] = field(default_factory=lambda: re.compile(r"[,;]|\s+"))

    @classmethod
    def load(cls, rows: Iterable[dict[str, object]], splitter: re.Pattern[str] | None = None) -> UnitBook:
        book = cls()
        if splitter is not None:
            book.splitter = splitter
        for row in rows:
            unit = Unit(
                str(row["unit"]),
                str(row["canonical"]),
                str(row["dimension"]),
                Decimal(str(row["factor"])),
                str(row["stored_unit"]),
            )
            key = normalise(unit.spelling)
            book.by_spelling.setdefault(key, unit)
            book.by_dimension.setdefault(unit.dimension, []).append(unit)
            book.longest = max(book.longest, len(key))
        return book

    def find(self, text: str) -> Unit | None:
        """The unit that this text spells, whole; None where it spells none."""
        return self.by_spelling.get(normalise(text))

    def find_all(self, text: str) -> tuple[list[Unit], list[str]]:
        """A unit line's list ('t, persons, %') → its units and the words that are none."""
        whole = self.find(text)
        if whole is not None:
            return [whole], []
        units: list[Unit] = []
        unknown: list[str] = []
        for word in self.splitter.split(text):
            if not word or not word.strip():
                continue
            unit = self.find(word)
            if unit is not None:
                units.append(unit)
            else:
                unknown.append(word.strip())
        return units, unknown

    def split_suffix(self, text: str) -> list[tuple[str, Unit]]:
        """Ways to read the end of a normalised text as a unit, longest unit first: 'outputt' → ('output', t)."""
        found = []
        for length in range(min(self.longest, len(text) - 1), 0, -1):
            unit = self.by_spelling.get(text[-length:])
            if unit is not None:
                found.append((text[:-length], unit))
        return found

    def scaled(self, scale: str, dimension: str) -> Unit | None:
        """A bare scale word in a cell ('1.2 hundred million'): the dimension's unit that begins with it."""
        for unit in self.by_dimension.get(dimension, []):
            combined = self.by_spelling.get(normalise(scale + unit.spelling))
            if combined is not None and combined.dimension == dimension:
                return combined
        return None


def choose(candidates: Sequence[Iterable[Unit]], dimension: str) -> Unit | None:
    """First unit of `dimension`, by precedence: cell, row, column header, name suffix, sheet, form (domain.md C.2)."""
    for source in candidates:
        for unit in source:
            if unit.dimension == dimension:
                return unit
    return None
