"""What pages say of an earlier day: the choice in the header, the banner, the page while it is being made.

Belongs here: these pieces. Does not belong here: how a day stands (days.py), the frame around pages (shell.py).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from dashboard.as_of.days import Day
from dashboard.components import html, tables
from dashboard.components.links import attribute
from dashboard.pages.page import Page
from dashboard.view import View

# So many days on which workbooks came in are offered; any other is typed.
OFFERED = 8


def received_days(view: View) -> list[date]:
    """The days on which workbooks were received, the last first, as known now."""
    now = view.snapshot.present() or view.snapshot
    return [row["day"] for row in now.received_days()]


def menu_entries(view: View) -> tuple[str, list[tuple[str, date | None]]]:
    """The value shown on the header's menu, and its entries: the latest, and the last days with submissions."""
    days = received_days(view)[1 : OFFERED + 1]
    chosen = view.state.as_of
    shown = view.t("as_of.latest") if chosen is None else view.day(chosen)
    return shown, [(view.t("as_of.latest.long"), None), *((view.day(day), day) for day in days)]


def typed(view: View) -> html.Div:
    """Where a day is typed; drawn by assets/asof.js, since plain markup has no input."""
    return html.Div(
        className="as-of-typed",
        **attribute("data-as-of-input", view.state.as_of.isoformat() if view.state.as_of else ""),
        **attribute("data-label", view.t("as_of.typed")),
        **attribute("data-button", view.t("as_of.show")),
    )


def banner(view: View) -> list[Any]:
    """Above every page of an earlier day, on screen and on paper."""
    day = view.snapshot.day
    if day is None:
        return []
    links = [view.link(view.t("as_of.back"), view.path, as_of=None)]
    if "/changes" in view.pages and view.path != "/changes":
        links = [view.link(view.t("as_of.changes"), "/changes"), view.t("foot.gap"), *links]
    return [
        html.P(
            [html.Strong(view.t("as_of.banner", day=view.day(day))), " ", html.Span(links, className="banner-links")],
            className="banner warn as-of",
            role="status",
        )
    ]


def instead(view: View, day: Day) -> Page:
    """The page while the day is not there: being made, failed, or out of reach."""
    shown = view.day(day.day)
    back = html.P(view.link(view.t("as_of.back"), view.path, as_of=None))
    if day.standing == "making":
        notice = tables.notice(view.t("as_of.making"), view.t("as_of.making_why"))
        waiting = html.Div(notice, **attribute("data-as-of-waiting", day.day.isoformat()))
        return Page(view.t("as_of.making_title", day=shown), view.t("as_of.making_sub"), [waiting, back])
    if day.standing == "failed":
        notice = tables.notice(view.t("as_of.failed"), day.problem, kind="warn")
        return Page(view.t("as_of.failed_title", day=shown), view.t("as_of.failed_sub"), [notice, back])
    if day.standing == "future":
        return Page(view.t("as_of.future_title", day=shown), view.t("as_of.future_sub"), [back])
    if day.first is None:
        return Page(view.t("as_of.early_title", day=shown), view.t("as_of.early_none"), [back])
    first = html.P(view.link(view.t("as_of.first", day=view.day(day.first)), view.path, as_of=day.first, period=None))
    return Page(
        view.t("as_of.early_title", day=shown), view.t("as_of.early_sub", day=view.day(day.first)), [first, back]
    )
