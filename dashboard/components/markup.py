"""Static parts of a page as one piece of HTML instead of a thousand components.

Belongs here: turning a tree of elements (html.py) into escaped HTML, and the tiny component that shows it.
Does not belong here: what stands on a page; components that live in the browser (charts, grids) stay components.

Why: dash-renderer spends about a millisecond on each component, so that a change of the month took 1.4 s to show on a
page of 1,400; as one piece it shows within 0.2 s.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import dash.html
from dash.development.base_component import Component

from dashboard.components.html import Div, Element

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


_NAMES: dict[str, str] = {}


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


def _shown_name(name: str) -> str:
    """An attribute's name in HTML; ValueError for one that is not known here."""
    if name not in RENAMED and name not in PLAIN and not name.startswith(("aria-", "data-")):
        raise ValueError(f"attribute {name!r} is not known to the markup")
    return RENAMED.get(name, name)


def _attributes(props: dict[str, Any]) -> str:
    parts = []
    for name in sorted(props) if len(props) > 1 else props:
        value = props[name]
        if value is None or value is False:
            continue
        shown = _NAMES.get(name) or _NAMES.setdefault(name, _shown_name(name))
        text = value if type(value) is str else str(value)
        if name == "href" and (not text.startswith(("/", "#")) or text.startswith("//")):
            raise ValueError(f"a link must stay on this server: {value!r}")
        if name == "src" and not text.startswith("data:image/svg+xml,"):
            raise ValueError("an image must be an inline SVG")
        parts.append(f" {shown}" if value is True else f' {shown}="{escape(text)}"')
    return "".join(parts)


class Live(ValueError):
    """A component that lives in the browser, or something that cannot stand on a page, was met."""


def to_html(node: Any) -> str:
    """A static tree (text, elements) as HTML, every text and attribute escaped. Live for anything else."""
    rendered = _render(node)
    if not isinstance(rendered, str):
        raise Live(f"{type(node).__name__} holds what is no markup")
    return rendered


def flatten(node: Any) -> Any:
    """The same tree with its static parts, as large as possible, turned into `Markup`."""
    rendered = _render(node)
    return Markup(rendered) if isinstance(rendered, str) else rendered


def components(node: Any) -> Any:
    """The same tree as Dash's own components, one for each element; for what is measured beside the markup."""
    if isinstance(node, (list, tuple)):
        return [components(child) for child in node]
    return _live(node, components(node.children)) if isinstance(node, Element) else node


def _live(node: Element, children: Any) -> Component:
    made: Component = getattr(dash.html, type(node).__name__)(**{**vars(node), "children": children})
    return made


def _render(node: Any) -> str | Component:
    """One walk: a static tree becomes its HTML; a component that lives in the browser, or an element with one, stays."""
    if type(node) is str:
        return _text(node)
    if node is None:
        return ""
    if isinstance(node, Element):
        return _element(node)
    if isinstance(node, (list, tuple)):
        parts = _joined(node)
        return _whole(parts) if _is_text(parts) else _live(Div(), _shown(parts))
    if isinstance(node, str):
        return _text(node)
    if isinstance(node, (int, float)):
        return str(node)
    if not isinstance(node, Component):
        raise Live(f"{type(node).__name__} cannot stand on a page")
    return node


def _element(node: Element) -> str | Component:
    children = node.children
    if type(children) is str:
        inner = _text(children)
    else:
        parts = _joined(children if isinstance(children, (list, tuple)) else (children,))
        if not _is_text(parts):
            return _live(node, _shown(parts))
        inner = _whole(parts)
    props = vars(node)
    tag = node.tag
    if len(props) > 1:
        tag += _attributes({name: value for name, value in props.items() if name != "children"})
    return f"<{tag}>" if node.tag in VOID else f"<{tag}>{inner}</{node.tag}>"


def _text(text: str) -> str:
    return escape(text, quote=False)


def _joined(children: Iterable[Any]) -> list[str | Component]:
    """Siblings rendered, neighbouring static ones in one piece."""
    joined: list[str | Component] = []
    static: list[str] = []
    for child in children:
        part = _render(child)
        if isinstance(part, str):
            static.append(part)
            continue
        if any(static):
            joined.append("".join(static))
        static.clear()
        joined.append(part)
    if any(static):
        joined.append("".join(static))
    return joined


def _is_text(parts: list[str | Component]) -> bool:
    return not parts or (len(parts) == 1 and isinstance(parts[0], str))


def _whole(parts: list[str | Component]) -> str:
    return "".join(part for part in parts if isinstance(part, str))


def _shown(parts: Iterable[str | Component]) -> list[Component]:
    return [Markup(part) if isinstance(part, str) else part for part in parts]
