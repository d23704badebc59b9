"""The main marts of a synthetic city written by hand in pandas, as a measure for the same in dbt and DuckDB.

Belongs here: what of schema raw is in force, own figures, sums by township and county, last year's base, growth, the
change in points since the month before, contribution, ranks: the columns of marts.fct_observation and of
marts.fct_indicator_progress on the basis `reported` that a place without mergers, gaps and targets needs. Not here:
carried figures, changes of geography, ratios, the comparable basis, targets, forecasts, appraisal, tests, publication;
so this does much less than a refresh. How many of its cells agree with the published file is counted beside it.
Started by benchmarks/scale.py, in a process of its own: python -m benchmarks.scale_pandas WORK PUBLISHED
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

KEY = ["level", "unit_id", "indicator_code", "period"]
TOLERANCE = 1e-9
READ = """
    SELECT o.seq, o.form_code, o.level, o.unit_id, o.township_code, o.indicator_code, o.period, o.measure,
           o.value::DOUBLE AS value, o.submission_id, s.file_name, o.sheet, o.cell, o.raw_text, o.raw_unit, o.received_at
    FROM raw.observation o JOIN raw.submission s USING (submission_id)
    WHERE s.status = 'accepted' AND o.status = 'accepted' AND o.unit_id IS NOT NULL
"""
REPEATED = ("form_code", "level", "unit_id", "township_code", "indicator_code", "measure", "submission_id")


def read(work: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Observations that were accepted, and the indicators."""
    connection = duckdb.connect(str(work), read_only=True)
    try:
        cells = connection.execute(READ).df()
        indicators = connection.execute(
            "SELECT indicator_code, kind, coalesce(source_form, '') AS source_form FROM reference.indicators"
        ).df()
    finally:
        connection.close()
    for column in (*REPEATED, "file_name", "sheet", "raw_text", "raw_unit"):
        cells[column] = cells[column].astype("category")
    return cells, indicators


def in_force(cells: pd.DataFrame, indicators: pd.DataFrame) -> pd.DataFrame:
    """Per key the last submission of each form, then the form that goes first."""
    latest = cells.sort_values("seq", kind="stable").drop_duplicates(["form_code", *KEY, "measure"], keep="last")
    order = {
        (row.indicator_code, form): place
        for row in indicators.itertuples()
        for place, form in enumerate(row.source_form.split("|"))
    }
    pairs = latest[["indicator_code", "form_code"]].drop_duplicates()
    pairs["place"] = [order.get((row.indicator_code, row.form_code), 99) for row in pairs.itertuples()]
    latest = latest.merge(pairs, on=["indicator_code", "form_code"])
    return latest.sort_values(["place", "seq"], ascending=[True, False]).drop_duplicates([*KEY, "measure"])


def figures(cells: pd.DataFrame, indicators: pd.DataFrame) -> pd.DataFrame:
    """Own figures of every level, and sums where a township or the county has none; no ratios."""
    additive = indicators.loc[indicators["kind"].isin(["flow", "count", "stock"]), "indicator_code"]
    held = cells[cells["indicator_code"].isin(additive) & cells["measure"].isin(["month", "ytd", "stock"])]
    place = held.drop_duplicates(["level", "unit_id"])[["level", "unit_id", "township_code"]]
    own = held.set_index([*KEY, "measure"])["value"].unstack("measure").reset_index()
    for measure in ("month", "ytd", "stock"):
        if measure not in own:
            own[measure] = float("nan")
    own["ytd"] = own["ytd"].fillna(own["stock"])
    own = own.drop(columns="stock").astype(dict.fromkeys(("level", "unit_id", "indicator_code"), str))
    own = own.merge(place.astype(str), on=["level", "unit_id"], how="left")
    townships = _with_sums(own, "enterprise", "township", "township_code")
    county = _with_sums(pd.concat([own, townships]), "township", "county", None)
    return pd.concat([own, townships, county], ignore_index=True)


