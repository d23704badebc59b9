"""The lamp: colour, shape, word and number, its rule in reach.

Belongs here: drawing a lamp that dbt has judged. Does not belong here: judging (lamp_rules, dbt).
"""

from __future__ import annotations

from dashboard.components import html
from dashboard.components.links import attribute

SHAPES = {"green": "●", "yellow": "▲", "red": "■", "grey": "○", "none": "–"}


def lamp(colour: str, word: str, sentence: str) -> html.Span:
    """`sentence` spells out the rule: what was reached, what was due, the difference, the colour."""
    return html.Span(
        [
            html.Span(SHAPES[colour], className="shape", **attribute("aria-hidden", "true")),
            html.Span(word, className="word"),
            html.Span(sentence, className="visually-hidden"),
        ],
        className=f"lamp lamp-{colour}",
        title=sentence,
    )


def mark(colour: str, text: str, word: str) -> html.Span:
    """A figure with the shape of its lamp, for tables that colour the exceptions alone."""
    if colour not in ("yellow", "red"):
        return html.Span(text)
    return html.Span(
        [
            html.Span(SHAPES[colour], className="shape", **attribute("aria-hidden", "true")),
            html.Span(word, className="visually-hidden"),
            f" {text}",
        ]
    )
