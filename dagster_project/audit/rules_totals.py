"""Totals: V07 (a total row against its rows), V08 (townships against the county's row), V09 (enterprises against theirs).

Belongs here: sums over units within one workbook, and of enterprises against what their township reports.
Does not belong here: sums over months (rules_series.py) or over indicators (rules_relations.py).

A declared total is never a figure, so nothing is quarantined here. Where the difference is exactly what another rule
says that one cell of the column is off by, the issue stands at that cell, and the total is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from dagster_project.audit.context import Run
from dagster_project.audit.figures import BIT_OF, MONTH, STOCK, YTD, Figure, active_townships, step
from dagster_project.audit.findings import Finding, Suspect, deviance, number, slip, slip_rest
from dagster_project.audit.history import month_index
from dagster_project.ingest.model import DeclaredTotal, Issue, Observation

ColumnKey = tuple[str, str, object, str]  # sheet, indicator, period, measure


class Column:
    """The cells of one column of one sheet: one indicator, period and measure."""

    __slots__ = ("cells", "nulls")

    def __init__(self) -> None:
        self.cells: list[Observation] = []
        self.nulls: list[Observation] = []


def columns_of(run: Run) -> dict[ColumnKey, Column]:
    """The columns that a declared total speaks of."""
    wanted = {(t.sheet, t.indicator_code, t.period, t.measure) for t in run.intake.parsed.totals}
    columns: dict[ColumnKey, Column] = {key: Column() for key in wanted}
    if not wanted:
        return columns
    # a row given twice is counted once, as its reporter's total does
    twice = {id(second) for _, second in run.collected.repeated}
    for obs in run.intake.parsed.observations:
        column = columns.get((obs.sheet, obs.indicator_code, obs.period, obs.measure))
        if column is None or obs.level == "county" or id(obs) in twice:
            continue
        # a figure that is held back (its unit is not known) is still in its reporter's total
        (column.nulls if obs.value is None else column.cells).append(obs)
    return columns


def judge_totals(run: Run, findings: list[Finding]) -> Iterable[Issue]:
    """V07: every declared total against its rows. Adds to `findings` where the column's total convicts one cell."""
    issues: list[Issue] = []
    rule = run.rule("V07")
    if rule is None or not run.intake.parsed.totals:
        return issues
    columns = columns_of(run)
    unread = _unread_columns(run)
    doubtful = {(issue.sheet, issue.cell) for issue in run.intake.parsed.issues if issue.severity == "error"}
    corrections = _corrections(findings)
    suspects = {id(s.cell): s.figure for f in findings if run.is_loud(f.key) for s in f.suspects}
    for total in run.intake.parsed.totals:
        meta = run.context.indicators.get(total.indicator_code)
        if meta is None or not meta.is_additive or total.measure not in BIT_OF or total.measure == "declared_growth":
            continue
        column = columns[total.sheet, total.indicator_code, total.period, total.measure]
        scope = total.scope_unit_id
        cells, nulls = column.cells, column.nulls
        if scope is not None:
            cells = [c for c in cells if c.township_code == scope or c.unit_id == scope]
            nulls = [c for c in nulls if c.township_code == scope or c.unit_id == scope]
        if not cells or (total.scope is not None and scope is None):
            continue
        if (total.sheet, _letters(total.cell)) in unread:
            continue  # a cell of the column could not be read and is told: what the sum should be is not known
        own = sum(float(c.value) for c in cells if c.value is not None)
        difference = float(total.value) - own
        held_back = sum(float(c.value) for c in cells if c.value is not None and c.status != "accepted")
        if held_back and abs(difference + held_back) < abs(difference):
            own, difference = own - held_back, difference + held_back
        printed = max(max(map(step, cells)), _total_step(total, cells[0]))
        exact = printed * max(1.0, 0.5 * len(cells) ** 0.5)
        if abs(difference) <= exact:
            if not nulls or abs(difference) < 1e-6:
                _vouch(run, cells)
            continue
        if any(c.status != "accepted" and (c.sheet, c.cell) in doubtful for c in cells):
            continue  # "66o" is told at its cell: what its reporter added up is not known
        culprit = _culprit(run, cells, difference, exact, corrections, suspects)
        if culprit is not None:
            figure, bit, expected = culprit
            # With several faults in a column the difference is not this cell's alone: what it should read is then
            # what the other rules say, and no second figure is told beside theirs.
            others = corrections.get(id(figure.cells[bit]), ())
            is_sole = not others or any(abs(told - expected) <= max(exact, 0.001 * abs(told)) for _, _, told in others)
            findings.append(
                Finding(
                    "V07.cell",
                    (Suspect(figure, bit, expected if is_sole else None),),
                    {"total": number(total.value), "sum": number(own), "difference": number(abs(difference))}
                    | {"total_cell": total.cell},
                    text=None if is_sole else "V07.among",
                )
            )
            continue
        blank = _blank_in_question(nulls, difference)
        if blank is not None and abs(difference) > run.tolerance("V07", printed, float(total.value)):
            chosen = run.rule("V07.blank") or rule
            fields = {"total": number(total.value), "sum": number(own), "difference": number(difference)}
            issues.append(
                run.context.writer.of_cell(
                    chosen,
                    "V07.blank",
                    blank,
                    (meta.name_zh, meta.name_en),
                    meta.unit,
                    {**fields, "total_cell": total.cell},
                )
            )
            continue
        if abs(difference) <= run.tolerance("V07", printed, float(total.value)):
            key = "V07.near"
        else:
            key = "V07.partial" if nulls else "V07"
        chosen = run.rule(key) or rule
        zh, en = run.context.writer.measure(total.measure)
        issue = run.context.writer.of_sheet(
            chosen,
            key,
            total.sheet,
            {
                "name_zh": meta.name_zh + zh,
                "name_en": f"{meta.name_en}, {en}",
                "total": number(total.value),
                "sum": number(own),
                "rows": len(cells),
                "missing": len(nulls),
                "difference": number(abs(difference)),
                **run.context.writer.unit(meta.unit),
                **run.context.writer.missed(_left_out(cells, difference, exact)),
            },
            cell=total.cell,
            raw_text=total.raw_text,
        )
        issue.indicator_code, issue.period, issue.unit_id = total.indicator_code, total.period, scope
        issues.append(issue)
    issues.extend(_total_growth(run))
    return issues


