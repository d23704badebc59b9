"""Fixtures of the ingest tests: the county's vocabulary and registers, small sheets written as text.

Belongs here: what several test files of this folder need. Does not belong here: homes (tests/conftest.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import pytest

from dagster_project.ingest.grid import Sheet, Workbook
from dagster_project.ingest.model import Intake, KnownEnterprise
from dagster_project.ingest.parse import parse_grid
from dagster_project.ingest.resolve import Directory, resolve
from dagster_project.ingest.vocabulary import Vocabulary
from dagster_project.reference import Reference, load_reference
from dagster_project.settings import PROJECT_ROOT
from tests.ingest.sheets import cells

RECEIVED = date(2026, 11, 24)
ENTERPRISES = [
    ("91529901780001003A", "示范铝业有限公司", "529901101"),
    ("9152990178000137X3", "枫林湖食品有限公司", "529901100"),
    ("91529901780002858K", "站前煤矿", "529901101"),
    ("91529901780003228M", "新桥一号煤矿", "529901103"),
    ("91529901780003594H", "犁坪煤矿", "529901105"),
]

Merge = tuple[int, int, int, int]
Reader = Callable[..., Intake]


@pytest.fixture(scope="session")
def county_reference() -> Reference:
    return load_reference(PROJECT_ROOT / "seeds" / "reference")


@pytest.fixture(scope="session")
def vocabulary(county_reference: Reference) -> Vocabulary:
    return Vocabulary.load(county_reference)


@pytest.fixture
def directory(county_reference: Reference, vocabulary: Vocabulary) -> Directory:
    made = Directory.from_reference(county_reference, vocabulary)
    for code, name, township in ENTERPRISES:
        made.register(KnownEnterprise(code, name, township, credit_code=code))
    return made


@pytest.fixture
def read(vocabulary: Vocabulary, directory: Directory) -> Reader:
    """read(text, merges=…, file=…, sheets=…) → Intake of a workbook written as text."""

    def _read(
        text: str = "",
        merges: Sequence[Merge] = (),
        file: str = "报表.xlsx",
        sheets: Sequence[tuple[str, str, Sequence[Merge]]] = (),
        received: date | None = RECEIVED,
    ) -> Intake:
        named = sheets or [("Sheet1", text, merges)]
        workbook = Workbook(file, "xlsx", [Sheet(name, cells(body), list(merged)) for name, body, merged in named])
        return resolve(parse_grid(workbook, vocabulary), directory, vocabulary, received)

    return _read
