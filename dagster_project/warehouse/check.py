"""The reading and audit of `tew check` and of uploads: what a refresh would say, with nothing stored.

Belongs here: running parse, resolve and audit over files against what is published.
Does not belong here: rules and texts (ingest, audit), marking a workbook (ingest/returned.py), printing (commands/).

Earlier figures come from the published version, never from the work database: a check must work while a refresh
writes, and in an empty home.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.audit.history import Acceptance
from dagster_project.ingest.model import IncidentRow, Intake, Issue, KnownEnterprise, NewTownship, Submission
from dagster_project.ingest.pool import ParsePool
from dagster_project.reference import load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse import mappings
from dagster_project.warehouse.archive import from_timestamp, utc_now
from dagster_project.warehouse.errors import NothingPublished, render
from dagster_project.warehouse.known import ColumnRow, Known, Reading, history_start
from dagster_project.warehouse.read import PublishedReader
from dagster_project.warehouse.store import INCIDENT_COLUMNS, stored_incident

MASK = "＊"


@dataclass(frozen=True)
class Sight:
    """What the person who hands in may learn of what is published: an audit that compares with a figure tells the figure.

    `of(unit_id, indicator_code or None)`; `hidden` are names that no message may tell.
    """

    of: Callable[[str | None, str | None], bool]
    hidden: tuple[str, ...] = ()

    def mask(self, issue: Issue) -> None:
        """Names that the workbook itself did not say are taken out of the messages."""
        for name in self.hidden:
            if name in issue.message_zh or name in issue.message_en:
                issue.message_zh = issue.message_zh.replace(name, MASK)
                issue.message_en = issue.message_en.replace(name, MASK)


@dataclass
class CheckedWorkbook:
    """One workbook as a refresh would see it. `content` is None where the file could not be opened at all."""

    file_name: str
    path: Path | None
    content: bytes | None
    intake: Intake | None
    issues: list[Issue] = field(default_factory=list)

    def count(self, severity: str) -> int:
        return sum(issue.severity == severity for issue in self.issues)

    @property
    def ok(self) -> bool:
        """Read, and without an error."""
        return self.intake is not None and self.count("error") == 0

    @property
    def observations(self) -> int:
        return 0 if self.intake is None else len(self.intake.parsed.observations)

    @property
    def enterprises(self) -> int:
        """Rows of a register."""
        return 0 if self.intake is None else sum(not row.is_provisional for row in self.intake.parsed.roster)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: what was recognised, and every issue."""
        intake = self.intake
        return {
            "file_name": self.file_name,
            "ok": self.ok,
            "file_kind": None if intake is None else intake.parsed.file_kind,
            "form_code": None if intake is None else intake.form_code,
            "layout": None if intake is None else intake.layout,
            "period": None if intake is None or intake.period is None else intake.period.isoformat(),
            "reporter_unit_id": None if intake is None else intake.reporter_unit_id,
            "observations": self.observations,
            "errors": self.count("error"),
            "warnings": self.count("warning"),
            "issues": [
                {
                    "sheet": issue.sheet,
                    "cell": issue.cell,
                    "severity": issue.severity,
                    "rule": issue.rule,
                    "message_zh": issue.message_zh,
                    "message_en": issue.message_en,
                    "raw_text": issue.raw_text,
                }
                for issue in self.issues
            ],
        }


