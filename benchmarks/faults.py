"""Faults: what is lost, what is wrongly published, what needs a hand, when refreshes are killed or their ground gives way.

Kills a refresh of a small inbox at random moments (several in a row before one may finish), leaves it a disk with hardly any
room (more each time, until it comes through), a read-only one, another clock; starts two at once, lets a workbook arrive
in halves and another be written on and on, overwrites what the home keeps for itself, deletes what is published. After
each, three questions: does the version that was served still answer (or a whole new one)? is every workbook ever dropped in
the archive and in the marts after the next refresh? did that refresh need anything from a person? A message that is a
traceback is a fault too. What a machine does not allow (mounting, a compiler for the clock) is named as skipped.
Run: python -m benchmarks.faults [--kills 200] [--months 3] [--seed 1] [--only NAME …] [--json FILE]
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
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.report import emit

COMMAND = [sys.executable, "-m", "dagster_project.cli"]
# Far beyond a refresh of a few months on a busy machine: what takes longer hangs.
LIMIT_S = 900.0
# Rooms of the small disk: from none to more than a refresh of a few months needs.
ROOMS = (0, 20_000, 100_000, 400_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000, 32_000_000)
YEAR_S = 365 * 86_400
# The clock of one process and its children, moved: libc's functions before the real ones.
CLOCK_C = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static time_t moved(void) { const char *by = getenv("TEW_BENCH_CLOCK"); return by ? atol(by) : 0; }
int clock_gettime(clockid_t id, struct timespec *out) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(id, out);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) out->tv_sec += moved();
    return done;
}
int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"""


@dataclass
class Outcome:
    """One kind of fault: how often tried, and what went wrong."""

    fault: str
    tried: int = 0
    lost: int = 0
    wrong: int = 0
    repairs: int = 0
    tracebacks: int = 0
    notes: set[str] = field(default_factory=set)

    @property
    def is_sound(self) -> bool:
        return not (self.lost or self.wrong or self.repairs or self.tracebacks)

    def judge_text(self, text: str) -> None:
        """What a refresh said: never a traceback."""
        if "Traceback" in text:
            self.tracebacks += 1
            self.notes.add("traceback: " + text.strip().splitlines()[-1][:120])

    def row(self) -> dict[str, Any]:
        return {
            "fault": self.fault,
            "tried": self.tried,
            "lost submissions": self.lost,
            "wrong published versions": self.wrong,
            "manual repairs": self.repairs,
            "tracebacks": self.tracebacks,
            "note": "; ".join(sorted(self.notes)),
        }


@dataclass
class Bench:
    """A home, what was ever dropped into its inbox (SHA-256), and what it serves."""

    home: Path
    dropped: dict[str, str] = field(default_factory=dict)
    served: str = ""
    more: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {**os.environ, "TEW_HOME": str(self.home), **self.more}

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
        pointer = self.home / "published" / "CURRENT"
        version = pointer.read_text(encoding="utf-8", errors="replace").strip() if pointer.is_file() else ""
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
        outcome.judge_text(done.stdout + done.stderr)
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
        outcome.judge_text(text)
        outcome.wrong += not bench.answers()
        bench.recover(outcome)
    return outcome


@contextmanager
def small_mount(bench: Bench, outcome: Outcome) -> Iterator[tuple[Bench, Path, int] | None]:
    """A copy of the home on a disk of its own (tmpfs): (the copy, the mount, its bytes); None where mounting is not allowed."""
    mount = bench.home.parent / "small"
    mount.mkdir(exist_ok=True)
    if shutil.which("mount") is None or not _mounted("-t", "tmpfs", "-o", "size=1g", "tmpfs", str(mount)):
        outcome.notes.add("skipped: mounting is not allowed here")
        yield None
        return
    try:
        shutil.copytree(bench.home, mount / "home")
        twin = Bench(mount / "home", dict(bench.dropped), bench.served)
        twin.tew("refresh")
        yield twin, mount, shutil.disk_usage(mount).used
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)


