"""Dictionary: what does this indicator mean? Generated from the indicator dimension and the lamp rules.

Belongs here: the layout of `/dictionary`. Does not belong here: definitions (seeds/reference), wording (i18n/).
"""

from __future__ import annotations

from typing import Any

from dashboard.components import html, numbers, tables
from dashboard.data.store import Row
from dashboard.pages.page import Page, source_note
from dashboard.view import View


def formula(view: View, row: Row) -> Any:
    """How a figure comes about: a ratio of two indicators, a sum, a last value."""
    if row["numerator_code"] and row["denominator_code"]:
        factor = numbers.to_decimal(row["multiplier"])
        text = view.t(
            "formula.ratio",
            numerator=f"{view.indicator(row['numerator_code'])} {row['numerator_code']}",
            denominator=f"{view.indicator(row['denominator_code'])} {row['denominator_code']}",
        )
        if factor is not None and factor != 1:
            text += view.t("formula.times", x=numbers.number(factor, 0 if factor == factor.to_integral_value() else 4))
        return text
    return view.t(f"formula.{row['ytd_rule']}") if row["ytd_rule"] else numbers.NOTHING


def render(view: View) -> Page:
    rows = list(view.catalogue.indicators.values())
    body = []
    for row in rows:
        code = row["indicator_code"]
        rule = view.catalogue.lamp_rule(code, row["target_form"], view.period) if row["target_form"] else None
        forms = [form for form in str(row["source_form"] or "").split("|") if form]
        scope = view.catalogue.scopes.get(row["scope"] or "")
        official = row["name_official"] if row["name_official"] not in (None, row["name_zh"]) else None
        name: list[Any] = [html.Strong(view.indicator(code))]
        other = row["name_en"] if view.t.lang == "zh" else row["name_zh"]
        if other:
            name += [
                html.Br(),
                html.Span(other, className="muted small", lang="en" if view.t.lang == "zh" else "zh-CN"),
            ]
        if official:
            name += [html.Br(), html.Span(view.t("dictionary.official", name=official), className="muted small")]
        chosen = code == view.state.indicator
        body.append(
            html.Tr(
                [
                    tables.cell(html.A(code, href=view.href(indicator=code), id=f"indicator-{code}")),
                    tables.row_head(name),
                    tables.cell(view.unit_label(code)),
                    tables.cell(view.t(f"kind.{row['kind']}")),
                    tables.cell(view.t(f"direction.{row['direction'] or 'none'}")),
                    tables.cell(
                        [
                            row[f"definition_{view.t.lang}"] or numbers.NOTHING,
                            html.Span(view.t("dictionary.scope", scope=view.named(scope)), className="muted")
                            if scope
                            else "",
                        ],
                        class_name="long",
                    ),
                    tables.cell(formula(view, row), class_name="long"),
                    tables.cell(
                        view.t.join(view.named(view.catalogue.forms.get(form), form) for form in forms)
                        or view.t("dictionary.computed"),
                        class_name="small",
                    ),
                    tables.cell(rule[f"text_{view.t.lang}"] if rule else numbers.NOTHING, class_name="small"),
                ],
                className="selected" if chosen else None,
            )
        )
    header = [
        [
            tables.head(view.t("col.code")),
            tables.head(view.t("col.indicator")),
            tables.head(view.t("col.unit")),
            tables.head(view.t("col.kind")),
            tables.head(view.t("col.direction")),
            tables.head(view.t("col.definition")),
            tables.head(view.t("col.formula")),
            tables.head(view.t("col.source")),
            tables.head(view.t("col.lamp_rule")),
        ]
    ]
    headline = sum(1 for row in rows if row["is_headline"])
    return Page(
        title=view.t("dictionary.title", n=len(rows), headline=headline),
        sub=view.t("dictionary.sub"),
        body=[
            tables.table(view.t("dictionary.caption"), header, body, class_name="dictionary", cards=True),
            source_note(view, [], basis=None),
        ],
    )
