"""Jobs: `refresh`, from the inbox to the published version; shared by `tew refresh`, the schedule and the sensor.

Belongs here: which assets one run makes, and with which executor. Does not belong here: what they do (assets.py).
https://docs.dagster.io/guides/build/jobs
"""

from __future__ import annotations

from dagster import AssetSelection, define_asset_job, in_process_executor
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from dagster_project.orchestration.checks import CHECKS

REFRESH = "refresh"


def refresh_job() -> UnresolvedAssetJobDefinition:
    """All assets in one process: the file lock is held from the first to the last step, and a kill stops everything."""
    return define_asset_job(
        REFRESH,
        selection=AssetSelection.all() - AssetSelection.checks(*CHECKS),
        executor_def=in_process_executor,
        description="Takes in the inbox, audits, builds and tests the marts, publishes a new version.",
    )
