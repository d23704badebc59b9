"""Builders of submissions and histories for the audit's tests: real reference data, real records, no files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from dagster_project.audit.history import InMemoryHistory
from dagster_project.audit.run import Auditor
from dagster_project.ingest.model import (
    Coverage,
    DeclaredTotal,
    IncidentRow,
    Intake,
    Issue,
    KnownEnterprise,
    Observation,
    ParsedWorkbook,
    Submission,
    TaskRow,
    UnitRef,
)

SEEDS = Path(__file__).parents[2] / "seeds" / "reference"

TOWN = "529901100"
OTHER_TOWN = "529901102"
COUNTY = "529901"
PLANT = "91529901780001003A"
MINE = "91529901780002858K"


class Registers:
    """Known enterprises, as ingest.resolve.Directory gives them."""

    def __init__(self, known: Iterable[KnownEnterprise] = ()) -> None:
        self.known = {item.enterprise_id: item for item in known}

    def enterprise(self, enterprise_id: str, day: date) -> KnownEnterprise | None:
        return self.known.get(enterprise_id)

    def enterprises(self, day: date) -> Iterable[KnownEnterprise]:
        return self.known.values()


class Book:
    """A submission under construction: `put` places one cell, `judge` audits."""

    def __init__(self, auditor: Auditor) -> None:
        self.auditor = auditor
        self.parsed = ParsedWorkbook("test.xlsx", "xlsx")
        self.history = InMemoryHistory(auditor.context.reference)
        self.registers = Registers()
        self.submission: Submission | None = None
        self.form = "TE-TEST"

    def put(
        self,
        cell: str,
        code: str,
        measure: str,
        value: str | float | None,
        unit: str = TOWN,
        period: str = "2026-03",
        *,
        raw: str | None = None,
        reason: str | None = None,
        sheet: str = "Sheet1",
        form: str | None = None,
        factor: str = "1",
        target_form: str | None = None,
        carried: bool = False,
        town: str | None = None,
    ) -> Observation:
        level = (
            "county" if unit == COUNTY else "township" if unit.startswith("5299") and len(unit) == 9 else "enterprise"
        )
        number = None if value is None else Decimal(str(value))
        obs = Observation(
            form_code=form or self.form,
            indicator_code=code,
            unit=UnitRef(level, name=f"unit {unit}"),  # type: ignore[arg-type]
            period=date.fromisoformat(period + "-01"),
            measure=measure,
            value=None if number is None else number * Decimal(factor),
            null_reason=reason if number is None else None,
            sheet=sheet,
            cell=cell,
            raw_text=raw if raw is not None else ("" if value is None else str(value)),
            unit_factor=Decimal(factor),
            target_form=target_form,
            is_carried=carried,
            level=level,  # type: ignore[arg-type]
            unit_id=unit,
            township_code=unit if level == "township" else town or (TOWN if level == "enterprise" else None),
        )
        self.parsed.observations.append(obs)
        return obs

    def total(
        self, cell: str, code: str, measure: str, value: float, period: str = "2026-03", scope: str | None = None
    ) -> None:
        self.parsed.totals.append(
            DeclaredTotal(
                self.form,
                code,
                date.fromisoformat(period + "-01"),
                measure,
                Decimal(str(value)),
                "Sheet1",
                cell,
                str(value),
                scope=scope,
                scope_unit_id=scope,
            )
        )

    def cover(self, unit: str, status: str, period: str = "2026-03", told: str | None = None) -> None:
        self.parsed.coverage.append(
            Coverage(
                self.form,
                UnitRef("enterprise"),
                date.fromisoformat(period + "-01"),
                status,
                "Sheet1",
                told=told,
                told_cell="Q9" if told else None,
                level="enterprise",
                unit_id=unit,
            )
        )

    def incident(
        self, cell: str, on: str, deaths: int, injuries: int = 0, loss: float = 0, declared: str | None = None
    ) -> None:
        self.parsed.incidents.append(
            IncidentRow(
                "SA-E1",
                UnitRef("enterprise", name="mine"),
                date.fromisoformat(on),
                None,
                deaths,
                injuries,
                Decimal(str(loss)),
                declared,
                True,
                "Sheet1",
                cell,
                declared or "",
                enterprise_id=MINE,
                township_code=TOWN,
            )
        )

    def past(
        self, code: str, measure: str, values: dict[str, float], unit: str = TOWN, form: str | None = None
    ) -> None:
        for period, value in values.items():
            self.history.add(
                code, unit, date.fromisoformat(period + "-01"), measure, Decimal(str(value)), None, form or self.form
            )

    def task(self, cell: str, done_on: date | None) -> None:
        """One task of the county's own, said to be finished on that day."""
        self.parsed.tasks.append(
            TaskRow(
                form_code="TK-M1",
                unit=UnitRef("county"),
                name=f"task {cell}",
                year=2026,
                indicator_code=None,
                category=None,
                reported_for=None,
                planned_on=None,
                done_on=done_on,
                progress_pct=None,
                state=None,
                state_text=None,
                evidence=None,
                remark=None,
                sheet="Sheet1",
                cell=cell,
                raw_text="",
            )
        )

    def received(self, on: str) -> None:
        moment = datetime.fromisoformat(on)
        self.submission = Submission("S000001", 1, "test.xlsx", "0" * 64, 1, moment, moment)

    @property
    def intake(self) -> Intake:
        return Intake(self.parsed, self.form, None, None, None, None)

    def judge(self) -> list[Issue]:
        return self.auditor.audit(self.intake, self.history, self.registers, self.submission)

    def found(self) -> set[tuple[str, str, str | None]]:
        """(rule, severity, cell) of every issue."""
        return {(issue.rule, issue.severity, issue.cell) for issue in self.judge()}

    def quarantined(self) -> set[str]:
        return {obs.cell for obs in self.parsed.observations if obs.status == "quarantined"}
