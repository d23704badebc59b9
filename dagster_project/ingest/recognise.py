"""Which rows of a sheet are its header, what each column means, and which form this is (domain.md C.3).

Belongs here: header blocks found by vocabulary, header paths over merged cells, columns, form signatures.
Does not belong here: words (vocabulary.py), titles and key-values (context.py), figures (extract.py).

A form is recognised by its signature in form_signatures.csv. Parts of a signature:
`field:<role>` a column of that role; `key:<role>` a key-value above the table, `key:enterprise` one that names an
enterprise; `measure:<role>`, `indicator:<code>` a column; `any_indicator`, `any_measure`, `any_period_measure`,
`any_target`, `any_fuel`, `any_energy`, `roster_attribute`, `annual_indicator`, `annual_only`, `row_indicator`, `any_place`,
`target_place`, `fuel_context`; `flat` headings flattened with a separator; `months` three or more month columns;
`title:<purpose>` a text pattern found in the lines above; `grain:year` where these name only a year;
`headings:<hash>` exactly these words (mappings that a person confirmed, ingest/mapping.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dagster_project.ingest.grid import CellValue, Sheet, cell_text
from dagster_project.ingest.periods import Period
from dagster_project.ingest.text import normalise
from dagster_project.ingest.units import Unit
from dagster_project.ingest.vocabulary import Form, Reading, Term, Vocabulary

# Roles of columns that name a row's unit or item: a text below them that is no heading begins the data.
KEY_ROLES = frozenset(
    [
        "order_no",
        "township",
        "enterprise_name",
        "identifier",
        "indicator",
        "region_code",
        "county",
        "state",
        "occurred_on",
        "fuel",
        "period",
    ]
)
PERIOD_MEASURES = frozenset(["month", "ytd", "stock", "base", "base_month", "base_ytd", "value"])
TARGET_MEASURES = frozenset(["target", "target_growth", "target_stretch"])
ROSTER_ROLES = frozenset(
    [
        "industry_code",
        "capacity",
        "unit_status",
        "is_above_scale",
        "is_agro_processing",
        "is_pharma",
        "is_coal_mine",
        "is_key_energy_user",
    ]
)
LONGEST_HEADING = 60
HIGHEST_HEADER = 8
MONTH_COLUMNS = 3

_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"^[+-]?[\d,.]*\d%?$")


@dataclass(slots=True)
class Column:
    """What one column means in a form. `kind`: field, figure, ignore, unknown.

    A figure's `indicator` is None where the rows name it; its `measure` is None where only the period or the kind of
    the indicator tells it.
    """

    index: int
    path: str
    kind: str
    field: str | None = None
    indicator: str | None = None
    measure: str | None = None
    units: tuple[Unit, ...] = ()
    unknown_unit: str | None = None
    period: Period | None = None


@dataclass(slots=True)
class Block:
    """One header: zero-based rows `top` to `bottom` inclusive, the terms of each column from top to bottom."""

    top: int
    bottom: int
    paths: dict[int, tuple[Term, ...]]
    texts: dict[int, str]
    is_flat: bool
    months: int

    @property
    def fingerprint(self) -> str:
        """The header's words as a short hash: the same from month to month, whatever the columns' order and numbers."""
        words = sorted(_DIGITS.sub("#", normalise(text)).replace("/", "") for text in self.texts.values())
        return hashlib.sha256("|".join(words).encode()).hexdigest()[:12]

    @property
    def signature(self) -> tuple[tuple[int, str], ...]:
        return tuple(sorted(self.texts.items()))


@dataclass(slots=True)
class Recognition:
    """The form that fits a block best, its score, and its columns; `form` is None where none reaches its threshold."""

    form: Form | None
    score: float
    columns: list[Column] = field(default_factory=list)
    nearest: Form | None = None


def is_number_like(value: CellValue) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, (int, float)):
        return True
    return isinstance(value, str) and bool(_NUMBER.match(value.strip()))


def _is_calendar_number(value: CellValue) -> bool:
    """A year or a month number standing as a heading."""
    text = cell_text(value).strip()
    return text.isdigit() and (1900 <= int(text) <= 2199 or 1 <= int(text) <= 12)


def _is_label_row(row: Sequence[CellValue], vocabulary: Vocabulary) -> bool:
    """A row of column letters and numbers only (the line of column codes that printed forms carry)."""
    filled: list[str] = []
    for value in row:
        if value is None or value == "":
            continue
        text = normalise(cell_text(value))
        if vocabulary.match("column_label", text) is None:
            return False
        filled.append(text)
    if len(filled) < 2:
        return False
    numbers = [int(digits) for text in filled if (digits := text.strip("()")).isdigit()]
    return numbers == sorted(set(numbers)) and (not numbers or numbers[0] == 1)


@dataclass(slots=True)
class _RowView:
    """How much of a row reads as headings."""

    known: int = 0
    headings: int = 0
    periods: int = 0
    filled: int = 0
    numbers: int = 0
    calendar: int = 0
    keyed: int = 0
    fields: int = 0


def _texts_of(row: Sequence[CellValue]) -> tuple[CellValue, ...] | None:
    """The row as a key to remember what was made of it; None where it holds more than texts, since 1 is not True."""
    return tuple(row) if all(value is None or value.__class__ is str for value in row) else None


def _view(row: Sequence[CellValue], vocabulary: Vocabulary) -> _RowView:
    key = _texts_of(row)
    known = vocabulary.rows.get(key) if key is not None else None
    if known is None:
        known = _look(row, vocabulary)
        if key is not None:
            if len(vocabulary.rows) > 2_000:
                vocabulary.rows.clear()
            vocabulary.rows[key] = known
    return known


def _look(row: Sequence[CellValue], vocabulary: Vocabulary) -> _RowView:
    view = _RowView()
    for value in row:
        if value is None or value == "":
            continue
        view.filled += 1
        if is_number_like(value):
            view.numbers += 1
            view.calendar += _is_calendar_number(value)
            if view.numbers > view.calendar:
                break
            continue
        if not isinstance(value, str) or len(value) > LONGEST_HEADING:
            continue
        flat = _flat_parts(value, vocabulary)
        if len(flat) > 1:
            terms = [vocabulary.term(part) for part in flat]
            if any(term.is_known for term in terms):
                view.known += 1
                view.headings += 1
            continue
        term = vocabulary.term(value)
        if not term.is_known:
            view.keyed += ":" in term.text
            continue
        view.known += 1
        if term.period is not None and not term.readings:
            view.periods += 1
        kinds = {reading.kind for reading in (*term.readings, *term.extra)}
        view.headings += bool(kinds & {"field", "measure", "ignore"})
        view.fields += "field" in kinds
    return view


def _holds_two(row: Sequence[CellValue]) -> bool:
    """Whether at least two cells are filled: a header says two things."""
    is_second = False
    for value in row:
        if value is not None and value != "":
            if is_second:
                return True
            is_second = True
    return False


def _holds_figures(row: Sequence[CellValue]) -> bool:
    """Whether a row holds a number that is no year and no month: then it is no header, whatever else it holds."""
    for value in row:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            continue
        if not (1 <= value <= 12 or 1900 <= value <= 2199) or value % 1:
            return True
    return False


def _flat_parts(text: str, vocabulary: Vocabulary) -> list[str]:
    for pattern, _ in vocabulary.patterns.get("flat_separator", ()):
        if pattern.search(text):
            return [part for part in pattern.split(text) if part.strip()]
    return [text]


def _is_header_row(view: _RowView) -> bool:
    if view.numbers > view.calendar or view.known < 2:
        return False
    if view.periods >= MONTH_COLUMNS:
        return True
    return view.headings > 0 and view.known * 10 >= (view.filled - view.numbers) * 3


def find_blocks(sheet: Sheet, vocabulary: Vocabulary) -> list[Block]:
    """All headers of a sheet, from top to bottom; a header repeated on a continuation page is a block of its own."""
    blocks: list[Block] = []
    row = 0
    last_top = 0
    while row < len(sheet.rows):
        cells = sheet.rows[row]
        # one filled cell is a title or a note, and long enough to be worth no look
        if not _holds_two(cells) or _holds_figures(cells):
            row += 1
            continue
        view = _view(cells, vocabulary)
        # Below a header, a target of 1986 or a mark of 10 beside "stretch" is no year or month: a further header that
        # holds numbers also names a field.
        if not _is_header_row(view) or (blocks and view.numbers and not view.fields):
            row += 1
            continue
        top = _extend_up(sheet, row, last_top, vocabulary)
        bottom = _extend_down(sheet, top, row, vocabulary)
        blocks.append(make_block(sheet, top, bottom, vocabulary))
        row = last_top = bottom + 1
    return blocks


def _extend_up(sheet: Sheet, row: int, limit: int, vocabulary: Vocabulary) -> int:
    top = row
    while top > limit and row - top < HIGHEST_HEADER:
        above = sheet.rows[top - 1]
        view = _view(above, vocabulary)
        if view.filled == 0 or view.numbers > view.calendar or view.keyed or view.known == 0:
            break
        if view.filled == 1:
            first = next(index for index, value in enumerate(above) if value not in (None, ""))
            width = _merged_width(sheet, top - 1, first)
            if not 1 < width < max(len(sheet.rows[row]) - 1, 2) or view.headings + view.known == 0:
                break
            if vocabulary.term(cell_text(above[first])).period is not None:
                break
        elif view.known * 2 < view.filled:
            break
        top -= 1
    return top


def _merged_width(sheet: Sheet, row: int, column: int) -> int:
    for top, left, bottom, right in sheet.merges:
        if top <= row <= bottom and left <= column <= right:
            return right - left + 1
    return 1


def _extend_down(sheet: Sheet, top: int, row: int, vocabulary: Vocabulary) -> int:
    bottom = row
    keys: set[int] = set()
    periods = 0
    for line in range(top, row + 1):
        named, dated = _keys_in(sheet.rows[line], vocabulary)
        keys |= named
        periods += dated
    while bottom + 1 < len(sheet.rows) and bottom - top < HIGHEST_HEADER:
        below = sheet.rows[bottom + 1]
        if _is_label_row(below, vocabulary):
            return bottom + 1
        if not _continues(below, keys, periods >= MONTH_COLUMNS, vocabulary):
            return bottom
        keys |= _keys_in(below, vocabulary)[0]
        bottom += 1
    return bottom


def _keys_in(row: Sequence[CellValue], vocabulary: Vocabulary) -> tuple[frozenset[int], int]:
    """The columns of a header's row that name units or items, and how many periods it names. Remembered, as `_view` is."""
    key = _texts_of(row)
    known: tuple[frozenset[int], int] | None = vocabulary.keys.get(key) if key is not None else None
    if known is not None:
        return known
    keys: set[int] = set()
    periods = 0
    for index, value in enumerate(row):
        if isinstance(value, str) and value and len(value) <= LONGEST_HEADING:
            term = vocabulary.term(value)
            periods += term.period is not None and not term.readings
            if any(reading.kind == "field" and reading.name in KEY_ROLES for reading in term.readings):
                keys.add(index)
        elif value is not None and _is_calendar_number(value):
            periods += 1
    found = frozenset(keys), periods
    if key is not None:
        if len(vocabulary.keys) > 2_000:
            vocabulary.keys.clear()
        vocabulary.keys[key] = found
    return found


