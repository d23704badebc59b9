"""Enterprise: what has this enterprise reported, and how does it compare?

Belongs here: the layout of `/enterprise`. Does not belong here: arithmetic of the field, SQL, wording (i18n/).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from dashboard.components import html, numbers, tables
from dashboard.components.grid import GRID_TEXTS, grid
from dashboard.components.links import attribute
from dashboard.data.store import Row
from dashboard.pages.overview import history_start, spark
from dashboard.pages.page import Page, source_note
from dashboard.pages.township import month_or_change, status_cell
from dashboard.view import View

# Rows of the list on paper: about thirty sheets.
PRINTED = 1000
# A column of the grid whose words take a second line rather than end in dots.
WRAPPED = {"wrapText": True, "autoHeight": True, "cellStyle": {"lineHeight": "18px", "padding": "5px 15px"}}
FLAGS = ("is_above_scale", "is_agro_processing", "is_pharma", "is_coal_mine", "is_key_energy_user")


def grid_texts(view: View) -> dict[str, str]:
    return {name: view.t(f"grid.{name}") for name in GRID_TEXTS}


def render(view: View) -> Page:
    if view.state.enterprise:
        found = view.snapshot.rows("enterprise", enterprise=view.state.enterprise)
        if found:
            return _profile(view, found[0])
    listed = _list(view)
    if not view.state.enterprise:
        return listed
    notice = tables.notice(
        view.t("enterprise.unknown", code=view.state.enterprise), view.t("enterprise.unknown_hint"), kind="warn"
    )
    return Page(listed.title, listed.sub, [notice, *listed.body])


def _listed(view: View) -> list[str]:
    """What the list can be read by: headline indicators, no ratios, that enterprises report; else all they report."""
    reported = {row["indicator_code"] for row in view.snapshot.rows("enterprise_indicators", period=view.period)}
    headline = [row["indicator_code"] for row in view.catalogue.headline() if row["kind"] != "ratio"]
    return [code for code in headline if code in reported] or [
        code for code in view.catalogue.indicators if code in reported
    ]


def _lead(view: View) -> str:
    """The indicator of the address where enterprises report it, else the first that they report."""
    listed = _listed(view)
    if view.state.indicator in view.catalogue.indicators and (view.state.indicator in listed or not listed):
        return str(view.state.indicator)
    return listed[0] if listed else ""


def status_word(view: View, status: Any) -> str:
    key = f"enterprise.status.{status}"
    return view.t(key) if view.t.has(key) else str(status or numbers.NOTHING)


def industry_name(view: View, code: Any) -> str:
    """The division (two digits) an industry code belongs to, else the code itself."""
    text = str(code or "")
    found = view.catalogue.industries.get(text) or view.catalogue.industries.get(text[:2])
    return view.named(found, text) or numbers.NOTHING


def flags(view: View, row: Row) -> str:
    return view.t.join(view.t(f"flag.{name}") for name in FLAGS if row[name]) or numbers.NOTHING


# -- the list ----------------------------------------------------------------------------------
def _list(view: View) -> Page:
    code = _lead(view)
    rows = view.snapshot.rows("enterprises", indicator=code, period=view.period)
    if view.state.township in view.catalogue.townships:
        rows = tuple(row for row in rows if row["township_code"] == view.state.township)
    if not rows:
        return Page(
            view.t("enterprise.list_empty"),
            view.t("enterprise.list_empty_sub"),
            [tables.notice(view.t("enterprise.none"))],
        )
    unit = view.display_unit(code)
    reported = sum(1 for row in rows if row["value_ytd"] is not None and not row["is_carried"])
    data = []
    for row in rows:
        value = numbers.to_decimal(row["value_ytd"])
        growth = numbers.to_decimal(row["growth_pct"])
        item = {**row, "indicator_code": code}
        data.append(
            {
                "name": view.named(row),
                "href": view.href("/enterprise", enterprise=row["enterprise_id"]),
                "township": view.unit_name(row["township_code"]) if row["township_code"] else numbers.NOTHING,
                "industry": industry_name(view, row["industry_code"]),
                "flags": flags(view, row),
                "status": status_word(view, row["status"]),
                "ytd": None if value is None else float(value * unit.factor),
                "ytd_text": view.value(code, value),
                "growth": None if growth is None else float(growth),
                "growth_text": view.growth_text(item) if value is not None else numbers.NOTHING,
            }
        )

    def figure(field: str, header: str) -> dict[str, Any]:
        return {
            "field": field,
            "headerName": header,
            "type": "rightAligned",
            "filter": "agNumberColumnFilter",
            "valueFormatter": {"function": f"params.data.{field}_text"},
            "maxWidth": 170,
        }

    columns: list[dict[str, Any]] = [
        {"field": "name", "headerName": view.t("col.enterprise"), "cellRenderer": "PageLink", "minWidth": 220},
        {"field": "township", "headerName": view.t("col.township")},
        {"field": "industry", "headerName": view.t("col.industry"), **WRAPPED, "minWidth": 150},
        {"field": "flags", "headerName": view.t("col.flags"), **WRAPPED, "minWidth": 150},
        {"field": "status", "headerName": view.t("col.status"), "maxWidth": 110},
        figure("ytd", f"{view.indicator(code)} {view.t('col.ytd')} {view.unit_label(code)}"),
        figure("growth", view.t("col.growth")),
    ]
    where = view.unit_name(view.state.township) if view.state.township in view.catalogue.townships else view.county
    choices = _listed(view)
    menu = html.Nav(
        [
            html.Span(view.indicator(other), className="choice chosen", **attribute("aria-current", "true"))
            if other == code
            else view.link(view.indicator(other), "/enterprise", class_name="choice", indicator=other)
            for other in choices
        ],
        className="tabs",
        **attribute("aria-label", view.t("township.choose_indicator")),
    )
    extra = (
        [html.P(view.link(view.t("enterprise.all"), "/enterprise", township=None))]
        if view.state.township in view.catalogue.townships
        else []
    )
    return Page(
        title=view.t(
            "enterprise.list_title", where=where, n=len(rows), reported=reported, indicator=view.indicator(code)
        ),
        sub=view.t("enterprise.list_sub", period=view.to_date(view.period)),
        body=[
            menu,
            *extra,
            grid("enterprises", columns, data, grid_texts(view), view.t("enterprise.list_label")),
            _on_paper(view, columns, data),
            source_note(view, [code], basis="reported"),
        ],
    )


def _on_paper(view: View, columns: list[dict[str, Any]], data: list[dict[str, Any]]) -> html.Div:
    """The list as plain rows, for the printer alone: the grid draws only the rows in sight."""
    header = [[tables.head(column["headerName"], numeric=column.get("type") == "rightAligned") for column in columns]]
    body = []
    for row in data[:PRINTED]:
        cells: list[html.Th | html.Td] = [tables.row_head(row["name"], "name")]
        for column in columns[1:]:
            numeric = column.get("type") == "rightAligned"
            cells.append(tables.cell(row[f"{column['field']}_text" if numeric else column["field"]], numeric=numeric))
        body.append(html.Tr(cells))
    left = len(data) - len(body)
    more = [tables.footnote(view.t("list.more", n=left))] if left > 0 else []
    caption = view.t("enterprise.list_label")
    return html.Div([tables.table(caption, header, body, class_name="compact"), *more], className="on-paper")


# -- one enterprise ----------------------------------------------------------------------------
def _profile(view: View, enterprise: Row) -> Page:
    identity = enterprise["enterprise_id"]
    name = view.named(enterprise)
    history: dict[str, list[Row]] = defaultdict(list)
    for row in view.snapshot.rows(
        "unit_progress",
        level="enterprise",
        unit_id=identity,
        basis="reported",
        since=history_start(view, 13),
        period=view.period,
    ):
        history[row["indicator_code"]].append(row)
    codes = [code for code in view.catalogue.indicators if any(row["value_ytd"] is not None for row in history[code])]
    current = {row["indicator_code"]: row for code in codes for row in history[code] if row["period"] == view.period}
    lead = str(view.state.indicator) if view.state.indicator in current else _lead(view)
    if lead not in current:
        lead = next((code for code in codes if code in current), "")
    position = view.snapshot.rows("enterprise_position", enterprise=identity, indicator=lead, period=view.period)
    leading = current.get(lead)
    if leading is None or leading["value_ytd"] is None:
        title = view.t("enterprise.silent_title", name=name, period=view.month(view.period))
    elif leading["is_carried"]:
        title = view.t("enterprise.carried_title", name=name, period=view.month(view.period))
    else:
        title = view.t(
            "enterprise.title",
            name=name,
            indicator=view.indicator(lead),
            value=view.value(lead, leading["value_ytd"]),
            unit=view.unit_label(lead),
            growth=_growth_words(view, leading),
        )
        if position:
            title += view.t(
                "enterprise.position",
                rank=position[0]["township_rank"],
                of=position[0]["township_of"],
                township=view.unit_name(enterprise["township_code"]),
            )
    return Page(
        title=title,
        sub=view.t("enterprise.sub", period=view.to_date(view.period), basis=view.t("basis.reported.long")),
        body=[
            _facts(view, enterprise, lead, position),
            tables.section(
                _moves(view, list(current.values())),
                _indicator_table(view, identity, codes, history),
                source_note(view, list(current), basis="reported"),
            )
            if codes
            else tables.notice(view.t("enterprise.no_figures")),
            html.Div(
                [_ratios(view, codes, history), _versions(view, identity)],
                className="columns even",
            ),
            _reports(view, identity),
            _states(view, identity),
        ],
    )


def _stretches(rows: Iterable[Row]) -> list[tuple[Row, Row]]:
    """First and last row of each stretch in which nothing changed that the registers say; `rows` by time."""

    def said(row: Row) -> tuple[Any, ...]:
        names = ("name_zh", "township_code", "industry_code", "status", *FLAGS)
        return tuple(row[name] for name in names)

    groups = [list(group) for _, group in groupby(rows, key=said)]
    return [(group[0], group[-1]) for group in groups]


def _states(view: View, identity: str) -> html.Section:
    """Its history in the registers: status, township, name, kinds; one line where nothing ever changed."""
    found = _stretches(view.snapshot.rows("enterprise_states", enterprise=identity))
    if not found:
        return html.Section()
    since = view.day(found[0][0]["registered_from"])
    if len(found) == 1:
        return tables.section(view.t("states.title_none"), html.P(view.t("states.none", day=since), className="sub"))
    body = []
    for place, (first, last) in enumerate(found):
        begins = view.t("states.before") if place == 0 else view.day(first["valid_from"])
        ends = view.t("states.now") if place == len(found) - 1 else view.day(last["valid_to"])
        body.append(
            html.Tr(
                [
                    tables.row_head(f"{begins}{view.t('states.to')}{ends}"),
                    tables.cell(status_word(view, first["status"])),
                    tables.cell(view.unit_name(first["township_code"]) if first["township_code"] else numbers.NOTHING),
                    tables.cell(view.named(first)),
                    tables.cell(industry_name(view, first["industry_code"])),
                    tables.cell(flags(view, first)),
                ]
            )
        )
    header = [
        [
            tables.head(view.t(f"col.{name}"))
            for name in ("period", "status", "township", "enterprise", "industry", "flags")
        ]
    ]
    title = view.t("states.title", n=len(found) - 1)
    return tables.section(
        title,
        tables.table(title, header, list(reversed(body)), class_name="compact", cards=True),
        sub=view.t("states.sub", day=since),
    )


def _moves(view: View, rows: list[Row]) -> str:
    """How many of the month's indicators rose and fell against last year."""
    changes = [numbers.to_decimal(row["growth_pct"]) for row in rows if not row["is_carried"]]
    known = [numbers.half_up(change, 1) for change in changes if change is not None]
    if not known:
        return view.t("enterprise.indicators_plain", n=len(rows))
    return view.t(
        "enterprise.indicators_title",
        n=len(rows),
        up=sum(change > 0 for change in known),
        down=sum(change < 0 for change in known),
    )


