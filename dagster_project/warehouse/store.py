"""The work database: schema `raw`, one writer, every version of every cell ever read.

Belongs here: opening it (and setting a damaged one aside), writing submissions in batches, reading back what
resolve and audit need to know of earlier ones.
Does not belong here: order of intake (refresh.py), rules (audit), the published file (publish.py).

Nothing here is precious: all of it can be rebuilt from `archive/`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import duckdb

from dagster_project.audit.history import Acceptance
from dagster_project.ingest.model import IncidentRow, Intake, Issue, KnownEnterprise, NewTownship, Submission, UnitRef
from dagster_project.settings import Settings
from dagster_project.warehouse.bulk import insert_rows, transaction
from dagster_project.warehouse.errors import WarehouseError

SCHEMA_SQL = Path(__file__).with_name("schema.sql")
RAW_TABLES = (
    "submission",
    "observation",
    "declared_total",
    "enterprise",
    "township",
    "incident",
    "unit_change",
    "task",
    "coverage",
    "issue",
)

SCHEMA_KEY = "schema_fingerprint"

# Decimal places of raw.observation.value; finer figures are rounded once, here.
VALUE_STEP = Decimal("0.000001")

Key = tuple[Any, ...]

# What the submissions of a relation `live` say something about, as `supersession_keys` has it, with who says it.
_KEYS_OF_LIVE = """
    SELECT DISTINCT l.seq, o.form_code AS form, o.indicator_code AS what, o.unit_id AS who,
           o.period AS month, o.measure AS how
    FROM raw.observation o JOIN live l USING (submission_id) WHERE o.unit_id IS NOT NULL
    UNION ALL
    SELECT DISTINCT l.seq, c.form_code, '', c.unit_id, c.period, 'coverage'
    FROM raw.coverage c JOIN live l USING (submission_id) WHERE c.unit_id IS NOT NULL
    UNION ALL
    SELECT DISTINCT l.seq, '', '', e.enterprise_id, DATE '0001-01-01', 'register'
    FROM raw.enterprise e JOIN live l USING (submission_id) WHERE NOT e.is_provisional
    UNION ALL
    SELECT DISTINCT l.seq, u.form_code, '', u.subject, DATE '0001-01-01', 'unit_change'
    FROM raw.unit_change u JOIN live l USING (submission_id)
    UNION ALL
    SELECT DISTINCT l.seq, t.form_code, '', t.task_id, DATE '0001-01-01', 'task'
    FROM raw.task t JOIN live l USING (submission_id)
"""

UNIT_AND_MONTH = "PARTITION BY coalesce(i.enterprise_id, i.township_code), date_trunc('month', i.occurred_on)"

# Figures that are or were in force, summed within their submission; asks for the first period;
# `units` may narrow it.
FIGURES = """
WITH released AS (
    -- as dbt's stg_observation: every error on the cell is accepted
    SELECT i.submission_id, i.sheet, i.cell
    FROM raw.issue i LEFT JOIN raw.act a
      ON i.submission_id = a.submission_id AND i.cell = a.cell AND i.rule = a.rule
      AND (a.sheet IS NULL OR a.sheet = i.sheet) AND a.kind = 'accepted'
    WHERE i.severity = 'error' AND i.cell IS NOT NULL
    GROUP BY ALL HAVING count(*) = count(a.said_at)
)
SELECT o.indicator_code, o.unit_id, o.period, o.measure, sum(o.value)::DECIMAL(24, 6),
       max(o.null_reason), o.form_code, o.seq
FROM raw.observation o JOIN raw.submission s USING (submission_id)
LEFT JOIN released r ON o.submission_id = r.submission_id AND o.sheet = r.sheet AND o.cell = r.cell
WHERE s.status = 'accepted' AND o.unit_id IS NOT NULL AND o.period >= ? AND NOT o.is_carried
  {units}
  AND (o.status = 'accepted' OR (o.status = 'quarantined' AND r.cell IS NOT NULL))
GROUP BY o.indicator_code, o.unit_id, o.period, o.measure, o.form_code, o.seq
"""


class DamagedDatabase(WarehouseError):
    """The work database's file cannot be read; it can be rebuilt from the archive."""


def is_damage(error: BaseException) -> bool:
    """Whether DuckDB says that the file itself is bad (and not locked, forbidden, or the disk full)."""
    if isinstance(error, (duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)):
        return True
    if not isinstance(error, duckdb.Error):
        return False
    return tells_damage(str(error))


def tells_damage(message: str) -> bool:
    """Whether a message of DuckDB's, also one that dbt passes on, says that a file is damaged."""
    text = message.lower()
    signs = (
        "not a valid duckdb database",
        "corrupt",
        "checksum",
        "could not deserialize",
        "failed to deserialize",
        "could not read enough bytes",  # cut short
    )
    return any(sign in text for sign in signs) or ("wal" in text and "replay" in text)


def schema_fingerprint() -> str:
    return hashlib.sha256(SCHEMA_SQL.read_bytes()).hexdigest()


# A transaction larger than this goes straight into the file: written to the log first, it would be written twice.
WAL_LIMIT = "256KB"


