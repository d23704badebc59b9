"""Access: generated requests of every role, edited addresses and forged callbacks included; what leaks is listed.

`python -m benchmarks.access --requests 10000` over the home of TEW_HOME, whose published version it reads through a
throw-away home with an account for every role. A sentinel looks in every answer for enterprises (name or id) and for
figures (links to their trace) of units that the reader may not see; and runs every named query as every role. Beside the
pages it asks for downloads, for earlier days and versions, and for what stands behind /submissions, /months and /as-of.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import random
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import flask.testing
import openpyxl
import werkzeug.test

from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import as_of_file
from dagster_project.warehouse.archive import Journal
from dagster_project.warehouse.pointer import version_names
from dagster_project.warehouse.read import PublishedReader
from dashboard.access.accounts import Account, Accounts
from dashboard.access.roles import Roles, load_roles
from dashboard.app import create_app
from dashboard.data import scope as scopes
from dashboard.data.scope import WHOLE, Scope
from dashboard.data.store import SQL_FOLDER, Store, VersionMoved, sql
from dashboard.export.links import BULLETIN
from dashboard.export.routes import TABLES
from dashboard.pages import registry

PASSWORD = "benchmark-of-access-7"
# A run at least as long as this begins with every role at every page, download and route.
SWEEP_FROM = 5_000
SITE = {"Origin": "http://localhost"}
ANCHOR = re.compile(r"<a\b[^>]*>|\{\"props\": \{[^{}]*\"href\": [^{}]*\}")
TRACE = re.compile(r"/trace\?([^\"'\\ <>]*)")
PARAMETER = re.compile(r"\$([a-z_]+)")
TOWNSHIP, ENTERPRISE = "529901101", "91529901790217895H"


def people(township: str = TOWNSHIP, enterprise: str = ENTERPRISE) -> list[Account]:
    """One account for every role and subject."""
    return [
        Account("b-leader", "leader"),
        Account("b-staff", "staff"),
        *[Account(f"b-{subject}", "section", None, (subject,)) for subject in ("coal", "safety", "energy", "agro")],
        Account("b-reporter", "township_reporter", township),
        Account("b-head", "township_head", township),
        Account("b-firm", "enterprise_reporter", enterprise),
        Account("b-auditor", "auditor"),
        Account("b-admin", "administrator"),
    ]


@dataclass
class Report:
    """`leaks`: one line each; `refused`: answers that were no page of figures."""

    requests: int = 0
    queries: int = 0
    refused: int = 0
    found_for_leader: int = 0
    exports_for_leader: int = 0
    routes: int = 0
    files_for_leader: int = 0
    swept: int = 0
    seconds: float = 0.0
    leaks: list[str] = field(default_factory=list)


class World:
    """Everything one version knows: names, codes, months."""

    def __init__(self, settings: Settings) -> None:
        self.reader = PublishedReader(settings)
        self.store = Store(self.reader)
        self.version = self.store.version()
        firms = self.store.run(self.version, "enterprise_names", {})
        self.firms = {row["enterprise_id"]: row["name_zh"] for row in firms}
        self.townships = [row["township_code"] for row in self.store.run(self.version, "townships", {})]
        self.indicators = [row["indicator_code"] for row in self.store.run(self.version, "indicators", {})]
        self.periods = [row["period"] for row in self.store.run(self.version, "periods", {})]
        sent = self.rows(WHOLE, "select submission_id, reporter_unit_id, file_name from marts.fct_submission")
        self.submissions = [row["submission_id"] for row in sent]
        self.sender = {row["submission_id"]: row["reporter_unit_id"] for row in sent}
        self.forms = [row["form_code"] for row in self.store.run(self.version, "forms", {})]
        self.versions = version_names(settings)
        # Cells to look at, in the sheets where they stand.
        places = "select distinct sheet, cell from marts.fct_observation order by hash(sheet || cell) limit 50"
        self.cells = [(row["sheet"], row["cell"]) for row in self.rows(WHOLE, places)] or [("x", "A1")]
        stars = self.rows(WHOLE, "select level, unit_id, indicator_code, period from marts.fct_suppression")
        self.suppressed = {(row["level"], row["unit_id"], row["indicator_code"], row["period"]) for row in stars}
        folder = settings.published / self.version / as_of_file.FOLDER
        # Days that can be shown without being made first.
        self.days = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def rows(self, scope: Scope, text: str) -> tuple[dict[str, Any], ...]:
        """Rows of a statement over `marts.x` as a scope sees them."""
        params: dict[str, Any] = {}
        if not scope.is_whole:
            text, needed = scopes.scoped(text)
            given = self.store.resolved(self.version, scope).parameters()
            params = {key: given[key] for key in needed}
        _, columns, rows = self.reader.query_with_version(text, params or None)
        return tuple(dict(zip(columns, row, strict=True)) for row in rows)


class Sentinel:
    """Compares every identifier in an answer with the scope."""

    def __init__(self, world: World, scope: Scope) -> None:
        self.world = world
        self.held = world.store.resolved(world.version, scope)
        firms = world.firms
        self.seen = sorted((firms[unit] for unit in self.held.enterprises), key=len, reverse=True)
        self.scope = scope

    def in_page(self, text: str, asked: str) -> list[str]:
        """What a drawn page tells of units out of scope. A code that the reader typed may come back; a name may not."""
        found = [f"id {unit}" for unit in self.world.firms if self._is_out(unit) and unit in text and unit not in asked]
        for name in self.seen:
            text = text.replace(name, "")
        found += [f"name {name}" for unit, name in self.world.firms.items() if self._is_out(unit) and name in text]
        plain = text.replace("&amp;", "&").replace('\\"', '"')
        figures = [anchor for anchor in ANCHOR.findall(plain) if re.search(r'[cC]lass(Name)?"?[=:] ?"figure', anchor)]
        for query in TRACE.findall("\n".join(figures)):
            fields = {key: values[0] for key, values in parse_qs(query).items()}
            unit = fields.get("enterprise") or fields.get("township")
            if unit and unit not in asked and not self.held.holds(unit) and not self._is_county(unit):
                found.append(f"figure {query}")
        return found

    def in_rows(self, rows: tuple[dict[str, Any], ...]) -> list[str]:
        """Rows about units out of scope; the list of townships itself is open."""
        found = []
        for row in rows:
            key = tuple(row.get(name) for name in ("level", "unit_id", "indicator_code", "period"))
            if key in self.world.suppressed and key[0] in self.scope.suppressed and row.get("value_ytd") is not None:
                found.append(f"identifying {key}")
            figures = row.keys() & {"value", "value_ytd", "cells", "errors", "status", "deaths", "reported_units"}
            for column in ("enterprise_id", "unit_id", "reporter_unit_id", "scope_unit_id"):
                unit = row.get(column)
                if unit is None or self._is_county(unit):
                    continue
                if not self.held.holds(unit) and (figures or unit in self.world.firms):
                    found.append(f"{column} {unit}")
            named = " ".join(str(value) for value in row.values())
            for name in self.seen:
                named = named.replace(name, "")
            found += [f"name {name}" for unit, name in self.world.firms.items() if self._is_out(unit) and name in named]
        return found

    def _is_out(self, unit: str) -> bool:
        return unit not in self.held.enterprises

    def _is_county(self, unit: str) -> bool:
        return self.held.county and unit == self.world.townships[0][:6]


def _address(world: World, dice: random.Random) -> tuple[str, str]:
    """A page and a query string, sometimes broken on purpose."""
    paths = [entry.path for entry in registry.PAGES]
    page = dice.choice([*paths, *paths, "/nosuch", "/township/", "//trace", "/trace/../enterprise", "/Enterprise"])
    fields: list[tuple[str, str]] = []
    options = {
        "township": world.townships,
        "enterprise": list(world.firms),
        "indicator": world.indicators,
        "submission": world.submissions,
        "unit": ["yi", "wan", *world.townships, *world.firms],
        "basis": ["reported", "comparable", "x"],
        "lang": ["zh", "en"],
        "as_of": [*world.days, *world.days, "1999-01-01", "x"],
        "version": [*world.versions, "nosuch", "../../etc"],
        "months": ["13", "36"],
    }
    for name, values in options.items():
        # Most earlier days and versions are none, and such an address shows nothing that could leak.
        while dice.random() < (0.1 if name in ("as_of", "version") else 0.45):
            value = dice.choice(values) if values else "x"
            fields.append((name, value + dice.choice(["", "", "", "", "'", "%", " or 1=1"])))
    if dice.random() < 0.6:
        fields.append(("period", f"{dice.choice(world.periods):%Y-%m}"))
    dice.shuffle(fields)
    return page, "?" + urlencode(fields) if fields else ""


FORGERIES = ("no text as a page", "another output", "a state that claims a role")


def _callback(page: Any, search: Any, dice: random.Random, forgery: str | None = None) -> dict[str, Any]:
    """The body of the page's callback as a browser sends it, or altered: by the dice, or as asked."""
    inputs = [
        {"id": "url", "property": "pathname", "value": page},
        {"id": "url", "property": "search", "value": search},
        {"id": "published", "property": "data", "value": None},
    ]
    body: dict[str, Any] = {
        "output": "..frame.children...document.data..",
        "outputs": [{"id": "frame", "property": "children"}, {"id": "document", "property": "data"}],
        "inputs": inputs,
        "changedPropIds": ["url.search"],
        "state": [],
    }
    kind = 0.04 * FORGERIES.index(forgery) if forgery else dice.random()
    if kind < 0.04:
        inputs[0]["value"] = dice.choice([["/enterprise"], {"a": 1}, 7, None, True])
    elif kind < 0.08:
        body["output"] = dice.choice(["frame.children", "..x.y..", ""])
    elif kind < 0.12:
        body["state"] = [{"id": "scope", "property": "data", "value": "all"}]
        inputs[2]["value"] = "leader"
    return body


