"""Spark in place of DuckDB: the same dbt project over Parquet, its marts brought back into the candidate file.

Belongs here: the session (local or on a cluster), raw and reference rows as Parquet for it, the marts read back.
Does not belong here: SQL of the figures (dbt/), running dbt (build.py), publishing (publish.py).

Used where TEW_DBT_TARGET is `spark`; needs the extra `spark` and a Java runtime (docs/spark.md). All that is not set
here comes from Spark's own files: SPARK_CONF_DIR/spark-defaults.conf, HADOOP_CONF_DIR.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from dagster_project.settings import Settings
from dagster_project.warehouse import store
from dagster_project.warehouse.errors import BuildFailed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TARGET = "spark"
SCHEMAS = ("raw", "reference")
MARTS = "marts"
# What makes Spark read the project's SQL as DuckDB does; no deployment may want these otherwise.
MEANING = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.sources.default": "parquet",
    # Every build makes its tables anew, so their catalogue lives and ends with the session: no metastore to keep.
    "spark.sql.catalogImplementation": "in-memory",
}
# For a session on this machine, which is for small counties and for tests: planning and compiling cost far more there than
# the rows do, so nothing is compiled twice or planned anew. On a cluster these are Spark's own files' to say.
LOCAL = {
    "spark.driver.memory": "2g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.host": "localhost",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
QUIET = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    # Nobody looks at the plans, and writing them out takes a large part of planning.
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.maxPlanStringLength": "1000",
}
# DuckDB's names of types where Spark's differ.
TYPES = {"VARCHAR": "STRING", "TIMESTAMP": "TIMESTAMP_NTZ"}
# The observations are the one table that grows with the years: one folder a year, sorted inside.
YEAR_PARTS = {"observation": "period"}
YEAR_COLUMN = "period_year"
ORDER = {"observation": "period, form_code, indicator_code, unit_id, seq"}


def is_chosen(settings: Settings) -> bool:
    """Whether the marts are to be made by Spark."""
    return settings.dbt_target == TARGET


def local_folder(settings: Settings) -> Path:
    """Where this process writes `input` and finds `tables`; the shared storage itself, unless that is a URL."""
    return settings.work / "spark" if is_remote(settings) else Path(settings.spark_storage or settings.work / "spark")


def is_remote(settings: Settings) -> bool:
    """Whether the storage is named by a URL that Hadoop's file systems read (hdfs://, s3a://, file://)."""
    return "://" in settings.spark_storage


def storage(settings: Settings) -> str:
    """The storage that driver and workers share, as a URL: `input` for them to read, `tables` for what they write."""
    return settings.spark_storage.rstrip("/") if is_remote(settings) else local_folder(settings).as_uri()


def options(settings: Settings) -> dict[str, str]:
    """What the session is started with."""
    is_local = settings.spark_master.startswith("local")
    return {
        **QUIET,
        **(LOCAL if is_local else {}),
        **MEANING,
        "spark.sql.warehouse.dir": f"{storage(settings)}/tables",
    }


@contextmanager
def session(settings: Settings) -> Iterator[SparkSession]:
    """The one session of this process, over freshly exported sources; dbt finds it by getOrCreate.

    Ended with its Java process, so that memory is given back. Raises BuildFailed where Spark cannot be started.
    """
    export(settings)
    spark = _start(settings)
    try:
        if is_remote(settings):
            _send(settings, spark)
        register(settings, spark)
        yield spark
    finally:
        _stop(spark)


def _start(settings: Settings) -> SparkSession:
    try:
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.appName("tew").master(settings.spark_master)
        for name, value in options(settings).items():
            builder = builder.config(name, value)
        return builder.getOrCreate()
    # Whatever keeps Spark from starting (no package, no Java, no master) is for the person who set it up.
    except Exception as error:
        raise BuildFailed("warehouse.spark_absent", master=settings.spark_master, error=error) from error


def _stop(spark: SparkSession) -> None:
    from pyspark import SparkContext

    # Where Java is gone already, dbt's results tell of it.
    with suppress(Exception):
        spark.stop()
    gateway = SparkContext._gateway
    if gateway is not None:
        with suppress(Exception):
            gateway.shutdown()
        process = getattr(gateway, "proc", None)
        if process is not None:
            process.stdin.close()
            process.wait(timeout=30)
        SparkContext._gateway = SparkContext._jvm = None


