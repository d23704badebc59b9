"""Every dbt unit test passes: the formulas, on domain.md's worked cases.

Belongs here: running them all. Does not belong here: the cases (dbt/models/**/unit_tests.yml).
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import yaml

from dagster_project.settings import PROJECT_ROOT, load_settings
from dagster_project.warehouse import build
from tests.raw_rows import Raw


def declared() -> set[str]:
    names: set[str] = set()
    for path in (PROJECT_ROOT / "dbt" / "models").rglob("*.yml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        names |= {test["name"] for test in content.get("unit_tests", [])}
    return names


def test_every_unit_test_passes(build_marts: Callable[..., duckdb.DuckDBPyConnection], shared_dbt_home) -> None:  # type: ignore[no-untyped-def]
    build_marts(Raw())  # an empty warehouse: dbt reads the columns of the inputs from it
    settings = load_settings(home=shared_dbt_home)
    outcome = build.invoke(settings, build.arguments(settings, "test", "--select", "test_type:unit"))
    results = {result.node.name: (str(result.status), result.message) for result in outcome.result.results}
    assert set(results) == declared()
    assert {name: found for name, found in results.items() if found[0] != "pass"} == {}
