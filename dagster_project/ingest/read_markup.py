"""Markup named .xls: HTML tables, web archives (MHTML) of them, SpreadsheetML 2003.

Belongs here: turning these into grids without expanding entities or fetching anything.
Does not belong here: OOXML and OpenDocument packages (read_xlsx.py, read_ods.py), plain text (read_text.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, time
from html.parser import HTMLParser
from xml.parsers import expat

from dagster_project.ingest.grid import CellValue, Sheet, address
from dagster_project.ingest.read_common import LIMITS, Limits, Unreadable, put, short
from dagster_project.ingest.read_ods import refuse_entities
from dagster_project.ingest.read_text import decode
from dagster_project.ingest.read_xlsx import is_percent, zeros

_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_BREAKS = {"br", "p", "div", "li"}
_BREAK = "\v"  # a line break of the page, apart from those of its source
_SILENT = {"script", "style", "title", "xml", "noscript"}
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def looks_like_html(head: bytes) -> bool:
    """Whether the first bytes open an HTML page or a table."""
    lowered = head.lower()
    return any(mark in lowered for mark in (b"<html", b"<table", b"<!doctype html"))


def looks_like_spreadsheetml(head: bytes) -> bool:
    """Whether the first bytes open a SpreadsheetML 2003 workbook."""
    return b"urn:schemas-microsoft-com:office:spreadsheet" in head or b"Excel.Sheet" in head


@dataclass(slots=True)
class _Table:
    top: int
    row: int = -1
    column: int = 0
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)  # column → (rows left, width)


class _HtmlGrid(HTMLParser):
    """One grid for the page, as Excel shows it: tables below each other, text between them in column A."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(convert_charrefs=True)
        self.limits = limits
        self.rows: list[list[CellValue]] = []
        self.merges: list[tuple[int, int, int, int]] = []
        self.percents: set[tuple[int, int]] = set()
        self.hidden_rows: set[int] = set()
        self.tables: list[_Table] = []
        self.cell: tuple[int, int, int, int] | None = None
        self.number: float | None = None
        self.format: str = ""
        self.text: list[str] = []
        self.silent = 0
        self.bottom = 0
        self.found_table = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self.silent += 1
        elif tag == "table":
            self._flush()
            self.silent = 0  # whatever was left open above: a table is never silent
            self.found_table = True
            self.tables.append(_Table(self.bottom))
        elif tag == "tr" and self.tables:
            self._flush()
            self._next_row()
            if "display:none" in (dict(attrs).get("style") or "").replace(" ", "").lower():
                self.hidden_rows.add(self.tables[-1].top + self.tables[-1].row)
        elif tag in ("td", "th") and self.tables:
            self._flush()
            self._open_cell({name: value or "" for name, value in attrs})
        elif tag in _BREAKS:
            if self.cell is None and not self.tables:
                self._flush()
            elif self.text:
                self.text.append(_BREAK)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent = max(self.silent - 1, 0)
        elif tag in ("td", "th", "tr"):
            self._flush()
        elif tag == "table" and self.tables:
            self._flush()
            table = self.tables.pop()
            self.bottom = max(self.bottom, table.top + table.row + 1)
        elif (tag in _BREAKS or tag in ("h1", "h2", "h3", "h4", "caption")) and self.cell is None:
            self._flush()

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.text.append(data)

    def close(self) -> None:
        super().close()
        self._flush()

    def _next_row(self) -> None:
        table = self.tables[-1]
        table.row += 1
        table.column = 0
        table.spans = {column: (left - 1, width) for column, (left, width) in table.spans.items() if left > 1}

    def _open_cell(self, items: dict[str, str]) -> None:
        table = self.tables[-1]
        if table.row < 0:
            self._next_row()
        while table.column in table.spans:
            table.column += table.spans[table.column][1]
        across, down = _span(items.get("colspan")), _span(items.get("rowspan"))
        row, column = table.top + table.row, table.column
        if row >= self.limits.xlsx_rows or column + across > self.limits.xlsx_columns:
            raise Unreadable("read.too_large", rows=row + 1, columns=column + across, limit=self.limits.area)
        self.cell = (row, column, down, across)
        if down > 1:
            # spans hold the rows that follow, not this one
            table.spans[column] = (down, across)
        table.column += across
        style = items.get("style", "")
        self.format = style.partition("mso-number-format:")[2].partition(";")[0].strip("\"' ").replace("\\", "")
        raw = items.get("x:num")
        self.number = float(raw) if raw and _NUMBER.fullmatch(raw) else None

    def _flush(self) -> None:
        text = "".join(self.text)
        self.text = []
        value = "\n".join(part for line in text.split(_BREAK) if (part := _SPACES.sub(" ", line).strip(" ")))
        if self.cell is None:
            if value and not self.tables:
                put(self.rows, self.bottom, 0, value)
                self.bottom += 1
            return
        row, column, down, across = self.cell
        self.cell = None
        self.bottom = max(self.bottom, row + 1)
        if value:
            put(self.rows, row, column, self.number if self.number is not None else value)
        if self.number is not None and is_percent(self.format):
            self.percents.add((row, column))
        if down > 1 or across > 1:
            self.merges.append((row, column, row + down - 1, column + across - 1))


