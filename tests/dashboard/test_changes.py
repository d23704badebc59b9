"""Page /changes: every month that was revised since leads to its own comparison."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

from dashboard.pages.changes import _before


def test_a_month_is_compared_from_a_day_that_knew_it() -> None:
    view: Any = SimpleNamespace(
        catalogue=SimpleNamespace(periods=(date(2026, 5, 1),)), snapshot=SimpleNamespace(day=date(2026, 6, 30))
    )
    revised = date(2026, 10, 19)
    assert _before(view, {"period": date(2026, 5, 1), "first_revised_on": revised}) == date(2026, 6, 30)
    # Of September nothing was known in June: the comparison begins the day before it was revised.
    assert _before(view, {"period": date(2026, 9, 1), "first_revised_on": revised}) == date(2026, 10, 18)
