"""Registers of changes of township-level units (domain.md D.2): a row says which unit became which.

Belongs here: a row of such a register → UnitChange; merged cells filled, rows tied into events, the kind of operation.
Does not belong here: words of headings and reasons (seeds/reference), which of several registers holds (dbt),
taking a change over into a bureau's own units (commands/changes.py).

A merged cell counts for every row it spans: a successor over three rows is a merger of three, a predecessor over two
rows a split in two. Nothing else is filled down except the province, and that only while the codes stay in it: a blank
reason or document stays unknown, and a unit that was dissolved without a successor is not given one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from dagster_project.ingest.extract_lists import occurred_on
from dagster_project.ingest.grid import CellValue, address
from dagster_project.ingest.model import UnitChange
from dagster_project.ingest.table import Table
from dagster_project.ingest.text import normalise
from dagster_project.ingest.vocabulary import Vocabulary

Cell = tuple[int, int]
SIDES = (("old_code", "old_name"), ("new_code", "new_name"))
FIELDS = ("old_code", "old_name", "new_code", "new_name")
ROLES = (*FIELDS, "order_no", "province", "change_reason", "doc_no", "changed_on")
# Operation by the number of predecessors and successors of an event; one to one is told apart below.
BY_STRUCTURE = {"0:1": "establish", "1:0": "abolish", "n:1": "merge_new", "1:n": "split", "n:n": "reorganise"}


@dataclass(frozen=True, slots=True)
class _Unit:
    """One side of a row as written; `place` is where it stands (the first cell of a merge).

    `op` is the operation that the cell itself states ('merged into X'), else None.
    """

    code: str | None
    name: str | None
    place: Cell
    op: str | None = None

    @property
    def key(self) -> str:
        return f"{self.code or ''}{self.name or ''}"


@dataclass(frozen=True, slots=True)
class _Row:
    row: int
    old: _Unit | None
    new: _Unit | None
    reason: str | None


class _Grid:
    """The register's cells by role, merged cells counting for each row that they span."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.index = {role: index for role in ROLES if (index := table.field_index(role)) is not None}
        self.first = min(self.index[role] for role in FIELDS if role in self.index)
        wanted = set(self.index.values())
        self.origin: dict[Cell, Cell] = {
            (row, column): (top, left)
            for top, left, bottom, right in table.sheet.merges
            if bottom >= table.first
            for row in range(max(top, table.first), min(bottom, table.last) + 1)
            for column in range(left, right + 1)
            if column in wanted
        }

    def place(self, row: int, role: str) -> Cell | None:
        """The cell that speaks for `role` in a row; None where the column is missing or merged into one to its left."""
        index = self.index.get(role)
        if index is None:
            return None
        found = self.origin.get((row, index), (row, index))
        return found if found[1] == index and found[0] >= self.table.first else None

    def text(self, row: int, role: str) -> str | None:
        """Its text, a ditto mark taken for the text above; None where blank."""
        place = self.place(row, role)
        while place is not None:
            text = self.table.sheet.text(*place).strip()
            if not self.table.is_ditto(text):
                return text or None
            place = self.place(place[0] - 1, role) if place[0] > self.table.first else None
        return None

    def value(self, row: int, role: str) -> CellValue:
        place = self.place(row, role)
        return None if place is None else self.table.sheet.value(*place)

    def is_same_event(self, row: int, before: int) -> bool:
        """Whether a row only continues the one above it: all that it says of units stands in cells merged with it."""
        filled = [role for role in FIELDS if self.text(row, role) is not None]
        return bool(filled) and all(self.place(row, role) == self.place(before, role) for role in FIELDS)


def extract_changes(table: Table) -> None:
    """Rows of the register as unit changes, tied into events and classified; a year is the sheet's."""
    grid = _Grid(table)
    rows: list[_Row] = []
    changes: list[UnitChange] = []
    province: tuple[str, str] | None = None
    for row, cells in table.rows():
        old, new = (_unit(grid, row, *side) for side in SIDES)
        if old is None and new is None:
            _report_unused(table, row, cells)
            continue
        if rows and rows[-1].row == row - 1 and grid.is_same_event(row, row - 1):
            changes[-1].doc_no = _joined(changes[-1].doc_no, grid.text(row, "doc_no"))
            continue
        province = _province(grid, row, (new or old), province)
        year, effective = _year(grid, row)
        if year is None:
            table.issue("parse.change_year", "error", row, grid.index.get("order_no", 0), quarantines=True)
            continue
        rows.append(_Row(row, old, new, grid.text(row, "change_reason")))
        changes.append(_change(table, grid, rows[-1], cells, year, effective, province[0] if province else None))
    _classify(rows, changes, table.vocabulary)
    _report(grid, rows, changes)
    table.workbook.changes.extend(changes)


