"""Forms that we write are forms that we read: each is filled in, read and resolved, cell by cell."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from dagster_project.commands.template import find_unit, rows_of
from dagster_project.ingest.model import Intake, KnownEnterprise
from dagster_project.ingest.parse import parse
from dagster_project.ingest.resolve import resolve
from dagster_project.ingest.template import NoTemplate, build
from dagster_project.reference import load_reference
from dagster_project.settings import PROJECT_ROOT
from dagster_project.warehouse.known import Known, Reading

PERIOD = date(2026, 3, 1)
TOWN = "529901100"
FIGURES = "#,##0.######"
YELLOW = "FFFFFFE5"
FIRMS = (
    KnownEnterprise("91529901780001003A", "云岭机械有限公司", TOWN, "91529901780001003A", industry_code="35", is_above_scale=True, is_key_energy_user=True),
    KnownEnterprise("91529901780002858K", "长青煤矿", TOWN, "91529901780002858K", industry_code="06", is_coal_mine=True, capacity=Decimal(90000)),
)  # fmt: skip


@pytest.fixture(scope="module")
def reading() -> Reading:
    return Reading(load_reference(PROJECT_ROOT / "seeds" / "reference"))


@pytest.fixture
def known(reading: Reading) -> Known:
    return Known.build(reading.reference, reading.vocabulary, (), FIRMS, _past(), ())


def _past() -> list[tuple[object, ...]]:
    """Last year's March and this February of two indicators."""
    return [
        ("TE01", TOWN, date(2025, 3, 1), "ytd", Decimal(5000), None, "TE-M1"),
        ("TE01", TOWN, date(2026, 2, 1), "ytd", Decimal(3600), None, "TE-M1"),
        ("TE04", TOWN, date(2026, 2, 1), "stock", Decimal(2100), None, "TE-M1"),
    ]


def write(reading: Reading, known: Known, form: str, unit: str, prefilled: bool) -> bytes:
    whom = find_unit(unit, PERIOD, known, reading.reference)
    assert whom is not None
    chosen = reading.vocabulary.forms[form]
    rows = rows_of(chosen, whom, PERIOD, known, reading.reference)
    figures = known.history.value if prefilled else None
    asked = None if figures is None else (lambda code, unit_id, at, measure: figures(code, unit_id, at, measure))
    return build(chosen, whom, PERIOD, rows, reading.reference, reading.vocabulary, asked)


