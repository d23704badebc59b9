"""The worked cases of domain.md section I, one named test each: the same numbers, through the code that serves them.

Belongs here: the twenty cases as they are written there. Does not belong here: variations on them (tests of each part).
Cases of figures share one build of the real dbt project; they keep apart by indicator, unit and period.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.ingest.codes import EatenCode, judge
from dagster_project.ingest.vocabulary import Vocabulary
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse.pointer import current_version, version_file
from dagster_project.warehouse.refresh import run_refresh
from dashboard.components.numbers import number
from dashboard.export import wording
from tests.audit.kit import COUNTY, OTHER_TOWN, Book
from tests.ingest.conftest import Reader
from tests.ingest.sheets import at, figures
from tests.program import tew
from tests.published import open_copy
from tests.raw_rows import Raw
from tests.warehouse import workbooks

pytestmark = pytest.mark.slow

YUNXI, BINHE, FENGLIN, ZHANQIAN = "529901001", "529901002", "529901100", "529901101"
WEISHAN, XINQIAO, ANXI, LIPING = "529901102", "529901103", "529901104", "529901105"
WANGJIA, LIUSHUI, MAITIAN, HONGTU = "529901200", "529901201", "529901202", "529901203"
SHIMEN, BAIHE = "529901204", "529901205"

DEATHS = {YUNXI: (66, 228_776_300), BINHE: (4, 125_726_000), FENGLIN: (3, 60_165_000)}
DEATHS |= {WEISHAN: (1, 0), XINQIAO: (0, 0), ANXI: (0, 5_000)}
ACCIDENTS = {
    "I3-injuries": (2, 12, 80, "较大"),
    "I3-three": (3, 0, None, "较大"),
    "I3-ten": (10, 0, None, "重大"),
    "I3-thirty": (30, 0, None, "特别重大"),
    "I3-loss": (0, 0, 1000, "较大"),
    "I3-great-loss": (0, 0, 9999.99, "重大"),
}
NO_BASE = {LIPING: (0, 5), WEISHAN: (-50, 100), XINQIAO: (-10, -2049), ANXI: (100, -5)}


def test_every_case_of_the_twenty_has_its_test() -> None:
    named = {int(found[1]) for name in globals() if (found := re.match(r"test_case_(\d\d)_", name))}
    assert named == set(range(1, 21))


# --- rows ---------------------------------------------------------------------------------------------------------------


def written() -> Raw:
    """Every figure the cases need, as a reporter would send it."""
    raw = Raw()
    raw.submission("RO-Y1", "2024-01", "2024-01-05")
    raw.enterprise("MINE1", ZHANQIAN, "2024-01-01", is_coal_mine=True, is_above_scale=True)
    raw.enterprise("MINE2", ZHANQIAN, "2024-01-01", is_coal_mine=True, is_above_scale=True)
    raw.enterprise("SMELT", ANXI, "2024-01-01", is_key_energy_user=True, is_above_scale=True)
    for place in DEATHS:
        raw.enterprise(f"MINE-{place}", place, "2024-01-01", is_coal_mine=True, is_above_scale=True)
    for place, plants in {WEISHAN: 1, XINQIAO: 4, ANXI: 3}.items():
        for n in range(plants):
            raw.enterprise(f"DRUG-{place}-{n}", place, "2024-01-01", is_pharma=True, is_above_scale=True)
    _case_01(raw)
    _cases_02_03_07(raw)
    _cases_04_05(raw)
    _case_06(raw)
    _cases_08_09_10(raw)
    _cases_15_16(raw)
    raw.submission("TE-M3", "2026-08", "2026-09-05")
    for place, plants in {WEISHAN: 1, XINQIAO: 4, ANXI: 3}.items():
        for n in range(plants):
            raw.add("TE02", f"DRUG-{place}-{n}", "2026-08", township=place, ytd=500 if place == WEISHAN else 100)
    return raw


def _case_01(raw: Raw) -> None:
    raw.submission("TG-Y1", "2025-12", "2025-01-20")
    for place in (WEISHAN, XINQIAO, ANXI):
        raw.add("TE08", place, "2025-12", target=100, target_form="level")
    raw.submission("TE-M1", "2025-11", "2025-12-05")
    for place, value in ((WEISHAN, 77.6), (XINQIAO, 81.4), (ANXI, 74.1)):
        raw.add("TE08", place, "2025-11", ytd=value)


def _cases_02_03_07(raw: Raw) -> None:
    raw.submission("SA-E1", "2026-05", "2026-06-01")
    for place, (deaths, _) in DEATHS.items():
        if deaths:
            raw.incident(f"I2-{place}", "2026-05-09", place, deaths=deaths, enterprise=f"MINE-{place}")
    raw.submission("CO-M1", "2026-05", "2026-06-03")
    for place, (_, tonnes) in DEATHS.items():
        raw.add("CO01", f"MINE-{place}", "2026-05", ytd=tonnes, township=place)
    raw.submission("SA-E1", "2025-12", "2026-01-01")
    for name, (deaths, injuries, loss, _) in ACCIDENTS.items():
        raw.incident(name, "2025-12-20", LIUSHUI, deaths=deaths, injuries=injuries, loss=loss)
    raw.submission("SA-E1", "2024-03", "2024-04-01")
    raw.incident("I7", "2024-03-09", ZHANQIAN, deaths=1, enterprise="MINE2")
    raw.submission("CO-M1", "2024-03", "2024-04-03")
    raw.add("CO01", "MINE1", "2024-03", ytd=52_100, township=ZHANQIAN)
    raw.add("CO01", "MINE2", "2024-03", ytd=8_200, township=ZHANQIAN)


def _cases_04_05(raw: Raw) -> None:
    raw.submission("EN-M1", "2026-03", "2026-04-07")
    raw.add("EF101", "SMELT", "2026-03", ytd=10_000, township=ANXI)
    raw.add("EF600", "SMELT", "2026-03", ytd=2_000, township=ANXI)
    # energy +4 %, value added +12 % after prices 5 % higher
    raw.submission("EN-M1", "2026-06", "2026-07-07")
    raw.add("EF101", "SMELT", "2026-06", ytd=10_400, base_ytd=10_000, township=ANXI)
    raw.submission("TE-M3", "2026-06", "2026-07-07")
    raw.add("TE02", "SMELT", "2026-06", ytd=1_176, base_ytd=1_000, township=ANXI)
    raw.submission("TE-M2", "2026-06", "2026-07-08")
    raw.add("PX01", COUNTY, "2026-06", ytd=105)
    raw.submission("TG-Y1", "2026-12", "2026-01-20")
    raw.add("EN01", COUNTY, "2026-12", target=4.5, target_form="reduction")


def _case_06(raw: Raw) -> None:
    raw.submission("TE-M1", "2026-07", "2026-08-05")
    raw.add("BF02", WEISHAN, "2026-07", ytd=3433, base_ytd=2556)
    raw.add("BF02", XINQIAO, "2026-07", ytd=6341 - 3433, base_ytd=4888 - 2556)


def _cases_08_09_10(raw: Raw) -> None:
    raw.submission("TE-M1", "2024-08", "2024-09-05")
    raw.add("TE01", SHIMEN, "2024-08", ytd=100)
    raw.add("TE01", ZHANQIAN, "2024-08", ytd=300)
    for place, (base, _) in NO_BASE.items():
        raw.add("BF05", place, "2024-08", ytd=base)
    raw.submission("TE-M1", "2025-08", "2025-09-05")
    raw.add("TE01", ZHANQIAN, "2025-08", ytd=90 + 360)
    for place, (_, value) in NO_BASE.items():
        raw.add("BF05", place, "2025-08", ytd=value)
    raw.submission("TE-M1", "2024-06", "2024-07-05")
    for place, value in ((BAIHE, 50), (ZHANQIAN, 450), (WEISHAN, 500)):
        raw.add("TE03", place, "2024-06", ytd=value)
    raw.submission("TE-M1", "2025-06", "2025-07-05")
    raw.add("TE03", ZHANQIAN, "2025-06", ytd=490)
    raw.add("TE03", WEISHAN, "2025-06", ytd=555)


def _cases_15_16(raw: Raw) -> None:
    raw.submission("TG-Y1", "2026-12", "2026-01-21")
    raw.add("BF01", WEISHAN, "2026-12", target=120, target_form="level")
    raw.submission("TE-M1", "2026-02", "2026-03-05")
    raw.add("BF01", WEISHAN, "2026-02", ytd=30)
    raw.submission("TE-M1", "2025-03", "2025-04-05")
    raw.add("TE01", HONGTU, "2025-03", ytd=8)
    raw.submission("TE-M1", "2026-03", "2026-04-05")
    raw.add("TE01", HONGTU, "2026-03", ytd=10)
    raw.submission("TE-M1", "2026-04", "2026-05-05")
    raw.add("TE01", HONGTU, "2026-04", ytd=10, carried=True)
    raw.coverage(HONGTU, "2026-04", "carried")


@pytest.fixture(scope="module")
def marts(build_marts: Callable[..., duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
    return build_marts(written())


def row(marts: duckdb.DuckDBPyConnection, code: str, unit: str, period: str, basis: str = "comparable") -> Any:
    cursor = marts.execute(
        "select * from marts.fct_indicator_progress"
        " where indicator_code = ? and unit_id = ? and period = ?::date and basis = ?",
        [code, unit, f"{period}-01", basis],
    )
    names = [column[0] for column in cursor.description or []]
    (found,) = cursor.fetchall()
    return dict(zip(names, found, strict=True))


# --- the cases ----------------------------------------------------------------------------------------------------------


def test_case_01_behind_the_calendar_in_points(marts: duckdb.DuckDBPyConnection) -> None:
    november = [row(marts, "TE08", place, "2025-11") for place in (WEISHAN, XINQIAO, ANXI)]
    assert [number(one["time_progress_pct"], 1) for one in november] == ["91.7"] * 3
    assert [number(one["attainment_pct"], 1) for one in november] == ["77.6", "81.4", "74.1"]
    said = [wording.plain(wording.gap(one["gap_pp"], str) or []) for one in november]
    assert said == [f"慢于序时进度{points}个百分点" for points in ("14.1", "10.3", "17.6")]
    assert {one["lamp"] for one in november} == {"red"}


def test_case_02_deaths_per_million_tonnes(marts: duckdb.DuckDBPyConnection) -> None:
    shown = {place: number(row(marts, "SA03", place, "2026-05")["value_exact"], 3) for place in DEATHS}
    assert list(shown.values()) == ["0.288", "0.032", "0.050", "—", "—", "0.000"]


def test_case_03_the_class_of_an_accident(marts: duckdb.DuckDBPyConnection) -> None:
    found = dict(marts.execute("select incident_id, class from marts.fct_safety_incident").fetchall())
    assert {name: found[name] for name in ACCIDENTS} == {name: case[3] for name, case in ACCIDENTS.items()}


@pytest.fixture(scope="module")
def other_county(
    build_marts: Callable[..., duckdb.DuckDBPyConnection], tmp_path_factory: pytest.TempPathFactory
) -> duckdb.DuckDBPyConnection:
    """The same energy returns in a county that counts power at its equivalent: one setting of reference data."""
    seeds = tmp_path_factory.mktemp("other") / "reference"
    shutil.copytree(PROJECT_ROOT / "seeds" / "reference", seeds)
    _change(seeds / "settings.csv", "key", "energy_basis", value="equivalent")
    raw = Raw()
    raw.submission("RO-Y1", "2026-01", "2026-01-05")
    raw.enterprise("SMELT", ANXI, "2026-01-01", is_key_energy_user=True, is_above_scale=True)
    _cases_04_05(raw)
    return build_marts(raw, seeds)


def _change(path: Path, key: str, name: str, **wanted: str) -> None:
    """One row of a reference table with other values."""
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        fields, rows = list(reader.fieldnames or []), list(reader)
    (found,) = [one for one in rows if one[key] == name]
    found.update(wanted)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fields)
        writer.writeheader()
        writer.writerows(rows)


def test_case_04_coal_and_power_in_tonnes_of_standard_coal(
    marts: duckdb.DuckDBPyConnection, other_county: duckdb.DuckDBPyConnection
) -> None:
    def tonnes(db: duckdb.DuckDBPyConnection) -> Decimal:
        return row(db, "EN00", "SMELT", "2026-03", "reported")["value_ytd"]

    assert (tonnes(marts), round(tonnes(other_county))) == (7_143 + 2_458, 15_223)
    # and each file says which: what a page's label reads
    basis = "select value from marts.dim_setting where key = 'energy_basis'"
    assert [db.execute(basis).fetchall() for db in (marts, other_county)] == [[("calorific",)], [("equivalent",)]]


def test_case_05_energy_intensity_falls_at_constant_prices(marts: duckdb.DuckDBPyConnection) -> None:
    intensity = row(marts, "EN01", COUNTY, "2026-06")
    assert intensity["growth_pct"] == intensity["growth_real_pct"] == pytest.approx((1.04 / 1.12 - 1) * 100)
    assert (number(intensity["growth_pct"], 2), number(intensity["gap_pp"], 1)) == ("-7.14", "2.6")
    # the level stays at the prices of the year: 7,428.72 tce over 1,176
    assert intensity["value_exact"] == pytest.approx(10_400 * 0.7143 / 1_176)
    # its one enterprise explains the list, at the same prices
    effects = marts.execute(
        "select sum(efficiency_pct + weight_pct) from marts.fct_energy_decomposition where period = date '2026-06-01'"
    ).fetchone()
    assert effects == (pytest.approx((1.04 / 1.12 - 1) * 100),)
    assert (intensity["target_form"], intensity["lamp"]) == ("reduction", "green")


def test_case_06_contribution_and_pull(marts: duckdb.DuckDBPyConnection) -> None:
    part = row(marts, "BF02", WEISHAN, "2026-07")
    assert number(part["contribution_share_pct"], 1) == "60.4"
    assert number(part["contribution_pp"], 1) == "17.9"


def test_case_07_the_rate_of_two_mines_is_a_ratio_of_sums(marts: duckdb.DuckDBPyConnection) -> None:
    county = row(marts, "SA03", COUNTY, "2024-03")
    assert county["value_exact"] == pytest.approx(1 / 0.0603)
    assert number(county["value_exact"], 2) == "16.58"


def test_case_08_a_merger_is_compared_with_both_predecessors(marts: duckdb.DuckDBPyConnection) -> None:
    assert row(marts, "TE01", ZHANQIAN, "2025-08")["growth_pct"] == pytest.approx(12.5)
    assert row(marts, "TE01", ZHANQIAN, "2025-08", "reported")["growth_pct"] == pytest.approx(50)


def test_case_09_who_left_the_county_leaves_its_comparable_base(marts: duckdb.DuckDBPyConnection) -> None:
    comparable = row(marts, "TE03", COUNTY, "2025-06")
    assert (comparable["value_ytd"], comparable["base_ytd"]) == (1045, 950)
    assert number(comparable["growth_pct"], 1) == "10.0"
    assert number(row(marts, "TE03", COUNTY, "2025-06", "reported")["growth_pct"], 1) == "4.5"


def test_case_10_words_in_place_of_a_growth_rate(marts: duckdb.DuckDBPyConnection) -> None:
    found = {place: row(marts, "BF05", place, "2025-08") for place in NO_BASE}
    assert [number(one["growth_pct"], 1) for one in found.values()] == ["—"] * 4
    assert [one["growth_note"] for one in found.values()] == ["新增", "扭亏为盈", "增亏", "由正转负"]


def test_case_11_a_lost_digit_is_caught_by_two_rules(book: Book) -> None:
    book.put("B6", "BF03", "month", 299_736)
    book.put("C6", "BF03", "ytd", 158_996)
    book.put("C7", "BF04", "ytd", 1_051_024)
    issues = book.judge()
    assert {(issue.rule, issue.cell) for issue in issues} == {("V03", "C6"), ("V05", "C6")}
    assert book.quarantined() == {"C6"}
    assert all("158996" in issue.message_zh for issue in issues)


def test_case_12_the_seeds_own_slips(book: Book, auditor: Any) -> None:
    book.put("B3", "TE04", "stock", 93)
    book.put("B4", "TE04", "stock", 48, unit=OTHER_TOWN)
    book.total("B5", "TE04", "stock", 151)
    assert ("V07", "B5") in {(rule, cell) for rule, _, cell in book.found()}
    people = Book(auditor)
    people.past("BF13", "stock", {"2025-12": 192_000}, unit=COUNTY)
    people.put("B2", "BF13", "stock", 192_431, unit=COUNTY, period="2026-12", raw="192431万人", factor="10000")
    assert ("V13", "B2") in {(rule, cell) for rule, _, cell in people.found()}


def test_case_13_kinds_of_nothing_stay_apart(vocabulary: Vocabulary) -> None:
    cells = {None: "unknown", "—": "na", "…": "below_unit", "一": "na", "未报": "not_reported"}
    read = {text: vocabulary.figures.read(text) for text in cells}
    assert {text: figure.null_reason for text, figure in read.items()} == cells
    assert {figure.number for figure in read.values()} == {None}
    assert (read["—"].raw_text, read["一"].raw_text) == ("—", "一")
    zero = vocabulary.figures.read(0)
    assert (zero.number, zero.null_reason) == (0, None)


def test_case_14_codes_that_fail_that_were_eaten_that_lost_a_zero(read: Reader) -> None:
    intake = read(
        """
