"""Beside Open SDG's progress formula every target of ours has an answer or a stated reason.

Belongs here: a small run of benchmarks/open_sdg.py, its formula, that it can fail. Does not belong here: how a target is
judged (dbt unit tests).
"""

from __future__ import annotations

from pathlib import Path

from benchmarks import open_sdg
from benchmarks.open_sdg import KINDS, Case, Judged


def test_every_kind_of_target_is_judged_or_told_why_not(tmp_path: Path) -> None:
    found = open_sdg.cases(2 * len(KINDS), seed=7)
    mine = open_sdg.ours(found, tmp_path)
    silent = [case for case, judged in zip(found, mine, strict=True) if judged == Judged()]
    assert silent == []
    answered = {case.kind for case, judged in zip(found, mine, strict=True) if judged.answer}
    assert KINDS.keys() - answered == {
        "level, not reported",
        "level, target blank",
        "growth, base zero",
        "growth, base negative",
    }


def test_their_formula() -> None:
    def said(base: float | None, current: float | None, target: float | None, form: str = "level") -> str | None:
        return open_sdg.theirs(Case("", "TE01", "ytd", form, base, current, target)).answer

    assert said(100, 105, 110) == "0.500"
    assert said(0, 5, 10) == "0.500"  # from 0.001: a half of a ten-thousandfold growth
    assert said(-50, 100, 10) is None
    assert said(100, 90, 110, "cap") == "1.000"
    assert said(None, 90, 110) is said(100, None, 110) is said(100, 90, None) is None


def test_a_target_without_a_word_would_be_seen() -> None:
    (row, total) = open_sdg.table([Case("cap", "SA01", "ytd", "cap", 1, 1, 1)], [Judged()], [Judged(answer="1")])
    assert (row["ours_neither"], total["ours_neither"]) == (1, 1)
