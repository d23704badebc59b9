"""Who may see what: sign-in, sessions, forged requests, and no row outside the reader's scope."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import flask.testing
import openpyxl
import pytest

from benchmarks.access import ASKED, PASSWORD, TELL_NOTHING, World, _signed_in, people, run, say
from dagster_project.commands.template import make
from dagster_project.settings import PROJECT_ROOT, Settings, load_settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.access import activity, gate
from dashboard.access.accounts import Account, AccountError, Accounts, path
from dashboard.access.roles import load_roles
from dashboard.access.throttle import Throttle
from dashboard.acting import HEADER
from dashboard.app import create_app
from dashboard.data.scope import OutOfScope, Scope, rules, scoped
from dashboard.data.store import SQL_FOLDER
from dashboard.intake import MAX_EACH
from tests.program import Done, tew

SITE = {"Origin": "http://localhost"}
GOOD = "A-long-enough-password"


def client(settings: Settings) -> flask.testing.FlaskClient:
    return create_app(settings).server.test_client()


def token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]


def sign_in(browser: flask.testing.FlaskClient, name: str, password: str = GOOD, **extra: str) -> flask.Response:
    fields = {"csrf_token": token(browser.get("/login").text), "name": name, "password": password, **extra}
    return browser.post("/login", data=fields, headers=SITE)


@pytest.fixture
def guarded(home: Settings) -> Settings:
    Accounts(home).add(Account("zhang", "leader"), GOOD)
    return home


def test_without_accounts_only_this_machine_is_served(home: Settings) -> None:
    browser = client(home)
    assert browser.get("/").status_code == 200
    assert browser.get("/", headers={"Host": "evil.example"}).status_code == 403
    command = [sys.executable, "-m", "dashboard.serve", "--host", "0.0.0.0", "--port", "1"]
    environment = {"TEW_HOME": str(home.home), "PYTHONPATH": str(PROJECT_ROOT), "PATH": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "no accounts" in done.stderr


def test_with_accounts_nothing_opens_without_a_sign_in(guarded: Settings) -> None:
    browser = client(guarded)
    answer = browser.get("/township?township=1")
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/login?next=%2Ftownship")
    for address in ("/_dash-layout", "/_dash-dependencies"):
        assert browser.get(address).status_code == 401
    assert browser.post("/_dash-update-component", json={}, headers=SITE).status_code == 401
    assert browser.get("/healthz").status_code == 503


def test_the_first_account_added_while_it_runs_shuts_the_door_at_once(home: Settings) -> None:
    browser = client(home)
    assert browser.get("/").status_code == 200
    Accounts(home).add(Account("zhang", "leader"), GOOD)
    answer = browser.get("/login", follow_redirects=True)
    assert answer.status_code == 200 and token(answer.text)
    assert sign_in(browser, "zhang").status_code == 302


def test_the_gate_stays_shut_when_the_accounts_are_lost_or_damaged(guarded: Settings) -> None:
    browser = client(guarded)
    assert browser.get("/").status_code == 302
    path(guarded).unlink()
    assert browser.get("/").status_code == 302
    path(guarded).write_text("[{", encoding="utf-8")
    assert client(guarded).get("/").status_code == 302
    assert Accounts(guarded).exist() and Accounts(guarded).is_damaged


def test_sign_in_makes_a_new_session_that_ends(guarded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = client(guarded)
    assert sign_in(browser, "zhang", "wrong").status_code == 401
    answer = sign_in(browser, "zhang", next="/township?lang=en")
    assert answer.headers["Location"] == "/township?lang=en"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert browser.get("/_dash-layout").status_code == 200
    now = time.time()
    monkeypatch.setattr(gate.time, "time", lambda: now + gate.LONGEST_S + 1)
    assert browser.get("/_dash-layout").status_code == 401


@pytest.mark.parametrize("address", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:1"])
def test_sign_in_never_leads_to_another_site(guarded: Settings, address: str) -> None:
    assert sign_in(client(guarded), "zhang", next=address).headers["Location"] == "/"


def test_a_changed_password_ends_sessions(guarded: Settings) -> None:
    browser = client(guarded)
    sign_in(browser, "zhang")
    Accounts(guarded).set_password("zhang", GOOD + "2")
    assert browser.get("/_dash-layout").status_code == 401


def test_every_act_that_the_code_records_is_declared() -> None:
    """An act or field that is not declared would turn a reader's download into an error of the server."""
    found = 0
    for source in (PROJECT_ROOT / "dashboard").rglob("*.py"):
        for call in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or ast.unparse(call.func) not in ("gate.record", "self.gate.record"):
                continue
            found += 1
            assert {key.arg for key in call.keywords} <= set(activity.FIELDS), (source.name, ast.unparse(call))
            if isinstance(call.args[0], ast.Constant):
                assert call.args[0].value in activity.ACTS, (source.name, ast.unparse(call))
    assert found > 10