def check_files(settings: Settings, paths: Sequence[Path]) -> list[CheckedWorkbook]:
    """Check files on disk, registers first, in the order given otherwise; the result is in the order given.

    A file that cannot be opened gives a CheckedWorkbook with an issue. Raises ReferenceError.
    """
    contents: list[tuple[str, bytes]] = []
    results: dict[int, CheckedWorkbook] = {}
    places: list[int] = []
    for number, path in enumerate(paths):
        try:
            size = path.stat().st_size
            if size > settings.max_file_mb << 20:
                issue = _too_large(settings, path.name, size)
                results[number] = CheckedWorkbook(path.name, path, None, None, [issue])
                continue
            contents.append((path.name, path.read_bytes()))
            places.append(number)
        except OSError as error:
            key = "warehouse.not_readable"
            zh, en = render(key, file=str(path), error=error.strerror or error)
            results[number] = CheckedWorkbook(path.name, path, None, None, [Issue(key, "error", zh, en)])
    modified = [from_timestamp(paths[number].stat().st_mtime) for number in places]
    for number, checked in zip(places, check_contents(settings, contents, modified), strict=True):
        checked.path = paths[number]
        results[number] = checked
    return [results[number] for number in range(len(paths))]


def check_contents(
    settings: Settings,
    contents: Sequence[tuple[str, bytes]],
    received: Sequence[Any] | None = None,
    sight: Sight | None = None,
) -> list[CheckedWorkbook]:
    """Check workbooks in memory, (file name, bytes) each; `received` are their times (UTC), default now; `sight`: whose
    figures they are measured against (default: all).

    Several files know each other as in one refresh: a register among them is read first.
    """
    if not contents:
        return []
    seeds = mappings.seeds(settings)
    now = utc_now()
    results: dict[int, CheckedWorkbook] = {}
    fitting = []
    for number, (name, content) in enumerate(contents):
        if len(content) > settings.max_file_mb << 20:
            issue = _too_large(settings, name, len(content))
            results[number] = CheckedWorkbook(name, None, None, None, [issue])
        else:
            fitting.append((number, content, name))
    workers = min(settings.ingest_workers, max(len(fitting), 1))
    with ParsePool(
        seeds, workers=workers, timeout_s=settings.ingest_timeout_s, memory_mb=settings.ingest_memory_mb
    ) as pool:
        # the children load their side meanwhile
        reading = Reading(load_reference(seeds))
        parsed = dict(pool.parse_many(iter(fitting)))
    oldest = min((cell.period for book in parsed.values() for cell in book.observations), default=None)
    known = published_knowledge(settings, reading, None if oldest is None else history_start(oldest), sight)

    def order(number: int) -> tuple[bool, int]:
        return not reading.is_register(parsed[number]), number

    for number in sorted(parsed, key=order):
        name, content = contents[number]
        submission = Submission(
            submission_id="",
            seq=0,
            file_name=name,
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            received_at=now if received is None else min(received[number], now),
            ingested_at=now,
        )
        intake = reading.read(parsed[number], known, submission)
        known.add(intake)
        if sight is not None:
            for one in intake.issues:
                sight.mask(one)
        results[number] = CheckedWorkbook(name, None, content, intake, intake.issues)
    return [results[number] for number in range(len(contents))]


def _too_large(settings: Settings, name: str, size: int) -> Issue:
    key = "warehouse.file_too_large"
    zh, en = render(key, file=name, size_mb=round(size / 2**20, 1), limit_mb=settings.max_file_mb)
    return Issue(key, "error", zh, en)


def published_knowledge(settings: Settings, reading: Reading, since: date | None, sight: Sight | None = None) -> Known:
    """Registers of the published version and its figures from `since` on (None: no figure is needed), as far as `sight` goes.

    Empty where nothing is published.
    """
    reader = PublishedReader(settings)

    def seen(unit_id: str | None, indicator_code: str | None = None) -> bool:
        return sight is None or sight.of(unit_id, indicator_code)

    try:
        return Known.build(
            reading.reference,
            reading.vocabulary,
            _townships(reader),
            _enterprises(reader),
            () if since is None else (row for row in _figures(reader, since) if seen(row[1], row[0])),
            [row for row in _incidents(reader) if seen(row.enterprise_id or row.township_code)],
            acceptances=()
            if since is None
            else [one for one in _acceptances(reader) if seen(one.unit_id, one.indicator_code)],
            columns=() if since is None else [row for row in _columns(reader) if seen(row[1])],
        )
    except NothingPublished:
        return Known.build(reading.reference, reading.vocabulary, (), (), (), ())