@dataclass
class Batch:
    """Rows by table, waiting to be written together."""

    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: {name: [] for name in RAW_TABLES})

    @property
    def submissions(self) -> int:
        return len(self.rows["submission"])

    @property
    def size(self) -> int:
        return sum(map(len, self.rows.values()))

    def add(self, submission: Submission, intake: Intake, status: str) -> None:
        """One submission as rows; `status` is accepted or rejected."""
        parsed = intake.parsed
        sid, seq, at = submission.submission_id, submission.seq, submission.received_at
        severities = [issue.severity for issue in parsed.issues]
        self.rows["submission"].append(
            (
                sid,
                seq,
                submission.file_name,
                submission.sha256,
                submission.size_bytes,
                parsed.file_kind,
                intake.form_code,
                intake.layout,
                intake.reporter_level,
                intake.reporter_unit_id,
                intake.period,
                at,
                submission.ingested_at,
                status,
                None,
                len(parsed.observations),
                severities.count("error"),
                severities.count("warning"),
            )
        )
        self.rows["observation"].extend(
            (
                sid,
                seq,
                cell.form_code,
                cell.indicator_code,
                cell.level,
                cell.unit_id,
                cell.township_code,
                cell.period,
                cell.measure,
                cell.line_no,
                _fit(cell.value),
                cell.null_reason,
                cell.is_estimated,
                cell.is_carried,
                cell.target_form,
                cell.sheet,
                cell.cell,
                cell.raw_text,
                cell.raw_unit,
                cell.unit_factor,
                cell.heading,
                cell.status,
                at,
            )
            for cell in parsed.observations
        )
        self.rows["declared_total"].extend(
            (
                sid,
                seq,
                total.form_code,
                total.indicator_code,
                total.period,
                total.measure,
                total.scope_unit_id,
                _fit(total.value),
                total.sheet,
                total.cell,
                total.raw_text,
            )
            for total in parsed.totals
        )
        self.rows["enterprise"].extend(
            (
                sid,
                seq,
                row.enterprise_id,
                row.credit_code,
                row.unit.name,
                row.township_code,
                row.industry_code,
                row.is_above_scale,
                row.is_agro_processing,
                row.is_pharma,
                row.is_coal_mine,
                row.is_key_energy_user,
                _fit(row.capacity),
                row.unit_status,
                row.is_provisional,
                row.valid_from,
                row.sheet,
                row.cell,
                at,
            )
            for row in parsed.roster
            if row.enterprise_id is not None
        )
        self.rows["township"].extend(
            (sid, unit.township_code, unit.name_zh, unit.name_en, unit.kind) for unit in intake.new_townships
        )
        ordinals: dict[Key, int] = {}
        for row in parsed.incidents:
            who = row.enterprise_id or row.township_code or row.unit.name or row.unit.township or "?"
            place: Key = (row.occurred_on, who)
            ordinals[place] = ordinals.get(place, 0) + 1
            self.rows["incident"].append(
                (
                    sid,
                    seq,
                    row.form_code,
                    f"{row.occurred_on:%Y%m%d}-{who}-{ordinals[place]}",
                    row.occurred_on,
                    row.enterprise_id,
                    row.township_code,
                    row.category,
                    row.deaths,
                    row.serious_injuries,
                    _fit(row.direct_loss),
                    row.declared_class,
                    row.counted_in_rate,
                    row.sheet,
                    row.cell,
                    row.raw_text,
                    row.status,
                    at,
                )
            )
        self.rows["unit_change"].extend(
            (
                sid,
                seq,
                row.form_code,
                row.change_id,
                row.subject,
                row.event_no,
                row.structure,
                row.op,
                row.year,
                row.effective_on,
                row.province,
                row.predecessor_code,
                row.predecessor_name,
                row.predecessor_kind,
                row.predecessor_county,
                row.successor_code,
                row.successor_name,
                row.successor_kind,
                row.successor_county,
                row.is_continued,
                row.reason,
                row.doc_no,
                row.order_no,
                row.sheet,
                row.cell,
                row.predecessor_cell,
                row.successor_cell,
                row.repeats_cell,
                row.raw_text,
                row.status,
                at,
            )
            for row in parsed.changes
        )
        self.rows["task"].extend(
            (
                sid,
                seq,
                row.form_code,
                row.task_id,
                row.year,
                row.name,
                row.indicator_code,
                row.category,
                row.township_code,
                row.reported_for,
                row.planned_on,
                row.done_on,
                None if row.progress_pct is None else float(row.progress_pct),
                row.state,
                row.state_text,
                row.evidence,
                row.remark,
                row.sheet,
                row.cell,
                row.raw_text,
                row.status,
                at,
            )
            for row in parsed.tasks
        )
        self.rows["coverage"].extend(
            (
                sid,
                seq,
                entry.form_code,
                entry.level,
                entry.unit_id,
                entry.period,
                entry.status,
                entry.sheet,
                entry.cell,
                at,
            )
            for entry in parsed.coverage
        )
        self.rows["issue"].extend(
            (
                sid,
                seq,
                number,
                *_issue_columns(issue),
            )
            for number, issue in enumerate(parsed.issues, start=1)
        )


def _issue_columns(issue: Issue) -> tuple[Any, ...]:
    """The columns of raw.issue from `sheet` on."""
    return (
        issue.sheet,
        issue.cell,
        issue.severity,
        issue.rule,
        issue.message_zh,
        issue.message_en,
        issue.raw_text,
        issue.indicator_code,
        issue.level,
        issue.unit_id,
        issue.period,
        issue.status,
    )


