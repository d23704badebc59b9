"""From "these figures do not agree" to "this cell is at fault": evidence, blame, and the issue that a clerk reads.

Belongs here: `Finding` (a rule that fired, with the cells it may be about), who is blamed, the wording of an issue.
Does not belong here: the rules themselves (rules_*.py).

Blame: a cell that an exact agreement with independent figures speaks for (its sum with last month, its printed
growth, its column's total, last year's figure) is not suspected while another one is left. Of the rest, the one that
fails the most rules; then the one further from what the past lets expect; then the first that the rule names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from dagster_project.audit.figures import MEASURE_OF, Figure
from dagster_project.audit.history import Acceptance
from dagster_project.audit.rulebook import Rule
from dagster_project.ingest.model import Issue, Observation, Severity


class Texts(Protocol):
    """The part of ingest.messages.Messages that audit uses."""

    def render(self, key: str, **fields: object) -> tuple[str, str]: ...

    def word(self, key: str, otherwise: str) -> tuple[str, str]: ...


@dataclass(slots=True)
class Suspect:
    """One cell that may be at fault; `expected` is what it should read if it is; `deviance` how odd it looks."""

    figure: Figure
    bit: int
    expected: float | None = None
    deviance: float | None = None

    @property
    def cell(self) -> Observation:
        return self.figure.cells[self.bit]

    @property
    def key(self) -> tuple[int, int]:
        return id(self.figure), self.bit


@dataclass(slots=True)
class Finding:
    """A rule or variant (`key`) that fired. `numbers` fill the message; `also` is the variant's key for further cells."""

    key: str
    suspects: tuple[Suspect, ...]
    numbers: Mapping[str, object] = field(default_factory=dict)
    # message key without "audit.", where it is not the rule's own
    text: str | None = None
    also: str | None = None
    counts: bool = True  # whether it is evidence against its cells, or only worth a remark
    # cells that the finding adds up: where another rule blames one of them, it says nothing new
    parts: tuple[Suspect, ...] = ()


@dataclass(slots=True)
class Verdict:
    """The blamed suspect of a finding; `decided` is False where nothing but the rule's own order spoke."""

    finding: Finding
    blamed: Suspect
    decided: bool


def deviance(value: float | None, expected: float | None) -> float | None:
    """Distance of a figure from what is expected, as |log ratio|; infinite where signs differ, None where unknown."""
    if value is None or expected is None or expected <= 0:
        return None
    return abs(math.log(value / expected)) if value > 0 else math.inf


def blame(findings: Sequence[Finding]) -> list[Verdict]:
    """Decides for each finding which of its cells is at fault."""
    failures: dict[tuple[int, int], int] = {}
    for finding in findings:
        if finding.counts and len(finding.suspects) > 0:
            for suspect in finding.suspects:
                failures[suspect.key] = failures.get(suspect.key, 0) + 1
    return [_blame_one(finding, failures) for finding in findings if finding.suspects]


def _blame_one(finding: Finding, failures: Mapping[tuple[int, int], int]) -> Verdict:
    suspects = finding.suspects
    if len(suspects) == 1:
        return Verdict(finding, suspects[0], True)
    unvouched = [s for s in suspects if not s.figure.vouched & s.bit]
    if len(unvouched) == 1:
        return Verdict(finding, unvouched[0], True)
    if not unvouched:
        return Verdict(finding, suspects[0], False)
    most = max(failures.get(s.key, 0) for s in unvouched)
    guilty = [s for s in unvouched if failures.get(s.key, 0) == most]
    if len(guilty) == 1:
        return Verdict(finding, guilty[0], True)
    weighed = [s for s in guilty if s.deviance is not None]
    if len(weighed) == len(guilty):
        ordered = sorted(weighed, key=lambda s: -(s.deviance or 0.0))
        first, second = ordered[0].deviance or 0.0, ordered[1].deviance or 0.0
        # a fifth apart on the log scale: closer than that the past decides nothing
        if (math.isinf(first) and not math.isinf(second)) or first - second > 0.18:
            return Verdict(finding, ordered[0], True)
    return Verdict(finding, guilty[0], False)


