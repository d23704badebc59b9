"""The words of a deployment, compiled once: headings, indicators, units, patterns, forms (docs/architecture.md).

Belongs here: turning reference rows into lookups, reading one heading or name by itself.
Does not belong here: where on a sheet a word stands (recognise.py), registers of units (resolve.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dagster_project.ingest.messages import Messages
from dagster_project.ingest.periods import Period, PeriodFinder
from dagster_project.ingest.text import normalise
from dagster_project.ingest.units import Unit, UnitBook
from dagster_project.ingest.values import FigureReader
from dagster_project.reference import Reference


@dataclass(frozen=True, slots=True)
class Indicator:
    """What reading needs of a row of indicators.csv."""

    code: str
    name_zh: str
    name_en: str
    unit: str
    dimension: str
    kind: str  # flow, stock, ratio, count
    target_form: str | None
    grains: frozenset[str]  # of C, T, E; empty: any
    parent: str | None
    factor: Decimal  # of its own unit to the dimension's stored unit

    def allows(self, level: str) -> bool:
        return not self.grains or {"county": "C", "township": "T", "enterprise": "E"}[level] in self.grains


@dataclass(frozen=True, slots=True)
class Form:
    """One row of forms.csv with its settings and signature."""

    code: str
    layout: str
    subject: str
    unit_level: str
    period_grain: str
    reporter_level: str
    source_rank: int
    repeated_rows: str
    registers_units: bool
    default_units: tuple[Unit, ...]
    settings: dict[str, str]
    signature: tuple[tuple[str, float, bool], ...]
    name_zh: str
    name_en: str

    @property
    def required(self) -> frozenset[str]:
        """Parts of the signature without which a table is not this form."""
        return frozenset(part for part, _, is_required in self.signature if is_required)

    @property
    def min_score(self) -> float:
        return float(self.settings.get("min_score", "0.55"))


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning of a heading's text.

    `kind`: field, measure, ignore, indicator, unit. `name`: role, measure or code. `form`: only in this form.
    `within`: only as a part of this indicator.
    """

    kind: str
    name: str
    form: str | None = None
    within: str | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A heading's text taken apart.

    `readings` are alternatives (the form decides); `extra` are measures said besides, as in 'output (cumulative)';
    then the unit, period and 'of which' mark that the text carries.
    """

    text: str
    readings: tuple[Reading, ...] = ()
    extra: tuple[Reading, ...] = ()
    units: tuple[Unit, ...] = ()
    unknown_unit: str | None = None
    period: Period | None = None
    is_part: bool = False

    @property
    def is_known(self) -> bool:
        return bool(self.readings) or bool(self.extra) or self.period is not None


_PARENTHESIS = re.compile(r"^(?P<before>.*?)\((?P<inner>[^()]*)\)(?P<after>[^()]*)$")
# what may stand between a heading's parts once they are taken apart; a full stop at the end may close an abbreviation
_BEHIND = ":,;/\u3001\u3002"
_BEFORE = _BEHIND + "."


def _trim(normal: str) -> str:
    """A part of a normalised heading without the marks that stood between it and the next."""
    if normal and normal[0] not in _BEFORE and normal[-1] not in _BEHIND:
        return normal
    return normal.lstrip(_BEFORE).rstrip(_BEHIND)


@dataclass(slots=True)
class Vocabulary:
    """Everything that parse and resolve look up. Picklable; caches grow with use and are bounded."""

    messages: Messages
    units: UnitBook
    periods: PeriodFinder
    figures: FigureReader
    indicators: dict[str, Indicator]
    forms: dict[str, Form]
    headings: dict[str, tuple[Reading, ...]]
    patterns: dict[str, tuple[tuple[re.Pattern[str], str], ...]]
    words: dict[str, dict[str, str]]
    places: tuple[str, ...]
    place_codes: dict[str, frozenset[str]]
    county_names: tuple[str, ...]
    settings: dict[str, str]
    fuels: frozenset[str]
    accident_classes: frozenset[str]
    # the headings that name an indicator, with only these meanings of theirs
    named_indicators: dict[str, tuple[Reading, ...]] = field(init=False)
    headers: dict[Any, Any] = field(default_factory=dict)  # parse: columns and features of headers met before, by form
    rows: dict[Any, Any] = field(default_factory=dict)  # recognise: how much of a row reads as headings
    keys: dict[Any, Any] = field(
        default_factory=dict
    )  # recognise: which of a header's columns name a row's unit or item
    blocks: dict[Any, Any] = field(default_factory=dict)  # recognise: headers met before
    items: dict[Any, Any] = field(default_factory=dict)  # parse: what a row's name means in a form
    plans: dict[Any, Any] = field(default_factory=dict)  # plan: the columns of a row that names its indicator
    row_units: dict[Any, Any] = field(default_factory=dict)  # rows: the units of measure that a row's text names
    clean_names: dict[str, str] = field(default_factory=dict)  # table: names of enterprises as compared
    _terms: dict[str, Term] = field(default_factory=dict)
    _totals: dict[str, tuple[str, str | None] | None] = field(default_factory=dict)
    _compiled: dict[str, re.Pattern[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        held = {text: tuple(one for one in known if one.kind == "indicator") for text, known in self.headings.items()}
        self.named_indicators = {text: indicators for text, indicators in held.items() if indicators}

    @classmethod
    def load(cls, reference: Reference) -> Vocabulary:
        """Compile one deployment's reference data; raises ValueError that names a pattern which does not compile."""
        patterns = _compile(reference.rows("text_patterns"))
        splitters = patterns.get("unit_split", ())
        units = UnitBook.load(reference.rows("units"), splitters[0][0] if splitters else None)
        numerals = [(row["symbol"], row["value"], row["kind"]) for row in reference.rows("numerals")]
        periods = PeriodFinder.build(patterns.get("period", ()), _of(patterns, "not_period"), numerals)
        figures = FigureReader(
            {
                normalise(row["token"]): (row["null_reason"], row["unit_status"])
                for row in reference.rows("null_tokens")
            },
            negative=_of(patterns, "negative_prefix"),
            brackets=_of(patterns, "negative_brackets"),
            positive=_of(patterns, "positive_prefix"),
            errors=_of(patterns, "cell_error"),
            estimated=_of(patterns, "estimated"),
            footnotes=_of(patterns, "footnote_mark"),
            memory={},
        )
        indicators = {row["indicator_code"]: _indicator(row, units) for row in reference.rows("indicators")}
        words: dict[str, dict[str, str]] = {}
        for row in reference.rows("value_words"):
            words.setdefault(row["kind"], {})[normalise(row["word"])] = row["value"]
        codes: dict[str, set[str]] = {}
        for row in reference.rows("townships"):
            codes.setdefault(normalise(row["name_zh"]), set()).add(row["township_code"])
        for row in reference.rows("township_aliases"):
            codes.setdefault(normalise(row["alias"]), set()).add(row["township_code"])
        settings = {row["key"]: row["value"] or "" for row in reference.rows("settings")}
        county = [settings.get(key, "") for key in ("county_name_zh", "county_name_en", "bureau_name_zh")]
        return cls(
            messages=Messages.load(reference),
            units=units,
            periods=periods,
            figures=figures,
            indicators=indicators,
            forms=_forms(reference, units),
            headings=_headings(reference),
            patterns=patterns,
            words=words,
            places=tuple(sorted(codes, key=len, reverse=True)),
            place_codes={name: frozenset(held) for name, held in codes.items()},
            county_names=tuple(normalise(name) for name in county if name),
            settings=settings,
            fuels=frozenset(row["fuel_code"] for row in reference.rows("energy_coefficients")),
            accident_classes=frozenset(normalise(row["class_zh"]) for row in reference.rows("accident_classes")),
        )

    def match(self, purpose: str, text: str) -> tuple[re.Match[str], str] | None:
        """First pattern of `purpose` that is found in `text` (already normalised), with its role."""
        for pattern, role in self.patterns.get(purpose, ()):
            found = pattern.search(text)
            if found:
                return found, role
        return None

    def word(self, kind: str, text: str) -> str | None:
        """The value that a word of value_words.csv stands for."""
        return self.words.get(kind, {}).get(normalise(text))

    def total_row(self, text: str) -> tuple[str, str | None] | None:
        """Whether a row's name is that of a total: role (total, county, subtotal, average) and the scope it names."""
        if text in self._totals:
            return self._totals[text]
        found = self.match("total_row", normalise(text))
        result = None
        if found is not None:
            match, role = found
            result = (role, match.groupdict().get("scope"))
        if len(self._totals) > 20_000:
            self._totals.clear()
        self._totals[text] = result
        return result

    def status_in(self, text: str) -> str | None:
        """A unit status named at the beginning of a remark ('stopped since May'); the longest word wins."""
        normal = normalise(text)
        best: str | None = None
        for word in self.words.get("unit_status", {}):
            if len(word) > 1 and normal.startswith(word) and (best is None or len(word) > len(best)):
                best = word
        return self.words["unit_status"][best] if best else None

    def compiled(self, pattern: str) -> re.Pattern[str]:
        """A pattern of form_settings.csv, compiled once."""
        if pattern not in self._compiled:
            self._compiled[pattern] = re.compile(pattern)
        return self._compiled[pattern]

    def term(self, text: str) -> Term:
        """A heading's text taken apart; remembered."""
        known = self._terms.get(text)
        if known is None:
            known = self._take_apart(text)
            if len(self._terms) > 20_000:
                self._terms.clear()
            self._terms[text] = known
        return known

    def clean_name(self, text: str) -> str:
        """A row's name without order number, 'of which' mark and footnote mark; normalised."""
        normal = normalise(text)
        for purpose in ("order_prefix", "part_prefix", "order_prefix"):
            normal = self._strip(purpose, normal)
        return self._strip("footnote_mark", normal)

    def is_part(self, text: str) -> bool:
        """Whether a name is marked as a part of the one above it."""
        return self.match("part_prefix", self._strip("order_prefix", normalise(text))) is not None

    def _strip(self, purpose: str, normal: str) -> str:
        for pattern, _ in self.patterns.get(purpose, ()):
            shorter = pattern.sub("", normal, count=1)
            if shorter:
                normal = shorter
        return normal

    def _take_apart(self, text: str) -> Term:
        normal = normalise(text)
        if not normal:
            return Term("")
        direct = self.headings.get(normal)
        if direct:
            return Term(normal, direct)
        is_part = self.is_part(text)
        core = self.clean_name(text)
        direct = self.headings.get(core)
        if direct:
            return Term(normal, direct, is_part=is_part)
        return self._take_core(normal, core, is_part)

    def _take_core(self, normal: str, core: str, is_part: bool) -> Term:
        """Unit in brackets or at the end, a period, a measure before or after an indicator's name."""
        if ":" in core:
            # a key with its value ('Unit: t') is no heading
            return Term(normal, is_part=is_part)
        units: list[Unit] = []
        unknown_unit: str | None = None
        extra: list[Reading] = []
        for _ in range(3):
            match = _PARENTHESIS.match(core)
            if match is None:
                break
            inner, rest = match["inner"], match["before"] + match["after"]
            found, unknown = self.units.find_all(inner)
            inner_readings = self.headings.get(inner, ())
            if found and not unknown:
                units.extend(found)
            elif inner_readings and all(reading.kind == "measure" for reading in inner_readings):
                extra.extend(inner_readings)
            elif not rest or rest not in self.headings:
                break
            else:
                unknown_unit = inner
            core = rest
            if core in self.headings:
                break
        period: Period | None = None
        readings = self.headings.get(core, ())
        if not readings and core:
            readings, measures, more, period = self._split_core(core)
            extra.extend(measures)
            units.extend(more)
        return Term(normal, readings, tuple(extra), tuple(units), unknown_unit, period, is_part)

    def _split_core(self, core: str) -> tuple[tuple[Reading, ...], tuple[Reading, ...], list[Unit], Period | None]:
        """Readings, measures said besides, units and period of a text that is no heading as it stands."""
        for shorter, unit in self.units.split_suffix(core):
            trimmed = _trim(shorter)
            if trimmed in self.headings:
                return self.headings[trimmed], (), [unit], None
        located = self.periods.locate(core)
        if located is not None:
            period, start, end = located
            rest = _trim(core[:start] + core[end:])
            if not rest:
                return (), (), [], period
            if rest in self.headings:
                return self.headings[rest], (), [], period
            for shorter, unit in self.units.split_suffix(rest):
                if _trim(shorter) in self.headings:
                    return self.headings[_trim(shorter)], (), [unit], period
            readings, measures, units = self._compound(rest)
            if readings:
                return readings, measures, units, period
        readings, measures, units = self._compound(core)
        return readings, measures, units, None

    def _compound(self, core: str) -> tuple[tuple[Reading, ...], tuple[Reading, ...], list[Unit]]:
        """An indicator and a measure written as one word: 'outputthismonth', 'cumulativeoutput'."""
        for cut in range(len(core) - 1, 0, -1):
            for name, mark in ((core[:cut], core[cut:]), (core[-cut:], core[:-cut])):
                indicators = self.named_indicators.get(_trim(name))
                if indicators is None:
                    continue
                mark = _trim(mark).strip("()")
                measures = tuple(r for r in self.headings.get(mark, ()) if r.kind in ("measure", "ignore"))
                if measures:
                    return indicators, measures, []
                for shorter, unit in self.units.split_suffix(mark):
                    said = self.headings.get(_trim(shorter), ())
                    measures = tuple(r for r in said if r.kind in ("measure", "ignore"))
                    if measures:
                        return indicators, measures, [unit]
        return (), (), []


