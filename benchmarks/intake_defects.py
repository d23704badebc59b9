"""How many planted defects does intake report at the very cell, and how often does it cry wolf?

240 workbooks (20 townships x 12 months x 3 sheets) after a clean year of history, taken in by the functions of
`tew refresh` month by month: receive, parse in child processes, resolve, audit, store. About one sheet in every one holds
one defect. What is said is then read from raw.issue.

A defect counts as reported where an issue of severity error or warning stands at its cell (for a defect that is a whole
row: at a cell of that row); `as info` counts those that only an info names. A false alarm is an error or a warning at
a cell that holds what it should. With `--clean` nothing is planted, so that every alarm is false.
Run: python -m benchmarks.intake_defects [--seed N]... [--clean] [--list] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.intake_county import BookPlan, Cell, County, SheetPlan, half_up
from benchmarks.report import emit
from dagster_project.ingest.codes import CREDIT_ALPHABET
from dagster_project.ingest.grid import address
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse.refresh import ingest_pending, receive
from dagster_project.warehouse.store import open_store

Place = tuple[int, int]
# A cell below this is too small for a slip in its digits to mean anything.
LEAST = 100


@dataclass
class Planted:
    """One defect: its kind and the cells of its sheet at which it may be reported."""

    kind: str
    file_name: str
    sheet: str
    cells: frozenset[str]
    was: object
    now: object
    said: list[tuple[str, str, str]] = field(default_factory=list)  # cell, severity, rule


@dataclass
class Site:
    """Where a defect may be planted: a sheet of a workbook, and the county behind it."""

    county: County
    book: BookPlan
    sheet: SheetPlan
    rng: random.Random

    def figures(self, *measures: str, least: float = LEAST) -> list[tuple[Place, Cell]]:
        return [
            (place, cell)
            for place, cell in self.sheet.of("figure")
            if (not measures or cell.measure in measures) and abs(float(cell.content or 0)) >= least  # type: ignore[arg-type]
        ]

    def pick(self, found: list[tuple[Place, Cell]]) -> tuple[Place, Cell] | None:
        return self.rng.choice(found) if found else None

    def beside(self, place: Place, measure: str) -> tuple[Place, Cell] | None:
        """The cell of the same unit and indicator with another measure."""
        one = self.sheet.cells[place]
        for other, cell in self.sheet.of("figure"):
            if (cell.unit, cell.indicator, cell.measure) == (one.unit, one.indicator, measure):
                return other, cell
        return None

    def write(self, kind: str, place: Place, content: Any, cells: list[Place] | None = None) -> Planted:
        cell = self.sheet.cells[place]
        was, cell.content = cell.content, content
        where = frozenset(address(*one) for one in (cells or [place]))
        return Planted(kind, self.book.file_name, self.sheet.name, where, was, content)


def _digits(site: Site, kind: str, change: Callable[[str], str | None]) -> Planted | None:
    found = site.pick(site.figures())
    if found is None:
        return None
    place, cell = found
    text = f"{cell.content:.{cell.decimals}f}"
    whole, point, rest = text.partition(".")
    changed = change(whole.lstrip("-"))
    if changed is None:
        return None
    sign = "-" if whole.startswith("-") else ""
    return site.write(kind, place, float(sign + changed + point + rest))


def digit_lost(site: Site) -> Planted | None:
    def change(text: str) -> str | None:
        options = {text[:i] + text[i + 1 :] for i in range(len(text))}
        options = {option for option in options if not option.startswith("0")}
        return site.rng.choice(sorted(options)) if options else None

    return _digits(site, "digit lost", change)


def digit_added(site: Site) -> Planted | None:
    def change(text: str) -> str | None:
        at = site.rng.randint(0, len(text))
        digit = site.rng.choice("123456789")
        return text[:at] + digit + text[at:]

    return _digits(site, "digit added", change)


def digits_swapped(site: Site) -> Planted | None:
    def change(text: str) -> str | None:
        pairs = [i for i in range(len(text) - 1) if text[i] != text[i + 1] and not (i == 0 and text[1] == "0")]
        if not pairs:
            return None
        i = site.rng.choice(pairs)
        return text[:i] + text[i + 1] + text[i] + text[i + 2 :]

    return _digits(site, "digits swapped", change)


def _scaled(site: Site, kind: str, factor: float, least: float = LEAST) -> Planted | None:
    found = site.pick(site.figures(least=least))
    if found is None:
        return None
    place, cell = found
    return site.write(kind, place, half_up(float(cell.content) * factor, 4 if factor < 1 else cell.decimals))  # type: ignore[arg-type]


def times_10000(site: Site) -> Planted | None:
    return _scaled(site, "unit x10000", 10000)


def over_10000(site: Site) -> Planted | None:
    return _scaled(site, "unit /10000", 0.0001)


def times_10(site: Site) -> Planted | None:
    return _scaled(site, "unit x10", 10)


def month_over_ytd(site: Site) -> Planted | None:
    found = site.pick(site.figures("month"))
    ytd = site.beside(found[0], "ytd") if found else None
    if found is None or ytd is None:
        return None
    return site.write(
        "month > ytd", found[0], half_up(float(ytd[1].content) * site.rng.uniform(1.05, 1.8), found[1].decimals)
    )  # type: ignore[arg-type]


def ytd_drop(site: Site) -> Planted | None:
    if site.book.period.month == 1:
        return None
    found = site.pick(site.figures("ytd"))
    if found is None:
        return None
    place, cell = found
    before = site.county.value(cell.unit, cell.indicator, "ytd", _before(site.book.period))
    if before is None or before < LEAST:
        return None
    return site.write("ytd drop", place, half_up(before * site.rng.uniform(0.8, 0.97), cell.decimals))


PARTS = {"TE02": "TE01", "TE03a": "TE03", "TE06": "TE02", "CO14": "CO15", "CO15": "CO13"}


def part_over_total(site: Site) -> Planted | None:
    by_key = {(c.unit, c.indicator, c.measure): c for _, c in site.sheet.of("figure")}
    options = []
    for place, cell in site.figures("month", "ytd", "stock"):
        whole = by_key.get((cell.unit, PARTS.get(cell.indicator, ""), cell.measure))
        if whole is not None:
            options.append((place, cell, whole))
    if not options:
        return None
    place, cell, whole = site.rng.choice(options)
    return site.write("part > total", place, half_up(float(whole.content) * site.rng.uniform(1.03, 1.5), cell.decimals))  # type: ignore[arg-type]


def total_wrong(site: Site) -> Planted | None:
    found = site.pick([(p, c) for p, c in site.sheet.of("total") if abs(float(c.content)) >= LEAST])  # type: ignore[arg-type]
    if found is None:
        return None
    factor = site.rng.choice((site.rng.uniform(0.7, 0.98), site.rng.uniform(1.02, 1.3)))
    return site.write("total wrong", found[0], half_up(float(found[1].content) * factor, found[1].decimals))  # type: ignore[arg-type]


def growth_wrong(site: Site) -> Planted | None:
    found = site.pick(list(site.sheet.of("growth")))
    if found is None:
        return None
    shift = site.rng.choice((-1, 1)) * site.rng.uniform(0.5, 12)
    return site.write("growth wrong", found[0], half_up(float(found[1].content) + shift, 1))  # type: ignore[arg-type]


def sign_flipped(site: Site) -> Planted | None:
    found = site.pick(site.figures())
    return None if found is None else site.write("sign flipped", found[0], -float(found[1].content))  # type: ignore[arg-type]


def text_in_number(site: Site) -> Planted | None:
    found = site.pick(site.figures())
    if found is None:
        return None
    text = f"{found[1].content:.{found[1].decimals}f}"
    at = site.rng.randrange(len(text))
    now = site.rng.choice((text[:at] + "o" + text[at + 1 :], text[:at] + "l" + text[at:], text + "?", f"{text}/{text}"))
    return site.write("text in number", found[0], now)


def blank(site: Site) -> Planted | None:
    found = site.pick(site.figures("month", "ytd", "stock"))
    return None if found is None else site.write("blank in an active row", found[0], None)


def duplicate_row(site: Site) -> Planted | None:
    if site.sheet.kind == "main":
        return None
    named = site.pick(list(site.sheet.of("name")))
    if named is None:
        return None
    row = named[0][0]
    moved = {}
    for (line, column), cell in site.sheet.cells.items():
        moved[line + (line > row), column] = cell
    for (line, column), cell in list(site.sheet.cells.items()):
        if line == row:
            moved[row + 1, column] = Cell(
                cell.content, "repeated", cell.unit, cell.indicator, cell.measure, cell.decimals
            )
    site.sheet.cells = moved
    cells = frozenset(address(*place) for place in moved if place[0] in (row, row + 1))
    return Planted("duplicate row", site.book.file_name, site.sheet.name, cells, None, named[1].content)


def wrong_period(site: Site) -> Planted | None:
    place, cell = next(iter(site.sheet.of("title")))
    period = site.book.period
    text = str(cell.content)
    wrong = site.rng.choice(("year", "month"))
    if wrong == "year":
        now = text.replace(str(period.year), str(period.year - 1))
    else:
        other = period.month % 12 + 1 if period.month < 12 else 11
        now = text.replace(f"{period.month}\u6708", f"{other}\u6708")
    return None if now == text else site.write("wrong period in title", place, now)


def code_typo(site: Site) -> Planted | None:
    found = site.pick(list(site.sheet.of("code")))
    if found is None:
        return None
    text = str(found[1].content)
    at = site.rng.randrange(len(text))
    other = site.rng.choice([symbol for symbol in CREDIT_ALPHABET if symbol != text[at]])
    return site.write("code typo", found[0], text[:at] + other + text[at + 1 :])


def name_typo(site: Site) -> Planted | None:
    found = site.pick(list(site.sheet.of("name")))
    if found is None:
        return None
    text = str(found[1].content)
    at = site.rng.randrange(2)
    other = site.rng.choice(site.county.words["typo_pool"].split("|"))
    return site.write("name typo", found[0], text[:at] + other + text[at + 1 :])


def percent_as_share(site: Site) -> Planted | None:
    found = site.pick([(p, c) for p, c in site.sheet.of("growth") if abs(float(c.content)) >= 1])  # type: ignore[arg-type]
    return (
        None if found is None else site.write("percent as 0.125", found[0], half_up(float(found[1].content) / 100, 4))
    )  # type: ignore[arg-type]


def stale_copy(site: Site) -> Planted | None:
    """A row that was left as last month's."""
    if site.book.period.month == 1 or site.sheet.kind == "main":
        return None
    rows = sorted({place[0] for place, cell in site.figures("ytd")})
    if not rows:
        return None
    row = site.rng.choice(rows)
    before = _before(site.book.period)
    cells = []
    for place, cell in list(site.sheet.of("figure")):
        if place[0] == row:
            cell.content = site.county.value(cell.unit, cell.indicator, cell.measure, before)
            cells.append(place)
    where = frozenset(address(*place) for place in cells)
    return Planted("stale copy of last month", site.book.file_name, site.sheet.name, where, None, f"row {row + 1}")


