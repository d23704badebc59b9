"""Static parts of a page as one piece of HTML instead of a thousand components.

Belongs here: turning a tree of `html.*` and `dcc.Link` into escaped HTML, and the tiny component that shows it.
Does not belong here: what stands on a page; components that live in the browser (charts, grids) stay components.

Why: dash-renderer spends about a millisecond on each component, so that a change of the month took 1.4 s to show on a
page of 1,400; as one piece it shows within 0.2 s.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

VOID = frozenset({"br", "img", "hr"})
RENAMED = {
    "className": "class",
    "colSpan": "colspan",
    "rowSpan": "rowspan",
    "tabIndex": "tabindex",
    "htmlFor": "for",
    "dateTime": "datetime",
}
PLAIN = frozenset(
    {"id", "lang", "role", "title", "scope", "src", "alt", "width", "height", "type", "href", "hidden", "open"}
)


class Markup(Component):
    """Shows `html`, which must come from `to_html`. Drawn by assets/app.js (namespace tew_dashboard)."""

    _namespace = "tew_dashboard"
    _type = "Markup"
    _base_nodes = ["children"]  # noqa: RUF012
    _children_props = []  # noqa: RUF012
    _prop_names = ["id", "html"]  # noqa: RUF012
    _valid_wildcard_attributes = []  # noqa: RUF012
    available_properties = ["id", "html"]  # noqa: RUF012
    available_wildcard_properties = []  # noqa: RUF012

    def __init__(self, html: str) -> None:
        super().__init__(html=html)


def _attributes(props: dict[str, Any]) -> str:
    parts = []
    for name, value in props.items():
        if name == "children" or value is None or value is False:
            continue
        if name not in RENAMED and name not in PLAIN and not name.startswith(("aria-", "data-")):
            raise ValueError(f"attribute {name!r} is not known to the markup")
        if name == "href" and (not str(value).startswith(("/", "#")) or str(value).startswith("//")):
            raise ValueError(f"a link must stay on this server: {value!r}")
        if name == "src" and not str(value).startswith("data:image/svg+xml,"):
            raise ValueError("an image must be an inline SVG")
        shown = RENAMED.get(name, name)
        parts.append(f" {shown}" if value is True else f' {shown}="{escape(str(value))}"')
    return "".join(parts)


def is_static(node: Any) -> bool:
    """Whether a tree consists of text, `html.*` and `dcc.Link` alone."""
    if node is None or isinstance(node, (str, int, float)):
        return True
    if isinstance(node, (list, tuple)):
        return all(is_static(child) for child in node)
    if isinstance(node, dcc.Link):
        return is_static(getattr(node, "children", None))
    if isinstance(node, Component):
        return node._namespace == html.Div._namespace and is_static(getattr(node, "children", None))
    return False


def to_html(node: Any) -> str:
    """A static tree as HTML, every text and attribute escaped. ValueError for what is not static."""
    if node is None:
        return ""
    if isinstance(node, (str, int, float)):
        return escape(str(node), quote=False)
    if isinstance(node, (list, tuple)):
        return "".join(to_html(child) for child in node)
    if not isinstance(node, Component):
        raise ValueError(f"{type(node).__name__} cannot stand on a page")
    props = dict(node.to_plotly_json()["props"])
    children = props.pop("children", None)
    if isinstance(node, dcc.Link):
        tag = "a"
        if props.pop("refresh", False):
            props["data-reload"] = "true"
    elif node._namespace == html.Div._namespace:
        tag = node._type.lower()
    else:
        raise ValueError(f"{node._type} lives in the browser; it is no markup")
    opening = f"<{tag}{_attributes(props)}>"
    return opening if tag in VOID else f"{opening}{to_html(children)}</{tag}>"


def flatten(node: Any) -> Any:
    """The same tree with its static parts, as large as possible, turned into `Markup`."""
    if is_static(node):
        return Markup(to_html(node))
    if isinstance(node, (list, tuple)):
        return _joined(node)
    if isinstance(node, Component) and node._namespace == html.Div._namespace:
        children = getattr(node, "children", None)
        node.children = _joined(children if isinstance(children, (list, tuple)) else [children])
    return node


def _joined(children: Iterable[Any]) -> list[Any]:
    """Flattened siblings, neighbouring static ones in one piece."""
    joined: list[Any] = []
    pending: list[Any] = []
    for child in children:
        if is_static(child):
            pending.append(child)
            continue
        if pending:
            joined.append(Markup(to_html(pending)))
            pending = []
        joined.append(flatten(child))
    if pending:
        joined.append(Markup(to_html(pending)))
    return joined
