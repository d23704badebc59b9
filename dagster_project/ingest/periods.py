"""Periods: every spelling of months and years that titles, sheet names, headings and cells use (domain.md C.2).

Belongs here: finding a period in a text, putting partial ones together.
Does not belong here: the spellings (seeds/reference/text_patterns.csv, numerals.csv), where to look (context.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from dagster_project.ingest.text import normalise

Grain = Literal["month", "ytd", "year", "full_year", "range"]


@dataclass(frozen=True, slots=True)
class Period:
    """A period as far as a text tells it.

    `grain`: month (one month), ytd (January to `month`), full_year (said to be the whole year), year (only a year is
    named), range (months that do not begin in January: no measure holds such a figure).
    """

    year: int | None
    month: int | None
    grain: Grain
    text: str = ""

    @property
    def first_day(self) -> date | None:
        """The month's first day; a whole year stands at its December; None while year or month is not known."""
        if self.year is None:
            return None
        if self.month is None:
            return date(self.year, 12, 1) if self.grain == "full_year" else None
        return date(self.year, self.month, 1)


def numeral(text: str, digits: Mapping[str, int], scales: Mapping[str, int]) -> int | None:
    """'8', written-out '8' or '11' → the number; four written digits in a row are read digit by digit."""
    if text.isdigit():
        return int(text)
    if len(text) > 1 and all(symbol in digits for symbol in text):
        return int("".join(str(digits[symbol]) for symbol in text))
    total = current = 0
    for symbol in text:
        if symbol in digits:
            current = digits[symbol]
        elif symbol in scales:
            total += (current or 1) * scales[symbol]
            current = 0
        else:
            return None
    return total + current


@dataclass(slots=True)
class PeriodFinder:
    """Compiled patterns of purposes `period` and `not_period`; results are remembered by text."""

    patterns: Sequence[tuple[re.Pattern[str], str]]
    excluded: Sequence[re.Pattern[str]]
    digits: Mapping[str, int]
    scales: Mapping[str, int]
    memory: dict[str, tuple[Period, int, int] | None]

    @classmethod
    def build(
        cls,
        patterns: Sequence[tuple[re.Pattern[str], str]],
        excluded: Sequence[re.Pattern[str]],
        numerals: Sequence[tuple[str, Decimal, str]],
    ) -> PeriodFinder:
        return cls(
            patterns,
            excluded,
            {symbol: int(value) for symbol, value, kind in numerals if kind == "digit"},
            {symbol: int(value) for symbol, value, kind in numerals if kind == "scale"},
            {},
        )

    def find(self, text: str) -> Period | None:
        """The best period named in `text`, by the patterns' priority."""
        found = self.locate(text)
        return found[0] if found else None

    def locate(self, text: str) -> tuple[Period, int, int] | None:
        """Period, start and end of its spelling in the normalised text (dates of the form itself cut out)."""
        normal = normalise(text)
        if normal in self.memory:
            return self.memory[normal]
        result = self._search(self.strip_dates(normal))
        if len(self.memory) > 20_000:
            self.memory.clear()
        self.memory[normal] = result
        return result

    def strip_dates(self, normal: str) -> str:
        """The text without the day it was filled in, document numbers and validity: they name no period."""
        for pattern in self.excluded:
            normal = pattern.sub("", normal)
        return normal

    def _search(self, normal: str) -> tuple[Period, int, int] | None:
        for pattern, role in self.patterns:
            match = pattern.search(normal)
            if match is None:
                continue
            period = self._read(match, role)
            if period is not None:
                return period, match.start(), match.end()
        return None

    def _read(self, match: re.Match[str], role: str) -> Period | None:
        groups = match.groupdict()
        year = numeral(groups["year"], self.digits, self.scales) if groups.get("year") else None
        month = numeral(groups["month"], self.digits, self.scales) if groups.get("month") else None
        if year is not None and not 1900 <= year <= 2199:
            return None
        kind, _, fixed = role.partition(":")
        if fixed:
            month = int(fixed)
        if month is not None and not 1 <= month <= 12:
            return None
        grain: Grain
        if kind == "range":
            start = numeral(groups["from"], self.digits, self.scales)
            if start is None or month is None or not 1 <= start <= 12 or start >= month:
                return None
            grain = "ytd" if start == 1 else "range"
        elif kind in ("month", "ytd", "year", "full_year"):
            grain = kind  # type: ignore[assignment]
        else:
            return None
        return Period(year, month, grain, match.group())


def complete(parts: Sequence[Period]) -> Period | None:
    """Put partial periods together, the first ones winning: a year from the title, a month from the sheet's name."""
    if not parts:
        return None
    best = parts[0]
    for other in parts[1:]:
        if best.year is None and other.year is not None:
            best = Period(other.year, best.month, best.grain, f"{other.text} {best.text}".strip())
        lacks_month = best.month is None and best.grain in ("year", "full_year")
        if lacks_month and other.month is not None and other.year in (None, best.year):
            best = Period(best.year, other.month, other.grain, f"{best.text} {other.text}".strip())
    return best


def from_cell(value: object, finder: PeriodFinder) -> Period | None:
    """A period cell: a date, a number such as 202603 or 2026, or any spelling."""
    if isinstance(value, datetime):
        return Period(value.year, value.month, "month", value.date().isoformat())
    if isinstance(value, date):
        return Period(value.year, value.month, "month", value.isoformat())
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        if float(value).is_integer():
            number = int(value)
            if 1900 <= number <= 2199:
                return Period(number, None, "year", str(number))
            if 190001 <= number <= 219912 and 1 <= number % 100 <= 12:
                return Period(number // 100, number % 100, "month", str(number))
        else:
            return finder.find(f"{value:.15g}")
        return None
    text = str(value).strip()
    if text.isdigit():
        return from_cell(int(text), finder)
    return finder.find(text)
