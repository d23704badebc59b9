"""Township: how is this township doing, and which enterprises explain it?

Belongs here: the layout of `/township`. Does not belong here: arithmetic of the field, SQL, wording (i18n/).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from dash import dcc

from dashboard.components import html, numbers, picture, svg, tables
from dashboard.components.links import attribute
from dashboard.data.store import Row
from dashboard.figures import series as series_figure
from dashboard.pages import outlook
from dashboard.pages.overview import gap_cell, history_start, spark, target_graph
from dashboard.pages.page import Page, carried_note, lamp_note, source_note, stock_note
from dashboard.view import View, month_before

SPANS = (13, 24, 36)
# From here on an axis needs no decimals.
AXIS_WHOLE = 10


def render(view: View) -> Page:
    known = view.catalogue.townships.get(view.state.township or "")
    if view.state.township and known is None and view.state.township != view.catalogue.county["township_code"]:
        ranked = _ranking(view)
        notice = tables.notice(
            view.t("township.unknown", code=view.state.township), view.t("township.unknown_hint"), kind="warn"
        )
        return Page(ranked.title, ranked.sub, [notice, *ranked.body])
    if known is None or known["township_code"] == view.catalogue.county["township_code"]:
        return _ranking(view)
    return _profile(view, known)


# -- all townships by one indicator ------------------------------------------------------------
def chosen_indicator(view: View, available: list[str]) -> str:
    """The indicator of the address where the unit has it, else the first headline indicator that it has."""
    if view.state.indicator in available:
        return str(view.state.indicator)
    first = [row["indicator_code"] for row in view.catalogue.headline() if row["indicator_code"] in available]
    return first[0] if first else (available[0] if available else "")


def _indicator_menu(view: View, available: list[str], chosen: str) -> html.Nav:
    items = []
    for code in available:
        name = view.indicator(code)
        items.append(
            html.Span(name, className="choice chosen", **attribute("aria-current", "true"))
            if code == chosen
            else view.link(name, view.path, class_name="choice", indicator=code)
        )
    return html.Nav(items, className="tabs", **attribute("aria-label", view.t("township.choose_indicator")))


def _ranking(view: View) -> Page:
    last = month_before(view.period, 12 if view.yearly else 1)
    grid = view.snapshot.rows(
        "township_grid",
        basis=view.state.basis_or_default,
        period=view.period,
        previous=last,
    )
    current = [row for row in grid if row["period"] == view.period]
    available = [
        row["indicator_code"]
        for row in view.catalogue.headline()
        if any(item["indicator_code"] == row["indicator_code"] for item in current)
    ]
    code = chosen_indicator(view, available)
    if not code:
        return Page(
            view.t("township.none_title", period=view.to_date(view.period)),
            view.t("township.none_sub"),
            [tables.notice(view.t("heat.no_rows"))],
        )
    rows = {row["unit_id"]: row for row in current if row["indicator_code"] == code}
    earlier = {row["unit_id"]: row for row in grid if row["period"] == last and row["indicator_code"] == code}
    by = "gap_pp" if any(row.get("gap_pp") is not None for row in rows.values()) else "growth_pct"
    scale = _scale(view, [*rows.values(), *earlier.values()], by)
    groups: dict[str, list[Row]] = defaultdict(list)
    for township in view.catalogue.active_townships(view.period):
        groups[township["class"] or ""].append(township)
    body: list[html.Tr] = []
    for name, members in sorted(groups.items(), key=lambda item: _class_order(view, item[0])):
        members.sort(key=lambda township: _rank_key(rows.get(township["township_code"])))
        body.append(html.Tr(html.Th(_class_name(view, name), colSpan=11, scope="rowgroup"), className="group"))
        for township in members:
            unit = township["township_code"]
            body.append(_ranking_row(view, township, rows.get(unit), earlier.get(unit), code, by, scale))
    grain = "year" if view.yearly else "month"
    measure = "gap" if by == "gap_pp" else "growth"
    header = [
        [
            tables.head(view.t("col.rank"), numeric=True),
            tables.head(view.t(f"col.rank_before.{grain}"), numeric=True),
            tables.head(view.t("col.rank_change"), numeric=True),
            tables.head(view.t("col.township")),
            tables.head(f"{view.t('col.ytd')} {view.unit_label(code)}", numeric=True),
            tables.head(view.t("col.growth"), numeric=True),
            tables.head(view.t("col.attainment"), numeric=True),
            tables.head(view.t(f"col.dots.{measure}.{grain}")),
            tables.head(view.t("col.gap"), numeric=True),
            tables.head(view.t(f"col.{measure}_before.{grain}"), numeric=True),
            tables.head(view.t("col.lamp")),
        ]
    ]
    behind = sum(1 for row in rows.values() if row.get("lamp") in ("yellow", "red"))
    judged = sum(1 for row in rows.values() if (row.get("lamp") or "grey") != "grey")
    if judged:
        key = "township.ranking_behind" if behind else "township.ranking_fine"
        title = view.t(key, n=behind, total=judged, indicator=view.indicator(code))
        measured = [row for row in rows.values() if row.get("lamp") in ("yellow", "red") and _placed(row, "gap_pp")]
        if measured and measured[0]["target_form"] != "cap":
            worst = min(measured, key=lambda row: row["gap_pp"])
            title += view.t("township.ranking_worst", name=view.unit_name(worst["unit_id"]), gap=view.gap_of(worst))
    else:
        title = view.t("township.ranking_plain", indicator=view.indicator(code), n=len(rows))
    return Page(
        title=title,
        sub=view.t("township.ranking_sub", indicator=view.indicator(code), period=view.to_date(view.period)),
        body=[
            _indicator_menu(view, available, code),
            tables.table(view.t("township.ranking_caption"), header, body, class_name="ranking", cards=True),
            source_note(
                view,
                [code],
                carried_note(view, rows.values()),
                stock_note(view, rows.values()),
                lamp_note(view, rows.values()),
            ),
        ],
    )


def _rank_key(row: Row | None) -> tuple[bool, int]:
    return (row is None or row.get("rank") is None, (row or {}).get("rank") or 0)


def _class_name(view: View, name: str, key: str = "class.named") -> str:
    """A class as it is called; a language that does not write its name counts it."""
    if not name:
        return view.t("class.none")
    return view.t(key, name=name if view.t.lang == "zh" else _class_order(view, name) + 1)


def _class_order(view: View, name: str) -> int:
    """The place of a class among the classes, in the order of the townships; unclassified units come last."""
    names = list(dict.fromkeys(row["class"] for row in view.catalogue.townships.values() if row["class"]))
    return names.index(name) if name in names else len(names)


def _placed(row: Row | None, by: str) -> float | None:
    """Where a unit stands on the scale of the ranking; a carried figure stands nowhere, as it has no rank."""
    if row is None or row.get("is_carried") or row.get(by) is None:
        return None
    return float(row[by])


def _scale(view: View, rows: Sequence[Row], by: str) -> tuple[float, float]:
    """Least and greatest place of all townships in both months, and zero: the schedule, or no growth.

    A net loss stands at the edge: its place would push all others together.
    """
    places = [place for row in rows if (place := _placed(row, by)) is not None and not view.net_loss(row)]
    return min([0.0, *places]), max([0.0, *places])


def _ranking_row(
    view: View,
    township: Row,
    row: Row | None,
    before: Row | None,
    code: str,
    by: str,
    scale: tuple[float, float],
) -> html.Tr:
    unit = township["township_code"]
    name = tables.row_head(view.link(view.named(township), "/township", township=unit))
    dash = tables.cell(numbers.NOTHING, numeric=True, class_name="muted")
    earlier = _before_cells(view, before, code, by)
    if row is None or row.get("value_ytd") is None:
        empty = tables.cell("")
        return html.Tr(
            [dash, earlier[0], dash, name, dash, dash, dash, empty, dash, earlier[1], tables.cell(numbers.NOTHING)]
        )
    colour = row.get("lamp") or "grey"
    carried = bool(row.get("is_carried"))
    value = view.figure(view.value(code, row["value_ytd"]), code, "township", unit)
    return html.Tr(
        [
            tables.cell(_rank(row), numeric=True),
            earlier[0],
            tables.cell(_rank_change(view, row), numeric=True),
            name,
            tables.cell([value, html.Span(view.t("mark.carried"), className="mark") if carried else ""], numeric=True),
            tables.cell(view.growth(row), numeric=True),
            tables.cell(view.attainment(row), numeric=True),
            tables.cell(_dots(view, row, before, by, scale)),
            tables.cell(view.figure(gap_cell(view, row), code, "township", unit), numeric=True),
            earlier[1],
            tables.cell(view.lamp(row), class_name=f"on-{colour}" if colour in ("yellow", "red") else ""),
        ]
    )


def _before_cells(view: View, before: Row | None, code: str, by: str) -> tuple[html.Td, html.Td]:
    """The ghost of the dots in figures: rank and place on the scale of the month before."""
    if before is None or _placed(before, by) is None:
        dash = tables.cell(numbers.NOTHING, numeric=True, class_name="muted")
        return dash, dash
    text = gap_cell(view, before) if by == "gap_pp" else view.growth_text(before)
    shown = view.figure(text, code, "township", before["unit_id"], before["period"])
    return (
        tables.cell(_rank(before), numeric=True, class_name="muted"),
        tables.cell(shown, numeric=True, class_name="muted"),
    )


def _dots(view: View, row: Row, before: Row | None, by: str, scale: tuple[float, float]) -> Any:
    """The unit's dot and its ghost, said in words too; nothing where this month has no place."""
    value, ghost = _placed(row, by), _placed(before, by)
    if value is None:
        return ""

    def words(item: Row) -> str:
        if by == "gap_pp":
            return view.gap_of(item)
        return view.t("dots.growth", x=view.growth_text(item))

    alt = words(row)
    if before is not None and ghost is not None:
        alt = view.t("dots.year" if view.yearly else "dots.month", now=alt, before=words(before))
    return svg.dots(value, ghost, scale, alt)


