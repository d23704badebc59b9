"""Any file that a reporter may send → grids of cells. By content, never by extension.

Belongs here: telling file kinds apart, calling the reader of each, the second opinion, turning faults into issues.
Does not belong here: how one kind is read (read_*.py), what the cells mean (parse.py).
Source: domain.md C.2 (files), design.md 4.1, measured.md. Texts: messages.csv, keys `read.*`.

What reads the kinds beside .xlsx is imported when one comes: together they take a fifth of a child's start.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dagster_project.ingest import read_xlsx
from dagster_project.ingest.grid import Sheet, Workbook, address
from dagster_project.ingest.messages import Messages
from dagster_project.ingest.model import Severity
from dagster_project.ingest.read_calamine import CalamineBook
from dagster_project.ingest.read_common import (
    LIMITS,
    MIB,
    OLE_MAGIC,
    Extras,
    Limits,
    Package,
    Unreadable,
    member,
    open_package,
    short,
)

if TYPE_CHECKING:
    from dagster_project.ingest.read_biff import BiffScan

log = logging.getLogger(__name__)

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# what people send by mistake, or renamed to .xlsx
_OTHER_MAGIC = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"{\\rtf", "RTF"),
    (b"MZ", "EXE"),
    (b"\x7fELF", "ELF"),
)
_BIFF_BOF = (b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")
_EMPTY_SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
_SHOWN_STRAYS = 20


class _Reading:
    """One file being read: collects sheets and issues of a Workbook."""

    def __init__(self, workbook: Workbook, messages: Messages, limits: Limits) -> None:
        self.workbook = workbook
        self.messages = messages
        self.limits = limits

    @property
    def stem(self) -> str:
        return PurePosixPath(self.workbook.file_name.replace("\\", "/")).stem or "Sheet1"

    def issue(
        self,
        key: str,
        severity: Severity,
        *,
        sheet: str | None = None,
        cell: str | None = None,
        raw_text: str | None = None,
        **fields: object,
    ) -> None:
        self.workbook.issues.append(
            self.messages.issue(
                key, severity, sheet=sheet, cell=cell, raw_text=raw_text, file=self.workbook.file_name, **fields
            )
        )

    def fault(self, fault: Unreadable, sheet: str | None = None) -> None:
        key = "read.damaged_sheet" if sheet and fault.key == "read.damaged" else fault.key
        self.issue(key, "error", sheet=sheet, **fault.fields)


def read_workbook(content: bytes, file_name: str, messages: Messages, limits: Limits = LIMITS) -> Workbook:
    """All sheets of one file, and what could not be read of it as issues; never raises for bad input.

    `content` is the whole file; `file_name` serves messages and the name of a sheet that has none.
    Values: text as str ('0610' stays), numbers as int or float, dates as date, datetime, time, timedelta, blank as None;
    error values and formulas never computed as the texts that grid.Sheet describes.
    """
    workbook = Workbook(file_name, "unknown")
    reading = _Reading(workbook, messages, limits)
    try:
        _read(content, reading)
    except Unreadable as fault:
        reading.fault(fault)
    except (MemoryError, RecursionError):
        workbook.sheets.clear()
        reading.issue("read.memory", "error")
    except Exception as fault:  # a bug of ours must not stop the rest of the inbox; tests see to it that none is known
        log.exception("reading %s failed", file_name)
        workbook.sheets.clear()
        reading.issue("read.internal", "error", detail=short(f"{type(fault).__name__}: {fault}"))
    _drop_own_list(reading)
    if not workbook.issues and not any(any(sheet.rows) for sheet in workbook.sheets):
        reading.issue("read.no_cells", "error")
    return workbook


def _drop_own_list(reading: _Reading) -> None:
    """A returned workbook that is sent again brings our list of issues along; it is said, and no data."""
    own = reading.messages.render("returned.sheet_name")[0]
    sheets = reading.workbook.sheets
    for sheet in [sheet for sheet in sheets if sheet.name.rpartition("/")[2] == own]:
        sheets.remove(sheet)
        reading.issue("read.own_issue_list", "info", sheet=sheet.name)


def _read(content: bytes, reading: _Reading) -> None:
    if not content.strip(b"\x00 \t\r\n"):
        raise Unreadable("read.empty")
    if len(content) > reading.limits.file_bytes:
        raise Unreadable("read.too_big", size=len(content) // MIB, limit=reading.limits.file_bytes // MIB)
    if content.startswith(_ZIP_MAGIC):
        _read_zip(content, reading)
    elif content.startswith(OLE_MAGIC):
        _read_ole(content, reading)
    else:
        _read_flat(content, reading)


def _read_flat(content: bytes, reading: _Reading) -> None:
    """Files without a container: markup, text, or something else altogether."""
    from dagster_project.ingest.read_biff import read_with_xlrd
    from dagster_project.ingest.read_markup import (
        looks_like_html,
        looks_like_spreadsheetml,
        read_html,
        read_mhtml,
        read_spreadsheetml,
    )
    from dagster_project.ingest.read_text import decode, read_text

    workbook = reading.workbook
    for magic, name in _OTHER_MAGIC:
        if content.startswith(magic) and not (magic in (b"BM", b"MZ") and decode(content[:512]) is not None):
            raise Unreadable("read.not_a_workbook", kind=name)
    if content[:2] in _BIFF_BOF and content[2:4] in (b"\x08\x00", b"\x10\x00", b"\x06\x00", b"\x04\x00"):
        # a bare BIFF stream without its container: only the second reader takes it
        workbook.kind = "xls"
        workbook.sheets = read_with_xlrd(content)
        return
    head = content[:4096].replace(b"\x00", b"")
    if looks_like_spreadsheetml(head):
        workbook.kind = "spreadsheetml"
        workbook.sheets = read_spreadsheetml(content, reading.limits)
    elif head.lstrip()[:13].lower() == b"mime-version:":
        workbook.kind = "html"
        workbook.sheets = read_mhtml(content, reading.limits)
    elif looks_like_html(head):
        workbook.kind = "html"
        workbook.sheets = [read_html(content, reading.stem, reading.limits)]
    else:
        decoded = decode(content)
        if decoded is None:
            raise Unreadable("read.unknown_kind")
        workbook.kind = "csv"
        workbook.sheets = [read_text(decoded[0], reading.stem, reading.limits)]


# --- zip containers -----------------------------------------------------------------------------------------------


def _read_zip(content: bytes, reading: _Reading) -> None:
    package = open_package(content, reading.limits)
    names = package.NameToInfo
    workbook = reading.workbook
    if "[Content_Types].xml" in names:
        part = read_xlsx.workbook_part(package)
        if any(name.startswith(("word/", "ppt/", "visio/")) for name in names):
            raise Unreadable("read.not_a_workbook", kind="Word/PowerPoint")
        if part.endswith(".bin") or "xl/workbook.bin" in names:
            workbook.kind = "xlsb"
            _read_xlsb(content, package, reading)
        else:
            workbook.kind = "xlsm" if any(name.endswith("vbaProject.bin") for name in names) else "xlsx"
            _read_xlsx(content, package, reading)
    elif "content.xml" in names and ("mimetype" in names or "META-INF/manifest.xml" in names):
        workbook.kind = "ods"
        _read_ods(content, package, reading)
    else:
        workbook.kind = "zip"
        _read_archive(package, reading)


def _open(content: bytes, package: Package) -> CalamineBook:
    """The first reader on a package; an XML bomb, which it refuses in its own words, gets its own message."""
    try:
        return CalamineBook(content)
    except Unreadable as fault:
        if fault.key == "read.damaged" and read_xlsx.has_entities(package):
            raise Unreadable("read.xml_entities") from None
        raise


def _read_sheets(book: CalamineBook, extras: Callable[[int], Extras], reading: _Reading) -> None:
    """Every sheet that has a grid; a sheet that fails is an issue and does not stop the others."""
    for index, name in enumerate(book.names):
        if not book.has_grid(index):
            reading.issue("read.sheet_without_grid", "info", sheet=name)
            continue
        try:
            reading.workbook.sheets.append(book.sheet(index, extras(index)))
        except Unreadable as fault:
            reading.fault(fault, sheet=name)


def _read_xlsx(content: bytes, package: Package, reading: _Reading) -> None:
    for part in (read_xlsx.workbook_part(package), "xl/sharedStrings.xml"):
        if part in package.NameToInfo and (detail := read_xlsx.fault_in(member(package, part))):
            raise Unreadable("read.damaged", detail=f"{part}: {detail}")
    parts = read_xlsx.sheet_parts(package)
    for part in read_xlsx.unlisted_sheets(package, parts.values()):
        reading.issue("read.sheet_lost", "error", part=part)
    data: dict[str, bytes] = {}
    replaced: dict[str, bytes] = {}
    refused: dict[str, Unreadable] = {}
    for name, part in parts.items():
        if part not in package.NameToInfo:
            continue
        data[name] = member(package, part)
        if detail := read_xlsx.fault_in(data[name]):
            refused[name] = Unreadable("read.damaged", detail=f"{part}: {detail}")
            replaced[part] = _EMPTY_SHEET
            continue
        try:
            kept, strays = read_xlsx.drop_strays(data[name], reading.limits)
        except Unreadable as fault:
            # without its cells the rest of the workbook can still be read
            refused[name] = fault
            replaced[part] = _EMPTY_SHEET
            continue
        if strays:
            replaced[part] = data[name] = kept
            _report_strays(package, strays, name, reading)
    if replaced:
        content = read_xlsx.repack(package, replaced)
    book = _open(content, package)
    formats = read_xlsx.workbook_formats(package)

    def extras(index: int) -> Extras:
        name = book.names[index]
        if name in refused:
            raise refused[name]
        return read_xlsx.scan_sheet(data.pop(name), formats) if name in data else Extras()

    _read_sheets(book, extras, reading)


def _report_strays(package: Package, strays: dict[tuple[int, int], bytes], sheet: str, reading: _Reading) -> None:
    found = read_xlsx.stray_texts(package, strays)
    for cell, value in found[:_SHOWN_STRAYS]:
        reading.issue("read.stray_cell", "warning", sheet=sheet, cell=cell, raw_text=short(value))
    if len(found) > _SHOWN_STRAYS:
        cells = f"{found[_SHOWN_STRAYS][0]} … {found[-1][0]}"
        reading.issue("read.stray_cells", "warning", sheet=sheet, count=len(found) - _SHOWN_STRAYS, cells=cells)


def _read_xlsb(content: bytes, package: Package, reading: _Reading) -> None:
    from dagster_project.ingest import read_xlsb

    parts = read_xlsb.sheet_parts(package)
    formats = read_xlsb.workbook_formats(package)
    scanned: dict[str, Extras] = {}
    for name, part in parts.items():
        if part in package.NameToInfo and part.endswith(".bin"):
            scanned[name] = read_xlsb.scan_sheet(member(package, part), formats, reading.limits)
    book = _open(content, package)
    _read_sheets(book, lambda index: scanned.get(book.names[index]) or Extras(), reading)


def _read_ods(content: bytes, package: Package, reading: _Reading) -> None:
    from dagster_project.ingest import read_ods

    if "META-INF/manifest.xml" in package.NameToInfo and b"encryption-data" in member(package, "META-INF/manifest.xml"):
        raise Unreadable("read.password")
    scanned = read_ods.scan(package, reading.limits)
    book = _open(content, package)
    matched = len(scanned) == len(book.names)
    _read_sheets(book, lambda index: scanned[index] if matched else Extras(), reading)


# --- old .xls -----------------------------------------------------------------------------------------------------


def _read_ole(content: bytes, reading: _Reading) -> None:
    from dagster_project.ingest.read_biff import open_ole, scan_biff

    reading.workbook.kind = "xls"
    ole = open_ole(content)
    if "encryptedpackage" in ole.streams:
        raise Unreadable("read.password")
    name = next((name for name in ("workbook", "book") if name in ole.streams), None)
    if name is None:
        kind = "Word" if "worddocument" in ole.streams else "OLE"
        raise Unreadable("read.not_a_workbook", kind=kind)
    scan = scan_biff(ole.read(name))
    if scan.encrypted:
        raise Unreadable("read.password")
    too_wide = any(scan.area(index) > reading.limits.area for index in range(len(scan.cells)))
    first: list[Sheet] | None = None
    fault: Unreadable | None = None
    if not too_wide:
        try:
            first = _first_reader(content, scan, reading)
        except Unreadable as caught:
            fault = caught
            if caught.key == "read.password":
                raise
    doubt = _doubt(first, scan) if first is not None else "failed"
    if first is not None and doubt is None:
        reading.workbook.sheets = first
        return
    _second_reader(content, scan, reading, first, fault, doubt or "failed")


def _first_reader(content: bytes, scan: BiffScan, reading: _Reading) -> list[Sheet]:
    book = CalamineBook(content)
    matched = len(scan.extras) == len(book.names)
    shadow = _Reading(Workbook(reading.workbook.file_name, "xls"), reading.messages, reading.limits)
    _read_sheets(book, lambda index: scan.extras[index] if matched else Extras(), shadow)
    if any(issue.severity == "error" for issue in shadow.workbook.issues):
        raise Unreadable("read.damaged", detail="a sheet of the workbook")
    reading.workbook.issues.extend(shadow.workbook.issues)
    return shadow.workbook.sheets


def _doubt(sheets: list[Sheet], scan: BiffScan) -> str | None:
    """Why the first reader's result is not to be trusted: broken (records that no program writes so), garbled,
    missing (cells that the file has), or None."""
    from dagster_project.ingest.read_biff import looks_garbled

    if scan.broken:
        return "broken"
    texts = [sheet.name for sheet in sheets]
    for sheet in sheets:
        texts += [value for row in sheet.rows[:200] for value in row if isinstance(value, str)]
    if looks_garbled(texts):
        return "garbled"
    read = sum(1 for sheet in sheets for row in sheet.rows for value in row if value is not None)
    held = sum(len(cells) for cells in scan.cells)
    # labels may be empty texts, so a few less is no proof
    return "missing" if held > 0 and read * 10 < held * 9 else None


def _second_reader(
    content: bytes,
    scan: BiffScan,
    reading: _Reading,
    first: list[Sheet] | None,
    fault: Unreadable | None,
    doubt: str,
) -> None:
    from dagster_project.ingest.read_biff import looks_garbled, read_with_xlrd

    try:
        second = read_with_xlrd(content)
        if looks_garbled([sheet.name for sheet in second] + _texts(second)):
            second = read_with_xlrd(content, "gb18030")
    except Unreadable as also:
        if first is None or doubt == "broken":
            raise fault or also from None
        reading.workbook.sheets = first
        reading.issue("read.garbled", "error")
        return
    if len(second) == len(scan.extras):
        for sheet, extras in zip(second, scan.extras, strict=True):
            sheet.percents = frozenset(extras.percents)
            sheet.hidden_rows = frozenset(extras.hidden_rows)
            sheet.hidden_columns = frozenset(extras.hidden_columns)
    reading.workbook.sheets = second
    if first is None:
        reading.issue(
            "read.second_reader_only", "warning", detail=short(str(fault.fields.get("detail", ""))) if fault else ""
        )
        return
    differing, example = _differences(first, second)
    sheet_name, cell, one, other = example or ("", "", "", "")
    reading.issue(
        "read.second_reader",
        "warning",
        sheet=sheet_name or None,
        cell=cell or None,
        raw_text=other,
        count=differing,
        first=short(one, 60),
        second=short(other, 60),
        doubt=doubt,
    )


def _texts(sheets: list[Sheet]) -> list[str]:
    return [value for sheet in sheets for row in sheet.rows[:200] for value in row if isinstance(value, str)]


def _differences(first: list[Sheet], second: list[Sheet]) -> tuple[int, tuple[str, str, str, str] | None]:
    """How many cells two readings differ in, and the first of them: sheet, cell, one text, the other."""
    count = 0
    example: tuple[str, str, str, str] | None = None
    for one, other in zip(first, second, strict=False):
        for row in range(max(len(one.rows), len(other.rows))):
            left = one.rows[row] if row < len(one.rows) else []
            right = other.rows[row] if row < len(other.rows) else []
            for column in range(max(len(left), len(right))):
                texts = (one.text(row, column), other.text(row, column))
                if texts[0] != texts[1]:
                    count += 1
                    example = example or (other.name, address(row, column), *texts)
    return count, example


# --- a zip of workbooks -------------------------------------------------------------------------------------------


def member_name(info: zipfile.ZipInfo) -> str:
    """A member's name as its sender saw it: names without the UTF-8 flag are GBK where they can be."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return info.filename


