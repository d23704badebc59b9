"""A small synthetic county for the audit's tests: two clean years of history and a third, month by month.

Figures are smooth and seasonal, integers in stored units, with bases, printed growth and a total row, as in layout L1.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from dagster_project.audit.history import InMemoryHistory
from dagster_project.audit.run import Auditor
from tests.audit.kit import Book

TOWNS = [
    "529901001",
    "529901002",
    "529901100",
    "529901101",
    "529901102",
    "529901103",
    "529901104",
    "529901105",
    "529901200",
    "529901201",
    "529901202",
    "529901203",
    "529901900",
]
SEASON = (0.85, 0.7, 1.0, 1.02, 1.05, 1.1, 0.98, 0.97, 1.06, 1.08, 1.12, 1.3)
SHARES = {"TE01": 1.0, "TE02": 0.7, "TE03": 0.09, "TE03a": 0.05, "TE08": 0.45}
MEASURES = ("month", "ytd", "base_ytd", "declared_growth")
FIRST_YEAR, LAST_YEAR = 2024, 2026


@dataclass(frozen=True)
class Cell:
    """Where a figure stands in the generated sheet."""

    address: str
    code: str
    measure: str
    town: str


def column(index: int) -> str:
    return (chr(64 + index // 26) if index >= 26 else "") + chr(65 + index % 26)


class County:
    """Truth of all months; `book(month)` is the clean workbook of 2026, `history(until)` what was accepted before."""

    def __init__(self, seed: int, auditor: Auditor) -> None:
        rng = random.Random(seed)
        self.auditor = auditor
        self.month: dict[tuple[str, str, int, int], int] = {}
        self.ytd: dict[tuple[str, str, int, int], int] = {}
        self.people: dict[tuple[str, int, int], int] = {}
        for town in TOWNS:
            size = rng.uniform(900, 4000)
            growth = rng.uniform(0.97, 1.16)
            people = rng.uniform(600, 4000)
            for code, share in SHARES.items():
                own_share = share * rng.uniform(0.92, 1.05)
                for year in range(FIRST_YEAR, LAST_YEAR + 1):
                    total = 0
                    for m in range(1, 13):
                        level = size * own_share * growth ** (year - FIRST_YEAR + m / 12) * SEASON[m - 1]
                        value = max(1, round(level * rng.uniform(0.96, 1.04)))
                        total += value
                        self.month[town, code, year, m] = value
                        self.ytd[town, code, year, m] = total
            for year in range(FIRST_YEAR, LAST_YEAR + 1):
                for m in range(1, 13):
                    people *= rng.uniform(0.99, 1.015)
                    self.people[town, year, m] = round(people)

    def history(self, before_month: int) -> InMemoryHistory:
        """Everything up to the month before `before_month` of the last year."""
        history = InMemoryHistory(self.auditor.context.reference)
        book = Book(self.auditor)
        book.history = history
        for (town, code, year, m), value in self.month.items():
            if (year, m) >= (LAST_YEAR, before_month):
                continue
            period = {f"{year}-{m:02d}": value}
            book.past(code, "month", period, town, "TE-M1")
            book.past(code, "ytd", {f"{year}-{m:02d}": self.ytd[town, code, year, m]}, town, "TE-M1")
        for (town, year, m), value in self.people.items():
            if (year, m) < (LAST_YEAR, before_month):
                book.past("TE04", "stock", {f"{year}-{m:02d}": value}, town, "TE-M1")
        return history

    def book(self, month: int, history: InMemoryHistory | None = None) -> tuple[Book, list[Cell]]:
        """The clean workbook of one month, and where its figures stand."""
        book = Book(self.auditor)
        book.form = "TE-M1"
        book.history = history if history is not None else self.history(month)
        cells: list[Cell] = []
        totals: dict[tuple[str, str], int] = {}
        period = f"{LAST_YEAR}-{month:02d}"
        for i, town in enumerate(TOWNS):
            at = 0
            for code in SHARES:
                ytd, base = self.ytd[town, code, LAST_YEAR, month], self.ytd[town, code, LAST_YEAR - 1, month]
                growth = (Decimal(ytd) / Decimal(base) * 100 - 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
                values = (self.month[town, code, LAST_YEAR, month], ytd, base, growth)
                for measure, value in zip(MEASURES, values, strict=True):
                    address = f"{column(2 + at)}{i + 6}"
                    book.put(address, code, measure, str(value), town, period)
                    cells.append(Cell(address, code, measure, town))
                    if measure != "declared_growth":
                        totals[code, measure] = totals.get((code, measure), 0) + int(value)
                    at += 1
            address = f"{column(2 + at)}{i + 6}"
            book.put(address, "TE04", "stock", self.people[town, LAST_YEAR, month], town, period)
            cells.append(Cell(address, "TE04", "stock", town))
        for j, code in enumerate(SHARES):
            for k, measure in enumerate(MEASURES[:3]):
                book.total(f"{column(2 + 4 * j + k)}5", code, measure, totals[code, measure], period)
        return book, cells
