"""Whole submissions: golden cases, which cell is blamed, what is kept out of force, history, corrections."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.audit.accidents import accident_class, load_classes
from dagster_project.audit.expressions import NotationError, compile_expression, parse_range
from dagster_project.audit.findings import number, slip
from dagster_project.audit.history import Acceptance, InMemoryHistory, month_index, month_start
from dagster_project.audit.run import Auditor, audit
from dagster_project.ingest.messages import Messages
from dagster_project.ingest.model import KnownEnterprise
from dagster_project.reference import Reference, load_reference
from tests.audit.kit import COUNTY, MINE, OTHER_TOWN, PLANT, SEEDS, TOWN, Book, Registers


def changed(reference: Reference, **tables) -> Auditor:
    """An auditor over the same reference data with rows added to some tables."""
    merged = {name: rows + tuple(tables.get(name, ())) for name, rows in reference.tables.items()}
    return Auditor(dataclasses.replace(reference, tables=merged), Messages.load(reference))


def indicator(reference: Reference, code: str, like: str, **fields) -> dict:
    row = next(row for row in reference.rows("indicators") if row["indicator_code"] == like)
    return {**row, "indicator_code": code, "parent_code": None, **fields}


def relation(relation_id: str, rule: str, left: str, op: str, right: str, **fields) -> dict:
    empty = dict.fromkeys(
        ("form_code", "measures", "tolerance_abs", "tolerance_rel", "applies_to", "valid_from", "valid_to")
    )
    return {
        **empty,
        "relation_id": relation_id,
        "rule": rule,
        "left": left,
        "op": op,
        "right": right,
        "notation": left,
        **fields,
    }


# --- golden cases of domain.md I ---------------------------------------------------------------------------------------


def test_golden_11_lost_digit_fires_v03_and_v05(book):
    """I.11: month 299736, year to date 158996, part's year to date 1051024."""
    book.put("B6", "BF03", "month", 299736)
    book.put("C6", "BF03", "ytd", 158996)
    book.put("C7", "BF04", "ytd", 1051024)
    issues = book.judge()
    assert {(i.rule, i.cell) for i in issues} == {("V03", "C6"), ("V05", "C6")}
    assert book.quarantined() == {"C6"}
    for issue in issues:
        for text in (issue.message_zh, issue.message_en):
            assert "158996" in text
    assert "299736" in issues[0].message_zh
    assert "1051024" in issues[1].message_zh


def test_golden_12_total_that_does_not_add_up(book):
    """I.12: 151 -> 93 is printed as 48 fewer; the parts say otherwise (V07)."""
    book.put("B3", "TE04", "stock", 93)
    book.put("B4", "TE04", "stock", 48, unit=OTHER_TOWN)
    book.total("B5", "TE04", "stock", 151)
    assert book.found() == {("V07", "error", "B5")}
    assert book.quarantined() == set()


def test_golden_12_population_in_the_wrong_unit(book):
    """I.12: 192,431 persons written as 192431 ten thousand (V13), and the message says by how much."""
    book.past("BF13", "stock", {"2025-12": 192000}, unit=COUNTY)
    book.put("B2", "BF13", "stock", 192431, unit=COUNTY, period="2026-12", raw="192431万人", factor="10000")
    issues = {i.rule: i for i in book.judge()}
    assert issues["V13"].cell == "B2"
    assert "10000" in issues["V13"].message_en and "10000" in issues["V13"].message_zh
    assert book.quarantined() == set()


@pytest.mark.parametrize(
    ("deaths", "injuries", "loss", "expected"),
    [
        (2, 12, "80", "较大"),
        (3, 0, "0", "较大"),
        (10, 0, "0", "重大"),
        (30, 0, "0", "特别重大"),
        (0, 0, "1000", "较大"),
        (0, 0, "9999.99", "重大"),
        (0, 0, "999.99", "一般"),
        (0, 0, "10000", "特别重大"),
        (0, 9, "0", "一般"),
        (0, 100, "0", "特别重大"),
    ],
)
def test_golden_03_accident_classes(reference, deaths, injuries, loss, expected):
    found = accident_class(load_classes(reference), date(2008, 3, 1), deaths, injuries, Decimal(loss))
    assert found is not None and found.name_zh == expected


def test_accident_classes_go_by_the_regime_of_the_day(reference):
    classes = load_classes(reference)
    before, after = (accident_class(classes, day, 3) for day in (date(2007, 5, 31), date(2007, 6, 1)))
    assert before is not None and before.name_zh == "重大"
    assert after is not None and after.name_zh == "较大"
    assert accident_class(classes, date(1950, 1, 1), 3) is None


# --- blame and quarantine ----------------------------------------------------------------------------------------------