def _continues(row: Sequence[CellValue], keys: set[int], is_ledger: bool, vocabulary: Vocabulary) -> bool:
    """Whether a row below a header still belongs to it: only texts, none of them naming a unit or an item."""
    if any(value is not None and not isinstance(value, str) for value in row):
        return False
    known = filled = 0
    for index, value in enumerate(row):
        if value is None or value == "":
            continue
        filled += 1
        assert isinstance(value, str)
        if is_number_like(value) or len(value) > LONGEST_HEADING or is_ledger:
            return False
        term = vocabulary.term(value)
        if term.text in vocabulary.figures.null_tokens or vocabulary.match("total_row", term.text):
            return False
        is_unit = vocabulary.units.find(term.text.strip("()")) is not None
        is_heading = term.is_known or is_unit
        if index in keys and not any(reading.kind == "field" for reading in term.readings):
            return False
        if not is_heading and ":" in term.text:
            return False
        known += is_heading
    if filled == 0:
        return False
    if keys:
        return known > 0 or filled >= 2
    return known * 2 >= filled


def make_block(sheet: Sheet, top: int, bottom: int, vocabulary: Vocabulary) -> Block:
    """The header in rows `top` to `bottom`. The same one comes every month, so its words are remembered."""
    texts = [_texts_of(sheet.rows[line]) for line in range(top, bottom + 1)]
    merges = tuple((a - top, b, c - top, d) for a, b, c, d in sheet.merges if a <= bottom and c >= top)
    key = None if None in texts else (tuple(texts), merges)
    known = vocabulary.blocks.get(key) if key is not None else None
    if known is None:
        known = _read_block(sheet, top, bottom, vocabulary)
        if key is not None:
            if len(vocabulary.blocks) > 2_000:
                vocabulary.blocks.clear()
            vocabulary.blocks[key] = known
    return Block(top, bottom, known.paths, known.texts, known.is_flat, known.months)