def _growth_words(view: View, row: Row) -> str:
    value = numbers.to_decimal(row.get("growth_pct"))
    if value is None:
        text = view.growth_text(row)
        return "" if text == numbers.NOTHING else view.t("words.note", note=text)
    rounded = numbers.number(abs(value), 1)
    if rounded == "0.0":
        return view.t("words.flat")
    return view.t("words.up" if value > 0 else "words.down", x=rounded)


def _facts(view: View, enterprise: Row, lead: str, position: tuple[Row, ...]) -> html.Dl:
    township = enterprise["township_code"]
    industry = industry_name(view, enterprise["industry_code"])
    items: list[tuple[str, Any]] = [
        (
            view.t("col.township"),
            view.link(view.unit_name(township), "/township", township=township, enterprise=None)
            if township
            else numbers.NOTHING,
        ),
        (view.t("col.industry"), industry),
        (view.t("col.status"), status_word(view, enterprise["status"])),
        (view.t("col.flags"), flags(view, enterprise)),
        (view.t("col.credit_code"), enterprise["credit_code"] or view.t("enterprise.no_credit_code")),
    ]
    if position:
        items.append(
            (
                view.t("enterprise.industry_rank", indicator=view.indicator(lead)),
                f"{position[0]['industry_rank']}/{position[0]['industry_of']}",
            )
        )
    items.append(("", view.link(view.t("enterprise.back"), "/enterprise", enterprise=None)))
    return html.Dl([html.Div([html.Dt(term), html.Dd(value)]) for term, value in items], className="facts")


