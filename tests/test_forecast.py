"""The year-end forecast against years that have ended: better than a naive one, and its band holds as often as it says.

Belongs here: the back-test of the demonstration county and that it can fail. Does not belong here: the method's numbers
(dbt unit test forecast_by_the_mean_curve_with_its_band_and_odds).
"""

from __future__ import annotations

import pytest

from benchmarks import forecast
from dagster_project.settings import Settings
from dagster_project.warehouse.pointer import current_version, version_file


def test_the_forecast_beats_the_run_rate_and_its_band_holds(
    county_home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    file = version_file(county_home, current_version(county_home) or "")
    assert forecast.main(["--warehouse", str(file)]) == 0, capsys.readouterr().out
    printed = capsys.readouterr().out
    for column in ("ours_pct", "run_rate_pct", "last_growth_pct", "coverage_pct"):
        assert column in printed


def test_the_back_test_can_fail() -> None:
    sound = {"level": "township", "month": "all", "ours_pct": 1.0, "run_rate_pct": 2.0, "bands": 500}
    assert forecast.verdicts([{**sound, "coverage_pct": 76.0}], 80) == []
    assert forecast.verdicts([{**sound, "coverage_pct": 74.0}], 80) == ["township: coverage -6.0 points from 80 %"]
    assert forecast.verdicts([{**sound, "coverage_pct": 80.0, "ours_pct": 2.5}], 80) == [
        "township: worse than the run-rate"
    ]
