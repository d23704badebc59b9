"""Rules over one figure and its own past: V01-V04, V12, V13, V18, V19, V40.

Belongs here: month, year to date, stock and what earlier and later months say of them.
Does not belong here: printed bases and growth (rules_growth.py), other indicators (rules_relations.py).

A rule is a function (figure, run) -> findings. It also vouches for cells that agree exactly (findings.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagster_project.audit.context import Run
from dagster_project.audit.figures import BASE, BASE_MONTH, GROWTH, MONTH, STOCK, YTD, Figure, active_townships, step
from dagster_project.audit.findings import Finding, Suspect, deviance, is_swapped, number, slip_rest
from dagster_project.audit.history import Entry
from dagster_project.audit.rulebook import Rule

NONE: Sequence[Finding] = ()


def rounding(*cells: object) -> float:
    """The coarsest printed step among the cells, in stored units."""
    return max((step(cell) for cell in cells), default=1.0)  # type: ignore[arg-type]


def is_calm(figure: Figure, run: Run) -> bool:
    """Whether a flow or stock is beyond doubt, so that no rule of this module, V10 or V11 would say anything of it.

    Nine figures in ten are: they accumulate exactly, repeat last year's figure as their base, and move within the usual
    bands. Clearing them together costs a quarter of asking each rule. Vouches for the cells as the rules would; a test
    compares both ways over whole counties.
    """
    ytd, month = figure.ytd, figure.month
    meta, index = figure.meta, figure.index
    if meta.kind == "stock":
        return _is_calm_stock(figure, run)
    if (
        ytd is None
        or ytd <= 0
        or meta.kind != "flow"
        or meta.is_signed
        or figure.stock is not None
        or figure.base_month is not None
        or run.past.has_links(figure.row.unit_id)
    ):
        return False
    level, months = figure.known_level, figure.known_month
    before = level.get(index - 1)
    if index in level or index in months or index + 1 in level:
        return False
    start = 0.0
    if figure.month_no > 1:
        if before is None:
            return False
        start = before[0]
    if start < 0:
        return False
    vouched = 0
    if month is not None:
        if month < 0 or abs(ytd - start - month) >= 1e-6 or not _is_calm_month(figure, run, month):
            return False
        if figure.month_no > 1:
            vouched = MONTH | YTD
    elif ytd < start:
        return False
    beside = _vouched_beside_last_year(figure, run, ytd)
    if beside is None:
        return False
    if level and not _is_near(level, index, ytd / figure.month_no, True):
        return False
    figure.vouched |= vouched | beside
    return True


def _is_calm_stock(figure: Figure, run: Run) -> bool:
    """A stock near last month's and last year's, whose base is last year's and whose growth follows from the two."""
    stock, known, index = figure.stock, figure.known_level, figure.index
    if (
        stock is None
        or stock <= 0
        or figure.meta.is_signed
        or figure.ytd is not None
        or figure.month is not None
        or figure.base_month is not None
        or index in known
        or run.past.has_links(figure.row.unit_id)
    ):
        return False
    beside = _vouched_beside_last_year(figure, run, stock)
    if beside is None:
        return False
    if known and not _is_near(known, index, stock, False):
        return False
    if figure.meta.dimension == "people" and (last := known.get(index - 1)) is not None:
        rule = run.rule("V18")
        # the same number again may be frozen (V18.frozen)
        if rule is None or stock == last[0] or abs(stock - last[0]) > (rule.tolerance_rel or 0.0) * last[0]:
            return False
    figure.vouched |= beside
    return True


def _vouched_beside_last_year(figure: Figure, run: Run, level: float) -> int | None:
    """The cells that last year bears out beside a level: its printed base is last year's figure, it lies in V12's band,
    its printed growth follows from level and base (V10). None where one of them does not hold."""
    base, last_year = figure.base, figure.known_level.get(figure.index - 12)
    vouched = 0
    if base is not None and last_year is not None:
        if abs(base - last_year[0]) >= 1e-6:
            return None
        vouched |= BASE
    usual = base if base is not None else last_year[0] if last_year is not None else None
    yearly = run.rule("V12")
    if usual is not None and (
        usual <= 0 or yearly is None or not (yearly.low or 0.0) <= (level / usual - 1) * 100 <= (yearly.high or 0.0)
    ):
        return None
    if figure.growth is not None and base is not None:
        if not _is_calm_growth(figure, level, base):
            return None
        vouched |= GROWTH | figure.level_bit | BASE
    return vouched


