"""Overview: where does the county stand this month, and who holds it back?

Belongs here: the layout of `/`. Does not belong here: arithmetic of the field, SQL, wording (i18n/).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

from dashboard.components import html, lamps, numbers, svg, tables
from dashboard.data.store import Row
from dashboard.pages.page import Page, carried_note, lamp_note, source_note, stock_note
from dashboard.view import View, month_before

LISTED = 4


def history_start(view: View, months: int = 13) -> Any:
    """The first of the last `months` periods that the version knows, the chosen one included."""
    until = [period for period in view.catalogue.periods if period <= view.period]
    return until[-months] if len(until) >= months else (until[0] if until else view.period)


def series(view: View, rows: list[Row], code: str, months: int = 13) -> list[float | None]:
    """The last months of one indicator for a sparkline: the month's own figure of a flow, the state of the others."""
    field = "value_month" if view.catalogue.indicators[code]["kind"] in ("flow", "count") else "value_ytd"
    by_period = {row["period"]: row for row in rows}
    until = [period for period in view.catalogue.periods if period <= view.period][-months:]
    values: list[float | None] = []
    for period in until:
        row = by_period.get(period)
        value = row.get(field) if row else None
        if value is None and row and view.yearly:
            value = row.get("value_ytd")
        values.append(None if value is None or (row and row["is_carried"]) else float(value))
    return values


def spark(view: View, rows: list[Row], code: str) -> Any:
    values = series(view, rows, code)
    known = [value for value in values if value is not None]
    if not known:
        return numbers.NOTHING
    alt = view.t(
        "spark.alt",
        n=len(values),
        low=view.value(code, min(known)),
        high=view.value(code, max(known)),
        last=view.value(code, known[-1]),
    )
    return svg.sparkline(values, alt)


def target_graph(view: View, row: Row, width: int = 208) -> Any:
    """The bullet of a level target; the words of any other form."""
    code, form = row["indicator_code"], row.get("target_form")
    target, actual = row.get("target_value"), row.get("value_ytd")
    if target is None or form is None:
        return html.Span(view.t("target.none"), className="muted")
    kind = view.catalogue.indicators[code]["kind"]
    if form == "cap" and float(target) == 0:
        return html.Span(view.t("target.zero"), className="muted")
    if actual is None or form in ("growth", "reduction", "share", "full"):
        unit = "" if form != "full" else view.unit_label(code)
        text = numbers.number(target, 1) if form != "full" else view.value(code, target)
        return html.Span(view.t(f"target.{form}", x=text, unit=unit), className="muted")
    progress = row.get("time_progress_pct")
    scheduled = None
    if progress is not None and kind in ("flow", "count"):
        scheduled = float(target) * float(progress) / 100
    alt = view.t(
        "bullet.alt.cap" if form == "cap" else "bullet.alt",
        value=view.value(code, actual),
        target=view.value(code, target),
        schedule=view.value(code, scheduled),
        unit=view.unit_label(code),
    )
    start = row.get("start_value")
    if form == "level" and start is not None and float(target) > float(start) and progress is not None:
        # A state is judged by what was added since the beginning of the year: the bar shows that, from there.
        actual, target = float(actual) - float(start), float(target) - float(start)
        scheduled = target * float(progress) / 100
        alt = view.t(
            "bullet.alt.stock",
            start=view.value(code, start),
            value=view.value(code, row["value_ytd"]),
            target=view.value(code, row["target_value"]),
            unit=view.unit_label(code),
        )
    return svg.bullet(float(actual), float(target), scheduled, alt, is_cap=form == "cap", width=width)


def gap_cell(view: View, row: Row) -> str:
    """Distance to schedule or target in words; what is left of a limit."""
    if row.get("target_form") == "cap":
        if row.get("target_value") is None or row.get("value_ytd") is None:
            return numbers.NOTHING
        left = numbers.to_decimal(row["target_value"]) - numbers.to_decimal(row["value_ytd"])  # type: ignore[operator]
        key = "cap.left" if left >= 0 else "cap.over"
        # The unit stands in the row's heading.
        return view.t(key, x=view.value(row["indicator_code"], abs(left)))
    if row.get("gap_pp") is None or row.get("is_carried"):
        return numbers.NOTHING
    if lost := view.net_loss(row):
        return lost
    side = "short.ahead" if float(row["gap_pp"]) >= 0 else "short.behind"
    return view.t(side, x=numbers.number(abs(numbers.to_decimal(row["gap_pp"]) or 0), 1))


