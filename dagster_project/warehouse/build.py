"""dbt in this process: the marts of the version being made, with their tests.

Belongs here: preparing the candidate file, dbt's environment and arguments, running it, what came of it.
Does not belong here: SQL (dbt/), whether the result may be published and how (publish.py).

In process, so that a kill stops everything at once (measured.md). The candidate's path never changes: another path
in the profile would make dbt parse everything anew.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import fingerprints, increments, spark, store
from dagster_project.warehouse.errors import BuildFailed
from dagster_project.warehouse.files import read_json, write_json

STORAGE_VERSION = "v1.0.0"
FAILED = frozenset({"error", "fail", "runtime error"})
SAMPLE_ROWS = 5

Progress = Callable[[str], None]


@dataclass
class NodeResult:
    """What became of one dbt node. `status`: success, pass, warn, fail, error, skipped; `failures` counts rows."""

    unique_id: str
    name: str
    resource_type: str
    status: str
    seconds: float
    message: str | None = None
    failures: int | None = None
    severity: str | None = None
    sample: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_failed(self) -> bool:
        return self.status in FAILED


@dataclass
class BuildResult:
    """One dbt build. `ok` only where every node ran and no test of severity error failed."""

    ok: bool
    seconds: float
    nodes: list[NodeResult] = field(default_factory=list)
    error: str | None = None
    position: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    # The first year made anew, YYYY, or why everything was; what the kept tables were made from (increments.py).
    since: str | None = None
    whole: str = ""
    made_from: dict[str, Any] = field(default_factory=dict)

    @property
    def failures(self) -> list[NodeResult]:
        return [node for node in self.nodes if node.is_failed]

    @property
    def warnings(self) -> list[NodeResult]:
        return [node for node in self.nodes if node.status == "warn"]

    def counts(self) -> dict[str, int]:
        """Nodes by status."""
        found: dict[str, int] = {}
        for node in self.nodes:
            found[node.status] = found.get(node.status, 0) + 1
        return found

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> BuildResult:
        return cls(**{**data, "nodes": [NodeResult(**node) for node in data["nodes"]]})


def environment(settings: Settings) -> dict[str, str]:
    """What dbt/profiles.yml reads, and what keeps dbt from calling home or writing into the project."""
    return {
        "TEW_DBT_WAREHOUSE": str(settings.warehouse),
        "TEW_DBT_CANDIDATE": str(settings.candidate),
        "TEW_DBT_KEPT": str(settings.intermediate),
        "TEW_DBT_TEMP": str(settings.work / "spill"),
        "TEW_DBT_AS_OF": settings.as_of_day,
        "DBT_TARGET_PATH": str(settings.dbt_target_path),
        "DBT_LOG_PATH": str(settings.dbt_target_path),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


@contextmanager
def dbt_environment(settings: Settings) -> Iterator[None]:
    """`environment` in force for the block, the former values after it."""
    wanted = environment(settings)
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def arguments(settings: Settings, command: str = "build", *rest: str) -> list[str]:
    """dbt's command line: no log file, no colours, no look at the network, partial parsing."""
    return [
        "--no-send-anonymous-usage-stats",
        "--no-version-check",
        "--no-use-colors",
        "--log-level-file",
        "none",
        "--log-level",
        "none",
        "--quiet",
        "--partial-parse",
        command,
        "--project-dir",
        str(settings.dbt_project),
        "--profiles-dir",
        str(settings.dbt_project),
        "--target-path",
        str(settings.dbt_target_path),
        "--target",
        settings.dbt_target,
        *rest,
    ]


def clear_candidate(settings: Settings, kept: bool = False) -> None:
    """Remove what an earlier build left; with `kept` all but the tables that stay from refresh to refresh."""
    folder = settings.candidate.parent
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file() and not (kept and path.name.startswith(settings.intermediate.name)):
            path.unlink()


def prepare_candidate(settings: Settings) -> Path:
    """An empty candidate in the storage format that DuckDB 1.x reads; dbt then opens and fills it.

    A file keeps the format it was made with (checked at publishing).
    """
    clear_candidate(settings)
    connection = duckdb.connect()
    try:
        target = store.literal(str(settings.candidate))
        connection.execute(f"ATTACH {target} AS candidate (STORAGE_VERSION '{STORAGE_VERSION}')")
    finally:
        connection.close()
    return settings.candidate


def close_dbt_connections() -> None:
    """Give back DuckDB's lock: dbt's adapter keeps it after `invoke`."""
    with suppress(ImportError):
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        with DuckDBConnectionManager._LOCK:
            environment_ = DuckDBConnectionManager._ENV
            if environment_ is not None:
                environment_.close()
        DuckDBConnectionManager.close_all_connections()
    gc.collect()


