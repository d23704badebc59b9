"""A county's home and servers for the benchmarks of pages.

Belongs here: making a home, starting and ending what serves it. Does not belong here: measuring (pixels.py).
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dagster_project import demo
from dagster_project.settings import PROJECT_ROOT, Settings, load_settings
from dagster_project.warehouse import refresh


def county(home: Path, months: int = 36) -> Settings:
    """Settings over `home`; an empty one is filled with the demonstration county and published first."""
    settings = load_settings(home=home, settle_seconds=0)
    if not settings.current.is_file():
        demo.write(settings.inbox, months=months)
        refresh.run_refresh(settings)
    return settings


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def process(command: Sequence[str], port: int, path: str, home: Path | None = None) -> Iterator[str]:
    """The address of a server started by `command`, once `path` answers; it is ended afterwards."""
    environment = dict(os.environ) if home is None else {**os.environ, "TEW_HOME": str(home)}
    server = subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            try:
                urllib.request.urlopen(address + path, timeout=5).read()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if server.poll() is not None:
                    raise RuntimeError(f"{command[0]} ended with {server.returncode}") from None
                time.sleep(0.2)
        else:
            raise RuntimeError(f"{command[0]} did not answer within 60 s")
        yield address
    finally:
        server.terminate()
        server.wait(timeout=15)
