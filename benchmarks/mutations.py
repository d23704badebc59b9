"""Thousands of damaged and altered workbooks: does reading crash, hang, or pass on a wrong value in silence?

Sources: workbooks of intake_county.py as .xlsx, CSV in GBK and in UTF-8, tab text named .xls and SpreadsheetML; the
specimens of ../shared/workbooks where they are at hand (.xlsx, .xls, CSV). Mutations: `flip` one to eight bytes of the
file, `cut` it short, `insert` or `drop` a run of bytes, `inner` flip bytes inside one part of an .xlsx and pack it again
with right checksums, `swap` two figures of a table.

**Silently wrong** is a value that differs from the unmutated file's, or a figure that is gone, where
* no error or warning speaks of its cell, its sheet or the file, and
* an independent reader (zipfile's checksums and ElementTree, xlrd, the csv module) does not find the same content in that
  very cell of the mutated file. Where it does, the file legitimately says something else (a flipped byte can turn a 3 into
  a 7 in a text file), as the office program would show it; such content is for the audit to judge. A damaged checksum is
  never legitimate.
A sheet that lost its name while every figure stayed where it was counts as unchanged.
For `swap` the truth is known: every cell must be read as it was written, and what the audit says of it is counted.

Run: python -m benchmarks.mutations [--count 10000] [--seed 1] [--json FILE]. Exit 1 where anything was silently wrong,
crashed or hung.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from benchmarks.intake_county import BookPlan, County
from benchmarks.report import emit
from dagster_project.ingest.grid import address
from dagster_project.ingest.model import ParsedWorkbook, Submission
from dagster_project.ingest.pool import ParsePool
from dagster_project.ingest.text import normalise
from dagster_project.reference import load_reference
from dagster_project.settings import PROJECT_ROOT
from dagster_project.warehouse.archive import utc_now
from dagster_project.warehouse.known import Known, Reading

SPECIMENS = PROJECT_ROOT.parent / "shared" / "workbooks" / "specimens"
TIMEOUT_S, MEMORY_MB = 10.0, 1024
# The pool's own limit, and what starting a child anew may take beside it.
HANG_S = TIMEOUT_S + 5.0

Key = tuple[str, str, str, str]
Values = dict[Key, tuple[Decimal | None, str]]


@dataclass
class Source:
    """An unmutated file. `plan` is set where it was made here, so that figures can be swapped before writing."""

    name: str
    kind: str  # xlsx, csv, text, xml, xls
    content: bytes
    seeds: str  # county, project
    plan: BookPlan | None = None
    encoding: str = "utf-8"
    values: Values = field(default_factory=dict)


@dataclass
class Mutant:
    """One altered file. `swapped` are the two cells of a swap."""

    number: int
    kind: str
    source: Source
    content: bytes
    swapped: tuple[str, str, str] | None = None


def values_of(parsed: ParsedWorkbook) -> Values:
    return {
        (one.sheet, one.cell, one.indicator_code, one.measure): (one.value, one.raw_text) for one in parsed.observations
    }


# ---------------------------------------------------------------------------------------------------------- the sources
def _rows(plan: BookPlan, sheet: int) -> list[list[str]]:
    cells = plan.sheets[sheet].cells
    height, width = 1 + max(row for row, _ in cells), 1 + max(column for _, column in cells)
    grid = [["" for _ in range(width)] for _ in range(height)]
    for (row, column), cell in cells.items():
        if cell.content is not None:
            grid[row][column] = f"{cell.content:g}" if isinstance(cell.content, float) else str(cell.content)
    return grid


def as_text(plan: BookPlan, delimiter: str, encoding: str) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n").writerows(_rows(plan, 0))
    return buffer.getvalue().encode(encoding, "replace")


def as_spreadsheetml(plan: BookPlan) -> bytes:
    """XML of 2003, as many templates still are."""
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<?mso-application progid="Excel.Sheet"?>\n'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Sheet1"><Table>'
    ]
    for row in _rows(plan, 0):
        cells = []
        for text in row:
            kind = "Number" if text.replace(".", "", 1).lstrip("-").isdigit() else "String"
            cells.append(f'<Cell><Data ss:Type="{kind}">{escape(text)}</Data></Cell>' if text else "<Cell/>")
        parts.append(f"<Row>{''.join(cells)}</Row>")
    parts.append("</Table></Worksheet></Workbook>")
    return "".join(parts).encode()


def sources(county: County) -> list[Source]:
    found: list[Source] = []
    period = county.measured[4]
    for number, township in enumerate(county.townships[:4]):
        plan = county.book(township, period)
        stem = plan.file_name.rsplit(".", 1)[0]
        found.append(Source(plan.file_name, "xlsx", plan.to_bytes(), "county", plan))
        if number < 2:
            found.append(Source(f"{stem}.csv", "csv", as_text(plan, ",", "gbk"), "county", encoding="gbk"))
            found.append(Source(f"{stem}u.csv", "csv", as_text(plan, ",", "utf-8"), "county"))
            found.append(Source(f"{stem}t.xls", "text", as_text(plan, "\t", "gbk"), "county", encoding="gbk"))
            found.append(Source(f"{stem}x.xls", "xml", as_spreadsheetml(plan), "county"))
    if SPECIMENS.is_dir():
        for path in sorted(SPECIMENS.iterdir()):
            kind = path.suffix.lower().lstrip(".")
            if path.name[:2].isdigit() and kind in ("xlsx", "xls", "csv"):
                found.append(Source(path.name, kind, path.read_bytes(), "project", encoding="gb18030"))
    return found


# -------------------------------------------------------------------------------------------------------- the mutations
def flip(source: Source, rng: random.Random) -> Mutant | None:
    data = bytearray(source.content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return Mutant(0, "flip", source, bytes(data))


def cut(source: Source, rng: random.Random) -> Mutant | None:
    return Mutant(0, "cut", source, source.content[: rng.randrange(len(source.content))])


def insert(source: Source, rng: random.Random) -> Mutant | None:
    at = rng.randrange(len(source.content))
    return Mutant(0, "insert", source, source.content[:at] + rng.randbytes(rng.randint(1, 64)) + source.content[at:])


def drop(source: Source, rng: random.Random) -> Mutant | None:
    at = rng.randrange(len(source.content))
    return Mutant(0, "drop", source, source.content[:at] + source.content[at + rng.randint(1, 64) :])


def inner(source: Source, rng: random.Random) -> Mutant | None:
    """Flip bytes inside one part of a zip and pack it again, so that only the content tells."""
    if source.kind != "xlsx":
        return None
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source.content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        chosen = rng.choice([name for name in names if name.endswith(".xml")])
        for name in names:
            data = bytearray(old.read(name))
            if name == chosen and data:
                for _ in range(rng.choice((1, 1, 2, 4))):
                    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            new.writestr(name, bytes(data))
    return Mutant(0, "inner", source, buffer.getvalue())


def swap(source: Source, rng: random.Random) -> Mutant | None:
    """Exchange two figures of one table."""
    if source.plan is None:
        return None
    sheet = rng.choice(source.plan.sheets)
    figures = [place for place, _ in sheet.of("figure")]
    one, other = rng.sample(figures, 2)
    first, second = sheet.cells[one], sheet.cells[other]
    if first.content == second.content:
        return None
    first.content, second.content = second.content, first.content
    content = source.plan.to_bytes()
    first.content, second.content = second.content, first.content
    return Mutant(0, "swap", source, content, (sheet.name, address(*one), address(*other)))


KINDS: tuple[Callable[[Source, random.Random], Mutant | None], ...] = (flip, flip, cut, insert, drop, inner, swap)


def mutants(found: list[Source], count: int, rng: random.Random) -> Iterator[Mutant]:
    number = 0
    while number < count:
        made = rng.choice(KINDS)(rng.choice(found), rng)
        if made is not None and made.content != made.source.content:
            made.number = number
            number += 1
            yield made


# ------------------------------------------------------------------------------------------------------------ the judge
def oracle(mutant: Mutant) -> dict[tuple[str, str], str] | None:
    """(sheet, cell) to text as an independent reader sees the mutated file; None where it sees damage."""
    try:
        if mutant.source.kind == "xlsx":
            return _oracle_xlsx(mutant.content)
        if mutant.source.kind == "xls":
            return _oracle_xls(mutant.content)
        if mutant.source.kind == "xml":
            return _oracle_xml(mutant.content)
        return _oracle_text(mutant)
    except Exception:  # whatever an outside reader says of a damaged file: it is damaged
        return None


def _oracle_xlsx(content: bytes) -> dict[tuple[str, str], str] | None:
    """By ElementTree, which stops at the first thing that is no XML; openpyxl refuses attributes that say nothing."""
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    link = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    found: dict[tuple[str, str], str] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if archive.testzip() is not None:
            return None
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        targets = {one.get("Id"): one.get("Target") or "" for one in relations}
        texts: list[str] = []
        if "xl/sharedStrings.xml" in archive.namelist():
            shared = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
            texts = ["".join(t.text or "" for t in one.iter(f"{main}t")) for one in shared.iter(f"{main}si")]
        for sheet in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter(f"{main}sheet"):
            target = targets[sheet.get(link)]
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            for cell in ElementTree.fromstring(archive.read(part)).iter(f"{main}c"):
                value = cell.find(f"{main}v")
                text = "".join(t.text or "" for t in cell.iter(f"{main}t"))
                if value is not None and value.text:
                    text = texts[int(value.text)] if cell.get("t") == "s" else value.text
                if text:
                    found[sheet.get("name") or "", cell.get("r") or ""] = text
    return found


def _oracle_xls(content: bytes) -> dict[tuple[str, str], str]:
    import xlrd

    book = xlrd.open_workbook(file_contents=content, logfile=io.StringIO())
    return {
        (sheet.name, address(row, column)): str(sheet.cell_value(row, column))
        for sheet in book.sheets()
        for row in range(sheet.nrows)
        for column in range(sheet.ncols)
        if sheet.cell_value(row, column) != ""
    }


def _oracle_text(mutant: Mutant) -> dict[tuple[str, str], str]:
    delimiter = "\t" if mutant.source.kind == "text" else ","
    for encoding in ("utf-8-sig", mutant.source.encoding, "gb18030"):
        try:
            text = mutant.content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = mutant.content.decode(mutant.source.encoding, "replace")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return {("", address(r, c)): value for r, row in enumerate(rows) for c, value in enumerate(row) if value}


def _oracle_xml(content: bytes) -> dict[tuple[str, str], str]:
    name = "{urn:schemas-microsoft-com:office:spreadsheet}"
    found: dict[tuple[str, str], str] = {}
    for row, line in enumerate(ElementTree.fromstring(content).iter(f"{name}Row")):
        column = -1
        for cell in line.iter(f"{name}Cell"):
            index = cell.get(f"{name}Index")
            column = int(index) - 1 if index else column + 1
            data = cell.find(f"{name}Data")
            if data is not None and data.text:
                found["", address(row, column)] = data.text
    return found


def same_text(raw: str, seen: str | None) -> bool:
    """Whether what we read in a cell is what the other reader sees there."""
    if seen is None:
        return raw.strip() == ""
    one, other = normalise(raw), normalise(seen)
    if one == other:
        return True
    try:
        return abs(Decimal(one) - Decimal(other)) <= Decimal("1e-6") * max(abs(Decimal(other)), Decimal(1))
    except InvalidOperation:
        return False


def is_told(parsed: ParsedWorkbook, sheet: str, cell: str) -> bool:
    """Whether an error or a warning speaks of the cell, its row or column's heading, its sheet, or the file."""
    for issue in parsed.issues:
        if issue.severity == "info":
            continue
        if issue.cell is None or issue.sheet is None:
            return True
        if issue.sheet == sheet and (issue.cell == cell or _is_beside(issue.cell, cell)):
            return True
    return False


