"""A workbook of unknown layout on `/submissions`: what its columns probably mean, corrected and confirmed by its person.

Belongs here: the two routes, who may use them, the proposal as assets/mapping.js draws it.
Does not belong here: proposing and keeping (dagster_project/commands/map.py, the same for `tew map`), checking and the
workbooks that wait (intake.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import flask

from dagster_project.commands import map as command
from dagster_project.commands.texts import CommandError, Texts
from dagster_project.reference import load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse.check import CheckedWorkbook, check_contents
from dashboard.access.gate import Gate
from dashboard.acting import refusal, sent, translator
from dashboard.i18n import Translator

LEAVE_OUT = "-"
MAX_CHANGES = 200
# Columns that say whom or what a row is about, and those that a form reads as something else than a figure.
UNIT_STATES = ("unit", "item")
Answer = flask.Response


class Room(Protocol):
    """Checked workbooks by their token (intake.Waitroom)."""

    def get(self, token: str) -> list[CheckedWorkbook] | None: ...

    def replace(self, token: str, number: int, book: CheckedWorkbook) -> None: ...


def offered(book: CheckedWorkbook, gate: Gate) -> bool:
    """Whether a mapping is offered: the workbook opened, no form was recognised, and its person answers for the county."""
    is_unknown = book.intake is not None and book.content is not None and book.intake.form_code is None
    return is_unknown and book.observations == 0 and gate.may("may_submit") and gate.scope().is_whole


def register(
    server: flask.Flask,
    settings: Settings,
    gate: Gate,
    room: Room,
    own: Callable[[Callable[[], Answer]], Answer],
    refused: Callable[..., Answer],
    shown: Callable[[CheckedWorkbook], dict[str, Any]],
) -> None:
    """Add the routes. `own` lets only those pass who may hand in from our own page; `shown` is a checked workbook as JSON."""

    def looked_at(translate: Translator, *, accept: bool) -> Answer:
        asked = sent()
        number, books = asked.get("number"), room.get(str(asked.get("token", "")))
        if books is None or not isinstance(number, int) or not 0 <= number < len(books):
            return refused("submit.gone", 404)
        book = books[number]
        if book.content is None or not offered(book, gate):
            return refused("map.not_offered", 403)
        account = gate.account()
        try:
            looked = command.look(settings, book.file_name, book.content, _changes(asked), _column(asked))
            if not accept:
                return flask.jsonify(_proposal(settings, looked, translate))
            kept = command.keep(settings, looked, book.content, account.name if account else None)
        except CommandError as error:
            said = Texts(settings.seeds).as_dict(error.key, **error.fields)
            return refusal(said[f"message_{translate.lang}"])
        except OSError as error:
            return refused("submit.disk", 507, problem=error.strerror or str(error))
        gate.record("mapping", target=kept, file=book.file_name)
        (again,) = check_contents(settings, [(book.file_name, book.content)])
        room.replace(str(asked["token"]), number, again)
        return flask.jsonify(mapping=kept, book=shown(again))

    @server.post("/submissions/map")
    def propose() -> Answer:
        return own(lambda: looked_at(translator(), accept=False))

    @server.post("/submissions/map/accept")
    def accept() -> Answer:
        return own(lambda: looked_at(translator(), accept=True))


def _changes(asked: dict[str, Any]) -> dict[str, str]:
    """Corrections of a person, as `tew map --set` takes them; what is no pair of texts is left out."""
    sent = asked.get("changes")
    pairs = list(sent.items())[:MAX_CHANGES] if isinstance(sent, dict) else []
    return {key[:200]: value[:20] for key, value in pairs if isinstance(value, str) and key.strip() and value.strip()}


def _column(asked: dict[str, Any]) -> str | None:
    sent = asked.get("unit_column")
    return sent[:3] if isinstance(sent, str) and sent.isascii() and sent.isalpha() else None


def _proposal(settings: Settings, looked: command.Looked, t: Translator) -> dict[str, Any]:
    """The proposal with the names of what it may be corrected to."""
    rows = load_reference(settings.seeds).rows("indicators")
    names = {str(row["indicator_code"]): str(row[f"name_{t.lang}"] or row["name_zh"]) for row in rows}
    sheets = []
    for sheet in command.as_dict(looked)["sheets"]:
        columns = [
            _line(one, one["letter"] or looked.keys.get(one["heading"], one["heading"]), names, t)
            for one in [*sheet["columns"], *sheet["items"]]
        ]
        unit = next((one["letter"] for one in sheet["columns"] if one["state"] in UNIT_STATES), None)
        sheets.append(
            {
                "title": t(
                    "map.sheet",
                    sheet=sheet["sheet"],
                    period=sheet["period"] or t("map.no_period"),
                    units=sheet["units"],
                    known=sheet["units_known"],
                ),
                "unit": unit,
                "letters": [one["letter"] for one in sheet["columns"]],
                "columns": columns,
            }
        )
    tried = looked.tried
    read = t("map.would_read", n=tried["observations"], units=tried["resolved"]) if tried else t("map.reads_nothing")
    problem = tried["problem" if t.lang == "en" else "problem_zh"] if tried else None
    return {
        "sheets": sheets,
        "choices": [[LEAVE_OUT, t("map.leave_out")], *[[code, f"{code} {name}"] for code, name in names.items()]],
        "read": f"{read} {problem}" if problem else read,
        "ready": bool(tried and tried["observations"]),
    }


def _line(one: dict[str, Any], key: str, names: dict[str, str], t: Translator) -> dict[str, Any]:
    """One column or item: what it is taken for, how surely, and whether a person may say otherwise."""
    means, taken = one["means"], one["state"] in ("known", "proposed")
    is_figure = one["state"] not in UNIT_STATES and (means is None or means in names)
    return {
        "key": key,
        "letter": one["letter"],
        "heading": " ".join(str(one["heading"]).split()),
        "state": t(f"map.state.{one['state']}"),
        "confidence": f"{one['confidence']:.2f}",
        "unit": one["unit"] or "",
        "chosen": (means if taken and means else LEAVE_OUT) if is_figure else None,
        "like": names.get(means, "") if one["state"] == "possible" and means else "",
    }