def _indicator_table(view: View, identity: str, codes: list[str], history: dict[str, list[Row]]) -> html.Div:
    header = [
        [
            tables.head(view.t("col.indicator")),
            tables.head(view.t("col.month"), numeric=True),
            tables.head(view.t("col.ytd"), numeric=True),
            tables.head(view.t("col.base"), numeric=True),
            tables.head(view.t("col.growth"), numeric=True),
            tables.head(view.t("col.growth_change"), numeric=True),
            tables.head(view.t("col.growth_month_or_change"), numeric=True),
            tables.head(view.t("col.growth_two_year"), numeric=True),
            tables.head(view.t("col.spark")),
            tables.head(view.t("col.reach")),
        ]
    ]
    body = []
    for code in codes:
        rows = history[code]
        row = next((item for item in rows if item["period"] == view.period), None)
        known = [item["period"] for item in rows if item["value_ytd"] is not None and not item["is_carried"]]
        label = [view.indicator(code), view.unit_beside(code)]
        flow = view.catalogue.indicators[code]["kind"] in ("flow", "count")
        if row is None:
            cells = [tables.cell(view.t("status.missing"), numeric=True, class_name="muted")]
            cells += [tables.cell(numbers.NOTHING, numeric=True, class_name="muted") for _ in range(6)]
        else:
            cells = [
                tables.cell(view.value(code, row["value_month"]) if flow else numbers.NOTHING, numeric=True),
                tables.cell(
                    [
                        view.figure(view.value(code, row["value_ytd"]), code, "enterprise", identity),
                        html.Span(view.t("mark.carried"), className="mark") if row["is_carried"] else "",
                    ],
                    numeric=True,
                    class_name="strong",
                ),
                tables.cell(view.value(code, row["base_ytd"]), numeric=True, class_name="muted"),
                tables.cell(view.growth(row), numeric=True),
                tables.cell(numbers.number(row["growth_change_pp"], 1, signed=True), numeric=True),
                tables.cell(month_or_change(view, row, code), numeric=True),
                tables.cell(numbers.number(row["growth_two_year_pct"], 1), numeric=True),
            ]
        body.append(
            html.Tr(
                [
                    tables.row_head(label),
                    *cells,
                    tables.cell(spark(view, rows, code)),
                    tables.cell(view.month(max(known)) if known else numbers.NOTHING, class_name="muted small"),
                ]
            )
        )
    return tables.table(view.t("enterprise.caption"), header, body, cards=True)