def row_of(book: Book, line: int, unit: str, month, ytd, base, growth, part=None):
    book.put(f"C{line}", "TE01", "month", month, unit)
    book.put(f"D{line}", "TE01", "ytd", ytd, unit)
    book.put(f"E{line}", "TE01", "base_ytd", base, unit)
    book.put(f"F{line}", "TE01", "declared_growth", growth, unit)
    if part is not None:
        book.put(f"H{line}", "TE02", "ytd", part, unit)


def test_no_row_is_quarantined_for_another(book):
    row_of(book, 6, TOWN, 1000, 3000, 2800, "7.1", part=3600)
    row_of(book, 7, OTHER_TOWN, 1000, 3000, 2800, "7.1", part=2000)
    book.total("D5", "TE01", "ytd", 7000)
    found = book.found()
    assert ("V05", "error", "H6") in found
    assert ("V07", "error", "D5") in found
    assert book.quarantined() == {"H6"}


def test_printed_growth_speaks_for_the_total_and_the_part_is_blamed(book):
    row_of(book, 6, TOWN, 1000, 3000, 2800, "7.1", part=3010)
    assert book.found() == {("V05", "error", "H6")}


def test_a_lost_digit_of_the_whole_is_blamed_on_the_whole(book):
    row_of(book, 6, TOWN, 1000, 300, 2800, "7.1", part=2000)
    book.put("I6", "TE02", "base_ytd", 1900)
    found = book.found()
    assert {("V03", "error", "D6"), ("V05", "error", "D6")} <= found
    assert book.quarantined() == {"D6"}


def test_undecided_part_and_whole_are_both_marked_and_only_the_part_is_held_back(book):
    book.put("D6", "TE01", "ytd", 1000)
    book.put("H6", "TE02", "ytd", 1100)
    assert book.found() == {("V05", "error", "H6"), ("V05", "warning", "D6")}
    assert book.quarantined() == {"H6"}


def test_a_total_convicts_the_cell_whose_difference_it_shows(book):
    for line, (unit, value) in enumerate(((TOWN, 1234), (OTHER_TOWN, 2500), ("529901103", 800)), 6):
        book.past("TE01", "ytd", {"2026-02": value * 2}, unit)
        book.past("TE01", "month", {"2026-02": value, "2025-03": value}, unit)
        book.put(f"C{line}", "TE01", "month", value, unit)
        book.put(f"D{line}", "TE01", "ytd", value * 3, unit)
    book.parsed.observations[0].value = Decimal(1324)
    book.total("C5", "TE01", "month", 4534)
    issues = [i for i in book.judge() if i.severity != "info"]
    assert {i.cell for i in issues} == {"C6"}
    assert {"V02", "V07"} <= {i.rule for i in issues}
    assert all("1234" in i.message_en for i in issues if i.rule in ("V02", "V07"))


def test_carried_row_is_judged_for_its_sign_only(book):
    book.past("TE01", "ytd", {"2026-02": 2000})
    book.put("C6", "TE01", "month", 2000, carried=True)
    book.put("D6", "TE01", "ytd", 1000, carried=True)
    assert book.found() == set()


def test_cells_that_intake_already_refused_are_left_alone(book):
    obs = book.put("D6", "TE01", "ytd", -5)
    obs.status = "quarantined"
    unresolved = book.put("D7", "TE01", "ytd", -5)
    unresolved.unit_id = None
    assert book.found() == set()


# --- January, merged months, merged townships, late months -------------------------------------------------------------


def test_february_without_january_is_not_measured_against_december(book):
    book.past("TE01", "ytd", {"2025-12": 12000, "2025-02": 1900})
    book.past("TE01", "month", {"2025-12": 1500})
    book.put("C6", "TE01", "month", None, period="2026-02", reason="unknown")
    book.put("D6", "TE01", "ytd", 2000, period="2026-02")
    assert book.found() == set()


def test_spring_festival_is_seasonal_where_last_year_had_it_too(book):
    book.past("TE01", "month", {"2026-01": 1000, "2025-01": 950, "2025-02": 380})
    book.past("TE01", "ytd", {"2026-01": 1000, "2025-02": 1330})
    book.put("C6", "TE01", "month", 400, period="2026-02")
    book.put("D6", "TE01", "ytd", 1400, period="2026-02")
    assert book.found() == set()


def test_a_merged_township_includes_its_predecessor(book):
    """Shimen went into Zhanqian in March 2025 (county.csv): both geographies' bases and sums are accepted."""
    heir, gone = "529901101", "529901204"
    for unit, month in ((heir, 100), (gone, 40)):
        book.past("TE01", "ytd", {"2024-03": 3 * month, "2025-02": 2 * month}, unit)
        book.past("TE01", "month", {"2025-02": month, "2024-03": month}, unit)
        book.past("TE04", "stock", {"2025-02": 10 * month}, unit)
    book.put("C6", "TE01", "month", 145, heir, "2025-03")
    book.put("D6", "TE01", "ytd", 425, heir, "2025-03")
    book.put("E6", "TE01", "base_ytd", 420, heir, "2025-03")
    book.put("G6", "TE04", "stock", 1400, heir, "2025-03")
    assert book.found() == set()


