"""A workbook without any known form is an error, however little stands in it."""

from __future__ import annotations

import io

import openpyxl
import pytest

from dagster_project.ingest.parse import parse
from dagster_project.ingest.vocabulary import Vocabulary


def _book(rows: list[list[object]], title: str = "Sheet1") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        ([["食堂"], ["品名", "数量"], ["米", 3]], "Sheet1"),
        ([["会议通知"], ["请参加。"]], "Sheet1"),
        ([["一、请于8日前报送。"]], "填表说明"),
        ([], "Sheet1"),
    ],
)
def test_a_workbook_without_a_form_is_an_error(rows: list[list[object]], title: str, vocabulary: Vocabulary) -> None:
    parsed = parse(_book(rows, title), "其他.xlsx", vocabulary)
    errors = [issue for issue in parsed.issues if issue.severity == "error"]
    assert len(errors) == 1, parsed.issues
    assert "其他.xlsx" in errors[0].message_zh and "其他.xlsx" in errors[0].message_en
