"""`tew accept` and `tew explain`: a word about an issue. Printing only; the rule stands in warehouse/acts.py."""

from __future__ import annotations

import json

from dagster_project.commands.texts import Texts, out
from dagster_project.settings import Settings
from dagster_project.warehouse import acts


def run(
    settings: Settings,
    kind: str,
    submission: str,
    cell: str,
    rule: str,
    text: str,
    by: str,
    sheet: str | None,
    *,
    as_json: bool,
) -> None:
    """Say it in the journal; raises WarehouseError where there is no such issue."""
    say = acts.accept if kind == acts.ACCEPTED else acts.explain
    event = say(settings, submission, cell, rule, text, by, sheet)
    texts = Texts(settings.seeds)
    fields = {"submission": submission, "sheet": event["sheet"] or "", "cell": cell, "rule": rule}
    if as_json:
        out(json.dumps({"status": "done", **event, **texts.as_dict("cli.act_said", **fields)}, ensure_ascii=False))
    else:
        out(texts.lines("cli.act_said", **fields))
