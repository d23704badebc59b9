"""Closing a month in the page: one route, for those whose role may approve or close.

Belongs here: who may do it, what the browser sends and is told. Does not belong here: what an act means
(warehouse/closing.py), the page (pages/submissions.py, assets/submit.js).
"""

from __future__ import annotations

from datetime import date

import flask

from dagster_project.settings import Settings
from dagster_project.warehouse import closing
from dagster_project.warehouse.errors import WarehouseError
from dashboard.access.gate import Gate
from dashboard.acting import is_from_our_page, refusal, said_by, sent, translator, trouble
from dashboard.state import parse

# What a reader may do: the act, and the permission of access_roles.csv that it needs.
ACTS = {"approve": "may_approve", "close": "may_close", "reopen": "may_close"}


def offered(gate: Gate, status: str | None) -> list[str]:
    """Acts that a month's state leaves to the reader of the request at hand."""
    after = {None: ["approve"], "approved": ["close"], "closed": ["reopen"], "reopened": ["approve"]}
    return [act for act in after[status] if gate.may(ACTS[act])]


def register(server: flask.Flask, settings: Settings, gate: Gate) -> None:
    """Add `/months/<act>`. The gate has refused other sites' requests before they come here."""

    @server.get("/months/<period>")
    def acts(period: str) -> flask.Response:
        """What the reader may do about a month, by the journal: an act shows here before the next version does."""
        asked = parse(f"period={period}").period
        if asked is None:
            return refusal("period", 400)
        last = closing.latest(settings).get(asked)
        answer = flask.jsonify(acts=offered(gate, last.state if last else None), named=gate.account() is not None)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @server.post("/months/<act>")
    def month(act: str) -> flask.Response:
        t = translator()
        if act not in ACTS:
            return refusal(t("missing.title"), 404)
        if not gate.may(ACTS[act]) or not is_from_our_page():
            gate.record("refused", path=flask.request.path, reason="role")
            return refusal(t("submit.forbidden"), 403)
        said = sent()
        period = parse(f"period={said.get('period', '')}").period
        if period is None:
            return refusal(t("submit.no_period"), 400)
        try:
            done = _act(settings, act, period, said_by(gate, said), str(said.get("reason", ""))[:500])
        except (WarehouseError, OSError) as error:
            return trouble(error, t)
        gate.record(f"month_{act}", period=f"{period:%Y-%m}", version=done.version)
        return flask.jsonify(done=True, version=done.version)


def _act(settings: Settings, act: str, period: date, by: str, reason: str) -> closing.Round:
    if act == "approve":
        return closing.approve(settings, period, by)
    if act == "close":
        return closing.close(settings, period, by)
    return closing.reopen(settings, period, reason, by)
