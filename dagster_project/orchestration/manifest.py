"""dbt's manifest as Dagster's definitions need it: made once for one state of the dbt project, without network.

Belongs here: when the manifest has to be made again, and where it stands.
Does not belong here: running dbt (warehouse/build.py), what its nodes become (translator.py).

dbt writes its own manifest.json in place during every build; definitions that are loaded meanwhile must not meet
half a file. So they read a copy that is named after the project's content and never changed.
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.settings import Settings
from dagster_project.warehouse import build, fingerprints
from dagster_project.warehouse.files import read_json, write_atomic
from dagster_project.warehouse.lock import refresh_lock

# A build in another process holds the lock for less than a minute at county scale.
WAIT_S = 300.0
_PREFIX = "definitions-"


def ensure_manifest(settings: Settings) -> Path:
    """Path of the manifest for the dbt project as it is now; parses the project where it is new (about 4 s).

    Raises BuildFailed where dbt cannot parse the project, LockHeld where another process holds the home too long.
    """
    target = settings.dbt_target_path / f"{_PREFIX}{fingerprints.dbt_project(settings)[:16]}.json"
    if _is_whole(target):
        return target
    with refresh_lock(settings, wait_s=WAIT_S):
        if not _is_whole(target):
            write_atomic(target, build.parse(settings).read_bytes())
            for old in settings.dbt_target_path.glob(f"{_PREFIX}*.json"):
                if old != target:
                    old.unlink(missing_ok=True)
    return target


def _is_whole(path: Path) -> bool:
    """Whether a manifest can be read there: the disk or a hand may have overwritten it, and then it is made anew."""
    kept = read_json(path)
    return isinstance(kept, dict) and "nodes" in kept
