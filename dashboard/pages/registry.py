"""The pages that exist, in the order of the navigation.

Belongs here: address, name and render function of each page. Does not belong here: a page that is not built yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboard.pages import (
    changes,
    coal,
    dictionary,
    energy,
    enterprise,
    overview,
    quality,
    safety,
    scorecard,
    submissions,
    township,
    trace,
    wall,
)
from dashboard.pages.page import Page
from dashboard.view import View


@dataclass(frozen=True, slots=True)
class Entry:
    """One page: its address, the key of its name (i18n), the function that draws it, whether the navigation lists it.

    `compares`: it sets an earlier day beside the present, so it also shows a month that was not yet known on that day.
    """

    path: str
    key: str
    render: Callable[[View], Page]
    is_listed: bool = True
    compares: bool = False


PAGES: tuple[Entry, ...] = (
    Entry("/", "nav.overview", overview.render),
    Entry("/township", "nav.township", township.render),
    Entry("/enterprise", "nav.enterprise", enterprise.render),
    Entry("/safety", "nav.safety", safety.render),
    Entry("/coal", "nav.coal", coal.render),
    Entry("/energy", "nav.energy", energy.render),
    Entry("/scorecard", "nav.scorecard", scorecard.render),
    Entry("/submissions", "nav.submissions", submissions.render),
    Entry("/quality", "nav.quality", quality.render),
    Entry("/trace", "nav.trace", trace.render),
    Entry("/dictionary", "nav.dictionary", dictionary.render),
    # Reached from the banner of an earlier day.
    Entry("/changes", "nav.changes", changes.render, is_listed=False, compares=True),
)
# A screen of its own, without the frame and not in the navigation.
WALL = Entry(wall.PATH, "nav.wall", wall.render)
BY_PATH: dict[str, Entry] = {entry.path: entry for entry in (*PAGES, WALL)}


def find(path: str | None) -> Any:
    """The page at an address, None where there is none; a trailing slash does not matter."""
    return BY_PATH.get((path or "/").rstrip("/") or "/")