def _unit(grid: _Grid, row: int, code_role: str, name_role: str) -> _Unit | None:
    """One side of a row. A code column that holds words ('merged into X') names the unit instead."""
    code, name = grid.text(row, code_role), grid.text(row, name_role)
    place = grid.place(row, name_role) if name is not None else grid.place(row, code_role)
    op: str | None = None
    if code is not None and name is None:
        found = grid.table.vocabulary.match("change_successor", normalise(code))
        if found is not None:
            code, name, op = None, found[0]["name"], found[1]
    if (code is None and name is None) or place is None:
        return None
    return _Unit(code, name, place, op)


def _province(grid: _Grid, row: int, unit: _Unit | None, before: tuple[str, str] | None) -> tuple[str, str] | None:
    """The province written beside the row or above it, the latter only while the codes begin alike."""
    digits = int(grid.table.form.settings.get("province_digits", "2"))
    code = (unit.code or "")[:digits] if unit is not None else ""
    own = grid.text(row, "province")
    if own is not None:
        return own, code
    return before if before is not None and before[1] == code else None


def _year(grid: _Grid, row: int) -> tuple[int | None, date | None]:
    """The row's own day where the register gives one, else the sheet's year."""
    table = grid.table
    effective = occurred_on(grid.value(row, "changed_on"), table)
    if effective is not None:
        return effective.year, effective
    return (table.said.year if table.said is not None else None), None


def _change(
    table: Table,
    grid: _Grid,
    row: _Row,
    cells: Sequence[CellValue],
    year: int,
    effective: date | None,
    province: str | None,
) -> UnitChange:
    old, new = row.old, row.new
    digits = int(table.form.settings.get("county_digits", "6"))
    return UnitChange(
        form_code=table.form.code,
        year=year,
        effective_on=effective,
        province=province,
        predecessor_code=old.code if old else None,
        predecessor_name=old.name if old else None,
        predecessor_kind=_kind(old, table.vocabulary),
        predecessor_county=_county(old, digits),
        successor_code=new.code if new else None,
        successor_name=new.name if new else None,
        successor_kind=_kind(new, table.vocabulary),
        successor_county=_county(new, digits),
        reason=row.reason,
        doc_no=grid.text(row.row, "doc_no"),
        order_no=grid.text(row.row, "order_no"),
        sheet=table.sheet.name,
        cell=address(row.row, grid.first),
        predecessor_cell=address(*old.place) if old else None,
        successor_cell=address(*new.place) if new else None,
        raw_text=" | ".join(text for index in range(len(cells)) if (text := table.text(cells, index))),
    )


def _county(unit: _Unit | None, digits: int) -> str | None:
    return unit.code[:digits] if unit is not None and unit.code else None


def _kind(unit: _Unit | None, vocabulary: Vocabulary) -> str | None:
    """street, town, township or other: by the name, else by the code's digits."""
    if unit is None:
        return None
    for purpose, text in (("unit_kind", unit.name), ("unit_kind_code", unit.code)):
        found = vocabulary.match(purpose, normalise(text)) if text else None
        if found is not None:
            return found[1]
    return None


def _joined(first: str | None, second: str | None) -> str | None:
    return "; ".join(text for text in (first, second) if text) or None


# ---------------------------------------------------------------------- events
def _classify(rows: Sequence[_Row], changes: Sequence[UnitChange], vocabulary: Vocabulary) -> None:
    """Number the events of a sheet (rows that share a unit on one side), then say what each of them is.

    A row that repeats another word for word is no further change: it points to the first.
    """
    first: dict[tuple[int, str, str], UnitChange] = {}
    links: list[int] = []
    for position, (row, change) in enumerate(zip(rows, changes, strict=True)):
        key = (change.year, row.old.key if row.old else "", row.new.key if row.new else "")
        if key in first:
            change.repeats_cell, change.status = first[key].cell, "repeated"
        else:
            first[key] = change
            links.append(position)
    for number, event in enumerate(_events(rows, changes, links), start=1):
        olds = {row.old.key for position in event if (row := rows[position]).old is not None}
        news = {row.new.key for position in event if (row := rows[position]).new is not None}
        structure = f"{_count(olds)}:{_count(news)}"
        for position in event:
            change = changes[position]
            change.event_no, change.structure = number, structure
            change.is_continued = _continues(rows[position])
        op = _operation(structure, [rows[position] for position in event], [changes[p] for p in event], vocabulary)
        for position in event:
            changes[position].op = op
    for change, row in zip(changes, rows, strict=True):
        if change.repeats_cell is not None:
            original = first[change.year, row.old.key if row.old else "", row.new.key if row.new else ""]
            change.event_no, change.structure = original.event_no, original.structure
            change.op, change.is_continued = original.op, original.is_continued


