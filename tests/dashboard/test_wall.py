"""The wall board's own reckoning: which townships are behind, and how rows are dealt to slides."""

from __future__ import annotations

from typing import Any

from dashboard.pages import wall


def row(unit: str, lamp: str | None, gap: float | None, form: str = "level") -> dict[str, Any]:
    return {"unit_id": unit, "lamp": lamp, "gap_pp": gap, "target_form": form, "indicator_code": f"{unit}{gap}"}


def test_townships_with_the_most_red_lamps_come_first_each_with_its_widest_gap() -> None:
    listed = wall.behind(
        [
            row("a", "yellow", -1.0),
            row("a", "yellow", -2.5),
            row("b", "red", -6.0),
            row("b", "red", -900.0, "cap"),
            row("c", "green", 3.0),
            row("d", None, None),
            row("e", "red", None, "cap"),
        ]
    )
    assert [(one.unit, one.red, one.yellow) for one in listed] == [("b", 2, 0), ("e", 1, 0), ("a", 0, 2)]
    assert [one.worst and one.worst["gap_pp"] for one in listed] == [-6.0, None, -2.5]


def test_rows_are_dealt_evenly_and_none_is_lost() -> None:
    for count in range(30):
        rows = list(range(count))
        parts = wall._parts(rows, 7)
        assert [item for part in parts for item in part] == rows
        lengths = [len(part) for part in parts]
        assert max(lengths) <= 7 and max(lengths) - min(lengths) <= 1
