"""The frame around every page: header with the view's settings, navigation, foot.

Belongs here: what is the same on every page. Does not belong here: a page's content, queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Any

from dashboard.as_of import panel as as_of
from dashboard.components import html
from dashboard.components.links import attribute, hidden, link
from dashboard.export import links as downloads
from dashboard.pages.page import Page
from dashboard.pages.wall import PATH as WALL
from dashboard.state import BASES, LANGUAGES, MONEY_UNITS
from dashboard.view import View


def _menu(label: str, value: str, items: list[Any], class_name: str = "") -> html.Details:
    """A menu without script: opens by mouse and keyboard, its entries are links."""
    return html.Details(
        [html.Summary([html.Span(f"{label} ", className="menu-label"), value]), html.Div(items, className="menu-list")],
        className=f"menu {class_name}".strip(),
    )


def _choice(view: View, text: str, chosen: bool, **changes: object) -> Any:
    if chosen:
        return html.Span([text, hidden(view.t("menu.chosen"))], className="choice chosen")
    return view.link(text, view.path, class_name="choice", **changes)


def _periods(view: View) -> html.Details:
    def year_of(period: date) -> int:
        return period.year

    years = []
    for year, months in groupby(sorted(view.catalogue.periods, reverse=True), key=year_of):
        entries = [
            _choice(
                view,
                view.month(month) if view.yearly else view.t(f"month.{month.month}"),
                month == view.period,
                period=month,
            )
            for month in sorted(months)
        ]
        label = [] if view.yearly else [html.Span(view.t("period.year", year=year), className="menu-year")]
        years.append(html.Div([*label, *entries], className="menu-row"))
    return _menu(view.t("menu.period"), view.month(view.period), years, "menu-period")


def _closing(view: View) -> list[Any]:
    """That the month is approved or closed, with the way to the version that was frozen."""
    row = view.catalogue.months.get(view.period)
    if row is None or view.snapshot.is_past or row["status"] == "reopened":
        return []
    title = view.t(
        f"month.{row['status']}_title",
        by=row["closed_by"] or row["approved_by"],
        day=view.day(row["closed_at"] or row["approved_at"]),
        version=row["version"],
    )
    text = view.t(f"month.{row['status']}")
    if row["status"] != "closed":
        return [html.Span(text, className="badge", title=title)]
    if row["revisions"]:
        text += view.t("month.revised", n=row["revisions"])
    href = view.href(version=row["version"], period=view.period)
    return [link(text, href, class_name="badge closed", title=title)]


def _display(view: View) -> html.Details:
    """How the reader wants it shown: more contrast (kept by the browser), the wall board."""
    contrast = html.Button(
        view.t("menu.contrast"),
        type="button",
        className="choice",
        **attribute("data-action", "contrast"),
        **attribute("aria-pressed", "false"),
    )
    opens = view.snapshot.scope.opens(WALL)
    board = [view.link(view.t("menu.wall"), WALL, class_name="choice", period=None)] if opens else []
    return _menu(view.t("menu.display"), "", [contrast, *board], "menu-display")


def _as_of(view: View) -> html.Details:
    shown, days = as_of.menu_entries(view)
    entries = [_choice(view, text, day == view.state.as_of, as_of=day) for text, day in days]
    return _menu(view.t("menu.as_of"), shown, [*entries, as_of.typed(view)], "menu-as-of")


def header(view: View) -> html.Header:
    basis = view.state.basis_or_default
    money = view.state.money
    return html.Header(
        [
            view.link(view.bureau, "/", class_name="brand", township=None, enterprise=None),
            _periods(view),
            *_closing(view),
            _menu(
                view.t("menu.basis"),
                view.t(f"basis.{basis}"),
                [_choice(view, view.t(f"basis.{name}.long"), name == basis, basis=name) for name in BASES],
            ),
            _menu(
                view.t("menu.unit"),
                view.t(f"unit.{money}" if money else "unit.auto"),
                [
                    _choice(view, view.t("unit.auto.long"), money is None, unit=None),
                    *[_choice(view, view.t(f"unit.{name}"), name == money, unit=name) for name in MONEY_UNITS],
                ],
            ),
            _as_of(view),
            html.Span(className="spacer"),
            html.Span(
                [
                    html.Span(view.t(f"lang.{name}"), className="choice chosen", lang=name)
                    if name == view.t.lang
                    else view.link(view.t(f"lang.{name}"), view.path, class_name="choice", lang=name)
                    for name in LANGUAGES
                ],
                className="languages",
            ),
            _display(view),
            html.Button(view.t("menu.print"), type="button", className="plain", **attribute("data-action", "print")),
        ],
        className="app-header",
    )


def navigation(view: View, entries: Sequence[tuple[str, str]], *, is_page: bool = True) -> html.Nav:
    items = []
    for path, key in entries:
        if is_page and path == view.path:
            content: Any = html.A(
                view.t(key), href=view.href(path), className="current", **attribute("aria-current", "page")
            )
        else:
            content = view.link(view.t(key), path, submission=None)
        items.append(html.Li(content))
    return html.Nav(html.Ul(items), className="app-nav", **attribute("aria-label", view.t("nav.label")))


def footer(view: View) -> html.Footer:
    made = str(view.catalogue.manifest.get("created_at") or view.catalogue.manifest.get("published_at") or "")
    notice = view.catalogue.settings.get(f"data_notice_{view.t.lang}", "")
    parts = [
        view.t("foot.version", version=view.snapshot.version),
        view.t("foot.made", time=made.replace("T", " ")[:16]) if made else "",
        view.t("foot.reach", month=view.month(view.catalogue.latest)) if view.catalogue.latest else "",
        view.t("foot.rounding"),
        notice,
    ]
    return html.Footer(view.t("foot.gap").join(part for part in parts if part), className="app-footer")


def frame(
    view: View, page: Page, entries: Sequence[tuple[str, str]], *, updated: bool = False, is_page: bool = True
) -> html.Div:
    """A whole page. `updated` says that it was drawn anew because a version was published; `is_page` is false for an
    address that belongs to none: nothing is marked as current, nothing downloaded."""
    banners: list[Any] = []
    if updated:
        banners.append(
            html.P(view.t("banner.updated", version=view.snapshot.version), className="banner", role="status")
        )
    if not view.snapshot.scope.is_whole:
        # Counts and headings of a page speak of the rows it was given.
        banners.append(html.P(view.t("banner.scope"), className="banner", role="note"))
    if view.snapshot.is_earlier:
        present = view.link(view.t("version.present"), view.path, version=None)
        told = view.t("banner.version", version=view.snapshot.version)
        banners.append(html.P([told, " ", present], className="banner warn", role="status"))
    banners += as_of.banner(view)
    return html.Div(
        [
            html.A(view.t("skip"), href="#main", className="skip"),
            header(view),
            html.Div(
                [
                    navigation(view, entries, is_page=is_page),
                    html.Main(
                        [
                            *banners,
                            html.H1(page.title),
                            html.P(page.sub, className="sub"),
                            *page.body,
                            *(downloads.for_page(view) if is_page else []),
                            footer(view),
                        ],
                        id="main",
                        tabIndex="-1",
                    ),
                ],
                className="app-body",
            ),
        ],
        lang="zh-CN" if view.t.lang == "zh" else "en",
        **attribute("data-version", view.snapshot.version),
    )


def wall(view: View, page: Page) -> html.Div:
    """The wall board: slides alone, with what turns and stops them (assets/app.js)."""
    t = view.t

    def button(action: str, text: str) -> html.Button:
        return html.Button(text, type="button", className="plain", **attribute("data-wall", action))

    return html.Div(
        html.Main(
            [
                html.H1(page.title, className="visually-hidden"),
                *page.body,
                html.Footer(
                    [
                        html.Span(view.bureau, className="wall-name"),
                        button("back", t("wall.back")),
                        html.Button(
                            t("wall.pause"),
                            type="button",
                            className="plain",
                            **attribute("data-wall", "pause"),
                            **attribute("aria-pressed", "false"),
                        ),
                        button("next", t("wall.next")),
                        html.Span("", className="wall-place", **attribute("aria-hidden", "true")),
                        html.Span(className="spacer"),
                        html.Span(t("foot.version", version=view.snapshot.version), className="muted"),
                        view.link(t("wall.leave"), "/", class_name="leave"),
                    ],
                    className="wall-foot",
                ),
            ],
            id="main",
            tabIndex="-1",
        ),
        className="wall",
        lang="zh-CN" if t.lang == "zh" else "en",
        **attribute("data-version", view.snapshot.version),
    )


def bare(title: str, lines: Sequence[Any], lang: str, version: str = "") -> html.Div:
    """A page without data: nothing published yet, or an error of the server."""
    return html.Div(
        html.Main([html.H1(title), *[html.P(line) for line in lines]], id="main", className="bare", tabIndex="-1"),
        lang="zh-CN" if lang == "zh" else "en",
        **attribute("data-version", version),
    )
