"""Identifiers of enterprises and regions: form, check digits, what Excel does to them (domain.md D.1, D.4).

Belongs here: judging and repairing one identifier, without any register.
Does not belong here: finding the enterprise it belongs to (resolve.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

# GB 32100-2015: the alphabet leaves out I, O, S, V, Z; weights are 3^(i-1) mod 31.
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_VALUE = {symbol: value for value, symbol in enumerate(CREDIT_ALPHABET)}
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
# GB 11714-1997
_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
# What typists confuse with symbols of the alphabet (domain.md C.2).
_LOOK_ALIKE = str.maketrans({"O": "0", "I": "1", "Z": "2", "S": "5", "V": "U"})
_EATEN = re.compile(r"^\d(?:\.\d+)?[eE]\+?\d+$")
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212'\u2018\u2019`]+")

Kind = Literal["credit", "organisation", "branch", "other"]


@dataclass(frozen=True, slots=True)
class Code:
    """One identifier as judged.

    `kind`: credit (18), organisation (9), branch (8 digits and B), other (any other register's number).
    `check`: whether the check digit holds; None where the kind has none.
    `was_padded`: leading zeros that Excel took were put back, proven by the check digit.
    `suggestion`: a code with look-alike symbols replaced whose check digit holds; advice only, never applied.
    """

    text: str
    kind: Kind
    check: bool | None
    was_padded: bool = False
    suggestion: str | None = None


class EatenCode(ValueError):
    """The digits are lost: a long code was stored as a number (9.15202E+17)."""


def credit_check_symbol(first17: str) -> str:
    """The 18th symbol of a credit code; KeyError where a symbol is outside the alphabet."""
    total = sum(_CREDIT_VALUE[symbol] * weight for symbol, weight in zip(first17, _CREDIT_WEIGHTS, strict=True))
    return CREDIT_ALPHABET[(31 - total % 31) % 31]


def organisation_check_symbol(first8: str) -> str:
    """The ninth symbol of an organisation code; ValueError where a symbol is neither digit nor capital."""
    total = sum(
        _ORGANISATION_ALPHABET.index(symbol) * weight
        for symbol, weight in zip(first8, _ORGANISATION_WEIGHTS, strict=True)
    )
    rest = 11 - total % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def _is_organisation_shape(text: str) -> bool:
    return len(text) == 9 and text.isascii() and text.isalnum()


def _organisation_holds(text: str) -> bool:
    try:
        return organisation_check_symbol(text[:8]) == text[8]
    except ValueError:
        return False


def _credit_holds(text: str) -> bool:
    try:
        return credit_check_symbol(text[:17]) == text[17]
    except KeyError:
        return False


@lru_cache(maxsize=20_000)
def judge(raw: str) -> Code:
    """Read one identifier as a cell gives it; raises EatenCode where Excel has lost its digits.

    A check digit that fails is told (`check` False), never a reason to refuse: real companies bear such codes.
    """
    text = _SEPARATORS.sub("", raw).upper()
    if _EATEN.match(_SEPARATORS.sub("", raw.replace("-", ""))):
        raise EatenCode(raw)
    if len(text) == 18 and text.isascii() and text.isalnum():
        if text.isdigit() and text.endswith("000") and not _credit_holds(text):
            # 15 digits survive in a spreadsheet number, the rest comes back as zeros
            raise EatenCode(raw)
        holds = _credit_holds(text)
        suggestion = None
        if not holds:
            candidate = text.translate(_LOOK_ALIKE)
            if candidate != text and _credit_holds(candidate):
                suggestion = candidate
        return Code(text, "credit", holds, suggestion=suggestion)
    if _is_organisation_shape(text):
        if text.endswith("B") and text[:8].isdigit():
            return Code(text, "branch", None)
        return Code(text, "organisation", _organisation_holds(text))
    if text.isdigit() and 5 <= len(text) <= 8:
        padded = text.zfill(9)
        if _organisation_holds(padded):
            return Code(padded, "organisation", True, was_padded=True)
    return Code(text, "other", None)


def organisation_part(credit_code: str) -> str:
    """Symbols 9–17 of a credit code: the organisation code inside it."""
    return credit_code[8:17]


def township_part(region_code: str) -> str | None:
    """The nine digits of the township inside a 9- or 12-digit region code, None for anything else."""
    digits = _SEPARATORS.sub("", region_code)
    return digits[:9] if digits.isdigit() and len(digits) in (9, 12) else None
