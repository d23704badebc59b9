"""Tasks: what is done, what is overdue, who answers for it? A section of `/scorecard`, and of `/trace` where a ledger is all.

Belongs here: the layout of these sections. Does not belong here: reading ledgers (ingest), what is overdue or attained (dbt),
SQL, wording (i18n/).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.components import html, numbers, tables
from dashboard.data.store import Row
from dashboard.pages import trace_sheet
from dashboard.view import View

DONE = ("done", "done_late")
LISTED = 100


def rows_of(view: View, indicator: str | None = None, township: str | None = None) -> tuple[Row, ...]:
    """The year's tasks that the reader may see, overdue ones first."""
    return view.snapshot.rows("tasks", year=view.period.year, indicator=indicator, township=township)


def section(view: View) -> html.Section:
    """The year's tasks: how many are done, what is overdue and whose it is; nothing where there is no ledger."""
    rows = rows_of(view)
    if not rows:
        return html.Section()
    counted = [row for row in rows if row["status"] != "cancelled"]
    done = sum(1 for row in counted if row["status"] in DONE)
    overdue = [row for row in counted if row["status"] == "overdue"]
    owners = view.t.join(dict.fromkeys(_owner(view, row) for row in overdue))
    title = view.t(
        "tasks.title_overdue" if overdue else "tasks.title",
        total=len(counted),
        done=done,
        pct=numbers.number(100 * done / len(counted), 1) if counted else numbers.NOTHING,
        overdue=len(overdue),
        owners=owners,
    )
    return tables.section(
        title,
        _attained(view),
        _table(view, title, rows),
        html.P(view.t("list.more", n=len(rows) - LISTED) if len(rows) > LISTED else ""),
        sub=view.t("tasks.sub", year=view.period.year, day=view.day(rows[0]["judged_on"])),
    )


def traced(view: View, code: str, level: str, unit: str) -> html.Section | None:
    """Where an indicator's figure comes from a ledger: its tasks, and the sheet around the one chosen; else None."""
    if level == "enterprise":
        return None
    rows = rows_of(view, code, unit if level == "township" else None)
    if not rows:
        return None
    asked = (view.state.submission, view.state.cell)
    chosen = next((row for row in rows if (row["submission_id"], f"{row['sheet']}!{row['cell']}") == asked), rows[0])
    counted = [row for row in rows if row["status"] != "cancelled"]
    done = sum(1 for row in counted if row["status"] in DONE)
    title = view.t("tasks.traced", indicator=view.indicator(code), total=len(counted), done=done)
    return tables.section(
        title,
        _table(view, title, rows),
        html.P([trace_sheet.place(chosen), " ", trace_sheet.original(view, chosen["submission_id"])], className="sub"),
        trace_sheet.region(view, chosen),
        sub=view.t("tasks.sub", year=view.period.year, day=view.day(rows[0]["judged_on"])),
    )


def _owner(view: View, row: Row) -> str:
    return view.unit_name(row["township_code"]) if row["township_code"] else view.county


def _attained(view: View) -> Any:
    """Per indicator the share done beside the share that is due; the figures open the tasks they count."""
    rows = [
        row
        for row in view.snapshot.rows("tasks_attained", year=view.period.year)
        if row["indicator_code"] in view.catalogue.indicators
    ]
    if not rows:
        return None
    county = str(view.catalogue.county["township_code"])
    body = []
    for row in rows:
        code = row["indicator_code"]
        done = numbers.number(row["actual_value"], 0)
        body.append(
            html.Tr(
                [
                    tables.row_head(view.indicator(code)),
                    tables.cell(numbers.number(row["target_value"], 0), numeric=True),
                    tables.cell(view.figure(done, code, "county", county), numeric=True, class_name="strong"),
                    tables.cell(view.points(row["attainment_pct"], signed=False), numeric=True),
                    tables.cell(view.points(row["time_progress_pct"], signed=False), numeric=True),
                    tables.cell(view.lamp(row)),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("col.indicator")),
            tables.head(view.t("tasks.planned"), numeric=True),
            tables.head(view.t("tasks.done"), numeric=True),
            tables.head(view.t("tasks.done_pct"), numeric=True),
            tables.head(view.t("tasks.due_pct"), numeric=True),
            tables.head(view.t("col.lamp")),
        ]
    ]
    return tables.table(view.t("tasks.by_indicator"), header, body, class_name="compact")


def _table(view: View, title: str, rows: Sequence[Row]) -> html.Div:
    body = []
    for row in rows[:LISTED]:
        code = row["indicator_code"]
        category = view.indicator(code) if code in view.catalogue.indicators else row["category"]
        progress = numbers.number(row["progress_pct"], 0)
        body.append(
            html.Tr(
                [
                    tables.row_head(row["name_zh"]),
                    tables.cell(category or numbers.NOTHING, class_name="small"),
                    tables.cell(_owner(view, row)),
                    tables.cell(
                        view.t(f"tasks.status.{row['status']}"),
                        class_name="strong" if row["status"] == "overdue" else "",
                    ),
                    tables.cell(view.day(row["planned_on"]), class_name="short"),
                    tables.cell(view.day(row["done_on"]), class_name="short"),
                    tables.cell(progress, numeric=True),
                    tables.cell(row["evidence"] or row["remark"] or numbers.NOTHING, class_name="small"),
                    tables.cell(_place(view, row), class_name="small"),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("tasks.name")),
            tables.head(view.t("col.indicator")),
            tables.head(view.t("tasks.owner")),
            tables.head(view.t("col.status")),
            tables.head(view.t("tasks.planned_on")),
            tables.head(view.t("tasks.done_on")),
            tables.head(view.t("tasks.progress"), numeric=True),
            tables.head(view.t("tasks.evidence")),
            tables.head(view.t("col.cell")),
        ]
    ]
    return tables.table(title, header, body, class_name="compact")


def _place(view: View, row: Row) -> Any:
    """The task's cell, which opens its sheet on the trace of its indicator; plain where the ledger names none."""
    if row["indicator_code"] not in view.catalogue.indicators or "/trace" not in view.pages:
        return trace_sheet.place(row)
    return view.link(
        trace_sheet.place(row),
        "/trace",
        indicator=row["indicator_code"],
        township=row["township_code"],
        enterprise=None,
        submission=row["submission_id"],
        cell=f"{row['sheet']}!{row['cell']}",
    )
