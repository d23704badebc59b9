"""Schema `reference` of the work database: the deployment's CSV files as typed tables.

Belongs here: DDL from the declared schema, loading of rows, the fingerprint that tells whether it is needed.
Does not belong here: reading and checking the CSV files (dagster_project.reference), what rows mean.

dbt declares these tables as sources; its own seeding would write over the files (measured.md).
"""

from __future__ import annotations

import hashlib

import duckdb

from dagster_project.reference import SCHEMA_FILE, Reference, schema
from dagster_project.settings import Settings
from dagster_project.warehouse.bulk import insert_rows, transaction

SQL_TYPES = {
    "text": "VARCHAR",
    "integer": "INTEGER",
    "decimal": "DECIMAL(24, 12)",
    "boolean": "BOOLEAN",
    "date": "DATE",
}
META_KEY = "reference_fingerprint"
FOLDER_KEY = "reference_folder_fingerprint"


def fingerprint(reference: Reference) -> str:
    """Changes with any row of the folder and with the declared columns."""
    return hashlib.sha256(reference.fingerprint.encode() + SCHEMA_FILE.read_bytes()).hexdigest()


def load(connection: duckdb.DuckDBPyConnection, reference: Reference, settings: Settings) -> bool:
    """Replace schema `reference` by the rows of `reference`, in one transaction; needs raw.meta.

    Returns False where the tables already hold exactly these rows.
    """
    wanted = fingerprint(reference)
    found = connection.execute("SELECT value FROM raw.meta WHERE key = ?", [META_KEY]).fetchone()
    if found is not None and found[0] == wanted:
        return False
    with transaction(connection):
        connection.execute("DROP SCHEMA IF EXISTS reference CASCADE")
        connection.execute("CREATE SCHEMA reference")
        for table, columns in schema().items():
            declared = ", ".join(f'"{column.name}" {SQL_TYPES[column.type]}' for column in columns)
            connection.execute(f'CREATE TABLE reference."{table}" ({declared})')
            for column in columns:
                text = column.description.replace("'", "''")
                connection.execute(f'COMMENT ON COLUMN reference."{table}"."{column.name}" IS \'{text}\'')
            rows = [tuple(row[column.name] for column in columns) for row in reference.rows(table)]
            insert_rows(connection, f"reference.{table}", rows, settings.work / "spool")
        for key, value in ((META_KEY, wanted), (FOLDER_KEY, reference.fingerprint)):
            connection.execute("INSERT OR REPLACE INTO raw.meta VALUES (?, ?)", [key, value])
    return True
