"""Quality: what is wrong with the data, and since when?

Belongs here: the layout of `/quality`. Does not belong here: rules (audit), what is in force (dbt), SQL, wording (i18n/).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Any

from dashboard.components import cited, html, numbers, svg, tables
from dashboard.components.links import attribute
from dashboard.data.store import Row
from dashboard.pages import reconciliation, said
from dashboard.pages.overview import history_start
from dashboard.pages.page import Page, source_note
from dashboard.view import View

SEVERITIES = ("error", "warning", "info")
# Longer lists belong into the workbook that the reporter gets back; the heading says how many there are.
LISTED = 200
# Sentences of the queue of names.
NAME_TEXTS = (
    *("title", "how", "caption", "name", "kind", "places", "place", "similar", "no_similar", "means", "means_of"),
    *("by", "save"),
)


def render(view: View) -> Page:
    issues = view.snapshot.rows("quality_issues", period=view.period)
    history = view.snapshot.rows("quality_history", since=history_start(view), period=view.period)
    held = view.snapshot.rows("quality_quarantined", period=view.period)
    revised = view.snapshot.rows("quality_revisions", period=view.period)
    counts = Counter(row["severity"] for row in issues)
    month = view.month(view.period)
    if counts["error"] or held:
        title = view.t("quality.title", period=month, errors=counts["error"], held=len(held))
    elif counts["warning"]:
        title = view.t("quality.title_warnings", period=month, warnings=counts["warning"])
    else:
        title = view.t("quality.title_clean", period=month)
    return Page(
        title=title,
        sub=view.t(
            "quality.sub",
            period=month,
            errors=counts["error"],
            warnings=counts["warning"],
            infos=counts["info"],
            revised=len(revised),
        ),
        body=[
            html.Div([_by_rule(view, issues), _by_unit(view, issues)], className="columns even"),
            _history(view, history),
            _held(view, held),
            _revised(view, revised),
            reconciliation.section(view),
            _names(view),
            _list(view, issues),
        ],
    )


def _names(view: View) -> html.Div:
    """Where the names that no register knows are drawn, for whoever may say what they mean (assets/names.js)."""
    if view.snapshot.is_past:
        return html.Div()
    texts = {name: view.t(f"names.{name}") for name in NAME_TEXTS}
    return html.Div(**attribute("data-names", json.dumps(texts, ensure_ascii=False)))


def _counts(view: View, counts: Counter[str]) -> list[html.Td]:
    return [
        tables.cell(
            numbers.number(counts[severity]) if counts[severity] else "",
            numeric=True,
            class_name=f"severity-{severity}" if counts[severity] and severity == "error" else "",
        )
        for severity in SEVERITIES
    ]


def _heads(view: View) -> list[html.Th]:
    return [tables.head(view.t(f"severity.{severity}"), numeric=True) for severity in SEVERITIES]


def _rule_name(view: View, row: Row) -> str:
    """A rule's name; what reading itself says (parse, read, resolve) is named by its step."""
    name = row["name_en"] if view.t.lang == "en" else row["name_zh"]
    own = f"quality.rule.{row['rule']}"
    if not name and view.t.has(own):
        return view.t(own)
    step = f"quality.step.{str(row['rule']).partition('.')[0]}"
    return str(name or (view.t(step) if view.t.has(step) else row["rule"]))


def _by_rule(view: View, issues: tuple[Row, ...]) -> html.Section:
    if not issues:
        return tables.section(view.t("quality.no_issues"))
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in issues:
        groups[row["rule"]].append(row)
    ordered = sorted(
        groups.items(), key=lambda item: (SEVERITIES.index(item[1][0]["severity"]), -len(item[1]), item[0])
    )
    body = [
        html.Tr(
            [
                tables.row_head([_rule_name(view, rows[0]), html.Span(f" {cited.rule(rule)}", className="unit")]),
                *_counts(view, Counter(row["severity"] for row in rows)),
                tables.cell(numbers.number(len({row["unit_id"] for row in rows if row["unit_id"]})), numeric=True),
            ]
        )
        for rule, rows in ordered
    ]
    header = [[tables.head(view.t("col.rule")), *_heads(view), tables.head(view.t("quality.units"), numeric=True)]]
    most_rule, most = max(groups.items(), key=lambda item: len(item[1]))
    title = view.t("quality.by_rule", n=len(groups), name=_rule_name(view, most[0]) or most_rule, count=len(most))
    return tables.section(
        title,
        tables.table(view.t("quality.by_rule_caption"), header, body, class_name="compact"),
        source_note(view, [], basis=None),
    )


