"""Sign-in vouched for by others: a proxy at a trusted address, and an OpenID Connect provider that runs here."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask.testing
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser

from dagster_project.settings import Settings, load_settings
from dashboard.access import activity
from dashboard.access.accounts import Account, Accounts
from dashboard.app import create_app
from tests.dashboard.test_access import GOOD

PEER = {"REMOTE_ADDR": "10.1.2.3"}


@pytest.fixture
def known(home: Settings) -> Settings:
    for name, role in (("zhang", "leader"), ("shen", "auditor")):
        Accounts(home).add(Account(name, role), GOOD)
    return home


def behind_proxy(settings: Settings, addresses: str = "10.1.2.0/24, 192.0.2.9") -> flask.testing.FlaskClient:
    own = load_settings(home=settings.home, proxy_header="X-Remote-User", proxy_addresses=addresses)
    return create_app(own).server.test_client()


def test_a_trusted_proxy_vouches_for_an_account(known: Settings) -> None:
    browser = behind_proxy(known)
    answer = browser.get("/_dash-layout", headers={"X-Remote-User": "zhang"}, environ_base=PEER)
    assert answer.status_code == 200
    assert "zhang" in browser.get("/account", environ_base=PEER).text, "a session, which Dagster's door reads too"
    # Another person at the same machine is another session.
    page = browser.get("/account", headers={"X-Remote-User": "shen"}, environ_base=PEER).text
    assert "shen" in page and "zhang" not in page
    assert browser.get("/", headers={"X-Remote-User": "nobody"}, environ_base=PEER).status_code == 403
    acts = [(row["act"], row.get("reason")) for row in activity.search(known)]
    assert acts == [("sign_in_failed", "proxy"), ("sign_in", "proxy"), ("sign_in", "proxy")]


@pytest.mark.parametrize(
    ("address", "trusted", "headers"),
    [
        ("10.1.3.3", "10.1.2.0/24", [("X-Remote-User", "zhang")]),
        ("127.0.0.1", "10.1.2.0/24", [("X-Remote-User", "zhang")]),
        ("10.1.2.3", "", [("X-Remote-User", "zhang")]),
        ("10.1.2.3", "10.1.2.0/24, nonsense", [("X-Remote-User", "zhang")]),
        ("10.1.2.3", "10.1.2.0/24", [("X-Remote-User", "zhang"), ("X-Remote-User", "shen")]),
        ("10.1.2.3", "10.1.2.0/24", [("X-Remote-User", "zhang, shen")]),
        ("10.1.2.3", "10.1.2.0/24", [("X-Remote-User", " ")]),
        ("10.1.3.3", "10.1.2.0/24", [("X-Remote-User", "zhang"), ("X-Forwarded-For", "10.1.2.3")]),
    ],
)
def test_a_header_from_elsewhere_opens_nothing(
    known: Settings, address: str, trusted: str, headers: list[tuple[str, str]]
) -> None:
    browser = behind_proxy(known, trusted)
    answer = browser.get("/_dash-layout", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 401


def test_the_server_drops_what_only_looks_like_the_header() -> None:
    """In WSGI `X-Remote_User` would be the same name, and a proxy need not take it off; waitress does."""
    parser = HTTPRequestParser(Adjustments())
    parser.received(b"GET / HTTP/1.1\r\nHost: a\r\nX-Remote_User: zhang\r\nX-Other: 1\r\n\r\n")
    assert parser.completed and parser.headers.keys() == {"HOST", "X_OTHER"}


def test_without_the_setting_the_header_is_a_text(known: Settings) -> None:
    browser = create_app(known).server.test_client()
    assert browser.get("/_dash-layout", headers={"X-Remote-User": "zhang"}, environ_base=PEER).status_code == 401


# ---------------------------------------------------------------------------------------------- a provider of our own


@dataclass
class Provider:
    """A provider that signs whatever `claims` says; `asked` are the forms sent for a token."""

    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signer: RSAKey | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    nonce: str = ""
    asked: list[dict[str, list[str]]] = field(default_factory=list)

    def token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "tew",
            "sub": "1",
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "preferred_username": "zhang",
            **self.claims,
        }
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signer or self.key)


@pytest.fixture
def provider() -> Iterator[Provider]:
    own = Provider()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            if self.path == "/jwks":
                return self._answer({"keys": [own.key.as_dict(private=False)]})
            self._answer(
                {
                    "issuer": own.issuer,
                    "authorization_endpoint": f"{own.issuer}/authorize",
                    "token_endpoint": f"{own.issuer}/token",
                    "jwks_uri": f"{own.issuer}/jwks",
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )

        def do_POST(self) -> None:
            own.asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self._answer({"access_token": "x", "token_type": "Bearer", "id_token": own.token()})

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    own.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield own
    server.shutdown()
    server.server_close()


@pytest.fixture
def browser(known: Settings, provider: Provider) -> flask.testing.FlaskClient:
    own = load_settings(home=known.home, oidc_issuer=provider.issuer, oidc_client_id="tew")
    (own.home / "accounts" / "oidc.secret").write_text("client-secret\n", encoding="utf-8")
    return create_app(own).server.test_client()


def sent_to(browser: flask.testing.FlaskClient, provider: Provider, following: str = "/") -> dict[str, str]:
    """What the browser carries to the provider."""
    answer = browser.get(f"/login/oidc?next={following}")
    assert answer.status_code == 302 and answer.headers["Location"].startswith(f"{provider.issuer}/authorize?")
    asked = {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    provider.nonce = asked["nonce"]
    return asked


def test_a_provider_vouches_for_an_account(browser: flask.testing.FlaskClient, provider: Provider) -> None:
    assert "/login/oidc?next=" in browser.get("/login").text
    asked = sent_to(browser, provider, "/township?lang=en")
    assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://localhost/login/oidc/back"
    answer = browser.get(f"/login/oidc/back?code=c&state={asked['state']}")
    assert answer.status_code == 302 and answer.headers["Location"] == "/township?lang=en"
    assert provider.asked[0]["code"] == ["c"] and "code_verifier" in provider.asked[0]
    assert browser.get("/_dash-layout").status_code == 200
    # The answer cannot be used again, nor by another browser.
    assert browser.get(f"/login/oidc/back?code=c&state={asked['state']}").status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://evil.example"},
        {"aud": "another"},
        {"exp": 1},
        {"nonce": "another"},
        {"preferred_username": ""},
        {"preferred_username": ["zhang"]},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_wrong_word_signs_nobody_in(
    browser: flask.testing.FlaskClient, provider: Provider, claims: dict[str, Any], known: Settings
) -> None:
    asked = sent_to(browser, provider)
    provider.claims = claims
    assert browser.get(f"/login/oidc/back?code=c&state={asked['state']}").status_code == 401
    assert browser.get("/_dash-layout").status_code == 401
    (row,) = activity.search(known)
    assert row["act"] == "sign_in_failed" and row["reason"].startswith("oidc") and "eyJ" not in json.dumps(row)


def test_forged_answers_of_a_provider_are_refused(
    browser: flask.testing.FlaskClient, provider: Provider, known: Settings
) -> None:
    assert browser.get("/login/oidc/back?code=c&state=guessed").status_code == 401, "nobody was sent out"
    asked = sent_to(browser, provider)
    provider.signer = RSAKey.generate_key(2048, {"kid": "one"})
    assert browser.get(f"/login/oidc/back?code=c&state={asked['state']}").status_code == 401, "another key"
    provider.signer = None
    asked = sent_to(browser, provider)
    stranger = create_app(
        load_settings(home=known.home, oidc_issuer=provider.issuer, oidc_client_id="tew")
    ).server.test_client()
    assert stranger.get(f"/login/oidc/back?code=c&state={asked['state']}").status_code == 401, "another browser"
    assert browser.get("/login/oidc/back?error=access_denied&state=x").status_code == 401


def test_a_name_without_an_account_is_told_and_kept_out(browser: flask.testing.FlaskClient, provider: Provider) -> None:
    asked = sent_to(browser, provider, "//evil.example/")
    provider.claims = {"preferred_username": "<b>li</b>"}
    answer = browser.get(f"/login/oidc/back?code=c&state={asked['state']}")
    assert answer.status_code == 403 and "<b>" not in answer.text
    asked = sent_to(browser, provider, "//evil.example/")
    provider.claims = {}
    assert browser.get(f"/login/oidc/back?code=c&state={asked['state']}").headers["Location"] == "/"


def test_a_provider_that_is_away_leaves_the_password(known: Settings) -> None:
    own = load_settings(home=known.home, oidc_issuer="http://127.0.0.1:9", oidc_client_id="tew")
    answer = create_app(own).server.test_client().get("/login/oidc")
    assert answer.status_code == 401 and 'name="password"' in answer.text
