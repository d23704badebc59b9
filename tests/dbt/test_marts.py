"""The marts that the whole dbt project makes of a small county with a known past (domain.md section I).

Belongs here: cases that need several models at once. Formulas alone are dbt unit tests.
One build serves all cases: they keep apart by indicator and period.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from tests.raw_rows import Raw

COUNTY = "529901"
ZHANQIAN, SHIMEN, BAIHE = "529901101", "529901204", "529901205"
BINHE_TOWN, BINHE_STREET = "529901106", "529901002"
WEISHAN, XINQIAO, ANXI, LIPING = "529901102", "529901103", "529901104", "529901105"
WANGJIA, LIUSHUI, MAITIAN, HONGTU = "529901200", "529901201", "529901202", "529901203"


def written() -> Raw:
    raw = Raw()
    raw.submission("RO-Y1", "2024-01", "2024-01-05")
    raw.enterprise("MINE1", ZHANQIAN, "2024-01-01", is_coal_mine=True, is_above_scale=True)
    raw.enterprise("MINE2", ZHANQIAN, "2024-01-01", is_coal_mine=True, is_above_scale=True)
    raw.enterprise("DRUG", WEISHAN, "2024-01-01", is_pharma=True, is_above_scale=True)
    raw.enterprise("FOOD", WEISHAN, "2024-01-01", is_agro_processing=True, is_above_scale=True)
    raw.enterprise("SMELT", ANXI, "2024-01-01", is_key_energy_user=True, is_above_scale=True)
    raw.enterprise("FOUND", ANXI, "2024-01-01", is_above_scale=False, is_provisional=True)

    # I.8 a merger: 石门乡 went into 站前镇 in March 2025
    raw.submission("TE-M1", "2024-08", "2024-09-05")
    raw.add("TE01", SHIMEN, "2024-08", ytd=100)
    raw.add("TE01", ZHANQIAN, "2024-08", ytd=300)
    # I.10 bases that are no bases
    raw.add("BF05", WEISHAN, "2024-08", ytd=-50)
    raw.add("BF05", XINQIAO, "2024-08", ytd=-10)
    raw.add("BF05", ANXI, "2024-08", ytd=100)
    raw.add("BF05", LIPING, "2024-08", ytd=0)
    raw.submission("TE-M1", "2025-08", "2025-09-05")
    raw.add("TE01", ZHANQIAN, "2025-08", ytd=450)
    raw.add("BF05", WEISHAN, "2025-08", ytd=100)
    raw.add("BF05", XINQIAO, "2025-08", ytd=-2049)
    raw.add("BF05", ANXI, "2025-08", ytd=-5)
    raw.add("BF05", LIPING, "2025-08", ytd=5)

    # I.9 a township that left: 百合乡 until December 2024
    raw.submission("TE-M1", "2024-06", "2024-07-05")
    raw.add("TE03", BAIHE, "2024-06", ytd=50)
    raw.add("TE03", ZHANQIAN, "2024-06", ytd=450)
    raw.add("TE03", WEISHAN, "2024-06", ytd=500)
    raw.submission("TE-M1", "2025-06", "2025-07-05")
    raw.add("TE03", ZHANQIAN, "2025-06", ytd=490)
    raw.add("TE03", WEISHAN, "2025-06", ytd=555)

    # a change of rank in July 2024: the same unit under another code; it is silent in its first month
    raw.submission("TE-M1", "2024-06", "2024-07-06")
    raw.add("TE08", BINHE_TOWN, "2024-06", ytd=60)
    raw.add("TE08", WEISHAN, "2024-06", ytd=10)
    raw.submission("TE-M1", "2024-07", "2024-08-06")
    raw.add("TE08", WEISHAN, "2024-07", ytd=12)
    raw.submission("TE-M1", "2025-06", "2025-07-06")
    raw.add("TE08", BINHE_STREET, "2025-06", ytd=66)
    raw.add("TE08", WEISHAN, "2025-06", ytd=11)

    # targets of 2026 and the months of it
    raw.submission("TG-Y1", "2026-12", "2026-01-20")
    for unit, target in ((WEISHAN, 100), (XINQIAO, 100), (ANXI, 100), (LIPING, 100)):
        raw.add("TE02", unit, "2026-12", target=target, target_form="level")
    raw.add("TE02", WEISHAN, "2026-12", target_stretch=110, target_form="level")
    raw.add("TE02", WANGJIA, "2026-12", target_growth=15, target_form="growth")
    raw.add("TE04", WEISHAN, "2026-12", target=1100, base_ytd=1000, target_form="level")
    raw.add("SA02", COUNTY, "2026-12", target=2, target_form="cap")
    raw.add("SA03", COUNTY, "2026-12", target=1, target_form="cap")
    raw.submission("TE-M1", "2026-02", "2026-03-05")
    for unit, value in ((WEISHAN, 20), (XINQIAO, 18), (ANXI, 18), (LIPING, 10), (WANGJIA, 10), (LIUSHUI, 7)):
        raw.add("TE02", unit, "2026-02", ytd=value)
    raw.add("TE04", WEISHAN, "2026-02", stock=1010)
    raw.submission("TE-M1", "2026-03", "2026-04-12")  # four days late
    for unit, value in ((WEISHAN, 26), (XINQIAO, 29), (ANXI, 26), (WANGJIA, 14)):
        raw.add("TE02", unit, "2026-03", ytd=value)
    raw.add("TE02", LIPING, "2026-03", ytd="not_reported")
    raw.add("TE04", WEISHAN, "2026-03", stock=1025)
    raw.submission("TE-M1", "2025-03", "2025-04-05")
    for unit, value in ((WEISHAN, 20), (XINQIAO, 25), (ANXI, 26), (LIPING, 12), (WANGJIA, 10), (LIUSHUI, 9)):
        raw.add("TE02", unit, "2025-03", ytd=value)
    raw.submission("TE-M1", "2025-02", "2025-03-05")
    for unit, value in ((WEISHAN, 14), (XINQIAO, 16), (ANXI, 17), (LIPING, 8), (WANGJIA, 7), (LIUSHUI, 6)):
        raw.add("TE02", unit, "2025-02", ytd=value)
    raw.submission("TE-M1", "2025-12", "2026-01-05")
    raw.add("TE02", WEISHAN, "2025-12", ytd=80)
    raw.add("TE04", WEISHAN, "2025-12", stock=1000)

    # the county's own table: it is not the sum; and a printed growth of its own
    raw.submission("TE-M2", "2026-03", "2026-04-06")
    raw.add("TE02", COUNTY, "2026-03", ytd=120, base_ytd=100, declared_growth=21)
    raw.add("BF14", COUNTY, "2026-03", ytd=1000)
    raw.add("RC01", COUNTY, "2026-03", ytd=110)
    # a second form that says otherwise of a township
    raw.submission("TE-M3", "2026-03", "2026-04-07")
    raw.add("TE02", WANGJIA, "2026-03", ytd=19)

    # I.7 mines, their deaths, the ratio of sums; enterprises of a scope
    raw.submission("CO-M1", "2026-03", "2026-04-03")
    raw.add("CO01", "MINE1", "2026-03", ytd=52100, base_ytd=48000, township=ZHANQIAN)
    raw.add("CO01", "MINE2", "2026-03", ytd=8200, base_ytd=30400, township=ZHANQIAN)
    raw.add("CO14", "MINE1", "2026-03", stock=186, township=ZHANQIAN)
    raw.add("CO15", "MINE1", "2026-03", stock=186, township=ZHANQIAN)
    raw.add("CO14", "MINE2", "2026-03", stock=18, township=ZHANQIAN)
    raw.add("CO15", "MINE2", "2026-03", stock=20, township=ZHANQIAN)
    raw.submission("SA-E1", "2026-01", "2026-02-01")
    raw.incident("A1", "2026-01-09", ZHANQIAN, deaths=1, enterprise="MINE2")
    raw.submission("TE-M3", "2026-03", "2026-04-07")
    raw.add("TE02", "DRUG", "2026-03", ytd=6, township=WEISHAN)
    raw.add("TE02", "FOOD", "2026-03", ytd=8, township=WEISHAN)
    raw.add("TE02", "SMELT", "2026-03", ytd=4, base_ytd=5, township=ANXI)
    raw.add("BF01", "DRUG", "2026-03", ytd=16, township=WEISHAN)
    raw.add("BF01", "FOOD", "2026-03", ytd=14, township=WEISHAN)
    raw.submission("TE-M3", "2026-04", "2026-05-07")
    raw.add("BF01", "DRUG", "2026-04", ytd=20, township=WEISHAN)

    # I.4 energy from fuels
    raw.submission("EN-M1", "2026-03", "2026-04-07")
    raw.add("EF101", "SMELT", "2026-03", ytd=10000, base_ytd=10000, township=ANXI)
    raw.add("EF600", "SMELT", "2026-03", ytd=2000, base_ytd=2000, township=ANXI)

    # one key, four times: replaced, withdrawn, quarantined
    raw.submission("TE-M1", "2026-03", "2026-04-13")
    raw.add("TE01", HONGTU, "2026-03", ytd=10)
    raw.submission("TE-M1", "2026-03", "2026-04-14")
    raw.add("TE01", HONGTU, "2026-03", ytd=11)
    raw.submission("TE-M1", "2026-03", "2026-04-15", withdrawn="2026-04-16T08:00:00")
    raw.add("TE01", HONGTU, "2026-03", ytd=12)
    raw.submission("TE-M1", "2026-03", "2026-04-17")
    raw.add("TE01", HONGTU, "2026-03", ytd=13000, status="quarantined")
    # I.16 a footnote: not reported, last month's figure stands
    raw.submission("TE-M1", "2026-04", "2026-05-05")
    raw.add("TE01", HONGTU, "2026-04", ytd=11, carried=True)
    raw.coverage(HONGTU, "2026-04", "not_reported")
    raw.add("TE01", MAITIAN, "2026-04", ytd=3)
    raw.coverage(LIUSHUI, "2026-04", "zero_report")
    return raw


@pytest.fixture(scope="module")
def marts(build_marts: Callable[..., duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
    return build_marts(written())


def row(marts: duckdb.DuckDBPyConnection, indicator: str, unit: str, period: str, basis: str = "reported") -> Any:
    cursor = marts.execute(
        "select * from marts.fct_indicator_progress"
        " where indicator_code = ? and unit_id = ? and period = ?::date and basis = ?",
        [indicator, unit, f"{period}-01", basis],
    )
    names = [column[0] for column in cursor.description or []]
    found = cursor.fetchall()
    assert len(found) == 1, (indicator, unit, period, basis, found)
    return dict(zip(names, found[0], strict=True))


def test_case_8_a_merger_is_compared_with_both_predecessors(marts: duckdb.DuckDBPyConnection) -> None:
    assert row(marts, "TE01", ZHANQIAN, "2025-08", "comparable")["growth_pct"] == pytest.approx(12.5)
    assert row(marts, "TE01", ZHANQIAN, "2025-08", "reported")["growth_pct"] == pytest.approx(50)
    later = marts.execute(
        "select count(*) from marts.fct_indicator_progress where unit_id = ? and period >= '2025-03-01'", [SHIMEN]
    ).fetchone()
    assert later == (0,)


def test_case_9_who_left_the_county_leaves_its_comparable_base(marts: duckdb.DuckDBPyConnection) -> None:
    comparable = row(marts, "TE03", COUNTY, "2025-06", "comparable")
    assert (comparable["value_ytd"], comparable["base_ytd"]) == (1045, 950)
    assert comparable["growth_pct"] == pytest.approx(10.0)
    assert row(marts, "TE03", COUNTY, "2025-06", "reported")["growth_pct"] == pytest.approx(4.5)


def test_case_10_words_in_place_of_a_growth_rate(marts: duckdb.DuckDBPyConnection) -> None:
    notes = {unit: row(marts, "BF05", unit, "2025-08") for unit in (WEISHAN, XINQIAO, ANXI, LIPING)}
    assert [notes[unit]["growth_pct"] for unit in notes] == [None] * 4
    assert [notes[unit]["growth_note"] for unit in notes] == ["扭亏为盈", "增亏", "由正转负", "新增"]


def test_a_change_of_rank_changes_nothing(marts: duckdb.DuckDBPyConnection) -> None:
    silent = row(marts, "TE08", BINHE_STREET, "2024-07")
    assert (silent["value_ytd"], silent["is_carried"], silent["lamp"]) == (60, True, "grey")
    for basis in ("reported", "comparable"):
        assert row(marts, "TE08", BINHE_STREET, "2025-06", basis)["growth_pct"] == pytest.approx(10)
    assert row(marts, "TE08", COUNTY, "2024-07")["value_ytd"] == 72


def test_case_1_attainment_against_the_calendar(marts: duckdb.DuckDBPyConnection) -> None:
    weishan = row(marts, "TE02", WEISHAN, "2026-03", "comparable")
    assert (weishan["target_value"], weishan["target_form"]) == (100, "level")
    assert weishan["attainment_pct"] == pytest.approx(26)
    assert weishan["time_progress_pct"] == pytest.approx(25)
    assert (weishan["gap_pp"], weishan["lamp"]) == (pytest.approx(1), "green")
    assert float(weishan["required_monthly"]) == pytest.approx(74 / 9, abs=1e-6)
    assert weishan["stretch_gap_pp"] == pytest.approx(26 / 110 * 100 - 25)
    # last year: 20 of 80 by March
    assert (float(weishan["forecast_value"]), weishan["forecast_method"]) == (pytest.approx(104), "seasonal")
    assert weishan["forecast_attainment_pct"] == pytest.approx(104)
    february = row(marts, "TE02", LIPING, "2026-02", "comparable")
    assert (february["gap_pp"], february["lamp"]) == (pytest.approx(10 - 100 / 6), "red")
    growth = row(marts, "TE02", WANGJIA, "2026-03", "comparable")
    assert (growth["target_form"], growth["gap_pp"], growth["lamp"]) == ("growth", pytest.approx(25), "green")


def test_every_target_has_its_row_with_form_and_tier(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        "select tier, target_form, target_value::double, attainment_pct from marts.fct_target_progress"
        " where unit_id = ? and indicator_code = 'TE02' and period = '2026-03-01' order by tier",
        [WEISHAN],
    ).fetchall()
    assert rows == [("must", "level", 100, pytest.approx(26)), ("stretch", "level", 110, pytest.approx(2600 / 110))]


def test_a_stock_is_judged_by_its_increase(marts: duckdb.DuckDBPyConnection) -> None:
    stock = row(marts, "TE04", WEISHAN, "2026-03", "comparable")
    assert (stock["start_value"], stock["attainment_pct"], stock["lamp"]) == (1000, pytest.approx(25), "green")
    assert stock["level_ratio_pct"] == pytest.approx(1025 / 1100 * 100)


def test_the_silent_are_carried_grey_unranked_and_compared_alike(marts: duckdb.DuckDBPyConnection) -> None:
    liping = row(marts, "TE02", LIPING, "2026-03", "comparable")
    assert (liping["value_ytd"], liping["base_ytd"], liping["is_carried"]) == (10, 8, True)
    assert (liping["lamp"], liping["rank"], liping["growth_pct"]) == ("grey", None, pytest.approx(25))
    liushui = row(marts, "TE02", LIUSHUI, "2026-03", "comparable")
    assert (liushui["value_ytd"], liushui["base_ytd"], liushui["is_carried"]) == (7, 6, True)
    never = row(marts, "TE02", MAITIAN, "2026-03", "comparable")
    assert (never["value_ytd"], never["growth_note"], never["lamp"]) == (None, "未报", "grey")
    county = row(marts, "TE02", COUNTY, "2026-03", "comparable")
    assert (county["value_ytd"], county["base_ytd"]) == (26 + 29 + 26 + 14 + 10 + 7, 20 + 25 + 26 + 10 + 8 + 6)
    assert (county["reported_units"], county["expected_units"]) == (4, 12)


def test_ranks_share_ties_inside_the_class(marts: duckdb.DuckDBPyConnection) -> None:
    second_class = (WEISHAN, XINQIAO, ANXI, LIPING)
    february = [row(marts, "TE02", unit, "2026-02", "comparable") for unit in second_class]
    assert [found["rank"] for found in february] == [1, 2, 2, 4]
    assert {found["rank_of"] for found in february} == {4}
    march = {unit: row(marts, "TE02", unit, "2026-03", "comparable") for unit in second_class}
    assert [march[unit]["rank"] for unit in second_class] == [2, 1, 2, None]
    assert [march[unit]["rank_change"] for unit in second_class] == [-1, 1, 0, None]


def test_contributions_sum_to_the_growth_of_the_whole(marts: duckdb.DuckDBPyConnection) -> None:
    county = row(marts, "TE02", COUNTY, "2026-03", "comparable")
    total = marts.execute(
        "select sum(contribution_pp), sum(contribution_share_pct) from marts.fct_indicator_progress"
        " where indicator_code = 'TE02' and period = '2026-03-01' and basis = 'comparable' and level = 'township'"
    ).fetchone()
    assert total == (pytest.approx(county["growth_pct"]), pytest.approx(100))


def test_growth_change_is_against_the_month_before(marts: duckdb.DuckDBPyConnection) -> None:
    march = row(marts, "TE02", XINQIAO, "2026-03")
    assert march["growth_change_pp"] == pytest.approx((29 / 25 - 18 / 16) * 100)
    assert row(marts, "TE02", XINQIAO, "2026-02")["growth_change_pp"] is None


def test_a_county_row_that_is_not_the_sum_is_told_with_both_numbers(marts: duckdb.DuckDBPyConnection) -> None:
    county = row(marts, "TE02", COUNTY, "2026-03")
    assert (county["value_ytd"], county["base_ytd"], county["declared_growth_pct"]) == (112, 100, 21)
    issue = marts.execute("select message_zh, message_en, sheet from marts.fct_issue where rule = 'SUM'").fetchall()
    assert len(issue) == 1
    assert "120" in issue[0][0] and "112" in issue[0][0] and "120" in issue[0][1]


def test_two_forms_that_disagree_are_told_and_one_is_in_force(marts: duckdb.DuckDBPyConnection) -> None:
    issue = marts.execute("select message_zh from marts.fct_issue where rule = 'FORM' and unit_id = ?", [WANGJIA])
    assert len(issue.fetchall()) == 1
    statuses = marts.execute(
        "select form_code, value::double, status from marts.fct_observation_version"
        " where indicator_code = 'TE02' and unit_id = ? and period = '2026-03-01' order by 1",
        [WANGJIA],
    ).fetchall()
    assert statuses == [("TE-M1", 14, "in_force"), ("TE-M3", 19, "superseded")]


def test_case_7_deaths_per_million_tonnes_are_a_ratio_of_sums(marts: duckdb.DuckDBPyConnection) -> None:
    county = row(marts, "SA03", COUNTY, "2026-03", "comparable")
    assert county["value_exact"] == pytest.approx(1 / 0.0603)
    assert (county["target_form"], county["lamp"]) == ("cap", "red")
    assert row(marts, "CO01", ZHANQIAN, "2026-03")["growth_pct"] == pytest.approx((60300 / 78400 - 1) * 100)
    assert row(marts, "CO04", COUNTY, "2026-03")["value_exact"] == pytest.approx(204 / 206 * 100)


def test_deaths_come_from_the_register_and_zero_is_a_figure(marts: duckdb.DuckDBPyConnection) -> None:
    county = row(marts, "SA02", COUNTY, "2026-03", "comparable")
    assert (county["value_ytd"], county["value_month"]) == (1, 0)
    assert (county["target_value"], county["attainment_pct"], county["lamp"]) == (2, pytest.approx(50), "yellow")
    assert row(marts, "SA02", "MINE1", "2026-03")["value_ytd"] == 0
    assert row(marts, "SA01", COUNTY, "2026-03")["value_ytd"] == 0


def test_case_4_energy_from_fuels_and_intensity_over_the_list(marts: duckdb.DuckDBPyConnection) -> None:
    assert float(row(marts, "EN00", "SMELT", "2026-03")["value_ytd"]) == pytest.approx(7143 + 2458)
    county = row(marts, "EN01", COUNTY, "2026-03", "comparable")
    assert county["value_exact"] == pytest.approx(9601 / 4)
    assert county["growth_pct"] == pytest.approx(25)
    assert (county["reported_units"], county["expected_units"]) == (1, 1)


def test_scope_indicators_come_from_the_scope_where_nobody_reports_them(marts: duckdb.DuckDBPyConnection) -> None:
    assert row(marts, "TE07", WEISHAN, "2026-03")["value_ytd"] == 6
    assert row(marts, "TE06", COUNTY, "2026-03")["value_ytd"] == 8
    # the township reports TE02 itself: its report goes before the sum of its enterprises
    assert row(marts, "TE02", WEISHAN, "2026-03")["value_ytd"] == 26


def test_a_township_is_the_sum_of_its_enterprises_where_it_does_not_report(marts: duckdb.DuckDBPyConnection) -> None:
    march = row(marts, "BF01", WEISHAN, "2026-03")
    assert (march["value_ytd"], march["reported_units"], march["expected_units"]) == (30, 2, 2)
    april = row(marts, "BF01", WEISHAN, "2026-04")
    assert (april["value_ytd"], april["reported_units"], april["expected_units"]) == (34, 1, 2)
    assert row(marts, "TE11", COUNTY, "2026-03")["value_ytd"] is not None


def test_versions_of_one_key(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        "select value::double, status, valid_from::date::varchar, valid_to::date::varchar"
        " from marts.fct_observation_version"
        " where indicator_code = 'TE01' and unit_id = ? and period = '2026-03-01' order by seq",
        [HONGTU],
    ).fetchall()
    assert [found[:2] for found in rows] == [
        (10, "superseded"),
        (11, "in_force"),
        (12, "withdrawn"),
        (13000, "quarantined"),
    ]
    assert rows[0][3] == rows[1][2]
    in_force = marts.execute(
        "select value::double from marts.fct_observation"
        " where indicator_code = 'TE01' and unit_id = ? and period = '2026-03-01'",
        [HONGTU],
    ).fetchall()
    assert in_force == [(11,)]


def test_case_16_a_footnote_makes_a_carried_figure(marts: duckdb.DuckDBPyConnection) -> None:
    april = row(marts, "TE01", HONGTU, "2026-04")
    assert (april["value_ytd"], april["is_carried"], april["lamp"]) == (11, True, "grey")
    assert str(april["asof_period"]) == "2026-03-01"


def test_completeness_says_who_was_late_and_who_is_missing(marts: duckdb.DuckDBPyConnection) -> None:
    def status(unit: str, period: str, form: str = "TE-M1") -> Any:
        return marts.execute(
            "select status from marts.fct_completeness where unit_id = ? and period = ?::date and form_code = ?",
            [unit, f"{period}-01", form],
        ).fetchone()

    assert status(WEISHAN, "2026-02") == ("on_time",)
    assert status(WEISHAN, "2026-03") == ("late",)
    assert status(LIPING, "2026-03") == ("missing",)
    assert status(MAITIAN, "2026-03") == ("missing",)
    assert status(HONGTU, "2026-04") is None  # the eighth of May has not come yet
    assert status(LIUSHUI, "2026-04") == ("zero_report",)
    assert status(SHIMEN, "2025-06") is None
    assert status("MINE1", "2026-03", "CO-M1") == ("on_time",)


def test_another_departments_figure_stands_beside_ours_with_the_difference_split_by_scope(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    """Drugs 6, food 8 and the smelter 4 are above scale; the statistics bureau counts those alone and says 110."""
    found = marts.execute(
        "select our_value, other_value, difference, within_scope_value, within_scope_enterprises, outside_scope, "
        "within_scope_difference from marts.fct_reconciliation where indicator_code = 'TE02' and other_code = 'RC01'"
    ).fetchall()
    assert len(found) == 1
    ours, other, difference, within, firms, outside, left = found[0]
    assert ours == row(marts, "TE02", COUNTY, "2026-03")["value_ytd"]
    assert (other, within, firms) == (110, 18, 3)
    assert (difference, outside, left) == (ours - 110, ours - 18, 18 - 110)
    assert difference == outside + left
