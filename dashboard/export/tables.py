"""Tables that leave the dashboard: one definition for the Word appendix, the workbook and the CSV file.

Belongs here: columns with their headings and number formats, and the rows of each table as plain values.
Does not belong here: file formats (docx.py, xlsx.py, delimited.py), SQL, arithmetic of the field (dbt).

Values are unrounded numbers in the unit shown, or texts; None is an empty cell, 0 stays 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from dashboard.components import numbers
from dashboard.components.lamps import SHAPES
from dashboard.data.store import Row
from dashboard.view import View, month_before

Value = Decimal | int | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """`heading` has one text per header row, equal neighbours are merged; `decimals` None means text."""

    heading: tuple[str, ...]
    decimals: int | None = None
    width: int = 11


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` hold one value per column; `notes` stand below."""

    name: str
    title: str
    unit_line: str
    columns: tuple[Column, ...]
    rows: Iterable[tuple[Value, ...]]
    notes: tuple[str, ...] = ()


def shown(value: Any, decimals: int | None) -> str:
    """A cell as text: for paper."""
    if value is None:
        return numbers.NOTHING
    return str(value) if decimals is None else numbers.number(value, decimals)


def scaled(view: View, code: str, value: Any) -> Decimal | None:
    """A stored value in the unit the view shows."""
    decimal = numbers.to_decimal(value)
    return None if decimal is None else decimal * view.display_unit(code).factor


def places(view: View, code: str) -> int:
    unit = view.display_unit(code)
    own = view.catalogue.indicators[code]["decimals"]
    return unit.decimals if unit.decimals is not None else int(own or 0)


def lamp(view: View, row: Row) -> str:
    colour = row.get("lamp")
    return f"{SHAPES[colour]} {view.t(f'colour.{colour}')}" if colour else ""


def month_line(view: View) -> str:
    """The month alone, for what is told of a month and not of the year to date; the earlier day shown."""
    return view.t("foot.gap").join(filter(None, (view.month(view.period), view.known())))


def unit_line(view: View, code: str | None = None) -> str:
    """The months covered, the earlier day shown, and the unit where one holds for the whole table."""
    months = view.t("foot.gap").join(filter(None, (view.to_date(view.period), view.known())))
    return months if code is None else view.t("export.unit", period=months, unit=view.unit_label(code))


# Tables of figures that follow the basis chosen; those of enterprises know but the reported one, the others none.
CHOSEN_BASIS = frozenset({"headline", "progress", "ranking", "safety", "fuels"})
REPORTED_BASIS = frozenset({"enterprises", "mines", "energy"})


def basis(view: View, name: str) -> str:
    """The basis of a table's figures in words; nothing where they have none."""
    if name in REPORTED_BASIS:
        return view.t("basis.reported.long")
    return view.t(f"basis.{view.state.basis_or_default}.long") if name in CHOSEN_BASIS else ""


def finished(view: View, table: Table) -> Table:
    """The table with what every one that leaves says: its basis in the unit line, what a star means below it."""
    line = view.t("foot.gap").join(filter(None, (table.unit_line, basis(view, table.name))))
    notes = (*table.notes, view.t("export.stars")) if starred(view) else table.notes
    return replace(table, unit_line=line, notes=notes)


def said(view: View, table: Table) -> tuple[str, str]:
    """Heading and text of what a CSV file says of itself in each row: unit line, notes, version and day."""
    parts = (table.unit_line, *table.notes, view.stamp())
    return view.t("export.said"), view.t("foot.gap").join(filter(None, parts))


def title_of(view: View, name: str, code: str) -> str:
    """A table's title with the indicator it is about."""
    return view.t("export.of", table=view.t(f"export.title.{name}"), indicator=view.indicator(code))


def growth_value(view: View, row: Row) -> Value:
    """Growth as a number, or the words of its note."""
    value = numbers.to_decimal(row.get("growth_pct"))
    return view.note(row) if value is None else value


def county_rows(view: View) -> dict[str, Row]:
    """The county's figures of the month by indicator."""
    rows = view.snapshot.rows(
        "unit_progress",
        level="county",
        unit_id=view.catalogue.county["township_code"],
        basis=view.state.basis_or_default,
        since=view.period,
        period=view.period,
    )
    return {row["indicator_code"]: row for row in rows}


