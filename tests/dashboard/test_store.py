"""Queries of pages: one version per page, a bounded cache, answers while versions change underneath."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.data import store as store_module
from dashboard.data.store import SQL_FOLDER, NotPublished, Snapshot, Store, VersionMoved


def publish(settings: Settings, version: str) -> None:
    """A version that holds its own name, published as the real ones are: a new folder, then the pointer."""
    folder = settings.published / version
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE TABLE marts.dim_setting AS SELECT 'version' AS key, ? AS value", [version])
    (folder / "manifest.json").write_text(f'{{"version": "{version}"}}', encoding="utf-8")
    beside = settings.published / ".CURRENT.new"
    beside.write_text(version, encoding="utf-8")
    beside.replace(settings.current)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home")


def version_seen(snapshot: Snapshot) -> tuple[str, str]:
    return snapshot.version, snapshot.rows("settings")[0]["value"]


def test_nothing_published_is_said(settings: Settings) -> None:
    with pytest.raises(NotPublished):
        Store(PublishedReader(settings)).draw(version_seen)


def test_a_new_version_is_followed_without_a_restart(settings: Settings) -> None:
    store = Store(PublishedReader(settings))
    for version in ("20261108T060000-1", "20261109T060000-1"):
        publish(settings, version)
        assert store.draw(version_seen) == (version, version)


def test_what_was_kept_of_a_version_goes_with_it(settings: Settings) -> None:
    store = Store(PublishedReader(settings))
    publish(settings, "v0")
    store.draw(version_seen)
    store.pages.get(("v0", "page"), lambda: "drawn")
    publish(settings, "v1")
    store.draw(version_seen)
    assert len(store.rows) == 1 and len(store.pages) == 0


def test_a_page_is_never_drawn_from_two_versions(settings: Settings) -> None:
    publish(settings, "v0")
    store = Store(PublishedReader(settings), entries=2)
    stop, torn, errors, drawn = threading.Event(), [], [], []

    def page(snapshot: Snapshot) -> tuple[str, str, str]:
        first = snapshot.rows("settings")[0]["value"]
        return snapshot.version, first, snapshot.manifest()["version"]

    def read() -> None:
        while not stop.is_set():
            try:
                seen = store.draw(page, attempts=50)
                drawn.append(seen)
                if len(set(seen)) != 1:
                    torn.append(seen)
            except Exception as error:
                errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for thread in readers:
        thread.start()
    for number in range(1, 15):
        publish(settings, f"v{number}")
    stop.set()
    for thread in readers:
        thread.join()
    assert (torn, errors) == ([], [])
    assert store.draw(version_seen) == ("v14", "v14")
    assert drawn


class Moving:
    """A reader whose version changes with every question."""

    def __init__(self) -> None:
        self.asked = 0

    def version(self) -> str:
        return f"v{self.asked}"

    def query_with_version(self, sql: str, params: Any = None) -> tuple[str, list[str], list[tuple[Any, ...]]]:
        self.asked += 1
        return self.version(), ["key", "value"], []

    def manifest(self) -> dict[str, Any]:
        return {}


def test_a_version_that_never_rests_is_given_up_after_a_few_attempts() -> None:
    reader = Moving()
    with pytest.raises(VersionMoved):
        Store(reader).draw(lambda snapshot: snapshot.rows("settings"), attempts=3)
    assert reader.asked == 3


def test_the_cache_answers_again_and_stays_bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(settings, "v0")
    reader = PublishedReader(settings)
    asked: list[str] = []
    plain = reader.query_with_version

    def counting(sql: str, params: Any = None) -> Any:
        asked.append(sql)
        return plain(sql, params)

    monkeypatch.setattr(reader, "query_with_version", counting)
    store = Store(reader, entries=3)
    store.draw(version_seen)
    store.draw(version_seen)
    assert len(asked) == 1
    for number in range(10):
        store.rows.get(("v0", number), lambda: 0)
    assert len(store.rows) == 3
    store.draw(version_seen)
    assert len(asked) == 2


@pytest.fixture(scope="module")
def county(county_home: Settings) -> PublishedReader:
    return PublishedReader(county_home)


@pytest.mark.parametrize("name", sorted(path.stem for path in SQL_FOLDER.glob("*.sql")))
def test_every_query_runs_on_the_real_marts(county: PublishedReader, name: str) -> None:
    """DuckDB prepares it: every table and column it names exists in a published version."""
    text = store_module.sql(name)
    wanted = set(re.findall(r"\$([a-z_]+)", text))
    period = county.query("SELECT max(period) FROM marts.fct_indicator_progress")[1][0][0]
    samples: dict[str, Any] = {
        "basis": "reported", "level": "township", "unit_id": "529901101", "township": "529901101", "enterprise": "x",
        "indicator": "TE01", "submission": "S000001", "period": period, "previous": period, "since": period,
        "year_before": period, "december": period, "january": period, "simulated": "TE01", "patch": "{}", "year": period.year,
    }  # fmt: skip
    columns, _ = county.query(text, {key: samples[key] for key in wanted} or None)
    assert columns


def test_every_query_is_used() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in SQL_FOLDER.parent.parent.rglob("*.py"))
    unused = [path.stem for path in SQL_FOLDER.glob("*.sql") if f'"{path.stem}"' not in sources]
    assert unused == []
