"""Reading the published version, while other versions are being published.

Belongs here: following CURRENT, connections of readers, queries.
Does not belong here: SQL of pages (dashboard/data), writing. Imports neither Dagster nor dbt: the dashboard and
`tew query` start with it.

What held through versions switching under eight threads (measured.md): read CURRENT, one immutable handle per
version, `cursor()` per call, on an IO error read the pointer again, never close, drop the reference.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.settings import Settings
from dagster_project.warehouse.errors import NothingPublished
from dagster_project.warehouse.pointer import current_version, read_manifest, version_file, version_names

MEMORY_LIMIT = "1GB"
ATTEMPTS = 5

Params = Mapping[str, Any] | Sequence[Any] | None
Result = tuple[list[str], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class _Handle:
    version: str
    connection: duckdb.DuckDBPyConnection
    manifest: dict[str, Any]


class PublishedReader:
    """Queries on whatever version CURRENT names, or always on `version`, from any number of threads.

    `memory_limit` is DuckDB's; spill files go to `work/spill` of the home, or `temp_directory`.
    `is_confined` forbids SQL to reach other files and settings; the dashboard and `tew query` read nothing else.
    Raises NothingPublished where there is no version to open.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        memory_limit: str = MEMORY_LIMIT,
        temp_directory: Path | None = None,
        threads: int | None = None,
        is_confined: bool = True,
        version: str | None = None,
    ) -> None:
        self._settings = settings
        self._pinned = version
        self._memory_limit = memory_limit
        self._temp = temp_directory or settings.work / "spill"
        self._threads = threads or min(4, os.cpu_count() or 1)
        self._is_confined = is_confined
        self._lock = threading.Lock()
        self._handle: _Handle | None = None

    def version(self) -> str | None:
        """The version that serves now, or None."""
        name = self._name()
        if name is not None and (version_file(self._settings, name).is_file() or self._is_open(name)):
            return name
        return None

    def manifest(self) -> dict[str, Any]:
        """The manifest of the version that serves now."""
        return self._current().manifest

    def query(self, sql: str, params: Params = None) -> Result:
        """Column names and all rows of one statement; `params` by position or, as a mapping, by `$name`."""
        _, columns, rows = self.query_with_version(sql, params)
        return columns, rows

    def query_with_version(self, sql: str, params: Params = None) -> tuple[str, list[str], list[tuple[Any, ...]]]:
        """As `query`, with the version that answered in front."""
        for attempt in range(ATTEMPTS):
            handle = self._current()
            try:
                cursor = handle.connection.cursor()
                # An own cursor per call: one used by two threads raises, and closing a parent kills its cursors.
                cursor.execute(sql, params) if params is not None else cursor.execute(sql)
                columns = [column[0] for column in cursor.description or []]
                return handle.version, columns, cursor.fetchall()
            except duckdb.IOException:
                self._drop(handle)
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _name(self) -> str | None:
        """The version asked for; a name that is none of ours leads nowhere."""
        if self._pinned is None:
            return current_version(self._settings)
        if self._pinned not in version_names(self._settings):
            known = ", ".join(reversed(version_names(self._settings))) or "-"
            raise NothingPublished("warehouse.no_such_version", version=self._pinned, known=known)
        return self._pinned

    def _is_open(self, version: str) -> bool:
        handle = self._handle
        return handle is not None and handle.version == version

    def _drop(self, handle: _Handle) -> None:
        with self._lock:
            if self._handle is handle:
                self._handle = None

    def _current(self) -> _Handle:
        """The open handle of the version in CURRENT. The former one is let go, and ends with its last cursor."""
        last: Exception | None = None
        for _ in range(ATTEMPTS):
            name = self._name()
            if name is None:
                raise NothingPublished("warehouse.nothing_published", home=self._settings.home.name)
            handle = self._handle
            if handle is not None and handle.version == name:
                return handle
            with self._lock:
                if self._handle is not None and self._handle.version == name:
                    return self._handle
                try:
                    opened = self._open(name)
                except (OSError, duckdb.IOException) as error:
                    # Removed between reading the pointer and opening: the pointer already names another.
                    last = error
                    continue
                self._handle = opened
                return opened
        # A version whose folder was deleted by hand while it is open here still answers.
        if self._handle is not None:
            return self._handle
        raise NothingPublished("warehouse.version_missing", version=name, home=self._settings.home.name) from last

    def _open(self, version: str) -> _Handle:
        path = version_file(self._settings, version)
        connection = open_file(
            self._settings,
            path,
            memory_limit=self._memory_limit,
            temp_directory=self._temp,
            threads=self._threads,
            is_confined=self._is_confined,
        )
        return _Handle(version, connection, read_manifest(self._settings, version) or {})


def open_file(
    settings: Settings,
    path: Path,
    *,
    memory_limit: str = MEMORY_LIMIT,
    temp_directory: Path | None = None,
    threads: int | None = None,
    is_confined: bool = True,
) -> duckdb.DuckDBPyConnection:
    """One published file read-only; parameters as of `PublishedReader`. FileNotFoundError where it is not there."""
    spill = temp_directory or settings.work / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        raise FileNotFoundError(path.name)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "temp_directory": str(spill),
        "threads": str(threads or min(4, os.cpu_count() or 1)),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    connection = duckdb.connect(str(path), read_only=True, config=config)
    if is_confined:
        _confine(connection)
    return connection


def _confine(connection: duckdb.DuckDBPyConnection) -> None:
    """No file but this one, and no way to change that.

    Not by the configuration at opening, which DuckDB applies in an order of its own. A version that another handle
    or a running cursor of this process still holds is the same instance, confined and locked already.
    """
    is_locked = "SELECT current_setting('lock_configuration')::BOOLEAN"
    if connection.execute(is_locked).fetchall() == [(True,)]:
        return
    try:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.InvalidInputException:
        if connection.execute(is_locked).fetchall() != [(True,)]:
            raise
