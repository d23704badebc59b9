"""The downloads that a page offers.

Belongs here: one line of links that keep the page's state. Does not belong here: what they give (routes.py).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dashboard import state as address
from dashboard.components import html
from dashboard.components.links import attribute
from dashboard.view import View

KINDS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
BULLETIN = "/export/bulletin.docx"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
# The page that offers all cells in force.
CELLS_AT = "/quality"
# Pages whose readers issue the bulletin.
ISSUED = ("/", "/submissions")


# Tables that may be given to others, with a star for what identifies an enterprise; lists of enterprises may not (domain.md G).
EXTERNAL = ("headline", "progress", "ranking", "safety")

# The tables whose content a page shows.
SHOWN: dict[str, tuple[str, ...]] = {
    "/": ("headline",),
    "/township": ("progress", "ranking"),
    "/enterprise": ("enterprises",),
    "/safety": ("safety",),
    "/coal": ("mines",),
    "/energy": ("energy", "fuels"),
    "/scorecard": ("scorecard", "scores"),
    "/submissions": ("unreported",),
    "/quality": ("issues",),
}


def for_page(view: View) -> list[html.P | html.Div]:
    """The downloads of the page at the view's address; none where its month has no figures, or to who may not have them."""
    scope = view.snapshot.scope
    names = SHOWN.get(view.path, ()) if scope.takes_out else ()
    # An earlier day that is not there yet has no figures either.
    is_shown = view.period in view.catalogue.periods and view.state.as_of == view.snapshot.day
    if not is_shown:
        return []
    # The bulletin speaks of every township, so it is only for those who see them all.
    is_whole = scope.is_whole and scope.takes_out
    word = [bulletin(view)] if view.path in ISSUED and is_whole else []
    whole = [cells(view)] if view.path == CELLS_AT and is_whole and not view.snapshot.is_past else []
    return [*([links(view, *names)] if names else []), *word, *whole]


def cells(view: View) -> html.Div:
    """All cells in force as one file, written in the background (jobs.py); drawn by assets/large.js."""
    t = view.t
    texts: dict[str, object] = {name: t(f"large.{name}") for name in ("heading", "running", "stop", "stopped", "ready")}
    year = view.period.year
    texts["choices"] = [
        {"kind": kind, "year": span, "text": t("large.year" if span else "large.all", year=span, kind=label)}
        for span in (year, None)
        for kind, label in (("xlsx", "Excel"), ("csv", "CSV"))
    ]
    handed = attribute("data-large", json.dumps(texts, ensure_ascii=False))
    return html.Div(className="exports footnote", **handed)


def bulletin(view: View) -> html.P:
    """The month's bulletin in Word, a draft."""
    target = address.href(BULLETIN, replace(view.state, period=view.period))
    text = view.t("export.bulletin", period=view.month(view.period))
    link = html.A(text, href=target, className="export", **attribute("data-reload", "true"))
    return html.P([link, " ", view.t("export.bulletin_note")], className="exports footnote")


def links(view: View, *names: str) -> html.P:
    """The downloads of a page, in its own period, basis, unit and language."""
    parts: list[Any] = []
    for name in names:
        for kind in KINDS:
            text = view.t(
                "export.link", table=view.t(f"export.title.{name}"), kind=kind.upper() if kind == "csv" else "Excel"
            )
            target = address.href(f"/export/{name}.{kind}", replace(view.state, period=view.period))
            parts += [html.A(text, href=target, className="export", **attribute("data-reload", "true")), html.Span(" ")]
        if name in EXTERNAL and view.snapshot.scope.sees_all_units:
            target = address.href(f"/export/{name}.xlsx", replace(view.state, period=view.period))
            target += ("&" if "?" in target else "?") + "external=1"
            parts += [
                html.A(view.t("export.external"), href=target, className="export", **attribute("data-reload", "true")),
                html.Span(" "),
            ]
    return html.P(parts, className="exports footnote")
