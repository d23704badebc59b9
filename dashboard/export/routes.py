"""Downloads: /export/<table>.<xlsx|csv> with the page's query string, scoped as the page is.

Belongs here: which table stands at which address, who may have it, the file's name.
Does not belong here: the tables (tables.py), file formats, accounts (access/).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from urllib.parse import quote

import flask

from dashboard import state as address
from dashboard.access.gate import Gate
from dashboard.as_of.days import Days
from dashboard.data.catalogue import catalogue
from dashboard.data.store import NotPublished, Snapshot, Store, UnknownVersion, VersionMoved
from dashboard.export import bulletin, delimited, tables, xlsx
from dashboard.export.links import KINDS
from dashboard.export.tables import Table
from dashboard.i18n import Translator
from dashboard.state import State
from dashboard.view import View


def _lead(view: View) -> str:
    """The indicator asked for, else the first headline one."""
    asked = view.state.indicator
    return asked if asked in view.catalogue.indicators else str(view.catalogue.headline()[0]["indicator_code"])


# Name of the table: the page whose readers may have it, and how it is made.
TABLES: dict[str, tuple[str, Callable[[View], Table]]] = {
    "headline": ("/", tables.headline),
    "progress": ("/township", lambda view: tables.progress(view, _lead(view))),
    "ranking": ("/township", lambda view: tables.ranking(view, _lead(view))),
    "safety": ("/safety", lambda view: tables.safety(view, tables.watched(view))),
    "unreported": ("/submissions", tables.unreported),
    "enterprises": ("/enterprise", lambda view: tables.enterprises(view, _lead(view))),
}


def install(server: flask.Flask, store: Store, gate: Gate, days: Days) -> None:
    """Serve the downloads; each reader gets the rows of their scope, as on the page, of the day that it shows."""

    @server.get("/export/<name>.<kind>")
    def export(name: str, kind: str) -> flask.Response:
        if name not in TABLES or kind not in KINDS:
            flask.abort(404)
        page, make = TABLES[name]
        asked = address.parse(flask.request.query_string.decode("utf-8", "replace"))
        t = Translator(asked.lang)
        if not gate.may_open(page) or not gate.may("may_export"):
            gate.record("refused", path=flask.request.path, reason="export")
            return _plain(403, t("export.refused"))
        try:
            source, version = store, asked.version
            if asked.as_of:
                day = days.standing(asked.as_of)
                if day.standing != "ready":
                    status = 503 if day.standing in ("making", "failed") else 404
                    return _plain(status, t(f"as_of.export.{day.standing}", day=asked.as_of))
                source, version = days.store(asked.as_of), None
            content, title = source.draw(lambda snapshot: _made(snapshot, asked, t, page, make, kind), version=version)
        except UnknownVersion:
            return _plain(404, t("version.unknown_why", version=asked.version))
        except NotPublished:
            return _plain(503, t("nothing.why"))
        except VersionMoved:
            return _plain(503, t("moving.why"))
        except bulletin.NoSuchMonth as error:
            return _plain(404, t("export.no_month", month=f"{error.period:%Y-%m}"))
        gate.record(
            "export",
            path=flask.request.path,
            period=asked.period,
            version=version or store.version(),
            as_of=asked.as_of,
        )
        answer = flask.Response(content, mimetype=KINDS[kind])
        answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(f'{title}.{kind}')}"
        return answer


def _plain(status: int, text: str) -> flask.Response:
    return flask.Response(text, status=status, mimetype="text/plain")


def _made(
    snapshot: Snapshot, asked: State, t: Translator, page: str, make: Callable[[View], Table], kind: str
) -> tuple[bytes, str]:
    """The file and its name: the table, the unit chosen, the month, the basis."""
    known = catalogue(snapshot)
    period = asked.period or known.latest
    if period is None:
        raise NotPublished("no figures")
    if period not in known.periods:
        raise bulletin.NoSuchMonth(period, known.latest)
    view = View(page, asked, snapshot, known, t, period, frozenset())
    table = make(view)
    chosen = [view.unit_name(asked.township)] if asked.township in known.townships else []
    parts = [table.title, *chosen, f"{period:%Y-%m}", t(f"basis.{asked.basis_or_default}"), view.known()]
    title = "_".join(filter(None, parts))
    if kind == "csv":
        return delimited.write(table), title
    out = io.BytesIO()
    xlsx.write(table, out, footer=t("export.page"), stamp=view.stamp(), made_at=bulletin.made_at(view))
    return out.getvalue(), title
