"""A work database from a compact description of raw rows.

Belongs here: raw rows as a reporter would speak them. Does not belong here: dbt over them (the fixture `build_marts` of
tests/conftest.py), expectations.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from dagster_project.reference import load_reference
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse import reference_tables

RAW_SCHEMA = PROJECT_ROOT / "dagster_project" / "warehouse" / "schema.sql"


def day(text: str) -> date:
    """`2026-03` or `2026-03-15` as a date."""
    return date.fromisoformat(text if len(text) > 7 else f"{text}-01")


@dataclass
class Raw:
    """Rows of schema raw, written as a reporter would speak: `add(form, "TE01", "529901101", "2026-03", ytd=100)`."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    seq: int = 0
    cells: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def _put(self, table: str, **row: Any) -> None:
        self.rows.setdefault(table, []).append(row)

    def submission(
        self,
        form: str = "TE-M1",
        period: str = "2026-03",
        received: str | None = None,
        *,
        withdrawn: str | None = None,
    ) -> str:
        """A new submission; what follows belongs to it."""
        self.seq += 1
        self.form = form
        self.sid = f"S{self.seq:06d}"
        self.received = (
            datetime.fromisoformat(received) if received else datetime(2026, 1, 1) + timedelta(days=self.seq)
        )
        self._put(
            "submission",
            submission_id=self.sid,
            seq=self.seq,
            file_name=f"{self.sid}.xlsx",
            sha256=f"{self.seq:064d}",
            size_bytes=1,
            file_kind="xlsx",
            form_code=form,
            period=day(period),
            received_at=self.received,
            ingested_at=self.received,
            status="withdrawn" if withdrawn else "accepted",
            withdrawn_at=datetime.fromisoformat(withdrawn) if withdrawn else None,
            observations=0,
            errors=0,
            warnings=0,
        )
        return self.sid

    def add(
        self,
        indicator: str,
        unit: str,
        period: str,
        *,
        level: str | None = None,
        township: str | None = None,
        status: str = "accepted",
        line_no: int = 1,
        carried: bool = False,
        target_form: str | None = None,
        **measures: float | str | None,
    ) -> None:
        """One cell per measure; a text value is a null reason (`ytd="not_reported"`)."""
        if level is None:
            level = "county" if len(unit) == 6 else "township" if len(unit) == 9 else "enterprise"
        for measure, value in measures.items():
            is_reason = isinstance(value, str)
            self._put(
                "observation",
                submission_id=self.sid,
                seq=self.seq,
                form_code=self.form,
                indicator_code=indicator,
                level=level,
                unit_id=unit,
                township_code=township if township else unit if level == "township" else None,
                period=day(period),
                measure=measure,
                line_no=line_no,
                value=None if value is None or is_reason else Decimal(str(value)),
                null_reason=value if is_reason else None,
                is_estimated=False,
                is_carried=carried,
                target_form=target_form,
                sheet="Sheet1",
                cell=f"C{next(self.cells)}",
                raw_text=str(value),
                raw_unit=None,
                unit_factor=Decimal(1),
                heading=None,
                status=status,
                received_at=self.received,
            )

    def enterprise(self, enterprise_id: str, township: str, valid_from: str = "2023-01-01", **flags: Any) -> None:
        self._put(
            "enterprise",
            submission_id=self.sid,
            seq=self.seq,
            enterprise_id=enterprise_id,
            name_zh=enterprise_id,
            township_code=township,
            unit_status=flags.pop("unit_status", "active"),
            is_provisional=flags.pop("is_provisional", False),
            valid_from=day(valid_from),
            received_at=self.received,
            **flags,
        )

    def incident(
        self,
        number: str,
        on: str,
        township: str | None,
        deaths: int = 0,
        injuries: int = 0,
        loss: float | None = None,
        enterprise: str | None = None,
        counted: bool = True,
    ) -> None:
        self._put(
            "incident",
            submission_id=self.sid,
            seq=self.seq,
            form_code=self.form,
            incident_id=number,
            occurred_on=day(on),
            enterprise_id=enterprise,
            township_code=township,
            deaths=deaths,
            serious_injuries=injuries,
            direct_loss=None if loss is None else Decimal(str(loss)),
            counted_in_rate=counted,
            sheet="Sheet1",
            cell="A1",
            status="accepted",
            received_at=self.received,
        )

    def coverage(self, unit: str, period: str, status: str = "reported", level: str = "township") -> None:
        self._put(
            "coverage",
            submission_id=self.sid,
            seq=self.seq,
            form_code=self.form,
            level=level,
            unit_id=unit,
            period=day(period),
            status=status,
            received_at=self.received,
        )

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        for table, rows in self.rows.items():
            for row in rows:
                names = ", ".join(row)
                marks = ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO raw.{table} ({names}) VALUES ({marks})", list(row.values()))


def make_work(settings: Settings, raw: Raw | None = None) -> None:
    """work/warehouse.duckdb with schemas raw and reference."""
    settings.work.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(RAW_SCHEMA.read_text(encoding="utf-8"))
        reference_tables.load(connection, load_reference(settings.seeds), settings)
        if raw is not None:
            raw.write(connection)
