"""What the extractors share: one table of one sheet, its rows, and figures read with their units.

Belongs here: the state of reading one table, row classes, cell → observation.
Does not belong here: what a layout does with its rows (extract_*.py), words (vocabulary.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from dagster_project.ingest.context import Context, NoteMark, read_note
from dagster_project.ingest.grid import CellValue, Sheet, address, cell_text
from dagster_project.ingest.model import (
    Coverage,
    DeclaredTotal,
    Issue,
    Level,
    Observation,
    ParsedWorkbook,
    Severity,
    UnitRef,
)
from dagster_project.ingest.periods import Grain, Period
from dagster_project.ingest.recognise import Column
from dagster_project.ingest.rule_ids import under_rule
from dagster_project.ingest.text import normalise, one_line
from dagster_project.ingest.units import Unit, choose
from dagster_project.ingest.values import BLANK, Figure
from dagster_project.ingest.vocabulary import Form, Indicator, Vocabulary

CURRENT = frozenset(("month", "ytd", "stock"))
OPTIONAL_WHEN_UNUSED = frozenset(("base_month", "base_ytd", "declared_growth"))
ONE = Decimal(1)


@dataclass(slots=True)
class Planned:
    """One figure column (or row item) once its indicator, measure and period are settled."""

    index: int
    indicator: Indicator
    measure: str
    period: date
    heading: str
    column_units: tuple[Unit, ...] = ()
    unknown_unit: str | None = None
    is_unused: bool = False  # no row fills it: a blank says nothing
    is_spare: bool = False  # a stock's 'this month' beside its end of period: read only to see that they agree
    conflict: str | None = None  # the column names another period than the sheet


@dataclass(slots=True)
class Scale:
    """The unit that applies to a figure: factor to the stored unit, its spelling, or what is wrong."""

    factor: Decimal
    spelling: str | None
    problem: str | None = None  # unit_mismatch, unknown_unit
    words: str = ""


@dataclass(slots=True)
class RowUnit:
    """A row that gave figures: for coverage, notes and repeated-row checks."""

    unit: UnitRef
    row: int
    cell: str
    start: int  # first of its observations
    end: int
    told: str | None  # suspended, closed, not_reported … by status column, remark or name
    period: date
    figures: int = 0
    filled: int = 0
    nonzero: int = 0
    missing: int = 0  # cells that say not reported


@dataclass(slots=True)
class Table:
    """One header block with the rows below it, as a form reads them."""

    workbook: ParsedWorkbook
    vocabulary: Vocabulary
    sheet: Sheet
    form: Form
    columns: list[Column]
    context: Context
    first: int
    last: int
    period: date | None
    said: Period | None
    grain: Grain
    reporter: UnitRef
    period_cell: str | None = None
    units: list[RowUnit] = field(default_factory=list)
    notes: list[NoteMark] = field(default_factory=list)
    scales: dict[tuple[str, bool, tuple[Unit, ...], tuple[Unit, ...]], Scale] = field(default_factory=dict)
    told: set[tuple[int, str]] = field(default_factory=set)
    # by kind of indicator, month and columns: period, conflict, measure and whether it is spare, of each column
    settled: dict[tuple[str, date | None, tuple[int, ...]], list[tuple[date | None, str | None, str | None, bool]]] = (
        field(default_factory=dict)
    )

    # ------------------------------------------------------------------ issues
    def issue(
        self,
        key: str,
        severity: Severity,
        row: int | None = None,
        column: int | None = None,
        raw: str | None = None,
        *,
        quarantines: bool = False,
        indicator: str | None = None,
        period: date | None = None,
        **fields: object,
    ) -> Issue:
        """Add one issue of this sheet; `row` and `column` zero-based, both None for the sheet as a whole."""
        if row is not None:
            cell = address(row, column or 0)
            if raw is None:
                raw = self.sheet.text(row, column or 0)
        else:
            cell = None
        made = self.vocabulary.messages.issue(
            key,
            severity,
            sheet=self.sheet.name,
            cell=cell,
            raw_text=raw,
            file=self.workbook.file_name,
            **fields,
        )
        under_rule(made)
        made.quarantines = quarantines
        made.indicator_code = indicator
        made.period = period or self.period
        self.workbook.issues.append(made)
        return made

    # ------------------------------------------------------------------ columns and rows
    def fields(self, role: str) -> list[Column]:
        return [column for column in self.columns if column.kind == "field" and column.field == role]

    def field_index(self, role: str) -> int | None:
        for column in self.columns:
            if column.field == role and column.kind == "field":
                return column.index
        return None

    def rows(self) -> Iterator[tuple[int, Sequence[CellValue]]]:
        """Rows below the header that hold something, without notes, signatures and column letters."""
        vocabulary = self.vocabulary
        for row in range(self.first, min(self.last, len(self.sheet.rows))):
            cells = self.sheet.rows[row]
            first = -1
            filled = 0
            numbers = 0
            for index, value in enumerate(cells):
                if value is None:
                    continue
                if not isinstance(value, str):
                    numbers += 1
                elif not value or value.isspace():
                    continue
                filled += 1
                if first < 0:
                    first = index
            if first < 0:
                continue
            value = cells[first]
            if isinstance(value, str) and numbers == 0:
                normal = normalise(value)
                if vocabulary.match("footer", normal):
                    for index, text in enumerate(cells):
                        if isinstance(text, str) and text:
                            self.notes.extend(read_note(text, row, index, vocabulary))
                    continue
                if filled == 1 and (
                    vocabulary.match("continuation", normal)
                    or vocabulary.match("unit_line", one_line(value).lower())
                    or normal in self.context.titles
                ):
                    continue
                if vocabulary.match("carried_note", normal) and filled <= 2 and len(normal) > 8:
                    self.notes.extend(read_note(value, row, first, vocabulary))
                    continue
            yield row, cells

    def text(self, cells: Sequence[CellValue], index: int | None) -> str:
        """A cell of a row as stripped text; '' beyond the row's end."""
        if index is None or index >= len(cells):
            return ""
        value = cells[index]
        if value is None:
            return ""
        return value.strip() if isinstance(value, str) else cell_text(value)

    def is_ditto(self, text: str) -> bool:
        return bool(text) and self.vocabulary.match("ditto", normalise(text)) is not None

    def is_merged(self, row: int, column: int) -> bool:
        """Whether a cell belongs to a merge, so that a blank in it is the merge's first cell."""
        return any(top <= row <= bottom and left <= column <= right for top, left, bottom, right in self.sheet.merges)

    # ------------------------------------------------------------------ figures
    def read(self, row: int, index: int, cells: Sequence[CellValue]) -> Figure:
        value = cells[index] if index < len(cells) else None
        sheet = self.sheet
        if not sheet.percents and not sheet.uncached:
            return self.vocabulary.figures.read(value)
        place = (row, index)
        return self.vocabulary.figures.read(
            value, is_percent=place in sheet.percents, is_uncached=place in sheet.uncached
        )

    def scale(
        self, indicator: Indicator, measure: str, row_units: tuple[Unit, ...], column_units: tuple[Unit, ...]
    ) -> Scale:
        """The unit by precedence row > column > sheet > form > catalogue, each for its own dimension (domain.md C.2)."""
        growth = measure in ("declared_growth", "target_growth")
        key = (indicator.code, growth, row_units, column_units)
        known = self.scales.get(key)
        if known is None:
            known = self.scales[key] = self._scale(indicator, growth, row_units, column_units)
        return known

    def _scale(
        self, indicator: Indicator, growth: bool, row_units: tuple[Unit, ...], column_units: tuple[Unit, ...]
    ) -> Scale:
        if growth:
            # a growth rate is in percent; of a ratio it may be a plain difference in the ratio's own unit
            unit = choose((column_units,), "percent")
            return Scale(unit.factor if unit else ONE, unit.spelling if unit else "%")
        dimension = indicator.dimension
        for stated in (row_units, column_units):
            if not stated:
                continue
            unit = choose((stated,), dimension) or self._completed(stated, indicator)
            if unit is not None:
                return Scale(unit.factor / indicator.factor, unit.spelling)
            return Scale(ONE, stated[0].spelling, "unit_mismatch", stated[0].spelling)
        unit = choose((self.context.units, self.form.default_units), dimension)
        if unit is not None:
            return Scale(unit.factor / indicator.factor, unit.spelling)
        return Scale(ONE, None)

    def _completed(self, stated: Iterable[Unit], indicator: Indicator) -> Unit | None:
        """A heading that leaves the denominator out ('capacity, t' for t/year)."""
        _, slash, denominator = indicator.unit.partition("/")
        if not slash:
            return None
        for unit in stated:
            whole = self.vocabulary.units.find(f"{unit.spelling}/{denominator}")
            if whole is not None and whole.dimension == indicator.dimension:
                return whole
        return None

    def suffix_scale(self, suffix: str, indicator: Indicator, growth: bool) -> Scale:
        """The unit written in the cell itself; it wins over all others."""
        units = self.vocabulary.units
        dimension = "percent" if growth else indicator.dimension
        if suffix in self.vocabulary.periods.scales:
            unit = units.scaled(suffix, dimension)
            if unit is not None:
                return Scale(unit.factor / indicator.factor, suffix)
        unit = units.find(suffix)
        if unit is None:
            return Scale(ONE, suffix, "unknown_unit", suffix)
        if unit.dimension == dimension:
            return Scale(unit.factor / (ONE if growth else indicator.factor), unit.spelling)
        if growth and unit.dimension == indicator.dimension:
            return Scale(unit.factor / indicator.factor, unit.spelling)
        return Scale(ONE, unit.spelling, "unit_mismatch", unit.spelling)

    def observe(
        self,
        planned: Planned,
        unit: UnitRef,
        row: int,
        cells: Sequence[CellValue],
        row_units: tuple[Unit, ...] = (),
        *,
        row_unit_problem: str | None = None,
        estimated: bool = False,
    ) -> Observation | None:
        """One figure cell → one observation, or None where a blank says nothing.

        A cell that cannot be read is kept, quarantined, with its raw text and an issue: nothing is lost.
        """
        index = planned.index
        value = cells[index] if index < len(cells) else None
        figure = self.read(row, index, cells) if value is not None else BLANK
        if figure.blank and (planned.is_unused or planned.is_spare):
            return None
        if planned.is_spare and figure.number is None:
            return None
        scale = (
            self.scale(planned.indicator, planned.measure, row_units, planned.column_units)
            if figure.suffix is None
            else self.suffix_scale(
                figure.suffix, planned.indicator, planned.measure in ("declared_growth", "target_growth")
            )
        )
        # by position: by name costs a third more, and this is done for every cell
        observation = Observation(
            self.form.code,
            planned.indicator.code,
            unit,
            planned.period,
            planned.measure,
            None,
            figure.null_reason,
            self.sheet.name,
            address(row, index),
            figure.raw_text,
            scale.spelling,
            scale.factor,
            1,
            estimated or figure.estimated,
            False,
            None,
            planned.heading,
        )
        if figure.number is not None:
            factor = scale.factor
            observation.value = figure.number if factor is ONE or factor == ONE else figure.number * factor
            problem = scale.problem or ("unknown_unit" if row_unit_problem or planned.unknown_unit else None)
            if problem is not None and not (figure.suffix is None and planned.measure == "declared_growth"):
                observation.status = "quarantined"
                self.issue(
                    f"parse.{problem}",
                    "error",
                    row,
                    index,
                    quarantines=True,
                    indicator=planned.indicator.code,
                    period=planned.period,
                    unit=scale.words or row_unit_problem or planned.unknown_unit or "",
                    expected=planned.indicator.unit,
                    indicator_zh=planned.indicator.name_zh,
                    indicator_en=planned.indicator.name_en,
                )
            if planned.conflict is not None:
                observation.status = "quarantined"
        elif figure.problem is not None:
            observation.null_reason = "unknown"
            observation.status = "quarantined"
            self.report_unreadable(figure, planned, row)
        return observation

    def report_unreadable(self, figure: Figure, planned: Planned, row: int) -> None:
        key = {"text": "not_a_number", "date": "date_in_number", "formula": "formula", "error": "cell_error"}
        self.issue(
            f"parse.{key[figure.problem or 'text']}",
            "error",
            row,
            planned.index,
            figure.raw_text,
            quarantines=True,
            indicator=planned.indicator.code,
            period=planned.period,
            indicator_zh=planned.indicator.name_zh,
            indicator_en=planned.indicator.name_en,
            unit=planned.indicator.unit,
        )

    def total(
        self,
        planned: Planned,
        row: int,
        cells: Sequence[CellValue],
        scope: str | None,
        row_units: tuple[Unit, ...] = (),
    ) -> None:
        """A cell of a total row → a declared total; growth rates of totals are recomputed, not kept."""
        if planned.measure == "declared_growth" or planned.is_spare:
            return
        figure = self.read(row, planned.index, cells)
        if figure.problem is not None:
            self.issue(
                "parse.total_unreadable",
                "warning",
                row,
                planned.index,
                indicator=planned.indicator.code,
                indicator_zh=planned.indicator.name_zh,
                indicator_en=planned.indicator.name_en,
            )
            return
        if figure.number is None:
            return
        scale = (
            self.scale(planned.indicator, planned.measure, row_units, planned.column_units)
            if figure.suffix is None
            else self.suffix_scale(figure.suffix, planned.indicator, False)
        )
        self.workbook.totals.append(
            DeclaredTotal(
                self.form.code,
                planned.indicator.code,
                planned.period,
                planned.measure,
                figure.number * scale.factor,
                self.sheet.name,
                address(row, planned.index),
                figure.raw_text,
                scope,
            )
        )

    # ------------------------------------------------------------------ coverage and notes
    def finish_row(self, unit: UnitRef, row: int, cell: str, start: int, told: str | None, period: date) -> None:
        """Remember what a row gave, from observation `start` on."""
        observations = self.workbook.observations
        entry = RowUnit(unit, row, cell, start, len(observations), told, period)
        current = [observation for observation in observations[start:] if observation.measure in CURRENT]
        values = [observation.value for observation in current if observation.value is not None]
        entry.figures, entry.filled, entry.nonzero = len(current), len(values), sum(map(bool, values))
        if len(values) < len(current):
            entry.missing = sum(one.value is None and one.null_reason == "not_reported" for one in current)
        self.units.append(entry)

    def finish(self) -> None:
        """Coverage of every unit met, after the footnotes have had their say; a table of targets reports nobody."""
        if self.form.subject == "targets":
            return
        carried = self._apply_notes()
        for entry in self.units:
            status = _coverage_status(entry)
            if id(entry) in carried:
                status = carried[id(entry)]
            self.workbook.coverage.append(
                Coverage(
                    self.form.code,
                    entry.unit,
                    entry.period,
                    status,
                    self.sheet.name,
                    entry.cell,
                    told=entry.told,
                    told_cell=self._told_cell(entry),
                )
            )

    def _told_cell(self, entry: RowUnit) -> str | None:
        """The cell of the row that words its status: the status column's, else the remark's."""
        for role in ("unit_status", "remark"):
            column = self.field_index(role)
            if column is not None and entry.told is not None:
                return address(entry.row, column)
        return None

    def _apply_notes(self) -> dict[int, str]:
        statuses: dict[int, str] = {}
        for mark in self.notes:
            named = [entry for entry in self.units if self._is_named(entry.unit, mark.name)]
            if not named and self.form.unit_level == "county" and self.vocabulary.place_codes.get(mark.name):
                # a summary has no row of the township: the note says what the county's own figures contain
                self.issue("parse.note_part", "info", mark.row, mark.column, mark.text, name=mark.name)
                continue
            if not named:
                self.issue("parse.note_unit", "warning", mark.row, mark.column, mark.text, name=mark.name)
                continue
            for entry in named:
                statuses[id(entry)] = mark.status
                if mark.status == "carried":
                    for observation in self.workbook.observations[entry.start : entry.end]:
                        observation.is_carried = True
                    self.issue("parse.carried", "info", mark.row, mark.column, mark.text, name=mark.name)
                elif entry.filled:
                    self.issue("parse.note_contradicts", "warning", mark.row, mark.column, mark.text, name=mark.name)
        return statuses

    def _is_named(self, unit: UnitRef, name: str) -> bool:
        own = normalise(unit.name or "")
        if not own:
            return False
        if own == name or clean_enterprise(own, self.vocabulary) == clean_enterprise(name, self.vocabulary):
            return True
        codes = self.vocabulary.place_codes
        return bool(codes.get(own, frozenset()) & codes.get(name, frozenset()))


def _coverage_status(entry: RowUnit) -> str:
    if entry.told in ("suspended", "closed"):
        return entry.told
    if entry.filled == 0:
        return "not_reported"
    if entry.told == "not_reported":
        return "not_reported"
    if entry.told == "zero_report" or entry.nonzero == 0:
        return "zero_report"
    return "reported"


def clean_enterprise(name: str, vocabulary: Vocabulary) -> str:
    """An enterprise's name as compared: even width, no blanks, without status marks, one word for each legal form.

    The same names come every month, so they are remembered.
    """
    known = vocabulary.clean_names.get(name)
    if known is not None:
        return known
    normal = normalise(name)
    for pattern, replacement in vocabulary.patterns.get("name_clean", ()):
        normal = pattern.sub(replacement, normal) or normal
    if len(vocabulary.clean_names) > 20_000:
        vocabulary.clean_names.clear()
    vocabulary.clean_names[name] = normal
    return normal


def level_of(form: Form) -> Level:
    return form.unit_level if form.unit_level in ("county", "township", "enterprise") else "county"  # type: ignore[return-value]
