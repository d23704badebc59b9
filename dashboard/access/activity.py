"""The activity log: who signed in, took out, handed in, looked at an enterprise, changed an account.

Belongs here: appending one JSON line per act to TEW_HOME/accounts/activity.jsonl, turning it over, searching it.
Does not belong here: business values, passwords, texts of pages. A name typed at a failed sign-in is kept shortened.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster_project.settings import Settings

MAX_BYTES = 5_000_000
KEPT = 20
# What may be said of an act: no free text, no figures.
FIELDS = (
    *("user", "address", "path", "unit", "period", "version", "as_of", "role", "target", "bytes", "sha256", "file"),
    *("reason", "cell", "rule"),
)
ACTS = (
    *(
        "sign_in",
        "sign_in_failed",
        "throttled",
        "sign_out",
        "export",
        "upload",
        "withdraw",
        "mapping",
        "accept",
        "enterprise_view",
    ),
    *("issue_explain", "issue_accept"),
    *("month_approve", "month_close", "month_reopen"),
    *("account_added", "account_removed", "password_changed", "refused", "dagster"),
)
_guard = threading.Lock()


def path(settings: Settings) -> Path:
    return settings.home / "accounts" / "activity.jsonl"


def record(settings: Settings, act: str, **fields: object) -> None:
    """Append one act. Raises ValueError for an act or field that is not declared, OSError where it cannot be kept."""
    unknown = set(fields) - set(FIELDS)
    if act not in ACTS or unknown:
        raise ValueError(f"activity {act!r} with {sorted(unknown)}")
    row: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "act": act}
    row.update({key: str(value)[:200] for key, value in fields.items() if value is not None})
    line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
    target = path(settings)
    with _guard:
        target.parent.mkdir(parents=True, exist_ok=True)
        _turn_over(target)
        # One write to a file opened for appending: lines of several processes do not mix.
        descriptor = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


def _turn_over(target: Path) -> None:
    if not target.is_file() or target.stat().st_size < MAX_BYTES:
        return
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    target.rename(target.with_name(f"activity.{stamp}.jsonl"))
    for old in sorted(target.parent.glob("activity.*.jsonl"))[:-KEPT]:
        old.unlink()


def search(
    settings: Settings, *, act: str | None = None, user: str | None = None, since: str | None = None, limit: int = 500
) -> list[dict[str, Any]]:
    """The newest acts first; `since` is an ISO date or time."""
    found: list[dict[str, Any]] = []
    for row in _newest_first(settings):
        if since and row.get("at", "") < since:
            break
        if (act is None or row.get("act") == act) and (user is None or row.get("user") == user):
            found.append(row)
            if len(found) >= limit:
                break
    return found


def _newest_first(settings: Settings) -> Iterator[dict[str, Any]]:
    target = path(settings)
    files = [*sorted(target.parent.glob("activity.*.jsonl")), *([target] if target.is_file() else [])]
    for file in reversed(files):
        for line in reversed(file.read_text(encoding="utf-8", errors="replace").splitlines()):
            try:
                row = json.loads(line)
            except ValueError:
                # The last line of a machine that lost power.
                continue
            if isinstance(row, dict):
                yield row
