"""Tables of figures → observations, declared totals, coverage: layouts L1 to L5, L7 and L8 (domain.md C.3).

Belongs here: rows that are units, rows that are indicators, ledgers of months.
Does not belong here: target tables (extract_targets.py), registers and incidents (extract_lists.py), header (recognise.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from dagster_project.ingest.grid import CellValue, address
from dagster_project.ingest.model import Level, Observation, RosterRow, UnitRef
from dagster_project.ingest.periods import Period, from_cell
from dagster_project.ingest.recognise import Column, pick_indicator
from dagster_project.ingest.table import (
    CURRENT,
    OPTIONAL_WHEN_UNUSED,
    Planned,
    Table,
    level_of,
    settle_measures,
)
from dagster_project.ingest.text import normalise
from dagster_project.ingest.units import Unit
from dagster_project.ingest.vocabulary import Indicator

YEAR_END = 12


# ---------------------------------------------------------------------- what the columns hold
def default_measure(table: Table) -> str:
    """The measure of a flow whose heading names none: what the title's period is."""
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


def plan_columns(table: Table) -> list[Planned]:
    """Settle indicator, measure and period of every figure column that names its indicator."""
    by_indicator: dict[str, list[Column]] = {}
    for column in table.columns:
        if column.kind == "figure" and column.indicator is not None:
            by_indicator.setdefault(column.indicator, []).append(column)
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
                _report_measure(table, column, indicator)
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
    planned.sort(key=lambda one: one.index)
    return planned


def _report_measure(table: Table, column: Column, indicator: Indicator) -> None:
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


# ---------------------------------------------------------------------- rows that are units
@dataclass(slots=True)
class RowKeys:
    """Where a row of units names its unit, its period and its status."""

    names: list[int]
    township: int | None
    enterprise: int | None
    identifiers: list[int]
    region: int | None
    status: int | None
    remark: int | None
    year: int | None
    month: int | None
    period: int | None
    unit: int | None
    parts: dict[str, int] = field(default_factory=dict)  # fields that a form puts a township's name together from

    @classmethod
    def of(cls, table: Table) -> RowKeys:
        index = table.field_index
        roles = ("order_no", "township", "enterprise_name", "region_code", "industry_name", "identifier")
        names = [found for role in roles if (found := index(role)) is not None]
        return cls(
            names=sorted(names),
            township=index("township"),
            enterprise=index("enterprise_name"),
            identifiers=[column.index for column in table.fields("identifier")],
            region=index("region_code"),
            status=index("unit_status"),
            remark=index("remark"),
            year=index("year"),
            month=index("month"),
            period=index("period"),
            unit=index("unit"),
            parts={
                column.field: column.index
                for column in table.columns
                if column.kind == "field" and column.field is not None
            },
        )


def total_role(table: Table, cells: Sequence[CellValue], names: Sequence[int]) -> tuple[str, str | None] | None:
    """Whether a row is a total: its role (total, county, subtotal, average) and the scope it names."""
    vocabulary = table.vocabulary
    for index in names:
        if index >= len(cells):
            break
        value = cells[index]
        if not isinstance(value, str) or not value or len(value) > 20:
            continue
        found = vocabulary.total_row(value)
        if found is not None:
            return found
    return None


def county_named(table: Table, text: str) -> bool:
    return normalise(text) in table.vocabulary.county_names


def row_period(table: Table, keys: RowKeys, row: int, cells: Sequence[CellValue]) -> date | None:
    """The row's own period where it has one, else the table's; the issue is added here where it cannot be read."""
    if keys.year is None and keys.period is None and keys.month is None:
        return table.period
    year = month = None
    for index, wanted in ((keys.period, "both"), (keys.year, "year"), (keys.month, "month")):
        if index is None or index >= len(cells):
            continue
        value = cells[index]
        if wanted == "month":
            text = normalise(table.text(cells, index))
            found = table.vocabulary.periods.find(text)
            month = int(text) if text.isdigit() and 1 <= int(text) <= 12 else (found.month if found else month)
            continue
        found = from_cell(value, table.vocabulary.periods)
        if found is not None:
            year = found.year or year
            month = found.month if wanted == "both" and found.month else month
    if year is None:
        year = table.period.year if table.period else None
    if month is None:
        month = YEAR_END if table.form.period_grain == "year" else (table.period.month if table.period else None)
    if year is None or month is None:
        index = keys.year if keys.year is not None else (keys.period if keys.period is not None else keys.month)
        table.issue("parse.row_period", "error", row, index, quarantines=True)
        return None
    return date(year, month, 1)