def _read_block(sheet: Sheet, top: int, bottom: int, vocabulary: Vocabulary) -> Block:
    rows = [line for line in range(top, bottom + 1) if not _is_label_row(sheet.rows[line], vocabulary)]
    width = max((len(sheet.rows[line]) for line in rows), default=0)
    owner: dict[tuple[int, int], tuple[int, int]] = {}
    spread: set[int] = set()
    for first, left, last, right in sheet.merges:
        if last < top or first > bottom:
            continue
        if right > left:
            spread.add(first)
        for line in range(max(first, top), min(last, bottom) + 1):
            for column in range(left, right + 1):
                owner[line, column] = (first, left)
        width = max(width, right + 1)
    paths: dict[int, tuple[Term, ...]] = {}
    texts: dict[int, str] = {}
    is_flat = False
    months: set[tuple[int | None, int]] = set()
    for column in range(width):
        pieces: list[str] = []
        for position, line in enumerate(rows):
            text = _heading_at(sheet, line, column, rows[position + 1 :], owner, spread)
            if text and (not pieces or pieces[-1] != text):
                pieces.append(text)
        if not pieces:
            continue
        joined = vocabulary.term("".join(pieces)) if len(pieces) > 1 else None
        if joined is not None and joined.readings and not all(vocabulary.term(piece).is_known for piece in pieces):
            # one name broken over two lines of the header
            pieces = ["".join(pieces)]
        terms: list[Term] = []
        for piece in pieces:
            flat = _flat_parts(piece, vocabulary) if len(pieces) == 1 else [piece]
            is_flat = is_flat or len(flat) > 1
            terms.extend(vocabulary.term(part) for part in flat)
        for term in terms:
            if term.period is not None and term.period.grain == "month" and term.period.month and not term.readings:
                months.add((term.period.year, term.period.month))
        paths[column] = tuple(terms)
        texts[column] = " / ".join(" ".join(piece.split()) for piece in pieces)
    return Block(top, bottom, paths, texts, is_flat, len(months))


