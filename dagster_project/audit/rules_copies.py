"""Rows that were left as last month's: V19.row.

Belongs here: a whole row of a unit compared with the same unit's row of the month before.
Does not belong here: one figure that is the same as before (rules_series.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dagster_project.audit.context import Run
from dagster_project.audit.figures import MONTH, YTD, Figure, Row
from dagster_project.audit.findings import Finding, Suspect

# Fewer figures than this coincide by chance.
LEAST_FIGURES = 3


def judge_copied_rows(run: Run) -> Iterable[Finding]:
    """A unit's figures in a sheet that are last month's, years to date included, were not filled in (V19).

    Told once, at the first year to date. `run.copied` remembers unit and sheet, so that a total that knows better is
    laid to them.
    """
    findings: list[Finding] = []
    rule = run.rule("V19.row")
    if rule is None:
        return findings
    share = rule.tolerance_rel or 1.0
    for row in run.collected.rows.values():
        if row.month_no == 1:
            continue
        for sheet, line in _by_sheet(row, share).items():
            first = _copied(run, row, line, share)
            if first is not None:
                run.copied.add((id(row), sheet))
                findings.append(Finding("V19.row", (Suspect(first, YTD),), {"figures": line.compared}, counts=False))
    return findings


@dataclass(slots=True)
class _Line:
    """What one sheet says of a unit, beside the month before."""

    compared: int = 0
    equal: int = 0
    has_month: bool = False
    flows: list[Figure] = field(default_factory=list)


def _by_sheet(row: Row, share: float) -> dict[str, _Line]:
    """What each sheet says of the row's unit. A unit's other sheets may well have moved: each is judged by itself."""
    lines: dict[str, _Line] = {}
    allowed = (1 - share) * 2 * len(row.figures)
    for figure in row.figures.values():
        if figure.is_carried:
            continue
        for bit, known in ((MONTH, figure.known_month), (figure.level_bit, figure.known_level)):
            value = figure.value(bit)
            if not value:
                continue
            entry = known.get(figure.index - 1)
            if entry is None:
                continue
            line = lines.setdefault(figure.cells[bit].sheet, _Line())
            if line.compared - line.equal > allowed:
                continue  # too much has moved for this sheet to be a copy
            line.compared += 1
            if value != entry[0]:
                continue
            line.equal += 1
            line.has_month = line.has_month or bit == MONTH
            if bit == YTD and figure.meta.kind == "flow":
                line.flows.append(figure)
    return lines


def _copied(run: Run, row: Row, line: _Line, share: float) -> Figure | None:
    """The first year to date that is last month's, where the line as a whole is; None otherwise."""
    if line.compared < LEAST_FIGURES or line.equal < share * line.compared or not line.flows:
        return None
    # without a month's figure an idle unit's year to date stands still by right
    is_filled = line.has_month or (len(line.flows) >= LEAST_FIGURES and not run.is_idle(row))
    return line.flows[0] if is_filled else None
