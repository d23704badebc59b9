"""The records that intake passes on: what a workbook yielded, before and after its units are known.

Belongs here: plain data classes without behaviour, shared by ingest, audit and warehouse.
Does not belong here: reading files, rules, SQL.

Two stages:
`ParsedWorkbook` is what one file says by itself (parse.py, pure, runs in a child process);
`Intake` is the same with every unit resolved against the registers known at that time (resolve.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Severity = Literal["error", "warning", "info"]
Level = Literal["county", "township", "enterprise"]
CellStatus = Literal["accepted", "quarantined"]


@dataclass(slots=True)
class Issue:
    """One thing that a person should know about a cell, a row, a sheet or a file.

    `cell` is an A1 address, or None where the whole sheet or file is meant.
    Both texts name what was read, what was expected and what to do (seeds/reference/messages.csv).
    `quarantines` tells that the figure of this cell must not come into force.
    """

    rule: str
    severity: Severity
    message_zh: str
    message_en: str
    sheet: str | None = None
    cell: str | None = None
    raw_text: str | None = None
    indicator_code: str | None = None
    level: Level | None = None
    unit_id: str | None = None
    period: date | None = None
    quarantines: bool = False
    status: str = "open"


@dataclass(slots=True)
class UnitRef:
    """How a row or a sheet names its unit, as written; resolved later.

    `identifier` is a credit code, organisation code or any other register's number;
    `township` is the township's name as the row gives it (filled down where merged or ditto).
    `identifier_cell` and `township_cell` say where these two stand, for issues about them.
    """

    level: Level
    identifier: str | None = None
    name: str | None = None
    township: str | None = None
    identifier_cell: str | None = None
    township_cell: str | None = None


@dataclass(slots=True)
class Observation:
    """One cell that holds a figure, or says why it holds none.

    `value` is in the indicator's stored unit (10,000 yuan, t, persons, tce …) after `unit_factor`;
    exactly one of `value` and `null_reason` is set. `period` is the month's first day.
    `measure`: month, ytd, stock, base_month, base_ytd, declared_growth, target, target_growth, target_stretch.
    `target_form` (level, growth, cap, floor, reduction, share, task, full) only where measure is a target.
    `line_no` is 1, or counts repeated rows of one key where the form lets them add.
    """

    form_code: str
    indicator_code: str
    unit: UnitRef
    period: date
    measure: str
    value: Decimal | None
    null_reason: str | None
    sheet: str
    cell: str
    raw_text: str
    raw_unit: str | None = None
    unit_factor: Decimal = Decimal(1)
    line_no: int = 1
    is_estimated: bool = False
    is_carried: bool = False
    target_form: str | None = None
    heading: str | None = None
    status: CellStatus = "accepted"
    # set by resolve.py
    level: Level | None = None
    unit_id: str | None = None
    township_code: str | None = None


@dataclass(slots=True)
class DeclaredTotal:
    """A cell of a total or subtotal row: kept, compared with our own sum, never used as a figure.

    `scope` is None for the grand total, or the township whose subtotal it is (as written).
    """

    form_code: str
    indicator_code: str
    period: date
    measure: str
    value: Decimal
    sheet: str
    cell: str
    raw_text: str
    scope: str | None = None
    scope_unit_id: str | None = None


@dataclass(slots=True)
class RosterRow:
    """One enterprise as a register workbook, or a form that registers units, describes it.

    `capacity` is in t a year. A flag is None where the workbook does not speak of it.
    """

    form_code: str
    unit: UnitRef
    valid_from: date
    sheet: str
    cell: str
    industry_code: str | None = None
    is_above_scale: bool | None = None
    is_agro_processing: bool | None = None
    is_pharma: bool | None = None
    is_coal_mine: bool | None = None
    is_key_energy_user: bool | None = None
    capacity: Decimal | None = None
    unit_status: str = "active"  # active, suspended, closed, construction
    is_provisional: bool = False  # met in a report, not in a register
    # set by resolve.py
    enterprise_id: str | None = None
    credit_code: str | None = None
    township_code: str | None = None


@dataclass(slots=True)
class IncidentRow:
    """One accident of an incident sheet; deaths and injuries in persons, `direct_loss` in 10,000 yuan."""

    form_code: str
    unit: UnitRef
    occurred_on: date
    category: str | None
    deaths: int
    serious_injuries: int
    direct_loss: Decimal | None
    declared_class: str | None
    counted_in_rate: bool
    sheet: str
    cell: str
    raw_text: str
    status: CellStatus = "accepted"
    class_cell: str | None = None  # where declared_class stands
    # set by resolve.py
    enterprise_id: str | None = None
    township_code: str | None = None


@dataclass(slots=True)
class UnitChange:
    """One row of a register of unit changes: one predecessor and one successor, or one of them alone.

    `event_no` numbers the events of its sheet: rows that share a unit. `structure` counts predecessors and successors
    of the event (0:1, 1:0, 1:1, n:1, 1:n, n:n); `op` says what it is, in the words of township_links.csv and
    establish, abolish, transfer, reorganise, unclear. `is_continued`: the predecessor goes on as this successor.
    `*_kind`: street, town, township, other. `*_county`: the code's leading digits. `cell` is the row's first cell of
    a unit, `*_cell` where each side is written (the first cell of a merge). `status` repeated points to the row that
    said the same before, `repeats_cell`.
    """

    form_code: str
    year: int
    effective_on: date | None
    province: str | None
    predecessor_code: str | None
    predecessor_name: str | None
    predecessor_kind: str | None
    predecessor_county: str | None
    successor_code: str | None
    successor_name: str | None
    successor_kind: str | None
    successor_county: str | None
    reason: str | None
    doc_no: str | None
    order_no: str | None
    sheet: str
    cell: str
    predecessor_cell: str | None
    successor_cell: str | None
    raw_text: str
    event_no: int = 0
    structure: str = ""
    op: str = ""
    is_continued: bool = False
    repeats_cell: str | None = None
    status: str = "accepted"

    @property
    def subject(self) -> str:
        """What the row speaks of: the predecessor of its year, else the successor. A later register replaces by it."""
        if self.predecessor_code or self.predecessor_name:
            return f"{self.year}:{self.predecessor_code or ''}{self.predecessor_name or ''}>"
        return f"{self.year}:>{self.successor_code or ''}{self.successor_name or ''}"

    @property
    def change_id(self) -> str:
        old = f"{self.predecessor_code or ''}{self.predecessor_name or ''}"
        return f"{self.year}:{old}>{self.successor_code or ''}{self.successor_name or ''}"


@dataclass(slots=True)
class TaskRow:
    """One task of a task ledger: a project, certification, training or closure; `progress_pct` in %.

    `year` is the year whose task it is. `state`: done (the row says so and nothing in it speaks against it), open,
    cancelled, or None where the row does not say. `reported_for` is the month of the ledger, None where it names none.
    """

    form_code: str
    unit: UnitRef
    name: str
    year: int | None
    indicator_code: str | None
    category: str | None
    reported_for: date | None
    planned_on: date | None
    done_on: date | None
    progress_pct: Decimal | None
    state: str | None
    state_text: str | None
    evidence: str | None
    remark: str | None
    sheet: str
    cell: str
    raw_text: str
    status: CellStatus = "accepted"
    # set by resolve.py: the same over later ledgers; no township: the county's own
    task_id: str = ""
    township_code: str | None = None


@dataclass(slots=True)
class Coverage:
    """What a workbook says of a unit in a period: did it report, and if not, why.

    `status`: reported, not_reported, suspended, closed, zero_report, carried.
    """

    form_code: str
    unit: UnitRef
    period: date
    status: str
    sheet: str
    cell: str | None = None
    # the unit's status as the row itself words it (active, suspended, closed, construction …), and where it stands
    told: str | None = None
    told_cell: str | None = None
    # set by resolve.py
    level: Level | None = None
    unit_id: str | None = None


@dataclass(slots=True)
class NewTownship:
    """A township-level unit met for the first time by a form that registers its units (us_coal)."""

    township_code: str
    name_zh: str
    name_en: str
    kind: str


@dataclass(slots=True)
class SheetReading:
    """How one sheet was understood; `form_code` is None where no form was recognised."""

    sheet: str
    form_code: str | None
    layout: str | None
    period: date | None
    confidence: float = 0.0
    is_hidden: bool = False
    period_cell: str | None = None  # where the period stands, for issues about it


@dataclass(slots=True)
class ParsedWorkbook:
    """What one file says by itself. `file_kind` is by content: xlsx, xls, xlsb, ods, csv, html, spreadsheetml, unknown."""

    file_name: str
    file_kind: str
    sheets: list[SheetReading] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    totals: list[DeclaredTotal] = field(default_factory=list)
    roster: list[RosterRow] = field(default_factory=list)
    incidents: list[IncidentRow] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    changes: list[UnitChange] = field(default_factory=list)
    tasks: list[TaskRow] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    reporter: UnitRef | None = None


# (indicator, measure); the indicator is empty where a column holds several, one a row
ColumnKey = tuple[str, str]


@dataclass(slots=True)
class Columns:
    """One form as one workbook laid it out: column → (letters, heading as written; empty where it is not known)."""

    file_name: str
    sheet: str
    places: dict[ColumnKey, tuple[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Intake:
    """A parsed workbook with its units resolved; what audit judges and the store keeps.

    An observation whose unit could not be resolved has `unit_id` None, status quarantined, and an issue.
    `columns` says where the figures of each form stand, once that was looked at (moved.py).
    """

    parsed: ParsedWorkbook
    form_code: str | None
    layout: str | None
    period: date | None
    reporter_level: Level | None
    reporter_unit_id: str | None
    new_townships: list[NewTownship] = field(default_factory=list)
    columns: dict[str, Columns] = field(default_factory=dict)

    @property
    def issues(self) -> list[Issue]:
        return self.parsed.issues


@dataclass(frozen=True, slots=True)
class KnownEnterprise:
    """One enterprise of the register, as resolve.py and audit look it up."""

    enterprise_id: str
    name: str
    township_code: str | None
    credit_code: str | None = None
    unit_status: str = "active"
    industry_code: str | None = None
    is_above_scale: bool = False
    is_agro_processing: bool = False
    is_pharma: bool = False
    is_coal_mine: bool = False
    is_key_energy_user: bool = False
    capacity: Decimal | None = None  # t a year
    is_provisional: bool = False
    valid_from: date | None = None  # of the register that says so


@dataclass(frozen=True, slots=True)
class Submission:
    """One delivery of one file: what the journal knows of it."""

    submission_id: str
    seq: int
    file_name: str
    sha256: str
    size_bytes: int
    received_at: datetime
    ingested_at: datetime
