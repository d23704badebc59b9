"""What the first reader leaves out of OOXML sheets, read from the parts of the package by quick byte scans.

Belongs here: error values, formulas without a value, percent and zero formats, hidden rows and columns, long integers,
cells so far away that the sheet would not fit in memory.
Does not belong here: ordinary cell values and merges (read_calamine.py), .xlsb (read_xlsb.py).
Every scan starts with a search that finds nothing in a plain sheet, so that a plain sheet costs microseconds.
"""

from __future__ import annotations

import html
import io
import posixpath
import re
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from xml.parsers import expat

from dagster_project.ingest.grid import address
from dagster_project.ingest.read_common import LIMITS, Extras, Limits, Package, Unreadable, member

_ATTRIBUTE = re.compile(rb"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b([^>]*)>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b([^>]*)>")
_NUMBER_FORMAT = re.compile(rb"<(?:\w+:)?numFmt\b([^>]*)>")
_CELL_FORMATS = re.compile(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
_FORMAT = re.compile(rb"<(?:\w+:)?xf\b([^>]*)>")
_ROW_OR_CELL = re.compile(rb"<(?:\w+:)?(?:row\b([^>]*)>|c(?=[\s/>])([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>))", re.DOTALL)
_COLUMN = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
_FAR_COLUMN = re.compile(rb"""\br\s*=\s*["']([A-Z]{2,3})\d""")
_HIDDEN = re.compile(rb"""\bhidden\s*=\s*["'](?:1|true)["']""")
_STYLE = re.compile(rb"""\bs\s*=\s*["'](\d+)["']""")
_TYPE = re.compile(rb"""\bt\s*=\s*["'](\w+)["']""")
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*?(/>|>([^<]*)<)")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>([^<]*)<)")
_LONG_INTEGER = re.compile(rb"v>-?\d{16,}<")
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_ZEROS = re.compile(r"0{2,}")
_PERCENT_IDS = {9, 10}
_UNKNOWN_ENCODING = 18  # XML_ERROR_UNKNOWN_ENCODING


def attributes(tag: bytes) -> dict[str, str]:
    """Attributes of a start tag, prefixes kept, entities resolved."""
    return {
        name.decode("ascii", "replace"): html.unescape((double or single).decode("utf-8", "replace"))
        for name, double, single in _ATTRIBUTE.findall(tag)
    }


def is_percent(code: str) -> bool:
    """Whether a number format shows its number times 100 with a percent sign."""
    return "%" in _QUOTED.sub("", code)


def zeros(code: str) -> int:
    """Digits of a format that only pads with zeros (0000 → 4), else 0."""
    return len(code) if _ZEROS.fullmatch(code) else 0


@dataclass(slots=True)
class Formats:
    """Cell formats of a workbook that change what a person reads: percent ids, and id → padded width."""

    percents: set[int] = field(default_factory=set)
    padded: dict[int, int] = field(default_factory=dict)

    def add(self, index: int, code_id: int, codes: dict[int, str]) -> None:
        code = codes.get(code_id, "")
        if code_id in _PERCENT_IDS or is_percent(code):
            self.percents.add(index)
        elif width := zeros(code):
            self.padded[index] = width


@lru_cache(maxsize=32)
def read_formats(styles: bytes) -> Formats:
    """Percent and zero-padded cell formats of styles.xml; one bureau's workbooks mostly share theirs."""
    formats = Formats()
    codes: dict[int, str] = {}
    for tag in _NUMBER_FORMAT.findall(styles):
        found = attributes(tag)
        if found.get("numFmtId", "").isdigit():
            codes[int(found["numFmtId"])] = found.get("formatCode", "")
    block = _CELL_FORMATS.search(styles)
    if block is None:
        return formats
    for index, tag in enumerate(_FORMAT.findall(block.group())):
        code_id = attributes(tag).get("numFmtId", "0")
        if code_id.isdigit() and code_id != "0":
            formats.add(index, int(code_id), codes)
    return formats


def _resolve(base: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(base, target))


def relations(package: Package, part: str) -> dict[str, tuple[str, str]]:
    """Relationships of a part: id → (type, path inside the package)."""
    known = package.relations.get(part)
    if known is None:
        known = package.relations[part] = _relations(package, part)
    return known


def _relations(package: Package, part: str) -> dict[str, tuple[str, str]]:
    folder, name = posixpath.split(part)
    path = posixpath.join(folder, "_rels", name + ".rels")
    if path not in package.NameToInfo:
        return {}
    return _read_relations(member(package, path), folder)


@lru_cache(maxsize=64)
def _read_relations(data: bytes, folder: str) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for tag in _RELATION.findall(data):
        items = attributes(tag)
        if "Id" in items and items.get("TargetMode") != "External":
            found[items["Id"]] = (items.get("Type", ""), _resolve(folder, items.get("Target", "")))
    return found


def workbook_part(package: Package) -> str:
    """Path of the workbook part, by the package's own relationships."""
    for kind, target in relations(package, "").values():
        if kind.endswith("/officeDocument"):
            return target
    return "xl/workbook.xml"


