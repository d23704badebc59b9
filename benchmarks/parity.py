"""A second, independent computation of marts.fct_indicator_progress, in pandas and plain Python.

Here belongs the arithmetic of design.md 3.5 and domain.md A, B, D, J written once more, from the text and not from the
SQL, over a published warehouse: it reads marts.fct_observation, the dimensions, marts.fct_safety_incident and reference
CSVs, never an intermediate. Where the two disagree, one of them does not follow the text. Not here: forecasts, real
growth and notes, which the unit tests of dbt judge by hand-worked cases.

    python -m benchmarks.parity [--warehouse FILE] [--seeds DIR] [--json FILE] [--examples N]

prints a table: column, cells compared, those not blank, equal, different, only here, only in the mart, with examples.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

COLUMNS = (
    *("value_month", "value_ytd", "base_ytd", "growth_pct", "target_value", "attainment_pct", "time_progress_pct"),
    *("gap_pp", "lamp", "rank", "contribution_pp", "is_carried", "reported_units", "expected_units"),
    *("value_month_derived", "growth_month_pct", "change_since_year_end", "growth_two_year_pct"),
    *("growth_relative_pct", "required_monthly", "required_growth_pct", "implied_target_value"),
)
EXACT = (
    *("value_month", "value_ytd", "base_ytd", "target_value", "value_month_derived", "change_since_year_end"),
    *("required_monthly", "implied_target_value"),
)
RELATIVE_TOLERANCE = 1e-9
SIX_PLACES = Decimal("0.000001")

Key = tuple[str, str, str, str, date]


@dataclass
class Figure:
    """One unit's figure of one indicator and month; money, mass and people in the stored unit."""

    value: Decimal | float | None = None
    month: Decimal | None = None
    derived: Decimal | None = None  # the month as two years to date have it
    own: bool = False  # the period's own figure: neither carried nor kept on by who is at rest
    in_months: bool = False  # its year to date was summed from months
    printed: Decimal | None = None
    carried: bool = False
    asof: date | None = None
    reason: str | None = None
    reported: int = 1
    expected: int = 1
    silent: bool | None = None  # nobody spoke of it; by default where nobody is counted as having reported
    parts: list[tuple[str, str]] = field(default_factory=list)
    emptied: bool = False  # a township whose enterprises have all closed or gone elsewhere
    township: str | None = None


def year_before(period: date) -> date:
    """The same month a year earlier."""
    return period.replace(year=period.year - 1)


def month_before(period: date) -> date:
    """The month before."""
    return date(period.year - 1, 12, 1) if period.month == 1 else period.replace(month=period.month - 1)


def months(first: date, last: date) -> list[date]:
    """Every month from the first to the last."""
    return [stamp.date() for stamp in pd.date_range(first, last, freq="MS")]


