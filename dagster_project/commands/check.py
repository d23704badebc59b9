"""`tew check`: what a refresh would say of these workbooks, with nothing stored.

Belongs here: printing issues, writing marked workbooks back. Does not belong here: reading and audit
(warehouse/check.py), marking (ingest/returned.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.settings import Settings
from dagster_project.warehouse.check import CheckedWorkbook, check_files

EXIT_CLEAN, EXIT_ERRORS = 0, 1


def run(settings: Settings, files: Sequence[Path], *, as_json: bool, returned: Path | None) -> int:
    """Print what was found; the exit code: 1 where a workbook has errors or cannot be read, else 0."""
    texts = Texts(settings.seeds)
    checked = check_files(settings, files)
    written = {} if returned is None else _write_back(settings, checked, returned)
    if as_json:
        out(
            json.dumps([_as_dict(book, written.get(number)) for number, book in enumerate(checked)], ensure_ascii=False)
        )
    else:
        for number, book in enumerate(checked):
            _print(book, texts)
            if number in written:
                out(texts.lines("cli.check_returned", path=written[number]))
    return EXIT_CLEAN if all(book.ok for book in checked) else EXIT_ERRORS


def _as_dict(book: CheckedWorkbook, written: Path | None) -> dict[str, Any]:
    return {**book.as_dict(), "returned": None if written is None else str(written)}


def _print(book: CheckedWorkbook, texts: Texts) -> None:
    for issue in book.issues:
        place = "!".join(part for part in (issue.sheet, issue.cell) if part)
        where = f"{book.file_name}{'  ' + place if place else ''}"
        out(f"- {issue.severity}  {where}\n    {issue.message_zh}\n    {issue.message_en}")
    if book.issues:
        counted = {"errors": book.count("error"), "warnings": book.count("warning")}
        out(texts.lines("cli.check_summary", file=book.file_name, observations=book.observations, **counted))
    else:
        out(texts.lines("cli.check_clean", file=book.file_name, observations=book.observations))
    if book.enterprises:
        out(texts.lines("cli.check_register", file=book.file_name, enterprises=book.enterprises))


def _free_path(folder: Path, name: str, taken: set[Path]) -> Path:
    """A path for `name` that no other workbook of this call is written to; an older file there is replaced."""
    path, count = folder / name, 1
    while path in taken:
        count += 1
        path = folder / f"{Path(name).stem} ({count}){Path(name).suffix}"
    return path


def _write_back(settings: Settings, checked: Sequence[CheckedWorkbook], folder: Path) -> dict[int, Path]:
    """Each workbook that could be opened, marked, by its position; never over the file that was checked."""
    from dagster_project.ingest.messages import Messages
    from dagster_project.ingest.returned import mark
    from dagster_project.reference import load_reference

    messages = Messages.load(load_reference(settings.seeds))
    written: dict[int, Path] = {}
    # The reporter's own file must never be written over, also where the folder is the one it lies in.
    taken = {book.path.resolve() for book in checked if book.path is not None}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, book in enumerate(checked):
            if book.content is None:
                continue
            content, name = mark(book.content, book.file_name, book.issues, messages)
            path = _free_path(folder.resolve(), name, taken)
            taken.add(path)
            path.write_bytes(content)
            written[number] = path
    except OSError as error:
        raise CommandError("cli.output_failed", path=folder, problem=error.strerror or error) from error
    return written
