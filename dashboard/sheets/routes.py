"""`/trace/sheet`: the region of a received sheet as a piece of HTML, fetched by /trace (assets/sheet.js).

Belongs here: that address, who may see a sheet's neighbouring cells, the workbooks kept open for it.
Does not belong here: what is shown of a sheet (region.py), reading (ingest), the page (pages/trace.py).

Its neighbours are figures of others: only who sees the whole county, or the unit that sent the workbook, sees them.
"""

from __future__ import annotations

from typing import Any

import flask

from dagster_project.ingest.grid import Sheet
from dagster_project.ingest.messages import Messages
from dagster_project.ingest.read import read_workbook
from dagster_project.reference import load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse.archive import read_archived
from dashboard.access.gate import Gate
from dashboard.components import html
from dashboard.components.markup import to_html
from dashboard.data.store import LacksTable, NotPublished, Recent, Store, VersionMoved
from dashboard.i18n import Translator
from dashboard.sheets import region
from dashboard.state import LANGUAGES

# A workbook is looked at cell by cell; larger ones are read anew each time.
KEPT_BOOKS = 6
LARGEST_KEPT = 3_000_000


def register(server: flask.Flask, settings: Settings, gate: Gate, store: Store) -> None:
    """Add the address."""
    books = Recent(KEPT_BOOKS)

    def sheets_of(sha256: str, file_name: str) -> dict[str, Sheet]:
        content = read_archived(settings, sha256)

        def read() -> dict[str, Sheet]:
            messages = Messages.load(load_reference(settings.seeds))
            return {sheet.name: sheet for sheet in read_workbook(content, file_name, messages).sheets}

        return books.get((sha256,), read) if len(content) <= LARGEST_KEPT else read()

    @server.get("/trace/sheet")
    def sheet() -> flask.Response:
        args = flask.request.args
        lang = args.get("lang", "")
        t = Translator(lang if lang in LANGUAGES else LANGUAGES[0])
        submission, name, cell = args.get("submission", "")[:40], args.get("sheet", "")[:200], args.get("cell", "")
        if not gate.may_open("/trace"):
            return _said(t("sheet.hidden"), 403)
        try:
            rows = store.draw(lambda snapshot: snapshot.rows("submission", submission=submission))
        except LacksTable as gap:
            return _said(" ".join((t("old.why", table=gap.relation), t("old.how"))), 409)
        except NotPublished:
            return _said(t("nothing.why"), 503)
        except VersionMoved:
            return _said(t("moving.why"), 503)
        scope = gate.scope()
        if not rows or not (scope.is_whole or (scope.unit and rows[0]["reporter_unit_id"] == scope.unit)):
            return _said(t("sheet.hidden"))
        try:
            found = sheets_of(rows[0]["sha256"], rows[0]["file_name"]).get(name)
        except (OSError, ValueError) as error:
            return _said(t("submit.no_original", problem=str(error)))
        where = region.position(cell)
        if found is None or where is None:
            return _said(t("sheet.gone", sheet=name, cell=cell))
        return _answer(html.Div(region.table(found, *where, t), className="table-box"))


def _said(text: str, status: int = 200) -> flask.Response:
    return _answer(html.P(text, className="sub"), status)


def _answer(node: Any, status: int = 200) -> flask.Response:
    answer = flask.Response(to_html(node), status=status, mimetype="text/html")
    answer.headers["Cache-Control"] = "no-store"
    return answer
