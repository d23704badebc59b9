"""One audit for `tew check`, an upload and a refresh: every rule over one submission and the history it meets.

Belongs here: the table of rules, their order, and what an error does to a cell.
Does not belong here: the rules (rules_*.py), thresholds (audit_rules.csv), texts (messages.csv).

| rules | where | what it needs |
|---|---|---|
| V01-V04, V12, V13, V18, V19, V40 | rules_series.py | one figure and its past |
| V10, V11 | rules_growth.py | the printed base and growth |
| V05, V06, V14-V17, V20, V21, V23, V25-V27, V37 | rules_relations.py | rows of audit_relations.csv |
| V19.row | rules_copies.py | a whole row and last month's |
| V07-V09 | rules_totals.py | columns, the county's row, the register |
| V22, V24 | rules_coal_safety.py | incidents, statuses |
| V28-V30 | rules_energy.py | coefficients, the list of key users |
| V31, V32 (twice), V34 (future) | rules_identity.py | the register, the time of receipt |
| V35, V36, V39 | rules_coverage.py | the whole sheet |
| V38 | rules_targets.py | targets |
| V32, V33, V34 (codes, names, titles) | ingest/resolve.py, parse.py | what a cell says by itself |

Which errors keep a figure out of force is `audit_rules.quarantines`; it is always the blamed cell alone, never another
of its row, and never a row for a total's sake: V07, V08 and V35 quarantine nothing. Where V03 or V05 cannot tell which
of two cells is wrong, the rule's first cell (the month, which the year to date overrules; the part, which the total
overrules) is held back, and the other is only marked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from dagster_project.audit import acceptance
from dagster_project.audit import rules_coal_safety as coal
from dagster_project.audit import rules_copies as copies
from dagster_project.audit import rules_coverage as coverage
from dagster_project.audit import rules_energy as energy
from dagster_project.audit import rules_growth as growth
from dagster_project.audit import rules_identity as identity
from dagster_project.audit import rules_ratios as ratios
from dagster_project.audit import rules_relations as relations
from dagster_project.audit import rules_series as series
from dagster_project.audit import rules_targets as targets
from dagster_project.audit import rules_totals as totals
from dagster_project.audit.context import AuditContext, NoRegisters, Registers, Run
from dagster_project.audit.corrections import apply_corrections
from dagster_project.audit.figures import Figure, Past, collect
from dagster_project.audit.findings import Finding, Texts, Verdict, blame
from dagster_project.audit.history import History
from dagster_project.ingest.model import Intake, Issue, Submission
from dagster_project.reference import Reference

SeriesRule = Callable[[Figure, Run], Iterable[Finding]]

SERIES_RULES: tuple[tuple[str, SeriesRule], ...] = (
    ("V01", series.v01_sign),
    ("V02", series.v02_accumulation),
    ("V03", series.v03_month_within_year),
    ("V04", series.v04_no_decrease),
    ("V10", growth.v10_printed_growth),
    ("V11", growth.v11_published_base),
    ("V12", series.v12_change),
    ("V13", series.v13_magnitude),
    ("V18", series.v18_employment),
    ("V19", series.v19_copied),
    ("V40", series.v40_revision),
)
# A carried figure is last month's by declaration: only its sign is judged.
CARRIED_RULES = ("V01",)

# Rules over the whole submission that find cells at fault, ...
FINDING_RULES: tuple[Callable[[Run], Iterable[Finding]], ...] = (
    relations.judge_relations,
    relations.judge_constant,
    ratios.judge_peers,
    totals.judge_enterprise_sums,
    coal.judge_incident_counts,
    energy.judge_coefficients,
    energy.judge_equivalents,
    identity.judge_membership,
    copies.judge_copied_rows,
)
# ... and those that say something of a sheet, a total or a row.
ISSUE_RULES: tuple[Callable[[Run], Iterable[Issue]], ...] = (
    totals.judge_county_row,
    totals.judge_known_sums,
    coal.judge_incidents,
    coal.judge_mine_status,
    energy.judge_key_users,
    identity.judge_repeated,
    coverage.judge_completeness,
    coverage.judge_blanks,
    coverage.judge_roundness,
    targets.judge_targets,
)

_ADDRESS = re.compile(r"([A-Z]+)(\d+)$")


class Auditor:
    """The audit of one deployment: reference data compiled once, then any number of submissions."""

    def __init__(self, reference: Reference, messages: Texts) -> None:
        self.context = AuditContext(reference, messages)
        active = self.context.rules.is_active
        self._series = tuple((key, rule) for key, rule in SERIES_RULES if active(key))
        self._carried = tuple((key, rule) for key, rule in self._series if key in CARRIED_RULES)

    def audit(
        self,
        intake: Intake,
        history: History,
        directory: Registers | None = None,
        submission: Submission | None = None,
    ) -> list[Issue]:
        """Judges one submission; returns the new issues, which also stand in `intake.issues`.

        Sets `status='quarantined'` on the cells that an error of a quarantining rule blames. Raises nothing for bad
        data. `history` holds what was in force before; this submission itself is not part of it.
        """
        issues: list[Issue] = list(apply_corrections(intake, self.context))
        past = Past(history, self.context.links)
        registers = directory if directory is not None else NoRegisters()
        run = Run(self.context, intake, past, registers, submission)
        issues.extend(identity.judge_future(run))
        collected = run.collected = collect(intake, self.context.indicators, self.context.adding_forms)
        findings: list[Finding] = []
        for figure in collected.figures:
            figure.recall(past)
            if not figure.is_carried and series.is_calm(figure, run):
                continue
            for _, rule in self._carried if figure.is_carried else self._series:
                found = rule(figure, run)
                if found:
                    findings.extend(found)
        for judge in FINDING_RULES:
            findings.extend(judge(run))
        issues.extend(totals.judge_totals(run, findings))
        grown: set[tuple[str, int]] = set()
        verdicts = blame(findings)
        blamed = {v.blamed.key for v in verdicts if v.decided and not v.finding.parts and run.is_loud(v.finding.key)}
        for verdict in verdicts:
            if _is_said_of_the_unit(verdict, grown) or any(
                part.key in blamed or (id(part.figure.row), part.cell.sheet) in run.copied
                for part in verdict.finding.parts
            ):
                continue
            issues.extend(self._issues_of(run, verdict))
        _note_amiss(run, verdicts)
        for judge_issues in ISSUE_RULES:
            issues.extend(judge_issues(run))
        issues = _without_repetition(issues)
        acceptance.answer(issues, run)
        _quarantine(intake, issues)
        intake.issues.extend(issues)
        return issues

    def _issues_of(self, run: Run, verdict: Verdict) -> Iterable[Issue]:
        rule = run.rule(verdict.finding.key)
        if rule is None:
            return
        issue = run.context.writer.of_verdict(rule, verdict)
        # A sum that does not fit says that something is wrong, not which cell: undecided, it holds nothing back.
        if not verdict.decided and verdict.finding.also is None:
            issue.quarantines = False
        yield issue
        if verdict.decided or verdict.finding.also is None:
            return
        also = run.rule(verdict.finding.also)
        for suspect in verdict.finding.suspects:
            if also is not None and suspect is not verdict.blamed and not suspect.figure.vouched & suspect.bit:
                yield run.context.writer.of_verdict(also, verdict, suspect)


def _note_amiss(run: Run, verdicts: Iterable[Verdict]) -> None:
    """For the rules over sums: which townships' cells are told, and what they lack of what they should read."""
    for verdict in verdicts:
        suspect = verdict.blamed
        figure, value = suspect.figure, suspect.figure.value(suspect.bit)
        if figure.row.level != "township" or suspect.expected is None or value is None or not verdict.decided:
            continue
        if run.is_loud(verdict.finding.key) and verdict.finding.counts:
            cells = run.amiss.setdefault((figure.meta.code, figure.index, suspect.bit), {})
            # a total's word is exact, and comes last
            cells[suspect.cell.sheet, suspect.cell.cell] = suspect.expected - value


