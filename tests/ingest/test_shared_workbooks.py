"""Every file of shared/workbooks: what of it was read, which sums hold in it, or which message ended it.

One table; a file that stands in the folder and not in the table fails. All are read by the pool of child processes,
as a refresh does. Figures of specimens and mines cell by cell: test_real_files.py. The mines are read by the second
deployment there; the county's own rightly does not know their layout.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from dagster_project.ingest.grid import Sheet
from dagster_project.ingest.model import ParsedWorkbook
from dagster_project.ingest.pool import ParsePool
from dagster_project.ingest.read import read_workbook
from dagster_project.ingest.resolve import Directory, resolve
from dagster_project.ingest.vocabulary import Vocabulary
from dagster_project.settings import PROJECT_ROOT
from tests.ingest.conftest import RECEIVED

REGISTER = "townships/mca_sub_county_diff_2014_2023.xlsx"


@dataclass(frozen=True)
class Sums:
    """In `rows` rows, all that hold a figure there, column `whole` is the sum of `parts` to within `step`."""

    whole: int
    parts: tuple[int, ...]
    rows: int
    step: float


@dataclass(frozen=True)
class Outcome:
    """What a file must yield: kind by content, filled cells, form, figures in force, sums, and what ended it.

    `cells` is None where no cell may be read at all.
    """

    kind: str
    cells: int | None
    form: str | None = None
    figures: int = 0
    ends_in: str | None = None
    sums: Sums | None = None


UNKNOWN, PLACE, DAMAGED = "parse.unknown_layout", "resolve.unknown_township", "read.damaged"
EXACT = 1e-6
CITIES = (2, (3, 4, 5))  # gross product and the three industries
TABLE = {
    "coal-mines/coalpublic2001.xls": Outcome("xls", 29520, ends_in=UNKNOWN),
    "coal-mines/coalpublic2010.xls": Outcome("xls", 26427, ends_in=UNKNOWN),
    "coal-mines/coalpublic2013.xls": Outcome("xls", 23218, ends_in=UNKNOWN),
    "coal-mines/expectedOutput_2001_summary.csv": Outcome("csv", 1150, ends_in=UNKNOWN),
    "coal-mines/expectedOutput_2010_summary.csv": Outcome("csv", 1130, ends_in=UNKNOWN),
    "hostile/ole-loop.xls": Outcome("xls", None, ends_in=DAMAGED),
    "hostile/panic-corrupt.xls": Outcome("xls", None, ends_in=DAMAGED),
    "hostile/panic-fuzzed.xls": Outcome("xls", None, ends_in=DAMAGED),
    "hostile/slow-sparse.xlsx": Outcome("xlsx", 0, ends_in=UNKNOWN),
    "hostile/xml-bomb.xlsx": Outcome("xlsx", None, ends_in="read.xml_entities"),
    "specimens/00-企业名录.xlsx": Outcome("xlsx", 126, "RO-Y1"),
    "specimens/01-乡镇主要经济指标.xlsx": Outcome("xlsx", 256, "TE-M1", 195),
    "specimens/02-全县汇总.xls": Outcome("xls", 51, "TE-M2", 20),
    "specimens/03-企业产值.xlsx": Outcome("xlsx", 96, "TE-M3", 32),
    "specimens/04-基层表.xls": Outcome("xls", 51, "TE-M4", 14),
    "specimens/05-煤矿生产安全月报.xlsx": Outcome("xlsx", 54, "CO-M1", 24),
    "specimens/06-目标任务分解.xlsx": Outcome("xlsx", 47, "TG-Y1", 12),
    "specimens/07-直报导出.csv": Outcome("csv", 66, "ZB-M1", 25),
    "specimens/08-能源台账.xlsx": Outcome("xlsx", 26, "EN-L1", 6),
    "specimens/expected.csv": Outcome("csv", 2115, ends_in=UNKNOWN),
    REGISTER: Outcome("xlsx", 42670, "UC-Y1"),
    "townships/nbs_townships_guizhou_2019-10-31.csv": Outcome("csv", 3030, ends_in=UNKNOWN),
    "townships/nbs_townships_guizhou_2020-06-30.csv": Outcome("csv", 3014, ends_in=UNKNOWN),
    # figures of cities: a county's deployment knows none of these places, and keeps every row out of force
    "yearbooks/0115-市、州生产总值（2018）.xls": Outcome("xls", 116, "AN-Y1", 0, PLACE, Sums(*CITIES, 17, 0.0051)),
    "yearbooks/0115-市、州生产总值（2019）.xls": Outcome("xls", 116, "AN-Y1", 0, PLACE, Sums(*CITIES, 17, EXACT)),
    "yearbooks/0119-市、州生产总值（2016）.xls": Outcome("xls", 116, "AN-Y1", 0, PLACE, Sums(*CITIES, 17, EXACT)),
    "yearbooks/0119-市、州生产总值（2017）.xls": Outcome("xls", 116, "AN-Y1", 0, PLACE, Sums(*CITIES, 17, EXACT)),
    # the first reader gives mojibake, the second is taken
    "yearbooks/17-2 各市国民经济主要指标（2013年）.xls": Outcome(
        "xls", 265, ends_in=UNKNOWN, sums=Sums(3, (4, 5, 7), 14, 0.0101)
    ),
    "yearbooks/17-2 各市国民经济主要指标（2020年）.xlsx": Outcome(
        "xlsx", 205, ends_in=UNKNOWN, sums=Sums(*CITIES, 11, EXACT)
    ),
    "yearbooks/2-9  各市生产总值(2019).xls": Outcome("xls", 225, ends_in=UNKNOWN, sums=Sums(*CITIES, 28, EXACT)),
    "yearbooks/csy2000-table-8-4-tax-revenue.gbk.csv": Outcome(
        "csv", 49, ends_in=UNKNOWN, sums=Sums(1, (2, 3, 4, 5, 6), 8, EXACT)
    ),
}


@pytest.fixture(scope="module")
def found(shared_workbooks: Path, vocabulary: Vocabulary) -> dict[str, ParsedWorkbook]:
    """Every file through the pool, by its path below the folder."""
    files = [path for path in sorted(shared_workbooks.glob("*/*")) if path.suffix != ".md"]
    with ParsePool(PROJECT_ROOT / "seeds" / "reference", workers=1) as pool:
        return dict(pool.parse_many((path.relative_to(shared_workbooks).as_posix(), path, path.name) for path in files))


def test_every_file_stands_in_the_table(found: dict[str, ParsedWorkbook]) -> None:
    assert set(found) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_what_of_a_file_was_read_or_which_message_ended_it(
    name: str,
    found: dict[str, ParsedWorkbook],
    shared_workbooks: Path,
    vocabulary: Vocabulary,
    directory: Directory,
) -> None:
    expected, parsed = TABLE[name], found[name]
    intake = resolve(parsed, directory, vocabulary, RECEIVED)
    errors = {issue.rule for issue in intake.issues if issue.severity == "error"}
    assert errors == ({expected.ends_in} if expected.ends_in else set())
    for issue in intake.issues:
        if issue.severity == "error":
            assert path_name(name) in issue.message_zh and path_name(name) in issue.message_en
    assert (parsed.file_kind, intake.form_code) == (expected.kind, expected.form)
    assert sum(one.status == "accepted" for one in parsed.observations) == expected.figures
    if expected.cells is None:
        assert parsed.sheets == []
        return
    if name.startswith("hostile/"):
        return  # read once, by a child with limits
    sheets = read_workbook((shared_workbooks / name).read_bytes(), path_name(name), vocabulary.messages).sheets
    assert sum(value not in (None, "") for sheet in sheets for row in sheet.rows for value in row) == expected.cells
    if expected.sums is not None:
        differences = differences_of(sheets, expected.sums)
        assert len(differences) == expected.sums.rows and max(differences) <= expected.sums.step


def path_name(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def differences_of(sheets: list[Sheet], sums: Sums) -> list[float]:
    """|whole - parts| of each row that holds a figure as its whole; a blank part is none."""
    found = []
    for row in (row for sheet in sheets for row in sheet.rows):
        if (whole := number(row, sums.whole)) is not None:
            found.append(abs(whole - sum(number(row, index) or 0.0 for index in sums.parts)))
    return found


def number(row: list, index: int) -> float | None:
    value = row[index] if index < len(row) else None
    try:
        return float(value) if value not in (None, "") else None
    except (TypeError, ValueError):
        return None


# ------------------------------------------------------------------------------------------- the official register
def test_the_register_yields_its_changes(found: dict[str, ParsedWorkbook]) -> None:
    """7,643 rows, of which 14 repeat others; the second reading's 7,646 are explained below."""
    changes = found[REGISTER].changes
    assert Counter(row.sheet for row in changes) == {
        "2023": 104,
        "2022": 182,
        "2021": 817,
        "2020": 768,
        "2019": 2171,
        "2018": 499,
        "2017": 564,
        "2016": 829,
        "2015": 903,
        "2014": 806,
    }
    assert len(changes) == 7643 and sum(row.status == "accepted" for row in changes) == 7629
    assert all(str(row.year) == row.sheet for row in changes)
    events = {(row.sheet, row.event_no): row for row in changes}
    assert len(events) == 6694
    assert Counter(row.structure for row in events.values()) == {
        "1:1": 2870,
        "1:0": 1994,
        "0:1": 1103,
        "n:1": 644,
        "1:n": 80,
        "n:n": 3,
    }
    assert Counter(row.op for row in events.values()) == {
        "rank_change": 2600,
        "abolish": 1979,
        "establish": 1103,
        "merge_new": 501,
        "absorb": 177,
        "rename": 121,
        "code_change": 106,
        "split": 80,
        "transfer": 23,
        "reorganise": 3,
        "unclear": 1,
    }
    guizhou = [row for row in changes if (row.predecessor_code or row.successor_code or "").startswith("52")]
    assert len(guizhou) == 506


