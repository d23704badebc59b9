"""Ledgers of tasks: one row a project, certification, training or closure (domain.md A, target form TASK).

Belongs here: a row of such a ledger → TaskRow; planned and actual day, progress, whether the row says that it is done.
Does not belong here: words of headings and states (seeds/reference), the responsible township's code (resolve.py),
which of several ledgers holds and what is overdue (dbt).

A row is done only where nothing in it speaks against it: a day of completion beside a progress of 80 % is told, not
believed. A day that names only a month, a quarter or a year means its last day.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from dagster_project.ingest.extract_lists import occurred_on
from dagster_project.ingest.grid import CellValue, address
from dagster_project.ingest.model import TaskRow, UnitRef
from dagster_project.ingest.periods import from_cell
from dagster_project.ingest.recognise import pick_indicator
from dagster_project.ingest.rows import county_named
from dagster_project.ingest.table import Table
from dagster_project.ingest.text import normalise

FULL = Decimal(100)


def extract_tasks(table: Table) -> None:
    """Rows of the ledger as tasks; merged categories and townships hold for every row they span."""
    name_index = table.field_index("task_name")
    assert name_index is not None
    spans = _Spans(table)
    for row, cells in table.rows():
        name = table.text(cells, name_index)
        if table.vocabulary.total_row(name) or any(table.vocabulary.total_row(table.text(cells, i)) for i in (0, 1)):
            continue
        if not name:
            first = next((text for index in range(len(cells)) if (text := table.text(cells, index))), "")
            table.issue("parse.unused_row", "info", row, 0, first)
            continue
        table.workbook.tasks.append(_task(table, spans, row, cells, name))


class _Spans:
    """Text of a field, where a merged cell or a ditto mark takes what stands above."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.last: dict[str, tuple[str, str]] = {}

    def text(self, role: str, row: int, cells: Sequence[CellValue]) -> tuple[str, str | None]:
        """The text and the address of the cell that holds it; '' where there is none."""
        index = self.table.field_index(role)
        if index is None:
            return "", None
        text = self.table.text(cells, index)
        if (not text and self.table.is_merged(row, index)) or self.table.is_ditto(text):
            return self.last.get(role, ("", address(row, index)))
        self.last[role] = (text, address(row, index))
        return self.last[role]


def _task(table: Table, spans: _Spans, row: int, cells: Sequence[CellValue], name: str) -> TaskRow:
    planned = _day(table, "planned_on", row, cells)
    done = _day(table, "done_on", row, cells)
    progress = _progress(table, row, cells)
    state_text = table.text(cells, table.field_index("task_state"))
    state = table.vocabulary.word("task_state", state_text) if state_text else None
    evidence_index = table.field_index("evidence")
    evidence = table.text(cells, evidence_index)
    if normalise(evidence) in table.vocabulary.figures.null_tokens:
        evidence = ""
    category, _ = spans.text("task_category", row, cells)
    township, township_cell = spans.text("township", row, cells)
    is_done = _is_done(table, row, done, progress, state)
    if is_done and not evidence:
        table.issue("parse.task_evidence", "warning", row, evidence_index or 0, name, name=name)
    return TaskRow(
        form_code=table.form.code,
        unit=_unit(table, township, township_cell),
        name=name,
        year=_year(table, planned, done),
        indicator_code=_indicator(table, row, category, name),
        category=category or None,
        reported_for=table.period,
        planned_on=planned,
        done_on=done,
        progress_pct=progress,
        state="done" if is_done else ("open" if state == "done" else state),
        state_text=state_text or None,
        evidence=evidence or None,
        remark=table.text(cells, table.field_index("remark")) or None,
        sheet=table.sheet.name,
        cell=address(row, table.field_index("task_name") or 0),
        raw_text=" | ".join(table.text(cells, index) for index in range(len(cells))),
    )


def _unit(table: Table, township: str, cell: str | None) -> UnitRef:
    """Who answers for the task: the township of the row, else whose ledger it is."""
    if not township:
        return table.reporter
    if county_named(table, township) or table.vocabulary.word("task_owner", township) == "county":
        return UnitRef("county")
    return UnitRef("township", name=township, township=township, township_cell=cell)


def _year(table: Table, planned: date | None, done: date | None) -> int | None:
    """The year whose task it is: that of the plan, else the ledger's, else that of completion."""
    if planned is not None:
        return planned.year
    if table.said is not None and table.said.year is not None:
        return table.said.year
    return done.year if done is not None else None


def _indicator(table: Table, row: int, category: str, name: str) -> str | None:
    """The indicator that the category means, else the one that the task's own name is."""
    for text in (category, name):
        if text:
            code = pick_indicator(table.vocabulary.term(text), table.form.code, (), table.vocabulary)
            if code is not None:
                return code
    if category:
        table.issue("parse.task_category", "warning", row, table.field_index("task_category"), category, name=category)
    return None


def _day(table: Table, role: str, row: int, cells: Sequence[CellValue]) -> date | None:
    """A day; of a month, quarter or year its last one. Blank and null tokens say none."""
    index = table.field_index(role)
    text = table.text(cells, index)
    if index is None or not text or normalise(text) in table.vocabulary.figures.null_tokens:
        return None
    value = cells[index]
    found = occurred_on(value, table)
    if found is not None:
        return found
    period = from_cell(value, table.vocabulary.periods)
    year = period.year if period is not None else None
    if year is None:
        year = table.said.year if table.said is not None else None
    named = table.vocabulary.match("deadline", normalise(text))
    if year is None or (period is None and named is None):
        table.issue("parse.task_date", "warning", row, index)
        return None
    month = int(named[1]) if named is not None else ((period.month if period is not None else None) or 12)
    return date(year, month, calendar.monthrange(year, month)[1])


def _progress(table: Table, row: int, cells: Sequence[CellValue]) -> Decimal | None:
    """Progress in %, 0 to 100; what is none is told."""
    index = table.field_index("progress")
    if index is None:
        return None
    figure = table.read(row, index, cells)
    if figure.number is not None and figure.suffix in (None, "%") and 0 <= figure.number <= FULL:
        return figure.number
    if figure.number is not None or figure.problem is not None:
        table.issue("parse.task_progress", "warning", row, index)
    return None


def _is_done(table: Table, row: int, done: date | None, progress: Decimal | None, state: str | None) -> bool:
    """Whether the row says that the task is done and says nothing else; a contradiction is told."""
    says_done = done is not None or progress == FULL or state == "done"
    says_open = (progress is not None and progress < FULL) or state in ("open", "cancelled")
    if says_done and says_open:
        where = next(
            (index for role in ("task_state", "progress", "done_on") if (index := table.field_index(role)) is not None),
            0,
        )
        table.issue("parse.task_contradiction", "warning", row, where)
    return says_done and not says_open