def _is_beside(one: str, other: str) -> bool:
    """In the same row (whose unit may be the trouble) or the same column (whose heading may be)."""
    return one.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == other.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") or (
        one.rstrip("0123456789") == other.rstrip("0123456789")
    )


def former_names(before: Values, after: Values) -> dict[str, str]:
    """New name → old name of sheets that lost their name: what stands there is what stood in the old one."""

    def by_sheet(values: Values) -> dict[str, dict[tuple[str, str, str], Decimal | None]]:
        found: dict[str, dict[tuple[str, str, str], Decimal | None]] = {}
        for (sheet, *rest), (value, _) in values.items():
            found.setdefault(sheet, {})[rest[0], rest[1], rest[2]] = value
        return found

    old, new = by_sheet(before), by_sheet(after)
    return {
        name: was
        for name in new.keys() - old.keys()
        for was in old.keys() - new.keys()
        if 2 * len(new[name].items() & old[was].items()) > len(old[was])
    }


def judge(mutant: Mutant, parsed: ParsedWorkbook) -> tuple[str, str]:
    """(verdict, detail): unchanged, refused, told, different content, or SILENT."""
    before, after = mutant.source.values, values_of(parsed)
    former = former_names(before, after)
    after = {(former.get(key[0], key[0]), *key[1:]): value for key, value in after.items()}
    if mutant.swapped is not None:
        return _judge_swap(mutant, parsed, after)
    changed = {key for key in before if key in after and after[key][0] != before[key][0]}
    gone = {key for key in before if key not in after}
    fresh = {key for key in after if key not in before}
    if not (changed or gone or fresh):
        return "unchanged", ""
    if not after and any(issue.severity == "error" for issue in parsed.issues):
        return "refused", ""
    new_names = {was: name for name, was in former.items()}
    open_keys = [key for key in (*changed, *gone, *fresh) if not is_told(parsed, new_names.get(key[0], key[0]), key[1])]
    if not open_keys:
        return "told", ""
    seen = oracle(mutant)
    if seen is None:
        return "SILENT", f"damage that another reader sees, {len(open_keys)} cells: {sorted(open_keys)[:3]}"
    seen = {(former.get(sheet, sheet), cell): text for (sheet, cell), text in seen.items()}
    plain = mutant.source.kind in ("csv", "text", "xml")
    original = oracle(Mutant(0, "none", mutant.source, mutant.source.content)) or {}
    wrong = []
    for key in open_keys:
        place = ("" if plain else key[0], key[1])
        if key in after and same_text(after[key][1], seen.get(place)):
            continue
        if key not in after and (not _same_around(seen, original, place)):
            continue
        wrong.append(key)
    if wrong:
        return "SILENT", f"{sorted(wrong)[:3]}: {[(before.get(k), after.get(k)) for k in sorted(wrong)[:3]]}"
    return "different content", ""


