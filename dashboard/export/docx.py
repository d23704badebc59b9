"""A bulletin as a Word file in the layout of GB/T 9704, the same bytes for the same draft.

Belongs here: page, fonts, paragraphs, bookmarks, links, appendix tables. Does not belong here: what the text says.

Fonts are named, never embedded: the office's own stand in its Word; fontTable.xml names what may replace them.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from typing import Any
from xml.sax.saxutils import quoteattr

from docx import Document
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from dashboard.export import tables, wording
from dashboard.export.bulletin import Draft
from dashboard.export.wording import Figure, Phrase, word

# GB/T 9704: A4, head 37 mm, binding edge 28 mm, type area 156 x 225 mm, 22 lines of 28 characters of size 3 (16 pt).
PAGE = (210.0, 297.0)
HEAD, BINDING, AREA = 37.0, 28.0, (156.0, 225.0)
LINES, CHARACTERS = 22, 28
TITLE_PT, BODY_PT, TABLE_PT, FOOT_PT = 22, 16, 10.5, 9
POINTS_PER_MM = 72 / 25.4
# A zip has no times before 1980; fixed, so that equal content gives equal bytes.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def write(draft: Draft) -> bytes:
    """The bulletin as .docx."""
    document = Document()
    _page(document.sections[0])
    _body_style(document)
    writer = _Writer(document)
    writer.paragraph([draft.title], "font.title", TITLE_PT, align=WD_ALIGN_PARAGRAPH.CENTER)
    writer.paragraph([])
    writer.paragraph([draft.addressee])
    for heading, paragraphs in draft.sections:
        writer.paragraph([heading], "font.heading", indent=True)
        for paragraph in paragraphs:
            writer.paragraph(paragraph.text, indent=True, lead=paragraph.lead)
    writer.paragraph([wording.text("attachments", "heading")], "font.heading", indent=True)
    for index, table in enumerate(draft.appendices, 1):
        item = wording.fill(wording.text("attachments", "item"), {"n": index, "text": table.title})
        writer.paragraph(item, indent=True)
    for line in draft.signature:
        writer.paragraph([line], align=WD_ALIGN_PARAGRAPH.RIGHT)
    landscape = document.add_section(WD_SECTION.NEW_PAGE)
    landscape.orientation = WD_ORIENT.LANDSCAPE
    landscape.page_width, landscape.page_height = Mm(PAGE[1]), Mm(PAGE[0])
    for index, table in enumerate(draft.appendices, 1):
        writer.appendix(index, table, is_last=index == len(draft.appendices))
    title, notes = draft.notes
    writer.paragraph([title], "font.heading", TABLE_PT)
    for note in notes:
        writer.paragraph([note], size=TABLE_PT)
    if draft.dropped:
        writer.paragraph([word("left_out")], "font.heading", TABLE_PT)
        for left in draft.dropped:
            writer.paragraph([wording.gaps(left.template)], size=TABLE_PT)
    _footer(document.sections[0], draft.stamp)
    properties = document.core_properties
    properties.title, properties.author, properties.comments = draft.title, draft.signature[0], draft.stamp
    properties.created = properties.modified = draft.made_at
    properties.last_modified_by = draft.signature[0]
    out = io.BytesIO()
    document.save(out)
    return _same_bytes(out.getvalue())


def _page(section: Any) -> None:
    section.page_width, section.page_height = Mm(PAGE[0]), Mm(PAGE[1])
    section.top_margin, section.left_margin = Mm(HEAD), Mm(BINDING)
    section.right_margin = Mm(PAGE[0] - BINDING - AREA[0])
    section.bottom_margin = Mm(PAGE[1] - HEAD - AREA[1])
    grid = OxmlElement("w:docGrid")
    grid.set(qn("w:type"), "linesAndChars")
    grid.set(qn("w:linePitch"), str(round(AREA[1] * POINTS_PER_MM * 20 / LINES)))
    # In 4096ths of a point, added to the body's size.
    grid.set(qn("w:charSpace"), str(round((AREA[0] * POINTS_PER_MM / CHARACTERS - BODY_PT) * 4096)))
    for old in section._sectPr.findall(qn("w:docGrid")):
        section._sectPr.remove(old)
    section._sectPr.append(grid)


def _fonts(key: str) -> list[str]:
    return word(key).split("|")


def _set_font(run: Any, key: str, size: float) -> None:
    name = _fonts(key)[0]
    run.font.name, run.font.size = name, Pt(size)
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)


def _body_style(document: Any) -> None:
    style = document.styles["Normal"]
    name = _fonts("font.body")[0]
    style.font.name, style.font.size = name, Pt(BODY_PT)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for attribute in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(attribute), name)
    style.paragraph_format.space_after = style.paragraph_format.space_before = Pt(0)


class _Writer:
    """Adds paragraphs; keeps the names of bookmarks apart."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.used: Counter[str] = Counter()
        self.links: dict[str, str] = {}
        self.marks = 0

    def paragraph(
        self,
        phrase: Phrase,
        font: str = "font.body",
        size: float = BODY_PT,
        *,
        align: Any = None,
        indent: bool = False,
        lead: str = "",
    ) -> Any:
        paragraph = self.document.add_paragraph()
        paragraph.alignment = align
        if indent:
            paragraph.paragraph_format.first_line_indent = Pt(2 * size)
        if lead:
            run = paragraph.add_run(lead)
            run.bold = True
            _set_font(run, "font.lead", size)
        for part in phrase:
            if isinstance(part, Figure):
                self._figure(paragraph, part, font, size)
            else:
                _set_font(paragraph.add_run(part), font, size)
        return paragraph

    def _figure(self, paragraph: Any, figure: Figure, font: str, size: float) -> None:
        """A number: bookmarked by what it is, linked to the page that explains it, printed as plain text."""
        self.used[figure.bookmark] += 1
        again = self.used[figure.bookmark]
        name = figure.bookmark if again == 1 else f"{figure.bookmark}_{again}"
        self.marks += 1
        start, end = OxmlElement("w:bookmarkStart"), OxmlElement("w:bookmarkEnd")
        for element in (start, end):
            element.set(qn("w:id"), str(self.marks))
        start.set(qn("w:name"), name)
        run = paragraph.add_run(figure.text)
        _set_font(run, font, size)
        link = OxmlElement("w:hyperlink")
        if figure.trace not in self.links:
            part = paragraph.part
            self.links[figure.trace] = part.relate_to(figure.trace, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
        link.set(qn("r:id"), self.links[figure.trace])
        paragraph._p.append(start)
        link.append(run._element)
        paragraph._p.append(link)
        paragraph._p.append(end)

    def appendix(self, index: int, table: tables.Table, *, is_last: bool) -> None:
        """One table with its title, unit line and repeated heading."""
        heading = wording.fill(wording.text("table", "title"), {"n": index, "text": table.title})
        self.paragraph(heading, "font.heading", BODY_PT, align=WD_ALIGN_PARAGRAPH.CENTER)
        if table.unit_line:
            self.paragraph([table.unit_line], size=TABLE_PT, align=WD_ALIGN_PARAGRAPH.RIGHT)
        depth = len(table.columns[0].heading)
        grid = self.document.add_table(rows=depth, cols=len(table.columns))
        grid.style, grid.alignment = "Table Grid", WD_TABLE_ALIGNMENT.CENTER
        for level, first, last, bottom, text in merged(table):
            cell = grid.cell(level, first)
            if (bottom, last) != (level, first):
                cell = cell.merge(grid.cell(bottom, last))
            _cell(cell, text, WD_ALIGN_PARAGRAPH.CENTER, "font.heading")
        for row in grid.rows:
            row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
        for values in table.rows:
            cells = grid.add_row().cells
            for cell, column, value in zip(cells, table.columns, values, strict=True):
                is_number = column.decimals is not None
                side = WD_ALIGN_PARAGRAPH.RIGHT if is_number else WD_ALIGN_PARAGRAPH.LEFT
                is_text = isinstance(value, str) or not is_number
                _cell(cell, tables.shown(value, None if is_text else column.decimals), side, "font.body")
        if not is_last:
            self.document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)


