"""What `tew up` needs before Dagster's processes start, as a program: `python -m dagster_project.orchestration.prepare`.

Belongs here: creating Dagster's home and storage once (several processes at once would race for it), failing dead
runs, making dbt's manifest. Does not belong here: starting processes (supervise.py).
"""

from __future__ import annotations

from dagster_project.orchestration.instance import fail_dead_runs, open_instance
from dagster_project.orchestration.manifest import ensure_manifest
from dagster_project.settings import load_settings


def main() -> None:
    settings = load_settings()
    with open_instance(settings) as instance:
        fail_dead_runs(instance)
    ensure_manifest(settings)


if __name__ == "__main__":
    main()
