"""A submission arranged for judging: one `Figure` per indicator, unit and month, with its cells side by side.

Belongs here: grouping observations once, what an indicator is, what the past says of it (over mergers too).
Does not belong here: rules, texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from dagster_project.audit.history import Entry, History, month_index
from dagster_project.ingest.model import Intake, Observation
from dagster_project.reference import Reference

# One bit per cell of a figure, so that "vouched for" is one integer.
MONTH, YTD, STOCK, BASE, BASE_MONTH, GROWTH = 1, 2, 4, 8, 16, 32
BIT_OF = {
    "month": MONTH,
    "ytd": YTD,
    "stock": STOCK,
    "base_ytd": BASE,
    "base_month": BASE_MONTH,
    "declared_growth": GROWTH,
}
MEASURE_OF = {bit: measure for measure, bit in BIT_OF.items()}


@dataclass(slots=True, eq=False)
class Meta:
    """What the rules need to know of an indicator (indicators.csv)."""

    code: str
    name_zh: str
    name_en: str
    unit: str
    kind: str  # flow, stock, ratio, count
    is_signed: bool
    decimals: int
    growth_basis: str
    numerator: str | None
    denominator: str | None
    multiplier: float
    scope: str | None
    scope_base: str | None
    dimension: str | None

    @property
    def is_additive(self) -> bool:
        return self.kind != "ratio"


def load_indicators(reference: Reference) -> dict[str, Meta]:
    """Indicators by code; the dimension comes from the stored unit's row in units.csv."""
    dimension = {row["unit"]: row["dimension"] for row in reference.rows("units")}
    return {
        row["indicator_code"]: Meta(
            row["indicator_code"],
            row["name_zh"],
            row["name_en"],
            row["unit"],
            row["kind"],
            bool(row["is_signed"]),
            row["decimals"],
            row["growth_basis"] or "nominal",
            row["numerator_code"],
            row["denominator_code"],
            float(row["multiplier"]) if row["multiplier"] is not None else 1.0,
            row["scope"],
            row["scope_base_code"],
            dimension.get(row["unit"]),
        )
        for row in reference.rows("indicators")
    }


class Figure:
    """The cells of one indicator for one unit and month, as floats in stored units (None: blank or absent).

    `level` is the cumulative or period-end figure: year to date, or stock. `vouched` holds the bits of cells that an
    exact agreement with independent figures speaks for.
    """

    __slots__ = (
        "base",
        "base_month",
        "cells",
        "growth",
        "index",
        "is_carried",
        "known_level",
        "known_month",
        "level",
        "level_bit",
        "meta",
        "month",
        "month_no",
        "row",
        "stock",
        "vouched",
        "ytd",
    )

    def __init__(self, meta: Meta, row: Row) -> None:
        self.meta = meta
        self.row = row
        self.index = row.index
        self.month_no = row.index % 12 + 1
        self.cells: dict[int, Observation] = {}
        self.month: float | None = None
        self.ytd: float | None = None
        self.stock: float | None = None
        self.base: float | None = None
        self.base_month: float | None = None
        self.growth: float | None = None
        self.level: float | None = None
        self.level_bit = YTD
        self.vouched = 0
        self.is_carried = False
        # earlier and later months of the same series, in today's geography (set by recall)
        self.known_month: Mapping[int, Entry] = {}
        self.known_level: Mapping[int, Entry] = {}

    @property
    def level_measure(self) -> str:
        return "stock" if self.level_bit == STOCK else "ytd"

    def recall(self, past: Past) -> None:
        """Looks up once what the rules ask again and again."""
        code, unit_id = self.meta.code, self.row.unit_id
        if self.level_bit != STOCK:
            self.known_month = past.months(code, unit_id, "month", self.index)
        self.known_level = past.months(code, unit_id, self.level_measure, self.index)

    def value(self, bit: int) -> float | None:
        if bit == YTD:
            return self.ytd
        if bit == MONTH:
            return self.month
        if bit == STOCK:
            return self.stock
        if bit == BASE:
            return self.base
        return self.growth if bit == GROWTH else self.base_month