def test_the_second_readings_figures_come_out_of_the_same_cells(
    found: dict[str, ParsedWorkbook], shared_workbooks: Path, vocabulary: Vocabulary
) -> None:
    """It found 7,646 events, 647 mergers, 97 splits. All three are counts of cells that we count otherwise:

    * 7,646 rows hold a unit once every merged cell is filled into the cells it covers. Three of them are no change:
      the two footnotes of sheet 2020, merged over the columns of the units, and row 230 of 2014, which is only a
      second document for the foundation in row 229. That leaves 7,643.
    * 647 cells of a successor are merged over several rows; one of them is again row 229-230 of 2014, and two
      successors stand in rows that are not merged: 648 successors with several predecessors, in 644 events n:1 and
      the 3 n:n.
    * 97 predecessors stand in several rows of a year; 14 of these because sheet 2016 lists fourteen changes twice
      (rows 525-538, 539-552): 83 with several successors, in 80 events 1:n and the 3 n:n.
    """
    path = shared_workbooks / REGISTER
    sheets = read_workbook(path.read_bytes(), path.name, vocabulary.messages).sheets
    filled_rows = merged_successors = 0
    in_rows: Counter[tuple[object, ...]] = Counter()
    for sheet in sheets:
        head = next(number for number, row in enumerate(sheet.rows) if row and row[0] == "序号")
        names = [str(value or "").strip() for value in sheet.rows[head]]
        columns = [names.index(name) for name in ("原区划代码", "原名称", "现区划代码", "现名称")]
        origin = {
            (row, column): (top, left)
            for top, left, bottom, right in sheet.merges
            for row in range(top, bottom + 1)
            for column in range(left, right + 1)
        }
        last = max(len(sheet.rows), *(bottom + 1 for _, _, bottom, _ in sheet.merges))
        for row in range(head + 1, last):
            units = [sheet.text(*origin.get((row, column), (row, column))).strip() for column in columns]
            filled_rows += any(units)
            if any(units[:2]):
                in_rows[sheet.name, units[0], units[1]] += 1
        merged_successors += sum(
            left == columns[2] and bottom > top > head and sheet.text(top, left) != ""
            for top, left, bottom, right in sheet.merges
        )
    assert filled_rows == 7646 and merged_successors == 647
    assert sum(count > 1 for count in in_rows.values()) == 97

    links = [row for row in found[REGISTER].changes if row.status == "accepted"]
    several = {
        side: sum(len(others) > 1 for others in neighbours(links, side).values())
        for side in ("successor", "predecessor")
    }
    assert several == {"successor": 648, "predecessor": 83}
    repeated = [row for row in found[REGISTER].changes if row.status == "repeated"]
    assert len(repeated) == 14 and {row.sheet for row in repeated} == {"2016"}
    assert repeated[0].cell == "C539" and repeated[0].repeats_cell == "C525"


