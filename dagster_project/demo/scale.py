"""A synthetic city or province: raw observations written straight into the work database, beside a sample of workbooks.

Belongs here: the units of such a place, its deployment folder, its figures in bulk (scale.sql), the sample.
Does not belong here: the county with its crooked workbooks and planted truth (generate.py).

A county's history fits into workbooks; a province's 120 million observations do not. So history is written as if
workbooks had been read (submissions G…, with negative seq, older than everything received), and only the newest month of
some townships comes as workbooks into the inbox. `tew rebuild` cannot make the raw part again: it is not in the archive.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.demo.places import add_months
from dagster_project.demo.plan import LAST
from dagster_project.demo.register import INDUSTRIES, credit_code
from dagster_project.demo.workbook import LABEL, Book, render_xlsx
from dagster_project.settings import Settings
from dagster_project.warehouse import bulk, store, taking_in
from dagster_project.warehouse.files import write_atomic

FIGURES_SQL = Path(__file__).with_name("scale.sql")
# Townships whose newest month comes as a workbook.
SAMPLE_TOWNSHIPS = 5
# Credit codes clear of those of the county and of the specimens.
FIRST_NUMBER = 60_000_000
# The flows that every enterprise reports, with the share that each is of its output.
FLOWS: dict[str, float] = {
    "BF02": 1.0,
    "BF01": 0.97,
    "BF03": 0.98,
    "TE02": 0.27,
    "TE03": 0.021,
    "BF05": 0.06,
    "BF07": 0.08,
    "BF09": 0.03,
    "BF12": 0.01,
}
_FIRST_SYLLABLES = "清白青云石龙凤金银玉长安平和新南北东西大小上下高双三五七九红黄紫翠松柏桃梅兰竹"
_LAST_SYLLABLES = "河江溪湖泉塘桥关坪坝岭山岗岩峰坡沟湾滩洲岛原台营寨庄堡屯集店铺市街场口门井林浦沙"
_EMPTIED = (
    "township_aliases",
    "township_links",
    "time_progress",
    "enterprise_events",
    "corrections",
    "reconciliation",
    "form_calendar",
)


@dataclass(frozen=True)
class Size:
    """How large a place is; `months` end with the demonstration's newest month."""

    code: str
    name: str
    name_en: str
    townships: int
    enterprises: int
    months: int = 120


SIZES: dict[str, Size] = {
    "city": Size("529800", "示范市", "Shifan City", 150, 5_000),
    "province": Size("528000", "示范省", "Shifan Province", 1_500, 50_000),
}


@dataclass(frozen=True)
class ScaleReport:
    """What `write` did: raw observations written, workbooks in the inbox, and the folder to set as TEW_SEEDS."""

    observations: int
    files: int
    seeds: Path


def write(settings: Settings, size: Size, seed: int, progress: Callable[[str], None] | None = None) -> ScaleReport:
    """Write the place into an empty home; the same arguments give the same figures.

    Raises FileExistsError where the home holds a work database already: nothing is written over.
    """
    if settings.warehouse.exists():
        raise FileExistsError(f"{settings.warehouse} is there already; a {size.name_en} needs a home of its own")
    seeds = _deployment(settings, size)
    settings = settings.model_copy(update={"seeds": seeds})
    taking_in.ingest_pending(settings)  # an empty work database with the fingerprints of this deployment
    periods = [add_months(LAST, index - size.months + 1) for index in range(size.months)]
    with store.open_store(settings) as opened:
        connection = opened.connection
        bulk.insert_rows(connection, _register(connection), _enterprises(size), settings.work / "spool")
        connection.execute("CREATE TEMP TABLE flow (indicator_code VARCHAR, share DOUBLE)")
        connection.executemany("INSERT INTO flow VALUES (?, ?)", list(FLOWS.items()))
        _figures(connection, size, seed, periods, progress)
        count = connection.execute("SELECT count(*) FROM raw.observation").fetchone()
        books = [_book(connection, place) for place in _townships(size)[:SAMPLE_TOWNSHIPS]]
        connection.execute("DROP TABLE raw.scale_register")
    for book in books:
        received = _received(LAST)
        write_atomic(settings.inbox / book.file_name, render_xlsx(book, received))
    return ScaleReport(int(count[0]) if count else 0, len(books), seeds)