def _heading_at(
    sheet: Sheet,
    line: int,
    column: int,
    below: Sequence[int],
    owner: dict[tuple[int, int], tuple[int, int]],
    spread: set[int],
) -> str:
    home = owner.get((line, column))
    if home is not None:
        return sheet.text(*home).strip()
    text = sheet.text(line, column).strip()
    if text or not below:
        return text
    # A group heading that was written once and not merged: it reaches over the columns that have a line of their own
    # below, as long as its own column has one too. Where the clerk merges in this row, a blank is a blank.
    if line in spread or not any(sheet.text(lower, column).strip() for lower in below):
        return ""
    for left in range(column - 1, -1, -1):
        if (line, left) in owner:
            return ""
        text = sheet.text(line, left).strip()
        if text:
            return text if any(sheet.text(lower, left).strip() for lower in below) else ""
    return ""


def _pick(term: Term, form: str | None) -> Reading | None:
    """The meaning of a term in a form: what the form itself says first, headings before indicators."""
    best: Reading | None = None
    best_rank = 9
    for reading in term.readings:
        if reading.form not in (None, form) or reading.within is not None:
            continue
        rank = (2 if reading.form is None else 0) + (1 if reading.kind == "indicator" else 0)
        if rank < best_rank:
            best, best_rank = reading, rank
    return best