# What `_route` tells apart.
ROUTE_KINDS = 16


def _route(
    world: World, dice: random.Random, browser: flask.testing.FlaskClient, kind: int | None = None
) -> tuple[str, werkzeug.test.TestResponse]:
    """One request to what is neither page nor download: files, forms, acts, of one `kind` or of any. Returns its address and
    the answer."""
    submission = dice.choice([*world.submissions, *world.submissions, "S999999", "../journal", "S000001'"])
    month = f"{dice.choice(world.periods):%Y-%m}"
    kind = dice.randrange(ROUTE_KINDS) if kind is None else kind
    own = {**SITE, **({"X-Tew-Request": "1"} if dice.random() < 0.8 else {})}
    if kind < 3:
        address = f"/submissions/original/{submission}"
        return address, browser.get(address)
    if kind == 3:
        whom = dice.choice([*world.townships, *world.firms.values(), *world.firms])
        prefilled = dice.choice("01")
        form = dice.choice(world.forms)
        fields = {"form": form, "whom": whom, "period": month, "prefilled": prefilled}
        address = f"/submissions/template?{urlencode(fields)}"
        return address, browser.get(address)
    if kind == 4:
        address = f"/submissions/marked/{dice.randbytes(12).hex()}/{dice.randrange(3)}"
        return address, browser.get(address)
    if kind == 5:
        body = {"submission": submission, "reason": dice.choice(["", "x"]), "scope": "all"}
        return "/submissions/withdraw", browser.post("/submissions/withdraw", json=body, headers=own)
    if kind == 6:
        act = dice.choice(["approve", "close", "reopen", "erase"])
        # Without a reason and a month that exists nothing is changed, whoever asks.
        body = {"period": dice.choice(["1999-01", "x"]), "by": "somebody", "reason": ""}
        return f"/months/{act}", browser.post(f"/months/{act}", json=body, headers=own)
    if kind == 7:
        sheet, cell = dice.choice(world.cells)
        address = f"/trace/sheet?{urlencode({'submission': submission, 'sheet': sheet, 'cell': cell})}"
        return address, browser.get(address)
    if kind == 8:
        return "/issues/acts", browser.get("/issues/acts")
    if kind == 9:
        act = dice.choice(["explain", "accept", "erase"])
        # Without a text nothing is said, whoever asks.
        body = {"submission": submission, "cell": "A1", "rule": "V01", "text": "", "by": "somebody"}
        return f"/issues/{act}#{submission}", browser.post(f"/issues/{act}", json=body, headers=own)
    if kind == 10:
        act = dice.choice(["map", "map/accept", "check", "confirm"])
        body = {"token": dice.randbytes(12).hex(), "number": 0, "changes": {"A": "TE01"}}
        return f"/submissions/{act}", browser.post(f"/submissions/{act}", json=body, headers=own)
    if kind == 11:
        body = {"kind": dice.choice(["csv", "exe"]), "year": 1901}
        return "/export/large", browser.post("/export/large", json=body, headers=own)
    if kind == 12:
        address = f"/export/large/{dice.randbytes(12).hex()}{dice.choice(['', '/file'])}"
        return address, browser.get(address)
    if kind == 13:
        if dice.random() < 0.7:
            return "/export/picture", browser.post("/export/picture", headers=SITE)
        address = f"{BULLETIN}?period={month}"
        return address, browser.get(address)
    if kind == 14:
        if dice.random() < 0.5:
            return "/names", browser.get("/names")
        # Without a meaning nothing is kept, whoever asks.
        return "/names#", browser.post("/names", json={"name": "x", "means": "", "by": "somebody"}, headers=own)
    address = dice.choice(["/log", "/log?act=sign_in", f"/months/{month}", "/as-of/status?day=1999-01-01", "/account"])
    return address, browser.get(address)


