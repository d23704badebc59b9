"""A workbook of unknown layout: what its headings most likely mean, and the rows that would make it known.

Belongs here: finding the header without knowing its words, likeness of words, the proposal, its rows of reference data.
Does not belong here: keeping a confirmed mapping (warehouse/mappings.py), printing (commands/map.py), reading by it
(recognise.py, which a mapping only gives words and a signature).

Likeness is used here alone, and only to propose: nothing that a mapping says is in force before a person accepts it.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dagster_project.ingest.codes import EatenCode, judge
from dagster_project.ingest.context import choose_period, read_context
from dagster_project.ingest.grid import Sheet, Workbook, address, cell_text
from dagster_project.ingest.parse import recognise
from dagster_project.ingest.recognise import (
    HIGHEST_HEADER,
    Block,
    find_blocks,
    is_number_like,
    make_block,
    pick_indicator,
)
from dagster_project.ingest.table import clean_enterprise
from dagster_project.ingest.text import normalise, one_line
from dagster_project.ingest.vocabulary import Term, Vocabulary

# From here on a likeness is proposed; below, down to POSSIBLE, it is only shown.
PROPOSED, POSSIBLE = 0.8, 0.5
ROWS_LOOKED_AT = 60
NAMES_SHOWN = 3
# More than any form of the deployment can score: a confirmed mapping is exact.
SIGNATURE_WEIGHT = 2.0
SOURCE_RANK = 60

Rows = dict[str, list[dict[str, str]]]


@dataclass(slots=True)
class ColumnProposal:
    """One column: its heading path as written and what it is taken for.

    `state`: known (read already), proposed, possible (not taken unless a person says so), ignored, unit, item.
    `means` is an indicator code or a field; `confidence` 0 to 1.
    """

    letter: str
    heading: str
    state: str
    means: str | None = None
    measure: str | None = None
    unit: str | None = None
    confidence: float = 0.0
    words: dict[str, tuple[str, str]] = field(default_factory=dict)  # text -> (kind, role): what has to be learned


@dataclass(slots=True)
class SheetProposal:
    """One sheet. `form_code` is the form that reads it already, or the new one; `units_known` of `units` rows name a
    unit of the registers."""

    sheet: str
    form_code: str | None
    is_known: bool
    layout: str | None = None
    period: str | None = None
    header_rows: str | None = None
    unit_level: str | None = None
    units: int = 0
    units_known: int = 0
    unknown: list[str] = field(default_factory=list)  # some of the names that no register has
    columns: list[ColumnProposal] = field(default_factory=list)
    items: list[ColumnProposal] = field(default_factory=list)
    title: str = ""
    grain: str = "month"

    @property
    def confidence(self) -> float:
        taken = [one.confidence for one in [*self.columns, *self.items] if one.state in ("known", "proposed")]
        return round(sum(taken) / len(taken), 2) if taken else 0.0


class BadOverride(ValueError):
    """A correction that names no column or nothing known; `key` is its message."""

    def __init__(self, key: str, **fields: object) -> None:
        super().__init__(key)
        self.key, self.fields = key, fields


def propose(
    workbook: Workbook,
    vocabulary: Vocabulary,
    names: Iterable[str] = (),
    overrides: Mapping[str, str] | None = None,
    unit_column: str | None = None,
) -> list[SheetProposal]:
    """A proposal for each sheet with a table. `names` are enterprises of the register.

    `overrides`: column letter (or an item's name) to an indicator code, or '-' for nothing. Raises BadOverride.
    """
    known_names = {clean_enterprise(name, vocabulary) for name in names}
    lookup = Likeness(vocabulary)
    wanted = {_override_key(key): value for key, value in (overrides or {}).items()}
    for key, value in wanted.items():
        if value != "-" and value not in vocabulary.indicators:
            raise BadOverride("map.unknown_code", column=key, code=value)
    proposals = []
    used: set[str] = set()
    for sheet in workbook.sheets:
        block, is_found = _header(sheet, vocabulary)
        if block is None:
            continue
        proposal = _sheet(workbook, sheet, block, is_found, vocabulary, lookup, known_names, wanted, unit_column, used)
        proposals.append(proposal)
    if missing := [key for key in wanted if key not in used]:
        raise BadOverride("map.no_column", column=", ".join(missing))
    return proposals


def _override_key(text: str) -> str:
    return text.strip().upper() if text.isascii() and text.isalpha() and len(text) <= 3 else normalise(text)


def _header(sheet: Sheet, vocabulary: Vocabulary) -> tuple[Block | None, bool]:
    """The first table's header: by its words, else the texts above the first row of numbers."""
    first = next((row for row, cells in enumerate(sheet.rows) if _is_data(cells)), None)
    blocks = find_blocks(sheet, vocabulary)
    if blocks and (first is None or blocks[0].bottom < first):
        known = [block for block in blocks if first is None or block.bottom < first]
        guess = _above(sheet, first, vocabulary) if first is not None else None
        # a header of which only some lines have known words is larger than what the words tell
        if guess is None or len(guess.paths) <= len(known[-1].paths):
            return known[-1], True
        return guess, False
    return (_above(sheet, first, vocabulary), False) if first is not None else (None, False)


def _is_data(cells: Sequence[Any]) -> bool:
    filled = [value for value in cells if value is not None and value != ""]
    numbers = sum(is_number_like(value) for value in filled)
    texts = [value for value in filled if isinstance(value, str) and not is_number_like(value)]
    # A register with figures has more words than numbers; a heading hardly ever has three of these.
    is_mostly = numbers >= 2 and numbers * 2 >= len(filled)
    return len(texts) >= 1 and (is_mostly or (numbers >= 3 and numbers * 4 >= len(filled)))


def _above(sheet: Sheet, first: int, vocabulary: Vocabulary) -> Block | None:
    near = [row for row in range(first - 1, max(first - 6, -1), -1) if _filled(sheet, row)]
    # a line between header and figures that names a group of rows has its text where rows have theirs, and little else
    bottom = next((row for row in near if not _is_group(sheet, row, first)), near[0] if near else -1)
    top = bottom
    while (
        top > 0
        and bottom - top < HIGHEST_HEADER
        and _filled(sheet, top - 1) > 1
        and not _is_unit_line(sheet, top - 1, vocabulary)
    ):
        top -= 1
    return make_block(sheet, top, bottom, vocabulary) if bottom >= 0 else None


def _is_group(sheet: Sheet, row: int, first: int) -> bool:
    label = next(index for index, value in enumerate(sheet.rows[first]) if value not in (None, ""))
    cells = sheet.rows[row]
    is_labelled = label < len(cells) and cells[label] not in (None, "")
    return is_labelled and 2 * _filled(sheet, row) < _filled(sheet, first)


def _filled(sheet: Sheet, row: int) -> int:
    return sum(value is not None and value != "" for value in sheet.rows[row])


def _is_unit_line(sheet: Sheet, row: int, vocabulary: Vocabulary) -> bool:
    texts = [one_line(value).lower() for value in sheet.rows[row] if isinstance(value, str) and value]
    return any(vocabulary.match("unit_line", text) for text in texts)


class Likeness:
    """How like a word is to what the deployment knows."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.indicators: dict[str, str] = {}
        self.measures: dict[str, str] = {}
        for text, readings in vocabulary.headings.items():
            for reading in readings:
                if reading.kind == "indicator" and reading.within is None:
                    self.indicators.setdefault(text, reading.name)
                elif reading.kind == "measure" and reading.form is None:
                    self.measures.setdefault(text, reading.name)

    def nearest(self, text: str, among: Mapping[str, str]) -> tuple[str, float] | None:
        """(meaning, likeness) of the most like word; None below POSSIBLE."""
        best: tuple[str, float] | None = None
        for word, meaning in among.items():
            score = likeness(text, word)
            if best is None or score > best[1]:
                best = (meaning, score)
        return best if best is not None and best[1] >= POSSIBLE else None


def likeness(one: str, other: str) -> float:
    """0 to 1: shared pairs of characters and the longest common runs, the higher of the two."""
    if not one or not other:
        return 0.0
    pairs, others = _pairs(one), _pairs(other)
    shared = 2 * len(pairs & others) / (len(pairs) + len(others)) if pairs and others else 0.0
    if shared == 0.0 and min(len(one), len(other)) > 2:
        return 0.0
    return max(shared, difflib.SequenceMatcher(None, one, other, autojunk=False).ratio())


def _pairs(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}


def _sheet(
    workbook: Workbook,
    sheet: Sheet,
    block: Block,
    is_found: bool,
    vocabulary: Vocabulary,
    lookup: Likeness,
    names: set[str],
    overrides: Mapping[str, str],
    unit_column: str | None,
    used: set[str],
) -> SheetProposal:
    context = read_context(sheet, 0, block.top, vocabulary)
    period, _, _ = choose_period(context, sheet.name, workbook.file_name, vocabulary)
    found = recognise(sheet, block, len(sheet.rows), context, workbook.file_name, vocabulary) if is_found else None
    form = found.form if found is not None else None
    proposal = SheetProposal(
        sheet.name,
        form.code if form is not None else None,
        form is not None,
        layout=form.layout if form is not None else None,
        header_rows=f"{block.top + 1}-{block.bottom + 1}",
        title=context.titles[0] if context.titles else sheet.name,
    )
    if period is not None and period.year is not None:
        proposal.grain = "year" if period.month is None else "month"
        proposal.period = f"{period.year}" if period.month is None else f"{period.year}-{period.month:02d}"
    body = [cells for cells in sheet.rows[block.bottom + 1 :] if any(value not in (None, "") for value in cells)]
    body = body[:ROWS_LOOKED_AT]
    units = _unit_column(block, body, vocabulary, names, proposal, unit_column)
    settled = {column.index: column for column in found.columns} if found is not None and form is not None else {}
    code = form.code if form is not None else None
    for index, terms in sorted(block.paths.items()):
        letter = address(0, index)[:-1]
        heading = block.texts[index]
        if index == units:
            proposal.columns.append(_unit(letter, heading, terms, proposal.unit_level or "township"))
            continue
        override = overrides.get(letter)
        if override is not None:
            used.add(letter)
        known = settled.get(index)
        if override is None and known is not None and known.kind in ("field", "ignore"):
            state = "ignored" if known.kind == "ignore" else "known"
            proposal.columns.append(ColumnProposal(letter, heading, state, known.field, confidence=1.0))
            continue
        has_numbers = any(index < len(cells) and is_number_like(cells[index]) for cells in body)
        proposal.columns.append(
            _column(
                letter, heading, terms, code, vocabulary, lookup, override, has_numbers, proposal.unit_level == "item"
            )
        )
    _settle_rivals(proposal, vocabulary)
    if proposal.unit_level == "item" and units is not None:
        _items(proposal, units, body, code, vocabulary, lookup, overrides, used)
    if form is None:
        proposal.layout = (
            "L2" if proposal.unit_level == "item" else "L3" if proposal.unit_level == "enterprise" else "L1"
        )
        proposal.form_code = (
            "MAP-" + hashlib.sha256("|".join(sorted(block.texts.values())).encode()).hexdigest()[:6].upper()
        )
    return proposal


def _settle_rivals(proposal: SheetProposal, vocabulary: Vocabulary) -> None:
    """Of several columns that would be the same figure only the surest is proposed; a unit of another kind speaks
    against one."""
    for one in proposal.columns:
        indicator = vocabulary.indicators.get(one.means or "")
        unit = vocabulary.units.find(one.unit) if one.unit else None
        is_guess = one.state == "proposed" and one.confidence < 1
        if is_guess and indicator is not None and unit is not None and unit.dimension != indicator.dimension:
            _doubt(one, POSSIBLE)
    surest: dict[tuple[str | None, str | None], ColumnProposal] = {}
    for one in sorted(proposal.columns, key=lambda column: (column.state != "known", -column.confidence)):
        if one.means in vocabulary.indicators and one.state in ("known", "proposed"):
            rival = surest.setdefault((one.means, one.measure), one)
            if rival is not one and one.state == "proposed" and one.confidence < 1:
                _doubt(one, one.confidence)


def _doubt(column: ColumnProposal, confidence: float) -> None:
    """Take a proposal back: shown, but its last word carries nothing until a person says so."""
    column.state, column.confidence = "possible", min(column.confidence, confidence)
    words = list(column.words)
    column.words = {words[-1]: ("ignore", "mapped")} if words else {}


def _unit_column(
    block: Block,
    body: Sequence[Sequence[Any]],
    vocabulary: Vocabulary,
    names: set[str],
    proposal: SheetProposal,
    chosen: str | None,
) -> int | None:
    """The column that says whom or what a row is about: townships, enterprises or indicators; else the first of texts."""
    best: tuple[float, int, str, int, int, list[str]] | None = None
    for index in sorted(block.paths):
        letter = address(0, index)[:-1]
        texts = [
            cell_text(cells[index]).strip() for cells in body if index < len(cells) and cells[index] not in (None, "")
        ]
        words = [text for text in texts if not is_number_like(text)]
        if chosen is not None and letter != chosen.upper():
            continue
        if not words and chosen is None:
            continue
        rows = [text for text in words if vocabulary.total_row(text) is None]
        counts = {
            "township": sum(normalise(text) in vocabulary.place_codes for text in rows),
            "enterprise": sum(clean_enterprise(text, vocabulary) in names or _is_code(text) for text in rows),
            "item": sum(_names_indicator(text, vocabulary) for text in rows),
        }
        level = max(counts, key=lambda kind: counts[kind])
        share = counts[level] / len(rows) if rows else 0.0
        if counts[level] == 0:
            level = "township"
        # of columns that say nothing, the first with mostly texts
        rank = share if share else (0.01 if len(words) * 2 > len(texts) else 0.0)
        if best is None or rank > best[0]:
            best = (rank, index, level, len(rows), counts[level], rows[:NAMES_SHOWN])
    if best is None:
        if chosen is not None:
            raise BadOverride("map.no_column", column=chosen)
        return None
    _, index, proposal.unit_level, proposal.units, proposal.units_known, first = best
    proposal.unknown = [] if proposal.units_known else first
    return index


def _is_code(text: str) -> bool:
    try:
        return judge(text).check is True
    except EatenCode:
        return False


def _names_indicator(text: str, vocabulary: Vocabulary) -> bool:
    return any(reading.kind == "indicator" for reading in vocabulary.term(text).readings)


def _unit(letter: str, heading: str, terms: Sequence[Term], level: str) -> ColumnProposal:
    role = {"township": "township", "enterprise": "enterprise_name", "item": "indicator"}[level]
    state = "item" if level == "item" else "unit"
    known = any(r.kind == "field" and r.name == role and r.form is None for term in terms for r in term.readings)
    words = {} if known else {term.text: ("field", role) for term in terms[-1:] if term.text}
    return ColumnProposal(letter, heading, state, role, confidence=1.0 if known else 0.9, words=words)


def _column(
    letter: str,
    heading: str,
    terms: Sequence[Term],
    form: str | None,
    vocabulary: Vocabulary,
    lookup: Likeness,
    override: str | None,
    has_numbers: bool,
    is_item_form: bool,
) -> ColumnProposal:
    result = ColumnProposal(letter, heading, "ignored")
    units = [unit.spelling for term in terms for unit in term.units]
    result.unit = units[-1] if units else None
    if override == "-" or (override is None and not has_numbers):
        result.words = {_core(term): ("ignore", "mapped") for term in terms[-1:] if not _is_ignored(term, form)}
        result.confidence = 1.0
        return result
    parents: list[str] = []
    scores: list[float] = []
    for position, term in enumerate(terms):
        readings = [reading for reading in term.readings if reading.form in (None, form)]
        measure = next((r.name for r in (*readings, *term.extra) if r.kind == "measure"), None)
        code = pick_indicator(term, form, tuple(reversed(parents)), vocabulary)
        if code is not None and override is None:
            parents.append(code)
            result.means = code
            scores.append(1.0)
        elif measure is not None:
            result.measure = measure
        elif term.period is not None or not _core(term) or _is_translation(term, terms):
            continue
        elif vocabulary.units.find(term.text.strip("()")) is not None:
            result.unit = term.text.strip("()")
            continue
        elif any(reading.kind in ("field", "ignore") for reading in readings) and override is None:
            result.state, result.means, result.confidence = "known", readings[0].name, 1.0
            return result
        elif override is not None and position == len(terms) - 1:
            continue
        else:
            _like(result, _core(term), lookup, scores)
        result.measure = measure or result.measure
    if override is not None:
        last = next((term for term in reversed(terms) if not _is_measure(term)), terms[-1])
        result.words[_core(last)] = ("indicator", override)
        result.means, result.confidence, result.state = override, 1.0, "proposed"
        return result
    _settle(result, scores, terms, form, is_item_form)
    return result


def _like(result: ColumnProposal, text: str, lookup: Likeness, scores: list[float]) -> None:
    """An unknown word of a heading: an indicator or a measure that it is like, whichever is more."""
    indicator, measure = lookup.nearest(text, lookup.indicators), lookup.nearest(text, lookup.measures)
    if measure is not None and (indicator is None or measure[1] >= indicator[1]):
        result.measure = measure[0]
        result.words[text] = ("measure", measure[0])
        scores.append(measure[1])
    elif indicator is not None:
        result.means = indicator[0]
        result.words[text] = ("indicator", indicator[0])
        scores.append(indicator[1])
    else:
        scores.append(0.0)


def _settle(
    result: ColumnProposal, scores: Sequence[float], terms: Sequence[Term], form: str | None, is_item_form: bool
) -> None:
    """A column is as sure as its least sure word; what is not sure enough carries nothing until a person says so."""
    result.confidence = round(min(scores, default=1.0 if result.measure is not None else 0.0), 2)
    names_it = result.means is not None or (is_item_form and result.measure is not None)
    if names_it and not result.words and min(scores, default=1.0) == 1.0:
        result.state = "known"
    elif names_it and result.confidence >= PROPOSED:
        result.state = "proposed"
    else:
        result.state = "possible" if result.confidence >= POSSIBLE and names_it else "ignored"
        result.words = {_core(terms[-1]): ("ignore", "mapped")} if not _is_ignored(terms[-1], form) else {}


def _is_translation(term: Term, terms: Sequence[Term]) -> bool:
    """A line in Latin letters below a known one in the deployment's own script says the same again."""
    return term.text.isascii() and any(not other.text.isascii() and other.readings for other in terms)


def _is_measure(term: Term) -> bool:
    return any(reading.kind == "measure" for reading in term.readings)


def _is_ignored(term: Term, form: str | None) -> bool:
    return any(r.kind == "ignore" and r.form in (None, form) for r in term.readings) or not _core(term)


def _core(term: Term) -> str:
    """A term's text without a unit in brackets at its end."""
    text = term.text
    if term.units and text.endswith(")") and "(" in text:
        text = text[: text.rindex("(")]
    return text


def _items(
    proposal: SheetProposal,
    index: int,
    body: Sequence[Sequence[Any]],
    form: str | None,
    vocabulary: Vocabulary,
    lookup: Likeness,
    overrides: Mapping[str, str],
    used: set[str],
) -> None:
    """Rows that name indicators, in order; a part is read below the item above it."""
    parents: list[str] = []
    for cells in body:
        raw = cells[index] if index < len(cells) else None
        if not isinstance(raw, str) or not raw.strip() or not any(is_number_like(value) for value in cells):
            continue
        term = vocabulary.term(raw)
        name = vocabulary.clean_name(raw)
        override = overrides.get(name)
        if override is not None:
            used.add(name)
        code = pick_indicator(term, form, tuple(reversed(parents)), vocabulary)
        if override == "-":
            item = ColumnProposal("", raw.strip(), "ignored", confidence=1.0, words={name: ("ignore", "mapped")})
        elif override is not None:
            item = ColumnProposal(
                "", raw.strip(), "proposed", override, confidence=1.0, words={name: ("indicator", override)}
            )
        elif code is not None:
            item = ColumnProposal("", raw.strip(), "known", code, confidence=1.0)
        else:
            near = lookup.nearest(name, lookup.indicators)
            sure = near is not None and near[1] >= PROPOSED
            item = ColumnProposal(
                "",
                raw.strip(),
                "proposed" if sure else "possible" if near is not None else "ignored",
                near[0] if near is not None else None,
                confidence=round(near[1], 2) if near is not None else 0.0,
                words={name: ("indicator", near[0]) if sure and near is not None else ("ignore", "mapped")},
            )
        if item.means is not None and item.state in ("known", "proposed"):
            parents.append(item.means)
        proposal.items.append(item)


# ------------------------------------------------------------------------------------------------- rows of reference data
def rows_of(proposals: Sequence[SheetProposal]) -> Rows:
    """What accepting the proposals adds to the reference tables; headings only in their own form."""
    rows: Rows = {
        name: [] for name in ("forms", "form_signatures", "form_settings", "heading_aliases", "indicator_aliases")
    }
    for proposal in proposals:
        code = proposal.form_code
        if code is None or not _says_something(proposal):
            continue
        if not proposal.is_known:
            rows["forms"].append(_form_row(proposal, code))
        for column in [*proposal.columns, *proposal.items]:
            for text, (kind, role) in column.words.items():
                if kind == "indicator":
                    rows["indicator_aliases"].append(
                        {"alias": text, "indicator_code": role, "within_code": "", "form_code": code}
                    )
                else:
                    rows["heading_aliases"].append(
                        {"heading": text, "kind": kind, "role": role, "form_code": code, "note": "tew map"}
                    )
    return {name: _distinct(found) for name, found in rows.items() if found}


def _says_something(proposal: SheetProposal) -> bool:
    if proposal.is_known:
        return any(one.words for one in [*proposal.columns, *proposal.items])
    return any(one.state in ("known", "proposed") and one.means for one in [*proposal.columns, *proposal.items])


def _form_row(proposal: SheetProposal, code: str) -> dict[str, str]:
    level = "county" if proposal.unit_level == "item" else proposal.unit_level or "township"
    return {
        "form_code": code,
        "name_zh": proposal.title[:40] or code,
        "name_en": code,
        "layout": proposal.layout or "L1",
        "subject": "indicators",
        "unit_level": level,
        "period_grain": proposal.grain,
        "reporter_level": "county",
        "source_rank": str(SOURCE_RANK),
        "repeated_rows": "error",
        "registers_units": "false",
    }


def sign(rows: Rows, workbook: Workbook, vocabulary: Vocabulary, proposals: Sequence[SheetProposal]) -> None:
    """Add the signatures of new forms: the words of their headers as `vocabulary`, which has the rows, finds them."""
    sheets = {sheet.name: sheet for sheet in workbook.sheets}
    for proposal in proposals:
        if proposal.is_known or proposal.form_code is None:
            continue
        for block in find_blocks(sheets[proposal.sheet], vocabulary):
            row = {
                "form_code": proposal.form_code,
                "part": f"headings:{block.fingerprint}",
                "weight": str(SIGNATURE_WEIGHT),
                "is_required": "true",
            }
            rows.setdefault("form_signatures", []).append(row)
            break


def _distinct(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Without repetition of a key: the first that says something stays."""
    seen: set[tuple[str, ...]] = set()
    kept = []
    for row in rows:
        key = tuple(row.get(name, "") for name in ("alias", "heading", "form_code", "within_code"))
        if "alias" not in row and "heading" not in row:
            key = tuple(row.values())
        if key not in seen:
            seen.add(key)
            kept.append(row)
    return kept
