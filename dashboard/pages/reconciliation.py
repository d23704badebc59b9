"""Reconciliation on /quality: our figures beside those of other departments, the difference explained by scope.

Belongs here: the layout of that section. Does not belong here: the comparison (dbt), which figures are compared
(seeds/reference/reconciliation.csv), SQL, wording (i18n/).
"""

from __future__ import annotations

from typing import Any

from dashboard.components import html, numbers, tables
from dashboard.data.store import Row
from dashboard.pages.page import source_note
from dashboard.view import View


def section(view: View) -> html.Section:
    """The newest comparison of the year up to the month; nothing where nobody reported a figure to compare with."""
    rows = view.snapshot.rows("reconciliation", january=view.period.replace(month=1), period=view.period)
    if not rows:
        return tables.section(view.t("reconcile.none", period=view.to_date(view.period)))
    newest = [row for row in rows if row["period"] == rows[0]["period"]]
    earlier = [row for row in rows if row["period"] != rows[0]["period"]]
    apart = max(newest, key=lambda row: abs(row["difference_pct"] or 0))
    title = view.t(
        "reconcile.title",
        period=view.to_date(rows[0]["period"]),
        indicator=view.indicator(apart["indicator_code"]),
        department=_department(view, apart),
        pct=numbers.number(abs(apart["difference_pct"] or 0), 1),
        side=view.t("reconcile.above" if (apart["difference"] or 0) >= 0 else "reconcile.below"),
    )
    parts: list[Any] = [_table(view, title, newest)]
    for row in newest:
        note = row["scope_note_en"] if view.t.lang == "en" else row["scope_note_zh"]
        if note:
            parts.append(
                html.P(
                    view.t("reconcile.note", indicator=view.indicator(row["indicator_code"]), text=note),
                    className="footnote",
                )
            )
    if earlier:
        caption = view.t("reconcile.earlier", n=len({row["period"] for row in earlier}))
        parts.append(html.Details([html.Summary(caption), _table(view, caption, earlier)], className="twin named"))
    codes = [code for row in newest for code in (row["indicator_code"], row["other_code"])]
    return tables.section(title, *parts, source_note(view, codes, basis="reported"), sub=view.t("reconcile.sub"))


def _department(view: View, row: Row) -> str:
    return str(row["department_en"] if view.t.lang == "en" else row["department_zh"])


def _table(view: View, caption: str, rows: list[Row]) -> html.Div:
    county = str(view.catalogue.county["township_code"])
    body = []
    for row in rows:
        code, other = row["indicator_code"], row["other_code"]

        def shown(value: Any, code: str = code) -> str:
            return view.value(code, value)

        def signed(value: Any, code: str = code) -> str:
            text = view.value(code, value)
            return f"+{text}" if value is not None and value > 0 else text

        ours = view.figure(shown(row["our_value"]), code, "county", county, row["period"])
        theirs = view.figure(view.value(other, row["other_value"]), other, "county", county, row["period"])
        scope = view.named(view.catalogue.scopes.get(row["scope"] or ""), numbers.NOTHING)
        body.append(
            html.Tr(
                [
                    tables.row_head([view.indicator(code), view.unit_beside(code)]),
                    tables.cell(view.to_date(row["period"])),
                    tables.cell(ours, numeric=True, class_name="strong"),
                    tables.cell(_department(view, row)),
                    tables.cell(theirs, numeric=True, class_name="strong"),
                    tables.cell(signed(row["difference"]), numeric=True),
                    tables.cell(numbers.number(row["difference_pct"], 1, signed=True), numeric=True),
                    tables.cell(scope),
                    tables.cell(shown(row["within_scope_value"]), numeric=True),
                    tables.cell(signed(row["outside_scope"]), numeric=True),
                    tables.cell(signed(row["within_scope_difference"]), numeric=True),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("col.indicator"), rows=2),
            tables.head(view.t("col.period"), rows=2),
            tables.head(view.t("reconcile.ours"), numeric=True, rows=2),
            tables.head(view.t("reconcile.others"), span=2),
            tables.head(view.t("quality.difference"), span=2),
            tables.head(view.t("reconcile.by_scope"), span=4),
        ],
        [
            tables.head(view.t("reconcile.department")),
            tables.head(view.t("reconcile.figure"), numeric=True),
            tables.head(view.t("reconcile.amount"), numeric=True),
            tables.head("%", numeric=True),
            tables.head(view.t("reconcile.scope")),
            tables.head(view.t("reconcile.within"), numeric=True),
            tables.head(view.t("reconcile.outside"), numeric=True),
            tables.head(view.t("reconcile.left"), numeric=True),
        ],
    ]
    return tables.table(caption, header, body, class_name="compact reconciliation")
