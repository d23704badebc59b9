"""How dbt's nodes are named in Dagster: keys, groups, descriptions; one place, so that a rename shows in one test.

Belongs here: the mapping from dbt's manifest to asset keys. Does not belong here: running dbt (warehouse/build.py).
https://docs.dagster.io/integrations/libraries/dbt
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from dagster import AssetCheckSpec, AssetKey, AssetSpec
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

RAW_OBSERVATIONS = AssetKey("raw_observations")
REFERENCE_TABLES = AssetKey("reference_tables")
RECEIVED_FILES = AssetKey("received_files")
PUBLISHED_VERSION = AssetKey("published_version")

# dbt's sources by schema; every table of one schema is written by one step, so it is one asset.
SOURCE_KEYS = {"raw": RAW_OBSERVATIONS, "reference": REFERENCE_TABLES}

# The generic test `holds` (dbt/tests/generic).
MERGED = (
    "Key, filled columns, accepted values, references and rules of this table. Each rule that is broken comes back by its "
    "name, with how many rows break it and the key of one. Nothing is published then."
)


def layer(properties: Mapping[str, Any]) -> str:
    """staging, intermediate or marts: the folder of the model."""
    fqn = properties["fqn"]
    return str(fqn[1]) if len(fqn) > 2 else "other"


def opening_comment(code: str) -> str:
    """The comment that a model's SQL opens with, as one paragraph: models that are not published are described there."""
    lines = list(takewhile(lambda line: line.startswith("--"), code.strip().splitlines()))
    return " ".join(line.removeprefix("--").strip() for line in lines)


class Translator(DagsterDbtTranslator):
    """Asset key of a model is `layer/name`; its description is the YAML's, else the comment of its SQL."""

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(enable_asset_checks=True, enable_duplicate_source_asset_keys=True)
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return SOURCE_KEYS[dbt_resource_props["schema"]]
        return AssetKey([layer(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return layer(dbt_resource_props)

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        told = dbt_resource_props.get("description") or opening_comment(str(dbt_resource_props.get("raw_code") or ""))
        return str(told or f"See dbt/{dbt_resource_props.get('original_file_path', '')}.")

    def get_asset_check_spec(
        self, asset_spec: AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> AssetCheckSpec | None:
        """What a check looks at stands above its SQL; the merged test of a model says what it is made of."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None:
            return None
        test = manifest["nodes"][unique_id]
        return spec._replace(description=MERGED if test.get("test_metadata") else self.get_description(test))
