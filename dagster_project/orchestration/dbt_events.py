"""What dbt did, as Dagster tells it: models become materializations, tests become asset checks.

Belongs here: pure functions from a BuildResult to Dagster events and to one sentence about what failed.
Does not belong here: running dbt (warehouse/build.py), deciding whether to publish (warehouse/publish.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dagster import AssetCheckResult, AssetCheckSeverity, MaterializeResult
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from dagster_project.orchestration.metadata import markdown_table
from dagster_project.orchestration.translator import Translator
from dagster_project.warehouse.build import BuildResult, NodeResult

MODEL_TYPES = ("model", "seed", "snapshot")
FAILURES_NAMED = 10


def node_metadata(node: NodeResult) -> dict[str, Any]:
    """Seconds, message and the first failing rows of one node."""
    found: dict[str, Any] = {"status": node.status, "seconds": node.seconds}
    if node.failures:
        found["failing_rows"] = node.failures
    if node.message and node.status != "success":
        found["message"] = node.message
    if node.sample:
        names = list(node.sample[0])
        found["sample"] = markdown_table(names, ([row.get(name) for name in names] for row in node.sample))
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


def describe(build: BuildResult) -> str:
    """One sentence that names what failed: the model or test, its rows, dbt's message."""
    if build.error is not None and not build.failures:
        return build.error
    parts = []
    for node in build.failures[:FAILURES_NAMED]:
        rows = f" ({node.failures} rows)" if node.failures else ""
        message = " ".join((node.message or "").split())
        parts.append(f"{node.resource_type} {node.name}{rows}: {message}" if message else f"{node.name}{rows}")
    if len(build.failures) > FAILURES_NAMED:
        parts.append(f"… {len(build.failures) - FAILURES_NAMED} more")
    return "; ".join(parts) or "dbt reported no node as failed, but not success either"
