"""The gate in front of every address: who asks, from where, and with what headers the answer leaves.

Belongs here: sign-in, sessions that end, refusal of forged requests, headers, the log of acts over HTTP.
Does not belong here: which rows a reader may see (data/scope.py), what a role reaches (roles.py), pages.

Without accounts everything is open to this machine alone. Once an account was seen the gate stays shut until the
process ends, so that losing the file opens nothing.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterable
from datetime import timedelta
from html import escape
from urllib.parse import urlencode, urlsplit

import flask
from dash import Dash
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from werkzeug.wrappers import Response as Answer
from wtforms import PasswordField, StringField

from dagster_project.commands.texts import Texts
from dagster_project.settings import Settings
from dashboard import state
from dashboard.access import activity, outside
from dashboard.access.accounts import Account, AccountError, Accounts, secret_key
from dashboard.access.ended import Ended
from dashboard.access.roles import Roles, load_roles
from dashboard.access.throttle import Throttle
from dashboard.data.scope import NOTHING, WHOLE, Scope
from dashboard.i18n import Translator

LOOPBACK = ("127.0.0.1", "localhost", "::1")
IDLE_S = 30 * 60
LONGEST_S = 10 * 3600
MAX_REQUEST_BYTES = 200_000_000
OPEN_PATHS = ("/login", outside.START, outside.BACK, "/healthz", "/_favicon.ico", "/favicon.ico")
OPEN_FOLDERS = ("/assets/", "/_dash-component-suites/")
CALLBACKS = "/_dash-update-component"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def cookie_name(settings: Settings) -> str:
    """The session's cookie; under https one that no other host and no page over http can set."""
    return "__Host-tew" if settings.behind_https else "tew"


class Reader(UserMixin):
    """The signed-in person of a request."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def get_id(self) -> str:
        return self.account.name


class LoginForm(FlaskForm):
    """Name and password; Flask-WTF adds the token against forged forms."""

    name = StringField()
    password = PasswordField()


class Gate:
    """Access of one application over one home."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.accounts = Accounts(settings)
        self.throttle = Throttle()
        self.ended = Ended(settings, LONGEST_S)
        self._shut = False
        self._roles: Roles | None = None

    @property
    def is_shut(self) -> bool:
        """Whether a sign-in is needed."""
        self._shut = self._shut or self.accounts.exist()
        return self._shut

    @property
    def roles(self) -> Roles:
        if self._roles is None:
            self._roles = load_roles(self.settings)
        return self._roles

    def account(self) -> Account | None:
        """The account of the request at hand, None outside a request or where nobody is signed in."""
        if not flask.has_request_context() or not current_user.is_authenticated:
            return None
        return current_user.account

    def scope(self) -> Scope:
        """What the reader of the request at hand may see; nothing where nobody is signed in and accounts exist."""
        if not self.is_shut:
            return WHOLE
        account = self.account()
        return self.roles.scope(account) if account else NOTHING

    def may_open(self, path: str) -> bool:
        """Whether the reader may open a page."""
        return self.scope().opens(path.rstrip("/") or "/")

    def may(self, permission: str) -> bool:
        """A permission of the reader's role, such as `may_export`."""
        if not self.is_shut:
            return True
        account = self.account()
        row = self.roles.get(account.role) if account else None
        return bool(row and row[permission] is True)

    def home(self) -> str:
        account = self.account()
        return self.roles.home(account.role) if account else "/"

    def record(self, act: str, **fields: object) -> None:
        """Log an act of the reader; without accounts there is nobody to name, and nothing is kept."""
        if not self.is_shut:
            return
        account = self.account()
        who = {"user": account.name, "role": account.role} if account else {}
        address = flask.request.remote_addr if flask.has_request_context() else None
        if flask.has_request_context():
            flask.g.tew_recorded = True
        activity.record(self.settings, act, **{"address": address, **who, **fields})