def _is_calm_growth(figure: Figure, level: float, base: float) -> bool:
    """Whether the printed growth in % is that of level and base, to the last printed digit (V10)."""
    if figure.growth is None or figure.meta.growth_basis in ("diff", "diff_pp"):
        return False
    return abs(figure.growth - (level / base - 1) * 100) <= 0.051


def _is_calm_month(figure: Figure, run: Run, month: float) -> bool:
    """A month within the bands of V12.month and V13 that repeats neither last month's nor last year's figure (V19)."""
    known, index = figure.known_month, figure.index
    last, year_before = known.get(index - 1), known.get(index - 12)
    if not known:
        # V13 then looks at the printed base
        return figure.base is None
    rule = run.rule("V12.month")
    if last is None or last[0] <= 0 or rule is None or month == last[0]:
        return False
    if year_before is not None and month == year_before[0]:
        return False
    if not (rule.low or 0.0) <= (month / last[0] - 1) * 100 <= (rule.high or 0.0):
        return False
    return month == 0 or _is_near(known, index, month, False)


def v01_sign(figure: Figure, run: Run) -> Iterable[Finding]:
    """No negative flow, stock or count unless the indicator may be; a count is a whole number (B.9 V01)."""
    meta = figure.meta
    if meta.kind == "ratio":
        return NONE
    findings: list[Finding] = []
    if not meta.is_signed:
        level, base = figure.level, figure.base
        if level is not None and level < 0:
            findings.append(Finding("V01", (Suspect(figure, figure.level_bit, -level),)))
        if base is not None and base < 0:
            findings.append(Finding("V01", (Suspect(figure, BASE, -base),)))
        month = figure.month
        if month is not None and month < 0:
            findings.append(_negative_month(figure, run, month))
        if figure.base_month is not None and figure.base_month < 0:
            findings.append(Finding("V01.month", (Suspect(figure, BASE_MONTH, -figure.base_month),)))
    if meta.kind == "count":
        for bit in (MONTH, YTD, BASE):
            value = figure.value(bit)
            if value is not None and value != int(value):
                findings.append(Finding("V01.whole", (Suspect(figure, bit),)))
    return findings


def _negative_month(figure: Figure, run: Run, month: float) -> Finding:
    # a negative month is a legal correction where the year to date follows it down
    before = _before(figure)
    follows = before is not None and figure.ytd is not None and abs(before + month - figure.ytd) <= 1.5
    impossible = figure.ytd is not None and (before is not None or figure.month_no == 1) and not follows
    return Finding("V01" if impossible else "V01.month", (Suspect(figure, MONTH, -month),))


def _before(figure: Figure) -> float | None:
    """Year to date of the month before; 0 in January."""
    if figure.month_no == 1:
        return 0.0
    known = figure.known_level
    entry = known.get(figure.index - 1)
    if entry is not None:
        return entry[0]
    # last month's was held back: the one before it and last month's own flow still say what it must have been
    last = figure.known_month.get(figure.index - 1)
    if last is None or figure.level_bit == STOCK:
        return None
    earlier = known.get(figure.index - 2)
    start = 0.0 if figure.month_no == 2 else earlier[0] if earlier is not None else None
    return None if start is None else start + last[0]


def _last_known(figure: Figure) -> float | None:
    """The latest year to date known of this year before this month: 0 in January."""
    before = _before(figure)
    for back in range(2, figure.month_no):
        if before is not None:
            break
        entry = figure.known_level.get(figure.index - back)
        before = entry[0] if entry is not None else None
    return before


