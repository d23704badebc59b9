"""What parent and child of the pool say to each other: framed messages, and records packed small.

Belongs here: the frame (length and bytes), packing a ParsedWorkbook into tuples and back.
Does not belong here: processes (pool.py), the work of a child (pool_worker.py).
Pickling hundreds of slotted records one by one costs more than reading the workbook; columns of their fields do not:
most hold one value from top to bottom. Units go by number, since many records share one; figures go as text.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import repeat
from operator import attrgetter, is_
from typing import IO, Any

from dagster_project.ingest import model
from dagster_project.ingest.model import ParsedWorkbook, UnitRef

_LENGTH = struct.Struct("<Q")
_PACKED: dict[str, type] = {
    "observations": model.Observation,
    "totals": model.DeclaredTotal,
    "roster": model.RosterRow,
    "incidents": model.IncidentRow,
    "coverage": model.Coverage,
    "changes": model.UnitChange,
    "tasks": model.TaskRow,
    "issues": model.Issue,
    "sheets": model.SheetReading,
}
_NAMES: dict[str, tuple[str, ...]] = {name: tuple(one.name for one in fields(kind)) for name, kind in _PACKED.items()}
_GETTERS: dict[str, Callable[[Any], tuple[Any, ...]]] = {name: attrgetter(*names) for name, names in _NAMES.items()}
_UNIT_GETTER = attrgetter(*(field.name for field in fields(UnitRef)))
_OTHERS = tuple(
    field.name for field in fields(ParsedWorkbook) if field.name not in _PACKED and field.name != "reporter"
)

# a column: whether all its values are one, and that value or all of them
_Column = tuple[bool, Any]
# what a stream of plain values may ask for
_ALLOWED: dict[tuple[str, str], Any] = {
    ("decimal", "Decimal"): Decimal,
    ("datetime", "date"): date,
    ("datetime", "datetime"): datetime,
    ("datetime", "time"): time,
    ("datetime", "timedelta"): timedelta,
}


class _Unpickler(pickle.Unpickler):
    """Takes the plain values of our records and nothing that could run code: a child has met a stranger's file."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of a parsed workbook") from None


def pack(parsed: ParsedWorkbook) -> bytes:
    """A ParsedWorkbook as bytes."""
    units = _Units()
    lists = {name: _columns(name, getattr(parsed, name), units) for name in _PACKED}
    reporter = None if parsed.reporter is None else units.number(parsed.reporter)
    others = {name: getattr(parsed, name) for name in _OTHERS}
    return pickle.dumps((others, [_UNIT_GETTER(unit) for unit in units.known], reporter, lists), protocol=5)


def unpack(data: bytes) -> ParsedWorkbook:
    """The ParsedWorkbook that `pack` made; raises pickle.UnpicklingError, or what else wrong content leads to."""
    others, rows, reporter, lists = _Unpickler(io.BytesIO(data)).load()
    units = [UnitRef(*row) for row in rows]
    for name, (count, columns) in lists.items():
        others[name] = _records(name, count, columns, units)
    return ParsedWorkbook(**others, reporter=None if reporter is None else units[reporter])


class _Units:
    """Units by number, each object once: what shares one shares it on the other side."""

    def __init__(self) -> None:
        self.known: list[UnitRef] = []
        self._numbers: dict[int, int] = {}

    def numbers(self, units: tuple[UnitRef, ...]) -> tuple[int, ...]:
        """Of many, most of which stand behind others of theirs."""
        places = list(map(id, units))
        for unit in dict(zip(places, units, strict=True)).values():
            self.number(unit)
        return tuple(map(self._numbers.__getitem__, places))

    def number(self, unit: UnitRef) -> int:
        found = self._numbers.get(id(unit))
        if found is None:
            found = self._numbers[id(unit)] = len(self.known)
            self.known.append(unit)
        return found


def _columns(name: str, records: list[Any], units: _Units) -> tuple[int, list[_Column]]:
    if not records:
        return 0, []
    columns: list[_Column] = []
    for field, values in zip(_NAMES[name], zip(*map(_GETTERS[name], records), strict=True), strict=True):
        if field == "unit":
            values = units.numbers(values)
        elif field == "value":
            values = tuple([None if value is None else str(value) for value in values])
        is_one = all(map(is_, values, repeat(values[0])))
        columns.append((is_one, values[0] if is_one else values))
    return len(records), columns


def _records(name: str, count: int, columns: list[_Column], units: list[UnitRef]) -> list[Any]:
    if not count:
        return []
    whole: list[Iterable[Any]] = []
    for field, (is_one, values) in zip(_NAMES[name], columns, strict=True):
        column: Iterable[Any] = repeat(values, count) if is_one else values
        if field == "unit":
            column = map(units.__getitem__, column)
        elif field == "value":
            column = [None if value is None else Decimal(value) for value in column]
        whole.append(column)
    return list(map(_PACKED[name], *whole))


def send(stream: IO[bytes], data: bytes) -> None:
    """One frame; raises OSError where the other side is gone."""
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """The next frame, or None where the other side is gone."""
    head = _read(stream, _LENGTH.size)
    return None if head is None else _read(stream, _LENGTH.unpack(head)[0])


def _read(stream: IO[bytes], size: int) -> bytes | None:
    data = stream.read(size)
    return data if len(data) == size else None
