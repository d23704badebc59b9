"""Texts of pages: zh.csv and en.csv (key, text with {fields}).

Belongs here: looking a text up and filling it. Does not belong here: names of indicators and places (dimensions),
texts of ingest, audit and the command line (seeds/reference/messages.csv).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent


@lru_cache(maxsize=4)
def texts(lang: str) -> dict[str, str]:
    """Every text of a language by key."""
    with (FOLDER / f"{lang}.csv").open(encoding="utf-8", newline="") as handle:
        return {row["key"]: row["text"] for row in csv.DictReader(handle)}


class Translator:
    """`t(key, n=3)` in one language; a missing key raises KeyError, so that no page shows a bare key."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._texts = texts(lang)

    def __call__(self, key: str, **fields: object) -> str:
        return self._texts[key].format(**fields) if fields else self._texts[key]

    def has(self, key: str) -> bool:
        return key in self._texts

    def join(self, parts: Iterable[str]) -> str:
        return self._texts["list.separator"].join(parts)