def identifier_text(table: Table, keys: RowKeys, cells: Sequence[CellValue]) -> tuple[str | None, int | None]:
    """The row's identifier and its column; of several the longest, since a credit code holds the shorter one."""
    best: str | None = None
    where: int | None = None
    for index in keys.identifiers:
        text = table.text(cells, index)
        if not text or normalise(text) in table.vocabulary.figures.null_tokens:
            continue
        if best is None or len(text) > len(best):
            best, where = text, index
    return best, where


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
        table.period = _first_row_period(table, keys)
    planned = [one for one in plan_columns(table) if not one.measure.startswith("target") or one.index is not None]
    mark_unused(table, planned)
    figure_columns = {one.index for one in planned}
    names = keys.names or [0]
    walk = _Walk()
    grains = {one.indicator.code: one.indicator.allows(level) for one in planned}
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
        told, estimated = _row_status(table, keys, row, cells)
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
                _append(table, observation, one, start)
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


def _append(table: Table, observation: Observation, planned: Planned, start: int) -> None:
    """Keep an observation; a stock's spare column only has to agree with its end of period."""
    if not planned.is_spare:
        table.workbook.observations.append(observation)
        return
    for other in table.workbook.observations[start:]:
        if other.indicator_code == observation.indicator_code and other.measure == observation.measure:
            if other.value is not None and other.value != observation.value:
                _spare_differs(table, observation, planned)
            return
    _pending_spare(table, observation)


def _spare_differs(table: Table, observation: Observation, planned: Planned) -> None:
    made = table.issue(
        "parse.stock_month",
        "info",
        None,
        None,
        observation.raw_text,
        indicator=planned.indicator.code,
        indicator_zh=planned.indicator.name_zh,
        indicator_en=planned.indicator.name_en,
        cell=observation.cell,
    )
    made.cell = observation.cell


def _pending_spare(table: Table, observation: Observation) -> None:
    """The spare column stands left of its end-of-period column, which will be read next and has the say."""


def _first_row_period(table: Table, keys: RowKeys) -> date | None:
    for row in range(table.first, min(table.last, len(table.sheet.rows))):
        cells = table.sheet.rows[row]
        index = keys.year if keys.year is not None else keys.period
        if index is None or index >= len(cells):
            continue
        if from_cell(cells[index], table.vocabulary.periods) is not None:
            return row_period(table, keys, row, cells)
    return None


def row_unit_of(
    table: Table, index: int | None, row: int, cells: Sequence[CellValue]
) -> tuple[tuple[Unit, ...], str | None]:
    """The units of measure that a row names itself, and the words of it that are none."""
    text = table.text(cells, index)
    if not text or normalise(text) in table.vocabulary.figures.null_tokens:
        return (), None
    units, unknown = table.vocabulary.units.find_all(text)
    if units:
        return tuple(units), None
    return (), ", ".join(unknown) or text


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
            table.issue("parse.unused_row", "info", row, 0, _row_text(table, cells))
            return None, index
        if not has_figures and normalise(name) not in vocabulary.place_codes:
            table.issue("parse.unused_row", "info", row, index, name)
            return None, index
        return UnitRef("township", identifier=code or None, name=name or None, township=name or None), index
    township = table.text(cells, keys.township)
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
        only = _row_text(table, cells)
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
    return UnitRef("enterprise", identifier=identifier, name=name or None, township=township or None), place


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


def _row_text(table: Table, cells: Sequence[CellValue]) -> str:
    return " ".join(text for index in range(len(cells)) if (text := table.text(cells, index)))[:60]


