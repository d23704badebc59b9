"""HTML elements of a page: named as Dash names them, and a twentieth of their price.

Belongs here: one class for each tag that pages use. Does not belong here: escaping, which attributes are allowed and the
way into the browser (markup.py); components that live there (charts, grids) are Dash's.

Dash's own elements check every property of every element against lists, which was half the time of drawing a page.
"""

from __future__ import annotations

from typing import Any


class Element:
    """A tag with children (text, numbers, elements, lists of them) and attributes by Dash's names (className, colSpan)."""

    tag = ""

    def __init__(self, children: Any = None, **attributes: Any) -> None:
        self.__dict__ = attributes
        self.children = children


class A(Element):
    tag = "a"


class Br(Element):
    tag = "br"


class Button(Element):
    tag = "button"


class Caption(Element):
    tag = "caption"


class Dd(Element):
    tag = "dd"


class Details(Element):
    tag = "details"


class Div(Element):
    tag = "div"


class Dl(Element):
    tag = "dl"


class Dt(Element):
    tag = "dt"


class Footer(Element):
    tag = "footer"


class H1(Element):
    tag = "h1"


class H2(Element):
    tag = "h2"


class H3(Element):
    tag = "h3"


class Header(Element):
    tag = "header"


class Img(Element):
    tag = "img"


class Li(Element):
    tag = "li"


class Main(Element):
    tag = "main"


class Nav(Element):
    tag = "nav"


class P(Element):
    tag = "p"


class Section(Element):
    tag = "section"


class Span(Element):
    tag = "span"


class Strong(Element):
    tag = "strong"


class Summary(Element):
    tag = "summary"


class Table(Element):
    tag = "table"


class Tbody(Element):
    tag = "tbody"


class Td(Element):
    tag = "td"


class Tfoot(Element):
    tag = "tfoot"


class Th(Element):
    tag = "th"


class Thead(Element):
    tag = "thead"


class Tr(Element):
    tag = "tr"


class Ul(Element):
    tag = "ul"