def _is_said_of_the_unit(verdict: Verdict, grown: set[tuple[str, int]]) -> bool:
    """Whether a strong change (V12) was already told of the same unit and month.

    A plant that stood still last year shows it in every indicator. Where the cell agrees with independent figures, it
    is no slip of the pen, and one question per unit and month is enough.
    """
    if verdict.finding.key != "V12" or not verdict.blamed.figure.vouched & verdict.blamed.bit:
        return False
    row = verdict.blamed.figure.row
    key = (row.unit_id, row.index)
    if key in grown:
        return True
    grown.add(key)
    return False


def _without_repetition(issues: list[Issue]) -> list[Issue]:
    """One issue per rule, cell and unit, the gravest first found; ordered as one reads the sheet."""
    weight = {"error": 0, "warning": 1, "info": 2}
    kept: dict[tuple, Issue] = {}
    for issue in issues:
        key = (issue.rule, issue.sheet, issue.cell, issue.unit_id, issue.period) if issue.cell else (id(issue),)
        present = kept.get(key)
        if present is None or weight[issue.severity] < weight[present.severity]:
            kept[key] = issue
    return sorted(kept.values(), key=_place)


def _place(issue: Issue) -> tuple:
    match = _ADDRESS.match(issue.cell or "")
    if match is None:
        return issue.sheet or "", 0, 0, "", issue.rule
    letters = match.group(1)
    return issue.sheet or "", int(match.group(2)), len(letters), letters, issue.rule


def _quarantine(intake: Intake, issues: Iterable[Issue]) -> None:
    named = {
        (issue.sheet, issue.cell, issue.indicator_code)
        for issue in issues
        if issue.quarantines and issue.cell is not None
    }
    if not named:
        return
    for obs in intake.parsed.observations:
        if (obs.sheet, obs.cell, obs.indicator_code) in named:
            obs.status = "quarantined"


def audit(
    intake: Intake,
    history: History,
    directory: Registers | None,
    reference: Reference,
    messages: Texts,
    submission: Submission | None = None,
) -> list[Issue]:
    """One submission by itself (docs/architecture.md); who audits many makes one `Auditor` and keeps it."""
    return Auditor(reference, messages).audit(intake, history, directory, submission)
