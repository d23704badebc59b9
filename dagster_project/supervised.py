"""The first thing that runs in a child of `tew up`: it makes sure that the child ends with its supervisor.

Belongs here: what has to be arranged inside the child before its real program replaces this one.
Does not belong here: starting, watching and stopping children (supervise.py). Standard library only: it costs 30 ms.

A function between fork and exec could do the same, but is not safe in a supervisor that has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """On Linux, ask the kernel for SIGTERM when the supervisor dies, however it dies; elsewhere do nothing.

    Exits at once where the supervisor (process id `parent`) is gone already.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)


def main(arguments: list[str]) -> None:
    """`supervised.py PARENT_PID PROGRAM ARGUMENT…`: becomes PROGRAM."""
    end_with_parent(int(arguments[0]))
    os.execv(arguments[1], arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
