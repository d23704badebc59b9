"""`tew upgrade`: after a new program was installed, the deployment's reference folder brought to its schema.

Belongs here: showing what is missing, keeping the former folder, writing. Does not belong here: what is missing
(reference_upgrade.py), the home itself, which a refresh migrates (warehouse/home_format.py).
"""

from __future__ import annotations

import json
import shutil

from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.reference import ReferenceError, load_reference
from dagster_project.reference_upgrade import changes
from dagster_project.settings import Settings
from dagster_project.warehouse.archive import utc_now
from dagster_project.warehouse.files import write_atomic


def run(settings: Settings, *, write: bool, as_json: bool) -> None:
    """List what the folder lacks; with `write`, add it, after copying the folder into the home.

    Raises CommandError where a file cannot be written, ReferenceError where the folder cannot be used afterwards.
    """
    texts = Texts(settings.seeds)
    if not settings.seeds.is_dir():
        raise ReferenceError(
            f"reference folder not found: {settings.seeds.name}; set TEW_SEEDS to a folder of CSV files"
        )
    found = changes(settings.seeds)
    kept = ""
    if write and found:
        try:
            kept = _keep(settings)
            for change in found:
                write_atomic(settings.seeds / change.file, change.content.encode())
        except OSError as error:
            raise CommandError(
                "cli.output_failed", path=settings.seeds.name, problem=error.strerror or error
            ) from error
        load_reference(settings.seeds)
    if as_json:
        rows = [{"file": one.file, "new": one.is_new, "columns": one.columns, "rows": one.rows} for one in found]
        out(json.dumps({"status": "done", "written": bool(write and found), "kept": kept, "changes": rows}))
        return
    for one in found:
        key = "upgrade.file" if one.is_new else "upgrade.columns" if one.columns else "upgrade.rows"
        out(texts.lines(key, file=one.file, columns=", ".join(one.columns) or "-", rows=one.rows))
    if not found:
        out(texts.lines("upgrade.none"))
    else:
        out(texts.lines("upgrade.written", kept=kept) if write else texts.lines("upgrade.dry"))


def _keep(settings: Settings) -> str:
    """The folder as it was, below `upgraded/` of the home; its path there."""
    stamp = utc_now().strftime("%Y%m%dT%H%M%S")
    target = settings.home / "upgraded" / stamp
    shutil.copytree(settings.seeds, target)
    return target.relative_to(settings.home).as_posix()
