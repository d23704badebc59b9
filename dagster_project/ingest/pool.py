"""Workbooks parsed in child processes, so that no file can take the process down, hold it up or fill its memory.

Belongs here: starting, watching and replacing children; turning a lost child into an issue of its file.
Does not belong here: what a child does (pool_worker.py), parsing (parse.py).
Why own children and not concurrent.futures: measured.md. They are fresh interpreters, never forks, since the caller
may be Dagster or a web server with threads.
"""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import LifoQueue
from types import TracebackType
from typing import Self, TypeVar

from dagster_project.ingest.messages import Messages
from dagster_project.ingest.model import ParsedWorkbook
from dagster_project.ingest.pool_wire import receive, send, unpack
from dagster_project.ingest.pool_worker import FAILED, NO_FILE, OUT_OF_MEMORY, PARSED, READY, Parser
from dagster_project.reference import load_reference

log = logging.getLogger(__name__)

K = TypeVar("K")
FACTORY = "dagster_project.ingest.pool:parser"
_START_S = 60.0
_ROOT = Path(__file__).resolve().parents[2]


def parser(seeds: Path) -> Parser:
    """The real parser over the reference folder; children call it once, tests may call it in process."""
    from dagster_project.ingest.parse import parse
    from dagster_project.ingest.vocabulary import Vocabulary

    vocabulary = Vocabulary.load(load_reference(seeds))
    return lambda content, file_name: parse(content, file_name, vocabulary)


class PoolError(RuntimeError):
    """No child can be started at all: the reference folder or the installation is at fault, not a workbook."""


class _Lost(Exception):
    """The child is gone; `key` is the message of its file."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class _Child:
    """One child process; used by one thread at a time."""

    def __init__(self, seeds: Path, factory: str, memory_mb: int, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_ROOT), environment.get("PYTHONPATH")]))
        # the first reader writes a stack for each panic; the issue says what a person needs
        environment["RUST_BACKTRACE"] = "0"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "dagster_project.ingest.pool_worker",
                str(seeds),
                factory,
                str(memory_mb),
                str(timeout_s),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        self._ready = False
        # stderr is drained, else a talkative child would block; its end explains a child that cannot start
        self._said: deque[str] = deque(maxlen=40)
        self._drain = threading.Thread(target=self._listen, daemon=True)
        self._drain.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._said.append(line.decode("utf-8", "replace").rstrip())

    def _receive(self, seconds: float) -> bytes:
        """The next answer; raises _Lost where none comes in time or the child is gone."""
        assert self.process.stdout is not None
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self.process.kill()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            reply = receive(self.process.stdout)
        finally:
            timer.cancel()
        if reply is None:
            raise _Lost("read.timeout" if expired.is_set() else "read.crashed")
        return reply

    def ask(self, job: bytes) -> bytes:
        """The answer to one job; raises _Lost, or PoolError where the child never came up."""
        assert self.process.stdin is not None
        if not self._ready:
            try:
                if self._receive(_START_S) != READY:
                    raise _Lost("read.crashed")
            except _Lost:
                self.end()
                raise PoolError("the reading process does not start:\n" + "\n".join(self._said)) from None
            self._ready = True
        try:
            send(self.process.stdin, job)
        except OSError:
            raise _Lost("read.crashed") from None
        return self._receive(self.timeout_s)

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
    """Parses workbooks in `workers` child processes with a time and a memory limit for each file.

    Use as a context manager; its children start with it. `timeout_s` in seconds of wall clock,
    `memory_mb` MiB of address space (POSIX only). `factory` is 'module:function' that makes a parser of the reference
    folder; only tests give another.
    """

    def __init__(
        self,
        seeds: Path,
        workers: int = 2,
        timeout_s: float = 10,
        memory_mb: int = 1024,
        factory: str = FACTORY,
    ) -> None:
        self.seeds = Path(seeds).resolve()
        self.workers = max(1, workers)
        self.timeout_s = timeout_s
        self.memory_mb = memory_mb
        self.factory = factory
        self.messages = Messages.load(load_reference(self.seeds))
        self._threads: ThreadPoolExecutor | None = None
        self._idle: LifoQueue[_Child | None] = LifoQueue()
        self._children: set[_Child] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="reading")
        # at once: while they load, the caller still prepares its own side
        for _ in range(self.workers):
            self._idle.put(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        with self._lock:
            children = list(self._children)
        for child in children:
            child.process.kill()
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
        for child in children:
            child.end()

    def parse_many(self, items: Iterable[tuple[K, bytes | Path, str]]) -> Iterator[tuple[K, ParsedWorkbook]]:
        """Parse (key, content or path, file name) and yield (key, ParsedWorkbook) in the order given, as they are done.

        Takes no more items ahead than keep the children busy. A file that kills, holds up or overfills its child comes
        back with one error issue. Raises PoolError where no child can be started.
        """
        if self._threads is None:
            raise PoolError("ParsePool is a context manager: use it with `with`")
        waiting: deque[tuple[K, str, Future[bytes | ParsedWorkbook]]] = deque()
        for key, content, file_name in items:
            waiting.append((key, file_name, self._threads.submit(self._parse, content, file_name)))
            while len(waiting) > self.workers * 4 or (waiting and waiting[0][2].done()):
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[K, str, Future[bytes | ParsedWorkbook]]]) -> tuple[K, ParsedWorkbook]:
        """The first result; an answer is unpacked here, in the caller's thread, so that ours only wait for pipes."""
        key, file_name, future = waiting.popleft()
        result = future.result()
        return key, self._read_reply(result, file_name) if isinstance(result, bytes) else result

    def parse_one(self, content: bytes | Path, file_name: str) -> ParsedWorkbook:
        """One workbook through the pool."""
        return next(iter(self.parse_many([(None, content, file_name)])))[1]

    def _parse(self, content: bytes | Path, file_name: str) -> bytes | ParsedWorkbook:
        """A child's answer as it came, or the workbook that says why there is none."""
        is_path = isinstance(content, Path)
        job = pickle.dumps(
            (None if is_path else content, str(content.resolve()) if isinstance(content, Path) else None, file_name),
            protocol=5,
        )
        child = self._idle.get()
        try:
            if child is None:
                child = self._start()
            reply = child.ask(job)
        except _Lost as lost:
            if child is not None:
                self._drop(child)
                child = None
            if self._closed:
                raise PoolError("the pool was closed while a file was read") from None
            return self._failed(file_name, lost.key, seconds=f"{self.timeout_s:g}")
        except PoolError:
            if child is not None:
                self._drop(child)
                child = None
            raise
        finally:
            self._idle.put(child)
        return reply

    def _read_reply(self, reply: bytes, file_name: str) -> ParsedWorkbook:
        kind, rest = reply[:1], reply[1:]
        if kind == PARSED:
            try:
                return unpack(rest)
            except (pickle.UnpicklingError, TypeError, ValueError, KeyError, EOFError) as fault:
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
        issue = self.messages.issue(key, "error", file=file_name, **fields)
        return ParsedWorkbook(file_name, "unknown", issues=[issue])

    def _start(self) -> _Child:
        child = _Child(self.seeds, self.factory, self.memory_mb, self.timeout_s)
        with self._lock:
            self._children.add(child)
        return child

    def _drop(self, child: _Child) -> None:
        with self._lock:
            self._children.discard(child)
        child.end()
