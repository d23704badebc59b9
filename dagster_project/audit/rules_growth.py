"""Rules over the printed base and the printed growth: V10, V11.

Belongs here: base and growth columns against the figures and against last year.
Does not belong here: growth that is judged as too big (V12, rules_series.py), growth that is computed for pages (dbt).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dagster_project.audit.context import Run
from dagster_project.audit.figures import (
    BASE,
    BASE_MONTH,
    GROWTH,
    Figure,
    step,
)
from dagster_project.audit.findings import Finding, Suspect, deviance, is_swapped, number
from dagster_project.audit.like_scope import like_scope

NONE: Sequence[Finding] = ()


def v10_printed_growth(figure: Figure, run: Run) -> Iterable[Finding]:
    """Printed growth = level / printed base - 1 in %, for ratios the difference; within 0.15 points (V10).

    What rounding of the printed figures alone can explain is allowed. An agreement vouches for all three cells.
    """
    growth, level, base = figure.growth, figure.level, figure.base
    if growth is None or level is None or base is None or base <= 0:
        return NONE
    is_difference = figure.meta.kind == "ratio" or figure.meta.growth_basis in ("diff", "diff_pp")
    computed = level - base if is_difference else (level / base - 1) * 100
    difference = abs(growth - computed)
    cells = figure.cells
    if difference > 0.051:
        level_step, base_step = step(cells[figure.level_bit]), step(cells[BASE])
        if is_difference:
            allowed = 0.5 * (level_step + base_step)
        else:
            allowed = 50 * (level_step + base_step * max(level, 0.0) / base) / base
        rounded = allowed + 0.51 * step(cells[GROWTH])
        rule = run.rule("V10")
        tolerance = (rule.tolerance_abs if rule is not None else None) or 0.0
        if difference > max(rounded, tolerance if not is_difference or figure.meta.dimension == "percent" else rounded):
            expected_level = base + growth if is_difference else base * (1 + growth / 100)
            expected_base = level - growth if is_difference else (level / (1 + growth / 100) if growth > -100 else None)
            level_odd, base_odd, growth_odd = _oddness(figure, run, growth, level, base)
            return (
                Finding(
                    "V10.difference" if is_difference else "V10",
                    (
                        Suspect(figure, GROWTH, round(computed, 1 if not is_difference else 4), growth_odd),
                        Suspect(figure, figure.level_bit, expected_level, level_odd),
                        Suspect(figure, BASE, expected_base, base_odd),
                    ),
                    {
                        "growth": number(growth, 4),
                        "computed": number(computed, 2),
                        "level": number(level),
                        "base": number(base),
                        "difference": number(difference, 2),
                    },
                ),
            )
        if difference > rounded:
            return NONE
    # a flat figure proves nothing: equal level and base always print 0
    figure.vouched |= GROWTH | figure.level_bit | BASE
    return NONE


def _oddness(
    figure: Figure, run: Run, growth: float, level: float, base: float
) -> tuple[float | None, float | None, float | None]:
    """How odd level, base and growth look beside the past; of three numbers two determine the third.

    Without a past, a gross mismatch is laid to the level or base that does not go with the month printed beside it,
    since a printed growth inside the usual band was computed from sound figures.
    """
    last_year = _last_year(figure)
    if last_year is not None:
        level_odd, base_odd = deviance(level, run.past.expected_whole(figure)), deviance(base, last_year)
        usual = run.rule("V12")
        is_usual = usual is not None and (usual.low or -50) <= growth <= (usual.high or 100)
        # beside a level or base that is out by a factor, a printed growth of everyday size is above suspicion
        return level_odd, base_odd, 0.0 if is_usual and max(level_odd or 0.0, base_odd or 0.0) > 1 else None
    whole = figure.month * figure.month_no if figure.month and figure.month > 0 else None
    usual = run.rule("V12")
    if whole is None or usual is None or not (usual.low or -50) <= growth <= (usual.high or 100):
        return None, None, None
    # a third: smaller mismatches can be the season's
    if abs((1 + growth / 100) * base / level - 1 if level > 0 else 1.0) < 1 / 3:
        return None, None, None
    return deviance(level, whole), deviance(base, whole), 0.0


def _last_year(figure: Figure) -> float | None:
    entry = figure.known_level.get(figure.index - 12)
    return entry[0] if entry else None


def _is_published_odd(figure: Figure, run: Run, bit: int, published: float) -> bool:
    """Whether last year's figure, not the printed base, is grossly off (V13's bounds): other figures speak for this."""
    value, rule = figure.value(bit), run.rule("V13")
    if not figure.vouched & bit or not value or not published or rule is None:
        return False
    return not (rule.low or 0.0) <= published / value <= (rule.high or math.inf)


def _without(
    run: Run, code: str, measure: str, index: int, published: float, gone: list[tuple[str, int, float]], printed: float
) -> float:
    """Last year's county figure without the townships that left since, if that is nearer to what is printed."""
    rest = published
    for township, _, weight in gone:
        entry = run.past.months(code, township, measure, index).get(index)
        rest -= weight * entry[0] if entry is not None else 0.0
    return rest if abs(rest - printed) < abs(published - printed) else published


def v11_published_base(figure: Figure, run: Run) -> Iterable[Finding]:
    """Printed base = last year's figure, within 0.5 % (V11); a merged unit may print either geography's."""
    findings: list[Finding] = []
    code, unit_id, index = figure.meta.code, figure.row.unit_id, figure.index
    for bit, value, known, measure in (
        (BASE, figure.base, figure.known_level, figure.level_measure),
        (BASE_MONTH, figure.base_month, figure.known_month, "month"),
    ):
        if value is None:
            continue
        entry = known.get(index - 12)
        if entry is None:
            continue
        published = entry[0]
        if run.past.has_links(unit_id):
            own = run.past.own(code, unit_id, measure).get(index - 12)
            if own is not None and abs(own[0] - value) < abs(published - value):
                published = own[0]
        gone = run.past.left_county(index - 11, index) if figure.row.level == "county" else []
        if gone:
            published = _without(run, code, measure, index - 12, published, gone, value)
        difference = abs(value - published)
        if difference < 1e-6:
            figure.vouched |= bit
            continue
        printed = step(figure.cells[bit])
        if difference <= printed:
            figure.vouched |= bit
        # a difference within tolerance that swapped digits explain exactly is no revision
        if difference > run.tolerance("V11", printed, published) or is_swapped(value, published):
            like = like_scope(figure, run, bit)
            if like is not None:
                figure.vouched |= bit
                if not like.joined:
                    continue
            findings.append(
                Finding(
                    "V11.scope"
                    if like is not None
                    else "V11.boundary"
                    if gone
                    else "V11.before"
                    if _is_published_odd(figure, run, bit, published)
                    else "V11",
                    (Suspect(figure, bit, published),),
                    {"published": number(published), "difference": number(difference)}
                    | {"percent": number(100 * difference / published, 1) if published else "-"}
                    | ({"known": number(like.base), "joined": like.joined} if like is not None else {}),
                )
            )
    return findings
