"""The errors of what a refresh took in, cell by cell, for the run's page and the command line.

Belongs here: reading them from schema raw. Does not belong here: showing them (metadata.py, commands/refresh.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dagster_project.settings import Settings
from dagster_project.warehouse import store


@dataclass(frozen=True)
class Finding:
    """One error. `sheet` and `cell` are None where the whole file is meant."""

    submission_id: str
    file_name: str
    sheet: str | None
    cell: str | None
    rule: str
    raw_text: str | None
    message_zh: str
    message_en: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def errors(settings: Settings, submission_ids: Sequence[str], limit: int) -> list[Finding]:
    """The first `limit` issues of severity error of these submissions, in order of intake."""
    if not submission_ids or not settings.warehouse.is_file():
        return []
    connection = store.connect(settings.warehouse, read_only=True)
    try:
        rows = connection.execute(
            "SELECT i.submission_id, s.file_name, i.sheet, i.cell, i.rule, i.raw_text, i.message_zh, i.message_en "
            "FROM raw.issue i JOIN raw.submission s USING (submission_id) "
            "WHERE i.severity = 'error' AND i.submission_id IN (SELECT unnest(?::VARCHAR[])) "
            "ORDER BY i.seq, i.issue_no LIMIT ?",
            [list(submission_ids), limit],
        ).fetchall()
    finally:
        connection.close()
    return [Finding(*row) for row in rows]
