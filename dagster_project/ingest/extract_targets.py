"""Tables of targets → observations of targets and last year's actuals (layout L6, domain.md C.3, I.19).

Belongs here: target texts ('at most 2', 'down 4.5 %'), tiers, target forms.
Does not belong here: the texts' patterns (seeds/reference/text_patterns.csv), progress against targets (dbt).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dagster_project.ingest.extract_items import Nest, row_indicator
from dagster_project.ingest.extract_units import extract_units
from dagster_project.ingest.grid import CellValue, address
from dagster_project.ingest.model import Observation, UnitRef
from dagster_project.ingest.plan import YEAR_END
from dagster_project.ingest.recognise import Column
from dagster_project.ingest.rows import RowKeys, county_named, row_unit_of
from dagster_project.ingest.table import Planned, Table
from dagster_project.ingest.text import normalise
from dagster_project.ingest.units import Unit
from dagster_project.ingest.values import bare_number
from dagster_project.ingest.vocabulary import Indicator, Vocabulary

RELATIVE_FORMS = frozenset(("growth", "reduction", "share"))


@dataclass(frozen=True, slots=True)
class Target:
    """A target's text as read. `number` None: the form is set, the figure still pending. `unit` is the text's own."""

    form: str
    number: Decimal | None
    unit: str | None


def read_target(text: str, vocabulary: Vocabulary) -> Target | None:
    """'at most 2' → cap 2; 'down 4.5%' → reduction 4.5; None where the text has no such wording (a plain number)."""
    normal = normalise(text)
    for pattern, role in vocabulary.patterns.get("target", ()):
        match = pattern.search(normal)
        if match is None:
            continue
        form, marked, fixed = role.partition(":")
        groups = match.groupdict()
        if marked:
            return Target(form, Decimal(fixed) if fixed else None, groups.get("unit") or None)
        number, suffix = bare_number(groups["number"])
        if number is None:
            continue
        return Target(form, number, groups.get("unit") or suffix or None)
    return None


def plain_form(indicator: Indicator, measure: str, is_percent: bool) -> str:
    """The form of a target that is only a number: by its unit and by what the catalogue says of the indicator."""
    if measure == "target_growth":
        return "growth"
    catalogue = indicator.target_form or "level"
    if is_percent and indicator.dimension != "percent":
        return "reduction" if catalogue == "reduction" else "growth"
    if catalogue in ("reduction", "growth") and not is_percent:
        return "level"
    return catalogue


def extract_targets(table: Table) -> None:
    """Rows name a unit and an indicator, columns hold last year's actual, targets and their growth."""
    index = table.field_index("indicator")
    if index is None:
        extract_units(table)
        _mark_forms(table)
        return
    keys = RowKeys.of(table)
    tier_index = table.field_index("tier")
    nest = Nest()
    unit: UnitRef | None = None
    is_total = False
    columns = [column for column in table.columns if column.kind == "figure"]
    for row, cells in table.rows():
        text = table.text(cells, keys.township)
        if text and not table.is_ditto(text):
            found = table.vocabulary.total_row(text)
            is_county = county_named(table, text) or (found is not None and found[0] == "county")
            is_total = found is not None and not is_county
            place = address(row, keys.township or 0)
            unit = (
                UnitRef("county") if is_county else UnitRef("township", name=text, township=text, township_cell=place)
            )
            nest = Nest()
        raw = cells[index] if index < len(cells) else None
        filled = any(column.index < len(cells) and cells[column.index] not in (None, "") for column in columns)
        if not isinstance(raw, str) or not raw.strip():
            if filled:
                table.issue("parse.no_item", "error", row, index)
            continue
        indicator = row_indicator(table, raw, nest)
        if indicator is None:
            if filled:
                table.issue("parse.unknown_row", "warning", row, index, raw.strip(), name=raw.strip())
            continue
        row_units, problem = row_unit_of(table, keys.unit, row, cells)
        units = row_units or table.vocabulary.term(raw).units
        tier = table.vocabulary.word("tier", table.text(cells, tier_index)) if tier_index is not None else None
        for column in columns:
            if column.index < len(cells) and cells[column.index] not in (None, ""):
                owner = unit if unit is not None else table.reporter
                _target_cell(table, column, indicator, owner, row, cells, units, problem, tier, raw.strip(), is_total)


def target_period(table: Table, column: Column, row: int) -> date | None:
    """December of the target's year; last year's actual stands there too, as its base."""
    year = table.period.year if table.period else None
    said = column.period.year if column.period else None
    if column.measure == "prior_actual":
        if year is not None and said is not None and said != year - 1:
            table.issue("parse.column_year", "warning", row, column.index, column.path, heading=column.path, year=year)
            return None
        return date(year, YEAR_END, 1) if year else None
    if said is not None and year is not None and said != year:
        table.issue("parse.column_year", "warning", row, column.index, column.path, heading=column.path, year=year)
        return None
    year = year or said
    return date(year, YEAR_END, 1) if year else None