def grid_rows(view: View) -> dict[tuple[str, str], Row]:
    """The townships' figures of the month by township and indicator."""
    rows = view.snapshot.rows(
        "township_grid",
        basis=view.state.basis_or_default,
        previous=month_before(view.period),
        period=view.period,
    )
    return {(row["unit_id"], row["indicator_code"]): row for row in rows if row["period"] == view.period}


STAR = "*"


def starred(view: View) -> frozenset[tuple[str, str]]:
    """(unit, indicator) whose figures stand as a star: they would identify an enterprise (domain.md G)."""
    return view.snapshot.stars(view.period)


def headline(view: View) -> Table:
    """The county's headline indicators: month, year to date, growth, attainment, gap, lamp."""
    current = county_rows(view)
    t = view.t
    columns = (
        Column((t("col.indicator"),), width=34),
        Column((t("col.unit"),), width=12),
        Column((t("col.month"),), 2, 13),
        Column((t("col.ytd"),), 2, 13),
        Column((t("col.growth"),), 1),
        Column((t("col.target"),), 2, 13),
        Column((t("col.attainment"),), 1),
        Column((t("col.gap"),), 1),
        Column((t("col.lamp"),), width=8),
    )
    body: list[tuple[Value, ...]] = []
    hidden, county = starred(view), str(view.catalogue.county["township_code"])
    for indicator in view.catalogue.headline():
        code = indicator["indicator_code"]
        if (county, code) in hidden:
            body.append((view.indicator(code), view.unit_label(code), *[STAR] * (len(columns) - 2)))
            continue
        row = current.get(code, {})
        target = row.get("target_value") if row.get("target_form") in ("level", "cap", "floor") else None
        body.append(
            (
                view.indicator(code),
                view.unit_label(code),
                scaled(view, code, row.get("value_month")),
                scaled(view, code, row.get("value_ytd")),
                growth_value(view, row) if row else None,
                scaled(view, code, target),
                numbers.to_decimal(row.get("attainment_pct")),
                numbers.to_decimal(row.get("gap_pp")),
                lamp(view, row),
            )
        )
    return Table("headline", view.t("export.title.headline"), unit_line(view), columns, tuple(body))


def progress(view: View, code: str) -> Table:
    """Every township's progress on one indicator."""
    grid = grid_rows(view)
    t = view.t
    decimals = places(view, code)
    columns = (
        Column((t("col.township"),), width=16),
        Column((t("col.ytd"),), decimals, 13),
        Column((t("col.growth"),), 1),
        Column((t("col.target"),), decimals, 13),
        Column((t("col.attainment"),), 1),
        Column((t("col.gap"),), 1),
        Column((t("col.lamp"),), width=8),
        Column((t("col.rank"),), 0, 8),
        Column((t("col.rank_change"),), 0, 8),
    )
    body: list[tuple[Value, ...]] = []
    hidden = starred(view)
    for township in view.catalogue.active_townships(view.period):
        row = grid.get((township["township_code"], code))
        if (township["township_code"], code) in hidden:
            body.append((view.named(township), *[STAR] * (len(columns) - 1)))
            continue
        if row is None:
            body.append((view.named(township), *[None] * (len(columns) - 1)))
            continue
        silent = t("status.missing") if row.get("is_carried") else None
        body.append(
            (
                view.named(township),
                scaled(view, code, row.get("value_ytd")),
                silent or growth_value(view, row),
                scaled(view, code, row.get("target_value")) if row.get("target_form") == "level" else None,
                numbers.to_decimal(row.get("attainment_pct")),
                numbers.to_decimal(row.get("gap_pp")),
                lamp(view, row),
                row.get("rank"),
                row.get("rank_change"),
            )
        )
    return Table("progress", title_of(view, "progress", code), unit_line(view, code), columns, tuple(body))


def safety(view: View, codes: Iterable[str]) -> Table:
    """Townships × the indicators of coal and safety: year to date and limit or target, under merged headings."""
    grid = grid_rows(view)
    t = view.t
    known = [code for code in codes if code in view.catalogue.indicators]
    columns = [Column((t("col.township"), t("col.township")), width=16)]
    for code in known:
        name = f"{view.indicator(code)} {view.unit_label(code)}"
        columns += [
            Column((name, t("col.ytd")), places(view, code)),
            Column((name, t("col.target")), places(view, code)),
        ]
    body: list[tuple[Value, ...]] = []
    hidden = starred(view)
    for township in view.catalogue.active_townships(view.period):
        line: list[Value] = [view.named(township)]
        for code in known:
            if (township["township_code"], code) in hidden:
                line += [STAR, STAR]
                continue
            row = grid.get((township["township_code"], code), {})
            line += [scaled(view, code, row.get("value_ytd")), scaled(view, code, row.get("target_value"))]
        if any(value is not None for value in line[1:]):
            body.append(tuple(line))
    return Table("safety", view.t("export.title.safety"), unit_line(view), tuple(columns), tuple(body))


