"""Makes the Dash application: one callback that draws a page from its address.

Belongs here: create_app, routing, health, compression of answers. Does not belong here: pages, SQL, the frame (shell.py).
Nothing is read or opened at import; call `create_app(settings)`.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dash.html
import flask
from dash import Dash, Input, Output, ctx, dcc
from flask_compress import Compress

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dashboard import explanations, intake, months, names, shell, state
from dashboard.access import gate as access
from dashboard.access.gate import Gate
from dashboard.as_of import panel
from dashboard.as_of import routes as day_status
from dashboard.as_of.days import Day, Days
from dashboard.components import html, tables
from dashboard.components.links import attribute
from dashboard.components.markup import flatten
from dashboard.data.catalogue import Catalogue, catalogue
from dashboard.data.store import LacksTable, NotPublished, Snapshot, Store, UnknownVersion, VersionMoved
from dashboard.export import jobs
from dashboard.export import routes as downloads
from dashboard.i18n import Translator
from dashboard.pages import registry
from dashboard.pages.page import Page
from dashboard.sheets import routes as sheets
from dashboard.view import HEAVY, View

LOG = logging.getLogger(__name__)
# The reader's contrast, kept by assets/app.js; in the first answer, so that a page never changes its looks.
THEME_COOKIE, THEMES = "tew_theme", ("contrast", "plain")
YEAR_SECONDS = 31_536_000
_GRID_SCRIPT = re.compile(r'\s*<script src="[^"]*dash_ag_grid[^"]*"></script>')
_DOCUMENT = (
    "function(view) { if (view) { document.title = view.title; document.documentElement.lang = view.lang; }"
    " return window.dash_clientside.no_update; }"
)


class Dashboard(Dash):
    """Dash whose index knows the language of the address, and leaves out the grid's bundle where no grid is."""

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]
        request = flask.request
        if request.path.rstrip("/") not in HEAVY:
            parts["scripts"] = _GRID_SCRIPT.sub("", parts["scripts"])
        lang = state.parse(request.query_string.decode("utf-8", "replace")).lang
        t = Translator(lang)
        parts["app_entry"] = parts["app_entry"].replace("Loading...", t("loading"))
        kept = request.cookies.get(THEME_COOKIE)
        theme = f' data-theme="{kept}"' if kept in THEMES else ""
        return (
            f'<!DOCTYPE html>\n<html lang="{"zh-CN" if lang == "zh" else "en"}"{theme}><head>{parts["metas"]}'
            f"<title>{t('title')}</title>{parts['favicon']}{parts['css']}</head><body>"
            f"{parts['app_entry']}<noscript>{t('noscript')}</noscript>"
            f"<footer>{parts['config']}{parts['scripts']}{parts['renderer']}</footer></body></html>"
        )


