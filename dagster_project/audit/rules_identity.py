"""Identity within a submission: V31 (scope membership), V32 (one key, one row), V34 (a month that has not come).

Belongs here: what the whole submission says about keys, membership and time of receipt.
Does not belong here: check digits, names and codes (ingest/resolve.py raises V32 and V33 for them).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from dagster_project.audit.context import Run
from dagster_project.audit.figures import YTD
from dagster_project.audit.findings import Finding, Suspect, number
from dagster_project.audit.rulebook import Rule
from dagster_project.ingest.model import IncidentRow, Issue, TaskRow


def judge_repeated(run: Run) -> Iterable[Issue]:
    """V32.twice: the same unit, month, indicator and measure in two cells of a form whose rows do not add.

    The first stays in force. A second row that says something else is an error; one that says the same (a summary
    sheet beside the townships' own) is only told. Either way the repeated cell is kept out, so that nothing counts
    twice.
    """
    issues: list[Issue] = []
    rule = run.rule("V32.twice")
    same = run.rule("V32.same")
    if rule is None or same is None:
        return issues
    for first, second in run.collected.repeated:
        meta = run.context.indicators[second.indicator_code]
        is_same = first.value == second.value and first.sheet != second.sheet
        second.status = "quarantined"
        issues.append(
            run.context.writer.of_cell(
                same if is_same else rule,
                "V32.same" if is_same else "V32.twice",
                second,
                (meta.name_zh, meta.name_en),
                meta.unit,
                {
                    "first": number(first.value) if first.value is not None else first.raw_text,
                    "first_cell": first.cell,
                    "first_sheet": first.sheet,
                },
                quarantines=True,
            )
        )
    return issues


def judge_future(run: Run) -> Iterable[Issue]:
    """V34.future: figures of a month that had not begun when the workbook was taken in, accidents and finished tasks of
    a day that had not come; they are kept out of force, and the sheet counts as no report.

    The day is that of taking in, which this machine says, and not that of receipt: a file may carry the time of a clerk's
    clock, or of a copy.
    """
    issues: list[Issue] = []
    rule = run.rule("V34.future")
    if rule is None or run.submission is None:
        return issues
    # a clerk's clock may be ahead of UTC: a day is allowed
    today = (run.submission.ingested_at + timedelta(days=1)).date()
    told: set[tuple[str, object]] = set()
    already = {issue.sheet for issue in run.intake.issues if issue.rule == "V34" and issue.severity == "error"}
    # the title or key that says the month; a month of a row has its own first cell
    places = {(sheet.sheet, sheet.period): sheet.period_cell for sheet in run.intake.parsed.sheets if sheet.period_cell}
    for obs in run.intake.parsed.observations:
        form = run.context.forms.get(obs.form_code)
        # a yearly figure stands at its year's December, long before that month comes
        if obs.period <= today or obs.measure.startswith("target") or (form and form["period_grain"] == "year"):
            continue
        if obs.status == "accepted":
            obs.status = "quarantined"
        run.refused.add((obs.sheet, obs.period))
        if (obs.sheet, obs.period) in told or obs.sheet in already:
            continue
        told.add((obs.sheet, obs.period))
        issue = run.context.writer.of_sheet(
            rule,
            "V34.future",
            obs.sheet,
            {
                "file": run.intake.parsed.file_name,
                "period": f"{obs.period:%Y-%m}",
                "taken_in": f"{run.submission.ingested_at:%Y-%m-%d}",
            },
            cell=places.get((obs.sheet, obs.period), obs.cell),
        )
        issue.period, issue.quarantines = obs.period, True
        issues.append(issue)
    issues.extend(_future_days(run, rule, today))
    if run.refused:
        # a sheet that is refused reports for nobody: completeness would call its units on time
        kept = [entry for entry in run.intake.parsed.coverage if (entry.sheet, entry.period) not in run.refused]
        run.intake.parsed.coverage = kept
    return issues


def _future_days(run: Run, rule: Rule, today: date) -> Iterable[Issue]:
    """Accidents and finished tasks, each with a day of its own."""
    rows: list[tuple[IncidentRow | TaskRow, date | None]] = [
        (row, row.occurred_on) for row in run.intake.parsed.incidents
    ]
    rows += [(row, row.done_on) for row in run.intake.parsed.tasks]
    for row, day in rows:
        if day is None or day <= today or row.status != "accepted" or run.submission is None:
            continue
        row.status = "quarantined"
        fields = {
            "file": run.intake.parsed.file_name,
            "day": day.isoformat(),
            "taken_in": f"{run.submission.ingested_at:%Y-%m-%d}",
        }
        issue = run.context.writer.of_sheet(rule, "V34.future_day", row.sheet, fields, row.cell, row.raw_text)
        issue.quarantines = True
        yield issue


def judge_membership(run: Run) -> Iterable[Finding]:
    """V31: with the year complete, revenue against the scope's threshold, both ways (scope_thresholds.csv)."""
    findings: list[Finding] = []
    rule = run.rule("V31")
    if rule is None:
        return findings
    thresholds = run.context.reference.rows("scope_thresholds")
    by_code: dict[str, list] = {}
    for row in thresholds:
        by_code.setdefault(row["indicator_code"], []).append(row)
    for figure in run.collected.figures:
        rows = by_code.get(figure.meta.code)
        # only December's year to date is a whole twelve months
        if not rows or figure.row.level != "enterprise" or figure.month_no != 12 or figure.ytd is None:
            continue
        enterprise = run.register_of(figure.row)
        if enterprise is None or enterprise.is_provisional:
            continue
        for row in rows:
            period = figure.row.first.period
            if row["valid_from"] > period or (row["valid_to"] and row["valid_to"] < period):
                continue
            scope = run.context.scopes.get(row["scope"])
            if scope is None or not scope.flags:
                continue
            inside, reaches = scope.holds(enterprise), figure.ytd >= float(row["threshold"])
            if inside != reaches:
                findings.append(
                    Finding(
                        "V31.in" if inside else "V31.out",
                        (Suspect(figure, YTD),),
                        {"threshold": number(row["threshold"]), "scope": row["scope"]},
                        counts=False,
                    )
                )
    return findings
