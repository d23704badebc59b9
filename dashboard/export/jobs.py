"""Files too large for an answer: written by a process of their own while the page shows how far it is.

Belongs here: starting, telling, stopping, handing out, and the routes for it. Does not belong here: what the file holds
(large.py), how the page looks (assets/large.js).

A file is written only while its reader's page asks after it: a closed page, a sign-out or a session that ended stops the
process. A finished file is kept for an hour.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import flask

from dagster_project.settings import PROJECT_ROOT, Settings
from dashboard.access.gate import Gate
from dashboard.acting import is_from_our_page, refusal, sent, translator
from dashboard.data.catalogue import catalogue
from dashboard.data.store import NotPublished, Store
from dashboard.export.links import KINDS
from dashboard.i18n import Translator

# The page asks every second; a tab in the background asks once a minute at least.
WAITED_FOR_S = 90.0
KEPT_S = 3600.0
AT_ONCE = 2
LOOK_EVERY_S = 1.0


@dataclass
class Job:
    """One file on its way; `owner` is the account it is for, None without accounts."""

    target: Path
    name: str
    owner: str | None
    process: subprocess.Popen[str]
    told: dict[str, Any] = field(default_factory=dict)
    asked_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None

    @property
    def state(self) -> str:
        code = self.process.poll()
        return "running" if code is None else "ready" if code == 0 else "failed"


class Jobs:
    """The large files of one dashboard; safe for many threads."""

    def __init__(self, settings: Settings, waited_for_s: float = WAITED_FOR_S) -> None:
        self._settings = settings
        self._folder = settings.work / "exports"
        self._waited_for_s = waited_for_s
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None

    def start(self, owner: str | None, name: str, arguments: list[str]) -> str | None:
        """The token of a new file, None while as many as may be are being written. Raises OSError."""
        with self._lock:
            self._sweep()
            if sum(job.state == "running" for job in self._jobs.values()) >= AT_ONCE:
                return None
            if not self._jobs:
                # What a stopped dashboard left behind is nobody's any more.
                shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True, exist_ok=True)
            token = secrets.token_urlsafe(18)
            target = self._folder / token
            environment = {**os.environ, "TEW_HOME": str(self._settings.home), "TEW_SEEDS": str(self._settings.seeds)}
            process = subprocess.Popen(
                [sys.executable, "-m", "dashboard.export.large", *arguments, "--target", str(target)],
                cwd=PROJECT_ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
            job = self._jobs[token] = Job(target, name, owner, process)
            threading.Thread(target=_listen, args=(job,), name="large-export", daemon=True).start()
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="large-exports", daemon=True)
                self._watcher.start()
            return token

    def get(self, token: str, owner: str | None) -> Job | None:
        """The reader's own file; asking keeps it going."""
        with self._lock:
            job = self._jobs.get(token)
            if job is None or job.owner != owner:
                return None
            job.asked_at = time.monotonic()
            return job

    def stop(self, token: str) -> None:
        with self._lock:
            self._end(token)

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            with self._lock:
                self._sweep()
                if not self._jobs:
                    self._watcher = None
                    return

    def _sweep(self) -> None:
        """End what nobody waits for, and what was kept long enough."""
        now = time.monotonic()
        for token, job in list(self._jobs.items()):
            if job.state == "running":
                if now - job.asked_at > self._waited_for_s:
                    self._end(token)
                continue
            job.ended_at = job.ended_at or now
            if now - job.ended_at > KEPT_S:
                self._end(token)

    def _end(self, token: str) -> None:
        job = self._jobs.pop(token, None)
        if job is None:
            return
        if job.process.poll() is None:
            job.process.kill()
            job.process.wait(timeout=10)
        job.target.unlink(missing_ok=True)


def _listen(job: Job) -> None:
    """Read what the process says until it ends."""
    for line in job.process.stdout or ():
        try:
            job.told = json.loads(line)
        except ValueError:
            continue
    job.process.wait()


def install(server: flask.Flask, settings: Settings, store: Store, gate: Gate) -> Jobs:
    """Serve all cells in force as a file, for those who see the whole county and may export."""
    jobs = Jobs(settings)

    def owner() -> str | None:
        account = gate.account()
        return account.name if account else None

    def said(t: Translator, key: str, status: int, **fields: object) -> flask.Response:
        return refusal(t(key, **fields), status)

    def may() -> bool:
        return gate.may("may_export") and gate.scope().is_whole

    @server.post("/export/large")
    def begin() -> flask.Response:
        t = translator()
        if not may() or not is_from_our_page():
            gate.record("refused", path=flask.request.path, reason="export")
            return said(t, "export.refused", 403)
        asked = sent()
        kind, year = asked.get("kind"), asked.get("year")
        if kind not in KINDS or not (year is None or (isinstance(year, int) and 1900 <= year <= 9000)):
            return said(t, "large.unknown", 400)
        try:
            version, periods = store.draw(lambda snapshot: (snapshot.version, catalogue(snapshot).periods))
        except NotPublished:
            return said(t, "nothing.why", 503)
        since, until = (date(1900, 1, 1), date(9000, 1, 1)) if year is None else (date(year, 1, 1), date(year, 12, 1))
        # A target stands at its year's December, after the last month with figures.
        months = [period for period in periods if since <= period <= until]
        if not months:
            return said(t, "export.no_month", 404, month=year)
        span = f"{year}" if year else f"{months[0]:%Y-%m}_{months[-1]:%Y-%m}"
        arguments = ["--version", version, "--kind", kind, "--since", f"{since}", "--until", f"{until}"]
        try:
            token = jobs.start(
                owner(), f"{t('export.title.cells')}_{span}_{version}.{kind}", [*arguments, "--lang", t.lang]
            )
        except OSError as error:
            return said(t, "large.disk", 507, problem=error.strerror or str(error))
        if token is None:
            return said(t, "large.busy", 429)
        gate.record("export", path=flask.request.path, version=version, target=span)
        return flask.jsonify(token=token)

    @server.get("/export/large/<token>")
    def how_far(token: str) -> flask.Response:
        job = jobs.get(token, owner()) if may() else None
        if job is None:
            return said(translator(), "large.gone", 404)
        state = job.state
        problem = job.told.get("problem") or (translator()("large.failed") if state == "failed" else "")
        told = {"done": job.told.get("done", 0), "total": job.told.get("total", 0)}
        return flask.jsonify(state=state, problem=problem, peak_mb=job.told.get("peak_mb"), **told)

    @server.post("/export/large/<token>/stop")
    def stop(token: str) -> flask.Response:
        if jobs.get(token, owner()) is not None:
            jobs.stop(token)
        return flask.Response(status=204)

    @server.get("/export/large/<token>/file")
    def file(token: str) -> flask.Response:
        job = jobs.get(token, owner()) if may() else None
        if job is None or job.state != "ready":
            return flask.Response(translator()("large.gone"), status=404, mimetype="text/plain")
        kind = job.name.rpartition(".")[2]
        return flask.send_file(job.target, mimetype=KINDS[kind], as_attachment=True, download_name=job.name)

    return jobs
