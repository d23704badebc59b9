"""Faults: what is lost, what is wrongly published, what needs a hand, when refreshes are killed or their ground gives way.

Kills a refresh of a small inbox at random moments (several in a row before one may finish), fills the disk while it
writes, makes the home read-only, starts two at once, deletes what is published, destroys the work database, sets a
file's clock back and lets a workbook arrive in halves. After each, three questions: does the version that was served
still answer (or a whole new one)? is every workbook ever dropped in the archive and in the marts after the next
refresh? did that refresh need anything from a person?
Run: python -m benchmarks.faults [--kills 200] [--months 3] [--seed 1] [--json FILE]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.report import emit

COMMAND = [sys.executable, "-m", "dagster_project.cli"]
LIMIT_S = 180.0


@dataclass
class Outcome:
    """One kind of fault: how often tried, and what went wrong."""

    fault: str
    tried: int = 0
    lost: int = 0
    wrong: int = 0
    repairs: int = 0
    notes: set[str] = field(default_factory=set)

    def row(self) -> dict[str, Any]:
        return {
            "fault": self.fault,
            "tried": self.tried,
            "lost submissions": self.lost,
            "wrong published versions": self.wrong,
            "manual repairs": self.repairs,
            "note": "; ".join(sorted(self.notes)),
        }


@dataclass
class Bench:
    """A home, what was ever dropped into its inbox (SHA-256), and what it serves."""

    home: Path
    dropped: dict[str, str] = field(default_factory=dict)
    served: str = ""

    def environment(self) -> dict[str, str]:
        return {**os.environ, "TEW_HOME": str(self.home)}

    def tew(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    def start(self, limits: Callable[[], None] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, "refresh"],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=limits,
        )

    def drop(self, name: str, content: bytes) -> None:
        (self.home / "inbox" / name).write_bytes(content)
        self.dropped[hashlib.sha256(content).hexdigest()] = name

    def drop_note(self, number: int) -> None:
        """A small file that no form knows: it is received, told as unreadable, and counted like any other."""
        self.drop(f"note-{number}.csv", f"note,{number}\n".encode())

    def answers(self) -> bool:
        """The served version is one that was served before, or a newer whole one; and it answers."""
        done = self.tew("query", "select count(*) as n from marts.fct_indicator_progress", "--format", "csv")
        version = (self.home / "published" / "CURRENT").read_text(encoding="utf-8").strip()
        rows = [line for line in done.stdout.split() if line.isdigit()]
        sound = done.returncode == 0 and bool(rows) and int(rows[-1]) > 0 and version >= self.served
        self.served = version
        return sound

    def missing(self) -> list[str]:
        """Names of dropped files that the archive or the marts do not hold."""
        done = self.tew("query", "select distinct sha256 from marts.fct_submission", "--format", "json")
        try:
            known = {row["sha256"] for row in json.loads(done.stdout)}
        except (ValueError, KeyError, TypeError):
            return ["marts do not answer: " + (done.stderr or done.stdout)[-200:]]
        kept = {path.name.split(".")[0] for path in (self.home / "archive").rglob("*") if path.is_file()}
        return [name for sha, name in self.dropped.items() if sha not in known or sha not in kept]

    def recover(self, outcome: Outcome) -> None:
        """The next refresh, as the schedule would start it: nothing by hand."""
        try:
            done = self.tew("refresh")
        except subprocess.TimeoutExpired:
            outcome.repairs += 1
            outcome.notes.add(f"the next refresh hung for {LIMIT_S:.0f} s")
            return
        if done.returncode != 0:
            outcome.repairs += 1
            outcome.notes.add("next refresh: " + (done.stderr or done.stdout).strip().splitlines()[-1][:160])
        outcome.wrong += not self.answers()
        lost = self.missing()
        outcome.lost += len(lost)
        if lost:
            outcome.notes.add("lost: " + ", ".join(lost[:3]))


def killed(bench: Bench, kills: int, length_s: float, dice: random.Random) -> Outcome:
    """Up to five kills in a row, each with a new file before it, then one refresh left alone."""
    outcome = Outcome("SIGKILL at a random moment")
    while outcome.tried < kills:
        for _ in range(min(5, kills - outcome.tried)):
            outcome.tried += 1
            bench.drop_note(outcome.tried)
            refresh = bench.start()
            time.sleep(dice.uniform(0.0, length_s))
            os.killpg(refresh.pid, signal.SIGKILL)
            refresh.communicate()
            outcome.wrong += not bench.answers()
        bench.recover(outcome)
    return outcome


def file_limit(size: int) -> Callable[[], None]:
    """No file may grow beyond `size` bytes: the write that does fails as on a full disk."""

    def apply() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return apply


def disk_full(bench: Bench, dice: random.Random, times: int) -> Outcome:
    """Writes fail at several sizes: the journal's first byte, the store, the candidate, the published file."""
    outcome = Outcome("disk full (file size limit)")
    sizes = [0, 200, 4_096, 65_536, 400_000, 1_000_000, 3_000_000, 6_000_000]
    for number in range(times):
        outcome.tried += 1
        bench.drop_note(10_000 + number)
        refresh = bench.start(file_limit(sizes[number % len(sizes)] + dice.randrange(100)))
        try:
            text, _ = refresh.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(refresh.pid, signal.SIGKILL)
            text, _ = refresh.communicate()
            outcome.notes.add("hung on a full disk")
            outcome.repairs += 1
        if refresh.returncode != 0 and "Traceback" in text:
            outcome.notes.add("a traceback instead of a message: " + text.strip().splitlines()[-1][:120])
        outcome.wrong += not bench.answers()
        bench.recover(outcome)
    return outcome


