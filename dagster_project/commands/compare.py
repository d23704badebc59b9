"""`tew compare`: whether refreshes that keep earlier years have published what a whole build gives.

Belongs here: waiting for the lock, what came of it in words. Does not belong here: the comparison
(warehouse/increments.py).
"""

from __future__ import annotations

import json
from dataclasses import asdict

from dagster_project.commands.texts import CommandError, Texts, note, out
from dagster_project.settings import Settings
from dagster_project.warehouse import lock, refresh
from dagster_project.warehouse.pointer import base_version


def run(settings: Settings, *, as_json: bool, wait: float) -> None:
    """Print that nothing differs; raises CommandError where marts differ or something new waits, LockHeld, BuildFailed."""
    texts = Texts(settings.seeds)
    with lock.refresh_lock(settings, wait_s=wait):
        found = refresh.compare(settings, note)
    if found is None:
        raise CommandError("cli.compare_waits")
    version = base_version(settings)
    if as_json:
        out(json.dumps({"version": version, "equal": not found, "differences": [asdict(one) for one in found]}))
    if found:
        named = "; ".join(f"{one.table} ({one.published} / {one.whole})" for one in found)
        raise CommandError("cli.compare_differs", version=version, tables=named)
    if not as_json:
        out(texts.lines("cli.compare_equal", version=version))
