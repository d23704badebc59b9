"""Relations between indicators as data: audit_relations.csv, and what indicators.csv implies.

Belongs here: loading and compiling relations, their measures and reach.
Does not belong here: judging them (rules_relations.py), the notation (expressions.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from dagster_project.audit.expressions import Expression, compile_expression, parse_range
from dagster_project.audit.figures import Meta
from dagster_project.reference import Reference, ReferenceError

COMPARISONS = ("<=", "<", "=", ">=", ">")
RANGES = ("in", "peers")  # left within right's low..high; left over its township's median within low..high
OPERATORS = (*COMPARISONS, *RANGES, "constant", "coefficient", "codes")


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation; `codes` are the indicators whose cells it may blame, in the order of the notation.

    `op` beyond comparisons: `in` and `peers` (right is `low..high`), `constant` (equal all year),
    `coefficient` (left is the measured coefficient of the fuel at right), `codes` (only names the indicators a special rule is about).
    `applies_to`: levels and register flags of units, `!` before one excludes; empty: any unit.
    """

    relation_id: str
    rule: str
    form_code: str | None
    left: Expression
    op: str
    right: Expression | None
    bounds: tuple[float, float] | None
    measures: tuple[str, ...]
    tolerance_abs: float | None
    tolerance_rel: float | None
    notation: str  # as people of the bureau write it; empty where no row does
    codes: tuple[str, ...]
    applies_to: tuple[str, ...]
    valid_from: date | None
    valid_to: date | None
    is_universal: bool  # neither form, units nor dates restrict it

    @property
    def is_formula(self) -> bool:
        """Whether a row's figures alone decide it; other operators have procedures of their own."""
        return self.op in COMPARISONS or self.op == "in"

    def spoken(self, names: Mapping[str, str], phrases: Mapping[str, str]) -> str:
        """The relation in words: `names` of indicators by code, `phrases` of the notation's functions and symbols.

        Of a range only what must lie in it: the message says the bounds. `phrases` hold {x} for what a function takes.
        """
        left = _spoken(self.left.text, names, phrases)
        if self.right is None:
            return _FACTOR.sub("", left) if self.bounds else left
        return f"{left} {_SIGNS.get(self.op, self.op)} {_spoken(self.right.text, names, phrases)}"


_SIGNS = {"*": "×", "/": "÷", "-": "−", "<=": "≤", ">=": "≥"}
# A ratio times a power of ten is a ratio in per cent, in yuan: its unit stands with its figure.
_FACTOR = re.compile(r"\b10+ × ")
_TAKEN = re.compile(r"\b(\w+)\(([^()]*)\)")
_NAME = re.compile(r"[A-Za-z_]\w*")


def _spoken(text: str, names: Mapping[str, str], phrases: Mapping[str, str]) -> str:
    """One side of a relation in words; what has none stands as it is written."""
    # Signs first: names hold hyphens too.
    shown = " ".join(_SIGNS.get(part, part) for part in text.split(" "))

    def named(found: re.Match[str]) -> str:
        return names.get(found[0]) or phrases.get(found[0]) or found[0]

    def taken(found: re.Match[str]) -> str:
        said = _NAME.sub(named, found[2])
        if found[1] not in phrases:
            return f"{found[1]}({said})"
        return f"\0{phrases[found[1]].format(x=f'({said})' if ' ' in found[2] else said)}\0"

    parts = _TAKEN.sub(taken, shown).split("\0")
    # What stands between the marks has its names already.
    return "".join(part if odd % 2 else _NAME.sub(named, part) for odd, part in enumerate(parts))


def load_relations(reference: Reference, indicators: Mapping[str, Meta]) -> tuple[Relation, ...]:
    """Every relation of the deployment, compiled; raises ReferenceError naming the row that cannot be read."""
    relations: list[Relation] = []
    said: set[tuple[str, str, str]] = set()
    for row in reference.rows("audit_relations"):
        try:
            relation = _compile(row, indicators)
        except ValueError as error:
            raise ReferenceError(f"audit_relations.csv, {row['relation_id']}: {error}") from None
        said.add((row["left"].replace(" ", ""), row["op"], row["right"].replace(" ", "")))
        relations.append(relation)
    relations.extend(_implied(reference, indicators, said))
    return tuple(relations)


