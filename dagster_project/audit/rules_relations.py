"""The general audit relations (V05, V06 and every rule whose formula is a row of audit_relations.csv).

Belongs here: evaluating a relation over a unit's month and saying which cells it may blame.
Does not belong here: the relations (data), rules with a procedure of their own (rules_*.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from dagster_project.audit.context import Run
from dagster_project.audit.figures import BIT_OF, MONTH, STOCK, YTD, Figure, Row, step
from dagster_project.audit.findings import Finding, Suspect, deviance, number
from dagster_project.audit.relations import Relation, reaches


class RowScope:
    """The figures of one unit and month, for expressions: the submission's own first, then those in force."""

    __slots__ = ("measure", "row", "run", "used")

    def __init__(self, run: Run, row: Row, measure: str) -> None:
        self.run = run
        self.row = row
        self.measure = measure
        self.used: list[tuple[Figure, int]] = []

    def _measure_of(self, code: str) -> str:
        return "stock" if code in self.run.context.stocks else self.measure

    def figure(self, code: str, shift: str | None) -> float | None:
        measure = self._measure_of(code)
        index = self.row.index
        if shift is None:
            figure = self.row.figures.get(code)
            if figure is not None:
                bit = BIT_OF[measure]
                value = figure.value(bit)
                if value is not None:
                    self.used.append((figure, bit))
                    return value
                if bit in figure.cells:
                    return None  # said to be blank: an earlier figure does not stand in for it
            entry = self.run.past.own(code, self.row.unit_id, measure).get(index)
            return entry[0] if entry else None
        if shift == "prev":
            if self.row.month_no == 1 and measure != "stock":
                return None
            index -= 1
        elif shift == "start":
            index -= self.row.month_no
        else:
            index -= 12
        entry = self.run.past.months(code, self.row.unit_id, measure, self.row.index).get(index)
        return entry[0] if entry else None

    def growth(self, code: str) -> float | None:
        value = self.figure(code, None)
        figure = self.row.figures.get(code)
        base = figure.base if figure is not None and self.measure != "month" else None
        if base is None:
            base = self.figure(code, "lastyear")
        return (value / base - 1) * 100 if value is not None and base is not None and base > 0 else None

    def symbol(self, name: str) -> float | None:
        if name == "tau":
            return self.row.month_no / 12
        if name == "capacity":
            known = self.run.register_of(self.row)
            return float(known.capacity) if known is not None and known.capacity else None
        raise KeyError(name)


def judge_relations(run: Run) -> Iterable[Finding]:
    """Every relation over every row it applies to."""
    findings: list[Finding] = []
    for row in run.collected.rows.values():
        relations = run.context.applicable(frozenset(row.figures), row.level, row.first.form_code)
        if not relations:
            continue
        scopes: dict[str, RowScope] = {}
        flags = run.register_of(row)
        for relation, elsewhere in relations:
            if elsewhere and not all(_is_known(run, row, code) for code in elsewhere):
                continue
            if not reaches(relation, flags, row.first.period):
                continue
            for measure in relation.measures:
                scope = scopes.get(measure)
                if scope is None:
                    scope = scopes[measure] = RowScope(run, row, measure)
                finding = judge_relation(scope, relation)
                if finding is not None:
                    findings.append(finding)
    return findings


def _is_known(run: Run, row: Row, code: str) -> bool:
    measure = "stock" if code in run.context.stocks else "ytd"
    return row.index in run.past.own(code, row.unit_id, measure)


def judge_relation(scope: RowScope, relation: Relation) -> Finding | None:
    """One relation over one row and measure, or None where it holds or a figure is unknown."""
    run = scope.run
    scope.used.clear()
    left = relation.left.evaluate(scope)
    if left is None:
        return None
    right = relation.right.evaluate(scope) if relation.right is not None else None
    if not scope.used:
        return None
    if relation.bounds is not None:
        low, high = relation.bounds
        if low <= left <= high:
            return None
        return relation_finding(run, relation, scope, left, {"low": number(low), "high": number(high)})
    if right is None or _holds(left, relation.op, right):
        return None
    printed = max(step(figure.cells[bit]) for figure, bit in scope.used)
    rule = run.rule(relation.rule)
    absolute = relation.tolerance_abs
    relative = relation.tolerance_rel
    if absolute is None:
        absolute = ((rule.tolerance_abs if rule else None) or 0.0) * printed
    if relative is None:
        relative = (rule.tolerance_rel if rule else None) or 0.0
    if abs(left - right) <= max(absolute, relative * max(abs(left), abs(right))) + 1e-9:
        return None
    return relation_finding(
        run, relation, scope, left, {"right": number(right), "difference": number(abs(left - right))}
    )