def _ratios(view: View, codes: list[str], history: dict[str, list[Row]]) -> html.Section:
    """The ratios that dbt computed for this enterprise, with what they are made of."""
    body = []
    for code in codes:
        indicator = view.catalogue.indicators[code]
        row = next((item for item in history[code] if item["period"] == view.period), None)
        if indicator["kind"] != "ratio" or row is None or row["value_ytd"] is None:
            continue
        formula = ""
        if indicator["numerator_code"] and indicator["denominator_code"]:
            formula = view.t(
                "formula.ratio",
                numerator=view.indicator(indicator["numerator_code"]),
                denominator=view.indicator(indicator["denominator_code"]),
            )
        body.append(
            html.Tr(
                [
                    tables.row_head([view.indicator(code), view.unit_beside(code)]),
                    tables.cell(view.value(code, row["value_ytd"]), numeric=True, class_name="strong"),
                    tables.cell(view.value(code, row["base_ytd"]), numeric=True, class_name="muted"),
                    tables.cell(formula, class_name="muted small"),
                ]
            )
        )
    if not body:
        return tables.section(view.t("ratios.title_none"), tables.notice(view.t("ratios.none")))
    header = [
        [
            tables.head(view.t("col.indicator")),
            tables.head(view.t("col.ytd"), numeric=True),
            tables.head(view.t("col.base"), numeric=True),
            tables.head(view.t("col.formula")),
        ]
    ]
    return tables.section(view.t("ratios.title", n=len(body)), tables.table(view.t("ratios.caption"), header, body))


