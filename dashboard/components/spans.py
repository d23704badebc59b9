"""Horizontal graphics on one scale: a step of a bridge, a forecast with its band.

Belongs here: pure functions from numbers to an `html.Img` with its text alternative.
Does not belong here: what the numbers mean, texts (the caller passes `alt`), bullets and sparklines (svg.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.components import html
from dashboard.components.svg import BAND_FAR, BAND_NEAR, BAR, CAP, INK, image

PAD = 3.0


@dataclass(frozen=True, slots=True)
class Scale:
    """The values from `low` to `high` over `width` pixels."""

    low: float
    high: float
    width: int

    def x(self, value: float) -> float:
        span = (self.high - self.low) or 1.0
        share = min(1.0, max(0.0, (value - self.low) / span))
        return round(PAD + share * (self.width - 2 * PAD), 1)


def level_mark(scale: Scale, value: float, alt: str, *, height: int = 18) -> html.Img:
    """Where a bridge begins or ends: a thick tick, because the scale need not begin at zero."""
    x = scale.x(value)
    body = f'<rect x="{x - 1.5}" y="1" width="3" height="{height - 2}" fill="{INK}"/>'
    return image(body, scale.width, height, alt, "step")


def step(scale: Scale, before: float, after: float, alt: str, *, height: int = 18) -> html.Img:
    """One step of a bridge: from where the former ended to where this one ends; a fall is outlined, a rise filled."""
    start, end = scale.x(before), scale.x(after)
    left, length = min(start, end), max(1.0, abs(end - start))
    look = f'fill="{BAR}"' if after >= before else f'fill="#ffffff" stroke="{INK}" stroke-width="1.4"'
    body = (
        f'<line x1="{start}" y1="0" x2="{start}" y2="{height}" stroke="{BAND_NEAR}"/>'
        f'<rect x="{left:.1f}" y="4" width="{length:.1f}" height="{height - 8}" {look}/>'
        f'<line x1="{end}" y1="0" x2="{end}" y2="{height}" stroke="{BAND_NEAR}"/>'
    )
    return image(body, scale.width, height, alt, "step")


def outlook(
    actual: float,
    forecast: float,
    band: tuple[float, float] | None,
    target: float | None,
    alt: str,
    *,
    is_cap: bool = False,
    width: int = 560,
    height: int = 44,
) -> html.Img:
    """The year so far solid, the rest of the forecast hatched, its band as a whisker, the target as a thick tick."""
    reached = [actual, forecast, *(band or ()), *([target] if target is not None else [])]
    scale = Scale(min(0.0, *reached), max(0.0, *reached) * 1.05, width)
    zero, now, end = scale.x(0), scale.x(actual), scale.x(forecast)
    parts = [
        '<defs><pattern id="h" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="6" height="6" fill="{BAND_FAR}"/><line x1="0" y1="0" x2="0" y2="6" stroke="{BAR}" '
        'stroke-width="2.4"/></pattern></defs>',
        f'<rect x="{min(now, end)}" y="12" width="{abs(end - now):.1f}" height="20" fill="url(#h)" stroke="{BAR}"/>',
        f'<rect x="{min(zero, now)}" y="12" width="{abs(now - zero):.1f}" height="20" fill="{INK if is_cap else BAR}"/>',
    ]
    if band is not None:
        low, high = scale.x(band[0]), scale.x(band[1])
        parts.append(
            f'<path d="M{low} 22H{high}M{low} 15V29M{high} 15V29" stroke="{INK}" stroke-width="1.6" fill="none"/>'
        )
    if target is not None:
        x = scale.x(target)
        parts.append(f'<rect x="{x - 1.5}" y="3" width="3" height="38" fill="{CAP if is_cap else INK}"/>')
    return image("".join(parts), width, height, alt, "outlook")