def create_app(settings: Settings, store: Store | None = None) -> Dashboard:
    """The application over one home; it opens the published version with the first request.

    `store` replaces the one over the home's published version.
    """
    store = store or Store(
        PublishedReader(settings), earlier=lambda version: PublishedReader(settings, version=version)
    )
    app = Dashboard(
        __name__,
        title=Translator("zh")("title"),
        update_title=None,  # type: ignore[arg-type]
        assets_folder=str(Path(__file__).with_name("assets")),
        serve_locally=True,
        suppress_callback_exceptions=True,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    gate = access.install(app, settings)
    store.scope_of = gate.scope
    app.layout = lambda: _layout(gate)
    _compress(app.server)
    _health(app.server, store)
    days = Days(settings, store)
    day_status.install(app.server, days)
    downloads.install(app.server, settings, store, gate, days)
    jobs.install(app.server, settings, store, gate)
    intake.register(app.server, settings, gate, store)
    months.register(app.server, settings, gate)
    explanations.register(app.server, settings, gate, store)
    names.register(app.server, settings, gate)
    sheets.register(app.server, settings, gate, store)

    @app.callback(
        Output("frame", "children"),
        Output("document", "data"),
        Input("url", "pathname"),
        Input("url", "search"),
        Input("published", "data"),
    )
    def route(pathname: str | None, search: str | None, _published: str | None) -> tuple[Any, dict[str, str]]:
        # A forged request may send anything.
        pathname = pathname if isinstance(pathname, str) else None
        search = search if isinstance(search, str) else None
        if not gate.may_open(pathname or "/"):
            return _refused(gate, pathname, search)
        asked = state.parse(search)
        if asked.enterprise and (pathname or "").rstrip("/") in ("/enterprise", "/trace"):
            gate.record("enterprise_view", path=pathname, unit=asked.enterprise, period=asked.period)
        is_new = ctx.triggered_id == "published" and not str(_published).startswith("as-of ")
        return draw(store, pathname, search, updated=is_new, days=days)

    app.clientside_callback(_DOCUMENT, Output("named", "data"), Input("document", "data"))
    access.seal(app, gate)
    return app


def _layout(gate: Gate) -> dash.html.Div:
    """The same few elements on every page: address, frame, and what the scripts talk through."""
    who = gate.account()
    signed_in = (
        [
            dash.html.A(
                [" / ".join(Translator(lang)("account.title") for lang in state.LANGUAGES), f" {who.name}"],
                href="/account",
                className="account-link",
                **attribute("data-reload", "true"),
            )
        ]
        if who
        else []
    )
    return dash.html.Div(
        [
            *signed_in,
            dcc.Location(id="url", refresh="callback-nav"),
            dash.html.P(
                " · ".join(Translator(lang)("server.away") for lang in state.LANGUAGES),
                id="server-away",
                className="server-away",
                role="alert",
                hidden=True,
            ),
            dash.html.Div(id="frame"),
            dcc.Store(id="published"),
            dcc.Store(id="document"),
            dcc.Store(id="named"),
        ]
    )


def _refused(gate: Gate, pathname: str | None, search: str | None) -> tuple[Any, dict[str, str]]:
    """The page of a reader whose role does not open the address, with the way to one that it does."""
    lang = state.parse(search).lang
    t = Translator(lang)
    here = html.A(t("scope.home"), href=gate.home() if lang == "zh" else f"{gate.home()}?lang={lang}")
    if (pathname or "/") != "/":
        gate.record("refused", path=(pathname or "")[:80], reason="page")
    frame = shell.bare(t("scope.title"), [t("scope.why"), here], lang)
    return flatten(frame), {"title": t("scope.title"), "lang": "zh-CN" if lang == "zh" else "en"}


def draw(
    store: Store, pathname: str | None, search: str | None, *, updated: bool = False, days: Days | None = None
) -> tuple[Any, dict[str, str]]:
    """A whole page for an address, with its title and language. Never raises: every failure has its own page.

    `days` shows earlier days; without it the address's as_of counts as not said.
    """
    asked = state.parse(search)
    if asked.as_of:
        # An earlier day is made from the version that serves.
        asked = replace(asked, as_of=None) if days is None else replace(asked, version=None)
    t = Translator(asked.lang)
    lang = "zh-CN" if asked.lang == "zh" else "en"
    try:
        day = days.standing(asked.as_of) if days and asked.as_of else None
        if days and day and day.standing == "ready":
            store, day = days.store(day.day), None
        frame, title = store.draw(
            lambda snapshot: store.pages.get(
                (snapshot.version, snapshot.scope, pathname, asked, updated, day),
                lambda: _page(snapshot, pathname, asked, t, updated, day),
            ),
            version=asked.version,
        )
    except UnknownVersion:
        title = t("version.unknown_title")
        here = html.A(t("version.present"), href=state.href(pathname or "/", asked, version=None))
        frame = shell.bare(title, [t("version.unknown_why", version=asked.version), here], asked.lang)
    except NotPublished:
        title = t("nothing.title")
        frame = shell.bare(title, [t("nothing.why"), t("nothing.how")], asked.lang)
    except LacksTable as gap:
        title = t("old.title")
        frame = shell.bare(title, [t("old.why", table=gap.relation), t("old.how")], asked.lang, gap.version)
    except VersionMoved:
        title = t("moving.title")
        frame = shell.bare(title, [t("moving.why")], asked.lang)
    except Exception:
        # Whatever it is, the reader gets a page with a number to quote, and the log the whole of it under that number.
        reference = uuid.uuid4().hex[:8]
        LOG.exception("page %s%s could not be drawn, reference %s", pathname, search or "", reference)
        title = t("error.title")
        home = html.A(t("error.home"), href="/" if asked.lang == "zh" else f"/?lang={asked.lang}")
        frame = shell.bare(title, [t("error.why", reference=reference), home], asked.lang)
    return flatten(frame), {"title": title, "lang": lang}


def _page(
    snapshot: Snapshot, pathname: str | None, asked: state.State, t: Translator, updated: bool, day: Day | None
) -> tuple[Any, str]:
    """`day`: an earlier day that was asked for and is not there; its page stands in the frame of the present."""
    known: Catalogue = catalogue(snapshot)
    entry = registry.find(pathname)
    period = asked.period or known.latest
    opened = [item for item in registry.PAGES if snapshot.scope.opens(item.path)]
    names = [(item.path, item.key) for item in opened if item.is_listed]
    if period is None and snapshot.day is not None:
        # Workbooks were in, but no figure yet.
        day, snapshot = Day(snapshot.day, "too_early"), snapshot.present() or snapshot
        known = catalogue(snapshot)
        period = known.latest
    if period is None:
        return shell.bare(t("nothing.figures_title"), [t("nothing.figures_why")], asked.lang, snapshot.version), t(
            "nothing.figures_title"
        )
    view = View(
        path=entry.path if entry else "/",
        state=asked,
        snapshot=snapshot,
        catalogue=known,
        t=t,
        period=period,
        pages=frozenset(item.path for item in opened),
    )
    if entry is None:
        home = view.link(t("error.home"), "/")
        page = Page(t("missing.title"), t("missing.why", path=(pathname or "")[:80]), [html.P(home)])
        name = t("missing.title")
    elif day is not None:
        page, name = panel.instead(view, day), t(entry.key)
    elif period not in known.periods and not (entry.compares and _is_known_now(snapshot, period)):
        latest = view.link(view.month(known.latest or period), view.path, period=None)
        page = Page(
            t("no_period.title", month=view.month(period)),
            t("no_period.why"),
            [html.P([t("no_period.latest"), latest])],
        )
        name = t(entry.key)
    else:
        try:
            page = entry.render(view)
        except LacksTable as gap:
            # The other pages stand; this one says what it waits for.
            page = Page(t("old.page_title"), t("old.why", table=gap.relation), [tables.notice(t("old.how"))])
        name = t(entry.key)
    title = t("title.page", page=name, bureau=view.bureau)
    if entry is registry.WALL and period in known.periods:
        return flatten(shell.wall(view, page)), title
    return flatten(shell.frame(view, page, names, updated=updated, is_page=entry is not None)), title


def _is_known_now(snapshot: Snapshot, period: date) -> bool:
    """Whether an earlier day's present has figures of a month that was not reported yet on that day."""
    present = snapshot.present()
    return present is not None and period in catalogue(present).periods


def _health(server: flask.Flask, store: Store) -> None:
    @server.get("/healthz")
    def healthz() -> flask.Response:
        """The served version; 503 with the reason where there is none."""
        try:
            version = store.version()
            body: dict[str, str | None] = {"status": "ok", "version": version}
            status = 200
        except NotPublished as reason:
            body = {"status": "unavailable", "version": None, "reason": str(reason)}
            status = 503
        answer = flask.Response(json.dumps(body), status=status, mimetype="application/json")
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _compress(server: flask.Flask) -> None:
    """Compress what is text; bundles, whose address names their content, are cached by the browser for a year."""
    server.config.update(COMPRESS_MIN_SIZE=600, COMPRESS_ALGORITHM=["br", "gzip"], COMPRESS_STREAMS=False)
    Compress(server)

    @server.after_request
    def keep(answer: flask.Response) -> flask.Response:
        request = flask.request
        fixed = request.path.startswith(("/_dash-component-suites/", "/assets/"))
        if fixed and answer.status_code == 200 and (".v" in request.path or {"m", "v"} & request.args.keys()):
            answer.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
        return answer
