"""What an alert says, by messages.csv, in the channel's language.

Belongs here: from facts to a Message. Does not belong here: facts (due.py, orchestration/), formats of services.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from dagster_project.alerts.due import Due
from dagster_project.alerts.formats import Message
from dagster_project.commands.texts import Texts
from dagster_project.settings import Settings

NAMES = 12
LISTED = 8
Make = Callable[[str, str], Message]


def _said(texts: Texts, lang: str, key: str, **fields: object) -> str:
    return texts.pair(key, **fields)[lang == "en"]


def _link(address: str, path: str, lang: str) -> str:
    if not address:
        return ""
    return f"{address}{path}{'&' if '?' in path else '?'}lang={lang}"


def failed(settings: Settings, job: str, when: str, reason: str, run_id: str) -> Make:
    """A run that failed: what at, what to do, where to look."""
    texts = Texts(settings.seeds)
    # Said below in the channel's own language.
    reason = reason.replace(texts.lines("run.next_step"), "")

    def make(lang: str, _address: str) -> Message:
        parts = [line.strip() for line in reason.splitlines() if line.strip()][:LISTED]
        lines = [*parts, _said(texts, lang, "alert.failed_next", run=run_id[:8])]
        return Message(_said(texts, lang, "alert.failed_title", job=job, when=when), tuple(lines))

    return make


def errors(settings: Settings, version: str, counts: dict[str, int], rejected: Sequence[str]) -> Make:
    """A refresh that took in workbooks with errors: how many, which files."""
    texts = Texts(settings.seeds)

    def make(lang: str, address: str) -> Message:
        lines = [_said(texts, lang, "alert.errors_counts", **counts)]
        lines += [f"- {name}" for name in rejected[:LISTED]]
        if len(rejected) > LISTED:
            lines.append(_said(texts, lang, "alert.more", n=len(rejected) - LISTED))
        title = _said(texts, lang, "alert.errors_title", errors=counts["errors"], version=version)
        return Message(title, tuple(lines), _link(address, "/quality", lang))

    return make


def due(settings: Settings, today: date, owed: Sequence[Due]) -> Make:
    """What is due or overdue, and who has not reported."""
    texts = Texts(settings.seeds)

    def line(lang: str, entry: Due) -> str:
        days = (entry.due_on - today).days
        key = "alert.due_today" if days == 0 else "alert.due_in" if days > 0 else "alert.due_since"
        when = _said(texts, lang, key, days=abs(days), day=entry.due_on.isoformat())
        names = entry.silent_names(lang)
        more = _said(texts, lang, "alert.more", n=len(names) - NAMES) if len(names) > NAMES else ""
        joint = ", " if lang == "en" else _said(texts, lang, "alert.joint")
        return _said(
            texts,
            lang,
            "alert.due_line",
            form=entry.name(lang),
            period=f"{entry.period:%Y-%m}",
            when=when,
            silent=len(names),
            expected=entry.expected,
            names=joint.join(names[:NAMES]) + more,
        )

    def make(lang: str, address: str) -> Message:
        title = _said(texts, lang, "alert.due_title", n=len(owed), day=today.isoformat())
        lines = tuple(line(lang, entry) for entry in owed)
        return Message(title, lines, _link(address, "/submissions", lang))

    return make


def trial(settings: Settings) -> Make:
    """A message that only says that the channel works."""
    texts = Texts(settings.seeds)
    return lambda lang, address: Message(
        _said(texts, lang, "alert.trial_title"), (_said(texts, lang, "alert.trial"),), _link(address, "/", lang)
    )
