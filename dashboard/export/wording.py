"""Grammar of generated sentences: numbers with their words, and where each number comes from (domain.md F.2).

Belongs here: templates (i18n/bulletin.csv), figures with their bookmark and trace address, the choice of words by sign.
Does not belong here: which figures a bulletin holds (bulletin.py), its looks (docx.py), SQL.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from dashboard.components.numbers import half_up, number, to_decimal
from dashboard.i18n import FOLDER

_FIELD = re.compile(r"\{(\w+)\}")
# Below this, in percent or points, one decimal shows 0.0: no direction can be claimed (domain.md F.2).
FLAT = Decimal("0.05")
TENFOLD = Decimal(100)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a text: what is printed, what it is (its key in marts) and the address that explains it.

    `value` is the unrounded value of marts in its stored unit. `period` is a month's first day.
    """

    text: str
    indicator: str
    unit_id: str
    period: date
    measure: str
    value: Any
    trace: str

    @property
    def bookmark(self) -> str:
        """Indicator, unit, period and measure as a name that Word accepts (letters, digits, _, at most 40)."""
        plain = re.sub(r"\W", "_", f"{self.indicator}_{self.unit_id}_{self.period:%Y%m}_{self.measure}", flags=re.ASCII)
        return plain[:36]


Part = str | Figure
Phrase = list[Part]


@dataclass(frozen=True, slots=True)
class Clause:
    """One row of bulletin.csv; clauses of the same key make one sentence."""

    part: str
    key: str
    indicator: str
    is_optional: bool
    text: str


@lru_cache(maxsize=1)
def clauses() -> tuple[Clause, ...]:
    """All rows of bulletin.csv in their order."""
    with (FOLDER / "bulletin.csv").open(encoding="utf-8", newline="") as handle:
        return tuple(
            Clause(row["part"], row["key"], row["indicator"], row["is_optional"] == "yes", row["text"])
            for row in csv.DictReader(handle)
        )


@lru_cache(maxsize=512)
def text(part: str, key: str) -> str:
    """The text of one row; KeyError where there is none."""
    for row in clauses():
        if row.part == part and row.key == key:
            return row.text
    raise KeyError(f"{part},{key}")


def word(key: str) -> str:
    return text("word", key)


def fields(template: str) -> list[str]:
    return _FIELD.findall(template)


def gaps(template: str) -> str:
    """A template with a box where each number would stand; a clause begins without the mark that joined it."""
    return _FIELD.sub(word("gap"), re.sub(r"^[^\w{]+", "", template))


def fill(template: str, values: dict[str, Any]) -> Phrase:
    """A template with its fields replaced: by text, a Figure, or a whole phrase."""
    phrase: Phrase = []
    for index, piece in enumerate(_FIELD.split(template)):
        found = piece if index % 2 == 0 else values[piece]
        phrase.extend(found if isinstance(found, list) else [found] if isinstance(found, Figure) else [str(found)])
    return [part for part in phrase if part != ""]


def say(key: str, **values: Any) -> Phrase:
    """The words under `key` filled in."""
    return fill(word(key), values)


def joined(phrases: Iterable[Sequence[Part] | str], separator: str) -> Phrase:
    """Phrases with a separator between them; the last one gets no "and" (domain.md F.2)."""
    result: Phrase = []
    for phrase in phrases:
        if result:
            result.append(separator)
        result.extend([phrase] if isinstance(phrase, str) else phrase)
    return result


def plain(phrase: Iterable[Part]) -> str:
    """The text of a phrase."""
    return "".join(part if isinstance(part, str) else part.text for part in phrase)


def printed(value: Any, decimals: int) -> str:
    """A number as a text prints it: rounded half up, without separators of thousands (domain.md B.6)."""
    return number(value, decimals, grouped=False)


def growth(value: Any, make: Any) -> Phrase | None:
    """Growth in % as words; `make(text)` gives the Figure. None where there is no number."""
    decimal = to_decimal(value)
    if decimal is None:
        return None
    if abs(decimal) < FLAT:
        return say("flat")
    if half_up(decimal, 1) >= TENFOLD:
        return say("times", x=make(printed(decimal / TENFOLD, 1)))
    return say("up" if decimal > 0 else "down", x=make(f"{printed(abs(decimal), 1)}%"))


def difference(value: Any, decimals: int, make: Any, *, points: bool) -> Phrase | None:
    """The change of a ratio: in points, or as a plain difference."""
    decimal = to_decimal(value)
    if decimal is None:
        return None
    if half_up(decimal, decimals) == 0:
        return say("flat")
    side = "up" if decimal > 0 else "down"
    return say(f"{'points' if points else 'difference'}.{side}", x=make(printed(abs(decimal), decimals)))


def gap(value: Any, make: Any) -> Phrase | None:
    """Distance to schedule in points."""
    decimal = to_decimal(value)
    if decimal is None:
        return None
    if abs(decimal) < FLAT:
        return say("gap.even")
    return say("gap.ahead" if decimal > 0 else "gap.behind", x=make(printed(abs(decimal), 1)))


def change(now: Any, by: Any, before: str, make: Any) -> Phrase | None:
    """How growth itself moved since the month before: faster or slower, a fall narrower or wider."""
    present, moved = to_decimal(now), to_decimal(by)
    if present is None or moved is None:
        return None
    if abs(moved) < FLAT:
        return say("change.same", before=before)
    # A fall that ended within the month is a growth that became faster; one that began, a growth that slowed.
    was = present - moved
    if present < 0 and was < 0:
        key = "change.narrower" if moved > 0 else "change.wider"
    else:
        key = "change.faster" if moved > 0 else "change.slower"
    return say(key, before=before, x=make(printed(abs(moved), 1)))
