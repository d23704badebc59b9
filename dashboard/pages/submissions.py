"""Submissions: who has reported, late, not at all, and what was wrong in which cell.

Belongs here: the layout of `/submissions`. Does not belong here: reading workbooks (ingest), SQL, wording (i18n/).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Any

from dashboard.components import cited, html, numbers, tables
from dashboard.components.links import attribute
from dashboard.data.store import Row
from dashboard.pages import said
from dashboard.pages.overview import history_start
from dashboard.pages.page import Page, source_note
from dashboard.pages.township import STATUS_SHAPES, status_cell
from dashboard.view import View, month_before

CALLED = 30
UNITS_OFFERED = 600
# Sentences of the place where workbooks are dropped (submit.*).
SAID = (
    *("drop", "checking", "received", "waiting", "published", "errors", "warnings", "clean", "marked", "caption"),
    *("more", "confirm", "confirm_errors", "errors_note"),
)
# Sentences of the mapping of an unknown layout (map.*).
MAPPED = ("lead", "open", "busy", "unit", "unit_column", "caption", "like", "accept", "kept")


def render(view: View) -> Page:
    chosen: Row | None = None
    notices: list[Any] = []
    if view.state.submission:
        found = view.snapshot.rows("submission", submission=view.state.submission)
        if found:
            chosen = found[0]
        else:
            notices.append(tables.notice(view.t("submissions.unknown", code=view.state.submission), kind="warn"))
    calendar = view.snapshot.rows("calendar", period=view.period)
    received = view.snapshot.rows("submissions", period=view.period)
    counts = Counter(row["status"] for row in calendar)
    if not calendar and not received:
        title = view.t("submissions.empty_title", period=view.month(view.period))
    elif counts["missing"]:
        silent = list(dict.fromkeys(row["unit_id"] for row in calendar if row["status"] == "missing"))
        title = view.t(
            "submissions.missing" if len(silent) <= 3 else "submissions.missing_many",
            period=view.month(view.period),
            n=counts["missing"],
            units=len(silent),
            names=view.t.join(view.unit_name(unit) for unit in silent[:3]),
        )
    else:
        title = view.t("submissions.complete", period=view.month(view.period), n=len(calendar))
    sub = view.t(
        "submissions.sub",
        period=view.month(view.period),
        expected=len(calendar) - counts["suspended"],
        on_time=counts["on_time"] + counts["zero_report"],
        late=counts["late"],
        missing=counts["missing"],
        suspended=counts["suspended"],
    )
    body: list[Any] = [*notices, _hand_in(view)]
    if chosen is not None:
        body.append(_issues(view, chosen))
    body += [_calendar(view, calendar), _month(view), _received(view, received), _discipline(view)]
    return Page(title=title, sub=sub, body=body)


def _hand_in(view: View) -> html.Section:
    """Where workbooks are dropped and forms are fetched; drawn by assets/submit.js with these texts."""
    t = view.t
    if view.snapshot.is_past:
        return html.Section()
    if not view.snapshot.scope.hands_in:
        return tables.section(t("submit.title"), tables.notice(t("submit.not_yours")), class_name="handing-in")
    texts: dict[str, Any] = {name: t(f"submit.{name}") for name in SAID}
    texts |= {f"map_{name}": t(f"map.{name}") for name in MAPPED}
    heads = ("column", "heading", "state_head", "means", "confidence", "unit_head")
    texts["map_columns"] = [t(f"map.{name}") for name in heads]
    texts["columns"] = [t(f"col.{name}") for name in ("cell", "severity", "read", "message", "rule")]
    units = [[row["name_zh"], view.named(row)] for row in view.catalogue.active_townships(view.period)]
    units += [[row["name_zh"], row["name_zh"]] for row in list(view.catalogue.enterprises.values())[:UNITS_OFFERED]]
    form = {
        "form": t("col.form"),
        "unit": t("submit.for_unit"),
        "period": t("col.period"),
        "month": f"{view.period:%Y-%m}",
        "blank": t("submit.blank"),
        "filled": t("submit.filled"),
        "forms": [[code, f"{code} {view.named(row)}"] for code, row in view.catalogue.forms.items()],
        "units": units,
    }
    return tables.section(
        t("submit.title"),
        html.Div(**attribute("data-submit", json.dumps(texts, ensure_ascii=False))),
        html.Details(
            [
                html.Summary(t("submit.templates")),
                html.Div(**attribute("data-template", json.dumps(form, ensure_ascii=False))),
            ],
            className="twin",
        ),
        sub=t("submit.sub"),
        class_name="handing-in",
    )


def _withdraw(view: View, submission: Row) -> Any:
    """Taking a submission back, with a reason; nothing where it is withdrawn already."""
    if submission["status"] == "withdrawn":
        return html.P(view.t("submit.withdrawn"), className="muted")
    if view.snapshot.is_past or not view.snapshot.scope.hands_in:
        # An earlier day is looked at, not changed.
        return None
    texts = {
        "submission": submission["submission_id"],
        "reason": view.t("submit.reason"),
        "button": view.t("submit.withdraw"),
        "done": view.t("submit.withdraw_done"),
    }
    return html.Div(**attribute("data-withdraw", json.dumps(texts, ensure_ascii=False)))


def _month(view: View) -> html.Section:
    """What was decided about the month; what the reader may do about it is drawn by assets/submit.js."""
    t, row = view.t, view.catalogue.months.get(view.period)
    period = view.month(view.period)
    if row is None:
        lines = [t("month.open_why", period=period)]
    else:
        lines = [
            t("month.approved_line", by=row["approved_by"], day=view.day(row["approved_at"]), version=row["version"])
        ]
        if row["closed_at"]:
            lines.append(t("month.closed_line", by=row["closed_by"], day=view.day(row["closed_at"])))
        if row["reopened_at"]:
            day = view.day(row["reopened_at"])
            lines.append(t("month.reopened_line", by=row["reopened_by"], day=day, reason=row["reason"]))
        if row["revisions"]:
            lines.append(t("month.revisions_line", n=row["revisions"]))
    status = row["status"] if row else "open"
    texts: dict[str, Any] = {
        name: t(f"month.act.{name}") for name in ("approve", "close", "reopen", "reason", "by", "done")
    }
    texts["period"] = f"{view.period:%Y-%m}"
    parts: list[Any] = [html.P(line) for line in lines]
    if row and row["closed_at"] and not view.snapshot.is_past:
        parts.append(html.P(view.link(t("month.see"), "/", version=row["version"], submission=None)))
    if not view.snapshot.is_past:
        parts.append(html.Div(**attribute("data-month", json.dumps(texts, ensure_ascii=False))))
    return tables.section(t(f"month.{status}_heading", period=period), *parts)


def _calendar(view: View, rows: tuple[Row, ...]) -> html.Section:
    """Units × forms in one table: a unit's own report, or how many of its enterprises reported a form of theirs."""
    if not rows:
        return tables.section(view.t("calendar.none_title"), tables.notice(view.t("calendar.none")))
    townships, enterprises = view.catalogue.townships, view.catalogue.enterprises
    by_form: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_form[row["form_code"]].append(row)
    own = [form for form, found in by_form.items() if all(row["unit_id"] in townships for row in found)]
    forms = [*own, *(form for form in by_form if form not in own)]
    cells: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        enterprise = enterprises.get(row["unit_id"])
        home = enterprise["township_code"] if enterprise else row["unit_id"]
        cells[home if home in townships else "", row["form_code"]].append(row)
    homes = {home for home, _ in cells}
    header = [
        [
            tables.head(view.t("col.township")),
            *[
                tables.head(
                    [
                        view.named(view.catalogue.forms.get(form), form),
                        html.Span(view.t("calendar.due", day=view.day(_due(by_form[form]))), className="unit"),
                    ],
                    class_name="center",
                )
                for form in forms
            ],
        ]
    ]
    body = []
    for unit in [*(code for code in townships if code in homes), *([""] if "" in homes else [])]:
        name: Any = view.t("unit.unknown")
        if unit:
            name = view.link(view.unit_name(unit), "/township", township=unit, submission=None)
        found = [cells.get((unit, form), []) for form in forms]
        body.append(
            html.Tr(
                [
                    tables.row_head(name),
                    *[
                        status_cell(view, of[0] if of else None) if form in own or not of else _counted(view, of)
                        for form, of in zip(forms, found, strict=True)
                    ],
                ]
            )
        )
    due = Counter(row["status"] for row in rows if row["status"] != "suspended")
    return tables.section(
        view.t("calendar.title", n=sum(due.values()), missing=due["missing"], late=due["late"]),
        tables.table(view.t("calendar.caption"), header, body, class_name="calendar compact"),
        *[_to_call(view, form, by_form[form]) for form in forms if form not in own],
        source_note(view, [], view.t("calendar.legend"), basis=None),
        sub=view.t("calendar.sub"),
    )


