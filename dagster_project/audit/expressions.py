"""The notation of audit relations: arithmetic over indicator codes, compiled once to closures.

Belongs here: parsing and evaluating the expressions of audit_relations.csv.
Does not belong here: which relations there are (data), what happens when one does not hold (rules_relations.py).

Notation: numbers, indicator codes, + - * / and parentheses; `tau` (month / 12), `capacity` (the register's, t a year);
`prev(x)` the month before in the same year, `start(x)` last December, `lastyear(x)` twelve months before,
`growth(x)` % against the printed base, else against last year. A figure that is unknown makes the whole unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>[-+*/()]))")
_SHIFTS = ("prev", "start", "lastyear")
# Functions and symbols that a sentence has to say in words (messages audit.notation.*).
PHRASES = (*_SHIFTS, "growth", "tau", "capacity")


class NotationError(ValueError):
    """An expression of audit_relations.csv cannot be read; the message shows it."""


class Scope(Protocol):
    """What an expression is evaluated over: one unit and month, for one measure."""

    def figure(self, code: str, shift: str | None) -> float | None: ...

    def growth(self, code: str) -> float | None: ...

    def symbol(self, name: str) -> float | None: ...


Evaluator = Callable[[Scope], float | None]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression; `codes` are the indicators it names now, `shifted` those it takes from the past."""

    text: str
    evaluate: Evaluator
    codes: tuple[str, ...]
    shifted: tuple[str, ...]


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        position = 0
        stripped = text.rstrip()
        while position < len(stripped):
            match = _TOKEN.match(stripped, position)
            if match is None:
                raise NotationError(f"cannot read {text!r} at position {position}")
            kind = match.lastgroup or ""
            self.tokens.append((kind, match.group(kind)))
            position = match.end()
        self.at = 0
        self.codes: list[str] = []
        self.shifted: list[str] = []

    def parse(self) -> Expression:
        evaluate = self.sum(None)
        if self.at != len(self.tokens):
            raise NotationError(f"{self.text!r}: unexpected {self.tokens[self.at][1]!r}")
        return Expression(self.text, evaluate, tuple(dict.fromkeys(self.codes)), tuple(dict.fromkeys(self.shifted)))

    def peek(self) -> str | None:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else None

    def take(self, expected: str | None = None) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise NotationError(f"{self.text!r} ends too early")
        token = self.tokens[self.at]
        if expected is not None and token[1] != expected:
            raise NotationError(f"{self.text!r}: expected {expected!r}, read {token[1]!r}")
        self.at += 1
        return token

    def sum(self, shift: str | None) -> Evaluator:
        left = self.product(shift)
        while self.peek() in ("+", "-"):
            left = _combine(self.take()[1], left, self.product(shift))
        return left

    def product(self, shift: str | None) -> Evaluator:
        left = self.atom(shift)
        while self.peek() in ("*", "/"):
            left = _combine(self.take()[1], left, self.atom(shift))
        return left

    def atom(self, shift: str | None) -> Evaluator:
        kind, text = self.take()
        if text == "-":
            inner = self.atom(shift)
            return _combine("-", lambda scope: 0.0, inner)
        if text == "(":
            inner = self.sum(shift)
            self.take(")")
            return inner
        if kind == "number":
            number = float(text)
            return lambda scope: number
        if kind != "name":
            raise NotationError(f"{self.text!r}: unexpected {text!r}")
        if text in _SHIFTS:
            self.take("(")
            inner = self.sum(text)
            self.take(")")
            return inner
        if text == "growth":
            self.take("(")
            code = self.take()[1]
            self.take(")")
            self.codes.append(code)
            return lambda scope: scope.growth(code)
        if text.islower():
            return lambda scope: scope.symbol(text)
        (self.shifted if shift else self.codes).append(text)
        return lambda scope: scope.figure(text, shift)


def _combine(sign: str, left: Evaluator, right: Evaluator) -> Evaluator:
    def evaluate(scope: Scope) -> float | None:
        a = left(scope)
        if a is None:
            return None
        b = right(scope)
        if b is None:
            return None
        if sign == "+":
            return a + b
        if sign == "-":
            return a - b
        if sign == "*":
            return a * b
        return a / b if b else None

    return evaluate


def compile_expression(text: str) -> Expression:
    """Compiles one side of a relation; raises NotationError."""
    return _Parser(text).parse()


def parse_range(text: str) -> tuple[float, float]:
    """`5..80` → (5.0, 80.0); raises NotationError."""
    low, _, high = text.partition("..")
    try:
        return float(low), float(high)
    except ValueError:
        raise NotationError(f"cannot read the range {text!r}; write it as 5..80") from None
