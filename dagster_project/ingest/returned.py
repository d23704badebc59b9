"""The reporter's own workbook, given back with its faulty cells marked and its issues listed.

Belongs here: filling, commenting and listing; writing other file kinds as .xlsx.
Does not belong here: finding the issues (parse.py, audit), the texts (messages.csv, keys `returned.*`).
Source: design.md 1 and 3.2 (`--returned`), issue 3.5. A mark shows in black and white too: an error has a bold frame,
a warning a dashed one, and both a comment that opens with the word.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from html import escape
from pathlib import PurePosixPath

from openpyxl import Workbook as OpenpyxlWorkbook
from openpyxl import load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from dagster_project.ingest.grid import Sheet, Workbook, address, cell_text
from dagster_project.ingest.messages import Messages
from dagster_project.ingest.model import Issue, Severity
from dagster_project.ingest.read import member_name, read_workbook
from dagster_project.ingest.read_common import Unreadable, member, open_package
from dagster_project.ingest.read_xlsx import has_entities, sheet_parts
from dagster_project.ingest.returned_look import dress

_ADDRESS = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")
_FORBIDDEN_IN_TITLE = re.compile(r"[\[\]:*?/\\]")
_FORMULA_CELL = re.compile(r'<c r="([A-Z]+\d+)"([^>]*)><f([^>]*)>(.*?)</f><v ?(?:/>|></v>)</c>', re.DOTALL)
_TYPE = re.compile(r'\st="\w+"')
_TITLE_LENGTH = 31
_CELL_LENGTH = 32_000
_LISTED = 5_000
_RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}

_FILLS = {
    "error": PatternFill("solid", fgColor="FFFFC7CE"),
    "warning": PatternFill("solid", fgColor="FFFFEB9C"),
    "info": PatternFill("solid", fgColor="FFDDEBF7"),
}
_BORDERS = {
    "error": Border(*[Side("thick", "FF9C0006")] * 4),
    "warning": Border(*[Side("mediumDashed", "FF7F6000")] * 4),
    "info": Border(*[Side("dotted", "FF1F4E78")] * 4),
}
_HEADINGS = ("number", "severity", "sheet", "cell", "raw_text", "message_zh", "message_en", "rule")
_WIDTHS = (6, 12, 18, 10, 22, 60, 60, 24)
_HEADING_ROW = 4


@dataclass(slots=True)
class _Target:
    """An openpyxl workbook to mark: which of its sheets an issue's sheet name means."""

    book: OpenpyxlWorkbook
    titles: dict[str, str]
    notes: list[str]
    # values of formulas as the file had them: title → A1 address → text and whether it is a text
    cached: dict[str, dict[str, tuple[str, bool]]]


def mark(content: bytes, file_name: str, issues: Sequence[Issue], messages: Messages) -> tuple[bytes, str]:
    """The workbook with every issue marked, and its new name.

    .xlsx and .xlsm keep formulas, formats, widths (and macros, which nothing here runs); every other kind comes back as
    .xlsx written from what was read, an old .xls in its own look; a zip comes back as a zip of its marked members. Never raises for bad input: of a
    file that cannot be read the list of issues alone comes back.
    """
    book = read_workbook(content, file_name, messages)
    path = PurePosixPath(file_name.replace("\\", "/"))
    if book.kind == "zip":
        return _mark_archive(content, issues, messages), path.with_suffix(".zip").name
    target = _open_original(content, book, messages)
    if target is None:
        target = _from_grid(book, messages)
        if book.kind == "xls":
            dress(content, [target.book[target.titles[sheet.name]] for sheet in book.sheets])
    is_macro_book = target.book.vba_archive is not None
    _remove_former_marks(target, messages)
    _mark_cells(target, issues, messages)
    _list_issues(target, file_name, issues, messages)
    buffer = io.BytesIO()
    target.book.save(buffer)
    suffix = ".xlsm" if is_macro_book else ".xlsx"
    return _with_cached_values(buffer.getvalue(), target.cached), path.with_suffix(suffix).name


# --- the workbook to mark -----------------------------------------------------------------------------------------