def _due(found: list[Row]) -> Any:
    return next((row["due_on"] for row in found if row["due_on"]), None)


def _counted(view: View, rows: list[Row]) -> html.Td:
    """How many enterprises of a township reported on time of those that had to; the exceptions in words beside it."""
    counts = Counter(row["status"] for row in rows)
    on_time, due = counts["on_time"] + counts["zero_report"], len(rows) - counts["suspended"]
    parts: list[Any] = [f"{on_time}/{due}"]
    for status in ("missing", "late", "suspended"):
        if counts[status]:
            shape = html.Span(STATUS_SHAPES[status], className="shape", **attribute("aria-hidden", "true"))
            parts.append(html.Span([" ", shape, f" {view.t(f'status.{status}')} {counts[status]}"], className="word"))
    worst = next((status for status in ("missing", "late") if counts[status]), "")
    return tables.cell(parts, class_name=f"center status-{worst}" if worst else "center")


def _to_call(view: View, form: str, rows: list[Row]) -> html.P | None:
    """The enterprises that have not sent a form, each a link."""
    missing = [row["unit_id"] for row in rows if row["status"] == "missing"]
    if not missing:
        return None
    names: list[Any] = []
    for unit in missing[:CALLED]:
        known = unit in view.catalogue.enterprises
        name = view.unit_name(unit)
        names += [view.link(name, "/enterprise", enterprise=unit, submission=None) if known else name]
        names.append(view.t("list.separator"))
    more = view.t("list.more", n=len(missing) - CALLED) if len(missing) > CALLED else ""
    told = view.t("calendar.to_call", form=view.named(view.catalogue.forms.get(form), form))
    return html.P([told, *names[:-1], more], className="to-call")


