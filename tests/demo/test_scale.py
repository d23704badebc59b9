"""A place written as raw observations behaves like one that was read from workbooks: it is built, tested, published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dagster_project.demo import scale
from dagster_project.settings import Settings
from dagster_project.warehouse import refresh
from dagster_project.warehouse.read import PublishedReader
from tests.conftest import make_home

SMALL = replace(scale.SIZES["city"], townships=7, enterprises=60, months=14)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = make_home(tmp_path_factory.mktemp("scale") / "home")
    report = scale.write(home, SMALL, seed=1)
    settings = home.model_copy(update={"seeds": report.seeds})
    done = refresh.run_refresh(settings)
    assert done.ok, (done.reason_zh, done.reason_en)
    assert len(done.received) == report.files == scale.SAMPLE_TOWNSHIPS
    assert done.issues["error"] == 0
    return settings


def rows(settings: Settings, sql: str) -> list[tuple]:
    return PublishedReader(settings).query(sql)[1]


def test_every_enterprise_has_every_month_in_force_also_those_that_came_as_workbooks(place: Settings) -> None:
    found = rows(
        place,
        "SELECT period, count(DISTINCT unit_id) FROM marts.fct_observation "
        "WHERE form_code = 'TE-M3' AND measure = 'ytd' GROUP BY period ORDER BY period",
    )
    assert len(found) == SMALL.months
    assert {count for _, count in found} == {57}  # of 60, those that are above scale


def test_the_sample_continues_the_year_to_date_of_the_raw_months(place: Settings) -> None:
    broken = rows(
        place,
        "SELECT unit_id, indicator_code FROM marts.fct_indicator_progress "
        "WHERE level = 'enterprise' AND basis = 'reported' AND indicator_code = 'BF01' "
        "AND period = (SELECT max(period) FROM marts.fct_indicator_progress) AND value_month IS NULL",
    )
    assert broken == []


def test_the_county_level_is_the_sum_of_its_townships(place: Settings) -> None:
    ((differs,),) = rows(
        place,
        "SELECT count(*) FROM (SELECT period, sum(value_ytd) AS total FROM marts.fct_indicator_progress "
        "WHERE level = 'township' AND basis = 'reported' AND indicator_code = 'TE01' GROUP BY period) "
        "JOIN marts.fct_indicator_progress AS county USING (period) "
        "WHERE county.level = 'county' AND county.basis = 'reported' AND county.indicator_code = 'TE01' "
        "AND county.value_ytd <> total",
    )
    assert differs == 0


def test_a_home_that_holds_figures_is_not_written_over(place: Settings, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        scale.write(place, SMALL, seed=1)
