"""Rows of a named query one batch after the other, in bounded memory: for files too large to be held.

Belongs here: reading a published version without keeping its rows. Does not belong here: pages' queries (store.py), SQL
(data/sql/), what a file holds (export/).

For a process of its own (export/large.py): DuckDB opens a file once a process, with one configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dagster_project.settings import Settings
from dagster_project.warehouse.read import open_file
from dagster_project.warehouse.pointer import version_file
from dashboard.data.store import sql

# Sorting spills to disk beyond this.
MEMORY_LIMIT = "128MB"
BATCH = 2000


class Stream:
    """One published version, read forward only. Raises FileNotFoundError where it is gone."""

    def __init__(self, settings: Settings, version: str) -> None:
        self._connection = open_file(settings, version_file(settings, version), memory_limit=MEMORY_LIMIT, threads=1)

    def one(self, name: str, **params: Any) -> Any:
        """The first value of data/sql/<name>.sql."""
        found = self._connection.cursor().execute(sql(name), params).fetchone()
        return found[0] if found else None

    def rows(self, name: str, **params: Any) -> Iterator[tuple[Any, ...]]:
        """Rows of data/sql/<name>.sql in its order."""
        cursor = self._connection.cursor()
        cursor.execute(sql(name), params)
        while batch := cursor.fetchmany(BATCH):
            yield from batch