def v02_accumulation(figure: Figure, run: Run) -> Iterable[Finding]:
    """Last month's year to date + month = year to date; the same forward where a later month is known (V02)."""
    ytd = figure.ytd
    if ytd is None or figure.meta.kind == "ratio":
        return NONE
    findings: list[Finding] = []
    month = figure.month
    if month is not None and figure.month_no > 1:
        before = _before(figure)
        if before is not None:
            difference = ytd - (before + month)
            if abs(difference) < 1e-6:
                figure.vouched |= MONTH | YTD
            else:
                finding = _v02(figure, run, before, difference)
                if finding is not None:
                    findings.append(finding)
    following = figure.known_level.get(figure.index + 1)
    if following is not None and figure.month_no < 12:
        finding = _v02_next(figure, run, following[0])
        if finding is not None:
            findings.append(finding)
    return findings


def _v02(figure: Figure, run: Run, before: float, difference: float) -> Finding | None:
    ytd, month = figure.ytd or 0.0, figure.month or 0.0
    if run.past.has_links(figure.row.unit_id):
        own = run.past.own(figure.meta.code, figure.row.unit_id, "ytd").get(figure.index - 1)
        if own is not None and abs(ytd - own[0] - month) < abs(difference):
            before, difference = own[0], ytd - own[0] - month
    printed = rounding(figure.cells[YTD], figure.cells[MONTH])
    if abs(difference) <= 1.5 * printed:
        figure.vouched |= MONTH | YTD
        return None
    expected_ytd, expected_month = before + month, ytd - before
    near = abs(difference) <= run.tolerance("V02", printed, expected_ytd) and not (
        # a difference within tolerance that swapped digits explain exactly is no rounding
        is_swapped(ytd, expected_ytd) or is_swapped(month, expected_month)
    )
    silent = [] if near or figure.row.level != "county" else _caught_up(figure, run, difference, printed)
    if silent:
        figure.vouched |= MONTH | YTD
        return Finding(
            "V02.caught_up",
            (Suspect(figure, MONTH),),
            {"difference": number(difference)}
            | {"names_zh": "、".join(row["name_zh"] for row in silent)}
            | {"names_en": ", ".join(row["name_en"] or row["name_zh"] for row in silent)},
            counts=False,
        )
    typical = run.past.expected_month(figure)
    if not near and _row_is_scaled(run, month, ytd - before, typical):
        return None  # the whole row is in another unit: V13 says so at each cell
    if not near and _last_month_is_odd(figure, before, printed):
        figure.vouched |= MONTH | YTD
        return Finding(
            "V02.before",
            (Suspect(figure, YTD, before, None),),
            {"before": number(before), "implied": number(ytd - month)},
            counts=False,
        )
    return Finding(
        "V02.near" if near else "V02",
        (
            Suspect(figure, YTD, expected_ytd, deviance(expected_month, typical)),
            Suspect(figure, MONTH, expected_month, deviance(month, typical)),
        ),
        {
            "before": number(before),
            "month": number(month),
            "ytd": number(ytd),
            "sum": number(expected_ytd),
            "difference": number(abs(difference)),
        },
    )


def _caught_up(figure: Figure, run: Run, difference: float, printed: float) -> Sequence[Mapping[str, Any]]:
    """The townships that were silent last month and whose figures, now that they report again, are exactly what the
    county's year to date gained beside its month: a county's sum carries a silent township's last figure (domain.md J.6)."""
    silent, gained = [], 0.0
    code = figure.meta.code
    for row in active_townships(run.context.townships, figure.row.first.period):
        unit_id = row["township_code"]
        known = run.past.months(code, unit_id, "ytd", figure.index)
        ytd, month = run.known_now(code, unit_id, figure.index, YTD), run.known_now(code, unit_id, figure.index, MONTH)
        if figure.index - 1 in known or ytd is None or month is None:
            continue
        first = figure.index - figure.month_no + 1
        carried = next((known[index][0] for index in range(figure.index - 2, first - 1, -1) if index in known), 0.0)
        silent.append(row)
        gained += ytd - month - carried
    return silent if abs(gained - difference) <= (1.5 + len(silent)) * printed else ()