def test_a_recoded_township_keeps_its_past(book):
    """Binhe changed from town to subdistrict, with a new code, in July 2024."""
    old, new = "529901106", "529901002"
    book.past("TE01", "ytd", {"2024-06": 600}, old)
    book.past("TE01", "month", {"2024-06": 100}, old)
    book.put("C6", "TE01", "month", 100, new, "2024-07")
    book.put("D6", "TE01", "ytd", 500, new, "2024-07")
    assert {(rule, cell) for rule, _, cell in book.found()} == {("V02", "D6"), ("V04", "D6")}


def test_a_late_month_is_measured_against_the_month_after_it(book):
    book.past("TE01", "ytd", {"2026-02": 2000, "2026-04": 4000})
    book.past("TE01", "month", {"2026-04": 1000})
    book.put("C6", "TE01", "month", 900)
    book.put("D6", "TE01", "ytd", 2900)
    issues = book.judge()
    assert [(i.rule, i.cell) for i in issues] == [("V02", "D6")]
    assert "3000" in issues[0].message_en


# --- rules with procedures or with reference data of their own ----------------------------------------------------------


def test_exhaustive_parts_add_up(reference):
    parts = [
        indicator(reference, code, "TE02", parent_code="BF02", is_exhaustive=True, is_signed=False)
        for code in ("LIGHT", "HEAVY")
    ]
    book = Book(changed(reference, indicators=parts))
    for cell, code, value in (("D6", "BF02", 1000), ("E6", "LIGHT", 300), ("F6", "HEAVY", 900)):
        book.put(cell, code, "ytd", value)
    assert {(rule, severity) for rule, severity, _ in book.found()} == {("V06", "error")}
    assert book.quarantined() == set()  # which of the three is wrong cannot be told
    book = Book(changed(reference, indicators=parts))
    for cell, code, value in (("D6", "BF02", 1000), ("E6", "LIGHT", 300), ("F6", "HEAVY", 700)):
        book.put(cell, code, "ytd", value)
    assert book.found() == set()


def energy_auditor(reference: Reference) -> Auditor:
    items = [
        indicator(reference, "KSTART", "CO11"),
        indicator(reference, "KEND", "CO11"),
        indicator(reference, "BOUGHT", "EF101"),
        indicator(reference, "COEF", "DR01"),
    ]
    return changed(
        reference,
        indicators=items,
        audit_relations=[
            relation("T1", "V27", "KSTART + BOUGHT - EF101", "=", "KEND", measures="ytd"),
            relation("T2", "V27", "KSTART", "constant", "KSTART"),
            relation("T3", "V28", "COEF", "coefficient", "EF101"),
        ],
    )


def test_energy_balance_and_constant_stock(reference):
    auditor = energy_auditor(reference)
    for end, start, expected in (
        (152, 52, set()),
        (252, 52, {("V27", "error", "G6")}),
        (152, 60, {("V27", "error", "D6")}),
    ):
        book = Book(auditor)
        book.past("KSTART", "stock", {"2026-01": 52, "2026-02": 52}, PLANT)
        book.put("D6", "KSTART", "stock", start, PLANT)
        book.put("E6", "BOUGHT", "ytd", 900, PLANT)
        book.put("F6", "EF101", "ytd", 800, PLANT)
        book.put("G6", "KEND", "stock", end, PLANT)
        found = book.found()
        assert expected <= found and (expected or not found)


def test_measured_coefficients(reference):
    auditor = energy_auditor(reference)
    for used, fires in (("0.71", False), ("0.60", False), ("0.95", True), ("7.14", True)):
        book = Book(auditor)
        book.put("D6", "COEF", "month", used, PLANT)
        assert (("V28", "warning", "D6") in book.found()) is fires


def test_key_users_missing_from_a_list(book):
    users = [KnownEnterprise(f"E{i}", f"user {i}", TOWN, is_key_energy_user=True) for i in range(3)]
    book.registers = Registers(users)
    for user, tce in zip(users, (8000, 9000, 100), strict=True):
        book.past("EN00", "ytd", {"2025-12": tce}, user.enterprise_id)
    book.put("D6", "EN00", "ytd", 700, "E0", form="ZB-M1")
    issues = [i for i in book.judge() if i.rule == "V30"]
    assert [(i.sheet, i.cell, i.severity) for i in issues] == [("Sheet1", None, "warning")]
    assert "user 1" in issues[0].message_en and "user 2" not in issues[0].message_en


