"""AG Grid for long tables, with its texts from our own language files.

Belongs here: the options every grid shares. Does not belong here: columns and rows of a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid

from dashboard.components import html
from dashboard.components.links import attribute

GRID_TEXTS = (
    "page", "of", "to", "more", "next", "last", "first", "previous", "loadingOoo", "noRowsToShow", "searchOoo",
    "filterOoo", "equals", "notEqual", "blank", "notBlank", "empty", "lessThan", "greaterThan", "lessThanOrEqual",
    "greaterThanOrEqual", "inRange", "contains", "notContains", "startsWith", "endsWith", "andCondition", "orCondition",
    "applyFilter", "resetFilter", "clearFilter", "cancelFilter", "pageSizeSelectorLabel", "ariaFilterInput",
    "ariaPageSizeSelectorLabel",
)  # fmt: skip


def grid(
    grid_id: str,
    columns: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    texts: Mapping[str, str],
    label: str,
    *,
    height: int = 520,
) -> html.Div:
    """`columns` are AG Grid column definitions, `texts` its words in the reader's language, `label` its name."""
    table = dash_ag_grid.AgGrid(
        id=grid_id,
        columnDefs=[dict(column) for column in columns],
        rowData=[dict(row) for row in rows],
        defaultColDef={
            "sortable": True,
            "resizable": True,
            # A narrow screen moves sideways rather than squeeze a column to nothing.
            "minWidth": 96,
            "filter": True,
            "floatingFilter": True,
            "suppressHeaderMenuButton": True,
            "wrapHeaderText": True,
            "autoHeaderHeight": True,
        },
        columnSize="responsiveSizeToFit",
        dashGridOptions={
            "localeText": dict(texts),
            "rowHeight": 30,
            "enableCellTextSelection": True,
            "ensureDomOrder": True,
            "animateRows": False,
            "suppressColumnVirtualisation": True,
        },
        className="ag-theme-quartz page-grid",
        style={"height": f"{height}px", "width": "100%"},
    )
    return html.Div(table, className="off-paper", role="region", **attribute("aria-label", label))