def _row_is_scaled(run: Run, month: float, gained: float, typical: float | None) -> bool:
    """Whether month and year to date are out by the same gross factor (V13's bounds) beside what is usual."""
    rule = run.rule("V13")
    if rule is None or rule.low is None or rule.high is None or typical is None or month <= 0 or gained == 0:
        return False
    ratio, other = month / typical, gained / typical
    return (ratio > rule.high and other > rule.high) or (ratio < rule.low and (other < 0 or other < rule.low))


def _last_month_is_odd(figure: Figure, before: float, printed: float) -> bool:
    """Whether it is last month's year to date that does not fit: what this month implies for it agrees with the month
    before, or is the same number in another unit."""
    ytd, month = figure.ytd or 0.0, figure.month or 0.0
    implied = ytd - month
    last = figure.known_month.get(figure.index - 1)
    if last is not None:
        earlier = figure.known_level.get(figure.index - 2)
        start = 0.0 if figure.month_no == 2 else earlier[0] if earlier is not None else None
        if start is not None and abs(start + last[0] - implied) <= 2 * printed:
            return True
        if start is not None and abs(start + last[0] - before) > 2 * printed and implied > start:
            # last month's own accumulation failed, and was told then; what this month implies for it is plausible
            usual = figure.known_month.get(figure.index - 13) or figure.known_month.get(figure.index - 12)
            flow = usual[0] if usual is not None else month
            if flow > 0 and 0.5 <= (implied - start) / flow <= 2.0:
                return True
    return implied > 0 and before > 0 and not 0.5 < before / implied < 2.0 and abs(slip_rest(before, implied)) < 0.005


def _v02_next(figure: Figure, run: Run, next_ytd: float) -> Finding | None:
    next_month = figure.known_month.get(figure.index + 1)
    ytd = figure.ytd or 0.0
    if next_month is None:
        return None
    expected = next_ytd - next_month[0]
    printed = rounding(figure.cells[YTD])
    if abs(expected - ytd) <= 1.5 * printed:
        figure.vouched |= YTD
        return None
    if run.past.changed_within(figure.row.unit_id, figure.index + 1, figure.index + 1):
        return None
    if abs(expected - ytd) <= run.tolerance("V02", printed, expected):
        return None
    return Finding(
        "V02.next",
        (Suspect(figure, YTD, expected),),
        {"ytd": number(ytd), "next_ytd": number(next_ytd), "next_month": number(next_month[0])},
    )


def v03_month_within_year(figure: Figure, run: Run) -> Iterable[Finding]:
    """Month <= year to date; in January they are equal (V03)."""
    month, ytd = figure.month, figure.ytd
    if month is None or ytd is None or figure.meta.kind == "ratio":
        return NONE
    if figure.month_no == 1:
        if month == ytd:
            return NONE
        key = "V03.january"
    elif month <= ytd or month < 0 or ytd < 0 or figure.meta.is_signed:
        return NONE
    else:
        key = "V03"
    printed = rounding(figure.cells[YTD], figure.cells[MONTH])
    if abs(month - ytd) <= run.tolerance(key, printed, ytd):
        return NONE
    typical = run.past.expected_month(figure)
    whole = typical * figure.month_no if typical is not None else None
    return (
        Finding(
            key,
            (
                # the year to date is authoritative (B.1): with no other evidence the month is held back
                Suspect(figure, MONTH, ytd if figure.month_no == 1 else None, deviance(month, typical)),
                Suspect(figure, YTD, month if figure.month_no == 1 else None, deviance(ytd, whole)),
            ),
            {"month": number(month), "ytd": number(ytd), "difference": number(abs(month - ytd))},
            also="V03.also",
        ),
    )


