"""The class of an accident by the decree in force on its day (domain.md B.8).

Belongs here: the class as a function of deaths, serious injuries, loss and date; comparing it with a declared word.
Does not belong here: thresholds (accident_classes.csv), rules over sheets (rules_coal_safety.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dagster_project.reference import Reference


@dataclass(frozen=True, slots=True)
class AccidentClass:
    """One class of one regime: any threshold reached triggers it; None is a criterion the regime did not have."""

    name_zh: str
    name_en: str
    rank: int
    deaths_min: int | None
    injuries_min: int | None
    loss_min: Decimal | None  # ten thousand yuan
    valid_from: date
    valid_to: date | None


def load_classes(reference: Reference) -> tuple[AccidentClass, ...]:
    """Rows of accident_classes.csv, the gravest first."""
    rows = [
        AccidentClass(
            row["class_zh"],
            row["class_en"],
            row["rank"],
            row["deaths_min"],
            row["injuries_min"],
            row["loss_min"],
            row["valid_from"],
            row["valid_to"],
        )
        for row in reference.rows("accident_classes")
    ]
    return tuple(sorted(rows, key=lambda item: -item.rank))


def accident_class(
    classes: Iterable[AccidentClass],
    occurred_on: date,
    deaths: int,
    serious_injuries: int = 0,
    direct_loss: Decimal | None = None,
) -> AccidentClass | None:
    """The gravest class that deaths (persons), injuries (persons) or loss (ten thousand yuan) triggers.

    "At least" includes the number itself, "below" does not. None where no regime covers the day.
    """
    gravest: AccidentClass | None = None
    for item in classes:
        if occurred_on < item.valid_from or (item.valid_to is not None and occurred_on > item.valid_to):
            continue
        triggered = (
            (item.deaths_min is not None and deaths >= item.deaths_min)
            or (item.injuries_min is not None and serious_injuries >= item.injuries_min)
            or (item.loss_min is not None and direct_loss is not None and direct_loss >= item.loss_min)
        )
        if triggered and (gravest is None or item.rank > gravest.rank):
            gravest = item
    return gravest


def names_class(declared: str, classes: Iterable[AccidentClass], occurred_on: date) -> AccidentClass | None:
    """The class that a declared word names on that day (its suffix does not matter), or None."""
    word = declared.strip()
    found: AccidentClass | None = None
    for item in classes:
        if occurred_on < item.valid_from or (item.valid_to is not None and occurred_on > item.valid_to):
            continue
        hit = word.startswith(item.name_zh) or word.lower() == item.name_en.lower()
        if hit and (found is None or len(item.name_zh) > len(found.name_zh)):
            found = item
    return found
