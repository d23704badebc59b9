"""Wall board: the month on a screen in the hall, read from four metres, one slide after another.

Belongs here: what stands on each slide of `/wall`. Does not belong here: turning the slides (assets/app.js), their size
(assets/app.css), figures that the overview does not show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from dashboard.components import html, lamps, numbers, tables
from dashboard.components.links import attribute
from dashboard.data.store import Row
from dashboard.pages import overview
from dashboard.pages.page import Page
from dashboard.view import View

PATH = "/wall"
# Rows of a slide: more would be smaller than what reads from four metres (assets/app.css). English names take two lines.
ROWS = {"zh": 7, "en": 5}
SECONDS = 12
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Behind:
    """A township with its lamps of the month: how many of each colour, and the widest gap."""

    unit: str
    red: int
    yellow: int
    worst: Row | None


def behind(rows: Iterable[Row]) -> list[Behind]:
    """Townships with a red or yellow lamp among `rows` (township_grid, one month), the most red ones first."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.get("lamp") in ("red", "yellow"):
            found.setdefault(row["unit_id"], []).append(row)
    listed = []
    for unit, lit in found.items():
        measured = [row for row in lit if row.get("gap_pp") is not None and row.get("target_form") != "cap"]
        red = sum(row["lamp"] == "red" for row in lit)
        worst = min(measured, key=lambda row: row["gap_pp"]) if measured else None
        listed.append(Behind(unit, red, len(lit) - red, worst))
    return sorted(listed, key=lambda one: (-one.red, -one.yellow, one.unit))


def _parts(rows: Sequence[T], most: int) -> list[Sequence[T]]:
    """`rows` in as few slides as hold `most` each, one about as full as the next."""
    slides = max(1, -(-len(rows) // most))
    ends = [len(rows) * slide // slides for slide in range(slides + 1)]
    return [rows[start:end] for start, end in pairwise(ends)]


def _slide(title: str, sub: str, *content: Any) -> html.Section:
    return html.Section([html.H2(title), html.P(sub, className="sub"), *content], className="slide")


def _headline(view: View, rows: Sequence[Row], caption: str) -> html.Div:
    county = view.catalogue.county["township_code"]
    body = []
    for row in rows:
        code = row["indicator_code"]
        colour = row.get("lamp") or "grey"
        body.append(
            html.Tr(
                [
                    tables.row_head([view.indicator(code), view.unit_beside(code)]),
                    tables.cell(
                        view.figure(view.value(code, row.get("value_ytd")), code, "county", county),
                        numeric=True,
                        class_name="strong",
                    ),
                    tables.cell(view.growth(row), numeric=True),
                    tables.cell(overview.target_graph(view, row, width=300)),
                    tables.cell(overview.gap_cell(view, row), numeric=True),
                    tables.cell(view.lamp(row), class_name=f"on-{colour}" if colour in ("yellow", "red") else ""),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("col.indicator")),
            tables.head(view.t("col.ytd"), numeric=True),
            tables.head(view.t("col.growth"), numeric=True),
            tables.head(view.t("col.bullet_short")),
            tables.head(view.t("col.gap"), numeric=True),
            tables.head(view.t("col.lamp")),
        ]
    ]
    return tables.table(caption, header, body, class_name="board")


def _count(view: View, colour: str, count: int) -> Any:
    if not count:
        return numbers.NOTHING
    return lamps.mark(colour, str(count), view.t(f"colour.{colour}"))


def _townships(view: View, listed: Sequence[Behind]) -> html.Div:
    body = []
    for one in listed:
        worst = one.worst
        words = (
            view.t(
                "wall.worst",
                indicator=view.indicator(worst["indicator_code"]),
                gap=view.gap_of(worst),
            )
            if worst
            else numbers.NOTHING
        )
        body.append(
            html.Tr(
                [
                    tables.row_head(view.link(view.unit_name(one.unit), "/township", township=one.unit)),
                    tables.cell(_count(view, "red", one.red), numeric=True, class_name="on-red" if one.red else ""),
                    tables.cell(
                        _count(view, "yellow", one.yellow), numeric=True, class_name="on-yellow" if one.yellow else ""
                    ),
                    tables.cell(words),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("col.township")),
            tables.head(view.t("lamp.level.red"), numeric=True),
            tables.head(view.t("lamp.level.yellow"), numeric=True),
            tables.head(view.t("wall.widest")),
        ]
    ]
    return tables.table(view.t("heat.caption"), header, body)


def _lines(lines: Sequence[Any], most: int) -> html.Ul:
    return html.Ul([html.Li(line) for line in lines[:most]], className="lines")


def render(view: View) -> Page:
    county = [
        row
        for rows in overview.county_history(view).values()
        for row in rows
        if row["period"] == view.period
        and row["indicator_code"] in {item["indicator_code"] for item in view.catalogue.headline()}
    ]
    most = ROWS[view.t.lang]
    order = [item["indicator_code"] for item in view.catalogue.headline()]
    county.sort(key=lambda row: order.index(row["indicator_code"]))
    grid = overview.township_grid(view)
    by_code = {row["indicator_code"]: row for row in county}
    when = view.t("wall.sub", county=view.county, period=view.to_date(view.period))
    finding = overview.finding(view, county)
    slides = [_slide(finding, when, _headline(view, part, finding)) for part in _parts(county, most)]
    slow = behind(row for row in grid if row["period"] == view.period)
    for part in _parts(slow, most):
        slides.append(_slide(overview.heat_finding(view, grid), when, _townships(view, part)))
    lead = order[0] if order else ""
    why_title, why = overview.contributions(view, grid, by_code.get(lead))
    slides.append(_slide(why_title, when, _lines(why, most)))
    who_title, who = overview.attention(
        view,
        view.snapshot.rows("attention", period=view.period),
        view.snapshot.rows("issue_totals", period=view.period),
    )
    safe_title, safe = overview.safety(view, view.snapshot.rows("incidents", period=view.period), by_code)
    slides.append(
        _slide(safe_title, safe, html.H2(who_title), _lines(who, most - 1))
        if any(row.get("target_form") == "cap" for row in county)
        else _slide(who_title, when, _lines(who, most))
    )
    return Page(
        title=view.t("wall.title", bureau=view.bureau),
        sub=when,
        body=[html.Div(slides, className="slides", **attribute("data-seconds", str(SECONDS)))],
    )