# --------------------------------------------------------------------------------------------------- the place itself


@dataclass(frozen=True)
class Place:
    """One township of the place."""

    code: str
    name: str
    kind: str
    township_class: str


def _place_name(number: int) -> str:
    first, last = len(_FIRST_SYLLABLES), len(_LAST_SYLLABLES)
    return _FIRST_SYLLABLES[number % first] + _LAST_SYLLABLES[number // first % last]


def _townships(size: Size) -> list[Place]:
    result = []
    for index in range(size.townships):
        name = _place_name(index)
        kind, suffix = (("town", "镇"), ("township", "乡"), ("street", "街道"))[0 if index % 5 < 3 else index % 5 - 2]
        result.append(
            Place(
                f"{size.code[:3]}{index + 1:06d}",
                f"{name}{suffix}",
                kind,
                ("一类", "二类", "三类")[index % 3],
            )
        )
    return result


def _deployment(settings: Settings, size: Size) -> Path:
    """The deployment's folder: that of the settings with other places."""
    folder = settings.home / "demo" / "seeds"
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(settings.seeds.glob("*.csv")):
        shutil.copyfile(path, folder / path.name)
    for table in _EMPTIED:
        path = folder / f"{table}.csv"
        path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    own = {
        "county_code": size.code,
        "county_name_zh": size.name,
        "county_name_en": size.name_en,
        "bureau_name_zh": size.name + "乡镇企业局",
        "bureau_name_en": size.name_en + " Township Enterprise Bureau",
    }
    _rewrite(
        folder / "settings.csv", lambda rows: [{**row, "value": own.get(row["key"], row["value"])} for row in rows]
    )
    _rewrite(
        folder / "townships.csv",
        lambda _: [
            {
                "township_code": place.code,
                "durable_id": f"T-{place.code}",
                "name_zh": place.name,
                "name_en": f"Township {index + 1}",
                "kind": place.kind,
                "class": place.township_class,
                "valid_from": "2000-01-01",
                "sort_order": str(10 * (index + 1)),
                "note": "synthetic",
            }
            for index, place in enumerate(_townships(size))
        ],
    )
    return folder


def _rewrite(path: Path, change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> None:
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        rows, columns = list(reader), list(reader.fieldnames or ())
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(change(rows))


def _register(connection: duckdb.DuckDBPyConnection) -> str:
    connection.execute(
        "CREATE OR REPLACE TABLE raw.scale_register (number INTEGER, enterprise_id VARCHAR, name_zh VARCHAR, "
        "township_code VARCHAR, industry_code VARCHAR, is_above_scale BOOLEAN, is_agro BOOLEAN, is_pharma BOOLEAN, "
        "is_coal_mine BOOLEAN, is_key_energy BOOLEAN)"
    )
    return "raw.scale_register"


def _enterprises(size: Size) -> list[tuple[Any, ...]]:
    """Rows of the register; the first townships hold more enterprises than the last."""
    places = _townships(size)
    result = []
    for number in range(size.enterprises):
        share = ((number * 2_654_435_761) % 2**32) / 2**32
        industry = INDUSTRIES[number % len(INDUSTRIES)]
        is_mine = number % 20 == 7
        result.append(
            (
                number,
                credit_code(FIRST_NUMBER + number),
                f"{_place_name(number)}{number}号{industry.suffix}",
                places[int(size.townships * share**1.5)].code,
                "0610" if is_mine else industry.code,
                number % 20 != 3,
                industry.is_agro and not is_mine,
                industry.code.startswith("27") and not is_mine,
                is_mine,
                number % 12 == 5,
            )
        )
    return result


# ---------------------------------------------------------------------------------------------------------- figures


def _received(period: date) -> datetime:
    return datetime.combine(add_months(period, 1) + timedelta(days=4), time(2), UTC).replace(tzinfo=None)


def _figures(
    connection: duckdb.DuckDBPyConnection,
    size: Size,
    seed: int,
    periods: list[date],
    progress: Callable[[str], None] | None,
) -> None:
    """Year by year, so that memory follows a year and not the history."""
    statements = FIGURES_SQL.read_text(encoding="utf-8").split(";\n")
    sample = [place.code for place in _townships(size)[:SAMPLE_TOWNSHIPS]]
    for year in range(periods[0].year, periods[-1].year + 1):
        months = [period for period in periods if period.year == year]
        fields = {
            "seed": seed,
            "year": year,
            "first_month": months[0],
            "last_month": months[-1],
            "first_year": periods[0].year,
            "county": size.code,
            "sample": sample,
            "newest": LAST,
            "label": LABEL,
        }
        for statement in statements:
            wanted = {name: value for name, value in fields.items() if f"${name}" in statement}
            if statement.strip():
                connection.execute(statement, wanted)
        if progress is not None:
            progress(str(year))


# ----------------------------------------------------------------------------------------------------------- sample


def _book(connection: duckdb.DuckDBPyConnection, place: Place) -> Book:
    """Form TE-M3 of one township for the newest month."""
    rows = connection.execute(
        "SELECT e.enterprise_id, e.name_zh, e.industry_code, f.indicator_code, f.value_month, f.value_ytd "
        "FROM scale_figure f JOIN raw.scale_register e USING (enterprise_id) "
        "WHERE e.township_code = ? AND f.period = ? AND e.is_above_scale AND f.indicator_code IN (SELECT indicator_code FROM flow) ORDER BY e.number, f.indicator_code",
        [place.code, LAST],
    ).fetchall()
    names = dict(
        connection.execute(
            "SELECT indicator_code, name_zh || CASE WHEN unit = '万元' THEN '' ELSE '(' || unit || ')' END "
            "FROM reference.indicators WHERE indicator_code IN (SELECT indicator_code FROM flow)"
        ).fetchall()
    )
    title = f"{place.name}规模以上乡镇企业生产情况（{LAST.year}年{LAST.month}月）"
    book = Book(f"{LAST:%Y年%m月}{place.name}规模以上企业生产情况.xlsx", "TE-M3", LAST, title)
    sheet = book.sheet()
    fixed = ("序号", "所在乡镇", "企业名称", "统一社会信用代码", "行业")
    width = len(fixed) + 2 * len(FLOWS)
    sheet.merge(0, 0, 0, width - 1, title, "title")
    sheet.put(1, 0, f"填报单位：{place.name}", "note")
    sheet.put(1, 4, LABEL, "note")
    sheet.put(1, width - 1, "单位：万元", "unit")
    for column, head in enumerate(fixed):
        sheet.merge(2, column, 3, column, head, "head")
    columns = {code: len(fixed) + 2 * position for position, code in enumerate(FLOWS)}
    for code, column in columns.items():
        sheet.merge(2, column, 2, column + 1, names[code], "head")
        sheet.put(3, column, "本月", "head")
        sheet.put(3, column + 1, "累计", "head")
    row, known = 3, ""
    for enterprise_id, name, industry, code, month, ytd in rows:
        if enterprise_id != known:
            row, known = row + 1, enterprise_id
            for column, content in enumerate((row - 3, place.name, name, enterprise_id, industry)):
                sheet.put(row, column, content, "body")
        sheet.put(row, columns[code], Decimal(month), "number")
        sheet.put(row, columns[code] + 1, Decimal(ytd), "number")
    return book
