"""What a run tells of itself in the UI: pure functions from reports to Dagster metadata.

Belongs here: tables and numbers that answer "what came in, what was rejected, what was published".
Does not belong here: getting these facts (warehouse/), events (assets.py).

No absolute path is told: a home can be moved, and its event log with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dagster import MetadataValue

from dagster_project.orchestration.findings import Finding
from dagster_project.warehouse.reception import Reception
from dagster_project.warehouse.refresh import RefreshReport

if TYPE_CHECKING:
    from dagster_project.warehouse.taking_in import IngestReport

# A run's page stays readable, and an event in SQLite small; marts.fct_issue holds all of them.
TABLE_ROWS = 100

Metadata = dict[str, Any]


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\r", " ").replace("\n", " ")


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[object]], limit: int = TABLE_ROWS) -> str:
    """A Markdown table of at most `limit` rows, with a last line that counts the others; empty text for no row."""
    listed = list(rows)
    if not listed:
        return ""
    lines = ["| " + " | ".join(map(_cell, headings)) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in listed[:limit]]
    if len(listed) > limit:
        lines.append(f"\n… {len(listed) - limit} more, see marts.fct_issue")
    return "\n".join(lines)


def _table(target: Metadata, name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = markdown_table(headings, rows)
    if text:
        target[name] = MetadataValue.md(text)


def reception(report: Reception) -> Metadata:
    """What one look through the inbox brought."""
    told: Metadata = {
        "files_received": len(report.received),
        "files_already_in_force": len(report.ignored),
        "files_still_being_written": len(report.unsettled),
        "files_unreadable": len(report.unreadable),
        "files_in_inbox": report.files_in_inbox,
    }
    received = ((entry["submission_id"], entry["path"], entry["size"]) for entry in report.received)
    _table(told, "received", ["submission", "file", "bytes"], received)
    left = [
        *((path, "unreadable: give this account the right to read it") for path in report.unreadable),
        *((path, "still being written, or a temporary file: taken in later") for path in report.unsettled),
    ]
    _table(told, "left_in_inbox", ["file", "why"], left)
    if report.damaged_journal_lines:
        told["damaged_journal_lines"] = ", ".join(map(str, report.damaged_journal_lines))
    return told


def ingest(report: IngestReport, errors: Sequence[Finding]) -> Metadata:
    """What was read, and what was rejected: file, sheet, cell, message."""
    told: Metadata = {
        "submissions": len(report.submissions),
        "files_rejected": len(report.rejected),
        "observations": report.observations,
        "quarantined": report.quarantined,
        **{f"issues_{severity}": count for severity, count in sorted(report.issues.items())},
    }
    if report.rebuilt:
        told["read_again_from_archive"] = report.rebuilt
    if report.damaged:
        told["damaged_database_set_aside"] = report.damaged
    rows = ((one.file_name, one.sheet, one.cell, one.message_zh, one.message_en) for one in errors)
    _table(told, "rejected", ["file", "sheet", "cell", "message_zh", "message_en"], rows)
    total = report.issues.get("error", 0)
    if total > len(errors):
        told["rejected_not_listed"] = total - len(errors)
    return told


def publication(version: str, manifest: dict[str, Any], report: RefreshReport) -> Metadata:
    """What is served now, and how the whole refresh went."""
    rows = manifest.get("rows") or {}
    told: Metadata = {
        "version": version,
        "file": f"published/{version}/warehouse.duckdb",
        "size_bytes": manifest.get("size_bytes", 0),
        "sha256": manifest.get("sha256", ""),
        "files_received": len(report.received),
        "files_rejected": len(report.rejected),
        "observations_read": report.observations,
        **{f"issues_{severity}": count for severity, count in sorted(report.issues.items())},
        "dagster/row_count": int(rows.get("fct_observation", 0)),
        "seconds": MetadataValue.json(report.seconds),
    }
    _table(told, "rows", ["table", "rows"], sorted(rows.items()))
    warnings = [one for one in report.build.get("findings", []) if one["status"] == "warn"]
    _table(told, "warnings", ["test", "rows", "message"], ((w["name"], w["rows"], w["message"]) for w in warnings))
    return told
