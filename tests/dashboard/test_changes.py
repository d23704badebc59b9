"""Page /changes: every month that was revised since leads to its own comparison."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

from dashboard.components import markup
from dashboard.pages.changes import _before, _lamp_effect, _rank_effect


def test_a_month_is_compared_from_a_day_that_knew_it() -> None:
    view: Any = SimpleNamespace(
        catalogue=SimpleNamespace(periods=(date(2026, 5, 1),)), snapshot=SimpleNamespace(day=date(2026, 6, 30))
    )
    revised = date(2026, 10, 19)
    assert _before(view, {"period": date(2026, 5, 1), "first_revised_on": revised}) == date(2026, 6, 30)
    # Of September nothing was known in June: the comparison begins the day before it was revised.
    assert _before(view, {"period": date(2026, 9, 1), "first_revised_on": revised}) == date(2026, 10, 18)


def test_a_correction_tells_what_it_did_to_lamp_and_rank() -> None:
    view: Any = SimpleNamespace(
        catalogue=SimpleNamespace(indicators={"SA02": {"target_form": "cap"}}),
        lamp_word=lambda row: f"{row['target_form']}.{row['lamp']}",
        t=lambda key: {"changes.became": "→"}.get(key, key),
    )
    turned = {
        "indicator_code": "SA02",
        "previous_lamp": "red",
        "new_lamp": "green",
        "previous_rank": 3,
        "new_rank": 1,
    }
    text = " ".join(str(markup.to_html(part)) for part in _lamp_effect(view, turned))
    assert "cap.red" in text and text.index("cap.red") < text.index("→") < text.index("cap.green")
    assert _rank_effect(view, turned) == "3 → 1"
    stayed = {**turned, "previous_lamp": "green", "previous_rank": 1}
    assert str(markup.to_html(_lamp_effect(view, stayed))).count("cap.green") == 1 and _rank_effect(view, stayed) == "1"
    # a cell that decides neither says nothing of them
    silent = dict.fromkeys(("previous_lamp", "new_lamp", "previous_rank", "new_rank")) | {"indicator_code": "SA02"}
    assert (_lamp_effect(view, silent), _rank_effect(view, silent)) == ("—", "—")