def test_sign_out_needs_its_token(guarded: Settings) -> None:
    browser = client(guarded)
    sign_in(browser, "zhang")
    assert browser.post("/logout", headers=SITE).status_code == 400
    assert browser.get("/_dash-layout").status_code == 200
    copied = browser.get_cookie("tew")
    assert copied
    browser.post("/logout", data={"csrf_token": token(browser.get("/account").text)}, headers=SITE)
    assert browser.get("/_dash-layout").status_code == 401
    # A copy of the cookie is worth nothing either, in this process or in one that starts later.
    for other in (browser, client(guarded)):
        other.set_cookie("tew", copied.value)
        assert other.get("/_dash-layout").status_code == 401
    assert sign_in(client(guarded), "zhang").status_code == 302


def test_everybody_changes_their_own_password(guarded: Settings) -> None:
    browser, elsewhere = client(guarded), client(guarded)
    sign_in(browser, "zhang")
    sign_in(elsewhere, "zhang")

    def change(old: str, new: str, again: str) -> int:
        fields = {"csrf_token": token(browser.get("/account").text), "old": old, "new": new, "again": again}
        return browser.post("/account/password", data=fields, headers=SITE).status_code

    new = "Another-passphrase-8"
    assert change("not-the-password", new, new) == 401
    assert change(GOOD, new, new + "x") == 400 and change(GOOD, "short", "short") == 400
    assert (
        browser.post("/account/password", data={"old": GOOD, "new": new, "again": new}, headers=SITE).status_code == 400
    )
    assert Accounts(guarded).verify("zhang", GOOD), "nothing was changed so far"
    assert change(GOOD, new, new) == 200
    assert Accounts(guarded).verify("zhang", new) and browser.get("/_dash-layout").status_code == 200
    assert elsewhere.get("/_dash-layout").status_code == 401, "other sessions end"
    assert [row["target"] for row in activity.search(guarded, act="password_changed")] == ["zhang"]


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site", **SITE}, {"Origin": "null"}, {}]
)
def test_callbacks_from_another_site_are_refused(guarded: Settings, headers: dict[str, str]) -> None:
    browser = client(guarded)
    sign_in(browser, "zhang")
    assert browser.post("/_dash-update-component", json={}, headers=headers).status_code == 403


def test_guessing_is_slowed_down(guarded: Settings) -> None:
    browser = client(guarded)
    assert [sign_in(browser, "zhang", "wrong").status_code for _ in range(6)] == [401] * 5 + [429]
    answer = sign_in(browser, "zhang")
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0


def test_waits_double_and_are_forgotten() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for _ in range(5):
        throttle.failed("a")
    assert throttle.wait("a", "b") == 30
    throttle.failed("a")
    assert throttle.wait("a") == 60 and throttle.wait("b") == 0
    now[0] += 4000
    assert throttle.wait("a") == 0


def test_headers_of_every_answer(guarded: Settings) -> None:
    for address in ("/login", "/healthz", "/township"):
        headers = client(guarded).get(address).headers
        policy = headers["Content-Security-Policy"]
        assert "'unsafe-eval'" not in policy and "script-src 'self' 'sha256-" in policy
        assert re.search(r"script-src[^;]*unsafe-inline", policy) is None and "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
    secure = load_settings(home=guarded.home, behind_https=True)
    browser = create_app(secure).server.test_client()
    fields = {
        "csrf_token": token(browser.get("/login", base_url="https://localhost").text),
        "name": "zhang",
        "password": GOOD,
    }
    answer = browser.post("/login", base_url="https://localhost", data=fields, headers={"Origin": "https://localhost"})
    assert answer.headers["Set-Cookie"].startswith("__Host-tew=") and "Path=/" in answer.headers["Set-Cookie"]
    assert "Secure" in answer.headers["Set-Cookie"] and "Strict-Transport-Security" in answer.headers