def test_missing_townships_are_listed_and_nothing_is_held_back(book, reference):
    book.form = "TE-M1"
    active = [
        row["township_code"]
        for row in reference.rows("townships")
        if row["valid_to"] is None and row["kind"] != "county_direct"
    ]
    for line, code in enumerate(active[:-1], 6):
        book.put(f"D{line}", "TE01", "ytd", 1000 + line, code)
    issues = book.judge()
    assert [(i.rule, i.severity, i.cell, i.unit_id) for i in issues] == [("V35", "error", None, active[-1])]
    assert book.quarantined() == set()


def test_a_resubmission_of_one_township_is_not_scolded_for_the_others(book, reference):
    book.form = "TE-M1"
    active = [row["township_code"] for row in reference.rows("townships") if row["valid_to"] is None]
    for code in active:
        book.past("TE01", "ytd", {"2026-03": 1000}, code, "TE-M1")
    book.put("D6", "TE01", "ytd", 1010, active[0])
    assert {(i.rule, i.severity) for i in book.judge()} == {("V35", "warning")}


def test_units_that_say_why_they_did_not_report_are_not_missing(book, reference):
    book.form = "TE-M1"
    active = [row["township_code"] for row in reference.rows("townships") if row["valid_to"] is None]
    for line, code in enumerate(active, 6):
        silent = line == 7
        book.put(f"D{line}", "TE01", "ytd", None if silent else 1000 + line, code, reason="not_reported", raw="未报")
    assert book.found() == set()


def test_a_sheet_of_a_month_that_has_not_come_reports_for_nobody(book):
    book.received("2026-04-05T08:00:00")
    for period in ("2026-03", "2026-06"):
        book.put("D5" if period == "2026-03" else "E5", "TE01", "ytd", 1000, period=period)
        book.cover(TOWN, "reported", period)
    assert ("V34", "error", "E5") in book.found()
    assert [f"{entry.period:%Y-%m}" for entry in book.parsed.coverage] == ["2026-03"]


def test_what_has_not_happened_yet_is_not_counted(book):
    book.received("2026-04-05T08:00:00")
    book.incident("B4", "2026-04-04", 1)
    book.incident("B5", "2026-05-04", 1)
    for cell, day in (("A4", date(2026, 4, 6)), ("A5", date(2027, 3, 1)), ("A6", None)):
        book.task(cell, day)
    assert {found for found in book.found() if found[0] == "V34"} == {("V34", "error", "B5"), ("V34", "error", "A5")}
    assert [row.status for row in book.parsed.incidents] == ["accepted", "quarantined"]
    assert [row.status for row in book.parsed.tasks] == ["accepted", "quarantined", "accepted"]


def test_blank_row_and_blank_column_are_told_once(book):
    for line, code in enumerate((TOWN, OTHER_TOWN, "529901103", "529901104"), 6):
        book.put(f"C{line}", "TE01", "month", None, code, reason="unknown")
        book.put(f"D{line}", "TE01", "ytd", None if line == 6 else 1000 + line, code, reason="unknown")
    assert book.found() == {("V36", "warning", "C6"), ("V36", "info", "C7")}


def test_township_targets_against_the_county(book, reference):
    active = [
        row["township_code"]
        for row in reference.rows("townships")
        if row["valid_to"] is None and row["kind"] != "county_direct"
    ]
    for line, code in enumerate(active, 6):
        book.put(f"D{line}", "TE01", "target", 1000, code, "2026-12", target_form="level")
    book.put("D5", "TE01", "target", 1000 * len(active) * 0.9, COUNTY, "2026-12", target_form="level")
    issues = book.judge()
    assert [(i.rule, i.severity, i.cell) for i in issues] == [("V38", "warning", "D5")]
    assert "11.1" in issues[0].message_en


@pytest.mark.parametrize(("county", "expected"), [(13000, set()), (14000, {("V08", "warning", "B4")})])
def test_county_row_against_townships_in_force(book, reference, county, expected):
    active = [row["township_code"] for row in reference.rows("townships") if row["valid_to"] is None]
    for code in active:
        book.past("TE01", "ytd", {"2026-03": 13000 / len(active)}, code, "TE-M1")
    book.put("B4", "TE01", "ytd", county, COUNTY, form="TE-M2")
    assert book.found() == expected
    assert book.quarantined() == set()


