"""The session of one refresh: the file lock, and what its steps hand on to each other.

Belongs here: the resource that every asset asks for. Does not belong here: the steps (assets.py).
https://docs.dagster.io/guides/build/external-resources

All steps of a run share one process, so the resource is made once a run: the lock is held from the first step to the
last, and what a step found out is there for the next without being written anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from dagster import InitResourceContext, ResourceDefinition, resource

from dagster_project.orchestration.instance import PROCESS_TAG, process_mark
from dagster_project.settings import Settings
from dagster_project.warehouse import pointer, refresh
from dagster_project.warehouse.build import BuildResult
from dagster_project.warehouse.lock import refresh_lock
from dagster_project.warehouse.readers import Readers
from dagster_project.warehouse.reception import Reception
from dagster_project.warehouse.refresh import Progress, RefreshReport, build_summary

if TYPE_CHECKING:
    from dagster_project.warehouse.taking_in import IngestReport

SESSION = "session"
# A run with this tag forgets the work database first, so that everything is read again from the archive.
REBUILD_TAG = "tew/rebuild"
# A run that meets another at work waits for it: longer than any build of a county takes.
LOCK_WAIT_S = 1800.0


@dataclass
class Session:
    """One refresh at work. `failed_step` and `error` tell where it ended, if it did; `readers` may be started already."""

    settings: Settings
    progress: Progress | None = None
    reception: Reception | None = None
    readers: Readers | None = None
    ingest: IngestReport | None = None
    build: BuildResult | None = None
    published: str | None = None
    is_nothing_new: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    failed_step: str | None = None
    error: Exception | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Tell that a step is at work, take its time, remember where the refresh ended."""
        if self.progress is not None:
            self.progress(name, 0, 0, "")
        started = time.monotonic()
        try:
            yield
        except Exception as error:
            self.failed_step, self.error = name, error
            raise
        finally:
            self.seconds[name] = round(time.monotonic() - started, 3)

    def report(self) -> RefreshReport:
        """The same report that `warehouse.refresh.run_refresh` gives."""
        status = "published" if self.published else "nothing_new" if self.is_nothing_new else "failed"
        return RefreshReport(
            status,
            published=self.published,
            serving=pointer.current_version(self.settings),
            reception=_as_dict(self.reception),
            ingest=_as_dict(self.ingest),
            build={} if self.build is None else build_summary(self.build),
            seconds=self.seconds,
        )


def _as_dict(part: Any) -> dict[str, Any]:
    return {} if part is None else asdict(part)


def session_resource(settings: Settings, session: Session | None = None) -> ResourceDefinition:
    """The session as a resource; `session` is given by the command line, which wants to read it afterwards."""

    @resource(description="The file lock of the home and what the steps of this refresh have found out.")
    def make(context: InitResourceContext) -> Iterator[Session]:
        run = context.run
        if run is not None and context.instance is not None and PROCESS_TAG not in run.tags:
            # Told before the lock is waited for: a run that waits is at work as well.
            context.instance.add_run_tags(run.run_id, {PROCESS_TAG: process_mark()})
        with refresh_lock(settings, wait_s=LOCK_WAIT_S):
            if run is not None and run.tags.get(REBUILD_TAG) == "true":
                refresh.discard_work(settings)
            yield session if session is not None else Session(settings)

    return make
