"""The data tests can fail: damage done to the marts comes back by the name of the rule it breaks.

Belongs here: that each guard of our arithmetic bites. Does not belong here: what the marts should hold.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import build
from tests.raw_rows import Raw, make_work

pytestmark = pytest.mark.slow

WEISHAN, XINQIAO = "529901102", "529901103"

# what is done to the candidate → the test that must fail, and the rule it must name
DAMAGE = [
    (
        "update marts.fct_indicator_progress set lamp = 'blue' where level = 'township'",
        "fct_indicator_progress_holds",
        "accepted values: lamp",
    ),
    (
        "insert into marts.fct_indicator_progress select * from marts.fct_indicator_progress limit 1",
        "fct_indicator_progress_holds",
        "unique: basis, level, unit_id, indicator_code, period",
    ),
    (
        "update marts.fct_indicator_progress set unit_id = '999' where level = 'county'",
        "fct_indicator_progress_holds",
        "refers: unit_id -> dim_township",
    ),
    (
        "update marts.fct_indicator_progress set growth_note_code = null, growth_pct = null",
        "fct_indicator_progress_holds",
        "no growth without a stated reason",
    ),
    ("update marts.fct_observation set cell = null", "fct_observation_holds", "not null: cell"),
    (
        "update marts.fct_indicator_progress set value_ytd = value_ytd + 1 where level = 'county'",
        "townships_add_up_to_the_county",
        None,
    ),
    (
        "update marts.fct_indicator_progress set contribution_pp = 0 where unit_id = '529901102'",
        "contributions_add_up",
        None,
    ),
    (
        "update marts.fct_indicator_progress set base_ytd = base_ytd * 2"
        " where basis = 'comparable' and unit_id = '529901102'",
        "comparable_basis_holds",
        None,
    ),
    ("update marts.fct_bridge set amount = amount + 1 where level = 'county'", "bridge_adds_up", None),
    ("update marts.fct_revision set new_rank = new_rank + 1", "revisions_end_where_figures_stand", None),
    ("delete from marts.fct_observation_version where measure = 'ytd'", "versions_are_whole", None),
]


@pytest.fixture(scope="module")
def healthy(shared_dbt_home: Path) -> tuple[Settings, bytes]:
    """A candidate that passes, as settings and as bytes to start from each time."""
    raw = Raw()
    for year, growth in ((2025, 1), (2026, 1.2)):
        raw.submission("TE-M1", f"{year}-03")
        for unit, value in ((WEISHAN, 10), (XINQIAO, 20)):
            raw.add("TE01", unit, f"{year}-03", ytd=value * growth)
    raw.submission("TE-M1", "2026-03")
    raw.add("TE01", WEISHAN, "2026-03", ytd=13)
    settings = load_settings(home=shared_dbt_home)
    settings.warehouse.unlink(missing_ok=True)
    make_work(settings, raw)
    assert build.build(settings).ok
    return settings, settings.candidate.read_bytes()


@pytest.mark.parametrize(("damage", "test", "rule"), DAMAGE, ids=[f"{test}-{rule}" for _, test, rule in DAMAGE])
def test_damage_is_told_by_name(healthy: tuple[Settings, bytes], damage: str, test: str, rule: str | None) -> None:
    settings, content = healthy
    settings.candidate.write_bytes(content)
    with duckdb.connect(str(settings.candidate)) as connection:
        connection.execute(damage)
    outcome = build.invoke(settings, build.arguments(settings, "test", "--select", test))
    (result,) = outcome.result.results
    assert str(result.status) == "fail", result.message
    if rule is not None:
        with duckdb.connect(str(settings.candidate)) as connection:
            connection.execute(f"attach '{settings.warehouse}' as work (read_only)")
            found = {row[0] for row in connection.execute(result.node.compiled_code).fetchall()}
        assert rule in found