def plain(value: Any) -> Any:
    """None for every kind of missing value of pandas."""
    return None if value is None or (not isinstance(value, (list, tuple)) and pd.isna(value)) else value


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries, missing values None and timestamps dates."""
    rows = []
    for row in frame.astype(object).to_dict("records"):
        clean = {str(name): plain(value) for name, value in row.items()}
        rows.append(
            {n: v.date() if isinstance(v, pd.Timestamp) and n != "received_at" else v for n, v in clean.items()}
        )
    return rows


class Parity:
    """The figures of one warehouse, computed from its observations."""

    def __init__(self, warehouse: Path, seeds: Path) -> None:
        connection = duckdb.connect(str(warehouse), read_only=True)

        def table(sql: str) -> list[dict[str, Any]]:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        self.indicators = {row["indicator_code"]: row for row in table("select * from marts.dim_indicator")}
        self.townships = {r["township_code"]: r for r in table("select * from marts.dim_township")}
        self.states: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in table("select * from marts.dim_enterprise_state order by enterprise_id, valid_from"):
            self.states[row["enterprise_id"]].append(row)
        self.observations = table(
            "select indicator_code, level, unit_id, township_code, period, measure, sum(value) as value,"
            " max(null_reason) as null_reason, bool_or(is_carried) as is_carried, max(target_form) as target_form,"
            " max(case when value is null and null_reason = 'below_unit' then 1 else 0 end) as is_below_unit"
            " from marts.fct_observation group by all"
        )
        self.incidents = table("select * from marts.fct_safety_incident")
        self.theirs = table("select * from marts.fct_indicator_progress")
        connection.close()

        def csv(name: str) -> list[dict[str, Any]]:
            return records(pd.read_csv(seeds / f"{name}.csv", dtype=str, keep_default_na=False, na_values=[""]))

        settings = {row["key"]: row["value"] for row in csv("settings")}
        self.county = settings["county_code"]
        self.major_rank = int(settings["major_accident_rank"])
        self.lamps = csv("lamp_rules")
        self.scopes = {row["scope"]: [f for f in (row["flag"], row["flag_2"]) if f] for row in csv("scopes")}
        self.links = [row for row in csv("township_links") if row["to_code"] and row["to_code"] != row["from_code"]]
        self.townships.pop(self.county, None)
        self.figures: dict[tuple[str, str, str], dict[date, Figure]] = defaultdict(dict)
        self.bases: dict[Key, Decimal | float | None] = {}
        self.listed_bases: dict[Key, float | None] = {}
        self.registered: dict[str, dict[date, bool]] = defaultdict(dict)

    # who is where, and in which scope

    def state(self, enterprise: str, period: date) -> dict[str, Any] | None:
        """The register's entry that holds in a month; before the first entry, the first."""
        entries = self.states.get(enterprise)
        if not entries:
            return None
        found = [entry for entry in entries if entry["valid_from"] <= period]
        return found[-1] if found else entries[0]

    def in_scope(self, enterprise: str, scope: str | None, period: date) -> bool:
        """Whether the register puts an enterprise in a scope in a month."""
        entry = self.state(enterprise, period)
        return not scope or (entry is not None and all(entry[flag] for flag in self.scopes.get(scope, [])))

    def exists(self, township: str, period: date) -> bool:
        """Whether a township exists in a month."""
        row = self.townships.get(township)
        return (
            row is not None and row["valid_from"] <= period and (row["valid_to"] is None or period <= row["valid_to"])
        )

    def forebears(self, township: str, period: date) -> list[tuple[str, Decimal]]:
        """A township and whatever became part of it by a month, with weights (domain.md D.3)."""
        found = {township: Decimal(1)}
        for _ in self.links:
            for link in self.links:
                if link["to_code"] in found and date.fromisoformat(link["effective_from"]) <= period:
                    found.setdefault(link["from_code"], found[link["to_code"]] * Decimal(link["weight"] or 1))
        return list(found.items())

    # figures

    def own(self) -> None:
        """Figures as units report them: year to date, month, carried (domain.md B.1, J.6)."""
        cells: dict[tuple[str, str, str], dict[date, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
        places: dict[tuple[str, date], str] = {}
        available: dict[tuple[str, str], set[date]] = defaultdict(set)
        for row in self.observations:
            if row["measure"] not in ("month", "ytd", "stock", "base_month", "base_ytd"):
                continue
            cell = cells[row["indicator_code"], row["level"], row["unit_id"]][row["period"]]
            # less than the smallest unit of the table counts as 0 in sums (domain.md C.2)
            cell[row["measure"]] = Decimal(0) if row["value"] is None and row["is_below_unit"] else row["value"]
            if row["measure"] in ("month", "ytd", "stock"):
                cell["figure"] = True
                cell["carried"] = cell.get("carried", False) or bool(row["is_carried"])
                if row["measure"] in ("ytd", "stock"):
                    cell["reason"] = row["null_reason"]
                available[row["indicator_code"], row["level"]].add(row["period"])
            if row["level"] == "enterprise":
                places[row["unit_id"], row["period"]] = row["township_code"]
        self.places = places
        self.printed_county = {
            (code, period): cell["base_ytd"]
            for (code, level, _), by_period in cells.items()
            if level == "county"
            for period, cell in by_period.items()
            if cell.get("figure") and cell.get("base_ytd") is not None
        }
        for (indicator, level, unit), by_period in cells.items():
            kind = self.indicators[indicator]["kind"]
            if indicator in ("SA01", "SA02"):
                continue
            periods = sorted(available[indicator, level])
            last: Figure | None = None
            for period in periods:
                if level == "township" and not self.exists(unit, period):
                    continue
                cell = by_period.get(period, {})
                figure = Figure(asof=period)
                if cell.get("figure"):
                    figure.value = cell.get("stock") if kind == "stock" else cell.get("ytd")
                    if figure.value is None and kind != "stock" and "ytd" not in cell and cell.get("month") is not None:
                        figure.value = self.from_months(by_period, period)
                        figure.in_months = figure.value is not None
                    figure.month = cell.get("month")
                    figure.printed = cell.get("base_ytd")
                    figure.reason = cell.get("reason")
                figure.own = figure.value is not None and not cell.get("carried")
                before = last if last is not None and last.asof and last.asof.year == period.year else None
                absent = not cell.get("figure")
                if figure.value is not None and cell.get("carried"):
                    figure.carried, figure.reported = True, 0
                    if before is not None:
                        figure.asof = before.asof
                elif figure.value is None:
                    if figure.reason == "na":
                        continue  # "not applicable" is an answer: no figure is expected (domain.md C.2)
                    status = (self.state(unit, period) or {}).get("status") if level == "enterprise" else None
                    rest = figure.reason in ("suspended", "closed") or status in ("closed", "suspended")
                    if before is None:
                        if status == "closed" or (absent and not self.awaited(unit, period, by_period)):
                            continue  # what is closed keeps the year's figure, and has none in the next (D.4)
                        figure.reported = int(rest)
                    else:
                        figure.value, figure.printed, figure.asof = before.value, before.printed, before.asof
                        figure.carried, figure.reported = not rest, int(rest)
                        if rest:
                            figure.asof, figure.printed = period, cell.get("base_ytd")
                figure.township = self.place(unit, period) if level == "enterprise" else unit
                if figure.value is not None and not figure.carried:
                    last = figure
                self.figures[indicator, level, unit][period] = figure
        for (indicator, level, unit), series in self.figures.items():
            if self.indicators[indicator]["kind"] not in ("flow", "count"):
                continue
            for period, figure in series.items():
                figure.derived = self.between(indicator, level, unit, period)
                if figure.month is None:
                    figure.month = figure.derived

    def between(self, indicator: str, level: str, unit: str, period: date) -> Decimal | None:
        """The month as the difference of two years to date, each the period's own (domain.md B.1).

        January is its year to date. Where a unit takes others up, what these had until then is in its year to date and
        in no month of it (D.3.4); a part that is handed over cannot be told. Nothing is derived over a gap.
        """
        series = self.figures[indicator, level, unit]
        figure, then = series[period], month_before(period)
        if not figure.own or figure.value is None:
            return None
        if period.month == 1:
            return figure.value
        before = series.get(then)
        had = before.value if before is not None and before.own else None
        if level != "township":
            return None if had is None else figure.value - had
        if had is None and then < self.townships[unit]["valid_from"] <= period:
            had = Decimal(0)  # who came into being this month had nothing before
        joined = [
            (other, weight) for other, weight in self.forebears(unit, period) if other not in self.names(unit, then)
        ]
        handed = [
            link
            for link in self.links
            if then < date.fromisoformat(link["effective_from"]) <= period
            and unit in (link["from_code"], link["to_code"])
            and self.exists(link["from_code"], period)
            and then in self.figures.get((indicator, level, link["from_code"]), {})
        ]
        if figure.in_months:
            return None if had is None else figure.value - had
        if had is None or handed:
            return None
        brought = Decimal(0)
        for other, weight in joined:
            old = self.figures.get((indicator, level, other), {}).get(then)
            if old is None:
                continue
            if not old.own or old.value is None:
                return None
            brought += old.value * weight
        return figure.value - had - brought

    def names(self, unit: str, period: date) -> set[str]:
        """A township and all that had become part of it by a month."""
        return {name for name, _ in self.forebears(unit, period)}

    def awaited(self, unit: str, period: date, by_period: dict[date, dict[str, Any]]) -> bool:
        """Whether a silent unit was to report: it has in the year before (longer silence is no longer awaited)."""
        return any(year_before(period) <= p < period and cell.get("figure") for p, cell in by_period.items())

    def place(self, enterprise: str, period: date) -> str | None:
        """Where an enterprise produces in a month: its row's township, else the register's, moved along the links."""
        code = self.places.get((enterprise, period))
        if code is None:
            entry = self.state(enterprise, period)
            code = entry["township_code"] if entry else None
        for _ in self.links:
            for link in self.links:
                if link["from_code"] == code and date.fromisoformat(link["effective_from"]) <= period:
                    code = link["to_code"]
        return code

    @staticmethod
    def from_months(by_period: dict[date, dict[str, Any]], period: date) -> Decimal | None:
        """Year to date as the sum of its months, where none is missing."""
        values = [by_period.get(p, {}).get("month") for p in months(date(period.year, 1, 1), period)]
        return None if any(value is None for value in values) else sum(values, Decimal(0))

    def scoped(self) -> None:
        """An indicator of a scope, from the enterprises' figures of its base indicator (domain.md B.5)."""
        for code, indicator in self.indicators.items():
            base, scope = indicator["scope_base_code"], indicator["scope"]
            if not base:
                continue
            for (other, level, unit), series in list(self.figures.items()):
                if other != base or level != "enterprise":
                    continue
                for period, figure in series.items():
                    if self.in_scope(unit, scope, period):
                        self.figures[code, level, unit].setdefault(period, figure)

    def safety(self) -> None:
        """Accidents and deaths from the register of incidents (domain.md B.8, K): a month without any is 0."""
        covered = sorted(
            {r["period"] for r in self.observations if r["indicator_code"] == "SA02" and r["measure"] == "month"}
        )
        covered = sorted(set(covered) | {row["period"] for row in self.incidents})
        if not covered:
            return
        for code in ("SA01", "SA02"):
            for period in months(covered[0], covered[-1]):
                self.registered[code][period] = True
                for township in [*self.townships]:
                    if not self.exists(township, period) or not self.watched(township, period):
                        continue
                    names = {name for name, _ in self.forebears(township, period)}
                    rows = [
                        r for r in self.incidents if r["township_code"] in names and r["period"].year == period.year
                    ]

                    self.figures[code, "township", township][period] = Figure(
                        value=self.count(code, [r for r in rows if r["period"] <= period]),
                        month=self.count(code, [r for r in rows if r["period"] == period]),
                        asof=period,
                        township=township,
                        own=True,
                    )
                    self.since_last(code, "township", township, period)

    def safety_of_enterprises(self) -> None:
        """The register at working mines, and at other places of accidents until the year's end (domain.md B.8, D.4)."""
        covered = sorted({period for series in self.registered.values() for period in series})
        for unit in list(self.states):
            rows = [r for r in self.incidents if r["enterprise_id"] == unit]
            for period in covered:  # a closed mine keeps the year's figure; nobody counts a month of it
                entry = self.state(unit, period)
                struck = [r for r in rows if r["period"] <= period and r["period"].year == period.year]
                mine = entry is not None and entry["is_coal_mine"] and entry["township_code"]
                closed = not struck and not (mine and entry["status"] != "closed")
                if closed:
                    worked = [
                        p
                        for p in months(date(period.year, 1, 1), period)
                        if p in covered and p in self.figures.get(("SA02", "enterprise", unit), {})
                    ]
                    if not (worked and entry is not None and entry["status"] == "closed"):
                        continue
                for code in ("SA01", "SA02"):
                    self.figures[code, "enterprise", unit][period] = Figure(
                        value=self.count(code, struck),
                        month=None if closed else self.count(code, [r for r in struck if r["period"] == period]),
                        asof=period,
                        township=self.place(unit, period),
                        own=not closed,
                    )
                    self.since_last(code, "enterprise", unit, period)

    def since_last(self, code: str, level: str, unit: str, period: date) -> None:
        """The register's month between two years to date: what happened in it, where the month before was watched too."""
        series = self.figures[code, level, unit]
        before = series.get(month_before(period))
        if series[period].own and (period.month == 1 or (before is not None and before.own)):
            series[period].derived = series[period].month

    def count(self, code: str, chosen: list[dict[str, Any]]) -> Decimal:
        """Major accidents, or deaths in mines, of a list of accidents."""
        if code == "SA01":
            return Decimal(sum(r["class_rank"] >= self.major_rank for r in chosen))
        return Decimal(sum(r["deaths"] for r in chosen if r["is_coal_mine"]))

    def headcount(self) -> None:
        """Average staff where it was not reported: the mean of the months' averages (domain.md A.2 N6, F73)."""
        code, average = "TE04", "BF11"
        for (other, level, unit), series in list(self.figures.items()):
            if other != code:
                continue
            for period, figure in series.items():
                if period in self.figures.get((average, level, unit), {}):
                    continue
                ends = self.month_ends(code, level, unit, period)
                means = []
                for month in months(date(period.year, 1, 1), period):
                    if month in ends:
                        means.append((ends.get(month_before(month), ends[month]) + ends[month]) / 2)
                self.figures[average, level, unit][period] = Figure(
                    value=(sum(means) / len(means)).quantize(SIX_PLACES, ROUND_HALF_UP) if means else None,
                    carried=figure.carried,
                    asof=figure.asof,
                    reported=figure.reported,
                    expected=figure.expected,
                    silent=figure.silent,
                    township=figure.township,
                )

    def month_ends(self, code: str, level: str, unit: str, period: date) -> dict[date, Decimal]:
        """Stocks at the ends of a year's months of what a unit is in a month: predecessors included (domain.md D.3.4)."""
        found: dict[date, Decimal] = {}
        first = date(period.year - 1, 12, 1)
        names = [(unit, Decimal(1))]
        if level == "township":
            names = [(n, w) for n, w in self.forebears(unit, period) if n == unit or not self.exists(n, period)]
        for name, weight in names:
            for month, figure in self.figures.get((code, level, name), {}).items():
                if first <= month <= period and figure.value is not None:
                    found[month] = found.get(month, Decimal(0)) + figure.value * weight
        return found

    def watched(self, township: str, period: date) -> bool:
        """Whether a township has, or had, a mine or an accident: there the register speaks, elsewhere it is silent."""
        names = {name for name, _ in self.forebears(township, period)}
        return any(row["township_code"] in names and row["period"] <= period for row in self.incidents) or any(
            entry["is_coal_mine"]
            and entry["status"] != "closed"
            and entry["township_code"] in names
            and entry["valid_from"] <= period
            for entries in self.states.values()
            for entry in entries
        )

    def add(self, indicator: str, level: str, unit: str, period: date, parts: list[tuple[str, str, Figure]]) -> None:
        """A sum of parts; a part without a figure counts as expected only."""
        known = [item for item in parts if item[2].value is not None]
        month_values = [figure.month for *_, figure in parts if figure.month is not None]
        derived = [figure.derived for *_, figure in parts if figure.derived is not None]
        is_whole = bool(derived) and len(derived) == len(month_values)  # no part stands for two months
        self.figures[indicator, level, unit][period] = Figure(
            value=sum((figure.value for *_, figure in known), Decimal(0)) if known else None,
            month=sum(month_values, Decimal(0)) if month_values else None,
            derived=sum(derived, Decimal(0)) if is_whole else None,
            own=bool(known),
            asof=period,
            reported=sum(figure.value is not None and not figure.carried for *_, figure in parts),
            expected=len(parts),
            carried=bool(known) and all(figure.carried for *_, figure in known),
            parts=[(part_level, part) for part_level, part, _ in known],
            township=unit if level == "township" else None,
        )

    def aggregate(self) -> None:
        """Townships from enterprises where they do not report, the county from townships (design.md 3.5, Levels)."""
        below: dict[tuple[str, str, date], list[tuple[str, str, Figure]]] = defaultdict(list)
        for (indicator, level, unit), series in self.figures.items():
            if level == "enterprise":
                for period, figure in series.items():
                    if figure.township:
                        below[indicator, figure.township, period].append((level, unit, figure))
        for (indicator, township, period), parts in below.items():
            if self.indicators[indicator]["kind"] == "ratio" or not self.exists(township, period):
                continue
            if period not in self.figures[indicator, "township", township]:
                self.add(indicator, "township", township, period, parts)
        self.empty(below)
        above: dict[tuple[str, date], list[tuple[str, str, Figure]]] = defaultdict(list)
        for (indicator, level, unit), series in self.figures.items():
            if level == "township":
                for period, figure in series.items():
                    above[indicator, period].append((level, unit, figure))
        for (indicator, period), parts in above.items():
            if self.indicators[indicator]["kind"] != "ratio":
                self.add(indicator, "county", self.county, period, parts)
                if indicator in ("SA01", "SA02"):  # the county's own count of the register
                    self.since_last(indicator, "county", self.county, period)

    def empty(self, below: dict[tuple[str, str, date], list[tuple[str, str, Figure]]]) -> None:
        """A township that was the sum of its enterprises and has none left, each closed or gone: 0 for a year (D.3, D.4)."""
        spoken = {(i, p) for (i, _, p), parts in below.items() if any(figure.reported for *_, figure in parts)}
        seen = {(i, unit, p) for (i, _, p), parts in below.items() for _, unit, _ in parts}
        for (indicator, township, period), parts in list(below.items()):
            then, rule = period.replace(year=period.year + 1), self.indicators[indicator]
            place = self.moved(township, then)
            if indicator in ("SA01", "SA02") or (indicator, then) not in spoken or (indicator, place, then) in below:
                continue
            gone = all(
                (indicator, unit, then) in seen
                or (self.state(unit, then) or {}).get("status") == "closed"
                or (rule["scope_base_code"] and not self.in_scope(unit, rule["scope"], then))
                for _, unit, _ in parts
            )
            if not gone or all(figure.value is None for *_, figure in parts) or rule["kind"] == "ratio":
                continue
            series = self.figures[indicator, "township", place]
            if self.exists(place, then) and then not in series:
                month = Decimal(0) if rule["kind"] in ("flow", "count") else None
                series[then] = Figure(
                    value=Decimal(0),
                    month=month,
                    derived=month,
                    asof=then,
                    reported=0,
                    expected=0,
                    township=place,
                    emptied=True,
                )

    def moved(self, township: str, period: date) -> str:
        """The unit that continues a township in a month."""
        for _ in self.links:
            for link in self.links:
                if link["from_code"] == township and date.fromisoformat(link["effective_from"]) <= period:
                    township = link["to_code"]
        return township

    # bases

    def base(self, basis: str, level: str, indicator: str, unit: str, period: date) -> Decimal | None:
        """The base of a figure (design.md 3.5, Bases; domain.md D.3)."""
        key = (basis, level, indicator, unit, period)
        if key not in self.bases:
            self.bases[key] = self.find_base(basis, level, indicator, unit, period)
        return self.bases[key]

    def find_base(self, basis: str, level: str, indicator: str, unit: str, period: date) -> Any:
        figure = self.figures[indicator, level, unit][period]
        rule = self.indicators[indicator]
        if rule["kind"] == "ratio" and rule["numerator_code"]:
            if rule["scope"]:
                of_bases = self.listed_bases[basis, level, indicator, unit, period]
            else:
                of_bases = self.ratio(rule, basis, level, unit, period, "base")
            old = self.figures[indicator, level, unit].get(year_before(period))
            before = old.value if old is not None and not old.carried else None
            if basis == "comparable" or figure.carried:
                order = [of_bases, None if figure.carried else before]
            else:
                order = [figure.printed, before, of_bases]
            return next((float(value) for value in order if value is not None), None)
        then = year_before(figure.asof or period)
        last = next(
            (
                series[then].value
                for name in self.same(level, unit)
                if then in (series := self.figures.get((indicator, level, name), {}))
            ),
            None,
        )
        if figure.parts:
            if basis == "reported" and level == "county":
                those = [self.figures[indicator, part, name][period] for part, name in figure.parts]
                if all(one.printed is not None for one in those if not one.emptied):
                    bases = [self.base(basis, part, indicator, name, period) for part, name in figure.parts]
                    return sum((value for value in bases if value is not None), Decimal(0))
                own = self.printed_county.get((indicator, period))
                if own is not None:
                    return own
            if basis == "reported" and last is not None:
                return last + self.set_back(level, indicator, unit, period)
            found = [
                self.last_first(indicator, name, period)
                if part == "enterprise"
                else self.base(basis, part, indicator, name, period)
                for part, name in figure.parts
            ]
            found = [value for value in found if value is not None]
            if not found and level == "county":
                return self.printed_county.get((indicator, period))
            return sum(found, Decimal(0)) if found else None
        if figure.emptied and basis == "comparable":
            return Decimal(0)
        if basis == "reported" or level == "enterprise":
            return figure.printed if figure.printed is not None else last
        if level == "county" and last is not None:
            return last - self.departed(indicator, then, period)
        found = []
        for name, weight in self.forebears(unit, period):
            old = self.figures.get((indicator, level, name), {}).get(then)
            if old is not None and old.value is not None and not (old.carried and figure.printed is not None):
                found.append(old.value * weight)
        return sum(found, Decimal(0)) if found else figure.printed

    def departed(self, indicator: str, then: date, period: date) -> Any:
        """What townships had that left the county since: its comparable base is without them (domain.md D.3.7)."""
        gone = [
            row["township_code"]
            for row in self.townships.values()
            if row["transferred_out_on"] and then < row["transferred_out_on"] <= period
        ]
        series = [self.figures.get((indicator, "township", name), {}) for name in gone]
        values = [s[then].value for s in series if then in s and s[then].value is not None]
        return sum(values, Decimal(0))

    def same(self, level: str, unit: str) -> list[str]:
        """A unit under all its codes: a change of name or rank changes nothing (domain.md D.2, D.3.8)."""
        if level != "township" or unit not in self.townships:
            return [unit]
        durable = self.townships[unit]["durable_id"]
        return [unit, *(n for n, row in self.townships.items() if row["durable_id"] == durable and n != unit)]

    def last_first(self, indicator: str, enterprise: str, period: date) -> Any:
        """Last year's figure of an enterprise, wherever it stood then, else its printed base (domain.md D.3, step 1)."""
        figure = self.figures[indicator, "enterprise", enterprise][period]
        old = self.figures[indicator, "enterprise", enterprise].get(year_before(figure.asof or period))
        if old is None or old.value is None or (old.carried and figure.printed is not None):
            return figure.printed
        return old.value

    def set_back(self, level: str, indicator: str, unit: str, period: date) -> Any:
        """What last year's whole must give up because a part is carried or silent (domain.md J.4, J.6)."""
        change = Decimal(0)
        below = "township" if level == "county" else "enterprise"
        then = year_before(period)
        for (code, other, name), series in self.figures.items():
            if code != indicator or other != below:
                continue
            old = series.get(then)
            was = old.value if old is not None and old.value is not None else None
            place = name if below == "township" else self.place(name, period)
            if below == "enterprise" and place != unit:
                continue
            if below == "township" and not self.exists(name, period):
                continue
            now = series.get(period)
            if now is not None and now.parts and below == "township" and not now.carried:
                change += self.set_back(below, indicator, name, period)  # a silent enterprise is silent at every level
            if now is None or (now.value is not None and not now.carried):
                continue  # who left or closed stays in last year's figure of the unit: reported is as it was
            if now.carried and now.value is not None:
                change += self.base("reported", below, indicator, name, period) or Decimal(0)
            change -= was or Decimal(0)
        return change

    # rows

    def targets(self) -> dict[tuple[str, str, int], tuple[Decimal, str]]:
        """The must target of a unit and year; the indicator's own form goes before a growth target (design.md 3.5)."""
        found: dict[tuple[str, str, int], tuple[Decimal, str]] = {}
        for row in sorted(self.observations, key=lambda r: r["measure"], reverse=True):
            if row["measure"] in ("target", "target_growth") and row["value"] is not None:
                form = "growth" if row["measure"] == "target_growth" else row["target_form"]
                found[row["indicator_code"], row["unit_id"], row["period"].year] = (row["value"], form)
        return found

    def target(
        self, known: dict[tuple[str, str, int], tuple[Decimal, str]], indicator: str, unit: str, period: date
    ) -> tuple[Decimal | None, str | None]:
        """The target that holds in a month: after a merger the sum of the predecessors' (domain.md D.3.5)."""
        if unit not in self.townships:
            return known.get((indicator, unit, period.year), (None, None))
        found = [
            (known[indicator, name, period.year], weight)
            for name, weight in self.forebears(unit, period)
            if (indicator, name, period.year) in known
        ]
        if not found:
            return None, None
        form = found[0][0][1]
        if form in ("level", "floor", "cap") and self.indicators[indicator]["kind"] != "ratio":
            return sum((value * weight for (value, _), weight in found), Decimal(0)), form
        return found[0][0]

    def sides(self, indicator: dict[str, Any], level: str, unit: str, period: date) -> list[tuple[str, date]] | None:
        """Numerator and denominator of a ratio, each with its month: a count of people serves until the next one."""
        found = []
        for code in (indicator["numerator_code"], indicator["denominator_code"]):
            series = self.figures.get((code, level, unit), {})
            when = period
            if self.indicators[code]["kind"] == "stock" and code == indicator["denominator_code"]:
                known = [p for p, figure in series.items() if p <= period and figure.value is not None]
                when = max(known, default=period)
            if when not in series:
                return None
            found.append((code, when))
        return found

    def ratio(
        self, indicator: dict[str, Any], basis: str, level: str, unit: str, period: date, which: str
    ) -> float | None:
        """Numerator over denominator at the level asked for, of year-to-date sums or of bases of them."""
        pair = []
        for code, when in self.sides(indicator, level, unit, period) or []:
            figure = self.figures[code, level, unit][when]
            if which == "base":
                value = self.base(basis, level, code, unit, when)
            elif which == "month":
                value = None if self.indicators[code]["kind"] == "stock" else figure.month
            else:
                value = figure.value
            pair.append(value)
        return self.quotient(indicator, *pair) if pair else None

    @staticmethod
    def quotient(indicator: dict[str, Any], numerator: Any, denominator: Any) -> float | None:
        """A ratio in its unit; none where a part is missing or the denominator is 0."""
        if numerator is None or not denominator:
            return None
        return float(numerator) * float(indicator["multiplier"] or 1) / float(denominator)

    def listed_rows(self, indicator: dict[str, Any]) -> None:
        """A ratio over a list that is frozen for the year, from who gave both parts (EN01; domain.md A.2, B.3, B.5)."""
        code, upper, lower = (indicator[n] for n in ("indicator_code", "numerator_code", "denominator_code"))
        members: dict[tuple[str, str, date], list[tuple[str, Figure, Figure | None]]] = defaultdict(list)
        for (other, level, unit), series in list(self.figures.items()):
            if other != upper or level != "enterprise":
                continue
            for period, figure in series.items():
                if not self.in_scope(unit, indicator["scope"], date(period.year, 1, 1)):
                    continue
                beside = self.figures.get((lower, level, unit), {}).get(period)
                for place in (("enterprise", unit), ("township", figure.township), ("county", self.county)):
                    if figure.township or place[0] == "enterprise":
                        members[place[0], str(place[1]), period].append((unit, figure, beside))
        for (level, place, period), units in members.items():
            whole = [(u, n, d) for u, n, d in units if n.value is not None and d is not None and d.value is not None]
            monthly = [(n.month, d.month) for _, n, d in units if d and n.month is not None and d.month is not None]
            bases = [
                pair
                for u, _, _ in whole
                if None not in (pair := [self.base("reported", "enterprise", c, u, period) for c in (upper, lower)])
            ]
            alike = [
                pair
                for u, _, _ in whole
                if None not in (pair := [self.last_first(c, u, period) for c in (upper, lower)])
            ]
            fresh = [(n, d) for _, n, d in whole if not n.carried and not d.carried]
            heard = [(n, d) for _, n, d in units if d is not None and n.reported and d.reported]
            ages = [min(n.asof or period, (d.asof if d else None) or period) for _, n, d in units]

            def over(pairs: Any) -> float | None:
                if not pairs:
                    return None
                return self.quotient(indicator, sum(p[0] for p in pairs), sum(p[1] for p in pairs))

            self.listed_bases["reported", level, code, place, period] = over(bases)
            self.listed_bases["comparable", level, code, place, period] = over(alike)
            self.figures[code, level, place][period] = Figure(
                value=over([(n.value, d.value) for _, n, d in whole]),
                month=over(monthly),
                carried=bool(whole) and not fresh,
                # of several, where none is of this month, the newest that is carried
                asof=period if fresh and level != "enterprise" else max(ages, default=period),
                reported=sum((n, d) in heard for _, n, d in whole),
                expected=len(units),
                silent=not heard,
                township=place if level == "township" else units[0][1].township if level == "enterprise" else None,
            )

    def rows(self) -> dict[Key, dict[str, Any]]:
        """Every row, by basis, level, unit, indicator and period."""
        self.own()
        self.scoped()
        self.safety()
        self.safety_of_enterprises()
        self.aggregate()
        self.headcount()
        known = self.targets()
        rows: dict[Key, dict[str, Any]] = {}
        for indicator in list(self.indicators.values()):
            if indicator["kind"] == "ratio":
                self.ratio_rows(indicator)
        for (code, level, unit), series in list(self.figures.items()):
            for period, figure in series.items():
                for basis in ("reported",) if level == "enterprise" else ("reported", "comparable"):
                    rows[basis, level, unit, code, period] = self.row(known, basis, level, unit, code, period, figure)
        self.rank(rows)
        self.contribute(rows)
        self.look_back(rows)
        return rows

    def ratio_rows(self, indicator: dict[str, Any]) -> None:
        """Figures of a ratio at every unit and month where both parts are."""
        code = indicator["indicator_code"]
        if not indicator["numerator_code"]:
            return
        printed = {
            (level, unit, period): figure.printed
            for (other, level, unit), series in self.figures.items()
            if other == code
            for period, figure in series.items()
        }
        if indicator["scope"]:
            self.listed_rows(indicator)
            return
        for (other, level, unit), series in list(self.figures.items()):
            if other != indicator["numerator_code"] or level[0].upper() not in (indicator["allowed_grains"] or ""):
                continue
            for period, part in list(series.items()):
                sides = self.sides(indicator, level, unit, period)
                own = self.figures.get((code, level, unit), {}).get(period)
                if sides is None:
                    continue
                value = self.ratio(indicator, "reported", level, unit, period, "value")
                if value is None and own is not None and own.value is not None:
                    continue
                side, when = sides[1]
                beside = self.figures[side, level, unit][when]
                asof = [part.asof] + ([beside.asof] if when == period else [])
                self.figures[code, level, unit][period] = Figure(
                    value=value,
                    month=self.ratio(indicator, "reported", level, unit, period, "month"),
                    carried=value is not None and (part.carried or beside.carried),
                    asof=min((a for a in asof if a is not None), default=None),
                    reported=part.reported,
                    expected=part.expected,
                    silent=not (part.reported or part.emptied)
                    or (not (beside.reported or beside.emptied) and when == period),
                    township=part.township,
                    printed=printed.get((level, unit, period)),
                )

    def row(
        self, known: Any, basis: str, level: str, unit: str, code: str, period: date, figure: Figure
    ) -> dict[str, Any]:
        """One row: growth, target, attainment, gap and lamp (domain.md B.2, B.3, B.4)."""
        indicator = self.indicators[code]
        base = self.base(basis, level, code, unit, period)
        value = figure.value
        progress = period.month / 12 * 100
        points = indicator["growth_basis"] in ("diff_pp", "diff")
        growth, relative = None, None
        if value is not None and base is not None:
            if base > 0 and value >= 0:
                relative = (float(value) * self.prices(indicator, figure, period) / float(base) - 1) * 100
            growth = float(value) - float(base) if points else relative
        target, form = self.target(known, code, unit, period)
        attainment, gap = None, None
        if target is not None and value is not None:
            attainment, gap = self.attain(
                form, indicator, float(value), float(target), growth, progress, basis, level, unit, period
            )
        return {
            "value_month": figure.month,
            "value_ytd": value,
            "base_ytd": base,
            "growth_pct": growth,
            "target_value": target,
            "attainment_pct": attainment,
            "time_progress_pct": progress,
            "gap_pp": gap,
            "lamp": self.lamp(form, indicator, figure, target, gap, growth, progress, period),
            "rank": None,
            "contribution_pp": None,
            "value_month_derived": figure.derived if indicator["kind"] in ("flow", "count") else None,
            "growth_month_pct": None,
            "change_since_year_end": None,
            "growth_two_year_pct": None,
            "growth_relative_pct": relative,
            "required_monthly": None,
            "required_growth_pct": None,
            "implied_target_value": None,
            "is_carried": figure.carried,
            "reported_units": figure.reported,
            "expected_units": figure.expected,
            "_township": figure.township,
            "_points": points,
            "_form": form,
        }

    def prices(self, indicator: dict[str, Any], figure: Figure, period: date) -> float:
        """How many times last year's prices a ratio at constant prices stands at; 1 for others and without an index.

        Its denominator is divided by the county's price index of the month that the figure is of (domain.md A.2, EN01).
        """
        if indicator["price_basis"] != "constant" or not indicator["numerator_code"]:
            return 1.0
        index = self.figures.get(("PX01", "county", self.county), {}).get(figure.asof or period)
        return float(index.value) / 100 if index is not None and index.value else 1.0

    def attain(
        self,
        form: str | None,
        indicator: dict[str, Any],
        value: float,
        target: float,
        growth: float | None,
        progress: float,
        basis: str,
        level: str,
        unit: str,
        period: date,
    ) -> tuple[float | None, float | None]:
        """Attainment in % and gap in points by the form of the target (domain.md B.3)."""
        if form == "growth":
            return None, None if growth is None else growth - target
        if form == "reduction":
            if growth is None:
                return None, None
            return (-growth / target * 100 if target and growth <= 0 else None), -growth - target
        if form == "full":
            return (value / target * 100 if target else None), value - target
        if form == "cap":
            used = value / target * 100 if target else None
            if indicator["kind"] == "ratio":
                return used, None if used is None else 100 - used
            return used, None if used is None else progress - used
        if indicator["kind"] == "stock":
            start = self.start(basis, indicator["indicator_code"], level, unit, period)
            if start is None or target <= start:
                return None, None
            share = (value - start) / (target - start) * 100
            return share, share - progress
        share = value / target * 100 if target else None
        return share, None if share is None else share - progress

    def start(self, basis: str, code: str, level: str, unit: str, period: date) -> float | None:
        """K0: last December's level of what the unit is today, else the level printed beside the target."""
        then = date(period.year - 1, 12, 1)
        names = [name for name, _ in self.forebears(unit, period)] if level == "township" else [unit]
        year_end = date(period.year, 12, 1)
        merged = level == "township" and len(self.forebears(unit, year_end)) > len(self.forebears(unit, then))
        found = [
            self.figures[code, level, name][then].value
            for name in names
            if then in self.figures.get((code, level, name), {})
        ]
        printed = [
            row["value"]
            for row in self.observations
            if row["measure"] == "base_ytd"
            and row["indicator_code"] == code
            and row["unit_id"] in names
            and row["period"] == date(period.year, 12, 1)
            and row["target_form"] is None
        ]
        if level == "county" and found and basis == "comparable":
            found = [found[0] - self.departed(code, then, period)]
        first, second = (printed, found) if basis == "reported" and not merged else (found, printed)
        chosen = [v for v in (first or second) if v is not None]
        return float(sum(chosen)) if chosen else None

    def lamp(
        self,
        form: str | None,
        indicator: dict[str, Any],
        figure: Figure,
        target: Decimal | None,
        gap: float | None,
        growth: float | None,
        progress: float,
        period: date,
    ) -> str | None:
        """The lamp by the dated rule of the indicator (domain.md B.4, J.7)."""
        silent = not figure.reported if figure.silent is None else figure.silent
        if figure.carried or (figure.value is None and silent):
            return "grey"
        if target is None or figure.value is None:
            return None
        rule_id = indicator["lamp_rule_id"]
        rules = [r for r in self.lamps if r["lamp_rule_id"] == rule_id and r["target_form"] in (None, form)]
        rule = sorted(rules, key=lambda r: r["target_form"] is None)[0]
        if form == "cap":
            cap = float(target) * (progress / 100 if rule["uses_time_progress"] == "true" else 1)
            value = float(figure.value)
            if rule["is_zero_goal"] == "true":
                return "green" if value == 0 else "yellow" if value <= float(target) else "red"
            return "green" if value <= cap + 1e-12 else "yellow" if value <= float(target) else "red"
        if target <= 0 and form in ("level", "floor", "task", "full") and indicator["kind"] != "stock":
            # a loss within bounds, breaking even, a rate to be brought to zero: no part of it is ever attained
            value, bound = float(figure.value), float(target)
            if indicator["direction"] in ("down", "cap"):
                return "green" if value <= bound else "red"
            due = bound * progress / 100 if indicator["kind"] in ("flow", "count") else bound
            return "green" if value >= round(due, 9) else "yellow" if value >= bound else "red"
        if gap is None:
            return None
        gap = round(gap, 9)
        if form == "reduction":
            return "green" if gap >= 0 else "yellow" if growth is not None and growth < 0 else "red"
        return (
            "green"
            if gap >= float(rule["green_min_pp"])
            else "yellow"
            if gap >= float(rule["yellow_min_pp"])
            else "red"
        )

    def rank(self, rows: dict[Key, dict[str, Any]]) -> None:
        """Places within the class, by gap, units without a target after them by growth; ties share (design.md 3.5)."""
        groups: dict[tuple[Any, ...], list[tuple[tuple[int, float], dict[str, Any]]]] = defaultdict(list)
        for (basis, level, unit, code, period), row in rows.items():
            if level != "township" or row["is_carried"]:
                continue
            measure = row["gap_pp"] if row["gap_pp"] is not None else row["growth_pct"]
            grade = self.townships[unit]["class"]
            if measure is None or grade is None:
                continue
            if row["gap_pp"] is None and self.indicators[code]["direction"] in ("down", "cap"):
                measure = -measure
            groups[basis, code, period, grade].append(((int(row["gap_pp"] is not None), round(measure, 9)), row))
        for members in groups.values():
            for measure, row in members:
                row["rank"] = 1 + sum(other > measure for other, _ in members)

    def look_back(self, rows: dict[Key, dict[str, Any]]) -> None:
        """环比, 比年初 and 两年平均 (domain.md B.2): each against another month of the same unit, whatever its code.

        On the comparable basis only of the same ground: what lies before a change of it is another unit's.
        """
        for (basis, level, unit, code, period), row in rows.items():
            kind, value = self.indicators[code]["kind"], row["value_ytd"]
            moved = self.changed(level, unit, period) if basis == "comparable" else date.min

            def then(
                day: date,
                basis: str = basis,
                level: str = level,
                unit: str = unit,
                code: str = code,
            ) -> dict[str, Any]:
                keys = [(basis, level, name, code, day) for name in self.same(level, unit)]
                return next((rows[key] for key in keys if key in rows), {})

            before = then(month_before(period)).get("value_month")
            month = row["value_month"] if kind in ("flow", "count") and moved <= month_before(period) else None
            if month is not None and month >= 0 and before is not None and before > 0:
                row["growth_month_pct"] = (float(month) / float(before) - 1) * 100
            year_end = date(period.year - 1, 12, 1)
            old = then(year_end)
            started = old.get("value_ytd") if old and not old["is_carried"] and moved <= year_end else None
            if kind == "stock" and code != "BF11" and not row["is_carried"] and None not in (value, started):
                row["change_since_year_end"] = value - started
            last = then(year_before(period))
            self.require(row, kind, period, old, last, self.changed(level, unit, period), moved)
            if kind == "ratio" or row["_points"] or row["is_carried"] or value is None:
                continue
            if basis == "comparable":
                pair = (row["growth_pct"], last.get("growth_pct"))
                if None not in pair and (level == "county" or moved <= year_before(period)):
                    product = (1 + pair[0] / 100) * (1 + pair[1] / 100)
                    row["growth_two_year_pct"] = (product**0.5 - 1) * 100
                continue
            first = then(year_before(year_before(period)))
            if first.get("value_ytd") is not None and not first["is_carried"] and first["value_ytd"] > 0 and value >= 0:
                row["growth_two_year_pct"] = ((float(value) / float(first["value_ytd"])) ** 0.5 - 1) * 100

    @staticmethod
    def require(
        row: dict[str, Any],
        kind: str,
        period: date,
        december: dict[str, Any],
        last: dict[str, Any],
        changed: date,
        moved: date,
    ) -> None:
        """What the rest of the year must bring, a month and as growth over last year's rest (domain.md B.3).

        A growth target alone means last year's whole, grown by it.
        """
        value, target, form = row["value_ytd"], row["target_value"], row["_form"]
        whole = None if not december or december["is_carried"] else december["value_ytd"]
        level = float(target) if target is not None and form in ("level", "floor", "task") else None
        is_growth = form == "growth" and target is not None and kind in ("flow", "count")
        if is_growth and whole is not None and whole > 0 and moved <= date(period.year - 1, 12, 1):
            level = row["implied_target_value"] = float(whole) * (1 + float(target) / 100)
        if level is None or value is None or kind == "ratio" or period.month == 12:
            return
        remaining = level - float(value)
        row["required_monthly"] = max(remaining / (12 - period.month), 0.0)
        before = None if not last or last["is_carried"] else last["value_ytd"]
        if kind == "stock" or whole is None or before is None or changed > year_before(period) or remaining <= 0:
            return
        if whole > before:
            row["required_growth_pct"] = (remaining / float(whole - before) - 1) * 100

    def changed(self, level: str, unit: str, period: date) -> date:
        """The last day by a month on which the ground of a unit changed; a new name or code changes nothing."""
        days = [date.min]
        if level == "county":
            days += [row["transferred_out_on"] for row in self.townships.values() if row["transferred_out_on"]]
        elif level == "township":
            for link in self.links:
                names = self.townships.get(link["from_code"]), self.townships.get(link["to_code"])
                is_same = bool(names[0] and names[1]) and names[0]["durable_id"] == names[1]["durable_id"]
                day = date.fromisoformat(link["effective_from"])
                if not is_same and (
                    link["to_code"] in self.names(unit, period)
                    or (link["from_code"] == unit and self.exists(unit, day))
                ):
                    days.append(day)
        return max(day for day in days if day <= period)

    def contribute(self, rows: dict[Key, dict[str, Any]]) -> None:
        """Points that a unit makes up of the growth of the whole above it (domain.md B.2)."""
        for (basis, level, _, code, period), row in rows.items():
            if level == "county" or self.indicators[code]["kind"] == "ratio":
                continue
            above = (basis, "county", self.county, code, period)
            if level == "enterprise":
                above = (basis, "township", row["_township"], code, period)
            whole = rows.get(above)
            if (
                whole
                and whole["base_ytd"]
                and whole["base_ytd"] > 0
                and None not in (row["value_ytd"], row["base_ytd"])
            ):
                row["contribution_pp"] = float(row["value_ytd"] - row["base_ytd"]) / float(whole["base_ytd"]) * 100


def same(column: str, ours: Any, theirs: Any) -> bool:
    """Equal exactly for decimals and words, within 1e-9 for ratios."""
    if ours is None or theirs is None:
        return ours is theirs
    if column in EXACT and not isinstance(theirs, float):
        if isinstance(ours, float):  # a ratio rounded at the eighth place, then at the sixth (double_as_value)
            return abs(Decimal(ours) - theirs) <= SIX_PLACES * Decimal("0.505001")
        return Decimal(str(ours)).quantize(SIX_PLACES) == Decimal(str(theirs)).quantize(SIX_PLACES)
    if isinstance(theirs, float):
        return abs(float(ours) - theirs) <= RELATIVE_TOLERANCE * max(1.0, abs(theirs))
    return bool(ours == theirs)


def compare(
    ours: dict[Key, dict[str, Any]], theirs: list[dict[str, Any]], examples: int = 3, only: Any = None
) -> list[dict[str, Any]]:
    """Cell by cell: one entry a column, and one for the rows themselves."""
    mart = {(r["basis"], r["level"], r["unit_id"], r["indicator_code"], r["period"]): r for r in theirs}
    if only is not None:
        ours, mart = {k: v for k, v in ours.items() if only(k)}, {k: v for k, v in mart.items() if only(k)}
    both = [key for key in mart if key in ours]
    lonely, missing = [k for k in ours if k not in mart], [k for k in mart if k not in ours]
    result = [
        {
            "column": "(row)",
            "compared": len(both),
            "filled": len(both),
            "equal": len(both),
            "different": 0,
            "only_ours": len(lonely),
            "only_theirs": len(missing),
            "where": tally([*lonely, *missing]),
            "examples": [*map(text, lonely[:examples]), *map(text, missing[:examples])],
        }
    ]
    for column in COLUMNS:
        count = {
            "column": column,
            "compared": 0,
            "filled": 0,
            "equal": 0,
            "different": 0,
            "only_ours": 0,
            "only_theirs": 0,
        }
        shown, where = [], []
        for key in both:
            mine, other = ours[key][column], mart[key][column]
            exact = {"value_ytd": "value_exact", "base_ytd": "base_exact"}.get(column)
            if exact and isinstance(mine, float):
                other = mart[key][exact]  # a ratio is not money: design.md 3.5 keeps it DOUBLE
            count["compared"] += 1
            count["filled"] += mine is not None or other is not None
            if same(column, mine, other):
                count["equal"] += 1
                continue
            count["only_ours" if other is None else "only_theirs" if mine is None else "different"] += 1
            where.append(key)
            shown.append(f"{text(key)}: {mine} / {other}")
        step = max(1, len(shown) // max(1, examples))
        result.append({**count, "where": tally(where), "examples": shown[::step][:examples]})
    return result


def text(key: Key) -> str:
    """A key in one line."""
    return " ".join([*key[:4], f"{key[4]:%Y-%m}"])


def tally(keys: list[Key]) -> str:
    """Where differences lie: basis, level and indicator, most first."""
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    for key in keys:
        counts[key[0], key[1], key[3]] += 1
    return ", ".join(f"{' '.join(k)} {n}" for k, n in sorted(counts.items(), key=lambda item: -item[1])[:14])


def main() -> int:
    """Compute, compare and print; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warehouse", type=Path, required=True, help="a published warehouse.duckdb (tew path)")
    parser.add_argument("--seeds", type=Path, default=Path("seeds/reference"), help="reference CSVs it was built with")
    parser.add_argument("--json", type=Path, help="write the table as JSON too")
    parser.add_argument("--examples", type=int, default=3, help="examples shown a column")
    chosen = parser.parse_args()
    parity = Parity(chosen.warehouse, chosen.seeds)
    table = compare(parity.rows(), parity.theirs, chosen.examples)
    columns = ["column", "compared", "filled", "equal", "different", "only_ours", "only_theirs"]
    print(pd.DataFrame(table)[columns].to_string(index=False))
    for entry in table:
        if entry["where"]:
            print(f"\n{entry['column']}: {entry['where']}", *entry["examples"], sep="\n    ")
    if chosen.json:
        chosen.json.write_text(json.dumps(table, ensure_ascii=False, indent=1), encoding="utf-8")
    return int(any(e["different"] or e["only_ours"] or e["only_theirs"] for e in table))


if __name__ == "__main__":
    sys.exit(main())
