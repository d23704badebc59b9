"""What was said about an issue, and the place where its person says it.

Belongs here: the cell of a table of issues that holds it. Does not belong here: recording it (explanations.py), drawing
the fields (assets/acts.js), SQL, wording (i18n/).
"""

from __future__ import annotations

import json
from typing import Any

from dashboard.components import html, tables
from dashboard.components.links import attribute
from dashboard.data.store import Row
from dashboard.view import View

TEXTS = ("explain", "accept", "why", "by", "save", "cancel", "explained_by", "accepted_by", "pending")


def head(view: View) -> html.Th:
    return tables.head(view.t("said.column"))


def cell(view: View, row: Row, submission: str) -> html.Td:
    """Words that are published, else the question; the fields to answer it where the reader's role may."""
    parts: list[Any] = []
    if row["accepted_at"]:
        parts.append(
            html.P(view.t("said.accepted_by", by=row["accepted_by"], text=row["accepted_reason"]), className="said")
        )
    if row["explanation"]:
        parts.append(html.P(view.t("said.explained", text=row["explanation"]), className="said"))
    if row["severity"] == "warning" and not parts:
        parts.append(html.P(view.t("said.asked"), className="muted small"))
    if row["cell"] and row["severity"] != "info" and not row["accepted_at"] and not view.snapshot.is_past:
        issue = {"submission": submission, "sheet": row["sheet"], "cell": row["cell"], "rule": row["rule"]}
        parts.append(html.Div(**attribute("data-issue", json.dumps(issue, ensure_ascii=False))))
    return tables.cell(parts)


def within(view: View, table: Any) -> html.Div:
    """A table of issues with the texts of its fields."""
    texts = {name: view.t(f"said.{name}") for name in TEXTS}
    return html.Div(table, **attribute("data-acts", json.dumps(texts, ensure_ascii=False)))