def _fit(value: Decimal | None) -> Decimal | None:
    """The value with six decimals; None stays. A value beyond DECIMAL(24, 6) must have been an issue before."""
    if value is None:
        return None
    if value == value.to_integral_value():
        return value
    return value.quantize(VALUE_STEP) if value.as_tuple().exponent < -6 else value  # type: ignore[operator]


# What `stored_incident` reads, in its order: columns of raw.incident and of marts.fct_safety_incident alike.
INCIDENT_COLUMNS = (
    "form_code, occurred_on, category, deaths, serious_injuries, direct_loss, declared_class, counted_in_rate, sheet, cell, "
    "raw_text, enterprise_id, township_code"
)


def stored_incident(row: tuple[Any, ...]) -> IncidentRow:
    """An accident as it was taken in, from a row that begins with INCIDENT_COLUMNS."""
    return IncidentRow(
        form_code=row[0],
        unit=UnitRef("enterprise" if row[11] else "township", identifier=row[11], township=row[12]),
        occurred_on=row[1],
        category=row[2],
        deaths=row[3],
        serious_injuries=row[4],
        direct_loss=row[5],
        declared_class=row[6],
        counted_in_rate=row[7],
        sheet=row[8],
        cell=row[9],
        raw_text=row[10] or "",
        enterprise_id=row[11],
        township_code=row[12],
    )


