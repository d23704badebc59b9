"""The child process of the pool: a fresh interpreter that parses one workbook after another, within limits.

Belongs here: limits of the own process, the loop over jobs.
Does not belong here: starting and replacing children (pool.py), parsing (parse.py).
Started as `python -m dagster_project.ingest.pool_worker SEEDS FACTORY MEMORY_MB TIMEOUT_S [DESCRIPTORS]`; jobs come on
stdin, answers go to stdout. With three descriptors it forks another like itself that uses those instead. It ends at the end of stdin, so that a killed parent leaves no orphan; an alarm of the operating system
ends it even inside a loop of the first reader that never gives the interpreter back.
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO

from dagster_project.ingest.model import ParsedWorkbook
from dagster_project.ingest.pool_wire import pack, receive, send

MIB = 1024 * 1024
# answers: one letter, then a packed workbook, a text, or the number of a process that is ready
PARSED, OUT_OF_MEMORY, FAILED, NO_FILE, READY = b"P", b"M", b"F", b"N", b"R"

Parser = Callable[[bytes, str], ParsedWorkbook]


def limit_memory(memory_mb: int) -> None:
    """Bound the address space of this process where the operating system can (not on Windows)."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = memory_mb * MIB
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def load(factory: str, seeds: Path) -> Parser:
    """The parser that 'module:function' makes of the reference folder."""
    module, _, name = factory.partition(":")
    parser: Parser = getattr(importlib.import_module(module), name)(seeds)
    return parser


def answer(parser: Parser, job: bytes) -> bytes:
    """The answer to one job; a fault of the parser is an answer too."""
    content, path, file_name = pickle.loads(job)
    try:
        if path is not None:
            content = Path(path).read_bytes()
    except OSError as fault:
        return NO_FILE + (fault.strerror or type(fault).__name__).encode()
    try:
        return PARSED + pack(parser(content, file_name))
    except MemoryError:
        return OUT_OF_MEMORY
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as fault:  # panics of the first reader are no Exception
        import traceback

        return FAILED + f"{type(fault).__name__}: {fault}\n{traceback.format_exc()}".encode("utf-8", "replace")


def serve(parser: Parser, source: IO[bytes], sink: IO[bytes], timeout_s: float) -> None:
    """Answer jobs until the source ends."""
    jobs: SimpleQueue[bytes] = SimpleQueue()

    def feed() -> None:
        while (job := receive(source)) is not None:
            jobs.put(job)
        if hasattr(os, "waitpid"):
            # the one that this process forked, if it did, has ended or is about to: it must not be left for others
            with suppress(ChildProcessError):
                os.waitpid(-1, 0)
        os._exit(0)

    threading.Thread(target=feed, daemon=True).start()
    send(sink, READY + str(os.getpid()).encode())
    while True:
        job = jobs.get()
        if hasattr(signal, "setitimer"):
            # longer than the parent waits: it strikes only where the parent is gone
            signal.setitimer(signal.ITIMER_REAL, timeout_s * 1.5 + 2)
        reply = answer(parser, job)
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        send(sink, reply)


def fork(ends: list[str]) -> tuple[IO[bytes], IO[bytes]] | None:
    """Another of this process, at the given descriptors for jobs, answers and errors: there it returns them, here None.

    Only before there is a thread. Each closes the pipes of the other, else it would seem alive behind its own end.
    """
    source, sink, said = map(int, ends)
    if os.fork() != 0:
        for end in (source, sink, said):
            os.close(end)
        return None
    os.dup2(source, 0)
    for standard in (1, 2):
        os.dup2(said, standard)
    os.close(source)
    os.close(said)
    return os.fdopen(0, "rb", closefd=False), os.fdopen(sink, "wb")


def main(arguments: list[str]) -> None:
    seeds, factory, memory_mb, timeout_s, *ends = arguments
    # a library that prints must not break the frames: stdout becomes stderr, answers have a descriptor of their own
    source: IO[bytes] = sys.stdin.buffer
    sink: IO[bytes] = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if hasattr(signal, "SIGINT"):
        # Ctrl-C goes to the whole group; the parent decides when its children end
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    parser = load(factory, Path(seeds))
    # what is loaded by now stays: no need to look through it for cycles again and again
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    if ends and (own := fork(ends)) is not None:
        sink.close()
        source, sink = own
    limit_memory(int(memory_mb))
    serve(parser, source, sink, float(timeout_s))


if __name__ == "__main__":
    main(sys.argv[1:])