KINDS: tuple[Callable[[Site], Planted | None], ...] = (
    digit_lost,
    digit_added,
    digits_swapped,
    times_10000,
    over_10000,
    times_10,
    month_over_ytd,
    ytd_drop,
    part_over_total,
    total_wrong,
    growth_wrong,
    sign_flipped,
    text_in_number,
    blank,
    duplicate_row,
    wrong_period,
    code_typo,
    name_typo,
    percent_as_share,
    stale_copy,
)


def _before(period: date) -> date:
    return date(period.year - (period.month == 1), (period.month - 2) % 12 + 1, 1)


def plant(county: County, book: BookPlan, rng: random.Random, counts: Counter[str]) -> list[Planted]:
    """One defect in each sheet, of a kind that is still rare and that the sheet has a place for."""
    planted = []
    for sheet in book.sheets:
        order = sorted(KINDS, key=lambda kind: (counts[kind.__name__], rng.random()))
        for kind in order:
            found = kind(Site(county, book, sheet, rng))
            if found is not None:
                counts[kind.__name__] += 1
                planted.append(found)
                break
    return planted


def deliver(settings: Settings, books: list[BookPlan], at: datetime) -> None:
    """Put workbooks into the inbox as received at `at` (UTC), and take them in as a refresh does."""
    settings.inbox.mkdir(parents=True, exist_ok=True)
    for number, book in enumerate(books):
        path = settings.inbox / book.file_name
        path.write_bytes(book.to_bytes())
        seconds = (at + timedelta(seconds=number) - datetime(1970, 1, 1)).total_seconds()
        os.utime(path, (seconds, seconds))
    receive(settings)
    ingest_pending(settings)


