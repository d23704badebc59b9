"""Lists that hold no figures of indicators: registers of enterprises, incident sheets (domain.md C.3 L5, D.4).

Belongs here: a row of a register → RosterRow, a row of an incident sheet → IncidentRow.
Does not belong here: tables of figures (extract.py), finding the enterprise (resolve.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from dagster_project.ingest.grid import CellValue, address
from dagster_project.ingest.model import Coverage, IncidentRow, RosterRow, UnitRef
from dagster_project.ingest.recognise import Column
from dagster_project.ingest.rows import RowKeys, identifier_text
from dagster_project.ingest.table import Table
from dagster_project.ingest.text import normalise
from dagster_project.ingest.units import choose

FLAGS = ("is_above_scale", "is_agro_processing", "is_pharma", "is_coal_mine", "is_key_energy_user")


UNDATED = date(1, 1, 1)


def extract_roster(table: Table) -> None:
    """Rows describe enterprises; in force from the period's first day (a year: 1 January)."""
    keys = RowKeys.of(table)
    valid_from = _valid_from(table)
    township: str | None = None
    name_index = keys.enterprise if keys.enterprise is not None else 0
    industry = table.field_index("industry_code")
    for row, cells in table.rows():
        name = table.text(cells, keys.enterprise)
        identifier, where = identifier_text(table, keys, cells)
        own = table.text(cells, keys.township)
        if own and not table.is_ditto(own):
            township = own
        if name and table.vocabulary.total_row(name):
            continue
        if not name and identifier is None:
            first = next((text for index in range(len(cells)) if (text := table.text(cells, index))), "")
            if table.vocabulary.total_row(first) is None:
                table.issue("parse.unused_row", "info", row, 0, first)
            continue
        status = table.text(cells, keys.status)
        word = table.vocabulary.word("unit_status", status) or table.vocabulary.status_in(status) if status else None
        if status and word not in ("active", "suspended", "closed", "construction"):
            table.issue("parse.status_word", "warning", row, keys.status, status)
            word = None
        if word is None:
            found = table.vocabulary.match("name_status", normalise(name))
            word = table.vocabulary.word("unit_status", found[0]["word"]) if found else None
        entry = RosterRow(
            form_code=table.form.code,
            unit=UnitRef(
                "enterprise",
                identifier=identifier,
                name=name or None,
                township=township,
                identifier_cell=address(row, where) if where is not None else None,
                township_cell=address(row, keys.township) if keys.township is not None else None,
            ),
            valid_from=valid_from,
            sheet=table.sheet.name,
            cell=address(row, name_index if name else (where or 0)),
            industry_code=table.text(cells, industry) or None,
            capacity=_capacity(table, row, cells),
            unit_status=word or "active",
        )
        for flag in FLAGS:
            setattr(entry, flag, _flag(table, flag, row, cells))
        table.workbook.roster.append(entry)


def _valid_from(table: Table) -> date:
    """First day in force; `UNDATED` where the sheet names no period, which the day of receipt then decides."""
    if table.said is not None and table.said.year is not None and table.said.month is None:
        return date(table.said.year, 1, 1)
    return table.period or UNDATED


def _flag(table: Table, role: str, row: int, cells: Sequence[CellValue]) -> bool | None:
    index = table.field_index(role)
    text = table.text(cells, index)
    if not text:
        return None
    word = table.vocabulary.word("boolean", text)
    if word is None:
        table.issue("parse.flag_word", "warning", row, index, text)
        return None
    return word == "true"


def _capacity(table: Table, row: int, cells: Sequence[CellValue]) -> Decimal | None:
    """Approved capacity in t/year; a unit that is no mass a year or mass is an issue."""
    column = _field(table, "capacity")
    if column is None:
        return None
    figure = table.read(row, column.index, cells)
    if figure.number is None:
        if figure.problem is not None:
            table.issue("parse.capacity", "error", row, column.index)
        return None
    units = table.vocabulary.units
    if figure.suffix is not None:
        own = units.scaled(figure.suffix, "capacity") or units.find(figure.suffix)
        unit = own if own is not None and own.dimension in ("capacity", "mass") else None
        if unit is None:
            table.issue("parse.capacity", "error", row, column.index)
            return None
        return figure.number * unit.factor
    for dimension in ("capacity", "mass"):
        unit = choose((column.units, table.context.units), dimension)
        if unit is not None:
            return figure.number * unit.factor
    return figure.number


def _field(table: Table, role: str) -> Column | None:
    found = table.fields(role)
    return found[0] if found else None


