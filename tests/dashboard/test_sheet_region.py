"""The region of a sheet: headings and labels stay, neighbours show, merges keep their span, one cell is marked."""

from __future__ import annotations

from dagster_project.ingest.grid import Sheet
from dashboard.components.markup import to_html
from dashboard.i18n import Translator
from dashboard.sheets import region

T = Translator("zh")


def _sheet(rows: int = 40, columns: int = 20) -> Sheet:
    """A title over all columns, a heading merged over pairs, an order number and a name in front, then numbers."""
    title = ["title", *[None] * (columns - 1)]
    groups: list = ["no", "name", *[f"group {index // 2}" if index % 2 == 0 else None for index in range(columns - 2)]]
    units: list = [None, None, *["month" if index % 2 == 0 else "ytd" for index in range(columns - 2)]]
    body = [[row, f"unit {row}", *[row * 100 + column for column in range(2, columns)]] for row in range(1, rows - 2)]
    merges = [(0, 0, 0, columns - 1), (1, 0, 2, 0), (1, 1, 2, 1)]
    merges += [(1, column, 1, column + 1) for column in range(2, columns, 2)]
    return Sheet("Sheet1", [title, groups, units, *body], merges, percents=frozenset({(30, 11)}))


def test_headings_labels_and_neighbours_are_shown_and_gaps_are_marked() -> None:
    sheet = _sheet()
    assert region.shown_rows(sheet, 30, 11) == [0, 1, 2, None, *range(27, 34)]
    assert region.shown_columns(sheet, 30, 11) == [1, None, *range(8, 15)]


def test_merges_span_what_is_shown_of_them_and_one_cell_is_marked() -> None:
    markup = to_html(region.table(_sheet(), 30, 11, T))
    # the title covers the label, the gap and seven neighbours; a group's two columns; the name's two heading rows
    assert '<td class="merged" colspan="9" rowspan="1">title</td>' in markup
    assert '<td class="merged" colspan="2" rowspan="1">group 4</td>' in markup
    assert '<td class="merged" colspan="1" rowspan="2">name</td>' in markup
    assert markup.count('aria-current="true"') == 1
    assert f"<strong>{sheet_percent()}</strong>" in markup
    assert "unit 28" in markup and ">31<" in markup and ">L<" in markup


def sheet_percent() -> str:
    return f"{(28 * 100 + 11) * 100}%"


def test_a_text_of_the_sheet_is_no_markup() -> None:
    sheet = Sheet("S", [["<script>alert(1)</script>", 5]])
    assert "<script>" not in to_html(region.table(sheet, 0, 1, T))


def test_addresses() -> None:
    assert region.position("A1") == (0, 0)
    assert region.position("AA120") == (119, 26)
    assert region.position("S0") is None and region.position("1A") is None


def test_a_cell_outside_the_sheet_gives_an_empty_cell() -> None:
    assert 'aria-current="true"' in to_html(region.table(Sheet("S", [["a"]]), 5, 3, T))
