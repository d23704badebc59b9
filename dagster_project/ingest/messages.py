"""Texts for people that ingest, audit and the command line give, in Chinese and English.

Belongs here: looking up a row of messages.csv and filling its fields; making an Issue from it.
Does not belong here: the texts themselves (seeds/reference/messages.csv), texts of pages (dashboard/i18n).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dagster_project.ingest.model import Issue, Severity
from dagster_project.reference import Reference


class MessageError(KeyError):
    """A programming error: the key or one of its fields does not exist."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Messages:
    """Rows of messages.csv: key → (zh, en). Picklable, so that child processes carry it."""

    texts: dict[str, tuple[str, str]]

    @classmethod
    def load(cls, reference: Reference) -> Messages:
        return cls({row["key"]: (row["zh"], row["en"]) for row in reference.rows("messages")})

    def render(self, key: str, **fields: Any) -> tuple[str, str]:
        """Both languages of one message; raises MessageError on an unknown key or a missing field."""
        try:
            zh, en = self.texts[key]
        except KeyError:
            raise MessageError(f"messages.csv has no row with key {key!r}") from None
        try:
            return zh.format_map(fields), en.format_map(fields)
        except KeyError as missing:
            raise MessageError(f"messages.csv, {key}: the text asks for field {missing}, which was not given") from None

    def word(self, key: str, otherwise: str) -> tuple[str, str]:
        """A word that a deployment may have a text for, in both languages; else `otherwise` in both."""
        return self.texts.get(key, (otherwise, otherwise))

    def issue(
        self,
        key: str,
        severity: Severity,
        *,
        sheet: str | None = None,
        cell: str | None = None,
        raw_text: str | None = None,
        **fields: Any,
    ) -> Issue:
        """An Issue whose rule is the message's key; `sheet`, `cell` and `raw` are fields of the text too."""
        zh, en = self.render(key, **{"sheet": sheet or "", "cell": cell or "", "raw": raw_text or "", **fields})
        return Issue(key, severity, zh, en, sheet=sheet, cell=cell, raw_text=raw_text)