def sheet_parts(package: Package) -> dict[str, str]:
    """Sheet name → path of its part, in workbook order."""
    workbook = workbook_part(package)
    links = relations(package, workbook)
    return {name: links[link][1] for name, link in _read_sheets(member(package, workbook)) if link in links}


@lru_cache(maxsize=64)
def _read_sheets(data: bytes) -> tuple[tuple[str, str], ...]:
    """Name and relationship of each sheet of a workbook part; one bureau's workbooks mostly share theirs."""
    found = []
    for tag in _SHEET.findall(data):
        items = attributes(tag)
        link = next((value for name, value in items.items() if name.endswith(":id")), None)
        if "name" in items and link is not None:
            found.append((items["name"], link))
    return tuple(found)


def unlisted_sheets(package: Package, listed: Collection[str]) -> list[str]:
    """Worksheet parts that the workbook is related to and that none of its sheets names: their figures would be lost."""
    return [
        target
        for kind, target in relations(package, workbook_part(package)).values()
        if kind.endswith("/worksheet") and target in package.NameToInfo and target not in listed
    ]


_NO_TEXT = re.compile(rb"""<c [^>]*t="s"[^>]*><v>([^<]*[^0-9<\s][^<]*)</v>""")


def fault_in(data: bytes) -> str | None:
    """What is wrong with a part as XML, None where it is well formed.

    The first reader goes on behind a broken tag and leaves out what it did not understand, as if it were not there.
    Parts with a document type are another matter (has_entities), unusual encodings are no fault.
    """
    if b"<!DOCTYPE" in data[:4096]:
        return None
    parser = expat.ParserCreate()
    try:
        parser.Parse(data, True)
    except expat.ExpatError as fault:
        return None if fault.code == _UNKNOWN_ENCODING else str(fault)
    # a text by a number that is none: its cell would be blank, or another's
    lost = _NO_TEXT.search(data) if b't="s"' in data else None
    return f"text {lost.group(1).decode('utf-8', 'replace')!r}" if lost else None


def workbook_formats(package: Package) -> Formats:
    """Formats of the package's styles part; none where it has no styles."""
    for kind, target in relations(package, workbook_part(package)).values():
        if kind.endswith("/styles") and target in package.NameToInfo:
            return read_formats(member(package, target))
    return Formats()


def column_index(letters: bytes) -> int:
    """Spreadsheet letters → zero-based column (A → 0)."""
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


def _last_held(data: bytes) -> int:
    """Where the last cell that holds something ends; what follows is blank, and may be a million rows long."""
    end = max(data.rfind(b"sheetData>"), 0) or len(data)
    # ends of values, inline texts and formulas, and the start of a formula tag that closes itself
    last = -1
    for sign in (b"v>", b"is>", b"f>", b"<f ", b":f "):
        last = max(data.rfind(sign, max(last, 0), end), last)
    return max(data.find(b"c>", last, end) + 2, last) if last >= 0 else 0


def used_area(data: bytes, area: int = LIMITS.area) -> tuple[int, int]:
    """Upper bound of rows and columns of a sheet part; columns are looked at only where the rows are many."""
    rows = 0
    end = _last_held(data)
    at = max(data.rfind(b"<c ", 0, end), data.rfind(b":c ", 0, end))
    if at >= 0 and (last := _REFERENCE.search(data, at, at + 400)):
        rows = int(last.group(2))
    if rows * LIMITS.xlsx_columns <= area:
        return rows, LIMITS.xlsx_columns
    columns = max((column_index(letters) + 1 for letters in set(_FAR_COLUMN.findall(data))), default=26)
    return rows, max(columns, 26)


def drop_strays(data: bytes, limits: Limits = LIMITS) -> tuple[bytes, dict[tuple[int, int], bytes]]:
    """A sheet part without the cells that lie so far out that the sheet would not fit; and those cells.

    Cells without content count for nothing. Raises Unreadable where the far ones are too many to be strays.
    """
    rows, columns = used_area(data, limits.area)
    if rows * columns <= limits.area:
        return data, {}
    held = _held_cells(data)
    rows, columns = _extent(held)
    if rows * columns <= limits.area:
        return data, {}
    far = {at for at in held if at[1] >= limits.stray_columns}
    rows, columns = _extent(held.keys() - far)
    if rows * columns > limits.area:
        far |= {at for at in held if at[0] >= limits.stray_rows}
    if len(far) > limits.stray_cells:
        raise Unreadable("read.too_large", rows=rows, columns=columns, limit=limits.area)
    parts: list[bytes] = []
    position = 0
    for start, end in sorted(held[at] for at in far):
        parts.append(data[position:start])
        position = end
    parts.append(data[position:])
    return b"".join(parts), {at: data[slice(*held[at])] for at in sorted(far)}


def _held_cells(data: bytes) -> dict[tuple[int, int], tuple[int, int]]:
    """Position of each cell that holds something → its place in the part."""
    held: dict[tuple[int, int], tuple[int, int]] = {}
    for found in _ROW_OR_CELL.finditer(data, 0, _last_held(data)):
        if found.group(3) and (reference := _REFERENCE.search(found.group(2))):
            held[int(reference.group(2)) - 1, column_index(reference.group(1))] = found.span()
    return held


