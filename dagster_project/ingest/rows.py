"""What a row says of itself besides its figures: its unit, period, status, unit of account, whether it is a total.

Belongs here: reading the fields of one row. Does not belong here: figures (table.py), registers (resolve.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from dagster_project.ingest.grid import CellValue
from dagster_project.ingest.model import Observation
from dagster_project.ingest.periods import from_cell
from dagster_project.ingest.plan import YEAR_END
from dagster_project.ingest.table import Planned, Table
from dagster_project.ingest.text import normalise
from dagster_project.ingest.units import Unit
from dagster_project.ingest.vocabulary import Vocabulary


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


def first_row_period(table: Table, keys: RowKeys) -> date | None:
    for row in range(table.first, min(table.last, len(table.sheet.rows))):
        cells = table.sheet.rows[row]
        index = keys.year if keys.year is not None else keys.period
        if index is None or index >= len(cells):
            continue
        if from_cell(cells[index], table.vocabulary.periods) is not None:
            return row_period(table, keys, row, cells)
    return None


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


def row_unit_of(
    table: Table, index: int | None, row: int, cells: Sequence[CellValue]
) -> tuple[tuple[Unit, ...], str | None]:
    """The units of measure that a row names itself, and the words of it that are none."""
    text = table.text(cells, index)
    if not text:
        return (), None
    known: tuple[tuple[Unit, ...], str | None] | None = table.vocabulary.row_units.get(text)
    if known is None:
        known = _row_units(text, table.vocabulary)
        if len(table.vocabulary.row_units) > 2_000:
            table.vocabulary.row_units.clear()
        table.vocabulary.row_units[text] = known
    return known


def _row_units(text: str, vocabulary: Vocabulary) -> tuple[tuple[Unit, ...], str | None]:
    if normalise(text) in vocabulary.figures.null_tokens:
        return (), None
    units, unknown = vocabulary.units.find_all(text)
    if units:
        return tuple(units), None
    return (), ", ".join(unknown) or text


def row_status(table: Table, keys: RowKeys, row: int, cells: Sequence[CellValue]) -> tuple[str | None, bool]:
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


def row_text(table: Table, cells: Sequence[CellValue]) -> str:
    return " ".join(text for index in range(len(cells)) if (text := table.text(cells, index)))[:60]


def append(table: Table, observation: Observation, planned: Planned, start: int, row: int) -> None:
    """Keep an observation; a stock's spare column, read last, only has to agree with its end of period."""
    if not planned.is_spare:
        table.workbook.observations.append(observation)
        return
    for other in table.workbook.observations[start:]:
        if other.indicator_code != observation.indicator_code or other.measure != observation.measure:
            continue
        if other.value is not None and other.value != observation.value:
            table.issue(
                "parse.stock_month",
                "info",
                row,
                planned.index,
                indicator=planned.indicator.code,
                indicator_zh=planned.indicator.name_zh,
                indicator_en=planned.indicator.name_en,
            )
        return
