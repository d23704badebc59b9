"""What every act of a person on a page has in common: it comes from our own page, in the page's language, and ends in words.

Belongs here: what the browser sends with an act, and the shape of a refusal. Does not belong here: who may do what
(access/), what an act means (intake.py, months.py, explanations.py, mapping.py, export/jobs.py).
"""

from __future__ import annotations

from typing import Any

import flask

from dagster_project.warehouse.errors import WarehouseError
from dashboard.access.gate import Gate
from dashboard.i18n import Translator
from dashboard.state import LANGUAGES

# Only a script of this server can set a header of its own, so that another site's form cannot act for a reader.
HEADER = "X-Tew-Request"


def is_from_our_page() -> bool:
    return flask.request.headers.get(HEADER) == "1"


def translator() -> Translator:
    """In the language that the page asks for, else the first one."""
    asked = flask.request.args.get("lang", "")
    return Translator(asked if asked in LANGUAGES else LANGUAGES[0])


def sent() -> dict[str, Any]:
    """What the browser sent along; anything but an object counts as nothing."""
    body = flask.request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def said_by(gate: Gate, given: dict[str, Any]) -> str:
    """Who acts: the person signed in, else the name that was typed."""
    account = gate.account()
    return (account.person or account.name) if account else str(given.get("by", ""))[:80]


def refusal(text: str, status: int = 400) -> flask.Response:
    """`{"error": text}`, which the page shows where the act was asked for."""
    answer = flask.jsonify(error=text)
    answer.status_code = status
    return answer


def trouble(error: WarehouseError | OSError, t: Translator) -> flask.Response:
    """Why an act could not be done, in the page's language: 400 by the rules, 507 by the disk."""
    if isinstance(error, WarehouseError):
        return refusal(error.message_en if t.lang == "en" else error.message_zh)
    return refusal(t("submit.disk", problem=error.strerror or str(error)), 507)