def _with_sums(rows: pd.DataFrame, part: str, whole: str, place: str | None) -> pd.DataFrame:
    """Sums of the parts for each whole that has no row of its own."""
    parts = rows[rows["level"] == part].copy()
    parts["whole"] = parts[place] if place else "county"
    sums = parts.groupby(["whole", "indicator_code", "period"], as_index=False, observed=True)[["month", "ytd"]].sum(
        min_count=1
    )
    sums = sums.rename(columns={"whole": "unit_id"}).assign(level=whole)
    sums["township_code"] = sums["unit_id"]
    present = rows.loc[rows["level"] == whole, KEY if place else ["indicator_code", "period"]].assign(is_there=True)
    sums = sums.merge(present, how="left")
    return sums[sums["is_there"].isna()].drop(columns="is_there")


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """Base, growth, its change, contribution and rank."""
    last = rows[[*KEY, "ytd"]].rename(columns={"ytd": "base"})
    last["period"] = last["period"] + pd.DateOffset(years=1)
    rows = rows.merge(last, on=KEY, how="left")
    rows["growth"] = ((rows["ytd"] / rows["base"] - 1) * 100).where(rows["base"] > 0)
    before = rows[[*KEY, "growth"]].rename(columns={"growth": "before"})
    before["period"] = before["period"] + pd.DateOffset(months=1)
    rows = rows.merge(before, on=KEY, how="left")
    rows["change"] = (rows["growth"] - rows["before"]).where(rows["period"].dt.month > 1)
    whole = rows[["level", "unit_id", "indicator_code", "period", "base", "ytd"]].copy()
    whole["delta"] = whole["ytd"] - whole["base"]
    rows["parent"] = rows["township_code"].where(rows["level"] == "enterprise", "county")
    of_township = whole[whole["level"] == "township"].assign(level="enterprise").rename(columns={"unit_id": "parent"})
    of_county = whole[whole["level"] == "county"].assign(level="township", parent="county").drop(columns="unit_id")
    parents = pd.concat([of_township, of_county])[["level", "parent", "indicator_code", "period", "base", "delta"]]
    rows = rows.merge(parents, on=["level", "parent", "indicator_code", "period"], how="left", suffixes=("", "_whole"))
    rows["contribution"] = (rows["ytd"] - rows["base"]) / rows["base_whole"] * 100
    rows["rank"] = (
        rows[rows["level"] == "township"]
        .groupby(["indicator_code", "period"], observed=True)["growth"]
        .rank(ascending=False, method="min")
    )
    return rows


def agreement(rows: pd.DataFrame, published: Path) -> dict[str, int]:
    """Cells of value, base and growth compared with the published file, and how many of them agree."""
    connection = duckdb.connect(str(published), read_only=True)
    connection.register("ours", rows[[*KEY, "ytd", "base", "growth"]])
    try:
        compared, agree = connection.execute(
            f"""
            WITH pair AS (
                SELECT o.ytd, o.base, o.growth, p.value_ytd::DOUBLE AS value_ytd, p.base_ytd::DOUBLE AS base_ytd,
                       p.growth_pct
                FROM ours o JOIN marts.fct_indicator_progress p
                  ON o.level = p.level
                 AND o.unit_id = CASE p.level WHEN 'county' THEN 'county' ELSE p.unit_id END
                 AND o.indicator_code = p.indicator_code AND o.period = p.period AND p.basis = 'reported'
            ),
            cell AS (
                SELECT unnest([ytd, base, growth]) AS one, unnest([value_ytd, base_ytd, growth_pct]) AS other FROM pair
            )
            SELECT count(*), count(*) FILTER (
                abs(one - other) <= {TOLERANCE} * greatest(abs(other), 1e3) OR (isnan(one) AND other IS NULL)
            ) FROM cell WHERE one IS NOT NULL
            """
        ).fetchone() or (0, 0)
    finally:
        connection.close()
    return {"compared": int(compared), "agree": int(agree)}


def run(work: Path, published: Path) -> dict[str, Any]:
    """Seconds of each step, peak memory in MB before the comparison, and how far it agrees."""
    seconds = {}
    started = time.perf_counter()
    cells, indicators = read(work)
    seconds["read"] = time.perf_counter() - started
    observations = len(cells)
    started = time.perf_counter()
    rows = judged(figures(in_force(cells, indicators), indicators))
    seconds["compute"] = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"observations": observations, "rows": len(rows), "seconds": seconds, "peak_mb": peak} | agreement(
        rows, published
    )


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]))))