def number(value: float | Decimal | None, decimals: int = 2) -> str:
    """A figure as people write it: no exponent, no trailing zeros, at most `decimals` decimals, six where it is tiny."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if value and abs(value) < 10.0**-decimals:
        decimals = 6
    text = f"{value:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def slip(value: float, expected: float | None) -> tuple[str, dict[str, object]] | None:
    """What kind of slip turns `expected` into `value`: (hint key, fields), or None.

    Power of ten (within 2 %, or 25 % from 100 on where expected is only an estimate), sign, digits lost, digits
    swapped. Meant as advice in the message, never as a correction.
    """
    if not expected or not value:
        return None
    if abs(value + expected) <= 0.001 * abs(expected):
        return "sign", {}
    ratio = value / expected
    if ratio > 0:
        power = round(math.log10(ratio))
        rest = ratio / 10.0**power
        if (abs(power) >= 1 and abs(rest - 1) < 0.02) or (abs(power) >= 2 and 0.75 < rest < 1.33):
            return ("times" if power > 0 else "divided"), {"factor": f"{10 ** abs(power)}"}
    read, meant = number(abs(value)).replace(".", ""), number(abs(expected)).replace(".", "")
    if len(read) == len(meant) and read != meant and sorted(read) == sorted(meant):
        return "swapped", {}
    if len(read) + 1 == len(meant) and _is_shortened(read, meant):
        return "lost", {}
    if len(read) == len(meant) + 1 and _is_shortened(meant, read):
        return "doubled", {}
    return None


def is_swapped(value: float, expected: float) -> bool:
    """Whether two figures hold the same digits, two neighbours exchanged."""
    read, meant = number(abs(value)), number(abs(expected))
    if len(read) != len(meant) or value * expected <= 0:
        return False
    apart = [i for i in range(len(read)) if read[i] != meant[i]]
    return len(apart) == 2 and apart[1] - apart[0] == 1 and read[apart[0]] == meant[apart[1]]


def slip_rest(value: float, expected: float) -> float:
    """How far value / expected is from a whole power of ten, as a share: 0.0 where only the unit differs."""
    ratio = value / expected
    return ratio / 10.0 ** round(math.log10(ratio)) - 1 if ratio > 0 else math.inf


def _is_shortened(short: str, long: str) -> bool:
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


class Writer:
    """Makes issues: names the figure, what was read, what was expected, and what to do, in both languages."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._measures = {
            measure: texts.render(f"audit.measure.{measure}")
            for measure in (
                "month",
                "ytd",
                "stock",
                "base_month",
                "base_ytd",
                "declared_growth",
                "target",
                "target_growth",
                "target_stretch",
            )
        }

    def status(self, status: str) -> tuple[str, str]:
        """The word for a unit's status."""
        return self._texts.render(f"audit.status.{status}")

    def measure(self, measure: str) -> tuple[str, str]:
        return self._measures[measure]

    def unit(self, unit: str) -> dict[str, str]:
        """A unit of measurement as fields of a message: `unit` in Chinese, `unit_en`; one without a text stands as it is."""
        return {"unit": unit, "unit_en": self._texts.word(f"audit.unit.{unit}", unit)[1]}

    def missed(self, cell: str | None) -> dict[str, str]:
        """The row that a total seems to leave out, as fields of a message; nothing where none explains it."""
        zh, en = self._texts.render("audit.missed", cell=cell) if cell else ("", "")
        return {"missed_zh": zh, "missed_en": f" {en}" if en else ""}

    def accepted(self, issue: Issue, acceptance: Acceptance) -> tuple[str, str]:
        """An issue's words, with the acceptance that answers it."""
        return self._texts.render(
            "audit.accepted",
            said_zh=issue.message_zh,
            said_en=issue.message_en,
            period=f"{acceptance.period:%Y-%m}",
            by=acceptance.by,
            reason=acceptance.reason,
        )

    def hint(self, value: float | None, expected: float | None, is_exact: bool = True) -> tuple[str, str]:
        """The likely slip as a sentence in both languages, or two empty texts.

        Digits are only compared with an exact expectation; an estimate tells no more than the power of ten.
        """
        found = slip(value, expected) if value is not None else None
        if found is not None and not is_exact and found[0] not in ("times", "divided"):
            found = None
        return self._texts.render(f"audit.hint.{found[0]}", **found[1]) if found else ("", "")

    def of_cell(
        self,
        rule: Rule,
        key: str,
        obs: Observation,
        names: tuple[str, str],
        unit: str,
        fields: Mapping[str, object],
        hint: tuple[str, str] = ("", ""),
        severity: Severity | None = None,
        quarantines: bool | None = None,
    ) -> Issue:
        """An issue about one observation. `names` are the indicator's in zh and en."""
        measure_zh, measure_en = self._measures[obs.measure]
        who = obs.unit.name or obs.unit.township or obs.unit.identifier or obs.unit_id or ""
        zh, en = self._texts.render(
            f"audit.{key}",
            **{
                "who": who,
                "name_zh": names[0] + measure_zh,
                "name_en": f"{names[1]}, {measure_en}",
                "indicator_zh": names[0],
                "indicator_en": names[1],
                **self.unit(unit),
                "read": number(obs.value) if obs.value is not None else obs.raw_text,
                "raw": obs.raw_text,
                "cell": obs.cell,
                "sheet": obs.sheet,
                "period": f"{obs.period:%Y-%m}",
                "hint_zh": hint[0],
                "hint_en": f" {hint[1]}" if hint[1] else "",
                **fields,
            },
        )
        chosen = severity or rule.severity
        keeps_out = rule.quarantines and chosen == "error" if quarantines is None else quarantines
        return Issue(
            rule.rule,
            chosen,
            zh,
            en,
            sheet=obs.sheet,
            cell=obs.cell,
            raw_text=obs.raw_text,
            indicator_code=obs.indicator_code,
            level=obs.level,
            unit_id=obs.unit_id,
            period=obs.period,
            quarantines=keeps_out,
        )

    def of_sheet(
        self,
        rule: Rule,
        key: str,
        sheet: str | None,
        fields: Mapping[str, object],
        cell: str | None = None,
        raw_text: str | None = None,
        severity: Severity | None = None,
    ) -> Issue:
        """An issue about a sheet, a declared total or a row that is no observation."""
        zh, en = self._texts.render(f"audit.{key}", **{"sheet": sheet or "", "cell": cell or "", **fields})
        return Issue(rule.rule, severity or rule.severity, zh, en, sheet=sheet, cell=cell, raw_text=raw_text)

    def of_verdict(self, rule: Rule, verdict: Verdict, other: Suspect | None = None) -> Issue:
        """The issue of a verdict at the blamed cell; with `other`, at another cell of an undecided finding."""
        finding = verdict.finding
        suspect = other or verdict.blamed
        meta = suspect.figure.meta
        key = finding.text or finding.key if other is None or finding.also is None else finding.also
        rest: Iterable[str] = (s.cell.cell for s in finding.suspects if s is not suspect)
        fields = {
            "expected": number(suspect.expected),
            "others": ", ".join(dict.fromkeys(rest)),
            "measure": MEASURE_OF[suspect.bit],
            **finding.numbers,
        }
        return self.of_cell(
            rule,
            key,
            suspect.cell,
            (meta.name_zh, meta.name_en),
            meta.unit if suspect.cell.measure != "declared_growth" else "",
            fields,
            self.hint(suspect.figure.value(suspect.bit), suspect.expected, finding.counts),
        )
