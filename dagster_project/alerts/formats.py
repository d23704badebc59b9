"""What each service wants to be sent, and what its answer means. Pure: no network, no clock.

Belongs here: bodies, signatures, limits of WeCom, DingTalk and Feishu, the mail. Does not belong here: sending (send.py).
https://developer.work.weixin.qq.com/document/path/91770 (WeCom), https://open.dingtalk.com/document/robots/custom-robot-access
(DingTalk, timestamp in ms and signature in the address), https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
(Feishu, timestamp in s and signature in the body)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote_plus

from dagster_project.alerts.channels import Channel

# WeCom refuses more bytes of Markdown; the others allow more, and nobody reads more.
MAX_BYTES = 4000


@dataclass(frozen=True)
class Message:
    """What is told: one title, plain lines, an optional link."""

    title: str
    lines: tuple[str, ...]
    link: str = ""

    @property
    def text(self) -> str:
        return "\n".join([*self.lines, *([self.link] if self.link else [])])


def cut(text: str, limit: int = MAX_BYTES) -> str:
    """At most `limit` bytes of UTF-8, cut between lines where it is longer."""
    if len(text.encode()) <= limit:
        return text
    kept: list[str] = []
    size = 0
    for line in text.split("\n"):
        size += len(line.encode()) + 1
        if size > limit - 4:
            break
        kept.append(line)
    return "\n".join([*kept, "…"]) if kept else text.encode()[: limit - 4].decode(errors="ignore") + "…"


def dingtalk_sign(secret: str, milliseconds: int) -> str:
    """Signature of DingTalk, as it stands in the address: HMAC-SHA256 of `timestamp\\nsecret` under the secret."""
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    return quote_plus(base64.b64encode(digest))


def feishu_sign(secret: str, seconds: int) -> str:
    """Signature of Feishu: HMAC-SHA256 of nothing under `timestamp\\nsecret`."""
    return base64.b64encode(hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


def request(channel: Channel, message: Message, now: float) -> tuple[str, dict[str, Any]]:
    """Address and JSON body of a webhook; `now` in seconds since the epoch signs it."""
    if channel.kind == "wecom":
        content = cut(f"**{message.title}**\n{message.text}")
        return channel.url, {"msgtype": "markdown", "markdown": {"content": content}}
    if channel.kind == "dingtalk":
        url = channel.url
        if channel.secret:
            stamp = int(now * 1000)
            joint = "&" if "?" in url else "?"
            url = f"{url}{joint}timestamp={stamp}&sign={dingtalk_sign(channel.secret, stamp)}"
        # DingTalk joins lines that one newline parts.
        text = cut(f"### {message.title}\n\n" + message.text.replace("\n", "\n\n"))
        return url, {"msgtype": "markdown", "markdown": {"title": message.title, "text": text}}
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": cut(f"{message.title}\n{message.text}")}}
    if channel.secret:
        body |= {"timestamp": str(int(now)), "sign": feishu_sign(channel.secret, int(now))}
    return channel.url, body


def refusal(answer: Any) -> str | None:
    """Why a service refused what it answered with 200; None where it took it."""
    if not isinstance(answer, dict):
        return "no JSON object"
    for key in ("errcode", "code", "StatusCode"):
        if key in answer:
            if answer[key] == 0:
                return None
            return (
                f"{key} {answer[key]}: {answer.get('errmsg') or answer.get('msg') or answer.get('StatusMessage') or ''}"
            )
    return "no code in the answer"


def mail(channel: Channel, message: Message) -> EmailMessage:
    """The mail of a message: text alone."""
    made = EmailMessage()
    made["Subject"] = " ".join(message.title.split())
    made["From"], made["To"] = channel.sender, ", ".join(channel.to)
    made.set_content(f"{message.title}\n\n{message.text}\n")
    return made
