"""What is due when, and who has not reported: the calendar of forms against the published version.

Belongs here: due days by reference data, units that are expected and silent. Does not belong here: telling it (send.py),
what counts as late afterwards (dbt: fct_completeness, which begins to speak once a receipt lies behind the due day).

A unit is expected for a month as it was in the last month before it; who came or went since is known with the register.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dagster_project.reference import Reference
from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader

DEFAULT_DAYS = "-2|0|1|5"


@dataclass(frozen=True)
class Due:
    """One form of one month with its due day; `silent` are the units that have not reported it, of `expected`."""

    form_code: str
    name_zh: str
    name_en: str
    period: date
    due_on: date
    expected: int
    silent: tuple[tuple[str, str, str], ...] = ()

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_zh

    def silent_names(self, lang: str) -> list[str]:
        return [en if lang == "en" else zh for _, zh, en in self.silent]


def month_end(month: date) -> date:
    return add_months(month, 1) - timedelta(days=1)


def add_months(month: date, months: int) -> date:
    """The first day of the month `months` later."""
    index = month.year * 12 + month.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def due_day(form: Mapping[str, Any], period: date) -> date:
    """When a form of a month is due; the 31st of a short month is its last day (as fct_completeness)."""
    month = add_months(period, int(form["due_month_offset"] if form["due_month_offset"] is not None else 1))
    return min(month + timedelta(days=int(form["due_day"]) - 1), month_end(month))


def monthly_forms(reference: Reference) -> list[dict[str, Any]]:
    """Forms that somebody owes every month."""
    return [
        row
        for row in reference.rows("forms")
        if row["period_grain"] == "month" and row["due_day"] is not None and row["expected_scope"]
    ]


def dated(reference: Reference, today: date, since: int, until: int) -> list[tuple[dict[str, Any], date, date]]:
    """(form, month, due day) of every form whose due day lies `since`…`until` days from `today`."""
    free = {(row["form_code"], row["month"]) for row in reference.rows("form_calendar") if row["is_expected"] is False}
    found = []
    for form in monthly_forms(reference):
        for back in range(-1, 6):
            period = add_months(today.replace(day=1), -back)
            day = due_day(form, period)
            if since <= (day - today).days <= until and (form["form_code"], period.month) not in free:
                found.append((form, period, day))
    return sorted(found, key=lambda entry: (entry[2], entry[0]["form_code"]))


def offsets(reference: Reference) -> list[int]:
    """Days from the due day on which people are reminded, negative before it (settings.csv, reminder_days)."""
    return sorted(int(part) for part in str(reference.setting("reminder_days", DEFAULT_DAYS)).split("|"))


def owed(settings: Settings, reference: Reference, dates: Iterable[tuple[dict[str, Any], date, date]]) -> list[Due]:
    """The same with who is silent; raises NothingPublished. A form that nobody was ever expected for is left out."""
    reader = PublishedReader(settings)
    found = []
    for form, period, day in dates:
        rows = reader.query(
            """
            WITH last AS (
                SELECT max(period) AS period FROM marts.fct_completeness
                WHERE form_code = $form AND period < $period
            )
            SELECT e.unit_id, coalesce(t.name_zh, f.name_zh, c.name_zh, e.unit_id),
                   coalesce(t.name_en, f.name_zh, c.name_en, e.unit_id),
                   h.unit_id IS NOT NULL
            FROM marts.fct_completeness e
            JOIN last ON e.period = last.period
            LEFT JOIN marts.dim_township t ON e.unit_id = t.township_code
            LEFT JOIN marts.dim_enterprise f ON e.unit_id = f.enterprise_id
            LEFT JOIN marts.dim_unit c ON e.level = c.level AND e.unit_id = c.unit_id
            LEFT JOIN (
                SELECT DISTINCT unit_id FROM marts.fct_completeness
                WHERE form_code = $form AND period = $period AND status <> 'missing'
            ) h ON e.unit_id = h.unit_id
            WHERE e.form_code = $form AND e.status <> 'suspended'
              AND (t.township_code IS NULL OR t.valid_to IS NULL OR t.valid_to >= $period)
            ORDER BY t.sort_order, e.unit_id
            """,
            {"form": form["form_code"], "period": period},
        )[1]
        if rows:
            silent = tuple((unit, zh, en) for unit, zh, en, is_heard in rows if not is_heard)
            found.append(Due(form["form_code"], form["name_zh"], form["name_en"], period, day, len(rows), silent))
    return found


def reminders(settings: Settings, reference: Reference, today: date) -> list[Due]:
    """What people are reminded of today: forms that are due in, or since, one of `offsets` days and still owed."""
    days = offsets(reference)
    asked = [
        entry
        for entry in dated(reference, today, -max(days, default=0), -min(days, default=0))
        if (today - entry[2]).days in days
    ]
    return [entry for entry in owed(settings, reference, asked) if entry.silent]


def overdue(settings: Settings, reference: Reference, today: date, days: int = 31) -> list[Due]:
    """Forms whose due day passed within `days` and that somebody still owes."""
    return [entry for entry in owed(settings, reference, dated(reference, today, -days, -1)) if entry.silent]


def local_today(reference: Reference) -> date:
    """Today where the bureau is."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.now(ZoneInfo(str(reference.setting("time_zone", "Asia/Shanghai")))).date()