# Every address of the server is asked by `run`, or is named here with why it tells no figure.
ASKED = {
    "/_dash-update-component",
    "/export/<name>.<kind>",
    "/export/bulletin.docx",
    "/export/large",
    "/export/large/<token>",
    "/export/large/<token>/file",
    "/export/picture",
    "/submissions/original/<submission>",
    "/submissions/template",
    "/submissions/marked/<token>/<int:number>",
    "/submissions/withdraw",
    "/submissions/check",
    "/submissions/confirm",
    "/submissions/map",
    "/submissions/map/accept",
    "/months/<act>",
    "/months/<period>",
    "/trace/sheet",
    "/issues/acts",
    "/issues/<act>",
    "/names",
    "/log",
    "/account",
    "/as-of/status",
}
TELL_NOTHING = {
    "/login": "the form of the sign-in",
    "/logout": "ends the session",
    "/account/password": "a new password for who knows the present one",
    "/login/oidc": "leads to the provider",
    "/login/oidc/back": "makes a session, or none",
    "/healthz": "the served version's name",
    "/export/large/<token>/stop": "ends a job of one's own, no answer",
}


def _may_be_refused(answer: werkzeug.test.TestResponse, *, may: bool) -> list[str]:
    """An act that the role does not open is refused before anything of the request is looked at."""
    return [] if may or answer.status_code in (401, 403, 404) else [f"an act without right: {answer.status_code}"]


