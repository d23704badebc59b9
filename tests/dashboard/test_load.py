"""Many readers while versions are published: a short run of benchmarks/load.py."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.load import NOISE_MB, Report, by_mark, run, verdicts
from dagster_project.settings import Settings


def test_no_request_fails_and_no_page_mixes_versions(small_home: Settings) -> None:
    # a thread of its own: a browser of other tests may hold this one's event loop
    with ThreadPoolExecutor(max_workers=1) as thread:
        report = thread.submit(
            run, small_home, readers=12, seconds=14.0, every=2.5, think=(0.05, 0.3), make=by_mark
        ).result()
    assert report.failed == [] and report.mixed == [] and report.publish_failures == []
    assert len(report.seconds) > 50 and len(report.versions) >= 3
    assert len(report.seen) >= 2, "readers met versions that were published meanwhile"
    assert report.marked > 20, "names whose version could be told"
    assert min(megabytes for _, megabytes, _ in report.memory[2:]) > 50
    held = {row["requirement"]: row["holds"] for row in verdicts(report, None, must_judge_growth=False)}
    assert set(held.values()) == {"yes"}


def of_memory(megabytes: list[float]) -> Report:
    return Report(memory=[(float(count), value, count) for count, value in enumerate(megabytes)])


def test_growth_is_judged_from_the_tenth_version_on() -> None:
    grows = of_memory([300.0 + 2 * count for count in range(20)])
    assert grows.growth() is not None and abs(grows.growth() - 2.0) < 1e-9
    assert of_memory([100.0 + 30 * min(count, 10) for count in range(20)]).growth() == 0.0
    assert of_memory([1.0] * 13).growth() is None


PAGE = "<p data-version=1>20261124T010203Z-000007 A~v7~"


@pytest.mark.parametrize(
    ("broken", "requirement"),
    [
        (lambda report: report.judge(PAGE + "20261124T010203Z-000008", "/"), "pages of two versions"),
        (lambda report: report.judge(PAGE + " B~v6~", "/"), "pages of two versions"),
        (lambda report: report.judge("moved", "/"), "requests failed"),
        (lambda report: report.judge(PAGE, "/", 500), "requests failed"),
        (lambda report: report.publish_failures.append("disk"), "refreshes failed"),
        (
            lambda report: report.memory.extend((0.0, 300 + 4 * NOISE_MB * n, n) for n in range(16)),
            "MB a version from the 10th on",
        ),
    ],
)
def test_what_must_not_be_fails_the_run(broken: Callable[[Report], None], requirement: str) -> None:
    sound = Report(seconds=[0.1], memory=[(float(count), 300.0, count) for count in range(16)])
    sound.judge(PAGE, "/")
    sound.judge(PAGE.replace("7", "8"), "/")
    assert {row["holds"] for row in verdicts(sound, None, must_judge_growth=True)} == {"yes"} and sound.marked == 2
    broken(sound)
    assert [row["requirement"] for row in verdicts(sound, None, must_judge_growth=True) if row["holds"] != "yes"] == [
        requirement
    ]


def test_a_long_run_that_cannot_judge_growth_has_failed() -> None:
    few = Report(seconds=[0.1], memory=[(0.0, 300.0, 3)], seen={"a", "b"})
    assert {row["holds"] for row in verdicts(few, None, must_judge_growth=False)} == {"yes"}
    assert "NO" in {row["holds"] for row in verdicts(few, None, must_judge_growth=True)}
