"""Small graphics as SVG images: bullets, sparklines, dots on a common scale.

Belongs here: pure functions from numbers to an `html.Img` with its text alternative; light enough for every row.
Does not belong here: charts that are explored (figures/), what the numbers mean, texts (the caller passes `alt`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from urllib.parse import quote
from xml.sax.saxutils import escape

from dashboard.components import html

INK = "#1b2430"
BAR = "#1f4e86"
BAND_NEAR = "#cfd8e3"
BAND_FAR = "#eaeff5"
CAP = "#a3201d"
GHOST = "#9aa7b5"
BASE = "#7089a8"
TEXT = "#55606d"
TICKS = 4


def image(body: str, width: int, height: int, alt: str, class_name: str) -> html.Img:
    """An SVG drawing as an image that may stand in static markup."""
    markup = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{body}</svg>'
    )
    image = html.Img(
        src="data:image/svg+xml," + quote(markup, safe="/ =:;'(),"),
        alt=alt,
        width=width,
        height=height,
        className=class_name,
    )
    # Drawn with the text around it: decoded later, forty of them would show a picture after the figures.
    setattr(image, "decoding", "sync")  # noqa: B010
    return image


def bullet(
    actual: float,
    target: float,
    schedule: float | None,
    alt: str,
    *,
    base: float | None = None,
    is_cap: bool = False,
    width: int = 208,
    height: int = 22,
) -> html.Img:
    """A bullet graph: bar = actual, thick tick = annual target, thin tick = where the calendar says we should be.

    All values in one unit; negative actuals start at the left edge. `base` (same period last year) is the small mark
    below the bar. `is_cap` draws the target as a limit.
    """
    top = max(actual, target, schedule or 0.0, base or 0.0, 1e-9) * 1.06

    def x(value: float) -> float:
        return round(max(0.0, value) / top * (width - 2), 1)

    parts = [f'<rect x="0" y="4" width="{x(target)}" height="14" fill="{BAND_FAR}"/>']
    if schedule is not None:
        parts.append(f'<rect x="0" y="4" width="{x(schedule)}" height="14" fill="{BAND_NEAR}"/>')
    parts.append(f'<rect x="0" y="8" width="{x(actual)}" height="6" fill="{INK if is_cap else BAR}"/>')
    if base is not None:
        parts.append(f'<path d="M{x(base)} 15l3 4h-6z" fill="{GHOST}"/>')
    if schedule is not None:
        parts.append(f'<rect x="{x(schedule)}" y="2" width="1.2" height="18" fill="#55606d"/>')
    parts.append(f'<rect x="{x(target)}" y="2" width="3" height="18" fill="{CAP if is_cap else INK}"/>')
    return image("".join(parts), width, height, alt, "bullet")


def sparkline(values: Sequence[float | None], alt: str, *, width: int = 84, height: int = 22) -> html.Img:
    """A line over equally spaced months; a missing month is a gap, the last known month a dot."""
    known = [value for value in values if value is not None]
    if not known:
        return image("", width, height, alt, "spark")
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    step = (width - 8) / max(1, len(values) - 1)

    def point(index: int, value: float) -> str:
        y = height / 2 if high == low else height - 4 - (value - low) / span * (height - 8)
        return f"{3 + index * step:.1f},{y:.1f}"

    runs: list[list[str]] = [[]]
    last = ""
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            last = point(index, value)
            runs[-1].append(last)
    body = "".join(
        f'<polyline points="{" ".join(run)}" fill="none" stroke="#55606d" stroke-width="1.3"/>'
        for run in runs
        if len(run) > 1
    )
    x, y = last.split(",")
    return image(f'{body}<circle cx="{x}" cy="{y}" r="2.4" fill="{BAR}"/>', width, height, alt, "spark")


def timeline(
    events: Sequence[tuple[int, float, float]], rows: Sequence[str], alt: str, *, width: int = 760, row_height: int = 30
) -> html.Img:
    """Events on a line per year. Each is (row, share of the year gone, weight); the weight sets the dot's size."""
    left, right = 46, 12
    span = width - left - right
    height = row_height * len(rows) + 22
    parts = []
    for index, label in enumerate(rows):
        y = row_height * index + row_height / 2 + 2
        parts.append(
            f'<text x="0" y="{y + 4}" font-size="12" fill="{INK}" font-family="sans-serif">{escape(label)}</text>'
            f'<line x1="{left}" y1="{y}" x2="{width - right}" y2="{y}" stroke="#b9c3ce"/>'
        )
    for month in range(13):
        x = left + span * month / 12
        parts.append(f'<line x1="{x:.1f}" y1="2" x2="{x:.1f}" y2="{height - 18}" stroke="{BAND_FAR}"/>')
        if month < 12:
            parts.append(
                f'<text x="{x + span / 24:.1f}" y="{height - 4}" font-size="11" text-anchor="middle" '
                f'fill="#55606d" font-family="sans-serif">{month + 1}</text>'
            )
    for row, share, weight in events:
        y = row_height * row + row_height / 2 + 2
        x = left + span * min(1.0, max(0.0, share))
        if weight > 0:
            radius = min(row_height / 2, 4 + 2.2 * weight**0.5)
            parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="{radius:.1f}" fill="{CAP}" fill-opacity="0.85"/>')
        else:
            parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="#ffffff" stroke="{INK}" stroke-width="1.4"/>')
    return image("".join(parts), width, height, alt, "timeline")


