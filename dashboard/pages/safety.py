"""Safety: are we inside the caps?

Belongs here: the layout of `/safety`. Does not belong here: classes of accidents, caps and lamps (dbt), SQL, wording.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from dashboard.components import html, numbers, svg, tables
from dashboard.data.store import Row
from dashboard.pages.overview import county_history, headline_table, heat_cell, safety
from dashboard.pages.page import Page, lamp_note, source_note
from dashboard.view import View, month_before

YEARS = 3
# The indicator whose source form lists the accidents.
COUNTED = "SA02"
# So many townships are named in a heading; more are counted.
NAMED = 3

# The table of what the timeline draws.
TWIN = "incidents"


def render(view: View) -> Page:
    indicators = view.catalogue.safety()
    history = county_history(view)
    reach = view.reach()
    current, table = headline_table(view, history, reach, indicators, view.t("safety.caption"))
    incidents = view.snapshot.rows("incidents", period=view.period)
    if not current and not incidents:
        return Page(view.t("safety.empty_title"), view.t("safety.empty_sub"), [tables.notice(view.t("safety.empty"))])
    by_code = {row["indicator_code"]: row for row in current}
    days, summary = safety(view, incidents, by_code)
    caps = [row for row in current if row.get("target_form") == "cap" and row.get("lamp") is not None]
    broken = [row for row in caps if row["lamp"] == "red"]
    if broken:
        names = view.t.join(view.indicator(row["indicator_code"]) for row in broken)
        title = view.t("safety.broken", names=names, n=len(broken), total=len(caps))
    elif caps:
        title = view.t("safety.inside", n=len(caps), days=days)
    else:
        title = days
    return Page(
        title=title,
        sub=view.t("safety.sub", period=view.to_date(view.period), summary=summary),
        body=[
            table,
            source_note(
                view,
                [row["indicator_code"] for row in current],
                lamp_note(view, current),
            ),
            html.Div(
                [
                    _townships(view, indicators),
                    html.Div([_timeline(view, incidents), _rate(view, history), _vetoes(view)]),
                ],
                className="columns even",
            ),
            html.Div(_incidents(view, incidents), id=TWIN),
        ],
    )


def _townships(view: View, indicators: list[Row]) -> html.Section:
    """What each township has used of its caps."""
    grid = view.snapshot.rows(
        "township_grid",
        basis=view.state.basis_or_default,
        period=view.period,
        previous=month_before(view.period, 12 if view.yearly else 1),
    )
    codes = {row["indicator_code"] for row in indicators}
    cells = {
        (row["unit_id"], row["indicator_code"]): row
        for row in grid
        if row["period"] == view.period and row["indicator_code"] in codes
    }
    columns = [row["indicator_code"] for row in indicators if any(code == row["indicator_code"] for _, code in cells)]
    if not columns:
        return tables.section(view.t("safety.no_townships"))
    body = []
    used: list[str] = []
    for township in view.catalogue.active_townships(view.period):
        unit = township["township_code"]
        found = [cells.get((unit, code)) for code in columns]
        if any(row is not None and row.get("lamp") in ("yellow", "red") for row in found):
            used.append(view.named(township))
        body.append(
            html.Tr(
                [
                    tables.row_head(view.link(view.named(township), "/township", township=unit, class_name="quiet")),
                    *[heat_cell(view, row, code, unit) for row, code in zip(found, columns, strict=True)],
                ]
            )
        )
    header = [
        [
            tables.head(view.t("col.township")),
            *[tables.head([view.indicator(code), view.unit_beside(code)], numeric=True) for code in columns],
        ]
    ]
    key = (
        "safety.townships_fine"
        if not used
        else "safety.townships_named"
        if len(used) <= NAMED
        else "safety.townships_over"
    )
    title = view.t(key, n=len(used), names=view.t.join(used))
    return tables.section(
        title,
        tables.table(title, header, body, class_name="heat"),
        source_note(view, columns),
        sub=view.t("safety.townships_sub"),
    )


def _rate(view: View, history: dict[str, list[Row]]) -> html.Section:
    """The death rate as the ratio of two sums: who died, how much was dug; nothing where one of them is not known."""
    county = view.catalogue.county["township_code"]
    known = {
        code: row["value_ytd"]
        for code, rows in history.items()
        for row in rows
        if row["period"] == view.period and row["value_ytd"] is not None
    }

    def part(code: str) -> list[Any]:
        return [view.figure(view.value(code, known[code]), code, "county", county), f" {view.unit_label(code)}"]

    for indicator in view.catalogue.safety():
        rate, above, below = (indicator[name] for name in ("indicator_code", "numerator_code", "denominator_code"))
        if above == COUNTED and {rate, above, below} <= known.keys():
            title = view.t("safety.rate", indicator=view.indicator(rate), x=view.value(rate, known[rate]))
            line = [*part(above), " ÷ ", *part(below), " = ", *part(rate)]
            return tables.section(title, html.P(line), sub=view.t("safety.rate_sub"))
    return html.Section()


def _vetoes(view: View) -> html.Section:
    """Which townships the appraisal vetoes this month, and by which rule; nothing where there is no appraisal."""
    cards = view.snapshot.rows("scorecard", period=view.period)
    if not cards:
        return html.Section()
    vetoed = [card for card in cards if card["vetoed"]]
    if not vetoed:
        return tables.section(view.t("safety.no_veto"), sub=view.t("safety.no_veto_sub", n=len(cards)))
    lines = [
        html.Li(
            [
                view.link(view.unit_name(card["township_code"]), "/scorecard", township=card["township_code"]),
                view.t("clause.colon"),
                str(card["veto_reason_en"] if view.t.lang == "en" else card["veto_reason"]),
            ]
        )
        for card in vetoed
    ]
    names = view.t.join(view.unit_name(card["township_code"]) for card in vetoed[:NAMED])
    key = "safety.veto" if len(vetoed) <= NAMED else "safety.veto_many"
    title = view.t(key, names=names, n=len(vetoed))
    return tables.section(title, html.Ul(lines, className="lines"), sub=view.t("safety.veto_sub", n=len(cards)))


def _timeline(view: View, incidents: tuple[Row, ...]) -> html.Section:
    years = list(range(view.period.year - YEARS + 1, view.period.year + 1))
    events = [
        (years.index(row["occurred_on"].year), row["occurred_on"].timetuple().tm_yday / 366, float(row["deaths"] or 0))
        for row in incidents
        if row["occurred_on"].year in years
    ]
    counts = Counter(years[row] for row, _, _ in events)
    words = view.t.join(view.t("safety.year_count", year=year, n=counts[year]) for year in years)
    image = svg.timeline(events, [str(year) for year in years], view.t("safety.timeline_alt", counts=words))
    twin = html.P(html.A(view.t("table.show"), href=f"#{TWIN}", className="to-twin"), className="small off-paper")
    return tables.section(view.t("safety.timeline", counts=words), image, twin, sub=view.t("safety.timeline_sub"))


def _in_rate(view: View, row: Row) -> str:
    """Whether the dead of an accident count in the death rate; nothing where nobody died."""
    if not row["deaths"]:
        return numbers.NOTHING
    return view.t("safety.counted" if row["counted_in_rate"] else "safety.not_counted")


def _incidents(view: View, incidents: tuple[Row, ...]) -> html.Section:
    rows = [row for row in reversed(incidents) if row["occurred_on"].year > view.period.year - YEARS]
    if not rows:
        return tables.section(view.t("safety.never"))
    body = []
    for row in rows:
        unit: Any = view.unit_name(row["enterprise_id"] or row["township_code"])
        if row["enterprise_id"] in view.catalogue.enterprises:
            unit = view.link(unit, "/enterprise", enterprise=row["enterprise_id"])
        grade = row["class_en"] if view.t.lang == "en" else row["class"]
        category = f"category.{row['category']}"
        body.append(
            html.Tr(
                [
                    tables.row_head(view.day(row["occurred_on"])),
                    tables.cell(unit),
                    tables.cell(view.unit_name(row["township_code"])),
                    tables.cell(view.t(category) if view.t.has(category) else row["category"] or numbers.NOTHING),
                    tables.cell(numbers.number(row["deaths"]), numeric=True),
                    tables.cell(numbers.number(row["serious_injuries"]), numeric=True),
                    tables.cell(numbers.number(row["direct_loss"], 1), numeric=True),
                    tables.cell(grade or numbers.NOTHING),
                    tables.cell(_in_rate(view, row)),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("trace.occurred")),
            tables.head(view.t("col.enterprise")),
            tables.head(view.t("col.township")),
            tables.head(view.t("safety.category")),
            tables.head(view.t("trace.deaths"), numeric=True),
            tables.head(view.t("trace.injured"), numeric=True),
            tables.head(view.t("safety.loss"), numeric=True),
            tables.head(view.t("safety.class")),
            tables.head(view.t("safety.in_rate")),
        ]
    ]
    title = view.t("safety.list", n=len(rows), years=YEARS)
    return tables.section(
        title,
        tables.table(title, header, body, class_name="compact", cards=True),
        source_note(view, [COUNTED], basis=None),
    )