def _letters(cell: str) -> str:
    return cell.rstrip("0123456789")


def _unread_columns(run: Run) -> set[tuple[str, str]]:
    """(sheet, column) of cells that hold something that reading could not take for a figure."""
    parsed = run.intake.parsed
    blamed = {
        (issue.sheet, issue.cell) for issue in parsed.issues if issue.severity == "error" and issue.cell and issue.sheet
    }
    if not blamed:
        return set()
    read = {(obs.sheet, obs.cell) for obs in parsed.observations if obs.value is not None}
    return {(sheet, _letters(cell)) for sheet, cell in blamed - read}


def _blank_in_question(nulls: list[Observation], difference: float) -> Observation | None:
    """The only blank cell of a column whose total knows more than its rows: the total was made with a figure there."""
    blanks = [obs for obs in nulls if obs.null_reason == "unknown"]
    return blanks[0] if len(blanks) == 1 and len(nulls) == 1 and difference > 0 else None


def _total_step(total: DeclaredTotal, like: Observation) -> float:
    digits = total.raw_text.partition(".")[2]
    decimals = len(digits) if digits.isdigit() and digits.strip("0") else 0
    return float(like.unit_factor) * 10.0**-decimals


def _left_out(cells: list[Observation], difference: float, exact: float) -> str | None:
    """The address of the row that the total seems to leave out, where exactly one explains the difference."""
    left_out = [c.cell for c in cells if c.value is not None and abs(float(c.value) + difference) <= exact]
    return left_out[0] if len(left_out) == 1 else None


def _vouch(run: Run, cells: list[Observation]) -> None:
    # one column: the same indicator, month and measure
    code, bit, index = cells[0].indicator_code, BIT_OF[cells[0].measure], month_index(cells[0].period)
    rows = run.collected.rows
    for obs in cells:
        row = rows.get((obs.unit_id or "", index))
        figure = row.figures.get(code) if row is not None else None
        if figure is not None:
            figure.vouched |= bit