def _is_own(sentinel: Sentinel, unit: str | None) -> bool:
    return unit is not None and (sentinel.held.holds(unit) or sentinel._is_county(unit))


def _told_by_route(
    world: World,
    sentinel: Sentinel,
    roles: Roles,
    account: Account,
    asked: str,
    answer: werkzeug.test.TestResponse,
) -> list[str]:
    """What an answer of `_route` gave that the reader's role does not open."""
    row, scope = roles.get(account.role) or {}, sentinel.scope
    is_given = answer.status_code == 200
    if asked.startswith("/trace/sheet"):
        unit = world.sender.get(parse_qs(asked.partition("?")[2])["submission"][0])
        is_open = scope.is_whole or (scope.unit is not None and unit == scope.unit)
        return ["a sheet of another unit"] if "<td" in answer.text and not is_open else []
    if asked.startswith("/names"):
        may = bool(row.get("may_accept")) and scope.is_whole
        if asked == "/names":
            return [] if may or not (answer.json or {}).get("names") else ["names that others wrote"]
        return _may_be_refused(answer, may=may)
    if asked == "/issues/acts":
        said = (answer.json or {}).get("said", []) if is_given else []
        units = {world.sender.get(event["submission_id"]) for event in said}
        return [f"what was said about {unit}" for unit in units if not (scope.is_whole or _is_own(sentinel, unit))]
    if asked.startswith("/issues/"):
        act, _, submission = asked.removeprefix("/issues/").partition("#")
        permission = {"explain": "may_submit", "accept": "may_accept"}.get(act)
        is_seen = scope.is_whole or _is_own(sentinel, world.sender.get(submission))
        may = permission is not None and bool(row.get(permission)) and is_seen
        return _may_be_refused(answer, may=may)
    if asked in ("/submissions/map", "/submissions/map/accept", "/submissions/check", "/submissions/confirm"):
        return _may_be_refused(answer, may=bool(row["may_submit"]))
    if asked.startswith(("/export/large", BULLETIN)):
        return _may_be_refused(answer, may=bool(row["may_export"]) and scope.is_whole)
    if asked == "/export/picture":
        return _may_be_refused(answer, may=bool(row["may_export"]))
    if asked.startswith("/submissions/original/"):
        unit = world.sender.get(asked.rpartition("/")[2])
        return ["a file of another unit"] if is_given and not scope.is_whole and unit != scope.unit else []
    if asked.startswith("/submissions/template"):
        if not is_given or scope.is_whole:
            return []
        is_filled = parse_qs(asked.partition("?")[2])["prefilled"] == ["1"]
        sheets = openpyxl.load_workbook(io.BytesIO(answer.data), read_only=True).worksheets
        cells = {str(cell) for sheet in sheets for line in sheet.iter_rows(values_only=True) for cell in line if cell}
        others = {name for unit, name in world.firms.items() if unit not in sentinel.held.enterprises}
        others -= {world.firms[unit] for unit in sentinel.held.enterprises}
        return [*(["figures in a form"] if is_filled else []), *(f"name {name} in a form" for name in cells & others)]
    if asked.startswith("/submissions/"):
        return ["a file or an act without right"] if is_given and not row["may_submit"] else []
    if asked.startswith("/log"):
        return ["the activity log"] if is_given and not row["may_read_log"] else []
    if asked.startswith("/months/") and answer.is_json:
        acts = (answer.json or {}).get("acts", [])
        wrong = ("approve" in acts and not row["may_approve"]) or (
            set(acts) & {"close", "reopen"} and not row["may_close"]
        )
        refused = answer.status_code in (400, 403, 404)
        return ["an act without right"] if wrong or ("acts" not in (answer.json or {}) and not refused) else []
    return []


