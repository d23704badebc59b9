"""The channels of a home: TEW_HOME/alerts.toml, read anew at each use.

Belongs here: reading and checking the file. Does not belong here: sending (send.py), formats (formats.py).

The file holds addresses that are secrets by themselves: readable by its owner alone, never part of a backup, a log, an
error or a repr.
"""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from dagster_project.settings import Settings
from dagster_project.warehouse.errors import WarehouseError

FILE = "alerts.toml"
WEBHOOKS = ("wecom", "dingtalk", "feishu")
KINDS = (*WEBHOOKS, "smtp")
EVENTS = ("failed", "errors", "due")
SECURITY = ("ssl", "starttls", "none")
KEYS = {
    "webhook": {"name", "kind", "events", "lang", "url", "secret"},
    "smtp": {"name", "kind", "events", "lang", "host", "port", "security", "user", "password", "sender", "to"},
}


@dataclass(frozen=True)
class Channel:
    """One way to tell people. `events` are those of EVENTS that it is told; `lang` zh or en."""

    name: str
    kind: str
    events: tuple[str, ...] = EVENTS
    lang: str = "zh"
    url: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    host: str = ""
    port: int = 0
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    to: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that must not be seen in any message of ours, the longest first."""
        query = self.url.partition("?")[2]
        values = [value for _, value in parse_qsl(query)]
        parts = [self.url, query, self.url.rpartition("/")[2], *values, self.secret, self.password]
        return tuple(sorted({part for part in parts if len(part) >= 4}, key=len, reverse=True))

    def hide(self, text: str) -> str:
        """`text` without this channel's secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


@dataclass(frozen=True)
class Channels:
    """What alerts.toml says; `address` is the dashboard's, for links in messages."""

    channels: tuple[Channel, ...] = ()
    address: str = ""


def path(settings: Settings) -> Path:
    return settings.home / FILE


def is_open_to_others(settings: Settings) -> bool:
    """Whether somebody else on this machine could read the file."""
    found = path(settings)
    return os.name != "nt" and found.is_file() and bool(stat.S_IMODE(found.stat().st_mode) & 0o077)


def load(settings: Settings) -> Channels:
    """The channels; none where there is no file. WarehouseError names the channel and key that are wrong."""
    try:
        text = path(settings).read_text(encoding="utf-8")
    except FileNotFoundError:
        return Channels()
    except (OSError, UnicodeDecodeError) as error:
        raise WarehouseError("alert.file", problem=type(error).__name__) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The parser's message quotes no value, only the place.
        raise WarehouseError("alert.file", problem=str(error)) from error
    entries = data.get("channel", [])
    if not isinstance(entries, list) or set(data) - {"channel", "address"}:
        raise _wrong("-", "channel")
    found = tuple(_channel(entry, number) for number, entry in enumerate(entries, start=1))
    names = [channel.name for channel in found]
    if len(set(names)) != len(names):
        raise _wrong(", ".join(names), "name")
    return Channels(found, str(data.get("address", "")).rstrip("/"))


def _wrong(name: str, key: str) -> WarehouseError:
    return WarehouseError("alert.channel", channel=name, setting=key, kinds=", ".join(KINDS))


def _channel(entry: Any, number: int) -> Channel:
    name = str(entry.get("name") or f"#{number}") if isinstance(entry, dict) else f"#{number}"
    if not isinstance(entry, dict) or entry.get("kind") not in KINDS:
        raise _wrong(name, "kind")
    kind = entry["kind"]
    unknown = sorted(set(entry) - KEYS["smtp" if kind == "smtp" else "webhook"])
    if unknown:
        raise _wrong(name, unknown[0])
    lists = {key: entry.get(key) for key in ("events", "to")}
    for key, value in lists.items():
        if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            raise _wrong(name, key)
    texts = {key: entry.get(key, "") for key in ("url", "secret", "host", "user", "password", "sender") if key in entry}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise _wrong(name, key)
    security = entry.get("security", "starttls")
    port = entry.get("port", {"ssl": 465, "starttls": 587}.get(str(security), 25))
    channel = Channel(
        name=name,
        kind=kind,
        events=tuple(lists["events"] or EVENTS),
        lang=entry.get("lang", "zh"),
        port=port,
        security=security,
        to=tuple(lists["to"] or ()),
        **texts,
    )
    checks = {
        "events": set(channel.events) <= set(EVENTS),
        "lang": channel.lang in ("zh", "en"),
        "security": security in SECURITY,
        "port": isinstance(port, int) and 0 < port < 65536,
    }
    if kind == "smtp":
        checks |= {"host": bool(channel.host), "sender": "@" in channel.sender, "to": bool(channel.to)}
    else:
        checks |= {"url": channel.url.startswith(("https://", "http://"))}
    for key, is_right in checks.items():
        if not is_right:
            raise _wrong(name, key)
    return channel