def test_accounts_are_kept_by_hash_for_their_owner_alone(guarded: Settings) -> None:
    text = path(guarded).read_text(encoding="utf-8")
    assert GOOD not in text and "$argon2id$" in text
    client(guarded).get("/")
    for name in ("accounts.json", "secret.key"):
        assert stat.S_IMODE((guarded.home / "accounts" / name).stat().st_mode) == 0o600
    for password in ("short", "li-and-much-more-of-it", "aaaaaaaaaaaaaa", "ab3-" * 40):
        with pytest.raises(AccountError):
            Accounts(guarded).add(Account("li", "leader"), password)
    # a made password holds a short name by chance: it is not judged
    Accounts(guarded).add(Account("a", "leader"), None)


def test_tew_user(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def call(*words: str, typed: str = GOOD) -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed + "\n"))
        return tew(home, "user", *words)

    assert call("add", "wang", "--role", "township_reporter", "--unit", "529901101").returncode == 0
    for wrong in (
        ["--role", "king"],
        ["--role", "township_head"],
        ["--role", "section"],
        ["--role", "leader", "--unit", "1"],
    ):
        done = call("add", "li", *wrong)
        assert done.returncode == 1 and not done.stdout
    (row,) = json.loads(call("list", "--json").stdout)
    assert row["name"] == "wang" and row["unit"] == "529901101" and "argon2" not in json.dumps(row)
    assert call("password", "wang", typed=GOOD + "x").returncode == 0
    assert Accounts(home).verify("wang", GOOD + "x") and not Accounts(home).verify("wang", GOOD)
    assert call("add", "li", "--role", "leader", "--outside", typed="").returncode == 0
    assert Accounts(home).get("li") and not Accounts(home).verify("li", "")
    assert call("remove", "li").returncode == 0
    assert call("remove", "wang").returncode == 0 and call("remove", "wang").returncode == 1
    acts = [row["act"] for row in activity.search(home)]
    assert acts == ["account_removed"] * 2 + ["account_added", "password_changed", "account_added"]


def test_the_log_names_acts_and_no_values(guarded: Settings) -> None:
    Accounts(guarded).add(Account("shen", "auditor"), GOOD)
    leader, auditor = client(guarded), client(guarded)
    sign_in(leader, "zhang", "wrong")
    sign_in(leader, "zhang")
    assert leader.get("/log").status_code == 403
    sign_in(auditor, "shen")
    page = auditor.get("/log?act=sign_in_failed").text
    assert "zhang" in page and "wrong" not in page
    assert [row["act"] for row in activity.search(guarded)] == ["sign_in", "sign_in", "sign_in_failed"]
    with pytest.raises(ValueError):
        activity.record(guarded, "export", value=12)


def test_the_log_is_turned_over(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "MAX_BYTES", 300)
    for number in range(20):
        activity.record(home, "sign_in", user=f"user{number}")
    assert len(list((home.home / "accounts").glob("activity.*.jsonl"))) > 2
    assert [row["user"] for row in activity.search(home)] == [f"user{number}" for number in reversed(range(20))]


def test_every_relation_of_a_page_has_a_rule() -> None:
    """A new relation needs its row in dashboard/data/scope/relations.csv: who may see which of its rows."""
    for file in SQL_FOLDER.glob("*.sql"):
        scoped(file.read_text(encoding="utf-8"))
    with pytest.raises(OutOfScope):
        scoped("select 1 from marts.fct_secret")
    assert len(rules()) > 20


def test_scopes_hold_what_the_role_reaches(county_home: Settings) -> None:
    world = World(county_home)
    every = "select level, unit_id, township_code from marts.fct_indicator_progress"
    rows = world.rows(Scope("township", "529901101", sees_county=True, sees_enterprises=True), every)
    seen = {(row["level"], row["township_code"]) for row in rows}
    # A successor sees what its predecessor reported.
    assert seen <= {
        ("county", None),
        ("township", "529901101"),
        ("township", "529901204"),
        ("enterprise", "529901101"),
        ("enterprise", "529901204"),
    }
    assert {level for level, _ in seen} == {"county", "township", "enterprise"}
    head = world.rows(Scope("township", "529901101", sees_county=True), every)
    assert {row["level"] for row in head} == {"county", "township"}
    assert world.rows(Scope(), every) == ()


