"""Fixtures shared by all tests: real homes made by the real pipeline.

Belongs here: homes and paths that several test folders need. Does not belong here: fixtures of one folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dagster_project.settings import PROJECT_ROOT, Settings, load_settings

if TYPE_CHECKING:
    import duckdb

    from tests.raw_rows import Raw

SHARED_WORKBOOKS = PROJECT_ROOT.parent / "shared" / "workbooks"

os.environ.setdefault("DO_NOT_TRACK", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: each file is run whole by one of two processes, and a long one begun last runs alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def make_home(root: Path, **overrides: object) -> Settings:
    """Settings over an empty home below `root`; a test file's age must not make it wait, so nothing settles."""
    return load_settings(home=root, settle_seconds=0, **overrides)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """An empty home with the demonstration county's reference data."""
    return make_home(tmp_path / "home")


@pytest.fixture(scope="session")
def shared_workbooks() -> Path:
    """Real spreadsheets written by others; they are not part of the project."""
    if not SHARED_WORKBOOKS.is_dir():
        pytest.skip("the real workbooks are not on this machine (folder shared/workbooks beside the project)")
    return SHARED_WORKBOOKS


def _refreshed(root: Path, months: int) -> Settings:
    from dagster_project import demo
    from dagster_project.warehouse import refresh

    settings = make_home(root)
    demo.write(settings.inbox, months=months)
    report = refresh.run_refresh(settings)
    assert report.published, report
    return settings


@pytest.fixture(scope="session")
def county_home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The whole demonstration county, 36 months, taken in and published once per session. Read only."""
    return _refreshed(tmp_path_factory.mktemp("county"), months=36)


@pytest.fixture(scope="session")
def small_home_source(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return _refreshed(tmp_path_factory.mktemp("small"), months=3)


@pytest.fixture
def small_home(small_home_source: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A private copy of a published three-month home, for tests that change it."""
    target = tmp_path / "small"
    shutil.copytree(small_home_source.home, target)
    yield make_home(target)


@pytest.fixture(scope="session")
def shared_dbt_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all builds of the session: the profile's paths stay, so dbt parses the project once."""
    return tmp_path_factory.mktemp("dbt")


@pytest.fixture(scope="session")
def build_marts(
    shared_dbt_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., duckdb.DuckDBPyConnection]:
    """Call with Raw rows: the marts that the real dbt project makes of them, as an open connection.

    `seeds` is another folder of reference data; `as_of` asks for what was known at the end of that day; `links_twice`
    lists every change of geography twice, which no reference data can.
    """
    import duckdb

    from dagster_project.warehouse import build
    from tests.raw_rows import make_work

    def run(
        raw: Raw, seeds: Path | None = None, as_of: date | None = None, *, links_twice: bool = False
    ) -> duckdb.DuckDBPyConnection:
        settings = load_settings(home=shared_dbt_home, **({"seeds": seeds} if seeds else {}))
        settings.__dict__["as_of_day"] = as_of.isoformat() if as_of else ""
        settings.warehouse.unlink(missing_ok=True)
        make_work(settings, raw)
        if links_twice:
            with duckdb.connect(str(settings.warehouse)) as connection:
                connection.execute("insert into reference.township_links from reference.township_links")
        result = build.build(settings)
        problems = [(node.name, node.message, node.sample) for node in result.failures]
        assert result.ok, (result.error, problems)
        kept = tmp_path_factory.mktemp("marts") / "warehouse.duckdb"
        kept.write_bytes(settings.candidate.read_bytes())
        return duckdb.connect(str(kept), read_only=True)

    return run