def _open_original(content: bytes, book: Workbook, messages: Messages) -> _Target | None:
    """The file itself, where openpyxl can open it safely; else None."""
    if book.kind not in ("xlsx", "xlsm") or not book.sheets:
        return None
    try:
        package = open_package(content)
        if has_entities(package):
            return None
        with warnings.catch_warnings():
            # what openpyxl leaves out is said in the list of issues, in the reporter's words
            warnings.simplefilter("ignore")
            opened = load_workbook(io.BytesIO(content), keep_vba=book.kind == "xlsm", rich_text=True)
    except Exception:  # whatever openpyxl cannot open is written from the grid, which was read
        return None
    notes = []
    if any(name.startswith(("xl/media/", "xl/charts/", "xl/drawings/drawing")) for name in package.namelist()):
        notes.append(_both(messages, "returned.lost_drawings"))
    cached = {
        sheet.name: {
            address(row, column): (_raw_number(value), isinstance(value, str))
            for row, cells in enumerate(sheet.rows)
            for column, value in enumerate(cells)
            if isinstance(value, (str, int, float)) and (row, column) not in sheet.uncached
        }
        for sheet in book.sheets
    }
    return _Target(opened, {name: name for name in opened.sheetnames}, notes, cached)


def _raw_number(value: str | float | int | bool) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return repr(value) if isinstance(value, float) else str(value)


def _from_grid(book: Workbook, messages: Messages) -> _Target:
    """A new workbook with the values, merges and hidden marks of the grids."""
    made = OpenpyxlWorkbook()
    made.remove(made.active)
    titles: dict[str, str] = {}
    for sheet in book.sheets:
        title = _free_title(sheet.name, titles.values())
        titles[sheet.name] = title
        _write_grid(made.create_sheet(title), sheet)
    notes = [_both(messages, "returned.converted")] if book.sheets else []
    return _Target(made, titles, notes, {})


def _free_title(name: str, taken: Iterable[str]) -> str:
    base = _FORBIDDEN_IN_TITLE.sub("_", name).strip("'")[:_TITLE_LENGTH] or "Sheet"
    used = {title.casefold() for title in taken}
    title, number = base, 2
    while title.casefold() in used:
        tail = f" ({number})"
        title, number = base[: _TITLE_LENGTH - len(tail)] + tail, number + 1
    return title


def _write_grid(page: Worksheet, sheet: Sheet) -> None:
    widths: dict[int, int] = {}
    inside = (
        {
            (row, column)
            for top, left, bottom, right in sheet.merges
            for row in range(top, bottom + 1)
            for column in range(left, right + 1)
        }
        if len(sheet.merges) < _LISTED
        else set()
    )
    for row, cells in enumerate(sheet.rows):
        for column, value in enumerate(cells):
            if value is None:
                continue
            cell = page.cell(row + 1, column + 1)
            if isinstance(value, str):
                put_text(cell, value)
            else:
                cell.value = value
                if (row, column) in sheet.percents:
                    cell.number_format = "0.00%"
                elif isinstance(value, timedelta):
                    cell.number_format = "[h]:mm:ss"
            if (row, column) not in inside:
                shown = cell_text(value).split("\n")[0]
                width = sum(2 if ord(letter) > 0x2E80 else 1 for letter in shown)
                widths[column] = max(widths.get(column, 0), min(width, 40))
    for column, width in widths.items():
        page.column_dimensions[get_column_letter(column + 1)].width = max(width + 2, 8)
    for top, left, bottom, right in sheet.merges:
        page.merge_cells(start_row=top + 1, start_column=left + 1, end_row=bottom + 1, end_column=right + 1)
    for row in sheet.hidden_rows:
        page.row_dimensions[row + 1].hidden = True
    for column in sheet.hidden_columns:
        page.column_dimensions[get_column_letter(column + 1)].hidden = True
    if sheet.is_hidden:
        page.sheet_state = "hidden"


def put_text(cell: Cell | MergedCell, text: str) -> None:
    """Write a text that stays a text: '=1+1' must not become a formula of ours, nor when it is edited."""
    cell.value = ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)[:_CELL_LENGTH]
    cell.data_type = "s"
    if text[:1] in ("=", "+", "-", "@", "\t", "\r"):
        cell.quotePrefix = True


# --- marks --------------------------------------------------------------------------------------------------------


def _both(messages: Messages, key: str, **fields: object) -> str:
    return "\n".join(messages.render(key, **fields))


