"""Workbooks parsed in child processes, so that no file can take the process down, hold it up or fill its memory.

Belongs here: starting, watching and replacing children; turning a lost child into an issue of its file.
Does not belong here: what a child does (pool_worker.py), parsing (parse.py).
Why own children and not concurrent.futures: measured.md. They are never forks of the caller, who may be Dagster or a web
server with threads, but fresh interpreters; where the platform has it, the first forks a second once it has loaded and
before it has a thread of its own, which costs a fiftieth of another start. Each has a thread that keeps a few jobs ahead
of it, so that it never waits for a caller who is busy judging.
"""

from __future__ import annotations

import logging
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import IO, NamedTuple, Protocol, Self, TypeVar

from dagster_project.ingest.messages import Messages
from dagster_project.ingest.model import ParsedWorkbook
from dagster_project.ingest.pool_wire import receive, send, unpack
from dagster_project.ingest.pool_worker import FAILED, NO_FILE, OUT_OF_MEMORY, PARSED, READY
from dagster_project.reference import load_reference

log = logging.getLogger(__name__)

K = TypeVar("K")
FACTORY = "dagster_project.ingest.parse:parser"
# Jobs a child holds besides the one it works on, where they are small enough not to eat into its memory.
AHEAD = 3
SMALL_JOB = 1 << 20
# A further child starts when the caller has waited for answers twice as long as starting one costs the processor.
WORTH_A_CHILD_S = 0.4
# Files begun before they are asked for: so many, none larger.
BEGUN = 64
BEGUN_BYTES = 1 << 18
_START_S = 60.0
_TICK_S = 0.25
_LEAVE_S = 0.5
_ROOT = Path(__file__).resolve().parents[2]


class PoolError(RuntimeError):
    """No child can be started at all: the reference folder or the installation is at fault, not a workbook."""


class _Lost(Exception):
    """The child is gone; `key` is the message of its file."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class _Job(NamedTuple):
    """One file on its way through the pool: packed for the child, its name, and where the answer goes."""

    data: bytes
    file_name: str
    answer: Future[bytes | ParsedWorkbook]


class _Process(Protocol):
    """What the pool asks of a child's process: what subprocess.Popen offers of it."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    stderr: IO[bytes] | None

    def kill(self) -> None: ...

    def wait(self) -> object: ...


class _Forked:
    """The process that the first child forks. `ends` are its sides of the pipes, to be closed once that child has them.

    It is no child of ours, so that its number alone would not name it for certain: a descriptor of it does.
    """

    def __init__(self) -> None:
        source, stdin = os.pipe()
        stdout, sink = os.pipe()
        stderr, said = os.pipe()
        self.ends = (source, sink, said)
        self.stdin: IO[bytes] | None = os.fdopen(stdin, "wb")
        self.stdout: IO[bytes] | None = os.fdopen(stdout, "rb")
        self.stderr: IO[bytes] | None = os.fdopen(stderr, "rb")
        self._handle: int | None = None

    @staticmethod
    def is_possible() -> bool:
        if sys.platform != "linux":
            return False
        try:
            os.close(os.pidfd_open(os.getpid()))
        except OSError:
            return False
        return True

    def is_ready(self, process_id: int) -> None:
        """It has said its number, and waits for work."""
        if sys.platform == "linux":
            with suppress(OSError):
                self._handle = os.pidfd_open(process_id)

    def kill(self) -> None:
        if sys.platform == "linux" and self._handle is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        elif self.stdin is not None:
            # not forked yet, or just now: it ends where it finds nobody at the other end
            with suppress(OSError):
                self.stdin.close()

    def wait(self) -> None:
        """Until it has ended; its parent, the first child, needs no word of that."""
        handle, self._handle = self._handle, None
        if handle is not None:
            select.select([handle], [], [])
            os.close(handle)


