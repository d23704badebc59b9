"""Ledgers: months as columns, items of a fuel as rows, each this month and cumulative: layout L8 (domain.md C.3).

Belongs here: unpivoting the months. Does not belong here: which items an indicator carries (heading_aliases.csv).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dagster_project.ingest.grid import CellValue
from dagster_project.ingest.periods import Period
from dagster_project.ingest.plan import is_filled, settle_measures
from dagster_project.ingest.recognise import pick_indicator
from dagster_project.ingest.rows import row_unit_of
from dagster_project.ingest.table import Planned, Table


def extract_ledger(table: Table) -> None:
    """Months are columns; rows are items of one fuel, each this month and cumulative (L8)."""
    months = [
        (column.index, month)
        for column in table.columns
        if column.period is not None and (month := ledger_month(table, column.period)) is not None
    ]
    if not months:
        return
    first_month = min(index for index, _ in months)
    labels = [
        column.index
        for column in table.columns
        if column.index < first_month and column.field not in ("order_no", "unit", "row_code", "identifier")
    ]
    if not labels:
        labels = list(range(first_month))
    labels = sorted({*labels, *(i for i in range(first_month) if all(c.index != i for c in table.columns))})
    place = labels[0] if labels else 0
    unit_index = table.field_index("unit")
    fuel = _fuel(table, table.context.value("fuel") or "")
    memory: dict[int, str] = {}
    start = len(table.workbook.observations)
    seen: set[date] = set()
    for row, cells in table.rows():
        texts = _ledger_labels(table, cells, labels, memory)
        item = _ledger_item(table, texts, fuel)
        if isinstance(item, str):
            continue  # an item that no indicator carries
        filled = [(index, month) for index, month in months if is_filled(cells, index)]
        if item is None:
            if filled:
                table.issue("parse.unknown_row", "warning", row, place, " ".join(texts), name=" ".join(texts))
            continue
        code, measure = item
        if code is None:
            if filled:
                table.issue("parse.no_fuel", "error", row, place, " ".join(texts))
            continue
        if not filled:
            continue
        indicator = table.vocabulary.indicators[code]
        row_units, problem = row_unit_of(table, unit_index, row, cells)
        ((settled, spare),) = settle_measures(indicator.kind, [measure], "month")
        if settled is None or spare:
            continue
        last = max(month for _, month in filled)
        for index, month in months:
            if month > last:
                continue  # months that are still to come
            planned = Planned(index, indicator, settled, month, " / ".join([*texts, f"{month:%Y-%m}"]))
            observation = table.observe(planned, table.reporter, row, cells, row_units, row_unit_problem=problem)
            if observation is not None:
                table.workbook.observations.append(observation)
                seen.add(month)
    if seen:
        table.period = max(seen)
        for month in sorted(seen):
            _ledger_coverage(table, month, start)


def _ledger_coverage(table: Table, month: date, start: int) -> None:
    held = [o for o in table.workbook.observations[start:] if o.period == month]
    if held:
        row = table.first
        entry_start = len(table.workbook.observations)
        table.finish_row(table.reporter, row, held[0].cell, entry_start, None, month)
        entry = table.units[-1]
        entry.filled = sum(o.value is not None for o in held)
        entry.nonzero = sum(bool(o.value) for o in held)


def ledger_month(table: Table, period: Period) -> date | None:
    year = period.year or (table.period.year if table.period else None) or (table.said.year if table.said else None)
    if year is None or period.month is None or period.grain != "month":
        return None
    return date(year, period.month, 1)


def _ledger_labels(
    table: Table, cells: Sequence[CellValue], labels: Sequence[int], memory: dict[int, str]
) -> list[str]:
    """The label cells of a row, blanks filled from above; a new label clears those to its right."""
    texts = []
    for position, index in enumerate(labels):
        text = table.text(cells, index)
        if text and not table.is_ditto(text):
            memory[index] = text
            for right in labels[position + 1 :]:
                memory.pop(right, None)
        if memory.get(index):
            texts.append(memory[index])
    return texts


def _fuel(table: Table, text: str) -> str | None:
    if not text:
        return None
    code = pick_indicator(table.vocabulary.term(text), table.form.code, (), table.vocabulary)
    return code if code in table.vocabulary.fuels else None


def _ledger_item(table: Table, texts: Sequence[str], fuel: str | None) -> tuple[str | None, str | None] | str | None:
    """(indicator, measure) of a ledger row; 'ignored' for items that no indicator carries; None where unknown."""
    code: str | None = None
    measure: str | None = None
    consumption = False
    known = False
    last_is_read = True
    item: dict[
        str | None, str
    ] = {}  # the row's indicator by the fuel that it is a part of: stock, purchases, coefficient
    for text in texts:
        term = table.vocabulary.term(text)
        readings = [r for r in (*term.readings, *term.extra) if r.form in (None, table.form.code)]
        readings.sort(key=lambda reading: reading.form is None)
        last_is_read = bool(readings) or term.is_part
        if any(r.kind == "ignore" for r in readings) or (
            term.is_part and not any(r.kind == "indicator" for r in readings)
        ):
            return "ignored"
        for reading in readings:
            if reading.kind == "field" and reading.name == "fuel_consumption":
                consumption = known = True
            elif reading.kind == "measure":
                measure = reading.name
                known = True
            elif reading.kind == "indicator" and reading.within is None and code is None:
                code = reading.name
                known = True
            elif reading.kind == "indicator" and reading.within is not None:
                item.setdefault(reading.within, reading.name)
                known = True
    if measure is None and not last_is_read:
        # the word beside the figures, where the measure stands, is not known: a month must not be taken for granted
        return None
    if item:
        # an item of a fuel that keeps no such indicator (the stock of electricity) is left out
        own = code if code in table.vocabulary.fuels else fuel
        return (item[own], measure) if own in item else (None, None) if own is None else "ignored"
    if not known or (code is None and not consumption):
        return None
    if consumption and (code is None or code not in table.vocabulary.fuels):
        code = fuel if code is None else code
    return code, measure