class Row:
    """One unit in one month: its figures by indicator code."""

    __slots__ = ("figures", "first", "index", "level", "month_no", "township_code", "unit_id")

    def __init__(self, first: Observation, index: int) -> None:
        self.first = first
        self.unit_id: str = first.unit_id or ""
        self.level = first.level
        self.township_code = first.township_code
        self.index = index
        self.month_no = index % 12 + 1
        self.figures: dict[str, Figure] = {}


@dataclass(slots=True)
class Collected:
    """An intake arranged: rows by (unit, month), figures in order, nulls, cells that say a key twice, targets."""

    rows: dict[tuple[str, int], Row] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    nulls: list[Observation] = field(default_factory=list)
    repeated: list[tuple[Observation, Observation]] = field(default_factory=list)
    others: list[Observation] = field(default_factory=list)


def collect(intake: Intake, indicators: Mapping[str, Meta], adding_forms: frozenset[str]) -> Collected:
    """Groups the accepted observations of an intake once; rows of a form that lets them add are summed."""
    rows: dict[tuple[str, int], Row] = {}
    figures: list[Figure] = []
    nulls: list[Observation] = []
    repeated: list[tuple[Observation, Observation]] = []
    others: list[Observation] = []
    indexes: dict[object, int] = {}
    bit_of = BIT_OF
    row: Row | None = None
    period: object = None
    for obs in intake.parsed.observations:
        unit_id = obs.unit_id
        if unit_id is None or obs.status != "accepted":
            continue
        bit = bit_of.get(obs.measure)
        code = obs.indicator_code
        meta = indicators.get(code)
        if bit is None or meta is None:
            others.append(obs)
            continue
        if row is None or obs.period is not period or unit_id != row.unit_id:
            period = obs.period
            index = indexes.get(period)
            if index is None:
                index = indexes[period] = month_index(obs.period)
            row = rows.get((unit_id, index))
            if row is None:
                row = rows[unit_id, index] = Row(obs, index)
        figure = row.figures.get(code)
        if figure is None:
            figure = row.figures[code] = Figure(meta, row)
            figures.append(figure)
        present = figure.cells.get(bit)
        if present is not None and obs.form_code not in adding_forms:
            repeated.append((present, obs))
            continue
        if obs.value is None:
            nulls.append(obs)
            if present is None:
                figure.cells[bit] = obs
            continue
        value = float(obs.value)
        if present is not None:
            value += figure.value(bit) or 0.0
            # the first cell stands for the sum of the lines; it is judged as a whole
        else:
            figure.cells[bit] = obs
        if obs.is_carried:
            figure.is_carried = True
        if bit == YTD:
            figure.ytd = figure.level = value
        elif bit == MONTH:
            figure.month = value
        elif bit == STOCK:
            figure.stock = figure.level = value
            figure.level_bit = STOCK
        elif bit == BASE:
            figure.base = value
        elif bit == GROWTH:
            figure.growth = value
        else:
            figure.base_month = value
    return Collected(rows, figures, nulls, repeated, others)


def step(obs: Observation) -> float:
    """The smallest difference that the cell as printed can show, in stored units: its last digit times the factor."""
    if "." not in obs.raw_text:
        return float(obs.unit_factor)
    decimals = 0
    digits = obs.raw_text.partition(".")[2]
    if digits:
        for char in digits:
            if not char.isdigit():
                break
            decimals += 1
        if not digits[:decimals].strip("0"):
            decimals = 0  # a spreadsheet reader shows the integer 12 as 12.0
    return float(obs.unit_factor) * 10.0**-decimals