def _rank(row: Row) -> str:
    return f"{row['rank']}/{row['rank_of']}" if row.get("rank") is not None else numbers.NOTHING


def _rank_change(view: View, row: Row) -> Any:
    shift = row.get("rank_change")
    if shift is None or row.get("rank") is None:
        return numbers.NOTHING
    if shift == 0:
        return html.Span(view.t("rank.same"), className="muted")
    return html.Span(view.t("rank.up" if shift > 0 else "rank.down", n=abs(shift)))


# -- one township ------------------------------------------------------------------------------
def _profile(view: View, township: Row) -> Page:
    unit = township["township_code"]
    name = view.named(township)
    span = view.state.months or SPANS[0]
    all_rows = view.snapshot.rows(
        "unit_progress",
        level="township",
        unit_id=unit,
        basis=view.state.basis_or_default,
        since=history_start(view, span),
        period=view.period,
    )
    history: dict[str, list[Row]] = defaultdict(list)
    for row in all_rows:
        history[row["indicator_code"]].append(row)
    past = township["valid_to"] is not None and township["valid_to"] < view.period
    if past:
        return _former(view, township)
    available = [
        code for code in view.catalogue.indicators if any(row["value_ytd"] is not None for row in history[code])
    ]
    current = [row for code in available for row in history[code] if row["period"] == view.period]
    if not current and view.snapshot.scope.unit not in (None, unit):
        return Page(
            view.t("township.unseen_title", name=name),
            view.t("township.unseen_sub"),
            [tables.notice(view.t("scope.why"), view.link(view.t("township.back"), "/township", township=None))],
        )
    if not current:
        return Page(
            view.t("township.silent_title", name=name, period=view.month(view.period)),
            view.t("township.silent_sub"),
            [
                tables.notice(
                    view.t("township.silent"), view.link(view.t("township.back"), "/township", township=None)
                ),
                _reports(view, unit),
            ],
        )
    code = chosen_indicator(view, available)
    judged = [row for row in current if (row.get("lamp") or "grey") != "grey"]
    behind = [row for row in judged if row["lamp"] in ("yellow", "red")]
    lead = next((row for row in current if row["indicator_code"] == code), None)
    carried = any(row.get("is_carried") for row in current)
    if carried:
        title = view.t("township.carried_title", name=name, month=view.month(view.period))
    elif not judged:
        title = view.t("township.no_targets", name=name, n=len(current))
    elif behind:
        title = view.t("township.behind", name=name, total=len(judged), n=len(behind))
    else:
        title = view.t("township.on_track", name=name, total=len(judged))
    if lead is not None and lead.get("rank") is not None:
        title += view.t(
            "township.rank",
            indicator=view.indicator(code),
            klass=_class_name(view, township["class"] or "", "class.in"),
            rank=lead["rank"],
            of=lead["rank_of"],
        )
    return Page(
        title=title,
        sub=view.t(
            "township.sub",
            name=name,
            klass=_class_name(view, township["class"] or "", "class.in"),
            period=view.to_date(view.period),
            basis=view.t(f"basis.{view.state.basis_or_default}.long"),
        )
        + _ancestry(view, unit),
        body=[
            _switcher(view, unit),
            _indicator_table(view, unit, available, history, code),
            source_note(
                view,
                [row["indicator_code"] for row in current],
                carried_note(view, current),
                stock_note(view, current),
                lamp_note(view, current),
            ),
            html.Div(
                [
                    html.Div(
                        [
                            _time_series(view, history[code], code, span),
                            outlook.forecast(view, "township", unit, code, lead),
                        ]
                    ),
                    html.Div([_explained_by(view, unit, code), outlook.bridge(view, "township", unit, code)]),
                ],
                className="columns even",
            ),
            _reports(view, unit),
        ],
    )


