"""The process around the dashboard: what it holds open."""

from __future__ import annotations

import http.client
import os
import platform
import socket
import subprocess
import sys
from contextlib import ExitStack

from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.supervise import free_port
from tests.e2e.tabs import stop
from tests.program import environment


def test_a_reader_is_answered_beside_many_open_connections(home: Settings) -> None:
    """Waitress stops accepting at 100 connections unless told: every reader after that waited a minute."""
    port = free_port()
    command = [sys.executable, "-m", "dashboard.serve", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=PROJECT_ROOT, env={**os.environ, **environment(home)}, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        assert any(b"Serving on" in line for line in process.stderr)
        with ExitStack() as held:
            for _ in range(150):
                held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            one = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
            one.request("GET", "/healthz")
            assert one.getresponse().status in (200, 503)
    finally:
        stop(process)


def test_the_server_asks_the_allocator_for_few_heaps() -> None:
    """In a process of its own, since it alters the whole process. Where the C library is no glibc it changes nothing."""
    script = "import dashboard.serve as serve; print(serve._give_memory_back())"
    answer = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert answer == str(platform.libc_ver()[0] == "glibc")
