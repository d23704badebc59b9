"""What the warehouse refuses to do, in words for people.

Belongs here: the exceptions of this package and the look-up of their texts (`warehouse.` rows of messages.csv).
Does not belong here: issues about cells (ingest, audit), printing (commands/), the wording itself (seeds/reference/).
"""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

from dagster_project.settings import PROJECT_ROOT

# Rule of the issue that a fault of the program leaves on a workbook.
INTERNAL_ERROR = "warehouse.internal_error"
OWN_MESSAGES = PROJECT_ROOT / "seeds" / "reference" / "messages.csv"


@lru_cache(maxsize=8)
def _texts(path: Path, stamp: int) -> dict[str, tuple[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return {row["key"]: (row["zh"], row["en"]) for row in csv.DictReader(handle)}


def render(key: str, **fields: object) -> tuple[str, str]:
    """Both languages (zh, en) of a `warehouse.` row of the project's own messages.csv.

    A deployment's folder may lack these rows, and a broken one must still be reported, so it is not asked.
    """
    try:
        zh, en = _texts(OWN_MESSAGES, OWN_MESSAGES.stat().st_mtime_ns)[key]
    except (OSError, KeyError):
        plain = f"{key} {fields}"
        return plain, plain
    return zh.format_map(fields), en.format_map(fields)


class WarehouseError(RuntimeError):
    """Something could not be done; the message says what is at fault, where, and what to do, in both languages."""

    def __init__(self, key: str, **fields: object) -> None:
        self.key = key
        self.fields = fields
        self.message_zh, self.message_en = render(key, **fields)
        super().__init__(f"{self.message_zh}\n{self.message_en}")


class LockHeld(WarehouseError):
    """Another process works on this home; `fields` name its `pid` and since when (UTC)."""


class NothingPublished(WarehouseError):
    """There is no published version to read."""


class PublishRefused(WarehouseError):
    """The build did not pass, so that nothing may be published."""


class BuildFailed(WarehouseError):
    """dbt could not be run at all."""
