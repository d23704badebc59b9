"""Small graphics: well-formed, inside their box, with a text alternative."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from dashboard.components import html, svg

VALUES = st.floats(min_value=-1e9, max_value=1e9)


def picture(image: html.Img) -> ElementTree.Element:
    head, _, body = image.src.partition(",")
    assert head == "data:image/svg+xml"
    return ElementTree.fromstring(unquote(body))


def lies_inside(root: ElementTree.Element, slack: float = 4) -> None:
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for element in root:
        if element.tag.endswith("rect"):
            x, y = float(element.get("x", "0")), float(element.get("y", "0"))
            assert -slack <= x <= width and -slack <= y <= height
            assert 0 <= float(element.get("width", "0")) <= width + slack
        for pair in (element.get("points") or "").split():
            x, y = map(float, pair.split(","))
            assert -slack <= x <= width + slack and -slack <= y <= height + slack


@given(VALUES, VALUES, st.none() | VALUES, st.booleans())
def test_a_bullet_stays_in_its_box(actual: float, target: float, schedule: float | None, is_cap: bool) -> None:
    image = svg.bullet(actual, target, schedule, "alt", is_cap=is_cap)
    lies_inside(picture(image))
    assert image.alt == "alt"


def test_a_bullet_shows_bar_target_and_schedule_in_proportion() -> None:
    rects = [e for e in picture(svg.bullet(50, 100, 80, "")) if e.tag.endswith("rect")]
    bar = next(e for e in rects if e.get("fill") == svg.BAR)
    target = next(e for e in rects if e.get("width") == "3")
    schedule = next(e for e in rects if e.get("width") == "1.2")
    assert abs(float(bar.get("width", "0")) * 2 - float(target.get("x", "0"))) < 0.3
    assert abs(float(schedule.get("x", "0")) / float(target.get("x", "1")) - 0.8) < 0.01


@given(st.lists(st.none() | VALUES, max_size=13))
def test_a_sparkline_stays_in_its_box(values: list[float | None]) -> None:
    lies_inside(picture(svg.sparkline(values, "alt")))


def test_a_missing_month_is_a_gap_in_the_line() -> None:
    lines = [e for e in picture(svg.sparkline([1, 2, None, 3, 4], "")) if e.tag.endswith("polyline")]
    assert [len((line.get("points") or "").split()) for line in lines] == [2, 2]


@given(VALUES, st.floats(min_value=0, max_value=1e9))
def test_a_deviation_stays_on_its_side(value: float, limit: float) -> None:
    root = picture(svg.deviation(value, limit, ""))
    lies_inside(root)
    bar = root[0]
    left = float(bar.get("x", "0"))
    assert left >= 47 if value >= 0 else left + float(bar.get("width", "0")) <= 49


@given(VALUES, st.none() | VALUES, st.tuples(VALUES, VALUES).map(sorted))
def test_dots_stand_on_the_common_scale(value: float, before: float | None, scale: list[float]) -> None:
    root = picture(svg.dots(value, before, (scale[0], scale[1]), "alt"))
    circles = [element for element in root if element.tag.endswith("circle")]
    # The ghost is hollow and drawn first, so that black-and-white paper tells the two apart.
    assert [element.get("stroke") is not None for element in circles] == [True, False][before is None :]
    assert all(0 < float(element.get("cx", "-1")) < float(root.get("width", "0")) for element in circles)


def test_a_greater_value_stands_further_right_and_zero_is_marked() -> None:
    places = []
    for value in (-5, 0, 8):
        root = picture(svg.dots(value, None, (-5, 8), ""))
        places.append(float(next(e for e in root if e.tag.endswith("circle")).get("cx", "")))
        zero = float(root[1].get("x", ""))
    assert places == sorted(set(places)) and places[1] == zero


@given(
    st.lists(st.none() | VALUES, min_size=1, max_size=36),
    st.lists(st.none() | VALUES, min_size=36, max_size=36),
)
def test_the_still_of_a_chart_keeps_its_lines_inside_the_axes(
    actual: list[float | None], base: list[float | None]
) -> None:
    image = svg.months(
        [f"26-{index:02d}" for index in range(len(actual))],
        actual,
        base[: len(actual)],
        lambda value: f"{value:.0f}",
        name_actual="this year",
        name_base="last year",
        unit="t",
        breaks=[len(actual) // 2],
    )
    root = picture(image)
    lies_inside(root, slack=0.1)
    written = [element.text for element in root if element.tag.endswith("text")]
    assert {"this year", "last year", "t", "0"} <= set(written)


def test_the_axis_of_a_still_counts_in_round_steps() -> None:
    image = svg.months(
        ["1", "2"],
        [5242.0, 4066.0],
        [None, None],
        lambda value: f"{value:.0f}",
        name_actual="a",
        name_base="b",
        unit="t",
    )
    written = [element.text or "" for element in picture(image) if element.tag.endswith("text")]
    assert [text for text in written if text.isdigit() and len(text) != 1] == ["2000", "4000", "6000"]