def _received(view: View, rows: tuple[Row, ...]) -> html.Section:
    if not rows:
        own = "" if view.snapshot.scope.sees_all_units else "_own"
        return tables.section(
            view.t(f"received.none_title{own}", period=view.month(view.period)),
            tables.notice(view.t(f"received.none{own}")),
        )
    faulty = sum(1 for row in rows if row["errors"])
    body = []
    for row in rows:
        problems = row["errors"] or row["warnings"]
        counts = (
            view.t.join(view.t(f"received.{name}", n=row[name]) for name in ("errors", "warnings") if row[name]) or "0"
        )
        issues: Any = (
            view.link(counts, "/submissions", submission=row["submission_id"])
            if problems
            else html.Span(counts, className="muted")
        )
        body.append(
            html.Tr(
                [
                    tables.row_head(row["file_name"]),
                    tables.cell(
                        view.named(
                            view.catalogue.forms.get(row["form_code"] or ""), row["form_code"] or view.t("form.unknown")
                        )
                    ),
                    tables.cell(view.reporter(row["reporter_unit_id"])),
                    tables.cell(f"{row['received_at']:%Y-%m-%d %H:%M}" if row["received_at"] else numbers.NOTHING),
                    tables.cell(_submission_status(view, row["status"])),
                    tables.cell(numbers.number(row["observations"]), numeric=True),
                    tables.cell(issues, class_name="status-missing" if row["errors"] else ""),
                    tables.cell(
                        view.link(row["submission_id"], "/submissions", submission=row["submission_id"]),
                        class_name="muted small",
                    ),
                ],
                className="selected" if row["submission_id"] == view.state.submission else None,
            )
        )
    header = [
        [
            tables.head(view.t("col.file")),
            tables.head(view.t("col.form")),
            tables.head(view.t("col.reporter")),
            tables.head(view.t("col.received")),
            tables.head(view.t("col.status")),
            tables.head(view.t("col.observations"), numeric=True),
            tables.head(view.t("col.issues")),
            tables.head(view.t("col.submission")),
        ]
    ]
    key = "received.title_faulty" if faulty else "received.title"
    return tables.section(
        view.t(key, n=len(rows), faulty=faulty),
        tables.table(view.t("received.caption"), header, body, class_name="compact received", cards=True),
        sub=view.t("received.sub", period=view.month(view.period), before=view.month(month_before(view.period))),
    )