def _signed_in(settings: Settings, app: Any, account: Account) -> flask.testing.FlaskClient:
    browser: flask.testing.FlaskClient = app.server.test_client()
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/login").text)
    assert found
    fields = {"csrf_token": found[1], "name": account.name, "password": PASSWORD}
    answer = browser.post("/login", data=fields, headers=SITE)
    assert answer.status_code == 302, answer.text
    return browser


def say(settings: Settings) -> None:
    """Something said about a workbook of every unit, so that `/issues/acts` has something to keep back."""
    sent = "select min(submission_id) from marts.fct_submission group by reporter_unit_id"
    for (submission,) in PublishedReader(settings).query(sent)[1]:
        event = {"event": "explained", "submission_id": submission, "sheet": None, "cell": "A1", "rule": "V01"}
        Journal(settings.journal).append([{**event, "text": "as it is", "by": "somebody"}])


def _parameters(world: World, name: str, dice: random.Random) -> dict[str, Any]:
    """Values for a named query's parameters, about any unit."""
    period = dice.choice(world.periods)
    known: dict[str, Any] = {
        "period": period,
        "year": period.year,
        "previous": world.periods[max(0, world.periods.index(period) - 1)],
        "year_before": period.replace(year=period.year - 1),
        "december": period.replace(month=12),
        "january": period.replace(month=1),
        "since": world.periods[0],
        "township": dice.choice(world.townships),
        "enterprise": dice.choice(list(world.firms)),
        "indicator": dice.choice(["TE01", "TE02", "CO01", "TE04", *world.indicators]),
        "basis": "reported",
        "level": dice.choice(["township", "enterprise"]),
        "submission": dice.choice(world.submissions),
        "unit_id": dice.choice([*world.townships, *world.firms]),
    }
    if known["level"] == "enterprise":
        known["unit_id"] = known["enterprise"]
    wanted = set(PARAMETER.findall(re.sub(r"--.*", "", sql(name))))
    return {key: known.get(key, "x") for key in wanted}


