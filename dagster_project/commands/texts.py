"""Texts of the command line in both languages, and where they are printed.

Belongs here: looking up the `cli.` and `run.` rows of messages.csv, writing to stdout and stderr.
Does not belong here: texts of intake and audit (ingest/messages.py renders those), wording itself (seeds/reference/).

The lookup reads one file instead of the whole reference folder: `tew refresh` with nothing new must answer at once,
and an error about broken reference data must still find its words.
"""

from __future__ import annotations

import csv
import sys
from functools import cached_property
from pathlib import Path

from dagster_project.settings import PROJECT_ROOT

MESSAGES_FILE = "messages.csv"


def _read(path: Path) -> dict[str, tuple[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            return {
                row["key"]: (row.get("zh") or "", row.get("en") or "")
                for row in csv.DictReader(handle)
                if row.get("key")
            }
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}


class Texts:
    """Messages of a deployment; a key that the deployment lacks is taken from the project's own folder."""

    def __init__(self, seeds: Path) -> None:
        self._seeds = seeds

    @cached_property
    def _rows(self) -> dict[str, tuple[str, str]]:
        own = _read(PROJECT_ROOT / "seeds" / "reference" / MESSAGES_FILE)
        return {**own, **_read(self._seeds / MESSAGES_FILE)}

    def pair(self, key: str, **fields: object) -> tuple[str, str]:
        """(zh, en) of `key` with `fields` filled in; raises KeyError for an undeclared key."""
        zh, en = self._rows[key]
        return zh.format(**fields), en.format(**fields)

    def lines(self, key: str, **fields: object) -> str:
        """Both languages, one below the other; one line where they are the same."""
        zh, en = self.pair(key, **fields)
        return zh if zh == en else f"{zh}\n{en}"

    def as_dict(self, key: str, **fields: object) -> dict[str, str]:
        """`{key, message_zh, message_en}` for `--json`."""
        zh, en = self.pair(key, **fields)
        return {"key": key, "message_zh": zh, "message_en": en}


class CommandError(Exception):
    """A command could not be done (exit 1); carries the row of messages.csv that says what is at fault and where."""

    def __init__(self, key: str, **fields: object) -> None:
        super().__init__(key)
        self.key = key
        self.fields = fields


def out(text: str) -> None:
    """A result, to stdout."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Progress or an error, to stderr, at once."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