def small_disk(bench: Bench) -> Outcome:
    """The whole home on a tmpfs with hardly any room left, where mounting is allowed."""
    outcome = Outcome("disk full (small mount)")
    mount = bench.home.parent / "small"
    mount.mkdir()
    size = sum(path.stat().st_size for path in bench.home.rglob("*") if path.is_file())
    command = ["mount", "-t", "tmpfs", "-o", f"size={size + 3_000_000}", "tmpfs", str(mount)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        outcome.notes.add("skipped: mounting is not allowed here")
        return outcome
    try:
        shutil.copytree(bench.home, mount / "home")
        twin = Bench(mount / "home", dict(bench.dropped), bench.served)
        twin.drop_note(20_000)
        outcome.tried += 1
        done = twin.tew("refresh")
        outcome.notes.add(f"exit {done.returncode}")
        outcome.wrong += not twin.answers()
        subprocess.run(["mount", "-o", f"remount,size={size * 8}", str(mount)], check=True)
        twin.recover(outcome)
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)
    return outcome


def two_at_once(bench: Bench) -> Outcome:
    outcome = Outcome("two refreshes at once", tried=1)
    bench.drop_note(30_000)
    both = [bench.start(), bench.start()]
    texts = [refresh.communicate(timeout=LIMIT_S)[0] for refresh in both]
    outcome.notes.add("exits " + ", ".join(str(refresh.returncode) for refresh in both))
    outcome.wrong += not bench.answers()
    if any("Traceback" in text for text in texts):
        outcome.notes.add("a traceback instead of a message")
    bench.recover(outcome)
    return outcome


def published_deleted(bench: Bench) -> Outcome:
    outcome = Outcome("published folder deleted by hand", tried=1)
    shutil.rmtree(bench.home / "published")
    bench.served = ""
    bench.drop_note(40_000)
    bench.recover(outcome)
    return outcome


def work_destroyed(bench: Bench) -> Outcome:
    """Nothing of the work database is needed: it can be made again from the archive."""
    outcome = Outcome("work database corrupt, then gone")
    work = bench.home / "work" / "warehouse.duckdb"
    for number, harm in enumerate(("garbage", "cut", "gone")):
        outcome.tried += 1
        if harm == "garbage":
            work.write_bytes(b"not a database" * 1000)
        elif harm == "cut":
            work.write_bytes(work.read_bytes()[: work.stat().st_size // 2])
        else:
            work.unlink()
        bench.drop_note(50_000 + number)
        outcome.wrong += not bench.answers()
        bench.recover(outcome)
    return outcome


def half_written(bench: Bench) -> Outcome:
    """A workbook arrives in halves: the cut one is told, the whole one is taken in as a delivery of its own."""
    outcome = Outcome("inbox file still being written", tried=1)
    source = next(path for path in sorted((bench.home / "inbox").glob("*.xlsx")))
    content = source.read_bytes()
    name = f"late-{source.name}"
    (bench.home / "inbox" / name).write_bytes(content[: len(content) // 2])
    half = bench.tew("refresh")
    outcome.notes.add(f"half a file: exit {half.returncode}")
    bench.drop(name, content)
    bench.recover(outcome)
    return outcome


def clock_back(bench: Bench) -> Outcome:
    """A file dated decades ago and one dated in the future are received like any other."""
    outcome = Outcome("file clocks set back and forward", tried=2)
    for number, moment in ((60_000, 0), (60_001, int(time.time()) + 10 * 365 * 86_400)):
        bench.drop_note(number)
        path = bench.home / "inbox" / f"note-{number}.csv"
        os.utime(path, (moment, moment))
    bench.recover(outcome)
    return outcome


def run(months: int, kills: int, seed: int, disk_times: int = 8) -> list[Outcome]:
    """All faults on one home, one after another, so that later ones meet what earlier ones left."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "home")
        bench.tew("demo", "--months", str(months))
        for path in (bench.home / "inbox").iterdir():
            bench.dropped[hashlib.sha256(path.read_bytes()).hexdigest()] = path.name
        first = bench.tew("refresh")
        if first.returncode != 0:
            raise SystemExit(f"the first refresh failed: {first.stderr[-2000:]}")
        bench.answers()
        bench.drop_note(0)
        started = time.perf_counter()
        bench.tew("refresh")
        length_s = time.perf_counter() - started
        return [
            killed(bench, kills, length_s, dice),
            disk_full(bench, dice, disk_times),
            small_disk(bench),
            two_at_once(bench),
            half_written(bench),
            clock_back(bench),
            work_destroyed(bench),
            published_deleted(bench),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--months", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    outcomes = run(options.months, options.kills, options.seed)
    emit("faults", [outcome.row() for outcome in outcomes], options.json)
    if any(outcome.lost or outcome.wrong or outcome.repairs for outcome in outcomes):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