def _extent(held: Collection[tuple[int, int]]) -> tuple[int, int]:
    """Rows and columns of the block that holds all these cells."""
    if not held:
        return 0, 0
    rows = [row for row, _ in held]
    columns = [column for _, column in held]
    return max(rows) - min(rows) + 1, max(columns) - min(columns) + 1


def repack(package: Package, replaced: dict[str, bytes]) -> bytes:
    """The package with some parts replaced, stored uncompressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as out:
        for info in package.infolist():
            out.writestr(info.filename, replaced.get(info.filename) or member(package, info.filename))
    return buffer.getvalue()


def scan_sheet(data: bytes, formats: Formats) -> Extras:
    """Extras of one sheet part."""
    extras = Extras()
    end = _last_held(data)
    start = max(data.find(b"sheetData"), 0)
    if b"hidden" in data:
        for tag in _COLUMN.findall(data, 0, start or len(data)):
            if _HIDDEN.search(tag):
                items = attributes(tag)
                first, last = int(items.get("min", 1)), int(items.get("max", 1))
                extras.hidden_columns.update(range(first - 1, min(last, LIMITS.xlsx_columns)))
    styled = {
        index
        for index in (*formats.percents, *formats.padded)
        if b's="%d"' % index in data or b"s='%d'" % index in data
    }
    if not (
        styled
        or b't="e"' in data
        or b"t='e'" in data
        or b"<f" in data
        or b":f" in data
        or (b"hidden" in data and _HIDDEN.search(data, start, end))
        or (b"0" * 16 in data.translate(_DIGITS_ALIKE) and _LONG_INTEGER.search(data, start, end))
    ):
        return extras
    row, column = -1, -1
    for found in _ROW_OR_CELL.finditer(data, start, end):
        row_tag, cell_tag, body = found.groups()
        if row_tag is not None:
            items = attributes(row_tag)
            row = int(items["r"]) - 1 if items.get("r", "").isdigit() else row + 1
            column = -1
            if items.get("hidden") in ("1", "true"):
                extras.hidden_rows.add(row)
            continue
        if reference := _REFERENCE.search(cell_tag):
            row, column = int(reference.group(2)) - 1, column_index(reference.group(1))
        else:
            column += 1
        if body:
            _scan_cell(extras, formats, styled, (row, column), cell_tag, body)
    return extras


def _scan_cell(
    extras: Extras, formats: Formats, styled: set[int], at: tuple[int, int], tag: bytes, body: bytes
) -> None:
    kind_found = _TYPE.search(tag)
    kind = kind_found.group(1) if kind_found else b"n"
    value_found = _VALUE.search(body)
    value = (value_found.group(2) or b"") if value_found else b""
    if kind == b"e":
        if value:
            extras.texts[at] = value.decode("utf-8", "replace")
        return
    formula = _FORMULA.search(body)
    if formula and not value and not (kind == b"str" and value_found):
        extras.uncached.add(at)
        extras.texts[at] = "=" + html.unescape((formula.group(1) or b"").decode("utf-8", "replace"))
        return
    if kind != b"n" or not value:
        return
    if len(value) >= 16 and value.lstrip(b"-").isdigit():
        extras.texts[at] = int(value)
    if styled and (style := _STYLE.search(tag)) and (index := int(style.group(1))) in styled:
        if index in formats.percents:
            extras.percents.add(at)
        else:
            extras.padded[at] = formats.padded[index]


_SHARED = re.compile(rb"<(?:\w+:)?si\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?si>)", re.DOTALL)
_TEXT = re.compile(rb"<(?:\w+:)?t\b[^>]*?(?:/>|>([^<]*)<)")


def _plain(markup: bytes) -> str:
    return html.unescape(b"".join(_TEXT.findall(markup)).decode("utf-8", "replace"))


def stray_texts(package: Package, strays: dict[tuple[int, int], bytes]) -> list[tuple[str, str]]:
    """Strays as (A1 address, what stands there)."""
    shared: list[bytes] | None = None
    found: list[tuple[str, str]] = []
    for at, cell in strays.items():
        value = _VALUE.search(cell)
        text = html.unescape((value.group(2) or b"").decode("utf-8", "replace")) if value else _plain(cell)
        kind = _TYPE.search(cell)
        if kind and kind.group(1) == b"s" and text.isdigit():
            if shared is None:
                part = next(
                    (
                        to
                        for how, to in relations(package, workbook_part(package)).values()
                        if how.endswith("/sharedStrings")
                    ),
                    "",
                )
                shared = _SHARED.findall(member(package, part)) if part in package.NameToInfo else []
            text = _plain(shared[int(text)]) if int(text) < len(shared) else ""
        found.append((address(*at), text))
    return found


def has_entities(package: Package) -> str | None:
    """Name of a part that declares entities (an XML bomb), else None."""
    for info in package.infolist():
        if info.filename.endswith((".xml", ".rels", ".vml")) and b"<!" in (data := member(package, info.filename)):
            head = data[:65536]
            if b"<!ENTITY" in head or b"<!DOCTYPE" in head:
                return info.filename
    return None
