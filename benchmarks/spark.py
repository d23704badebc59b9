"""The same marts by DuckDB and by Spark, every cell compared: do the two engines agree, and what does each cost?

Belongs here: building both candidates from one work database, the comparison, its table; a standalone cluster on this
machine where `--workers` asks for one. Does not belong here: how Spark is used (dagster_project/warehouse/spark.py).

    python -m benchmarks.spark --home HOME [--workers 2] [--unit-tests] [--json FILE]

HOME is a home that was refreshed; it is only read. Decimals, whole numbers, texts, dates and truth values must be equal,
DOUBLEs within 1e-9 of the larger. Exit code 1 where a cell, a row or a type differs, or a test fails.
Needs the extra `spark` and Java (docs/spark.md).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.report import emit
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import build, spark

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Comparison:
    """One mart in both files. `different` counts cells by column, `examples` holds one of each; rows without a partner
    on the other side are counted by side."""

    mart: str
    rows: int
    cells: int
    only_first: int
    only_second: int
    different: dict[str, int]
    types: dict[str, tuple[str, str]]
    examples: dict[str, tuple[Any, Any]]

    @property
    def is_equal(self) -> bool:
        return not (self.only_first or self.only_second or self.different or self.types)


def compare(first: Path, second: Path, keys: dict[str, list[str]]) -> list[Comparison]:
    """Every table of schema marts of two DuckDB files; `keys` by table, without one whole rows are matched."""
    connection = duckdb.connect()
    connection.execute(f"ATTACH '{first}' AS a (READ_ONLY); ATTACH '{second}' AS b (READ_ONLY)")
    try:
        tables = connection.execute(
            "SELECT DISTINCT table_name FROM duckdb_tables() WHERE database_name IN ('a', 'b') AND schema_name = 'marts' "
            "ORDER BY 1"
        ).fetchall()
        return [_compare(connection, table, keys.get(table)) for (table,) in tables]
    finally:
        connection.close()


def _columns(connection: duckdb.DuckDBPyConnection, database: str, table: str) -> dict[str, str]:
    return dict(
        connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = ? AND schema_name = 'marts' "
            "AND table_name = ? ORDER BY column_index",
            [database, table],
        ).fetchall()
    )


def _compare(connection: duckdb.DuckDBPyConnection, table: str, key: list[str] | None) -> Comparison:
    types, others = _columns(connection, "a", table), _columns(connection, "b", table)
    odd = {
        name: (types.get(name, "absent"), others.get(name, "absent"))
        for name in {**types, **others}
        if types.get(name) != others.get(name)
    }
    names = [name for name in types if name in others]
    rows = _count(connection, f"SELECT count(*) FROM a.marts.{table}") if types else 0
    different: dict[str, int] = {}
    examples: dict[str, tuple[Any, Any]] = {}
    if not types or not others:
        return Comparison(table, rows, 0, rows, 0, different, odd, examples)
    if key is None:
        listed = ", ".join(f'"{name}"' for name in names)
        sides = [f"SELECT {listed} FROM {database}.marts.{table}" for database in ("a", "b")]
        missing = [_count(connection, f"SELECT count(*) FROM ({x} EXCEPT ALL {y})") for x, y in (sides, sides[::-1])]
        return Comparison(table, rows, rows * len(names), missing[0], missing[1], different, odd, examples)
    match = " AND ".join(f'a."{name}" IS NOT DISTINCT FROM b."{name}"' for name in key)
    pairs = f"FROM a.marts.{table} AS a {{}} b.marts.{table} AS b ON {match}"
    missing = [_count(connection, f"SELECT count(*) {pairs.format(kind)}") for kind in ("ANTI JOIN",)]
    back = _count(connection, f"SELECT count(*) FROM b.marts.{table} AS b ANTI JOIN a.marts.{table} AS a ON {match}")
    for name in names:
        unlike = _unlike(name, types[name])
        found = _count(connection, f"SELECT count(*) {pairs.format('JOIN')} WHERE {unlike}")
        if found:
            different[name] = found
            pair = connection.execute(
                f'SELECT a."{name}", b."{name}" {pairs.format("JOIN")} WHERE {unlike} LIMIT 1'
            ).fetchone()
            assert pair is not None
            examples[name] = (pair[0], pair[1])
    return Comparison(table, rows, rows * len(names), missing[0], back, different, odd, examples)


def _unlike(name: str, kind: str) -> str:
    a, b = f'a."{name}"', f'b."{name}"'
    if kind != "DOUBLE":
        return f"{a} IS DISTINCT FROM {b}"
    near = f"abs({a} - {b}) <= {TOLERANCE} * greatest(abs({a}), abs({b}))"
    return f"({a} IS DISTINCT FROM {b} AND coalesce(NOT ({near}), true))"


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0


def mart_keys(settings: Settings) -> dict[str, list[str]]:
    """By mart what identifies a row, as its own test `holds` says it."""
    manifest = json.loads((settings.dbt_target_path / "manifest.json").read_text(encoding="utf-8"))
    found = {}
    for node in manifest["nodes"].values():
        test = node.get("test_metadata")
        if test and test["name"] == "holds" and test["kwargs"].get("key"):
            found[node["attached_node"].split(".")[-1]] = test["kwargs"]["key"]
    return found


def engine(home: Path, source: Path, **options: Any) -> tuple[Settings, build.BuildResult, float]:
    """A candidate of its own from the work database of `source`; with what came of it and the seconds."""
    settings = load_settings(home=home, **options)
    settings.work.mkdir(parents=True)
    shutil.copy(source / "work" / "warehouse.duckdb", settings.warehouse)
    started = time.perf_counter()
    result = build.build(settings)
    return settings, result, time.perf_counter() - started


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[str]:
    """A standalone cluster on this machine: one master, `workers` workers of one core and 1 GB; yields its URL."""
    import pyspark

    home = Path(pyspark.__file__).parent
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"  # the driver, this process, too
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_DAEMON_MEMORY": "256m"}
    url = f"spark://127.0.0.1:{port}"
    deploy = "org.apache.spark.deploy"
    master = [f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
    worker = [f"{deploy}.worker.Worker", "--cores", "1", "--memory", "1g", "--webui-port", "0", "--host", "127.0.0.1"]
    commands = [master, *([*worker, "--work-dir", str(folder / f"worker{number}"), url] for number in range(workers))]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for number, command in enumerate(commands):
            log = (folder / f"spark{number}.log").open("wb")
            running.append(
                subprocess.Popen([str(home / "bin" / "spark-class"), *command], env=environment, stdout=log, stderr=log)
            )
        yield url
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(timeout=60)


def unit_tests(settings: Settings) -> dict[str, str]:
    """Every unit test of the project on Spark over the tables of a build; by name what became of it."""
    with spark.session(settings):
        command = build.arguments(settings, "build", "--select", "+test_type:unit", "--exclude-resource-type", "test")
        outcome = build.invoke(settings, command)
    results = getattr(outcome.result, "results", None) or []
    units = [result for result in results if getattr(result.node.resource_type, "value", "") == "unit_test"]
    return {result.node.name: f"{getattr(result.status, 'value', result.status)} {result.message}" for result in units}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--workers", type=int, default=0, help="start a standalone cluster of so many workers here")
    parser.add_argument("--unit-tests", action="store_true", help="the unit tests on Spark too")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tew-spark-") as scratch:
        folder = Path(scratch)
        first, plain, plain_seconds = engine(folder / "duckdb", arguments.home, dbt_target="duckdb")
        wanted = {"dbt_target": "spark", "spark_master": arguments.master}
        if arguments.workers:
            with cluster(folder, arguments.workers) as url:
                made, result, seconds = engine(folder / "spark", arguments.home, **{**wanted, "spark_master": url})
        else:
            made, result, seconds = engine(folder / "spark", arguments.home, **wanted)
        found = compare(first.candidate, made.candidate, mart_keys(first))
        units = unit_tests(load_settings(home=made.home, **wanted)) if arguments.unit_tests else {}
    rows = [
        {
            "mart": one.mart,
            "rows": one.rows,
            "cells": one.cells,
            "only duckdb": one.only_first,
            "only spark": one.only_second,
            "different cells": sum(one.different.values()),
            "other types": len(one.types),
        }
        for one in found
    ]
    where = f"{arguments.workers} workers" if arguments.workers else arguments.master
    emit(f"DuckDB and Spark ({where}), every cell", rows, arguments.json)
    for one in found:
        for name, count in one.different.items():
            print(f"  {one.mart}.{name}: {count} differ, as {one.examples[name][0]!r} and {one.examples[name][1]!r}")
        for name, pair in one.types.items():
            print(f"  {one.mart}.{name}: {pair[0]} and {pair[1]}")
    equal = sum(one.is_equal for one in found)
    print(f"{equal} of {len(found)} marts equal; build with tests: DuckDB {plain_seconds:.0f} s, Spark {seconds:.0f} s")
    for node in [*plain.failures, *result.failures]:
        print(f"  {node.resource_type} {node.name}: {node.status} {node.message}")
    for error in filter(None, (plain.error, result.error)):
        print(f"  {error}")
    passed = sum(text.startswith("pass") for text in units.values())
    if units:
        print(f"unit tests on Spark: {passed} of {len(units)} pass")
        for name, text in units.items():
            if not text.startswith("pass"):
                print(f"  {name}: {text}")
    return 0 if equal == len(found) and plain.ok and result.ok and passed == len(units) else 1


if __name__ == "__main__":
    sys.exit(main())