def current_gate() -> Gate:
    """The gate of the running application."""
    gate: Gate = flask.current_app.extensions["tew_gate"]
    return gate


def current_scope() -> Scope:
    """What the reader of the request at hand may see; for routes that query by themselves."""
    return current_gate().scope()


def install(app: Dash, settings: Settings) -> Gate:
    """Put the gate in front of an application. Call it before other routes' hooks, and `seal` after the last callback."""
    server: flask.Flask = app.server
    gate = Gate(settings)
    server.extensions["tew_gate"] = gate
    # Without accounts no session is ever made; the key is written to the home with the first one.
    server.secret_key = secret_key(settings) if gate.is_shut else None
    server.config.update(
        SESSION_COOKIE_NAME=cookie_name(settings),
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.behind_https,
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=IDLE_S),
        SESSION_REFRESH_EACH_REQUEST=True,
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    CSRFProtect(server)
    manager = LoginManager(server)
    manager.session_protection = "strong"

    @manager.user_loader
    def load(name: str) -> Reader | None:
        account = gate.accounts.get(name)
        began = flask.session.get("began", 0.0)
        if account is None or flask.session.get("stamp") != account.stamp or time.time() - began > LONGEST_S:
            return None
        if gate.ended.holds(str(flask.session.get("sid"))):
            return None
        return Reader(account)

    server.before_request(lambda: _admit(gate))
    _routes(server, gate)
    return gate


def _admit(gate: Gate) -> Answer | None:
    """None where the request may go on; else the answer that refuses it."""
    request = flask.request
    if not gate.is_shut:
        # A page of another site whose name was made to point here must not read what this machine shows.
        if _host(request.host) not in LOOPBACK:
            return _plain(403, "only this machine is served")
        return _plain(403, "other site") if _is_forged() else None
    if flask.current_app.secret_key is None:
        flask.current_app.secret_key = secret_key(gate.settings)
        # The first account was added while this process ran: this very request came without a session to write to.
        return flask.redirect(request.full_path.rstrip("?"), 307)
    if _is_forged():
        gate.record("refused", path=request.path, reason="other site")
        return _plain(403, "other site")
    vouched = outside.proxy_name(gate.settings, request)
    if vouched is not None and not request.path.startswith(OPEN_FOLDERS) and request.path != "/healthz":
        known = gate.accounts.get(vouched)
        if known is None:
            gate.record("sign_in_failed", target=vouched, reason="proxy")
            return _plain(403, "no account")
        if gate.account() != known:
            _begin(gate, known, "proxy")
    if request.path in OPEN_PATHS or request.path.startswith(OPEN_FOLDERS):
        return None
    if gate.account() is None:
        if request.method == "GET" and not request.path.startswith("/_"):
            asked = request.full_path.rstrip("?")
            return flask.redirect(f"/login?{urlencode({'next': asked, 'lang': _lang()})}")
        return _plain(401, "sign in")
    return None


def _begin(gate: Gate, account: Account, how: str | None = None) -> None:
    """A new session: what stood in the one before sign-in is not carried over."""
    flask.session.clear()
    flask.session.permanent = True
    flask.session["began"], flask.session["stamp"] = time.time(), account.stamp
    flask.session["sid"] = secrets.token_urlsafe(16)
    login_user(Reader(account))
    gate.record("sign_in", reason=how)


def _host(text: str) -> str:
    return (urlsplit(f"//{text}").hostname or "").lower()


def _is_forged() -> bool:
    """Whether another site makes the reader's browser send this: a request that changes something, or a callback."""
    request = flask.request
    if request.method in SAFE_METHODS:
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() != request.host.lower()
    # Neither header: no browser of the last years. A program without a session cannot be misused by another site.
    return current_gate().is_shut


def _lang() -> str:
    return state.parse(flask.request.query_string.decode("utf-8", "replace")).lang


def _plain(status: int, text: str) -> Answer:
    return flask.Response(f"{text}\n", status=status, mimetype="text/plain")


