"""From candidate to published version, and which one serves.

Belongs here: refusing what did not pass, making the file fit for readers, the manifest, the pointer CURRENT,
the list of versions, rollback, retention.
Does not belong here: building (build.py), reading (read.py).

A version is complete before anyone can see it: its folder is renamed into place, then the pointer is replaced.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.settings import Settings
from dagster_project.warehouse import build, closing, increments, store
from dagster_project.warehouse.archive import Journal, utc_now
from dagster_project.warehouse.errors import INTERNAL_ERROR, NothingPublished, PublishRefused
from dagster_project.warehouse.files import sync_directory, sync_file, write_atomic, write_json
from dagster_project.warehouse.pointer import (
    DATABASE,
    MANIFEST,
    current_version,
    read_manifest,
    rebuild_note,
    rollback_file,
    version_names,
)
from dagster_project.warehouse.read import PublishedReader

SCHEMA = "marts"
MACROS_SQL = Path(__file__).with_name("macros.sql")
# DuckDB's own number of the storage format, at byte 12 of the file: 64 is v1.0.0, read by every 1.x client.
STORAGE_NUMBER = 64
STAMP = "%Y%m%dT%H%M%SZ"
# Above this share of free blocks a file is copied instead of being renamed as it is.
MAX_FREE_SHARE = 0.25


@dataclass(frozen=True)
class Version:
    """One published version; `created_at` is UTC."""

    name: str
    is_current: bool
    created_at: str | None
    manifest: dict[str, Any]


def versions(settings: Settings) -> list[Version]:
    """Published versions, newest first."""
    current = current_version(settings)
    found = []
    for name in reversed(version_names(settings)):
        manifest = read_manifest(settings, name) or {}
        found.append(Version(name, name == current, manifest.get("created_at"), manifest))
    return found


def next_version(settings: Settings, now: datetime | None = None) -> str:
    """A name that sorts after every earlier one, whatever the clock says, and was never used: a living process
    would see the old rows at a path that is used twice."""
    journal = Journal(settings.journal).replay()
    known = [*version_names(settings), *journal.published, current_version(settings) or ""]
    last = max((name for name in known if _parts(name)), default="")
    stamp = (now or utc_now()).strftime(STAMP)
    last_stamp, last_number = _parts(last) or ("", 0)
    return f"{max(stamp, last_stamp)}-{last_number + 1:06d}"


def _parts(name: str) -> tuple[str, int] | None:
    stamp, _, number = name.rpartition("-")
    return (stamp, int(number)) if stamp and number.isdigit() else None


def publish(
    settings: Settings, result: build.BuildResult | None = None, report: Mapping[str, Any] | None = None
) -> str:
    """Make the candidate the served version; returns its name.

    `result` is the build's own result (default: the one that lies beside the candidate); `report` goes into the
    manifest. Raises PublishRefused where the build did not pass; what was published before then serves on.
    """
    outcome = result or build.load_result(settings)
    _refuse_unless_passed(settings, outcome)
    assert outcome is not None
    _refuse_to_lose(settings)
    _clear_leftovers(settings)
    version = next_version(settings)
    rows = finish_candidate(settings.candidate)
    folder = settings.published / f".{version}.new"
    folder.mkdir(parents=True)
    digest = _sha256(settings.candidate)
    size = settings.candidate.stat().st_size
    sync_file(settings.candidate)
    settings.candidate.replace(folder / DATABASE)
    build.result_file(settings).unlink(missing_ok=True)
    manifest = {
        "version": version,
        "created_at": utc_now().isoformat(timespec="seconds"),
        "position": outcome.position,
        "reference_fingerprint": outcome.facts.get("reference_folder_fingerprint"),
        "intake_fingerprint": outcome.facts.get("intake_fingerprint"),
        "code_fingerprint": outcome.facts.get("code_fingerprint"),
        "storage_version": build.STORAGE_VERSION,
        "sha256": digest,
        "size_bytes": size,
        "rows": rows,
        "build": {
            "seconds": outcome.seconds,
            "since": outcome.since,
            "whole": outcome.whole,
            "nodes": outcome.counts(),
            "warnings": [
                {"name": node.name, "rows": node.failures, "message": node.message} for node in outcome.warnings
            ],
        },
        "submissions": _submission_counts(settings),
        "report": dict(report or {}),
    }
    write_json(folder / MANIFEST, manifest)
    sync_directory(folder)
    folder.replace(settings.published / version)
    sync_directory(settings.published)
    point_to(settings, version)
    rollback_file(settings).unlink(missing_ok=True)
    rebuild_note(settings).unlink(missing_ok=True)
    Journal(settings.journal).append([{"event": "published", "version": version}])
    if outcome.made_from:
        increments.remember(settings, version, outcome.made_from)
    retain(settings)
    return version


def _refuse_unless_passed(settings: Settings, outcome: build.BuildResult | None) -> None:
    if outcome is None or not settings.candidate.is_file():
        raise PublishRefused("warehouse.no_candidate")
    if not outcome.ok:
        failed = outcome.failures
        named = "; ".join(_failure_line(node) for node in failed[:5]) or outcome.error or "?"
        raise PublishRefused("warehouse.build_not_passed", count=len(failed), failures=named)


def _refuse_to_lose(settings: Settings) -> None:
    """A fault of the program must not take out of force what serves now: a bad release would, without a word.

    A workbook on which the program fails at its first reading is rejected like any other, and holds nothing up.
    """
    version = current_version(settings)
    if version is None or not settings.warehouse.is_file():
        return
    connection = store.connect(settings.warehouse, read_only=True)
    try:
        failed = connection.execute(
            "SELECT DISTINCT s.submission_id, s.file_name FROM raw.issue i JOIN raw.submission s USING (submission_id) "
            "WHERE i.rule = ? AND s.status = 'rejected' ORDER BY 1",
            [INTERNAL_ERROR],
        ).fetchall()
    finally:
        connection.close()
    if not failed:
        return
    try:
        rows = PublishedReader(settings).query(
            "SELECT submission_id FROM marts.fct_submission WHERE status = 'accepted'"
        )[1]
    except (NothingPublished, duckdb.Error):
        return
    serving = {row[0] for row in rows}
    lost = [f"{submission} {name}" for submission, name in failed if submission in serving]
    if lost:
        raise PublishRefused("warehouse.would_lose", count=len(lost), files="; ".join(lost[:5]))


def _failure_line(node: build.NodeResult) -> str:
    line = f"{node.resource_type} {node.name}: {' '.join((node.message or node.status).split())}"
    if node.sample:
        line += " " + str(node.sample[0])
    return line


def finish_candidate(path: Path) -> dict[str, int]:
    """Leave tables and macros of schema marts alone in the file; returns row counts by table.

    Views become tables with their comments. A file with much free space is copied, so that readers get it small.
    """
    connection = store.connect(path)
    try:
        _drop_other_schemas(connection)
        _views_to_tables(connection)
        _add_macros(connection)
        tables = [
            row[0]
            for row in connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE schema_name = ? AND database_name = current_database() "
                "ORDER BY table_name",
                [SCHEMA],
            ).fetchall()
        ]
        if not tables:
            raise PublishRefused("warehouse.no_marts", schema=SCHEMA)
        rows: dict[str, int] = {}
        for table in tables:
            counted = connection.execute(f"SELECT count(*) FROM {SCHEMA}.{_quoted(table)}").fetchone()
            rows[table] = int(counted[0]) if counted else 0
        connection.execute("CHECKPOINT")
        row = connection.execute(
            "SELECT total_blocks, free_blocks FROM pragma_database_size() WHERE database_name = current_database()"
        ).fetchone()
    finally:
        connection.close()
    total, free = row or (0, 0)
    if _storage_number(path) != STORAGE_NUMBER or (total and free / total > MAX_FREE_SHARE):
        _copy_compact(path)
    if _storage_number(path) != STORAGE_NUMBER:
        raise PublishRefused("warehouse.wrong_storage", number=_storage_number(path), wanted=STORAGE_NUMBER)
    leftover = path.with_name(path.name + ".wal")
    if leftover.exists():
        raise PublishRefused("warehouse.not_checkpointed", file=leftover.name)
    return rows


def _drop_other_schemas(connection: duckdb.DuckDBPyConnection) -> None:
    schemas = [
        row[0]
        for row in connection.execute(
            "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal"
        ).fetchall()
    ]
    for schema in schemas:
        if schema not in (SCHEMA, "main"):
            connection.execute(f"DROP SCHEMA {_quoted(schema)} CASCADE")
    # Schema main cannot be dropped; what a tool left in it can.
    for kind, name in connection.execute(
        "SELECT 'TABLE', table_name FROM duckdb_tables() WHERE schema_name = 'main' "
        "AND database_name = current_database() UNION ALL SELECT 'VIEW', view_name FROM duckdb_views() "
        "WHERE schema_name = 'main' AND NOT internal AND database_name = current_database()"
    ).fetchall():
        connection.execute(f"DROP {kind} main.{_quoted(name)}")


def _add_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """The macros of macros.sql whose tables the file holds (each statement names its tables in a first comment)."""
    present = {
        row[0]
        for row in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = ? AND database_name = current_database()",
            [SCHEMA],
        ).fetchall()
    }
    for part in MACROS_SQL.read_text(encoding="utf-8").split("-- needs: ")[1:]:
        needed, _, statement = part.partition("\n")
        if set(needed.split()) <= present:
            connection.execute(statement)


def _views_to_tables(connection: duckdb.DuckDBPyConnection) -> None:
    views = connection.execute(
        "SELECT view_name, comment FROM duckdb_views() WHERE schema_name = ? AND NOT internal "
        "AND database_name = current_database()",
        [SCHEMA],
    ).fetchall()
    for name, comment in views:
        view = f"{SCHEMA}.{_quoted(name)}"
        columns = connection.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? "
            "AND database_name = current_database()",
            [SCHEMA, name],
        ).fetchall()
        made = f"{SCHEMA}.{_quoted(name + '__as_table')}"
        try:
            connection.execute(f"CREATE TABLE {made} AS SELECT * FROM {view}")
        except duckdb.Error as error:
            raise PublishRefused("warehouse.view_in_marts", view=name, error=error) from error
        connection.execute(f"DROP VIEW {view}")
        connection.execute(f"ALTER TABLE {made} RENAME TO {_quoted(name)}")
        if comment is not None:
            connection.execute(f"COMMENT ON TABLE {view} IS {store.literal(comment)}")
        for column, text in columns:
            if text is not None:
                connection.execute(f"COMMENT ON COLUMN {view}.{_quoted(column)} IS {store.literal(text)}")


def _copy_compact(path: Path) -> None:
    """Copy everything, macros and comments too, into a fresh file of the published storage format."""
    fresh = path.with_name("compact.duckdb")
    fresh.unlink(missing_ok=True)
    connection = store.connect(Path(":memory:"))
    try:
        connection.execute(f"ATTACH {store.literal(str(path))} AS made (READ_ONLY)")
        connection.execute(f"ATTACH {store.literal(str(fresh))} AS fresh (STORAGE_VERSION '{build.STORAGE_VERSION}')")
        connection.execute("COPY FROM DATABASE made TO fresh")
        connection.execute("CHECKPOINT fresh")
    finally:
        connection.close()
    fresh.replace(path)


def _storage_number(path: Path) -> int:
    header = path.open("rb").read(20) if path.stat().st_size >= 20 else b""
    return int.from_bytes(header[12:20], "little") if header[8:12] == b"DUCK" else -1


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _submission_counts(settings: Settings) -> dict[str, Any]:
    """Submissions by status in the work database, and the last one that is in this version."""
    if not settings.warehouse.is_file():
        return {}
    connection = store.connect(settings.warehouse, read_only=True)
    try:
        counts = dict(connection.execute("SELECT status, count(*) FROM raw.submission GROUP BY 1").fetchall())
        last = connection.execute("SELECT max(seq) FROM raw.submission").fetchone()
    finally:
        connection.close()
    return {"by_status": counts, "last_seq": last[0] if last else None}


def _clear_leftovers(settings: Settings) -> None:
    """Remove what a killed publication or deletion left; the caller holds the lock."""
    if settings.published.is_dir():
        for path in settings.published.iterdir():
            if path.name.startswith(".") and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.startswith(".") and path.name.endswith(".tmp"):
                path.unlink(missing_ok=True)


def point_to(settings: Settings, version: str) -> None:
    """Replace the pointer: readers see the former or this version, never neither."""
    write_atomic(settings.current, f"{version}\n".encode())


def rollback(settings: Settings, version: str) -> str:
    """Serve `version` again; returns the one that served before. Only the pointer moves.

    Until something new is published the choice stands: a refresh with nothing new compares with the newest
    version (`base`), not with the one that serves. Raises NothingPublished where there is no such version.
    """
    names = version_names(settings)
    if version not in names:
        raise NothingPublished("warehouse.no_such_version", version=version, known=", ".join(reversed(names)) or "-")
    before = current_version(settings) or ""
    if version == names[-1]:
        rollback_file(settings).unlink(missing_ok=True)
    else:
        write_json(
            rollback_file(settings),
            {"version": version, "base": names[-1], "at": utc_now().isoformat(timespec="seconds")},
        )
    point_to(settings, version)
    return before


def retain(settings: Settings) -> list[str]:
    """Remove versions beyond `settings.keep_versions`; returns their names.

    Never the served one, nor one newer than it, nor one that a month is frozen with. What cannot be removed (open on Windows) is tried next time.
    """
    names = version_names(settings)
    current = current_version(settings)
    if current is None:
        return []
    keep = set(names[-settings.keep_versions :]) | {name for name in names if name >= current}
    keep |= closing.kept_versions(settings)
    removed = []
    for name in names:
        if name in keep:
            continue
        doomed = settings.published / f".{name}.old"
        with suppress(OSError):
            (settings.published / name).replace(doomed)
            shutil.rmtree(doomed, ignore_errors=True)
            removed.append(name)
    return removed
