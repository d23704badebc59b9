"""The demonstration inbox: the same arguments give the same files, labelled, dated, and true to what they say."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from dagster_project import demo
from dagster_project.demo import places, plan, register
from dagster_project.demo.economy import Economy, growth_pct
from dagster_project.ingest.grid import cell_text

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "seeds" / "reference"
Row = dict[str, str]


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> demo.DemoReport:
    """All 36 months."""
    return demo.write(tmp_path_factory.mktemp("demo") / "inbox")


@pytest.fixture(scope="module")
def figures(full: demo.DemoReport) -> list[Row]:
    return rows(full.truth / "figures.csv")


@pytest.fixture(scope="module")
def sheets(full: demo.DemoReport) -> dict[tuple[str, str], list[list[str]]]:
    """Every sheet as texts, by file and sheet name; the CSV file's sheet is ''."""
    result = {}
    odd = {row["file_name"] for row in rows(full.truth / "files.csv") if not row["form_code"]}
    for path in sorted(full.inbox.iterdir()):
        if path.suffix == ".csv":
            with path.open(encoding="gbk", newline="") as handle:
                result[path.name, ""] = list(csv.reader(handle))
        elif path.name not in odd:
            workbook = CalamineWorkbook.from_path(path)
            for name in workbook.sheet_names:
                grid = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
                result[path.name, name] = [[cell_text(value) for value in row] for row in grid]
    return result


def position(cell: str) -> tuple[int, int]:
    letters = cell.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(cell[len(letters) :]) - 1, column - 1