@dataclass
class Result:
    """What one seed gave. `alarms` are (file, sheet, cell, severity, rule, message) at cells that hold what they should."""

    planted: list[Planted]
    clean_cells: int
    alarms: list[tuple[str, str, str, str, str, str]]
    other_alarms: Counter[str]


def measure(seed: int, folder: Path, is_clean: bool) -> Result:
    """Two years of one county through intake; the second is judged."""
    county = County(seed)
    rng = random.Random(f"defects {seed}")
    seeds = county.write_seeds(folder / "seeds")
    settings = load_settings(home=folder / "home", seeds=seeds, settle_seconds=0)
    deliver(settings, [county.roster()], datetime(county.first_year, 1, 5))
    for period in county.history:
        deliver(settings, [county.book(t, period) for t in county.townships], _received(period))
    planted: list[Planted] = []
    figures: dict[tuple[str, str], set[str]] = {}
    counts: Counter[str] = Counter()
    for period in county.measured:
        books = [county.book(township, period) for township in county.townships]
        for book in books:
            if not is_clean:
                planted.extend(plant(county, book, rng, counts))
            for sheet in book.sheets:
                figures[book.file_name, sheet.name] = {
                    address(*place) for place, _ in sheet.of("figure", "growth", "total", "code", "name", "title")
                }
        deliver(settings, books, _received(period))
    at_fault = {(d.file_name, d.sheet): d for d in planted}
    for defect in planted:
        figures[defect.file_name, defect.sheet] -= defect.cells
    alarms: list[tuple[str, str, str, str, str, str]] = []
    others: Counter[str] = Counter()
    with open_store(settings) as store:
        rows = store.connection.execute(
            "SELECT s.file_name, i.sheet, i.cell, i.severity, i.rule, i.message_en FROM raw.issue i "
            "JOIN raw.submission s USING (submission_id) ORDER BY i.seq, i.issue_no"
        ).fetchall()
    for file_name, sheet, cell, severity, rule, message in rows:
        if rule == "warehouse.internal_error":
            print(message)
        clean = figures.get((file_name, sheet or ""))
        defect = at_fault.get((file_name, sheet or ""))
        if defect is not None and sheet is not None:
            defect.said.append((cell or "", severity, rule))
        if severity == "info":
            continue
        if clean is None:
            others[rule] += file_name in {name for name, _ in figures}
        elif cell in clean:
            alarms.append((file_name, sheet, cell, severity, rule, message))
        elif cell is None:
            others[rule] += 1
    return Result(planted, sum(map(len, figures.values())), alarms, others)