def merged(table: tables.Table) -> list[tuple[int, int, int, int, str]]:
    """Heading cells as (row, first column, last column, last row, text): equal neighbours are one cell."""
    depth = len(table.columns[0].heading)
    found: list[tuple[int, int, int, int, str]] = []
    for level in range(depth):
        first = 0
        while first < len(table.columns):
            above = table.columns[first].heading[: level + 1]
            last = first
            while last + 1 < len(table.columns) and table.columns[last + 1].heading[: level + 1] == above:
                last += 1
            if level == 0 or above[level] != above[level - 1]:
                bottom = level
                while bottom + 1 < depth and table.columns[first].heading[bottom + 1] == above[level]:
                    bottom += 1
                found.append((level, first, last, bottom, above[level]))
            first = last + 1
    return found


def _cell(cell: Any, text: str, align: Any, font: str) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.alignment = align
    _set_font(paragraph.add_run(text), font, TABLE_PT)


def _footer(section: Any, stamp: str) -> None:
    """The version, and the page's number as a field; later sections follow the first one's footer."""
    paragraph = section.footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _set_font(paragraph.add_run(f"{stamp}    — "), "font.body", FOOT_PT)
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    run = paragraph.add_run("1")
    _set_font(run, "font.body", FOOT_PT)
    field.append(run._element)
    paragraph._p.append(field)
    _set_font(paragraph.add_run(" —"), "font.body", FOOT_PT)


def _font_table() -> bytes:
    """Each font with the names that may replace it, for a Word or WPS that lacks it."""
    entries = []
    for key in ("font.title", "font.body", "font.heading", "font.lead"):
        name, *others = _fonts(key)
        entries.append(f"<w:font w:name={quoteattr(name)}><w:altName w:val={quoteattr(','.join(others))}/></w:font>")
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    xml = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:fonts xmlns:w="{space}">{"".join(entries)}</w:fonts>'
    return xml.encode("utf-8")


def _same_bytes(content: bytes) -> bytes:
    """The package with its parts in a fixed order and at a fixed time, and our font table."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in sorted(source.namelist(), key=lambda part: (part != "[Content_Types].xml", part)):
            data = _font_table() if name == "word/fontTable.xml" else source.read(name)
            info = zipfile.ZipInfo(name, ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, data)
    return out.getvalue()