def invoke(settings: Settings, args: Sequence[str], callbacks: Sequence[Callable[[Any], None]] = ()) -> Any:
    """Run dbt in this process and return its dbtRunnerResult; its connections are closed afterwards."""
    with dbt_environment(settings):
        from dbt.cli.main import dbtRunner

        settings.dbt_target_path.mkdir(parents=True, exist_ok=True)
        (settings.work / "spill").mkdir(parents=True, exist_ok=True)
        try:
            return dbtRunner(callbacks=list(callbacks)).invoke(list(args))
        finally:
            close_dbt_connections()


def parse(settings: Settings) -> Path:
    """Write dbt's manifest without touching a database; returns its path. Raises BuildFailed."""
    result = invoke(settings, arguments(settings, "parse"))
    manifest = settings.dbt_target_path / "manifest.json"
    if not result.success or not manifest.is_file():
        raise BuildFailed("warehouse.dbt_parse_failed", error=result.exception or "no manifest")
    return manifest


def result_file(settings: Settings) -> Path:
    """Where a build leaves what came of it, beside the candidate: publishing reads it and refuses."""
    return settings.candidate.parent / "build.json"


def load_result(settings: Settings) -> BuildResult | None:
    """The candidate's own result, or None where no build was finished."""
    found = read_json(result_file(settings))
    return None if found is None else BuildResult.from_dict(found)


def _progress_callback(report: Progress | None) -> Callable[[Any], None]:
    def callback(event: Any) -> None:
        if report is not None and event.info.name in ("LogModelResult", "LogTestResult"):
            report(event.info.msg)

    return callback


def build(
    settings: Settings, progress: Progress | None = None, *, select: str | None = None, judged: bool = True
) -> BuildResult:
    """Make the candidate: every model and test of the dbt project, from schemas raw and reference.

    Years that nothing touched are taken over from the version that serves (increments.py); where such a build does not
    come out well, everything is made whole. `select` is dbt's node selection, for tests; without `judged` the models
    alone run. Neither result is publishable.
    Never raises for what models or tests do; BuildFailed where dbt or the work database cannot be used at all.
    """
    if not settings.warehouse.is_file():
        raise BuildFailed("warehouse.nothing_to_build", file=settings.warehouse.name)
    is_kept = judged and select is None and not spark.is_chosen(settings) and not settings.as_of_day
    chosen = increments.plan(settings) if is_kept else increments.Plan(None)
    increments.forget(settings)
    result = _made(settings, progress, chosen, select, judged)
    if chosen.since is not None and not result.ok:
        chosen = increments.Plan(None, result.whole or "the years made anew did not pass")
        result = _made(settings, progress, chosen, select, judged)
    if is_kept and result.ok and not result.made_from:
        result.made_from = increments.made_from(settings)
    write_json(result_file(settings), result.as_dict())
    return result


def _made(
    settings: Settings, progress: Progress | None, chosen: increments.Plan, select: str | None, judged: bool
) -> BuildResult:
    """One run of dbt over the candidate, whole or from a year on."""
    started = time.monotonic()
    if chosen.since is None:
        prepare_candidate(settings)
    else:
        clear_candidate(settings, kept=True)
        if not increments.begin(settings, chosen):
            return BuildResult(ok=False, seconds=0.0, whole="the published file is not as it was published")
    facts = _facts(settings)
    # Unit tests judge formulas over made-up rows: they belong to the tests of the project, not to every refresh.
    left_out = ["unit_test"] if judged else ["unit_test", "test"]
    rest = [word for kind in left_out for word in ("--exclude-resource-type", kind)]
    rest += ["--select", select] if select else []
    settled = [] if chosen.since is None else increments.settled(settings)
    if settled:
        # cautious: a test that reads anything else besides is made all the same
        rest += ["--indirect-selection", "cautious", "--exclude", *(one.name for one in settled)]
    command = arguments(settings, "build", *rest)
    if chosen.since is not None:
        # The manifest of the last whole build is this one's as well; writing it anew takes a second.
        command.insert(0, "--no-write-json")
    samples: dict[str, list[dict[str, Any]]] = {}
    if spark.is_chosen(settings):
        with spark.session(settings) as session:
            outcome = invoke(settings, command, [_progress_callback(progress)])
            samples = _samples(outcome, lambda sql: spark.rows(session, sql, SAMPLE_ROWS))
            if outcome.success:
                spark.collect(settings, session)
        error = _exception(outcome) or (_publish_macros(settings) if outcome.success else None)
    else:
        try:
            outcome = invoke(settings, command, [_progress_callback(progress)])
        finally:
            if chosen.since is not None:
                increments.end(settings)
        error = _exception(outcome)
        with _candidate_rows(settings) as rows:
            samples = _samples(outcome, rows)
    nodes = [_node_result(result) for result in getattr(outcome.result, "results", None) or []]
    if nodes:
        nodes = [*map(_as_it_was, settled), *nodes]
    for node in nodes:
        node.sample = samples.get(node.unique_id, [])
    if not nodes and error is None:
        error = "dbt ran no node"
    ok = bool(outcome.success) and bool(nodes) and error is None and not any(node.is_failed for node in nodes)
    made_from: dict[str, Any] = {}
    whole = chosen.why
    if ok and chosen.since is not None:
        found = increments.watched(settings)
        made_from = {"inputs": chosen.inputs, "watched": found}
        if found != chosen.watched:
            ok, whole = False, "the register of enterprises or townships came out differently"
    return BuildResult(
        ok=ok and select is None and judged,
        seconds=round(time.monotonic() - started, 3),
        nodes=nodes,
        error=error,
        position=facts.get("position"),
        facts=facts,
        since=None if chosen.since is None else f"{chosen.since:%Y}",
        whole=whole,
        made_from=made_from,
    )


