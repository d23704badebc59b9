"""`tew trace`: the cells behind one figure. Printing only; the walk stands in warehouse/trace.py."""

from __future__ import annotations

from datetime import date
from typing import Any

from dagster_project.commands import render
from dagster_project.commands.texts import CommandError, Texts, note, out
from dagster_project.commands.versions import published_file
from dagster_project.settings import Settings
from dagster_project.warehouse import as_of as days
from dagster_project.warehouse.read import PublishedReader
from dagster_project.warehouse.trace import Node, Tracer

COLUMNS = (
    "indicator_code",
    "unit_id",
    "period",
    "measure",
    "value",
    "raw_text",
    "raw_unit",
    "unit_factor",
    "file_name",
    "sheet",
    "cell",
    "submission_id",
    "received_at",
)


def run(settings: Settings, indicator: str, unit: str, period: date, as_of: date | None, *, as_json: bool) -> None:
    """Print the figure, what it is made of and its cells. Raises CommandError where nothing is found, and says why."""
    published_file(settings)
    reader = PublishedReader(settings)
    # Figures of that day are shown where its marts were made; its cells are known without them.
    file = None if as_of is None else days.path(settings, as_of)
    if file is None:
        tracer = Tracer(reader.query, as_of=as_of, has_figures=as_of is None)
    else:
        tracer = Tracer(lambda sql, params: days.query(file, settings, sql, params))
    if indicator not in tracer.indicators:
        raise CommandError("trace.no_indicator", indicator=indicator, count=len(tracer.indicators))
    unit = _unit_id(reader, unit)
    node = tracer.trace(indicator, unit, period)
    if node is None:
        day = "" if as_of is None else as_of.isoformat()
        key = "trace.nothing" if as_of is None else "trace.nothing_as_of"
        first, last = _span(reader, indicator, unit)
        raise CommandError(
            key, indicator=indicator, unit=unit, period=f"{period:%Y-%m}", day=day, first=first, last=last
        )
    cells = node.all_cells()
    if as_json:
        found: dict[str, Any] = {
            "indicator_code": indicator,
            "unit_id": unit,
            "level": node.level,
            "period": period,
            "as_of": as_of,
            "figure": node.figure,
            "cells": [{**row, "unit": row["raw_unit"]} for row in cells],
            "parts": [part.as_dict() for part in node.parts],
        }
        out(render.json_text(found))
        return
    texts = Texts(settings.seeds)
    figure = node.figure
    if figure is not None:
        out(
            texts.lines(
                "trace.figure",
                indicator=indicator,
                unit=unit,
                period=f"{period:%Y-%m}",
                month=_plain(figure["value_month"]),
                ytd=_plain(figure["value_ytd"]),
                source=figure["value_source"],
            )
        )
    for line in _tree(node, 1):
        out(line)
    out(render.table(list(COLUMNS), [tuple(row[name] for name in COLUMNS) for row in cells]))
    note(texts.lines("trace.found", cells=len(cells), files=len({row["file_name"] for row in cells})))


def _plain(value: object) -> str:
    return "-" if value is None else render.plain(value)


def _tree(node: Node, depth: int) -> list[str]:
    lines: list[str] = []
    for part in node.parts:
        figure = part.figure or {}
        lines.append(
            f"{'  ' * depth}{part.indicator_code} {part.unit_id} {part.period:%Y-%m}  "
            f"{_plain(figure.get('value_month'))}  {_plain(figure.get('value_ytd'))}"
        )
        lines += _tree(part, depth + 1)
    return lines


def _unit_id(reader: PublishedReader, unit: str) -> str:
    """A code stays; a full name becomes its code. Raises CommandError for one that is neither."""
    rows = reader.query(
        "SELECT DISTINCT unit_id FROM ("
        "SELECT unit_id, unit_id AS word FROM marts.fct_indicator_progress "
        "UNION ALL SELECT unit_id, unit_id FROM marts.fct_observation_version "
        "UNION ALL SELECT township_code, name_zh FROM marts.dim_township "
        "UNION ALL SELECT enterprise_id, name_zh FROM marts.dim_enterprise "
        "UNION ALL SELECT enterprise_id, credit_code FROM marts.dim_enterprise) WHERE word = $unit LIMIT 2",
        {"unit": unit},
    )[1]
    if len(rows) != 1:
        raise CommandError("trace.no_unit", unit=unit)
    return str(rows[0][0])


def _span(reader: PublishedReader, indicator: str, unit: str) -> tuple[str, str]:
    """First and last month with a figure of the unit, for the message; '-' where there is none."""
    row = reader.query(
        "SELECT strftime(min(period), '%Y-%m'), strftime(max(period), '%Y-%m') FROM marts.fct_indicator_progress "
        "WHERE indicator_code = $indicator AND unit_id = $unit",
        {"indicator": indicator, "unit": unit},
    )[1][0]
    return row[0] or "-", row[1] or "-"
