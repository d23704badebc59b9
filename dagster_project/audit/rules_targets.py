"""Targets: V38 (the townships' targets against the county's).

Belongs here: sums of targets. Does not belong here: attainment, lamps (dbt).
"""

from __future__ import annotations

from collections.abc import Iterable

from dagster_project.audit.context import Run
from dagster_project.audit.figures import active_townships
from dagster_project.audit.findings import number
from dagster_project.audit.history import month_index
from dagster_project.ingest.model import Issue, Observation

LEVELS = ("level", "task", "floor", "cap")


def judge_targets(run: Run) -> Iterable[Issue]:
    """V38: shows by how many % the townships' targets of a level differ from the county's; they need not agree.

    Judged where every township in force has a target, in this workbook or before.
    """
    issues: list[Issue] = []
    rule = run.rule("V38")
    if rule is None:
        return issues
    keys: dict[tuple[str, object, str], dict[str, Observation]] = {}
    for obs in run.collected.others:
        meta = run.context.indicators.get(obs.indicator_code)
        if obs.value is None or obs.measure not in ("target", "target_stretch") or meta is None or not meta.is_additive:
            continue
        if obs.target_form is None or obs.target_form in LEVELS:
            keys.setdefault((obs.indicator_code, obs.period, obs.measure), {})[obs.unit_id or ""] = obs
    if not keys:
        return issues
    county = run.context.reference.setting("county_code", "")
    for (code, period, measure), said in keys.items():
        index = month_index(period)  # type: ignore[arg-type]
        total = _target(run, said, code, county, measure, index)
        towns = [
            row["township_code"]
            for row in active_townships(run.context.townships, period)
            if row["kind"] != "county_direct"
        ]
        parts = [_target(run, said, code, unit, measure, index) for unit in towns]
        direct = [
            _target(run, said, code, row["township_code"], measure, index) or 0.0
            for row in active_townships(run.context.townships, period)
            if row["kind"] == "county_direct"
        ]
        if not total or not parts or any(part is None for part in parts):
            continue
        own = sum(part for part in parts if part is not None) + sum(direct)
        if abs(own - total) <= run.tolerance("V38", 1.0, total):
            continue
        meta = run.context.indicators[code]
        where = said.get(county) or next(iter(said.values()))
        issues.append(
            run.context.writer.of_cell(
                rule,
                "V38",
                where,
                (meta.name_zh, meta.name_en),
                meta.unit,
                {"sum": number(own), "total": number(total), "percent": number(100 * (own / total - 1), 1)},
            )
        )
    return issues


def _target(run: Run, said: dict[str, Observation], code: str, unit_id: str, measure: str, index: int) -> float | None:
    obs = said.get(unit_id)
    if obs is not None and obs.value is not None:
        return float(obs.value)
    entry = run.past.own(code, unit_id, measure).get(index)
    return entry[0] if entry else None
