"""`tew approve`, `tew close`, `tew reopen`, `tew months`: printing only; the rule stands in warehouse/closing.py."""

from __future__ import annotations

import json
from datetime import date

from dagster_project.commands import render
from dagster_project.commands.texts import Texts, out
from dagster_project.settings import Settings
from dagster_project.warehouse import closing
from dagster_project.warehouse.archive import Journal


def approve(settings: Settings, period: date, by: str, *, as_json: bool) -> None:
    """Raises WarehouseError as `closing.approve`."""
    _tell(settings, "cli.month_approved", closing.approve(settings, period, by), as_json)


def close(settings: Settings, period: date, by: str, approved_by: str | None, *, as_json: bool) -> None:
    """Raises WarehouseError as `closing.close`."""
    _tell(settings, "cli.month_closed", closing.close(settings, period, by, approved_by), as_json)


def reopen(settings: Settings, period: date, reason: str, by: str, *, as_json: bool) -> None:
    """Raises WarehouseError as `closing.reopen`."""
    _tell(settings, "cli.month_reopened", closing.reopen(settings, period, reason, by), as_json)


def _tell(settings: Settings, key: str, done: closing.Round, as_json: bool) -> None:
    texts, fields = Texts(settings.seeds), {"period": f"{done.period:%Y-%m}", "version": done.version}
    if as_json:
        said = {"status": "done", **done.as_dict(), **texts.as_dict(key, **fields)}
        out(json.dumps(said, ensure_ascii=False))
    else:
        out(texts.lines(key, **fields))


def print_all(settings: Settings, *, as_json: bool) -> None:
    """Every round of every month, the newest month first; an empty list is no error."""
    rounds = closing.rounds(Journal(settings.journal).replay().others)
    rounds.sort(key=lambda entry: (entry.period, entry.round_no), reverse=True)
    if as_json:
        out(json.dumps([entry.as_dict() for entry in rounds], ensure_ascii=False))
        return
    columns = ["month", "round", "status", "version", "approved_by", "closed_by", "closed_at (UTC)", "reason"]
    shown = [
        (
            f"{entry.period:%Y-%m}",
            entry.round_no,
            entry.state,
            entry.version,
            entry.approved_by,
            entry.closed_by or "",
            "" if entry.closed_at is None else entry.closed_at.isoformat(sep=" ", timespec="minutes"),
            entry.reason or "",
        )
        for entry in rounds
    ]
    out(render.table(columns, shown))
