"""Serves the dashboard: `python -m dashboard.serve --host 127.0.0.1 --port 8050`.

Belongs here: the process around the application. Does not belong here: the application (app.py), other processes.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import logging
import sys

import waitress  # type: ignore[import-untyped, unused-ignore]

from dagster_project.settings import load_settings
from dashboard.access.accounts import Accounts
from dashboard.access.gate import LOOPBACK
from dashboard.app import create_app

# New objects before the collector looks at them: a page makes some ten thousand that all live as long as it is drawn.
YOUNG = 50_000
CONNECTIONS = 2_000
# glibc's malloc.h: parameters of mallopt, and what they are set to.
M_TRIM_THRESHOLD, M_ARENA_MAX = -1, -8
TRIM_BYTES, ARENAS = 128 * 1024, 2


def _give_memory_back() -> bool:
    """Few heaps and an early return of free memory, where the C library is glibc; whether it took both.

    By default each thread gets a heap of its own, and what one version's pages freed in it stays: with 40 versions the
    server held 355 MB and more with each, and 268 MB and no more so (benchmarks.load --copies). Before threads exist.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    taken = [mallopt(M_ARENA_MAX, ARENAS), mallopt(M_TRIM_THRESHOLD, TRIM_BYTES)]
    return all(taken)


def _spare_collections() -> None:
    """Take what importing made (400,000 objects that stay) out of the collector's rounds: each stopped a page for 70 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)


def main(arguments: list[str] | None = None) -> int:
    """Serve until the process is ended. Exit 1 where the address cannot be had, or others could reach it without accounts."""
    parser = argparse.ArgumentParser(prog="python -m dashboard.serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8050)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args(arguments)
    _give_memory_back()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = load_settings()
    if not Accounts(settings).exist():
        if options.host not in LOOPBACK:
            sys.stderr.write(
                f"no accounts: only this machine is served, not {options.host}; add one with tew user add\n"
            )
            return 1
        logging.getLogger(__name__).info("no accounts: only this machine is served")
    app = create_app(settings)
    _spare_collections()
    try:
        waitress.serve(
            app.server,
            host=options.host,
            port=options.port,
            threads=options.threads,
            ident=None,
            # Browsers keep several connections open each: at the default of 100 the next reader waits for one to time out.
            connection_limit=CONNECTIONS,
            # The default way of waiting takes no descriptor above 1023; Windows has no other.
            asyncore_use_poll=sys.platform != "win32",
        )
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