def unreported(view: View) -> Table:
    """Reports of the month that are missing or came late."""
    t = view.t
    columns = (
        Column((t("col.reporter"),), width=34),
        Column((t("col.form"),), width=34),
        Column((t("col.status"),), width=10),
        Column((t("col.expected"),), width=13),
        Column((t("col.received"),), width=13),
    )
    body = tuple(
        (
            view.unit_name(row["unit_id"]),
            view.named(view.catalogue.forms.get(row["form_code"]), row["form_code"]),
            t(f"status.{row['status']}"),
            view.day(row["due_on"]),
            view.day(row["received_at"]),
        )
        for row in view.snapshot.rows("attention", period=view.period)
    )
    return Table("unreported", view.t("export.title.unreported"), month_line(view), columns, body)


def watched(view: View) -> list[str]:
    """Codes of the headline indicators of safety, behind the outputs their rates divide by."""
    shown = [row for row in view.catalogue.safety() if row["is_headline"]]
    outputs = [str(row["denominator_code"]) for row in shown if row["denominator_code"]]
    return list(dict.fromkeys([*outputs, *(str(row["indicator_code"]) for row in shown)]))


def ranking(view: View, code: str) -> Table:
    """Townships by class and rank within it on one indicator; those without a rank follow their class."""
    grid = grid_rows(view)
    t = view.t
    columns = (
        Column((t("export.class"),), width=8),
        Column((t("col.rank"),), 0, 8),
        Column((t("col.township"),), width=16),
        Column((t("col.gap"),), 1),
        Column((t("col.growth"),), 1),
        Column((t("col.ytd"),), places(view, code), 13),
        Column((t("col.rank_change"),), 0, 8),
    )
    towns = view.catalogue.active_townships(view.period)
    hidden = starred(view)
    rows: list[tuple[Row, Row]] = [(town, grid.get((str(town["township_code"]), code), {})) for town in towns]
    order = list(dict.fromkeys(town["class"] for town in towns))
    rows.sort(key=lambda pair: (order.index(pair[0]["class"]), pair[1].get("rank") or len(rows) + 1))
    body = tuple(
        (town["class"], STAR, view.named(town), *[STAR] * 4)
        if (town["township_code"], code) in hidden
        else (
            town["class"],
            row.get("rank"),
            view.named(town),
            numbers.to_decimal(row.get("gap_pp")),
            t("status.missing") if row.get("is_carried") else growth_value(view, row) if row else None,
            scaled(view, code, row.get("value_ytd")),
            row.get("rank_change"),
        )
        for town, row in rows
    )
    return Table("ranking", title_of(view, "ranking", code), unit_line(view, code), columns, body)


def enterprises(view: View, code: str) -> Table:
    """Enterprises with one indicator's figures of the month; of one township where the state names one."""
    t = view.t
    decimals = places(view, code)
    columns = (
        Column((t("col.enterprise"),), width=34),
        Column((t("col.credit_code"),), width=22),
        Column((t("col.township"),), width=16),
        Column((t("col.industry"),), width=22),
        Column((t("col.month"),), decimals, 13),
        Column((t("col.ytd"),), decimals, 13),
        Column((t("col.base"),), decimals, 13),
        Column((t("col.growth"),), 1),
    )
    body: list[tuple[Value, ...]] = []
    for row in view.snapshot.rows("enterprises", indicator=code, period=view.period):
        if view.state.township and row["township_code"] != view.state.township:
            continue
        coded = str(row["industry_code"] or "")
        # A class of four digits is named by its division, as on the enterprise's page.
        industry = view.catalogue.industries.get(coded) or view.catalogue.industries.get(coded[:2])
        body.append(
            (
                row["name_zh"],
                row["credit_code"],
                view.unit_name(row["township_code"]),
                view.named(industry, coded),
                scaled(view, code, row["value_month"]),
                scaled(view, code, row["value_ytd"]),
                scaled(view, code, row["base_ytd"]),
                growth_value(view, row | {"indicator_code": code}),
            )
        )
    return Table("enterprises", title_of(view, "enterprises", code), unit_line(view, code), columns, tuple(body))
