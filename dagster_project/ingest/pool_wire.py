"""What parent and child of the pool say to each other: framed messages, and records packed small.

Belongs here: the frame (length and bytes), packing a ParsedWorkbook into tuples and back.
Does not belong here: processes (pool.py), the work of a child (pool_worker.py).
Pickling hundreds of slotted records one by one costs more than reading the workbook; tuples of their fields do not.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import IO, Any

from dagster_project.ingest import model
from dagster_project.ingest.model import ParsedWorkbook

_LENGTH = struct.Struct("<Q")
_PACKED: dict[str, type] = {
    "observations": model.Observation,
    "totals": model.DeclaredTotal,
    "roster": model.RosterRow,
    "incidents": model.IncidentRow,
    "coverage": model.Coverage,
    "changes": model.UnitChange,
    "issues": model.Issue,
    "sheets": model.SheetReading,
}
_GETTERS: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    name: attrgetter(*(field.name for field in fields(kind))) for name, kind in _PACKED.items()
}
_OTHERS = tuple(field.name for field in fields(ParsedWorkbook) if field.name not in _PACKED)
_ALLOWED = {
    ("decimal", "Decimal"),
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "time"),
    ("datetime", "timedelta"),
    ("copyreg", "_reconstructor"),
    ("copyreg", "__newobj__"),
    ("builtins", "object"),
}


class _Unpickler(pickle.Unpickler):
    """Takes the plain values of our records and nothing that could run code: a child has met a stranger's file."""

    def find_class(self, module: str, name: str) -> Any:
        if module == model.__name__ and is_dataclass(kind := getattr(model, name, None)):
            return kind
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of a parsed workbook")
        return super().find_class(module, name)


def pack(parsed: ParsedWorkbook) -> bytes:
    """A ParsedWorkbook as bytes."""
    lists = {name: [get(record) for record in getattr(parsed, name)] for name, get in _GETTERS.items()}
    others = {name: getattr(parsed, name) for name in _OTHERS}
    return pickle.dumps((others, lists), protocol=5)


def unpack(data: bytes) -> ParsedWorkbook:
    """The ParsedWorkbook that `pack` made; raises pickle.UnpicklingError on anything else."""
    others, lists = _Unpickler(io.BytesIO(data)).load()
    for name, rows in lists.items():
        kind = _PACKED[name]
        others[name] = [kind(*row) for row in rows]
    return ParsedWorkbook(**others)


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
