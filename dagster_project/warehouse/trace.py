"""The cells behind one figure: its own, or those of the units and indicators it is made of, down to cells.

Belongs here: walking from a figure of `fct_indicator_progress` to rows of `fct_observation_version`.
Does not belong here: printing (commands/trace.py), how a figure is computed (dbt), pages (dashboard).
Imports neither Dagster nor dbt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

Row = dict[str, Any]
Query = Callable[[str, dict[str, Any]], tuple[list[str], list[tuple[Any, ...]]]]

MAX_DEPTH = 6
# Whose month-end figures an average over the months comes from; the same word as dbt's var headcount_code.
HEADCOUNT = "TE04"
FIGURE_COLUMNS = (
    "value_month, value_ytd, base_month, base_ytd, growth_pct, target_value, attainment_pct, lamp, rank, "
    "value_source, is_carried, asof_period, denominator_period"
)
CELL_COLUMNS = (
    "indicator_code, level, unit_id, period, measure, value, null_reason, file_name, form_code, sheet, cell, line_no, "
    "heading, raw_text, raw_unit, unit_factor, submission_id, received_at, valid_from, valid_to, status"
)
# The same words as the macro fct_observation_as_of: known by the end of the day, and not yet out of force then.
IN_FORCE = {
    False: "status = 'in_force'",
    True: "status <> 'quarantined' AND valid_from < $as_of + 1 AND (valid_to IS NULL OR valid_to >= $as_of + 1)",
}


@dataclass
class Node:
    """One figure with the cells that hold it itself and the figures it is made of."""

    indicator_code: str
    level: str
    unit_id: str
    period: date
    figure: Row | None
    cells: list[Row] = field(default_factory=list)
    parts: list[Node] = field(default_factory=list)

    def all_cells(self) -> list[Row]:
        """Own cells first, then those of the parts; none twice."""
        seen: dict[tuple[Any, ...], Row] = {}
        for row in [*self.cells, *(cell for part in self.parts for cell in part.all_cells())]:
            key = (row["submission_id"], row["sheet"], row["cell"], row["measure"], row["indicator_code"])
            seen.setdefault(key, row)
        return list(seen.values())

    def as_dict(self) -> dict[str, Any]:
        """Nested, for programs."""
        return {
            "indicator_code": self.indicator_code,
            "level": self.level,
            "unit_id": self.unit_id,
            "period": self.period,
            "figure": self.figure,
            "cells": self.cells,
            "parts": [part.as_dict() for part in self.parts],
        }


class Tracer:
    """Traces figures of one database; what it read of an indicator serves all its units.

    `as_of`: only cells that were in force at the end of that day (UTC). `has_figures` says whether the database's
    figures are those of that day too; otherwise they only tell how a figure is made, and are not shown.
    """

    def __init__(self, query: Query, *, as_of: date | None = None, has_figures: bool = True) -> None:
        self._query = query
        self._as_of = as_of
        self._has_figures = has_figures
        self._figures: dict[tuple[str, date], dict[str, Row]] = {}
        self._cells: dict[tuple[str, int], dict[str, list[Row]]] = {}
        rows = self._rows(
            "SELECT indicator_code, kind, numerator_code, denominator_code, scope_base_code FROM marts.dim_indicator",
            {},
        )
        self.indicators = {row["indicator_code"]: row for row in rows}
        self._township_of: dict[str, str | None] = dict(
            query("SELECT enterprise_id, township_code FROM marts.dim_enterprise", {})[1],
        )

    def trace(self, indicator: str, unit: str, period: date) -> Node | None:
        """The figure with its cells; None where there is neither a figure nor a cell."""
        node = self._node(indicator, unit, period, 0)
        return node if node.figure is not None or node.all_cells() else None

    # ------------------------------------------------------------------------------------------------------ reading

    def _rows(self, sql: str, params: dict[str, Any]) -> list[Row]:
        names, rows = self._query(sql, params)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _figures_of(self, indicator: str, period: date) -> dict[str, Row]:
        key = (indicator, period)
        if key not in self._figures:
            rows = self._rows(
                f"SELECT level, unit_id, township_code, {FIGURE_COLUMNS} FROM marts.fct_indicator_progress "
                "WHERE basis = 'reported' AND indicator_code = $indicator AND period = $period",
                {"indicator": indicator, "period": period},
            )
            self._figures[key] = {row["unit_id"]: row for row in rows}
        return self._figures[key]

    def _cells_of(self, indicator: str, unit: str, year: int) -> list[Row]:
        key = (indicator, year)
        if key not in self._cells:
            params: dict[str, Any] = {"indicator": indicator, "first": date(year, 1, 1), "last": date(year, 12, 1)}
            if self._as_of is not None:
                params["as_of"] = self._as_of
            found: dict[str, list[Row]] = defaultdict(list)
            for row in self._rows(
                f"SELECT {CELL_COLUMNS} FROM marts.fct_observation_version "
                f"WHERE indicator_code = $indicator AND period BETWEEN $first AND $last "
                f"AND {IN_FORCE[self._as_of is not None]} ORDER BY period, measure, line_no, submission_id, sheet, cell",
                params,
            ):
                found[row["unit_id"]].append(row)
            self._cells[key] = found
        return self._cells[key].get(unit, [])

    # ------------------------------------------------------------------------------------------------------ walking

    def _node(self, indicator: str, unit: str, period: date, depth: int) -> Node:
        figure = self._figures_of(indicator, period).get(unit)
        cells = self._own_cells(indicator, unit, period, figure)
        level = figure["level"] if figure else (cells[0]["level"] if cells else self._level(unit))
        node = Node(indicator, level, unit, period, figure if self._has_figures else None, cells)
        source = figure["value_source"] if figure else None
        has_own = any(row["measure"] in ("month", "ytd", "stock") for row in cells)
        if depth >= MAX_DEPTH or (has_own and (source in (None, "reported") or self._as_of is not None)):
            return node
        for part_indicator, part_unit, part_period in self._parts(indicator, unit, level, period, figure, source):
            part = self._node(part_indicator, part_unit, part_period, depth + 1)
            if part.figure is not None or part.cells or part.parts:
                node.parts.append(part)
        if source == "incidents":
            node.cells += self._incidents(unit, level, period)
        return node

    def _level(self, unit: str) -> str:
        return "enterprise" if unit in self._township_of else "township"

    def _own_cells(self, indicator: str, unit: str, period: date, figure: Row | None) -> list[Row]:
        """Cells of the month; where only one of month and year to date was written, also those the other comes from."""
        standing = figure["asof_period"] if figure and figure["is_carried"] and figure["asof_period"] else period
        year = self._cells_of(indicator, unit, period.year)
        own = [row for row in year if row["period"] == standing]
        written = {row["measure"] for row in own}
        if (self.indicators.get(indicator) or {}).get("kind") in ("flow", "count") and written & {"month", "ytd"}:
            if "ytd" not in written:
                own = [row for row in year if row["period"] < standing and row["measure"] == "month"] + own
            elif "month" not in written:
                before = standing.month - 1
                own = [row for row in year if row["period"].month == before and row["measure"] == "ytd"] + own
        return own

    def _parts(
        self, indicator: str, unit: str, level: str, period: date, figure: Row | None, source: str | None
    ) -> list[tuple[str, str, date]]:
        meta = self.indicators.get(indicator) or {}
        if source == "ratio" or (source is None and meta.get("kind") == "ratio"):
            denominator = (figure or {}).get("denominator_period") or period
            pairs = ((meta.get("numerator_code"), period), (meta.get("denominator_code"), denominator))
            return [(code, unit, month) for code, month in pairs if code]
        if source == "fuels":
            fuels = self._query("SELECT DISTINCT fuel_code FROM marts.dim_fuel ORDER BY 1", {})[1]
            return [(row[0], unit, period) for row in fuels]
        if source == "scope" and meta.get("scope_base_code"):
            return [(meta["scope_base_code"], unit, period)]
        if source == "headcount":
            before = date(period.year - 1, 12, 1)
            months = [before, *(date(period.year, month, 1) for month in range(1, period.month + 1))]
            return [(HEADCOUNT, unit, month) for month in months]
        figures = self._figures_of(indicator, period)
        if source == "townships" or (level == "county" and source not in ("incidents", "ratio")):
            return [(indicator, row["unit_id"], period) for row in figures.values() if row["level"] == "township"]
        if level == "township" and source != "incidents":
            return [
                (indicator, row["unit_id"], period)
                for row in figures.values()
                if row["level"] == "enterprise"
                and (row["township_code"] or self._township_of.get(row["unit_id"])) == unit
            ]
        return []

    def _incidents(self, unit: str, level: str, period: date) -> list[Row]:
        """The register's rows of the year to date, in the columns of a cell."""
        rows = self._rows(
            "SELECT occurred_on, enterprise_id, township_code, category, deaths, file_name, form_code, sheet, cell, "
            "raw_text, submission_id, received_at FROM marts.fct_safety_incident "
            "WHERE occurred_on >= $first AND occurred_on <= last_day($last::DATE) ORDER BY occurred_on, incident_id",
            {"first": date(period.year, 1, 1), "last": period},
        )
        wanted = {"county": None, "township": "township_code", "enterprise": "enterprise_id"}[level]
        empty: Row = {name.strip(): None for name in CELL_COLUMNS.split(",")}
        return [
            {
                **empty,
                **{name: row[name] for name in ("file_name", "form_code", "sheet", "cell", "raw_text")},
                "submission_id": row["submission_id"],
                "received_at": row["received_at"],
                "level": "enterprise" if row["enterprise_id"] else "township",
                "unit_id": row["enterprise_id"] or row["township_code"],
                "period": row["occurred_on"].replace(day=1),
                "measure": "incident",
                "value": row["deaths"],
                "status": "in_force",
            }
            for row in rows
            if wanted is None or row[wanted] == unit
        ]
