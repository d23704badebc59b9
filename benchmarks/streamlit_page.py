"""The overview as a Streamlit page over the same published file; run by benchmarks.dashboard_load alone.

Belongs here: the same content by the means Streamlit offers (queries cached, native tables). Does not belong here: our
dashboard; streamlit is no dependency of the project, the benchmark installs it into a throwaway environment.
Run: streamlit run benchmarks/streamlit_page.py -- FILE FOLDER_OF_SQL
"""

import datetime
import sys
from pathlib import Path

import duckdb
import pandas as pd
import streamlit as st

FILE, FOLDER = sys.argv[1], Path(sys.argv[2])
st.set_page_config(layout="wide", page_title="overview")


@st.cache_resource
def connection():
    return duckdb.connect(FILE, read_only=True)


@st.cache_data
def rows(name: str, **params) -> pd.DataFrame:
    return connection().cursor().execute((FOLDER / f"{name}.sql").read_text(encoding="utf-8"), params or None).df()


periods = sorted(pd.to_datetime(rows("periods")["period"]).dt.date, reverse=True)
left, middle = st.columns(2)
period = left.selectbox("period", periods, format_func=lambda day: f"{day:%Y-%m}")
basis = middle.selectbox("basis", ["comparable", "reported"])
indicators = rows("indicators").query("is_headline")
townships = rows("townships")
county = townships[townships["kind"] == "county"]["township_code"].iloc[0]
names = dict(zip(indicators["indicator_code"], indicators["name_zh"], strict=True))
places = dict(zip(townships["township_code"], townships["name_zh"], strict=True))
since = datetime.date(period.year - 1, period.month, 1)
history = rows("unit_progress", level="county", unit_id=county, basis=basis, since=since, period=period)
history = history[history["indicator_code"].isin(names)]
history["month"] = pd.to_datetime(history["period"]).dt.date
current = history[history["month"] == period]
behind = current["lamp"].isin(["yellow", "red"]).sum()
st.subheader(f"{behind} / {current['target_value'].notna().sum()}")
st.caption(f"{period:%Y-%m} {basis}")
trend = history.assign(value=history["value_month"].fillna(history["value_ytd"]).astype(float))
trend = trend.groupby("indicator_code")["value"].apply(list)
table = current.set_index("indicator_code")
shown = pd.DataFrame(
    {
        "indicator": [names[code] for code in table.index],
        "ytd": table["value_ytd"].astype(float).values,
        "growth": table["growth_pct"].astype(float).values,
        "attainment": table["attainment_pct"].astype(float).values,
        "bullet": table["attainment_pct"].astype(float).values,
        "gap": table["gap_pp"].astype(float).values,
        "lamp": table["lamp"].values,
        "trend": [trend[code] for code in table.index],
    }
)
st.dataframe(
    shown,
    hide_index=True,
    width="stretch",
    height=35 * (len(shown) + 1) + 3,
    column_config={
        "bullet": st.column_config.ProgressColumn(min_value=0, max_value=110),
        "trend": st.column_config.LineChartColumn(),
    },
)
before = datetime.date(period.year - (period.month == 1), period.month - 1 or 12, 1)
grid = rows("township_grid", basis=basis, period=period, previous=before)
grid["month"] = pd.to_datetime(grid["period"]).dt.date
now = grid[grid["month"] == period]
wide, side = st.columns([3, 1])
heat = now.assign(gap=now["gap_pp"].astype(float)).pivot(index="unit_id", columns="indicator_code", values="gap")
lamps = now.pivot(index="unit_id", columns="indicator_code", values="lamp")
heat.index = [places.get(unit, unit) for unit in heat.index]
lamps.index = heat.index
heat.columns = lamps.columns = [names.get(code, code) for code in heat.columns]
colours = {"yellow": "background-color: #fdf1d8", "red": "background-color: #fbe3e1"}
styled = heat.style.apply(lambda _: lamps.map(lambda lamp: colours.get(lamp, "")), axis=None).format(
    "{:+.1f}", na_rep=""
)
wide.dataframe(styled, width="stretch", height=35 * (len(heat) + 1) + 3)
lead = next(iter(names))
why = now[(now["indicator_code"] == lead) & now["contribution_pp"].notna()].sort_values("contribution_pp")
for _, row in pd.concat([why.tail(3)[::-1], why.head(2)[::-1]]).iterrows():
    side.markdown(f"{places.get(row['unit_id'])} {row['contribution_pp']:+.1f}")
for _, row in rows("attention", period=period).head(6).iterrows():
    side.markdown(f"{row['form_code']} {places.get(row['unit_id'], row['unit_id'])} {row['status']}")
incidents = rows("incidents", period=period)
if len(incidents):
    side.markdown(f"{len(incidents)}: {incidents['occurred_on'].max():%Y-%m-%d}")
