"""Sending a message over a channel, and not twice.

Belongs here: HTTP and SMTP with retries, the memory of what was sent. Does not belong here: what is said (texts.py, due.py).

A message has a key; a channel is told a key once, and the same key again only after it was forgotten (`FORGET_DAYS`). Where a
channel does not take it, it is tried again with the next call, at most MAX_ATTEMPTS times: no event makes a storm.
"""

from __future__ import annotations

import json
import smtplib
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dagster_project.alerts.channels import Channel, load
from dagster_project.alerts.formats import Message, mail, refusal, request
from dagster_project.settings import Settings
from dagster_project.warehouse.archive import utc_now
from dagster_project.warehouse.files import read_json, write_json
from dagster_project.warehouse.lock import file_lock

TIMEOUT_S = 8.0
# Within one call: a network that stumbles, a service that is busy.
PAUSES_S = (1.0, 3.0)
MAX_ATTEMPTS = 5
FORGET_DAYS = 40
BUSY = (429, 500, 502, 503, 504)


class NotSent(RuntimeError):
    """A channel did not take a message; the text holds no secret. `is_passing`: worth trying again at once."""

    def __init__(self, channel: Channel, problem: str, *, is_passing: bool) -> None:
        super().__init__(channel.hide(problem))
        self.channel = channel.name
        self.is_passing = is_passing


@dataclass
class Sent:
    """What one call did, by names of channels; `failed` with the reason."""

    sent: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    given_up: list[str] = field(default_factory=list)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A secret address must not be carried to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _post(channel: Channel, message: Message) -> None:
    url, body = request(channel, message, time.time())
    content = json.dumps(body, ensure_ascii=False).encode()
    asked = urllib.request.Request(url, content, {"Content-Type": "application/json; charset=utf-8"}, method="POST")
    try:
        with urllib.request.build_opener(_NoRedirect).open(asked, timeout=TIMEOUT_S) as answer:
            text = answer.read(100_000)
    except urllib.error.HTTPError as error:
        raise NotSent(channel, f"HTTP {error.code}", is_passing=error.code in BUSY) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NotSent(channel, f"{type(error).__name__}: {reason}", is_passing=isinstance(error, OSError)) from None
    try:
        problem = refusal(json.loads(text))
    except ValueError:
        problem = "the answer is no JSON"
    if problem is not None:
        raise NotSent(channel, problem, is_passing=False)


def _mail(channel: Channel, message: Message) -> None:
    context = ssl.create_default_context()
    try:
        if channel.security == "ssl":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(channel.host, channel.port, timeout=TIMEOUT_S, context=context)
        else:
            connection = smtplib.SMTP(channel.host, channel.port, timeout=TIMEOUT_S)
        with connection:
            if channel.security == "starttls":
                connection.starttls(context=context)
            if channel.user:
                connection.login(channel.user, channel.password)
            connection.send_message(mail(channel, message))
    except smtplib.SMTPResponseException as error:
        is_passing = 400 <= error.smtp_code < 500
        raise NotSent(channel, f"SMTP {error.smtp_code}", is_passing=is_passing) from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(channel, f"{type(error).__name__}: {error}", is_passing=True) from None


def send(channel: Channel, message: Message, pause: Callable[[float], None] = time.sleep) -> None:
    """Send once, again after a pause where that may help. Raises NotSent."""
    for seconds in (*PAUSES_S, None):
        try:
            return (_mail if channel.kind == "smtp" else _post)(channel, message)
        except NotSent as error:
            if seconds is None or not error.is_passing:
                raise
            pause(seconds)
    raise AssertionError("unreachable")


def memory(settings: Settings) -> Path:
    """What was sent: key and channel → times tried, and when it was taken."""
    return settings.work / "alerts" / "sent.json"


def tell(
    settings: Settings,
    event: str,
    key: str,
    message: Callable[[str, str], Message],
    *,
    pause: Callable[[float], None] = time.sleep,
    now: datetime | None = None,
) -> Sent:
    """Tell every channel that wants `event`, each once for this `key`. `message(lang, address)` makes it.

    Raises WarehouseError where alerts.toml is wrong; a channel that does not take it is in `failed`.
    """
    found = load(settings)
    wanted = [channel for channel in found.channels if event in channel.events]
    done = Sent()
    if not wanted:
        return done
    moment = now or utc_now()
    file = memory(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Held while sending: two senders of one event must not both find that nothing was sent.
    with file_lock(file.with_suffix(".lock"), wait_s=120.0):
        kept = _recent(read_json(file), moment)
        for channel in wanted:
            entry = kept.setdefault(f"{key}|{channel.name}", {"tries": 0, "at": moment.isoformat(), "sent": False})
            if entry["sent"]:
                done.already.append(channel.name)
                continue
            if entry["tries"] >= MAX_ATTEMPTS:
                done.given_up.append(channel.name)
                continue
            entry["tries"] += 1
            try:
                send(channel, message(channel.lang, found.address), pause)
            except NotSent as error:
                done.failed[channel.name] = str(error)
            else:
                entry["sent"] = True
                done.sent.append(channel.name)
            write_json(file, kept)
    return done


def _recent(kept: Any, moment: datetime) -> dict[str, dict[str, Any]]:
    """Entries that are not forgotten; a damaged memory is an empty one: at worst something is told twice."""
    if not isinstance(kept, dict):
        return {}
    oldest = (moment - timedelta(days=FORGET_DAYS)).isoformat()
    return {
        key: entry
        for key, entry in kept.items()
        if isinstance(entry, dict) and {"tries", "at", "sent"} <= entry.keys() and entry["at"] >= oldest
    }


def test(settings: Settings, message: Callable[[str, str], Message], names: Iterable[str] = ()) -> Sent:
    """Send a trial message over the named channels, or all; nothing is remembered."""
    done, found = Sent(), load(settings)
    asked = set(names)
    for channel in found.channels:
        if asked and channel.name not in asked:
            continue
        try:
            send(channel, message(channel.lang, found.address), pause=lambda _seconds: None)
        except NotSent as error:
            done.failed[channel.name] = str(error)
        else:
            done.sent.append(channel.name)
    return done
