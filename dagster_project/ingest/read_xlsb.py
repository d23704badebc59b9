"""What the first reader leaves out of .xlsb sheets: merges, error values, percent formats, hidden rows and columns.

Belongs here: the record stream of the binary workbook ([MS-XLSB] 2.1.4).
Does not belong here: ordinary cell values (read_calamine.py), the XML formats (read_xlsx.py).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from dagster_project.ingest.read_biff import ERROR_CODES
from dagster_project.ingest.read_common import LIMITS, Extras, Limits, Package, Unreadable, member
from dagster_project.ingest.read_xlsx import Formats, relations, workbook_part

_ROW, _ERROR, _FORMULA_ERROR, _COLINFO, _MERGE = 0, 3, 11, 60, 176
_NUMBERS = {2, 5, 9}
_CELLS = {2, 4, 5, 6, 7, 8, 9, 10}
_SHEET, _FORMAT, _XF, _BEGIN_XFS, _END_XFS = 156, 44, 47, 617, 618


def records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(kind, body) of each record; stops where a record runs over the end."""
    position, end = 0, len(data)
    while position < end:
        kind = data[position]
        position += 1
        if kind & 0x80:
            if position >= end:
                return
            kind = (kind & 0x7F) | (data[position] << 7)
            position += 1
        length = shift = 0
        while position < end and shift < 28:
            byte = data[position]
            position += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        if position + length > end:
            return
        yield kind, data[position : position + length]
        position += length


def _wide(body: bytes, offset: int) -> tuple[str, int]:
    if offset + 4 > len(body):
        return "", offset
    length = struct.unpack_from("<I", body, offset)[0]
    if length == 0xFFFFFFFF:
        return "", offset + 4
    end = offset + 4 + length * 2
    return body[offset + 4 : end].decode("utf-16-le", "replace"), end


def sheet_parts(package: Package) -> dict[str, str]:
    """Sheet name → path of its part, in workbook order."""
    workbook = workbook_part(package)
    if workbook not in package.NameToInfo:
        workbook = "xl/workbook.bin"
    links = relations(package, workbook)
    parts: dict[str, str] = {}
    for kind, body in records(member(package, workbook)):
        if kind == _SHEET and len(body) >= 12:
            link, after = _wide(body, 8)
            name, _ = _wide(body, after)
            if link in links:
                parts[name] = links[link][1]
    return parts


def workbook_formats(package: Package) -> Formats:
    """Percent and zero-padded cell formats of styles.bin."""
    formats = Formats()
    if "xl/styles.bin" not in package.NameToInfo:
        return formats
    codes: dict[int, str] = {}
    inside, index = False, 0
    for kind, body in records(member(package, "xl/styles.bin")):
        if kind == _FORMAT and len(body) >= 6:
            codes[struct.unpack_from("<H", body)[0]] = _wide(body, 2)[0]
        elif kind in (_BEGIN_XFS, _END_XFS):
            inside = kind == _BEGIN_XFS
        elif kind == _XF and inside and len(body) >= 4:
            code_id = struct.unpack_from("<H", body, 2)[0]
            if code_id:
                formats.add(index, code_id, codes)
            index += 1
    return formats


def scan_sheet(data: bytes, formats: Formats, limits: Limits = LIMITS) -> Extras:
    """Extras of one sheet part; raises Unreadable where its used block would not fit in memory."""
    extras = Extras(merges=[])
    assert extras.merges is not None
    row, first_row, last_row, last_column = 0, None, 0, 0
    for kind, body in records(data):
        if kind == _ROW and len(body) >= 12:
            row = struct.unpack_from("<I", body)[0]
            if body[11] & 0x10:
                extras.hidden_rows.add(row)
        elif (kind in _CELLS or kind in (_ERROR, _FORMULA_ERROR)) and len(body) >= 9:
            column, style = struct.unpack_from("<II", body)
            first_row = row if first_row is None else first_row
            last_row, last_column = row, max(last_column, column)
            at = (row, column)
            if kind in (_ERROR, _FORMULA_ERROR):
                extras.texts[at] = ERROR_CODES.get(body[8], "#ERR!")
            elif kind in _NUMBERS:
                if (index := style & 0xFFFFFF) in formats.percents:
                    extras.percents.add(at)
                elif index in formats.padded:
                    extras.padded[at] = formats.padded[index]
        elif kind == _COLINFO and len(body) >= 18:
            first, last = struct.unpack_from("<II", body)
            if body[16] & 1:
                extras.hidden_columns.update(range(first, min(last + 1, limits.xlsx_columns)))
        elif kind == _MERGE and len(body) >= 16:
            top, bottom, left, right = struct.unpack_from("<4I", body)
            extras.merges.append((top, left, bottom, right))
    rows = last_row - (first_row or 0) + 1
    if rows * (last_column + 1) > limits.area:
        raise Unreadable("read.too_large", rows=rows, columns=last_column + 1, limit=limits.area)
    return extras
