"""What the first reader leaves out of .ods sheets: merges, percentages, hidden rows and columns, formulas unvalued.

Belongs here: one pass over content.xml of an OpenDocument spreadsheet.
Does not belong here: ordinary cell values (read_calamine.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from dagster_project.ingest.read_common import LIMITS, Extras, Limits, Package, Unreadable, member, short

_INTERESTING = re.compile(rb"-spanned=|visibility=|percentage|table:formula|repeated=\"\d{4,}\"|repeated='\d{4,}'|<!")


def refuse_entities(parser: expat.XMLParserType) -> None:
    """Make a parser refuse declarations of entities and document types (XML bombs, external entities)."""

    def refuse(*_: object) -> int:
        raise Unreadable("read.xml_entities")

    parser.EntityDeclHandler = refuse
    parser.UnparsedEntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartDoctypeDeclHandler = refuse


@dataclass(slots=True)
class _Pass:
    limits: Limits
    sheets: list[Extras] = field(default_factory=list)
    row: int = 0
    column: int = 0
    column_header: int = 0
    row_repeat: int = 1
    last_row: int = 0
    last_column: int = 0

    def start(self, name: str, items: dict[str, str]) -> None:
        if name == "table:table":
            self.sheets.append(Extras(merges=[]))
            self.row = self.column_header = self.last_row = self.last_column = 0
        elif not self.sheets:
            return
        elif name == "table:table-row":
            self.row_repeat = _count(items, "table:number-rows-repeated")
            self.column = 0
            if items.get("table:visibility") in ("collapse", "filter"):
                last = min(self.row + self.row_repeat, self.limits.xlsx_rows)
                self.sheets[-1].hidden_rows.update(range(self.row, last))
        elif name == "table:table-column":
            repeat = _count(items, "table:number-columns-repeated")
            if items.get("table:visibility") in ("collapse", "filter"):
                last = min(self.column_header + repeat, self.limits.xlsx_columns)
                self.sheets[-1].hidden_columns.update(range(self.column_header, last))
            self.column_header += repeat
        elif name in ("table:table-cell", "table:covered-table-cell"):
            self._cell(items)

    def _cell(self, items: dict[str, str]) -> None:
        extras = self.sheets[-1]
        repeat = _count(items, "table:number-columns-repeated")
        at = (self.row, self.column)
        kind = items.get("office:value-type")
        if kind is not None or "table:formula" in items:
            self.last_row = self.row + self.row_repeat
            self.last_column = max(self.last_column, self.column + repeat)
            if self.last_row * self.last_column > self.limits.area:
                raise Unreadable("read.too_large", rows=self.last_row, columns=self.last_column, limit=self.limits.area)
        if kind == "percentage":
            extras.percents.update(
                (row, column)
                for row in range(self.row, self.row + self.row_repeat)
                for column in range(self.column, self.column + repeat)
            )
        elif kind is None and "table:formula" in items:
            extras.uncached.add(at)
            extras.texts[at] = "=" + items["table:formula"].partition("=")[2]
        down, across = _count(items, "table:number-rows-spanned"), _count(items, "table:number-columns-spanned")
        if (down > 1 or across > 1) and extras.merges is not None:
            extras.merges.append((self.row, self.column, self.row + down - 1, self.column + across - 1))
        self.column += repeat

    def end(self, name: str) -> None:
        if name == "table:table-row":
            self.row += self.row_repeat


def _count(items: dict[str, str], name: str) -> int:
    text = items.get(name, "1")
    return int(text) if text.isdigit() and len(text) < 10 else 1


def scan(package: Package, limits: Limits = LIMITS) -> list[Extras]:
    """Extras of every sheet in order; raises Unreadable on entities, a broken part or a sheet that cannot fit."""
    content = member(package, "content.xml")
    if not _INTERESTING.search(content):
        return []
    found = _Pass(limits)
    parser = expat.ParserCreate()
    refuse_entities(parser)
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as fault:  # the latter two: an encoding that does not exist
        raise Unreadable("read.damaged", detail=short(str(fault))) from None
    return found.sheets
