"""`tew withdraw`: a submission out of force. Printing only; the rule stands in warehouse/refresh.py."""

from __future__ import annotations

import json

from dagster_project.commands.texts import Texts, out
from dagster_project.settings import Settings
from dagster_project.warehouse import refresh


def run(settings: Settings, submission: str, reason: str, by: str | None, *, as_json: bool) -> None:
    """Say it in the journal; raises WarehouseError where there is no such submission or it is withdrawn already."""
    refresh.withdraw(settings, submission, reason, by)
    texts = Texts(settings.seeds)
    if as_json:
        said = texts.as_dict("cli.withdrawn", submission=submission)
        out(json.dumps({"status": "done", "submission_id": submission, **said}, ensure_ascii=False))
    else:
        out(texts.lines("cli.withdrawn", submission=submission))
