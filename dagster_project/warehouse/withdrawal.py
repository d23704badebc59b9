"""Taking a submission out of force, said in the journal.

Belongs here: `withdraw`, which the command line and the dashboard share. Does not belong here: applying it (refresh.py),
printing (commands/), the page (dashboard/).
"""

from __future__ import annotations

from dagster_project.settings import Settings
from dagster_project.warehouse.archive import Journal
from dagster_project.warehouse.errors import WarehouseError


def withdraw(settings: Settings, submission_id: str, reason: str, by: str | None = None) -> None:
    """Say in the journal that a submission is out of force; the next refresh applies and publishes it.

    It stays in the archive and in the versions. Raises WarehouseError where there is no such submission, it was
    withdrawn before, or no reason is given.
    """
    state = Journal(settings.journal).replay()
    known = {entry.submission_id: entry for entry in state.live}
    if submission_id not in known:
        raise WarehouseError("warehouse.no_such_submission", submission=submission_id, count=len(known))
    if submission_id in state.withdrawn:
        raise WarehouseError(
            "warehouse.already_withdrawn",
            submission=submission_id,
            at=state.withdrawn[submission_id].at.isoformat(sep=" ", timespec="minutes"),
        )
    if not reason.strip():
        raise WarehouseError("warehouse.no_reason", submission=submission_id)
    Journal(settings.journal).append(
        [
            {
                "event": "withdrawn",
                "submission_id": submission_id,
                "reason": reason.strip(),
                "by": by,
                "after_seq": state.last_seq,
            }
        ]
    )
