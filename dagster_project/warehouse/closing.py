"""Closing a month: who approved it, who froze it with which version, who opened it again and why; kept in the journal.

Belongs here: saying it (the command line and the dashboard call these functions), replaying it, the rows of raw.closing
that dbt reads, which versions may never be removed. Does not belong here: who may do it (dashboard/access), what pages
show, what counts as changed afterwards (dbt: stg_closing, fct_revision, fct_issue).

Approving names the version that serves; closing freezes that version: it is never removed, and `tew query --version`, the
bulletin and the dashboard's `version=` read it. A workbook that comes later is taken in as ever and is in force in newer
versions; each figure that it changes stands in fct_revision as changed after closing. Reopening says that this is meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from dagster_project.settings import Settings
from dagster_project.warehouse.archive import Event, Journal
from dagster_project.warehouse.errors import NothingPublished, WarehouseError
from dagster_project.warehouse.pointer import current_version, read_manifest, version_names

APPROVED, CLOSED, REOPENED = "month_approved", "month_closed", "month_reopened"
KINDS = (APPROVED, CLOSED, REOPENED)


@dataclass(frozen=True)
class Round:
    """One round of a month: approved, closed, reopened; `round_no` counts from 1. Times are UTC without zone.

    `last_seq` is the last submission in the frozen version, `reopened_seq` the last one received when it was reopened.
    """

    period: date
    round_no: int
    version: str
    last_seq: int
    approved_by: str
    approved_at: datetime
    closed_by: str | None = None
    closed_at: datetime | None = None
    reopened_by: str | None = None
    reopened_at: datetime | None = None
    reopened_seq: int | None = None
    reason: str | None = None

    @property
    def state(self) -> str:
        """approved, closed or reopened."""
        return "reopened" if self.reopened_at else "closed" if self.closed_at else "approved"

    def as_dict(self) -> dict[str, Any]:
        found = {key: value.isoformat() if isinstance(value, date) else value for key, value in asdict(self).items()}
        return {**found, "period": f"{self.period:%Y-%m}", "state": self.state}


def rounds(others: Iterable[Event]) -> list[Round]:
    """All rounds of all months, in the order they began. An approval that was not followed by closing is replaced."""
    found: dict[tuple[date, int], Round] = {}
    current: dict[date, int] = {}
    for event in others:
        if event.get("event") not in KINDS:
            continue
        period, at, by = date.fromisoformat(event["period"]), datetime.fromisoformat(event["at"]), event["by"]
        number = current.get(period, 0)
        last = found.get((period, number))
        if event["event"] == APPROVED:
            if last is not None and last.state != "approved":
                number += 1
            number = max(number, 1)
            current[period] = number
            found[period, number] = Round(period, number, event["version"], int(event["last_seq"]), by, at)
        elif last is not None and event["event"] == CLOSED:
            found[period, number] = replace(last, closed_by=by, closed_at=at)
        elif last is not None:
            seq = int(event["after_seq"])
            found[period, number] = replace(
                last, reopened_by=by, reopened_at=at, reopened_seq=seq, reason=event["reason"]
            )
    return list(found.values())


def latest(settings: Settings) -> dict[date, Round]:
    """The last round of every month that has one."""
    return {entry.period: entry for entry in rounds(Journal(settings.journal).replay().others)}


def kept_versions(settings: Settings) -> set[str]:
    """Versions that were frozen, or approved and wait for it: retention leaves them."""
    return {
        entry.version for entry in rounds(Journal(settings.journal).replay().others) if entry.closed_at is not None
    } | {entry.version for entry in latest(settings).values() if entry.state == "approved"}


def rows(others: Iterable[Event]) -> list[tuple[Any, ...]]:
    """Rows of raw.closing."""
    return [
        (
            entry.period,
            entry.round_no,
            entry.version,
            entry.last_seq,
            entry.approved_by,
            entry.approved_at,
            entry.closed_by,
            entry.closed_at,
            entry.reopened_by,
            entry.reopened_at,
            entry.reopened_seq,
            entry.reason,
        )
        for entry in rounds(others)
    ]


def approve(settings: Settings, period: date, by: str) -> Round:
    """A leader takes the month as the serving version shows it.

    Raises WarehouseError: no person, no figures of that month, closed already; NothingPublished.
    """
    _somebody(period, by)
    last = latest(settings).get(period)
    if last is not None and last.state == "closed":
        raise WarehouseError(
            "warehouse.month_is_closed", period=f"{period:%Y-%m}", version=last.version, by=last.closed_by
        )
    version = current_version(settings)
    manifest = read_manifest(settings, version) if version else None
    if version is None or manifest is None:
        raise NothingPublished("warehouse.nothing_published", home=settings.home.name)
    _has_figures(settings, period, version)
    last_seq = int((manifest.get("submissions") or {}).get("last_seq") or 0)
    return _say(settings, period, {"event": APPROVED, "by": by.strip(), "version": version, "last_seq": last_seq})


def close(settings: Settings, period: date, by: str, approved_by: str | None = None) -> Round:
    """Freeze the month with the version that was approved; `approved_by` approves it at once.

    Raises WarehouseError: not approved, closed already, the approved version is gone; as `approve`.
    """
    _somebody(period, by)
    last = latest(settings).get(period)
    if approved_by:
        last = approve(settings, period, approved_by)
    if last is None or last.state == "reopened":
        raise WarehouseError("warehouse.month_not_approved", period=f"{period:%Y-%m}")
    if last.state == "closed":
        raise WarehouseError(
            "warehouse.month_is_closed", period=f"{period:%Y-%m}", version=last.version, by=last.closed_by
        )
    if last.version not in version_names(settings):
        raise WarehouseError("warehouse.month_version_gone", period=f"{period:%Y-%m}", version=last.version)
    return _say(settings, period, {"event": CLOSED, "by": by.strip()})


def reopen(settings: Settings, period: date, reason: str, by: str) -> Round:
    """Say that a closed month is meant to change, and why; its frozen version stays.

    Raises WarehouseError: no person, no reason, not closed.
    """
    _somebody(period, by)
    if not reason.strip():
        raise WarehouseError("warehouse.month_no_reason", period=f"{period:%Y-%m}")
    last = latest(settings).get(period)
    if last is None or last.state != "closed":
        raise WarehouseError("warehouse.month_not_closed", period=f"{period:%Y-%m}")
    after = Journal(settings.journal).replay().last_seq
    event = {"event": REOPENED, "by": by.strip(), "reason": reason.strip(), "after_seq": after}
    return _say(settings, period, event)


def frozen_version(settings: Settings, period: date) -> str | None:
    """The version that a closed month is frozen with, None where it is open."""
    last = latest(settings).get(period)
    return last.version if last is not None and last.state == "closed" else None


def _say(settings: Settings, period: date, event: Event) -> Round:
    Journal(settings.journal).append([{**event, "period": period.isoformat()}])
    return latest(settings)[period]


def _somebody(period: date, by: str) -> None:
    if not by.strip():
        raise WarehouseError("warehouse.month_by_whom", period=f"{period:%Y-%m}")


def _has_figures(settings: Settings, period: date, version: str) -> None:
    from dagster_project.warehouse.read import PublishedReader

    newest, figures = PublishedReader(settings, version=version).query(
        "SELECT max(period), count(*) FILTER (period = $period) FROM marts.fct_indicator_progress "
        "WHERE level = 'county' AND value_ytd IS NOT NULL",
        {"period": period},
    )[1][0]
    if not figures:
        known = f"{newest:%Y-%m}" if newest else "-"
        raise WarehouseError("warehouse.month_no_figures", period=f"{period:%Y-%m}", latest=known)