def _switcher(view: View, unit: str) -> html.Nav:
    return html.Nav(
        [
            view.link(view.t("township.all"), "/township", class_name="choice", township=None),
            *[
                html.Span(view.named(row), className="choice chosen", **attribute("aria-current", "true"))
                if row["township_code"] == unit
                else view.link(view.named(row), "/township", class_name="choice", township=row["township_code"])
                for row in view.catalogue.active_townships(view.period)[:40]
            ],
        ],
        className="tabs",
        **attribute("aria-label", view.t("township.choose")),
    )


def _ancestry(view: View, unit: str) -> str:
    """Which former units live on in this one."""
    return "".join(
        view.t("township.successor", former=view.named(row), until=view.day(row["valid_to"]))
        for row in _absorbed(view, unit)
    )


def _absorbed(view: View, unit: str | None = None) -> list[Row]:
    """Former units whose figures are in this one's since they ended; `unit` defaults to the township of the address."""
    unit = unit or view.state.township
    return [row for row in view.catalogue.townships.values() if row["successor_code"] == unit]


def _first_after(former: Row) -> date:
    """The first month without the former unit."""
    return month_before(former["valid_to"], -1)


def _former(view: View, township: Row) -> Page:
    successor = view.catalogue.townships.get(township["successor_code"] or "")
    lines: list[Any] = [view.t("township.former_figures")]
    if successor is not None:
        lines.append(
            view.link(
                view.t("township.goto_successor", name=view.named(successor)),
                "/township",
                township=successor["township_code"],
            )
        )
    return Page(
        view.t("township.former_title", name=view.named(township), until=view.day(township["valid_to"])),
        view.t("township.former_sub", period=view.month(view.period)),
        [tables.notice(view.t("township.former"), *lines)],
    )


