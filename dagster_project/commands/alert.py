"""`tew alert test`, `tew alert due`: try the channels; what is due and who has not reported. Printing only.

Belongs here: telling what was sent. Does not belong here: channels, formats, sending (alerts/), when (orchestration/).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

from dagster_project.alerts import due, send, texts
from dagster_project.commands.texts import CommandError, Texts, note, out
from dagster_project.reference import load_reference
from dagster_project.settings import Settings


def _told(settings: Settings, done: send.Sent, as_json: bool) -> int:
    if as_json:
        out(json.dumps(vars(done), ensure_ascii=False))
    else:
        said = Texts(settings.seeds)
        for name in done.sent:
            out(said.lines("alert.sent", channel=name))
        for name in (*done.already, *done.given_up):
            note(said.lines("alert.not_again", channel=name))
        for name, problem in done.failed.items():
            note(said.lines("alert.not_sent", channel=name, problem=problem))
    return 1 if done.failed else 0


def test(settings: Settings, names: Sequence[str], *, as_json: bool) -> int:
    """Send a trial message over every channel, or the named ones; 1 where one did not take it."""
    from dagster_project.alerts.channels import FILE, load

    known = [channel.name for channel in load(settings).channels]
    if not known or set(names) - set(known):
        raise CommandError("alert.no_channel", file=FILE, known=", ".join(known) or "-")
    return _told(settings, send.test(settings, texts.trial(settings), names), as_json)


def reminders(settings: Settings, day: date | None, *, send_them: bool, as_json: bool) -> int:
    """List what is owed on `day` (today); with `send_them`, tell the channels, once a day."""
    reference = load_reference(settings.seeds)
    today = day or due.local_today(reference)
    if send_them:
        return _told(settings, remind(settings, today), as_json)
    dates = due.dated(reference, today, -31, max(0, *(-offset for offset in due.offsets(reference))))
    owed = due.owed(settings, reference, dates)
    if as_json:
        rows = [
            {
                "form_code": entry.form_code,
                "period": f"{entry.period:%Y-%m}",
                "due_on": entry.due_on.isoformat(),
                "expected": entry.expected,
                "silent": [unit for unit, _, _ in entry.silent],
            }
            for entry in owed
        ]
        out(json.dumps(rows, ensure_ascii=False))
        return 0
    made = texts.due(settings, today, [entry for entry in owed if entry.silent])
    for lang in ("zh", "en"):
        message = made(lang, "")
        out("\n".join([message.title, *message.lines]))
    return 0


def remind(settings: Settings, today: date) -> send.Sent:
    """Tell the channels what people are to be reminded of on `today`; nothing where nobody owes anything."""
    owed = due.reminders(settings, load_reference(settings.seeds), today)
    if not owed:
        return send.Sent()
    return send.tell(settings, "due", f"due {today.isoformat()}", texts.due(settings, today, owed))