def test_townships_against_a_county_row_in_force(book, reference):
    active = [row["township_code"] for row in reference.rows("townships") if row["valid_to"] is None]
    book.past("TE01", "ytd", {"2026-03": 14000}, COUNTY, "TE-M2")
    for line, code in enumerate(active, 6):
        book.put(f"D{line}", "TE01", "ytd", 1007, code, form="TE-M1")
    issues = book.judge()
    assert [(i.rule, i.severity, i.cell, i.unit_id) for i in issues] == [("V08", "warning", None, COUNTY)]


def test_a_difference_that_a_cell_is_told_of_is_not_told_of_the_county_too(book, reference):
    active = [row["township_code"] for row in reference.rows("townships") if row["valid_to"] is None]
    book.past("TE01", "ytd", {"2026-03": 1000 * len(active)}, COUNTY, "TE-M2")
    for code in active:
        book.past("TE01", "ytd", {"2026-02": 700}, code, "TE-M1")
    for line, code in enumerate(active, 6):
        book.put(f"C{line}", "TE01", "month", 300, code, form="TE-M1")
        book.put(f"D{line}", "TE01", "ytd", 100 if line == 6 else 1000, code, form="TE-M1")
    found = book.found()
    assert ("V02", "warning", "D6") in found
    assert not [one for one in found if one[0] == "V08"]


@pytest.mark.parametrize(
    ("late_figure", "expected"),
    [
        (900, "info"),  # 900 - 300 - 250: what February lacked
        (850, "warning"),  # fifty fewer than the county's gain
        (None, "warning"),  # March's township sheet is not there yet
    ],
)
def test_a_county_that_catches_up_with_a_silent_township(book, reference, late_figure, expected):
    active = [row["township_code"] for row in reference.rows("townships") if row["valid_to"] is None]
    for code in active:
        is_late = code == TOWN
        book.past("TE01", "ytd", {"2026-01": 250} if is_late else {"2026-01": 250, "2026-02": 600}, code, "TE-M1")
        if not is_late or late_figure:
            book.past("TE01", "ytd", {"2026-03": late_figure if is_late else 900}, code, "TE-M1")
            book.past("TE01", "month", {"2026-03": 300}, code, "TE-M1")
    others = len(active) - 1
    book.past("TE01", "ytd", {"2026-01": 250 * len(active), "2026-02": 600 * others + 250}, COUNTY, "TE-M2")
    book.put("C4", "TE01", "month", 300 * len(active), COUNTY, form="TE-M2")
    book.put("D4", "TE01", "ytd", 900 * len(active), COUNTY, form="TE-M2")
    assert {severity for rule, severity, _ in book.found() if rule == "V02"} == {expected}


def test_the_same_figure_on_two_sheets_counts_once(book):
    book.put("D6", "TE01", "ytd", 1000)
    copy = book.put("B3", "TE01", "ytd", 1000, sheet="汇总")
    assert book.found() == {("V32", "info", "B3")}
    assert copy.status == "quarantined"


def test_repeated_rows_of_a_form_that_adds_are_summed(reference):
    adding = dict(next(row for row in reference.rows("forms") if row["form_code"] == "TE-M3"))
    adding.update(form_code="ADDS", repeated_rows="add", expected_scope=None)
    book = Book(changed(reference, forms=[adding]))
    book.form = "ADDS"
    book.put("D6", "CO01", "ytd", 1000, MINE)
    book.put("D7", "CO01", "ytd", 500, MINE)
    assert book.found() == set()
    book.history.add_intake(book.intake)
    assert book.history.value("CO01", MINE, date(2026, 3, 1), "ytd") == Decimal(1500)


# --- corrections ------------------------------------------------------------------------------------------------------


def correction(expect: str) -> dict:
    return {
        "correction_id": "C1",
        "indicator_code": "TE01",
        "unit_id": TOWN,
        "period": date(2026, 3, 1),
        "measure": "ytd",
        "expect": expect,
        "value": Decimal(3000),
        "reason": "digit lost",
        "provider": "Section",
        "decided_on": date(2026, 4, 8),
        "status": "active",
    }


def test_a_correction_replaces_the_value_and_says_so(reference):
    book = Book(changed(reference, corrections=[correction("300")]))
    obs = book.put("D6", "TE01", "ytd", 300)
    book.put("C6", "TE01", "month", 1000)
    issues = book.judge()
    assert [(i.rule, i.severity, i.cell) for i in issues] == [("correction", "info", "D6")]
    assert (obs.value, obs.raw_text, obs.status) == (Decimal(3000), "300", "accepted")


def test_a_correction_that_no_longer_fits_is_an_error_and_is_not_applied(reference):
    book = Book(changed(reference, corrections=[correction("300")]))
    obs = book.put("D6", "TE01", "ytd", 3000)
    issues = book.judge()
    assert [(i.rule, i.severity, i.cell) for i in issues] == [("correction", "error", "D6")]
    assert "300" in issues[0].message_en
    assert (obs.value, obs.status) == (Decimal(3000), "accepted")


