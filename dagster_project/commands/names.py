"""`tew names`: names in workbooks that no register knows, and keeping what a person says they mean.

Belongs here: the queue as the published version shows it, with similar names as advice; the answer as reference rows.
Does not belong here: telling names apart (ingest/resolve.py: by code, by name, by alias inside the township, never by
similarity), keeping an answer (warehouse/mappings.py, as a mapping's rows), wording (messages.csv).
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import Any

from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.ingest.resolve import ADVICE, SIMILAR, Directory
from dagster_project.reference import load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse import mappings
from dagster_project.warehouse.check import published_knowledge
from dagster_project.warehouse.known import Reading
from dagster_project.warehouse.read import PublishedReader

# What resolve says of a name that it cannot place, and what kind of unit the name should be.
KINDS = {
    "resolve.unknown_township": "township",
    "resolve.unknown_location": "township",
    "resolve.unknown_enterprise": "enterprise",
    "resolve.ambiguous_enterprise": "enterprise",
}
SQL = """
SELECT i.rule, i.raw_text AS name, count(*) AS places, min(i.submission_id) AS submission_id,
       arg_min(i.file_name, i.submission_id) AS file_name, arg_min(i.sheet, i.submission_id) AS sheet,
       arg_min(i.cell, i.submission_id) AS cell
FROM marts.fct_issue i JOIN marts.fct_submission s USING (submission_id)
WHERE i.status = 'open' AND s.status <> 'withdrawn' AND i.raw_text IS NOT NULL AND list_contains($rules, i.rule)
GROUP BY i.rule, i.raw_text ORDER BY places DESC, name
"""


def run(settings: Settings, name: str | None, means: str | None, by: str | None, *, as_json: bool = False) -> None:
    """Print the queue, or with `name` and `means` keep an answer.

    Raises NothingPublished; CommandError where half an answer is given, nobody signs it, or the code is not known.
    """
    texts = Texts(settings.seeds)
    directory = known_units(settings)
    if name is None and means is None:
        _list(settings, directory, texts, as_json)
    elif not name or not means or not by:
        raise CommandError("names.half")
    else:
        _answer(settings, directory, texts, name.strip(), means.strip(), by, as_json)


def queue(settings: Settings, directory: Directory) -> list[dict[str, Any]]:
    """One entry per name: kind, how many rows, where it first stands, similar names with their codes."""
    columns, rows = PublishedReader(settings).query(SQL, {"rules": list(KINDS)})
    known = {
        "township": [(code, one.name) for code, one in directory.townships.items()],
        "enterprise": [(code, one.name) for code, one in directory.enterprises.items()],
    }
    found = []
    for row in rows:
        entry = dict(zip(columns, row, strict=True))
        kind = KINDS[entry.pop("rule")]
        near = difflib.get_close_matches(entry["name"], [one for _, one in known[kind]], n=ADVICE, cutoff=SIMILAR)
        entry["kind"] = kind
        entry["similar"] = [{"code": code, "name": one} for code, one in known[kind] if one in near]
        found.append(entry)
    return found


def _list(settings: Settings, directory: Directory, texts: Texts, as_json: bool) -> None:
    found = queue(settings, directory)
    if as_json:
        out(json.dumps({"names": found}, ensure_ascii=False))
        return
    if not found:
        out(texts.lines("names.none"))
        return
    out(texts.lines("names.queue", count=len(found)))
    for entry in found:
        near = ", ".join(f"{one['name']} {one['code']}" for one in entry["similar"]) or "—"
        place = f"{entry['file_name']}  {entry['sheet']}!{entry['cell']}"
        out(f"- {entry['name']}  ({entry['kind']}, {entry['places']})  {place}\n    ≈ {near}")
    out(texts.lines("names.how"))


def _answer(
    settings: Settings, directory: Directory, texts: Texts, name: str, means: str, by: str, as_json: bool
) -> None:
    kept = keep(settings, directory, name, means, by)
    if as_json:
        out(json.dumps({"status": "done", "mapping_id": kept.mapping_id, "rows": kept.rows}, ensure_ascii=False))
    else:
        out(texts.lines("names.kept", name=name, known=kept.known, code=means))


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer in the journal: its rows, and the name of the unit that is meant."""

    mapping_id: str
    rows: dict[str, list[dict[str, str]]]
    known: str


def keep(settings: Settings, directory: Directory, name: str, means: str, by: str) -> Kept:
    """Keep that a name means the unit with this code, from the next refresh on. Raises CommandError on an unknown code."""
    if means in directory.townships:
        rows = {"township_aliases": [{"alias": name, "township_code": means}]}
        known = directory.townships[means].name
    elif (enterprise := directory.enterprises.get(directory.by_code.get(means, ""))) is not None:
        rows = {"enterprise_aliases": [{"alias": name, "enterprise_id": enterprise.enterprise_id}]}
        known = enterprise.name
    else:
        raise CommandError("names.unknown_code", code=means)
    return Kept(mappings.accept(settings, rows, name, "", by), rows, known)


def known_units(settings: Settings) -> Directory:
    """The registers of the published version, with what people said that names mean.
    Empty where nothing is published."""
    return published_knowledge(settings, Reading(load_reference(mappings.seeds(settings))), None).directory
