"""Tables whose rows are units and whose columns are figures: layouts L1, L3, L5, L7 (domain.md C.3).

Belongs here: rows of townships and enterprises, their totals, units that a form registers.
Does not belong here: rows that are indicators (extract_items.py), targets (extract_targets.py), header (recognise.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dagster_project.ingest.grid import CellValue, address
from dagster_project.ingest.model import Level, RosterRow, UnitRef
from dagster_project.ingest.plan import YEAR_END, mark_unused, plan_columns
from dagster_project.ingest.rows import (
    RowKeys,
    append,
    county_named,
    first_row_period,
    identifier_text,
    row_period,
    row_status,
    row_text,
    row_unit_of,
    total_role,
)
from dagster_project.ingest.table import Planned, Table, level_of
from dagster_project.ingest.text import normalise


@dataclass(slots=True)
class _Walk:
    """What carries over from one row of units to the next."""

    township: str | None = None


def extract_units(table: Table) -> None:
    """Rows are townships or enterprises, columns are figures (L1, L3, L5, L7 and forms that register units)."""
    level = level_of(table.form)
    if table.field_index("enterprise_name") is None and not table.fields("identifier"):
        level = "township" if level == "enterprise" else level
    if level == "county" and table.field_index("township") is not None:
        level = "township"
    keys = RowKeys.of(table)
    has_row_period = keys.year is not None or keys.period is not None
    if table.period is None and has_row_period:
        table.period = first_row_period(table, keys)
    planned = [one for one in plan_columns(table) if not one.measure.startswith("target") or one.index is not None]
    mark_unused(table, planned)
    figure_columns = {one.index for one in planned}
    names = keys.names or [0]
    walk = _Walk()
    grains = {one.indicator.code: one.indicator.allows(level) for one in planned}
    for one in planned:
        if not grains[one.indicator.code]:
            # a rate of one mine means nothing; its total row still counts as a declared total
            table.issue(
                "parse.level",
                "info",
                table.first - 1,
                one.index,
                one.heading,
                indicator=one.indicator.code,
                indicator_zh=one.indicator.name_zh,
                indicator_en=one.indicator.name_en,
                heading=one.heading,
            )
    for row, cells in table.rows():
        role = total_role(table, cells, names)
        is_township_row = role is None and keys.township is not None and level == "township"
        if is_township_row and county_named(table, table.text(cells, keys.township)):
            role = ("county", None)
        if role is not None and not (role[0] == "county" and table.form.settings.get("county_rows") == "figure"):
            _total_row(table, planned, row, cells, role, walk)
            continue
        period = row_period(table, keys, row, cells) if has_row_period else table.period
        if period is None:
            continue
        unit, place = _row_unit(table, keys, level, row, cells, walk, figure_columns)
        if unit is None:
            continue
        if role is not None:
            unit = UnitRef("county")
        start = len(table.workbook.observations)
        told, estimated = row_status(table, keys, row, cells)
        row_units, unit_problem = row_unit_of(table, keys.unit, row, cells)
        for one in planned:
            if not grains[one.indicator.code]:
                continue
            if has_row_period and one.period != period:
                one = _at(one, period)
            observation = table.observe(
                one, unit, row, cells, row_units, row_unit_problem=unit_problem, estimated=estimated
            )
            if observation is not None:
                append(table, observation, one, start, row)
        table.finish_row(unit, row, address(row, place), start, told, period)
        if table.form.registers_units and table.form.subject == "indicators":
            _register(table, keys, unit, row, place, cells, told, period)


def _at(planned: Planned, period: date) -> Planned:
    shift = period if not planned.measure.startswith("target") else date(period.year, YEAR_END, 1)
    return Planned(
        planned.index,
        planned.indicator,
        planned.measure,
        shift,
        planned.heading,
        planned.column_units,
        planned.unknown_unit,
        planned.is_unused,
        planned.is_spare,
        planned.conflict,
    )


def _total_row(
    table: Table,
    planned: Sequence[Planned],
    row: int,
    cells: Sequence[CellValue],
    role: tuple[str, str | None],
    walk: _Walk,
) -> None:
    kind, scope = role
    if kind == "average":
        table.issue("parse.average_row", "info", row, 0, table.text(cells, 0))
        return
    if kind == "subtotal":
        if scope is None and table.fields("township"):
            # below a merged or filled-down township column: the subtotal of that township
            named = table.text(cells, table.field_index("township"))
            scope = named if named and table.vocabulary.total_row(named) is None else walk.township
        if scope is None or normalise(scope) not in table.vocabulary.place_codes:
            if scope is not None:
                table.issue("parse.class_total", "info", row, 0, scope)
                return
            scope = walk.township
        walk_done = scope
        for one in planned:
            table.total(one, row, cells, walk_done)
        walk.township = None
        return
    for one in planned:
        table.total(one, row, cells, None)
    walk.township = None


def _row_unit(
    table: Table,
    keys: RowKeys,
    level: Level,
    row: int,
    cells: Sequence[CellValue],
    walk: _Walk,
    figure_columns: set[int],
) -> tuple[UnitRef | None, int]:
    """Who the row is about, and the column that says so; None where the row is a group heading or says nothing."""
    vocabulary = table.vocabulary
    has_figures = any(
        index < len(cells) and cells[index] not in (None, "") and str(cells[index]).strip() for index in figure_columns
    )
    if level == "township":
        index = keys.township if keys.township is not None else (keys.names[0] if keys.names else 0)
        name = table.text(cells, index)
        code = table.text(cells, keys.region) if keys.region is not None else ""
        if not name and not code:
            if has_figures:
                table.issue("parse.no_unit", "error", row, index, quarantines=True)
                return UnitRef("township"), index
            table.issue("parse.unused_row", "info", row, 0, row_text(table, cells))
            return None, index
        if not has_figures and normalise(name) not in vocabulary.place_codes:
            table.issue("parse.unused_row", "info", row, index, name)
            return None, index
        unit = UnitRef("township", code or None, name or None, name or None, township_cell=address(row, index))
        return unit, index
    township = table.text(cells, keys.township)
    is_stated = bool(township) or (keys.township is not None and table.is_merged(row, keys.township))
    if table.form.settings.get("township_template"):
        township = _composed_township(table, keys, cells)
    elif keys.township is None:
        township = table.context.place or ""
    elif not township or table.is_ditto(township):
        township = walk.township or ""
    name = table.text(cells, keys.enterprise)
    identifier, where = identifier_text(table, keys, cells)
    if name and table.is_ditto(name):
        name = ""
    place = keys.enterprise if keys.enterprise is not None else (where or 0)
    if not name and identifier is None:
        only = row_text(table, cells)
        if not has_figures:
            if normalise(only) in vocabulary.place_codes:
                walk.township = only
            elif township and normalise(township) in vocabulary.place_codes:
                walk.township = township
            else:
                table.issue("parse.unused_row", "info", row, 0, only)
            return None, place
        table.issue("parse.no_unit", "error", row, place, quarantines=True)
        return UnitRef("enterprise", township=township or None), place
    if not has_figures and identifier is None and normalise(name) in vocabulary.place_codes:
        walk.township = name
        return None, place
    walk.township = township or None
    unit = UnitRef(
        "enterprise",
        identifier=identifier,
        name=name or None,
        township=township or None,
        identifier_cell=address(row, where) if where is not None else None,
        township_cell=address(row, keys.township or 0) if is_stated else None,
    )
    return unit, place


def _composed_township(table: Table, keys: RowKeys, cells: Sequence[CellValue]) -> str:
    """A township's name that a form puts together from columns, cleaned as the form's settings say (us_coal)."""
    settings = table.form.settings
    values = {role: table.text(cells, index) for role, index in keys.parts.items()}
    for role in list(values):
        pattern = settings.get(f"clean_{role}")
        if pattern:
            values[role] = table.vocabulary.compiled(pattern).sub("", values[role]).strip()
    try:
        return settings["township_template"].format_map(values)
    except KeyError:
        return ""


def _register(
    table: Table,
    keys: RowKeys,
    unit: UnitRef,
    row: int,
    place: int,
    cells: Sequence[CellValue],
    told: str | None,
    period: date,
) -> None:
    """A form that registers its units describes each as it meets it; one entry for each identifier."""
    known = table.vocabulary.forms[table.form.code].settings
    status = told if told in ("active", "suspended", "closed", "construction") else "active"
    table.workbook.roster.append(
        RosterRow(
            form_code=table.form.code,
            unit=unit,
            valid_from=date(period.year, 1, 1) if table.form.period_grain == "year" else period,
            sheet=table.sheet.name,
            cell=address(row, place),
            is_coal_mine=True if known.get("is_coal_mine") == "true" else None,
            unit_status=status,
        )
    )
