"""The reading processes of a refresh: started by what comes, kept for taking in, made anew where the rules changed."""

from __future__ import annotations

import shutil
from pathlib import Path

from dagster_project.ingest.pool import ParsePool
from dagster_project.settings import Settings
from dagster_project.warehouse import refresh
from dagster_project.warehouse.readers import Readers
from tests.warehouse import workbooks


def test_they_start_with_the_first_file_and_read_it(home: Settings, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    started = []
    monkeypatch.setattr(Readers, "start_early", lambda self, real=Readers.start_early: (started.append(1), real(self)))
    with Readers(home) as readers:
        refresh.receive(home, readers)
        assert not started
        workbooks.townships(home.inbox / "a.xlsx", 1, {"站前镇": (10, 10)})
        refresh.receive(home, readers)
        assert started == [1]
        early = readers.pool(home.seeds)
        assert [one["status"] for one in refresh.ingest_pending(home, None, readers).submissions] == ["accepted"]
        assert readers.pool(home.seeds) is early


def test_other_reference_data_starts_others(home: Settings, tmp_path: Path) -> None:
    other = Path(shutil.copytree(home.seeds, tmp_path / "other"))
    with Readers(home) as readers:
        first = readers.pool(home.seeds)
        second = readers.pool(other)
        assert second is not first
        assert second.seeds == other.resolve()
        path = workbooks.townships(tmp_path / "a.xlsx", 1, {"站前镇": (10, 10)}) or tmp_path / "a.xlsx"
        assert second.parse_one(path, "a.xlsx").observations


def test_new_contents_are_begun_while_others_are_received_and_taken_in_as_ever(home: Settings, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    begun: list[str] = []
    real = ParsePool.begin
    monkeypatch.setattr(ParsePool, "begin", lambda self, content, name: (begun.append(name), real(self, content, name)))
    for month in (1, 2):
        workbooks.townships(home.inbox / f"{month}.xlsx", month, {"站前镇": (10, 10 * month)})
    with Readers(home) as readers:
        refresh.receive(home, readers)
        report = refresh.ingest_pending(home, None, readers)
    assert begun == ["1.xlsx", "2.xlsx"]
    assert [(one["file_name"], one["status"], one["observations"]) for one in report.submissions] == [
        ("1.xlsx", "accepted", 2),
        ("2.xlsx", "accepted", 2),
    ]
    # what was there before is not read again for its new name
    (home.inbox / "again.xlsx").write_bytes((home.inbox / "1.xlsx").read_bytes())
    with Readers(home) as readers:
        assert refresh.receive(home, readers).ignored == ["again.xlsx"]
    assert begun == ["1.xlsx", "2.xlsx"]
