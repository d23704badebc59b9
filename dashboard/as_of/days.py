"""Earlier days that can be shown: whether a day is ready, being made, or cannot be; a store of queries for each.

Belongs here: the state of a day, one Store per day over its file, asking for a file that is missing.
Does not belong here: making a file (warehouse/as_of.py, run by maker.py), what a page says of it (panel.py), SQL.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

import duckdb

from dagster_project.settings import Settings
from dagster_project.warehouse import as_of_file
from dagster_project.warehouse.pointer import current_version, read_manifest
from dagster_project.warehouse.read import open_file
from dashboard.as_of.maker import Maker
from dashboard.data.scope import WHOLE
from dashboard.data.store import Store

# A day's file stays open while it is read; more are opened again when they are asked for.
OPEN_DAYS = 4
MEMORY_LIMIT = "512MB"
Standing = Literal["ready", "making", "failed", "too_early", "future"]


@dataclass(frozen=True, slots=True)
class Day:
    """One day as it stands now. `first` is the day of the first submission; `problem` says why making it failed."""

    day: date
    standing: Standing
    first: date | None = None
    problem: str = ""


class DayReader:
    """Queries on the file of one day; answers in the name of the published version that it was made from."""

    def __init__(self, settings: Settings, day: date) -> None:
        self._settings = settings
        self._day = day
        self._lock = threading.Lock()
        self._open: tuple[str, duckdb.DuckDBPyConnection] | None = None

    def version(self) -> str | None:
        return current_version(self._settings)

    def manifest(self) -> dict[str, Any]:
        return read_manifest(self._settings, self.version() or "") or {}

    def query_with_version(self, sql: str, params: Any = None) -> tuple[str, list[str], list[tuple[Any, ...]]]:
        """The version answered from, column names and rows; version "" where the file went away underneath."""
        try:
            version, connection = self._handle()
        except (OSError, duckdb.IOException):
            return "", [], []
        cursor = connection.cursor()
        cursor.execute(sql, params) if params is not None else cursor.execute(sql)
        return version, [column[0] for column in cursor.description or []], cursor.fetchall()

    def _handle(self) -> tuple[str, duckdb.DuckDBPyConnection]:
        version = current_version(self._settings) or ""
        with self._lock:
            if self._open is None or self._open[0] != version:
                file = as_of_file.path(self._settings, self._day)
                if file is None:
                    raise FileNotFoundError(version)
                self._open = (version, open_file(self._settings, file, memory_limit=MEMORY_LIMIT))
            return self._open


class Days:
    """The days of one dashboard; `present` is the store of what is published."""

    def __init__(self, settings: Settings, present: Store) -> None:
        self._settings = settings
        self._present = present
        self._maker = Maker(settings)
        self._stores: OrderedDict[date, Store] = OrderedDict()
        self._lock = threading.Lock()

    def standing(self, day: date) -> Day:
        """How a day stands; one that could be shown and has no file yet is asked for. Raises NotPublished."""
        version = self._present.version()
        if as_of_file.path(self._settings, day) is not None:
            return Day(day, "ready")
        received = [row["day"] for row in self._present.run(version, "received_days", {}, WHOLE)]
        today = datetime.now(UTC).date()
        if not received or day < received[-1]:
            return Day(day, "too_early", first=received[-1] if received else None)
        if day > max(today, received[0]):
            return Day(day, "future")
        problem = self._maker.ask(version, day)
        return Day(day, "failed", problem=problem) if problem else Day(day, "making")

    def store(self, day: date) -> Store:
        """The store over a day's file; its scope is that of the reader of the request at hand."""
        with self._lock:
            found = self._stores.get(day)
            if found is None:
                found = self._stores[day] = store_of(self._settings, day, self._present)
            self._stores.move_to_end(day)
            while len(self._stores) > OPEN_DAYS:
                self._stores.popitem(last=False)
            return found


def store_of(settings: Settings, day: date, present: Store | None = None) -> Store:
    """A store over the file of one day, which must be there; `present` gives the scope and what is known now."""
    reader = DayReader(settings, day)
    if present is None:
        return Store(reader, day=day)
    return Store(reader, 256, 24, scope_of=lambda: present.scope_of(), day=day, present=present)
