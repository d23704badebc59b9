"""Every kind of planted defect is told at its own cell (benchmarks/intake_defects.py counts them by the hundred)."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import intake_defects as defects
from benchmarks.intake_county import BookPlan, County
from dagster_project.ingest.model import Issue, Submission
from dagster_project.ingest.parse import parse
from dagster_project.reference import load_reference
from dagster_project.warehouse.archive import utc_now
from dagster_project.warehouse.known import Known, Reading

MONTH = 5  # of the second year, from zero: June


class Desk:
    """One county with the register and every month before June taken in, four townships of it."""

    def __init__(self, folder: Path) -> None:
        self.county = County(11)
        self.reading = Reading(load_reference(self.county.write_seeds(folder / "seeds")))
        self.known = Known.build(self.reading.reference, self.reading.vocabulary, (), (), (), ())
        self.townships = self.county.townships[:4]
        months = [*self.county.history, *self.county.measured[:MONTH]]
        for book in [self.county.roster(), *(self.county.book(t, month) for month in months for t in self.townships)]:
            self.known.add(self.read(book))

    def read(self, book: BookPlan):  # type: ignore[no-untyped-def]
        now = utc_now()
        parsed = parse(book.to_bytes(), book.file_name, self.reading.vocabulary)
        return self.reading.read(parsed, self.known, Submission("", 0, book.file_name, "", 0, now, now))

    def issues(self, book: BookPlan) -> list[Issue]:
        return [issue for issue in self.read(book).issues if issue.severity != "info"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("county"))


def test_a_clean_workbook_raises_nothing(desk: Desk) -> None:
    for township in desk.townships:
        assert desk.issues(desk.county.book(township, desk.county.measured[MONTH])) == []


@pytest.mark.parametrize("kind", defects.KINDS, ids=lambda kind: kind.__name__)
def test_a_defect_is_told_at_its_cell(desk: Desk, kind) -> None:  # type: ignore[no-untyped-def]
    planted = 0
    for number, township in enumerate(desk.townships):
        for position in range(3):
            book = desk.county.book(township, desk.county.measured[MONTH])
            rng = random.Random(f"{kind.__name__} {number} {position}")
            defect = kind(defects.Site(desk.county, book, book.sheets[position], rng))
            if defect is None:
                continue
            planted += 1
            told = {issue.cell for issue in desk.issues(book) if issue.sheet == defect.sheet}
            assert told & defect.cells, (
                f"{defect.sheet} {sorted(defect.cells)[:4]}: {defect.was} -> {defect.now}: {told}"
            )
    assert planted >= 4


def test_a_sheet_of_another_month_is_kept_out_of_force(desk: Desk) -> None:
    book = desk.county.book(desk.townships[0], desk.county.measured[MONTH])
    defect = defects.wrong_period(defects.Site(desk.county, book, book.sheets[1], random.Random(1)))
    assert defect is not None
    intake = desk.read(book)
    assert intake.period == desk.county.measured[MONTH]
    of_sheet = [one for one in intake.parsed.observations if one.sheet == defect.sheet]
    assert of_sheet and all(one.status == "quarantined" for one in of_sheet)
    assert all(one.status == "accepted" for one in intake.parsed.observations if one.sheet != defect.sheet)
    assert not any(entry.sheet == defect.sheet for entry in intake.parsed.coverage)


def test_figures_cleared_together_are_those_that_no_rule_would_speak_of(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short way over clean figures (rules_series.is_calm) and every rule one by one come to the same."""
    books = []
    for number, township in enumerate(desk.townships):
        for seed in range(6):
            book = desk.county.book(township, desk.county.measured[MONTH])
            rng = random.Random(f"both ways {number} {seed}")
            defects.plant(desk.county, book, rng, Counter({kind.__name__: rng.randrange(9) for kind in defects.KINDS}))
            books.append(book)

    def told() -> list[list[tuple[str | None, str | None, str, str, str]]]:
        return [[(i.sheet, i.cell, i.rule, i.severity, i.message_en) for i in desk.read(book).issues] for book in books]

    cleared = told()
    monkeypatch.setattr("dagster_project.audit.rules_series.is_calm", lambda figure, run: False)
    assert cleared == told()
    assert sum(map(len, cleared)) > 50
