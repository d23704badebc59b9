"""The year-end forecast held against years that have ended: errors beside two naive forecasts, and how often the band held.

Here belongs the back-test of columns forecast_value, forecast_low and forecast_high of a published warehouse: each month's
forecast was made from what earlier years showed, so that nothing of the year's own end is in it. Not here: the method
(dbt/models/intermediate/int_forecast.sql).

    python -m benchmarks.forecast [--warehouse FILE] [--json FILE]

prints per level and month: forecasts judged, median error in % of the year's end of ours, of the run-rate (value / months
* 12) and of last year's growth (last year's end * value / last year's value), and the band's coverage in %. Exit 1 where
ours is worse than the run-rate, or the coverage of a level with 100 bands is over 5 points from nominal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from benchmarks.report import emit
from dagster_project.settings import load_settings

TOLERANCE_PP = 5.0
ENOUGH = 100  # fewer bands say little of a coverage

JUDGED = """
with ended as (
    select level, unit_id, indicator_code, year(period) as year_no, cast(value_exact as double) as year_end
    from marts.fct_indicator_progress
    where basis = 'reported' and month(period) = 12 and not is_carried and value_exact <> 0
)
select
    f.level,
    month(f.period) as month_no,
    abs(cast(f.forecast_value as double) / ended.year_end - 1) * 100 as ours,
    abs(f.value_exact * 12 / month(f.period) / ended.year_end - 1) * 100 as run_rate,
    abs(before.year_end * f.value_exact / nullif(then_row.value_exact, 0) / ended.year_end - 1) * 100 as last_growth,
    case when f.forecast_low is not null then ended.year_end between f.forecast_low and f.forecast_high end as held
from marts.fct_indicator_progress as f
join ended
    on f.level = ended.level and f.unit_id = ended.unit_id and f.indicator_code = ended.indicator_code
    and year(f.period) = ended.year_no
join ended as before
    on f.level = before.level and f.unit_id = before.unit_id and f.indicator_code = before.indicator_code
    and year(f.period) = before.year_no + 1
join marts.fct_indicator_progress as then_row
    on f.basis = then_row.basis and f.level = then_row.level and f.unit_id = then_row.unit_id
    and f.indicator_code = then_row.indicator_code and f.period = then_row.period + interval 1 year
join marts.dim_indicator as i on f.indicator_code = i.indicator_code
where f.basis = 'reported' and month(f.period) < 12 and not f.is_carried and f.forecast_method = 'seasonal'
    and i.kind in ('flow', 'count')
"""


def measure(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """One row per level and month, and one per level over all months (`month` 'all')."""
    found = connection.execute(JUDGED).fetchall()
    groups: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in found:
        groups.setdefault((row[0], f"{row[1]:02d}"), []).append(row)
        groups.setdefault((row[0], "all"), []).append(row)
    return [_summary(level, month, rows) for (level, month), rows in sorted(groups.items())]


def _summary(level: str, month: str, rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    growth = [row[4] for row in rows if row[4] is not None]
    held = [row[5] for row in rows if row[5] is not None]
    return {
        "level": level,
        "month": month,
        "forecasts": len(rows),
        "ours_pct": median(row[2] for row in rows),
        "run_rate_pct": median(row[3] for row in rows),
        "last_growth_pct": median(growth) if growth else None,
        "bands": len(held),
        "coverage_pct": 100 * sum(held) / len(held) if held else None,
    }


def verdicts(rows: Sequence[dict[str, Any]], nominal: float) -> list[str]:
    """What the back-test found wanting, in words."""
    wanting = []
    for row in rows:
        if row["month"] != "all":
            continue
        if row["ours_pct"] > row["run_rate_pct"]:
            wanting.append(f"{row['level']}: worse than the run-rate")
        if row["bands"] >= ENOUGH:
            away = row["coverage_pct"] - nominal
            if abs(away) > TOLERANCE_PP:
                wanting.append(f"{row['level']}: coverage {away:+.1f} points from {nominal:g} %")
    return wanting


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warehouse", type=Path, help="a published file (tew path); default: the one being served")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    warehouse = options.warehouse
    if warehouse is None:
        settings = load_settings()
        version = (settings.published / "CURRENT").read_text(encoding="utf-8").strip()
        warehouse = settings.published / version / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = measure(connection)
        (nominal,) = connection.execute(
            "select coalesce(max(cast(value as double)), 80) from marts.dim_setting where key = 'forecast_band_pct'"
        ).fetchone() or (80.0,)
    if not rows:
        print("no year with a year before it has ended: nothing to judge")
        return 1
    emit("year-end forecast, back-tested", rows, options.json)
    wanting = verdicts(rows, nominal)
    for line in wanting:
        print("WANTING", line)
    return 1 if wanting else 0


if __name__ == "__main__":
    sys.exit(main())
