"""Two parts of a unit's page: what the year will end with, and what made the change from last year.

Belongs here: the layout of these sections. Does not belong here: forecast, band, probability, the split (dbt), SQL,
graphics (components/spans.py), wording (i18n/).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashboard.components import html, numbers, spans, tables
from dashboard.data.store import Row
from dashboard.pages.page import source_note
from dashboard.view import View

# In the order in which they are told.
COMPONENTS = ("matched", "entry", "exit", "boundary", "revision", "unit_correction", "unexplained")
STEP_WIDTH = 220


def forecast(view: View, level: str, unit: str, code: str, row: Row | None) -> html.Section:
    """Year-end forecast with its band and the probability of reaching the target; nothing where there is none."""
    if row is None or row.get("forecast_value") is None:
        return html.Section()
    label = view.unit_label(code)
    band = _band(row)
    target = (
        numbers.to_decimal(row.get("target_value")) if row.get("target_form") in ("level", "floor", "cap") else None
    )
    chance = numbers.to_decimal(row.get("target_probability_pct"))
    is_cap = row.get("target_form") == "cap"
    fields = {"indicator": view.indicator(code), "value": view.value(code, row["forecast_value"]), "unit": label}
    if chance is None:
        title = view.t("outlook.title", **fields)
    else:
        title = view.t(
            "outlook.title_cap" if is_cap else "outlook.title_target", chance=_chance(view, chance), **fields
        )
    facts: list[tuple[str, Any]] = [
        (view.t("outlook.so_far"), view.figure(view.value(code, row["value_ytd"]), code, level, unit)),
        (view.t("outlook.forecast"), view.figure(fields["value"], code, level, unit)),
    ]
    if band is not None:
        share = view.catalogue.settings.get("forecast_band_pct", "")
        text = view.t("outlook.range", low=view.value(code, band[0]), high=view.value(code, band[1]))
        facts.append((view.t("outlook.band", pct=share), view.figure(text, code, level, unit)))
    if target is not None:
        facts.append((view.t("col.target"), view.figure(view.value(code, target), code, level, unit)))
    if row.get("forecast_attainment_pct") is not None:
        facts.append((view.t("outlook.attainment"), view.points(row["forecast_attainment_pct"], signed=False)))
    if chance is not None:
        facts.append((view.t("outlook.chance_cap" if is_cap else "outlook.chance"), _chance(view, chance)))
    method = f"outlook.method.{row['forecast_method']}"
    if view.t.has(method):
        facts.append((view.t("outlook.method"), view.t(method)))
    body = [html.Tr([tables.row_head(name), tables.cell(value, numeric=True)]) for name, value in facts]
    header = [[tables.head(view.t("outlook.item")), tables.head(label, numeric=True)]]
    alt = view.t("outlook.alt", text=title)
    graph = spans.outlook(
        _float(row["value_ytd"]),
        _float(row["forecast_value"]),
        None if band is None else (_float(band[0]), _float(band[1])),
        None if target is None else _float(target),
        alt,
        is_cap=is_cap,
    )
    return tables.section(
        title,
        html.Div(graph),
        tables.table(title, header, body, class_name="compact"),
        source_note(view, [code], view.t("outlook.note")),
        sub=view.t("outlook.sub"),
    )


def _chance(view: View, value: Decimal) -> str:
    """A probability as it is said: never 0 or 100 of something that is not settled."""
    if value < 1:
        return view.t("outlook.below", x=1)
    if value > 99:
        return view.t("outlook.above", x=99)
    return view.t("outlook.percent", x=numbers.number(value, 0))


def _band(row: Row) -> tuple[Decimal, Decimal] | None:
    low, high = numbers.to_decimal(row.get("forecast_low")), numbers.to_decimal(row.get("forecast_high"))
    return None if low is None or high is None else (low, high)


def _float(value: Any) -> float:
    return float(numbers.to_decimal(value) or 0)


def explains(view: View, level: str, unit: str, code: str) -> str | None:
    """The indicator whose bridge tells something: the chosen one, else a part of it; None where nothing is split."""
    parts = [other for other, row in view.catalogue.indicators.items() if row["parent_code"] == code]
    for candidate in [code, *parts]:
        rows = view.snapshot.rows("bridge", level=level, unit_id=unit, indicator=candidate, period=view.period)
        if any(row["amount"] and row["component"] != "unexplained" for row in rows):
            return candidate
    return None


def bridge(view: View, level: str, unit: str, chosen: str) -> html.Section:
    """From last year's figure to this one, step by step; the graphic stands in the table's rows."""
    code = explains(view, level, unit, chosen)
    if code is None:
        return html.Section()
    rows = view.snapshot.rows("bridge", level=level, unit_id=unit, indicator=code, period=view.period)
    figure = view.snapshot.rows("trace_figure", indicator=code, unit_id=unit, period=view.period, basis="reported")
    if not figure or figure[0]["base_ytd"] is None or figure[0]["value_ytd"] is None:
        return html.Section()
    base, end = numbers.to_decimal(figure[0]["base_ytd"]), numbers.to_decimal(figure[0]["value_ytd"])
    if base is None or end is None:
        return html.Section()
    steps = sorted((row for row in rows if row["amount"]), key=lambda row: COMPONENTS.index(row["component"]))
    heights = [base]
    for row in steps:
        heights.append(heights[-1] + (numbers.to_decimal(row["amount"]) or 0))
    scale = _scale([*heights, end])
    body = [_end(view, "bridge.base", base, scale, code, level, unit, rows[0]["base_period"])]
    for row, before, after in zip(steps, heights, heights[1:], strict=False):
        name = view.t(f"bridge.{row['component']}")
        shown = view.value(code, row["amount"])
        text = f"+{shown}" if row["amount"] > 0 and not shown.startswith("+") else shown
        points = numbers.number(row["points"], 1, signed=True) if row["points"] is not None else numbers.NOTHING
        body.append(
            html.Tr(
                [
                    tables.row_head(name),
                    tables.cell(view.figure(text, code, level, unit), numeric=True),
                    tables.cell(points, numeric=True),
                    tables.cell(spans.step(scale, float(before), float(after), "")),
                    tables.cell(view.t(f"bridge.{row['component']}.means"), class_name="small muted"),
                ]
            )
        )
    body.append(_end(view, "bridge.end", end, scale, code, level, unit, view.period))
    header = [
        [
            tables.head(view.t("bridge.step")),
            tables.head(view.unit_label(code), numeric=True),
            tables.head(view.t("bridge.points"), numeric=True),
            tables.head(view.t("bridge.graph")),
            tables.head(view.t("bridge.meaning")),
        ]
    ]
    largest = max(steps, key=lambda row: abs(row["amount"]), default=None)
    name = view.t(f"bridge.{largest['component']}") if largest else ""
    key = "bridge.title_down" if end < base else "bridge.title"
    amount = view.value(code, abs(end - base))
    title = view.t(key, indicator=view.indicator(code), amount=amount, unit=view.unit_label(code), name=name)
    sub = view.t("bridge.sub", basis=view.t("basis.reported.long"))
    if code != chosen:
        sub = view.t("explained.part", chosen=view.indicator(chosen), part=view.indicator(code)) + sub
    return tables.section(
        title,
        tables.table(title, header, body, class_name="compact bridge", cards=True),
        source_note(view, [code], view.t("bridge.note"), basis="reported"),
        sub=sub,
    )


def _scale(heights: list[Decimal]) -> spans.Scale:
    """From the lowest to the highest point of the way, with a little room; not from zero, hence ticks at the ends."""
    low, high = float(min(heights)), float(max(heights))
    room = (high - low or abs(high) or 1.0) * 0.06
    return spans.Scale(low - room, high + room, STEP_WIDTH)


def _end(
    view: View, key: str, value: Decimal, scale: spans.Scale, code: str, level: str, unit: str, period: Any
) -> html.Tr:
    text = view.value(code, value)
    if period in view.catalogue.periods:
        text = view.figure(text, code, level, unit, period)
    return html.Tr(
        [
            tables.row_head(view.t(key, period=view.to_date(period))),
            tables.cell(text, numeric=True, class_name="strong"),
            tables.cell(""),
            tables.cell(spans.level_mark(scale, float(value), "")),
            tables.cell(""),
        ]
    )
