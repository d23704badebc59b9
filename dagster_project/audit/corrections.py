"""Corrections as data: a wrong source cell gets the right value, with its reason, until the source itself is mended.

Belongs here: applying the active rows of corrections.csv to an intake.
Does not belong here: deciding what is wrong (people do, in corrections.csv).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from dagster_project.audit.context import AuditContext
from dagster_project.audit.findings import number
from dagster_project.audit.rulebook import Rule
from dagster_project.ingest.model import Intake, Issue

TABLE = "corrections"
# Line 1 of the file is its header.
FIRST_LINE = 2
_APPLIED = Rule("correction", "correction", "info", True, False, None, None, None, None)
_STALE = Rule("correction", "correction", "error", True, False, None, None, None, None)


def apply_corrections(intake: Intake, context: AuditContext) -> Iterable[Issue]:
    """Puts corrected values into the intake's observations (raw_text stays) and says so.

    `expect` is the raw text that the correction was made for. Where the cell reads otherwise, the correction no longer
    fits (the source was mended, or changed): it is not applied, and that is an error that names the file and line of
    the correction, until its row is retired.
    """
    lines = enumerate(context.reference.rows(TABLE), start=FIRST_LINE)
    rows = [(line, row) for line, row in lines if row["status"] == "active"]
    issues: list[Issue] = []
    if not rows:
        return issues
    by_key = {(row["indicator_code"], row["unit_id"], row["period"], row["measure"]): (line, row) for line, row in rows}
    for obs in intake.parsed.observations:
        found = by_key.get((obs.indicator_code, obs.unit_id or "", obs.period, obs.measure))
        meta = context.indicators.get(obs.indicator_code)
        if found is None or meta is None:
            continue
        line, row = found
        fits = obs.raw_text.strip() == row["expect"].strip()
        fields = {
            "correction": row["correction_id"],
            "file": f"{TABLE}.csv",
            "line": line,
            "expect": row["expect"],
            "value": number(row["value"]),
            "reason": row["reason"],
            "provider": row["provider"],
            "decided": row["decided_on"].isoformat(),
        }
        issues.append(
            context.writer.of_cell(
                _APPLIED if fits else _STALE,
                "correction.applied" if fits else "correction.stale",
                obs,
                (meta.name_zh, meta.name_en),
                meta.unit,
                fields,
            )
        )
        if fits:
            obs.value, obs.null_reason = Decimal(row["value"]), None
    return issues