def _count(units: set[str]) -> str:
    return str(len(units)) if len(units) < 2 else "n"


def _events(rows: Sequence[_Row], changes: Sequence[UnitChange], links: Iterable[int]) -> list[list[int]]:
    """Positions by event, in order of appearance: rows joined by a common predecessor or successor of one year."""
    parent: dict[int, int] = {}

    def root(position: int) -> int:
        while parent.setdefault(position, position) != position:
            position = parent[position]
        return position

    seen: dict[tuple[str, int, str], int] = {}
    for position in links:
        row = rows[position]
        for side, unit in (("old", row.old), ("new", row.new)):
            if unit is None:
                continue
            other = seen.setdefault((side, changes[position].year, unit.key), position)
            first, second = sorted((root(other), root(position)))
            parent[second] = first
    events: dict[int, list[int]] = defaultdict(list)
    for position in links:
        events[root(position)].append(position)
    return [events[key] for key in sorted(events)]


def _continues(row: _Row) -> bool:
    """Whether the predecessor goes on as the successor: the same code or the same name."""
    old, new = row.old, row.new
    if old is None or new is None:
        return False
    return (old.code is not None and old.code == new.code) or (old.name is not None and old.name == new.name)


def _operation(structure: str, rows: Sequence[_Row], changes: Sequence[UnitChange], vocabulary: Vocabulary) -> str:
    """What an event is, in the words of township_links.op: structure decides, the reason refines one to one."""
    said: set[str] = {
        found[1]
        for row in rows
        if row.reason and (found := vocabulary.match("change_reason", normalise(row.reason))) is not None
    }
    stated = next((row.new.op for row in rows if row.new is not None and row.new.op), None)
    if stated is not None and structure in ("1:1", "n:1"):
        return stated
    if structure == "n:1" and any(change.is_continued for change in changes):
        return "absorb"
    if structure == "1:1":
        return _one_to_one(changes[0], said)
    if structure == "1:0" and "absorb" in said:
        return "absorb"
    return BY_STRUCTURE[structure]


def _one_to_one(change: UnitChange, said: set[str]) -> str:
    """A transfer, a change of rank, of name, or of the code alone; `unclear` where nothing that was read differs."""
    if "transfer" in said:
        return "transfer"
    if "absorb" in said and not change.is_continued:
        return "absorb"
    if change.predecessor_kind != change.successor_kind and None not in (
        change.predecessor_kind,
        change.successor_kind,
    ):
        return "rank_change"
    old, new = change.predecessor_county, change.successor_county
    if old is not None and new is not None and old != new and not said & {"code_change", "rename"}:
        return "transfer"
    if None not in (change.predecessor_name, change.successor_name):
        if change.predecessor_name != change.successor_name:
            return "rename"
        if None not in (change.predecessor_code, change.successor_code) and (
            change.predecessor_code != change.successor_code
        ):
            return "code_change"
    return "unclear"


# ---------------------------------------------------------------------- what a person should know
def _report_unused(table: Table, row: int, cells: Sequence[CellValue]) -> None:
    """A row that names no unit on either side; one without any text (a check formula alone) says nothing."""
    for index, value in enumerate(cells):
        if isinstance(value, str) and value.strip():
            table.issue("parse.unused_row", "info", row, index, value.strip())
            return


def _report(grid: _Grid, rows: Sequence[_Row], changes: Sequence[UnitChange]) -> None:
    table = grid.table
    told: set[Cell] = set()
    for row, change in zip(rows, changes, strict=True):
        if change.repeats_cell is not None:
            table.issue(
                "parse.change_repeated", "warning", row.row, grid.first, change.raw_text, other=change.repeats_cell
            )
            continue
        for unit in (row.old, row.new):
            if unit is None or unit.place in told:
                continue
            told.add(unit.place)
            key = _fault(unit, table.vocabulary)
            if key is not None:
                table.issue(key, "warning", *unit.place, f"{unit.code or ''} {unit.name or ''}".strip())
        if change.op == "unclear":
            table.issue("parse.change_unclear", "warning", row.row, grid.first, change.raw_text)
    events = {change.event_no: change.structure for change in changes}
    counts = [sum(found == structure for found in events.values()) for structure in ("n:1", "1:n", "n:n")]
    table.issue(
        "parse.changes_read",
        "info",
        rows=sum(change.repeats_cell is None for change in changes),
        events=len(events),
        mergers=counts[0],
        splits=counts[1],
        others=counts[2],
    )


def _fault(unit: _Unit, vocabulary: Vocabulary) -> str | None:
    """The message for a side that is named by half, or by a code that is none."""
    if unit.code is not None and vocabulary.match("unit_kind_code", normalise(unit.code)) is None:
        return "parse.change_code"
    return "parse.change_half" if unit.code is None or unit.name is None else None