def _by_unit(view: View, issues: tuple[Row, ...]) -> html.Section:
    named = [row for row in issues if row["unit_id"]]
    if not named:
        return html.Section()
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for row in named:
        groups[row["unit_id"]][row["severity"]] += 1
    ordered = sorted(groups.items(), key=lambda item: tuple(-item[1][severity] for severity in SEVERITIES))
    body = []
    for unit, counts in ordered[:LISTED]:
        name: Any = view.unit_name(unit)
        if unit in view.catalogue.enterprises:
            name = view.link(name, "/enterprise", enterprise=unit, township=None)
        elif unit in view.catalogue.townships and unit != view.catalogue.county["township_code"]:
            name = view.link(name, "/township", township=unit)
        body.append(html.Tr([tables.row_head(name), *_counts(view, counts)]))
    header = [[tables.head(view.t("quality.unit")), *_heads(view)]]
    first, most = ordered[0]
    title = view.t("quality.by_unit", n=len(groups), name=view.unit_name(first), count=sum(most.values()))
    return tables.section(title, tables.table(view.t("quality.by_unit_caption"), header, body, class_name="compact"))


def _history(view: View, rows: tuple[Row, ...]) -> html.Section:
    """Issues month by month: since when."""
    if len(rows) < 2:
        return html.Section()
    series = [float(row["errors"] + row["warnings"]) for row in rows]
    alt = view.t("quality.history_alt", n=len(rows), low=f"{min(series):.0f}", high=f"{max(series):.0f}")
    header = [
        [
            tables.head(view.t("col.severity")),
            *[
                tables.head(view.month(row["period"]) if view.yearly else f"{row['period']:%y-%m}", numeric=True)
                for row in rows
            ],
        ]
    ]
    body = [
        html.Tr(
            [
                tables.row_head(view.t(f"severity.{severity}")),
                *[tables.cell(numbers.number(row[f"{severity}s"]), numeric=True) for row in rows],
            ]
        )
        for severity in SEVERITIES
    ]
    worst = max(rows, key=lambda row: row["errors"])
    title = view.t("quality.history", n=len(rows), month=view.month(worst["period"]), errors=worst["errors"])
    return tables.section(
        title,
        svg.sparkline(series, alt, width=320, height=36),
        tables.table(view.t("quality.history_caption"), header, body, class_name="compact"),
        sub=view.t("quality.history_sub"),
    )


def _subject(view: View, row: Row) -> Any:
    """Unit of a cell, linked where it has a page."""
    unit = row["unit_id"]
    if unit in view.catalogue.enterprises:
        return view.link(view.unit_name(unit), "/enterprise", enterprise=unit, township=None)
    return view.unit_name(unit)


def _measure(view: View, row: Row) -> str:
    key = f"measure.{row['measure']}"
    return view.t(key) if view.t.has(key) else str(row["measure"])


def _value(view: View, row: Row, value: Any) -> str:
    if row["measure"] in ("declared_growth", "target_growth") or row["indicator_code"] not in view.catalogue.indicators:
        return numbers.number(value, 1)
    return view.value(row["indicator_code"], value)


def _indicator(view: View, row: Row) -> Any:
    code = row["indicator_code"]
    return [view.indicator(code), view.unit_beside(code)]


def _place(view: View, row: Row) -> Any:
    """File, sheet and cell, as far as an issue names them; opens the submission."""
    spot = "!".join(part for part in (row["sheet"], row["cell"]) if part)
    text = " › ".join(part for part in (row["file_name"], spot) if part)
    return view.link(text, "/submissions", submission=row["submission_id"])