def _read_archive(package: Package, reading: _Reading) -> None:
    infos = [info for info in package.infolist() if not info.is_dir()]
    if len(infos) > reading.limits.archive_members:
        raise Unreadable("read.too_many_members", count=len(infos), limit=reading.limits.archive_members)
    if not infos:
        raise Unreadable("read.empty_archive")
    for info in infos:
        name = member_name(info)
        base = PurePosixPath(name.replace("\\", "/")).name
        # left by macOS, Windows and an open Excel; nobody sent them
        if name.startswith("__MACOSX/") or base.startswith((".", "~$")) or base.lower() in ("thumbs.db", "desktop.ini"):
            reading.issue("read.member_ignored", "info", member=name)
            continue
        try:
            content = member(package, info.filename)
        except Unreadable as fault:
            reading.fault(fault, sheet=name)
            continue
        inner = Workbook(f"{reading.workbook.file_name}/{name}", "unknown")
        part = _Reading(inner, reading.messages, reading.limits)
        try:
            if content.startswith(_ZIP_MAGIC) and _is_archive(content, reading.limits):
                raise Unreadable("read.nested_archive")
            _read(content, part)
        except Unreadable as fault:
            part.fault(fault)
        for issue in inner.issues:
            issue.sheet = f"{name}/{issue.sheet}" if issue.sheet else name
            reading.workbook.issues.append(issue)
        for sheet in inner.sheets:
            sheet.name = f"{name}/{sheet.name}"
            reading.workbook.sheets.append(sheet)


def _is_archive(content: bytes, limits: Limits) -> bool:
    names = open_package(content, limits).NameToInfo
    return "[Content_Types].xml" not in names and "content.xml" not in names
