"""Downloads: what the workbook and the CSV file hold is what marts holds, ready to print, and never runs as a formula."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import unquote

import openpyxl
import pytest

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.access.accounts import Account, Accounts
from dashboard.app import create_app
from dashboard.export import delimited, xlsx
from dashboard.export.routes import TABLES
from dashboard.export.tables import Column, Table
from dashboard.i18n import Translator

MADE = datetime(2026, 1, 2, 3, 4, 5)


def opened(table: Table) -> openpyxl.worksheet.worksheet.Worksheet:
    out = io.BytesIO()
    xlsx.write(table, out, footer="第 &P 页 共 &N 页", stamp="v1", made_at=MADE)
    return openpyxl.load_workbook(io.BytesIO(out.getvalue())).active


def sample(*rows: tuple[object, ...]) -> Table:
    columns = (Column(("name", "name")), Column(("money", "now"), 2), Column(("money", "then"), 2))
    return Table("t", "A/B: title", "万元", columns, rows)  # type: ignore[arg-type]


def test_a_cell_is_never_a_formula() -> None:
    table = sample(("=1+1", Decimal("1.5"), "@x"), ("+86", 0, None))
    sheet = opened(table)
    assert [sheet.cell(5, column).value for column in (1, 2, 3)] == ["=1+1", 1.5, "@x"]
    assert sheet.cell(5, 1).data_type == "s"
    assert sheet.cell(6, 2).value == 0 and sheet.cell(6, 3).value is None
    rows = list(csv.reader(io.StringIO(delimited.write(table).decode("utf-8-sig"))))
    assert rows == [["name", "money now", "money then"], ["'=1+1", "1.5", "'@x"], ["'+86", "0", ""]]


def test_the_sheet_is_ready_to_print() -> None:
    sheet = opened(sample(("a", Decimal(-1), 2)))
    assert {str(found) for found in sheet.merged_cells.ranges} == {"A1:C1", "A2:C2", "A3:A4", "B3:C3"}
    assert sheet.freeze_panes == "B5"
    assert sheet.print_title_rows == "$3:$4"
    assert sheet.print_area == "'A B  title'!$A$1:$C$6"
    # One page wide is the default of the format, and left out of the file.
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet["B5"].number_format == "#,##0.00"
    assert re.fullmatch(r"第 &\[?P.* 页 共 &\[?N.* 页", sheet.oddFooter.center.text)


def test_a_large_table_is_written_row_by_row_with_the_same_content() -> None:
    rows = [(f"n{index}", Decimal(index), index) for index in range(50)]
    small = sample(*rows)
    large = Table("t", small.title, small.unit_line, small.columns, iter(rows))  # type: ignore[arg-type]
    read = [[[cell.value for cell in row] for row in opened(table).iter_rows(min_row=5)] for table in (small, large)]
    assert read[0] == read[1]


@pytest.fixture(scope="module")
def server(county_home: Settings):  # type: ignore[no-untyped-def]
    return create_app(county_home).server.test_client()


@pytest.mark.parametrize("name", sorted(TABLES))
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_table_opens_in_both_languages(server, name: str, lang: str) -> None:  # type: ignore[no-untyped-def]
    answer = server.get(f"/export/{name}.xlsx?lang={lang}")
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    cells = [cell.value for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert len(cells) > 10
    assert not {"nan", "None", "NaN"} & {str(value) for value in cells}
    plain = server.get(f"/export/{name}.csv?lang={lang}")
    assert plain.data.startswith(b"\xef\xbb\xbf")


def test_the_progress_table_is_that_of_marts(server, county_home: Settings) -> None:  # type: ignore[no-untyped-def]
    reader = PublishedReader(county_home)
    (period,) = reader.query("select max(period) from marts.fct_indicator_progress where level = 'county'")[1][0]
    period = min(period, date(2026, 10, 1))
    for basis in ("comparable", "reported"):
        answer = server.get(f"/export/progress.csv?period={period:%Y-%m}&basis={basis}&indicator=TE03&unit=wan")
        got = {row[0]: row for row in list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))[1:]}
        _, wanted = reader.query(
            """select t.name_zh, p.value_ytd, p.gap_pp, p.rank
            from marts.fct_indicator_progress as p
            inner join marts.dim_township as t on p.unit_id = t.township_code
            where p.level = 'township' and p.indicator_code = 'TE03' and p.basis = $basis and p.period = $period""",
            {"basis": basis, "period": period},
        )
        assert len(wanted) == len(got) > 10
        for name, value, gap, rank in wanted:
            assert Decimal(got[name][1]) == value
            assert got[name][7] == ("" if rank is None else str(rank))
            assert got[name][5] == "" if gap is None else float(got[name][5]) == gap
        assert f"{period:%Y-%m}" in answer.headers["Content-Disposition"]


def test_unknown_tables_and_months_are_told(server) -> None:  # type: ignore[no-untyped-def]
    assert server.get("/export/nothing.xlsx").status_code == 404
    assert server.get("/export/progress.exe").status_code == 404
    answer = server.get("/export/progress.csv?period=1999-01")
    assert answer.status_code == 404 and "1999-01" in answer.text


def test_a_page_offers_its_tables_in_its_own_state(server) -> None:  # type: ignore[no-untyped-def]
    from dashboard.app import draw
    from dashboard.data.store import Store

    settings = server.application.extensions["tew_gate"].settings
    with server.application.test_request_context():
        frame, _ = draw(Store(PublishedReader(settings)), "/township", "?basis=reported&lang=en")
    assert "/export/ranking.xlsx?period=" in frame.html
    assert "basis=reported&amp;lang=en" in frame.html


@pytest.mark.parametrize(("account", "status"), [(("zhang", "leader", None), 503), (("li", "township_head", "1"), 403)])
def test_the_bulletin_is_for_those_who_see_every_township(
    home: Settings, account: tuple[str, str, str | None], status: int
) -> None:
    """The home is empty: whoever may have the bulletin is told so."""
    name, role, unit = account
    Accounts(home).add(Account(name, role, unit=unit), "A-long-enough-password")
    browser = create_app(home).server.test_client()
    fields = {"name": name, "password": "A-long-enough-password"}
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/login").text)
    assert found
    browser.post("/login", data={**fields, "csrf_token": found[1]}, headers={"Origin": "http://localhost"})
    assert browser.get("/export/bulletin.docx").status_code == status


def test_a_file_says_what_its_figures_are(server, county_home: Settings) -> None:  # type: ignore[no-untyped-def]
    """Unit, basis and version: in the workbook around the table, in the CSV file in each row, so that programs read on."""
    t, version = Translator("zh"), PublishedReader(county_home).version()
    for name, basis in (("progress", "reported"), ("enterprises", "reported"), ("unreported", "")):
        asked = f"period=2026-10&indicator=TE03&unit=wan&basis={basis or 'reported'}"
        sheet = openpyxl.load_workbook(io.BytesIO(server.get(f"/export/{name}.xlsx?{asked}").data)).active
        answer = server.get(f"/export/{name}.csv?{asked}")
        rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
        (said,) = {row[t("export.said")] for row in rows}
        assert said.startswith(str(sheet["A2"].value)) and said.endswith(t("export.stamp", version=version))
        words = t("basis.reported.long")
        assert (words in said) == (words in unquote(answer.headers["Content-Disposition"])) == bool(basis)
    # The figures of enterprises know one basis only, whatever the address says.
    told = server.get("/export/enterprises.xlsx?period=2026-10&basis=comparable").headers["Content-Disposition"]
    assert t("basis.comparable.long") not in unquote(told)