def _facts(settings: Settings) -> dict[str, str]:
    """raw.meta as the build meets it: which journal position and reference data the candidate stands for."""
    connection = store.connect(settings.warehouse, read_only=True)
    try:
        facts = dict(connection.execute("SELECT key, value FROM raw.meta").fetchall())
    finally:
        connection.close()
    return {**facts, "code_fingerprint": fingerprints.code(settings)}


def _node_result(result: Any) -> NodeResult:
    node = result.node
    resource = getattr(node.resource_type, "value", str(node.resource_type))
    severity = getattr(node.config, "severity", None) if resource == "test" else None
    return NodeResult(
        unique_id=node.unique_id,
        name=node.name,
        resource_type=resource,
        status=getattr(result.status, "value", str(result.status)),
        seconds=round(float(result.execution_time or 0), 4),
        message=result.message,
        failures=result.failures,
        severity=None if severity is None else str(severity).lower(),
    )


def _as_it_was(node: increments.Settled) -> NodeResult:
    """What a build says of a node that it left out."""
    is_test = node.resource_type == "test"
    return NodeResult(
        unique_id=node.unique_id,
        name=node.name,
        resource_type=node.resource_type,
        status="pass" if is_test else "success",
        seconds=0.0,
        message="as it was",
        failures=0 if is_test else None,
        severity="error" if is_test else None,
    )


def _exception(outcome: Any) -> str | None:
    return None if outcome.exception is None else str(outcome.exception)


def _publish_macros(settings: Settings) -> str | None:
    """What only DuckDB can hold in the published file (marts.appraisal_score), by its own target; an error's words."""
    own = load_settings(**{**settings.model_dump(), "dbt_target": "duckdb"})
    own.__dict__["candidate"] = settings.candidate
    return _exception(invoke(own, arguments(own, "run-operation", "publish_appraisal_score")))


def _samples(outcome: Any, rows: Callable[[str], list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """By test that failed or warned its first failing rows, so that the report says where."""
    found = {}
    for result in getattr(outcome.result, "results", None) or []:
        node, status = result.node, getattr(result.status, "value", str(result.status))
        code = getattr(node, "compiled_code", None)
        if status in ("fail", "warn") and code and getattr(node.resource_type, "value", node.resource_type) == "test":
            found[node.unique_id] = rows(code)
    return found


@contextmanager
def _candidate_rows(settings: Settings) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """The first rows of a query over the candidate as texts by column; none where the query cannot be run."""
    connection: duckdb.DuckDBPyConnection | None = None

    def rows(sql: str) -> list[dict[str, Any]]:
        nonlocal connection
        if connection is None:
            connection = store.connect(settings.candidate, read_only=True)
            for alias, path in (("work", settings.warehouse), ("kept", settings.intermediate)):
                if path.is_file():
                    connection.execute(f"ATTACH {store.literal(str(path))} AS {alias} (READ_ONLY)")
        with suppress(duckdb.Error):
            cursor = connection.execute(f"SELECT * FROM ({sql}) LIMIT {SAMPLE_ROWS}")
            names = [column[0] for column in cursor.description or []]
            return [
                {name: None if value is None else str(value) for name, value in zip(names, row, strict=True)}
                for row in cursor.fetchall()
            ]
        return []

    try:
        yield rows
    finally:
        if connection is not None:
            connection.close()
