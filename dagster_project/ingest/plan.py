"""What each column of a table holds, once its neighbours, the sheet's period and the indicator's kind have had a say.

Belongs here: measures and periods of columns (design.md 3.5, domain.md C.2).
Does not belong here: words of headings (recognise.py), reading cells (table.py, extract_*.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dagster_project.ingest.grid import CellValue
from dagster_project.ingest.recognise import Column
from dagster_project.ingest.table import OPTIONAL_WHEN_UNUSED, Planned, Table
from dagster_project.ingest.units import Unit
from dagster_project.ingest.vocabulary import Indicator

YEAR_END = 12


def default_measure(table: Table) -> str:
    """The measure of a flow whose heading names none: what the title's period is; in a table of targets the target."""
    if table.form.subject == "targets":
        return "target"
    return "month" if table.grain == "month" else "ytd"


def column_period(table: Table, column: Column, measure: str | None) -> tuple[date | None, str | None, str | None]:
    """The period of one column: date, measure changed by it, and a text where it contradicts the sheet."""
    sheet = table.period
    said = column.period
    if said is None or sheet is None:
        return sheet, measure, None
    month = said.month
    if said.year is None:
        if month is not None and month != sheet.month and said.grain in ("month", "ytd"):
            return sheet, measure, said.text
        return sheet, measure, None
    if month is None:
        if said.year == sheet.year or measure == "prior_actual":
            return sheet, measure, None
        if said.year == sheet.year - 1:
            return sheet, _as_base(measure), None
        return date(said.year, sheet.month, 1), measure, None
    if (said.year, month) == (sheet.year, sheet.month):
        return sheet, measure, None
    if (said.year, month) == (sheet.year - 1, sheet.month):
        return sheet, _as_base(measure), None
    return date(said.year, month, 1), measure, None


def _as_base(measure: str | None) -> str | None:
    """A column of last year's same period holds the base of this year's."""
    if measure in (None, "value", "ytd", "stock"):
        return "base_ytd" if measure is not None else "base"
    return "base_month" if measure == "month" else measure


def settle_measures(kind: str, measures: Sequence[str | None], default: str) -> list[tuple[str | None, bool]]:
    """What each of one indicator's columns measures, given its neighbours; None where no measure holds it.

    `measures` from left to right, as headings say; the flag marks a spare column (see Planned.is_spare).
    A stock has one figure a period; a base beside a year to date is its base, beside a month only the month's
    (design.md 3.5); a rate or base that follows a month column while the year to date has its own is the month's.
    """
    said = [default if measure in (None, "value") else measure for measure in measures]
    has_total = any(measure in ("ytd", "stock") for measure in said)
    growths = sum(measure == "declared_growth" for measure in said)
    bases = sum(measure == "base" for measure in said)
    settled: list[tuple[str | None, bool]] = []
    nearest: str | None = None
    for measure in said:
        result: str | None = measure
        if measure in ("month", "ytd", "stock"):
            nearest = measure
        if measure == "base":
            beside_month = nearest == "month" if bases > 1 or not has_total else False
            result = "base_month" if beside_month and kind != "stock" else "base_ytd"
        elif measure == "declared_growth":
            if kind != "stock" and nearest == "month" and (growths > 1 or not has_total):
                result = "month_growth"
        elif measure == "prior_actual":
            result = "base_ytd"
        spare = False
        if kind == "stock":
            if result == "ytd":
                result = "stock"
            elif result == "month":
                result, spare = "stock", has_total
            elif result == "base_month":
                result = "base_ytd" if "base_ytd" not in said and "base" not in said else None
            elif result == "month_growth":
                result = "declared_growth"
        elif result == "stock":
            result = "ytd" if kind in ("ratio", "count") else None
        if result == "month_growth":
            result = None
        settled.append((result, spare))
    return settled