def _corrections(findings: Iterable[Finding]) -> dict[int, list[tuple[Figure, int, float]]]:
    """What other rules say a cell should read: by identity of its observation."""
    said: dict[int, list[tuple[Figure, int, float]]] = {}
    for finding in findings:
        if not finding.counts:
            continue
        for suspect in finding.suspects:
            if suspect.expected is not None:
                said.setdefault(id(suspect.cell), []).append((suspect.figure, suspect.bit, suspect.expected))
    return said


def _culprit(
    run: Run,
    cells: list[Observation],
    difference: float,
    exact: float,
    corrections: dict[int, list[tuple[Figure, int, float]]],
    suspects: dict[int, Figure],
) -> tuple[Figure, int, float] | None:
    """The one cell of the column that is off by exactly this difference, as another rule or its digits say."""
    found: list[tuple[Figure, int, float]] = []
    for obs in cells:
        value = float(obs.value) if obs.value is not None else 0.0
        for figure, bit, expected in corrections.get(id(obs), ()):
            # a printed growth of one decimal fixes the level only so far
            if abs(expected - value - difference) <= max(exact, 0.001 * abs(expected)):
                found.append((figure, bit, value + difference))
                break
    if len(found) == 1:
        return found[0]
    if found:
        return None
    # one cell of the column that another rule already suspects, and that the difference would set right
    for obs in cells:
        value = float(obs.value) if obs.value is not None else 0.0
        suspected = suspects.get(id(obs))
        if suspected is not None and value + difference > 0:
            bit = BIT_OF[obs.measure]
            if not suspected.vouched & bit and _is_nearer(run, suspected, bit, value, value + difference):
                found.append((suspected, bit, value + difference))
    if found:
        return found[0] if len(found) == 1 else None
    for obs in cells if run.copied else ():
        value = float(obs.value) if obs.value is not None else 0.0
        owner = _figure(run, obs)
        if owner is not None and (id(owner.row), obs.sheet) in run.copied and BIT_OF[obs.measure] in owner.cells:
            found.append((owner, BIT_OF[obs.measure], value + difference))
    if found:
        return found[0] if len(found) == 1 else None
    for obs in cells:
        value = float(obs.value) if obs.value is not None else 0.0
        kind = slip(value, value + difference)
        # adding up to a rounder slip: only digits that were lost, swapped, shifted or negated count
        if kind is not None and abs(difference) > 10 * exact and value + difference > 0:
            owner = _figure(run, obs)
            # a whole row in another unit agrees with itself: then nothing speaks for its cells
            is_scaled = id(obs) in suspects and abs(slip_rest(value, value + difference)) < 0.005
            bit = BIT_OF[obs.measure]
            if owner is not None and bit in owner.cells and (is_scaled or not owner.vouched & bit):
                found.append((owner, bit, value + difference))
    if len(found) > 1:
        # of several that digits would explain, the one that the correction brings nearer to its own past
        found = [one for one in found if _is_clearly_nearer(run, one)]
    return found[0] if len(found) == 1 else None


def _is_clearly_nearer(run: Run, candidate: tuple[Figure, int, float]) -> bool:
    figure, bit, corrected = candidate
    known = figure.known_month if bit == MONTH else figure.known_level
    if bit == STOCK:
        entry = known.get(figure.index - 1)
        typical = entry[0] if entry is not None else None
    else:
        typical = run.past.expected_whole(figure) if bit == YTD else run.past.expected_month(figure)
    now, then = deviance(figure.value(bit), typical), deviance(corrected, typical)
    return now is not None and then is not None and then < 0.5 * now


def _is_nearer(run: Run, figure: Figure, bit: int, value: float, corrected: float) -> bool:
    """Whether the corrected figure is nearer to what the past lets expect; True where the past is silent."""
    if bit in (YTD, STOCK):
        typical = run.past.expected_whole(figure)
    else:
        typical = run.past.expected_month(figure) if bit == MONTH else None
    now, then = deviance(value, typical), deviance(corrected, typical)
    return now is None or then is None or then <= now


def _figure(run: Run, obs: Observation) -> Figure | None:
    row = run.collected.rows.get((obs.unit_id or "", month_index(obs.period)))
    return row.figures.get(obs.indicator_code) if row is not None else None


