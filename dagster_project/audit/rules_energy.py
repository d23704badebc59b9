"""Energy: V28 (measured coefficients), V29 (tonnes of coal equivalent recomputed), V30 (key users that are missing).

Belongs here: conversion with the dated coefficients. V27's balances are rows of audit_relations.csv.
Does not belong here: coefficients (energy_coefficients.csv), intensity (dbt).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from dagster_project.audit.context import Run
from dagster_project.audit.figures import MONTH, YTD
from dagster_project.audit.findings import Finding, Suspect, number
from dagster_project.audit.history import month_index
from dagster_project.audit.relations import Relation
from dagster_project.ingest.model import Issue


@dataclass(frozen=True, slots=True)
class Coefficient:
    """Tonnes of coal equivalent per unit of one fuel on one basis, and what a measured one may be."""

    basis: str
    reference: float
    low: float
    high: float
    tolerance: float | None  # share by which a measured coefficient may differ; None: only the reference itself

    def allows(self, used: float) -> bool:
        """V28: measured / reference within the tolerance, or inside the standard's own range (0.5 % for rounding)."""
        share = self.tolerance if self.tolerance is not None else 0.005
        return abs(used / self.reference - 1) <= share or self.low <= used <= self.high


def coefficients(rows: Iterable[Mapping[str, Any]], fuel_code: str, at: date) -> list[Coefficient]:
    """The coefficients of a fuel in force on a day, one per basis (current year's for equivalent electricity)."""
    found = []
    for row in rows:
        if row["fuel_code"] != fuel_code or row["valid_from"] > at or (row["valid_to"] and row["valid_to"] < at):
            continue
        reference = float(row["tce_per_unit"])
        found.append(
            Coefficient(
                row["basis"],
                reference,
                float(row["coef_low"]) if row["coef_low"] is not None else reference,
                float(row["coef_high"]) if row["coef_high"] is not None else reference,
                float(row["tolerance_pct"]) / 100 if row["tolerance_pct"] else None,
            )
        )
    return found


def _known(run: Run, fuel_code: str, at: date) -> list[Coefficient]:
    """`coefficients` of the deployment, remembered."""
    found: list[Coefficient] | None = run.context.coefficients.get((fuel_code, at))
    if found is None:
        rows = run.context.reference.rows("energy_coefficients")
        found = run.context.coefficients[fuel_code, at] = coefficients(rows, fuel_code, at)
    return found


def _coefficient(run: Run, fuel_code: str, basis: str, at: date) -> Coefficient | None:
    """The coefficient on the deployment's basis; a fuel that has only one basis is converted on that."""
    found = _known(run, fuel_code, at)
    return next((item for item in found if item.basis == basis), found[0] if found else None)


def judge_coefficients(run: Run) -> Iterable[Finding]:
    """V28: a measured coefficient against the reference; electricity has only its calorific or the year's equivalent."""
    findings: list[Finding] = []
    relations = [relation for relation in run.context.relations_of("V28") if relation.op == "coefficient"]
    if not relations or run.rule("V28") is None:
        return findings
    of_code: dict[str, list[Relation]] = {}
    for relation in relations:
        of_code.setdefault(relation.codes[0], []).append(relation)
    for figure in run.collected.figures:
        for relation in of_code.get(figure.meta.code, ()):
            known = _known(run, relation.codes[1], figure.row.first.period)
            for bit in (MONTH, YTD):
                used = figure.value(bit)
                if used is None or not known or any(item.allows(used) for item in known):
                    continue
                findings.append(
                    Finding(
                        "V28",
                        (Suspect(figure, bit, known[0].reference),),
                        {"reference": " / ".join(number(item.reference, 4) for item in known)},
                        counts=False,
                    )
                )
    return findings


def judge_equivalents(run: Run) -> Iterable[Finding]:
    """V29: reported total in tce against the fuels of the same row, converted, within 1 % (or the fuels' range).

    Judged only where the row itself lists its fuels: fuels that come with another form may be incomplete.
    """
    findings: list[Finding] = []
    rule = run.rule("V29")
    if rule is None:
        return findings
    totals = {code for relation in run.context.relations_of("V29") for code in relation.codes}
    if not totals or not any(figure.meta.code in totals for figure in run.collected.figures):
        return findings
    fuels = {row["fuel_code"] for row in run.context.reference.rows("energy_coefficients")}
    basis = run.context.reference.setting("energy_basis", "calorific")
    for figure in run.collected.figures:
        if figure.meta.code not in totals:
            continue
        items = [item for code, item in figure.row.figures.items() if code in fuels]
        for bit in (MONTH, YTD):
            value = figure.value(bit)
            quantities = [(item, item.value(bit)) for item in items]
            if value is None or len(items) < 2 or any(quantity is None for _, quantity in quantities):
                continue
            low = high = middle = 0.0
            for item, quantity in quantities:
                known = _coefficient(run, item.meta.code, basis, figure.row.first.period)
                if known is None or quantity is None:
                    break
                low += quantity * known.low
                high += quantity * known.high
                middle += quantity * known.reference
            else:
                tolerance = run.tolerance("V29", 1.0, middle)
                if not low - tolerance <= value <= high + tolerance:
                    findings.append(
                        Finding(
                            "V29",
                            (Suspect(figure, bit, middle), *(Suspect(item, bit) for item in items)),
                            {"sum": number(middle), "fuels": len(items), "total": number(value)}
                            | {"percent": number(100 * (value / middle - 1), 1) if middle else "-"},
                        )
                    )
    return findings


def judge_key_users(run: Run) -> Iterable[Issue]:
    """V30: an enterprise with 5,000 tce last year (or on the frozen list) that is not in this month's energy file."""
    issues: list[Issue] = []
    rule = run.rule("V30")
    relations = run.context.relations_of("V30")
    if rule is None or not relations:
        return issues
    codes = {code for relation in relations for code in relation.codes}
    listed: dict[tuple[str, date, str], set[str]] = {}
    for obs in run.intake.parsed.observations:
        form = run.context.forms.get(obs.form_code)
        if form is None or form["reporter_level"] == "enterprise":
            continue
        if obs.indicator_code in codes and obs.level == "enterprise" and obs.unit_id:
            listed.setdefault((obs.form_code, obs.period, obs.sheet), set()).add(obs.unit_id)
    if not listed:
        return issues
    for (form_code, period, sheet), present in listed.items():
        scope = run.context.scopes.get(run.context.forms[form_code]["expected_scope"] or "")
        if scope is not None:
            continue  # the form's own list is judged by V35
        index = month_index(period)
        missing = []
        for enterprise in run.registers.enterprises(period):
            if enterprise.enterprise_id in present or enterprise.unit_status != "active":
                continue
            if _used_last_year(run, codes, enterprise.enterprise_id, index) >= (rule.low or 0.0):
                missing.append(enterprise.name)
        if missing:
            issues.append(
                run.context.writer.of_sheet(
                    rule,
                    "V30",
                    sheet,
                    {"count": len(missing), "names": ", ".join(missing[:20]), "threshold": number(rule.low)},
                )
            )
    return issues


def _used_last_year(run: Run, codes: Iterable[str], unit_id: str, index: int) -> float:
    december = index - index % 12 - 1
    values = [run.past.own(code, unit_id, "ytd").get(december) for code in codes]
    return max((entry[0] for entry in values if entry is not None), default=-1.0)
