"""A county of its own for the measurements of intake: reference data, a register, workbooks of twenty townships.

Belongs here: figures that keep every rule of the field, and how they stand in a workbook of three sheets.
Does not belong here: defects (intake_defects.py), time (intake_speed.py), the demonstration (dagster_project/demo).

Each workbook is one township's month: its main indicators (rows are indicators), its above-scale enterprises, and its
coal mines or its key energy users. Money in ten thousand yuan, mass in tonnes, energy in tce, people in persons. All
words stand in intake_words.csv. Figures are drawn anew for each seed, independent of the demonstration's.
"""

from __future__ import annotations

import csv
import io
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from pathlib import Path

import xlsxwriter

from dagster_project.ingest.codes import credit_check_symbol, organisation_check_symbol
from dagster_project.ingest.grid import address
from dagster_project.settings import PROJECT_ROOT

WORDS_FILE = Path(__file__).with_name("intake_words.csv")
SEEDS = PROJECT_ROOT / "seeds" / "reference"
COUNTY_CODE = "528101"
TOWNSHIPS, MONTHS = 20, 12

# spring festival, summer, the end of the year; the months sum to 12
SEASON = (0.98, 0.84, 1.02, 1.02, 1.03, 1.05, 1.00, 1.00, 1.05, 1.02, 1.00, 0.99)
TCE_COAL, TCE_POWER = 0.7143, 1.229

Content = str | int | float | None


def words() -> dict[str, str]:
    """Every word that the workbooks print."""
    with WORDS_FILE.open(encoding="utf-8", newline="") as handle:
        return {row["key"]: row["zh"] for row in csv.DictReader(handle)}


@dataclass
class Cell:
    """What stands in one cell, and what it is: figure, total, growth, code, name, title, text."""

    content: Content
    role: str = "text"
    unit: str = ""
    indicator: str = ""
    measure: str = ""
    decimals: int = 0


@dataclass
class SheetPlan:
    """One sheet: cells by (row, column), merges as (row, column, last row, last column)."""

    name: str
    kind: str  # main, list, coal, energy, roster
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)

    def put(self, row: int, column: int, content: Content, role: str = "text", **more: object) -> None:
        self.cells[row, column] = Cell(content, role, **more)  # type: ignore[arg-type]

    def of(self, *roles: str) -> Iterator[tuple[tuple[int, int], Cell]]:
        return ((place, cell) for place, cell in self.cells.items() if cell.role in roles)

    @property
    def height(self) -> int:
        return max(row for row, _ in self.cells) + 1


@dataclass
class BookPlan:
    """One workbook of one township and month, before it is written."""

    file_name: str
    township: str
    period: date
    sheets: list[SheetPlan]

    def to_bytes(self) -> bytes:
        """The .xlsx file, the same bytes for the same cells."""
        buffer = io.BytesIO()
        book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_numbers": False})
        book.set_properties({"created": datetime(2020, 1, 1)})
        centre, box = book.add_format({"align": "center", "border": 1}), book.add_format({"border": 1})
        for plan in self.sheets:
            sheet = book.add_worksheet(plan.name)
            for first, left, last, right in plan.merges:
                sheet.merge_range(first, left, last, right, "", centre)
            for (row, column), cell in plan.cells.items():
                if isinstance(cell.content, str):
                    sheet.write_string(row, column, cell.content, box)
                elif cell.content is not None:
                    sheet.write_number(row, column, cell.content, box)
            sheet.set_column(0, 14, 12)
        book.close()
        return buffer.getvalue()


@dataclass(frozen=True)
class Firm:
    """One enterprise: `size` is its monthly output, in tonnes for a mine."""

    code: str
    name: str
    township: str
    industry: str
    kind: str  # agro, industry, building, chemical, coal
    size: float
    is_key: bool
    stops_in: int | None  # month of the second year in which it stands still


@dataclass(frozen=True)
class Township:
    code: str
    name: str
    name_en: str
    kind: str
    size: float
    has_coal: bool


