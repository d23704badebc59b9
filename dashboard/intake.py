"""Handing in workbooks: checked in memory, given back marked, written into the inbox once confirmed; withdrawing; forms.

Belongs here: the routes behind `/submissions` and the checked workbooks that wait for a confirmation.
Does not belong here: checking (warehouse/check.py), workbooks of unknown layout (mapping.py), marking (ingest/returned.py), writing (warehouse/delivery.py), the
page (pages/submissions.py, assets/submit.js). Nothing is refreshed here: the sensor of `tew up` does that.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote

import flask

from dagster_project.commands.template import make
from dagster_project.commands.texts import CommandError, Texts
from dagster_project.ingest.messages import Messages
from dagster_project.ingest.returned import mark
from dagster_project.reference import load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse.archive import read_archived
from dagster_project.warehouse.check import CheckedWorkbook, Sight, check_contents
from dagster_project.warehouse.delivery import deliver, safe_name
from dagster_project.warehouse.errors import WarehouseError
from dagster_project.warehouse.withdrawal import withdraw
from dashboard import mapping
from dashboard.access.gate import Gate
from dashboard.acting import is_from_our_page, refusal, sent, translator, trouble
from dashboard.components import cited
from dashboard.data.scope import Resolved
from dashboard.data.store import NotPublished, Store
from dashboard.i18n import Translator

MAX_FILES = 40
# Of all accounts together, and of one.
MAX_WAITING = 64
MAX_EACH = 16
KEPT_S = 3600.0
ISSUES_SHOWN = 200
PAGE = "/submissions"
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass
class Waiting:
    """Workbooks that were checked and wait for a confirmation."""

    books: list[CheckedWorkbook]
    since: float = field(default_factory=time.monotonic)

    @property
    def weight(self) -> int:
        return sum(len(book.content or b"") for book in self.books)


class Waitroom:
    """Checked workbooks by an unguessable token: a bounded number, for an hour, within a bounded sum of bytes.

    `owner` names the account of the request at hand (None: without accounts). What one account handed in is not there for
    another, whatever token it sends; and who hands in more than there is room for loses his own, not those of others.
    """

    def __init__(self, max_bytes: int, owner: Callable[[], str | None]) -> None:
        self._kept: OrderedDict[tuple[str | None, str], Waiting] = OrderedDict()
        self._lock = threading.Lock()
        self._max_bytes = max_bytes
        self._owner = owner

    def put(self, books: list[CheckedWorkbook]) -> str:
        token = secrets.token_urlsafe(18)
        with self._lock:
            self._kept[self._owner(), token] = Waiting(books)
            self._drop()
        return token

    def get(self, token: str) -> list[CheckedWorkbook] | None:
        with self._lock:
            self._drop()
            found = self._kept.get((self._owner(), token))
            return found.books if found else None

    def take(self, token: str) -> list[CheckedWorkbook] | None:
        """The workbooks, once."""
        with self._lock:
            self._drop()
            found = self._kept.pop((self._owner(), token), None)
            return found.books if found else None

    def replace(self, token: str, number: int, book: CheckedWorkbook) -> None:
        """Put a workbook that was checked again in the place of the old one, where they still wait."""
        with self._lock:
            found = self._kept.get((self._owner(), token))
            if found:
                found.books[number] = book

    def _drop(self) -> None:
        """Let go of what waited too long, then of the oldest of whoever holds most, until the rest has room."""
        old = time.monotonic() - KEPT_S
        for key in [key for key, waiting in self._kept.items() if waiting.since < old]:
            del self._kept[key]
        while (heaviest := self._too_much()) is not None:
            del self._kept[next(key for key in self._kept if key[0] == heaviest[0])]

    def _too_much(self) -> tuple[str | None] | None:
        """The owner, in a tuple since he may be nobody, whose oldest workbooks must go; None where all have room."""
        counts = Counter(owner for owner, _ in self._kept)
        for owner, count in counts.items():
            if count > MAX_EACH:
                return (owner,)
        weights: Counter[str | None] = Counter()
        for (owner, _), waiting in self._kept.items():
            weights[owner] += waiting.weight
        if len(self._kept) > 1 and weights.total() > self._max_bytes:
            return (weights.most_common(1)[0][0],)
        if len(self._kept) > MAX_WAITING:
            return (counts.most_common(1)[0][0],)
        return None


def register(server: flask.Flask, settings: Settings, gate: Gate, store: Store) -> None:
    """Add the routes under `/submissions/`. The gate has refused other sites' requests before they come here."""
    limit = settings.max_file_mb << 20

    def owner() -> str | None:
        account = gate.account()
        return account.name if account else None

    room = Waitroom(4 * limit, owner)

    def refused(key: str, status: int = 400, **fields: object) -> flask.Response:
        return refusal(translator()(key, **fields), status)

    def own(handler: Callable[[], flask.Response]) -> flask.Response:
        """Only for those who may hand in, from our own page, and not beyond the size allowed."""
        if not gate.may("may_submit") or not gate.may_open(PAGE):
            return refused("submit.forbidden", 403)
        flask.request.max_content_length = 2 * limit
        if not is_from_our_page():
            return refused("submit.foreign", 403)
        if (flask.request.content_length or 0) > 2 * limit:
            return refused("submit.too_large", 413, mb=2 * settings.max_file_mb)
        return handler()

    def held() -> Resolved | None:
        """What the reader may see of the served version; None: everything."""
        scope = gate.scope()
        return None if scope.is_whole else store.draw(lambda snapshot: store.resolved(snapshot.version, scope))

    def sight() -> Sight | None:
        """A check tells what it compares with, so a narrow reader's workbook is measured against what they see alone."""
        try:
            found = held()
        except NotPublished:
            # Nothing is known that could be told.
            return None
        if found is None:
            return None
        county = str(load_reference(settings.seeds).setting("county_code", "") or "")

        def of(unit: str | None, indicator: str | None) -> bool:
            is_own = found.holds(unit) or (found.county and unit == county)
            return is_own and (indicator is None or indicator in found.indicators)

        return Sight(of, found.hidden_names)

    @server.post("/submissions/check")
    def check() -> flask.Response:
        return own(_check)

    def _check() -> flask.Response:
        files = flask.request.files.getlist("files")
        if not files:
            return refused("submit.no_file")
        if len(files) > MAX_FILES:
            return refused("submit.too_many", n=MAX_FILES)
        contents = [(safe_name(file.filename or ""), file.stream.read()) for file in files]
        books = check_contents(settings, contents, sight=sight())
        return flask.jsonify(token=room.put(books), books=[shown(book) for book in books])

    def shown(book: CheckedWorkbook) -> dict[str, Any]:
        t = translator()
        forms = {
            str(row["form_code"]): str(row[f"name_{t.lang}"] or row["name_zh"])
            for row in load_reference(settings.seeds).rows("forms")
        }
        return {**_shown(book, t, forms), "mappable": opened(book) and mapping.offered(book, gate)}

    mapping.register(server, settings, gate, room, own, refused, shown)

    @server.get("/submissions/marked/<token>/<int:number>")
    def marked(token: str, number: int) -> flask.Response:
        books = room.get(token)
        book = books[number] if books and number < len(books) else None
        if book is None or book.content is None:
            return refused("submit.gone", 404)
        messages = Messages.load(load_reference(settings.seeds))
        content, name = mark(book.content, book.file_name, book.issues, messages)
        return _download(content, name)

    @server.post("/submissions/confirm")
    def confirm() -> flask.Response:
        return own(_confirm)

    def _confirm() -> flask.Response:
        books = room.take(str(sent().get("token", "")))
        if books is None:
            return refused("submit.gone", 404)
        try:
            written = [
                deliver(settings, book.file_name, book.content).name for book in books if book.content is not None
            ]
        except OSError as error:
            room.put(books)
            return refused("submit.disk", 507, problem=error.strerror or str(error))
        for name in written:
            gate.record("upload", file=name)
        return flask.jsonify(files=written)

    @server.post("/submissions/withdraw")
    def take_back() -> flask.Response:
        return own(_take_back)

    def _take_back() -> flask.Response:
        asked = sent()
        submission, account = str(asked.get("submission", ""))[:40], gate.account()
        # The query shows a reader his own submissions alone.
        if not store.draw(lambda snapshot: snapshot.rows("submission", submission=submission)):
            return refused("submissions.unknown", 404, code=submission)
        try:
            withdraw(settings, submission, str(asked.get("reason", ""))[:500], account.name if account else None)
        except (WarehouseError, OSError) as error:
            return trouble(error, translator())
        gate.record("withdraw", target=submission)
        return flask.jsonify(done=True)

    @server.get("/submissions/original/<submission>")
    def original(submission: str) -> flask.Response:
        """The workbook as it was received: for those who see the whole county, and for the unit that sent it."""
        rows = store.draw(lambda snapshot: snapshot.rows("submission", submission=submission[:40]))
        scope = gate.scope()
        if not rows or not (scope.is_whole or (scope.unit and rows[0]["reporter_unit_id"] == scope.unit)):
            return refused("submissions.unknown", 404, code=submission[:40])
        try:
            content = read_archived(settings, rows[0]["sha256"])
        except (OSError, ValueError) as error:
            return refused("submit.no_original", 404, problem=str(error))
        gate.record("export", file=rows[0]["file_name"], sha256=rows[0]["sha256"])
        return _download(content, rows[0]["file_name"])

    @server.get("/submissions/template")
    def template() -> flask.Response:
        args = flask.request.args
        prefilled = args.get("prefilled") == "1"
        # What is known of other units is for those alone who see the whole county.
        if not gate.may_open(PAGE) or (prefilled and not gate.scope().is_whole):
            return refused("submit.forbidden", 403)
        found = _MONTH.fullmatch(args.get("period", ""))
        if not found:
            return refused("submit.no_period")
        period = date(int(found[1]), int(found[2]), 1)
        try:
            seen = held()
            made = make(
                settings,
                args.get("form", "")[:40],
                args.get("whom", "").strip()[:120],
                period,
                prefilled=prefilled,
                # A register's form lists enterprises by name and code: the reader's own alone.
                sees=None if seen is None else seen.enterprises.__contains__,
            )
        except NotPublished:
            return refused("nothing.why", 503)
        except CommandError as error:
            said = Texts(settings.seeds).as_dict(error.key, **error.fields)
            return refusal(said[f"message_{translator().lang}"])
        return _download(made.content, made.file_name)


