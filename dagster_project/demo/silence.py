"""Who did not report in which month, and what the county's totals then hold.

Belongs here: the calendar of townships that were silent or late, and sums that carry their last figures (domain.md J.6).
Does not belong here: how a silent row looks (layouts.py).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dagster_project.demo import places
from dagster_project.demo.economy import Economy
from dagster_project.demo.places import Township, add_months

# month → township code → unreported (未报), absent (no row at all), carried (沿用上月累计),
# late (未报 at first, its own file follows)
CALENDAR: dict[date, dict[str, str]] = {
    date(2023, 12, 1): {"529901203": "late"},
    date(2024, 4, 1): {"529901205": "unreported"},
    date(2024, 5, 1): {"529901202": "carried"},
    date(2024, 6, 1): {"529901201": "absent"},
    date(2024, 8, 1): {"529901201": "late", "529901203": "late"},
    date(2024, 10, 1): {"529901105": "unreported"},
    date(2025, 4, 1): {"529901200": "late"},
    date(2025, 6, 1): {"529901203": "unreported"},
    date(2025, 8, 1): {"529901202": "carried"},
    date(2025, 11, 1): {"529901201": "late", "529901104": "late", "529901203": "late"},
    date(2026, 3, 1): {"529901203": "late"},
    date(2026, 5, 1): {"529901201": "carried"},
    date(2026, 7, 1): {"529901203": "late", "529901202": "late"},
    date(2026, 10, 1): {"529901203": "unreported"},
}


class Silence:
    """The calendar, limited to the months that are written, and the county's sums under it."""

    def __init__(self, economy: Economy, first: date) -> None:
        self._economy = economy
        # in the first month of all there is nothing that could be carried
        self._calendar = {
            period: {code: state for code, state in states.items() if state != "carried" or period > first}
            for period, states in CALENDAR.items()
            if period >= first
        }

    def states(self, period: date) -> dict[str, str]:
        return self._calendar.get(period, {})

    def final(self, period: date) -> frozenset[str]:
        """Townships that never reported the month."""
        return frozenset(code for code, state in self.states(period).items() if state != "late")

    def last_reported(self, township: Township, period: date) -> date:
        """The last month up to `period` for which the township did report."""
        while township.code in self.final(period):
            period = add_months(period, -1)
        return period

    def county_month(self, code: str, period: date) -> Decimal:
        """Sum of what townships reported for the month."""
        silent = self.final(period)
        return sum(
            (self._economy.flow(item, code, period) for item in places.townships(period) if item.code not in silent),
            Decimal(0),
        )

    def county_ytd(self, code: str, period: date) -> tuple[Decimal, Decimal]:
        """Year to date and its base, silent townships with their last figure and that month's base."""
        value = base = Decimal(0)
        for township in places.townships(period):
            at = self.last_reported(township, period)
            value += self._economy.ytd(township, code, at)
            base += self._economy.base(township, code, at)
        return value, base