def finding(view: View, rows: list[Row]) -> str:
    """The overview's heading: how many targets are behind, and which one most."""
    judged = [row for row in rows if (row.get("lamp") or "grey") != "grey"]
    behind = [row for row in judged if row["lamp"] in ("yellow", "red")]
    if not judged:
        return view.t("overview.no_targets", period=view.to_date(view.period))
    if not behind:
        return view.t("overview.all_on_track", n=len(judged))
    measured = [row for row in behind if row.get("gap_pp") is not None and row["target_form"] != "cap"]
    worst = min(measured, key=lambda row: row["gap_pp"]) if measured else None
    if worst is None:
        return view.t("overview.behind", total=len(judged), n=len(behind))
    return view.t(
        "overview.behind_worst",
        total=len(judged),
        n=len(behind),
        name=view.indicator(worst["indicator_code"]),
        gap=view.gap_of(worst),
    )


def headline_table(
    view: View, history: dict[str, list[Row]], reach: dict[str, Any], indicators: list[Row], caption: str
) -> tuple[list[Row], html.Div]:
    """The county's indicators with target, gap, lamp and trend; gives the month's rows and the table."""
    current: list[Row] = []
    body = []
    whole = None
    for indicator in indicators:
        code = indicator["indicator_code"]
        rows = history.get(code, [])
        if not rows:
            continue
        row = next((item for item in rows if item["period"] == view.period), None)
        if row is None:
            row = {"indicator_code": code, "lamp": None}
        else:
            current.append(row)
        # "Of which" refers to the line above: said only where that is the whole, or another part of it.
        is_part = whole is not None and indicator["parent_code"] == whole
        whole = whole if is_part else code
        name = view.link(view.indicator(code), "/township", indicator=code, township=None, class_name="quiet")
        label = [
            view.t("part_of") if is_part else "",
            name,
            view.unit_beside(code),
        ]
        colour = row.get("lamp") or "grey"
        reached = reach.get(code)
        behind = reached is not None and reached < view.period
        body.append(
            html.Tr(
                [
                    tables.row_head(label, "part" if is_part else None),
                    tables.cell(
                        view.figure(
                            view.value(code, row.get("value_ytd")),
                            code,
                            "county",
                            view.catalogue.county["township_code"],
                        ),
                        numeric=True,
                        class_name="strong",
                    ),
                    tables.cell(view.growth(row) if len(row) > 2 else numbers.NOTHING, numeric=True),
                    tables.cell(view.attainment(row), numeric=True),
                    tables.cell(target_graph(view, row)),
                    tables.cell(gap_cell(view, row), numeric=True),
                    tables.cell(view.lamp(row), class_name=f"on-{colour}" if colour in ("yellow", "red") else ""),
                    tables.cell(spark(view, rows, code)),
                    tables.cell(
                        view.month(reached) if reached else numbers.NOTHING,
                        class_name="muted small" + (" late" if behind else ""),
                    ),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("col.indicator")),
            tables.head(view.t("col.ytd"), numeric=True),
            tables.head(view.t("col.growth"), numeric=True),
            tables.head(view.t("col.attainment"), numeric=True),
            tables.head(view.t("col.bullet")),
            tables.head(view.t("col.gap"), numeric=True),
            tables.head(view.t("col.lamp")),
            tables.head(view.t("col.spark")),
            tables.head(view.t("col.reach")),
        ]
    ]
    return current, tables.table(caption, header, body, class_name="headline", cards=True)


def heat_table(view: View, grid: list[Row], columns: list[str]) -> html.Div:
    """Townships × indicators: the distance to schedule; only the exceptions are coloured."""
    by_cell = {(row["unit_id"], row["indicator_code"]): row for row in grid if row["period"] == view.period}
    body = []
    for township in view.catalogue.active_townships(view.period):
        code = township["township_code"]
        cells: list[Any] = [
            tables.row_head(view.link(view.named(township), "/township", township=code, class_name="quiet"))
        ]
        for indicator in columns:
            cells.append(heat_cell(view, by_cell.get((code, indicator)), indicator, code))
        body.append(html.Tr(cells))
    # A column with figures that are no percentage points says their unit.
    valued = {
        code
        for (_, code), row in by_cell.items()
        if row.get("value_ytd") is not None and (row.get("gap_pp") is None or row.get("target_form") == "cap")
    }
    header = [
        [
            tables.head(view.t("col.township")),
            *[
                tables.head(
                    [
                        view.link(view.indicator(code), "/township", indicator=code, township=None, class_name="quiet"),
                        view.unit_beside(code) if code in valued else "",
                    ],
                    numeric=True,
                )
                for code in columns
            ],
        ]
    ]
    return tables.table(view.t("heat.caption"), header, body, class_name="heat")