def _indicator_table(
    view: View, unit: str, available: list[str], history: dict[str, list[Row]], chosen: str
) -> html.Div:
    headline = {row["indicator_code"] for row in view.catalogue.headline()}
    ordered = [code for code in available if code in headline]
    # What is counted once a year has no row in the other months.
    others = [
        code
        for code in available
        if code not in headline and any(row["period"] == view.period for row in history[code])
    ]
    header = [
        [
            tables.head(view.t("col.indicator"), rows=2),
            tables.head(view.t("group.done"), span=4),
            tables.head(view.t("group.target"), span=5),
            tables.head(view.t("group.rank"), span=2),
            tables.head(view.t("group.outlook"), span=2),
            tables.head(view.t("col.spark"), rows=2),
        ],
        [
            tables.head(view.t("col.month"), numeric=True),
            tables.head(view.t("col.ytd"), numeric=True),
            tables.head(view.t("col.base"), numeric=True),
            tables.head(view.t("col.growth"), numeric=True),
            tables.head(view.t("col.target"), numeric=True),
            tables.head(view.t("col.attainment"), numeric=True),
            tables.head(view.t("col.bullet_short")),
            tables.head(view.t("col.gap"), numeric=True),
            tables.head(view.t("col.lamp")),
            tables.head(view.t("col.rank"), numeric=True),
            tables.head(view.t("col.rank_change"), numeric=True),
            tables.head(view.t("col.required"), numeric=True),
            tables.head(view.t("col.forecast"), numeric=True),
        ],
    ]
    body = [_indicator_row(view, unit, code, history[code], chosen) for code in ordered]
    if others and ordered:
        body.append(html.Tr(html.Th(view.t("group.others"), colSpan=15, scope="rowgroup"), className="group"))
    body += [_indicator_row(view, unit, code, history[code], chosen) for code in others]
    return tables.table(view.t("township.caption"), header, body, class_name="profile", cards=True)