def run(settings: Settings, requests: int, seed: int = 1) -> Report:
    """Ask `requests` times, turn by turn as each account of `people()`; `settings` is a home with those accounts."""
    dice, report, world = random.Random(seed), Report(), World(settings)
    app = create_app(settings)
    # Forged callbacks end in an error of Dash with its traceback; here that is what is asked for.
    app.server.logger.disabled = True
    logging.getLogger("dashboard.app").disabled = True
    roles, began = load_roles(settings), time.monotonic()
    browsers = {account: _signed_in(settings, app, account) for account in people()}
    sentinels = {account: Sentinel(world, roles.scope(account)) for account in people()}
    narrow = next(account for account in people() if account.role == "enterprise_reporter")
    exports = sorted(TABLES)
    queries = sorted(path.stem for path in SQL_FOLDER.glob("*.sql"))

    def ask_page(account: Account, page: str, search: str, forgery: str | None = None) -> None:
        body = _callback(page, search, dice, forgery)
        answer = browsers[account].post("/_dash-update-component", json=body, headers=SITE)
        report.requests += 1
        text = json.dumps(answer.json, ensure_ascii=False) if answer.is_json else answer.text
        if "data-version" not in text or answer.status_code != 200:
            report.refused += 1
        if answer.status_code == 200 and not sentinels[account].scope.is_whole:
            found = sentinels[account].in_page(text, json.dumps(body, ensure_ascii=False))
            report.leaks += [f"{account.role} {page}{search}: {what}" for what in found]
        elif answer.status_code == 200:
            report.found_for_leader += len(sentinels[narrow].in_page(text, search))

    def ask_export(account: Account, name: str, search: str) -> None:
        # As CSV, in which every name and code can be read; the other kinds are made of the same table.
        export = browsers[account].get(f"/export/{name}.csv{search}")
        report.requests += 1
        if export.status_code == 200 and not sentinels[account].scope.is_whole:
            found = sentinels[account].in_page(export.text, search)
            report.leaks += [f"{account.role} export {search}: {what}" for what in found]
        elif export.status_code == 200:
            report.exports_for_leader += len(sentinels[narrow].in_page(export.text, search)) > 0

    def ask_route(account: Account, kind: int | None = None) -> None:
        asked, answer = _route(world, dice, browsers[account], kind)
        report.requests += 1
        report.routes += 1
        told = _told_by_route(world, sentinels[account], roles, account, asked, answer)
        if sentinels[account].scope.is_whole:
            report.files_for_leader += answer.status_code == 200 and asked.startswith("/submissions/original")
        report.leaks += [f"{account.role} {asked}: {what}" for what in told]

    # Nothing is left to the dice for the large run: every role meets every page by an edited address and by every forgery,
    # every download, every other route.
    for account in browsers if requests >= SWEEP_FROM else ():
        for page in (entry.path for entry in registry.PAGES):
            ask_page(account, page, _address(world, dice)[1])
            for forgery in FORGERIES:
                ask_page(account, page, _address(world, dice)[1], forgery)
        for name in exports:
            ask_export(account, name, _address(world, dice)[1])
        for kind in range(ROUTE_KINDS):
            ask_route(account, kind)
        report.swept = report.requests
    for number in range(requests):
        account = people()[number % len(browsers)]
        page, search = _address(world, dice)
        ask_page(account, page, search)
        if number % 3 == 0:
            ask_export(account, dice.choice(exports), search)
        if number % 4 == 1:
            ask_route(account)
        name = queries[number % len(queries)]
        scope = sentinels[account].scope
        params = _parameters(world, name, dice)
        try:
            rows = world.store.run(world.version, name, params, scope)
        except VersionMoved:
            continue
        report.queries += 1
        if not scope.is_whole and name not in scopes.open_queries():
            report.leaks += [f"{account.role} {name} {params}: {what}" for what in sentinels[account].in_rows(rows)]
    # Once without any fault: whether the sentinel finds what a leader gets must not hang on the dice.
    leader = next(account for account in people() if account.role == "leader")
    export = browsers[leader].get(f"/export/enterprises.csv?period={world.periods[-2]:%Y-%m}")
    report.requests += 1
    report.exports_for_leader += len(sentinels[narrow].in_page(export.text, "")) > 0
    report.seconds = time.monotonic() - began
    return report


def main() -> int:
    """Exit 1 where anything leaked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    own = load_settings()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "published").symlink_to(own.published)
        # Files can be read, and nothing that a request says can reach the journal of the home.
        (Path(folder) / "archive").mkdir()
        for part in own.archive.glob("??"):
            (Path(folder) / "archive" / part.name).symlink_to(part)
        settings = load_settings(home=folder)
        say(settings)
        for account in people():
            Accounts(settings).add(account, PASSWORD)
        report = run(settings, options.requests, options.seed)
    print(
        f"requests {report.requests}, {report.swept} of them one of a kind for every role  queries {report.queries}  without figures {report.refused}  "
        f"leaks {len(report.leaks)}  units out of scope met by leaders {report.found_for_leader}  "
        f"other routes {report.routes}  files for leaders {report.files_for_leader}  "
        f"seconds {report.seconds:.1f}"
    )
    for line in report.leaks[:20]:
        print(line)
    return 1 if report.leaks else 0


if __name__ == "__main__":
    sys.exit(main())
