"""The specimens, one workbook per layout, through the real pipeline: every expected figure in the versions."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.conftest import make_home

KEY = ("file", "indicator_code", "level", "unit", "period", "measure")


@pytest.fixture(scope="module")
def marts(shared_workbooks: Path, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    from dagster_project.warehouse import refresh

    settings = make_home(tmp_path_factory.mktemp("specimens"))
    settings.inbox.mkdir(parents=True)
    for path in sorted((shared_workbooks / "specimens").glob("0*")):
        shutil.copy(path, settings.inbox / path.name)
    report = refresh.run_refresh(settings)
    assert report.published, report
    version = settings.current.read_text(encoding="utf-8").strip()
    return duckdb.connect(str(settings.published / version / "warehouse.duckdb"), read_only=True)


def expected_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("number", ["01", "02", "03", "04", "05", "06", "07", "08"])
def test_every_expected_figure_is_read(marts: duckdb.DuckDBPyConnection, shared_workbooks: Path, number: str) -> None:
    rows = marts.execute(
        "select file_name, indicator_code, level, unit_id, period::varchar, measure, value, null_reason "
        "from marts.fct_observation_version"
    ).fetchall()
    read = {tuple(row[:6]): row[6:] for row in rows}
    wrong = []
    expected = [row for row in expected_rows(shared_workbooks / "specimens") if row["file"].startswith(number)]
    assert expected
    for row in expected:
        value, reason = read.get(tuple(row[name] for name in KEY), ("missing", "missing"))
        good = (
            (reason == row["null_reason"])
            if row["null_reason"]
            else (str(value) != "missing" and float(value) == float(row["value"]))
        )
        if not good:
            wrong.append((row, value, reason))
    assert wrong == []


def test_the_roster_is_read(marts: duckdb.DuckDBPyConnection) -> None:
    rows = dict(marts.execute("select name_zh, township_code from marts.dim_enterprise").fetchall())
    assert len(rows) == 10
    assert rows["示范铝业有限公司"] == "529901101"


def test_specimens_raise_no_error(marts: duckdb.DuckDBPyConnection) -> None:
    errors = marts.execute(
        "select sheet, cell, rule, message_zh from marts.fct_issue where severity = 'error'"
    ).fetchall()
    assert errors == []
