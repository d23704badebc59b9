"""What a rule may ask: the reference data compiled once, and the state of one run.

Belongs here: `AuditContext` (per deployment), `Run` (per submission), the small protocol of the registers.
Does not belong here: rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from dagster_project.audit.accidents import AccidentClass, load_classes
from dagster_project.audit.expressions import PHRASES
from dagster_project.audit.figures import MEASURE_OF, Collected, Meta, Past, Row, load_indicators, load_links
from dagster_project.audit.findings import Texts, Writer
from dagster_project.audit.relations import Relation, is_about, load_relations
from dagster_project.audit.rulebook import Rule, RuleBook
from dagster_project.ingest.model import Coverage, Intake, KnownEnterprise, Submission
from dagster_project.reference import Reference

# Months and scopes of which the members are remembered.
MEMBERS_KEPT = 200
IDLE = frozenset({"suspended", "closed", "construction"})


class Registers(Protocol):
    """What audit asks of the registers, as they stood in the month that it judges."""

    def enterprise(self, enterprise_id: str, day: date) -> KnownEnterprise | None: ...

    def enterprises(self, day: date) -> Iterable[KnownEnterprise]: ...


class NoRegisters:
    """Registers of an empty home."""

    def enterprise(self, enterprise_id: str, day: date) -> KnownEnterprise | None:
        return None

    def enterprises(self, day: date) -> Iterable[KnownEnterprise]:
        return ()


@dataclass(frozen=True, slots=True)
class Scope:
    """A set of enterprises by flags of the register and industry (scopes.csv)."""

    code: str
    flags: tuple[str, ...]
    industry: re.Pattern[str] | None

    def holds(self, enterprise: KnownEnterprise) -> bool:
        if any(not getattr(enterprise, flag, False) for flag in self.flags):
            return False
        return self.industry is None or bool(self.industry.search(enterprise.industry_code or ""))


class AuditContext:
    """Reference data compiled for judging: rules, relations, indicators, classes. Built once, then shared."""

    def __init__(self, reference: Reference, messages: Texts) -> None:
        self.reference = reference
        self.rules = RuleBook(reference)
        self.indicators: dict[str, Meta] = load_indicators(reference)
        self.relations: tuple[Relation, ...] = load_relations(reference, self.indicators)
        self._by_rule: dict[str, tuple[Relation, ...]] = {}
        for relation in self.relations:
            base = relation.rule.partition(".")[0]
            self._by_rule[base] = (*self._by_rule.get(base, ()), relation)
        # energy: coefficients of a fuel in a month
        self.coefficients: dict[tuple[str, date], list[Any]] = {}
        self.links = load_links(reference)
        self.classes: tuple[AccidentClass, ...] = load_classes(reference)
        self.forms: dict[str, Mapping[str, Any]] = {row["form_code"]: row for row in reference.rows("forms")}
        self.adding_forms = frozenset(code for code, row in self.forms.items() if row["repeated_rows"] == "add")
        # forms in which the county lists every unit of a scope
        self.list_forms = frozenset(
            code for code, row in self.forms.items() if row["expected_scope"] and row["reporter_level"] == "county"
        )
        self.townships: tuple[Mapping[str, Any], ...] = reference.rows("townships")
        self.scopes: dict[str, Scope] = {
            row["scope"]: Scope(
                row["scope"],
                tuple(flag for flag in (row["flag"], row["flag_2"]) if flag),
                re.compile(row["industry_pattern"]) if row["industry_pattern"] else None,
            )
            for row in reference.rows("scopes")
        }
        self.texts = frozenset(row["key"] for row in reference.rows("messages"))
        self.writer = Writer(messages)
        phrases = {name: messages.word(f"audit.notation.{name}", "") for name in PHRASES}
        # zh, en: names of indicators, and what the notation's functions and symbols are called
        self._words = [
            (
                {code: meta.name_zh if at == 0 else meta.name_en for code, meta in self.indicators.items()},
                {name: said[at] for name, said in phrases.items() if said[at]},
            )
            for at in (0, 1)
        ]
        self._members: dict[tuple[str, int], tuple[Iterable[KnownEnterprise], dict[str, list[str]]]] = {}
        self.stocks = frozenset(code for code, meta in self.indicators.items() if meta.kind == "stock")
        self._applicable: dict[
            tuple[frozenset[str], str | None, str], tuple[tuple[Relation, tuple[str, ...]], ...]
        ] = {}

    def members(self, scope_code: str, enterprises: Iterable[KnownEnterprise]) -> Mapping[str, list[str]]:
        """Township -> its enterprises of a scope that are not closed; remembered for the same tuple of enterprises."""
        key = (scope_code, id(enterprises))
        known = self._members.get(key)
        if known is not None and known[0] is enterprises:
            return known[1]
        found: dict[str, list[str]] = {}
        scope = self.scopes.get(scope_code)
        for enterprise in enterprises:
            if scope is not None and enterprise.unit_status != "closed" and scope.holds(enterprise):
                found.setdefault(enterprise.township_code or "", []).append(enterprise.enterprise_id)
        if isinstance(enterprises, tuple):
            if len(self._members) > MEMBERS_KEPT:
                self._members.clear()
            self._members[key] = (enterprises, found)
        return found

    def applicable(
        self, codes: frozenset[str], level: str | None, form_code: str
    ) -> tuple[tuple[Relation, tuple[str, ...]], ...]:
        """Active relations about a unit of this level in this form that name at least one of these indicators, each with
        those it needs from elsewhere; whether it reaches the unit itself, and the month, is still to be asked.

        Kept: the rows of a form come again and again with the same indicators.
        """
        key = codes, level, form_code
        found = self._applicable.get(key)
        if found is None:
            found = self._applicable[key] = tuple(
                (relation, tuple(code for code in relation.codes if code not in codes))
                for relation in self.relations
                if relation.is_formula
                and self.rules.is_active(relation.rule)
                and not codes.isdisjoint(relation.codes)
                and is_about(relation, level, form_code)
            )
        return found

    def notation(self, relation: Relation) -> dict[str, object]:
        """A relation as fields of a message: `notation` as the bureau writes it or in words, `notation_en`."""
        zh, en = (relation.spoken(*words) for words in self._words)
        return {"notation": relation.notation or zh, "notation_en": en}

    def relations_of(self, rule: str) -> tuple[Relation, ...]:
        """The relations of a rule and its variants."""
        return self._by_rule.get(rule, ())

    def form_names(self, form_code: str) -> tuple[str, str]:
        row = self.forms.get(form_code)
        return (row["name_zh"], row["name_en"]) if row else (form_code, form_code)


@dataclass(slots=True)
class Run:
    """One submission being judged."""

    context: AuditContext
    intake: Intake
    past: Past
    registers: Registers
    submission: Submission | None
    collected: Collected = field(default_factory=Collected)
    # sheets and months that are refused as a whole (V34): nothing more is asked of them
    refused: set[tuple[str, date]] = field(default_factory=set)
    # rows that are last month's in a sheet (V19.row), by identity and sheet
    copied: set[tuple[int, str]] = field(default_factory=set)
    # what rows say of their own units: (unit, month) -> coverage
    said: dict[tuple[str, date], Coverage] = field(default_factory=dict)
    # townships' cells that a rule says what they should read: (indicator, month, measure) -> cell -> what it lacks
    amiss: dict[tuple[str, int, int], dict[tuple[str, str], float]] = field(default_factory=dict)
    rule: Callable[[str], Rule | None] = field(init=False)

    def __post_init__(self) -> None:
        self.rule = self.context.rules.get
        for item in self.intake.parsed.coverage:
            if item.unit_id is not None:
                self.said.setdefault((item.unit_id, item.period), item)

    def is_loud(self, key: str) -> bool:
        """Whether a rule that fires asks for an answer."""
        rule = self.rule(key)
        return rule is not None and rule.severity != "info"

    def tolerance(self, key: str, printed: float, expected: float) -> float:
        """max(tolerance_abs printed steps, tolerance_rel of what is expected)."""
        rule = self.rule(key)
        if rule is None:
            return 0.0
        return max((rule.tolerance_abs or 0.0) * printed, (rule.tolerance_rel or 0.0) * abs(expected))

    def form_names(self, form_code: str) -> tuple[str, str]:
        return self.context.form_names(form_code)

    def known_now(self, code: str, unit_id: str, index: int, bit: int) -> float | None:
        """A unit's figure as this workbook has it, else as it is in force; None where this workbook leaves it blank."""
        row = self.collected.rows.get((unit_id, index))
        own = row.figures.get(code) if row is not None else None
        if own is not None and (own.value(bit) is not None or bit in own.cells):
            return own.value(bit)
        entry = self.past.own(code, unit_id, MEASURE_OF[bit]).get(index)
        return entry[0] if entry else None

    def register_of(self, row: Row) -> KnownEnterprise | None:
        """The register's word on the enterprise of a row, as it stood in that month."""
        return self.registers.enterprise(row.unit_id, row.first.period) if row.level == "enterprise" else None

    def is_idle(self, row: Row) -> bool:
        """Whether the unit stands still, as this workbook says, else as the register does."""
        said = self.said.get((row.unit_id, row.first.period))
        if said is not None and (said.told is not None or said.status in IDLE):
            return said.told in IDLE or said.status in IDLE
        known = self.register_of(row)
        return known is not None and known.unit_status in IDLE
