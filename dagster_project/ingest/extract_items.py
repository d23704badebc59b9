"""Tables whose rows are indicators, of one unit or of the unit that a column names: layouts L2, L4 (domain.md C.3).

Belongs here: names of indicators with their nesting, their figures.
Does not belong here: rows that are units (extract_units.py), targets (extract_targets.py), header (recognise.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dagster_project.ingest.grid import CellValue, address
from dagster_project.ingest.model import Level, UnitRef
from dagster_project.ingest.plan import is_filled, plan_row
from dagster_project.ingest.recognise import pick_indicator
from dagster_project.ingest.rows import RowKeys, append, county_named, row_text, row_unit_of
from dagster_project.ingest.table import CURRENT, Table
from dagster_project.ingest.units import Unit
from dagster_project.ingest.vocabulary import Indicator


@dataclass(slots=True)
class Nest:
    """The indicators above a row, outermost first, with their indentation."""

    stack: list[tuple[int, str]] = field(default_factory=list)

    def parents(self) -> list[str]:
        return [code for _, code in reversed(self.stack)]

    def enter(self, code: str, depth: int, is_part: bool) -> None:
        if not is_part and depth == 0:
            self.stack.clear()
        else:
            while self.stack and self.stack[-1][0] > depth:
                self.stack.pop()
        self.stack.append((depth, code))


def indentation(text: str) -> int:
    return len(text) - len(text.lstrip(" \u00a0\u3000\t"))


def row_indicator(table: Table, text: str, nest: Nest) -> Indicator | None:
    """The indicator that a row's name means, by itself or as a part of those above it."""
    vocabulary = table.vocabulary
    term = vocabulary.term(text)
    depth = indentation(text)
    parents = nest.parents()
    code = pick_indicator(term, table.form.code, parents, vocabulary)
    if code is None:
        return None
    nest.enter(code, depth, term.is_part)
    return vocabulary.indicators[code]


def extract_items(table: Table) -> None:
    """Rows are indicators of one unit, or of the unit that a column names (L2, L4, long tables)."""
    index = table.field_index("indicator")
    assert index is not None
    keys = RowKeys.of(table)
    nest = Nest()
    current: UnitRef | None = None
    is_total = False
    starts: dict[int, int] = {}
    entries: list[tuple[UnitRef, int, int, int]] = []
    unit_index = keys.enterprise if keys.enterprise is not None else keys.township
    figure_columns = [column for column in table.columns if column.kind == "figure"]
    for row, cells in table.rows():
        if unit_index is not None:
            text = table.text(cells, unit_index)
            if text and not table.is_ditto(text):
                found = table.vocabulary.total_row(text)
                is_county = county_named(table, text) or (found is not None and found[0] == "county")
                is_total = found is not None and not is_county
                own: Level = "enterprise" if keys.enterprise is not None else "township"
                current = (
                    UnitRef("county")
                    if is_county
                    else UnitRef(own, name=text, township=text, township_cell=address(row, unit_index))
                )
                nest = Nest()
        unit = current if current is not None else table.reporter
        raw = cells[index] if index < len(cells) else None
        if not isinstance(raw, str) or not raw.strip():
            if any(c.index < len(cells) and cells[c.index] not in (None, "") for c in figure_columns):
                table.issue("parse.no_item", "error", row, index, row_text(table, cells))
            continue
        term = table.vocabulary.term(raw)
        if any(reading.kind == "ignore" and reading.form in (None, table.form.code) for reading in term.readings):
            continue
        indicator = row_indicator(table, raw, nest)
        has_figures = any(
            column.index < len(cells) and cells[column.index] not in (None, "") for column in figure_columns
        )
        if indicator is None:
            if has_figures:
                table.issue("parse.unknown_row", "warning", row, index, raw.strip(), name=raw.strip())
            continue
        start = len(table.workbook.observations)
        _item_row(table, keys, indicator, unit, row, cells, term.units, raw.strip(), is_total)
        if starts.get(id(unit)) is None:
            starts[id(unit)] = start
            entries.append((unit, row, unit_index if current is not None and unit_index is not None else index, start))
    for position, (unit, row, column, start) in enumerate(entries):
        end = entries[position + 1][3] if position + 1 < len(entries) else len(table.workbook.observations)
        held = table.workbook.observations[start:end]
        if any(observation.measure in CURRENT for observation in held) and table.period is not None:
            told = table.vocabulary.word("unit_status", table.context.value("unit_status") or "")
            table.finish_row(unit, row, address(row, column), start, told, table.period)
            table.units[-1].end = end


def _item_row(
    table: Table,
    keys: RowKeys,
    indicator: Indicator,
    unit: UnitRef,
    row: int,
    cells: Sequence[CellValue],
    name_units: tuple[Unit, ...],
    name: str,
    is_total: bool,
) -> None:
    row_units, problem = row_unit_of(table, keys.unit, row, cells)
    start = len(table.workbook.observations)
    for one in plan_row(table, indicator, name, row_units or name_units, cells):
        if is_total:
            table.total(one, row, cells, None, row_units or name_units)
            continue
        if one.is_unused and not is_filled(cells, one.index):
            continue
        observation = table.observe(one, unit, row, cells, row_units or name_units, row_unit_problem=problem)
        if observation is not None:
            append(table, observation, one, start, row)