示范县规模以上企业生产情况（2026年3月）
所在乡镇|企业名称|统一社会信用代码|工业总产值|
|||累计|
卫山镇|甲厂|9.15202E+17|1|
卫山镇|乙厂|74951247|2|
卫山镇|丙厂|91350211M0000XUF46|3|
"""
    )
    assert set(figures(intake)) == {("BF02", "074951247", "ytd"), ("BF02", "91350211M0000XUF46", "ytd")}
    told = [(i.rule, i.cell, i.severity) for i in intake.issues if i.rule.startswith("V32")]
    assert told == [("V32", "C4", "error"), ("V32", "C5", "info"), ("V32.check_digit", "C6", "warning")]
    assert judge("74951247").check is True
    with pytest.raises(EatenCode):
        judge("9.15202E+17")


def test_case_15_february_without_january(marts: duckdb.DuckDBPyConnection) -> None:
    february = row(marts, "BF01", WEISHAN, "2026-02")
    assert (february["value_ytd"], number(february["value_month"])) == (30, "—")
    assert (number(february["time_progress_pct"], 1), february["attainment_pct"]) == ("16.7", pytest.approx(25))


def test_case_16_a_footnote_says_not_reported(read: Reader, marts: duckdb.DuckDBPyConnection) -> None:
    intake = read(
        """
