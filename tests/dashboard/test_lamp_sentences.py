"""What stands beside a lamp where a percentage says nothing, or not everything (domain.md B.3).

Belongs here: the sentence. Does not belong here: the lamp itself (dbt unit tests).
"""

from __future__ import annotations

from typing import Any

import pytest

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.data.catalogue import catalogue
from dashboard.data.store import Snapshot, Store
from dashboard.i18n import Translator
from dashboard.state import State
from dashboard.view import View

CAP: dict[str, Any] = {"indicator_code": "SA01", "target_form": "cap", "time_progress_pct": 50.0}
LIST: dict[str, Any] = {"indicator_code": "EN01", "target_form": "reduction", "gap_pp": 1.0, "lamp": "green"}


@pytest.mark.parametrize(
    ("row", "zh", "en"),
    [
        (CAP | {"lamp": "red", "value_ytd": 2, "target_value": 0}, "0控制，已发生 2 起", "limit of zero, 2"),
        (CAP | {"lamp": "yellow", "value_ytd": 2, "target_value": 2}, "全年控制 2", "limit for the year 2"),
        (LIST | {"reported_units": 11, "expected_units": 12}, "口径不全：应报 12 家，两项数齐全的 11 家", "11 of 12"),
    ],
)
def test_a_limit_of_zero_and_a_list_that_is_not_whole_are_said(
    small_home: Settings, row: dict[str, Any], zh: str, en: str
) -> None:
    for lang, text in (("zh", zh), ("en", en)):
        assert text in sentence(small_home, lang, row)


def test_a_whole_list_says_nothing_of_it(small_home: Settings) -> None:
    assert "口径" not in sentence(small_home, "zh", LIST | {"reported_units": 12, "expected_units": 12})


def sentence(settings: Settings, lang: str, row: dict[str, Any]) -> str:
    def say(snapshot: Snapshot) -> str:
        known = catalogue(snapshot)
        assert known.latest is not None
        return View("/", State(), snapshot, known, Translator(lang), known.latest, frozenset()).lamp_sentence(row)

    return Store(PublishedReader(settings)).draw(say)
