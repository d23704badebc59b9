"""`tew changes`: what registers of unit changes say of one county, as rows to take over into its reference data.

Belongs here: events of the county from `marts.fct_unit_change`, the rows of townships.csv, township_links.csv and
township_aliases.csv that they would give, and what a person must decide first.
Does not belong here: reading registers (ingest/extract_changes.py), wording (messages.csv). Nothing is written: a
register names a year and a document, and the month, the weights and the class of a unit are the bureau's to settle.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.reference import Reference, load_reference, schema
from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader

TABLES = ("townships", "township_links", "township_aliases")
# Operations of an event by which one unit goes on under another code; others join or divide units.
SAME_UNIT = frozenset(("rename", "rank_change", "code_change"))
DIVIDING = frozenset(("split", "reorganise"))
SQL = """
SELECT event_id, year, effective_on, op, structure, predecessor_code, predecessor_name, predecessor_kind,
       predecessor_county, successor_code, successor_name, successor_kind, successor_county, is_continued, reason,
       doc_no, file_name, sheet, cell
FROM marts.fct_unit_change
WHERE event_id IN (
    SELECT event_id FROM marts.fct_unit_change WHERE predecessor_county = $county OR successor_county = $county
) AND ($year IS NULL OR year = $year)
ORDER BY year, event_id, predecessor_code, successor_code, change_id
"""

Row = dict[str, Any]


@dataclass(slots=True)
class Proposal:
    """Rows to add by table, and what must be decided: (event, key of messages.csv, its fields)."""

    events: list[Row] = field(default_factory=list)
    rows: dict[str, list[dict[str, str]]] = field(default_factory=lambda: {name: [] for name in TABLES})
    decisions: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)
    held: int = 0


def run(settings: Settings, county: str | None, year: int | None, *, as_json: bool = False) -> None:
    """Print the proposal for `county` (six digits; the deployment's own by default) and one year or all.

    Raises NothingPublished, and CommandError where no register in force speaks of the county.
    """
    texts = Texts(settings.seeds)
    reference = load_reference(settings.seeds)
    own = {row["key"]: row["value"] for row in reference.rows("settings")}
    county = county or own.get("county_code", "")
    names, found = PublishedReader(settings).query(SQL, {"county": county, "year": year})
    if not found:
        raise CommandError("changes.none", county=county, year=year or "—")
    made = propose([dict(zip(names, row, strict=True)) for row in found], reference, county)
    if as_json:
        out(json.dumps(_as_dict(made, texts, county), ensure_ascii=False, indent=2, default=str))
        return
    out(texts.lines("changes.read", county=county, events=len(made.events), held=made.held))
    for table, rows in made.rows.items():
        if rows:
            out("\n" + texts.lines("changes.rows", table=table, n=len(rows)))
            out(as_csv(table, rows))
    if made.decisions:
        out("\n" + texts.lines("changes.decide"))
        for number, (event, asked) in enumerate(groupby(made.decisions, key=lambda one: one[0]), start=1):
            out(f"{number}. {event}")
            for _, key, fields in asked:
                zh, en = texts.pair(key, **fields)
                out(f"   - {zh}\n     {en}")


def propose(changes: Sequence[Row], reference: Reference, county: str) -> Proposal:
    """The rows of reference data that `changes` (of marts.fct_unit_change, by event) would give, and the decisions."""
    made = Proposal()
    units = {row["township_code"]: row for row in reference.rows("townships")}
    links = {(row["from_code"], row["to_code"] or "") for row in reference.rows("township_links")}
    for _, group in groupby(changes, key=lambda row: row["event_id"]):
        event = list(group)
        here = [row for row in event if county in (row["predecessor_county"], row["successor_county"])]
        text = _told(event)
        made.events.append({"event": text, "op": event[0]["op"], "structure": event[0]["structure"], "rows": event})
        asked = _links(made, here, links, county, text)
        asked |= _units(made, here, units, county, text)
        asked |= _ends(made, here, units, county, text)
        if asked and here[0]["effective_on"] is None:
            document = here[0]["doc_no"] or "—"
            made.decisions.append((text, "changes.decide_day", {"year": here[0]["year"], "doc": document}))
    return made


def _links(made: Proposal, event: Sequence[Row], links: set[tuple[str, str]], county: str, text: str) -> bool:
    """Rows of township_links.csv of one event; whether anything is left to take over."""
    asked = False
    for row in event:
        old, new = row["predecessor_code"], row["successor_code"]
        if row["predecessor_name"] is None and old is None:
            made.decisions.append((text, "changes.decide_origin", {}))
            asked = True
            continue
        if row["successor_name"] is None and new is None:
            if (old or "", "") not in links and not any(first == old for first, _ in links):
                made.decisions.append((text, "changes.decide_successor", {}))
                asked = True
            else:
                made.held += 1
            continue
        if old is None or new is None:
            made.decisions.append((text, "changes.decide_code", {}))
            asked = True
            continue
        op = _link_op(row, county)
        if old == new and op != "rename":
            continue  # a unit that goes on under its code needs no link to itself
        to_code = "" if op == "transfer_out" else new
        if (old, to_code) in links:
            made.held += 1
            continue
        asked = True
        is_divided = row["op"] in DIVIDING
        first = row["effective_on"]
        made.rows["township_links"].append(
            _filled(
                "township_links",
                from_code=old,
                to_code=to_code,
                op=op,
                effective_from=_day(first),
                weight="" if is_divided else "1",
                weight_method="" if is_divided else "whole",
                doc_no=row["doc_no"] or "",
                confidence="doubtful" if row["op"] in ("unclear", "reorganise") else "certain",
            )
        )
        if op == "rename" and row["predecessor_name"]:
            last = "" if first is None else (first - timedelta(days=1)).isoformat()
            made.rows["township_aliases"].append(
                _filled("township_aliases", alias=row["predecessor_name"], township_code=new, valid_to=last)
            )
        if is_divided:
            made.decisions.append((text, "changes.decide_weight", {"from_code": old, "to_code": new}))
    return asked


def _link_op(row: Row, county: str) -> str:
    """The word of township_links.op for one link: what crosses the county's border leaves or enters it."""
    if row["predecessor_county"] != row["successor_county"] and row["op"] not in ("code_change",):
        return "transfer_out" if row["predecessor_county"] == county else "transfer_in"
    op = str(row["op"])
    if op in ("absorb", "merge_new", "split", "reorganise") and row["is_continued"]:
        return "code_change" if row["predecessor_kind"] == row["successor_kind"] else "rank_change"
    if op in SAME_UNIT or op in ("absorb", "merge_new", "split"):
        return op
    return "partial_transfer" if op == "reorganise" else "code_change"


def _units(made: Proposal, event: Sequence[Row], units: dict[str, Row], county: str, text: str) -> bool:
    """Rows of townships.csv for successors of the county that it does not hold."""
    asked = False
    known = {row["township_code"] for row in made.rows["townships"]}
    for row in event:
        code = row["successor_code"]
        if code is None or row["successor_county"] != county or code in units or code in known:
            continue
        known.add(code)
        asked = True
        namesake = _namesake(units, row["successor_name"], row["predecessor_code"])
        if namesake is not None:
            # two official lists give one unit different codes: a code alone is no key
            fields = {"code": code, "name": row["successor_name"], "held": namesake}
            made.decisions.append((text, "changes.decide_other_code", fields))
            continue
        before = units.get(row["predecessor_code"] or "")
        is_same = row["structure"] == "1:1" and row["op"] in SAME_UNIT and before is not None
        made.rows["townships"].append(
            _filled(
                "townships",
                township_code=code,
                durable_id=before["durable_id"] if before is not None and is_same else f"T-{code}",
                name_zh=row["successor_name"] or "",
                kind=row["successor_kind"] or "",
                valid_from=_day(row["effective_on"]),
                note=row["doc_no"] or "",
            )
        )
        made.decisions.append((text, "changes.decide_class", {"code": code, "name": row["successor_name"]}))
    return asked


def _namesake(units: dict[str, Row], name: str | None, before: str | None) -> str | None:
    """The code of a unit that is held under the same name and is not the predecessor itself."""
    return next((code for code, row in units.items() if name and row["name_zh"] == name and code != before), None)


def _ends(made: Proposal, event: Sequence[Row], units: dict[str, Row], county: str, text: str) -> bool:
    """Predecessors whose row in townships.csv must end or change its name, and those that the county never held."""
    asked = False
    told: set[str] = set()
    for row in event:
        code = row["predecessor_code"]
        if code is None or row["predecessor_county"] != county or code in told:
            continue
        told.add(code)
        held = units.get(code)
        if code == row["successor_code"]:
            if held is not None and row["successor_name"] not in (None, held["name_zh"]):
                made.decisions.append((text, "changes.decide_name", {"code": code, "name": held["name_zh"]}))
                asked = True
            continue
        if held is None:
            made.decisions.append(
                (text, "changes.decide_unknown", {"code": code, "name": row["predecessor_name"] or "—"})
            )
            asked = True
        elif held["valid_to"] is None:
            successor = row["successor_code"] or "—"
            made.decisions.append((text, "changes.decide_end", {"code": code, "successor": successor}))
            asked = True
    return asked


def _told(event: Sequence[Row]) -> str:
    """One line for a person: year, units before and after, operation, where it stands."""

    def side(prefix: str) -> str:
        named = dict.fromkeys(
            f"{row[f'{prefix}_name'] or '—'}({row[f'{prefix}_code'] or '—'})"
            for row in event
            if row[f"{prefix}_name"] or row[f"{prefix}_code"]
        )
        return " + ".join(named) or "—"

    first = event[0]
    place = f"{first['file_name']} {first['sheet']}!{first['cell']}"
    return f"{first['year']} {side('predecessor')} → {side('successor')} [{first['op']}; {place}]"


def _day(day: date | None) -> str:
    """The month from which figures follow the change: that of its first whole month."""
    if day is None:
        return ""
    if day.day == 1:
        return day.isoformat()
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1).isoformat()


def _filled(table: str, **values: str) -> dict[str, str]:
    return {column.name: values.get(column.name, "") for column in schema()[table]}


def as_csv(table: str, rows: Iterable[dict[str, str]]) -> str:
    """Rows as they would stand in the table's file, with its header line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.name for column in schema()[table]], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def _as_dict(made: Proposal, texts: Texts, county: str) -> Row:
    return {
        "county": county,
        "events": made.events,
        "already_held": made.held,
        "rows": made.rows,
        "decisions": [{"event": event} | texts.as_dict(key, **fields) for event, key, fields in made.decisions],
    }
