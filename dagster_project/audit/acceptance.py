"""What staff accepted with a reason counts as sound from then on: the same question is not asked again.

Belongs here: when a later issue repeats an accepted one, and how it is told then (as an info that names the acceptance).
Does not belong here: recording an acceptance (warehouse/acts.py), releasing an accepted error's cell (dbt, store.py).

A figure sent again with the value that was accepted is not held back again. Later in the year a warning of the same rule
about the same unit and indicator is answered where the figure goes on from the accepted one: per month of the year to
date, else as it stands, within the band that V12.month holds usual. A printed base (V11) goes on where it is restated
by the same amount or the same share. Errors are asked anew every month.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from dagster_project.audit.context import Run
from dagster_project.audit.figures import BASE, BASE_MONTH, BIT_OF, Figure, step
from dagster_project.audit.history import Acceptance, month_index
from dagster_project.ingest.model import Issue

# Rules that look further back than the year's beginning, in months.
LOOKS_BACK = {"V13": 12}


def answer(issues: Iterable[Issue], run: Run) -> None:
    """Turns issues that an acceptance answers into infos that say so, in place; they hold nothing back any more."""
    for issue in issues:
        if issue.severity == "info" or issue.unit_id is None or issue.indicator_code is None or issue.period is None:
            continue
        found = _answered_by(issue, issue.unit_id, issue.indicator_code, issue.period, run)
        if found is not None:
            issue.message_zh, issue.message_en = run.context.writer.accepted(issue, found)
            issue.severity, issue.quarantines = "info", False


def _answered_by(issue: Issue, unit_id: str, code: str, period: date, run: Run) -> Acceptance | None:
    known = run.past.history.accepted(issue.rule, code, unit_id)
    if not known:
        return None
    index = month_index(period)
    row = run.collected.rows.get((unit_id, index))
    figure = row.figures.get(code) if row is not None else None
    if figure is None:
        return None
    first = index - LOOKS_BACK.get(issue.rule, index % 12)
    for at in sorted((at for at in known if first <= at <= index), reverse=True):
        accepted = known[at]
        bit = BIT_OF.get(accepted.measure)
        value = figure.value(bit) if bit is not None else None
        if bit is None or value is None:
            continue
        if at == index:
            if abs(value - accepted.value) < 1e-6:
                return accepted
        elif issue.severity == "warning" and _goes_on(figure, bit, value, accepted, at, issue.rule, run):
            return accepted
    return None


def _goes_on(figure: Figure, bit: int, value: float, accepted: Acceptance, at: int, rule: str, run: Run) -> bool:
    if bit in (BASE, BASE_MONTH) and rule == "V11":
        return _is_restated_alike(figure, bit, value, accepted, at, run)
    band = run.rule("V12.month")
    if band is None or band.low is None or band.high is None or not accepted.value:
        return False
    is_sum = accepted.measure in ("ytd", "base_ytd") and figure.meta.kind in ("flow", "count")
    now = value / (figure.index % 12 + 1) if is_sum else value
    then = accepted.value / (at % 12 + 1) if is_sum else accepted.value
    return band.low <= (now / then - 1) * 100 <= band.high


def _is_restated_alike(figure: Figure, bit: int, value: float, accepted: Acceptance, at: int, run: Run) -> bool:
    known = figure.known_month if bit == BASE_MONTH else figure.known_level
    published, then = known.get(figure.index - 12), known.get(at - 12)
    if published is None or then is None or not then[0]:
        return False
    same_amount = published[0] + accepted.value - then[0]
    same_share = published[0] * accepted.value / then[0]
    allowed = max(step(figure.cells[bit]), run.tolerance("V11", step(figure.cells[bit]), published[0]))
    return min(same_amount, same_share) - allowed <= value <= max(same_amount, same_share) + allowed