def export(settings: Settings) -> None:
    """Schemas raw and reference of the work database as Parquet below `input`, all anew."""
    root = local_folder(settings)
    for name in ("input", "tables"):
        shutil.rmtree(root / name, ignore_errors=True)
    connection = store.connect(settings.warehouse, read_only=True)
    try:
        for schema, table in _tables(connection):
            folder = root / "input" / schema / table
            folder.mkdir(parents=True)
            order = f" ORDER BY {ORDER[table]}" if table in ORDER else ""
            if table in YEAR_PARTS:
                query = f"SELECT *, year({YEAR_PARTS[table]}) AS {YEAR_COLUMN} FROM {schema}.{table}{order}"
                shape = f", PARTITION_BY ({YEAR_COLUMN}), OVERWRITE_OR_IGNORE"
                target = folder
            else:
                query, shape, target = f"SELECT * FROM {schema}.{table}{order}", "", folder / "rows.parquet"
            connection.execute(
                f"COPY ({query}) TO {store.literal(str(target))} (FORMAT parquet, COMPRESSION zstd{shape})"
            )
    finally:
        connection.close()


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE list_contains(?, schema_name) "
        "AND database_name = current_database() ORDER BY ALL",
        [list(SCHEMAS)],
    ).fetchall()


def register(settings: Settings, spark: SparkSession) -> None:
    """The sources of dbt as tables over the exported files, columns named: no file is opened to learn them."""
    connection = store.connect(settings.warehouse, read_only=True)
    try:
        for schema in SCHEMAS:
            spark.sql(f"CREATE DATABASE IF NOT EXISTS {schema}")
        for schema, table in _tables(connection):
            found = connection.execute(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? "
                "AND database_name = current_database() ORDER BY column_index",
                [schema, table],
            ).fetchall()
            columns = [f"`{name}` {TYPES.get(kind, kind)}" for name, kind in found]
            part = ""
            if table in YEAR_PARTS:
                columns.append(f"{YEAR_COLUMN} INT")
                part = f" PARTITIONED BY ({YEAR_COLUMN})"
            place = f"{storage(settings)}/input/{schema}/{table}"
            spark.sql(f"CREATE TABLE {schema}.{table} ({', '.join(columns)}) USING parquet{part} LOCATION '{place}'")
            if part:
                spark.sql(f"MSCK REPAIR TABLE {schema}.{table}")
    finally:
        connection.close()


def rows(spark: SparkSession, sql: str, limit: int) -> list[dict[str, Any]]:
    """The first rows of a query, values as texts."""
    found = spark.sql(f"SELECT * FROM ({sql}) LIMIT {limit}").collect()
    return [{name: None if value is None else str(value) for name, value in row.asDict().items()} for row in found]


def collect(settings: Settings, spark: SparkSession) -> None:
    """The marts that Spark wrote, as tables of the candidate, with the descriptions of their columns as comments."""
    if is_remote(settings):
        _fetch(settings, spark)
    manifest = json.loads((settings.dbt_target_path / "manifest.json").read_text(encoding="utf-8"))
    folder = local_folder(settings) / "tables" / f"{MARTS}.db"
    connection = store.connect(settings.candidate)
    try:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {MARTS}")
        for node in manifest["nodes"].values():
            is_mart = node["resource_type"] == "model" and node["schema"] == MARTS
            # a model that failed may leave an empty folder
            if is_mart and any((folder / node["alias"]).glob("*.parquet")):
                _take(connection, folder / node["alias"], node)
    finally:
        connection.close()


def _take(connection: duckdb.DuckDBPyConnection, folder: Path, node: dict[str, Any]) -> None:
    table = f'{MARTS}."{node["alias"]}"'
    connection.execute(
        f"CREATE TABLE {table} AS SELECT * FROM read_parquet({store.literal(str(folder / '*.parquet'))})"
    )
    connection.execute(f"COMMENT ON TABLE {table} IS {store.literal(node['description'])}")
    for column in node["columns"].values():
        connection.execute(f'COMMENT ON COLUMN {table}."{column["name"]}" IS {store.literal(column["description"])}')


def _send(settings: Settings, spark: SparkSession) -> None:
    """The exported files to the shared storage; what an earlier build left there goes."""
    system, path = _hadoop(settings, spark)
    for name in ("input", "tables"):
        system.delete(path(f"{storage(settings)}/{name}"), True)
    system.mkdirs(path(storage(settings)))
    source = path((local_folder(settings) / "input").as_uri())
    system.copyFromLocalFile(False, True, source, path(f"{storage(settings)}/input"))


def _fetch(settings: Settings, spark: SparkSession) -> None:
    """The marts from the shared storage."""
    system, path = _hadoop(settings, spark)
    target = local_folder(settings) / "tables"
    target.mkdir(parents=True)
    source = path(f"{storage(settings)}/tables/{MARTS}.db")
    system.copyToLocalFile(False, source, path((target / f"{MARTS}.db").as_uri()), True)


def _hadoop(settings: Settings, spark: SparkSession) -> tuple[Any, Any]:
    """The file system of the storage's URL, and what makes a path of it."""
    java = spark._jvm
    assert java is not None
    path = java.org.apache.hadoop.fs.Path
    return path(storage(settings)).getFileSystem(spark._jsc.hadoopConfiguration()), path
