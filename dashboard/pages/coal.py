"""Coal: output against plan, mine by mine.

Belongs here: the layout of `/coal`. Does not belong here: the rule of over-capacity (audit_relations.csv), targets and
lamps (dbt), SQL, wording (i18n/). The codes are those fixed by domain.md section A.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from dashboard.components import html, lamps, numbers, svg, tables
from dashboard.data.store import Row
from dashboard.pages.overview import county_history, gap_cell, headline_table, history_start, spark, target_graph
from dashboard.pages.page import Page, carried_note, lamp_note, source_note
from dashboard.view import View

OUTPUT, SUPPLY, SALES, STOCK, CAPACITY, CERTIFIED = "CO01", "CO08", "CO10", "CO11", "CO12", "CO04"
SHOWN = (OUTPUT, SUPPLY, SALES, STOCK, CERTIFIED)
# A screen holds a county's mines; a nation's are listed up to here, the largest first.
LISTED = 80

Figures = dict[tuple[str, str], Row]


def render(view: View) -> Page:
    known = view.catalogue.indicators
    mines = view.snapshot.rows("coal_mines", period=view.period)
    # Whose scope holds no mine still has the county's figures and its township's.
    is_limited = not mines and not view.snapshot.scope.is_whole
    if OUTPUT not in known or not (mines or is_limited):
        return Page(view.t("coal.empty_title"), view.t("coal.empty_sub"), [tables.notice(view.t("coal.empty"))])
    history = county_history(view)
    reach = view.reach()
    indicators = [known[code] for code in SHOWN if code in known]
    current, table = headline_table(view, history, reach, indicators, view.t("coal.caption"))
    if not current and view.snapshot.scope.reach == "subject":
        return Page(view.t("coal.not_yours"), view.t("subject.not_yours"), [])
    output = next((row for row in current if row["indicator_code"] == OUTPUT), None)
    alerted = [mine for mine in mines if mine["alert_zh"]]
    body: list[Any] = [table, source_note(view, SHOWN, lamp_note(view, current), carried_note(view, current))]
    if mines:
        body.append(_mines(view, mines))
    body.append(_townships(view))
    missing = [
        view.indicator(code) for code in SHOWN if code in known and code not in {r["indicator_code"] for r in current}
    ]
    if missing:
        body.insert(1, tables.footnote(view.t("coal.unreported", names=view.t.join(missing))))
    return Page(
        title=_finding(view, output, alerted, is_limited),
        sub=view.t("coal.sub_units" if is_limited else "coal.sub", period=view.to_date(view.period), n=len(mines)),
        body=body,
    )


def _finding(view: View, output: Row | None, alerted: list[Row], is_limited: bool) -> str:
    """How far the plan is, and whether any mine exceeds its capacity; of mines unseen nothing is said."""
    if output is None or output["value_ytd"] is None:
        first = view.t("coal.no_output", period=view.to_date(view.period))
    elif output["attainment_pct"] is not None and output["gap_pp"] is not None:
        first = view.t(
            "coal.against_plan",
            pct=view.points(output["attainment_pct"], signed=False),
            gap=view.gap_words(output["gap_pp"], output["target_form"]),
        )
    else:
        first = view.t("coal.without_plan", value=view.value(OUTPUT, output["value_ytd"]), unit=view.unit_label(OUTPUT))
    if not view.snapshot.scope.sees_all_units:
        # The figures are the county's, the mines below the reader's own.
        first = view.t("county.says", county=view.county, text=first)
    if is_limited:
        return str(first)
    names = view.t.join(mine["name_zh"] for mine in alerted[:3])
    second = view.t("coal.over", n=len(alerted), names=names) if alerted else view.t("coal.none_over")
    return view.t("clause.separator").join((first, second))


def _mines(view: View, mines: tuple[Row, ...]) -> html.Section:
    rows = view.snapshot.rows("coal_figures", period=view.period, since=history_start(view))
    trends: dict[str, list[Row]] = defaultdict(list)
    figures: Figures = {}
    for row in rows:
        if row["indicator_code"] == OUTPUT:
            trends[row["unit_id"]].append(row)
        if row["period"] == view.period:
            figures[row["unit_id"], row["indicator_code"]] = row
    progress = next((row["time_progress_pct"] for row in rows if row["period"] == view.period), None)

    def weight(mine: Row) -> tuple[bool, float, str]:
        made = figures.get((mine["enterprise_id"], OUTPUT), {}).get("value_ytd")
        return not mine["alert_zh"], -float(made or 0), mine["enterprise_id"]

    ordered = sorted(mines, key=weight)
    planned = any(row["target_value"] is not None for row in figures.values() if row["indicator_code"] == OUTPUT)
    supplied = any(code == SUPPLY and row["value_ytd"] is not None for (_, code), row in figures.items())
    body = [
        _mine(view, mine, figures, trends[mine["enterprise_id"]], progress, planned, supplied)
        for mine in ordered[:LISTED]
    ]
    unit = view.unit_label(OUTPUT)
    header = [
        [
            tables.head(view.t("coal.mine"), rows=2),
            tables.head(view.t("col.township"), rows=2),
            tables.head(view.t("col.status"), rows=2),
            tables.head(f"{view.indicator(OUTPUT)} {unit}", span=4 if planned else 3),
            tables.head(f"{view.indicator(CAPACITY)} {view.unit_label(CAPACITY)}", numeric=True, rows=2),
            tables.head(view.t("coal.use"), span=2),
            tables.head(view.t("col.spark"), rows=2),
            tables.head(f"{view.indicator(STOCK)} {view.unit_label(STOCK)}", numeric=True, rows=2),
            tables.head(f"{view.t('coal.certified')} {view.unit_label(CERTIFIED)}", numeric=True, rows=2),
            *(
                [tables.head(f"{view.indicator(SUPPLY)} {view.unit_label(SUPPLY)}", numeric=True, rows=2)]
                if supplied
                else []
            ),
            tables.head(view.t("coal.alert"), rows=2),
        ],
        [
            tables.head(view.t("col.month"), numeric=True),
            tables.head(view.t("col.ytd"), numeric=True),
            tables.head(view.t("col.growth"), numeric=True),
            *([tables.head(view.t("col.attainment"), numeric=True)] if planned else []),
            tables.head(view.t("coal.use_pct"), numeric=True),
            tables.head(view.t("coal.use_bar")),
        ],
    ]
    silent = sum(
        1
        for mine in mines
        if mine["status"] == "active" and figures.get((mine["enterprise_id"], OUTPUT), {}).get("value_ytd") is None
    )
    more = view.t("list.more", n=len(ordered) - LISTED) if len(ordered) > LISTED else ""
    producing = sum(1 for mine in mines if mine["status"] == "active")
    title = view.t("coal.mines_silent" if silent else "coal.mines", n=len(mines), active=producing, silent=silent)
    return tables.section(
        title,
        tables.table(view.t("coal.mines_caption"), header, body, class_name="compact mines"),
        # What a mark means is said in words too, not by hover alone.
        *[
            html.P(view.t("coal.alert_line", name=mine["name_zh"], text=mine[f"alert_{view.t.lang}"]), className="sub")
            for mine in ordered[:LISTED]
            if mine[f"alert_{view.t.lang}"]
        ],
        source_note(view, [OUTPUT, STOCK], view.t("coal.rule"), more, carried_note(view, rows), basis="reported"),
        sub=view.t("coal.mines_sub", progress=view.points(progress, signed=False)),
    )


def _mine(
    view: View, mine: Row, figures: Figures, trend: list[Row], progress: Any, planned: bool, supplied: bool
) -> html.Tr:
    unit = mine["enterprise_id"]
    row = figures.get((unit, OUTPUT), {"indicator_code": OUTPUT})

    def figure(code: str, field: str = "value_ytd") -> Any:
        value = figures.get((unit, code), {}).get(field)
        return view.figure(view.value(code, value), code, "enterprise", unit)

    capacity, made = numbers.to_decimal(mine["capacity"]), numbers.to_decimal(row.get("value_ytd"))
    use: Any = numbers.NOTHING
    graph: Any = numbers.NOTHING
    if capacity and made is not None:
        use = view.points(made / capacity * 100, signed=False)
        schedule = None if progress is None else float(capacity) * float(progress) / 100
        alt = view.t(
            "coal.use_alt",
            value=view.value(OUTPUT, made),
            capacity=view.value(OUTPUT, capacity),
            schedule=view.value(OUTPUT, schedule),
            unit=view.unit_label(OUTPUT),
        )
        graph = svg.bullet(float(made), float(capacity), schedule, alt, is_cap=True, width=130)
    status = f"enterprise.status.{mine['status']}"
    alert = mine[f"alert_{view.t.lang}"]
    if alert:
        mark: Any = html.Span(lamps.mark("red", view.t("coal.alert_word"), view.t("colour.red")), title=alert)
    elif row.get("is_carried"):
        mark = view.t("status.missing")
    else:
        mark = ""
    cells = [
        tables.row_head(view.link(mine["name_zh"], "/enterprise", enterprise=unit, township=None), "name"),
        tables.cell(
            view.link(
                view.unit_name(mine["township_code"]), "/township", township=mine["township_code"], class_name="quiet"
            )
        ),
        tables.cell(view.t(status) if view.t.has(status) else str(mine["status"] or numbers.NOTHING)),
        tables.cell(figure(OUTPUT, "value_month"), numeric=True),
        tables.cell(figure(OUTPUT), numeric=True, class_name="strong"),
        tables.cell(view.growth(row) if len(row) > 1 else numbers.NOTHING, numeric=True),
        *([tables.cell(view.points(row.get("attainment_pct"), signed=False), numeric=True)] if planned else []),
        tables.cell(
            view.figure(view.value(CAPACITY, capacity), CAPACITY, "enterprise", unit)
            if figures.get((unit, CAPACITY))
            else view.value(CAPACITY, capacity),
            numeric=True,
        ),
        tables.cell(use, numeric=True),
        tables.cell(graph),
        tables.cell(spark(view, trend, OUTPUT)),
        tables.cell(figure(STOCK), numeric=True),
        tables.cell(figure(CERTIFIED), numeric=True),
        *([tables.cell(figure(SUPPLY), numeric=True)] if supplied else []),
        tables.cell(mark, class_name="on-red" if alert else "mark"),
    ]
    return html.Tr(cells)


def _townships(view: View) -> html.Section:
    """Output of the townships against their plan."""
    rows = view.snapshot.rows("coal_townships", basis=view.state.basis_or_default, period=view.period)
    if not rows:
        return tables.section(view.t("coal.no_townships"))
    body = []
    for row in rows:
        unit, colour = row["unit_id"], row["lamp"] or "grey"
        body.append(
            html.Tr(
                [
                    tables.row_head(view.link(view.unit_name(unit), "/township", township=unit, indicator=OUTPUT)),
                    tables.cell(
                        view.figure(view.value(OUTPUT, row["value_month"]), OUTPUT, "township", unit), numeric=True
                    ),
                    tables.cell(
                        view.figure(view.value(OUTPUT, row["value_ytd"]), OUTPUT, "township", unit),
                        numeric=True,
                        class_name="strong",
                    ),
                    tables.cell(view.growth(row), numeric=True),
                    tables.cell(view.value(OUTPUT, row["target_value"]), numeric=True),
                    tables.cell(view.points(row["attainment_pct"], signed=False), numeric=True),
                    tables.cell(target_graph(view, row)),
                    tables.cell(gap_cell(view, row), numeric=True),
                    tables.cell(view.lamp(row), class_name=f"on-{colour}" if colour in ("yellow", "red") else ""),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("col.township")),
            tables.head(f"{view.t('col.month')} {view.unit_label(OUTPUT)}", numeric=True),
            tables.head(f"{view.t('col.ytd')} {view.unit_label(OUTPUT)}", numeric=True),
            tables.head(view.t("col.growth"), numeric=True),
            tables.head(f"{view.t('col.target')} {view.unit_label(OUTPUT)}", numeric=True),
            tables.head(view.t("col.attainment"), numeric=True),
            tables.head(view.t("col.bullet")),
            tables.head(view.t("col.gap"), numeric=True),
            tables.head(view.t("col.lamp")),
        ]
    ]
    behind = sum(1 for row in rows if row["gap_pp"] is not None and row["gap_pp"] < 0)
    judged = sum(1 for row in rows if row["gap_pp"] is not None)
    key = "coal.townships_behind" if behind else "coal.townships_fine" if judged else "coal.townships_unplanned"
    title = view.t(key, n=behind, total=judged)
    return tables.section(
        title,
        tables.table(view.t("coal.townships_caption"), header, body, class_name="compact"),
        source_note(view, [OUTPUT], lamp_note(view, list(rows)), carried_note(view, rows)),
        sub=view.t("coal.townships_sub", period=view.to_date(view.period)),
    )