def _held(view: View, rows: tuple[Row, ...]) -> html.Section:
    if not rows:
        return tables.section(view.t("quality.none_held"))
    body = [
        html.Tr(
            [
                tables.row_head(_subject(view, row)),
                tables.cell(_indicator(view, row)),
                tables.cell(_measure(view, row)),
                tables.cell(row["raw_text"] or numbers.NOTHING, numeric=True),
                tables.cell(
                    view.figure(_value(view, row, row["value"]), row["indicator_code"], row["level"], row["unit_id"]),
                    numeric=True,
                    class_name="strong version-quarantined",
                ),
                tables.cell(_value(view, row, row["value_in_force"]), numeric=True),
                tables.cell(row["rule"] or numbers.NOTHING, class_name="small", title=row[f"message_{view.t.lang}"]),
                tables.cell(_place(view, row), class_name="small"),
            ]
        )
        for row in rows[:LISTED]
    ]
    header = [
        [
            tables.head(view.t("quality.unit")),
            tables.head(view.t("col.indicator")),
            tables.head(view.t("col.measure")),
            tables.head(view.t("col.read"), numeric=True),
            tables.head(view.t("quality.held_value"), numeric=True),
            tables.head(view.t("col.in_force"), numeric=True),
            tables.head(view.t("col.rule")),
            tables.head(view.t("col.cell")),
        ]
    ]
    more = view.t("list.more", n=len(rows) - LISTED) if len(rows) > LISTED else ""
    replaced = sum(1 for row in rows if row["value_in_force"] is not None)
    return tables.section(
        view.t("quality.held", n=len(rows), replaced=replaced),
        tables.table(view.t("quality.held_caption"), header, body, class_name="compact"),
        source_note(view, [], view.t("quality.held_note"), more, basis=None),
        sub=view.t("quality.held_sub"),
    )


def _revised(view: View, rows: tuple[Row, ...]) -> html.Section:
    if not rows:
        return tables.section(view.t("quality.none_revised"))
    body = []
    for row in rows[:LISTED]:
        old, new = numbers.to_decimal(row["value"]), numbers.to_decimal(row["value_in_force"])
        change = new - old if old is not None and new is not None else None
        signed = _value(view, row, change)
        body.append(
            html.Tr(
                [
                    tables.row_head(_subject(view, row)),
                    tables.cell(_indicator(view, row)),
                    tables.cell(_measure(view, row)),
                    tables.cell(_value(view, row, old), numeric=True),
                    tables.cell(
                        view.figure(_value(view, row, new), row["indicator_code"], row["level"], row["unit_id"]),
                        numeric=True,
                        class_name="strong",
                    ),
                    tables.cell(f"+{signed}" if change is not None and change > 0 else signed, numeric=True),
                    tables.cell(f"{row['valid_to']:%Y-%m-%d %H:%M}", class_name="small muted"),
                    tables.cell(_place(view, row), class_name="small"),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("quality.unit")),
            tables.head(view.t("col.indicator")),
            tables.head(view.t("col.measure")),
            tables.head(view.t("col.before"), numeric=True),
            tables.head(view.t("col.in_force"), numeric=True),
            tables.head(view.t("quality.difference"), numeric=True),
            tables.head(view.t("quality.revised_at")),
            tables.head(view.t("quality.first_cell")),
        ]
    ]
    more = view.t("list.more", n=len(rows) - LISTED) if len(rows) > LISTED else ""
    files = len({row["submission_in_force"] for row in rows})
    return tables.section(
        view.t("quality.revised", n=len(rows), files=files),
        tables.table(view.t("quality.revised_caption"), header, body, class_name="compact"),
        source_note(view, [], more, basis=None),
    )


def _list(view: View, issues: tuple[Row, ...]) -> Any:
    if not issues:
        return html.Section()
    body = [
        html.Tr(
            [
                tables.row_head(_place(view, row)),
                tables.cell(view.t(f"severity.{row['severity']}"), class_name=f"severity-{row['severity']}"),
                tables.cell(row["raw_text"] if row["raw_text"] not in (None, "") else numbers.NOTHING),
                tables.cell(row[f"message_{view.t.lang}"]),
                tables.cell(cited.rule(row["rule"]), class_name="muted small"),
                said.cell(view, row, row["submission_id"]),
            ]
        )
        for row in issues[:LISTED]
    ]
    header = [
        [
            tables.head(view.t("col.cell")),
            tables.head(view.t("col.severity")),
            tables.head(view.t("col.read")),
            tables.head(view.t("col.message")),
            tables.head(view.t("col.rule")),
            said.head(view),
        ]
    ]
    more = view.t("list.more", n=len(issues) - LISTED) if len(issues) > LISTED else ""
    return html.Details(
        [
            html.Summary(view.t("quality.list", n=len(issues))),
            said.within(view, tables.table(view.t("quality.list_caption"), header, body, class_name="issues")),
            html.P(more),
        ],
        className="twin named",
        **attribute("data-part", "issues"),
    )
