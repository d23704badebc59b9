"""Specimens and coal mines through parse and resolve, cell by cell; mutants never break the reader.

What every other file of shared/workbooks yields: test_shared_workbooks.py.
"""

from __future__ import annotations

import copy
import csv
import io
import pickle
import random
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project.ingest.grid import CellValue, Workbook, cell_text
from dagster_project.ingest.model import Intake
from dagster_project.ingest.parse import parse, parse_grid
from dagster_project.ingest.read import read_workbook
from dagster_project.ingest.resolve import Directory, resolve
from dagster_project.ingest.vocabulary import Vocabulary
from dagster_project.reference import Reference, load_reference
from dagster_project.settings import PROJECT_ROOT

RECEIVED = date(2026, 11, 24)
SHORT_TON = Decimal("0.90718474")
NATION = {2001: (1_127_688_806, 77_088), 2010: (1_084_368_148, 86_195), 2013: (984_841_779, 80_396)}


def test_every_expected_figure_of_the_specimens(
    shared_workbooks: Path, vocabulary: Vocabulary, county_reference: Reference
) -> None:
    folder = shared_workbooks / "specimens"
    directory = Directory.from_reference(county_reference, vocabulary)
    held = {}
    for path in sorted(folder.glob("0*")):
        intake = resolve(parse(path.read_bytes(), path.name, vocabulary), directory, vocabulary, RECEIVED)
        directory.learn(intake)
        assert [issue for issue in intake.issues if issue.severity != "info"] == []
        for one in intake.parsed.observations:
            key = (path.name, one.indicator_code, one.level, one.unit_id, str(one.period), one.measure)
            assert key not in held
            held[key] = (one.value, one.null_reason or "")
    assert len(directory.enterprises) == 10
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as handle:
        expected = list(csv.DictReader(handle))
    assert len(expected) == 301
    for row in expected:
        key = tuple(row[name] for name in ("file", "indicator_code", "level", "unit", "period", "measure"))
        value = Decimal(row["value"]) if row["value"] else None
        assert held[key] == (value, row["null_reason"]), key


@pytest.fixture(scope="module")
def coal() -> tuple[Vocabulary, Reference]:
    reference = load_reference(PROJECT_ROOT / "tests" / "deployments" / "us_coal")
    return Vocabulary.load(reference), reference


@pytest.mark.parametrize("year", sorted(NATION))
def test_coal_mines_add_up_to_the_nation(shared_workbooks: Path, coal: tuple[Vocabulary, Reference], year: int) -> None:
    vocabulary, reference = coal
    path = shared_workbooks / "coal-mines" / f"coalpublic{year}.xls"
    directory = Directory.from_reference(reference, vocabulary)
    intake = resolve(parse(path.read_bytes(), path.name, vocabulary), directory, vocabulary, RECEIVED)
    assert (intake.form_code, str(intake.period), intake.reporter_unit_id) == ("EIA-Y1", f"{year}-12-01", "US")
    assert intake.issues == []
    tonnes: dict[str, Decimal] = defaultdict(Decimal)
    people: dict[str, Decimal] = defaultdict(Decimal)
    hours = Decimal(0)
    for one in intake.parsed.observations:
        assert one.status == "accepted" and one.unit_id and one.township_code
        if one.indicator_code == "CO01":
            tonnes[one.township_code] += one.value or 0
        elif one.indicator_code == "BF11":
            people[one.township_code] += one.value or 0
        else:
            hours += one.value or 0
    short_tons, employees = NATION[year]
    assert sum(tonnes.values()) == short_tons * SHORT_TON and sum(people.values()) == employees
    assert {new.township_code for new in intake.new_townships} == set(tonnes)
    if year == 2010:
        assert sum(one.line_no > 1 for one in intake.parsed.observations if one.indicator_code == "CO01") == 167
    if year == 2013:
        multiplier = next(r["multiplier"] for r in reference.rows("indicators") if r["indicator_code"] == "CO17")
        assert round(sum(tonnes.values()) / hours * multiplier, 3) == Decimal("5.536")
        return
    table = shared_workbooks / "coal-mines" / f"expectedOutput_{year}_summary.csv"
    with table.open(encoding="utf-8", newline="") as handle:
        expected = {
            row["CountyState"]: (int(row["Productionshorttons"]), int(row["AverageEmployees"]))
            for row in csv.DictReader(handle)
        }
    assert {name: (round(tonnes[name] / SHORT_TON), int(people[name])) for name in tonnes} == expected


POOL: list[CellValue] = [
    "",
    None,
    "合计",
    "—",
    "未报",
    "abc",
    1.5,
    -3,
    "#REF!",
    "1.2亿",
    "其中：工业",
    "云溪街道",
    "2026年13月",
    "累计",
    "本月",
    "单位：吨",
    "9.15E+17",
    True,
    date(2026, 1, 1),
    "，",
    "〃",
    "（1.5）",
    "增加值",
    "1-3月",
    "12月",
    "注：1、麦田乡本月未报，沿用上月累计。",
]


def mutate(workbook: Workbook, chance: random.Random) -> Workbook:
    mutant = copy.deepcopy(workbook)
    for sheet in mutant.sheets:
        sheet.rows = [list(row) for row in sheet.rows] or [[]]
        for _ in range(chance.randint(1, 12)):
            row = chance.randrange(len(sheet.rows))
            kind = chance.random()
            if kind < 0.6 and sheet.rows[row]:
                sheet.rows[row][chance.randrange(len(sheet.rows[row]))] = chance.choice(POOL)
            elif kind < 0.75 and len(sheet.rows) > 1:
                del sheet.rows[row]
            elif kind < 0.85:
                sheet.rows.insert(row, [chance.choice(POOL) for _ in range(chance.randint(0, 15))])
            elif kind < 0.95:
                column = chance.randrange(max(1, *(len(cells) for cells in sheet.rows)))
                for cells in sheet.rows:
                    del cells[column : column + 1]
            else:
                chance.shuffle(sheet.rows)
    return mutant