def _indicator_row(view: View, unit: str, code: str, rows: list[Row], chosen: str) -> html.Tr:
    row = next((item for item in rows if item["period"] == view.period), None)
    label = [
        view.link(view.indicator(code), "/township", township=unit, indicator=code, class_name="quiet"),
        view.unit_beside(code),
    ]
    if row is None:
        dash = [tables.cell(numbers.NOTHING, numeric=True, class_name="muted") for _ in range(13)]
        return html.Tr([tables.row_head(label), *dash, tables.cell(spark(view, rows, code))])
    colour = row.get("lamp") or "grey"
    kind = view.catalogue.indicators[code]["kind"]
    ytd: list[Any] = [view.figure(view.value(code, row["value_ytd"]), code, "township", unit)]
    if row.get("is_carried"):
        ytd.append(html.Span(view.t("mark.carried"), className="mark", title=view.t("rule.carried")))
    month = view.value(code, row["value_month"]) if kind in ("flow", "count") else numbers.NOTHING
    target = _target_text(view, row, code)
    return html.Tr(
        [
            tables.row_head(label),
            tables.cell(month, numeric=True),
            tables.cell(ytd, numeric=True, class_name="strong"),
            tables.cell(view.value(code, row["base_ytd"]), numeric=True, class_name="muted"),
            tables.cell(view.growth(row), numeric=True),
            tables.cell(target, numeric=True),
            tables.cell(view.attainment(row), numeric=True),
            tables.cell(_small_bullet(view, row)),
            tables.cell(gap_cell(view, row), numeric=True),
            tables.cell(
                view.lamp(row) if row.get("target_value") is not None or row.get("is_carried") else "",
                class_name=f"on-{colour}" if colour in ("yellow", "red") else "",
            ),
            tables.cell(_rank(row), numeric=True),
            tables.cell(_rank_change(view, row), numeric=True),
            tables.cell(_required(view, row, code), numeric=True),
            tables.cell(_forecast(view, row, code), numeric=True),
            tables.cell(spark(view, rows, code)),
        ],
        className="selected" if code == chosen else None,
    )


