"""Who and what is missing: V35 (units without a row), V36 (blank cells), V39 (numbers too round).

Belongs here: what a sheet as a whole leaves out. Nothing here keeps a figure out of force.
Does not belong here: completeness over the calendar (dbt, fct_completeness).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from dagster_project.audit.context import Run
from dagster_project.audit.figures import MONTH, YTD, active_townships
from dagster_project.audit.findings import number
from dagster_project.audit.history import month_index
from dagster_project.ingest.model import Issue, Observation, UnitRef

ALL_TOWNSHIPS = "townships"


def judge_completeness(run: Run) -> Iterable[Issue]:
    """V35: every unit that a list form must name has a row or an explicit word why not."""
    issues: list[Issue] = []
    rule = run.rule("V35")
    if rule is None or run.intake.reporter_level == "enterprise":
        return issues
    expecting = run.context.list_forms
    # a county's form sent by one township lists that township's units alone
    reporter = run.intake.reporter_unit_id if run.intake.reporter_level == "township" else None
    present: dict[tuple[str, date], set[str]] = {}
    sheets: dict[tuple[str, date], str] = {}
    unit: UnitRef | None = None
    period: date | None = None
    sheet = ""
    for obs in run.intake.parsed.observations:
        if obs.unit is unit and obs.period is period and obs.sheet is sheet:
            continue  # of the same row: it says nothing more of who is there
        unit, period, sheet = obs.unit, obs.period, obs.sheet
        if obs.form_code in expecting and obs.unit_id is not None and (obs.sheet, obs.period) not in run.refused:
            present.setdefault((obs.form_code, obs.period), set()).add(obs.unit_id)
            sheets.setdefault((obs.form_code, obs.period), obs.sheet)
    for item in run.intake.parsed.coverage:
        if item.unit_id is not None and (item.form_code, item.period) in present:
            present[item.form_code, item.period].add(item.unit_id)
    for (form_code, period), units in present.items():
        form = run.context.forms[form_code]
        if form["expected_scope"] == ALL_TOWNSHIPS:
            missing = [] if reporter else _missing_townships(run, form_code, period, units)
        else:
            missing = _missing_enterprises(run, form["expected_scope"], units, reporter, period)
        if not missing:
            continue
        earlier = [code for code, _, _ in missing if run.past.history.reported(form_code, code, period)]
        issues.extend(_report_missing(run, form_code, period, sheets[form_code, period], missing, set(earlier)))
    return issues


def _missing_townships(run: Run, form_code: str, period: date, units: set[str]) -> list[tuple[str, str, str]]:
    missing = []
    for row in active_townships(run.context.townships, period):
        code = row["township_code"]
        if code in units:
            continue
        if row["kind"] == "county_direct" and not _ever_reported(run, form_code, code, period):
            continue  # a county-direct bucket is allowed, not demanded
        missing.append((code, row["name_zh"], row["name_en"]))
    return missing


def _ever_reported(run: Run, form_code: str, unit_id: str, period: date) -> bool:
    index = month_index(period)
    return any(
        run.past.history.reported(form_code, unit_id, date(i // 12, i % 12 + 1, 1)) for i in range(index - 12, index)
    )


def _missing_enterprises(
    run: Run, scope_code: str, units: set[str], township: str | None, period: date
) -> list[tuple[str, str, str]]:
    scope = run.context.scopes.get(scope_code)
    if scope is None:
        return []
    return [
        (e.enterprise_id, e.name, e.name)
        for e in run.registers.enterprises(period)
        if (township is None or e.township_code == township)
        and e.enterprise_id not in units
        and e.unit_status == "active"
        and not e.is_provisional
        and scope.holds(e)
    ]


def _report_missing(
    run: Run, form_code: str, period: date, sheet: str, missing: list[tuple[str, str, str]], earlier: set[str]
) -> Iterable[Issue]:
    form_zh, form_en = run.form_names(form_code)
    common = {"form_zh": form_zh, "form_en": form_en, "period": f"{period:%Y-%m}"}
    for key, names in (
        ("V35", [item for item in missing if item[0] not in earlier]),
        ("V35.lacking", [item for item in missing if item[0] in earlier]),
    ):
        rule = run.rule(key)
        if not names or rule is None:
            continue
        issue = run.context.writer.of_sheet(
            rule,
            key,
            sheet,
            {
                **common,
                "count": len(names),
                "names_zh": "、".join(item[1] for item in names[:20]),
                "names_en": ", ".join(item[2] for item in names[:20]),
            },
        )
        issue.period = period
        if len(names) == 1:
            issue.unit_id = names[0][0]
        yield issue


def judge_blanks(run: Run) -> Iterable[Issue]:
    """V36: a blank where others of the row, or of the column, hold figures. A blank is never read as 0."""
    issues: list[Issue] = []
    rule = run.rule("V36")
    if rule is None:
        return issues
    blanks = [
        obs
        for obs in run.collected.nulls
        if obs.null_reason == "unknown" and obs.measure in ("month", "ytd", "stock") and not obs.is_carried
    ]
    if not blanks:
        return issues
    by_row: dict[tuple[str, date, str], list[Observation]] = {}
    for obs in blanks:
        by_row.setdefault((obs.unit_id or "", obs.period, obs.sheet), []).append(obs)
    columns = _blank_columns(run, blanks)
    told: set[tuple[str, str, str]] = set()
    for (unit_id, period, _), cells in by_row.items():
        row = run.collected.rows[unit_id, month_index(period)]
        filled = any(figure.level is not None or figure.month is not None for figure in row.figures.values())
        if not filled and len(cells) > 1:
            chosen = run.rule("V36.row") or rule
            meta = run.context.indicators[cells[0].indicator_code]
            issues.append(
                run.context.writer.of_cell(
                    chosen, "V36.row", cells[0], (meta.name_zh, meta.name_en), meta.unit, {"count": len(cells)}
                )
            )
            continue
        for obs in cells:
            column = (obs.sheet, obs.indicator_code, obs.measure)
            if column in columns:
                if column not in told:
                    told.add(column)
                    issues.append(_blank(run, "V36.column", obs))
                continue
            if not _is_structural(run, obs):
                issues.append(_blank(run, "V36", obs))
    return issues


def _blank(run: Run, key: str, obs: Observation) -> Issue:
    meta = run.context.indicators[obs.indicator_code]
    rule = run.rule(key)
    assert rule is not None  # V36 is active, and a variant falls back to it
    return run.context.writer.of_cell(rule, key, obs, (meta.name_zh, meta.name_en), meta.unit, {})


def _blank_columns(run: Run, blanks: list[Observation]) -> set[tuple[str, str, str]]:
    """Columns that nobody filled (three rows and more): one word about the column is enough."""
    count: dict[tuple[str, str, str], int] = {}
    for obs in blanks:
        key = (obs.sheet, obs.indicator_code, obs.measure)
        count[key] = count.get(key, 0) + 1
    many = {key for key, n in count.items() if n >= 3}
    if not many:
        return many
    for obs in run.intake.parsed.observations:
        if obs.value is not None:
            many.discard((obs.sheet, obs.indicator_code, obs.measure))
    return many


def _is_structural(run: Run, obs: Observation) -> bool:
    """Blanks that mean nothing: a month's figure where January was not reported, a cell never filled before."""
    index = month_index(obs.period)
    unit_id = obs.unit_id or ""
    if obs.measure == "month":
        level = run.past.own(obs.indicator_code, unit_id, "ytd")
        if index % 12 == 1 and index - 1 not in level:
            return True
        if run.context.indicators[obs.indicator_code].kind == "stock":
            return True
    row = run.collected.rows[unit_id, index]
    was_reported = any(
        run.past.own(code, unit_id, "ytd") or run.past.own(code, unit_id, "stock") for code in row.figures
    )
    return was_reported and not run.past.own(obs.indicator_code, unit_id, obs.measure)


