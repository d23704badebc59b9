"""The reading processes of a refresh: started by what comes, kept for taking in, made anew where the rules changed."""

from __future__ import annotations

import shutil
from pathlib import Path

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
