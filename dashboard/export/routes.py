"""Downloads: /export/<table>.<xlsx|csv> and /export/bulletin.docx with the page's query string, scoped as the page is.

Belongs here: which table stands at which address, who may have it, the file's name.
Does not belong here: the tables (tables.py, sectors.py), file formats, accounts (access/).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import flask

from dagster_project.settings import Settings
from dagster_project.warehouse.closing import frozen_version
from dashboard import state as address
from dashboard.access.gate import Gate
from dashboard.as_of.days import Days
from dashboard.data.catalogue import catalogue
from dashboard.data.store import LacksTable, NotPublished, Snapshot, Store, UnknownVersion, VersionMoved
from dashboard.export import bulletin, delimited, docx, sectors, tables, xlsx
from dashboard.export.links import BULLETIN, EXTERNAL, KINDS, WORD
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
    "mines": ("/coal", sectors.mines),
    "energy": ("/energy", sectors.energy_users),
    "fuels": ("/energy", sectors.fuels),
    "scorecard": ("/scorecard", sectors.scorecard),
    "scores": ("/scorecard", sectors.scores),
    "issues": ("/quality", sectors.issues),
}

Made = tuple[bytes, str]


def install(server: flask.Flask, settings: Settings, store: Store, gate: Gate, days: Days) -> None:
    """Serve the downloads; each reader gets the rows of their scope, as on the page, of the day that it shows."""

    def refused(t: Translator, key: str) -> flask.Response:
        gate.record("refused", path=flask.request.path, reason="export")
        return _plain(403, t(key))

    def answered(asked: State, t: Translator, kind: str, make: Callable[[Snapshot], Made]) -> flask.Response:
        """The file that `make` gives on the version or day asked for, or why there is none."""
        try:
            source, version = store, asked.version
            if asked.as_of:
                day = days.standing(asked.as_of)
                if day.standing != "ready":
                    status = 503 if day.standing in ("making", "failed") else 404
                    return _plain(status, t(f"as_of.export.{day.standing}", day=asked.as_of))
                source, version = days.store(asked.as_of), None
            content, title = source.draw(make, version=version)
        except UnknownVersion:
            return _plain(404, t("version.unknown_why", version=asked.version))
        except NotPublished:
            return _plain(503, t("nothing.why"))
        except LacksTable as gap:
            return _plain(409, " ".join((t("old.why", table=gap.relation), t("old.export"))))
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
        answer = flask.Response(content, mimetype=KINDS.get(kind, WORD))
        answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(f'{title}.{kind}')}"
        return answer

    @server.get("/export/<name>.<kind>")
    def export(name: str, kind: str) -> flask.Response:
        if name not in TABLES or kind not in KINDS:
            flask.abort(404)
        page, make = TABLES[name]
        asked = address.parse(flask.request.query_string.decode("utf-8", "replace"))
        t = Translator(asked.lang)
        if not gate.may_open(page) or not gate.may("may_export"):
            return refused(t, "export.refused")
        is_external = _is_external()
        if is_external and name not in EXTERNAL:
            return _plain(403, t("export.never_external"))
        account = gate.account()
        mark = t(
            "export.mark_external" if is_external else "export.mark",
            who=(account.person or account.name) if account else t("export.nobody"),
            at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )
        return answered(
            asked,
            t,
            kind,
            lambda snapshot: _made(snapshot.external() if is_external else snapshot, asked, t, page, make, kind, mark),
        )

    @server.get(BULLETIN)
    def word() -> flask.Response:
        """The month's bulletin; a closed month's from the version it is frozen with, as `tew bulletin` makes it."""
        asked = address.parse(flask.request.query_string.decode("utf-8", "replace"))
        t = Translator(asked.lang)
        # It speaks of every township: from the rows of one it would say what is not so.
        if not gate.scope().is_whole or not gate.may("may_export"):
            return refused(t, "export.bulletin_refused")
        if asked.period and not (asked.as_of or asked.version):
            asked = replace(asked, version=frozen_version(settings, asked.period))
        base, is_external = flask.request.url_root, _is_external()
        return answered(asked, t, "docx", lambda snapshot: _bulletin(snapshot, asked, base, is_external))

    @server.post("/export/picture")
    def picture() -> flask.Response:
        """Asked before a chart is saved as PNG in the browser (assets/picture.js): what leaves is allowed and logged."""
        asked = address.parse(flask.request.query_string.decode("utf-8", "replace"))
        if not gate.may("may_export"):
            return refused(Translator(asked.lang), "export.refused")
        gate.record("export", path=flask.request.path, unit=asked.township, period=asked.period, as_of=asked.as_of)
        return flask.Response(status=204)


def _is_external() -> bool:
    """Whether the file is for others than the bureau: without figures that identify an enterprise."""
    return flask.request.args.get("external") == "1"


def _bulletin(snapshot: Snapshot, asked: State, base: str, is_external: bool) -> Made:
    """The bulletin of the month asked for, else of the newest, and its file's name with the version."""
    period = asked.period or catalogue(snapshot).latest
    if period is None:
        raise NotPublished("no figures")
    draft = bulletin.draft(snapshot, period, base, external=is_external)
    day = f"_{snapshot.day}" if snapshot.day else ""
    return docx.write(draft), f"{draft.title}{day}_{draft.version}"


def _plain(status: int, text: str) -> flask.Response:
    return flask.Response(text, status=status, mimetype="text/plain")


def _made(
    snapshot: Snapshot, asked: State, t: Translator, page: str, make: Callable[[View], Table], kind: str, mark: str
) -> Made:
    """The file and its name: the table, the unit chosen, the month, the basis. `mark` says who took it out, and when."""
    known = catalogue(snapshot)
    period = asked.period or known.latest
    if period is None:
        raise NotPublished("no figures")
    if period not in known.periods:
        raise bulletin.NoSuchMonth(period, known.latest)
    view = View(page, asked, snapshot, known, t, period, frozenset())
    table = tables.finished(view, make(view))
    chosen = [view.unit_name(asked.township)] if asked.township in known.townships else []
    basis = tables.basis(view, table.name)
    title = "_".join(filter(None, [table.title, *chosen, f"{period:%Y-%m}", basis, view.known()]))
    if kind == "csv":
        # Who took it out stands in the activity log.
        return delimited.write(table, tables.said(view, table)), title
    out = io.BytesIO()
    xlsx.write(table, out, footer=t("export.page"), stamp=view.stamp(), mark=mark, made_at=bulletin.made_at(view))
    return out.getvalue(), title
