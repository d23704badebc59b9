"""The turn of the year: a December report that arrives in February is December's of the year that ended.

Belongs here: that case through the whole pipeline. Does not belong here: carrying reference data into a new year
(tests/test_docs.py).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dagster_project.warehouse.refresh import run_refresh
from tests.warehouse import workbooks

FENGLIN, ZHANQIAN = "529901100", "529901101"


def received(on: str) -> float:
    return datetime.fromisoformat(f"{on}T09:00:00").replace(tzinfo=UTC).timestamp()


def test_a_december_report_arriving_in_february_lands_in_its_year(home: Settings) -> None:
    def send(name: str, year: int, month: int, on: str, **figures: tuple[int, int]) -> None:
        workbooks.townships(home.inbox / name, month, figures, year=year, mtime=received(on))

    send("2025-11.xlsx", 2025, 11, "2025-12-05", 枫林湖镇=(10, 110), 站前镇=(20, 220))
    send("2025-12.xlsx", 2025, 12, "2026-01-06", 枫林湖镇=(10, 120))
    send("2026-01.xlsx", 2026, 1, "2026-02-05", 枫林湖镇=(11, 11), 站前镇=(24, 24))
    assert run_refresh(home).published
    before = figures(home)
    assert before[ZHANQIAN, date(2025, 12, 1)] == (Decimal(220), True)  # silent: November's figure, marked

    send("年底补报.xlsx", 2025, 12, "2026-02-20", 站前镇=(21, 241))
    assert run_refresh(home).published
    after = figures(home)
    assert after[ZHANQIAN, date(2025, 12, 1)] == (Decimal(241), False)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert {(unit, period) for unit, period in changed} == {
        (ZHANQIAN, date(2025, 12, 1)),
        ("529901", date(2025, 12, 1)),
    }
    assert after["529901", date(2025, 12, 1)] == (Decimal(120 + 241), False)
    # January is a year of its own: neither the late December nor a carried one is in it
    assert after[ZHANQIAN, date(2026, 1, 1)] == (Decimal(24), False)
    (late,) = PublishedReader(home).query(
        "select status, days_after_due > 0 from marts.fct_completeness"
        " where form_code = 'TE-M1' and unit_id = $unit and period = date '2025-12-01'",
        {"unit": ZHANQIAN},
    )[1]
    assert late == ("late", True)


def figures(settings: Settings) -> dict[tuple[str, date], tuple[Decimal, bool]]:
    rows = PublishedReader(settings).query(
        "select unit_id, period, value_ytd, is_carried from marts.fct_indicator_progress"
        " where indicator_code = 'TE01' and basis = 'reported' and value_ytd is not null"
    )[1]
    return {(unit, period): (value, carried) for unit, period, value, carried in rows}