def neighbours(links: list, side: str) -> dict[tuple[object, ...], set[tuple[object, ...]]]:
    """Of each unit on `side` in a year the units on the other side."""
    other = "predecessor" if side == "successor" else "successor"
    result: dict[tuple[object, ...], set[tuple[object, ...]]] = {}
    for row in links:
        here = (getattr(row, f"{side}_code"), getattr(row, f"{side}_name"))
        there = (getattr(row, f"{other}_code"), getattr(row, f"{other}_name"))
        if any(here) and any(there):
            result.setdefault((row.year, *here), set()).add(there)
    return result


def test_chains_over_several_years_hold_together(found: dict[str, ParsedWorkbook]) -> None:
    """A successor of one year is often the predecessor of a later one, under the same code and name."""
    links = [row for row in found[REGISTER].changes if row.status == "accepted"]
    made = {(row.successor_code, row.successor_name): row.year for row in reversed(links) if row.successor_code}
    onward = [
        row
        for row in links
        if (since := made.get((row.predecessor_code, row.predecessor_name))) is not None and since < row.year
    ]
    assert len(onward) == 151


def test_new_units_of_guizhou_between_two_official_lists_are_in_the_register_by_name_not_by_code(
    found: dict[str, ParsedWorkbook], shared_workbooks: Path
) -> None:
    """Of 94 codes that are new in mid-2020, 92 are successors of 2019 or 2020 by county and name; only 25 under the
    same code: the two publishers number the units of a county differently, so a code alone is no key."""
    before, after = (
        {row["code9"]: row["name"] for row in csv.DictReader(path.open(encoding="utf-8-sig", newline=""))}
        for path in sorted((shared_workbooks / "townships").glob("nbs_townships_guizhou_*.csv"))
    )
    new = {code: name for code, name in after.items() if code not in before}
    made = [row for row in found[REGISTER].changes if row.year in (2019, 2020)]
    named = {(row.successor_county, row.successor_name) for row in made}
    coded = {(row.successor_code, row.successor_name) for row in made}
    assert len(new) == 94
    assert sum((code[:6], name) in named for code, name in new.items()) == 92
    assert sum((code, name) in coded for code, name in new.items()) == 25
