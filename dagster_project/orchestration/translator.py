"""How dbt's nodes are named in Dagster: keys, groups, descriptions; one place, so that a rename shows in one test.

Belongs here: the mapping from dbt's manifest to asset keys. Does not belong here: running dbt (warehouse/build.py).
https://docs.dagster.io/integrations/libraries/dbt
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster import AssetKey
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

RAW_OBSERVATIONS = AssetKey("raw_observations")
REFERENCE_TABLES = AssetKey("reference_tables")
RECEIVED_FILES = AssetKey("received_files")
PUBLISHED_VERSION = AssetKey("published_version")

# dbt's sources by schema; every table of one schema is written by one step, so it is one asset.
SOURCE_KEYS = {"raw": RAW_OBSERVATIONS, "reference": REFERENCE_TABLES}


def layer(properties: Mapping[str, Any]) -> str:
    """staging, intermediate or marts: the folder of the model."""
    fqn = properties["fqn"]
    return str(fqn[1]) if len(fqn) > 2 else "other"


class Translator(DagsterDbtTranslator):
    """Asset key of a model is `layer/name`; its description is the YAML's, without SQL."""

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
        return str(dbt_resource_props.get("description") or "")
