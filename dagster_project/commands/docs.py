"""`tew docs`: the tables of the published version documented by dbt, as one HTML file that needs no network.

Belongs here: where dbt writes it from and to. Does not belong here: descriptions (dbt/models/**/*.yml), the data
dictionary of indicators (commands/dictionary.py).

dbt reads column types from a copy of the published file, with a cache of its own, so that neither readers nor the next
refresh are disturbed.
"""

from __future__ import annotations

import json
import shutil
from functools import cached_property
from pathlib import Path

from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.commands.versions import published_file
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse.files import write_atomic

FOLDER = "docs"
# dbt's page loads its maker's visitor counter when it is opened: the one address in it that is ever asked.
COUNTER = b"//d1fc8wv8zag5ca.cloudfront.net/2.9.0/sp.js"
NO_COUNTER = b"data:text/javascript,"


class _DocsSettings(Settings):
    """The same home with a database and a dbt cache of its own."""

    @cached_property
    def candidate(self) -> Path:
        return self.work / FOLDER / "warehouse.duckdb"

    @cached_property
    def dbt_target_path(self) -> Path:
        return self.work / "dbt_docs"


def run(settings: Settings, output: Path) -> None:
    """Write the document; raises NothingPublished, and CommandError where dbt or the file system does not do it."""
    content = make(settings)
    try:
        write_atomic(output.resolve(), content)
    except OSError as error:
        raise CommandError("cli.output_failed", path=output, problem=error.strerror or error) from error
    out(Texts(settings.seeds).lines("cli.docs_written", path=output, megabytes=round(len(content) / 1e6, 1)))


def make(settings: Settings) -> bytes:
    """The document of the served version; raises NothingPublished and CommandError."""
    from dagster_project.warehouse import build

    published = published_file(settings)
    own = _DocsSettings(**settings.model_dump())
    own.candidate.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(published, own.candidate)
    try:
        command = build.arguments(own, "docs")
        place = command.index("docs") + 1
        outcome = build.invoke(own, [*command[:place], "generate", *command[place:], "--static"])
        page = own.dbt_target_path / "static_index.html"
        if not outcome.success or not page.is_file():
            raise CommandError("cli.docs_failed", problem=outcome.exception or "dbt")
        return _of_nowhere(page.read_bytes().replace(COUNTER, NO_COUNTER), own)
    finally:
        shutil.rmtree(own.candidate.parent, ignore_errors=True)


def _of_nowhere(page: bytes, settings: Settings) -> bytes:
    """The page without the folders of the machine that made it."""
    for folder in (settings.home, PROJECT_ROOT):
        page = page.replace(json.dumps(str(folder))[1:-1].encode("utf-8"), b".")
    return page
