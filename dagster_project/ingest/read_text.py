"""Text files as grids: CSV and text named .xls, in any of the encodings and delimiters that Excel and WPS write.

Belongs here: decoding, finding the delimiter, splitting into cells.
Does not belong here: markup (read_markup.py), the meaning of a cell: every cell stays the text that it was, '0610' too.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter

from dagster_project.ingest.grid import CellValue, Sheet
from dagster_project.ingest.read_common import LIMITS, Limits, Unreadable

FULL_WIDTH_COMMA = "\uff0c"
DELIMITERS = ("\t", ",", ";", FULL_WIDTH_COMMA, "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_PROTECTED = re.compile(r'="((?:[^"]|"")*)"')
_SEP_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_FIRST_QUOTED = re.compile(r'"(?:[^"]|"")*"(.)')
_MAX_FIELD = 1_000_000


def decode(content: bytes) -> tuple[str, str] | None:
    """Text and encoding name, or None where it is no text in UTF-8, UTF-16, UTF-32 or GB18030."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            try:
                return _text(content[len(bom) :].decode(encoding), encoding)
            except UnicodeDecodeError:
                return None
    candidates = ["utf-8", "gb18030"]
    if b"\x00" in content[:4096]:
        even, odd = content[0:4096:2].count(0), content[1:4096:2].count(0)
        candidates = ["utf-16-le" if odd >= even else "utf-16-be"]
    for encoding in candidates:
        try:
            return _text(content.decode(encoding), encoding)
        except UnicodeDecodeError:
            continue
    return None


def _text(text: str, encoding: str) -> tuple[str, str] | None:
    return None if _CONTROL.search(text) else (text, encoding)


def find_delimiter(text: str) -> str | None:
    """The delimiter that splits most lines into the same number of cells, or None where nothing does.

    A line that holds a delimiter inside quotation marks counts by its cells, not by its characters; where the file
    begins with a quoted cell, what follows it is the delimiter.
    """
    head = text[:200_000]
    quoted = _FIRST_QUOTED.match(head)
    if quoted is not None and quoted.group(1) in DELIMITERS:
        return quoted.group(1)
    best: tuple[int, int] | None = None
    found: str | None = None
    for rank, delimiter in enumerate(DELIMITERS):
        if delimiter not in head:
            continue
        widths = Counter(len(row) for row in _rows(head, delimiter, 200) if len(row) > 1)
        if not widths:
            continue
        width, lines = max(widths.items(), key=lambda item: item[0] * item[1])
        score = (lines * width, -rank)
        if best is None or score > best:
            best, found = score, delimiter
    return found


def _rows(text: str, delimiter: str, count: int | None = None) -> list[list[str]]:
    csv.field_size_limit(_MAX_FIELD)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append(row)
            if count is not None and len(rows) >= count:
                break
    except csv.Error:
        # a quotation mark that never closes swallows the file: take marks as plain characters then
        rows = [line.split(delimiter) for line in text.splitlines()[:count]]
    return rows


def clean(cell: str) -> CellValue:
    """One cell of text: Excel's ="0610" guard removed, outer tabs (a guard too) removed, None where blank."""
    guard = _PROTECTED.fullmatch(cell)
    value = guard.group(1).replace('""', '"') if guard else cell.strip("\t")
    return value or None


def read_text(text: str, sheet_name: str, limits: Limits = LIMITS) -> Sheet:
    """The grid of a text file; raises Unreadable where it has more cells than a sheet may have."""
    declared = _SEP_LINE.match(text)
    delimiter = declared.group(1) if declared else find_delimiter(text)
    if declared:
        text = text[declared.end() :]
    raw = _rows(text, delimiter) if delimiter else [[line] for line in text.splitlines()]
    width = max((len(row) for row in raw), default=0)
    if len(raw) > limits.xlsx_rows or len(raw) * width > limits.area:
        raise Unreadable("read.too_large", rows=len(raw), columns=width, limit=limits.area)
    rows: list[list[CellValue]] = []
    if declared:
        # the line stays a row, so that addresses are those of the file's lines
        rows.append([])
    for row in raw:
        cells = [clean(cell) for cell in row]
        while cells and cells[-1] is None:
            cells.pop()
        rows.append(cells)
    while rows and not rows[-1]:
        rows.pop()
    return Sheet(sheet_name, rows)
