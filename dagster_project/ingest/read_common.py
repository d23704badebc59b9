"""What all readers share: limits, the exception that ends a reading, and small grid helpers.

Belongs here: only what two or more read_*.py modules need.
Does not belong here: any file kind (read_xlsx.py, read_biff.py …), dispatch (read.py).
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dagster_project.ingest.grid import CellValue

T = TypeVar("T")
MIB = 1024 * 1024
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


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

# members up to this size stay unpacked while a package is read
_KEPT_BYTES = 16 * 1024
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_UTF8_FLAG = 0x800
# how hard it was compressed, sizes behind the data, names in UTF-8: none changes how a member is unpacked
_PLAIN_FLAGS = 0x6 | 0x8 | _UTF8_FLAG

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
    """One line of at most `limit` characters, all of which a screen can show."""
    line = "".join(sign if sign.isprintable() else "·" for sign in " ".join(text.split()))
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


class Package(zipfile.ZipFile):
    """A zip in memory; its small members are unpacked once, since several questions are asked of the same ones."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self.content = content
        self.unpacked: dict[str, bytes] = {}
        # by part: what it is related to (read_xlsx.py)
        self.relations: dict[str, dict[str, tuple[str, str]]] = {}


def open_package(content: bytes, limits: Limits = LIMITS) -> Package:
    """A zip whose directory was checked before anything is unpacked; raises Unreadable.

    A directory may lie about sizes; `member()` therefore reads no more than the directory said.
    """
    try:
        package = Package(content)
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


def member(package: Package, name: str) -> bytes:
    """One unpacked member, at most as long as its directory entry says; raises Unreadable."""
    known = package.unpacked.get(name)
    if known is not None:
        return known
    try:
        info = package.NameToInfo[name]
        data = _inflate(package.content, info)
        if data is None:
            with package.open(info) as handle:
                data = handle.read(info.file_size + 1)
    except KeyError:
        raise Unreadable("read.damaged", detail=f"{name} is missing") from None
    except Exception as fault:  # zlib, CRC, unknown compression: all mean one thing here
        raise Unreadable("read.damaged", detail=short(f"{name}: {fault}")) from None
    if len(data) > info.file_size:
        raise Unreadable("read.damaged", detail=f"{name} is longer than the directory says")
    if len(data) <= _KEPT_BYTES:
        package.unpacked[name] = data
    return data


def _inflate(content: bytes, info: zipfile.ZipInfo) -> bytes | None:
    """A deflated member that is just what the directory says, in one call; None leaves it, and what is wrong with it,
    to zipfile, which takes ten times as long for a small one."""
    if info.compress_type != zipfile.ZIP_DEFLATED or info.flag_bits & ~_PLAIN_FLAGS:
        return None
    try:
        sign, name_bytes, extra_bytes = _LOCAL_HEADER.unpack_from(content, info.header_offset)
        start = info.header_offset + _LOCAL_HEADER.size + name_bytes
        name = content[start - name_bytes : start].decode("utf-8" if info.flag_bits & _UTF8_FLAG else "cp437")
        if sign != b"PK\x03\x04" or name != info.orig_filename:
            return None
        start += extra_bytes
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        data = stream.decompress(content[start : start + info.compress_size], info.file_size + 1)
    except (struct.error, UnicodeDecodeError, zlib.error):
        return None
    is_whole = stream.eof and len(data) == info.file_size and zlib.crc32(data) == info.CRC
    return data if is_whole else None