def _discipline(view: View) -> html.Section:
    """How many reports of each form came in on time, month by month."""
    rows = view.snapshot.rows("calendar_history", since=history_start(view, 12), period=view.period)
    if not rows:
        return html.Section()
    periods = sorted({row["period"] for row in rows})
    by_cell = {(row["form_code"], row["period"]): row for row in rows}
    body = []
    for form in sorted({row["form_code"] for row in rows}):
        cells = []
        for period in periods:
            row = by_cell.get((form, period))
            if row is None or not row["expected"]:
                cells.append(tables.cell(html.Span("·", className="muted"), class_name="center"))
                continue
            beside = [view.t(f"discipline.{name}", n=row[name]) for name in ("late", "missing") if row[name]]
            status = "missing" if row["missing"] else "late" if row["late"] else ""
            cells.append(
                tables.cell(
                    [
                        f"{row['on_time']}/{row['expected']}",
                        *[html.Span(f" {word}", className="word") for word in beside],
                    ],
                    class_name=f"center status-{status}" if status else "center",
                )
            )
        body.append(html.Tr([tables.row_head(view.named(view.catalogue.forms.get(form), form)), *cells]))
    header = [
        [
            tables.head(view.t("col.form")),
            *[tables.head(view.month(p) if view.yearly else f"{p:%y-%m}", class_name="center") for p in periods],
        ]
    ]
    expected = sum(row["expected"] for row in rows)
    on_time = sum(row["on_time"] for row in rows)
    share = numbers.number(on_time / expected * 100, 1) if expected else numbers.NOTHING
    title = view.t("discipline.title", n=len(periods), pct=share)
    return tables.section(
        title, tables.table(title, header, body, class_name="compact calendar discipline"), sub=view.t("discipline.sub")
    )


def _submission_status(view: View, status: Any) -> str:
    key = f"submission.status.{status}"
    return view.t(key) if view.t.has(key) else str(status)


def _issues(view: View, submission: Row) -> html.Section:
    rows = view.snapshot.rows("submission_issues", submission=submission["submission_id"])
    close = view.link(view.t("issues.close"), "/submissions", submission=None)
    if not rows:
        return tables.section(
            view.t("issues.none", file=submission["file_name"]),
            _withdraw(view, submission),
            html.P(close),
            class_name="panel",
        )
    body = [
        html.Tr(
            [
                tables.row_head(
                    f"{row['sheet'] or ''}!{row['cell']}" if row["cell"] else (row["sheet"] or numbers.NOTHING)
                ),
                tables.cell(view.t(f"severity.{row['severity']}"), class_name=f"severity-{row['severity']}"),
                tables.cell(row["raw_text"] if row["raw_text"] not in (None, "") else numbers.NOTHING),
                tables.cell(row[f"message_{view.t.lang}"]),
                tables.cell(cited.rule(row["rule"]), class_name="muted small"),
                said.cell(view, row, submission["submission_id"]),
            ]
        )
        for row in rows
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
    errors = sum(1 for row in rows if row["severity"] == "error")
    return tables.section(
        view.t("issues.title", file=submission["file_name"], n=len(rows), errors=errors),
        said.within(view, tables.table(view.t("issues.caption"), header, body, class_name="issues")),
        _withdraw(view, submission),
        html.P(close),
        class_name="panel",
    )