# --- messages, wrapper, history ----------------------------------------------------------------------------------------


def test_both_languages_name_what_was_read_and_expected(book):
    book.past("TE01", "ytd", {"2026-02": 2000})
    book.put("C6", "TE01", "month", 1100)
    book.put("D6", "TE01", "ytd", 31000)
    issue = next(i for i in book.judge() if i.rule == "V02")
    for text in (issue.message_zh, issue.message_en):
        assert "31000" in text and "3100" in text
        assert "{" not in text
    assert "10 times" in issue.message_en


def test_the_thin_wrapper_gives_the_same_issues(reference, book):
    row_of(book, 6, TOWN, 4000, 3000, 2800, "7.1")
    issues = audit(book.intake, book.history, None, reference, Messages.load(reference))
    assert issues and book.parsed.issues == issues


def test_every_text_exists_in_both_languages_and_deployments(reference):
    for folder in (SEEDS, SEEDS.parents[1] / "tests" / "deployments" / "us_coal"):
        deployment = load_reference(folder)
        texts = Messages.load(deployment).texts
        keys = {row["rule"] for row in deployment.rows("audit_rules")}
        missing = {key for key in keys if f"audit.{key}" not in texts} - {"V31", "V32", "V32.check_digit", "V33", "V34"}
        assert missing == set()
        assert all(zh and en for key, (zh, en) in texts.items() if key.startswith("audit.") and ".hint." not in key)
        Auditor(deployment, Messages.load(deployment))


def test_history_follows_the_order_of_sources_and_withdrawn_values(reference):
    history = InMemoryHistory(reference)
    source = next(row for row in reference.rows("indicators") if "|" in (row["source_form"] or ""))
    first, second = source["source_form"].split("|")[:2]
    code, month = source["indicator_code"], date(2026, 3, 1)
    history.add(code, TOWN, month, "ytd", Decimal(10), None, first)
    history.add(code, TOWN, month, "ytd", Decimal(99), None, second)
    assert history.value(code, TOWN, month, "ytd") == 10
    history.add(code, TOWN, month, "ytd", Decimal(11), None, first)
    assert history.value(code, TOWN, month, "ytd") == 11
    history.add(code, TOWN, month, "ytd", None, "not_reported", first)
    assert history.value(code, TOWN, month, "ytd") is None
    assert history.reported(first, TOWN, month)


def test_history_series_are_oldest_first():
    history = InMemoryHistory()
    history.load([("TE01", TOWN, date(2026, m, 1), "month", Decimal(m)) for m in (3, 1, 2)])
    series = history.series("TE01", TOWN, "month", date(2026, 3, 1), 2)
    assert series == [(date(2026, 2, 1), Decimal(2)), (date(2026, 3, 1), Decimal(3))]


def test_quarantined_cells_do_not_replace_what_was_in_force(book):
    book.past("TE01", "ytd", {"2026-03": 3000})
    book.put("D6", "TE01", "ytd", -5)
    book.judge()
    book.history.add_intake(book.intake)
    assert book.history.value("TE01", TOWN, date(2026, 3, 1), "ytd") == 3000


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)))
def test_month_index_round_trip(day):
    assert month_start(month_index(day)) == day.replace(day=1)


@given(st.integers(10, 10**9), st.sampled_from([10, 100, 1000, 10000]))
def test_unit_slips_are_named(value, factor):
    assert slip(value * factor, value) == ("times", {"factor": str(factor)})
    assert slip(value, value * factor) == ("divided", {"factor": str(factor)})
    assert slip(-value, value) == ("sign", {})


@given(st.floats(-1e12, 1e12, allow_nan=False))
def test_numbers_are_written_plainly(value):
    text = number(value)
    assert "e" not in text and text != "-0"
    assert abs(float(text) - value) <= 0.005001 + 1e-15 * abs(value)


@given(st.text("TE012+-*/() .", max_size=20))
def test_notation_is_read_or_refused(text):
    with contextlib.suppress(NotationError):
        compile_expression(text)


@pytest.mark.parametrize("text", ["5", "a..b", ".."])
def test_bad_ranges_are_refused(text):
    with pytest.raises(NotationError):
        parse_range(text)


clean_months = st.lists(st.integers(200, 100_000), min_size=12, max_size=12)