def _small_bullet(view: View, row: Row) -> Any:
    graph = target_graph(view, row, width=104)
    return graph if isinstance(graph, html.Img) else ""


def _target_text(view: View, row: Row, code: str) -> str:
    form, value = row.get("target_form"), row.get("target_value")
    if value is None:
        return numbers.NOTHING
    if form in ("growth", "reduction", "share"):
        return view.t(f"target.short.{form}", x=numbers.number(value, 1))
    text = view.value(code, value)
    return view.t("target.cap", x=text, unit="") if form == "cap" else text


def month_or_change(view: View, row: Row, code: str) -> str:
    """A month over the month before in %, of a stock its change since the year end in the unit shown (domain.md B.2)."""
    if row.get("change_since_year_end") is not None:
        return view.value(code, row["change_since_year_end"])
    return numbers.number(row.get("growth_month_pct"), 1)


def _required(view: View, row: Row, code: str) -> Any:
    """What a month must bring from now on, and the growth over last year's rest that this is."""
    needed = numbers.to_decimal(row.get("required_monthly"))
    if needed is not None and needed <= 0:
        return view.t("required.met")
    text = view.value(code, needed)
    if row.get("required_growth_pct") is None:
        return text
    growth = numbers.to_decimal(row["required_growth_pct"])
    # A target that is met with less than last year's months says so in words: a minus sign would read as a demand.
    key = "required.growth" if growth is None or growth >= 0 else "required.room"
    told = view.t(key, pct=numbers.number(None if growth is None else abs(growth), 1))
    return [text, html.Div(told, className="small muted")]


def _forecast(view: View, row: Row, code: str) -> str:
    if row.get("forecast_value") is None:
        return numbers.NOTHING
    text = view.value(code, row["forecast_value"])
    if row.get("forecast_attainment_pct") is not None:
        text = view.t("forecast.with", value=text, pct=view.points(row["forecast_attainment_pct"], signed=False))
    return text


