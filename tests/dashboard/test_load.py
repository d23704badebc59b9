"""Many readers while versions are published: a short run of benchmarks/load.py."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from benchmarks.load import Report, by_copy, run
from dagster_project.settings import Settings


def test_no_request_fails_and_no_page_mixes_versions(small_home: Settings) -> None:
    # a thread of its own: a browser of other tests may hold this one's event loop
    with ThreadPoolExecutor(max_workers=1) as thread:
        report = thread.submit(
            run, small_home, readers=12, seconds=14.0, every=2.5, think=(0.05, 0.3), make=by_copy
        ).result()
    assert report.failed == [] and report.mixed == [] and report.publish_failures == []
    assert len(report.seconds) > 50 and len(report.versions) >= 2
    assert len(report.seen) >= 2, "readers met versions that were published meanwhile"


def test_growth_is_judged_from_the_tenth_version_on() -> None:
    grows = Report(memory=[(float(count), 300.0 + 2 * count, count) for count in range(20)])
    assert grows.growth() is not None and abs(grows.growth() - 2.0) < 1e-9
    early = Report(memory=[(float(count), 100.0 + 30 * min(count, 10), count) for count in range(20)])
    assert early.growth() == 0.0
    assert Report(memory=[(0.0, 1.0, 3)]).growth() is None
