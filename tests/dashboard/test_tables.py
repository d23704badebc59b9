"""Plain tables: merged headings, and a row that reads as a block of named figures on a phone."""

from __future__ import annotations

from dashboard.components import html, tables
from dashboard.components.numbers import NOTHING


def test_each_column_of_a_merged_heading_has_its_lowest_name() -> None:
    header = [
        [tables.head("indicator", rows=2), tables.head("done", span=2), tables.head("trend", rows=2)],
        [tables.head("month"), tables.head(["year ", html.Span("to date")])],
    ]
    assert tables.leaves(header) == ["indicator", "month", "year to date", "trend"]


def test_a_card_names_its_figures_and_marks_what_is_empty() -> None:
    header = [[tables.head("indicator"), tables.head("value"), tables.head("target"), tables.head("trend")]]
    row = html.Tr(
        [
            tables.row_head("TE01"),
            tables.cell(html.A("3.1"), numeric=True),
            tables.cell(NOTHING, numeric=True),
            tables.cell(html.Img(alt="rising")),
        ]
    )
    made = tables.table("caption", header, [row], class_name="headline", cards=True)
    assert made.children.className == "grid headline cards"
    assert [getattr(cell, "data-label", None) for cell in row.children] == [None, "value", "target", "trend"]
    assert row.children[2].className == "num void"
    assert "void" not in str(getattr(row.children[3], "className", None))
