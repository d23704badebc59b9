"""What stands around a table: titles, unit lines, keys with values, notes (domain.md C.1, C.2).

Belongs here: reading the lines above a header and the notes below it.
Does not belong here: the table itself (recognise.py, extract.py), registers (resolve.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dagster_project.ingest.grid import CellValue, Sheet, address, cell_text
from dagster_project.ingest.periods import Period, complete, from_cell
from dagster_project.ingest.text import normalise, one_line, parts
from dagster_project.ingest.units import Unit
from dagster_project.ingest.vocabulary import Vocabulary

# Keys whose value may stand in the next cell without a colon.
_ADJACENT = frozenset(
    ["identifier", "enterprise_name", "township", "period", "reporter", "fuel", "unit", "region_code"]
)


@dataclass(slots=True)
class KeyValue:
    """One key above a table with its value as written and the value's cell."""

    role: str
    value: str
    row: int
    column: int


@dataclass(slots=True)
class Context:
    """What the lines above a table say.

    `periods` are candidates in order of trust with their cells; `place` is a township's name found in a title or a
    reporter line; `names_county` tells that the county itself is named as reporter.
    """

    titles: list[str] = field(default_factory=list)
    keys: dict[str, KeyValue] = field(default_factory=dict)
    units: list[Unit] = field(default_factory=list)
    unknown_units: list[tuple[str, int, int]] = field(default_factory=list)
    periods: list[tuple[Period, str]] = field(default_factory=list)
    place: str | None = None
    place_cell: str | None = None
    names_county: bool = False

    def value(self, role: str) -> str | None:
        found = self.keys.get(role)
        return found.value if found and found.value else None

    def cell(self, role: str) -> str | None:
        found = self.keys.get(role)
        return address(found.row, found.column) if found else None

    def inherit(self, earlier: Context) -> None:
        """A second table of a sheet keeps what the first one's lines said, where its own say nothing."""
        self.titles = earlier.titles + self.titles
        for role, found in earlier.keys.items():
            self.keys.setdefault(role, found)
        self.units = self.units or earlier.units
        self.periods = self.periods + earlier.periods
        self.place = self.place or earlier.place
        self.place_cell = self.place_cell or earlier.place_cell
        self.names_county = self.names_county or earlier.names_county


def read_context(sheet: Sheet, first: int, last: int, vocabulary: Vocabulary) -> Context:
    """The lines from row `first` up to, not including, row `last`."""
    context = Context()
    key_periods: list[tuple[Period, str]] = []
    for row in range(first, min(last, len(sheet.rows))):
        cells = sheet.rows[row]
        for column, value in enumerate(cells):
            if value is None or value == "":
                continue
            if not isinstance(value, str):
                period = from_cell(value, vocabulary.periods)
                if period is not None and period.grain != "year":
                    context.periods.append((period, address(row, column)))
                continue
            if vocabulary.match("footer", normalise(value)):
                continue
            for piece in parts(value):
                _read_piece(context, key_periods, sheet, row, column, piece, vocabulary)
    context.periods = key_periods + context.periods
    return context


def _read_piece(
    context: Context,
    key_periods: list[tuple[Period, str]],
    sheet: Sheet,
    row: int,
    column: int,
    piece: str,
    vocabulary: Vocabulary,
) -> None:
    normal = normalise(piece)
    found = vocabulary.match("key_value", normal)
    if found is not None:
        match, _ = found
        role = key_role(match["key"], vocabulary)
        if role == "ignore":
            return
        if role is not None:
            value = one_line(piece).partition(":")[2].strip() or _next_value(sheet, row, column)
            _take_key(context, key_periods, role, value, row, column, vocabulary)
            return
    elif piece == piece.strip() and _is_adjacent_key(sheet, row, column, normal, vocabulary):
        role = key_role(normal, vocabulary)
        if role is not None:
            _take_key(context, key_periods, role, _next_value(sheet, row, column), row, column, vocabulary)
            return
    _read_unit_line(context, piece, row, column, vocabulary)
    period = vocabulary.periods.find(piece)
    if period is not None:
        context.periods.append((period, address(row, column)))
    context.titles.append(normal)
    place = find_place(normal, vocabulary)
    if place is not None and context.place is None:
        context.place, context.place_cell = place, address(row, column)


def _take_key(
    context: Context,
    key_periods: list[tuple[Period, str]],
    role: str,
    value: str,
    row: int,
    column: int,
    vocabulary: Vocabulary,
) -> None:
    if role == "unit":
        _take_units(context, value, row, column, vocabulary)
        return
    if role in ("period", "year", "month"):
        period = from_cell(value, vocabulary.periods)
        if period is not None:
            key_periods.append((period, address(row, column)))
        return
    if role == "reporter":
        place = find_place(normalise(value), vocabulary)
        if place is not None:
            context.place, context.place_cell = place, address(row, column)
        elif any(name in normalise(value) for name in vocabulary.county_names):
            context.names_county = True
    context.keys.setdefault(role, KeyValue(role, value, row, column))