def v04_no_decrease(figure: Figure, run: Run) -> Iterable[Finding]:
    """The year to date does not fall from month to month (V04)."""
    ytd = figure.ytd
    if ytd is None or figure.month_no == 1 or figure.meta.is_signed or figure.meta.kind == "ratio":
        return NONE
    before = _last_known(figure)
    if before is None or ytd >= before or figure.vouched & YTD:
        return NONE
    if run.past.has_links(figure.row.unit_id):
        own = run.past.own(figure.meta.code, figure.row.unit_id, "ytd").get(figure.index - 1)
        if own is not None and ytd >= own[0]:
            return NONE
    if before - ytd <= rounding(figure.cells[YTD]) or _is_peak(figure, ytd, before):
        return NONE
    expected = before + figure.month if figure.month is not None else None
    return (
        Finding(
            "V04",
            (Suspect(figure, YTD, expected),),
            {"ytd": number(ytd), "before": number(before), "difference": number(before - ytd)},
        ),
    )


def _is_peak(figure: Figure, level: float, before: float) -> bool:
    """Whether last month's figure, not this one, is out of line: this one goes on from the month before it."""
    earlier = figure.known_level.get(figure.index - 2)
    if earlier is None or earlier[0] <= 0 or before <= 0:
        return False
    now, then = abs(level / earlier[0] - 1), abs(before / earlier[0] - 1)
    if figure.level_bit == STOCK:
        return now <= 0.2 < then
    steps = figure.month_no - 2
    return steps > 0 and 0 <= level - earlier[0] <= 4 * earlier[0] / steps < before - earlier[0]


def v12_change(figure: Figure, run: Run) -> Iterable[Finding]:
    """Year on year outside [low, high] %, month on month outside its own band (V12, V12.month).

    Only above a level (the rule's tolerance_abs, stored units). A month is measured against last month, and excused
    where it is in line with last year's same month: that is seasonality.
    """
    if figure.meta.kind in ("ratio", "count") or figure.is_carried:
        return NONE
    findings: list[Finding] = []
    rule = run.rule("V12")
    if rule is None or rule.low is None or rule.high is None:
        return NONE
    least = rule.tolerance_abs or 0.0
    level, base = figure.level, figure.base
    if level is not None:
        printed = base is not None
        if base is None:
            entry = figure.known_level.get(figure.index - 12)
            base = entry[0] if entry else None
        if not printed and base is not None and _level_is_usual(figure, run, level, rule):
            base = None  # last year's figure is the one that stands out
        if base is not None and base > 0 and level >= 0 and (level > least or base > least):
            growth = (level / base - 1) * 100
            if not rule.low <= growth <= rule.high and not run.is_idle(figure.row):
                expected = base * (1 + figure.growth / 100) if figure.growth is not None else base
                whole = run.past.expected_whole(figure) if printed else None
                suspects = [Suspect(figure, figure.level_bit, expected, deviance(level, whole))]
                if printed:
                    suspects.append(Suspect(figure, BASE, level, deviance(base, whole)))
                findings.append(
                    Finding(
                        "V12",
                        tuple(suspects),
                        {"growth": number(growth, 1), "base": number(base), "level": number(level)}
                        | {"low": number(rule.low), "high": number(rule.high)},
                        counts=False,
                    )
                )
    month = figure.month
    if month is not None and figure.meta.kind == "flow" and not figure.meta.is_signed:
        finding = _v12_month(figure, run, month)
        if finding is not None:
            findings.append(finding)
    return findings


def _level_is_usual(figure: Figure, run: Run, level: float, rule: Rule) -> bool:
    per_month = figure.level_bit == YTD
    typical = run.past.typical(
        figure.meta.code, figure.row.unit_id, figure.level_measure, figure.index, per_month=per_month
    )
    if typical is None or typical[1] < 3 or typical[0] <= 0:
        return False
    size = level / figure.month_no if per_month else level
    return (rule.low or -50.0) <= (size / typical[0] - 1) * 100 <= (rule.high or 100.0)