def _local(address: str | None) -> str:
    """An address of ours to go on to; never one of another site."""
    text = (address or "").replace("\\", "/")
    is_ours = text.startswith("/") and not text.startswith("//") and not any(ord(sign) < 32 for sign in text)
    return text if is_ours and not urlsplit(text).netloc else "/"


def _document(t: Translator, title: str, body: str, status: int = 200) -> Answer:
    lang = "zh-CN" if t.lang == "zh" else "en"
    page = (
        f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/assets/app.css"></head>'
        f'<body><main class="bare" id="main"><h1>{escape(title)}</h1>{body}</main></body></html>'
    )
    return flask.Response(page, status=status, mimetype="text/html")


def _field(label: str, name: str, kind: str, autocomplete: str, value: str = "") -> str:
    return (
        f'<p><label>{escape(label)}<br><input name="{name}" type="{kind}" autocomplete="{autocomplete}" '
        f'value="{escape(value)}" required maxlength="256"></label></p>'
    )


def _login_page(t: Translator, form: LoginForm, problem: str = "", status: int = 200) -> Answer:
    other = "en" if t.lang == "zh" else "zh"
    following = _local(flask.request.values.get("next"))
    turn = urlencode({"next": following, "lang": other})
    said = f'<p class="banner warn" role="alert">{escape(problem)}</p>' if problem else ""
    body = (
        f'<p class="sub">{escape(t("title"))}</p>{said}<form method="post" action="/login?{urlencode({"lang": t.lang})}" class="login">'
        f"{form.csrf_token}"
        f'<input type="hidden" name="next" value="{escape(following)}">'
        f"{_field(t('login.name'), 'name', 'text', 'username', form.name.data or '')}"
        f"{_field(t('login.password'), 'password', 'password', 'current-password')}"
        f'<p><button type="submit" class="plain">{escape(t("login.submit"))}</button></p></form>'
        f"{_provider_link(t, following)}"
        f'<p><a href="/login?{escape(turn)}" hreflang="{other}">{escape(t(f"lang.{other}"))}</a></p>'
    )
    return _document(t, t("login.title"), body, status)


def _provider_link(t: Translator, following: str) -> str:
    if not outside.has_provider(current_gate().settings):
        return ""
    return f'<p><a href="{outside.START}?{escape(urlencode({"next": following}))}">{escape(t("login.oidc"))}</a></p>'


