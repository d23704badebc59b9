"""`tew demo`: synthetic workbooks into the inbox.

Belongs here: when to write and what to say. Does not belong here: the workbooks themselves (dagster_project/demo/).
"""

from __future__ import annotations

import json
from pathlib import Path

from dagster_project.commands.texts import CommandError, Texts, note, out
from dagster_project.settings import Settings


def holds_files(folder: Path) -> bool:
    """Whether a folder holds any file, at any depth; a missing folder holds none."""
    return folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))


def run(settings: Settings, scale: str, months: int, seed: int | None, *, if_empty: bool, as_json: bool) -> None:
    """Write the workbooks; with `if_empty` only into a home that has received nothing yet (exit 0 either way).

    Raises ValueError for a scale or number of months that the demonstration does not have.
    """
    texts = Texts(settings.seeds)
    if if_empty and (holds_files(settings.inbox) or holds_files(settings.archive)):
        note(texts.lines("cli.demo_not_empty", home=settings.home))
        if as_json:
            out(json.dumps({"status": "skipped", "files": 0, "inbox": str(settings.inbox)}, ensure_ascii=False))
        return
    from dagster_project import demo

    try:
        chosen = demo.DEFAULT_SEED if seed is None else seed
        report = demo.write(settings.inbox, scale=scale, months=months, seed=chosen)
    except OSError as error:
        problem = error.strerror or error
        raise CommandError("cli.output_failed", path=settings.inbox, problem=problem) from error
    told = {
        "files": report.files,
        "months": report.months,
        "scale": scale,
        "seed": report.seed,
        "inbox": str(report.inbox),
        "truth": str(report.truth),
    }
    if as_json:
        out(json.dumps({"status": "written", **told}, ensure_ascii=False))
    else:
        out(texts.lines("cli.demo_written", **told))