def _holds(left: float, op: str, right: float) -> bool:
    if op == "<=":
        return left <= right
    if op == "=":
        return left == right
    if op == ">=":
        return left >= right
    return left < right if op == "<" else left > right


def relation_finding(run: Run, relation: Relation, scope: RowScope, left: float, fields: dict[str, object]) -> Finding:
    suspects = tuple(
        Suspect(figure, bit, None, _oddness(run, figure, bit)) for figure, bit in _order(relation, scope.used)
    )
    key = relation.rule
    base = key.partition(".")[0]
    also = f"{key}.also" if base in ("V05", "V21") and relation.bounds is None else None
    names = [run.context.indicators[code] for code in relation.codes]
    return Finding(
        key,
        suspects,
        {
            "left": number(left, 3),
            **run.context.notation(relation),
            "parts_zh": "、".join(meta.name_zh for meta in names),
            "parts_en": ", ".join(meta.name_en for meta in names),
            **fields,
        },
        # a relation that a deployment adds under a rule without a text of its own is told in general words
        text=None if f"audit.{key}" in run.context.texts else ("range" if relation.bounds else "relation"),
        also=also,
        counts=base in ("V05", "V06", "V21"),
    )


def _order(relation: Relation, used: list[tuple[Figure, int]]) -> list[tuple[Figure, int]]:
    """The cells a relation may blame, the likeliest first.

    A side that is one indicator is what the other side computes: a ratio printed beside its numerator and denominator
    is the only suspect, a balance's result the first.
    """
    cells = list(dict.fromkeys(used))
    if relation.op != "=" or relation.right is None:
        return cells
    sides = [side for side in (relation.left, relation.right) if len(side.codes) == 1 and side.text == side.codes[0]]
    result = [cell for cell in cells if any(cell[0].meta.code == side.codes[0] for side in sides)]
    if any(cell[0].meta.kind == "ratio" for cell in result):
        return result
    return result + [cell for cell in cells if cell not in result]


def _oddness(run: Run, figure: Figure, bit: int) -> float | None:
    """How far a cell is from what its own past, or the base printed beside it, lets expect."""
    value = figure.value(bit)
    typical = run.past.expected_month(figure)
    if bit == MONTH:
        return deviance(value, typical)
    if bit == YTD:
        if figure.base is not None and figure.base > 0:
            return deviance(value, figure.base)
        return deviance(value, typical * figure.month_no if typical is not None else None)
    if bit == STOCK:
        median_stock = run.past.typical(figure.meta.code, figure.row.unit_id, "stock", figure.index)
        if median_stock is not None:
            return deviance(value, median_stock[0])
        return deviance(value, figure.base)
    return None


def judge_constant(run: Run) -> Iterable[Finding]:
    """Figures that must not change within the year (V27: stock at the year's beginning)."""
    findings: list[Finding] = []
    for relation in run.context.relations:
        if relation.op != "constant" or not run.context.rules.is_active(relation.rule):
            continue
        code = relation.codes[0]
        by_year: dict[tuple[str, int], list[Figure]] = {}
        for row in run.collected.rows.values():
            figure = row.figures.get(code)
            if figure is not None and figure.level is not None:
                by_year.setdefault((row.unit_id, row.index // 12), []).append(figure)
        for (unit_id, year), figures in by_year.items():
            findings.extend(_constant(run, relation, unit_id, year, figures))
    return findings


def _constant(run: Run, relation: Relation, unit_id: str, year: int, figures: list[Figure]) -> Iterable[Finding]:
    measure = "stock" if figures[0].level_bit == STOCK else "ytd"
    known = run.past.own(relation.codes[0], unit_id, measure)
    earlier = [known[index][0] for index in range(year * 12, year * 12 + 12) if index in known]
    values = earlier or [figure.level for figure in figures if figure.level is not None]
    expected = max(set(values), key=lambda value: (values.count(value), -values.index(value)))
    for figure in figures:
        level = figure.level
        if level is not None and abs(level - expected) > step(figure.cells[figure.level_bit]):
            yield Finding(
                f"{relation.rule}.constant",
                (Suspect(figure, figure.level_bit, expected),),
                run.context.notation(relation),
            )
