"""Assets: from the inbox to the published version. Thin wrappers; every body calls one function of warehouse/.

Belongs here: what depends on what, which function makes it, what its event says.
Does not belong here: the work itself (warehouse/), texts of metadata (metadata.py, dbt_events.py).
https://docs.dagster.io/guides/build/assets

    received_files -> raw_observations -> staging -> intermediate -> marts -> published_version
                      reference_tables ->

No postponed annotations here: Dagster reads the type of `context` when it meets a function.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    Failure,
    MaterializeResult,
    asset,
    multi_asset,
)
from dagster_dbt import dbt_assets

from dagster_project.commands.texts import Texts
from dagster_project.orchestration import dbt_events, findings, metadata
from dagster_project.orchestration.chores import problem
from dagster_project.orchestration.session import SESSION, Session
from dagster_project.orchestration.translator import (
    PUBLISHED_VERSION,
    RAW_OBSERVATIONS,
    RECEIVED_FILES,
    REFERENCE_TABLES,
    Translator,
    layer,
)
from dagster_project.reference import ReferenceError
from dagster_project.warehouse import pointer, refresh
from dagster_project.warehouse.errors import WarehouseError
from dagster_project.warehouse.readers import Readers

MARTS = "marts"


class BuildNotPassed(RuntimeError):
    """A model or test failed; the message names them. The events of the build tell the rest."""


@contextmanager
def told(session: Session, step: str) -> Iterator[None]:
    """One step: what people can put right fails it with its own words and what to do, in both languages, before any traceback."""
    try:
        with session.step(step):
            yield
    except (WarehouseError, ReferenceError, BuildNotPassed) as error:
        texts = Texts(session.settings.seeds)
        said = (
            texts.lines("run.build_failed", failures=error)
            if isinstance(error, BuildNotPassed)
            else problem(texts, error)
        )
        raise Failure(f"{said}\n\n{texts.lines('run.next_step')}", allow_retries=False) from error


def _session(context: AssetExecutionContext) -> Session:
    session: Session = getattr(context.resources, SESSION)
    return session


def build_assets(manifest: Path) -> list[AssetsDefinition]:
    """All assets; `manifest` is dbt's, of the project as it is."""
    loaded = json.loads(manifest.read_text(encoding="utf-8"))
    return [received_files, intake, _dbt_models(loaded), _published_version(mart_keys(loaded))]


@asset(
    key=RECEIVED_FILES,
    group_name="intake",
    required_resource_keys={SESSION},
    description="Every workbook ever received, by its SHA-256, and the journal of deliveries (archive/).",
)
def received_files(context: AssetExecutionContext) -> MaterializeResult:
    """New content of the inbox, copied into the archive."""
    session = _session(context)
    if session.reception is None:
        with told(session, "receive"):
            session.reception = refresh.receive(session.settings)
    return MaterializeResult(metadata=metadata.reception(session.reception))


@multi_asset(
    name="intake",
    specs=[
        AssetSpec(
            RAW_OBSERVATIONS,
            deps=[RECEIVED_FILES],
            group_name="intake",
            description="Schema raw: every cell ever read with its provenance, every version, every issue.",
        ),
        AssetSpec(
            REFERENCE_TABLES,
            group_name="intake",
            description="Schema reference: the deployment's reference data (TEW_SEEDS) as typed tables.",
        ),
    ],
    can_subset=True,
    required_resource_keys={SESSION},
)
def intake(context: AssetExecutionContext) -> Iterator[MaterializeResult]:
    """Read and audit what was received; reading follows the reference data, so both are brought up together."""
    session = _session(context)
    settings = session.settings
    if RAW_OBSERVATIONS not in context.selected_asset_keys:
        with told(session, "reference"):
            is_changed = refresh.load_reference_tables(settings)
        yield MaterializeResult(asset_key=REFERENCE_TABLES, metadata={"changed": is_changed})
        return
    with told(session, "read"), session.readers or Readers(settings) as readers:
        session.ingest = refresh.ingest_pending(settings, session.progress, readers)
        session.is_nothing_new = refresh.nothing_new(settings) is not None
        ids = [entry["submission_id"] for entry in session.ingest.submissions]
        found = findings.errors(settings, ids, metadata.TABLE_ROWS)
    yield MaterializeResult(asset_key=RAW_OBSERVATIONS, metadata=metadata.ingest(session.ingest, found))
    if REFERENCE_TABLES in context.selected_asset_keys:
        yield MaterializeResult(asset_key=REFERENCE_TABLES, metadata={"changed": session.ingest.reference_loaded})


def mart_keys(manifest: dict[str, Any]) -> list[AssetKey]:
    """Keys of the models that are published."""
    translator = Translator()
    return sorted(
        translator.get_asset_key(node)
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and layer(node) == MARTS
        and node["config"].get("materialized") != "ephemeral"
    )


def _dbt_models(manifest: dict[str, Any]) -> AssetsDefinition:
    translator = Translator()

    @dbt_assets(
        manifest=manifest,
        name="dbt_models",
        dagster_dbt_translator=translator,
        required_resource_keys={SESSION},
    )
    def dbt_models(context: AssetExecutionContext) -> Iterator[MaterializeResult | AssetCheckResult]:
        """All models and their tests, built by dbt into a candidate; nothing of it is served unless every test passed."""
        # In this process: a kill stops it at once (measured: a subprocess writes on for seconds).
        session = _session(context)
        if session.is_nothing_new:
            context.log.info("Nothing new: the served version already is what a build would give.")
            return
        with told(session, "build"):
            session.build = refresh.build(session.settings, session.progress)
            events = dbt_events.results(session.build, manifest, translator)
            yield from filter(_selected(context), events)
            if not session.build.ok:
                raise BuildNotPassed(dbt_events.describe(session.build, Texts(session.settings.seeds)))

    return dbt_models


def _selected(context: AssetExecutionContext) -> Callable[[MaterializeResult | AssetCheckResult], bool]:
    """A run may ask for a part; dbt always makes the whole version, only the asked events are told."""
    assets, checks = context.selected_asset_keys, context.selected_asset_check_keys

    def is_selected(event: MaterializeResult | AssetCheckResult) -> bool:
        if isinstance(event, AssetCheckResult):
            return any((key.asset_key, key.name) == (event.asset_key, event.check_name) for key in checks)
        return event.asset_key in assets

    return is_selected


def _published_version(marts: list[AssetKey]) -> AssetsDefinition:
    @asset(
        key=PUBLISHED_VERSION,
        deps=marts,
        group_name="publication",
        required_resource_keys={SESSION},
        output_required=False,
        description="The version that readers see: `published/<version>/` and the pointer `CURRENT`.",
    )
    def published_version(context: AssetExecutionContext) -> Iterator[MaterializeResult]:
        """The candidate becomes the served version; refused where its build did not pass."""
        session = _session(context)
        if session.is_nothing_new:
            return
        with told(session, "publish"):
            kept = None
            if session.reception is not None and session.ingest is not None:
                kept = refresh.manifest_report(session.reception, session.ingest)
            session.published = refresh.publish(session.settings, session.build, kept)
        manifest = pointer.read_manifest(session.settings, session.published) or {}
        yield MaterializeResult(metadata=metadata.publication(session.published, manifest, session.report()))

    return published_version
