"""Rules as data: severity, tolerances and bounds of each rule and variant.

Belongs here: reading audit_rules.csv into `Rule` records, and the tolerance of a comparison.
Does not belong here: what a rule compares (rules_*.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.ingest.model import Severity
from dagster_project.reference import Reference


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of audit_rules.csv. `key` may name a variant (`V12.month`); `rule` is what an issue carries (`V12`).

    `tolerance_abs` counts printed units (the last printed digit's step), or is said by the rule's own docstring.
    """

    key: str
    rule: str
    severity: Severity
    is_active: bool
    quarantines: bool
    tolerance_abs: float | None
    tolerance_rel: float | None
    low: float | None
    high: float | None


def _number(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]


class RuleBook:
    """Rules by key; a variant without a row of its own is judged by its rule's row."""

    def __init__(self, reference: Reference) -> None:
        self._rules: dict[str, Rule] = {}
        self._resolved: dict[str, Rule | None] = {}
        for row in reference.rows("audit_rules"):
            self._rules[row["rule"]] = Rule(
                row["rule"],
                row["rule"].partition(".")[0],
                row["severity"],
                row["is_active"],
                row["quarantines"],
                _number(row["tolerance_abs"]),
                _number(row["tolerance_rel"]),
                _number(row["low"]),
                _number(row["high"]),
            )

    def get(self, key: str) -> Rule | None:
        """The rule or variant, None where neither is declared or active: then it is not judged."""
        try:
            return self._resolved[key]
        except KeyError:
            return self._resolved.setdefault(key, self._resolve(key))

    def _resolve(self, key: str) -> Rule | None:
        base = self._rules.get(key.partition(".")[0])
        if base is None or not base.is_active:
            return None
        rule = self._rules.get(key, base)
        return rule if rule.is_active else None

    def is_active(self, key: str) -> bool:
        return self.get(key) is not None