def heat_cell(view: View, row: Row | None, indicator: str, township: str) -> html.Td:
    if row is None or (row.get("value_ytd") is None and row.get("lamp") != "grey"):
        return tables.cell(numbers.NOTHING, numeric=True, class_name="muted", title=view.t("heat.no_figure"))
    if row.get("is_carried") or row.get("value_ytd") is None:
        return tables.cell(
            view.t("status.missing"), numeric=True, class_name="unreported", title=view.lamp_sentence(row)
        )
    colour = row.get("lamp") or "grey"
    if row.get("target_form") == "cap" and row.get("target_value") is not None:
        text = f"{view.value(indicator, row['value_ytd'])}/{view.value(indicator, row['target_value'])}"
    elif row.get("gap_pp") is not None:
        # A gap that lights a lamp is not nothing: where one decimal hides it, two are shown.
        is_lit = colour in ("yellow", "red") and abs(row["gap_pp"]) < 0.05
        text = view.net_loss(row) or numbers.number(row["gap_pp"], 2 if is_lit else 1, signed=True)
    else:
        return tables.cell(
            view.figure(view.value(indicator, row["value_ytd"]), indicator, "township", township),
            numeric=True,
            class_name="muted",
            title=view.t("heat.no_target"),
        )
    word = view.lamp_word(row) if colour in ("yellow", "red") else ""
    content = view.figure(lamps.mark(colour, text, word), indicator, "township", township)
    return tables.cell(
        content,
        numeric=True,
        class_name=f"on-{colour}" if colour in ("yellow", "red") else "",
        title=view.lamp_sentence(row),
    )


def heat_finding(view: View, grid: list[Row]) -> str:
    current = [row for row in grid if row["period"] == view.period]
    red = Counter(row["unit_id"] for row in current if row.get("lamp") == "red")
    silent = sorted({row["unit_id"] for row in current if row.get("lamp") == "grey"})
    parts = []
    if red:
        most = max(red.values())
        names = [view.unit_name(unit) for unit, count in red.items() if count == most]
        parts.append(
            view.t("heat.most_red", names=view.t.join(names[:LISTED]), n=most)
            if len(names) <= LISTED
            else view.t("heat.many_red", units=len(red), n=sum(red.values()))
        )
    elif any(row.get("lamp") in ("green", "yellow") for row in current):
        parts.append(view.t("heat.none_red"))
    elif current:
        parts.append(view.t("heat.plain", n=len({row["unit_id"] for row in current})))
    if silent:
        parts.append(
            view.t(
                "heat.silent",
                names=view.t.join(view.unit_name(unit) for unit in silent[:LISTED]),
                n=len(silent),
                month=view.month(view.period),
            )
        )
    return view.t("clause.separator").join(parts) if parts else view.t("heat.no_rows")