def _compile(row: Mapping, indicators: Mapping[str, Meta]) -> Relation:
    if row["op"] not in OPERATORS:
        raise ValueError(f"op {row['op']!r} is none of {', '.join(OPERATORS)}")
    left = compile_expression(row["left"])
    is_range = row["op"] in RANGES
    right = compile_expression(row["right"]) if row["op"] in (*COMPARISONS, "coefficient") else None
    codes = tuple(dict.fromkeys(left.codes + (right.codes if right else ())))
    unknown = [c for c in (*codes, *left.shifted, *(right.shifted if right else ())) if c not in indicators]
    if unknown:
        raise ValueError(f"indicator {', '.join(unknown)} is not in indicators.csv")
    return Relation(
        row["relation_id"],
        row["rule"],
        row["form_code"],
        left,
        row["op"],
        right,
        parse_range(row["right"]) if is_range else None,
        _measures(row["measures"], codes, indicators),
        float(row["tolerance_abs"]) if row["tolerance_abs"] is not None else None,
        float(row["tolerance_rel"]) if row["tolerance_rel"] is not None else None,
        row["notation"] or "",
        codes,
        tuple(part.strip() for part in (row["applies_to"] or "").split("|") if part.strip()),
        row["valid_from"],
        row["valid_to"],
        not (row["form_code"] or row["applies_to"] or row["valid_from"] or row["valid_to"]),
    )


def _measures(declared: str | None, codes: tuple[str, ...], indicators: Mapping[str, Meta]) -> tuple[str, ...]:
    if declared:
        return tuple(part.strip() for part in declared.split("|"))
    if all(indicators[code].kind == "stock" for code in codes):
        return ("stock",)
    return ("month", "ytd")


def _implied(reference: Reference, indicators: Mapping[str, Meta], said: set[tuple[str, str, str]]) -> list[Relation]:
    """A part is not more than its whole; parts that are exhaustive add up to it (indicators.parent_code)."""
    implied: list[Relation] = []
    exhaustive: dict[str, list[str]] = {}
    for row in reference.rows("indicators"):
        code, parent = row["indicator_code"], row["parent_code"]
        if not parent or parent not in indicators:
            continue
        part, whole = indicators[code], indicators[parent]
        if not part.is_additive or not whole.is_additive or part.unit != whole.unit or whole.is_signed:
            continue
        if row["is_exhaustive"]:
            exhaustive.setdefault(parent, []).append(code)
        if part.is_signed or (code, "<=", parent) in said:
            continue
        implied.append(_implied_row(f"{code}-in-{parent}", "V05", code, "<=", parent, indicators))
    for parent, parts in exhaustive.items():
        left = " + ".join(sorted(parts))
        if len(parts) > 1 and (left.replace(" ", ""), "=", parent) not in said:
            implied.append(_implied_row(f"{parent}-whole", "V06", left, "=", parent, indicators))
    return implied


def _implied_row(
    relation_id: str, rule: str, left: str, op: str, right: str, indicators: Mapping[str, Meta]
) -> Relation:
    row = dict.fromkeys(
        ("form_code", "measures", "tolerance_abs", "tolerance_rel", "notation", "applies_to", "valid_from", "valid_to")
    )
    return _compile(
        {**row, "relation_id": relation_id, "rule": rule, "left": left, "op": op, "right": right}, indicators
    )


LEVELS = ("county", "township", "enterprise")


def is_about(relation: Relation, level: str | None, form_code: str) -> bool:
    """Whether a relation is about this form, and units of this level."""
    if relation.form_code and relation.form_code != form_code:
        return False
    levels = [part for part in relation.applies_to if part in LEVELS]
    return not levels or level in levels


def reaches(relation: Relation, flags: object, at: date) -> bool:
    """Whether a relation that is about a unit's form and level reaches the unit in this month. `flags` is its register
    entry, or None."""
    if relation.is_universal:
        return True
    if (relation.valid_from and at < relation.valid_from) or (relation.valid_to and at > relation.valid_to):
        return False
    for part in relation.applies_to:
        if part in LEVELS:
            continue
        wanted = not part.startswith("!")
        if bool(getattr(flags, part.lstrip("!"), False)) != wanted:
            return False
    return True
