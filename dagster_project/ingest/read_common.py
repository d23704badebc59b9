"""What all readers share: limits, the exception that ends a reading, and small grid helpers.

Belongs here: only what two or more read_*.py modules need.
Does not belong here: any file kind (read_xlsx.py, read_biff.py …), dispatch (read.py).
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dagster_project.ingest.grid import CellValue

T = TypeVar("T")
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one file within the memory and time of a child process (design.md 3.5, measured.md)."""

    file_bytes: int = 64 * MIB
    unpacked_bytes: int = 200 * MIB
    # deflate reaches 1032:1; real sheets stay under 40:1, a million blank rows under 60:1
    ratio: int = 100
    ratio_from_bytes: int = 10 * MIB
    package_members: int = 2_000
    archive_members: int = 500
    # the first reader holds a sheet as one dense block of 32 bytes a cell
    area: int = 10_000_000
    stray_cells: int = 1_000
    stray_columns: int = 512
    stray_rows: int = 65_536
    xlsx_rows: int = 1_048_576
    xlsx_columns: int = 16_384


LIMITS = Limits()

# one list for every blank row: a million of them cost eight bytes each
BLANK_ROW: list[CellValue] = []


class Unreadable(Exception):
    """The file (or a sheet of it) cannot be read; `key` and `fields` make its message."""

    def __init__(self, key: str, **fields: Any) -> None:
        super().__init__(key, fields)
        self.key = key
        self.fields = fields


@dataclass(slots=True)
class Extras:
    """What the first reader does not tell about one sheet; positions are zero-based (row, column).

    `texts` replaces cell values: error values, formulas never computed, codes under a format of zeros, long integers.
    `padded` gives the width to which a whole number is shown filled with zeros.
    """

    texts: dict[tuple[int, int], CellValue] = field(default_factory=dict)
    uncached: set[tuple[int, int]] = field(default_factory=set)
    percents: set[tuple[int, int]] = field(default_factory=set)
    padded: dict[tuple[int, int], int] = field(default_factory=dict)
    merges: list[tuple[int, int, int, int]] | None = None
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)


def guarded(call: Callable[[], T]) -> T:
    """Run a call into the first reader, whose panics are no `Exception` (measured.md), and turn any fault into one."""
    try:
        return call()
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError, Unreadable):
        raise
    except BaseException as fault:
        raise Unreadable("read.damaged", detail=short(f"{type(fault).__name__}: {fault}")) from None


def short(text: str, limit: int = 200) -> str:
    """One line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def tidy_row(row: Sequence[Any], offset: int) -> list[CellValue]:
    """A row of the first reader ('' where blank) as a grid row that starts in column A."""
    cells: list[CellValue] = [None] * offset
    cells += [None if value == "" else value for value in row]
    while cells and cells[-1] is None:
        cells.pop()
    return cells or BLANK_ROW


def put(rows: list[list[CellValue]], row: int, column: int, value: CellValue) -> None:
    """Set one cell, growing the grid where needed; shared blank rows are replaced, never written to."""
    while len(rows) <= row:
        rows.append(BLANK_ROW)
    if rows[row] is BLANK_ROW:
        rows[row] = []
    cells = rows[row]
    if len(cells) <= column:
        cells.extend([None] * (column + 1 - len(cells)))
    cells[column] = value


def open_package(content: bytes, limits: Limits = LIMITS) -> zipfile.ZipFile:
    """A zip whose directory was checked before anything is unpacked; raises Unreadable.

    A directory may lie about sizes; `member()` therefore reads no more than the directory said.
    """
    try:
        package = zipfile.ZipFile(io.BytesIO(content))
        infos = package.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, UnicodeDecodeError) as fault:
        raise Unreadable("read.damaged", detail=short(str(fault))) from None
    if len(infos) > limits.package_members:
        raise Unreadable("read.too_many_members", count=len(infos), limit=limits.package_members)
    total = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if total > limits.unpacked_bytes:
        raise Unreadable("read.zip_bomb", unpacked=total // MIB, limit=limits.unpacked_bytes // MIB)
    if total > limits.ratio_from_bytes and total > limits.ratio * max(packed, 1):
        raise Unreadable("read.zip_bomb", unpacked=total // MIB, limit=limits.ratio_from_bytes // MIB)
    if any(info.flag_bits & 0x1 for info in infos):
        raise Unreadable("read.password")
    if any(stat.S_ISLNK(info.external_attr >> 16) for info in infos):
        raise Unreadable("read.damaged", detail="symbolic link")
    # some writers name parts with backslashes; look-ups go by the usual spelling
    for info in infos:
        package.NameToInfo.setdefault(info.filename.replace("\\", "/"), info)
    return package


def member(package: zipfile.ZipFile, name: str) -> bytes:
    """One unpacked member, at most as long as its directory entry says; raises Unreadable."""
    try:
        info = package.NameToInfo[name]
        with package.open(info) as handle:
            data = handle.read(info.file_size + 1)
    except KeyError:
        raise Unreadable("read.damaged", detail=f"{name} is missing") from None
    except Exception as fault:  # zlib, CRC, unknown compression: all mean one thing here
        raise Unreadable("read.damaged", detail=short(f"{name}: {fault}")) from None
    if len(data) > info.file_size:
        raise Unreadable("read.damaged", detail=f"{name} is longer than the directory says")
    return data
