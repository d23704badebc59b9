"""Writes the demonstration: plans the files, fills and renders them, dates them, and writes down what was planted.

Belongs here: the order of these steps and the odd files (empty, picture, unknown layout, future month, a second copy).
Does not belong here: figures, layouts, faults.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from dagster_project.demo import truth
from dagster_project.demo.economy import Economy
from dagster_project.demo.files import PlannedFile
from dagster_project.demo.layouts import LAYOUTS, te_m2_lines
from dagster_project.demo.places import add_months, month_range
from dagster_project.demo.plan import LAST, monthly_files, yearly_files
from dagster_project.demo.silence import Silence
from dagster_project.demo.targets import Targets
from dagster_project.demo.truth import Delivered
from dagster_project.demo.workbook import LABEL, Book, Defect, render_csv, render_xlsx

DEFAULT_SEED = 20261031
MAX_MONTHS = 36
SCALES = ("county",)
# Figures of other departments, printed beside the bureau's own.
OTHERS = ("RC01", "RC02")


@dataclass(frozen=True)
class DemoReport:
    """What `write` did: number of files in the inbox, and of rows in each truth file."""

    files: int
    months: int
    seed: int
    inbox: Path
    truth: Path
    counts: dict[str, int] = field(default_factory=dict)


def write(
    inbox: Path, *, scale: str = "county", months: int = MAX_MONTHS, seed: int = DEFAULT_SEED, truth: Path | None = None
) -> DemoReport:
    """Write the workbooks of the last `months` months up to 2026-10 into `inbox`, and the truth into `truth`.

    `truth` defaults to `demo/truth` beside the inbox. Each file's modification time is the moment at which it was
    received. The same arguments give the same bytes. Raises ValueError for another scale or number of months, and
    FileExistsError where a file of the same name but other content is in the inbox already (nothing is written over).
    """
    if scale not in SCALES:
        raise ValueError(f"demonstration scale {scale!r} is not available; available: {', '.join(SCALES)}")
    if not 1 <= months <= MAX_MONTHS:
        raise ValueError(f"the demonstration has 1 to {MAX_MONTHS} months, asked for {months}")
    folder = truth if truth is not None else inbox.parent / "demo" / "truth"
    inbox.mkdir(parents=True, exist_ok=True)
    first = add_months(LAST, 1 - months)
    periods = month_range(first, months)
    economy = Economy(seed)
    silence, targets = Silence(economy, first), Targets(economy)

    def county_lines(period: date) -> dict[str, tuple]:
        # Faults are planted in the bureau's own figures.
        lines = te_m2_lines(economy, silence, period)
        return {code: values for _label, code, _unit, values in lines if code not in OTHERS}

    planned = [*yearly_files(economy, first), *monthly_files(economy, silence, periods, county_lines)]
    delivered: list[Delivered] = []
    for file in planned:
        book = LAYOUTS[file.form](economy, silence, targets, file)
        if file.as_csv:
            book.renamed_sheet("")
        _deliver(inbox / file.file_name, _render(book, file), file.received)
        delivered.append(Delivered(file, book))
    odd = _odd_files(inbox, economy, silence, targets, delivered)
    counts = _truth(folder, economy, silence, delivered, odd, periods)
    return DemoReport(len(delivered) + len(odd), months, seed, inbox, folder, counts)


def _truth(
    folder: Path,
    economy: Economy,
    silence: Silence,
    delivered: list[Delivered],
    odd: list[tuple[str, datetime, Defect]],
    periods: list[date],
) -> dict[str, int]:
    return truth.write(folder, economy, silence, delivered, odd, periods)


def _render(book: Book, file: PlannedFile) -> bytes:
    if file.as_csv:
        return render_csv(book, "gbk")
    return render_xlsx(book, file.received)


def _deliver(path: Path, content: bytes, received: datetime) -> None:
    if path.exists() and path.read_bytes() != content:
        raise FileExistsError(f"{path.name} is in the inbox already, with other content; move it away first")
    path.write_bytes(content)
    moment = received.replace(tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))


def _png() -> bytes:
    """A white picture of 8 × 8 points."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\x00" + b"\xff" * 24) * 8
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _odd_files(
    inbox: Path, economy: Economy, silence: Silence, targets: Targets, delivered: list[Delivered]
) -> list[tuple[str, datetime, Defect]]:
    """Files that a bureau also receives: each must give a line in the issues, and stop nothing else."""
    result: list[tuple[str, datetime, Defect]] = []

    def add(
        name: str,
        content: bytes,
        received: datetime,
        kind: str,
        rule: str,
        severity: str,
        expectation: str,
        planted: str,
    ) -> None:
        _deliver(inbox / name, content, received)
        result.append((name, received, Defect(f"{name}#file", kind, rule, severity, expectation, planted)))

    received = datetime(2026, 11, 4, 2, 30, 0)
    add("2026年10月报表.xlsx", b"", received, "empty_file", "R", "error", "must", "a file without content")
    add("汇总表扫描件.xlsx", _png(), received, "picture", "R", "error", "must", "a picture named .xlsx")

    book = Book("机关食堂采购明细.xlsx", "", LAST, f"机关食堂采购明细（{LABEL}）")
    sheet = book.sheet()
    sheet.merge(0, 0, 0, 3, book.title, "title")
    for column, head in enumerate(("品名", "数量（公斤）", "单价（元）", "供货人")):
        sheet.put(1, column, head, "head")
    bought: tuple[tuple[str | float, ...], ...] = (
        ("大米", 150, 5.6, "甲"),
        ("菜油", 40, 13.5, "乙"),
        ("土豆", 220, 2.8, "丙"),
    )
    for row, entry in enumerate(bought, 2):
        for column, item in enumerate(entry):
            sheet.put(row, column, item)
    add(
        book.file_name,
        render_xlsx(book, received),
        received,
        "unknown_layout",
        "R",
        "error",
        "must",
        "no form of the bureau",
    )

    # a month that has not come yet: the table of March 2026 with next year's title
    source = PlannedFile(
        "TE-M1", date(2026, 3, 1), "2027年03月乡镇企业主要经济指标.xlsx", datetime(2026, 11, 5, 3, 0, 0)
    )
    future = LAYOUTS["TE-M1"](economy, silence, targets, source)
    future_sheet = future.sheets[0]
    future_sheet.put(0, 0, future_sheet.text(0, 0).replace("2026年", "2027年"), "title")
    content = render_xlsx(future, source.received)
    add(
        source.file_name,
        content,
        source.received,
        "future_month",
        "V34",
        "error",
        "must",
        "a month that has not come yet",
    )

    for one in delivered:
        if one.file.form == "TE-M1" and one.file.period == date(2026, 6, 1):
            name = "2026年06月乡镇企业主要经济指标 - 副本.xlsx"
            content = (inbox / one.file.file_name).read_bytes()
            add(
                name,
                content,
                datetime(2026, 7, 20, 6, 0, 0),
                "same_content",
                "",
                "",
                "none",
                "the same file under another name",
            )
    return result
