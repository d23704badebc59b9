"""The fault bench in small: refreshes killed, disks full, files gone; nothing lost, nothing wrong, nothing by hand."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import pytest

from benchmarks import faults

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="kills and limits of POSIX: not on Windows"),
]


def test_kills_a_full_disk_and_two_at_once_lose_nothing() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = faults.Bench(Path(folder) / "home")
        bench.tew("demo", "--months", "1")
        bench.drop_note(0)
        assert bench.tew("refresh").returncode == 0
        assert bench.answers()
        dice = random.Random(7)
        outcomes = [
            faults.killed(bench, 2, 6.0, dice),
            faults.disk_full(bench, dice, 1),
            faults.read_only_disk(bench),
            faults.two_at_once(bench),
        ]
        assert [outcome for outcome in outcomes if not outcome.is_sound] == []


def test_the_bench_sees_a_loss(tmp_path: Path) -> None:
    bench = faults.Bench(tmp_path / "home")
    bench.dropped["0" * 64] = "never.xlsx"
    outcome = faults.Outcome("nothing was ever received")
    (tmp_path / "home" / "published").mkdir(parents=True)
    (tmp_path / "home" / "published" / "CURRENT").write_text("", encoding="utf-8")
    outcome.lost = len(bench.missing())
    assert outcome.lost == 1