@settings(max_examples=60, deadline=None)
@given(clean_months, st.floats(0.6, 1.0))
def test_consistent_series_of_any_shape_give_no_error(auditor, months, share):
    """Whatever the figures: if they add up and parts stay within wholes, nothing is an error or held back."""
    history = InMemoryHistory(auditor.context.reference)
    total = part_total = 0
    for m, value in enumerate(months, 1):
        part = int(value * share)
        total, part_total = total + value, part_total + part
        book = Book(auditor)
        book.history = history
        period = f"2026-{m:02d}"
        for cell, code, measure, figure in (
            ("C6", "TE01", "month", value),
            ("D6", "TE01", "ytd", total),
            ("E6", "TE02", "month", part),
            ("F6", "TE02", "ytd", part_total),
        ):
            book.put(cell, code, measure, figure, period=period)
        assert [i for i in book.judge() if i.severity == "error"] == []
        assert [i for i in book.parsed.issues if i.rule in ("V02", "V04")] == []
        assert book.quarantined() == set()
        history.add_intake(book.intake)


def test_a_county_base_restated_as_its_townships_restated_theirs(book):
    towns = [row["township_code"] for row in book.auditor.context.townships if row["valid_to"] is None][:3]
    for printed, told in ((270, set()), (250, {("V11", "warning", "E9")})):
        other = Book(book.auditor)
        other.past("TE01", "ytd", {"2025-03": 300}, COUNTY)
        for town in towns:
            other.past("TE01", "ytd", {"2026-03": 100}, town)
            other.past("TE01", "base_ytd", {"2026-03": 90}, town)
        other.put("D9", "TE01", "ytd", 300, COUNTY)
        other.put("E9", "TE01", "base_ytd", printed, COUNTY)
        assert {entry for entry in other.found() if entry[0] == "V11"} == told


def test_a_total_convicts_a_copied_row_though_the_units_other_sheet_moved(book):
    for place, code in enumerate(("TE01", "TE02", "TE03", "TE08")):
        for measure, value in (("month", 40 + place), ("ytd", 400 + place)):
            book.past(code, measure, {"2026-02": value})
            if (code, measure) != ("TE08", "month"):
                book.put(f"{'CDEF'[place]}{6 if measure == 'month' else 7}", code, measure, value)
    for place, code in enumerate(("BF01", "BF02", "BF12", "TE04")):
        book.past(code, "ytd", {"2026-02": 1000})
        book.put(f"{'CDEF'[place]}9", code, "ytd", 1500 + place, sheet="Sheet2")
    book.total("F10", "TE08", "ytd", 447)
    assert {cell for rule, _, cell in book.found() if rule.startswith("V07")} == {"F7"}


@pytest.mark.parametrize(
    ("start", "end", "coefficient", "told"),
    [
        (52, 152, "0.71", set()),
        (60, 152, "0.71", {"V27.constant"}),
        (52, 252, "0.71", {"V27"}),
        (52, 152, "7.1", {"V28"}),
    ],
)
def test_the_deployments_own_ledger_is_judged(book, start, end, coefficient, told):
    """V27 and V28 over the rows of the energy ledger as the reference data registers them."""
    book.form = "EN-L1"
    book.past("EF101S", "stock", {"2026-01": 52, "2026-02": 52}, PLANT, "EN-L1")
    book.put("D6", "EF101S", "stock", start, PLANT, form="EN-L1")
    book.put("E6", "EF101P", "ytd", 900, PLANT, form="EN-L1")
    book.put("F6", "EF101", "ytd", 800, PLANT, form="EN-L1")
    book.put("G6", "EF101E", "stock", end, PLANT, form="EN-L1")
    book.put("H6", "EF101K", "month", coefficient, PLANT, form="EN-L1")
    rules = {rule for rule, _, _ in book.found() if rule[:3] in ("V27", "V28")}
    assert {rule.partition(".")[0] for rule in rules} == {rule.partition(".")[0] for rule in told}


@pytest.mark.parametrize(("used", "fires"), [("1.229", False), ("4.04", False), ("1.1", True), ("3.5", True)])
def test_electricity_has_only_its_own_coefficients(book, used, fires):
    book.put("D6", "EF600K", "month", used, PLANT, form="EN-L1")
    assert (("V28", "warning", "D6") in book.found()) is fires


def county_on_a_list(book: Book, printed: float, members: dict[str, tuple[float, float | None]]) -> set:
    """V11 over the county's taxes of above-scale industry: (now, a year before) of the enterprises on its list."""
    other = Book(book.auditor)
    other.registers = Registers(KnownEnterprise(unit, unit, TOWN, unit, is_above_scale=True) for unit in members)
    other.past("TE03a", "ytd", {"2025-03": 300}, COUNTY)
    for unit, (now, before) in members.items():
        other.past("TE03", "ytd", {"2026-03": now}, unit)
        if before is not None:
            other.past("TE03", "ytd", {"2025-03": before}, unit)
    other.put("D9", "TE03a", "ytd", sum(now for now, _ in members.values()), COUNTY)
    other.put("E9", "TE03a", "base_ytd", printed, COUNTY)
    return {entry for entry in other.found() if entry[0] == "V11"}