def _time_series(view: View, rows: list[Row], code: str, span: int) -> html.Section:
    by_period = {row["period"]: row for row in rows}
    periods = [period for period in view.catalogue.periods if period <= view.period][-span:]
    flow = view.catalogue.indicators[code]["kind"] in ("flow", "count") and not view.yearly
    field, base_field = ("value_month", "base_month") if flow else ("value_ytd", "base_ytd")
    unit = view.display_unit(code)
    unit_id = view.state.township or ""
    labels, actual, base, texts, body = [], [], [], [], []
    for period in periods:
        row = by_period.get(period, {})
        value, before = numbers.to_decimal(row.get(field)), numbers.to_decimal(row.get(base_field))
        if row.get("is_carried"):
            value = None
        labels.append(f"{period:%Y}" if view.yearly else f"{period:%y-%m}")
        actual.append(None if value is None else float(value * unit.factor))
        base.append(None if before is None else float(before * unit.factor))
        texts.append(f"{view.value(code, value)} {view.unit_label(code)}")
        body.append(
            html.Tr(
                [
                    tables.row_head(view.month(period)),
                    tables.cell(
                        view.t("status.missing") if row.get("is_carried") else view.value(code, value), numeric=True
                    ),
                    *([tables.cell(view.value(code, row.get("value_month_derived")), numeric=True)] if flow else []),
                    tables.cell(view.value(code, before), numeric=True),
                    tables.cell(month_or_change(view, row, code), numeric=True),
                    tables.cell(
                        view.figure(view.value(code, row.get("value_ytd")), code, "township", unit_id, period),
                        numeric=True,
                    ),
                    tables.cell(
                        view.growth_text({"indicator_code": code, **row}) if row else numbers.NOTHING, numeric=True
                    ),
                    tables.cell(numbers.number(row.get("growth_two_year_pct"), 1), numeric=True),
                ]
            )
        )
    known = [value for value in actual if value is not None]
    measure = view.t("measure.month" if flow else "measure.state")
    title = view.t("series.title", indicator=view.indicator(code), n=len(known))
    sub = f"{measure}{view.t('unit.of')}{view.unit_label(code)}"
    joined = [row for row in _absorbed(view) if periods and periods[0] < _first_after(row) <= periods[-1]]
    names: dict[str, Any] = {
        "name_actual": view.t("series.actual"),
        "name_base": view.t("series.base"),
        "unit": view.unit_label(code),
        "breaks": [sum(period < _first_after(row) for period in periods) for row in joined],
    }
    figure = series_figure.months(labels, actual, base, texts, **names)
    places = unit.decimals if unit.decimals is not None else view.catalogue.indicators[code]["decimals"]
    top = max((abs(value) for value in [*actual, *base] if value is not None), default=0.0)

    def written(value: float) -> str:
        return numbers.number(value, 0 if top >= AXIS_WHOLE else places or 0)

    still = svg.months(labels, actual, base, written, **names)
    spans = html.Nav(
        [
            html.Span(view.t("series.months", n=n), className="choice chosen", **attribute("aria-current", "true"))
            if n == span
            else view.link(view.t("series.months", n=n), "/township", class_name="choice", months=n)
            for n in SPANS
        ],
        className="tabs",
        **attribute("aria-label", view.t("series.choose")),
    )
    header = [
        [
            tables.head(view.t("col.period")),
            tables.head(measure, numeric=True),
            *([tables.head(view.t("col.month_derived"), numeric=True)] if flow else []),
            tables.head(view.t("series.base"), numeric=True),
            tables.head(view.t("col.growth_month" if flow else "col.since_year_end"), numeric=True),
            tables.head(view.t("col.ytd"), numeric=True),
            tables.head(view.t("col.growth"), numeric=True),
            tables.head(view.t("col.growth_two_year"), numeric=True),
        ]
    ]
    chart = dcc.Graph(
        figure=figure,
        config={"displayModeBar": False, "displaylogo": False, "responsive": True},
        className="chart",
        style={"height": "250px"},
    )
    return tables.section(
        title,
        spans,
        html.Div(
            [still, chart],
            role="img",
            className="chart-frame",
            **attribute("aria-label", view.t("series.alt", indicator=view.indicator(code))),
        ),
        _picture(view, title, sub),
        html.Details(
            [
                html.Summary(view.t("table.show")),
                tables.table(title, header, list(reversed(body)), class_name="compact"),
            ],
            className="twin",
        ),
        source_note(
            view,
            [code],
            *[view.t("series.joined", former=view.named(row), month=view.month(_first_after(row))) for row in joined],
        ),
        sub=sub,
    )


def _picture(view: View, title: str, sub: str) -> html.P | None:
    """The chart as PNG, for who may take figures out; away from the page it has to say whose they are, and as known when."""
    if not view.snapshot.scope.takes_out:
        return None
    owner = view.unit_name(view.state.township)
    return picture.button(
        view.t("picture.save"),
        title=view.t("picture.title", unit=owner, title=title),
        sub=sub,
        foot=view.known(),
        name="_".join(filter(None, (owner, title, f"{view.period:%Y-%m}", view.known()))),
        done=view.t("picture.done"),
        failed=view.t("picture.failed"),
    )


def _explaining_indicator(view: View, unit: str, code: str) -> tuple[str, tuple[Row, ...]]:
    """The indicator whose enterprises explain the chosen one: itself, else a part of it that enterprises report."""
    parts = [other for other, row in view.catalogue.indicators.items() if row["parent_code"] == code]
    for candidate in [code, *parts]:
        rows = view.snapshot.rows("township_enterprises", township=unit, indicator=candidate, period=view.period)
        if rows:
            return candidate, rows
    return code, ()


