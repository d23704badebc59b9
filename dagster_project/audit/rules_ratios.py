"""Ratios beside those of other units: V16 (wage per head against the township's median).

Belongs here: comparisons across units of one submission. Ratios of one unit (V14, V15, V17, V20, V37) are rows of
audit_relations.csv.
Does not belong here: which ratio, which bounds (data).
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from dagster_project.audit.context import Run
from dagster_project.audit.findings import Finding, number
from dagster_project.audit.rules_relations import RowScope, relation_finding


def judge_peers(run: Run) -> Iterable[Finding]:
    """A unit's ratio over the median of its township within low..high (V16); at least five peers."""
    findings: list[Finding] = []
    for relation in run.context.relations:
        if relation.op != "peers" or relation.bounds is None or not run.context.rules.is_active(relation.rule):
            continue
        rule = run.rule(relation.rule)
        least = int((rule.tolerance_abs if rule else None) or 5)
        low, high = relation.bounds
        for measure in relation.measures:
            groups: dict[tuple[str | None, int], list[tuple[float, RowScope]]] = {}
            for row in run.collected.rows.values():
                if row.level != "enterprise" or not any(code in row.figures for code in relation.codes):
                    continue
                scope = RowScope(run, row, measure)
                value = relation.left.evaluate(scope)
                if value is not None and value > 0 and scope.used:
                    groups.setdefault((row.township_code, row.index), []).append((value, scope))
            for members in groups.values():
                if len(members) < least:
                    continue
                middle = median(value for value, _ in members)
                for value, scope in members:
                    if not low <= value / middle <= high:
                        findings.append(
                            relation_finding(
                                run,
                                relation,
                                scope,
                                value,
                                {"low": number(low * middle), "high": number(high * middle), "median": number(middle)},
                            )
                        )
    return findings