def test_a_county_base_is_compared_on_this_years_list(book):
    """The county published 300 last year, one plant of 40 has left the list since: 260 is right, 280 is not."""
    stayed: dict[str, tuple[float, float | None]] = {"A": (110, 100), "B": (170, 160)}
    assert county_on_a_list(book, 260, stayed) == set()
    assert county_on_a_list(book, 280, stayed) == {("V11", "warning", "E9")}


def test_plants_new_on_the_list_may_have_had_a_base_that_nobody_reported(book):
    joined: dict[str, tuple[float, float | None]] = {"A": (110, 100), "B": (170, 160), "C": (30, None)}
    assert county_on_a_list(book, 285, joined) == {("V11", "info", "E9")}
    assert county_on_a_list(book, 400, joined) == {("V11", "warning", "E9")}
    assert county_on_a_list(book, 250, joined) == {("V11", "warning", "E9")}


def test_a_township_that_has_not_reported_counts_with_its_last_figure_and_base(book):
    """J.6: the county carries 90 over 80 of February for the second township."""
    towns = [row["township_code"] for row in book.auditor.context.townships if row["valid_to"] is None][:3]
    book.past("TE01", "ytd", {"2025-03": 300}, COUNTY)
    for town, month in zip(towns, ("2026-03", "2026-03", "2026-02"), strict=True):
        book.past("TE01", "ytd", {month: 90}, town)
        book.past("TE01", "base_ytd", {month: 80}, town)
    book.put("D9", "TE01", "ytd", 270, COUNTY)
    book.put("E9", "TE01", "base_ytd", 240, COUNTY)
    assert {entry for entry in book.found() if entry[0] == "V11"} == set()


# --- what staff accepted ------------------------------------------------------------------------------------------------


def accepted(book: Book, rule: str, measure: str, period: str, value: float, code: str = "TE01") -> None:
    moment = date.fromisoformat(period + "-01")
    book.history.accept([Acceptance(rule, code, TOWN, moment, measure, value, "Section", "a new plant")])


@pytest.mark.parametrize(("value", "told"), [(3300, "info"), (3300 * 1.6, "warning")])
def test_an_accepted_jump_is_not_asked_for_again_while_the_year_goes_on_from_it(book, value, told):
    """V12: 1,000 in January against 400 was accepted; 1,100 a month later in the year is the same story."""
    book.past("TE01", "ytd", {"2025-03": 1200})
    accepted(book, "V12", "ytd", "2026-01", 1000)
    book.put("D9", "TE01", "ytd", value)
    issues = [issue for issue in book.judge() if issue.rule == "V12"]
    assert [issue.severity for issue in issues] == [told]
    assert ("a new plant" in issues[0].message_zh and "a new plant" in issues[0].message_en) is (told == "info")


@pytest.mark.parametrize(("value", "told"), [(1100, {"info"}), (60000, {"warning"})])
def test_an_accepted_size_is_the_new_yardstick_for_a_year(book, value, told):
    """V13: thirty times the median was accepted in November; the median still remembers the time before."""
    months = {f"2025-{number:02d}": 36 for number in range(3, 11)} | {"2025-11": 1080, "2025-12": 1080}
    book.past("EN00", "stock", months)
    accepted(book, "V13", "stock", "2025-11", 1080, "EN00")
    book.put("D9", "EN00", "stock", value)
    assert {issue.severity for issue in book.judge() if issue.rule == "V13"} == told


@pytest.mark.parametrize(("printed", "told"), [(450, "info"), (440, "info"), (460, "warning")])
def test_an_accepted_base_may_be_restated_by_the_same_amount_or_share(book, printed, told):
    """V11: 110 for 100 was accepted in January, so in March 440 is 410 or 440, and anything between them."""
    book.past("TE01", "ytd", {"2025-01": 100, "2025-03": 400})
    accepted(book, "V11", "base_ytd", "2026-01", 112)
    book.put("D9", "TE01", "ytd", 460)
    book.put("E9", "TE01", "base_ytd", printed)
    assert [issue.severity for issue in book.judge() if issue.rule == "V11"] == [told]


def test_an_accepted_error_sent_again_is_not_held_back_again_but_another_month_is_asked_anew(book):
    accepted(book, "V01", "ytd", "2026-03", -50)
    book.put("D9", "TE01", "ytd", -50)
    assert [(issue.rule, issue.severity) for issue in book.judge() if issue.rule == "V01"] == [("V01", "info")]
    assert book.quarantined() == set()
    later = Book(book.auditor)
    accepted(later, "V01", "ytd", "2026-02", -50)
    later.put("D9", "TE01", "ytd", -50)
    later.judge()
    assert later.quarantined() == {"D9"}