class Past:
    """The history of units as they stand today: figures of merged or recoded predecessors are added in.

    A link takes effect in the first month of the new geography; before it, the predecessor's figures count with the
    link's weight (domain.md D.3).
    """

    def __init__(self, history: History, links: Mapping[str, tuple[tuple[str, int, float], ...]]) -> None:
        self.history = history
        self._links = links
        self._combined: dict[tuple[str, str, str, int], Mapping[int, Entry]] = {}

    def has_links(self, unit_id: str) -> bool:
        return unit_id in self._links

    def changed_within(self, unit_id: str, first: int, last: int) -> bool:
        """Whether the unit's boundary changed in the months first..last."""
        return any(first <= effective <= last for _, effective, _ in self._links.get(unit_id, ()))

    def left_county(self, first: int, last: int) -> list[tuple[str, int, float]]:
        """(township, first month outside, weight) of the units that left the county in the months first..last."""
        return [link for link in self._links.get("", ()) if first <= link[1] <= last]

    def own(self, code: str, unit_id: str, measure: str) -> Mapping[int, Entry]:
        return self.history.months(code, unit_id, measure)

    def months(self, code: str, unit_id: str, measure: str, at: int) -> Mapping[int, Entry]:
        """Months of the series in the geography of month `at`."""
        if unit_id not in self._links:
            return self.history.months(code, unit_id, measure)
        key = (code, unit_id, measure, at)
        known = self._combined.get(key)
        if known is None:
            known = self._combined[key] = self._combine(code, unit_id, measure, at)
        return known

    def _combine(self, code: str, unit_id: str, measure: str, at: int) -> Mapping[int, Entry]:
        result = dict(self.history.months(code, unit_id, measure))
        for from_code, effective, weight in self._links[unit_id]:
            if effective > at:
                continue
            for index, entry in self.months(code, from_code, measure, effective).items():
                if index >= effective:
                    continue
                value = entry[1] if weight == 1.0 else entry[1] * Decimal(str(weight))
                present = result.get(index)
                total = value if present is None else present[1] + value
                result[index] = (float(total), total, entry[2])
        return result

    def typical(
        self, code: str, unit_id: str, measure: str, at: int, per_month: bool = False
    ) -> tuple[float, int] | None:
        """(median, count) of the twelve months before `at`; else the last known month of the two years before it.

        `per_month` divides a year-to-date figure by its number of months.
        """
        known = self.months(code, unit_id, measure, at)
        if not known:
            return None
        if per_month:
            values = [known[i][0] / (i % 12 + 1) for i in range(at - 12, at) if i in known]
        else:
            values = [known[i][0] for i in range(at - 12, at) if i in known]
        if values:
            return _median(values), len(values)
        earlier = [index for index in known if at - 24 <= index < at]
        if not earlier:
            return None
        last = max(earlier)
        value = known[last][0]
        return (value / (last % 12 + 1) if per_month else value), 1

    def expected_month(self, figure: Figure) -> float | None:
        """What the month's flow should be about: last year's same month, else the median, else the printed base's share."""
        entry = figure.known_month.get(figure.index - 12)
        if entry is not None and entry[0] > 0:
            return entry[0]
        typical = self.typical(figure.meta.code, figure.row.unit_id, "month", figure.index)
        if typical is not None and typical[0] > 0:
            return typical[0]
        if figure.base is not None and figure.base > 0:
            return figure.base / figure.month_no
        return None

    def expected_whole(self, figure: Figure) -> float | None:
        """What the year to date should be about: the past's month, else the one printed beside it, times the months."""
        if figure.level_bit == STOCK:
            typical = self.typical(figure.meta.code, figure.row.unit_id, "stock", figure.index)
            return typical[0] if typical else None
        if figure.known_month or figure.month is None or figure.month <= 0:
            month = self.expected_month(figure)
            return month * figure.month_no if month is not None else None
        return figure.month * figure.month_no


def _median(values: list[float]) -> float:
    """statistics.median without its checks: this is asked for every figure."""
    values.sort()
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def load_links(reference: Reference) -> dict[str, tuple[tuple[str, int, float], ...]]:
    """township_links.csv as successor → (predecessor, first month of the new geography, weight); "" is outside."""
    links: dict[str, list[tuple[str, int, float]]] = {}
    for row in reference.rows("township_links"):
        if row["to_code"] != row["from_code"]:
            links.setdefault(row["to_code"] or "", []).append(
                (row["from_code"], month_index(row["effective_from"]), float(row["weight"]))
            )
    return {code: tuple(items) for code, items in links.items()}


def active_townships(rows: Iterable[Mapping], at: object) -> list[Mapping]:
    """Rows of townships.csv in force in the month that begins with `at`."""
    return [row for row in rows if row["valid_from"] <= at and (row["valid_to"] is None or row["valid_to"] >= at)]
