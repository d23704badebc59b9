"""What was planted, as files beside the inbox: figures, versions, defects, incidents, register, who is missing.

Belongs here: which of several readings of a figure is in force, and the CSV files of `demo/truth/`.
Does not belong here: making the workbooks. Columns are explained in docs/demo.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from dagster_project.demo import places
from dagster_project.demo.economy import Economy
from dagster_project.demo.files import PlannedFile
from dagster_project.demo.places import COUNTY_CODE
from dagster_project.demo.plan import MISSING_FILES
from dagster_project.demo.silence import Silence
from dagster_project.demo.workbook import Book, Defect, Fact

_LOWEST = ("TG-Y1",)  # last year's result in a target table never outranks a monthly form


@dataclass(frozen=True)
class Delivered:
    """A planned file and the workbook made of it."""

    file: PlannedFile
    book: Book


def _plain(value: Decimal | None) -> str:
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


_FACT_HEADER = (
    "indicator_code", "level", "unit_id", "township_code", "period", "measure", "value", "null_reason", "is_carried",
    "is_optional", "form_code", "file_name", "sheet", "cell", "raw_text", "defect_id", "defect_severity",
)  # fmt: skip


def _fact_row(fact: Fact, delivered: Delivered, severities: dict[str, str]) -> list[object]:
    return [
        fact.indicator,
        fact.level,
        fact.unit_id,
        fact.township or "",
        fact.period.isoformat(),
        fact.measure,
        _plain(fact.value),
        fact.null_reason or "",
        str(fact.is_carried).lower(),
        str(fact.is_optional).lower(),
        delivered.file.form,
        delivered.file.file_name,
        fact.sheet,
        fact.cell,
        fact.raw_text,
        fact.defect or "",
        severities.get(fact.defect or "", ""),
    ]


def _in_order(delivered: Iterable[Delivered]) -> list[Delivered]:
    return sorted(
        delivered, key=lambda item: (item.file.form in _LOWEST and -1, item.file.received, item.file.file_name)
    )


def write(folder: Path, economy: Economy, silence: Silence, delivered: list[Delivered], odd: list[tuple[str, datetime, Defect]],
          periods: list[date]) -> dict[str, int]:  # fmt: skip
    """All truth files; returns the number of rows of each."""
    folder.mkdir(parents=True, exist_ok=True)
    severities: dict[str, str] = {}
    for item in delivered:
        for defect in item.book.defects:
            severities[defect.defect_id] = defect.severity
    latest: dict[tuple[str, str, str, date, str], tuple[Fact, Delivered]] = {}
    superseded: list[tuple[Fact, Delivered, str]] = []
    for item in _in_order(delivered):
        for fact in item.book.facts:
            known = latest.get(fact.key)
            if known is not None:
                superseded.append((*known, item.file.file_name))
            latest[fact.key] = (fact, item)
    counts = {
        "figures": _write(
            folder / "figures.csv", _FACT_HEADER, (_fact_row(fact, item, severities) for fact, item in latest.values())
        ),
        "versions": _write(
            folder / "versions.csv",
            (*_FACT_HEADER, "superseded_by"),
            ([*_fact_row(fact, item, severities), by] for fact, item, by in superseded),
        ),
        "defects": _write_defects(folder / "defects.csv", delivered, odd),
        "incidents": _write_incidents(folder / "incidents.csv", economy, delivered),
        "roster": _write_roster(folder / "roster.csv", economy, delivered),
        "missing": _write_missing(folder / "missing.csv", economy, silence, delivered, periods),
        "files": _write_files(folder / "files.csv", delivered, odd),
    }
    return counts


def _write_files(path: Path, delivered: list[Delivered], odd: list[tuple[str, datetime, Defect]]) -> int:
    rows = [
        (
            item.file.file_name,
            item.file.form,
            item.book.period.isoformat(),
            item.file.received.isoformat(),
            str(item.file.is_late).lower(),
            str(item.file.is_resubmission).lower(),
            len(item.book.facts),
            len({defect.defect_id for defect in item.book.defects if defect.expectation != "none"}),
        )
        for item in delivered
    ]
    rows += [(name, "", "", received.isoformat(), "false", "false", 0, 1) for name, received, _ in odd]
    header = ("file_name", "form_code", "period", "received_at", "is_late", "is_resubmission", "figures", "defects")
    return _write(path, header, rows)


def _write_defects(path: Path, delivered: list[Delivered], odd: list[tuple[str, datetime, Defect]]) -> int:
    header = (
        "defect_id", "kind", "file_name", "form_code", "sheet", "cell", "raw_text", "indicator_code", "unit_id", "period",
        "rule", "severity", "expectation", "planted",
    )  # fmt: skip

    def line(name: str, form: str, defect: Defect) -> list[object]:
        period = defect.period.isoformat() if defect.period else ""
        return [
            defect.defect_id, defect.kind, name, form, defect.sheet, defect.cell, defect.raw_text, defect.indicator, defect.unit_id,
            period, defect.rule, defect.severity, defect.expectation, defect.planted,
        ]  # fmt: skip

    rows = [line(item.file.file_name, item.file.form, defect) for item in delivered for defect in item.book.defects]
    rows += [line(name, "", defect) for name, _, defect in odd]
    return _write(path, header, rows)


def _write_incidents(path: Path, economy: Economy, delivered: list[Delivered]) -> int:
    sent = {item.file.period for item in delivered if item.file.form == "SA-E1"}
    header = (
        "occurred_on", "enterprise_id", "township_code", "category", "deaths", "serious_injuries", "direct_loss", "class",
    )  # fmt: skip
    rows = []
    for incident in economy.incidents:
        month = incident.day.replace(day=1)
        township = places.township_of(incident.enterprise.place_in(month), month)
        if month in sent and township is not None:
            rows.append(
                (
                    incident.day.isoformat(),
                    incident.enterprise.credit_code,
                    township.code,
                    incident.category,
                    incident.deaths,
                    incident.injuries,
                    _plain(incident.loss),
                    incident.grade,
                )
            )
    return _write(path, header, rows)


def _write_roster(path: Path, economy: Economy, delivered: list[Delivered]) -> int:
    header = (
        "file_name", "year", "credit_code", "name", "township_code", "industry_code", "is_above_scale", "is_agro_processing",
        "is_pharma", "is_coal_mine", "is_key_energy_user", "capacity_tonnes_per_year", "status", "row",
    )  # fmt: skip
    rows = []
    for item in delivered:
        if item.file.form != "RO-Y1":
            continue
        period = item.file.period
        words = {"正常": "active", "停产": "suspended"}
        for number, (entry, township_code, _name, status) in enumerate(economy.register(period), 3):
            flags = (entry.is_above(period), entry.is_agro, entry.is_pharma, entry.is_coal, entry.is_key)
            rows.append(
                (
                    item.file.file_name,
                    period.year,
                    entry.credit_code,
                    entry.name_in(period),
                    township_code,
                    entry.industry.code,
                    *(str(flag).lower() for flag in flags),
                    entry.capacity or "",
                    words.get(status, "closed"),
                    number,
                )
            )
    return _write(path, header, rows)


def _write_missing(
    path: Path, economy: Economy, silence: Silence, delivered: list[Delivered], periods: list[date]
) -> int:
    """Units that did not report, in the first place or for good, and units whose file was late."""
    header = ("form_code", "level", "unit_id", "period", "status", "file_name")
    rows: list[tuple[object, ...]] = []
    for period in periods:
        for code, state in silence.states(period).items():
            if state != "late":
                rows.append(("TE-M1", "township", code, period.isoformat(), "missing", ""))
    for form, period in sorted(MISSING_FILES):
        if period in periods:
            rows += [
                (form, level, unit, period.isoformat(), "missing", "") for level, unit in _units(economy, form, period)
            ]
    by_month: dict[tuple[str, date], list[PlannedFile]] = {}
    for item in delivered:
        if item.file.period in periods and not item.file.form.endswith("-Y1"):
            by_month.setdefault((item.file.form, item.file.period), []).append(item.file)
    for (form, period), files in by_month.items():
        first = min(files, key=lambda file: file.received)
        own = {code: file for file in files for code in file.only}
        silent = silence.final(period) if form == "TE-M1" else frozenset()
        for level, unit in _units(economy, form, period):
            if unit in first.absent:
                rows.append((form, level, unit, period.isoformat(), "missing", first.file_name))
            elif unit in own:
                rows.append((form, level, unit, period.isoformat(), "late", own[unit].file_name))
            elif first.is_late and unit not in silent:
                rows.append((form, level, unit, period.isoformat(), "late", first.file_name))
    return _write(path, header, rows)


def _units(economy: Economy, form: str, period: date) -> list[tuple[str, str]]:
    if form == "TE-M1":
        return [("township", item.code) for item in places.townships(period)]
    if form in ("TE-M2", "SA-E1"):
        return [("county", COUNTY_CODE)]
    listed = [item for item in economy.listed(period) if item.status(period) != "closed"]
    if form == "TE-M3":
        return [("enterprise", item.credit_code) for item in listed if item.is_above(period)]
    flag = "is_coal" if form == "CO-M1" else "is_key"
    return [("enterprise", item.credit_code) for item in listed if getattr(item, flag)]
