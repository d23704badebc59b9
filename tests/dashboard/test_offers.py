"""A page offers its reader only what the reader's role may do: no download and no drop zone that would be refused."""

from __future__ import annotations

from dataclasses import replace

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.app import draw
from dashboard.components.markup import Markup
from dashboard.data.scope import WHOLE, Scope
from dashboard.data.store import Store
from dashboard.i18n import Translator


def shown(settings: Settings, path: str, scope: Scope, search: str = "") -> str:
    store = Store(PublishedReader(settings), scope_of=lambda: scope)
    frame, _ = draw(store, path, search)
    # A page with a drawn chart is a tree of components, any other one piece of markup.
    return str(frame.html) if isinstance(frame, Markup) else str(frame)


def test_downloads_and_the_drop_zone_stand_only_for_who_may_use_them(small_home: Settings) -> None:
    looker = replace(WHOLE, takes_out=False, hands_in=False)
    for path in ("/", "/township", "/safety"):
        assert "/export/" in shown(small_home, path, WHOLE)
        assert "/export/" not in shown(small_home, path, looker)
    township = "?township=529901101"
    assert "data-picture=" in shown(small_home, "/township", WHOLE, township)
    assert "data-picture=" not in shown(small_home, "/township", looker, township)
    assert "data-submit=" in shown(small_home, "/submissions", WHOLE)
    looked = shown(small_home, "/submissions", looker)
    assert "data-submit=" not in looked and "data-template=" not in looked
    assert Translator("zh")("submit.not_yours") in looked
