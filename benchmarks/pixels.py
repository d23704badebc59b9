"""When a page in Chromium stopped changing, and what it cost to fetch.

Belongs here: the watch that several benchmarks share: the last changed picture by the browser's own screencast (which sees
canvases and images too), bytes by its network log. Does not belong here: what is opened, limits, tables.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

# A page counts as drawn when no picture changed for this long.
QUIET_SECONDS = 0.7
WAIT_SECONDS = 30.0


@dataclass
class Watched:
    """One tab whose pictures and bytes are noted as they come."""

    page: Page
    frames: list[float] = field(default_factory=list)
    received: float = 0.0
    requests: int = 0
    last: str = ""

    def settle(self, since: float, quiet: float = QUIET_SECONDS, after: float = 0.0) -> float:
        """Seconds from `since` to the last picture that changed; waits until `quiet` seconds brought no other.

        `after` is the least time to watch. Raises TimeoutError where the page never rests or never changes.
        """
        limit = time.time() + WAIT_SECONDS
        while time.time() < limit:
            self.page.wait_for_timeout(40)
            shown = [at for at in self.frames if at >= since]
            now = time.time()
            if shown and now - shown[-1] >= quiet and now - since >= after:
                return shown[-1] - since
        raise TimeoutError(f"the page did not come to rest within {WAIT_SECONDS:.0f} s: {self.page.url}")


def watch(context: BrowserContext) -> Watched:
    """A new tab with its screencast and network log running."""
    page = context.new_page()
    seen = Watched(page)
    session = context.new_cdp_session(page)

    def pictured(event: dict[str, Any]) -> None:
        # The browser sends a picture again when it has nothing else to do: only another one is a change.
        if event["data"] != seen.last:
            seen.frames.append(float(event["metadata"].get("timestamp") or time.time()))
        seen.last = event["data"]
        session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    def loaded(event: dict[str, Any]) -> None:
        seen.received += event["encodedDataLength"]
        seen.requests += 1

    def streamed(event: dict[str, Any]) -> None:
        # What comes through a websocket counts as well: some servers send their pages there.
        seen.received += len(event["response"]["payloadData"])

    session.on("Page.screencastFrame", pictured)
    session.on("Network.loadingFinished", loaded)
    session.on("Network.webSocketFrameReceived", streamed)
    session.send("Network.enable")
    session.send("Page.startScreencast", {"format": "jpeg", "quality": 60, "everyNthFrame": 1})
    return seen


@dataclass(frozen=True)
class Load:
    """One load of a page: seconds to its last picture, bytes and requests over the network."""

    seconds: float
    received: float
    requests: int


def load(context: BrowserContext, address: str, is_there: str, quiet: float = QUIET_SECONDS) -> Load:
    """Open `address` in a new tab of `context` and close it; `is_there` is a selector that only the whole page has."""
    seen = watch(context)
    started = time.time()
    seen.page.goto(address, wait_until="commit")
    seen.page.locator(is_there).first.wait_for(timeout=WAIT_SECONDS * 1000)
    seconds = seen.settle(started, quiet)
    seen.page.close()
    return Load(seconds, seen.received, seen.requests)


def loads(browser: Browser, address: str, is_there: str, times: int) -> tuple[list[Load], list[Load]]:
    """Cold loads, each in a browser without a cache, and for each a warm one in the same browser after it."""
    cold, warm = [], []
    for _ in range(times):
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        cold.append(load(context, address, is_there))
        warm.append(load(context, address, is_there))
        context.close()
    return cold, warm


def change(seen: Watched, act: Callable[[], None], is_changed: Callable[[], bool], quiet: float = 0.35) -> float:
    """Seconds from just before `act` to the last picture it changed; `is_changed` must come true."""
    started = time.time()
    act()
    limit = started + WAIT_SECONDS
    while not is_changed():
        if time.time() > limit:
            raise TimeoutError("the change did not show")
        seen.page.wait_for_timeout(20)
    # The picture of the change comes after the change itself.
    return seen.settle(started, quiet, time.time() - started + quiet)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]
