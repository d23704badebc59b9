"""The view stands in the address, and survives it."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from dashboard import state
from dashboard.state import State

TOKENS = st.from_regex(r"[0-9A-Za-z_.\-' &乡]{1,20}", fullmatch=True)
STATES = st.builds(
    State,
    period=st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1)).map(lambda day: day.replace(day=1)),
    township=st.none() | TOKENS,
    enterprise=st.none() | TOKENS,
    indicator=st.none() | TOKENS,
    basis=st.none() | st.sampled_from(state.BASES),
    as_of=st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    lang=st.sampled_from(state.LANGUAGES),
    unit=st.none() | st.sampled_from(state.MONEY_UNITS) | TOKENS,
    submission=st.none() | TOKENS,
    months=st.none() | st.sampled_from([13, 24, 36]),
    whatif=st.none() | TOKENS,
    cell=st.none() | st.sampled_from(["Sheet1!E5", "1月 (改)!AA120", "a!b!C1"]),
)


@given(STATES)
def test_reading_what_was_written_gives_the_same_state(value: State) -> None:
    assert state.parse("?" + state.query(value)) == value


@given(st.text(max_size=200))
def test_any_address_is_read_without_an_error(search: str) -> None:
    parsed = state.parse("?" + search)
    assert parsed.lang in state.LANGUAGES
    assert parsed.basis in (None, *state.BASES)


def test_an_impossible_month_counts_as_not_said() -> None:
    assert state.parse("?period=2026-13").period is None
    assert state.parse("?period=0000-01").period is None
    assert state.parse("?lang=de&basis=other&township=<b>") == State()


def test_too_many_fields_are_not_read() -> None:
    assert state.parse("?" + "&".join(f"x{n}=1" for n in range(500))) == State()


def test_links_keep_the_state_and_change_what_they_name() -> None:
    view = State(period=date(2026, 10, 1), lang="en", basis="reported")
    assert state.href("/township", view, township="529901101") == (
        "/township?period=2026-10&township=529901101&basis=reported&lang=en"
    )
    assert state.href("/", State()) == "/"