def _span(text: str | None) -> int:
    return min(int(text), 65_536) if text and text.isdigit() and int(text) > 0 else 1


def _html_text(content: bytes) -> str:
    declared = _CHARSET.search(content[:4096])
    if declared and not content.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        name = declared.group(1).decode("ascii", "replace").lower()
        # gb2312 and gbk pages hold characters of the larger set
        encoding = "gb18030" if name in ("gb2312", "gbk", "gb_2312-80", "x-gbk") else name
        try:
            return content.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            pass
    decoded = decode(content)
    if decoded is None:
        raise Unreadable("read.encoding")
    return decoded[0]


def read_html(content: bytes, sheet_name: str, limits: Limits = LIMITS) -> Sheet:
    """The grid of an HTML page; raises Unreadable where it holds no table or cannot be decoded."""
    parser = _HtmlGrid(limits)
    parser.feed(_html_text(content))
    parser.close()
    if not parser.found_table:
        raise Unreadable("read.html_without_table")
    return Sheet(
        sheet_name,
        parser.rows,
        parser.merges,
        hidden_rows=frozenset(parser.hidden_rows),
        percents=frozenset(parser.percents),
    )


def read_mhtml(content: bytes, limits: Limits = LIMITS) -> list[Sheet]:
    """The sheets of a web archive: each part that is HTML with a table."""
    # a web archive is rare, and the package is slow to load in every child
    import email
    import email.policy

    message = email.message_from_bytes(content, policy=email.policy.default)
    sheets: list[Sheet] = []
    for part in message.walk():
        if part.get_content_type() != "text/html":
            continue
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            try:
                sheets.append(read_html(payload, f"Sheet{len(sheets) + 1}", limits))
            except Unreadable as fault:
                if fault.key != "read.html_without_table":
                    raise
    if not sheets:
        raise Unreadable("read.html_without_table")
    return sheets


_SS = "urn:schemas-microsoft-com:office:spreadsheet|"
_EXCEL = "urn:schemas-microsoft-com:office:excel|"