def judge_roundness(run: Run) -> Iterable[Issue]:
    """V39: four fifths of a column's figures end in 000: probably estimated."""
    issues: list[Issue] = []
    rule = run.rule("V39")
    if rule is None or not rule.tolerance_abs or not rule.tolerance_rel:
        return issues
    columns: dict[tuple[str, str, str], list[tuple[Observation, float]]] = {}
    for figure in run.collected.figures:
        if figure.meta.kind != "flow":
            continue
        for bit, value in ((MONTH, figure.month), (YTD, figure.ytd)):
            if value:
                obs = figure.cells[bit]
                columns.setdefault((obs.sheet, obs.indicator_code, obs.measure), []).append((obs, value))
    for (_, code, _), cells in columns.items():
        if len(cells) < (rule.low or 5):
            continue
        # in the unit that was typed: 1,200 thousand yuan ends in 00, not in 000
        rounded = _rounded(cells, rule.tolerance_abs, rule.tolerance_rel * len(cells))
        if rounded:
            meta = run.context.indicators[code]
            issues.append(
                run.context.writer.of_cell(
                    rule,
                    "V39",
                    rounded[0],
                    (meta.name_zh, meta.name_en),
                    meta.unit,
                    {"round": len(rounded), "rows": len(cells), "digits": number(rule.tolerance_abs)[1:]},
                )
            )
    return issues


def _rounded(cells: list[tuple[Observation, float]], step: float, least: float) -> list[Observation]:
    """The cells that are whole multiples of `step`; none where they are fewer than `least`, which mostly shows early."""
    rounded: list[Observation] = []
    most = len(cells)
    for cell, value in cells:
        if round(value / float(cell.unit_factor), 6) % step == 0:
            rounded.append(cell)
            continue
        most -= 1
        if most < least:
            return []
    return rounded