def _compile(rows: tuple[dict[str, Any], ...]) -> dict[str, tuple[tuple[re.Pattern[str], str], ...]]:
    grouped: dict[str, list[tuple[int, re.Pattern[str], str]]] = {}
    for row in rows:
        try:
            pattern = re.compile(row["pattern"])
        except re.error as error:
            raise ValueError(
                f"text_patterns.csv, {row['purpose']}: {row['pattern']!r} does not compile: {error}"
            ) from None
        grouped.setdefault(row["purpose"], []).append((row["priority"], pattern, row["role"] or ""))
    return {
        purpose: tuple((pattern, role) for _, pattern, role in sorted(entries, key=lambda entry: entry[0]))
        for purpose, entries in grouped.items()
    }


def _of(patterns: dict[str, tuple[tuple[re.Pattern[str], str], ...]], purpose: str) -> list[re.Pattern[str]]:
    return [pattern for pattern, _ in patterns.get(purpose, ())]


def _indicator(row: dict[str, Any], units: UnitBook) -> Indicator:
    unit = units.find(row["unit"])
    return Indicator(
        code=row["indicator_code"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        unit=row["unit"],
        dimension=unit.dimension if unit else row["unit"],
        kind=row["kind"],
        target_form=row["target_form"],
        grains=frozenset((row["allowed_grains"] or "").split("|")) - {""},
        parent=row["parent_code"],
        factor=unit.factor if unit else Decimal(1),
    )


def _forms(reference: Reference, units: UnitBook) -> dict[str, Form]:
    settings: dict[str, dict[str, str]] = {}
    for row in reference.rows("form_settings"):
        settings.setdefault(row["form_code"], {})[row["key"]] = row["value"] or ""
    signatures: dict[str, list[tuple[str, float, bool]]] = {}
    for row in reference.rows("form_signatures"):
        signatures.setdefault(row["form_code"], []).append((row["part"], float(row["weight"]), row["is_required"]))
    forms = {}
    for row in reference.rows("forms"):
        code = row["form_code"]
        defaults = [units.find(name) for name in (row["default_unit"] or "").split("|") if name]
        forms[code] = Form(
            code=code,
            layout=row["layout"],
            subject=row["subject"],
            unit_level=row["unit_level"],
            period_grain=row["period_grain"],
            reporter_level=row["reporter_level"],
            source_rank=row["source_rank"],
            repeated_rows=row["repeated_rows"],
            registers_units=row["registers_units"],
            default_units=tuple(unit for unit in defaults if unit),
            settings=settings.get(code, {}),
            signature=tuple(signatures.get(code, ())),
            name_zh=row["name_zh"],
            name_en=row["name_en"],
        )
    return forms


def _headings(reference: Reference) -> dict[str, tuple[Reading, ...]]:
    """Everything that may stand in a header cell, normalised; several meanings of one word stand side by side."""
    table: dict[str, dict[Reading, None]] = {}

    def add(text: str | None, reading: Reading) -> None:
        if text:
            table.setdefault(normalise(text), {})[reading] = None

    for row in reference.rows("heading_aliases"):
        add(row["heading"], Reading(row["kind"], row["role"], row["form_code"]))
    for row in reference.rows("indicator_aliases"):
        add(row["alias"], Reading("indicator", row["indicator_code"], row["form_code"], row["within_code"]))
    for row in reference.rows("indicators"):
        for column in ("name_zh", "name_official", "name_en"):
            add(row[column], Reading("indicator", row["indicator_code"]))
    return {text: tuple(readings) for text, readings in table.items()}
