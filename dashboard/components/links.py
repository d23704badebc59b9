"""Links that keep the state. A plain href each, so that any view can be opened, sent and printed.

Belongs here: the choice between moving inside the page and loading it anew. Does not belong here: addresses (state.py).
"""

from __future__ import annotations

from typing import Any

from dashboard.components import html


def link(
    content: Any, href: str, *, reload: bool = False, class_name: str | None = None, title: str | None = None
) -> html.A:
    """A link inside the dashboard; `reload` where the target needs a bundle that this page did not load."""
    options: dict[str, Any] = {}
    if class_name:
        options["className"] = class_name
    if title:
        options["title"] = title
    if reload:
        options["data-reload"] = "true"
    return html.A(content, href=href, **options)


def hidden(text: str) -> html.Span:
    """Text for readers of the accessibility tree alone."""
    return html.Span(text, className="visually-hidden")


def attribute(name: str, value: str) -> dict[str, Any]:
    """A keyword whose name is no Python name: `html.Nav(..., **attribute("aria-label", text))`."""
    return {name: value}
