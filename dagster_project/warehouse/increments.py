"""Which years a refresh has to make anew, so that its cost follows the change and not the history.

Belongs here: comparing what dbt reads now with what it read for the version that serves, the first year that differs,
what is kept between refreshes, and the comparison with marts made whole. Does not belong here: how a model keeps its
earlier years (dbt/macros/changed.sql), running dbt (build.py), publishing (publish.py).

One condition makes this sound: no row of a model made by year depends on what was reported for a later year. So the years
before the first changed one stay as they are, and everything from it on is made again. What else such models read
(reference data, registers, closings) has no year: where it differs, everything is made whole. Inputs are compared by
content, never by what somebody noted about them; `compare` and tests/warehouse/test_increments.py hold it against a
whole build.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.settings import Settings
from dagster_project.warehouse import fingerprints, store
from dagster_project.warehouse.errors import BuildFailed
from dagster_project.warehouse.files import read_json, write_json
from dagster_project.warehouse.pointer import DATABASE, base_version, read_manifest, version_file

FOLDER = "compare"
# No year at all differs: what is made by year stays, the rest is made as always.
NEVER = date(9999, 1, 1)

# What models made by year read, by the year of their rows. Staging decides what was known; hash() of a row is DuckDB's.
BY_YEAR = {
    "cells": """
        SELECT year(o.period), count(*), sum(hash(o, s.file_name, s.status, s.withdrawn_at, s.known_from))
        FROM kept.staging.stg_observation o
        JOIN kept.staging.stg_submission s ON o.submission_id = s.submission_id GROUP BY 1
    """,
    "coverage": "SELECT year(period), count(*), sum(hash(t)) FROM kept.staging.stg_coverage t GROUP BY 1",
    "incidents": "SELECT year(occurred_on), count(*), sum(hash(t)) FROM kept.staging.stg_incident t GROUP BY 1",
    "submissions": """
        SELECT coalesce(year(period), 1), count(*), sum(hash(submission_id, form_code, period, status))
        FROM kept.staging.stg_submission GROUP BY 1
    """,
}
# What they read that has no year. `accidents`: with the first sign of a register, months before it change (domain.md K).
WHOLE = {
    "townships": "SELECT count(*), sum(hash(t)) FROM work.raw.township t",
    "closings": "SELECT count(*), sum(hash(t)) FROM kept.staging.stg_closing t",
    "register": "SELECT count(*), sum(hash(t)) FROM kept.staging.stg_roster t WHERE NOT is_provisional",
    "accidents": """
        SELECT
            EXISTS (FROM kept.staging.stg_incident WHERE status = 'accepted')
            OR EXISTS (
                FROM kept.staging.stg_coverage JOIN work.reference.forms USING (form_code) WHERE subject = 'incidents'
            )
            OR EXISTS (
                FROM kept.staging.stg_submission s JOIN work.reference.forms f ON s.form_code = f.form_code
                WHERE f.subject = 'incidents' AND s.status = 'accepted'
            ),
            NULL
    """,
}
# What dbt makes of all years, and models made by year read: known only after it ran.
WATCHED = ("int_enterprise_state", "int_enterprise_scope", "int_township_predecessor")


@dataclass(frozen=True)
class Plan:
    """What a build makes anew: everything where `since` is None (`why` says for what reason), else that year and those
    after it. `inputs` is what the plan was made from; `watched` what must come out as it was."""

    since: date | None
    why: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    watched: dict[str, Any] = field(default_factory=dict)


def state_file(settings: Settings) -> Path:
    """Which version the kept tables belong to and what they were made from; absent while a build is at work."""
    return settings.intermediate.with_suffix(".json")


def plan(settings: Settings) -> Plan:
    """Compare what would be read with what was read for the newest version; writes nothing."""
    kept = read_json(state_file(settings))
    if not isinstance(kept, dict) or not settings.intermediate.is_file():
        return Plan(None, "nothing is kept")
    version = base_version(settings)
    if version is None or kept.get("version") != version or not version_file(settings, version).is_file():
        return Plan(None, "what is kept belongs to another version")
    if kept.get("code") != _code(settings):
        return Plan(None, "the program changed")
    try:
        now = inputs(settings)
        since, why = first_changed(kept["inputs"], now)
        return Plan(since, why, now, kept["watched"])
    except (duckdb.Error, KeyError, TypeError, AttributeError, ValueError) as error:
        return Plan(None, f"what is kept cannot be read: {error!r}")


def first_changed(before: dict[str, Any], now: dict[str, Any]) -> tuple[date | None, str]:
    """From two results of `inputs` the first day of the first year that differs; None, and why, where no year stays."""
    if now["grain"] == "year":
        return None, "periods are years"
    for name in {*now["whole"], *before["whole"]}:
        if now["whole"].get(name) != before["whole"].get(name):
            return None, f"changed: {name}"
    changed = {
        int(year)
        for name, years in now["years"].items()
        for year in {*years, *before["years"].get(name, {})}
        if years.get(year) != before["years"].get(name, {}).get(year)
    }
    since = date(min(changed), 1, 1) if changed else NEVER
    if all(int(year) >= since.year for year in now["years"]["cells"]):
        return None, "every year is touched"
    return since, ""


def _code(settings: Settings) -> str:
    return f"{fingerprints.code(settings)} duckdb {duckdb.__version__}"


def inputs(settings: Settings) -> dict[str, Any]:
    """Digests of all that models made by year read; the staging views of an earlier build must be there."""
    with _attached(settings) as connection:
        return inputs_of(connection)


def inputs_of(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The same of a connection that holds `work` and `kept`."""
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'work' AND schema_name = 'reference' ORDER BY 1"
    ).fetchall()
    whole = {
        f"reference.{name}": _digest(connection, f'SELECT count(*), sum(hash(t)) FROM work.reference."{name}" t')
        for (name,) in tables
    }
    whole |= {name: _digest(connection, sql) for name, sql in WHOLE.items()}
    years = {
        name: {str(year): [count, str(total)] for year, count, total in connection.execute(sql).fetchall()}
        for name, sql in BY_YEAR.items()
    }
    grain = connection.execute("SELECT value FROM work.reference.settings WHERE key = 'period_grain'").fetchone()
    return {"whole": whole, "years": years, "grain": grain[0] if grain else "month"}