def extract_incidents(table: Table) -> None:
    """Rows are accidents. A sheet without any is a zero report of its reporter."""
    keys = RowKeys.of(table)
    when = table.field_index("occurred_on")
    assert when is not None
    months: set[date] = set()
    for row, cells in table.rows():
        first = next((text for index in range(len(cells)) if (text := table.text(cells, index))), "")
        if table.vocabulary.total_row(first) or any(
            table.vocabulary.total_row(table.text(cells, index)) for index in keys.names
        ):
            continue
        if table.vocabulary.match("nothing_happened", normalise(first)):
            continue
        name = table.text(cells, keys.enterprise)
        if not any(table.text(cells, index) for index in (when, keys.enterprise, table.field_index("deaths"))):
            continue
        occurred = occurred_on(cells[when] if when < len(cells) else None, table)
        if occurred is None:
            table.issue("parse.incident_date", "error", row, when, quarantines=True)
            continue
        incident = _incident(table, keys, row, cells, name, occurred)
        table.workbook.incidents.append(incident)
        months.add(date(occurred.year, occurred.month, 1))
    if table.period is None and months:
        table.period = max(months)
    if table.period is not None:
        status = "reported" if months else "zero_report"
        table.workbook.coverage.append(
            Coverage(table.form.code, table.reporter, table.period, status, table.sheet.name, None)
        )


def _incident(
    table: Table, keys: RowKeys, row: int, cells: Sequence[CellValue], name: str, occurred: date
) -> IncidentRow:
    identifier, where = identifier_text(table, keys, cells)
    counts, sound = _counts(table, row, cells)
    category = table.text(cells, table.field_index("category"))
    known = table.vocabulary.word("accident_category", category) if category else None
    if category and known is None:
        table.issue("parse.incident_category", "info", row, table.field_index("category"), category)
    counted = _flag(table, "counted_in_rate", row, cells)
    loss, loss_sound = _loss(table, row, cells)
    class_column = table.field_index("accident_class")
    return IncidentRow(
        form_code=table.form.code,
        unit=UnitRef(
            "enterprise",
            identifier=identifier,
            name=name or None,
            township=table.text(cells, keys.township) or None,
            identifier_cell=address(row, where) if where is not None else None,
            township_cell=address(row, keys.township) if keys.township is not None else None,
        ),
        occurred_on=occurred,
        category=known or category or None,
        deaths=counts[0],
        serious_injuries=counts[1],
        direct_loss=loss,
        declared_class=table.text(cells, class_column) or None,
        counted_in_rate=True if counted is None else counted,
        sheet=table.sheet.name,
        cell=address(row, keys.enterprise if keys.enterprise is not None else 0),
        raw_text=" | ".join(table.text(cells, index) for index in range(len(cells))),
        status="accepted" if sound and loss_sound else "quarantined",
        class_cell=address(row, class_column) if class_column is not None else None,
    )


def _counts(table: Table, row: int, cells: Sequence[CellValue]) -> tuple[tuple[int, int], bool]:
    """Deaths and serious injuries. One blank beside a figure is read as none, with a warning; 0 is never invented
    where both are blank: such a row is quarantined."""
    numbers: list[int | None] = []
    sound = True
    for role in ("deaths", "serious_injuries"):
        index = table.field_index(role)
        if index is None:
            numbers.append(0)
            continue
        figure = table.read(row, index, cells)
        people = table.vocabulary.units.find(figure.suffix) if figure.suffix else None
        if figure.number is not None and (figure.suffix is None or (people and people.dimension == "people")):
            if figure.number < 0 or figure.number != figure.number.to_integral_value():
                table.issue("parse.incident_number", "error", row, index, quarantines=True)
                sound = False
                numbers.append(0)
            else:
                numbers.append(int(figure.number))
        elif figure.null_reason == "na":
            numbers.append(0)
        elif figure.blank:
            numbers.append(None)
        else:
            table.issue("parse.incident_number", "error", row, index, quarantines=True)
            sound = False
            numbers.append(0)
    if all(number is None for number in numbers):
        table.issue("parse.incident_number", "error", row, table.field_index("deaths"), quarantines=True)
        sound = False
    elif None in numbers:
        role = "deaths" if numbers[0] is None else "serious_injuries"
        table.issue("parse.incident_blank", "warning", row, table.field_index(role))
    return (numbers[0] or 0, numbers[1] or 0), sound


def _loss(table: Table, row: int, cells: Sequence[CellValue]) -> tuple[Decimal | None, bool]:
    column = _field(table, "direct_loss")
    if column is None:
        return None, True
    figure = table.read(row, column.index, cells)
    if figure.number is None:
        if figure.problem is not None:
            table.issue("parse.incident_number", "error", row, column.index, quarantines=True)
            return None, False
        return None, True
    units = table.vocabulary.units
    if figure.suffix is not None:
        unit = units.scaled(figure.suffix, "money") if figure.suffix in table.vocabulary.periods.scales else None
        unit = unit or units.find(figure.suffix)
    else:
        unit = choose((column.units, table.context.units, table.form.default_units), "money")
    if unit is None:
        if figure.suffix is None:
            return figure.number, True
        table.issue("parse.incident_number", "error", row, column.index, quarantines=True)
        return None, False
    return figure.number * unit.factor, True


def occurred_on(value: CellValue, table: Table) -> date | None:
    """The day of an incident: a date, or a text of year, month and day; month and day take the sheet's year."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        return None
    found = table.vocabulary.match("day", normalise(value))
    if found is None:
        return None
    groups = found[0].groupdict()
    year = int(groups["year"]) if groups.get("year") else (table.said.year if table.said else None)
    if year is None:
        return None
    try:
        return date(year, int(groups["month"]), int(groups["day"]))
    except ValueError:
        return None
