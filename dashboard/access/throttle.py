"""Slows down whoever guesses passwords: by name and by address.

Belongs here: counting failures in memory of the one server process. Does not belong here: accounts, HTTP.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

FREE_FAILURES = 5
FIRST_WAIT_S = 30.0
MAX_WAIT_S = 900.0
FORGOTTEN_AFTER_S = 3600.0
MAX_KEYS = 10_000


class Throttle:
    """After FREE_FAILURES failures a key waits 30 s, then twice as long each time, up to 15 minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, *keys: str) -> float:
        """Seconds until the next try is heard; 0 where it may come now."""
        now = self._clock()
        with self._guard:
            return max((self._left(key, now) for key in keys), default=0.0)

    def _left(self, key: str, now: float) -> float:
        count, last = self._failures.get(key, (0, 0.0))
        if count < FREE_FAILURES or now - last > FORGOTTEN_AFTER_S:
            return 0.0
        due = min(MAX_WAIT_S, FIRST_WAIT_S * 2.0 ** min(count - FREE_FAILURES, 10))
        return max(0.0, last + due - now)

    def failed(self, *keys: str) -> None:
        now = self._clock()
        with self._guard:
            for key in keys:
                count, last = self._failures.pop(key, (0, now))
                self._failures[key] = (1 if now - last > FORGOTTEN_AFTER_S else count + 1, now)
            while len(self._failures) > MAX_KEYS:
                self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        with self._guard:
            self._failures.pop(key, None)
