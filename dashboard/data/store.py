"""Pages' only way to the published warehouse: named SQL files over schema marts, cached by version.

Belongs here: running a named query, its cache, the promise that one page is drawn from one version.
Does not belong here: SQL text (data/sql/), what a page shows, following CURRENT (dagster_project.warehouse.read), which
rows a reader may see (scope.py).
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

import duckdb

from dashboard.data import scope as scopes
from dashboard.data.scope import LEVELS, WHOLE, OutOfScope, Resolved, Scope

# Earlier versions that stay open: each holds a file and a little memory.
EARLIER_KEPT = 4
SQL_FOLDER = Path(__file__).with_name("sql")
Row = dict[str, Any]
T = TypeVar("T")


class Reader(Protocol):
    """What is asked of `dagster_project.warehouse.read.PublishedReader`."""

    def query_with_version(self, sql: str, params: Any = None) -> tuple[str, list[str], list[tuple[Any, ...]]]: ...

    def version(self) -> str | None: ...

    def manifest(self) -> dict[str, Any]: ...


__all__ = ["LacksTable", "NotPublished", "OutOfScope", "Recent", "Row", "Snapshot", "Store", "UnknownVersion", "VersionMoved", "sql"]


class NotPublished(RuntimeError):
    """No version is published yet, or the pointer names one that is not there."""


class UnknownVersion(NotPublished):
    """The version asked for is not kept (any more), or was made by an earlier program whose tables differ."""


class VersionMoved(RuntimeError):
    """Another version was published while a page was being drawn; draw it again."""


class LacksTable(RuntimeError):
    """The version was made by an older program: it has not the table, or the column, that a page asks for."""

    def __init__(self, version: str, relation: str) -> None:
        super().__init__(f"version {version} has no {relation}")
        self.version = version
        self.relation = relation


_ABSENT = re.compile(r'(?:Table with name|Referenced column|column named) "?([\w.]+)"? ')


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

    def forget(self, first: Any) -> None:
        """Let go of the values whose key begins with `first`."""
        with self._lock:
            for key in [key for key in self._kept if key[0] == first]:
                del self._kept[key]


class Store:
    """Named queries and drawn pages of the published version, each with a bounded cache by version and scope.

    `scope_of` says what the reader of the request at hand may see; without accounts that is everything. `earlier` opens
    a version that no longer serves, such as the one that a closed month is frozen with. `day`: the store shows what was
    known by the end of that day, and `present` what is known now.
    """

    def __init__(
        self,
        reader: Reader,
        entries: int = 512,
        pages: int = 64,
        scope_of: Callable[[], Scope] | None = None,
        earlier: Callable[[str], Reader] | None = None,
        *,
        day: date | None = None,
        present: Store | None = None,
    ) -> None:
        self._reader = reader
        self.day = day
        self.present = present
        self._open = earlier
        self._earlier = Recent(EARLIER_KEPT)
        self.scope_of: Callable[[], Scope] = scope_of or (lambda: WHOLE)
        self.rows = Recent(entries)
        self.pages = Recent(pages)
        self._served: str | None = None

    def version(self) -> str:
        """The version that serves now; NotPublished where there is none."""
        try:
            version = self._reader.version()
        except Exception as error:
            raise NotPublished(str(error)) from error
        if not version:
            raise NotPublished("no version is published")
        former, self._served = self._served, version
        if former not in (None, version):
            # Nobody asks for it again but by its name; until then it would fill the caches, and memory, of a day of refreshes.
            self.rows.forget(former)
            self.pages.forget(former)
        return version

    def draw(self, build: Callable[[Snapshot], T], attempts: int = 4, version: str | None = None) -> T:
        """Call `build` with a snapshot of the version that serves, again where it moved underneath; or of `version`.

        Raises UnknownVersion where that one cannot be read.
        """
        if version is not None and version != self.version():
            return self._draw_earlier(build, version)
        for left in reversed(range(attempts)):
            snapshot = Snapshot(self, self.version())
            try:
                return build(snapshot)
            except VersionMoved:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _draw_earlier(self, build: Callable[[Snapshot], T], version: str) -> T:
        opened = self._open
        if opened is None:
            raise UnknownVersion(version)
        try:
            reader: Reader = self._earlier.get((version,), lambda: _opened(opened, version))
            return build(Snapshot(self, version, reader=reader))
        except (duckdb.CatalogException, duckdb.BinderException, LacksTable) as error:
            raise UnknownVersion(version) from error

    def run(
        self, version: str, name: str, params: dict[str, Any], scope: Scope = WHOLE, reader: Reader | None = None
    ) -> tuple[Row, ...]:
        """Rows of a named query on exactly `version`, as far as `scope` reaches; `reader` is an earlier version's.

        Raises VersionMoved where the version no longer serves, OutOfScope where the scope knows no such relation.
        """

        def fetch() -> tuple[Row, ...]:
            if scope.is_whole or self._is_open(version, name, params, scope, reader):
                return self._fetch(version, sql(name), params, reader)
            text, needed = scopes.scoped(sql(name))
            given = self.resolved(version, scope, reader).parameters()
            return self._fetch(version, text, params | {key: given[key] for key in needed}, reader)

        return self.rows.get((version, scope, name, tuple(sorted(params.items()))), fetch)

    def _fetch(
        self, version: str, text: str, params: dict[str, Any], reader: Reader | None = None
    ) -> tuple[Row, ...]:
        # The reader follows the pointer on every call, and says which version answered.
        try:
            answered, columns, rows = (reader or self._reader).query_with_version(text, params or None)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            found = _ABSENT.search(str(error))
            if found is None:
                raise
            raise LacksTable(version, found[1]) from error
        if answered != version:
            raise VersionMoved(version)
        return tuple(dict(zip(columns, row, strict=True)) for row in rows)

    def _is_open(
        self, version: str, name: str, params: dict[str, Any], scope: Scope, reader: Reader | None
    ) -> bool:
        """Whether a query whose answer names nobody else may run over all rows."""
        guards = scopes.open_queries()
        if name not in guards:
            return False
        guard = guards[name]
        return not guard or self.resolved(version, scope, reader).holds(params.get(guard))

    def resolved(self, version: str, scope: Scope, reader: Reader | None = None) -> Resolved:
        """The codes that `scope` holds on `version`."""

        def make() -> Resolved:
            folder = scopes.FOLDER
            return scopes.resolve(
                scope,
                lambda name: self._fetch(version, (folder / f"{name}.sql").read_text(encoding="utf-8"), {}, reader),
            )

        return self.rows.get((version, scope, "resolved()"), make)

    def manifest(self, version: str, reader: Reader | None = None) -> dict[str, Any]:
        def fetch() -> dict[str, Any]:
            if reader is not None:
                return reader.manifest()
            manifest = self._reader.manifest()
            if self.version() != version:
                raise VersionMoved(version)
            return manifest

        return self.rows.get((version, "manifest()"), fetch)


def _opened(opened: Callable[[str], Reader], version: str) -> Reader:
    """A reader of an earlier version that is there."""
    reader = opened(version)
    try:
        reader.version()
    except Exception as error:
        raise UnknownVersion(str(error)) from error
    return reader


class Snapshot:
    """One version as the reader of the request at hand sees it."""

    def __init__(
        self, store: Store, version: str, scope: Scope | None = None, reader: Reader | None = None
    ) -> None:
        self._store = store
        self._reader = reader
        self.version = version
        self.scope = scope or store.scope_of()

    @property
    def day(self) -> date | None:
        """The earlier day whose knowledge this is; None: all that is known."""
        return self._store.day

    def present(self) -> Snapshot | None:
        """The same version with all that is known now, where this is an earlier day's; else None."""
        now = self._store.present
        return None if now is None else Snapshot(now, self.version, self.scope)

    def may_see(self, unit_id: str | None) -> bool:
        """Whether a township or enterprise lies within the reader's scope."""
        return self.scope.is_whole or self._store.resolved(
            self.version, self.scope, self._reader
        ).holds(unit_id)

    def external(self) -> Snapshot:
        """The same rows without those that identify an enterprise: for what leaves the bureau."""
        return Snapshot(self._store, self.version, replace(self.scope, suppressed=LEVELS), self._reader)

    def stars(self, period: Any) -> frozenset[tuple[str, str]]:
        """(unit, indicator) of the month's figures that this reader is not shown because they identify an enterprise."""
        if not self.scope.suppressed:
            return frozenset()
        rows = self._store.run(self.version, "suppressed", {"period": period}, WHOLE, self._reader)
        return frozenset((row["unit_id"], row["indicator_code"]) for row in rows if row["level"] in self.scope.suppressed)

    def rows(self, name: str, **params: Any) -> tuple[Row, ...]:
        """Rows of data/sql/<name>.sql with its named parameters, as dictionaries."""
        return self._store.run(self.version, name, params, self.scope, self._reader)

    def received_days(self) -> tuple[Row, ...]:
        """Days with submissions, the last first: the same for every reader, since they tell of nobody."""
        return self._store.run(self.version, "received_days", {}, WHOLE, self._reader)

    def manifest(self) -> dict[str, Any]:
        return self._store.manifest(self.version, self._reader)

    @property
    def is_earlier(self) -> bool:
        """Whether another version serves."""
        return self._reader is not None

    @property
    def is_past(self) -> bool:
        """Whether this is another version or an earlier day: looked at, never changed."""
        return self.is_earlier or self.day is not None

    def once(self, name: str, make: Callable[[], T]) -> T:
        """A value derived from this version, as far as the reader sees it, made once."""
        return self._store.rows.get((self.version, self.scope, "once", name), make)
