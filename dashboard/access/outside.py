"""Sign-in that somebody else vouches for: an OpenID Connect provider, or a proxy in front that we trust.

Belongs here: asking the provider, believing the proxy, from their word to a name. Does not belong here: who has an account and
what it may do (accounts.py, roles.py: nobody is let in without one), sessions (gate.py).

The proxy's header counts from the configured addresses of our own peer alone; from anywhere else it is a text like any other.
https://openid.net/specs/openid-connect-core-1_0.html, https://docs.authlib.org/en/stable/client/flask.html
"""

from __future__ import annotations

import ipaddress
import logging
from typing import Any

import flask
from authlib.integrations.flask_client import OAuth
from werkzeug.wrappers import Response as Answer

from dagster_project.settings import Settings

LOG = logging.getLogger(__name__)
BACK = "/login/oidc/back"
START = "/login/oidc"
TIMEOUT_S = 10
NEXT = "oidc_next"


class NotVouched(RuntimeError):
    """The provider's answer does not say who it is; the text is for the log, without tokens."""


def proxy_name(settings: Settings, request: flask.Request) -> str | None:
    """The name that a trusted proxy puts on this request; None without one, or from any other address."""
    if not settings.proxy_header or not request.remote_addr:
        return None
    try:
        peer = ipaddress.ip_address(request.remote_addr)
        trusted = [ipaddress.ip_network(part.strip()) for part in settings.proxy_addresses.split(",") if part.strip()]
    except ValueError:
        # A wrong setting opens nothing.
        LOG.error("TEW_PROXY_ADDRESSES holds something that is no address: the proxy's header is not believed")
        return None
    if not any(peer in network for network in trusted):
        return None
    # Sent twice, nobody knows which of them the proxy wrote.
    values = request.headers.getlist(settings.proxy_header)
    return values[0].strip() if len(values) == 1 and "," not in values[0] and values[0].strip() else None


def has_provider(settings: Settings) -> bool:
    return bool(settings.oidc_issuer and settings.oidc_client_id)


class Provider:
    """The provider of one application; it is asked for its addresses with the first sign-in, not before."""

    def __init__(self, server: flask.Flask, settings: Settings) -> None:
        self._settings = settings
        self._issuer = settings.oidc_issuer.rstrip("/")
        oauth = OAuth(server)
        self._client: Any = oauth.register(
            "tew",
            client_id=settings.oidc_client_id,
            client_secret=_secret(settings),
            server_metadata_url=f"{self._issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid profile", "code_challenge_method": "S256", "timeout": TIMEOUT_S},
        )

    def ask(self, following: str) -> Answer:
        """Send the browser to the provider. Raises NotVouched where the provider cannot be reached."""
        flask.session[NEXT] = following
        scheme = "https" if self._settings.behind_https else None
        back = flask.url_for("oidc_back", _external=True, _scheme=scheme)
        try:
            answer: Answer = self._client.authorize_redirect(back)
        except Exception as error:
            raise NotVouched(f"provider not reached: {type(error).__name__}") from error
        return answer

    def name(self) -> str:
        """Whose name the provider's answer vouches for: state, nonce, issuer, audience, time and signature are checked.

        Raises NotVouched.
        """
        wanted = {"essential": True, "values": [self._settings.oidc_issuer, self._issuer]}
        options = {
            "iss": wanted,
            "aud": {"essential": True, "value": self._settings.oidc_client_id},
            "exp": {"essential": True},
        }
        try:
            token = self._client.authorize_access_token(claims_options=options)
            claims = token["userinfo"]
        except Exception as error:
            # Whatever is wrong with what a stranger sends, nobody is signed in.
            raise NotVouched(f"{type(error).__name__}: {getattr(error, 'error', '')}") from error
        name = claims.get(self._settings.oidc_claim)
        if not isinstance(name, str) or not name.strip():
            raise NotVouched(f"no claim {self._settings.oidc_claim}")
        return name.strip()


def _secret(settings: Settings) -> str | None:
    """The client's secret: a file of its own in the home, never a setting that a process list shows."""
    try:
        return (settings.home / "accounts" / "oidc.secret").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