def watched(settings: Settings) -> dict[str, Any]:
    """Digests of WATCHED, as the last build left them."""
    with _attached(settings) as connection:
        return watched_of(connection)


def made_from(settings: Settings) -> dict[str, Any]:
    """What a whole build that has just ended was made from, for `remember`; empty where that cannot be told."""
    with suppress(duckdb.Error):
        return {"inputs": inputs(settings), "watched": watched(settings)}
    return {}


def watched_of(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The same of a connection that holds `kept`."""
    return {
        name: _digest(connection, f"SELECT count(*), sum(hash(t)) FROM kept.intermediate.{name} t") for name in WATCHED
    }


def _digest(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    row = connection.execute(sql).fetchone()
    return [str(value) for value in row or ()]


@contextmanager
def _attached(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """What is kept as `kept` and the work database as `work`, both read-only."""
    connection = store.connect(Path(":memory:"))
    try:
        for alias, path in (("work", settings.warehouse), ("kept", settings.intermediate)):
            connection.execute(f"ATTACH {store.literal(str(path))} AS {alias} (READ_ONLY)")
        yield connection
    finally:
        connection.close()


@dataclass(frozen=True)
class Settled:
    """A model or test that a build from a year on leaves out, since it would come out as it was."""

    unique_id: str
    name: str
    resource_type: str


def settled(settings: Settings) -> list[Settled]:
    """Views, and what is made of reference data alone: as they were while program and reference data are (`plan`).

    Models first; a test only where all that it reads is left out. Empty where dbt's manifest is not there.
    """
    manifest = read_json(settings.dbt_target_path / "manifest.json")
    nodes: dict[str, Any] = manifest["nodes"] if isinstance(manifest, dict) else {}

    @functools.cache
    def is_constant(unique_id: str) -> bool:
        if unique_id not in nodes:
            return unique_id.startswith("source.") and ".reference." in unique_id
        parents = nodes[unique_id]["depends_on"]["nodes"]
        return bool(parents) and all(is_constant(parent) for parent in parents)

    models = {
        unique_id
        for unique_id, node in nodes.items()
        if node["resource_type"] == "model"
        and node["config"]["materialized"] != "ephemeral"
        and (is_constant(unique_id) or node["config"]["materialized"] == "view")
    }
    tests = {
        unique_id
        for unique_id, node in nodes.items()
        if node["resource_type"] == "test"
        and node["depends_on"]["nodes"]
        and models >= set(node["depends_on"]["nodes"])
    }
    return [
        Settled(unique_id, nodes[unique_id]["name"], nodes[unique_id]["resource_type"])
        for unique_id in [*sorted(models), *sorted(tests)]
    ]


def begin(settings: Settings, chosen: Plan) -> bool:
    """The candidate as a copy of the version that what is kept belongs to, and the year told to dbt.

    False where that file is not as it was published: everything must be made whole then.
    """
    version = base_version(settings)
    manifest = None if version is None else read_manifest(settings, version)
    if version is None or manifest is None:
        return False
    shutil.copyfile(version_file(settings, version), settings.candidate)
    with settings.candidate.open("rb") as handle:
        if hashlib.file_digest(handle, "sha256").hexdigest() != manifest.get("sha256"):
            return False
    connection = store.connect(settings.intermediate)
    try:
        connection.execute("CREATE OR REPLACE TABLE main.changed AS SELECT ?::DATE AS since", [chosen.since])
    finally:
        connection.close()
    return True


def end(settings: Settings) -> None:
    """No later call of dbt shall take a part for the whole."""
    with suppress(duckdb.Error):
        connection = store.connect(settings.intermediate)
        try:
            connection.execute("DROP TABLE IF EXISTS main.changed")
        finally:
            connection.close()


def remember(settings: Settings, version: str, made_from: dict[str, Any]) -> None:
    """What is kept belongs to `version` from now on."""
    write_json(state_file(settings), {"version": version, "code": _code(settings), **made_from})


def forget(settings: Settings) -> None:
    """The next build makes everything whole."""
    state_file(settings).unlink(missing_ok=True)


# ------------------------------------------------------------------------------------------------- held against a whole


@dataclass(frozen=True)
class Difference:
    """A mart that is not as a whole build makes it: rows that only one of both has."""

    table: str
    published: int
    whole: int


class _WholeSettings(Settings):
    """The same home with a candidate and a dbt cache of its own."""

    @cached_property
    def candidate(self) -> Path:
        return self.work / FOLDER / DATABASE

    @cached_property
    def dbt_target_path(self) -> Path:
        return self.work / "dbt_compare"


def compare(settings: Settings, progress: Callable[[str], None] | None = None) -> list[Difference]:
    """The newest version held against marts made whole from the same rows, cell by cell; empty where they are equal.

    The caller holds the refresh lock and has seen that nothing new waits. Raises BuildFailed where the marts cannot be
    made. Readers notice nothing.
    """
    from dagster_project.warehouse import build

    version = base_version(settings)
    if version is None:
        raise BuildFailed("warehouse.nothing_to_build", file=settings.warehouse.name)
    own = _WholeSettings(**settings.model_dump())
    try:
        outcome = build.build(own, progress, judged=False)
        broken = [node for node in outcome.nodes if node.status != "success"]
        if outcome.error is not None or broken:
            raise BuildFailed(
                "warehouse.compare_failed",
                error=outcome.error or "; ".join(f"{n.name}: {n.message}" for n in broken[:3]),
            )
        return differences(version_file(settings, version), own.candidate)
    finally:
        shutil.rmtree(own.candidate.parent, ignore_errors=True)


def differences(published: Path, whole: Path) -> list[Difference]:
    """Tables of schema marts in two files whose rows are not the same, to the last digit."""
    connection = store.connect(Path(":memory:"))
    try:
        for alias, path in (("one", published), ("other", whole)):
            connection.execute(f"ATTACH {store.literal(str(path))} AS {alias} (READ_ONLY)")
        tables = connection.execute(
            "SELECT table_name, list(DISTINCT column_name ORDER BY column_name) FROM duckdb_columns() "
            "WHERE database_name IN ('one', 'other') AND schema_name = 'marts' GROUP BY 1 ORDER BY 1"
        ).fetchall()
        found = []
        for name, columns in tables:
            listed = ", ".join(f'"{column}"' for column in columns)
            rows = {side: f'SELECT {listed} FROM {side}.marts."{name}"' for side in ("one", "other")}
            counts = [
                connection.execute(f"SELECT count(*) FROM ({rows[left]} EXCEPT ALL {rows[right]})").fetchone()
                for left, right in (("one", "other"), ("other", "one"))
            ]
            only = [int(row[0]) if row else 0 for row in counts]
            if any(only):
                found.append(Difference(name, *only))
        return found
    finally:
        connection.close()