def _same_around(
    seen: dict[tuple[str, str], str], original: dict[tuple[str, str], str], place: tuple[str, str]
) -> bool:
    """Whether a lost figure's sheet still says the same in the cell itself, its row's names and the table's head."""
    sheet, cell = place
    row = cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    column = cell.rstrip("0123456789")

    def frame(cells: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
        return sorted(
            (where, text)
            for (name, where), text in cells.items()
            if name == sheet
            and (
                where == cell
                or where.rstrip("0123456789") == column
                or where.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == row
                or int(where.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) <= 5
            )
        )

    return frame(seen) == frame(original)


def _judge_swap(mutant: Mutant, parsed: ParsedWorkbook, after: Values) -> tuple[str, str]:
    assert mutant.swapped is not None
    sheet, one, other = mutant.swapped
    expected = dict(mutant.source.values)
    by_cell = {(key[0], key[1]): key for key in expected}
    first, second = by_cell[sheet, one], by_cell[sheet, other]
    for key, text in ((first, mutant.source.values[second][1]), (second, mutant.source.values[first][1])):
        if key not in after or not same_text(after[key][1], text):
            return "SILENT", f"{key}: wrote {text}, read {after.get(key)}"
    rest = [key for key in expected if key not in (first, second) and after.get(key) != expected[key]]
    return ("SILENT", f"other cells changed: {rest[:3]}") if rest else ("read as written", "")


# -------------------------------------------------------------------------------------------------------------- the run
@dataclass
class Outcome:
    """Counts by (mutation, verdict), what was silently wrong, and how the audit took the swaps."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    silent: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    swaps: int = 0
    swaps_told: int = 0
    slowest: float = 0.0
    seconds: float = 0.0


def run(count: int, seed: int, folder: Path) -> Outcome:
    """`count` mutants through the pool of child processes; raises whatever comes out of it (a crash)."""
    started = time.perf_counter()
    county = County(seed)
    own = county.write_seeds(folder / "seeds")
    project = PROJECT_ROOT / "seeds" / "reference"
    found = sources(county)
    rng = random.Random(f"mutations {seed}")
    outcome = Outcome()
    audit = SwapAudit(county, own)
    with ParsePool(own, 1, TIMEOUT_S, MEMORY_MB) as here, ParsePool(project, 1, TIMEOUT_S, MEMORY_MB) as there:
        for source in found:
            pool = here if source.seeds == "county" else there
            source.values = values_of(pool.parse_one(source.content, source.name))
        found = [source for source in found if source.values]
        for mutant in mutants(found, count, rng):
            pool = here if mutant.source.seeds == "county" else there
            before = time.perf_counter()
            parsed = pool.parse_one(mutant.content, mutant.source.name)
            took = time.perf_counter() - before
            outcome.slowest = max(outcome.slowest, took)
            if took > HANG_S:
                outcome.slow.append(f"#{mutant.number} {mutant.kind} of {mutant.source.name}: {took:.1f} s")
            verdict, detail = judge(mutant, parsed)
            outcome.counts[mutant.kind, verdict] += 1
            if verdict == "SILENT":
                outcome.silent.append(f"#{mutant.number} {mutant.kind} of {mutant.source.name}: {detail}")
            if mutant.swapped is not None and verdict != "SILENT":
                outcome.swaps += 1
                outcome.swaps_told += audit.tells(parsed, mutant.swapped)
    outcome.seconds = time.perf_counter() - started
    return outcome


class SwapAudit:
    """The audit as a refresh would run it on a swapped workbook: the register and the months before are known."""

    def __init__(self, county: County, seeds: Path) -> None:
        self.reading = Reading(load_reference(seeds))
        self.known = Known.build(self.reading.reference, self.reading.vocabulary, (), (), (), ())
        from dagster_project.ingest.parse import parse

        months = [*county.history, *county.measured[:4]]
        books = [county.roster(), *(county.book(t, month) for month in months for t in county.townships[:4])]
        for book in books:
            parsed = parse(book.to_bytes(), book.file_name, self.reading.vocabulary)
            self.known.add(self.reading.read(parsed, self.known, _submission(book.file_name, book.period)))

    def tells(self, parsed: ParsedWorkbook, swapped: tuple[str, str, str]) -> bool:
        """Whether an error or warning stands at one of the swapped cells."""
        sheet, *cells = swapped
        intake = self.reading.read(parsed, self.known, _submission(parsed.file_name, date(2026, 1, 1)))
        return any(i.sheet == sheet and i.cell in cells and i.severity != "info" for i in intake.issues)


def _submission(name: str, period: date) -> Submission:
    now = utc_now()
    return Submission("", 0, name, "", 0, now, now)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(options.count, options.seed, Path(folder))
    verdicts = ["unchanged", "refused", "told", "different content", "read as written", "SILENT"]
    kinds = sorted({kind for kind, _ in outcome.counts})
    rows: list[dict[str, Any]] = [
        {
            "mutation": kind,
            "files": sum(n for (name, _), n in outcome.counts.items() if name == kind),
            **{verdict: outcome.counts[kind, verdict] for verdict in verdicts},
        }
        for kind in kinds
    ]
    emit(
        f"{options.count} mutated workbooks in {outcome.seconds:.0f} s; slowest {outcome.slowest:.2f} s",
        rows,
        options.json,
    )
    print(f"no crash of ours; hung: {len(outcome.slow)}; of {outcome.swaps} swaps the audit tells {outcome.swaps_told}")
    for line in (*outcome.slow, *outcome.silent):
        print(line)
    sys.exit(1 if outcome.silent or outcome.slow else 0)


if __name__ == "__main__":
    main()
