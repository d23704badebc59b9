"""`tew proof`: the proof package of a month as one zip.

Belongs here: choosing the file, writing it whole. Does not belong here: what the package holds (dashboard/export/proof.py).
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from dagster_project.commands.as_of import ready
from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.commands.versions import published_file
from dagster_project.settings import Settings
from dagster_project.warehouse.archive import archived_path
from dagster_project.warehouse.read import PublishedReader


def run(
    settings: Settings, period: date, output: Path | None, address: str, *, as_of: date | None = None, as_json: bool
) -> None:
    """Write the package of `period`, all of it as known at the end of `as_of` where a day is named.

    Raises CommandError, NothingPublished, BuildFailed.
    """
    warehouse = published_file(settings)
    # Dash and Word are imported where they are needed alone.
    from dashboard.as_of.days import store_of
    from dashboard.data.store import LacksTable, Store
    from dashboard.export import bulletin, proof

    day_file = None if as_of is None else ready(settings, as_of)
    store = Store(PublishedReader(settings)) if as_of is None else store_of(settings, as_of)
    known = f"-as-of-{as_of}" if as_of else ""
    target = output or Path(f"proof-{period:%Y-%m}-{warehouse.parent.name}{known}.zip")
    part = target.with_name(f".{target.name}.part")
    try:
        sums = store.draw(
            lambda snapshot: proof.write(
                snapshot,
                period,
                part,
                # The version drawn from, which another may have followed since.
                warehouse=day_file or settings.published / snapshot.version / warehouse.name,
                seeds=settings.seeds,
                stored=lambda sha256: archived_path(settings, sha256),
                base=address,
            )
        )
        part.replace(target)
    except bulletin.NoSuchMonth as error:
        part.unlink(missing_ok=True)
        latest = f"{error.latest:%Y-%m}" if error.latest else "-"
        raise CommandError("cli.no_figures", period=f"{period:%Y-%m}", latest=latest) from error
    except LacksTable as gap:
        part.unlink(missing_ok=True)
        raise CommandError("cli.old_version", table=gap.relation) from gap
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CommandError("cli.output_failed", path=target, problem=error.strerror or error) from error
    if as_json:
        report = {"status": "done", "path": str(target), "version": warehouse.parent.name, "files": sums}
        if as_of is not None:
            report["as_of"] = as_of.isoformat()
        out(json.dumps(report, ensure_ascii=False))
    else:
        out(Texts(settings.seeds).lines("cli.proof_written", path=target, files=len(sums)))
