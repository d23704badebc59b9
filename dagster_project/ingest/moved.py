"""What moved in a known form: its columns beside those of the reporter's last workbook, told once a sheet.

Belongs here: where each figure's column stands and what it is called, and the difference between two workbooks.
Does not belong here: recognising columns (recognise.py), keeping the last workbook's (warehouse/known.py).

Columns are found by their headings, so that nothing is lost when they move; but a column that took another's place is
worth a look.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dagster_project.ingest.messages import Messages
from dagster_project.ingest.model import ColumnKey, Columns, Intake, Issue
from dagster_project.ingest.text import normalise

SHOWN = 6
_LETTERS = re.compile(r"[A-Z]+")
_NUMBERS = re.compile(r"\d+")


def columns_of(intake: Intake) -> dict[str, Columns]:
    """By form: the columns of its first sheet. A figure without a column of its own (a text, a ledger) has none."""
    # one cell of each heading is enough: its column is the others'
    one_of_each = {
        (one.form_code, one.sheet, one.indicator_code, one.measure, one.heading): one.cell
        for one in intake.parsed.observations
    }
    cells: dict[tuple[str, str], dict[str, set[tuple[str, str, str]]]] = {}
    first: dict[str, str] = {}
    for (form_code, sheet, indicator_code, measure, heading), cell in one_of_each.items():
        if first.setdefault(form_code, sheet) != sheet:
            continue
        letters = _LETTERS.match(cell)
        if letters is not None:
            held = cells.setdefault((form_code, sheet), {}).setdefault(letters.group(), set())
            held.add((indicator_code, measure, heading or ""))
    return {
        form: Columns(intake.parsed.file_name, sheet, places_of(by_letters))
        for (form, sheet), by_letters in cells.items()
    }


def places_of(by_letters: Mapping[str, set[tuple[str, str, str]]]) -> dict[ColumnKey, tuple[str, str]]:
    """Letters → what stands there as column → (letters, heading); a key that two columns hold counts for none."""
    found: dict[ColumnKey, tuple[str, str]] = {}
    twice: set[ColumnKey] = set()
    for letters, held in by_letters.items():
        measures = {measure for _, measure, _ in held}
        indicators = {indicator for indicator, _, _ in held}
        if len(measures) > 1 and len(indicators) > 1:
            continue
        heading = next(iter(sorted(text for _, _, text in held)))
        for measure in measures:
            key = (next(iter(indicators)) if len(indicators) == 1 else "", measure)
            if key in found:
                twice.add(key)
            found[key] = (letters, heading if key[0] else heading.rpartition("/")[2].strip())
    return {key: place for key, place in found.items() if key not in twice}


def moves(before: Columns, now: Columns, messages: Messages) -> Issue | None:
    """An info that says which columns stand elsewhere or bear another name; None where none does."""
    shifted, renamed = [], []
    for key, (letters, heading) in now.places.items():
        was = before.places.get(key)
        if was is None:
            continue
        if was[0] != letters:
            shifted.append((_index(letters), f"{heading or was[1] or key[0]} {was[0]}→{letters}"))
        if was[1] and heading and was[1] != heading and _plain(was[1]) != _plain(heading):
            renamed.append((_index(letters), f"{was[1]}→{heading}"))
    if not shifted and not renamed:
        return None
    what = [
        messages.render(key, count=len(found), listed=_listed(found))
        for key, found in (("parse.moved_columns", shifted), ("parse.renamed_columns", renamed))
        if found
    ]
    return messages.issue(
        "parse.moved",
        "info",
        sheet=now.sheet,
        file=now.file_name,
        before=before.file_name,
        what_zh="，".join(zh for zh, _ in what),
        what_en=", ".join(en for _, en in what),
    )


def _index(letters: str) -> int:
    return sum((ord(one) - 64) * 26**place for place, one in enumerate(reversed(letters)))


def _plain(heading: str) -> str:
    """The heading without what changes from month to month: 1-4 and 1-5 months are the same column."""
    return _NUMBERS.sub("0", "".join(normalise(heading).split()))


def _listed(found: list[tuple[int, str]]) -> str:
    texts = [text for _, text in sorted(found)]
    return "; ".join(texts[:SHOWN]) + (" …" if len(texts) > SHOWN else "")
