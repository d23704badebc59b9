"""Figures: what one cell holds, as a number, a reason for none, or something that cannot be read (domain.md C.2).

Belongs here: digits of any width, separators, signs, percent, unit and scale suffixes, null tokens.
Does not belong here: the tokens (seeds/reference/), which unit applies (units.py), what the figure is of (extract).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

from dagster_project.ingest.grid import CellValue, cell_text
from dagster_project.ingest.text import normalise

_PLAIN = re.compile(r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$")
_GROUPED = re.compile(r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
_GROUPED_FOURS = re.compile(r"^[+-]?\d{1,4}(?:,\d{4})+(?:\.\d+)?$")
_WITH_SUFFIX = re.compile(r"^(?P<number>[+-]?[\d.,]+(?:e[+-]?\d{1,3})?)(?P<suffix>[^\d.,].*)$")

_INFINITE = float("inf")

Problem = Literal["text", "formula", "error", "date"]


@dataclass(slots=True)
class Figure:
    """What a cell holds; never altered once made, since readings are remembered.

    Exactly one is set: `number`, `null_reason`, `problem`; `blank` marks an empty cell (null_reason unknown).
    `suffix` is what followed the number, normalised: a unit, a scale word, '%'. `tells` is the unit status that a
    null token gives away (suspended, closed, not_reported).
    """

    raw_text: str
    number: Decimal | None = None
    null_reason: str | None = None
    problem: Problem | None = None
    suffix: str | None = None
    tells: str | None = None
    blank: bool = False
    estimated: bool = False


@dataclass(slots=True)
class FigureReader:
    """Null tokens and sign patterns of one deployment; texts are remembered."""

    null_tokens: dict[str, tuple[str, str | None]]
    negative: list[re.Pattern[str]]
    brackets: list[re.Pattern[str]]
    positive: list[re.Pattern[str]]
    errors: list[re.Pattern[str]]
    estimated: list[re.Pattern[str]]
    footnotes: list[re.Pattern[str]]
    memory: dict[str, Figure]
    numbers: dict[float, Figure] = field(default_factory=dict)

    def read(self, value: CellValue, *, is_percent: bool = False, is_uncached: bool = False) -> Figure:
        """One cell. `is_percent`: the cell shows its number as a percentage, so 0.125 reads 12.5."""
        if value is None:
            return BLANK
        if isinstance(value, float):
            if is_percent:
                return self._read_number(value, True)
            # this year's base was last year's figure, and many a figure stands in two sheets
            known = self.numbers.get(value)
            if known is None:
                known = self._read_number(value, False)
                if len(self.numbers) > 50_000:
                    self.numbers.clear()
                self.numbers[value] = known
            return known
        if isinstance(value, bool):
            return Figure(cell_text(value), problem="text")
        if isinstance(value, int):
            if is_percent:
                return Figure(str(value), number=Decimal(value) * 100, suffix="%")
            return Figure(str(value), number=Decimal(value))
        if isinstance(value, (datetime, date, time, timedelta)):
            return Figure(cell_text(value), problem="date")
        if is_uncached:
            return Figure(value, problem="formula")
        known = self.memory.get(value)
        if known is None:
            known = self._read_text(value)
            if len(self.memory) > 50_000:
                self.memory.clear()
            self.memory[value] = known
        return known

    def _read_number(self, value: float, is_percent: bool) -> Figure:
        if value != value or value in (_INFINITE, -_INFINITE):
            return Figure(str(value), problem="error")
        if is_percent:
            return Figure(cell_text(value), number=decimal_of(value) * 100, suffix="%")
        text = cell_text(value)
        # what a person reads of a short one is its number already
        return Figure(text, number=Decimal(text) if len(text) < 15 and "e" not in text else decimal_of(value))

    def _read_text(self, raw: str) -> Figure:
        text = normalise(raw).strip("'\u2018\u2019`")
        if text == "":
            return BLANK if raw == "" else Figure(raw, null_reason="unknown", blank=True)
        token = self.null_tokens.get(text)
        if token is not None:
            return Figure(raw, null_reason=token[0], tells=token[1])
        if any(pattern.match(text) for pattern in self.errors):
            return Figure(raw, problem="formula" if text.startswith("=") else "error")
        estimated = False
        for pattern in self.estimated:
            stripped = pattern.sub("", text)
            if stripped != text and stripped:
                text, estimated = stripped, True
        for pattern in self.footnotes:
            text = pattern.sub("", text) or text
        number, suffix = self._number(text)
        if number is None:
            return Figure(raw, problem="text")
        return Figure(raw, number=number, suffix=suffix, estimated=estimated)

    def _number(self, text: str) -> tuple[Decimal | None, str | None]:
        number, suffix = bare_number(text)
        if number is not None:
            return number, suffix
        for sign, patterns in ((-1, self.brackets), (-1, self.negative), (1, self.positive)):
            for pattern in patterns:
                match = pattern.match(text)
                if match is None:
                    continue
                number, suffix = bare_number(match.group("rest"))
                # a sign before a sign (a fall of -5.2) says two things at once: not read
                if number is not None and number >= 0:
                    return number * sign, suffix
        return None, None


BLANK = Figure("", null_reason="unknown", blank=True)


def decimal_of(value: float) -> Decimal:
    """A spreadsheet's number as typed: 15 digits, without what binary arithmetic added (16.900000000000002)."""
    if value.is_integer() and -1e15 < value < 1e15:
        return Decimal(int(value))
    return Decimal(f"{value:.15g}")


def bare_number(text: str) -> tuple[Decimal | None, str | None]:
    """A normalised text as number and suffix ('1.2e3' → 1200, None; '5,332.0t' → 5332.0, 't'); None where it is none.

    Both separators are commas by now; groups of three or four digits are thousands. A comma elsewhere is not read.
    """
    number = _digits(text)
    if number is not None:
        return number, None
    match = _WITH_SUFFIX.match(text)
    if match is None:
        return None, None
    number = _digits(match.group("number"))
    return (None, None) if number is None else (number, match.group("suffix"))


def _digits(text: str) -> Decimal | None:
    if _PLAIN.match(text):
        pass
    elif _GROUPED.match(text) or _GROUPED_FOURS.match(text):
        text = text.replace(",", "")
    else:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