def _total_growth(run: Run) -> Iterable[Issue]:
    """The growth printed in a total row against the total row's own figures (V10)."""
    rule = run.rule("V10")
    if rule is None:
        return
    rows: dict[tuple[str, str, object, str | None], dict[str, DeclaredTotal]] = {}
    for total in run.intake.parsed.totals:
        rows.setdefault((total.sheet, total.indicator_code, total.period, total.scope), {})[total.measure] = total
    for (sheet, code, _, _), said in rows.items():
        meta = run.context.indicators.get(code)
        growth, base = said.get("declared_growth"), said.get("base_ytd")
        level = said.get("ytd") or said.get("stock")
        if meta is None or not meta.is_additive or growth is None or base is None or level is None or base.value <= 0:
            continue
        computed = (float(level.value) / float(base.value) - 1) * 100
        allowed = max(rule.tolerance_abs or 0.0, 50 * (1 + float(level.value / base.value)) / float(base.value) + 0.051)
        if abs(float(growth.value) - computed) <= allowed:
            continue
        issue = run.context.writer.of_sheet(
            rule,
            "V10.total",
            sheet,
            {
                "name_zh": meta.name_zh,
                "name_en": meta.name_en,
                "growth": number(growth.value),
                "computed": number(computed, 1),
                "level": number(level.value),
                "base": number(base.value),
                **run.context.writer.unit(meta.unit),
            },
            cell=growth.cell,
            raw_text=growth.raw_text,
        )
        issue.indicator_code, issue.period = code, growth.period
        yield issue


def judge_county_row(run: Run) -> Iterable[Issue]:
    """V08: the townships of a workbook against the county's row in the same workbook."""
    rule = run.rule("V08")
    issues: list[Issue] = []
    if rule is None:
        return issues
    county: dict[tuple[str, date, str], Observation] = {}
    for obs in run.intake.parsed.observations:
        if obs.level == "county" and obs.status == "accepted" and obs.value is not None and obs.measure in BIT_OF:
            county[obs.indicator_code, obs.period, obs.measure] = obs
    if not county:
        return issues
    sums: dict[tuple[str, date, str], list[Observation]] = {}
    nulls: dict[tuple[str, date, str], int] = {}
    for obs in run.intake.parsed.observations:
        key = (obs.indicator_code, obs.period, obs.measure)
        if obs.level != "township" or key not in county:
            continue
        if obs.value is not None and obs.status == "accepted":
            sums.setdefault(key, []).append(obs)
        else:
            nulls[key] = nulls.get(key, 0) + 1
    expected = {
        period: sum(row["kind"] != "county_direct" for row in active_townships(run.context.townships, period))
        for period in {key[1] for key in sums}
    }
    for key, parts in sums.items():
        if len({part.unit_id for part in parts}) + nulls.get(key, 0) < expected[key[1]]:
            continue  # a sheet that does not list every township does not claim to add up
        total = county[key]
        meta = run.context.indicators.get(total.indicator_code)
        if meta is None or not meta.is_additive or total.measure == "declared_growth" or len(parts) < 2:
            continue
        own = sum(float(part.value) for part in parts if part.value is not None)
        value = float(total.value) if total.value is not None else 0.0
        printed = max(map(step, parts)) * max(1.0, 0.5 * len(parts) ** 0.5)
        if abs(value - own) <= max(printed, run.tolerance("V08", step(total), value)):
            continue
        variant = "V08.partial" if nulls.get(key) else "V08"
        issues.append(
            run.context.writer.of_cell(
                run.rule(variant) or rule,
                variant,
                total,
                (meta.name_zh, meta.name_en),
                meta.unit,
                {"sum": number(own), "rows": len(parts), "missing": nulls.get(key, 0)}
                | {"difference": number(abs(value - own))},
                quarantines=False,
            )
        )
    return issues


