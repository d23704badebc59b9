"""The specimens again, as other hands would send them: every figure of expected.csv comes out of every variant.

Belongs here: which variants there are, held against expected.csv figure by figure.
Does not belong here: how they are made (variants.py), the specimens themselves (test_specimens.py), single traps
(test_layouts.py).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project.ingest.grid import Sheet
from dagster_project.ingest.parse import parse
from dagster_project.ingest.read import read_workbook
from dagster_project.ingest.resolve import Directory, resolve
from dagster_project.ingest.vocabulary import Vocabulary
from dagster_project.reference import Reference
from tests.ingest import variants
from tests.ingest.variants import OTHER_WORDS, SHAPES, WORDS, Shape, copied, in_words, separated, workbook

RECEIVED = date(2026, 11, 24)
PARTS = ("file", "indicator_code", "level", "unit", "period", "measure")

# number of the specimen, its grid and shape → the content of the variant
Change = Callable[[str, Sheet, Shape], Sheet]


def same(_: str, grid: Sheet, __: Shape) -> Sheet:
    return grid


def ordered(change: Callable[[Sheet, Shape], Sheet], *without: str) -> Change:
    """A change of order or rows, of the specimens where it makes sense."""
    return lambda number, grid, shape: grid if number in without else change(grid, shape)


def united(change: Callable[[Sheet, Shape, str], Sheet]) -> Change:
    return lambda number, grid, shape: change(grid, shape, number)


def worded(words: dict[str, str]) -> Change:
    return lambda _, grid, __: in_words(grid, words)


def both(number: str, grid: Sheet, shape: Shape) -> Sheet:
    return variants.columns_swapped(variants.rows_swapped(grid, shape), shape)


def everything(number: str, grid: Sheet, shape: Shape) -> Sheet:
    """Other units, order and words at once."""
    grid = variants.unit_of_the_sheet(grid, shape, number)
    return in_words(variants.columns_swapped(variants.rows_swapped(grid, shape), shape), WORDS)


VARIANTS: dict[str, tuple[str, Change, Callable[[Sheet], bytes]]] = {
    "moved": ("b.xlsx", same, variants.moved),
    "words": ("c.xlsx", worded(WORDS), variants.moved),
    "other words": ("c.xlsx", worded(OTHER_WORDS), workbook),
    "rows swapped": ("d.xlsx", ordered(variants.rows_swapped), workbook),
    "columns swapped": ("e.xlsx", ordered(variants.columns_swapped), workbook),
    "names last": (
        "e.xlsx",
        ordered(lambda g, s: variants.columns_swapped(g, s, names_too=True), "08"),
        workbook,
    ),
    "rows and columns swapped": ("f.xlsx", both, workbook),
    "unit of the sheet": ("g.xlsx", united(variants.unit_of_the_sheet), workbook),
    "unit of the column": ("h.xlsx", united(variants.unit_of_the_column), workbook),
    "unit of the row": ("i.xlsx", united(variants.unit_of_the_row), workbook),
    "unit in the cell": ("j.xlsx", united(variants.unit_in_the_cell), workbook),
    "blank rows": ("k.xlsx", ordered(variants.blank_rows_between), workbook),
    "subtotals": ("l.xlsx", ordered(variants.subtotals, "00", "02", "04", "06", "07", "08"), workbook),
    "notes": ("m.xlsx", ordered(variants.notes_and_signatures, "07"), workbook),
    "second page": ("n.xlsx", ordered(variants.second_page, "04", "08"), workbook),
    "web page": ("o.xls", same, variants.web_page),
    "SpreadsheetML": ("p.xls", same, variants.spreadsheetml),
    "tab text": ("q.xls", same, separated("\t", "gb18030")),
    "ods": ("r.ods", same, variants.open_document),
    "zip": ("s.zip", same, variants.zipped),
    "semicolons": ("t.csv", same, separated(";", "gb18030")),
    "GBK": ("u.csv", same, separated(",", "gb18030")),
    "UTF-8 with BOM": ("v.csv", same, separated(",", "utf-8-sig")),
    "UTF-8": ("w.csv", same, separated(",", "utf-8")),
    "units, order and words": ("x.xlsx", everything, workbook),
    "units, order and words as a web page": ("y.xls", everything, variants.web_page),
}


@pytest.fixture(scope="module")
def specimens(shared_workbooks: Path, vocabulary: Vocabulary) -> list[tuple[str, Sheet]]:
    """(file name, grid) of every sheet that holds something."""
    return [
        (path.name, grid)
        for path in sorted((shared_workbooks / "specimens").glob("0*"))
        for grid in read_workbook(path.read_bytes(), path.name, vocabulary.messages).sheets
        if grid.rows
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_expected_figures_of_variants(
    shared_workbooks: Path,
    specimens: list[tuple[str, Sheet]],
    vocabulary: Vocabulary,
    county_reference: Reference,
    variant: str,
) -> None:
    name, change, write = VARIANTS[variant]
    directory = Directory.from_reference(county_reference, vocabulary)
    held: dict[tuple[str, ...], Decimal | None] = {}
    for place, (file_name, grid) in enumerate(specimens):
        number = file_name[:2]
        content = write(change(number, copied(grid), SHAPES[number]))
        intake = resolve(parse(content, f"{place}{name}", vocabulary), directory, vocabulary, RECEIVED)
        directory.learn(intake)
        for one in intake.parsed.observations:
            if one.status == "accepted":
                key = (file_name, one.indicator_code, one.level, str(one.unit_id), str(one.period), one.measure)
                held[key] = one.value
    with (shared_workbooks / "specimens" / "expected.csv").open(encoding="utf-8", newline="") as handle:
        expected = list(csv.DictReader(handle))
    wanted = {tuple(row[part] for part in PARTS): Decimal(row["value"]) if row["value"] else None for row in expected}
    assert {key: held.get(key, "lacking") for key in wanted} == wanted


@pytest.mark.parametrize("name", ["02-全县汇总.xls", "04-基层表.xls"])
def test_an_et_that_holds_biff_is_read_by_its_content(
    shared_workbooks: Path, vocabulary: Vocabulary, name: str
) -> None:
    content = (shared_workbooks / "specimens" / name).read_bytes()
    one, other = (parse(content, file, vocabulary) for file in (name, "报表.et"))
    assert one.observations and one.observations == other.observations