def _v12_month(figure: Figure, run: Run, month: float) -> Finding | None:
    rule = run.rule("V12.month")
    known = figure.known_month
    entry = known.get(figure.index - 1)
    if rule is None or rule.low is None or rule.high is None or entry is None or entry[0] <= 0:
        return None
    before, least = entry[0], rule.tolerance_abs or 0.0
    change = (month / before - 1) * 100
    if rule.low <= change <= rule.high or (month <= least and before <= least) or month < 0:
        return None
    year_before = known.get(figure.index - 12)
    yearly = run.rule("V12")
    if year_before is not None and year_before[0] > 0 and yearly is not None:
        growth = (month / year_before[0] - 1) * 100
        if (yearly.low or -50.0) <= growth <= (yearly.high or 100.0):
            return None
    elif _is_usual(figure, run, month, yearly):
        return None  # it is last month's figure that stands out
    elif figure.month_no <= 2 and year_before is None:
        # December's rush and the Spring Festival: without last year's month nothing can be said
        return None
    if month == 0 and run.is_idle(figure.row):
        return None
    return Finding(
        "V12.month",
        (Suspect(figure, MONTH, before),),
        {"change": number(change, 1), "before": number(before), "low": number(rule.low), "high": number(rule.high)},
        counts=False,
    )


def _is_usual(figure: Figure, run: Run, month: float, yearly: Rule | None) -> bool:
    typical = run.past.typical(figure.meta.code, figure.row.unit_id, "month", figure.index)
    if typical is None or typical[1] < 3 or typical[0] <= 0 or yearly is None:
        return False
    return (yearly.low or -50.0) <= (month / typical[0] - 1) * 100 <= (yearly.high or 100.0)


def v13_magnitude(figure: Figure, run: Run) -> Iterable[Finding]:
    """Figure / median of the last twelve months within [low, high]: otherwise a unit was probably mistaken (V13).

    A year-to-date figure is compared per month. At least tolerance_abs large (stored units; ratios: any).
    """
    rule = run.rule("V13")
    if rule is None or rule.low is None or rule.high is None:
        return NONE
    findings: list[Finding] = []
    code, unit_id, index = figure.meta.code, figure.row.unit_id, figure.index
    for bit, value, measure, months in (
        (MONTH, figure.month, "month", 1),
        (YTD, figure.ytd, "ytd", figure.month_no),
        (STOCK, figure.stock, "stock", 1),
    ):
        if value is None or value == 0:
            continue
        known = figure.known_month if bit == MONTH else figure.known_level
        if not known:
            if bit == MONTH and figure.base is not None and figure.base > 0:
                findings.extend(_v13_beside_base(figure, rule, value, figure.base / figure.month_no))
            continue
        per_month = measure == "ytd" and figure.meta.kind != "ratio"
        size = abs(value) / months if per_month else abs(value)
        if _is_near(known, index, size, per_month):
            continue
        typical = run.past.typical(code, unit_id, measure, index, per_month)
        # one or two months say little of a flow, but much of a stock or of a figure that comes once a year
        if typical is None or typical[0] <= 0 or (typical[1] < 3 and measure != "stock" and index - 12 < max(known)):
            continue
        ratio = size / typical[0]
        least = 0.0 if figure.meta.kind == "ratio" else rule.tolerance_abs or 0.0
        if rule.low <= ratio <= rule.high or max(size, typical[0]) < least:
            continue
        expected = typical[0] * months if per_month else typical[0]
        findings.append(
            Finding(
                "V13",
                (Suspect(figure, bit, expected),),
                {"typical": number(typical[0]), "ratio": number(ratio, 3 if ratio < 1 else 1)}
                | {"low": number(rule.low), "high": number(rule.high)},
                counts=False,
            )
        )
    return findings


def _v13_beside_base(figure: Figure, rule: Rule, value: float, typical: float) -> Iterable[Finding]:
    """With no history, the printed base and year to date are all there is to say what a month is about."""
    ratio = abs(value) / typical
    if rule.low is None or rule.high is None or rule.low <= ratio <= rule.high:
        return
    if figure.ytd is not None and figure.ytd > 0 and rule.low <= abs(value) * figure.month_no / figure.ytd <= rule.high:
        return  # it goes with the year to date: then the base is the odd one (V12)
    if figure.meta.kind == "flow" and max(abs(value), typical) >= (rule.tolerance_abs or 0.0):
        yield Finding(
            "V13.base",
            (Suspect(figure, MONTH, typical),),
            {"typical": number(typical), "ratio": number(ratio, 3 if ratio < 1 else 1)}
            | {"low": number(rule.low), "high": number(rule.high)},
            counts=False,
        )