def pick_indicator(term: Term, form: str | None, parents: Iterable[str], vocabulary: Vocabulary) -> str | None:
    """The indicator a name means: as a part of one of `parents` (nearest first) or theirs above, else by itself."""
    chain: list[str] = []
    for parent in parents:
        code: str | None = parent
        while code is not None and code not in chain:
            chain.append(code)
            known = vocabulary.indicators.get(code)
            code = known.parent if known else None
    for parent in chain:
        for reading in term.readings:
            if reading.kind == "indicator" and reading.within == parent and reading.form in (None, form):
                return reading.name
    own = [r for r in term.readings if r.kind == "indicator" and r.within is None and r.form in (None, form)]
    own.sort(key=lambda reading: reading.form is None)
    return own[0].name if own else None


_COMBINED = {
    frozenset({"base", "month"}): "base_month",
    frozenset({"base", "ytd"}): "base_ytd",
    frozenset({"base", "stock"}): "base_ytd",
    frozenset({"base", "value"}): "base",
    frozenset({"base_ytd", "ytd"}): "base_ytd",
    frozenset({"base_ytd", "stock"}): "base_ytd",
    frozenset({"base_month", "month"}): "base_month",
    frozenset({"declared_growth", "ytd"}): "declared_growth",
    frozenset({"declared_growth", "stock"}): "declared_growth",
    frozenset({"declared_growth", "base"}): "declared_growth",
    frozenset({"declared_growth", "base_ytd"}): "declared_growth",
    frozenset({"declared_growth", "month"}): "month_growth",
    frozenset({"declared_growth", "base_month"}): "month_growth",
    frozenset({"target", "declared_growth"}): "target_growth",
    frozenset({"target", "target_growth"}): "target_growth",
    frozenset({"target_stretch", "target"}): "target_stretch",
    frozenset({"month", "ytd"}): "ytd",
}


def combine(measures: Sequence[str]) -> str | None:
    """One measure out of those that a header path names from top to bottom."""
    result: str | None = None
    for measure in measures:
        if result is None or result == measure or result == "value":
            result = measure
        elif measure != "value":
            result = _COMBINED.get(frozenset({result, measure}), measure)
    return result


def columns_of(block: Block, form: Form, vocabulary: Vocabulary) -> list[Column]:
    """What each column means in `form`; parts ('of which') take the indicator to their left as their whole."""
    columns: list[Column] = []
    whole: list[str] = []
    for index, terms in sorted(block.paths.items()):
        column = _column(index, terms, block.texts[index], form, whole, vocabulary)
        columns.append(column)
    _settle_fields(columns, block, form)
    return columns


