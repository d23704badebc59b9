"""The pool keeps the process alive, in time and in memory, whatever a file does to its child."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest

from dagster_project.ingest.model import ParsedWorkbook
from dagster_project.ingest.pool import ParsePool, PoolError
from dagster_project.ingest.pool_wire import unpack

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "seeds" / "reference"
HOSTILE = ROOT.parent / "shared" / "workbooks" / "hostile"


@pytest.fixture(autouse=True)
def _parsers_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def pool(name: str, **options: object) -> ParsePool:
    return ParsePool(SEEDS, factory=f"pool_parsers:{name}", **options)  # type: ignore[arg-type]


def test_results_come_in_the_order_given_and_whole() -> None:
    names = ["slow", "a", "b", "slow", "c", "prints", "d"]
    with pool("misbehaves") as it:
        found = list(it.parse_many((index, b"", name) for index, name in enumerate(names)))
    assert [key for key, _ in found] == list(range(7))
    assert [parsed.file_name for _, parsed in found] == names
    observation = found[0][1].observations[0]
    assert (str(observation.value), observation.unit.name, observation.cell) == ("1.50", "枫林湖镇", "C5")
    assert found[0][1].coverage[0].unit == found[0][1].reporter
    assert len({parsed.observations[0].raw_text for _, parsed in found}) <= 2, "children live on"


@pytest.mark.parametrize(
    ("name", "rule"),
    [("hang", "read.timeout"), ("die", "read.crashed"), ("greedy", "read.memory"), ("raise", "read.internal"),
     ("panic", "read.internal"), ("evil", "read.internal")],
)  # fmt: skip
def test_a_bad_file_is_one_issue_and_its_neighbours_are_read(name: str, rule: str) -> None:
    with pool("misbehaves", workers=1, timeout_s=1) as it:
        before, bad, after = (parsed for _, parsed in it.parse_many([(1, b"", "a"), (2, b"", name), (3, b"", "b")]))
    assert [issue.rule for issue in bad.issues] == [rule]
    assert bad.issues[0].severity == "error"
    assert name in bad.issues[0].message_zh and name in bad.issues[0].message_en
    assert before.observations and after.observations


def test_an_answer_that_holds_more_than_plain_values_is_refused() -> None:
    with pytest.raises(pickle.UnpicklingError, match="system"):
        unpack(pickle.dumps(({"file_name": os.system}, [], None, {})))


def test_a_path_is_read_by_the_child_and_a_missing_one_is_an_issue(tmp_path: Path) -> None:
    there = tmp_path / "x.csv"
    there.write_text("甲,乙\n1,2\n", encoding="utf-8")
    with pool("reads") as it:
        found = [parsed for _, parsed in it.parse_many([(1, there, "x.csv"), (2, tmp_path / "gone", "gone.csv")])]
    assert found[0].file_kind == "csv" and not found[0].issues
    assert [issue.rule for issue in found[1].issues] == ["read.missing_file"]


def test_a_child_that_cannot_start_is_no_fault_of_a_workbook() -> None:
    with pool("never_starts") as it, pytest.raises(PoolError, match=r"forms\.csv is wrong"):
        it.parse_one(b"", "a")


def children_of_the_pool() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "pool_worker" in " ".join(child.cmdline())]


def readers(found: Iterable[tuple[object, ParsedWorkbook]]) -> set[int]:
    """The processes that read these files of `misbehaves`."""
    return {int(parsed.observations[0].raw_text) for _, parsed in found if parsed.observations}


def test_a_child_starts_with_the_pool_others_when_it_is_slow_and_none_is_left() -> None:
    with pool("misbehaves", workers=2) as it:
        found = it.parse_many((number, b"", "slow") for number in range(8))
        assert [key for key, _ in found] == list(range(8))
        children = children_of_the_pool()
        assert len(children) == 2
    assert not [child for child in children if child.is_running()]


@pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")
def test_the_first_child_forks_a_second_that_reads_beside_it_and_has_the_same_limits() -> None:
    with pool("misbehaves", workers=2, timeout_s=1) as it:
        first = set(readers(it.parse_many((number, b"", "slow") for number in range(8))))
        children = {child.pid: child.ppid() for child in children_of_the_pool()}
        assert children.keys() == first and os.getpid() in children.values()
        assert len(set(children.values()) & first) == 1, "one is the other's child"
        rules = [
            parsed.issues[0].rule for _, parsed in it.parse_many((n, b"", n) for n in ("greedy",) * 4 + ("hang",) * 2)
        ]
        assert rules == ["read.memory"] * 4 + ["read.timeout"] * 2
        again = set(readers(it.parse_many((number, b"", "slow") for number in range(8))))
        assert len(again) == 2 and again != first, "a lost one is replaced"
    assert not children_of_the_pool()


def test_what_was_begun_is_read_once_and_only_for_the_same_content_and_name() -> None:
    with pool("counts", workers=1) as it:
        for number in range(3):
            it.begin(b"%d" % number, "begun")
        asked = [(0, b"2", "begun"), (1, b"1", "begun"), (2, b"1", "other"), (3, b"9", "begun"), (4, b"2", "begun")]
        found = [(key, parsed.file_name, parsed.file_kind) for key, parsed in it.parse_many(asked)]
    # what was begun was read first, in its own order; all else when it was asked for
    assert found == [(0, "begun", "2 as no. 3"), (1, "begun", "1 as no. 2"), (2, "other", "1 as no. 4"),
                     (3, "begun", "9 as no. 5"), (4, "begun", "2 as no. 6")]  # fmt: skip


def test_a_begun_file_that_kills_its_child_is_told_when_it_is_asked_for() -> None:
    with pool("misbehaves", workers=2, timeout_s=2) as it:
        for name in ("a", "die", "hang"):
            it.begin(b"", name)
        found = dict(it.parse_many((name, b"", name) for name in ("hang", "a", "die", "b")))
    assert [issue.rule for issue in found["hang"].issues] == ["read.timeout"]
    assert [issue.rule for issue in found["die"].issues] == ["read.crashed"]
    assert found["a"].observations and found["b"].observations


def test_a_file_that_hangs_does_not_hold_up_the_next_ones() -> None:
    with pool("misbehaves", workers=2, timeout_s=4) as it:
        names = ["hang", *(f"file {number}" for number in range(5))]
        found = it.parse_many((name, b"", name) for name in names)
        assert next(found)[1].issues[0].rule == "read.timeout"
        started = time.monotonic()
        assert [key for key, parsed in found if parsed.observations] == names[1:]
        assert time.monotonic() - started < 3


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize(("name", "workers"), [("a", 1), ("hang", 1), ("hang", 2)])
def test_a_killed_parent_leaves_no_orphan(name: str, workers: int) -> None:
    script = f"""
        import sys
        from pathlib import Path
        from dagster_project.ingest.pool import ParsePool
        with ParsePool(Path({str(SEEDS)!r}), workers={workers}, timeout_s=2, factory="pool_parsers:misbehaves") as it:
            found = it.parse_one(b"", "a")
            print(found.observations[0].raw_text, flush=True)
            it.parse_one(b"", {name!r})
            sys.stdin.read()
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])},
    )
    assert parent.stdout is not None and parent.stdin is not None
    parent.stdout.readline()
    children = psutil.Process(parent.pid).children(recursive=True)
    assert len(children) in (1, workers)
    time.sleep(0.2)
    parent.kill()
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()
    for child in children:
        child.wait(timeout=8)


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="shared/workbooks/hostile is not on this machine")
def test_every_hostile_file_ends_in_its_message_in_time() -> None:
    expected = {
        "ole-loop.xls": "read.damaged",
        "panic-corrupt.xls": "read.damaged",
        "panic-fuzzed.xls": "read.damaged",
        "xml-bomb.xlsx": "read.xml_entities",
        "slow-sparse.xlsx": None,
    }
    files = sorted(HOSTILE.iterdir())
    assert {path.name for path in files} == set(expected)
    started = time.monotonic()
    with pool("reads", workers=1) as it:
        for name, parsed in it.parse_many((path.name, path, path.name) for path in files):
            rules = [issue.rule for issue in parsed.issues]
            assert rules == ([expected[name]] if expected[name] else []), name
    assert time.monotonic() - started < 10