def changes(view: View, grid: list[Row], revisions: tuple[Row, ...]) -> list[Any]:
    """What changed since last month: lamps, ranks, figures sent again."""
    previous = {
        (row["unit_id"], row["indicator_code"]): row
        for row in grid
        if row["period"] != view.period and not row.get("is_carried")
    }
    moved: list[tuple[int, Any]] = []
    order = {"green": 0, "yellow": 1, "red": 2}
    for row in grid:
        if row["period"] != view.period:
            continue
        before = previous.get((row["unit_id"], row["indicator_code"]))
        if not before or row.get("lamp") not in order or before.get("lamp") not in order:
            continue
        step = order[row["lamp"]] - order[before["lamp"]]
        if abs(step) == 2 or (step and row["lamp"] == "red"):
            text = view.t(
                "change.lamp",
                township=view.unit_name(row["unit_id"]),
                indicator=view.indicator(row["indicator_code"]),
                before=f"{lamps.SHAPES[before['lamp']]}{view.t('colour.' + before['lamp'])}",
                after=f"{lamps.SHAPES[row['lamp']]}{view.t('colour.' + row['lamp'])}",
            )
            moved.append(
                (-abs(step), view.link(text, "/township", township=row["unit_id"], indicator=row["indicator_code"]))
            )
    lead = view.catalogue.headline()[0]["indicator_code"] if view.catalogue.headline() else None
    for row in grid:
        shift = row.get("rank_change")
        if row["period"] == view.period and row["indicator_code"] == lead and shift and abs(shift) >= 2:
            key = "change.rank_up" if shift > 0 else "change.rank_down"
            text = view.t(key, township=view.unit_name(row["unit_id"]), indicator=view.indicator(lead), n=abs(shift))
            moved.append((-1, view.link(text, "/township", township=row["unit_id"], indicator=lead)))
    moved.sort(key=lambda item: item[0])
    lines = [item[1] for item in moved[:LISTED]]
    if len(moved) > LISTED:
        lines.append(html.Span(view.t("list.more", n=len(moved) - LISTED), className="muted"))
    if revisions:
        cells = sum(row["cells"] for row in revisions)
        lines.append(
            view.link(view.t("change.revised", month=view.month(view.period), n=cells), "/submissions", township=None)
        )
    return lines or [view.t("change.none")]


def contributions(view: View, grid: list[Row], county: Row | None) -> tuple[str, list[Any]]:
    """Who carries and who holds back the first headline indicator, in points of the county's growth."""
    headline = view.catalogue.headline()
    lead = headline[0]["indicator_code"] if headline else ""
    rows = [
        row
        for row in grid
        if row["period"] == view.period and row["indicator_code"] == lead and row.get("contribution_pp") is not None
    ]
    rows.sort(key=lambda row: row["contribution_pp"], reverse=True)
    title = view.t("why.title", indicator=view.indicator(lead)) if lead else view.t("why.plain")
    if county is not None and county.get("growth_pct") is not None:
        title = view.t(
            "why.title_growth",
            indicator=view.indicator(lead),
            growth=numbers.number(county["growth_pct"], 1, signed=True),
        )
    if not rows:
        return title, [view.t("why.none")]
    chosen = rows if len(rows) <= 5 else rows[:3] + rows[-2:]
    limit = max(abs(float(row["contribution_pp"])) for row in chosen)
    lines = []
    for row in chosen:
        points = numbers.number(row["contribution_pp"], 1, signed=True)
        words = view.t("why.line", x=points)
        lines.append(
            html.Span(
                [
                    view.link(view.unit_name(row["unit_id"]), "/township", township=row["unit_id"], indicator=lead),
                    svg.deviation(float(row["contribution_pp"]), limit, ""),
                    html.Span(words, className="num"),
                ],
                className="why-line",
            )
        )
    return title, lines


def attention(view: View, rows: tuple[Row, ...], issues: tuple[Row, ...]) -> tuple[str, list[Any]]:
    """Who has not reported, who was late, whose figures carry open errors."""
    missing: dict[str, list[Row]] = defaultdict(list)
    late: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        (missing if row["status"] == "missing" else late)[row["form_code"]].append(row)
    lines: list[Any] = []
    for key, groups in (("attention.missing", missing), ("attention.late", late)):
        for form, found in groups.items():
            names = [view.unit_name(row["unit_id"]) for row in found]
            shown = view.t.join(names[:3])
            text = view.t(
                key if len(names) <= 3 else f"{key}.many",
                names=shown,
                n=len(names),
                form=view.named(view.catalogue.forms.get(form), form),
                due=view.day(found[0]["due_on"]),
            )
            lines.append(view.link(text, "/submissions", township=None))
    errors = sum(row["errors"] for row in issues)
    warnings = sum(row["warnings"] for row in issues)
    if errors or warnings:
        lines.append(
            view.link(view.t("attention.issues", errors=errors, warnings=warnings), "/submissions", township=None)
        )
    units = {row["unit_id"] for row in rows if row["status"] == "missing"}
    title = view.t("attention.title", n=len(units)) if units else view.t("attention.title_none")
    return title, lines or [view.t("attention.none")]