2026年1—4月乡镇企业主要经济指标
乡镇|增加值|
|本月|累计
云溪街道|634|1905
红土乡|—|10
注：红土乡本月未报，沿用上月累计。
"""
    )
    assert {one.cell for one in intake.parsed.observations if one.is_carried} == {"B5", "C5"}
    assert {entry.unit_id: entry.status for entry in intake.parsed.coverage}[HONGTU] == "carried"
    april = row(marts, "TE01", HONGTU, "2026-04")
    assert (april["value_ytd"], april["is_carried"], april["asof_period"]) == (10, True, date(2026, 3, 1))
    # like with like: the base is March's too, and the growth stands in grey
    assert (april["base_ytd"], april["growth_pct"], april["lamp"]) == (8, pytest.approx(25), "grey")
    missing = marts.execute(
        "select status from marts.fct_completeness"
        " where form_code = 'TE-M1' and unit_id = ? and period = date '2026-04-01'",
        [HONGTU],
    ).fetchall()
    assert missing == [("missing",)]


FAMILIES = {  # domain.md E.3.7: family, parameters, full mark, what the figure is → the mark
    "F-A 1.08": ("F-A", '{"a":0.5,"cap":10}', 20, {"completion": 1.08}, "24.00"),
    "F-A 1.30": ("F-A", '{"a":0.5,"cap":10}', 20, {"completion": 1.30}, "30.00"),
    "F-A 0.925": ("F-A", '{"a":0.5,"cap":10}', 20, {"completion": 0.925}, "18.50"),
    "F-C 93 of 100": (
        "F-C",
        '{"up":5,"down":5,"cap":50,"mode":"ratio"}',
        300,
        {"completion": 0.93, "actual": 93.0, "due_target": 100.0},
        "265.00",
    ),
    "F-E fourth": ("F-E", '{"step":0.05}', 10, {"place": 4}, "8.50"),
    "F-B 0.85": ("F-B", '{"p":1,"step":"linear","step_size":0.1,"zero_at":0.8}', 2, {"completion": 0.85}, "0.50"),
    "F-B 0.80": ("F-B", '{"p":1,"step":"linear","step_size":0.1,"zero_at":0.8}', 2, {"completion": 0.80}, "0.00"),
    "F-I three of two": ("F-I", '{"mode":"cap"}', 50, {"actual": 3.0, "target": 2.0}, "0.00"),
}
ARGUMENTS = (  # of macro appraisal_score, in its order
    *("family", "parameters", "full_mark", "score_min", "score_max", "completion", "gap_pp", "actual", "target"),
    *("due_target", "x", "x_min", "x_max", "is_lower_better", "place", "deaths", "injuries", "above_average"),
)


def test_case_17_the_score_table_and_the_veto(county_home: Settings) -> None:
    with _served(county_home) as marts:
        for name, (family, parameters, full, figure, mark) in FAMILIES.items():
            given = {"family": family, "parameters": parameters, "full_mark": full, "score_min": 0} | figure
            given |= {"is_lower_better": False, "above_average": False}
            values = [given.get(one) for one in ARGUMENTS]
            marks = ", ".join("?" * len(values))
            (score,) = marts.execute(f"select marts.appraisal_score({marks})", values).fetchone() or (None,)
            assert f"{score:.2f}" == mark, name
        vetoed = marts.execute("select total, rank, grade from marts.fct_scorecard where vetoed").fetchall()
    with (PROJECT_ROOT / "seeds" / "reference" / "appraisal_grades.csv").open(encoding="utf-8", newline="") as handle:
        lowest = {found["grade"] for found in csv.DictReader(handle) if not float(found["score_from"] or 0)}
    assert vetoed and all(total > 0 and rank for total, rank, _ in vetoed)
    assert {grade for _, _, grade in vetoed} == lowest


def test_case_18_one_plant_in_a_township_is_hidden_from_outsiders(marts: duckdb.DuckDBPyConnection) -> None:
    hidden = dict(
        marts.execute(
            "select unit_id, reason from marts.fct_suppression"
            " where indicator_code = 'TE07' and period = date '2026-08-01'"
        ).fetchall()
    )
    assert hidden == {WEISHAN: "few_enterprises", ANXI: "complementary"}
    assert row(marts, "TE07", WEISHAN, "2026-08", "reported")["value_ytd"] == 500


def test_case_19_what_a_target_says(read: Reader) -> None:
    intake = read(
        """
