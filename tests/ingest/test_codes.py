"""Identifiers: the vectors of domain.md D.4 and what Excel does to codes (I.14)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.ingest.codes import (
    CREDIT_ALPHABET,
    EatenCode,
    credit_check_symbol,
    judge,
    organisation_check_symbol,
    organisation_part,
    township_part,
)

SOUND_CREDIT = [
    "91110000101623741K",
    "911101066976941872",
    "91350100M000100Y43",
    "91520181780000246Y",
    "915201817800003690",
]
SOUND_ORGANISATION = [
    "78305975-3",
    "743719761",
    "074951247",
    "L6005760X",
    "06487003X",
    "664198400",
    "D2143569X",
]


@pytest.mark.parametrize("code", SOUND_CREDIT)
def test_sound_credit_codes(code: str) -> None:
    judged = judge(code)
    assert (judged.kind, judged.check) == ("credit", True)


@pytest.mark.parametrize("code", SOUND_ORGANISATION)
def test_sound_organisation_codes(code: str) -> None:
    judged = judge(code)
    assert (judged.kind, judged.check) == ("organisation", True)


@pytest.mark.parametrize("code", SOUND_CREDIT)
def test_the_inner_part_is_a_sound_organisation_code(code: str) -> None:
    assert judge(organisation_part(code)).check is True


def test_a_real_code_whose_check_digit_fails_is_taken() -> None:
    judged = judge("91350211M0000XUF46")
    assert (judged.kind, judged.check) == ("credit", False)
    assert credit_check_symbol("91350211M0000XUF4") == "R"
    assert judge("E0000000-X").check is False and organisation_check_symbol("E0000000") == "2"


@pytest.mark.parametrize("text", ["9.15202E+17", "9.15202e17", "9.1529901780001E+17", "915299017800010000"])
def test_eaten_codes_are_refused(text: str) -> None:
    with pytest.raises(EatenCode):
        judge(text)


def test_a_lost_leading_zero_is_put_back_where_the_check_digit_proves_it() -> None:
    judged = judge("74951247")
    assert (judged.text, judged.kind, judged.check, judged.was_padded) == ("074951247", "organisation", True, True)
    assert judge("74951248").kind == "other"


def test_branches_and_blanks_and_look_alikes() -> None:
    assert judge("78305975B").kind == "branch"
    assert judge(" 91520181 7800 00246y ").text == "91520181780000246Y"
    assert judge("9152O181780000246Y").suggestion == "91520181780000246Y"


def test_region_codes() -> None:
    assert township_part("529901001000") == "529901001"
    assert township_part("529901001") == "529901001"
    assert township_part("529901") is None


@given(st.text(alphabet=CREDIT_ALPHABET, min_size=17, max_size=17), st.integers(0, 16), st.integers(1, 30))
def test_one_wrong_symbol_is_always_noticed(first: str, place: int, shift: int) -> None:
    symbol = credit_check_symbol(first)
    wrong = CREDIT_ALPHABET[(CREDIT_ALPHABET.index(first[place]) + shift) % 31]
    assert credit_check_symbol(first[:place] + wrong + first[place + 1 :]) != symbol


@given(st.text(max_size=24))
def test_no_text_breaks_the_judge(text: str) -> None:
    with contextlib.suppress(EatenCode):
        judge(text)
