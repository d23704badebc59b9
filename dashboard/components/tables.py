"""Plain tables: caption, header cells with scope, footnote. Fast, printable, copyable.

Belongs here: the frame of a table and of a section. Does not belong here: what stands in the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.components import html
from dashboard.components.numbers import NOTHING


def head(text: Any, *, numeric: bool = False, span: int = 1, rows: int = 1, class_name: str = "") -> html.Th:
    """A column header; `span` and `rows` merge it over columns and header rows."""
    classes = " ".join(filter(None, ("num" if numeric else "", class_name)))
    return html.Th(text, scope="colgroup" if span > 1 else "col", colSpan=span, rowSpan=rows, className=classes or None)


def row_head(content: Any, class_name: str | None = None) -> html.Th:
    return html.Th(content, scope="row", className=class_name)


def cell(content: Any, *, numeric: bool = False, class_name: str = "", title: str | None = None) -> html.Td:
    classes = " ".join(filter(None, ("num" if numeric else "", class_name)))
    options: dict[str, Any] = {"title": title} if title else {}
    return html.Td(content, className=classes or None, **options)


def table(
    caption: str,
    header: Sequence[Sequence[html.Th]],
    body: Sequence[html.Tr],
    *,
    class_name: str = "",
    foot: Sequence[html.Tr] = (),
    cards: bool = False,
) -> html.Div:
    """A table in a box that scrolls sideways where the screen is narrow; the caption is for assistive technology.

    `cards` writes each column's name into its cells, so that a phone shows every row as a block of named figures.
    """
    if cards:
        _name_cells(header, body)
        class_name = f"{class_name} cards"
    parts: list[Any] = [
        html.Caption(caption, className="visually-hidden"),
        html.Thead([html.Tr(list(row)) for row in header]),
        html.Tbody(list(body)),
    ]
    if foot:
        parts.append(html.Tfoot(list(foot)))
    return html.Div(html.Table(parts, className=f"grid {class_name}".strip()), className="table-box")


def _words(node: Any) -> str:
    """The text of a small tree."""
    if isinstance(node, (list, tuple)):
        return "".join(_words(child) for child in node)
    if isinstance(node, (str, int, float)):
        return str(node)
    return "" if node is None else _words(getattr(node, "children", None))


def leaves(header: Sequence[Sequence[html.Th]]) -> list[str]:
    """The lowest heading over each column, merged ones counted as often as they are wide."""
    grid: list[list[str | None]] = [[] for _ in header]
    for level, row in enumerate(header):
        column = 0
        for cell in row:
            while column < len(grid[level]) and grid[level][column] is not None:
                column += 1
            text = _words(cell.children)
            for line in grid[level : level + (getattr(cell, "rowSpan", None) or 1)]:
                width = getattr(cell, "colSpan", None) or 1
                line += [None] * (column + width - len(line))
                line[column : column + width] = [text] * width
    return [text or "" for text in grid[-1]] if grid else []


def _name_cells(header: Sequence[Sequence[html.Th]], body: Sequence[html.Tr]) -> None:
    """Give every data cell the name of its column; one without content is marked, a phone leaves it out."""
    names = leaves(header)
    for row in body:
        # A row of one heading names no columns.
        cells = row.children if isinstance(row.children, (list, tuple)) else ()
        for name, found in zip(names, cells, strict=False):
            if not isinstance(found, html.Td):
                continue
            setattr(found, "data-label", name)
            is_picture = isinstance(found.children, html.Img)
            if not is_picture and _words(found.children) in ("", NOTHING):
                classes = " ".join(filter(None, (getattr(found, "className", None), "void")))
                setattr(found, "className", classes)  # noqa: B010


def footnote(*parts: Any) -> html.P:
    return html.P(list(parts), className="footnote")


def section(title: Any, *content: Any, sub: Any = None, class_name: str = "", level: int = 2) -> html.Section:
    """A part of a page whose heading says the finding and whose second line says what is measured."""
    heading = html.H2(title) if level == 2 else html.H3(title)
    children: list[Any] = [heading]
    if sub:
        children.append(html.P(sub, className="sub"))
    return html.Section([*children, *content], className=class_name or None)


def notice(title: str, *lines: Any, kind: str = "empty") -> html.Div:
    """A designed empty state: what is missing, why, what to do."""
    return html.Div(
        [html.P(title, className="notice-title"), *[html.P(line) for line in lines]], className=f"notice {kind}"
    )