def opened(book: CheckedWorkbook) -> bool:
    """Whether the workbook could be opened: of one that could not, nothing is marked and no column is known."""
    return book.intake is not None and bool(book.intake.parsed.sheets)


def _shown(book: CheckedWorkbook, t: Translator, forms: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows of a checked workbook, in one language; `forms` are the names of forms."""
    intake = book.intake
    order = {"error": 0, "warning": 1, "info": 2}
    issues = sorted(book.issues, key=lambda issue: order[issue.severity])
    return {
        "file": book.file_name,
        "ok": book.ok,
        "readable": book.content is not None and opened(book),
        "form": None if intake is None or intake.form_code is None else forms.get(intake.form_code, intake.form_code),
        "period": None
        if intake is None or intake.period is None
        else t("period.month", year=intake.period.year, month=t(f"month.{intake.period.month}")),
        "observations": book.observations,
        "errors": book.count("error"),
        "warnings": book.count("warning"),
        "more": max(0, len(issues) - ISSUES_SHOWN),
        "issues": [
            {
                "place": "!".join(part for part in (issue.sheet, issue.cell) if part),
                "severity": issue.severity,
                "word": t(f"severity.{issue.severity}"),
                "read": issue.raw_text or "",
                "message": issue.message_en if t.lang == "en" else issue.message_zh,
                "rule": cited.rule(issue.rule),
            }
            for issue in issues[:ISSUES_SHOWN]
        ],
    }


def _download(content: bytes, name: str) -> flask.Response:
    answer = flask.Response(content, mimetype="application/octet-stream")
    # Headers are Latin-1: a Chinese name goes in the encoded form of RFC 6266.
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(safe_name(name), safe='')}"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