def _is_near(known: Mapping[int, Entry], index: int, size: float, per_month: bool) -> bool:
    """Within a factor of two of last month and of last year's month, or else of the month before last: no median is
    needed to clear a figure."""
    for back in (1, 12 if index - 12 in known else 2):
        entry = known.get(index - back)
        if entry is None:
            return False
        other = entry[0] / ((index - back) % 12 + 1) if per_month else entry[0]
        if not 0.5 * other <= size <= 2.0 * other:
            return False
    return True


def v18_employment(figure: Figure, run: Run) -> Iterable[Finding]:
    """People at work: change by month within 20 % or 50 persons; twelve equal months look copied (V18)."""
    stock = figure.stock
    if stock is None or figure.meta.dimension != "people" or figure.is_carried:
        return NONE
    known = figure.known_level
    entry = known.get(figure.index - 1)
    if entry is None:
        return NONE
    before = entry[0]
    findings: list[Finding] = []
    rule = run.rule("V18")
    if rule is not None and before > 0:
        change = abs(stock - before)
        is_large = change > (rule.tolerance_abs or 0.0) and change > (rule.tolerance_rel or 0.0) * before
        if is_large and not _is_peak(figure, stock, before):
            findings.append(
                Finding(
                    "V18",
                    (Suspect(figure, STOCK, before),),
                    {
                        "before": number(before),
                        "change": number(stock - before),
                        "percent": number((stock / before - 1) * 100, 1),
                        "share": number(100 * (rule.tolerance_rel or 0.0)),
                        "least": number(rule.tolerance_abs),
                    },
                    counts=False,
                )
            )
    frozen = run.rule("V18.frozen")
    if frozen is not None and frozen.high and stock == before and stock >= (frozen.tolerance_abs or 0.0):
        span = int(frozen.high)
        months = range(figure.index - span + 1, figure.index)
        if all((e := known.get(i)) is not None and e[0] == stock for i in months):
            findings.append(Finding("V18.frozen", (Suspect(figure, STOCK),), {"months": span}, counts=False))
    return findings


def v19_copied(figure: Figure, run: Run) -> Iterable[Finding]:
    """A flow equal to last month's, or to last year's same month, looks copied (V19); small numbers coincide."""
    month = figure.month
    rule = run.rule("V19")
    if month is None or rule is None or figure.meta.kind != "flow" or abs(month) < (rule.tolerance_abs or 0.0):
        return NONE
    if not month or figure.is_carried:
        return NONE
    known = run.past.own(figure.meta.code, figure.row.unit_id, "month")
    for back, key in ((1, "V19"), (12, "V19.year")):
        entry = known.get(figure.index - back)
        if entry is not None and entry[0] == month:
            return (Finding(key, (Suspect(figure, MONTH),), {}, counts=False),)
    return NONE


def v40_revision(figure: Figure, run: Run) -> Iterable[Finding]:
    """A closed month (a later one is reported) that changes needs a reason; two forms that differ are shown (V40)."""
    findings: list[Finding] = []
    index = figure.index
    for bit in (YTD, STOCK, MONTH):
        value = figure.value(bit)
        if value is None:
            continue
        known = figure.known_month if bit == MONTH else figure.known_level
        entry = known.get(index)
        if entry is None or abs(entry[0] - value) < 1e-6:
            continue
        form = figure.cells[bit].form_code
        if entry[2] is not None and entry[2] != form:
            if abs(entry[0] - value) > run.tolerance("V40.forms", step(figure.cells[bit]), entry[0]):
                findings.append(
                    Finding(
                        "V40.forms",
                        (Suspect(figure, bit, entry[0]),),
                        {
                            "before": number(entry[1]),
                            "form": run.form_names(entry[2])[0],
                            "form_en": run.form_names(entry[2])[1],
                        },
                        counts=False,
                    )
                )
            continue
        if index + 1 in known:
            findings.append(
                Finding("V40", (Suspect(figure, bit, entry[0]),), {"before": number(entry[1])}, counts=False)
            )
    return findings