def plan_columns(table: Table) -> list[Planned]:
    """Settle indicator, measure and period of every figure column that names its indicator."""
    by_indicator: dict[str, list[Column]] = {}
    for column in table.columns:
        if column.kind != "figure":
            continue
        if column.indicator is not None:
            by_indicator.setdefault(column.indicator, []).append(column)
        else:
            # a measure of nothing: where rows are units, the heading must say of what
            table.issue(
                "parse.unknown_column", "warning", table.first - 1, column.index, column.path, heading=column.path
            )
    planned: list[Planned] = []
    for code, columns in by_indicator.items():
        indicator = table.vocabulary.indicators[code]
        dated = [column_period(table, column, column.measure) for column in columns]
        settled = settle_measures(indicator.kind, [measure for _, measure, _ in dated], default_measure(table))
        taken: set[tuple[str, date]] = set()
        for column, (period, _, conflict), (measure, spare) in zip(columns, dated, settled, strict=True):
            if period is None:
                continue
            if measure is None:
                report_measure(table, column, indicator)
                continue
            if measure in ("target", "target_growth", "target_stretch"):
                period = date(period.year, YEAR_END, 1)
            if (measure, period) in taken and not spare:
                table.issue(
                    "parse.duplicate_column",
                    "warning",
                    table.first - 1,
                    column.index,
                    column.path,
                    heading=column.path,
                    indicator_zh=indicator.name_zh,
                    indicator_en=indicator.name_en,
                )
                continue
            if not spare:
                taken.add((measure, period))
            if conflict is not None:
                table.issue(
                    "parse.column_period",
                    "error",
                    table.first - 1,
                    column.index,
                    column.path,
                    quarantines=True,
                    indicator=code,
                    heading=column.path,
                    said=conflict,
                    period_text=f"{table.period:%Y-%m}" if table.period else "",
                )
            planned.append(
                Planned(
                    column.index,
                    indicator,
                    measure,
                    period,
                    column.path,
                    column.units,
                    column.unknown_unit,
                    is_spare=spare,
                    conflict=conflict,
                )
            )
    planned.sort(key=lambda one: (one.is_spare, one.index))
    return planned


def report_measure(table: Table, column: Column, indicator: Indicator) -> None:
    """Tell once that a column of this indicator's has no measure."""
    if (column.index, indicator.kind) in table.told:
        return
    table.told.add((column.index, indicator.kind))
    key = "parse.month_growth" if column.measure in ("declared_growth", "month_growth") else "parse.measure_kind"
    table.issue(
        key,
        "info" if key == "parse.month_growth" else "warning",
        table.first - 1,
        column.index,
        column.path,
        heading=column.path,
        indicator_zh=indicator.name_zh,
        indicator_en=indicator.name_en,
    )


def mark_unused(table: Table, planned: Sequence[Planned]) -> None:
    """A column of bases or growth rates that no row fills is not asked for; a blank in it says nothing."""
    for one in planned:
        if one.measure not in OPTIONAL_WHEN_UNUSED and not one.measure.startswith("target"):
            continue
        one.is_unused = one.measure.startswith("target") or not any(
            one.index < len(cells) and cells[one.index] not in (None, "")
            for cells in table.sheet.rows[table.first : table.last]
        )


def plan_row(
    table: Table, indicator: Indicator, name: str, row_units: tuple[Unit, ...], cells: Sequence[CellValue]
) -> list[Planned]:
    """The figure columns of a row that names its indicator. Every sheet of a month has the same rows: remembered."""
    plans = table.vocabulary.plans
    key = (indicator.code, name, table.period, table.grain, table.form.code, id(table.columns))
    known: tuple[list[Column], list[Planned]] | None = plans.get(key)
    if known is not None and known[0] is table.columns:
        return known[1]
    planned, is_settled = _plan_row(table, indicator, name, cells)
    if is_settled:
        if len(plans) > 2_000:
            plans.clear()
        plans[key] = table.columns, planned
    return planned


def _plan_row(table: Table, indicator: Indicator, name: str, cells: Sequence[CellValue]) -> tuple[list[Planned], bool]:
    """The same, and whether it will be so for every row of this name: a column without a measure depends on the cell."""
    columns = tuple(c for c in table.columns if c.kind == "figure" and c.indicator in (None, indicator.code))
    key = (indicator.kind, table.period, tuple(column.index for column in columns))
    settled = table.settled.get(key)
    if settled is None:
        # rows of one kind of indicator share their columns, so that these are settled once a table
        dated = [column_period(table, column, column.measure) for column in columns]
        measures = settle_measures(indicator.kind, [measure for _, measure, _ in dated], default_measure(table))
        settled = table.settled[key] = [
            (period, conflict, measure, spare)
            for (period, _, conflict), (measure, spare) in zip(dated, measures, strict=True)
        ]
    planned = []
    is_settled = True
    for column, (period, conflict, measure, spare) in zip(columns, settled, strict=True):
        if period is None:
            continue
        if measure is None:
            is_settled = False
            if is_filled(cells, column.index):
                report_measure(table, column, indicator)
            continue
        if measure.startswith("target"):
            period = date(period.year, YEAR_END, 1)
        planned.append(
            Planned(
                column.index,
                indicator,
                measure,
                period,
                f"{name} / {column.path}",
                column.units,
                column.unknown_unit,
                is_unused=measure in OPTIONAL_WHEN_UNUSED or measure.startswith("target"),
                is_spare=spare,
                conflict=conflict,
            )
        )
    planned.sort(key=lambda one: one.is_spare)
    return planned, is_settled


def is_filled(cells: Sequence[CellValue], index: int) -> bool:
    return index < len(cells) and cells[index] not in (None, "")