def _routes(server: flask.Flask, gate: Gate) -> None:
    @server.route("/login", methods=["GET", "POST"])
    def login() -> Answer:
        t = Translator(_lang())
        if not gate.is_shut:
            return flask.redirect("/")
        form = LoginForm()
        if flask.request.method == "GET":
            return _login_page(t, form)
        if not form.validate_on_submit():
            return _login_page(t, form, t("login.stale"), 400)
        name, address = str(form.name.data or "")[:64], flask.request.remote_addr or ""
        keys = (f"name {name}", f"address {address}")
        wait = gate.throttle.wait(*keys)
        if wait > 0:
            gate.record("throttled", target=name)
            answer = _login_page(t, form, t("login.wait", seconds=math.ceil(wait)), 429)
            answer.headers["Retry-After"] = str(math.ceil(wait))
            return answer
        account = gate.accounts.verify(name, str(form.password.data or ""))
        if account is None:
            gate.throttle.failed(*keys)
            gate.record("sign_in_failed", target=name)
            return _login_page(t, form, t("login.wrong"), 401)
        gate.throttle.succeeded(keys[0])
        _begin(gate, account)
        following = _local(flask.request.form.get("next"))
        # Who may not open the overview is not met by a refusal.
        following = gate.roles.home(account.role) if following == "/" else following
        if t.lang != "zh" and "lang=" not in following:
            following += f"{'&' if '?' in following else '?'}lang={t.lang}"
        return flask.redirect(following)

    provider = outside.Provider(server, gate.settings) if outside.has_provider(gate.settings) else None

    @server.get(outside.START)
    def oidc() -> Answer:
        if provider is None or not gate.is_shut:
            return flask.redirect("/")
        try:
            return provider.ask(_local(flask.request.args.get("next")))
        except outside.NotVouched as error:
            return refused_by_provider(error)

    @server.get(outside.BACK, endpoint="oidc_back")
    def oidc_back() -> Answer:
        if provider is None or not gate.is_shut:
            return flask.redirect("/")
        following = _local(flask.session.get(outside.NEXT))
        try:
            name = provider.name()
        except outside.NotVouched as error:
            return refused_by_provider(error)
        account = gate.accounts.get(name)
        if account is None:
            gate.record("sign_in_failed", target=name[:64], reason="oidc")
            t = Translator(_lang())
            return _document(t, t("login.title"), f"<p>{escape(t('login.no_account', name=name[:64]))}</p>", 403)
        _begin(gate, account, "oidc")
        return flask.redirect(following)

    def refused_by_provider(error: outside.NotVouched) -> Answer:
        gate.record("sign_in_failed", reason=f"oidc {error}"[:80])
        t = Translator(_lang())
        return _login_page(t, LoginForm(), t("login.not_vouched"), 401)

    def account_page(who: Account, said: str = "", status: int = 200) -> Answer:
        t = Translator(_lang())
        role = gate.roles.get(who.role) or {}
        log = f'<p><a href="/log">{escape(t("log.title"))}</a></p>' if gate.may("may_read_log") else ""
        told = f'<p class="banner warn" role="alert">{escape(said)}</p>' if said else ""
        hidden = f'<input type="hidden" name="csrf_token" value="{generate_csrf()}">'
        body = (
            f"{told}<p>{escape(t('account.who', name=who.name, role=role.get(f'name_{t.lang}') or who.role))}</p>{log}"
            f'<form method="post" action="/logout">{hidden}'
            f'<p><button type="submit" class="plain">{escape(t("account.out"))}</button></p></form>'
            f"<h2>{escape(t('account.change'))}</h2>"
            f'<form method="post" action="/account/password?{urlencode({"lang": t.lang})}" class="login">{hidden}'
            f"{_field(t('account.old'), 'old', 'password', 'current-password')}"
            f"{_field(t('account.new'), 'new', 'password', 'new-password')}"
            f"{_field(t('account.again'), 'again', 'password', 'new-password')}"
            f'<p><button type="submit" class="plain">{escape(t("account.change"))}</button></p></form>'
            f'<p><a href="{escape(gate.home())}">{escape(t("account.back"))}</a></p>'
        )
        return _document(t, t("account.title"), body, status)

    @server.get("/account")
    def account() -> Answer:
        who = gate.account()
        return flask.redirect("/") if who is None else account_page(who)

    @server.post("/account/password")
    def own_password() -> Answer:
        """A new password for who knows the present one; other sessions of the account end."""
        server.extensions["csrf"].protect()
        who = gate.account()
        if who is None:
            return flask.redirect("/")
        t, form = Translator(_lang()), flask.request.form
        texts, index = Texts(gate.settings.seeds), int(t.lang == "en")
        key = f"name {who.name}"
        wait = gate.throttle.wait(key)
        if wait > 0:
            return account_page(who, t("login.wait", seconds=math.ceil(wait)), 429)
        if gate.accounts.verify(who.name, form.get("old", "")) is None:
            gate.throttle.failed(key)
            gate.record("sign_in_failed", target=who.name, reason="password")
            return account_page(who, t("account.wrong"), 401)
        if form.get("new") != form.get("again"):
            return account_page(who, texts.pair("user.not_same")[index], 400)
        try:
            gate.accounts.set_password(who.name, form.get("new", ""))
        except AccountError as error:
            return account_page(who, texts.pair(error.key, **error.fields)[index], 400)
        gate.record("password_changed", target=who.name)
        changed = gate.accounts.get(who.name)
        if changed is not None:
            _begin(gate, changed, "password")
        return account_page(changed or who, texts.pair("user.password_changed", name=who.name)[index])

    @server.post("/logout")
    def logout() -> Answer:
        server.extensions["csrf"].protect()
        gate.record("sign_out")
        if "sid" in flask.session:
            gate.ended.add(flask.session["sid"])
        logout_user()
        flask.session.clear()
        return flask.redirect("/login")

    @server.get("/log")
    def log() -> Answer:
        t = Translator(_lang())
        if not gate.is_shut or not gate.may("may_read_log"):
            return _document(t, t("scope.title"), f"<p>{escape(t('scope.why'))}</p>", 403)
        asked = {key: flask.request.args.get(key) or None for key in ("act", "user", "since")}
        rows = activity.search(gate.settings, **asked, limit=500)
        columns = ("at", "act", *activity.FIELDS)
        used = [name for name in columns if any(name in row for row in rows)]
        head = "".join(f'<th scope="col">{escape(t(f"log.{name}"))}</th>' for name in used)

        def shown(row: dict[str, object], name: str) -> str:
            """A value of the log for a reader: the time to the second, an act and a role in words."""
            text = str(row.get(name, ""))
            if name == "at":
                return text[:19].replace("T", " ")
            if name == "act" and t.has(f"log.act.{text}"):
                return t(f"log.act.{text}")
            if name == "role":
                return str((gate.roles.get(text) or {}).get(f"name_{t.lang}") or text)
            return text

        lines = "".join(
            "<tr>" + "".join(f"<td>{escape(shown(row, name))}</td>" for name in used) + "</tr>" for row in rows
        )
        search = "".join(
            f'<label>{escape(t(f"log.{key}"))} <input name="{key}" value="{escape(value or "")}"></label> '
            for key, value in asked.items()
        )
        body = (
            f'<form method="get" action="/log">{search}<button type="submit" class="plain">{escape(t("log.search"))}</button></form>'
            f'<div class="table-box"><table class="grid compact log"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
        )
        return _document(t, t("log.title"), body)

    @server.errorhandler(CSRFError)
    def stale(_error: CSRFError) -> Answer:
        return _plain(400, "stale form")

    @server.after_request
    def taken_out(answer: flask.Response) -> flask.Response:
        if flask.g.get("tew_recorded"):
            # The route said it already, and more exactly.
            return answer
        if answer.status_code == 200 and "attachment" in answer.headers.get("Content-Disposition", ""):
            gate.record("export", path=flask.request.path, bytes=answer.content_length)
        elif answer.status_code < 400 and flask.request.mimetype == "multipart/form-data":
            gate.record("upload", path=flask.request.path, bytes=flask.request.content_length)
        return answer


def seal(app: Dash, gate: Gate) -> None:
    """Headers of every answer. After the last callback is declared: the policy names the hash of each inline script."""
    policy = "; ".join(content_policy(app.csp_hashes()))
    server: flask.Flask = app.server

    @server.after_request
    def headers(answer: flask.Response) -> flask.Response:
        answer.headers.setdefault("Content-Security-Policy", policy)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["X-Frame-Options"] = "DENY"
        answer.headers["Referrer-Policy"] = "same-origin"
        answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        answer.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if gate.settings.behind_https:
            answer.headers["Strict-Transport-Security"] = "max-age=31536000"
        if gate.is_shut and not flask.request.path.startswith(OPEN_FOLDERS):
            # A shared office machine must not show a page again after its reader signed out.
            answer.headers["Cache-Control"] = "no-store"
        return answer


def content_policy(script_hashes: Iterable[str]) -> list[str]:
    """No script but our files and Dash's own inline ones. Components set style attributes, hence unsafe-inline there."""
    return [
        "default-src 'none'",
        f"script-src 'self' {' '.join(script_hashes)}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ]
