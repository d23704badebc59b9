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

_HTML = html.Div._namespace
# What Dash keeps in every component beside its properties.
INNER = ("_", "available_")
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
    {
        "id",
        "lang",
        "role",
        "title",
        "scope",
        "src",
        "alt",
        "width",
        "height",
        "type",
        "href",
        "hidden",
        "open",
        "decoding",
    }
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
    for name, value in sorted(props.items()):
        if value is None or value is False:
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


class Live(ValueError):
    """A component that lives in the browser, or something that cannot stand on a page, was met."""


def to_html(node: Any) -> str:
    """A static tree (text, `html.*`, `dcc.Link`) as HTML, every text and attribute escaped. Live for anything else."""
    rendered = _render(node)
    if not isinstance(rendered, str):
        raise Live(f"{type(node).__name__} holds what is no markup")
    return rendered


def flatten(node: Any) -> Any:
    """The same tree with its static parts, as large as possible, turned into `Markup`."""
    rendered = _render(node)
    return Markup(rendered) if isinstance(rendered, str) else rendered


def _render(node: Any) -> str | Component:
    """One walk: a static tree becomes its HTML; a component that lives in the browser, or holds one, stays."""
    if node is None:
        return ""
    if isinstance(node, str):
        return escape(node, quote=False)
    if isinstance(node, (int, float)):
        return str(node)
    if isinstance(node, (list, tuple)):
        parts = _joined(node)
        return _whole(parts) if _is_text(parts) else html.Div(_shown(parts))
    if not isinstance(node, Component):
        raise Live(f"{type(node).__name__} cannot stand on a page")
    is_link = isinstance(node, dcc.Link)
    if node._namespace != _HTML and not is_link:
        return node
    # The component's own dictionary: to_plotly_json asks every component for every property it might have.
    props = {name: value for name, value in vars(node).items() if not name.startswith(INNER)}
    children = props.pop("children", None)
    parts = _joined(children if isinstance(children, (list, tuple)) else (children,))
    if not _is_text(parts):
        node.children = _shown(parts)
        return node
    tag = node._type.lower()
    if is_link:
        tag = "a"
        if props.pop("refresh", False):
            props["data-reload"] = "true"
    opening = f"<{tag}{_attributes(props)}>"
    return opening if tag in VOID else f"{opening}{_whole(parts)}</{tag}>"


def _joined(children: Iterable[Any]) -> list[str | Component]:
    """Siblings rendered, neighbouring static ones in one piece."""
    joined: list[str | Component] = []
    for child in children:
        part = _render(child)
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return joined


def _is_text(parts: list[str | Component]) -> bool:
    return all(isinstance(part, str) for part in parts)


def _whole(parts: list[str | Component]) -> str:
    return "".join(part for part in parts if isinstance(part, str))


def _shown(parts: Iterable[str | Component]) -> list[Component]:
    return [Markup(part) if isinstance(part, str) else part for part in parts]