def _column(
    index: int, terms: tuple[Term, ...], path: str, form: Form, whole: list[str], vocabulary: Vocabulary
) -> Column:
    column = Column(index, path, "unknown")
    measures: list[str] = []
    fields: list[str] = []
    ignored = False
    inner: list[str] = []
    for term in terms:
        column.units = (*column.units, *term.units)
        column.unknown_unit = column.unknown_unit or term.unknown_unit
        if term.period is not None:
            column.period = term.period
        reading = _pick(term, form.code)
        if reading is None or reading.kind == "indicator":
            code = pick_indicator(term, form.code, (*reversed(inner), *reversed(whole)), vocabulary)
            if code is not None:
                inner.append(code)
                column.indicator = code
        elif reading.kind == "measure":
            measures.append(reading.name)
        elif reading.kind == "field":
            fields.append(reading.name)
        else:
            ignored = True
        if not term.readings:
            # a line of the header, or the last part of a flattened one, that is only the unit
            unit = vocabulary.units.find(term.text.strip("()"))
            if unit is not None:
                column.units = (*column.units, unit)
        for extra in term.extra:
            if extra.kind == "measure":
                measures.append(extra.name)
            elif extra.kind == "ignore":
                ignored = True
    column.measure = combine(measures)
    if column.period is not None and column.measure in (None, "value") and column.period.grain in ("ytd", "month"):
        column.measure = column.period.grain
    if column.indicator is not None and not terms[0].is_part and column.indicator not in whole:
        parent = vocabulary.indicators[column.indicator].parent if column.indicator in vocabulary.indicators else None
        if parent not in whole:
            whole.clear()
        whole.append(column.indicator)
    if ignored:
        column.kind = "ignore"
    elif column.indicator is not None:
        column.kind = "figure"
    elif fields and not measures:
        column.kind, column.field = "field", fields[-1]
    elif column.measure is not None or column.period is not None:
        # a measure below a heading that nothing knows is no figure of a known indicator
        known = all(term.is_known or term.units or vocabulary.units.find(term.text.strip("()")) for term in terms)
        column.kind = "figure" if known else "unknown"
    return column


def _settle_fields(columns: list[Column], block: Block, form: Form) -> None:
    """A word with two roles ('unit' of account, reporting unit) takes the second where the first is taken already."""
    taken: dict[str, Column] = {}
    for column in columns:
        if column.kind != "field" or column.field is None:
            continue
        first = taken.get(column.field)
        if first is None:
            taken[column.field] = column
            continue
        for candidate in (column, first):
            other = [
                reading.name
                for reading in block.paths[candidate.index][-1].readings
                if reading.kind == "field" and reading.form is None and reading.name not in taken
            ]
            if other:
                candidate.field = other[0]
                taken[other[0]] = candidate
                if candidate is first:
                    taken[column.field] = column
                break


def static_features(columns: Sequence[Column], block: Block, form: Form, vocabulary: Vocabulary) -> set[str]:
    """Parts of a signature that the header alone tells."""
    features: set[str] = set()
    energy = set(form.settings.get("energy_indicators", "").split("|"))
    annual = set(form.settings.get("annual_indicators", "").split("|"))
    for column in columns:
        if column.kind == "field":
            features.add(f"field:{column.field}")
            if column.field in ROSTER_ROLES:
                features.add("roster_attribute")
        elif column.kind == "figure":
            if column.measure is not None:
                features.add(f"measure:{column.measure}")
                features.add("any_measure")
                if column.measure in PERIOD_MEASURES:
                    features.add("any_period_measure")
                if column.measure in TARGET_MEASURES:
                    features.add("any_target")
            if column.indicator is not None:
                features.add(f"indicator:{column.indicator}")
                features.add("any_indicator")
                if column.indicator in vocabulary.fuels:
                    features.add("any_fuel")
                if column.indicator in energy:
                    features.add("any_energy")
                if column.indicator in annual:
                    features.add("annual_indicator")
    if {"field:township", "field:indicator"} & features:
        features |= {"any_place", "target_place"}
    features.add(f"headings:{block.fingerprint}")
    if block.is_flat:
        features.add("flat")
    if block.months >= MONTH_COLUMNS:
        features.add("months")
    return features


def score(form: Form, features: set[str]) -> float:
    """Sum of the weights of the parts that are there; 0 where a required one is missing."""
    total = 0.0
    for part, weight, required in form.signature:
        if part in features:
            total += weight
        elif required:
            return 0.0
    return total


def partial_score(form: Form, features: set[str]) -> float:
    """The score without regard to required parts: how near a form is, for advice."""
    return sum(weight for part, weight, _ in form.signature if part in features and weight > 0)
