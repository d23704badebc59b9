"""What a result depends on besides the received files: code and reference data, as content hashes.

Belongs here: which files decide what is read, and which decide what is published.
Does not belong here: the journal's position (archive.py), comparing (refresh.py).

Contents, not version numbers: a changed parser reads everything again also where nobody raised a number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from dagster_project import reference as reference_data
from dagster_project.reference import SCHEMA_FILE, Reference
from dagster_project.settings import Settings

PACKAGE = Path(__file__).resolve().parent.parent
LEFT_BY_DBT = frozenset({"target", "logs", "dbt_packages"})
DBT_SUFFIXES = (".sql", ".yml", ".yaml", ".csv")


def _digest(root: Path, paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources(*folders: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in (PACKAGE / folder).rglob("*")
        if path.suffix in (".py", ".sql", ".csv") and path.is_file()
    ]


def intake_code() -> str:
    """The code that turns workbooks into rows: ingest, audit, and how the store writes them."""
    here = Path(__file__).parent
    own = [here / name for name in ("store.py", "bulk.py", "taking_in.py", "schema.sql")]
    return _digest(PACKAGE, [*_sources("ingest", "audit"), *own, PACKAGE / "reference.py", SCHEMA_FILE])


def intake(reference: Reference) -> str:
    """Where it changes, everything is read again from the archive."""
    return hashlib.sha256(f"{reference.intake_fingerprint}{intake_code()}".encode()).hexdigest()


def dbt_project(settings: Settings) -> str:
    """The dbt project alone: what its manifest depends on."""
    project = settings.dbt_project
    files = [
        path
        for path in project.rglob("*")
        if path.suffix in DBT_SUFFIXES
        and path.relative_to(project).parts[0] not in LEFT_BY_DBT
        and not any(part.startswith(".") for part in path.relative_to(project).parts)
        and path.is_file()
    ]
    return _digest(project, files)


def code(settings: Settings) -> str:
    """Where it changes, the marts are made anew: the dbt project and the code of intake."""
    return hashlib.sha256(f"{dbt_project(settings)}{intake_code()}".encode()).hexdigest()


def reference(settings: Settings) -> str:
    """The reference folder, unparsed (fast path)."""
    return reference_data.fingerprint(settings.seeds)