class Store:
    """The open work database. Use `open_store`; one at a time, under the refresh lock."""

    def __init__(self, settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
        self.settings = settings
        self.connection = connection

    # ------------------------------------------------------------------------------------------------ small facts

    def meta(self, key: str) -> str | None:
        row = self.connection.execute("SELECT value FROM raw.meta WHERE key = ?", [key]).fetchone()
        return None if row is None else row[0]

    def set_meta(self, key: str, value: str) -> None:
        self.connection.execute("INSERT OR REPLACE INTO raw.meta VALUES (?, ?)", [key, value])

    def known_submissions(self) -> set[str]:
        return {row[0] for row in self.connection.execute("SELECT submission_id FROM raw.submission").fetchall()}

    def verify(self) -> None:
        """Read every block once; raises DamagedDatabase where one is bad."""
        try:
            for table in (*RAW_TABLES, "meta"):
                self.connection.execute(f"SELECT bit_xor(hash(t)) FROM raw.{table} t").fetchall()
        except duckdb.Error as error:
            if is_damage(error):
                raise DamagedDatabase("warehouse.damaged", file=self.settings.warehouse.name, error=error) from error
            raise

    # ----------------------------------------------------------------------------------------------------- writing

    def transaction(self) -> AbstractContextManager[None]:
        return transaction(self.connection)

    def write(self, batch: Batch, meta: dict[str, str] | None = None, ahead: Ahead | None = None) -> None:
        """All rows of `batch`, and those put `ahead`, in one transaction; a submission already there is replaced."""
        if ahead is not None and ahead.rows:
            ahead.complete(lambda connection: self._write(connection, batch, meta))
            return
        with self.transaction():
            self._write(self.connection, batch, meta)

    def _write(self, connection: duckdb.DuckDBPyConnection, batch: Batch, meta: dict[str, str] | None) -> None:
        spool = self.settings.work / "spool"
        known = {row[0] for row in connection.execute("SELECT submission_id FROM raw.submission").fetchall()}
        again = [row[0] for row in batch.rows["submission"] if row[0] in known]
        if again:
            for table in RAW_TABLES:
                connection.execute(f"DELETE FROM raw.{table} WHERE submission_id IN (SELECT unnest(?))", [again])
        for table, rows in batch.rows.items():
            insert_rows(connection, f"raw.{table}", rows, spool)
        for key, value in (meta or {}).items():
            connection.execute("INSERT OR REPLACE INTO raw.meta VALUES (?, ?)", [key, value])

    def replace(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        """A table that is replayed from the journal (raw.act, raw.closing) holds exactly these rows."""
        self.connection.execute(f"DELETE FROM {table}")
        if rows:
            insert_rows(self.connection, table, rows, self.settings.work / "spool")

    def withdraw(self, submission_id: str, at: datetime) -> None:
        self.connection.execute(
            "UPDATE raw.submission SET status = 'withdrawn', withdrawn_at = ? WHERE submission_id = ?",
            [at, submission_id],
        )

    # ------------------------------------------------------------------------------------------- judging once more

    def warned(
        self, rules: Iterable[str], level: str, months: list[date], *, settled: bool = False
    ) -> list[tuple[str, int, str, date]]:
        """(submission, seq, unit, month) of what accepted submissions are warned of at a level in these months; with
        `settled`, also of what they were warned of once and are no longer."""
        return self.connection.execute(
            """
            SELECT DISTINCT i.submission_id, i.seq, i.unit_id, i.period
            FROM raw.issue i JOIN raw.submission s USING (submission_id)
            WHERE s.status = 'accepted' AND i.level = ? AND list_contains(?, i.rule) AND list_contains(?::DATE[], i.period)
              AND ((i.status = 'open' AND i.severity = 'warning') OR (? AND i.status = 'resolved'))
            ORDER BY i.seq, i.unit_id, i.period
            """,
            [level, sorted(rules), months, settled],
        ).fetchall()

    def said_by(self, submission_id: str) -> list[tuple[str, str, date, str]]:
        """(form, unit, month, level) that a submission speaks of, in force or not."""
        return self.connection.execute(
            "SELECT DISTINCT form_code, unit_id, period, level FROM raw.observation "
            "WHERE submission_id = ? AND status = 'accepted' AND unit_id IS NOT NULL ORDER BY ALL",
            [submission_id],
        ).fetchall()

    def speaking_at_level(self, level: str, months: list[date]) -> list[tuple[str, int, str, date]]:
        """(submission, seq, unit, month): who speaks last of a unit of a level in these months, by form."""
        return self.connection.execute(
            """
            SELECT DISTINCT submission_id, seq, unit_id, period FROM (
                SELECT o.submission_id, o.seq, o.form_code, o.unit_id, o.period
                FROM raw.observation o JOIN raw.submission s USING (submission_id)
                WHERE s.status = 'accepted' AND o.status = 'accepted' AND o.level = ? AND o.unit_id IS NOT NULL
                  AND list_contains(?::DATE[], o.period)
                QUALIFY o.seq = max(o.seq) OVER (PARTITION BY o.form_code, o.unit_id, o.period)
            ) ORDER BY seq, unit_id, period
            """,
            [level, months],
        ).fetchall()

    def last_at_level(self, level: str, months: list[date]) -> dict[date, int]:
        """Per month the seq of the last accepted submission that speaks of a unit of a level."""
        rows = self.connection.execute(
            """
            SELECT o.period, max(o.seq) FROM raw.observation o JOIN raw.submission s USING (submission_id)
            WHERE s.status = 'accepted' AND o.status = 'accepted' AND o.level = ? AND list_contains(?::DATE[], o.period)
            GROUP BY o.period
            """,
            [level, months],
        ).fetchall()
        return dict(rows)

    def knew_next(self, wanted: list[tuple[int, str, date]]) -> set[tuple[int, str, date]]:
        """Those (seq, unit, month) before whose submission the unit's next month was in."""
        if not wanted:
            return set()
        rows = self.connection.execute(
            """
            SELECT DISTINCT w.seq, w.unit_id, w.period
            FROM (SELECT unnest(?::BIGINT[]) AS seq, unnest(?::VARCHAR[]) AS unit_id, unnest(?::DATE[]) AS period) w
            JOIN raw.observation o ON o.unit_id = w.unit_id AND o.period = (w.period + INTERVAL 1 MONTH)::DATE
            WHERE o.seq < w.seq
            """,
            [[one[place] for one in wanted] for place in range(3)],
        ).fetchall()
        return set(rows)

    def saying(self, wanted: list[tuple[str, str, date]]) -> list[tuple[str, int, str, str, date]]:
        """(submission, seq, form, unit, month): who speaks last of each (form, unit, month)."""
        if not wanted:
            return []
        return self.connection.execute(
            """
            SELECT DISTINCT submission_id, seq, form_code, unit_id, period FROM (
                SELECT o.submission_id, o.seq, o.form_code, o.unit_id, o.period
                FROM raw.observation o
                JOIN (SELECT unnest(?::VARCHAR[]) AS form_code, unnest(?::VARCHAR[]) AS unit_id,
                             unnest(?::DATE[]) AS period) w USING (form_code, unit_id, period)
                JOIN raw.submission s USING (submission_id)
                WHERE s.status = 'accepted' AND o.status = 'accepted'
                QUALIFY o.seq = max(o.seq) OVER (PARTITION BY o.form_code, o.unit_id, o.period)
            ) ORDER BY seq, unit_id, period
            """,
            [[one[place] for one in wanted] for place in range(3)],
        ).fetchall()

    def issues_of(
        self, submission_id: str, rules: Iterable[str], unit_id: str, period: date
    ) -> list[tuple[int, str | None, str | None, str, str | None, str, str, str, str]]:
        """(number, sheet, cell, rule, indicator, severity, zh, en, status) of what these rules say of a unit and month."""
        return self.connection.execute(
            """
            SELECT issue_no, sheet, cell, rule, indicator_code, severity, message_zh, message_en, status FROM raw.issue
            WHERE submission_id = ? AND unit_id = ? AND period = ? AND list_contains(?, rule)
              AND status IN ('open', 'resolved')
            ORDER BY issue_no
            """,
            [submission_id, unit_id, period, sorted(rules)],
        ).fetchall()

    def restate(self, submission_id: str, number: int, severity: str, zh: str, en: str, status: str) -> None:
        """Another word of the same issue."""
        self.connection.execute(
            "UPDATE raw.issue SET severity = ?, message_zh = ?, message_en = ?, status = ? "
            "WHERE submission_id = ? AND issue_no = ?",
            [severity, zh, en, status, submission_id, number],
        )

    def add_issue(self, submission_id: str, seq: int, issue: Issue) -> None:
        """One issue more, numbered after the others."""
        self.connection.execute(
            "INSERT INTO raw.issue SELECT ?, ?, coalesce(max(issue_no), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? "
            "FROM raw.issue WHERE submission_id = ?",
            [submission_id, seq, *_issue_columns(issue), submission_id],
        )

    def severities(self, ids: list[str]) -> dict[str, int]:
        """How many errors, warnings and infos these submissions have."""
        rows = self.connection.execute(
            "SELECT severity, count(*) FROM raw.issue WHERE list_contains(?, submission_id) GROUP BY severity", [ids]
        ).fetchall()
        return {"error": 0, "warning": 0, "info": 0, **dict(rows)}

    def recount(self, submission_id: str) -> None:
        """The submission's errors and warnings as its issues stand."""
        self.connection.execute(
            """
            UPDATE raw.submission SET
                errors = (SELECT count(*) FROM raw.issue WHERE submission_id = $id AND severity = 'error'),
                warnings = (SELECT count(*) FROM raw.issue WHERE submission_id = $id AND severity = 'warning')
            WHERE submission_id = $id
            """,
            {"id": submission_id},
        )

    # --------------------------------------------------------------------------------------------- reading it back

    def enterprises(self) -> Iterator[KnownEnterprise]:
        """The registers: per enterprise what held from each of them on, the latest word last, a register's after a
        report's; a column that one does not speak of keeps what was said before."""
        columns = (
            "name_zh",
            "township_code",
            "credit_code",
            "unit_status",
            "industry_code",
            "is_above_scale",
            "is_agro_processing",
            "is_pharma",
            "is_coal_mine",
            "is_key_energy_user",
            "capacity_tonnes_per_year",
        )
        latest = ", ".join(f"last_value({name} IGNORE NULLS) OVER known" for name in columns)
        rows = self.connection.execute(
            f"""
            SELECT enterprise_id, {latest}, bool_and(is_provisional) OVER known, valid_from
            FROM raw.enterprise e JOIN raw.submission s USING (submission_id) WHERE s.status = 'accepted'
            WINDOW known AS (
                PARTITION BY enterprise_id ORDER BY NOT is_provisional, e.seq, valid_from ROWS UNBOUNDED PRECEDING
            )
            ORDER BY enterprise_id, NOT is_provisional, e.seq, valid_from
            """
        ).fetchall()
        for row in rows:
            yield KnownEnterprise(
                enterprise_id=row[0],
                name=row[1] or "",
                township_code=row[2],
                credit_code=row[3],
                unit_status=row[4],
                industry_code=row[5],
                is_above_scale=bool(row[6]),
                is_agro_processing=bool(row[7]),
                is_pharma=bool(row[8]),
                is_coal_mine=bool(row[9]),
                is_key_energy_user=bool(row[10]),
                capacity=row[11],
                is_provisional=row[12],
                valid_from=row[13],
            )

    def townships(self) -> Iterator[NewTownship]:
        """Township-level units that forms registered themselves."""
        rows = self.connection.execute(
            """
            SELECT t.township_code, t.name_zh, t.name_en, t.kind
            FROM raw.township t JOIN raw.submission s USING (submission_id)
            WHERE s.status = 'accepted'
            QUALIFY row_number() OVER (PARTITION BY t.township_code ORDER BY s.seq) = 1
            ORDER BY t.township_code
            """
        ).fetchall()
        for row in rows:
            yield NewTownship(*row)

    def holds_more_than(self, figures: int, since: date) -> bool:
        """Whether more figures than so many stand in months from `since` on."""
        row = self.connection.execute("SELECT count(*) > ? FROM raw.observation WHERE period >= ?", [figures, since])
        return bool((row.fetchone() or (False,))[0])

    def figures(self, since: date, units: Collection[str] | None = None) -> Iterator[tuple[Any, ...]]:
        """What is in force per form, for audit's history: (indicator, unit, period, measure, value, null reason,
        form), in order of intake; repeated rows of one submission are added up. `units`: of these alone."""
        parameters: list[Any] = [since] if units is None else [since, sorted(units)]
        cursor = self.connection.execute(
            FIGURES.format(units="" if units is None else "AND o.unit_id IN (SELECT unnest(?::VARCHAR[]))")
            + """
            QUALIFY row_number() OVER (
                PARTITION BY o.indicator_code, o.unit_id, o.period, o.measure, o.form_code ORDER BY o.seq DESC
            ) = 1
            ORDER BY o.seq
            """,
            parameters,
        )
        while rows := cursor.fetchmany(50_000):
            yield from (row[:-1] for row in rows)

    def figures_as_they_came(self, since: date) -> Iterator[tuple[Any, ...]]:
        """As `figures`, with what later submissions superseded, and each row's seq behind it."""
        cursor = self.connection.cursor()  # its own: others ask in between
        cursor.execute(FIGURES.format(units="") + " ORDER BY o.seq", [since])
        while rows := cursor.fetchmany(50_000):
            yield from rows
        cursor.close()

    def columns(self) -> Iterator[tuple[Any, ...]]:
        """Where the last workbook of each form and reporting unit has its columns: (form, unit, file, sheet, letters,
        indicator, measure, heading), in the order of its cells."""
        rows = self.connection.execute(
            """
            WITH last AS (
                SELECT form_code, reporter_unit_id, file_name, submission_id FROM raw.submission
                WHERE status = 'accepted' AND form_code IS NOT NULL
                QUALIFY row_number() OVER (PARTITION BY form_code, reporter_unit_id ORDER BY seq DESC) = 1
            )
            SELECT o.form_code, l.reporter_unit_id, l.file_name, o.sheet, regexp_extract(o.cell, '^[A-Z]+'),
                   o.indicator_code, o.measure, min(o.heading)
            FROM last l JOIN raw.observation o USING (submission_id)
            GROUP BY ALL ORDER BY ALL
            """
        ).fetchall()
        yield from rows

    def heard(self) -> int:
        """How many acceptances raw.act holds."""
        row = self.connection.execute("SELECT count(*) FROM raw.act WHERE kind = 'accepted'").fetchone()
        return 0 if row is None else int(row[0])

    def acceptances(self) -> Iterator[Acceptance]:
        """What staff accepted about a figure, in the order it was said."""
        rows = self.connection.execute(
            """
            SELECT a.rule, o.indicator_code, o.unit_id, o.period, o.measure, o.value, a.said_by, a.text
            FROM raw.act a JOIN raw.submission s USING (submission_id)
            JOIN raw.observation o
              ON a.submission_id = o.submission_id AND a.cell = o.cell AND (a.sheet IS NULL OR a.sheet = o.sheet)
            WHERE a.kind = 'accepted' AND s.status = 'accepted' AND o.unit_id IS NOT NULL AND o.value IS NOT NULL
            ORDER BY a.act_no
            """
        ).fetchall()
        for rule, code, unit_id, period, measure, value, by, reason in rows:
            yield Acceptance(rule, code, unit_id, period, measure, float(value), by, reason)

    def incidents(self) -> Iterator[IncidentRow]:
        """Incidents in force: of each unit and month those of the latest sheet."""
        yield from (row for _, row in self._incidents("QUALIFY i.seq = max(i.seq) OVER (" + UNIT_AND_MONTH + ")"))

    def incidents_as_they_came(self) -> Iterator[tuple[int, IncidentRow]]:
        """As `incidents`, with what later sheets superseded, and each one's seq."""
        yield from self._incidents("")

    def _incidents(self, which: str) -> Iterator[tuple[int, IncidentRow]]:
        rows = self.connection.execute(
            f"""
            SELECT {", ".join(f"i.{name}" for name in INCIDENT_COLUMNS.split(", "))}, i.seq
            FROM raw.incident i JOIN raw.submission s USING (submission_id)
            WHERE s.status = 'accepted' AND i.status = 'accepted'
            {which}
            ORDER BY i.seq, i.occurred_on
            """
        ).fetchall()
        for row in rows:
            yield row[-1], stored_incident(row)

    def superseded_contents(self, beaten: Collection[int] | None = None) -> set[str]:
        """SHA-256 of the contents no longer wholly in force: they are `beaten`, or they were withdrawn."""
        out = sorted(self.beaten() if beaten is None else beaten)
        rows = self.connection.execute(
            """
            WITH newest AS (SELECT sha256, max(seq) AS seq FROM raw.submission GROUP BY sha256)
            SELECT n.sha256 FROM newest n JOIN raw.submission s USING (seq)
            WHERE s.status = 'withdrawn' OR n.seq IN (SELECT unnest(?::BIGINT[]))
            """,
            [out],
        ).fetchall()
        return {row[0] for row in rows}

    def beaten(self) -> set[int]:
        """Seqs of accepted submissions of which a later accepted one, of the same form, holds a key."""
        rows = self.connection.execute(
            f"""
            WITH live AS (SELECT submission_id, seq FROM raw.submission WHERE status = 'accepted'),
            keys AS ({_KEYS_OF_LIVE})
            SELECT DISTINCT seq FROM (
                SELECT seq, max(seq) OVER (PARTITION BY form, what, who, month, how) AS last_seq FROM keys
            ) WHERE seq < last_seq
            """
        ).fetchall()
        return {row[0] for row in rows}

    def beaten_by(self, ids: Collection[str]) -> set[int]:
        """The same, of what one of these submissions beats: it costs what they hold, and one look through the rest."""
        rows = self.connection.execute(
            f"""
            WITH live AS (
                SELECT submission_id, seq FROM raw.submission WHERE status = 'accepted' AND list_contains($ids, submission_id)
            ),
            said AS MATERIALIZED ({_KEYS_OF_LIVE}),
            met AS (
                SELECT o.submission_id, o.seq, s.seq AS by_seq FROM raw.observation o JOIN said s
                ON o.form_code = s.form AND o.indicator_code = s.what AND o.unit_id = s.who AND o.period = s.month
                   AND o.measure = s.how
                UNION ALL
                SELECT c.submission_id, c.seq, s.seq FROM raw.coverage c JOIN said s
                ON c.form_code = s.form AND c.unit_id = s.who AND c.period = s.month AND s.how = 'coverage'
                UNION ALL
                SELECT e.submission_id, e.seq, s.seq FROM raw.enterprise e JOIN said s
                ON e.enterprise_id = s.who AND s.how = 'register' WHERE NOT e.is_provisional
                UNION ALL
                SELECT u.submission_id, u.seq, s.seq FROM raw.unit_change u JOIN said s
                ON u.form_code = s.form AND u.subject = s.who AND s.how = 'unit_change'
                UNION ALL
                SELECT t.submission_id, t.seq, s.seq FROM raw.task t JOIN said s
                ON t.form_code = s.form AND t.task_id = s.who AND s.how = 'task'
            )
            SELECT DISTINCT m.seq FROM met m JOIN raw.submission USING (submission_id)
            WHERE m.seq < m.by_seq AND status = 'accepted'
            """,
            {"ids": sorted(ids)},
        ).fetchall()
        return {row[0] for row in rows}

    def content_keys(self, submission_id: str) -> set[Key]:
        """Supersession keys of one stored submission, in the form of `supersession_keys`."""
        rows = self.connection.execute(
            """
            SELECT DISTINCT form_code, indicator_code, unit_id, period, measure FROM raw.observation
            WHERE submission_id = $id AND unit_id IS NOT NULL
            UNION ALL SELECT DISTINCT form_code, '', unit_id, period, 'coverage' FROM raw.coverage
            WHERE submission_id = $id AND unit_id IS NOT NULL
            UNION ALL SELECT DISTINCT '', '', enterprise_id, NULL, 'register' FROM raw.enterprise
            WHERE submission_id = $id AND NOT is_provisional
            UNION ALL SELECT DISTINCT form_code, '', subject, NULL, 'unit_change' FROM raw.unit_change
            WHERE submission_id = $id
            UNION ALL SELECT DISTINCT form_code, '', task_id, NULL, 'task' FROM raw.task WHERE submission_id = $id
            """,
            {"id": submission_id},
        ).fetchall()
        return set(rows)

    def status_of(self, submission_id: str) -> str | None:
        row = self.connection.execute(
            "SELECT status FROM raw.submission WHERE submission_id = ?", [submission_id]
        ).fetchone()
        return None if row is None else row[0]

    def depending_on_registers(self, before_seq: int, since: date) -> dict[str, tuple[int, int, int]]:
        """Accepted submissions before a delivery that a register may have something to say about: with rows whose unit
        was not known, of months from `since` on, or that named an enterprise provisionally. By submission: cells of
        unknown units, errors, warnings."""
        rows = self.connection.execute(
            """
            WITH said AS (
                SELECT submission_id, unit_id, period FROM raw.observation
                UNION ALL
                SELECT submission_id, coalesce(enterprise_id, township_code), occurred_on FROM raw.incident
            ),
            provisional AS (
                SELECT DISTINCT p.submission_id FROM raw.enterprise p
                JOIN raw.enterprise r ON p.enterprise_id = r.enterprise_id AND p.is_provisional AND NOT r.is_provisional
            )
            SELECT s.submission_id, count(*) FILTER (said.unit_id IS NULL), s.errors, s.warnings
            FROM raw.submission s JOIN said USING (submission_id)
            WHERE s.status = 'accepted' AND s.seq < ?
            GROUP BY ALL
            HAVING count(*) FILTER (said.unit_id IS NULL) > 0 OR max(said.period) >= ?
              OR s.submission_id IN (SELECT submission_id FROM provisional)
            """,
            [before_seq, since],
        ).fetchall()
        return {row[0]: row[1:] for row in rows}

    def registers_since(self, ids: Iterable[str]) -> date | None:
        """The first day from which any of these registers holds; None where none of them is a register."""
        row = self.connection.execute(
            "SELECT min(valid_from) FROM raw.enterprise WHERE list_contains(?, submission_id) AND NOT is_provisional",
            [sorted(ids)],
        ).fetchone()
        return None if row is None else row[0]

    def told(self, submission_id: str, rule: str) -> list[Issue]:
        """What one rule said of a submission."""
        rows = self.connection.execute(
            "SELECT rule, severity, message_zh, message_en, sheet, cell, raw_text, indicator_code, level, unit_id, period "
            "FROM raw.issue WHERE submission_id = ? AND rule = ? ORDER BY issue_no",
            [submission_id, rule],
        ).fetchall()
        return [Issue(*row) for row in rows]

    def later_neighbours(self, ids: Iterable[str], months: Iterable[int]) -> list[tuple[str, str, date, int]]:
        """(form, unit, month, seq) of what these submissions say and what came in after them about the same unit, so many
        months earlier, by the same form; the seq is the last such one's."""
        return self.connection.execute(
            """
            SELECT o.form_code, o.unit_id, o.period, max(n.seq)
            FROM (
                SELECT DISTINCT form_code, unit_id, period, seq, unnest(?::INTEGER[]) AS months FROM raw.observation
                WHERE list_contains(?, submission_id) AND status = 'accepted' AND unit_id IS NOT NULL
            ) o
            JOIN raw.observation n ON n.form_code = o.form_code AND n.unit_id = o.unit_id AND n.seq > o.seq
              AND n.period = (o.period - to_months(o.months))::DATE AND n.status = 'accepted'
            JOIN raw.submission s ON n.submission_id = s.submission_id AND s.status = 'accepted'
            GROUP BY ALL ORDER BY ALL
            """,
            [list(months), sorted(ids)],
        ).fetchall()

    def later_parts(self, ids: Iterable[str]) -> list[tuple[date, int]]:
        """(month, seq) of what these submissions say of the county and what came in after them about its parts."""
        return self.connection.execute(
            """
            SELECT o.period, max(n.seq)
            FROM (
                SELECT DISTINCT period, seq FROM raw.observation WHERE list_contains(?, submission_id) AND level = 'county'
            ) o
            JOIN raw.observation n ON n.period = o.period AND n.seq > o.seq AND n.level <> 'county' AND n.status = 'accepted'
            JOIN raw.submission s ON n.submission_id = s.submission_id AND s.status = 'accepted'
            GROUP BY ALL ORDER BY ALL
            """,
            [sorted(ids)],
        ).fetchall()


class Ahead:
    """Observations of new submissions, written by a thread of its own while later workbooks are still judged.

    It has a connection, and one transaction, to itself: nothing counts before `Store.write` completes it with the rest
    of the batch. Use as a context manager within `open_store`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writing")
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._parts: list[Future[int]] = []
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.forget()
        self._thread.shutdown(wait=True)

    def put(self, batch: Batch) -> None:
        """Take the observations out of a batch of submissions that the database does not hold."""
        rows, batch.rows["observation"] = batch.rows["observation"], []
        if not rows:
            return
        if self._connection is None:
            self._connection = self._store.connection.cursor()
            self._connection.execute("BEGIN")
        self.rows += len(rows)
        spool = self._store.settings.work / "spool"
        self._parts.append(self._thread.submit(insert_rows, self._connection, "raw.observation", rows, spool))

    def complete(self, write: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        """The rest by `write`, and the transaction's end; raises what any part of it met, and then nothing is kept."""
        connection = self._connection
        assert connection is not None
        try:
            for part in self._parts:
                part.result()
            write(connection)
            connection.execute("COMMIT")
        except BaseException:
            # Ctrl-C included: a transaction left open would keep the next batch out.
            self.forget()
            raise
        self._clear()

    def forget(self) -> None:
        """As if nothing had been put."""
        if self._connection is None:
            return
        wait(self._parts)
        with suppress(duckdb.Error):
            self._connection.execute("ROLLBACK")
        self._clear()

    def _clear(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._parts, self.rows = None, [], 0


def supersession_keys(intake: Intake) -> set[Key]:
    """What a submission says something about: a later one with a common key supersedes it there."""
    parsed = intake.parsed
    keys: set[Key] = {
        (cell.form_code, cell.indicator_code, cell.unit_id, cell.period, cell.measure)
        for cell in parsed.observations
        if cell.unit_id is not None
    }
    keys.update(
        (entry.form_code, "", entry.unit_id, entry.period, "coverage")
        for entry in parsed.coverage
        if entry.unit_id is not None
    )
    keys.update(
        ("", "", row.enterprise_id, None, "register")
        for row in parsed.roster
        if row.enterprise_id is not None and not row.is_provisional
    )
    keys.update((row.form_code, "", row.subject, None, "unit_change") for row in parsed.changes)
    keys.update((row.form_code, "", row.task_id, None, "task") for row in parsed.tasks)
    return keys


def connect(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection that spills beside the work files and never looks outside for extensions."""
    return duckdb.connect(
        str(path),
        read_only=read_only,
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "wal_autocheckpoint": WAL_LIMIT,
        },
    )


def discard(settings: Settings) -> None:
    """Remove the work database: everything in it is read again from the archive."""
    for path in _files_of(settings.warehouse):
        path.unlink(missing_ok=True)


def set_aside(settings: Settings, stamp: str) -> Path:
    """Move a damaged work database to `work/damaged/<stamp>/`; returns that folder."""
    folder = settings.work / "damaged" / stamp
    folder.mkdir(parents=True, exist_ok=True)
    for path in _files_of(settings.warehouse):
        if path.exists():
            path.replace(folder / path.name)
    return folder


def _files_of(database: Path) -> Iterable[Path]:
    return (database, database.with_name(database.name + ".wal"))


def _has_schema(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether all tables were made as schema.sql has them now: said by intake's first transaction, behind them."""
    try:
        found = connection.execute("SELECT value FROM raw.meta WHERE key = ?", [SCHEMA_KEY]).fetchone()
    except duckdb.CatalogException:
        return False
    return found is not None and found[0] == schema_fingerprint()


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """Open (and where needed create) the work database for writing.

    Raises DamagedDatabase where the file is bad, WarehouseError where another program holds it.
    Closed and checkpointed at the end, so that dbt can attach it.
    """
    settings.work.mkdir(parents=True, exist_ok=True)
    try:
        connection = connect(settings.warehouse)
    except duckdb.Error as error:
        if is_damage(error):
            raise DamagedDatabase("warehouse.damaged", file=settings.warehouse.name, error=error) from error
        if "lock" in str(error).lower():
            raise WarehouseError("warehouse.work_in_use", file=settings.warehouse.name, error=error) from error
        raise
    try:
        try:
            if not _has_schema(connection):
                connection.execute(SCHEMA_SQL.read_text(encoding="utf-8"))
        except duckdb.Error as error:
            if is_damage(error):
                raise DamagedDatabase("warehouse.damaged", file=settings.warehouse.name, error=error) from error
            raise
        yield Store(settings, connection)
        connection.execute("CHECKPOINT")
    finally:
        connection.close()


def literal(text: str) -> str:
    """A text as SQL writes it, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"