def half_up(value: float, decimals: int = 0) -> float:
    """Rounded as forms print (domain.md B.6)."""
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return int(rounded) if decimals == 0 else float(rounded)


class County:
    """Two years of figures for twenty townships; the first year is history, the second is measured."""

    def __init__(self, seed: int, first_year: int = 2024) -> None:
        self.rng = random.Random(f"intake county {seed}")
        self.seed = seed
        self.first_year = first_year
        self.words = words()
        self.townships = self._townships()
        self.firms = self._firms()
        self._series: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
        self._stocks: dict[tuple[str, str], list[float]] = {}
        for township in self.townships:
            for firm in self.of(township):
                self._draw_firm(firm)
            self._draw_township(township)

    # ------------------------------------------------------------------ who there is
    def _townships(self) -> list[Township]:
        rng, word = self.rng, self.words
        names = [a + b for a in word["place_first"].split("|") for b in word["place_second"].split("|")]
        chosen = rng.sample(names, TOWNSHIPS)
        town, rural = word["place_kind"].split("|")
        found = []
        for number, name in enumerate(chosen):
            is_town = number < 12
            code = f"{COUNTY_CODE}{100 + number if is_town else 200 + number - 12}"
            found.append(
                Township(
                    code,
                    name + (town if is_town else rural),
                    f"Place {number + 1}",
                    "town" if is_town else "township",
                    rng.lognormvariate(7.0, 0.5),
                    number % 2 == 0,
                )
            )
        return found

    def _firms(self) -> list[Firm]:
        rng, word = self.rng, self.words
        names = [a + b for a in word["firm_first"].split("|") for b in word["firm_second"].split("|")]
        rng.shuffle(names)
        industries = {"agro": "13", "industry": "35", "building": "30", "chemical": "26", "coal": "06"}
        firms = []
        number = 0
        for township in self.townships:
            kinds = ["agro", "industry", "building", "chemical", *rng.choices(["agro", "industry", "building"], k=4)]
            kinds += ["coal"] * 4 if township.has_coal else []
            for position, kind in enumerate(kinds):
                organisation = f"{70000000 + number * 7919:08d}"
                body = "91" + COUNTY_CODE + organisation + organisation_check_symbol(organisation)
                is_coal = kind == "coal"
                firms.append(
                    Firm(
                        body + credit_check_symbol(body),
                        names[number] + word[f"firm_{kind}"],
                        township.code,
                        industries[kind],
                        kind,
                        max(rng.lognormvariate(8.8 if is_coal else 6.3, 0.45), 280.0),
                        not is_coal and (kind in ("building", "chemical") or position == 1),
                        rng.randrange(3, 11) if rng.random() < 0.03 else None,
                    )
                )
                number += 1
        return firms

    def of(self, township: Township) -> list[Firm]:
        return [firm for firm in self.firms if firm.township == township.code]

    # ------------------------------------------------------------------ figures
    def _flow(
        self, level: float, growth: float, noise: float, firm: Firm | None = None, decimals: int = 0
    ) -> list[float]:
        """24 months of one flow, as printed."""
        rng = self.rng
        values = []
        for index in range(24):
            value = level * SEASON[index % 12] * rng.lognormvariate(0, noise)
            if index >= 12:
                value *= 1 + growth
            if firm is not None and firm.stops_in is not None and index == 12 + firm.stops_in:
                value = 0.0
            values.append(half_up(value, decimals))
        return values

    def _keep(self, unit: str, indicator: str, months: list[float], decimals: int = 0) -> None:
        totals: list[float] = []
        for index, value in enumerate(months):
            before = totals[-1] if index % 12 else 0.0
            totals.append(half_up(before + value, decimals) if decimals else before + value)
        self._series[unit, indicator] = months, totals

    def _draw_firm(self, firm: Firm) -> None:
        rng = self.rng
        growth = rng.gauss(0.08, 0.06)
        head = [half_up(rng.uniform(60, 400)) for _ in range(1)]
        for _ in range(23):
            head.append(max(20, head[-1] + rng.randint(-4, 5)))
        self._stocks[firm.code, "TE04"] = head
        if firm.kind == "coal":
            output = self._flow(firm.size, growth, 0.05, firm)
            sold = [half_up(value * rng.uniform(0.97, 1.02)) for value in output]
            stock, level = [], firm.size * 0.8
            for made, gone in zip(output, sold, strict=True):
                level = max(0.0, level + made - gone)
                stock.append(half_up(level))
            self._keep(firm.code, "CO01", output)
            self._keep(firm.code, "CO10", sold)
            self._stocks[firm.code, "CO11"] = stock
            self._stocks[firm.code, "CO13"] = head
            need = [half_up(value * 0.9) for value in head]
            self._stocks[firm.code, "CO15"] = need
            self._stocks[firm.code, "CO14"] = [max(0, value - rng.randint(0, 2)) for value in need]
            return
        gross = self._flow(firm.size, growth, 0.06, firm)
        rate, tax = rng.uniform(0.24, 0.34), rng.uniform(0.03, 0.08)
        self._keep(firm.code, "BF02", gross)
        self._keep(firm.code, "BF03", [half_up(value * rng.uniform(0.96, 1.0)) for value in gross])
        self._keep(firm.code, "BF01", [half_up(value * rng.uniform(0.97, 1.01)) for value in gross])
        self._keep(firm.code, "TE02", [half_up(value * rate * rng.uniform(0.99, 1.01)) for value in gross])
        self._keep(firm.code, "TE03", [half_up(value * tax * rng.uniform(0.97, 1.03)) for value in gross])
        power = [half_up(value * 0.09 * rng.uniform(0.97, 1.03), 1) for value in gross]
        self._keep(firm.code, "BF12", power, 1)
        if firm.is_key:
            intensity = max(0.9, 900 / firm.size)  # well over the threshold of the list
            coal = [half_up(value * intensity * rng.uniform(0.98, 1.02)) for value in gross]
            self._keep(firm.code, "EF101", coal)
            self._keep(firm.code, "EF600", power, 1)
            tce = [half_up(a * TCE_COAL + b * TCE_POWER) for a, b in zip(coal, power, strict=True)]
            self._keep(firm.code, "EN00", tce)

    def _draw_township(self, township: Township) -> None:
        rng = self.rng
        firms = [firm for firm in self.of(township) if firm.kind != "coal"]
        growth = rng.gauss(0.09, 0.04)

        def of_firms(indicator: str, kinds: tuple[str, ...] = ()) -> list[float]:
            chosen = [f for f in firms if not kinds or f.kind in kinds]
            return [sum(self._series[f.code, indicator][0][index] for f in chosen) for index in range(24)]

        rest = self._flow(township.size, growth, 0.05)
        industry = [a + half_up(b * 0.5) for a, b in zip(of_firms("TE02"), rest, strict=True)]
        self._keep(township.code, "TE02", industry)
        self._keep(township.code, "TE01", [a + b for a, b in zip(industry, rest, strict=True)])
        self._keep(township.code, "TE06", of_firms("TE02", ("agro",)))
        above = of_firms("TE03")
        self._keep(township.code, "TE03a", above)
        self._keep(township.code, "TE03", [a + half_up(b * 0.12) for a, b in zip(above, rest, strict=True)])
        self._keep(township.code, "TE08", self._flow(township.size * 0.6, growth, 0.08))
        for indicator in ("BF01", "BF02", "BF03"):
            self._keep(township.code, indicator, of_firms(indicator))
        revenue = of_firms("BF01")
        margin = rng.choice((0.05, 0.07, -0.02))
        self._keep(township.code, "BF05", [half_up(v * margin * rng.uniform(0.9, 1.1)) for v in revenue])
        self._keep(township.code, "BF07", [half_up(v * 0.45 * rng.uniform(0.98, 1.02)) for v in industry])
        people = [half_up(township.size * 1.5)]
        for _ in range(23):
            people.append(max(100, people[-1] + rng.randint(-25, 35)))
        self._stocks[township.code, "TE04"] = people

    def _index(self, period: date) -> int:
        return (period.year - self.first_year) * 12 + period.month - 1

    def value(self, unit: str, indicator: str, measure: str, period: date) -> float | None:
        """A printed figure; None where the first year has no base."""
        index = self._index(period)
        if measure.startswith("base"):
            index -= 12
            if index < 0:
                # before history: a base that fits a plain growth
                now = self.value(unit, indicator, "stock" if (unit, indicator) in self._stocks else "ytd", period)
                return None if now is None else half_up(now / 1.08, 1 if indicator in ("BF12", "EF600") else 0)
            measure = "ytd" if measure == "base_ytd" else "month"
        if (unit, indicator) in self._stocks:
            return None if measure == "month" else self._stocks[unit, indicator][index]
        months, totals = self._series[unit, indicator]
        return months[index] if measure == "month" else totals[index]

    def growth(self, unit: str, indicator: str, period: date) -> float | None:
        now = self.value(unit, indicator, "ytd", period)
        base = self.value(unit, indicator, "base_ytd", period)
        if now is None or base is None or base <= 0 or now < 0:
            return None
        return half_up((now / base - 1) * 100, 1)

    # ------------------------------------------------------------------ workbooks
    @cached_property
    def history(self) -> list[date]:
        return [date(self.first_year, month, 1) for month in range(1, 13)]

    @cached_property
    def measured(self) -> list[date]:
        return [date(self.first_year + 1, month, 1) for month in range(1, MONTHS + 1)]

    def book(self, township: Township, period: date) -> BookPlan:
        """The clean workbook of one township and month."""
        sheets = [self._main(township, period), self._list(township, period)]
        sheets.append(self._coal(township, period) if township.has_coal else self._energy(township, period))
        name = self.words["file_month"].format(place=township.name, year=period.year, month=period.month)
        return BookPlan(name, township.code, period, sheets)

    def _title(self, key: str, township: Township, period: date) -> str:
        key = f"{key}_1" if period.month == 1 and f"{key}_1" in self.words else key
        return self.words[key].format(place=township.name, year=period.year, month=period.month)

    def _figure(
        self, sheet: SheetPlan, row: int, column: int, unit: str, indicator: str, measure: str, period: date
    ) -> float | None:
        value = self.value(unit, indicator, measure, period)
        decimals = 1 if indicator in ("BF12", "EF600") else 0
        content: Content = value if value is not None else self.words["dash"]
        role = "figure" if value is not None else "text"
        sheet.put(row, column, content, role, unit=unit, indicator=indicator, measure=measure, decimals=decimals)
        return value

    def _main(self, township: Township, period: date) -> SheetPlan:
        word = self.words
        sheet = SheetPlan(word["sheet_main"], "main")
        heads = word["head_main"].split("|")
        sheet.put(0, 0, self._title("title_main", township, period), "title")
        sheet.merges.append((0, 0, 0, len(heads) - 1))
        sheet.put(1, len(heads) - 2, word["unit_line"])
        for column, head in enumerate(heads):
            sheet.put(2, column, head)
        marks = word["head_marks"].split("|")
        for column in range(len(heads)):
            sheet.put(3, column, marks[column] if column < len(marks) else column - len(marks) + 1)
        row = 4
        for key in [name for name in word if name.startswith("row_")]:
            label, unit = word[key].split("|")
            indicator = key.removeprefix("row_")
            sheet.put(row, 0, label)
            sheet.put(row, 1, unit)
            sheet.put(row, 2, f"{row - 3:02d}")
            for column, measure in ((3, "month"), (4, "ytd"), (5, "base_ytd")):
                self._figure(sheet, row, column, township.code, indicator, measure, period)
            growth = self.growth(township.code, indicator, period)
            if growth is None:
                sheet.put(row, 6, word["dash"])
            else:
                sheet.put(
                    row, 6, growth, "growth", unit=township.code, indicator=indicator, measure="growth", decimals=1
                )
            row += 1
        sheet.put(row + 1, 0, word["note"])
        sheet.put(row + 2, 0, word["signature"])
        return sheet

    def _header(self, sheet: SheetPlan, key: str, title: str, unit_line: str) -> list[str]:
        heads = self.words[key].split("|")
        sheet.put(0, 0, title, "title")
        sheet.merges.append((0, 0, 0, len(heads) - 1))
        sheet.put(1, len(heads) - 2, self.words[unit_line])
        column = 0
        while column < len(heads):
            group, _, below = heads[column].partition("/")
            last = column
            while below and last + 1 < len(heads) and heads[last + 1].partition("/")[0] == group:
                last += 1
            sheet.put(2, column, group)
            if not below:
                sheet.merges.append((2, column, 3, column))
            elif last > column:
                sheet.merges.append((2, column, 2, last))
            for index in range(column, last + 1):
                if "/" in heads[index]:
                    sheet.put(3, index, heads[index].partition("/")[2])
            column = last + 1
        return heads

    def _total(self, sheet: SheetPlan, row: int, label: int, columns: list[tuple[int, str, str]]) -> None:
        sheet.put(row, label, self.words["total"])
        for column, indicator, measure in columns:
            cells = [c for (r, k), c in sheet.cells.items() if k == column and 4 <= r < row and c.role == "figure"]
            decimals = 1 if indicator in ("BF12", "EF600") else 0
            value = half_up(sum(float(c.content) for c in cells), decimals)  # type: ignore[arg-type]
            sheet.put(row, column, value, "total", indicator=indicator, measure=measure, decimals=decimals)

    def _is_stopped(self, firm: Firm, period: date) -> bool:
        return firm.stops_in is not None and self._index(period) == 12 + firm.stops_in

    def _list(self, township: Township, period: date) -> SheetPlan:
        sheet = SheetPlan(self.words["sheet_list"], "list")
        heads = self._header(sheet, "head_list", self._title("title_list", township, period), "unit_line_list")
        columns = [
            (4, "BF02", "month"),
            (5, "BF02", "ytd"),
            (6, "BF02", "base_ytd"),
            (7, "TE02", "month"),
            (8, "TE02", "ytd"),
            (9, "TE03", "month"),
            (10, "TE03", "ytd"),
            (11, "BF01", "ytd"),
            (12, "TE04", "stock"),
            (13, "BF12", "ytd"),
        ]
        row = 4
        for firm in self.of(township):
            if firm.kind == "coal":
                continue
            sheet.put(row, 0, row - 3)
            sheet.put(row, 1, firm.name, "name", unit=firm.code)
            sheet.put(row, 2, firm.code, "code", unit=firm.code)
            sheet.put(row, 3, firm.industry)
            for column, indicator, measure in columns:
                self._figure(sheet, row, column, firm.code, indicator, measure, period)
            if self._is_stopped(firm, period):
                sheet.put(row, len(heads) - 1, self.words["suspended"])
            row += 1
        self._total(sheet, row, 1, columns)
        sheet.put(row + 2, 0, self.words["signature"])
        return sheet

    def _coal(self, township: Township, period: date) -> SheetPlan:
        sheet = SheetPlan(self.words["sheet_coal"], "coal")
        self._header(sheet, "head_coal", self._title("title_coal", township, period), "unit_line_coal")
        columns = [
            (2, "CO01", "month"),
            (3, "CO01", "ytd"),
            (4, "CO01", "base_ytd"),
            (5, "CO10", "month"),
            (6, "CO10", "ytd"),
            (7, "CO11", "stock"),
            (8, "CO13", "stock"),
            (9, "CO15", "stock"),
            (10, "CO14", "stock"),
        ]
        row = 4
        for firm in self.of(township):
            if firm.kind != "coal":
                continue
            sheet.put(row, 0, firm.name, "name", unit=firm.code)
            sheet.put(row, 1, township.name)
            for column, indicator, measure in columns:
                self._figure(sheet, row, column, firm.code, indicator, measure, period)
            sheet.put(row, 11, self.words["suspended" if self._is_stopped(firm, period) else "active"])
            row += 1
        self._total(sheet, row, 0, columns)
        sheet.put(row + 2, 0, self.words["signature"])
        return sheet

    def _energy(self, township: Township, period: date) -> SheetPlan:
        sheet = SheetPlan(self.words["sheet_energy"], "energy")
        heads = self._header(sheet, "head_energy", self._title("title_energy", township, period), "unit_line_energy")
        columns = [
            (3, "EN00", "month"),
            (4, "EN00", "ytd"),
            (5, "EN00", "base_ytd"),
            (6, "EF101", "month"),
            (7, "EF101", "ytd"),
            (8, "EF600", "month"),
            (9, "EF600", "ytd"),
        ]
        row = 4
        for firm in self.of(township):
            if not firm.is_key:
                continue
            sheet.put(row, 0, row - 3)
            sheet.put(row, 1, firm.name, "name", unit=firm.code)
            sheet.put(row, 2, firm.code, "code", unit=firm.code)
            for column, indicator, measure in columns:
                self._figure(sheet, row, column, firm.code, indicator, measure, period)
            if self._is_stopped(firm, period):
                sheet.put(row, len(heads) - 1, self.words["suspended"])
            row += 1
        self._total(sheet, row, 1, columns)
        sheet.put(row + 2, 0, self.words["signature"])
        return sheet

    def roster(self) -> BookPlan:
        """The register of all enterprises at the beginning of history."""
        word = self.words
        sheet = SheetPlan(word["sheet_roster"], "roster")
        heads = word["head_roster"].split("|")
        sheet.put(0, 0, word["title_roster"].format(county=word["county"], year=self.first_year), "title")
        sheet.merges.append((0, 0, 0, len(heads) - 1))
        for column, head in enumerate(heads):
            sheet.put(1, column, head)
        names = {township.code: township.name for township in self.townships}
        for row, firm in enumerate(self.firms, 2):
            flags = (firm.kind != "coal", firm.kind == "agro", False, firm.kind == "coal", firm.is_key)
            line: list[Content] = [row - 1, firm.code, firm.name, names[firm.township], firm.industry]
            line += [word["yes"] if flag else word["no"] for flag in flags]
            line += [half_up(firm.size * 16 / 10000, 1) if firm.kind == "coal" else None, word["active"]]
            for column, content in enumerate(line):
                sheet.put(row, column, content)
        name = word["file_roster"].format(county=word["county"], year=self.first_year)
        return BookPlan(name, "", date(self.first_year, 1, 1), [sheet])

    # ------------------------------------------------------------------ reference data
    def write_seeds(self, folder: Path) -> Path:
        """The project's reference data with this county's twenty townships in place of the demonstration's."""
        shutil.copytree(SEEDS, folder)
        _rewrite(
            folder / "townships.csv",
            [
                {
                    "township_code": t.code,
                    "durable_id": f"T-{t.code}",
                    "name_zh": t.name,
                    "name_en": t.name_en,
                    "kind": t.kind,
                    "class": "",
                    "valid_from": "2000-01-01",
                    "sort_order": str(position * 10),
                }
                for position, t in enumerate(self.townships, 1)
            ],
        )
        for name in ("township_aliases", "township_links", "corrections", "enterprise_events"):
            _rewrite(folder / f"{name}.csv", [])
        own = {
            "county_code": COUNTY_CODE,
            "county_name_zh": self.words["county"],
            "bureau_name_zh": self.words["bureau"],
            "county_name_en": "Example County",
        }
        rows = _rows(folder / "settings.csv")
        _rewrite(folder / "settings.csv", [{**row, "value": own.get(row["key"], row["value"])} for row in rows])
        return folder


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def _rewrite(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        header = next(csv.reader(handle))
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def cell_address(place: tuple[int, int]) -> str:
    return address(*place)