def test_mutated_sheets_never_break_the_reader(
    shared_workbooks: Path, vocabulary: Vocabulary, directory: Directory
) -> None:
    """A cell is in force, or held back, or null with its reason: whatever is done to a sheet, and no fault of ours."""
    chance = random.Random(20261124)
    for path in sorted((shared_workbooks / "specimens").glob("0*")):
        workbook = read_workbook(path.read_bytes(), path.name, vocabulary.messages)
        for _ in range(40):
            mutant = mutate(workbook, chance)
            intake = resolve(parse_grid(mutant, vocabulary), directory, vocabulary, RECEIVED)
            assert "parse.unexpected" not in {issue.rule for issue in intake.issues}
            for one in intake.parsed.observations:
                assert (one.value is None) == (one.null_reason is not None)
                assert one.status == "quarantined" or one.unit_id is not None


def test_a_fault_in_one_sheet_costs_no_other(vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster_project.ingest import parse as module
    from dagster_project.ingest.grid import Sheet
    from tests.ingest.sheets import cells

    real = module.find_blocks

    def trips(sheet: Sheet, words: Vocabulary) -> object:
        if sheet.name == "坏":
            raise RuntimeError("tripped")
        return real(sheet, words)

    monkeypatch.setattr(module, "find_blocks", trips)
    good = "\n2026年4月乡镇企业主要经济指标\n乡镇|增加值累计|实交税金累计\n云溪街道|1|2\n"
    parsed = parse_grid(Workbook("x.xlsx", "xlsx", [Sheet("坏", cells(good)), Sheet("好", cells(good))]), vocabulary)
    assert [(i.rule, i.sheet) for i in parsed.issues] == [("parse.unexpected", "坏")]
    assert len(parsed.observations) == 2


def test_the_vocabulary_goes_to_child_processes(vocabulary: Vocabulary) -> None:
    copied: Vocabulary = pickle.loads(pickle.dumps(vocabulary))
    assert copied.term("其中：工业增加值").readings == vocabulary.term("其中：工业增加值").readings


def _accepted(intake: Intake) -> dict[tuple[object, ...], tuple[object, ...]]:
    return {
        (one.indicator_code, one.unit_id, one.measure, one.period): (one.value, one.null_reason)
        for one in intake.parsed.observations
        if one.status == "accepted"
    }


def _register_first(folder: Path, vocabulary: Vocabulary, reference: Reference) -> Directory:
    directory = Directory.from_reference(reference, vocabulary)
    register = next(folder.glob("00*"))
    directory.learn(resolve(parse(register.read_bytes(), register.name, vocabulary), directory, vocabulary, RECEIVED))
    return directory


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig"])
def test_every_specimen_saved_as_csv_says_the_same(
    shared_workbooks: Path, vocabulary: Vocabulary, county_reference: Reference, encoding: str
) -> None:
    """A CSV export loses merges, number types and the second header row's groups; nothing of the meaning may go."""
    folder = shared_workbooks / "specimens"
    directory = _register_first(folder, vocabulary, county_reference)
    for path in sorted(folder.glob("0[1-8]*")):
        content = path.read_bytes()
        (sheet,) = read_workbook(content, path.name, vocabulary.messages).sheets
        text = io.StringIO()
        csv.writer(text).writerows([cell_text(value) for value in row] for row in sheet.rows)
        exported = text.getvalue().encode(encoding)
        same = resolve(parse(content, path.name, vocabulary), directory, vocabulary, RECEIVED)
        other = resolve(parse(exported, f"{path.stem}.csv", vocabulary), directory, vocabulary, RECEIVED)
        assert _accepted(other) == _accepted(same), path.name
        assert len(other.parsed.totals) == len(same.parsed.totals)
        assert [issue.rule for issue in other.issues if issue.severity != "info"] == []


def test_columns_and_rows_in_any_order(
    shared_workbooks: Path, vocabulary: Vocabulary, county_reference: Reference
) -> None:
    """Column order varies monthly (domain.md C.2): groups of columns and rows change places, figures stay."""
    folder = shared_workbooks / "specimens"
    directory = _register_first(folder, vocabulary, county_reference)
    path = next(folder.glob("01*"))
    workbook = read_workbook(path.read_bytes(), path.name, vocabulary.messages)
    plain = _accepted(resolve(parse_grid(workbook, vocabulary), directory, vocabulary, RECEIVED))
    chance = random.Random(7)
    groups = [(2, 6), (6, 10), (10, 14), (14, 17)]
    for _ in range(10):
        mutant = copy.deepcopy(workbook)
        sheet = mutant.sheets[0]
        order = [0, 1]
        merges = [(2, 0, 3, 0), (2, 1, 3, 1)]
        for left, right in chance.sample(groups, len(groups)):
            merges.append((2, len(order), 2, len(order) + right - left - 1))
            order.extend([left, *chance.sample(range(left + 1, right), right - left - 1)])
        rows = [list(row) + [None] * (17 - len(row)) for row in sheet.rows]
        body = chance.sample(rows[4:18], 14)
        sheet.rows = [*rows[:2], *([row[index] for index in order] for row in [*rows[2:4], *body]), *rows[18:]]
        sheet.merges = merges
        got = resolve(parse_grid(mutant, vocabulary), directory, vocabulary, RECEIVED)
        assert _accepted(got) == plain