@dataclass(slots=True)
class _SpreadsheetMl:
    limits: Limits
    sheets: list[Sheet] = field(default_factory=list)
    styles: dict[str, str] = field(default_factory=dict)
    style: str = ""
    row: int = -1
    column: int = -1
    column_header: int = 0
    kind: str = ""
    cell_style: str = ""
    formula: str = ""
    has_data: bool = False
    text: list[str] | None = None
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    percents: set[tuple[int, int]] = field(default_factory=set)
    uncached: set[tuple[int, int]] = field(default_factory=set)
    filled: int = 0

    def start(self, name: str, items: dict[str, str]) -> None:
        get = {key.removeprefix(_SS): value for key, value in items.items()}.get
        local = name.rpartition("|")[2]
        if local == "Style":
            self.style = get("ID") or ""
        elif local == "NumberFormat":
            self.styles[self.style] = get("Format") or ""
        elif local == "Worksheet":
            self.sheets.append(Sheet(get("Name") or f"Sheet{len(self.sheets) + 1}", []))
            self.row = -1
            self.column_header = 0
            self.hidden_rows, self.hidden_columns = set(), set()
            self.percents, self.uncached = set(), set()
        elif not self.sheets:
            return
        elif local == "Column":
            first = _index(get("Index"), self.column_header)
            last = min(first + _index(get("Span"), -1) + 2, self.limits.xlsx_columns)
            if get("Hidden") == "1":
                self.hidden_columns.update(range(first, last))
            self.column_header = last
        elif local == "Row":
            self.row = _index(get("Index"), self.row + 1)
            self.column = -1
            if get("Hidden") == "1":
                self.hidden_rows.add(self.row)
            self._bound()
        elif local == "Cell" and name.startswith(_SS):
            self._cell(get("Index"), get("MergeAcross"), get("MergeDown"))
            self.cell_style = get("StyleID") or ""
            self.formula, self.has_data = get("Formula") or "", False
        elif name == _SS + "Data":
            if self.has_data:
                # what lay between two cells is gone: whose figure this is cannot be known
                where = address(self.row, self.column)
                raise Unreadable("read.damaged", detail=f"{self.sheets[-1].name} {where}: <Data><Data>")
            self.kind, self.text, self.has_data = get("Type") or "String", [], True
        elif name == _EXCEL + "Visible":
            self.text = []

    def _cell(self, index: str | None, across: str | None, down: str | None) -> None:
        self.column = _index(index, self.column + 1)
        right, bottom = _index(across, -1) + 1, _index(down, -1) + 1
        self._bound()
        if right or bottom:
            self.sheets[-1].merges.append((self.row, self.column, self.row + bottom, self.column + right))
        self.merged_right = right

    def _bound(self) -> None:
        if self.row >= self.limits.xlsx_rows or self.column >= self.limits.xlsx_columns:
            raise Unreadable("read.too_large", rows=self.row + 1, columns=self.column + 1, limit=self.limits.area)

    merged_right: int = 0

    def end(self, name: str) -> None:
        if name == _SS + "Data" and self.text is not None and self.sheets:
            self._value("".join(self.text))
            self.text = None
        elif name == _SS + "Cell":
            if self.formula and not self.has_data:
                at = (self.row, self.column)
                put(self.sheets[-1].rows, *at, self.formula if self.formula.startswith("=") else "=" + self.formula)
                self.uncached.add(at)
            self.column += self.merged_right
            self.merged_right = 0
        elif name == _EXCEL + "Visible":
            if self.sheets and self.text and "".join(self.text).strip() in ("SheetHidden", "SheetVeryHidden"):
                self.sheets[-1].is_hidden = True
            self.text = None
        elif name == _SS + "Worksheet" and self.sheets:
            sheet = self.sheets[-1]
            sheet.hidden_rows, sheet.hidden_columns = frozenset(self.hidden_rows), frozenset(self.hidden_columns)
            sheet.percents, sheet.uncached = frozenset(self.percents), frozenset(self.uncached)

    def data(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def _value(self, text: str) -> None:
        self.filled += 1
        if self.filled > self.limits.area:
            raise Unreadable("read.too_large", rows=self.row + 1, columns=self.column + 1, limit=self.limits.area)
        value: CellValue = text
        number_format = self.styles.get(self.cell_style, "")
        if self.kind == "Number" and _NUMBER.fullmatch(text.strip()):
            number = text.strip()
            value = int(number) if number.lstrip("+-").isdigit() else float(number)
            if number_format == "Percent" or is_percent(number_format):
                self.percents.add((self.row, self.column))
            elif (width := zeros(number_format)) and isinstance(value, int) and value >= 0:
                value = str(value).zfill(width)
        elif self.kind == "Boolean":
            value = text.strip() == "1"
        elif self.kind == "DateTime":
            value = _moment(text.strip())
        if value != "":
            put(self.sheets[-1].rows, self.row, self.column, value)


def _index(text: str | None, default: int) -> int:
    """A one-based attribute as zero-based index, or the default where it is absent or no number."""
    return int(text) - 1 if text and text.isdigit() and len(text) < 9 else default


def _moment(text: str) -> CellValue:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.date() if moment.time() == time(0) else moment


def read_spreadsheetml(content: bytes, limits: Limits = LIMITS) -> list[Sheet]:
    """All sheets of a SpreadsheetML 2003 workbook; raises Unreadable on entities, broken XML or too many cells."""
    state = _SpreadsheetMl(limits)
    head = content[:200].lower()
    encoding = "gb18030" if b"gb2312" in head or b"gbk" in head else None
    if encoding:
        # expat knows no Chinese code page
        decoded = decode(content)
        if decoded is None:
            raise Unreadable("read.encoding")
        content, encoding = decoded[0].encode(), "utf-8"
    parser = expat.ParserCreate(encoding, namespace_separator="|")
    refuse_entities(parser)
    parser.buffer_text = True
    parser.StartElementHandler = state.start
    parser.EndElementHandler = state.end
    parser.CharacterDataHandler = state.data
    try:
        parser.Parse(content.strip(), True)
    except expat.ExpatError as fault:
        raise Unreadable("read.damaged", detail=short(str(fault))) from None
    except (LookupError, ValueError):
        raise Unreadable("read.encoding") from None
    return state.sheets