class _Child:
    """One child process; used by one thread at a time. `deadline` (monotonic) is when its file has had its time."""

    def __init__(self, process: _Process, timeout_s: float) -> None:
        self.process = process
        self.timeout_s = timeout_s
        self.deadline: float | None = None
        self.is_expired = False
        self.waiting = 0  # jobs handed over and not answered
        # stderr is drained, else a talkative child would block; its end explains a child that cannot start
        self._said: deque[str] = deque(maxlen=40)
        self._drain = threading.Thread(target=self._listen, daemon=True)
        self._drain.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._said.append(line.decode("utf-8", "replace").rstrip())

    def expire(self, now: float) -> None:
        """Kill the child where its file has had its time."""
        if self.deadline is not None and now > self.deadline:
            self.is_expired = True
            self.process.kill()

    def wait_ready(self) -> None:
        """Raises PoolError where the child never comes up."""
        self.deadline = time.monotonic() + _START_S
        try:
            if (said := self._receive())[:1] == READY:
                if isinstance(self.process, _Forked):
                    self.process.is_ready(int(said[1:]))
                self.deadline = None
                return
        except _Lost:
            pass
        self.end()
        raise PoolError("the reading process does not start:\n" + "\n".join(self._said))

    def post(self, data: bytes) -> None:
        """Hand over one more job; raises _Lost."""
        assert self.process.stdin is not None
        self.waiting += 1
        if self.deadline is None:
            self.deadline = time.monotonic() + self.timeout_s
        try:
            send(self.process.stdin, data)
        except OSError:
            raise self._lost() from None

    def take(self) -> bytes:
        """The next answer; raises _Lost where none comes in time or the child is gone."""
        reply = self._receive()
        self.waiting -= 1
        self.deadline = time.monotonic() + self.timeout_s if self.waiting else None
        return reply

    def _receive(self) -> bytes:
        assert self.process.stdout is not None
        reply = receive(self.process.stdout)
        if reply is None:
            raise self._lost()
        return reply

    def _lost(self) -> _Lost:
        return _Lost("read.timeout" if self.is_expired else "read.crashed")

    def dismiss(self) -> None:
        """End the child in good order where it can be had: at the end of its jobs it collects what it forked. One that
        is busy has no time for that."""
        stdin = self.process.stdin
        if isinstance(self.process, subprocess.Popen) and not self.waiting and stdin is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                stdin.close()
                self.process.wait(timeout=_LEAVE_S)
        self.process.kill()

    def end(self) -> None:
        """End the child and free its pipes."""
        self.process.kill()
        self.process.wait()
        self._drain.join(timeout=5)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    log.debug("a pipe of a reading process was already broken")


