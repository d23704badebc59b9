"""Old .xls (BIFF5, BIFF8): the OLE container, what the first reader leaves out, and the second reader (xlrd).

Belongs here: everything that only an OLE file or a BIFF stream needs.
Does not belong here: the first reader (read_calamine.py), dispatch (read.py).
The container is walked here before any reader sees it: a 1 KB file can make the first reader ask for 8 GiB and abort
the process (anchors.md, traps).
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from dagster_project.ingest.grid import CellValue, Sheet
from dagster_project.ingest.read_common import Extras, Unreadable, put, short
from dagster_project.ingest.read_xlsx import Formats

_FREE_OR_END, _END = 0xFFFFFFFA, 0xFFFFFFFE

_BOF, _EOF, _FILEPASS, _BOUNDSHEET, _FORMAT, _XF = 0x0809, 0x000A, 0x002F, 0x0085, 0x041E, 0x00E0
_ROW, _COLINFO, _BOOLERR, _FORMULA, _RK, _MULRK, _NUMBER = 0x0208, 0x007D, 0x0205, 0x0006, 0x027E, 0x00BD, 0x0203
_SST, _LABELSST = 0x00FC, 0x00FD
_LABELS = {_LABELSST, 0x0204, 0x00D6}
_BIFF8 = 0x0600
# [MS-XLS] 2.5.41: a column index is at most 255
_COLUMNS = 256
# Bytes of the records of one cell; another length has swallowed the records behind it, or lost its own end.
_LENGTHS = {_NUMBER: 14, _RK: 10, _LABELSST: 10, _BOOLERR: 8, _ROW: 16}
_WORKSHEET = 0

# [MS-XLS] 2.5.10 BErr
ERROR_CODES = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}

_GARBAGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff]")
_LATIN = re.compile("[\xa1-\xff]")


@dataclass(slots=True)
class Ole:
    """The streams of an OLE2 compound file: lower-case name → (first sector, size)."""

    content: bytes
    sector: int
    fat: tuple[int, ...]
    mini_fat: tuple[int, ...]
    mini_stream: bytes
    streams: dict[str, tuple[int, int]]
    cutoff: int

    def read(self, name: str) -> bytes:
        """One stream's bytes; shorter than declared where the file was cut."""
        first, size = self.streams[name.lower()]
        if size < self.cutoff and self.mini_stream:
            return _mini_chain(self.mini_stream, self.mini_fat, first)[:size]
        return _chain(self.content, self.fat, first, self.sector)[:size]


def _chain(content: bytes, table: tuple[int, ...], first: int, sector: int) -> bytes:
    parts: list[bytes] = []
    at = first
    while at < _FREE_OR_END:
        if at >= len(table) or len(parts) > len(table):
            raise Unreadable("read.damaged", detail="OLE sector chain")
        parts.append(content[(at + 1) * sector : (at + 2) * sector])
        at = table[at]
    return b"".join(parts)


def _mini_chain(stream: bytes, table: tuple[int, ...], first: int) -> bytes:
    parts: list[bytes] = []
    at = first
    while at < _FREE_OR_END:
        if at >= len(table) or len(parts) > len(table):
            raise Unreadable("read.damaged", detail="OLE mini sector chain")
        parts.append(stream[at * 64 : (at + 1) * 64])
        at = table[at]
    return b"".join(parts)


def _numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])


