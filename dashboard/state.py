"""What a view shows, as it stands in the address.

Belongs here: reading the query string into a State, and writing links that keep it (design.md 3.6).
Does not belong here: whether a township or a period exists (pages ask the data), texts, components.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from datetime import date
from urllib.parse import parse_qsl, quote_plus

LANGUAGES = ("zh", "en")
BASES = ("comparable", "reported")
MONEY_UNITS = ("yi", "wan")
_PERIOD = re.compile(r"(\d{4})-(\d{2})")
_PLAIN = re.compile(r"[0-9A-Za-z_.\-]+")
_CELL = re.compile(r"[^\x00-\x1f\x7f-\x9f<>]{1,160}![A-Z]{1,3}[1-9]\d{0,6}")
_TOKEN = re.compile(r"[^\x00-\x1f\x7f-\x9f<>]{1,64}")


@dataclass(frozen=True, slots=True)
class State:
    """One view. `None` means: not said in the address, the page takes its default.

    `period` is the first day of a month; `unit` is the money unit shown (yi: 100 million yuan, wan: 10,000 yuan) or, for
    the trace, a unit's code; `months` is the length of a time series.
    """

    period: date | None = None
    township: str | None = None
    enterprise: str | None = None
    indicator: str | None = None
    basis: str | None = None
    as_of: date | None = None
    lang: str = "zh"
    unit: str | None = None
    submission: str | None = None
    months: int | None = None
    # a simulation of the appraisal: parameters of the indicator's rule, as `a:1_and_cap:5`
    whatif: str | None = None
    # an earlier published version, such as the one that a closed month is frozen with
    version: str | None = None
    # a cell of `submission` whose sheet is shown on the trace, as `Sheet1!E5`
    cell: str | None = None

    @property
    def basis_or_default(self) -> str:
        """Comparable is the basis of attainment and rank (domain.md J.2)."""
        return self.basis or BASES[0]

    @property
    def money(self) -> str | None:
        return self.unit if self.unit in MONEY_UNITS else None


FIELDS = tuple(field.name for field in fields(State))


def _period(text: str) -> date | None:
    match = _PERIOD.fullmatch(text)
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2]), 1)
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse(search: str | None) -> State:
    """Read a query string; what cannot be understood counts as not said. Never raises."""
    try:
        pairs = dict(parse_qsl((search or "").lstrip("?"), max_num_fields=40))
    except ValueError:
        pairs = {}

    def token(name: str) -> str | None:
        text = pairs.get(name, "")
        return text if _TOKEN.fullmatch(text) else None

    months = pairs.get("months", "")
    return State(
        period=_period(pairs.get("period", "")),
        township=token("township"),
        enterprise=token("enterprise"),
        indicator=token("indicator"),
        basis=pairs["basis"] if pairs.get("basis") in BASES else None,
        as_of=_day(pairs.get("as_of", "")),
        lang=pairs["lang"] if pairs.get("lang") in LANGUAGES else "zh",
        unit=token("unit"),
        submission=token("submission"),
        months=int(months) if months in ("13", "24", "36") else None,
        whatif=token("whatif"),
        version=token("version"),
        cell=pairs["cell"] if _CELL.fullmatch(pairs.get("cell", "")) else None,
    )


def query(state: State) -> str:
    """The query string of a state, without what equals the default; empty where nothing is said."""
    pairs: list[str] = []
    for name in FIELDS:
        value = getattr(state, name)
        if value is None or (name == "lang" and value == "zh"):
            continue
        if name == "period":
            value = f"{value:%Y-%m}"
        text = str(value)
        pairs.append(f"{name}={text if _PLAIN.fullmatch(text) else quote_plus(text)}")
    return "&".join(pairs)


def href(path: str, state: State, **changes: object) -> str:
    """A plain address of `path` that keeps the state, with `changes`."""
    text = query(replace(state, **changes))  # type: ignore[arg-type]
    return f"{path}?{text}" if text else path
