"""Has the files of earlier days made, one after the other, by `tew as-of` in a process of its own.

Belongs here: the line of days that readers wait for. Does not belong here: how a file is made (warehouse/as_of.py).

A process of its own because dbt is no part of the dashboard's, and because a reader's wish must not slow the others'
pages. A day is made only while somebody waits for it: who asks for many days and leaves keeps nobody waiting.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from datetime import date

from dagster_project.settings import PROJECT_ROOT, Settings

LOG = logging.getLogger(__name__)
# The page asks about every other second (assets/asof.js).
WAITED_FOR_S = 15.0
LONGEST_S = 900.0
# So long a failure is told before the same day is tried again.
FAILURE_KEPT_S = 60.0
Key = tuple[str, date]


class Maker:
    """The line of days of one home; safe for many threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._asked: dict[Key, float] = {}
        self._failed: dict[Key, tuple[float, str]] = {}
        self._thread: threading.Thread | None = None

    def ask(self, version: str, day: date) -> str:
        """Have a day made; gives "" while it is, else why it could not be made just now."""
        key, now = (version, day), time.monotonic()
        with self._lock:
            self._failed = {one: kept for one, kept in self._failed.items() if now - kept[0] < FAILURE_KEPT_S}
            if key in self._failed:
                return self._failed[key][1]
            self._asked[key] = now
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="as-of", daemon=True)
                self._thread.start()
        return ""

    def _next(self) -> Key | None:
        """The day asked for first that somebody still waits for; None ends the thread."""
        with self._lock:
            since = time.monotonic() - WAITED_FOR_S
            self._asked = {key: at for key, at in self._asked.items() if at >= since}
            if not self._asked:
                self._thread = None
                return None
            return next(iter(self._asked))

    def _work(self) -> None:
        while (key := self._next()) is not None:
            problem = self._make(key[1])
            with self._lock:
                self._asked.pop(key, None)
                if problem:
                    self._failed[key] = (time.monotonic(), problem)

    def _make(self, day: date) -> str:
        """Run `tew as-of`; "" when it is done, else what it said."""
        environment = {**os.environ, "TEW_HOME": str(self._settings.home), "TEW_SEEDS": str(self._settings.seeds)}
        command = [sys.executable, "-m", "dagster_project.cli", "as-of", day.isoformat(), "--json"]
        try:
            done = subprocess.run(
                command,
                cwd=PROJECT_ROOT,
                env=environment,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=LONGEST_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            LOG.exception("the data as of %s could not be made", day)
            return type(error).__name__
        if done.returncode == 0:
            return ""
        LOG.error("the data as of %s could not be made: %s %s", day, done.stdout, done.stderr)
        return said(done.stdout) or said(done.stderr) or str(done.returncode)


def said(output: str) -> str:
    """The sentence of the last JSON line that holds one, in both languages."""
    for line in reversed(output.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and found.get("message_zh"):
            return f"{found['message_zh']} {found.get('message_en', '')}".strip()
    return ""
