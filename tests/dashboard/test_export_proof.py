"""The proof package opens without us: each file by the tool it is meant for, each sum right."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

import duckdb
import openpyxl
import pytest
from docx import Document

from dagster_project.commands import bulletin as bulletin_command
from dagster_project.commands import proof as command
from dagster_project.commands.texts import CommandError
from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader

BASE = "http://dashboard.example"


def test_each_part_of_the_package_opens(
    county_home: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = "select max(period) from marts.fct_indicator_progress where indicator_code = 'TE01' and level = 'county'"
    period = PublishedReader(county_home).query(sql)[1][0][0]
    target = tmp_path / "p.zip"
    command.run(county_home, period, target, BASE, as_json=True)
    report = json.loads(capsys.readouterr().out)
    package = zipfile.ZipFile(target)
    assert package.testzip() is None
    assert set(package.namelist()) == set(report["files"])
    listed = dict(reversed(line.split("  ", 1)) for line in package.read("SHA256SUMS").decode().splitlines())
    assert set(package.namelist()) - set(listed) == {"SHA256SUMS"}
    for name, digest in listed.items():
        assert hashlib.sha256(package.read(name)).hexdigest() == digest

    (tmp_path / "w.duckdb").write_bytes(package.read("warehouse.duckdb"))
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as connection:
        row = connection.execute(
            "select value_ytd from marts.fct_indicator_progress where indicator_code = 'TE03' and level = 'county'"
            " and basis = 'comparable' and period = ?",
            [period],
        ).fetchone()
    assert row and row[0] > 0
    sheets = [name for name in package.namelist() if name.startswith("tables/") and name.endswith(".xlsx")]
    assert len(sheets) >= 6
    for name in sheets:
        assert openpyxl.load_workbook(io.BytesIO(package.read(name))).active.max_row > 3
    assert Document(io.BytesIO(package.read("bulletin.docx"))).tables
    assert b"TE01" in package.read("reference/indicators.csv")

    page = package.read("index.html").decode()
    links = set(re.findall(r'href="([^"]+)"', page))
    assert links <= set(package.namelist()) and not re.search(r"<script|https?://", page)
    sources = [name for name in package.namelist() if name.startswith("sources/")]
    received = PublishedReader(county_home).query(
        "select sha256 from marts.fct_submission where period = $period", {"period": period}
    )[1]
    assert len(sources) == len(received) > 3
    assert {hashlib.sha256(package.read(name)).hexdigest() for name in sources} == {row[0] for row in received}

    again = tmp_path / "again.zip"
    command.run(county_home, period, again, BASE, as_json=True)
    assert again.read_bytes() == target.read_bytes()


@pytest.mark.parametrize("run", [command.run, bulletin_command.run])
def test_a_month_without_figures_leaves_no_file(county_home: Settings, tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    from datetime import date

    with pytest.raises(CommandError) as raised:
        run(county_home, date(1999, 1, 1), tmp_path / "x", BASE, as_json=False)
    assert raised.value.key == "cli.no_figures"
    assert list(tmp_path.iterdir()) == []
