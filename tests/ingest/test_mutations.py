"""A hundred altered workbooks (the benchmark does ten thousand), and the damage that readers pass over in silence."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from benchmarks.intake_county import County
from benchmarks.mutations import as_spreadsheetml, run
from dagster_project.ingest.messages import Messages
from dagster_project.ingest.read import read_workbook
from dagster_project.reference import load_reference
from dagster_project.settings import PROJECT_ROOT


@pytest.fixture(scope="module")
def messages() -> Messages:
    return Messages.load(load_reference(PROJECT_ROOT / "seeds" / "reference"))


@pytest.fixture(scope="module")
def content() -> bytes:
    county = County(7)
    return county.book(county.townships[0], county.measured[0]).to_bytes()


def altered(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The package with one part changed and right checksums."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(buffer, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            if name == part:
                assert old in data
                data = data.replace(old, new, 1)
            after.writestr(name, data)
    return buffer.getvalue()


def test_a_hundred_mutants_neither_crash_nor_lie(tmp_path: Path) -> None:
    outcome = run(100, 3, tmp_path)
    assert sum(outcome.counts.values()) == 100
    assert outcome.silent == [] and outcome.slow == []
    assert outcome.counts["swap", "read as written"] == outcome.swaps > 0


def test_a_broken_tag_refuses_its_sheet_and_no_other(messages: Messages, content: bytes) -> None:
    broken = altered(content, "xl/worksheets/sheet2.xml", b"</row>", b"</ros>")
    book = read_workbook(broken, "x.xlsx", messages)
    assert len(book.sheets) == 2
    (issue,) = [issue for issue in book.issues if issue.severity == "error"]
    assert issue.rule == "read.damaged_sheet" and "sheet2.xml" in issue.message_en


def test_a_sheet_that_the_workbook_no_longer_names_is_told(messages: Messages, content: bytes) -> None:
    lost = altered(content, "xl/workbook.xml", b"<sheet ", b"<sHeet ")
    book = read_workbook(lost, "x.xlsx", messages)
    assert [issue.rule for issue in book.issues if issue.severity == "error"] == ["read.sheet_lost"]


def test_a_broken_workbook_part_refuses_the_file(messages: Messages, content: bytes) -> None:
    book = read_workbook(altered(content, "xl/workbook.xml", b"</sheets>", b"</sheetz>"), "x.xlsx", messages)
    assert book.sheets == [] and [issue.rule for issue in book.issues] == ["read.damaged"]


def test_texts_that_an_old_file_lost_are_told(messages: Messages, shared_workbooks: Path) -> None:
    path = shared_workbooks / "specimens" / "04-基层表.xls"
    before = path.read_bytes()
    label = bytes.fromhex("fd000a00") + (9).to_bytes(2, "little") + (2).to_bytes(2, "little")
    at = before.index(label)
    number = before[at + 10 : at + 14]
    book = read_workbook(
        before[: at + 10] + (int.from_bytes(number, "little") + 4000).to_bytes(4, "little") + before[at + 14 :],
        path.name,
        messages,
    )
    assert any(issue.severity != "info" for issue in book.issues)


# a LABELSST record of ten bytes: kind, length, row, column, format, text
LABEL = b"\xfd\x00\x0a\x00"


@pytest.mark.parametrize(
    ("place", "flipped"),
    [(2, 0x40), (7, 0x10), (9, 0x40), (13, 0x40)],
    ids=["a length that swallows the next cells", "a column beyond the last", "a format that is not there", "a text"],
)
def test_a_cell_of_an_old_workbook_that_no_program_writes_is_damage(
    messages: Messages, shared_workbooks: Path, place: int, flipped: int
) -> None:
    content = bytearray((shared_workbooks / "specimens" / "02-全县汇总.xls").read_bytes())
    content[content.index(LABEL) + place] ^= flipped
    book = read_workbook(bytes(content), "x.xls", messages)
    # the second reader looks, and goes on where only a format is lost
    said = "read.second_reader" if place == 9 else "read.damaged"
    assert [issue.rule for issue in book.issues if issue.severity != "info"] == [said]


@pytest.mark.parametrize(
    ("place", "value"), [(184, 0xFD), (58, 0x10), (29, 0xFD)], ids=["no sector", "cutoff", "order"]
)
def test_a_header_of_the_container_that_no_program_writes_is_damage(
    messages: Messages, shared_workbooks: Path, place: int, value: int
) -> None:
    content = bytearray((shared_workbooks / "specimens" / "02-全县汇总.xls").read_bytes())
    content[place] = value
    book = read_workbook(bytes(content), "x.xls", messages)
    assert [issue.rule for issue in book.issues] == ["read.damaged"]


def test_a_text_by_a_number_that_is_none_refuses_its_sheet(messages: Messages, content: bytes) -> None:
    broken = altered(content, "xl/worksheets/sheet2.xml", b't="s"><v>', b't="s"><v>!')
    book = read_workbook(broken, "x.xlsx", messages)
    (issue,) = [issue for issue in book.issues if issue.severity == "error"]
    assert issue.rule == "read.damaged_sheet" and "sheet2.xml" in issue.message_en


def test_two_figures_in_one_cell_of_an_xml_workbook_are_damage(messages: Messages) -> None:
    county = County(7)
    whole = as_spreadsheetml(county.book(county.townships[0], county.measured[0]))
    assert read_workbook(whole, "x.xls", messages).issues == []
    cut = whole.replace(b'</Data></Cell><Cell><Data ss:Type="Number">', b'</Data><Data ss:Type="Number">', 1)
    assert [issue.rule for issue in read_workbook(cut, "x.xls", messages).issues] == ["read.damaged"]
