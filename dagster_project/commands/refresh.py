"""`tew refresh` and `tew rebuild`: the job in this process, and what it did in words.

Belongs here: the fast answer, waiting for the lock, progress, the summary. Does not belong here: the steps
(warehouse/refresh.py), Dagster (orchestration/). Dagster is imported only once there is something to do.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from dagster_project.commands.texts import Texts, note, out
from dagster_project.reference import ReferenceError
from dagster_project.settings import Settings
from dagster_project.warehouse import lock, refresh
from dagster_project.warehouse.errors import WarehouseError
from dagster_project.warehouse.readers import Readers
from dagster_project.warehouse.refresh import NothingNew, RefreshReport

if TYPE_CHECKING:
    from dagster_project.orchestration.findings import Finding
    from dagster_project.orchestration.session import Session

FINDINGS_SHOWN = 20
FINDINGS_IN_JSON = 1000
PROGRESS_EVERY_S = 1.0


class RefreshFailed(Exception):
    """Nothing was published: exit 1. `report` tells why; where JSON was asked for, it was printed already."""

    def __init__(self, report: RefreshReport) -> None:
        super().__init__(report.reason_en)
        self.report = report


class ProgressPrinter:
    """Steps and the file at hand, to stderr: a line a step, and a line a second while it lasts."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._last = 0.0

    def __call__(self, step: str, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if not what:
            zh, en = self._texts.pair(f"run.step_{step}")
            note(f"{zh} / {en} …")
            self._last = now
        elif now - self._last >= PROGRESS_EVERY_S:
            self._last = now
            note(f"  {done}/{total} {what}" if total else f"  {what}")


def run(settings: Settings, *, as_json: bool, wait: float, is_rebuild: bool = False, is_full: bool = False) -> None:
    """One refresh; raises RefreshFailed where nothing was published, LockHeld where another one does not end."""
    texts = Texts(settings.seeds)
    if not (is_rebuild or is_full) and (found := refresh.nothing_new(settings)) is not None:
        _print_nothing_new(found, texts, as_json)
        return
    _announce_wait(settings, texts, wait)
    with lock.refresh_lock(settings, wait_s=wait):
        if is_rebuild:
            refresh.discard_work(settings)
        elif is_full:
            refresh.discard_kept(settings)
        with Readers(settings) as readers:
            _refresh(settings, texts, as_json, readers)


def _announce_wait(settings: Settings, texts: Texts, wait: float) -> None:
    if wait and lock.is_locked(settings):
        pid = lock.holder(settings.lock_file).get("pid", "?")
        note(texts.lines("cli.refresh_waits", pid=pid, seconds=f"{wait:g}"))


def _refresh(settings: Settings, texts: Texts, as_json: bool, readers: Readers) -> None:
    """Under the lock. Receiving comes before Dagster: a file sent again says "nothing new" just as fast."""
    started = time.monotonic()
    progress = ProgressPrinter(texts)
    progress("receive", 0, 0, "")
    reception = refresh.receive(settings, readers)
    received_after = time.monotonic() - started
    if (found := refresh.nothing_new(settings)) is not None:
        # Another refresh has done it meanwhile, or everything that came is in force already.
        _print_nothing_new(found, texts, as_json)
        return
    from dagster_project.orchestration import findings
    from dagster_project.orchestration.run import run_job
    from dagster_project.orchestration.session import Session

    session = Session(settings, progress=progress, reception=reception, readers=readers)
    session.seconds["receive"] = round(received_after, 3)
    result = run_job(session)
    if result.dead_runs:
        note(texts.lines("cli.refresh_dead_runs", count=len(result.dead_runs)))
    report = session.report()
    ids = [entry["submission_id"] for entry in report.ingest.get("submissions", [])]
    errors = findings.errors(settings, ids, FINDINGS_IN_JSON)
    if report.status == "failed" or not result.is_success:
        _explain(report, session, texts)
        report.status = "failed"
    report.seconds["total"] = round(time.monotonic() - started, 3)
    if as_json:
        summary = {**report.as_dict(), "run_id": result.run_id, "errors": [one.as_dict() for one in errors]}
        out(json.dumps(summary, ensure_ascii=False, default=str))
    elif report.status == "nothing_new":
        out(texts.lines("cli.nothing_new", version=report.serving))
    if not as_json:
        _print_findings(report, errors, texts)
    if report.status == "failed":
        raise RefreshFailed(report)
    if report.status == "published" and not as_json:
        out(_summary(report, texts))


def _explain(report: RefreshReport, session: Session, texts: Texts) -> None:
    """Fill the report's reason, in both languages: the step, and what it says."""
    from dagster_project.orchestration.assets import BuildNotPassed

    error = session.error
    step_zh, step_en = texts.pair(f"run.step_{session.failed_step or 'build'}")
    if isinstance(error, WarehouseError):
        problem_zh, problem_en = error.message_zh, error.message_en
    elif isinstance(error, BuildNotPassed):
        problem_zh, problem_en = texts.pair("run.build_failed", failures=error)
    elif isinstance(error, ReferenceError):
        # Most often a new program on an older reference folder: the hint says what mends that.
        told, hint = texts.pair("cli.reference_error", problem=error), texts.pair("upgrade.hint")
        problem_zh, problem_en = f"{told[0]} {hint[0]}", f"{told[1]} {hint[1]}"
    else:
        problem_zh = problem_en = f"{type(error).__name__}: {error}" if error is not None else "?"
    none_zh, none_en = texts.pair("cli.no_version")
    fields_zh = {"step": step_zh, "problem": problem_zh, "version": report.serving or none_zh}
    fields_en = {"step": step_en, "problem": problem_en, "version": report.serving or none_en}
    report.reason_zh = texts.pair("cli.refresh_failed", **fields_zh)[0]
    report.reason_en = texts.pair("cli.refresh_failed", **fields_en)[1]


def _print_nothing_new(found: NothingNew, texts: Texts, as_json: bool) -> None:
    zh, en = texts.pair("cli.nothing_new", version=found.version)
    if as_json:
        report = RefreshReport("nothing_new", serving=found.version, reason_zh=zh, reason_en=en)
        extra: dict[str, Any] = {"unsettled": list(found.unsettled), "unreadable": list(found.unreadable)}
        out(json.dumps({**report.as_dict(), **extra}, ensure_ascii=False))
        return
    out(f"{zh}\n{en}")
    for path in found.unreadable:
        note(texts.lines("cli.refresh_unreadable", file=path))


def _summary(report: RefreshReport, texts: Texts) -> str:
    return texts.lines(
        "cli.refresh_published",
        version=report.published,
        received=len(report.received),
        rejected=len(report.rejected),
        observations=report.observations,
        errors=report.issues.get("error", 0),
        warnings=report.issues.get("warning", 0),
        seconds=f"{report.seconds['total']:.1f}",
    )


def _print_findings(report: RefreshReport, errors: list[Finding], texts: Texts) -> None:
    """What was not taken over: file, sheet, cell, and in both languages why and what to do."""
    total = report.issues.get("error", 0)
    for path in report.reception.get("unreadable", []):
        out(texts.lines("cli.refresh_unreadable", file=path))
    if not errors:
        return
    out(texts.lines("cli.refresh_rejected"))
    for one in errors[:FINDINGS_SHOWN]:
        place = "!".join(part for part in (one.sheet, one.cell) if part)
        out(f"- {one.file_name}{'  ' + place if place else ''}\n    {one.message_zh}\n    {one.message_en}")
    if total > FINDINGS_SHOWN:
        out(texts.lines("cli.refresh_more_issues", count=total - FINDINGS_SHOWN))
