"""Static parts of pages become HTML: escaped, complete, and only pointing to this server."""

from __future__ import annotations

from html.parser import HTMLParser

import dash
import pytest
from dash import dcc
from hypothesis import given
from hypothesis import strategies as st

from dashboard.components import html
from dashboard.components.links import attribute, link
from dashboard.components.markup import Live, Markup, flatten, to_html


class Reader(HTMLParser):
    """What a browser would see: texts, tags and attribute values."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


# A carriage return is a line break in HTML, and a null character none of its text.
TEXT = st.text(alphabet=st.characters(exclude_characters="\r\x00", exclude_categories=("Cs",)), max_size=60)


@given(TEXT, TEXT)
def test_text_and_attributes_come_out_as_they_went_in(text: str, title: str) -> None:
    """What stood in a cell of a workbook is never markup."""
    seen = Reader(to_html(html.Td(text, title=title or None, className="num")))
    assert seen.tags == ["td"]
    assert "".join(seen.texts) == text
    assert seen.attributes[0].get("title", "") == title
    assert seen.attributes[0]["class"] == "num"


def test_names_of_attributes_are_those_of_html() -> None:
    cell = html.Th("x", colSpan=2, rowSpan=3, scope="col", **attribute("aria-label", "y"))
    assert to_html(cell) == '<th aria-label="y" colspan="2" rowspan="3" scope="col">x</th>'
    assert to_html(html.P(["a", html.Br(), 1, None, [html.Strong("b")]])) == "<p>a<br>1<strong>b</strong></p>"
    assert to_html(html.Details("x", open=True)) == "<details open>x</details>"


def test_links_keep_their_address_and_say_when_they_load_anew() -> None:
    assert to_html(link("x", "/a?b=1&c=2")) == '<a href="/a?b=1&amp;c=2">x</a>'
    assert to_html(link("x", "/a", reload=True)) == '<a data-reload="true" href="/a">x</a>'


@pytest.mark.parametrize("href", ["https://example.org/", "//example.org/", "javascript:alert(1)", "data:text/html,x"])
def test_a_link_never_leaves_this_server(href: str) -> None:
    with pytest.raises(ValueError, match="server"):
        to_html(html.A("x", href=href))


def test_an_image_is_inline() -> None:
    with pytest.raises(ValueError, match="inline"):
        to_html(html.Img(src="https://example.org/x.png"))


def test_an_unknown_attribute_is_an_error_not_a_silence() -> None:
    with pytest.raises(ValueError, match="contentEditable"):
        to_html(html.Div("x", contentEditable="true"))


def test_what_lives_in_the_browser_stays_a_component() -> None:
    chart = dcc.Graph(id="chart")
    page = flatten(html.Div([html.P("a"), html.P("b"), html.Div(["c", chart]), html.P("d")]))
    first, middle, last = page.children
    assert isinstance(first, Markup) and first.html == "<p>a</p><p>b</p>"
    assert isinstance(last, Markup) and last.html == "<p>d</p>"
    assert middle.children[0].html == "c" and middle.children[1] is chart
    assert isinstance(middle, dash.html.Div), "what holds a component is one that the browser knows"
    with pytest.raises(Live, match="Graph"):
        to_html(chart)


def test_a_static_page_is_one_piece() -> None:
    assert isinstance(flatten(html.Div([html.P("a"), html.Ul([html.Li("b")])])), Markup)