def safety(view: View, incidents: tuple[Row, ...], county: dict[str, Row]) -> tuple[str, str]:
    """Days without an accident up to the end of the month, and the year so far."""
    end = month_before(view.period, -1) - timedelta(days=1)
    year = [row for row in incidents if row["occurred_on"].year == view.period.year]
    deaths = sum(row["deaths"] or 0 for row in year)
    # Who sees a part of the units sees a part of the accidents, but the whole county's limit.
    is_whole = view.snapshot.scope.is_whole
    key = "safety.year" if is_whole else "safety.year_seen"
    summary = view.t(key, year=view.period.year, n=len(year), deaths=deaths)
    cap = next((row for row in county.values() if row.get("target_form") == "cap" and row.get("attainment_pct")), None)
    if cap is not None and is_whole:
        summary += view.t(
            "safety.cap",
            indicator=view.indicator(cap["indicator_code"]),
            pct=view.points(cap["attainment_pct"], signed=False),
        )
    if not incidents:
        return view.t("safety.never" if is_whole else "safety.never_seen"), summary
    last = incidents[-1]["occurred_on"]
    key = "safety.days" if is_whole else "safety.days_seen"
    return view.t(key, n=(end - last).days), summary + view.t("safety.last", day=view.day(last))


def _list(title: str, lines: list[Any]) -> html.Section:
    return tables.section(title, html.Ul([html.Li(line) for line in lines], className="lines"))


def county_history(view: View) -> dict[str, list[Row]]:
    """The county's figures of the last thirteen months by indicator."""
    history: dict[str, list[Row]] = defaultdict(list)
    for row in view.snapshot.rows(
        "unit_progress",
        level="county",
        unit_id=view.catalogue.county["township_code"],
        basis=view.state.basis_or_default,
        since=history_start(view),
        period=view.period,
    ):
        history[row["indicator_code"]].append(row)
    return history


def township_grid(view: View) -> list[Row]:
    """Headline figures of every township, of the period shown and of the one before it."""
    return list(
        view.snapshot.rows(
            "township_grid",
            basis=view.state.basis_or_default,
            period=view.period,
            previous=month_before(view.period, 12 if view.yearly else 1),
        )
    )


def render(view: View) -> Page:
    history = county_history(view)
    grid = township_grid(view)
    reach = view.reach()
    current, headline = headline_table(view, history, reach, view.catalogue.headline(), view.t("overview.caption"))
    by_code = {row["indicator_code"]: row for row in current}
    present = {row["indicator_code"] for row in grid if row["period"] == view.period}
    columns = [row["indicator_code"] for row in view.catalogue.headline() if row["indicator_code"] in present][:12]
    lead = view.catalogue.headline()[0]["indicator_code"] if view.catalogue.headline() else ""
    why_title, why = contributions(view, grid, by_code.get(lead))
    attention_title, who = attention(
        view,
        view.snapshot.rows("attention", period=view.period),
        view.snapshot.rows("issue_totals", period=view.period),
    )
    incidents = view.snapshot.rows("incidents", period=view.period)
    safe_title, safe = safety(view, incidents, by_code)
    progress = next((row["time_progress_pct"] for row in current if row.get("time_progress_pct") is not None), None)
    reported = next((row for row in current if row.get("expected_units")), None)
    sub = view.t(
        "overview.sub",
        county=view.county,
        period=view.to_date(view.period),
        basis=view.t(f"basis.{view.state.basis_or_default}.long"),
        progress=numbers.number(progress, 1),
    )
    if reported:
        sub += view.t("overview.reported", n=reported["reported_units"], of=reported["expected_units"])
    heat = heat_table(view, grid, columns) if columns else tables.notice(view.t("heat.no_rows"))
    return Page(
        title=finding(view, current),
        sub=sub,
        body=[
            headline,
            source_note(
                view,
                [row["indicator_code"] for row in current],
                carried_note(view, current),
                stock_note(view, current),
                lamp_note(view, current),
            ),
            html.Div(
                [
                    tables.section(
                        heat_finding(view, grid),
                        heat,
                        source_note(view, columns, carried_note(view, grid), stock_note(view, grid)),
                        sub=view.t("heat.sub", period=view.to_date(view.period)),
                        class_name="wide",
                    ),
                    html.Div(
                        [
                            _list(
                                view.t("change.title"),
                                changes(view, grid, view.snapshot.rows("revisions", period=view.period)),
                            ),
                            _list(why_title, why),
                            _list(attention_title, who),
                            *(
                                [tables.section(safe_title, html.P(safe, className="sub"))]
                                if incidents or any(row.get("target_form") == "cap" for row in current)
                                else []
                            ),
                        ],
                        className="side",
                    ),
                ],
                className="columns",
            ),
        ],
    )