def _versions(view: View, identity: str) -> html.Section:
    """What this enterprise said before, beside what is in force now."""
    rows = view.snapshot.rows(
        "enterprise_versions", enterprise=identity, since=history_start(view, 13), period=view.period
    )
    changed = [row for row in rows if not row["is_same"]]
    same = len(rows) - len(changed)
    remark = view.t("versions.same", n=same) if same else ""
    if not changed:
        told = view.t("versions.all_same", n=same) if same else view.t("versions.none")
        return tables.section(view.t("versions.title_none"), html.P(told, className="sub"))
    body = []
    for row in changed:
        code = row["indicator_code"]
        known = code in view.catalogue.indicators
        measure = f"measure.{row['measure']}"
        body.append(
            html.Tr(
                [
                    tables.row_head(view.month(row["period"])),
                    tables.cell(view.indicator(code)),
                    tables.cell(view.t(measure) if view.t.has(measure) else row["measure"]),
                    tables.cell(
                        view.value(code, row["value"]) if known else numbers.number(row["value"], 2), numeric=True
                    ),
                    tables.cell(
                        view.value(code, row["value_in_force"]) if known else numbers.number(row["value_in_force"], 2),
                        numeric=True,
                        class_name="strong",
                    ),
                    tables.cell(view.t(f"version.{row['status']}")),
                    tables.cell(f"{row['file_name']} {row['sheet']}!{row['cell']}", class_name="small muted"),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("col.period")),
            tables.head(view.t("col.indicator")),
            tables.head(view.t("col.measure")),
            tables.head(view.t("col.before"), numeric=True),
            tables.head(view.t("col.in_force"), numeric=True),
            tables.head(view.t("col.status")),
            tables.head(view.t("col.cell")),
        ]
    ]
    title = view.t("versions.title", n=len(changed))
    return tables.section(title, tables.table(title, header, body, class_name="compact"), sub=remark)


def _reports(view: View, identity: str) -> html.Section:
    rows = view.snapshot.rows("unit_completeness", unit_id=identity, since=history_start(view, 12), period=view.period)
    if not rows:
        return html.Section()
    periods = sorted({row["period"] for row in rows})
    by_cell = {(row["form_code"], row["period"]): row for row in rows}
    body = [
        html.Tr(
            [
                tables.row_head(view.named(view.catalogue.forms.get(form), form)),
                *[status_cell(view, by_cell.get((form, period))) for period in periods],
            ]
        )
        for form in sorted({row["form_code"] for row in rows})
    ]
    header = [
        [
            tables.head(view.t("col.form")),
            *[tables.head(view.month(p) if view.yearly else f"{p:%y-%m}", class_name="center") for p in periods],
        ]
    ]
    missing = sum(1 for row in rows if row["status"] == "missing")
    late = sum(1 for row in rows if row["status"] == "late")
    title = view.t("reports.title", n=len(periods), missing=missing, late=late)
    return tables.section(title, tables.table(title, header, body, class_name="compact calendar", cards=True))
