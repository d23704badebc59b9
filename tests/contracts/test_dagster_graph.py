"""The Dagster graph as it was agreed: a rename of an asset, job, schedule or sensor must show in review.

Meant to be so? Then write the snapshot anew and commit it with the change:

    python -m tests.contracts.test_dagster_graph --update
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, AssetSelection, Definitions, ScheduleDefinition

from dagster_project.definitions import build_defs
from dagster_project.orchestration.manifest import ensure_manifest
from dagster_project.settings import PROJECT_ROOT, Settings, load_settings

SNAPSHOT = Path(__file__).with_name("dagster_graph.json")
LAYERS = ("staging", "intermediate", "marts")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(home=tmp_path_factory.mktemp("graph") / "home")


@pytest.fixture(scope="module")
def defs(settings: Settings) -> Definitions:
    return build_defs(settings)


@pytest.fixture(scope="module")
def manifest(settings: Settings) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(ensure_manifest(settings).read_text(encoding="utf-8"))
    return loaded


def test_a_manifest_that_was_overwritten_is_made_anew(settings: Settings) -> None:
    kept = ensure_manifest(settings)
    before = kept.read_bytes()
    kept.write_bytes(b"\x00garbage\xff")
    assert (
        ensure_manifest(settings) == kept
        and json.loads(kept.read_bytes())["nodes"].keys() == json.loads(before)["nodes"].keys()
    )


def describe(defs: Definitions) -> dict[str, Any]:
    """Everything by which others know the graph. dbt's models are left out: their files are the truth of them."""
    graph = defs.resolve_asset_graph()
    own = sorted(key for key in graph.get_all_asset_keys() if key.path[0] not in LAYERS)
    repository = defs.get_repository_def()
    # as the code server does: a name given to two graphs shows only here
    repository.load_all_definitions()
    return {
        "assets": {
            key.to_user_string(): {
                "group": graph.get(key).group_name,
                "upstream": sorted(
                    parent.to_user_string() for parent in graph.get(key).parent_keys if parent.path[0] not in LAYERS
                ),
            }
            for key in own
        },
        "jobs": sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith("__")),
        "schedules": {
            schedule.name: {
                "job": schedule.job_name,
                "cron": schedule.cron_schedule,
                "time_zone": schedule.execution_timezone,
                "status": schedule.default_status.value,
            }
            for schedule in repository.schedule_defs
            if isinstance(schedule, ScheduleDefinition)
        },
        "sensors": {
            sensor.name: {
                "job": sensor.job_name if sensor.has_jobs else None,
                "minimum_interval_s": sensor.minimum_interval_seconds,
                "status": sensor.default_status.value,
            }
            for sensor in repository.sensor_defs
        },
    }


def test_the_graph_is_as_agreed(defs: Definitions) -> None:
    agreed = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert describe(defs) == agreed, f"meant to be so? then: python -m tests.contracts.{Path(__file__).stem} --update"


def model_files() -> set[tuple[str, str]]:
    """(layer, name) of every model file, those apart that dbt inlines (staging/reference is ephemeral)."""
    root = PROJECT_ROOT / "dbt" / "models"
    return {
        (path.relative_to(root).parts[0], path.stem)
        for path in root.rglob("*.sql")
        if "reference" not in path.relative_to(root).parts
    }


def test_every_model_is_an_asset_of_its_layer(defs: Definitions) -> None:
    keys = {tuple(key.path) for key in defs.resolve_asset_graph().get_all_asset_keys() if key.path[0] in LAYERS}
    assert keys == model_files()
    graph = defs.resolve_asset_graph()
    for key in keys:
        assert graph.get(AssetKey(list(key))).group_name == key[0]


def test_the_published_version_waits_for_every_mart(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    parents = {tuple(key.path) for key in graph.get(AssetKey("published_version")).parent_keys}
    assert parents == {key for key in model_files() if key[0] == "marts"}


def test_every_mart_comes_from_what_was_received_or_from_reference_data(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    sources = {AssetKey("raw_observations"), AssetKey("reference_tables")}
    for key in graph.get_all_asset_keys():
        if key.path[0] in LAYERS:
            assert AssetSelection.assets(key).upstream().resolve(graph) & sources, f"{key} hangs in the air"


def test_every_data_test_of_one_model_is_a_check(defs: Definitions, manifest: dict[str, Any]) -> None:
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    on_models = [node for node in tests if (node.get("attached_node") or "").startswith("model.")]
    checks = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    assert on_models and {node["name"] for node in on_models} <= checks


def test_every_model_has_a_description(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    marts = [key for key in graph.get_all_asset_keys() if key.path[0] == "marts"]
    assert [key.to_user_string() for key in marts if not graph.get(key).description] == []


def test_job_takes_everything(defs: Definitions) -> None:
    job = defs.resolve_job_def("refresh")
    assert job.asset_layer.executable_asset_keys == defs.resolve_asset_graph().get_all_asset_keys()


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        found = describe(build_defs(load_settings(home=Path(folder) / "home")))
    SNAPSHOT.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
