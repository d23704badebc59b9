"""Every rule fires on a minimal example at the exact cell, and stays silent on its clean neighbour."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from dagster_project.ingest.model import KnownEnterprise
from tests.audit.kit import COUNTY, MINE, OTHER_TOWN, PLANT, TOWN, Registers

Found = set[tuple[str, str, str | None]]


def months(code, measure, first, values, year=2026):
    return {f"{year}-{first + i:02d}": v for i, v in enumerate(values)}


# --- one series -------------------------------------------------------------------------------------------------------


def v01(b, value):
    b.put("D5", "TE01", "ytd", value)


def v01_month(b, value):
    b.put("C5", "TE01", "month", value)


def v01_base(b, value):
    b.put("E5", "TE01", "base_ytd", value)


def v01_whole(b, value):
    b.put("D5", "SA01", "ytd", value)


def v02(b, ytd):
    b.past("TE01", "ytd", {"2026-02": 2000})
    b.past("TE01", "month", {"2026-02": 1000, "2026-01": 1000})
    b.put("C5", "TE01", "month", 1100)
    b.put("D5", "TE01", "ytd", ytd)


def v02_month(b, month):
    v02(b, 3100)
    b.parsed.observations[0].value = type(b.parsed.observations[0].value)(month)
    b.put("E5", "TE01", "base_ytd", 3000)
    b.put("F5", "TE01", "declared_growth", 3.3)


def v02_next(b, ytd):
    b.past("TE01", "ytd", {"2026-04": 4200})
    b.past("TE01", "month", {"2026-04": 1100})
    b.put("D5", "TE01", "ytd", ytd)


def v03(b, month):
    b.put("C5", "TE01", "month", month)
    b.put("D5", "TE01", "ytd", 3000)
    b.put("E5", "TE01", "base_ytd", 2900)


def v03_january(b, month):
    b.put("C5", "TE01", "month", month, period="2026-01")
    b.put("D5", "TE01", "ytd", 1000, period="2026-01")
    b.put("E5", "TE01", "base_ytd", 980, period="2026-01")


def v04(b, ytd):
    b.past("TE01", "ytd", {"2026-02": 2000})
    b.put("D5", "TE01", "ytd", ytd)


def v10(b, growth):
    b.put("D5", "TE01", "ytd", 1120)
    b.put("E5", "TE01", "base_ytd", 1000)
    b.put("F5", "TE01", "declared_growth", growth)


def v10_points(b, change):
    b.put("D5", "DR01", "ytd", "95.8")
    b.put("E5", "DR01", "base_ytd", "96.4")
    b.put("F5", "DR01", "declared_growth", change)


def v11(b, base):
    b.past("TE01", "ytd", {"2025-03": 1000})
    b.put("E5", "TE01", "base_ytd", base)


def v12(b, ytd):
    b.put("D5", "TE01", "ytd", ytd)
    b.put("E5", "TE01", "base_ytd", 1000)


def v12_month(b, month):
    b.past("TE01", "month", {"2025-06": 1000, "2026-05": 1000})
    b.put("C5", "TE01", "month", month, period="2026-06")


def v13(b, month):
    b.past("TE01", "month", months("TE01", "month", 1, [1000] * 12, 2025))
    b.put("C5", "TE01", "month", month, period="2026-06")


def v18(b, people):
    b.past("TE04", "stock", {"2026-02": 1000})
    b.put("G5", "TE04", "stock", people)


def v18_frozen(b, people):
    b.past("TE04", "stock", months("", "", 1, [1000] * 12, 2025))
    b.put("G5", "TE04", "stock", people, period="2026-01")


def v19(b, month):
    b.past("TE01", "month", {"2026-02": 1000})
    b.put("C5", "TE01", "month", month)


def v40(b, ytd):
    b.past("TE01", "ytd", {"2026-03": 3000, "2026-04": 4000})
    b.put("D5", "TE01", "ytd", ytd)


def v40_forms(b, ytd):
    b.past("TE01", "ytd", {"2026-03": 3000}, form="OTHER")
    b.put("D5", "TE01", "ytd", ytd)


# --- relations --------------------------------------------------------------------------------------------------------


def v05(b, part):
    b.put("D5", "TE01", "ytd", 3000)
    b.put("E5", "TE01", "base_ytd", 2900)
    b.put("H5", "TE02", "ytd", part)
    b.put("I5", "TE02", "base_ytd", 1900)


def v05_sum(b, pharma):
    b.put("D5", "TE02", "ytd", 1000)
    b.put("E5", "TE02", "base_ytd", 990)
    b.put("H5", "TE06", "ytd", 600)
    b.put("I5", "TE06", "base_ytd", 590)
    b.put("L5", "TE07", "ytd", pharma)
    b.put("M5", "TE07", "base_ytd", 300)


def v14(b, output):
    b.put("D5", "TE02", "ytd", 1000)
    b.put("H5", "BF02", "ytd", output)


def v14_change(b, output):
    b.past("TE02", "ytd", {"2025-03": 1000})
    b.past("BF02", "ytd", {"2025-03": 4000})
    b.put("D5", "TE02", "ytd", 1100)
    b.put("H5", "BF02", "ytd", output)


def v15(b, revenue):
    b.put("D5", "TE03", "ytd", 100)
    b.put("H5", "BF01", "ytd", revenue)


def v16(b, pay):
    for i in range(6):
        b.put(f"D{5 + i}", "BF07", "ytd", pay if i == 3 else 100 + i, unit=f"E{i}")
        b.put(f"E{5 + i}", "BF11", "stock", 50, unit=f"E{i}")


def v17(b, pay):
    b.put("D5", "TE01", "ytd", 1000)
    b.put("H5", "BF07", "ytd", pay)


def v20(b, power):
    b.put("D5", "TE02", "ytd", 1100)
    b.put("E5", "TE02", "base_ytd", 1000)
    b.put("H5", "BF12", "ytd", power)
    b.put("I5", "BF12", "base_ytd", 500)


def v21(b, certified):
    b.past("CO14", "stock", {"2026-02": 180}, unit=MINE)
    b.put("J5", "CO13", "stock", 200, unit=MINE)
    b.put("K5", "CO15", "stock", 186, unit=MINE)
    b.put("L5", "CO14", "stock", certified, unit=MINE)


def v21_rate(b, rate):
    b.put("M5", "CO04", "ytd", rate, unit=MINE)


def v23(b, rate):
    b.put("D5", "CO01", "ytd", 228776300, unit=COUNTY)
    b.put("E5", "SA02", "ytd", 66, unit=COUNTY)
    b.put("F5", "SA03", "ytd", rate, unit=COUNTY)


def v25(b, output):
    b.registers = Registers([mine()])
    b.put("D5", "CO01", "ytd", output, unit=MINE)


def v26(b, stock):
    b.past("CO11", "stock", {"2025-12": 1000}, unit=MINE)
    b.put("D5", "CO01", "ytd", 9000, unit=MINE)
    b.put("E5", "CO10", "ytd", 8000, unit=MINE)
    b.put("F5", "CO11", "stock", stock, unit=MINE)


def v37(b, share):
    b.put("D5", "TE11", "ytd", share, unit=COUNTY)


def v37_gdp(b, gdp):
    b.put("D5", "TE01", "ytd", 1000, unit=COUNTY)
    b.put("E5", "BF14", "ytd", gdp, unit=COUNTY)


# --- totals -----------------------------------------------------------------------------------------------------------


def v07(b, total):
    b.put("D6", "TE01", "ytd", 1000)
    b.put("D7", "TE01", "ytd", 2000, unit=OTHER_TOWN)
    b.total("D5", "TE01", "ytd", total)


def v07_subtotal(b, total):
    b.put("D6", "BF02", "ytd", 1000, unit="E1")
    b.put("D7", "BF02", "ytd", 2000, unit="E2")
    b.put("D9", "BF02", "ytd", 5000, unit="E3", town=OTHER_TOWN)
    b.total("D8", "BF02", "ytd", total, scope=TOWN)


ALL_TOWNS = [f"529901{n}" for n in ("001", "002", "100", "101", "102", "103", "104", "105", "200", "201", "202", "203")]


def v08(b, county):
    for line, town in enumerate(ALL_TOWNS, 6):
        b.put(f"D{line}", "TE01", "ytd", 250, unit=town)
    b.put("D5", "TE01", "ytd", county, unit=COUNTY)


def v09(b, township):
    b.registers = Registers([plant("E1"), plant("E2")])
    b.past("TE03", "ytd", {"2026-03": 400}, unit="E1")
    b.past("TE03", "ytd", {"2026-03": 600}, unit="E2")
    b.put("D5", "TE03a", "ytd", township)


# --- coal, safety, energy ---------------------------------------------------------------------------------------------


def mine(**changes) -> KnownEnterprise:
    from decimal import Decimal

    fields = {"is_coal_mine": True, "capacity": Decimal(120000), "unit_status": "active"} | changes
    return KnownEnterprise(MINE, "mine", TOWN, **fields)


def plant(enterprise_id: str = PLANT, **changes) -> KnownEnterprise:
    return KnownEnterprise(enterprise_id, f"plant {enterprise_id}", TOWN, **({"is_above_scale": True} | changes))


def v22(b, declared):
    b.incident("H4", "2026-03-02", deaths=2, injuries=12, loss=80, declared=declared)


def v22_negative(b, deaths):
    b.incident("H4", "2026-03-02", deaths=deaths)


def v22_detail(b, deaths):
    b.incident("H4", "2026-03-02", deaths=1)
    b.put("D5", "SA02", "month", deaths, unit=MINE)


def v24(b, output):
    b.registers = Registers([mine(unit_status="suspended")])
    b.put("C5", "CO01", "month", output, unit=MINE)


def v24_idle(b, output):
    b.cover(MINE, "reported", told="active")
    b.put("C5", "CO01", "month", output, unit=MINE)


def v29(b, total):
    b.put("D5", "EF101", "ytd", 10000, unit=PLANT)
    b.put("E5", "EF600", "ytd", 2000, unit=PLANT)
    b.put("F5", "EN00", "ytd", total, unit=PLANT)


# --- identity, coverage, targets --------------------------------------------------------------------------------------


def v31(b, revenue):
    b.registers = Registers([plant()])
    b.put("D5", "BF01", "ytd", revenue, unit=PLANT, period="2026-12")


def v32_twice(b, unit):
    b.put("D5", "TE01", "ytd", 1000)
    b.put("D6", "TE01", "ytd", 1200, unit=unit)


def v34_future(b, period):
    b.received("2026-04-05T08:00:00")
    b.put("D5", "TE01", "ytd", 1000, period=period)


def v36(b, value):
    b.put("C5", "TE01", "month", 300)
    b.put("D5", "TE01", "ytd", value, reason="unknown")


def v39(b, last):
    for i in range(6):
        b.put(f"D{5 + i}", "TE01", "ytd", 1000 * (i + 3) + (last if i > 1 else 0), unit=f"E{i}")


E, W, N = "error", "warning", "info"

# name, builder, faulty argument, expected (rule, severity, cell), quarantined, clean argument
CASES: list[tuple[Callable, object, Found, set[str], object]] = [
    (v01, -5, {("V01", E, "D5")}, {"D5"}, 5),
    (v01_month, -5, {("V01", W, "C5")}, set(), 5),
    (v01_base, -5, {("V01", E, "E5")}, {"E5"}, 5),
    (v01_whole, "1.5", {("V01", E, "D5")}, {"D5"}, 1),
    (v02, 3500, {("V02", W, "D5")}, set(), 3100),
    (v02, 3109, {("V02", N, "D5")}, set(), 3101),
    (v02_month, 1700, {("V02", W, "C5"), ("V12", W, "C5")}, set(), 1100),
    (v02_next, 3600, {("V02", W, "D5")}, set(), 3100),
    (v03, 9000, {("V03", E, "C5")}, {"C5"}, 1000),
    (v03_january, 1500, {("V03", E, "C5")}, {"C5"}, 1000),
    (v04, 1500, {("V04", W, "D5")}, set(), 2500),
    (v10, "14.0", {("V10", W, "F5")}, set(), "12.1"),
    (v10_points, "-1.6", {("V10", W, "F5")}, set(), "-0.6"),
    (v11, 1010, {("V11", W, "E5")}, set(), 1004),
    (v12, 2100, {("V12", W, "D5")}, set(), 1900),
    (v12, 480, {("V12", W, "D5")}, set(), 520),
    (v12_month, 2200, {("V12", W, "C5")}, set(), 1400),
    (v13, 21000, {("V13", W, "C5")}, set(), 1900),
    (v13, 45, {("V13", W, "C5")}, set(), 900),
    (v18, 1300, {("V18", W, "G5")}, set(), 1190),
    (v18_frozen, 1000, {("V18", W, "G5")}, set(), 1001),
    (v19, 1000, {("V19", N, "C5")}, set(), 1001),
    (v40, 3300, {("V40", W, "D5")}, set(), 3000),
    (v40_forms, 3300, {("V40", W, "D5")}, set(), 3010),
    (v05, 3500, {("V05", E, "H5")}, {"H5"}, 2999),
    (v05_sum, 900, {("V05", E, "L5"), ("V12", W, "L5")}, {"L5"}, 400),
    (v14, 1100, {("V14", W, "D5")}, set(), 4000),
    (v14_change, 2000, {("V14", W, "D5")}, set(), 4000),
    (v15, 200, {("V15", W, "D5")}, set(), 2000),
    (v16, 900, {("V16", W, "D8")}, set(), 110),
    (v17, 1100, {("V17", W, "H5")}, set(), 900),
    (v20, 700, {("V20", W, "H5")}, set(), 550),
    (v21, 190, {("V21", E, "L5"), ("V21", W, "K5")}, {"L5"}, 186),
    (v21_rate, "102.5", {("V21", E, "M5")}, {"M5"}, 100),
    (v23, "0.3", {("V23", E, "F5")}, {"F5"}, "0.288"),
    (v25, 40000, {("V25", W, "D5")}, set(), 32000),
    (v26, 1500, {("V26", W, "F5")}, set(), 2030),
    (v37, 120, {("V37", W, "D5")}, set(), 34),
    (v37_gdp, 900, {("V37", W, "D5")}, set(), 3000),
    (v07, 2000, {("V07", E, "D5")}, set(), 3001),
    (v07, 3010, {("V07", N, "D5")}, set(), 3000),
    (v07_subtotal, 8000, {("V07", E, "D8")}, set(), 3000),
    (v08, 3500, {("V08", E, "D5")}, set(), 3000),
    (v09, 1200, {("V09", W, "D5")}, set(), 1005),
    (v22, "一般", {("V22", E, "H4")}, set(), "较大"),
    (v22, "严重", {("V22", W, "H4")}, set(), None),
    (v22_negative, -1, {("V22", E, "H4")}, set(), 1),
    (v22_detail, 2, {("V22", W, "D5")}, set(), 1),
    (v24, 500, {("V24", W, "C5")}, set(), 0),
    (v24_idle, 0, {("V24", W, "C5")}, set(), 500),
    (v29, 12000, {("V29", W, "F5")}, set(), 9601),
    (v31, 1500, {("V31", W, "D5")}, set(), 2500),
    (v32_twice, TOWN, {("V32", E, "D6")}, {"D6"}, OTHER_TOWN),
    (v34_future, "2026-06", {("V34", E, "D5")}, {"D5"}, "2026-03"),
    (v36, None, {("V36", W, "D5")}, set(), 900),
    (v39, 0, {("V39", N, "D5")}, set(), 7),
]


@pytest.mark.parametrize(
    ("build", "faulty", "expected", "quarantined"),
    [case[:4] for case in CASES],
    ids=[f"{case[0].__name__}={case[1]}" for case in CASES],
)
def test_rule_fires_at_the_exact_cell(book, build, faulty, expected, quarantined):
    build(book, faulty)
    assert book.found() == expected
    assert book.quarantined() == quarantined


@pytest.mark.parametrize(
    ("build", "clean"),
    [(case[0], case[4]) for case in CASES],
    ids=[f"{case[0].__name__}={case[4]}" for case in CASES],
)
def test_clean_neighbour_is_silent(book, build, clean):
    build(book, clean)
    assert book.found() == set()
    assert book.quarantined() == set()


def test_every_active_rule_has_a_case_or_a_test_of_its_own(auditor):
    elsewhere = {
        "V06": "test_exhaustive_parts_add_up",
        "V27": "test_energy_balance_and_constant_stock",
        "V28": "test_measured_coefficients",
        "V30": "test_key_users_missing_from_a_list",
        "V33": "raised by ingest.resolve",
        "V35": "test_missing_townships_are_listed",
        "V38": "test_township_targets_against_the_county",
    }
    judged = {rule for case in CASES for rule, _, _ in case[2]} | set(elsewhere)
    declared = {row["rule"].partition(".")[0] for row in auditor.context.reference.rows("audit_rules")}
    assert declared == judged
    assert declared == {f"V{i:02d}" for i in range(1, 41)}


def test_sentences_hold_names_and_units_in_the_reader_s_language_never_codes(auditor, book):
    codes = set(auditor.context.indicators)
    for relation in auditor.context.relations:
        fields = auditor.context.notation(relation)
        for text in fields.values():
            assert codes.isdisjoint(re.findall(r"\w+", str(text))), relation.relation_id
    v21(book, 190)
    book.put("D5", "TE03", "ytd", -100)
    said = " ".join(issue.message_en for issue in book.judge())
    assert "Certified persons ≤ Persons who must be certified" in said
    assert "read 190 persons" in said and "read -100 (10,000 yuan)" in said
    assert not re.search(r"[\u4e00-\u9fff]", said)


def test_two_faults_in_a_column_get_no_false_figure_from_its_total(book):
    """The difference is then no one cell's: what each should read is told by its own past alone."""
    for unit, before in ((TOWN, 4000), (OTHER_TOWN, 2000)):
        book.past("TE01", "ytd", {"2026-02": before}, unit=unit)
    book.put("C6", "TE01", "month", 500)
    book.put("D6", "TE01", "ytd", 45000)
    book.put("C7", "TE01", "month", 300, unit=OTHER_TOWN)
    book.put("D7", "TE01", "ytd", 1200, unit=OTHER_TOWN)
    book.total("D5", "TE01", "ytd", 6800)
    told = {(issue.rule, issue.cell): issue.message_en for issue in book.judge()}
    assert "expected 4500" in told["V02", "D6"]
    assert ("V07", "D6") in told and "expected" not in told["V07", "D6"]
    assert "leaves out" not in told["V07", "D6"]


def test_a_row_that_a_total_leaves_out_is_named_or_nothing_is_said(book):
    for line, unit in ((6, TOWN), (7, OTHER_TOWN), (8, "529901103"), (9, "529901101")):
        book.put(f"D{line}", "TE01", "ytd", 1000 * line, unit=unit)
    book.total("D5", "TE01", "ytd", 21000)
    (said,) = [issue.message_en for issue in book.judge() if issue.rule == "V07"]
    assert "twice (perhaps left out: D9) and" in said