def _received(period: date) -> datetime:
    return datetime(period.year + period.month // 12, period.month % 12 + 1, 5)


def verdict(defect: Planted) -> str:
    at_cell = {severity for cell, severity, _ in defect.said if cell in defect.cells}
    if at_cell & {"error", "warning"}:
        return "exact"
    if at_cell:
        return "as info"
    return "elsewhere" if any(severity != "info" for _, severity, _ in defect.said) else "missed"


COLUMNS = ("exact", "as info", "elsewhere", "missed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, action="append", help="may be given more than once; default 1")
    parser.add_argument("--clean", action="store_true", help="plant nothing: every alarm is false")
    parser.add_argument("--list", action="store_true", help="list what was not reported at its cell, and false alarms")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    table: dict[str, Counter[str]] = {}
    cells, alarms = 0, 0
    for seed in options.seed or [1]:
        with tempfile.TemporaryDirectory() as folder:
            result = measure(seed, Path(folder), options.clean)
        for defect in result.planted:
            counted = table.setdefault(defect.kind, Counter())
            said = verdict(defect)
            counted["planted"] += 1
            counted[said] += 1
            if options.list and said != "exact":
                print(f"{seed} {defect.kind}: {said}: {defect.file_name} {defect.sheet} {sorted(defect.cells)[:6]} "
                      f"{defect.was} -> {defect.now}; {defect.said[:6]}")  # fmt: skip
        cells += result.clean_cells
        alarms += len({alarm[:3] for alarm in result.alarms})
        if options.list:
            for alarm in result.alarms:
                here = [d for d in result.planted if (d.file_name, d.sheet) == alarm[:2]]
                near = (
                    f"beside {here[0].kind} {sorted(here[0].cells)[:3]} {here[0].was} -> {here[0].now}" if here else ""
                )
                print(seed, "false alarm:", *alarm, near)
        rules = Counter(rule for *_, rule, _ in result.alarms)
        print(f"seed {seed}: false alarms by rule {dict(rules)}; about no cell {dict(result.other_alarms)}")
    rows: list[dict[str, Any]] = []
    for kind in sorted(table):
        counted = table[kind]
        rows.append({"kind": kind, "planted": counted["planted"], **{name: counted[name] for name in COLUMNS}})
    if rows:
        total = {"kind": "all", "planted": sum(row["planted"] for row in rows)}
        rows.append({**total, **{name: sum(row[name] for row in rows) for name in COLUMNS}})
        for row in rows:
            row["exact %"] = f"{100 * row['exact'] / row['planted']:.1f}"
            row["with info %"] = f"{100 * (row['exact'] + row['as info']) / row['planted']:.1f}"
        emit("defects planted in 240 workbooks, by kind", rows, options.json)
    print(
        f"clean cells {cells}; with a false error or warning {alarms} ({1000 * alarms / cells:.2f} in 1,000; limit 1)"
    )


if __name__ == "__main__":
    main()