def key_role(key: str, vocabulary: Vocabulary) -> str | None:
    """The role of a key; 'ignore' where it is known to carry nothing, None where it is no known key."""
    readings = vocabulary.headings.get(vocabulary.clean_name(key), ())
    for reading in sorted(readings, key=lambda one: one.form is not None):
        if reading.kind == "field":
            # a lone 'unit' before a colon is the unit of account
            return reading.name
        if reading.kind == "ignore":
            return "ignore"
    return None


def _is_adjacent_key(sheet: Sheet, row: int, column: int, normal: str, vocabulary: Vocabulary) -> bool:
    readings = vocabulary.headings.get(normal, ())
    if not any(r.kind == "field" and r.form is None and r.name in _ADJACENT for r in readings):
        return False
    value = _next_value(sheet, row, column)
    return bool(value) and not vocabulary.term(value).is_known


def _next_value(sheet: Sheet, row: int, column: int) -> str:
    """The next filled cell to the right in the same row, unless it is a key of its own."""
    cells: Sequence[CellValue] = sheet.rows[row]
    for index in range(column + 1, len(cells)):
        text = cell_text(cells[index]).strip()
        if text:
            return "" if ":" in normalise(text) else text
    return ""


def _read_unit_line(context: Context, piece: str, row: int, column: int, vocabulary: Vocabulary) -> None:
    found = vocabulary.match("unit_line", one_line(piece).lower())
    if found is not None:
        _take_units(context, found[0]["units"], row, column, vocabulary)


def _take_units(context: Context, text: str, row: int, column: int, vocabulary: Vocabulary) -> None:
    units, unknown = vocabulary.units.find_all(text)
    context.units.extend(units)
    context.unknown_units.extend((word, row, column) for word in unknown)


def find_place(normal: str, vocabulary: Vocabulary) -> str | None:
    """A township's name in a normalised line: a known one, else a text that has the form of one."""
    for pattern, _ in vocabulary.patterns.get("not_place", ()):
        normal = pattern.sub(" ", normal)
    for county in vocabulary.county_names:
        normal = normal.replace(county, " ")
    for name in vocabulary.places:
        # short names (without their class) are common words too; in a running text only full names count
        if len(name) > 2 and name in normal and vocabulary.match("place", name):
            return name
    if normal.strip() in vocabulary.places:
        return normal.strip()
    found = vocabulary.match("place", normal)
    return found[0]["place"] if found else None


def choose_period(
    context: Context, sheet_name: str, file_name: str, vocabulary: Vocabulary
) -> tuple[Period | None, str | None, bool]:
    """Period, its cell, and whether only the file's name tells it: keys, then lines, then sheet name, then file name."""
    sheet_period = vocabulary.periods.find(sheet_name)
    candidates = [period for period, _ in context.periods]
    for period, where in context.periods:
        if period.year is not None and period.month is not None:
            return period, where, False
    if sheet_period is not None:
        candidates.append(sheet_period)
    best = complete(candidates)
    cell = context.periods[0][1] if context.periods else None
    if best is not None and best.year is not None and (best.month is not None or best.grain == "full_year"):
        return best, cell, False
    from_file = vocabulary.periods.find(re.sub(r"\.[^.]+$", "", file_name))
    if from_file is not None:
        joined = complete([*candidates, from_file])
        if joined is not None and joined.year is not None and joined.month is not None:
            return joined, cell, best is None or best.month is None
    return best, cell, False


@dataclass(slots=True)
class NoteMark:
    """What a footnote says of a unit: its figures are carried, or it has not reported."""

    name: str
    status: str  # carried, not_reported
    row: int
    column: int
    text: str


def read_note(text: str, row: int, column: int, vocabulary: Vocabulary) -> list[NoteMark]:
    """Units that one note names as carried or not reported (domain.md C.3 L1)."""
    marks: list[NoteMark] = []
    sentences = [one_line(text)]
    for pattern, _ in vocabulary.patterns.get("note_split", ()):
        sentences = [piece for sentence in sentences for piece in pattern.split(sentence) if piece]
    for sentence in sentences:
        normal = normalise(sentence)
        found = vocabulary.match("carried_note", normal)
        if found is None:
            continue
        match, role = found
        names = [match["names"]]
        for pattern, _ in vocabulary.patterns.get("name_split", ()):
            names = [piece for name in names for piece in pattern.split(name)]
        marks.extend(NoteMark(name.strip(), role, row, column, sentence) for name in names if name and name.strip())
    return marks