@pytest.fixture(scope="module")
def county_copy(county_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The published county with an account for every role, beside the shared home that must not change."""
    root: Path = tmp_path_factory.mktemp("guarded") / "home"
    root.mkdir()
    # A copy: DuckDB opens one file once a process, and this home spills into another folder than the one it is from.
    shutil.copytree(county_home.published, root / "published")
    settings = load_settings(home=root)
    accounts = Accounts(settings)
    for account in people():
        accounts.add(account, PASSWORD)
    yield settings


def test_no_answer_leaves_the_scope(county_copy: Settings) -> None:
    """Every role on every page, edited addresses and forged callbacks: a small run of benchmarks/access.py."""
    say(county_copy)
    report = run(county_copy, requests=240, seed=7)
    assert report.leaks == [], report.leaks[:3]
    assert report.requests >= 160 and report.refused > 0
    # The same sentinel finds what a leader sees, so that silence means something.
    assert report.found_for_leader > 20 and report.exports_for_leader > 0


def test_every_address_of_the_server_is_asked(home: Settings) -> None:
    """A new route is asked by benchmarks/access.py, or it is said there why it can tell nothing."""
    routes = {rule.rule for rule in create_app(home).server.url_map.iter_rules()}
    # Dash's own: its programs, the empty page, what the page's callbacks are.
    own = {rule for rule in routes if rule.startswith("/_dash-") or rule in ("/", "/<path:path>", "/_reload-hash")}
    own |= {rule for rule in routes if rule.startswith(("/assets/", "/static/", "/_favicon"))}
    assert routes - own - ASKED - TELL_NOTHING.keys() == set()
    assert (ASKED | TELL_NOTHING.keys()) - routes <= {"/login/oidc", "/login/oidc/back"}


def test_the_sheet_around_a_cell_is_for_its_sender_and_the_county_alone(
    county_copy: Settings, county_home: Settings
) -> None:
    """Neighbouring cells are other units' figures."""
    app, texts = create_app(county_copy), {}
    sql = (
        "select submission_id, sheet, cell from marts.fct_observation where level = 'township' and cell = 'E5' limit 1"
    )
    submission, sheet, cell = PublishedReader(county_copy).query(sql)[1][0]
    shutil.copytree(county_home.home / "archive", county_copy.home / "archive", dirs_exist_ok=True)
    for account in people():
        browser = _signed_in(county_copy, app, account)
        answer = browser.get(f"/trace/sheet?submission={submission}&sheet={sheet}&cell={cell}")
        texts[account.role] = answer.text
    assert "<table" in texts["leader"] and 'aria-current="true"' in texts["staff"]
    for role in ("section", "township_reporter", "township_head", "enterprise_reporter", "auditor", "administrator"):
        assert "<td" not in texts[role], role


def told_by_a_check(browser: flask.testing.FlaskClient, workbook: bytes) -> str:
    """All messages about a workbook that was handed in, digits without separators."""
    answer = browser.post(
        "/submissions/check",
        data={"files": (io.BytesIO(workbook), "x.xlsx")},
        headers={**SITE, HEADER: "1"},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 200, answer.text
    text = " ".join(issue["message"] for book in answer.json["books"] for issue in book["issues"])
    return re.sub(r"(?<=\d),(?=\d{3})", "", text)


def names_in(browser: flask.testing.FlaskClient, address: str) -> set[str]:
    answer = browser.get(address)
    if answer.status_code != 200:
        return set()
    sheets = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets
    return {str(cell.value) for sheet in sheets for row in sheet.iter_rows() for cell in row}


def test_what_is_handed_in_and_what_is_handed_out_tell_of_nobody_else(county_copy: Settings) -> None:
    """A workbook full of nonsense about others is answered without their figures, and no form lists their names."""
    world, app = World(county_copy), create_app(county_copy)
    month = world.periods[-3]
    made = make(county_copy, "TE-M1", world.townships[0][:6], month, prefilled=True)
    book = openpyxl.load_workbook(io.BytesIO(made.content))
    for row in book.active.iter_rows(min_row=4):
        for cell in row:
            if isinstance(cell.value, int | float) or str(cell.value).startswith("="):
                cell.value = 777
    out = io.BytesIO()
    book.save(out)
    since = month.replace(year=month.year - 1)
    statement = "select township_code, value from marts.fct_observation where level = 'township' and value > 3000"
    figures = world.rows(Scope("all"), f"{statement} and period >= date '{since}' and period <= date '{month}'")
    told, listed, own = {}, {}, {}
    for role in ("staff", "township_reporter", "enterprise_reporter"):
        account = next(one for one in people() if one.role == role)
        browser, held = (
            _signed_in(county_copy, app, account),
            world.store.resolved(world.version, load_roles(county_copy).scope(account)),
        )
        mine = {f"{row['value'].normalize():f}" for row in figures if row["township_code"] in held.townships}
        others = {f"{row['value'].normalize():f}" for row in figures} - mine
        numbers = set(re.findall(r"(?<![\d.])\d+(?:\.\d+)?", told_by_a_check(browser, out.getvalue())))
        told[role], own[role] = numbers & others, numbers & mine
        asked = [f"form={form}&whom={whom}" for form in ("RO-Y1", "CO-M1") for whom in world.townships[:3]]
        found = [names_in(browser, f"/submissions/template?{one}&period={month:%Y-%m}&prefilled=0") for one in asked]
        listed[role] = set().union(*found) & {
            name for unit, name in world.firms.items() if unit not in held.enterprises
        }
    # What a person of the bureau is told shows that there is something to tell.
    assert len(own["staff"]) > 20 and own["township_reporter"]
    assert told["township_reporter"] == told["enterprise_reporter"] == set(), told
    assert listed["township_reporter"] == listed["enterprise_reporter"] == set()


def test_what_one_account_handed_in_is_not_there_for_another(home: Settings) -> None:
    """A token that got into other hands opens nothing, and another's workbooks drive nobody's out."""
    Accounts(home).add(Account("zhang", "leader"), GOOD)
    server = create_app(home).server
    own = {**SITE, HEADER: "1"}

    def as_account(account: Account) -> flask.testing.FlaskClient:
        Accounts(home).add(account, GOOD)
        browser = server.test_client()
        assert sign_in(browser, account.name).status_code == 302
        return browser

    def check(browser: flask.testing.FlaskClient) -> str:
        content = io.BytesIO()
        openpyxl.Workbook().save(content)
        sent = {"files": (io.BytesIO(content.getvalue()), "own.xlsx")}
        answer = browser.post("/submissions/check", data=sent, headers=own, content_type="multipart/form-data")
        return str(answer.json["token"])

    chen, zhao = as_account(Account("chen", "staff")), as_account(Account("zhao", "staff"))
    waiting = check(chen)
    for path_, body in (
        ("/submissions/confirm", {"token": waiting}),
        ("/submissions/map", {"token": waiting, "number": 0}),
        ("/submissions/map/accept", {"token": waiting, "number": 0}),
    ):
        assert zhao.post(path_, json=body, headers=own).status_code == 404, path_
    assert zhao.get(f"/submissions/marked/{waiting}/0").status_code == 404
    assert list(home.inbox.glob("*")) == []
    for _ in range(MAX_EACH + 1):
        check(zhao)
    assert chen.get(f"/submissions/marked/{waiting}/0").status_code == 200
    assert chen.post("/submissions/confirm", json={"token": waiting}, headers=own).status_code == 200
    assert chen.post("/submissions/confirm", json={"token": waiting}, headers=own).status_code == 404, "once"


def test_no_relation_and_no_role_stands_twice() -> None:
    """The last of two rows would win in silence."""
    scope = PROJECT_ROOT / "dashboard" / "data" / "scope"
    seeds = [PROJECT_ROOT / "seeds" / "reference", PROJECT_ROOT / "tests" / "deployments" / "us_coal"]
    files = [(scope / "relations.csv", "relation"), (scope / "open_queries.csv", "query")]
    files += [(folder / "access_roles.csv", "role") for folder in seeds]
    files += [(folder / "access_subjects.csv", "subject") for folder in seeds]
    for file, key in files:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            names = [row[key] for row in csv.DictReader(handle)]
        assert len(names) == len(set(names)), (file.name, sorted(name for name in names if names.count(name) > 1))


def test_after_sign_in_a_reader_stands_on_a_page_of_their_own(home: Settings) -> None:
    """The overview is not among an enterprise reporter's pages: it must not be a refusal that greets them."""
    Accounts(home).add(Account("mine", "enterprise_reporter", unit="915299017902238141"), GOOD)
    assert sign_in(client(home), "mine").headers["Location"] == "/enterprise"
    assert sign_in(client(home), "mine", next="/submissions").headers["Location"] == "/submissions"