def open_ole(content: bytes) -> Ole:
    """Walk the container within the bounds of the file; raises Unreadable where it points outside or in circles."""
    if len(content) < 512:
        raise Unreadable("read.damaged", detail="OLE header")
    shift, mini_shift = struct.unpack_from("<HH", content, 30)
    fat_count, first_directory = struct.unpack_from("<II", content, 44)
    cutoff, first_mini, _, first_difat, difat_count = struct.unpack_from("<5I", content, 56)
    # [MS-CFB] 2.2: these are constants; with another one streams would be looked for in the wrong place
    if content[28:30] != b"\xfe\xff" or shift not in (9, 12) or mini_shift != 6 or cutoff != 4096:
        raise Unreadable("read.damaged", detail="OLE sector size")
    sector = 1 << shift
    sectors = len(content) // sector
    if fat_count > sectors or difat_count > sectors:
        raise Unreadable("read.damaged", detail="OLE sector table is larger than the file")
    listed = struct.unpack_from("<109I", content, 76)
    if any(_FREE_OR_END <= at < _END for at in listed):
        raise Unreadable("read.damaged", detail="OLE sector table names what is no sector")
    heads = [at for at in listed if at < _FREE_OR_END]
    at, seen = first_difat, 0
    while at < _FREE_OR_END and seen < difat_count:
        block = _numbers(content[(at + 1) * sector : (at + 2) * sector])
        if len(block) < 2:
            raise Unreadable("read.damaged", detail="OLE sector table is cut")
        heads += [entry for entry in block[:-1] if entry < _FREE_OR_END]
        at, seen = block[-1], seen + 1
    if any(head >= sectors for head in heads[:fat_count]):
        raise Unreadable("read.damaged", detail="OLE sector table is cut")
    fat = _numbers(b"".join(content[(head + 1) * sector : (head + 2) * sector] for head in heads[:fat_count]))
    directory = _chain(content, fat, first_directory, sector)
    streams: dict[str, tuple[int, int]] = {}
    root: tuple[int, int] | None = None
    for offset in range(0, len(directory) - 127, 128):
        length, kind = struct.unpack_from("<HB", directory, offset + 64)
        first, size = struct.unpack_from("<II", directory, offset + 116)
        name = directory[offset : offset + max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace").lower()
        if kind == 5 and root is None:
            root = (first, size)
        elif kind in (1, 2):
            streams.setdefault(name, (first, size))
    if not streams:
        raise Unreadable("read.damaged", detail="OLE directory is empty")
    mini_fat = _numbers(_chain(content, fat, first_mini, sector)) if first_mini < _FREE_OR_END else ()
    mini_stream = _chain(content, fat, root[0], sector)[: root[1]] if root and mini_fat else b""
    return Ole(content, sector, fat, mini_fat, mini_stream, streams, cutoff)


@dataclass(slots=True)
class BiffScan:
    """Extras of each sheet in order, and which cells hold a figure or a text, by the file's own records."""

    version: int = _BIFF8
    encrypted: bool = False
    broken: bool = False  # a sheet's records cannot be as they were written
    extras: list[Extras] = field(default_factory=list)
    cells: list[set[tuple[int, int]]] = field(default_factory=list)

    def area(self, index: int) -> int:
        """Cells of the block from the sheet's first to its last used cell."""
        cells = self.cells[index]
        if not cells:
            return 0
        rows = [row for row, _ in cells]
        columns = [column for _, column in cells]
        return (max(rows) - min(rows) + 1) * (max(columns) - min(columns) + 1)


def scan_biff(stream: bytes) -> BiffScan:
    """One walk over the records of a Workbook stream; stops where a record runs over the end."""
    scan = BiffScan()
    sheets: list[int] = []
    codes: dict[int, str] = {}
    formats = Formats()
    xf_index = 0
    texts: int | None = None
    for kind, data in _records(stream, 0):
        if kind == _BOF and len(data) >= 4:
            scan.version = struct.unpack_from("<H", data)[0]
        elif kind == _FILEPASS:
            scan.encrypted = True
            return scan
        elif kind == _BOUNDSHEET and len(data) >= 6:
            position, _, sheet_type = struct.unpack_from("<IBB", data)
            # the first reader lists worksheets and macro sheets; other types have no grid
            sheets.append(position if sheet_type == _WORKSHEET else -1)
        elif kind == _FORMAT:
            codes.update(_format(data, scan.version))
        elif kind == _SST and len(data) >= 8:
            texts = struct.unpack_from("<I", data, 4)[0]
        elif kind == _XF and len(data) >= 4:
            code_id = struct.unpack_from("<H", data, 2)[0]
            if code_id:
                formats.add(xf_index, code_id, codes)
            xf_index += 1
    for position in sheets:
        extras, cells = _scan_sheet(stream, position, formats) if position >= 0 else (Extras(), set())
        scan.broken = scan.broken or (position >= 0 and _is_broken(stream, position, xf_index, texts))
        scan.extras.append(extras)
        scan.cells.append(cells)
    return scan


def _is_broken(stream: bytes, position: int, formats: int, texts: int | None) -> bool:
    """Whether a sheet's records cannot be as they were written: it has no end, or a cell's record has a wrong length, an
    address that no sheet has, a format (of `formats`) or a text (of `texts`) that the file lacks."""
    kind = 0
    for kind, data in _records(stream, position):
        if kind in _LENGTHS:
            if len(data) != _LENGTHS[kind]:
                return True
            if kind == _ROW:
                continue
            _, column, xf = struct.unpack_from("<HHH", data)
            if column >= _COLUMNS or xf >= formats > 0:
                return True
            if kind == _LABELSST and texts is not None and struct.unpack_from("<I", data, 6)[0] >= texts:
                return True
        elif kind == _MULRK:
            if len(data) < 6 or len(data) % 6:
                return True
            first = struct.unpack_from("<H", data, 2)[0]
            styles = (struct.unpack_from("<H", data, at)[0] for at in range(4, len(data) - 6, 6))
            if first + len(data) // 6 - 1 > _COLUMNS or any(xf >= formats > 0 for xf in styles):
                return True
    return kind != _EOF


def _format(data: bytes, version: int) -> dict[int, str]:
    if version == _BIFF8 and len(data) >= 5:
        code_id, _, wide = struct.unpack_from("<HHB", data)
        return {code_id: data[5:].decode("utf-16-le" if wide & 1 else "latin-1", "replace")}
    if len(data) >= 3:
        return {struct.unpack_from("<H", data)[0]: data[3:].decode("latin-1")}
    return {}


def _records(stream: bytes, position: int) -> Iterator[tuple[int, bytes]]:
    """(kind, data) of one substream, without the charts embedded in it."""
    depth, end = 0, len(stream)
    while position + 4 <= end:
        kind, length = struct.unpack_from("<HH", stream, position)
        data = stream[position + 4 : position + 4 + length]
        if len(data) < length:
            return
        if kind == _BOF:
            depth += 1
        if depth <= 1:
            yield kind, data
        if kind == _EOF:
            depth -= 1
            if depth <= 0:
                return
        position += 4 + length


def _scan_sheet(stream: bytes, position: int, formats: Formats) -> tuple[Extras, set[tuple[int, int]]]:
    extras = Extras()
    cells: set[tuple[int, int]] = set()
    styled = bool(formats.percents or formats.padded)

    def number(at: tuple[int, int], xf: int) -> None:
        cells.add(at)
        if styled and xf in formats.percents:
            extras.percents.add(at)
        elif styled and xf in formats.padded:
            extras.padded[at] = formats.padded[xf]

    for kind, data in _records(stream, position):
        if len(data) < 6:
            continue
        if kind == _MULRK:
            row, first = struct.unpack_from("<HH", data)
            for step, offset in enumerate(range(4, len(data) - 7, 6)):
                number((row, first + step), struct.unpack_from("<H", data, offset)[0])
            continue
        if kind == _ROW and len(data) >= 16:
            if struct.unpack_from("<I", data, 12)[0] & 0x20:
                extras.hidden_rows.add(struct.unpack_from("<H", data)[0])
            continue
        if kind == _COLINFO and len(data) >= 10:
            first, last, _, _, options = struct.unpack_from("<5H", data)
            if options & 1:
                extras.hidden_columns.update(range(first, min(last, 255) + 1))
            continue
        if kind not in (_RK, _NUMBER, _FORMULA, _BOOLERR) and kind not in _LABELS:
            continue
        row, column, xf = struct.unpack_from("<HHH", data)
        at = (row, column)
        if kind in (_RK, _NUMBER):
            number(at, xf)
        elif kind in _LABELS:
            cells.add(at)
        elif kind == _BOOLERR and len(data) >= 8:
            if data[7]:
                extras.texts[at] = ERROR_CODES.get(data[6], "#ERR!")
        elif kind == _FORMULA and len(data) >= 14:
            if data[12:14] != b"\xff\xff":
                number(at, xf)
            elif data[6] == 2:
                extras.texts[at] = ERROR_CODES.get(data[8], "#ERR!")
    return extras, cells


def looks_garbled(texts: list[str]) -> bool:
    """Whether texts are bytes read under a wrong code page: control characters, or Latin letters that are GBK."""
    joined = "".join(texts)
    if not joined:
        return False
    if len(_GARBAGE.findall(joined)) * 100 > len(joined):
        return True
    if len(_LATIN.findall(joined)) * 4 < len(joined):
        return False
    try:
        joined.encode("cp1252").decode("gb18030")
    except UnicodeError:
        return False
    return True


def read_with_xlrd(content: bytes, encoding: str | None = None) -> list[Sheet]:
    """All sheets by the second reader; raises Unreadable. Slower, so it is asked only where the first is in doubt."""
    import xlrd

    try:
        book = xlrd.open_workbook(
            file_contents=content,
            formatting_info=True,
            ragged_rows=True,
            encoding_override=encoding,
            logfile=io.StringIO(),
        )
        return [_xlrd_sheet(book, index) for index in range(book.nsheets)]
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except Exception as fault:  # xlrd meets damaged files with whatever its arithmetic raises
        raise Unreadable("read.damaged", detail=short(f"{type(fault).__name__}: {fault}")) from None


def _xlrd_sheet(book: Any, index: int) -> Sheet:
    import xlrd

    source = book.sheet_by_index(index)
    rows: list[list[CellValue]] = []
    for row in range(source.nrows):
        for column, (kind, value) in enumerate(zip(source.row_types(row), source.row_values(row), strict=True)):
            cell: CellValue = value
            if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) or value == "":
                continue
            if kind == xlrd.XL_CELL_DATE:
                cell = _xlrd_date(value, book.datemode)
            elif kind == xlrd.XL_CELL_BOOLEAN:
                cell = bool(value)
            elif kind == xlrd.XL_CELL_ERROR:
                cell = ERROR_CODES.get(value, "#ERR!")
            put(rows, row, column, cell)
    merges = [(top, left, bottom - 1, right - 1) for top, bottom, left, right in source.merged_cells]
    return Sheet(source.name, rows, merges, is_hidden=source.visibility != 0)


def _xlrd_date(value: float, datemode: int) -> CellValue:
    from xlrd.xldate import XLDateError, xldate_as_datetime

    try:
        moment = xldate_as_datetime(value, datemode)
    except (XLDateError, ValueError, OverflowError):
        return value
    if value < 1:
        return moment.time()
    return moment.date() if moment.time() == time(0) else moment
