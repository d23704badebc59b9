"""`tew demo`: synthetic workbooks into the inbox.

Belongs here: when to write and what to say. Does not belong here: the workbooks themselves (dagster_project/demo/).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from dagster_project.commands.texts import CommandError, Texts, note, out
from dagster_project.settings import Settings


def holds_files(folder: Path) -> bool:
    """Whether a folder holds any file, at any depth; a missing folder holds none."""
    return folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))


def run(settings: Settings, scale: str, months: int | None, seed: int | None, *, if_empty: bool, as_json: bool) -> None:
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

    chosen = demo.DEFAULT_SEED if seed is None else seed
    if scale != "county":
        _write_scale(settings, texts, scale, months, chosen, as_json=as_json)
        return
    try:
        report = demo.write(
            settings.inbox, scale=scale, months=demo.MAX_MONTHS if months is None else months, seed=chosen
        )
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


def _write_scale(settings: Settings, texts: Texts, scale: str, months: int | None, seed: int, *, as_json: bool) -> None:
    """A city or province: raw observations beside a sample of workbooks."""
    from dagster_project.demo import scale as scales

    size = scales.SIZES[scale]
    if months is not None:
        size = replace(size, months=months)
    try:
        report = scales.write(settings, size, seed, lambda year: note(texts.lines("cli.demo_year", year=year)))
    except FileExistsError as error:
        raise CommandError("cli.demo_not_empty", home=settings.home) from error
    except OSError as error:
        raise CommandError("cli.output_failed", path=settings.home, problem=error.strerror or error) from error
    told = {
        "observations": report.observations,
        "files": report.files,
        "months": size.months,
        "scale": scale,
        "seed": seed,
        "seeds": str(report.seeds),
    }
    if as_json:
        out(json.dumps({"status": "written", **told}, ensure_ascii=False))
    else:
        out(texts.lines("cli.demo_scale_written", **told))
