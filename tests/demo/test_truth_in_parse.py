"""What reading finds in the demonstration's workbooks, cell by cell, against the truth that was planted."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project import demo
from dagster_project.ingest.model import Observation, ParsedWorkbook
from dagster_project.ingest.parse import parse
from dagster_project.ingest.vocabulary import Vocabulary
from dagster_project.reference import load_reference
from tests.demo.test_inbox import SEEDS, Row, rows


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> demo.DemoReport:
    return demo.write(tmp_path_factory.mktemp("parse") / "inbox")


# three months of all forms, among them the CSV file, and every yearly workbook
SAMPLE = ("2023年12月", "2025年05月", "2026年02月", "2024年乡", "2025年乡", "2026年乡", "2025年07月乡镇企业名录")


@pytest.fixture(scope="module")
def parsed(inbox: demo.DemoReport) -> dict[str, ParsedWorkbook]:
    vocabulary = Vocabulary.load(load_reference(SEEDS))
    result = {}
    for path in sorted(inbox.inbox.iterdir()):
        if path.name.startswith(SAMPLE) or "新乔" in path.name:
            result[path.name] = parse(path.read_bytes(), path.name, vocabulary)
    return result


def truth(folder: Path, names: set[str]) -> list[Row]:
    listed = rows(folder / "figures.csv") + rows(folder / "versions.csv")
    return [row for row in listed if row["file_name"] in names]


def test_every_form_is_recognised(inbox: demo.DemoReport, parsed: dict[str, ParsedWorkbook]) -> None:
    forms = {row["file_name"]: row["form_code"] for row in rows(inbox.truth / "files.csv")}
    found = {name: book.sheets[0].form_code for name, book in parsed.items()}
    assert found == {name: forms[name] for name in parsed}
    assert len(set(found.values())) == 9


def test_every_figure_is_read_at_its_cell(inbox: demo.DemoReport, parsed: dict[str, ParsedWorkbook]) -> None:
    expected = truth(inbox.truth, set(parsed))
    by_cell: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for name, book in parsed.items():
        for observation in book.observations:
            by_cell[name, observation.cell].append(observation)
    wrong = []
    for row in expected:
        if row["is_optional"] == "true":
            continue
        found = [
            item
            for item in by_cell[row["file_name"], row["cell"]]
            if item.indicator_code == row["indicator_code"]
            and item.measure == row["measure"]
            and item.period.isoformat() == row["period"]
        ]
        if not found:
            wrong.append(("not read", row["file_name"], row["cell"], row["indicator_code"], row["measure"]))
            continue
        value = found[0].value
        if row["null_reason"]:
            good = value is None and found[0].null_reason == row["null_reason"]
        else:
            good = value == Decimal(row["value"])
        if not good:
            wrong.append(("read otherwise", row["file_name"], row["cell"], row["value"], value, found[0].null_reason))
        if (row["is_carried"] == "true") != found[0].is_carried:
            wrong.append(("carried", row["file_name"], row["cell"], row["is_carried"]))
    assert wrong[:20] == []
    assert len(expected) > 3500


def test_nothing_else_is_read_as_a_figure(inbox: demo.DemoReport, parsed: dict[str, ParsedWorkbook]) -> None:
    """Totals, order numbers, ratios and remarks are no figures. A repeated row's second figures are spoilt."""
    known = {(row["file_name"], row["cell"]) for row in truth(inbox.truth, set(parsed))}
    extra = [
        (name, item.cell, item.indicator_code, item.measure, item.raw_text)
        for name, book in parsed.items()
        for item in book.observations
        if (name, item.cell) not in known and item.null_reason != "na"
    ]
    assert extra == []


def test_clean_workbooks_give_no_errors(inbox: demo.DemoReport, parsed: dict[str, ParsedWorkbook]) -> None:
    faulty = {row["file_name"] for row in rows(inbox.truth / "defects.csv") if row["expectation"] != "none"}
    errors = [
        (name, issue.rule, issue.cell, issue.message_en)
        for name, book in parsed.items()
        if name not in faulty
        for issue in book.issues
        if issue.severity != "info"
    ]
    assert errors == []


def test_rosters_are_read_row_by_row(inbox: demo.DemoReport, parsed: dict[str, ParsedWorkbook]) -> None:
    expected = [row for row in rows(inbox.truth / "roster.csv") if row["file_name"] in parsed]
    found = {(name, item.unit.identifier): item for name, book in parsed.items() for item in book.roster}
    assert len(expected) > 400
    for row in expected:
        item = found[row["file_name"], row["credit_code"]]
        assert item.unit.name == row["name"]
        assert item.industry_code == row["industry_code"]
        for flag in ("is_above_scale", "is_agro_processing", "is_pharma", "is_coal_mine", "is_key_energy_user"):
            assert getattr(item, flag) is (row[flag] == "true"), (row, flag)
        assert item.unit_status == row["status"]
        capacity = row["capacity_tonnes_per_year"]
        assert item.capacity == (Decimal(capacity) if capacity else None)