def _row_status(table: Table, keys: RowKeys, row: int, cells: Sequence[CellValue]) -> tuple[str | None, bool]:
    """Status that a status column, a remark or the name tells, and whether the row says that it is estimated."""
    vocabulary = table.vocabulary
    told: str | None = None
    estimated = False
    for index in (keys.status, keys.remark):
        text = table.text(cells, index)
        if not text:
            continue
        word = vocabulary.word("unit_status", text) or vocabulary.status_in(text)
        if word is not None:
            told = told if told not in (None, "active") else word
        elif index == keys.status and normalise(text) not in vocabulary.figures.null_tokens:
            table.issue("parse.status_word", "warning", row, index, text)
        if index == keys.remark and vocabulary.match("estimated_remark", normalise(text)):
            estimated = True
    if told is None and keys.enterprise is not None:
        found = vocabulary.match("name_status", normalise(table.text(cells, keys.enterprise)))
        if found is not None:
            told = vocabulary.word("unit_status", found[0]["word"]) or "suspended"
    return told, estimated


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


# ---------------------------------------------------------------------- rows that are indicators
@dataclass(slots=True)
class _Nest:
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


def row_indicator(table: Table, text: str, nest: _Nest) -> Indicator | None:
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
    nest = _Nest()
    level = level_of(table.form)
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
                current = UnitRef("county") if is_county else UnitRef(own, name=text, township=text)
                nest = _Nest()
        unit = current if current is not None else table.reporter
        raw = cells[index] if index < len(cells) else None
        if not isinstance(raw, str) or not raw.strip():
            if any(c.index < len(cells) and cells[c.index] not in (None, "") for c in figure_columns):
                table.issue("parse.no_item", "error", row, index, _row_text(table, cells))
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
        _item_row(table, keys, indicator, unit, row, cells, term.units, raw.strip(), is_total, level)
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
    level: Level,
) -> None:
    row_units, problem = row_unit_of(table, keys.unit, row, cells)
    start = len(table.workbook.observations)
    for one in plan_row(table, indicator, name, row_units or name_units, cells):
        if is_total:
            table.total(one, row, cells, None, row_units or name_units)
            continue
        if one.is_unused and not _filled(cells, one.index):
            continue
        observation = table.observe(one, unit, row, cells, row_units or name_units, row_unit_problem=problem)
        if observation is not None:
            _append(table, observation, one, start)


def _filled(cells: Sequence[CellValue], index: int) -> bool:
    return index < len(cells) and cells[index] not in (None, "")


def plan_row(
    table: Table, indicator: Indicator, name: str, row_units: tuple[Unit, ...], cells: Sequence[CellValue]
) -> list[Planned]:
    """The figure columns of a row that names its indicator."""
    columns = [c for c in table.columns if c.kind == "figure" and c.indicator in (None, indicator.code)]
    dated = [column_period(table, column, column.measure) for column in columns]
    settled = settle_measures(indicator.kind, [measure for _, measure, _ in dated], default_measure(table))
    planned = []
    for column, (period, _, conflict), (measure, spare) in zip(columns, dated, settled, strict=True):
        if period is None or measure is None:
            if measure is None and _filled(cells, column.index) and column.measure == "month":
                continue
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
    return planned


# ---------------------------------------------------------------------- ledgers of months
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
        filled = [(index, month) for index, month in months if _filled(cells, index)]
        if item is None:
            if filled:
                table.issue("parse.unknown_row", "warning", row, labels[0], " ".join(texts), name=" ".join(texts))
            continue
        code, measure = item
        if code is None:
            if filled:
                table.issue("parse.no_fuel", "error", row, labels[0], " ".join(texts))
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
    for text in texts:
        term = table.vocabulary.term(text)
        readings = [r for r in (*term.readings, *term.extra) if r.form in (None, table.form.code)]
        readings.sort(key=lambda reading: reading.form is None)
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
    if not known or (code is None and not consumption):
        return None
    if consumption and (code is None or code not in table.vocabulary.fuels):
        code = fuel if code is None else code
    return code, measure