def fill(content: bytes) -> tuple[bytes, dict[str, float]]:
    """Every yellow figure cell gets a number of its own, formulas what the office program would show; (file, cells)."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book.worksheets[0]
    filled: dict[str, float] = {}
    for row in sheet.iter_rows(min_row=5):
        for cell in row:
            if cell.data_type == "f":
                cell.value = None
            elif cell.number_format == FIGURES and cell.value is None and cell.fill.start_color.rgb == YELLOW:
                cell.value = filled[cell.coordinate] = cell.row * 100 + cell.column
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue(), filled


def read(reading: Reading, known: Known, content: bytes) -> Intake:
    return resolve(parse(content, "form.xlsx", reading.vocabulary), known.directory, reading.vocabulary)


@pytest.mark.parametrize("prefilled", [False, True])
@pytest.mark.parametrize(
    ("form", "unit"),
    [
        ("TE-M1", "示范县"),
        ("TE-M1", "枫林湖镇"),
        ("TE-M2", "示范县"),
        ("TE-M2", TOWN),
        ("TE-M3", "示范县"),
        ("TE-M3", TOWN),
        ("TE-M4", "云岭机械有限公司"),
        ("CO-M1", "示范县"),
        ("EN-M1", TOWN),
    ],
)
def test_what_is_filled_in_is_read(reading: Reading, known: Known, form: str, unit: str, prefilled: bool) -> None:
    content, filled = fill(write(reading, known, form, unit, prefilled))
    intake = read(reading, known, content)
    assert intake.form_code == form and intake.period == PERIOD
    assert len(filled) >= 5
    values = {one.cell: one.value for one in intake.parsed.observations if one.value is not None}
    assert {cell: values.get(cell) for cell in filled} == {cell: Decimal(value) for cell, value in filled.items()}
    assert all(one.unit_id for one in intake.parsed.observations)
    told = [(issue.rule, issue.cell) for issue in intake.issues if issue.severity != "info"]
    assert told == []


def test_the_register_comes_back_as_it_is_known(reading: Reading, known: Known) -> None:
    intake = read(reading, known, write(reading, known, "RO-Y1", "示范县", prefilled=False))
    assert {(row.enterprise_id, row.township_code) for row in intake.parsed.roster} == {
        (firm.enterprise_id, TOWN) for firm in FIRMS
    }
    mine = next(row for row in intake.parsed.roster if row.is_coal_mine)
    assert mine.capacity == Decimal(90000) and mine.is_above_scale is False
    assert [issue.rule for issue in intake.issues if issue.severity != "info"] == []


def test_an_incident_form_is_read_once_a_line_is_filled(reading: Reading, known: Known) -> None:
    book = openpyxl.load_workbook(io.BytesIO(write(reading, known, "SA-E1", "示范县", prefilled=False)))
    sheet = book.worksheets[0]
    heads = {str(sheet.cell(3, column).value): column for column in range(1, sheet.max_column + 1)}
    said = {
        "日期": date(2026, 3, 4),
        "企业名称": "长青煤矿",
        "乡镇": "枫林湖镇",
        "类别": "顶板",
        "死亡": 1,
        "重伤": 0,
        "等级": "一般",
    }
    for head, value in said.items():
        sheet.cell(5, heads[head], value)
    buffer = io.BytesIO()
    book.save(buffer)
    intake = read(reading, known, buffer.getvalue())
    (incident,) = intake.parsed.incidents
    assert (incident.occurred_on, incident.deaths, incident.township_code) == (date(2026, 3, 4), 1, TOWN)


def test_prefilled_holds_last_year_and_last_month(reading: Reading, known: Known) -> None:
    book = openpyxl.load_workbook(io.BytesIO(write(reading, known, "TE-M1", TOWN, prefilled=True)))
    sheet = book.worksheets[0]
    heads = [sheet.cell(4, column).value for column in range(1, sheet.max_column + 1)]
    first = heads.index("上月止累计（参考）")
    assert sheet.cell(5, first + 1).value == 3600
    assert sheet.cell(5, heads.index("同期") + 1).value == 5000
    blank = openpyxl.load_workbook(io.BytesIO(write(reading, known, "TE-M1", TOWN, prefilled=False))).worksheets[0]
    assert "上月止累计（参考）" not in [blank.cell(4, column).value for column in range(1, blank.max_column + 1)]


def test_relations_are_live_and_lists_drop_down(reading: Reading, known: Known) -> None:
    book = openpyxl.load_workbook(io.BytesIO(write(reading, known, "TE-M1", TOWN, prefilled=True)))
    sheet = book.worksheets[0]
    formulas = {rule.formula[0] for area in sheet.conditional_formatting for rule in area.rules}
    # TE02 <= TE01, year to date: columns D and I; month <= year to date; last month + month = year to date
    assert "AND(ISNUMBER($I5),ISNUMBER($D5),($I5)>($D5)+1)" in formulas
    assert "AND(ISNUMBER($C5),ISNUMBER($D5),$C5>$D5)" in formulas
    assert any("ABS($E5+$C5-$D5)" in formula for formula in formulas)
    assert any(rule.type == "list" for rule in sheet.data_validations.dataValidation)
    notes = [cell.value for (cell,) in book.worksheets[1].iter_rows(max_col=1)]
    assert "工业增加值≤增加值" in notes


def test_a_form_without_template_says_which_have_one(reading: Reading, known: Known) -> None:
    with pytest.raises(NoTemplate) as raised:
        write(reading, known, "ZB-M1", "示范县", prefilled=False)
    assert raised.value.key == "template.none" and "TE-M1" in str(raised.value.fields["known"])
    with pytest.raises(NoTemplate) as nobody:
        write(reading, known, "CO-M1", "云溪街道", prefilled=False)
    assert nobody.value.key == "template.no_rows"


def test_every_template_row_of_the_deployment_names_what_exists(reading: Reading) -> None:
    forms = [form for form in reading.vocabulary.forms.values() if "template_columns" in form.settings]
    assert len(forms) >= 9
    for form in forms:
        for code in form.settings.get("template_items", "").split("|"):
            assert not code or code.lstrip(">") in reading.vocabulary.indicators