@contextmanager
def _missing_mart_is_empty() -> Iterator[None]:
    """A version published by an older release may lack a mart or a column: then nothing is known from it."""
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException):
        return


def _rows(reader: PublishedReader, sql: str, params: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with _missing_mart_is_empty():
        return reader.query(sql, params)[1]
    return []


def _townships(reader: PublishedReader) -> Iterable[NewTownship]:
    rows = _rows(
        reader,
        "SELECT township_code, name_zh, name_en, kind FROM marts.dim_township WHERE kind <> 'county' ORDER BY 1",
    )
    return [NewTownship(*row) for row in rows]


def _enterprises(reader: PublishedReader) -> Iterable[KnownEnterprise]:
    rows = _rows(
        reader,
        "SELECT enterprise_id, name_zh, township_code, credit_code, status, industry_code, is_above_scale, "
        "is_agro_processing, is_pharma, is_coal_mine, is_key_energy_user, capacity_tonnes_per_year, is_provisional "
        "FROM marts.dim_enterprise ORDER BY enterprise_id",
    )
    return [
        KnownEnterprise(
            enterprise_id=row[0],
            name=row[1] or "",
            township_code=row[2],
            credit_code=row[3],
            unit_status=row[4] or "active",
            industry_code=row[5],
            is_above_scale=bool(row[6]),
            is_agro_processing=bool(row[7]),
            is_pharma=bool(row[8]),
            is_coal_mine=bool(row[9]),
            is_key_energy_user=bool(row[10]),
            capacity=row[11],
            is_provisional=bool(row[12]),
        )
        for row in rows
    ]


def _figures(reader: PublishedReader, since: date) -> Iterable[tuple[Any, ...]]:
    return _rows(
        reader,
        "SELECT indicator_code, unit_id, period, measure, sum(value)::DECIMAL(24, 6), max(null_reason), form_code "
        "FROM marts.fct_observation WHERE unit_id IS NOT NULL AND period >= $since "
        "GROUP BY indicator_code, unit_id, period, measure, form_code ORDER BY min(received_at)",
        {"since": since},
    )


def _acceptances(reader: PublishedReader) -> Iterable[Acceptance]:
    rows = _rows(
        reader,
        "SELECT i.rule, v.indicator_code, v.unit_id, v.period, v.measure, v.value, i.accepted_by, i.accepted_reason "
        "FROM marts.fct_issue i JOIN marts.fct_observation_version v USING (submission_id, sheet, cell) "
        "WHERE i.status = 'accepted' AND v.unit_id IS NOT NULL AND v.value IS NOT NULL ORDER BY i.accepted_at",
    )
    return [
        Acceptance(rule, code, unit_id, period, measure, float(value), by, reason)
        for rule, code, unit_id, period, measure, value, by, reason in rows
    ]


def _columns(reader: PublishedReader) -> Iterable[ColumnRow]:
    rows = _rows(
        reader,
        "WITH last AS (SELECT form_code, reporter_unit_id, max(submission_id) AS submission_id "
        "FROM marts.fct_submission WHERE status = 'accepted' AND form_code IS NOT NULL GROUP BY ALL) "
        "SELECT v.form_code, l.reporter_unit_id, v.file_name, v.sheet, regexp_extract(v.cell, '^[A-Z]+'), "
        "v.indicator_code, v.measure, min(v.heading) FROM last l JOIN marts.fct_observation_version v "
        "USING (submission_id) GROUP BY ALL ORDER BY ALL",
    )
    return [(*row[:5], row[5], row[6], row[7]) for row in rows]


def _incidents(reader: PublishedReader) -> Iterable[IncidentRow]:
    rows = _rows(reader, f"SELECT {INCIDENT_COLUMNS} FROM marts.fct_safety_incident ORDER BY occurred_on")
    return [stored_incident(row) for row in rows]