def _remove_former_marks(target: _Target, messages: Messages) -> None:
    """Take off what an earlier return put on: our list, and our comments with their fill."""
    author = messages.render("returned.author")[0]
    title = messages.render("returned.sheet_name")[0]
    if title in target.book.sheetnames and len(target.book.sheetnames) > 1:
        target.book.remove(target.book[title])
        target.titles.pop(title, None)
    for page in target.book.worksheets:
        for cell in [cell for cell in page._cells.values() if cell.comment and cell.comment.author == author]:
            cell.comment = None
            cell.fill = PatternFill()
            cell.border = Border()


def _place(page: Worksheet, cell: str) -> Cell | None:
    """The cell that an address shows: the anchor where it lies in a merged range."""
    found = _ADDRESS.match(cell)
    if not found:
        return None
    at = found.group(1) + found.group(2)
    place = page[at]
    if isinstance(place, MergedCell):
        for merged in page.merged_cells.ranges:
            if at in merged:
                place = page.cell(merged.min_row, merged.min_col)
                break
    return place if isinstance(place, Cell) else None


def _mark_cells(target: _Target, issues: Sequence[Issue], messages: Messages) -> None:
    author = messages.render("returned.author")[0]
    by_cell: dict[tuple[str, str], list[Issue]] = {}
    places: dict[tuple[str, str], Cell] = {}
    for issue in issues:
        title = target.titles.get(issue.sheet or "")
        if title is None or not issue.cell:
            continue
        place = _place(target.book[title], issue.cell)
        if place is not None:
            key = (title, place.coordinate)
            by_cell.setdefault(key, []).append(issue)
            places[key] = place
    for key, found in by_cell.items():
        place = places[key]
        found.sort(key=lambda issue: _RANK[issue.severity])
        worst = found[0].severity
        place.fill = _FILLS[worst]
        place.border = _BORDERS[worst]
        parts = [part for issue in found for part in _comment_text(issue, messages)]
        former = place.comment
        if former is not None and former.text:
            parts.append(former.text)
        text = ILLEGAL_CHARACTERS_RE.sub("\ufffd", "\n".join(parts))[:_CELL_LENGTH]
        place.comment = Comment(
            text, author, width=360, height=min(60 + 18 * (len(text) // 40 + text.count("\n")), 400)
        )


def _comment_text(issue: Issue, messages: Messages) -> tuple[str, str]:
    zh, en = messages.render(f"returned.severity_{issue.severity}")
    return f"[{zh}] {issue.message_zh}", f"[{en}] {issue.message_en}"


def _list_issues(target: _Target, file_name: str, issues: Sequence[Issue], messages: Messages) -> None:
    """The sheet of issues, last in the book: errors first, each linked to its cell."""
    title = _free_title(messages.render("returned.sheet_name")[0], target.book.sheetnames)
    page = target.book.create_sheet(title)
    counts = {
        name: sum(issue.severity == severity for issue in issues)
        for name, severity in (("errors", "error"), ("warnings", "warning"), ("infos", "info"))
    }
    wrapped = Alignment(wrap_text=True, vertical="top")
    head = [_both(messages, "returned.title", file=file_name, **counts), _both(messages, "returned.advice")]
    head.append("\n".join(target.notes))
    for row, text in enumerate(head, start=1):
        cell = page.cell(row, 1)
        put_text(cell, text)
        cell.alignment = wrapped
        cell.font = Font(bold=row == 1)
        page.merge_cells(start_row=row, start_column=1, end_row=row, end_column=len(_HEADINGS))
        page.row_dimensions[row].height = 16 * max(text.count("\n") + 1, 1)
    for column, (name, width) in enumerate(zip(_HEADINGS, _WIDTHS, strict=True), start=1):
        cell = page.cell(_HEADING_ROW, column)
        put_text(cell, _both(messages, f"returned.{name}"))
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="FFD9D9D9")
        cell.alignment = wrapped
        page.column_dimensions[get_column_letter(column)].width = width
    ordered = sorted(issues, key=lambda issue: _RANK[issue.severity])
    for number, issue in enumerate(ordered[:_LISTED], start=1):
        _list_issue(page, _HEADING_ROW + number, number, issue, target, messages)
    last = _HEADING_ROW + min(len(ordered), _LISTED)
    if not ordered:
        put_text(page.cell(_HEADING_ROW + 1, 1), _both(messages, "returned.none"))
    elif len(ordered) > _LISTED:
        put_text(page.cell(last + 1, 1), _both(messages, "returned.truncated", count=len(ordered) - _LISTED))
    page.auto_filter.ref = f"A{_HEADING_ROW}:{get_column_letter(len(_HEADINGS))}{last}"
    page.freeze_panes = f"A{_HEADING_ROW + 1}"
    page.sheet_properties.tabColor = "FFC00000"
    page.print_title_rows = f"{_HEADING_ROW}:{_HEADING_ROW}"
    page.page_setup.orientation = "landscape"
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr.fitToPage = True


def _list_issue(page: Worksheet, row: int, number: int, issue: Issue, target: _Target, messages: Messages) -> None:
    title = target.titles.get(issue.sheet or "")
    where = issue.cell or _both(messages, "returned.whole_sheet" if issue.sheet else "returned.whole_file")
    texts = (
        _both(messages, f"returned.severity_{issue.severity}"),
        issue.sheet or "",
        where,
        issue.raw_text or "",
        issue.message_zh,
        issue.message_en,
        # As people cite it: V32, not its variant; what reading itself says has no number.
        issue.rule.partition(".")[0] if issue.rule.startswith("V") else "",
    )
    page.cell(row, 1, number).alignment = Alignment(vertical="top")
    for column, text in enumerate(texts, start=2):
        cell = page.cell(row, column)
        put_text(cell, text)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    page.cell(row, 2).fill = _FILLS[issue.severity]
    if title is None:
        return
    found = _ADDRESS.match(issue.cell or "")
    at = found.group(1) + found.group(2) if found else "A1"
    quoted = title.replace("'", "''")
    link = page.cell(row, 4)
    link.hyperlink = Hyperlink(ref=link.coordinate, location=f"'{quoted}'!{at}")
    link.font = Font(color="FF0563C1", underline="single")


# --- what openpyxl leaves out -------------------------------------------------------------------------------------


def _with_cached_values(content: bytes, cached: dict[str, dict[str, tuple[str, bool]]]) -> bytes:
    """The saved workbook with the formulas' values put back, which openpyxl drops: previews and readers show them."""
    if not any(cached.values()):
        return content
    package = open_package(content)
    buffer = io.BytesIO()
    parts = {part: cached[title] for title, part in sheet_parts(package).items() if title in cached}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for info in package.infolist():
            data = member(package, info.filename)
            if info.filename in parts and b"<f" in data:
                data = _fill_values(data.decode("utf-8"), parts[info.filename]).encode("utf-8")
            out.writestr(info, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _fill_values(sheet: str, values: dict[str, tuple[str, bool]]) -> str:
    def fill(found: re.Match[str]) -> str:
        at, tag, formula_tag, formula = found.groups()
        if at not in values:
            return found.group()
        text, is_text = values[at]
        kind = ""
        if is_text:
            kind = ' t="e"' if text.startswith("#") and text.isascii() else ' t="str"'
        tag = _TYPE.sub("", tag)
        return f'<c r="{at}"{tag}{kind}><f{formula_tag}>{formula}</f><v>{escape(text, quote=False)}</v></c>'

    return _FORMULA_CELL.sub(fill, sheet)


# --- a zip of workbooks -------------------------------------------------------------------------------------------


def _mark_archive(content: bytes, issues: Sequence[Issue], messages: Messages) -> bytes:
    """Each member marked with its own issues; those of the archive itself go to every member's list."""
    buffer = io.BytesIO()
    with open_package(content) as package, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for info in package.infolist():
            name = member_name(info)
            own = [
                replace(issue, sheet=(issue.sheet or "")[len(name) + 1 :] or None)
                for issue in issues
                if issue.sheet == name or (issue.sheet or "").startswith(name + "/")
            ]
            if info.is_dir() or (not own and name.startswith("__MACOSX/")):
                continue
            try:
                data = member(package, info.filename)
            except Unreadable:
                continue
            own += [issue for issue in issues if issue.sheet is None]
            marked, new_name = mark(data, PurePosixPath(name).name, own, messages)
            out.writestr(str(PurePosixPath(name).with_name(new_name)), marked)
    return buffer.getvalue()
