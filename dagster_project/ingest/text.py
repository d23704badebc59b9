"""Text as it is compared: width, blanks and case evened out.

Belongs here: normalising what cells hold so that equal words compare equal, splitting lines into parts.
Does not belong here: which words mean what (seeds/reference/, vocabulary.py), numbers (values.py).
"""

from __future__ import annotations

import re
import unicodedata

# Compatibility forms that carry a meaning of their own and must not be folded (domain.md C.2): circled order
# numbers, the ellipsis that says "below the unit of the table", half-width ideographic full stops.
_KEPT = {chr(code) for code in range(0x2460, 0x2474)} | {"\u2026", "\uff61", "\u3003", "\u2033", "\u22ef"}
_BLANK = re.compile(r"[\s\u00a0\u3000\u200b-\u200d\ufeff]+")
_PARTS = re.compile(r"[\n\r\t]+|[ \u00a0\u3000]{2,}|\u3000+")
_CACHE_LIMIT = 50_000

_even_cache: dict[str, str] = {}
_normal_cache: dict[str, str] = {}


def even_width(text: str) -> str:
    """Full-width letters, digits and signs become half-width; minus signs become '-'; blanks stay."""
    known = _even_cache.get(text)
    if known is not None:
        return known
    if text.isascii():
        result = text
    else:
        result = "".join(
            character if character in _KEPT or character.isascii() else unicodedata.normalize("NFKC", character)
            for character in text
        ).replace("\u2212", "-")
    if len(_even_cache) > _CACHE_LIMIT:
        _even_cache.clear()
    _even_cache[text] = result
    return result


def normalise(text: str) -> str:
    """The form in which words are looked up: even width, no blanks at all, lower case."""
    known = _normal_cache.get(text)
    if known is not None:
        return known
    result = _BLANK.sub("", even_width(text)).lower()
    if len(_normal_cache) > _CACHE_LIMIT:
        _normal_cache.clear()
    _normal_cache[text] = result
    return result


def one_line(text: str) -> str:
    """Even width, each run of blanks a single space, none at the ends: for patterns that need word borders."""
    return _BLANK.sub(" ", even_width(text)).strip()


def parts(text: str) -> list[str]:
    """What one cell holds side by side: 'Title   2026   Unit: t' → its pieces, in order, none empty."""
    return [piece.strip() for piece in _PARTS.split(text) if piece and piece.strip()]