def deviation(value: float, limit: float, alt: str, *, width: int = 96, height: int = 14) -> html.Img:
    """A bar that leaves the middle line by `value`; `limit` is the largest deviation of the table (one scale)."""
    half = width / 2
    length = min(1.0, abs(value) / (limit or 1.0)) * (half - 2)
    left = half if value >= 0 else half - length
    return image(
        f'<rect x="{left:.1f}" y="3" width="{length:.1f}" height="8" fill="{BAR if value >= 0 else INK}"/>'
        f'<rect x="{half - 0.5:.1f}" y="0" width="1" height="{height}" fill="#55606d"/>',
        width,
        height,
        alt,
        "deviation",
    )


def dots(
    value: float | None,
    before: float | None,
    scale: tuple[float, float],
    alt: str,
    *,
    width: int = 150,
    height: int = 20,
) -> html.Img:
    """One row of a ranking: a full dot at `value`, a hollow ghost at `before`, a line at zero where the scale holds it.

    `scale` is (least, greatest) of the whole ranking, one unit; rows below each other then read as one picture.
    """
    low, high = scale
    span = (high - low) or 1.0
    middle = height / 2

    def x(place: float) -> str:
        return f"{6 + min(1.0, max(0.0, (place - low) / span)) * (width - 12):.1f}"

    parts = [f'<rect x="0" y="{middle - 0.5}" width="{width}" height="1" fill="{BAND_NEAR}"/>']
    if low <= 0 <= high:
        parts.append(f'<rect x="{x(0)}" y="0" width="1" height="{height}" fill="#55606d"/>')
    if value is not None and before is not None:
        parts.append(
            f'<line x1="{x(before)}" y1="{middle}" x2="{x(value)}" y2="{middle}" stroke="{INK}" stroke-width="1.2"/>'
        )
    if before is not None:
        parts.append(
            f'<circle cx="{x(before)}" cy="{middle}" r="3.6" fill="#ffffff" stroke="{INK}" stroke-width="1.2"/>'
        )
    if value is not None:
        parts.append(f'<circle cx="{x(value)}" cy="{middle}" r="4.4" fill="{BAR}"/>')
    return image("".join(parts), width, height, alt, "dots")


def _tick_step(low: float, high: float) -> float:
    """The least of 1, 2, 5 times a power of ten that cuts the span into at most `TICKS` parts."""
    least = ((high - low) or abs(high) or 1.0) / TICKS
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)


def months(
    labels: Sequence[str],
    actual: Sequence[float | None],
    base: Sequence[float | None],
    written: Callable[[float], str],
    *,
    name_actual: str,
    name_base: str,
    unit: str,
    breaks: Sequence[int] = (),
    width: int = 600,
    height: int = 250,
) -> html.Img:
    """The chart of figures/series.py as a still: on paper, and on the screen until the live one is drawn.

    `written` writes an axis value; `breaks` are places in `labels` from which the figures are not comparable.
    """
    known = [value for value in (*actual, *base) if value is not None]
    step = _tick_step(min(0.0, *known), max(0.0, *known)) if known else 1.0
    low = math.floor(min([0.0, *known]) / step) * step
    high = max(math.ceil(max([0.0, *known]) / step), low / step + 1) * step
    left, right, top, bottom = 64, 10, 30, 26
    room = (width - left - right) / max(1, len(labels))

    def x(index: int) -> float:
        return round(left + room * (index + 0.5), 1)

    def y(value: float) -> float:
        return round(height - bottom - (value - low) / (high - low) * (height - top - bottom), 1)

    def line(values: Sequence[float | None], style: str) -> str:
        runs: list[list[str]] = [[]]
        for index, value in enumerate(values):
            if value is None:
                runs.append([])
            else:
                runs[-1].append(f"{x(index)},{y(value)}")
        return "".join(f'<polyline points="{" ".join(run)}" fill="none" {style}/>' for run in runs if len(run) > 1)

    def text(place: float, height_at: float, words: str, anchor: str) -> str:
        return (
            f'<text x="{place}" y="{height_at}" font-size="11" text-anchor="{anchor}" fill="{TEXT}" '
            f'font-family="sans-serif">{escape(words)}</text>'
        )

    light = f'stroke="{BASE}" stroke-width="2" stroke-dasharray="2 3"'
    dark = f'stroke="{BAR}" stroke-width="2.4"'
    parts = [text(left - 6, 14, unit, "end")]
    for tick in range(round((high - low) / step) + 1):
        value = low + tick * step
        colour = INK if abs(value) < step / 2 else "#e3e8ee"
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{y(value)}" y2="{y(value)}" stroke="{colour}"/>')
        parts.append(text(left - 6, y(value) + 4, written(value), "end"))
    every = -(-len(labels) // 9)
    parts += [text(x(index), height - 8, label, "middle") for index, label in enumerate(labels) if index % every == 0]
    for index in breaks:
        at = round(x(index) - room / 2, 1)
        parts.append(
            f'<line x1="{at}" x2="{at}" y1="{top}" y2="{height - bottom}" stroke="{INK}" stroke-dasharray="5 3"/>'
        )
    parts += [line(base, light), line(actual, dark)]
    parts += [
        f'<circle cx="{x(index)}" cy="{y(value)}" r="2.6" fill="{BAR}"/>'
        for index, value in enumerate(actual)
        if value is not None
    ]
    for place, style, name in ((left + 8, light, name_base), (left + 178, dark, name_actual)):
        parts.append(f'<line x1="{place}" x2="{place + 26}" y1="10" y2="10" {style}/>')
        parts.append(text(place + 32, 14, name, "start"))
    return image("".join(parts), width, height, "", "still")
