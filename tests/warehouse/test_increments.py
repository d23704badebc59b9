"""A refresh that keeps the years nothing touched gives the marts that a whole build gives, in every cell.

Belongs here: that equality over random histories, what makes a build whole, the comparison by hand. Does not belong here:
what the marts should hold (tests/dbt). `python -m benchmarks.increments` does the same on a demonstration county, for as
long as one likes.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from benchmarks import increments as bench
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import increments, store
from tests.dbt import counties
from tests.raw_rows import Raw, make_work

STEPS = 3


def history(seed: int) -> tuple[counties.County, Raw]:
    """Three years of a random county, with targets, accidents and coverage beside its figures."""
    county, chance = counties.make(seed), random.Random(seed)
    raw = county.raw()
    for year in counties.YEARS:
        raw.submission("TG-Y1", f"{year}-12", f"{year}-02-10")
        for place in county.places:
            raw.add("TE01", place, f"{year}-12", target=chance.randint(1000, 9000), target_form="level")
            raw.add("TE01", place, f"{year}-12", target_growth=chance.randint(3, 12))
        for month in counties.MONTHS:
            raw.submission("SA-M1", f"{year}-{month:02d}", f"{year}-{month + 1:02d}-03")
            raw.coverage(counties.COUNTY, f"{year}-{month:02d}", "zero_report", "county")
            if chance.random() < 0.4:
                place = chance.choice(county.places)
                raw.incident(f"A{year}{month}", f"{year}-{month:02d}-11", place, deaths=chance.randint(0, 4))
            for plant in county.plants:
                if year in plant.years:
                    raw.coverage(plant.name, f"{year}-{month:02d}", "reported", "enterprise")
    return county, raw


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Such a county with a first version, some of its submissions held back."""
    folder = tmp_path_factory.mktemp("increments")
    county, raw = history(3)
    settings = load_settings(home=folder / "home", seeds=county.seeds(folder))
    make_work(settings, raw)
    with store.connect(settings.warehouse) as connection:
        bench.hold_back(connection, random.Random(3), 12)
    assert bench.refreshed(settings).since is None, "the first build is whole"
    return settings


def rows_of(settings: Settings, sql: str) -> None:
    with store.connect(settings.warehouse) as connection:
        connection.execute(sql)


def test_random_histories_give_the_marts_of_a_whole_build(published: Settings) -> None:
    chance = random.Random(11)
    partly = 0
    for _ in range(STEPS):
        with store.connect(published.warehouse) as connection:
            told = bench.change(connection, chance)
        result = bench.refreshed(published)
        partly += result.since is not None
        assert increments.compare(published) == [], (told, result.since, result.whole)
    assert partly, "some of these refreshes keep earlier years"


def test_a_unit_that_closes_makes_everything_whole_though_its_month_is_of_one_year(published: Settings) -> None:
    with store.connect(published.warehouse) as connection:
        bench.close_unit(connection, random.Random(5))
    result = bench.refreshed(published)
    assert (result.since, bool(result.whole)) == (None, True)


@pytest.mark.parametrize(
    ("what", "since"),
    [
        ("UPDATE raw.issue SET raw_text = raw_text || ' '", 9999),
        ("UPDATE raw.observation SET value = value + 1 WHERE period = DATE '2026-02-01'", 2026),
        ("DELETE FROM raw.observation WHERE period = DATE '2025-03-01' AND level = 'township'", 2025),
        ("UPDATE raw.coverage SET status = 'carried' WHERE period = DATE '2025-06-01'", 2025),
        ("UPDATE raw.submission SET file_name = 'other.xlsx' WHERE period = DATE '2026-03-01'", 2026),
        (
            "UPDATE raw.submission SET status = 'withdrawn', withdrawn_at = received_at WHERE seq = "
            "(SELECT max(seq) FROM raw.submission WHERE form_code = 'TE-M1' AND period = DATE '2025-05-01')",
            2025,
        ),
        ("UPDATE raw.observation SET value = value + 1 WHERE period = DATE '2024-02-01'", None),
        ("UPDATE raw.enterprise SET is_pharma = true", None),
        ("UPDATE reference.lamp_rules SET yellow_min_pp = yellow_min_pp - 1", None),
        ("INSERT INTO raw.township VALUES ('S1', '529901999', 'x', 'x', 'township')", None),
        (
            "INSERT INTO raw.closing (period, round_no, version, last_seq, approved_by, approved_at) "
            "VALUES (DATE '2026-03-01', 1, 'v', 1, 'Li', TIMESTAMP '2026-04-20')",
            None,
        ),
        (
            "DELETE FROM raw.incident; DELETE FROM raw.coverage; DELETE FROM raw.submission WHERE form_code = 'SA-M1'",
            None,
        ),
    ],
)
def test_the_first_year_is_told_from_what_is_read(published: Settings, what: str, since: int | None) -> None:
    before = published.warehouse.read_bytes()
    try:
        rows_of(published, what)
        found = increments.plan(published)
    finally:
        published.warehouse.write_bytes(before)
    assert (found.since.year if found.since else None) == since, found.why


def test_what_is_kept_counts_for_its_own_version_alone(published: Settings, tmp_path: Path) -> None:
    home = load_settings(home=tmp_path / "home", seeds=published.seeds)
    shutil.copytree(published.home, home.home)
    assert increments.plan(home).since == increments.NEVER
    version = (home.published / (home.current.read_text().strip())) / "warehouse.duckdb"
    whole = version.read_bytes()
    version.write_bytes(whole[:-1] + b"x")
    assert not increments.begin(home, increments.plan(home)), "an altered file is no base"
    version.write_bytes(whole)
    state = increments.state_file(home)
    text = state.read_text(encoding="utf-8")
    for damage in (text.replace(home.current.read_text().strip(), "20200101T000000Z-000001"), "{", '{"version": 1}'):
        state.write_text(damage, encoding="utf-8")
        assert increments.plan(home).since is None
    increments.forget(home)
    assert increments.plan(home).since is None, "also after a build that was not published"