def _explained_by(view: View, unit: str, chosen: str) -> html.Section:
    code, rows = _explaining_indicator(view, unit, chosen)
    if not rows:
        return tables.section(
            view.t("explained.none_title", indicator=view.indicator(code)), tables.notice(view.t("explained.none"))
        )
    moved = [row for row in rows if row["contribution_pp"] is not None]
    top = moved[0] if moved and float(moved[0]["contribution_pp"]) > 0 else None
    low = moved[-1] if moved and float(moved[-1]["contribution_pp"]) < 0 else None
    if top and low:
        title = view.t("explained.both", up=view.named(top), down=view.named(low))
    elif top:
        title = view.t("explained.up", up=view.named(top))
    elif low:
        title = view.t("explained.down", down=view.named(low))
    else:
        title = view.t("explained.plain", indicator=view.indicator(code), n=len(rows))
    limit = max((abs(float(row["contribution_pp"])) for row in moved), default=1.0)
    shown = list(rows) if len(rows) <= 24 else [*rows[:16], *rows[-8:]]
    body = [
        html.Tr(
            [
                tables.row_head(view.link(view.named(row), "/enterprise", enterprise=row["enterprise_id"])),
                tables.cell(
                    view.figure(view.value(code, row["value_ytd"]), code, "enterprise", row["enterprise_id"]),
                    numeric=True,
                ),
                tables.cell(view.value(code, row["base_ytd"]), numeric=True, class_name="muted"),
                tables.cell(view.growth({**row, "indicator_code": code}), numeric=True),
                tables.cell(
                    svg.deviation(float(row["contribution_pp"]), limit, "")
                    if row["contribution_pp"] is not None
                    else ""
                ),
                tables.cell(numbers.number(row["contribution_pp"], 1, signed=True), numeric=True),
            ]
        )
        for row in shown
    ]
    header = [
        [
            tables.head(view.t("col.enterprise")),
            tables.head(view.t("col.ytd"), numeric=True),
            tables.head(view.t("col.base"), numeric=True),
            tables.head(view.t("col.growth"), numeric=True),
            tables.head(view.t("col.contribution"), numeric=True, span=2),
        ]
    ]
    more = view.t("list.more", n=len(rows) - len(shown)) if len(shown) < len(rows) else ""
    sub = view.t("explained.sub", indicator=view.indicator(code), unit=view.unit_label(code))
    if code != chosen:
        sub = view.t("explained.part", chosen=view.indicator(chosen), part=view.indicator(code)) + sub
    return tables.section(
        title,
        tables.table(title, header, body, class_name="compact", cards=True),
        source_note(view, [code], more, basis="reported"),
        sub=sub,
    )


def _reports(view: View, unit: str) -> html.Section:
    """What this unit has sent in the last months: on time, late, not at all."""
    start = history_start(view, 12)
    rows = view.snapshot.rows("unit_completeness", unit_id=unit, since=start, period=view.period)
    if not rows:
        return html.Section()
    periods = sorted({row["period"] for row in rows})
    forms = sorted({row["form_code"] for row in rows})
    by_cell = {(row["form_code"], row["period"]): row for row in rows}
    body = [
        html.Tr(
            [
                tables.row_head(view.named(view.catalogue.forms.get(form), form)),
                *[status_cell(view, by_cell.get((form, period))) for period in periods],
            ]
        )
        for form in forms
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


STATUS_SHAPES = {"on_time": "●", "late": "▲", "missing": "■", "suspended": "‖", "zero_report": "0"}


def status_cell(view: View, row: Row | None) -> html.Td:
    """One report's state: shape, word, colour of the exceptions, the days on hover and in the tree."""
    if row is None:
        return tables.cell(html.Span("·", className="muted"), class_name="center", title=view.t("status.none"))
    status = row["status"]
    words = view.t(f"status.{status}")
    detail = view.t("status.detail", word=words, due=view.day(row["due_on"]), got=view.day(row["received_at"]))
    return tables.cell(
        html.Span(
            [
                html.Span(STATUS_SHAPES.get(status, "?"), className="shape", **attribute("aria-hidden", "true")),
                html.Span(words, className="word"),
            ]
        ),
        class_name=f"center status-{status}",
        title=detail,
    )
