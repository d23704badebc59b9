"""The colours of the style sheet: what text is read on, plainly and with high contrast.

axe-core leaves shapes, gradients and cells under others undecided; the pairs of colours are measured here instead.
"""

from __future__ import annotations

import re
from pathlib import Path

import dashboard

SHEET = (Path(dashboard.__file__).parent / "assets" / "app.css").read_text(encoding="utf-8")
# Colour of text, colours it stands on.
PAIRS = {
    "ink": ("paper", "soft", "chosen", "note-bg", "yellow-bg", "red-bg"),
    "muted": ("paper", "soft", "chosen"),
    "link": ("paper", "soft", "chosen"),
    "green": ("paper", "chosen"),
    "yellow": ("paper", "yellow-bg"),
    "red": ("paper", "red-bg"),
    "paper": ("ink",),
}


def variables(selector: str) -> dict[str, str]:
    block = re.search(rf"{re.escape(selector)} {{(.*?)}}", SHEET, re.DOTALL)
    assert block, selector
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block[1]))


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def faint(colours: dict[str, str], least: float) -> list[tuple[str, str, float]]:
    return [
        (text, ground, round(contrast(colours[text], colours[ground]), 2))
        for text, grounds in PAIRS.items()
        for ground in grounds
        if contrast(colours[text], colours[ground]) < least
    ]


def test_black_on_white_is_twenty_one_to_one() -> None:
    assert round(contrast("#000000", "#ffffff"), 3) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


def test_every_text_reads_on_its_ground() -> None:
    plain = variables(":root")
    assert faint(plain, 4.5) == []
    # What is drawn to be noticed: focus and the edge of a warning.
    assert contrast(plain["focus"], plain["paper"]) >= 3
    assert contrast(plain["warn-edge"], plain["paper"]) >= 3


def test_high_contrast_is_seven_to_one_and_names_every_colour_that_carries_text() -> None:
    high = variables(':root[data-theme="contrast"]')
    assert faint(variables(":root") | high, 7.0) == []
    assert {"ink", "muted", "link", "green", "yellow", "red"} <= set(high)
    for edge in ("line", "edge", "hair"):
        assert contrast(high[edge], "#ffffff") >= 4.5, edge
