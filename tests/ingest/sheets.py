"""Small sheets written as text, and what came out of them, for the ingest tests.

Belongs here: plain helpers without fixtures. Does not belong here: fixtures (conftest.py).
"""

from __future__ import annotations

from dagster_project.ingest.grid import CellValue
from dagster_project.ingest.model import Intake


def cells(text: str) -> list[list[CellValue]]:
    """Lines of cells between bars; plain numbers become floats, as a spreadsheet holds them, blanks None."""
    rows: list[list[CellValue]] = []
    for line in text.strip("\n").split("\n"):
        row: list[CellValue] = []
        for cell in line.split("|"):
            cell = cell.strip(" ")
            digits = cell.replace(".", "", 1).removeprefix("-")
            is_code = len(cell) > 11 or (len(cell) > 1 and cell[0] == "0" and cell[1] != ".")
            row.append(None if cell == "" else float(cell) if digits.isdigit() and not is_code else cell)
        rows.append(row)
    return rows


def figures(intake: Intake, *, accepted: bool = True) -> dict[tuple[str, str | None, str], str]:
    """(indicator, unit, measure) → value as text, or the reason for none; quarantined cells apart."""
    return {
        (one.indicator_code, one.unit_id, one.measure): (
            format(one.value.normalize(), "f") if one.value is not None else str(one.null_reason)
        )
        for one in intake.parsed.observations
        if (one.status == "accepted") == accepted
    }


def rules(intake: Intake, severity: str | None = None) -> set[str]:
    return {issue.rule for issue in intake.issues if severity in (None, issue.severity)}


def at(intake: Intake, rule: str) -> list[str | None]:
    """Cells of the issues of one rule."""
    return [issue.cell for issue in intake.issues if issue.rule == rule]
