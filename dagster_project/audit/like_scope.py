"""Last year on this year's scope: whether a county's printed base is what its own parts had a year ago.

Belongs here: adding up the parts of a county figure, now and a year before, unit by unit (V11).
Does not belong here: the rules that ask (rules_growth.py), comparable growth for pages (dbt).

A base restated for boundaries or for membership (this year's list of above-scale enterprises) is right where the
parts that add up to the current figure add up to it as well. A part that has not reported counts with its last figure
of the year, beside that month's base (domain.md J.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dagster_project.audit.context import Run
from dagster_project.audit.figures import BASE, BASE_MONTH, MEASURE_OF, MONTH, Figure, active_townships, step


@dataclass(frozen=True, slots=True)
class LikeScope:
    """Parts that bear a printed base out: their own base, and how many had none a year ago (new on the list)."""

    base: float
    joined: int


@dataclass(frozen=True, slots=True)
class Part:
    """One unit's current figure, its base as it prints it, and its published figure of a year before."""

    now: float
    printed: float | None
    published: float | None


def like_scope(figure: Figure, run: Run, bit: int) -> LikeScope | None:
    """The parts that explain a county's printed base (`bit`: BASE or BASE_MONTH), None where none do.

    The townships, else the enterprises of the indicator's scope. Enterprises new on the list have no figure of last
    year: what is left for them must be a base from which they could have grown as V12 holds usual, or from nothing.
    """
    level_bit = figure.level_bit if bit == BASE else MONTH
    if figure.row.level != "county" or not figure.meta.is_additive:
        return None
    if figure.value(bit) is None or figure.value(level_bit) is None:
        return None
    period, code = figure.row.first.period, figure.meta.code
    townships = [row["township_code"] for row in active_townships(run.context.townships, period)]
    enterprises = run.registers.enterprises(period)
    if figure.meta.scope is None:
        listed = [known.enterprise_id for known in enterprises]
    else:
        members = run.context.members(figure.meta.scope, enterprises)
        listed = [unit for units in members.values() for unit in units]
    for part_code, units, is_list in (
        (code, townships, False),
        (figure.meta.scope_base or code if figure.meta.scope else code, listed, True),
    ):
        parts = list(_parts(figure, run, part_code, units, level_bit, bit))
        # every unit that belongs to the figure speaks: then it need not add up to a total that may itself be wrong
        is_whole = len(parts) == len(units) and (not is_list or figure.meta.scope is not None)
        found = _bears_out(figure, run, bit, parts, is_whole, is_list) if len(parts) >= 2 else None
        if found is not None:
            return found
    return None


def _bears_out(
    figure: Figure, run: Run, bit: int, parts: list[Part], is_whole: bool, may_join: bool
) -> LikeScope | None:
    level_bit = figure.level_bit if bit == BASE else MONTH
    printed, level = figure.value(bit) or 0.0, figure.value(level_bit) or 0.0
    rounding = 0.5 * len(parts) ** 0.5
    exact = rounding * step(figure.cells[bit])
    allowed = max(exact, run.tolerance("V11", 0.0, printed))
    now = sum(part.now for part in parts)
    adds_up = is_whole or abs(now - level) <= max(
        rounding * step(figure.cells[level_bit]), run.tolerance("V11", 0.0, level)
    )
    usual = run.rule("V12")
    for own_first in (True, False):
        bases = [(part.now, _base(part, own_first)) for part in parts]
        known = sum(base for _, base in bases if base is not None)
        joined = [part_now for part_now, base in bases if base is None and part_now]
        # so many parts that give the very figure are no coincidence, whatever the total says
        if abs(known - printed) <= (allowed if adds_up else exact):
            return LikeScope(known, 0)
        if joined and may_join and adds_up and usual is not None and usual.low is not None:
            rest = printed - known
            if -allowed <= rest <= sum(joined) / (1 + usual.low / 100):
                return LikeScope(known, len(joined))
    return None


def _base(part: Part, own_first: bool) -> float | None:
    one, other = (part.printed, part.published) if own_first else (part.published, part.printed)
    return one if one is not None else other


def _parts(figure: Figure, run: Run, code: str, units: Iterable[str], level_bit: int, bit: int) -> Iterable[Part]:
    """What each unit says of the month; nothing at all where fewer than two speak of the month itself."""
    measure = MEASURE_OF[level_bit]
    found: list[Part] = []
    spoken = 0
    # a month that was not reported adds nothing; a year to date stands as it last did
    months = range(figure.index, figure.index - (figure.month_no if bit != BASE_MONTH else 1), -1)
    for unit in units:
        for index in months:
            now = _known(run, code, unit, level_bit, index)
            if now is None:
                continue
            spoken += index == figure.index
            entry = run.past.months(code, unit, measure, figure.index).get(index - 12)
            found.append(Part(now, _known(run, code, unit, bit, index), entry[0] if entry is not None else None))
            break
    return found if spoken >= 2 else ()


def _known(run: Run, code: str, unit_id: str, bit: int, index: int) -> float | None:
    """A unit's value: this submission's, else the one in force."""
    row = run.collected.rows.get((unit_id, index))
    own = row.figures.get(code) if row is not None else None
    if own is not None and own.value(bit) is not None:
        return own.value(bit)
    entry = run.past.own(code, unit_id, MEASURE_OF[bit]).get(index)
    return entry[0] if entry else None
