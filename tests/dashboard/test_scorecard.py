"""The simulation as it stands in the address; ranks of simulated totals."""

from __future__ import annotations

from decimal import Decimal

from dashboard.pages import scorecard


def test_a_simulation_survives_the_address_and_nonsense_is_left_out() -> None:
    tried = {"a": Decimal("0.55"), "zero_at": Decimal("0.8"), "cap": Decimal("10")}
    assert scorecard.changes(scorecard.written(tried)) == tried
    assert scorecard.written({}) is None
    assert scorecard.changes("a:x_and_;drop:1_and_cap:5") == {"cap": Decimal(5)}
    assert scorecard.numeric('{"a": 0.5, "step": "linear"}') == {"a": Decimal("0.5")}


def test_simulated_totals_add_what_counts_and_ties_share_a_rank() -> None:
    rows = [
        {"township_code": unit, "simulated_score": value}
        for unit, value in (("a", Decimal(5)), ("a", None), ("b", Decimal(3)), ("b", Decimal(2)), ("c", Decimal(1)))
    ] + [{"township_code": "d", "simulated_score": None}]
    sums = scorecard.totals(rows)
    assert sums == {"a": 5, "b": 5, "c": 1, "d": None}
    assert scorecard.places(sums) == {"a": 1, "b": 1, "c": 3}
