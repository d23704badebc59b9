"""A word about an issue, said in the page: explained by its reporter, accepted by the section.

Belongs here: who may say it, what the browser sends and is told. Does not belong here: what it changes
(warehouse/acts.py, dbt), the pages (pages/said.py, assets/acts.js).
"""

from __future__ import annotations

import flask

from dagster_project.settings import Settings
from dagster_project.warehouse import acts
from dagster_project.warehouse.archive import Journal
from dagster_project.warehouse.errors import WarehouseError
from dashboard.access.gate import Gate
from dashboard.acting import is_from_our_page, refusal, said_by, sent, translator, trouble
from dashboard.data.store import Store

# An act, the permission of access_roles.csv that it needs, and how it is said.
ACTS = {"explain": ("may_submit", acts.explain), "accept": ("may_accept", acts.accept)}
SHOWN = ("submission_id", "sheet", "cell", "rule", "text", "by")
# What was said lately; older words stand in the published version.
LATEST = 200


def register(server: flask.Flask, settings: Settings, gate: Gate, store: Store) -> None:
    """Add `/issues/acts` and `/issues/<act>`. The gate has refused other sites' requests before they come here."""

    def knows(submission: str) -> bool:
        """Whether the submission lies within the reader's scope."""
        return bool(store.draw(lambda snapshot: snapshot.rows("submission", submission=submission)))

    @server.get("/issues/acts")
    def offered() -> flask.Response:
        """What the reader may say, and what was said lately of issues that they see, whether published or not yet."""
        events = [event for event in Journal(settings.journal).replay().others if event["event"] in acts.KINDS]
        known: dict[str, bool] = {}
        said = []
        for event in events[-LATEST:]:
            submission = str(event["submission_id"])
            if submission not in known:
                known[submission] = knows(submission)
            if known[submission]:
                said.append({"kind": event["event"], **{key: event.get(key) for key in SHOWN}})
        may = [act for act, (permission, _) in ACTS.items() if gate.may(permission)]
        answer = flask.jsonify(acts=may, named=gate.account() is not None, said=said)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @server.post("/issues/<act>")
    def say(act: str) -> flask.Response:
        t = translator()
        if act not in ACTS:
            return refusal(t("missing.title"), 404)
        permission, function = ACTS[act]
        if not gate.may(permission) or not is_from_our_page():
            gate.record("refused", path=flask.request.path, reason="role")
            return refusal(t("submit.forbidden"), 403)
        given = sent()
        fields = {key: str(given.get(key) or "")[:200] for key in ("submission", "sheet", "cell", "rule")}
        if not knows(fields["submission"]):
            return refusal(t("submissions.unknown", code=fields["submission"]), 404)
        try:
            event = function(
                settings,
                fields["submission"],
                fields["cell"],
                fields["rule"],
                str(given.get("text", ""))[:500],
                said_by(gate, given),
                fields["sheet"] or None,
            )
        except (WarehouseError, OSError) as error:
            return trouble(error, t)
        gate.record(f"issue_{act}", target=fields["submission"], cell=fields["cell"], rule=fields["rule"])
        return flask.jsonify(done=True, text=event["text"], by=event["by"])
