"""A served dashboard and a tab of a browser that reports everything it should not have seen.

Belongs here: starting the server, opening pages, watching them. Does not belong here: fixtures, what a page must show.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import urlparse

from playwright.sync_api import Browser, Page, Route

from dagster_project.settings import PROJECT_ROOT, Settings

LOCAL = {"127.0.0.1", "localhost"}
# The last: a sentence that names a percentage which its query did not fetch.
BAD_WORDS = re.compile(r"\bnan\b|\bNaN\b|\bNone\b|\bundefined\b|(?<![\d.])-0(?:\.0+)?(?![\d.])|—\s?%")
# What is read aloud or shown beside the pointer is text too.
SAID = """() => [...document.querySelectorAll("[title], [alt], [aria-label], [data-label]")].flatMap(node =>
  ["title", "alt", "aria-label", "data-label"].map(name => node.getAttribute(name) || "")).join("\\n")"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(page: Page, expression: str, argument: object = None, seconds: float = 30) -> None:
    """Wait for an expression of the page to hold. `wait_for_function` evaluates inside the page, which its policy forbids."""
    until = time.monotonic() + seconds
    while not page.evaluate(expression, argument):
        assert time.monotonic() < until, f"did not come true in {seconds} s: {expression}"
        page.wait_for_timeout(50)


def serve(settings: Settings, port: int | None = None) -> tuple[subprocess.Popen[bytes], str]:
    """The dashboard as it runs in production, on a free port or the one given; waits until it answers."""
    port = port or free_port()
    environment = {**os.environ, "TEW_HOME": str(settings.home), "TEW_SEEDS": str(settings.seeds)}
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.serve", "--port", str(port)], cwd=PROJECT_ROOT, env=environment
    )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=2).read()
            return process, address
        except urllib.error.HTTPError:
            return process, address
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.2)
    process.kill()
    raise AssertionError("the dashboard did not answer within 30 s")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=10)


@dataclass
class Watch:
    """What went wrong in one browser tab."""

    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def check(self, page: Page) -> None:
        """No console error, no request that leaves this machine, no leaked word in the text."""
        assert self.errors == []
        assert self.outside == []
        for text in (page.locator("body").inner_text(), page.evaluate(SAID)):
            assert BAD_WORDS.findall(text) == [], text


@dataclass
class Tab:
    page: Page
    watch: Watch
    address: str

    def open(self, path: str) -> Page:
        """Open an address of the dashboard and wait until the page is drawn."""
        self.page.goto(self.address + path)
        self.page.locator("h1").wait_for()
        self.page.wait_for_load_state("networkidle")
        return self.page


def new_tab(browser: Browser, address: str) -> Tab:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    watch = Watch()

    def filtered(route: Route) -> None:
        parts = urlparse(route.request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in LOCAL:
            watch.outside.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    page.route("**/*", filtered)
    page.on("console", lambda message: watch.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: watch.errors.append(str(error)))
    page.on(
        "response",
        lambda answer: watch.errors.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
    )
    return Tab(page, watch, address)
