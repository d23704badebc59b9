"""The reading processes of one refresh: started as soon as the inbox is seen to hold something, so that they load while
it is copied into the archive.

Belongs here: when the pool starts, with which settings, and when it ends.
Does not belong here: the pool itself (ingest/pool.py), what is read in which order (taking_in.py).

Nothing heavy is imported at the top: a refresh with nothing new makes one of these and never starts it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dagster_project.settings import Settings
from dagster_project.warehouse import archive

if TYPE_CHECKING:
    from dagster_project.ingest.pool import ParsePool


class Readers:
    """Use as a context manager around receiving and taking in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: ParsePool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, where there are any; the next need starts others."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(None, None, None)

    def start_early(self) -> None:
        """Something is coming. What keeps a process from starting is told by `pool`, when it is needed."""
        from dagster_project.reference import ReferenceError
        from dagster_project.warehouse import mappings

        with suppress(OSError, ReferenceError):
            self.pool(mappings.seeds(self._settings))

    def begin(self, copied: archive.Copied) -> None:
        """A new file is in the archive and will soon be taken in: it may be read while others are still copied."""
        if self._pool is not None and copied.stored:
            # what is amiss with the archive is said when its turn comes
            with suppress(OSError, ValueError):
                content = archive.read_archived(self._settings, copied.sha256)
                self._pool.begin(content, archive.as_text(copied.found.path))

    def pool(self, seeds: Path) -> ParsePool:
        """The pool that reads by this folder of reference data; another than it was started with starts it anew."""
        from dagster_project.ingest.pool import ParsePool

        if self._pool is not None and self._pool.seeds != seeds.resolve():
            self.close()
        if self._pool is None:
            settings = self._settings
            pool = ParsePool(
                seeds,
                workers=settings.ingest_workers,
                timeout_s=settings.ingest_timeout_s,
                memory_mb=settings.ingest_memory_mb,
            )
            self._pool = pool.__enter__()
        return self._pool
