"""Pages' only way to the published warehouse: named SQL files over schema marts, cached by version.

Belongs here: running a named query, its cache, the promise that one page is drawn from one version.
Does not belong here: SQL text (data/sql/), what a page shows, following CURRENT (dagster_project.warehouse.read).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

SQL_FOLDER = Path(__file__).with_name("sql")
Row = dict[str, Any]
T = TypeVar("T")


class Reader(Protocol):
    """What is asked of `dagster_project.warehouse.read.PublishedReader`."""

    def query_with_version(self, sql: str, params: Any = None) -> tuple[str, list[str], list[tuple[Any, ...]]]: ...

    def version(self) -> str | None: ...

    def manifest(self) -> dict[str, Any]: ...


class NotPublished(RuntimeError):
    """No version is published yet, or the pointer names one that is not there."""


class VersionMoved(RuntimeError):
    """Another version was published while a page was being drawn; draw it again."""


@lru_cache(maxsize=128)
def sql(name: str) -> str:
    """The text of one named query (data/sql/<name>.sql)."""
    return (SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


class Recent:
    """Values kept by key, at most `entries` of them; the least recently used go first. Safe for many threads."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """The value kept under `key`, else what `make` gives, which is then kept. Nothing is kept where it raises."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = make()
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._entries:
                self._kept.popitem(last=False)
        return value


class Store:
    """Named queries and drawn pages of the published version, each with a bounded cache by version."""

    def __init__(self, reader: Reader, entries: int = 512, pages: int = 64) -> None:
        self._reader = reader
        self.rows = Recent(entries)
        self.pages = Recent(pages)

    def version(self) -> str:
        """The version that serves now; NotPublished where there is none."""
        try:
            version = self._reader.version()
        except Exception as error:
            raise NotPublished(str(error)) from error
        if not version:
            raise NotPublished("no version is published")
        return version

    def draw(self, build: Callable[[Snapshot], T], attempts: int = 4) -> T:
        """Call `build` with a snapshot; again where the version moved underneath."""
        for left in reversed(range(attempts)):
            snapshot = Snapshot(self, self.version())
            try:
                return build(snapshot)
            except VersionMoved:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def run(self, version: str, name: str, params: dict[str, Any]) -> tuple[Row, ...]:
        """Rows of a named query on exactly `version`; VersionMoved where it no longer serves."""

        def fetch() -> tuple[Row, ...]:
            # The reader follows the pointer on every call, and says which version answered.
            answered, columns, rows = self._reader.query_with_version(sql(name), params or None)
            if answered != version:
                raise VersionMoved(version)
            return tuple(dict(zip(columns, row, strict=True)) for row in rows)

        return self.rows.get((version, name, tuple(sorted(params.items()))), fetch)

    def manifest(self, version: str) -> dict[str, Any]:
        def fetch() -> dict[str, Any]:
            manifest = self._reader.manifest()
            if self.version() != version:
                raise VersionMoved(version)
            return manifest

        return self.rows.get((version, "manifest()"), fetch)


class Snapshot:
    """One version as a page sees it."""

    def __init__(self, store: Store, version: str) -> None:
        self._store = store
        self.version = version

    def rows(self, name: str, **params: Any) -> tuple[Row, ...]:
        """Rows of data/sql/<name>.sql with its named parameters, as dictionaries."""
        return self._store.run(self.version, name, params)

    def manifest(self) -> dict[str, Any]:
        return self._store.manifest(self.version)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """A value derived from this version alone, made once."""
        return self._store.rows.get((self.version, "once", name), make)