def contents(folder: Path) -> Iterator[tuple[str, str, float]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime


def test_same_seed_gives_the_same_bytes_and_times(tmp_path: Path) -> None:
    for name in ("a", "b"):
        demo.write(tmp_path / name / "inbox", months=2)
    assert list(contents(tmp_path / "a" / "inbox")) == list(contents(tmp_path / "b" / "inbox"))
    truths = [[entry[:2] for entry in contents(tmp_path / name / "demo")] for name in ("a", "b")]
    assert truths[0] == truths[1] and len(truths[0]) == 7


def test_another_seed_gives_other_figures_about_the_same_register(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        demo.write(tmp_path / name / "inbox", months=1, seed=seed)
    a, b = (rows(tmp_path / name / "demo" / "truth" / "figures.csv") for name in "ab")
    assert [row["value"] for row in a] != [row["value"] for row in b]
    assert {row["unit_id"] for row in a if row["level"] == "township"} == {
        row["unit_id"] for row in b if row["level"] == "township"
    }


def test_writing_again_changes_nothing_and_never_writes_over_other_content(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    demo.write(inbox, months=1)
    before = list(contents(inbox))
    demo.write(inbox, months=1)
    assert list(contents(inbox)) == before
    (inbox / "2026年10月乡镇企业主要经济指标.xlsx").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="other content"):
        demo.write(inbox, months=1)


@pytest.mark.parametrize(("scale", "months"), [("city", 36), ("province", 36), ("county", 0), ("county", 37)])
def test_what_is_not_available_is_said_and_nothing_is_written(tmp_path: Path, scale: str, months: int) -> None:
    with pytest.raises(ValueError, match=r"available|months"):
        demo.write(tmp_path / "inbox", scale=scale, months=months)
    assert not (tmp_path / "inbox").exists()


def test_every_workbook_says_that_it_is_synthetic(sheets: dict[tuple[str, str], list[list[str]]]) -> None:
    unlabelled = [
        key for key, grid in sheets.items() if not any("合成数据" in text for row in grid[:3] for text in row)
    ]
    assert unlabelled == []


def test_every_truth_cell_holds_the_text_it_names(
    full: demo.DemoReport, sheets: dict[tuple[str, str], list[list[str]]]
) -> None:
    wrong = []
    listed = rows(full.truth / "figures.csv") + rows(full.truth / "versions.csv") + rows(full.truth / "defects.csv")
    checked = 0
    for row in listed:
        if not row["cell"]:
            continue
        line, column = position(row["cell"])
        grid = sheets[row["file_name"], row["sheet"]]
        found = grid[line][column] if line < len(grid) and column < len(grid[line]) else ""
        same = found == row["raw_text"]
        if not same and found and row["raw_text"]:
            try:
                same = Decimal(found) == Decimal(row["raw_text"])
            except ArithmeticError:
                same = False
        checked += 1
        if not same:
            wrong.append((row["file_name"], row["cell"], found, row["raw_text"]))
    assert wrong == []
    assert checked > 50_000


def test_files_are_dated_as_received(full: demo.DemoReport) -> None:
    listed = {row["file_name"]: row for row in rows(full.truth / "files.csv")}
    found = {
        path.name: datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
        for path in full.inbox.iterdir()
    }
    assert {name: datetime.fromisoformat(row["received_at"]) for name, row in listed.items()} == found
    assert max(found.values()) < datetime(2026, 11, 24)
    monthly = [row for row in listed.values() if row["form_code"] in plan.MONTHLY and row["is_resubmission"] == "false"]
    late = sum(row["is_late"] == "true" for row in monthly) / len(monthly)
    assert 0.03 < late < 0.16


def test_due_days_and_townships_are_those_of_the_reference_data() -> None:
    forms = {row["form_code"]: row for row in rows(SEEDS / "forms.csv")}
    assert {form: (forms[form]["due_day"], forms[form]["due_month_offset"]) for form in plan.DUE_DAY} == {
        form: (str(day), "1") for form, day in plan.DUE_DAY.items()
    }
    known = rows(SEEDS / "townships.csv")
    for period in places.month_range(date(2023, 11, 1), 36):
        there = {
            row["township_code"]
            for row in known
            if row["valid_from"] <= period.isoformat()
            and (not row["valid_to"] or row["valid_to"] >= period.isoformat())
        }
        assert {item.code for item in places.townships(period)} == there, period
    names = {row["township_code"]: row["name_zh"] for row in known}
    assert all(names[item.code] == item.name for item in places.townships(date(2026, 10, 1)))


def test_register_has_sound_codes_and_the_size_promised() -> None:
    everyone = register.enterprises(demo.DEFAULT_SEED)
    assert len(everyone) == len({item.credit_code for item in everyone}) == len({item.name for item in everyone})
    for item in everyone:
        code = item.credit_code
        assert register.check_character(code[:17]) == code[17]
        assert register.org_code(int(code[8:16])) == code[8:17]
    economy = Economy(demo.DEFAULT_SEED)
    now = economy.listed(date(2026, 10, 1))
    assert 140 <= len(now) <= 155
    assert sum(item.is_coal for item in now) == 15
    assert sum(item.is_key for item in now) == 12
    plants = Counter(item.place for item in now if item.is_pharma)
    assert sorted(plants.values()) == [1, 2]  # one township has a single plant
    # vectors of domain.md D.4
    assert register.check_character("91110000101623741") == "K"
    assert register.check_character("91520181780000369") == "0"
    assert register.org_code(74371976) == "743719761"


def test_figures_hold_their_identities(figures: list[Row]) -> None:
    """Year to date is the sum of months, parts stay within the whole, the county is the sum of its townships."""
    clean = {
        (row["indicator_code"], row["level"], row["unit_id"], row["period"], row["measure"]): Decimal(row["value"])
        for row in figures
        if row["value"] and not row["defect_id"] and row["is_carried"] == "false"
    }
    compared: Counter[str] = Counter()
    adjusted = {("TE01", "529901102", "2024"), ("TE03", "529901100", "2025")}
    for (code, level, unit, period, measure), value in clean.items():
        if measure == "ytd":
            year, month = period[:4], int(period[5:7])
            months = [clean.get((code, level, unit, f"{year}-{m:02d}-01", "month")) for m in range(1, month + 1)]
            merged = unit == "529901101" and year == "2025"
            if None not in months and (code, unit, year) not in adjusted and not merged and level != "county":
                assert value == sum(months), (code, unit, period)
                compared["ytd"] += 1
        if code == "TE02" and level == "township" and measure in ("month", "ytd", "base_ytd"):
            whole = clean.get(("TE01", level, unit, period, measure))
            if whole is not None:
                assert value <= whole
                compared["part"] += 1
        if code == "EN00":
            coal, power = (
                clean.get(("EF101", level, unit, period, measure)),
                clean.get(("EF600", level, unit, period, measure)),
            )
            if coal is not None and power is not None:
                assert abs(coal * Decimal("0.7143") + power * Decimal("1.229") - value) < Decimal("0.6")
                compared["energy"] += 1
    carried = {row["period"] for row in figures if row["is_carried"] == "true" or row["null_reason"] == "not_reported"}
    by_month: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for (code, level, _unit, period, measure), value in clean.items():
        if level == "township" and measure == "ytd":
            by_month[code, period] += value
    spoilt = {row["period"] for row in figures if row["defect_id"] and row["level"] in ("township", "county")}
    for (code, period), total in by_month.items():
        county = clean.get((code, "county", "529901", period, "ytd"))
        if county is not None and period not in carried and period not in spoilt and period != "2024-06-01":
            assert county == total, (code, period)
            compared["county"] += 1
    assert compared["ytd"] > 3000 and compared["part"] > 900 and compared["energy"] > 700 and compared["county"] > 40


def test_coal_balance_holds(figures: list[Row]) -> None:
    value = {
        (row["indicator_code"], row["unit_id"], row["period"], row["measure"]): Decimal(row["value"])
        for row in figures
        if row["form_code"] == "CO-M1" and row["value"] and not row["defect_id"]
    }
    checked = 0
    for (code, unit, period, _measure), stock in value.items():
        if code != "CO11":
            continue
        start = value.get(("CO11", unit, f"{int(period[:4]) - 1}-12-01", "stock"))
        output, sold = value.get(("CO01", unit, period, "ytd")), value.get(("CO10", unit, period, "ytd"))
        if start is not None and output is not None and sold is not None:
            assert start + output - sold == stock
            checked += 1
    assert checked > 400


def test_printed_growth_follows_from_the_printed_base(figures: list[Row]) -> None:
    value = {
        (row["indicator_code"], row["unit_id"], row["period"], row["measure"]): Decimal(row["value"])
        for row in figures
        if row["value"] and not row["defect_id"] and row["form_code"] in ("TE-M1", "TE-M2")
    }
    checked = 0
    for (code, unit, period, measure), printed in value.items():
        if measure != "declared_growth" or code == "DR01":
            continue
        now = value.get((code, unit, period, "stock" if code == "TE04" else "ytd"))
        base = value.get((code, unit, period, "base_ytd"))
        if now is not None and base is not None:
            assert growth_pct(now, base) == printed
            checked += 1
    assert checked > 2000


def test_superseded_figures_are_kept_apart(full: demo.DemoReport, figures: list[Row]) -> None:
    keys = Counter(
        (row["indicator_code"], row["level"], row["unit_id"], row["period"], row["measure"]) for row in figures
    )
    assert max(keys.values()) == 1
    versions = rows(full.truth / "versions.csv")
    assert {row["superseded_by"] for row in versions} <= {row["file_name"] for row in rows(full.truth / "files.csv")}
    received = {row["file_name"]: row["received_at"] for row in rows(full.truth / "files.csv")}
    assert all(
        received[row["superseded_by"]] > received[row["file_name"]] for row in versions if row["form_code"] != "TG-Y1"
    )


def test_planted_defects_are_of_many_kinds_and_rare(full: demo.DemoReport, figures: list[Row]) -> None:
    defects = rows(full.truth / "defects.csv")
    must = [row for row in defects if row["expectation"] == "must"]
    assert len({row["kind"] for row in must}) >= 25
    assert len({row["defect_id"] for row in must}) >= 60
    assert len(must) / len(figures) < 0.005
    assert [row["kind"] for row in must if row["period"] == "2026-10-01" and row["severity"] == "error"] == [
        "missing_row"
    ]
    assert sum(row["period"] == "2026-10-01" for row in must) >= 4


def test_last_month_shows_a_believable_mix_of_lamps(figures: list[Row]) -> None:
    """Attainment against time progress, computed here from the truth: most green, several yellow, a few red."""
    value = {
        (row["indicator_code"], row["unit_id"], row["period"], row["measure"]): Decimal(row["value"])
        for row in figures
        if row["value"]
    }
    lamps: Counter[str] = Counter()
    by_unit: dict[str, list[str]] = defaultdict(list)
    for (code, unit, period, measure), target in value.items():
        if (
            measure != "target"
            or period != "2026-12-01"
            or code not in ("TE01", "TE02", "TE03", "TE06", "TE07", "TE08")
        ):
            continue
        now = value.get((code, unit, "2026-10-01", "ytd"))
        if now is None:
            lamps["grey"] += 1
            continue
        gap = now / target * 100 - Decimal(1000) / 12
        lamp = "green" if gap >= 0 else "yellow" if gap >= -5 else "red"
        lamps[lamp] += 1
        by_unit[unit].append(lamp)
    assert lamps["green"] > lamps["yellow"] + lamps["red"]
    assert 4 <= lamps["yellow"] <= 14
    assert 3 <= lamps["red"] <= 9
    assert lamps["grey"] >= 3  # the township that has not reported
    assert by_unit["529901104"].count("red") >= 3
    assert "red" not in by_unit["529901"]