def _mounted(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


def small_disk(bench: Bench, rooms: tuple[int, ...] = ROOMS) -> Outcome:
    """The whole home on a disk with hardly any room, more each time, so that another step's write fails each time."""
    outcome = Outcome("disk full (small mount)")
    steps: list[str] = []
    with small_mount(bench, outcome) as mounted:
        if mounted is None:
            return outcome
        twin, mount, _ = mounted
        for number, room in enumerate(rooms):
            twin.drop_note(20_000 + number)
            used = shutil.disk_usage(mount).used
            if not _mounted("-o", f"remount,size={used + room}", str(mount)):
                outcome.notes.add("skipped: this disk cannot be made smaller")
                return outcome
            outcome.tried += 1
            done = twin.tew("refresh")
            outcome.judge_text(done.stdout + done.stderr)
            steps.append(f"{room // 1000} kB {_step(done)}")
            outcome.wrong += not twin.answers()
            _mounted("-o", "remount,size=1g", str(mount))
            twin.recover(outcome)
    outcome.notes.add("stopped at: " + ", ".join(steps))
    return outcome


def _step(done: subprocess.CompletedProcess[str]) -> str:
    """The last step that a refresh announced, or that it came through."""
    if done.returncode == 0:
        return "none"
    told = [line.split("/")[-1].strip(" …") for line in done.stderr.splitlines() if line.endswith("…") and "/" in line]
    return told[-1] if told else "the beginning"


def read_only_disk(bench: Bench) -> Outcome:
    """The disk becomes read-only, as after an error of its own: the served version is read on, a refresh says so."""
    outcome = Outcome("read-only disk")
    with small_mount(bench, outcome) as mounted:
        if mounted is None:
            return outcome
        twin, mount, _ = mounted
        twin.drop_note(25_000)
        outcome.tried += 1
        if not _mounted("-o", "remount,ro", str(mount)):
            outcome.notes.add("skipped: this disk cannot be made read-only")
            return outcome
        done = twin.tew("refresh")
        outcome.judge_text(done.stdout + done.stderr)
        outcome.notes.add(f"exit {done.returncode}: " + (done.stderr.strip().splitlines() or ["-"])[-1][:160])
        outcome.wrong += done.returncode != 1 or not twin.answers()
        _mounted("-o", "remount,rw", str(mount))
        twin.recover(outcome)
    return outcome


def two_at_once(bench: Bench) -> Outcome:
    outcome = Outcome("two refreshes at once", tried=1)
    bench.drop_note(30_000)
    both = [bench.start(), bench.start()]
    texts = [refresh.communicate(timeout=LIMIT_S)[0] for refresh in both]
    outcome.notes.add("exits " + ", ".join(str(refresh.returncode) for refresh in both))
    outcome.wrong += not bench.answers()
    for text in texts:
        outcome.judge_text(text)
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


def own_files_destroyed(bench: Bench) -> Outcome:
    """What the home keeps for itself is overwritten, file by file: pointer, manifest, Dagster's storage, dbt's, notes."""
    outcome = Outcome("files of the home overwritten")
    home = bench.home
    files = [
        home / "published" / "CURRENT",
        *home.glob("dagster/**/*.db"),
        *home.glob("dagster/**/*.yaml"),
        *(
            path
            for path in (home / "work").rglob("*")
            if path.is_file() and path.suffix in (".json", ".msgpack", ".lock")
        ),
    ]
    # First the manifests, the oldest's and the served one's: by the end other versions stand there.
    manifests = sorted((home / "published").glob("*/manifest.json"))
    for number, path in enumerate([manifests[0], manifests[-1], *sorted({path for path in files if path.is_file()})]):
        if not path.is_file():
            # Cleared away by a refresh meanwhile, with what it belonged to.
            continue
        outcome.tried += 1
        path.write_bytes(b"\x00garbage\xff" * 50)
        bench.drop_note(55_000 + number)
        before = (outcome.lost, outcome.wrong, outcome.repairs, outcome.tracebacks)
        bench.recover(outcome)
        if (outcome.lost, outcome.wrong, outcome.repairs, outcome.tracebacks) != before:
            outcome.notes.add("not mended: " + path.relative_to(home).as_posix())
            print(f"not mended: {path.name}: {outcome.row()}", file=sys.stderr, flush=True)
    return outcome


def half_written(bench: Bench) -> Outcome:
    """A workbook arrives in halves: the cut one is told, the whole one is taken in as a delivery of its own. Another is
    written on and on while a refresh looks: it waits, and comes in whole."""
    outcome = Outcome("inbox file still being written", tried=2)
    source = next(path for path in sorted((bench.home / "inbox").glob("*.xlsx")))
    content = source.read_bytes()
    name = f"late-{source.name}"
    (bench.home / "inbox" / name).write_bytes(content[: len(content) // 2])
    half = bench.tew("refresh")
    outcome.notes.add(f"half a file: exit {half.returncode}")
    bench.drop(name, content)
    bench.recover(outcome)
    growing = bench.home / "inbox" / "note-growing.csv"
    known = _submissions(bench)
    ended = threading.Event()
    writer = threading.Thread(target=_write_on, args=(growing, ended))
    writer.start()
    bench.drop_note(58_000)
    met = bench.tew("refresh")
    ended.set()
    writer.join()
    outcome.judge_text(met.stdout + met.stderr)
    if met.returncode != 0 or _submissions(bench) != known + 1:
        outcome.wrong += 1
        outcome.notes.add("a file was taken in while it was written")
    bench.dropped[hashlib.sha256(growing.read_bytes()).hexdigest()] = growing.name
    bench.recover(outcome)
    return outcome


def _write_on(path: Path, ended: threading.Event) -> None:
    with path.open("wb") as handle:
        while not ended.is_set():
            handle.write(b"written,on,and,on\n")
            handle.flush()
            ended.wait(0.05)


def _submissions(bench: Bench) -> int:
    done = bench.tew("query", "select count(*) as n from marts.fct_submission", "--format", "csv")
    return int(done.stdout.split()[-1]) if done.returncode == 0 else -1


def clock_back(bench: Bench) -> Outcome:
    """Files dated decades ago and ahead, then the machine's own clock a year ahead, and back again."""
    outcome = Outcome("clocks set back and forward", tried=2)
    for number, moment in ((60_000, 0), (60_001, int(time.time()) + 10 * YEAR_S)):
        bench.drop_note(number)
        path = bench.home / "inbox" / f"note-{number}.csv"
        os.utime(path, (moment, moment))
    bench.recover(outcome)
    library = bench.home.parent / "clock.so"
    compiled = shutil.which("cc") and subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", str(library), "-x", "c", "-", "-ldl"],
        input=CLOCK_C,
        text=True,
        capture_output=True,
        check=False,
    )
    if not compiled or compiled.returncode != 0:
        outcome.notes.add("the machine's clock: skipped, no C compiler here")
        return outcome
    try:
        for number, by in enumerate((YEAR_S, 0, -YEAR_S, 0)):
            outcome.tried += 1
            bench.more = {"LD_PRELOAD": str(library), "TEW_BENCH_CLOCK": str(by)}
            bench.drop_note(61_000 + number)
            before = bench.served
            bench.recover(outcome)
            if bench.served <= before:
                outcome.wrong += 1
                outcome.notes.add(f"nothing newer was published with the clock at {by:+d} s")
    finally:
        bench.more = {}
    return outcome


def run(months: int, kills: int, seed: int, only: list[str] | None = None) -> list[Outcome]:
    """All faults (or `only` some) on one home, one after another, so that later ones meet what earlier ones left."""
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
        faults: dict[str, Callable[[], Outcome]] = {
            "killed": lambda: killed(bench, kills, length_s, dice),
            "disk_full": lambda: disk_full(bench, dice, 8),
            "small_disk": lambda: small_disk(bench),
            "read_only_disk": lambda: read_only_disk(bench),
            "two_at_once": lambda: two_at_once(bench),
            "half_written": lambda: half_written(bench),
            "clock_back": lambda: clock_back(bench),
            "own_files_destroyed": lambda: own_files_destroyed(bench),
            "work_destroyed": lambda: work_destroyed(bench),
            "published_deleted": lambda: published_deleted(bench),
        }
        if unknown := set(only or ()) - set(faults):
            raise SystemExit(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(faults)}")
        outcomes = []
        for name, fault in faults.items():
            if not only or name in only:
                outcomes.append(fault())
                print(f"{name}: {outcomes[-1].row()}", file=sys.stderr, flush=True)
        return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--months", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="names of the faults to try")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    outcomes = run(options.months, options.kills, options.seed, options.only)
    emit("faults", [outcome.row() for outcome in outcomes], options.json)
    if not all(outcome.is_sound for outcome in outcomes):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
