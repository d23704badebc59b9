"""Spark as the engine of the marts: the rows it is given, the figures it makes, what is said where it is absent.

Belongs here: what holds of warehouse/spark.py and of the comparison that judges it. What is skipped needs the extra
`spark` and Java (docs/spark.md).
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from benchmarks import spark as benchmark
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import build, publish, spark
from dagster_project.warehouse.errors import BuildFailed
from dagster_project.warehouse.read import PublishedReader
from tests.raw_rows import Raw, make_work

WEISHAN, XINQIAO = "529901102", "529901103"
HAS_SPARK = importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None


def rows() -> Raw:
    """Two townships in three years, a correction, an incident's month without a report."""
    raw = Raw()
    for year, growth in ((2024, Decimal("0.9")), (2025, 1), (2026, Decimal("1.2"))):
        for month in (2, 3):
            raw.submission("TE-M1", f"{year}-{month:02d}")
            for unit, value in ((WEISHAN, 10), (XINQIAO, 20)):
                raw.add("TE01", unit, f"{year}-{month:02d}", ytd=value * month * growth)
    raw.submission("TE-M1", "2026-03")
    raw.add("TE01", WEISHAN, "2026-03", ytd=Decimal("37.123456"))
    return raw


def home(folder: Path, **options: str) -> Settings:
    settings = load_settings(home=folder, **options)
    settings.work.mkdir(parents=True)
    make_work(settings, rows())
    return settings


def test_observations_go_to_spark_by_year_and_sorted(tmp_path: Path) -> None:
    settings = home(tmp_path, dbt_target="spark")
    spark.export(settings)
    folder = tmp_path / "work" / "spark" / "input" / "raw" / "observation"
    assert sorted(path.name for path in folder.iterdir()) == [f"period_year={year}" for year in (2024, 2025, 2026)]
    with duckdb.connect() as connection:
        files = f"{folder}/*/*.parquet"
        sent = connection.execute(f"SELECT * EXCLUDE period_year FROM read_parquet('{files}') ORDER BY ALL").fetchall()
        connection.execute(f"ATTACH '{settings.warehouse}' AS work (READ_ONLY)")
        assert sent == connection.execute("SELECT * FROM work.raw.observation ORDER BY ALL").fetchall()
    spark.export(settings)  # again, over what is there


def test_without_the_extra_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = home(tmp_path, dbt_target="spark")
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(BuildFailed, match=r"docs/spark\.md"):
        build.build(settings)


def test_the_comparison_tells_cells_rows_and_types_apart(tmp_path: Path) -> None:
    for name, tail in (
        ("a", "2::DOUBLE AS d, 7::BIGINT AS n"),
        ("b", "2 + 1e-12 AS d, 7 AS n"),
        ("c", "2 + 1e-6 AS d, 7::BIGINT AS n"),
    ):
        with duckdb.connect(str(tmp_path / name)) as connection:
            connection.execute("CREATE SCHEMA marts")
            connection.execute(f"CREATE TABLE marts.one AS SELECT 'k' AS k, 1.5::DECIMAL(24, 6) AS m, {tail}")
    with duckdb.connect(str(tmp_path / "c")) as connection:
        connection.execute("UPDATE marts.one SET m = 1.500001; INSERT INTO marts.one SELECT 'new', 1, 1, 1")
    keys = {"one": ["k"]}
    (same,) = benchmark.compare(tmp_path / "a", tmp_path / "a", keys)
    assert same.is_equal and same.cells == 4
    (types,) = benchmark.compare(tmp_path / "a", tmp_path / "b", keys)
    assert types.types == {"n": ("BIGINT", "INTEGER")} and types.different == {}
    (cells,) = benchmark.compare(tmp_path / "a", tmp_path / "c", keys)
    assert cells.different == {"m": 1, "d": 1}
    assert (cells.only_first, cells.only_second) == (0, 1)
    (whole,) = benchmark.compare(tmp_path / "a", tmp_path / "c", {})
    assert (whole.only_first, whole.only_second) == (1, 2)


@pytest.mark.slow
@pytest.mark.skipif(not HAS_SPARK, reason="needs the extra `spark` and Java: docs/spark.md")
def test_spark_makes_the_same_marts_and_they_are_published(tmp_path: Path) -> None:
    plain = home(tmp_path / "duckdb", dbt_target="duckdb")
    made = home(tmp_path / "spark", dbt_target="spark", spark_storage=(tmp_path / "shared").as_uri())
    assert build.build(plain).ok
    result = build.build(made)
    assert result.ok, [(node.name, node.message) for node in result.failures] or result.error
    found = benchmark.compare(plain.candidate, made.candidate, benchmark.mart_keys(plain))
    assert len(found) > 25
    assert [one for one in found if not one.is_equal] == []
    version = publish.publish(made, result)
    reader = PublishedReader(made)
    assert reader.query("SELECT count(*) FROM marts.fct_indicator_progress")[1][0][0] > 0
    macros = reader.query("SELECT function_name FROM duckdb_functions() WHERE schema_name = 'marts'")[1]
    assert ("appraisal_score",) in macros
    assert (made.published / version / "warehouse.duckdb").is_file()
