"""Trace: where does this number come from? Figure → formula → parts → cells, with every earlier version.

Belongs here: the layout of `/trace`. Does not belong here: how a figure is computed (dbt), SQL, wording (i18n/).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashboard.components import html, numbers, tables
from dashboard.data.store import Row
from dashboard.pages import outlook, tasks, trace_sheet
from dashboard.pages.dictionary import formula
from dashboard.pages.page import Page, source_note
from dashboard.view import View

PERCENT_MEASURES = ("declared_growth", "target_growth")


def subject(view: View) -> tuple[str, str]:
    """Level and code of the unit asked for: `unit` where it names one, else enterprise, township, the county."""
    county = str(view.catalogue.county["township_code"])
    asked = view.state.unit if view.state.money is None else None
    code = asked or view.state.enterprise or view.state.township or county
    if code == county:
        return "county", code
    if code in view.catalogue.townships:
        return "township", code
    if code in view.catalogue.enterprises:
        return "enterprise", code
    return "", code


def render(view: View) -> Page:
    code = view.state.indicator or ""
    level, unit = subject(view)
    if code not in view.catalogue.indicators:
        return _choose(view, view.t("trace.no_indicator", code=code) if code else "")
    if not level:
        return _choose(view, view.t("trace.no_unit", code=unit))
    basis = "reported" if level == "enterprise" else view.state.basis_or_default
    found = view.snapshot.rows("trace_figure", indicator=code, unit_id=unit, period=view.period, basis=basis)
    figure = found[0] if found else None
    cells = list(
        view.snapshot.rows(
            "trace_cells",
            indicator=code,
            unit_id=unit,
            period=view.period,
            year_before=view.period.replace(year=view.period.year - 1),
            december=view.period.replace(month=12),
        )
    )
    name, indicator = view.unit_name(unit) if level != "county" else view.county, view.indicator(code)
    ledger = tasks.traced(view, code, level, unit)
    if figure is None and not cells and ledger is not None:
        title = view.t("tasks.trace_title", unit=name, indicator=indicator, year=view.period.year)
        return Page(title, view.t("tasks.trace_sub"), [ledger])
    if figure is None and not cells:
        title = view.t("trace.nothing", unit=name, indicator=indicator, period=view.month(view.period))
        return Page(title, view.t("trace.nothing_why"), [_neighbours(view)])
    value = figure["value_ytd"] if figure else None
    title = view.t(
        "trace.title" if value is not None else "trace.title_empty",
        unit=name,
        indicator=indicator,
        period=view.to_date(view.period),
        value=view.value(code, value),
        measure=view.unit_label(code),
    )
    body: list[Any] = []
    if figure is not None:
        body.append(_figure(view, figure, code))
    parts = _parts(view, figure, code, level, unit, basis)
    own = any(row["status"] == "in_force" and row["period"] == view.period for row in cells)
    # What decides the figure comes first: the unit's own cells where it reports, else what it is made of.
    read = [trace_sheet.section(view, cells, lambda row: _shown_value(view, code, row)), _cells(view, cells, code)]
    body += [*read, *parts] if own else [*parts, *read]
    if level != "enterprise" and outlook.explains(view, level, unit, code) == code:
        body.append(outlook.bridge(view, level, unit, code))
    if ledger is not None:
        body.append(ledger)
    body.append(source_note(view, [code], basis=basis))
    return Page(title, view.t("trace.sub", basis=view.t(f"basis.{basis}.long"), code=code, unit=unit), body)


def _choose(view: View, why: str) -> Page:
    """Nothing or something unknown is asked: the headline indicators of the county as starting points."""
    items = [
        html.Li(view.link(view.indicator(row["indicator_code"]), "/trace", indicator=row["indicator_code"]))
        for row in view.catalogue.headline()
    ]
    body: list[Any] = [tables.notice(why, kind="warn")] if why else []
    return Page(
        view.t("trace.choose"), view.t("trace.choose_sub"), [*body, html.Ul(items, className="lines", role="list")]
    )


def _neighbours(view: View) -> html.P:
    return html.P(view.link(view.t("trace.start"), "/trace", indicator=None, township=None, enterprise=None))


def _figure(view: View, row: Row, code: str) -> html.Dl:
    """The figure with what stands beside it: month, base, growth, target, lamp and its rule."""
    flow = view.catalogue.indicators[code]["kind"] in ("flow", "count")
    unit = view.unit_label(code)
    items: list[tuple[str, Any]] = [
        (view.t("col.ytd"), view.t("with_unit", value=view.value(code, row["value_ytd"]), unit=unit)),
        *(
            [(view.t("col.month"), view.t("with_unit", value=view.value(code, row["value_month"]), unit=unit))]
            if flow
            else []
        ),
        (view.t("col.base"), view.t("with_unit", value=view.value(code, row["base_ytd"]), unit=unit)),
        (view.t("col.growth"), view.growth(row)),
        *_looking_back(view, row, code),
    ]
    if row["declared_growth_pct"] is not None:
        items.append((view.t("trace.declared_growth"), numbers.number(row["declared_growth_pct"], 1)))
    if row["expected_units"]:
        items.append((view.t("trace.coverage"), f"{row['reported_units']}/{row['expected_units']}"))
    items.append((view.t("col.lamp"), [view.lamp(row), f" {view.lamp_sentence(row)}"]))
    if row["forecast_value"] is not None:
        forecast = view.t("with_unit", value=view.value(code, row["forecast_value"]), unit=unit)
        if row["forecast_low"] is not None:
            low, high = view.value(code, row["forecast_low"]), view.value(code, row["forecast_high"])
            forecast = view.t("trace.forecast_band", value=forecast, low=low, high=high)
        items.append((view.t("col.forecast"), forecast))
    source = f"source.{row['value_source']}"
    if view.t.has(source):
        items.append((view.t("trace.source"), view.t(source)))
    formula_text = formula(view, view.catalogue.indicators[code])
    items.append((view.t("col.formula"), formula_text))
    items.append((view.t("nav.dictionary"), view.link(view.indicator(code), "/dictionary", indicator=code)))
    return html.Dl([html.Div([html.Dt(term), html.Dd(value)]) for term, value in items], className="facts")


def _looking_back(view: View, row: Row, code: str) -> list[tuple[str, Any]]:
    """The month between two years to date beside the one reported, changes against other months, what the rest must bring."""
    unit = view.unit_label(code)
    items: list[tuple[str, Any]] = []
    derived = numbers.to_decimal(row["value_month_derived"])
    if derived is not None:
        text = view.t("with_unit", value=view.value(code, derived), unit=unit)
        key = "trace.derived_same" if derived == numbers.to_decimal(row["value_month"]) else "trace.derived_differs"
        items.append((view.t("col.month_derived"), view.t(key, value=text)))
    for column in ("growth_month", "growth_two_year"):
        if row[f"{column}_pct"] is not None:
            items.append((view.t(f"col.{column}"), numbers.number(row[f"{column}_pct"], 1)))
    if row["change_since_year_end"] is not None:
        change = view.value(code, row["change_since_year_end"])
        items.append((view.t("col.since_year_end"), view.t("with_unit", value=change, unit=unit)))
    if row["implied_target_value"] is not None:
        implied = view.value(code, row["implied_target_value"])
        items.append((view.t("trace.implied_target"), view.t("with_unit", value=implied, unit=unit)))
    if row["required_growth_pct"] is not None:
        items.append((view.t("col.required_growth"), numbers.number(row["required_growth_pct"], 1)))
    return items


def _parts(view: View, figure: Row | None, code: str, level: str, unit: str, basis: str) -> list[Any]:
    """What the figure is made of: numerator and denominator, the units below, or incidents."""
    indicator = view.catalogue.indicators[code]
    where: dict[str, Any] = {"township": None, "enterprise": None, "unit": view.state.money}
    if level != "county":
        where[level] = unit
    if indicator["numerator_code"] and indicator["denominator_code"]:
        if indicator["scope"] and level != "enterprise":
            return [_scoped(view, figure, level, unit, where, code)]
        body = []
        for key, part in (("trace.numerator", "numerator_code"), ("trace.denominator", "denominator_code")):
            other = indicator[part]
            found = view.snapshot.rows("trace_figure", indicator=other, unit_id=unit, period=view.period, basis=basis)
            value = found[0]["value_ytd"] if found else None
            body.append(
                html.Tr(
                    [
                        tables.row_head(view.t(key)),
                        tables.cell(view.link(view.indicator(other), "/trace", indicator=other, **where)),
                        tables.cell(view.value(other, value), numeric=True, class_name="strong"),
                        tables.cell(view.unit_label(other)),
                    ]
                )
            )
        header = [
            [
                tables.head(view.t("trace.part")),
                tables.head(view.t("col.indicator")),
                tables.head(view.t("col.ytd"), numeric=True),
                tables.head(view.t("col.unit")),
            ]
        ]
        return [tables.section(view.t("trace.ratio_title"), tables.table(view.t("trace.ratio_title"), header, body))]
    if indicator in view.catalogue.from_incidents():
        return [_incidents(view, level, unit)]
    if level == "county":
        rows = view.snapshot.rows("trace_townships", indicator=code, period=view.period, basis=basis)
    elif level == "township":
        rows = view.snapshot.rows("trace_enterprises", indicator=code, period=view.period, township=unit)
    else:
        return []
    rows = tuple(row for row in rows if row["value_ytd"] is not None)
    if not rows:
        return []
    below = "township" if level == "county" else "enterprise"
    total = sum((numbers.to_decimal(row["value_ytd"]) or 0 for row in rows), start=numbers.to_decimal(0) or 0)
    months = [numbers.to_decimal(row["value_month"]) for row in rows]
    known = [value for value in months if value is not None]
    body = []
    for row in rows:
        there = {**where, "township": None, "enterprise": None, below: row["unit_id"]}
        body.append(
            html.Tr(
                [
                    tables.row_head(view.link(view.unit_name(row["unit_id"]), "/trace", indicator=code, **there)),
                    tables.cell(view.value(code, row["value_month"]), numeric=True),
                    tables.cell(view.value(code, row["value_ytd"]), numeric=True, class_name="strong"),
                    tables.cell(view.t("status.missing") if row["is_carried"] else "", class_name="mark"),
                ]
            )
        )
    foot = [
        html.Tr(
            [
                tables.row_head(view.t("trace.sum", n=len(rows))),
                tables.cell(view.value(code, sum(known)) if known else numbers.NOTHING, numeric=True),
                tables.cell(view.value(code, total), numeric=True, class_name="strong"),
                tables.cell(""),
            ]
        )
    ]
    header = [
        [
            tables.head(view.t(f"col.{below}")),
            tables.head(f"{view.t('col.month')} {view.unit_label(code)}", numeric=True),
            tables.head(f"{view.t('col.ytd')} {view.unit_label(code)}", numeric=True),
            tables.head(view.t("trace.remark")),
        ]
    ]
    own = numbers.to_decimal(figure["value_ytd"]) if figure else None
    agrees = own is not None and abs(own - total) < 1
    if agrees:
        key = f"trace.parts_{below}"
    elif figure is not None and figure["value_source"] == "reported":
        key = "trace.parts_own_report"
    else:
        key = "trace.parts_differ"
    title = view.t(key, n=len(rows), sum=view.value(code, total), figure=view.value(code, own))
    return [tables.section(title, tables.table(title, header, body, class_name="compact", foot=foot))]


def _scoped(view: View, figure: Row | None, level: str, unit: str, where: dict[str, Any], code: str) -> html.Section:
    """A ratio over a frozen list: numerator and denominator of the list's enterprises alone, and their sums.

    The whole county's or township's figures of these indicators would give another ratio.
    """
    indicator = view.catalogue.indicators[code]
    above, below = indicator["numerator_code"], indicator["denominator_code"]
    rows = [
        row
        for row in view.snapshot.rows("trace_scope", indicator=code, period=view.period)
        if level == "county" or row["township_code"] == unit
    ]
    scope = view.named(view.catalogue.scopes.get(indicator["scope"]), indicator["scope"])
    if not rows:
        return tables.section(view.t("trace.ratio_title"), html.P(view.t("trace.scope_hidden", scope=scope)))
    zero = Decimal(0)
    sums = [
        sum((numbers.to_decimal(row[key]) or zero for row in rows), start=zero) for key in ("numerator", "denominator")
    ]
    body = []
    for row in rows:
        there = {**where, "township": None, "enterprise": row["unit_id"]}
        parts = ((above, "numerator"), (below, "denominator"), (code, "ratio"))
        body.append(
            html.Tr(
                [
                    tables.row_head(
                        view.link(
                            view.unit_name(row["unit_id"]), "/enterprise", township=None, enterprise=row["unit_id"]
                        )
                    ),
                    *[
                        tables.cell(
                            view.link(
                                view.value(part, row[key]), "/trace", indicator=part, class_name="figure", **there
                            ),
                            numeric=True,
                        )
                        for part, key in parts
                    ],
                    tables.cell(view.t("status.missing") if row["is_carried"] else "", class_name="mark"),
                ]
            )
        )
    factor = numbers.to_decimal(indicator["multiplier"]) or Decimal(1)
    ratio = sums[0] / sums[1] * factor if sums[1] else None
    own = numbers.to_decimal(figure["value_ytd"]) if figure else None
    # A reader who sees some of the list alone is not given their sum as if it made the figure.
    is_all = ratio is not None and own is not None and view.value(code, ratio) == view.value(code, own)
    title = view.t("trace.scope_title" if is_all else "trace.scope_some", scope=scope, n=len(rows))
    foot = (
        []
        if not is_all
        else [
            html.Tr(
                [
                    tables.row_head(view.t("trace.sum", n=len(rows))),
                    tables.cell(view.value(above, sums[0]), numeric=True, class_name="strong"),
                    tables.cell(view.value(below, sums[1]), numeric=True, class_name="strong"),
                    tables.cell(
                        view.value(code, ratio),
                        numeric=True,
                        class_name="strong",
                    ),
                    tables.cell(""),
                ]
            )
        ]
    )
    header = [
        [
            tables.head(view.t("col.enterprise")),
            *[
                tables.head(f"{view.indicator(part)} {view.unit_label(part)}", numeric=True)
                for part in (above, below, code)
            ],
            tables.head(view.t("trace.remark")),
        ]
    ]
    return tables.section(
        title,
        tables.table(title, header, body, class_name="compact", foot=foot),
        sub=view.t("trace.scope_sub"),
    )


def _incidents(view: View, level: str, unit: str) -> html.Section:
    rows = [
        row
        for row in view.snapshot.rows("trace_incidents", january=view.period.replace(month=1), period=view.period)
        if level == "county" or unit in (row["township_code"], row["enterprise_id"])
    ]
    title = view.t("trace.incidents", n=len(rows), deaths=sum(row["deaths"] or 0 for row in rows))
    if not rows:
        return tables.section(title)
    body = [
        html.Tr(
            [
                tables.row_head(view.day(row["occurred_on"])),
                tables.cell(view.unit_name(row["enterprise_id"] or row["township_code"])),
                tables.cell(numbers.number(row["deaths"]), numeric=True),
                tables.cell(numbers.number(row["serious_injuries"]), numeric=True),
                tables.cell(row["raw_text"] or numbers.NOTHING),
                tables.cell(trace_sheet.place(row), class_name="small"),
                tables.cell(_submission_link(view, row)),
            ]
        )
        for row in rows
    ]
    header = [
        [
            tables.head(view.t("trace.occurred")),
            tables.head(view.t("trace.where")),
            tables.head(view.t("trace.deaths"), numeric=True),
            tables.head(view.t("trace.injured"), numeric=True),
            tables.head(view.t("col.read")),
            tables.head(view.t("col.cell")),
            tables.head(view.t("col.submission")),
        ]
    ]
    return tables.section(title, tables.table(title, header, body, class_name="compact"))


def _submission_link(view: View, row: Row) -> Any:
    """The submission, and its workbook as it was received."""
    submission = row["submission_id"]
    return [
        view.link(submission, "/submissions", submission=submission, indicator=None),
        " ",
        trace_sheet.original(view, submission),
    ]


def _shown_value(view: View, code: str, row: Row) -> str:
    """What a cell was read as, in the unit shown; the reason where it holds no number."""
    if row["value"] is None and row["null_reason"]:
        reason = f"null.{row['null_reason']}"
        return view.t(reason) if view.t.has(reason) else str(row["null_reason"])
    if row["measure"] in PERCENT_MEASURES or (row["measure"] == "target" and row["raw_unit"] == "%"):
        # A growth, or a target set as one, in a column of another unit.
        shown = numbers.number(row["value"], 1)
        return view.t("unit.percent", x=shown) if row["raw_unit"] == "%" else shown
    return view.value(code, row["value"])


def _cells(view: View, cells: list[Row], code: str) -> html.Section:
    """The cells as they were read: text, unit, factor, value; those in force first, then all earlier versions."""
    if not cells:
        return tables.section(view.t("trace.no_cells_title"), html.P(view.t("trace.no_cells"), className="sub"))
    in_force = sum(1 for row in cells if row["status"] == "in_force")
    ordered = sorted(cells, key=lambda row: row["status"] != "in_force")
    body = []
    for row in ordered:
        measure = f"measure.{row['measure']}"
        factor = numbers.to_decimal(row["unit_factor"])
        unit_text = row["raw_unit"] or numbers.NOTHING
        if factor is not None and factor != 1:
            unit_text += f" × {factor.normalize():f}"
        body.append(
            html.Tr(
                [
                    tables.row_head(view.cell_period(row)),
                    tables.cell(view.t(measure) if view.t.has(measure) else row["measure"]),
                    tables.cell(
                        row["raw_text"] if row["raw_text"] not in (None, "") else numbers.NOTHING, numeric=True
                    ),
                    tables.cell(unit_text, class_name="small"),
                    tables.cell(_shown_value(view, code, row), numeric=True, class_name="strong"),
                    tables.cell(view.t(f"version.{row['status']}"), class_name=f"version-{row['status']}"),
                    tables.cell(trace_sheet.place_link(view, row), class_name="small"),
                    tables.cell(_submission_link(view, row)),
                    tables.cell(_moment(row["valid_from"]), class_name="small muted"),
                    tables.cell(_moment(row["valid_to"]), class_name="small muted"),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("col.period")),
            tables.head(view.t("col.measure")),
            tables.head(view.t("col.read"), numeric=True),
            tables.head(view.t("trace.raw_unit")),
            tables.head(f"{view.t('trace.value')} {view.unit_label(code)}", numeric=True),
            tables.head(view.t("col.status")),
            tables.head(view.t("col.cell")),
            tables.head(view.t("col.submission")),
            tables.head(view.t("trace.known_from")),
            tables.head(view.t("trace.known_to")),
        ]
    ]
    earlier = len(cells) - in_force
    title = view.t("trace.cells_earlier" if earlier else "trace.cells", n=in_force, earlier=earlier)
    return tables.section(title, tables.table(title, header, body, class_name="compact"), sub=view.t("trace.cells_sub"))


def _moment(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else ""