class ParsePool:
    """Parses workbooks in up to `workers` child processes with a time and a memory limit for each file.

    Use as a context manager; its first child starts with it, on Linux with a second forked from it, others when they keep
    the caller waiting. `timeout_s` in seconds of wall clock, `memory_mb` MiB of address space (POSIX only). `factory` is 'module:function' that makes a parser of the reference
    folder; only tests give another. `messages` spares reading them again.
    """

    def __init__(
        self,
        seeds: Path,
        workers: int = 2,
        timeout_s: float = 10,
        memory_mb: int = 1024,
        factory: str = FACTORY,
        messages: Messages | None = None,
    ) -> None:
        self.seeds = Path(seeds).resolve()
        self.workers = max(1, workers)
        self.timeout_s = timeout_s
        self.memory_mb = memory_mb
        self.factory = factory
        self._messages = messages
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._begun: dict[tuple[str, bytes], _Job] = {}
        self._threads: list[threading.Thread] = []
        self._children: set[_Child] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._is_up = threading.Event()  # the first child has loaded, or cannot
        self._running = 0
        self._waited_s = 0.0

    def __enter__(self) -> Self:
        # at once: while it loads, the caller still prepares its own side
        forked = _Forked() if self.workers > 1 and _Forked.is_possible() else None
        first = self._start(forked)
        self._run(self._drive, first)
        self._running = 1
        if forked is not None:
            self._run(self._drive, self._keep(_Child(forked, self.timeout_s)))
            self._running = 2
        self._run(self._watch)
        return self

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="reading", daemon=True)
        self._threads.append(thread)
        thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        with self._lock:
            children = list(self._children)
        # the forked one first, so that the one that forked it can collect it
        children.sort(key=lambda child: not isinstance(child.process, _Forked))
        for child in children:
            child.dismiss()
        for _ in range(self.workers):
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        for child in children:
            child.end()

    def begin(self, content: bytes, file_name: str) -> None:
        """A file that will most likely be asked for: a child may read it while its caller is still at something else."""
        if len(content) <= BEGUN_BYTES and len(self._begun) < BEGUN:
            self._begun[file_name, content] = self._hand_in(content, file_name)

    def _hand_in(self, content: bytes | Path, file_name: str) -> _Job:
        data = pickle.dumps(
            (None, str(content.resolve()), file_name) if isinstance(content, Path) else (content, None, file_name),
            protocol=5,
        )
        job = _Job(data, file_name, Future())
        self._jobs.put(job)
        return job

    def parse_many(self, items: Iterable[tuple[K, bytes | Path, str]]) -> Iterator[tuple[K, ParsedWorkbook]]:
        """Parse (key, content or path, file name) and yield (key, ParsedWorkbook) in the order given, as they are done.

        Takes no more items ahead than keep the children busy. A file that kills, holds up or overfills its child comes
        back with one error issue. Raises PoolError where no child can be started.
        """
        if not self._threads:
            raise PoolError("ParsePool is a context manager: use it with `with`")
        waiting: deque[tuple[K, _Job]] = deque()
        for key, content, file_name in items:
            begun = None if isinstance(content, Path) else self._begun.pop((file_name, content), None)
            waiting.append((key, begun or self._hand_in(content, file_name)))
            while len(waiting) > self.workers * (AHEAD + 2) or (waiting and waiting[0][1].answer.done()):
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[K, _Job]]) -> tuple[K, ParsedWorkbook]:
        """The first result; an answer is unpacked here, in the caller's thread, so that ours only wait for pipes."""
        key, job = waiting.popleft()
        result = self._wait(job.answer, bool(waiting))
        return key, self._read_reply(result, job.file_name) if isinstance(result, bytes) else result

    def _wait(self, answer: Future[bytes | ParsedWorkbook], has_more: bool) -> bytes | ParsedWorkbook:
        """The answer. Where files wait and the caller has waited for a while, a further child starts: judging takes
        about as long as reading, so that one child keeps its caller busy unless files are slow or cores many."""
        if not answer.done():
            self._is_up.wait()
        while not answer.done() and has_more and self._running < self.workers:
            started = time.monotonic()
            try:
                answer.result(timeout=max(WORTH_A_CHILD_S - self._waited_s, 0.0))
            except TimeoutError:
                self._running += 1
                self._run(self._drive, None)
            finally:
                self._waited_s += time.monotonic() - started
        return answer.result()

    def parse_one(self, content: bytes | Path, file_name: str) -> ParsedWorkbook:
        """One workbook through the pool."""
        return next(iter(self.parse_many([(None, content, file_name)])))[1]

    def _drive(self, child: _Child | None) -> None:
        """A thread's work: keep one child busy, take its answers, put another in its place where it is lost."""
        is_ready = False
        posted: deque[_Job] = deque()  # jobs the child has, the one it works on first
        again: deque[_Job] = deque()  # jobs that a lost child had not begun
        while not self._closing.is_set():
            try:
                job = self._take(posted, again)
                if job is not None:
                    posted.append(job)
                    if child is None:
                        child, is_ready = self._start(), False
                    if not is_ready:
                        child.wait_ready()
                        is_ready = True
                        self._is_up.set()
                    child.post(job.data)
                elif posted:
                    assert child is not None
                    reply = child.take()
                    posted.popleft().answer.set_result(reply)
                else:
                    return
            except Exception as fault:  # none may end the thread: its caller waits for an answer
                if child is not None:
                    self._drop(child)
                    child = None
                self._lose(posted.popleft(), fault)
                again.extendleft(reversed(posted))
                posted.clear()
        for job in (*posted, *again):
            job.answer.set_exception(PoolError("the pool was closed while a file was read"))

    def _take(self, posted: deque[_Job], again: deque[_Job]) -> _Job | None:
        """The next job to hand over: at once where the child has none, else only small ones, and never too many."""
        if posted and (len(posted) > AHEAD or len(posted[-1].data) > SMALL_JOB):
            return None
        if again:
            return again.popleft() if not posted or len(again[0].data) <= SMALL_JOB else None
        try:
            job = self._jobs.get(block=not posted)
        except Empty:
            return None
        if job is not None and posted and len(job.data) > SMALL_JOB:
            again.append(job)
            return None
        return job

    def _lose(self, job: _Job, fault: Exception) -> None:
        """What a file comes to whose child is gone."""
        self._is_up.set()
        if self._closing.is_set():
            job.answer.set_exception(PoolError("the pool was closed while a file was read"))
        elif isinstance(fault, _Lost):
            job.answer.set_result(self._failed(job.file_name, fault.key, seconds=f"{self.timeout_s:g}"))
        else:
            job.answer.set_exception(fault)

    def _watch(self) -> None:
        """A thread's work: end children whose file has had its time."""
        while not self._closing.wait(min(_TICK_S, self.timeout_s / 4)):
            now = time.monotonic()
            with self._lock:
                children = list(self._children)
            for child in children:
                child.expire(now)

    def _read_reply(self, reply: bytes, file_name: str) -> ParsedWorkbook:
        kind, rest = reply[:1], reply[1:]
        if kind == PARSED:
            try:
                return unpack(rest)
            except (pickle.UnpicklingError, TypeError, ValueError, LookupError, ArithmeticError, EOFError) as fault:
                return self._failed(file_name, "read.internal", detail=str(fault))
        text = rest.decode("utf-8", "replace")
        if kind == NO_FILE:
            return self._failed(file_name, "read.missing_file", detail=text)
        if kind == OUT_OF_MEMORY:
            return self._failed(file_name, "read.memory")
        log.error("parsing %s failed:\n%s", file_name, text)
        head = text.splitlines()[0] if kind == FAILED and text else "?"
        return self._failed(file_name, "read.internal", detail=head)

    def _failed(self, file_name: str, key: str, **fields: str) -> ParsedWorkbook:
        if self._messages is None:
            # not before one is needed: hardly a file fails, and the pool shall start at once
            self._messages = Messages.load(load_reference(self.seeds))
        issue = self._messages.issue(key, "error", file=file_name, **fields)
        return ParsedWorkbook(file_name, "unknown", issues=[issue])

    def _start(self, forked: _Forked | None = None) -> _Child:
        """A fresh interpreter; with `forked`, it is to fork that one once it has loaded."""
        # -S below: what `site` would add to the path is found already, and finding it again costs a tenth of the start
        packages = (place for place in sys.path if place.endswith(("site-packages", "dist-packages")))
        path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH"), *packages]))
        # the first reader writes a stack for each panic; the issue says what a person needs
        environment = {**os.environ, "PYTHONPATH": path, "RUST_BACKTRACE": "0"}
        command = [sys.executable, "-S", "-m", "dagster_project.ingest.pool_worker"]
        ends = () if forked is None else forked.ends
        try:
            process = subprocess.Popen(
                [*command, str(self.seeds), self.factory, str(self.memory_mb), str(self.timeout_s), *map(str, ends)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                pass_fds=ends,
            )
        finally:
            for end in ends:
                os.close(end)
        return self._keep(_Child(process, self.timeout_s))

    def _keep(self, child: _Child) -> _Child:
        with self._lock:
            if not self._closing.is_set():
                self._children.add(child)
                return child
        child.end()
        raise PoolError("the pool was closed")

    def _drop(self, child: _Child) -> None:
        with self._lock:
            self._children.discard(child)
        child.end()
