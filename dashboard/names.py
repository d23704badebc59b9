"""Names that no register knows, on `/quality`: the queue, and what a person says they mean.

Belongs here: the two routes, who may use them, the queue as assets/names.js draws it.
Does not belong here: the queue itself and keeping an answer (dagster_project/commands/names.py, the same for `tew names`),
explaining issues (explanations.py), mapping a workbook (mapping.py).
"""

from __future__ import annotations

import flask

from dagster_project.commands import names as command
from dagster_project.commands.texts import CommandError, Texts
from dagster_project.settings import Settings
from dagster_project.warehouse.errors import WarehouseError
from dashboard.access.gate import Gate
from dashboard.acting import is_from_our_page, refusal, said_by, sent, translator, trouble
from dashboard.state import State, href


def register(server: flask.Flask, settings: Settings, gate: Gate) -> None:
    """Add `GET` and `POST /names`: for whoever accepts issues and answers for the whole county."""

    def may() -> bool:
        return gate.may("may_accept") and gate.scope().is_whole

    @server.get("/names")
    def names_waiting() -> flask.Response:
        found = []
        if may():
            t = translator()
            found = [
                {
                    "name": one["name"],
                    "kind": t(f"names.kind.{one['kind']}"),
                    "places": one["places"],
                    "place": f"{one['file_name']} › {one['sheet']}!{one['cell']}",
                    "href": href("/submissions", State(lang=t.lang, submission=one["submission_id"])),
                    "similar": [[near["code"], f"{near['name']} {near['code']}"] for near in one["similar"]],
                }
                for one in command.queue(settings, command.known_units(settings))
            ]
        answer = flask.jsonify(names=found, named=gate.account() is not None)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @server.post("/names")
    def name_meant() -> flask.Response:
        t = translator()
        if not may() or not is_from_our_page():
            gate.record("refused", path=flask.request.path, reason="role")
            return refusal(t("submit.forbidden"), 403)
        given = sent()
        name, means = (str(given.get(key) or "").strip()[:200] for key in ("name", "means"))
        by = said_by(gate, given).strip()
        if not by or not means:
            return refusal(t("names.incomplete"))
        directory = command.known_units(settings)
        if name not in {one["name"] for one in command.queue(settings, directory)}:
            return refusal(t("names.gone", name=name), 404)
        try:
            kept = command.keep(settings, directory, name, means, by)
        except CommandError as error:
            return refusal(Texts(settings.seeds).as_dict(error.key, **error.fields)[f"message_{t.lang}"])
        except (WarehouseError, OSError) as error:
            return trouble(error, t)
        gate.record("mapping", target=kept.mapping_id, unit=means)
        return flask.jsonify(mapping=kept.mapping_id, text=t("names.kept", name=name, known=kept.known, code=means))
