"""What dbt did, as Dagster tells it: models become materializations, tests become asset checks.

Belongs here: pure functions from a BuildResult to Dagster events and to words about what failed.
Does not belong here: running dbt (warehouse/build.py), deciding whether to publish (warehouse/publish.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dagster import AssetCheckResult, AssetCheckSeverity, MaterializeResult, MetadataValue
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from dagster_project.commands.texts import Texts
from dagster_project.orchestration.metadata import markdown_table
from dagster_project.orchestration.translator import Translator
from dagster_project.warehouse.build import BuildResult, NodeResult

MODEL_TYPES = ("model", "seed", "snapshot")
FAILURES_NAMED = 10
ROWS_NAMED = 3


def node_metadata(node: NodeResult) -> dict[str, Any]:
    """Seconds, message and the first failing rows of one node."""
    found: dict[str, Any] = {"status": node.status, "seconds": node.seconds}
    if node.failures:
        found["failing_rows"] = node.failures
    if node.message and node.status != "success":
        found["message"] = node.message
    if node.sample:
        names = list(node.sample[0])
        rows = ([row.get(name) for name in names] for row in node.sample)
        found["sample"] = MetadataValue.md(markdown_table(names, rows))
    return found


def results(
    build: BuildResult, manifest: Mapping[str, Any], translator: Translator
) -> Iterator[MaterializeResult | AssetCheckResult]:
    """Events of one build, in its order. A failed or skipped model gives none: it was not made.

    A test that belongs to no single model (a singular test over several) cannot be a check; it counts in `describe`.
    """
    nodes = manifest["nodes"]
    for node in build.nodes:
        if node.unique_id not in nodes or node.status == "skipped":
            continue
        if node.resource_type in MODEL_TYPES:
            if not node.is_failed:
                key = translator.get_asset_key(nodes[node.unique_id])
                yield MaterializeResult(asset_key=key, metadata={"seconds": node.seconds})
        elif node.resource_type == "test":
            check = get_asset_check_key_for_test(manifest, translator, node.unique_id, None)
            if check is not None:
                is_warning = node.status == "warn" or node.severity == "warn"
                yield AssetCheckResult(
                    passed=node.status == "pass",
                    asset_key=check.asset_key,
                    check_name=check.name,
                    severity=AssetCheckSeverity.WARN if is_warning else AssetCheckSeverity.ERROR,
                    metadata=node_metadata(node),
                )


def _row(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)


def describe(build: BuildResult, texts: Texts) -> str:
    """What failed, one line each: the model or test with dbt's message, and below it the first rows that a test found."""
    if build.error is not None and not build.failures:
        return build.error
    parts = [_failure(node, texts) for node in build.failures[:FAILURES_NAMED]]
    if len(build.failures) > FAILURES_NAMED:
        parts.append(f"… +{len(build.failures) - FAILURES_NAMED}")
    return "\n".join(parts) or "dbt reported no node as failed, but not success either"


def _failure(node: NodeResult, texts: Texts) -> str:
    if node.failures:
        # dbt's own "Got 1 result, configured to fail if != 0" says no more than the number.
        said = " / ".join(texts.pair("run.rows_break", count=node.failures))
    else:
        said = " ".join((node.message or node.status).split())
    return f"{node.resource_type} {node.name}: {said}" + "".join(f"\n  {_row(row)}" for row in node.sample[:ROWS_NAMED])
