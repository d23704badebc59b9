"""One planned file and the faults planted in it: the records between plan.py and layouts.py.

Belongs here: plain data classes and the filler that writes a figure, applies its fault and remembers both.
Does not belong here: when something goes wrong (plan.py), which cells a form has (layouts.py).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from dagster_project.demo.workbook import Book, CellContent, Defect, Fact, Sheet
from dagster_project.ingest.grid import address

NOT_REPORTED, NA, BELOW, UNKNOWN = "not_reported", "na", "below_unit", "unknown"


@dataclass(frozen=True)
class Edit:
    """A fault (or an oddity that must read well) at one cell: unit × item × measure of a planned file.

    `item` is an indicator code, or name, code, total. `content` is what stands in the cell, None for `value` as a number.
    `value` is what an honest reader reads there (stored unit), `null_reason` why nothing; with neither, the cell yields
    no figure. `expectation`: must, may, none. Cells of one `group` are one fault: a report at any of them will do.
    """

    unit: str
    item: str
    measure: str
    kind: str
    rule: str
    severity: str
    expectation: str
    planted: str
    content: CellContent = None
    value: Decimal | None = None
    null_reason: str | None = None
    group: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.unit, self.item, self.measure)


@dataclass
class PlannedFile:
    """A workbook that will be in the inbox. `rows` tells what a township's row says where it is not simply reported."""

    form: str
    period: date
    file_name: str
    received: datetime
    edits: dict[tuple[str, str, str], Edit] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)  # township code → unreported, carried, absent
    only: tuple[str, ...] = ()  # township codes of a township's own file
    absent: frozenset[str] = frozenset()  # credit codes without a row
    repeated: frozenset[str] = frozenset()  # credit codes with a second row
    as_csv: bool = False
    variant: int = 0
    is_late: bool = False
    is_resubmission: bool = False
    mid_year: bool = False

    def rng(self, seed: int) -> random.Random:
        """Looks (headings, order, number style) of this file; a resubmission looks like the file it replaces."""
        return random.Random(f"{seed}:look:{self.form}:{self.period}")


class Filler:
    """Writes the cells of one sheet, with the faults planned for them, and records facts and defects."""

    def __init__(self, book: Book, sheet: Sheet, file: PlannedFile) -> None:
        self.book, self.sheet, self.file = book, sheet, file
        self.row_defects: dict[
            int, str
        ] = {}  # rows whose unit is in doubt, so that their figures may stay out of force

    def _defect(self, edit: Edit, row: int, column: int, indicator: str) -> str:
        # numbered per file, and told apart by its name once all files are known (truth.py)
        defect_id = f"{self.file.file_name}#{edit.group or '/'.join(edit.key)}"
        self.book.defects.append(
            Defect(
                defect_id,
                edit.kind,
                edit.rule,
                edit.severity,
                edit.expectation,
                edit.planted,
                self.sheet.name,
                address(row, column),
                self.sheet.text(row, column),
                indicator,
                edit.unit,
                self.book.period,
            )
        )
        return defect_id

    def mark_row(self, row: int, edit: Edit) -> None:
        """A fault of a whole row (a row that stands twice): every figure of it is spoilt."""
        self.row_defects[row] = f"{self.file.file_name}#{edit.group or '/'.join(edit.key)}"

    def record_row(self, row: int, column: int, edit: Edit) -> None:
        """The same fault, at one of the row's cells once it is written."""
        self._defect(edit, row, column, "")

    def missing(self, edit: Edit) -> None:
        """A row that is not there: a fault of the sheet, at no cell."""
        defect_id = f"{self.file.file_name}#{'/'.join(edit.key)}"
        self.book.defects.append(
            Defect(
                defect_id,
                edit.kind,
                edit.rule,
                edit.severity,
                edit.expectation,
                edit.planted,
                self.sheet.name,
                unit_id=edit.unit,
                period=self.book.period,
            )
        )

    def plain(self, row: int, column: int, content: CellContent, unit: str, item: str, style: str = "body") -> None:
        """A name, a code, a total: no figure of its own, but a place for faults."""
        edit = self.file.edits.get((unit, item, ""))
        self.sheet.put(row, column, content if edit is None else edit.content, style)
        if edit is not None:
            defect = self._defect(edit, row, column, "")
            if item in ("name", "code"):
                self.row_defects[row] = defect

    def total(
        self,
        row: int,
        column: int,
        value: Decimal | None,
        unit: str,
        item: str,
        measure: str,
        rows: tuple[int, int] | None,
    ) -> None:
        """A declared total, as a formula over `rows` where they are given."""
        edit = self.file.edits.get((unit, item, measure))
        style = "rate" if measure == "declared_growth" else "number"
        if edit is not None:
            content = edit.content if edit.content is not None else edit.value
            self.sheet.put(row, column, content, style)
            self._defect(edit, row, column, item)
        elif value is None:
            self.sheet.put(row, column, None, style)
        elif rows is not None:
            self.sheet.total(row, column, value, *rows)
        else:
            self.sheet.put(row, column, value, style)

    def figure(
        self,
        row: int,
        column: int,
        indicator: str,
        level: str,
        unit_id: str,
        township: str | None,
        measure: str,
        value: Decimal | None,
        *,
        period: date | None = None,
        factor: Decimal = Decimal(1),
        token: str = "",
        null_reason: str | None = None,
        text: str | None = None,
        is_carried: bool = False,
        is_optional: bool = False,
    ) -> None:
        """One figure in its stored unit; `factor` is how many of them the printed unit holds, `text` another spelling."""
        style = "rate" if measure == "declared_growth" else "number"
        edit = self.file.edits.get((unit_id, indicator, measure))
        defect = self.row_defects.get(row)
        if edit is not None:
            content = edit.content if edit.content is not None or edit.value is None else edit.value / factor
            self.sheet.put(row, column, content, style)
            defect = self._defect(edit, row, column, indicator)
            value, null_reason = edit.value, edit.null_reason
            if edit.expectation == "none":
                defect = self.row_defects.get(row)
        elif value is None:
            self.sheet.put(row, column, token or None, style)
        else:
            self.sheet.put(row, column, text if text is not None else value / factor, style)
        if value is None and null_reason is None:
            return
        self.book.facts.append(
            Fact(
                indicator,
                level,
                unit_id,
                township,
                period or self.book.period,
                measure,
                value,
                null_reason if value is None else None,
                self.sheet.name,
                address(row, column),
                self.sheet.text(row, column),
                is_carried,
                is_optional,
                defect,
            )
        )
