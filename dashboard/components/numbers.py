"""How figures are written: rounding, units, growth and gaps (domain.md B.2, B.6).

Belongs here: pure functions from a value to its text. How a stored unit is shown is data: display_units.csv.
Does not belong here: components, colours, arithmetic of the field (dbt).
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

UNITS_FILE = Path(__file__).with_name("display_units.csv")
NOTHING = "—"
_EXACT = Context(prec=400)


@dataclass(frozen=True, slots=True)
class DisplayUnit:
    """How a stored unit is shown: text per language, factor from stored to shown, decimals (None: the indicator's)."""

    shown: str
    zh: str
    en: str
    factor: Decimal
    decimals: int | None


@lru_cache(maxsize=1)
def _display_units() -> dict[tuple[str, str], DisplayUnit]:
    with UNITS_FILE.open(encoding="utf-8", newline="") as handle:
        return {
            (row["stored"], row["mode"] or row["zh"]): DisplayUnit(
                row["mode"],
                row["zh"],
                row["en"],
                Decimal(row["factor"]),
                int(row["decimals"]) if row["decimals"] else None,
            )
            for row in csv.DictReader(handle)
        }


@lru_cache(maxsize=1024)
def display_unit(stored: str | None, preferred: str | None = None, mode: str | None = None) -> DisplayUnit:
    """The unit shown for a stored one: by the reader's switch (`yi`, `wan`), else the indicator's preference.

    An undeclared unit is shown as it is stored.
    """
    units = _display_units()
    stored = stored or ""
    if mode and (stored, mode) in units:
        return units[stored, mode]
    for (unit, _), found in units.items():
        if unit == stored and found.zh == (preferred or stored):
            return found
    return DisplayUnit("", stored, stored, Decimal(1), None)


def to_decimal(value: Any) -> Decimal | None:
    """A finite number as Decimal; None, NaN and infinity are no numbers."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    number = Decimal(value)
    return number if number.is_finite() else None


def half_up(value: Decimal, decimals: int) -> Decimal:
    """Rounded half away from zero; zero never carries a sign."""
    rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP, context=_EXACT)
    return abs(rounded) if rounded == 0 else rounded


def number(value: Any, decimals: int = 0, *, signed: bool = False, grouped: bool = True) -> str:
    """A figure as text, "—" where there is none; `signed` writes the plus sign of a difference."""
    decimal = to_decimal(value)
    if decimal is None:
        return NOTHING
    rounded = half_up(decimal, decimals)
    text = f"{rounded:,f}" if grouped else f"{rounded:f}"
    return f"+{text}" if signed and rounded > 0 else text


def in_unit(value: Any, unit: DisplayUnit, decimals: int | None = None) -> str:
    """A stored value in the unit shown."""
    decimal = to_decimal(value)
    if decimal is None:
        return NOTHING
    places = unit.decimals if unit.decimals is not None else (decimals or 0)
    return number(decimal * unit.factor, places)