def _target_cell(
    table: Table,
    column: Column,
    indicator: Indicator,
    unit: UnitRef,
    row: int,
    cells: Sequence[CellValue],
    units: tuple[Unit, ...],
    problem: str | None,
    tier: str | None,
    name: str,
    is_total: bool,
) -> None:
    period = target_period(table, column, row)
    if period is None:
        return
    measure = column.measure or "target"
    if measure in ("month", "ytd", "value", "stock"):
        measure = "target" if measure == "value" else measure
    if measure in ("declared_growth", "month_growth"):
        measure = "target_growth"
    if measure in ("prior_actual", "base", "base_month", "base_ytd"):
        measure = "base_ytd"
    form: str | None = None
    if measure == "target" and tier == "target_stretch":
        measure = "target_stretch"
    planned = Planned(
        column.index, indicator, measure, period, f"{name} / {column.path}", column.units, column.unknown_unit
    )
    if measure == "base_ytd" and _is_repeated_actual(table, indicator, unit, row, cells, planned):
        return
    if is_total:
        if measure in ("target", "base_ytd"):
            table.total(planned, row, cells, None, units)
        return
    value = cells[column.index]
    target = read_target(value, table.vocabulary) if isinstance(value, str) and measure.startswith("target") else None
    if target is not None:
        table.workbook.observations.append(_worded(table, planned, target, unit, row, str(value), units, problem))
        return
    figure = table.read(row, column.index, cells)
    if figure.number is None and figure.problem is None:
        return  # a dash or another token in a target column: no target is set
    if figure.problem == "text":
        table.issue(
            "parse.target_text",
            "error",
            row,
            column.index,
            quarantines=True,
            indicator=indicator.code,
            period=period,
            indicator_zh=indicator.name_zh,
            indicator_en=indicator.name_en,
        )
        table.workbook.observations.append(_unread(table, planned, unit, row, figure.raw_text))
        return
    percent = _is_percent(table, figure.suffix) or (
        figure.suffix is None and any(one.dimension == "percent" for one in (*units, *column.units))
    )
    if measure.startswith("target"):
        form = plain_form(indicator, measure, percent)
        if form == "growth" and measure == "target":
            planned.measure = "target_growth"
        if tier == "cap" and form == "level":
            form = "cap"
        if form == "reduction" and figure.number is not None:
            table.workbook.observations.append(
                _worded(
                    table,
                    planned,
                    Target("reduction", abs(figure.number), figure.suffix or "%"),
                    unit,
                    row,
                    figure.raw_text,
                    units,
                    problem,
                )
            )
            return
    observation = table.observe(planned, unit, row, cells, units, row_unit_problem=problem)
    if observation is not None:
        observation.target_form = form
        table.workbook.observations.append(observation)


def _is_repeated_actual(
    table: Table, indicator: Indicator, unit: UnitRef, row: int, cells: Sequence[CellValue], planned: Planned
) -> bool:
    """Whether the actual stands in an earlier row already, as where each tier has a row of its own."""
    figure = table.read(row, planned.index, cells)
    for other in reversed(table.workbook.observations):
        if other.unit is not unit:
            return False
        if other.indicator_code == indicator.code and other.measure == "base_ytd":
            return other.raw_text == figure.raw_text
    return False


def _is_percent(table: Table, suffix: str | None) -> bool:
    unit = table.vocabulary.units.find(suffix) if suffix else None
    return unit is not None and unit.dimension == "percent"


def _worded(
    table: Table,
    planned: Planned,
    target: Target,
    unit: UnitRef,
    row: int,
    raw: str,
    units: tuple[Unit, ...],
    problem: str | None,
) -> Observation:
    form = target.form
    if form == "growth" and planned.measure == "target":
        planned.measure = "target_growth"
    if form == "full" and planned.indicator.dimension != "percent":
        form = "level"
    scale = table.scale(planned.indicator, "target", units, planned.column_units)
    factor, spelling, wrong = scale.factor, scale.spelling, scale.problem
    if form in RELATIVE_FORMS:
        # a relative target is in percent or points, whatever unit the row gives for its level
        factor, spelling, wrong, problem = Decimal(1), target.unit or "%", None, None
    elif target.unit:
        own = table.suffix_scale(target.unit, planned.indicator, False)
        factor, spelling, wrong = own.factor, own.spelling, own.problem
    observation = Observation(
        form_code=table.form.code,
        indicator_code=planned.indicator.code,
        unit=unit,
        period=planned.period,
        measure=planned.measure,
        value=None if target.number is None else target.number * factor,
        null_reason="unknown" if target.number is None else None,
        sheet=table.sheet.name,
        cell=address(row, planned.index),
        raw_text=raw,
        raw_unit=spelling,
        unit_factor=factor,
        target_form=form,
        heading=planned.heading,
    )
    if (wrong or problem) and target.number:
        observation.status = "quarantined"
        table.issue(
            f"parse.{wrong or 'unknown_unit'}",
            "error",
            row,
            planned.index,
            quarantines=True,
            indicator=planned.indicator.code,
            period=planned.period,
            unit=spelling or problem or "",
            expected=planned.indicator.unit,
            indicator_zh=planned.indicator.name_zh,
            indicator_en=planned.indicator.name_en,
        )
    return observation


def _unread(table: Table, planned: Planned, unit: UnitRef, row: int, raw: str) -> Observation:
    return Observation(
        form_code=table.form.code,
        indicator_code=planned.indicator.code,
        unit=unit,
        period=planned.period,
        measure=planned.measure,
        value=None,
        null_reason="unknown",
        sheet=table.sheet.name,
        cell=address(row, planned.index),
        raw_text=raw,
        heading=planned.heading,
        status="quarantined",
    )


def _mark_forms(table: Table) -> None:
    """Targets of a wide table (one column an indicator): their form by the catalogue."""
    for observation in table.workbook.observations:
        if observation.form_code == table.form.code and observation.measure.startswith("target"):
            indicator = table.vocabulary.indicators[observation.indicator_code]
            observation.target_form = observation.target_form or plain_form(indicator, observation.measure, False)
