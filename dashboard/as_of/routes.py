"""`/as-of/status?day=YYYY-MM-DD`: what a waiting page asks (assets/asof.js).

Belongs here: that one address. Does not belong here: the days (days.py), pages.
"""

from __future__ import annotations

from datetime import date

import flask

from dashboard.as_of.days import Days
from dashboard.data.store import NotPublished


def install(server: flask.Flask, days: Days) -> None:
    """Add the address; the gate has let in signed-in readers alone. Asking keeps the day in the line."""

    @server.get("/as-of/status")
    def status() -> flask.Response:
        try:
            day = date.fromisoformat(flask.request.args.get("day", ""))
        except ValueError:
            flask.abort(400)
        try:
            standing = days.standing(day).standing
        except NotPublished:
            standing = "failed"
        answer = flask.jsonify(day=day.isoformat(), standing=standing)
        answer.headers["Cache-Control"] = "no-store"
        return answer
