"""The button that saves a chart as PNG; assets/picture.js draws the picture when it is pressed.

Belongs here: the button and what it hands over. Does not belong here: charts (figures/), wording (the caller passes texts).
"""

from __future__ import annotations

import json

from dashboard.components import html
from dashboard.components.links import attribute


def button(label: str, *, title: str, sub: str, foot: str, name: str, done: str, failed: str) -> html.P:
    """A line with the button; it stands in the section of the chart, whose footnote becomes the picture's foot.

    `title` and `sub` stand above the chart, `foot` after the footnote; `name` is the file's without ending.
    """
    texts = {"title": title, "sub": sub, "foot": foot, "name": name, "done": done, "failed": failed}
    handed = attribute("data-picture", json.dumps(texts, ensure_ascii=False))
    return html.P(
        [
            html.Button(label, type="button", className="plain", **handed),
            " ",
            html.Span("", role="status", className="picture-said muted"),
        ],
        className="off-paper",
    )