def judge_known_sums(run: Run) -> Iterable[Issue]:
    """V08.known: the county's row against the townships' figures in force, and the other way round (design.md 3.5).

    Judged where every township of the month is known; a county-direct bucket counts where it has a figure. The other
    way round, the issue stands at the townships' sheet. Nothing is said where cells of this workbook are already told to
    be off by exactly the difference.
    """
    rule = run.rule("V08.known")
    issues: list[Issue] = []
    county = run.context.reference.setting("county_code", "")
    if rule is None or not county:
        return issues
    told: set[tuple[str, int, int]] = set()
    inside = {(o.indicator_code, o.period, o.measure) for o in run.intake.parsed.observations if o.level == "county"}
    for figure in run.collected.figures:
        level = figure.row.level
        if level == "enterprise" or not figure.meta.is_additive:
            continue
        for bit in (MONTH, figure.level_bit):
            key = (figure.meta.code, figure.index, bit)
            if key in told or figure.value(bit) is None:
                continue
            told.add(key)
            cell = figure.cells[bit]
            if level == "township" and (cell.indicator_code, cell.period, cell.measure) in inside:
                continue  # the same workbook holds both: V08
            total = (
                figure.value(bit) if level == "county" else run.known_now(figure.meta.code, county, figure.index, bit)
            )
            own = _of_townships(run, figure, bit) if total is not None else None
            if total is None or own is None or abs(total - own) <= run.tolerance("V08.known", step(cell), total):
                continue
            if _is_told_at_cells(run, key, total - own):
                continue
            names = (figure.meta.name_zh, figure.meta.name_en)
            fields = {"total": number(total), "sum": number(own), "difference": number(abs(total - own))}
            issue = run.context.writer.of_cell(rule, "V08.known", cell, names, figure.meta.unit, fields)
            if level == "township":
                issue.cell, issue.unit_id, issue.level, issue.raw_text = None, county, "county", None
            issues.append(issue)
    return issues


def _is_told_at_cells(run: Run, key: tuple[str, int, int], difference: float) -> bool:
    """Whether setting right what this workbook's cells are told of, one of them or all, makes county and townships agree."""
    told = run.amiss.get(key, {})
    allowed = 0.001 * abs(difference) + 1.0
    return any(abs(off - difference) <= allowed for off in (*told.values(), sum(told.values())))


def _of_townships(run: Run, figure: Figure, bit: int) -> float | None:
    """The sum of the townships' figures, None where one is not known."""
    total = 0.0
    for row in active_townships(run.context.townships, figure.row.first.period):
        value = run.known_now(figure.meta.code, row["township_code"], figure.index, bit)
        if value is None and row["kind"] != "county_direct":
            return None
        total += value or 0.0
    return total


def judge_enterprise_sums(run: Run) -> Iterable[Finding]:
    """V09: a township's figure of a scope (03a: above scale) against the sum of its enterprises in that scope."""
    rule = run.rule("V09")
    findings: list[Finding] = []
    if rule is None:
        return findings
    wanted = [
        figure
        for figure in run.collected.figures
        if figure.row.level == "township" and figure.ytd is not None and figure.meta.scope and figure.meta.scope_base
    ]
    if not wanted:
        return findings
    enterprises = run.registers.enterprises(wanted[0].row.first.period)
    for figure in wanted:
        units = run.context.members(figure.meta.scope or "", enterprises).get(figure.row.unit_id, [])
        base = figure.meta.scope_base or ""
        values = [_known(run, base, unit, figure.index) for unit in units]
        if not units or any(value is None for value in values):
            continue
        own = sum(value for value in values if value is not None)
        if abs(own - (figure.ytd or 0.0)) > run.tolerance("V09", step(figure.cells[YTD]), own):
            findings.append(
                Finding(
                    "V09",
                    (Suspect(figure, YTD, own),),
                    {"sum": number(own), "enterprises": len(units)},
                    counts=False,
                    parts=tuple(_parts(run, base, units, figure.index)),
                )
            )
    return findings


def _parts(run: Run, code: str, units: list[str], index: int) -> Iterable[Suspect]:
    """The enterprises' cells of this submission that V09 adds up."""
    for unit_id in units:
        row = run.collected.rows.get((unit_id, index))
        figure = row.figures.get(code) if row is not None else None
        if figure is not None and YTD in figure.cells:
            yield Suspect(figure, YTD)


def _known(run: Run, code: str, unit_id: str, index: int) -> float | None:
    row = run.collected.rows.get((unit_id, index))
    figure = row.figures.get(code) if row is not None else None
    if figure is not None and figure.ytd is not None:
        return figure.ytd
    entry = run.past.own(code, unit_id, "ytd").get(index)
    return entry[0] if entry else None
