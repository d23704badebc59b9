"""The part of /trace about one cell: the sheet around it, and every version of it with its sender.

Belongs here: choosing the cell, the layout of that section. Does not belong here: the sheet itself (sheets/), the list of
all cells of a figure (trace.py), SQL, wording (i18n/).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from dashboard.components import html, numbers, tables
from dashboard.components.links import attribute
from dashboard.data.store import Row
from dashboard.view import View

# What decides a figure, in this order.
LEADING = ("ytd", "month", "stock")


def place(row: Row) -> str:
    return f"{row['file_name']} › {row['sheet']}!{row['cell']}"


def place_link(view: View, row: Row) -> Any:
    """The cell's place, which opens its sheet on this page."""
    if not row["cell"]:
        return place(row)
    target = {"submission": row["submission_id"], "cell": f"{row['sheet']}!{row['cell']}"}
    return view.link(place(row), "/trace", **target)


def original(view: View, submission: str) -> html.A:
    """The workbook as it was received."""
    return html.A(
        view.t("trace.original"),
        href=f"/submissions/original/{submission}?lang={view.t.lang}",
        className="small",
        **attribute("data-reload", "true"),
    )


def chosen(view: View, cells: list[Row]) -> Row | None:
    """The cell of the address, else the month's own figure in force, else the first cell that there is."""
    found = [row for row in cells if row["cell"]]
    for row in found:
        if (row["submission_id"], f"{row['sheet']}!{row['cell']}") == (view.state.submission, view.state.cell):
            return row

    def order(row: Row) -> tuple[bool, bool, int]:
        measure = LEADING.index(row["measure"]) if row["measure"] in LEADING else len(LEADING)
        return (row["period"] != view.period, row["status"] != "in_force", measure)

    return min(found, key=order, default=None)


def section(view: View, cells: list[Row], shown: Any) -> html.Section:
    """The sheet around the chosen cell; `shown(row)` writes a cell's value as the list of cells does."""
    row = chosen(view, cells)
    if row is None:
        return html.Section()
    versions = [one for one in cells if all(one[key] == row[key] for key in ("period", "measure", "line_no"))]
    versions.sort(
        key=lambda one: (one["received_at"] is not None, one["received_at"], one["submission_id"]), reverse=True
    )
    measure = f"measure.{row['measure']}"
    title = view.t(
        "sheet.title",
        period=view.cell_period(row),
        measure=view.t(measure) if view.t.has(measure) else row["measure"],
        cell=f"{row['sheet']}!{row['cell']}",
    )
    sub = [view.t("sheet.sub", file=row["file_name"], **_sent(view, row)), " ", original(view, row["submission_id"])]
    return tables.section(title, region(view, row), _versions(view, versions, row, shown), sub=sub)


def region(view: View, row: Row) -> html.Div:
    """Where the sheet around a row's cell is drawn (assets/sheet.js)."""
    address = urlencode(
        {"submission": row["submission_id"], "sheet": row["sheet"], "cell": row["cell"], "lang": view.t.lang}
    )
    waiting = html.P(view.t("sheet.loading"), className="sub")
    return html.Div(waiting, className="sheet-region", **attribute("data-sheet", f"/trace/sheet?{address}"))


def _sent(view: View, row: Row) -> dict[str, str]:
    """Who sent a cell's workbook, and when."""
    received = row["received_at"]
    return {
        "who": view.reporter(row["reporter_unit_id"]),
        "when": f"{received:%Y-%m-%d %H:%M}" if received else numbers.NOTHING,
    }


def _versions(view: View, versions: list[Row], current: Row, shown: Any) -> html.Div:
    body = []
    for number, row in zip(range(len(versions), 0, -1), versions, strict=True):
        sent = _sent(view, row)
        body.append(
            html.Tr(
                [
                    tables.row_head(view.t("sheet.version", n=number)),
                    tables.cell(shown(row), numeric=True, class_name="strong"),
                    tables.cell(view.t(f"version.{row['status']}"), class_name=f"version-{row['status']}"),
                    tables.cell(sent["who"]),
                    tables.cell(sent["when"], class_name="small"),
                    tables.cell([place_link(view, row), " ", original(view, row["submission_id"])], class_name="small"),
                ],
                className="selected" if row is current else None,
            )
        )
    header = [
        [
            tables.head(view.t("sheet.versions", n=len(versions))),
            tables.head(view.t("trace.value"), numeric=True),
            tables.head(view.t("col.status")),
            tables.head(view.t("sheet.who")),
            tables.head(view.t("col.received")),
            tables.head(view.t("col.cell")),
        ]
    ]
    return tables.table(view.t("sheet.versions", n=len(versions)), header, body, class_name="compact versions")
