"""Coal and safety: V22 (incidents and their class), V24 (output of a mine that stands still).

Belongs here: procedures that a relation row cannot say. V21, V23, V25 and V26 are rows of audit_relations.csv.
Does not belong here: the classes (accidents.py), thresholds.
"""

from __future__ import annotations

from collections.abc import Iterable

from dagster_project.audit.accidents import accident_class, names_class
from dagster_project.audit.context import IDLE, Run
from dagster_project.audit.figures import MONTH, YTD, Figure
from dagster_project.audit.findings import Finding, Suspect, number
from dagster_project.audit.history import month_index, month_start
from dagster_project.audit.rulebook import Rule
from dagster_project.ingest.model import IncidentRow, Issue


def judge_incidents(run: Run) -> Iterable[Issue]:
    """V22 over incident rows: no negative number; the declared class is what the decree says."""
    rule = run.rule("V22")
    issues: list[Issue] = []
    if rule is None:
        return issues
    for row in run.intake.parsed.incidents:
        if row.status != "accepted":
            continue
        key, fields = _incident_fault(run, row)
        if key is None:
            continue
        chosen = run.rule(key) or rule
        issue = run.context.writer.of_sheet(
            chosen,
            key,
            row.sheet,
            {
                "who": row.unit.name or row.unit.township or row.unit.identifier or "",
                "date": row.occurred_on.isoformat(),
                "deaths": row.deaths,
                "injuries": row.serious_injuries,
                "loss": number(row.direct_loss) or "-",
                "declared": row.declared_class or "",
                **fields,
            },
            cell=row.cell if key == "V22.negative" else row.class_cell or row.cell,
            raw_text=row.raw_text,
        )
        issue.unit_id, issue.period = row.enterprise_id, row.occurred_on.replace(day=1)
        issue.level = "enterprise" if row.enterprise_id else None
        if chosen.quarantines and chosen.severity == "error":
            issue.quarantines = True
            row.status = "quarantined"
        issues.append(issue)
    return issues


def _incident_fault(run: Run, row: IncidentRow) -> tuple[str | None, dict[str, object]]:
    if row.deaths < 0 or row.serious_injuries < 0 or (row.direct_loss is not None and row.direct_loss < 0):
        return "V22.negative", {}
    found = accident_class(run.context.classes, row.occurred_on, row.deaths, row.serious_injuries, row.direct_loss)
    if row.declared_class is None or found is None:
        return None, {}
    declared = names_class(row.declared_class, run.context.classes, row.occurred_on)
    if declared is None:
        return "V22.word", {"class_zh": found.name_zh, "class_en": found.name_en}
    if declared.rank != found.rank:
        # deaths within 30 days are added later, so that a class may only be outgrown, never be overstated
        return "V22", {"class_zh": found.name_zh, "class_en": found.name_en}
    return None, {}


def judge_incident_counts(run: Run) -> Iterable[Finding]:
    """V22.detail: deaths of the monthly form against the incident sheet of the same months."""
    findings: list[Finding] = []
    if run.rule("V22.detail") is None:
        return findings
    codes = {code for relation in run.context.relations_of("V22") for code in relation.codes}
    if not codes:
        return findings
    inside: dict[tuple[str, int], int] = {}
    last_month = -1
    for row in run.intake.parsed.incidents:
        index = month_index(row.occurred_on)
        last_month = max(last_month, index)
        for unit in (row.enterprise_id, row.township_code):
            if unit:
                inside[unit, index] = inside.get((unit, index), 0) + row.deaths
    for figure in run.collected.figures:
        if figure.meta.code not in codes or figure.row.level not in ("enterprise", "township"):
            continue
        first = figure.index - figure.month_no + 1
        for bit, value, start in ((MONTH, figure.month, figure.index), (YTD, figure.ytd, first)):
            if value is None:
                continue
            unit = figure.row.unit_id
            known = run.past.history.incidents(unit, month_start(start), month_start(figure.index))
            if known is None and last_month < figure.index:
                continue
            listed = (known[1] if known is not None else 0) + sum(
                deaths for (who, index), deaths in inside.items() if who == unit and start <= index <= figure.index
            )
            if listed != value:
                findings.append(
                    Finding("V22.detail", (Suspect(figure, bit, float(listed)),), {"listed": listed}, counts=False)
                )
    return findings


def judge_mine_status(run: Run) -> Iterable[Issue]:
    """V24: output in a month in which the mine stands still; no output while it is said to work normally.

    The workbook's own status column speaks first, the register only where it is silent. Where the output agrees with
    last month's or with its column's total, the status is at fault, and the issue stands at its cell.
    """
    issues: list[Issue] = []
    rule = run.rule("V24")
    if rule is None:
        return issues
    codes = {code for relation in run.context.relations_of("V24") for code in relation.codes}
    for figure in run.collected.figures:
        month = figure.month
        if figure.meta.code not in codes or month is None or figure.row.level != "enterprise" or figure.is_carried:
            continue
        said = run.said.get((figure.row.unit_id, figure.row.first.period))
        told = said.told if said is not None else None
        if month > 0 and run.is_idle(figure.row):
            known = run.register_of(figure.row)
            status = told or (said.status if said is not None and said.status in IDLE else None)
            zh, en = run.context.writer.status(status or (known.unit_status if known is not None else "suspended"))
            issue = _status_issue(run, rule, "V24", figure, {"status_zh": zh, "status_en": en})
            if said is not None and said.told_cell is not None and figure.vouched & MONTH:
                issue.cell, issue.raw_text = said.told_cell, None
            issues.append(issue)
        elif month == 0 and told == "active":
            issues.append(_status_issue(run, rule, "V24.idle", figure, {}))
    return issues


def _status_issue(run: Run, rule: Rule, key: str, figure: Figure, fields: dict[str, object]) -> Issue:
    names = (figure.meta.name_zh, figure.meta.name_en)
    return run.context.writer.of_cell(rule, key, figure.cells[MONTH], names, figure.meta.unit, fields)