2026年责任状任务分解表
单位|指标|计量单位|2025年实绩|2026年目标|增长%|确保/奋斗|分值|评分标准
枫林湖镇|煤矿死亡人数|人|3|2以内||控制|一票否决|
|单位能耗|tce/万元|3.10|降低4.5%||确保|10|
|煤炭产量|万吨||万吨以上||||
|重特大事故|起||杜绝||||
|持证上岗率|%||100%||||
|从业人员|人||||||
"""
    )
    targets = {
        one.indicator_code: (one.target_form, one.value)
        for one in intake.parsed.observations
        if one.measure == "target" and one.status == "accepted"
    }
    assert targets == {
        "SA02": ("cap", 2),
        "EN01": ("reduction", Decimal("4.5")),
        "CO01": ("floor", None),
        "SA01": ("cap", 0),
        "CO04": ("full", 100),
    }
    assert at(intake, "parse.target_text") == []


def test_case_20_the_same_file_twice_a_correction_and_the_bulletin_as_it_was(home: Settings, tmp_path: Path) -> None:
    towns = {"枫林湖镇": (10, 30), "站前镇": (20, 60)}
    first = workbooks.townships(home.inbox / "march.xlsx", 3, towns)
    version = run_refresh(home).published
    assert version is not None
    before = _bulletin(home, tmp_path / "before.docx")

    shutil.copy(first, home.inbox / "march again.xlsx")
    assert run_refresh(home).status == "nothing_new"

    corrected = {"枫林湖镇": (11, 31)}
    workbooks.townships(home.inbox / "corrected.xlsx", 3, corrected, mtime=workbooks.START + 86_400)
    assert run_refresh(home).published not in (None, version)
    with _served(home) as marts:
        vintages = marts.execute(
            "select unit_id, count(*), count(distinct submission_id) from marts.fct_observation_version"
            " where measure = 'ytd' and value is not null group by 1 order by 1"
        ).fetchall()
        assert vintages == [(FENGLIN, 2, 2), (ZHANQIAN, 1, 1)]
        in_force = marts.execute(
            "select unit_id, value::int from marts.fct_observation where measure = 'ytd' and value is not null order by 1"
        ).fetchall()
        assert in_force == [(FENGLIN, 31), (ZHANQIAN, 60)]
    after = _bulletin(home, tmp_path / "after.docx")
    assert after != before

    assert tew(home, "rollback", version).returncode == 0
    assert _bulletin(home, tmp_path / "again.docx") == before


def _bulletin(settings: Settings, target: Path) -> bytes:
    done = tew(settings, "bulletin", "--period", "2026-03", "--output", str(target))
    assert done.returncode == 0, done.stderr
    return target.read_bytes()


def _served(settings: Settings) -> duckdb.DuckDBPyConnection:
    return open_copy(version_file(settings, current_version(settings) or ""))
