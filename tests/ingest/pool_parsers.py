"""Parsers for children in tests: one that only reads, and one that does what its file's name says."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

from dagster_project.ingest.messages import Messages
from dagster_project.ingest.model import Coverage, Observation, ParsedWorkbook, SheetReading, UnitRef
from dagster_project.ingest.read import read_workbook
from dagster_project.reference import load_reference


def reads(seeds: Path) -> Callable[[bytes, str], ParsedWorkbook]:
    """Reads the grids and gives their names and the reading's issues."""
    messages = Messages.load(load_reference(seeds))

    def parse(content: bytes, file_name: str) -> ParsedWorkbook:
        book = read_workbook(content, file_name, messages)
        sheets = [SheetReading(sheet.name, None, None, None) for sheet in book.sheets]
        return ParsedWorkbook(file_name, book.kind, sheets=sheets, issues=book.issues)

    return parse


def counts(_: Path) -> Callable[[bytes, str], ParsedWorkbook]:
    """Says what it was given, and as which file of this child's."""
    number = 0

    def parse(content: bytes, file_name: str) -> ParsedWorkbook:
        nonlocal number
        number += 1
        return ParsedWorkbook(file_name, f"{content.decode()} as no. {number}")

    return parse


def misbehaves(_: Path) -> Callable[[bytes, str], ParsedWorkbook]:
    """Hangs, dies, raises, prints or eats memory as the file's name says."""

    def parse(content: bytes, file_name: str) -> ParsedWorkbook:
        if file_name == "hang":
            time.sleep(3600)
        elif file_name == "die":
            os.abort()
        elif file_name == "raise":
            raise ValueError("a bug")
        elif file_name == "panic":
            raise BaseException("no Exception")
        elif file_name == "greedy":
            bytearray(4 * 1024**3)
        elif file_name == "prints":
            sys.stdout.write("x" * 100_000)
            sys.stderr.write("y" * 1_000_000)
        elif file_name == "slow":
            time.sleep(0.3)
        elif file_name == "evil":
            return ParsedWorkbook(file_name, "unknown", reporter=os.stat_result(range(10)))  # type: ignore[arg-type]
        unit = UnitRef("township", name="枫林湖镇")
        observation = Observation(
            "F1", "TE01", unit, date(2026, 3, 1), "month", Decimal("1.50"), None, "Sheet1", "C5", str(os.getpid())
        )
        covered = Coverage("F1", unit, date(2026, 3, 1), "reported", "Sheet1")
        return ParsedWorkbook(file_name, "csv", observations=[observation], coverage=[covered], reporter=unit)

    return parse


def never_starts(_: Path) -> Callable[[bytes, str], ParsedWorkbook]:
    """The reference folder of this one is always at fault."""
    raise RuntimeError("forms.csv is wrong")
