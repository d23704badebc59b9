"""`tew bulletin`: the monthly bulletin as a Word file.

Belongs here: choosing the file, writing it whole, telling what was left out.
Does not belong here: the bulletin itself (dashboard/export/), its wording (dashboard/i18n/bulletin.csv).
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.commands.as_of import ready
from dagster_project.commands.texts import CommandError, Texts, note, out
from dagster_project.commands.versions import published_file
from dagster_project.settings import Settings
from dagster_project.warehouse import closing
from dagster_project.warehouse.read import PublishedReader

if TYPE_CHECKING:
    from dashboard.export.bulletin import Draft


def run(
    settings: Settings,
    period: date,
    output: Path | None,
    address: str,
    *,
    version: str | None = None,
    as_of: date | None = None,
    external: bool = False,
    as_json: bool,
) -> None:
    """Write the bulletin of `period`, a closed month's from the version it is frozen with, so that it can be made again
    as it was issued; with an earlier day's knowledge where `as_of` names one. Raises CommandError, NothingPublished,
    BuildFailed."""
    draft = _draft(settings, period, address, version or closing.frozen_version(settings, period), as_of, external)
    target = output or Path(f"{draft.title}{f'_{as_of}' if as_of else ''}.docx")
    _write(draft, target)
    texts = Texts(settings.seeds)
    warnings = [{"template": item.template, "missing": ", ".join(item.missing)} for item in draft.dropped]
    for warning in warnings:
        note(texts.lines("cli.bulletin_dropped", **warning))
    if not as_json:
        out(texts.lines("cli.bulletin_written", path=target, version=draft.version, figures=len(draft.figures())))
        return
    figures = [
        {
            "text": figure.text,
            "bookmark": figure.bookmark,
            "indicator": figure.indicator,
            "unit_id": figure.unit_id,
            "period": f"{figure.period:%Y-%m}",
            "measure": figure.measure,
            "value": str(figure.value),
            "trace": figure.trace,
        }
        for figure in draft.figures()
    ]
    report: dict[str, object] = {"status": "done", "path": str(target), "version": draft.version, "warnings": warnings}
    if as_of is not None:
        report["as_of"] = as_of.isoformat()
    out(json.dumps({**report, "figures": figures}, ensure_ascii=False))


def _draft(
    settings: Settings,
    period: date,
    address: str,
    version: str | None = None,
    as_of: date | None = None,
    external: bool = False,
) -> Draft:
    published_file(settings, None if as_of else version)
    # Dash and Word are imported where they are needed alone.
    from dashboard.as_of.days import store_of
    from dashboard.data.store import LacksTable, Store
    from dashboard.export import bulletin

    if as_of is not None:
        ready(settings, as_of)
    store = Store(PublishedReader(settings, version=version)) if as_of is None else store_of(settings, as_of)
    try:
        return store.draw(lambda snapshot: bulletin.draft(snapshot, period, address, external=external))
    except bulletin.NoSuchMonth as error:
        latest = f"{error.latest:%Y-%m}" if error.latest else "-"
        raise CommandError("cli.no_figures", period=f"{period:%Y-%m}", latest=latest) from error
    except LacksTable as gap:
        raise CommandError("cli.old_version", table=gap.relation) from gap


def _write(draft: Draft, target: Path) -> None:
    from dashboard.export import docx

    part = target.with_name(f".{target.name}.part")
    try:
        part.write_bytes(docx.write(draft))
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CommandError("cli.output_failed", path=target, problem=error.strerror or error) from error


def write_draft(settings: Settings, period: date, folder: Path) -> tuple[Path, list[str]]:
    """A draft for people to edit, named by title and version so that none is written over; and what was left out.

    Raises CommandError, NothingPublished.
    """
    from dagster_project.alerts.channels import load

    draft = _draft(settings, period, load(settings).address or "http://127.0.0.1:8050")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{draft.title}_{draft.version}.docx"
    _write(draft, target)
    return target, [f"{item.template}: {', '.join(item.missing)}" for item in draft.dropped]
