"""The door to Dagster's UI: `python -m dashboard.access.door --host H --port P --upstream-port U --login-port L`.

Belongs here: passing requests and websockets of signed-in administrators (write) and auditors (read) on to Dagster's web
server, which has no login of its own and listens on 127.0.0.1. Does not belong here: sign-in itself (gate.py, in the
dashboard's process; the session's cookie counts on every port of the host), what a role may do (access_roles.csv).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import flask
import graphql
import httpx
import uvicorn
import websockets
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dagster_project.settings import Settings, load_settings
from dashboard.access import activity
from dashboard.access.accounts import Account, Accounts, secret_key
from dashboard.access.ended import Ended
from dashboard.access.gate import IDLE_S, LONGEST_S, cookie_name
from dashboard.access.roles import load_roles

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
MAX_BODY = 20_000_000
# These belong to one connection, not to the message (RFC 9110, 7.6.1).
HOP = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"),
    *("upgrade", "host", "content-length", "cookie"),
}


class Door:
    """Who may pass, and how: `upstream` is host:port of Dagster's web server."""

    def __init__(self, settings: Settings, upstream: str, login_port: int) -> None:
        self.settings = settings
        self.upstream = upstream
        self.login_port = login_port
        self.accounts = Accounts(settings)
        self.roles = load_roles(settings)
        self.ended = Ended(settings, LONGEST_S)
        reader = flask.Flask(__name__)
        reader.secret_key = secret_key(settings)
        self._signer = SecureCookieSessionInterface().get_signing_serializer(reader)

    def account(self, connection: HTTPConnection) -> Account | None:
        """The account whose session the connection carries, None where there is none in force."""
        cookie = SimpleCookie(connection.headers.get("cookie", "")).get(cookie_name(self.settings))
        if cookie is None or self._signer is None:
            return None
        try:
            session: dict[str, Any] = self._signer.loads(cookie.value, max_age=IDLE_S)
        except BadSignature:
            return None
        account = self.accounts.get(str(session.get("_user_id", "")))
        is_recent = time.time() - float(session.get("began", 0.0)) <= LONGEST_S
        is_on = is_recent and not self.ended.holds(str(session.get("sid")))
        return account if account and is_on and session.get("stamp") == account.stamp else None

    def right(self, account: Account) -> str:
        """none, read or write."""
        return str((self.roles.get(account.role) or {}).get("dagster") or "none")

    def record(self, connection: HTTPConnection, account: Account, act: str, **fields: object) -> None:
        address = connection.client.host if connection.client else None
        activity.record(
            self.settings,
            act,
            user=account.name,
            role=account.role,
            address=address,
            path=connection.url.path,
            **fields,
        )


def is_same_site(connection: HTTPConnection, *, is_required: bool) -> bool:
    """Whether the Origin header names this very address; `is_required`: a missing one is refused too."""
    origin = connection.headers.get("origin")
    if origin is None:
        return not is_required
    return urlsplit(origin).netloc.lower() == connection.headers.get("host", "").lower()


def only_reads(content: Any) -> bool:
    """Whether a GraphQL request (or a list of them) holds queries and subscriptions only. False where it cannot be read."""
    requests = content if isinstance(content, list) else [content]
    try:
        for request in requests:
            document = graphql.parse(request["query"])
            for definition in document.definitions:
                if getattr(definition, "operation", None) == graphql.OperationType.MUTATION:
                    return False
    except (graphql.GraphQLError, KeyError, TypeError):
        return False
    return bool(requests)


def _message_only_reads(text: str) -> bool:
    """The same for a message of a GraphQL websocket; messages without a payload only keep the connection."""
    try:
        message = json.loads(text)
    except ValueError:
        return False
    if not isinstance(message, dict):
        return False
    if message.get("type") in ("start", "subscribe"):
        return only_reads(message.get("payload"))
    return message.get("type") in ("connection_init", "connection_terminate", "stop", "complete", "ping", "pong")


def create_door(settings: Settings, upstream: str, login_port: int) -> Starlette:
    """The proxy as an ASGI application."""
    door = Door(settings, upstream, login_port)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=f"http://{upstream}", timeout=120.0, trust_env=False) as client:
            app.state.client = client
            yield

    async def pass_on(request: Request) -> Response:
        return await _pass_on(door, request)

    async def pass_socket(socket: WebSocket) -> None:
        await _pass_socket(door, socket)

    routes = [WebSocketRoute("/{path:path}", pass_socket), Route("/{path:path}", pass_on, methods=METHODS)]
    return Starlette(routes=routes, lifespan=lifespan)


async def _pass_on(door: Door, request: Request) -> Response:
    account = door.account(request)
    if account is None:
        host = (urlsplit(f"//{request.headers.get('host', '')}").hostname or "127.0.0.1").strip("[]")
        shown = f"[{host}]" if ":" in host else host
        login = f"{request.url.scheme}://{shown}:{door.login_port}/login"
        return RedirectResponse(login, 302) if request.method == "GET" else PlainTextResponse("sign in\n", 401)
    right = door.right(account)
    is_read = request.method in ("GET", "HEAD")
    if right not in ("read", "write"):
        door.record(request, account, "refused", reason="dagster")
        return PlainTextResponse("your role does not open Dagster's UI\n", 403)
    if not is_same_site(request, is_required=not is_read):
        door.record(request, account, "refused", reason="other site")
        return PlainTextResponse("other site\n", 403)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            return PlainTextResponse("too large\n", 413)
    if right == "read" and not _may_read(request, bytes(body)):
        door.record(request, account, "refused", reason="read only")
        return PlainTextResponse("your role reads only\n", 403)
    if not is_read and not _may_read(request, bytes(body)):
        door.record(request, account, "dagster")
    is_asked = right == "read" and request.url.path.rstrip("/") == "/graphql"
    left_out = HOP | {"origin"} | ({"accept-encoding"} if is_asked else set())
    headers = [(key, value) for key, value in request.headers.items() if key.lower() not in left_out]
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    client: httpx.AsyncClient = request.app.state.client
    sent = client.build_request(request.method, target, headers=headers, content=bytes(body))
    try:
        answer = await client.send(sent, stream=True)
    except httpx.HTTPError:
        return PlainTextResponse("Dagster's web server does not answer; see logs/dagster-webserver.log\n", 502)
    kept = {key: value for key, value in answer.headers.items() if key.lower() not in HOP}
    kept.update({"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"})

    if is_asked:
        content = await answer.aread()
        await answer.aclose()
        kept.pop("content-encoding", None)
        return Response(_as_reader(content), answer.status_code, kept)

    async def pieces() -> AsyncIterator[bytes]:
        try:
            async for piece in answer.aiter_raw():
                yield piece
        finally:
            await answer.aclose()

    return StreamingResponse(pieces(), answer.status_code, kept)


def _as_reader(content: bytes) -> bytes:
    """An answer of GraphQL in which nothing is permitted, so that the UI greys out what would be refused here anyway."""
    try:
        told = json.loads(content)
    except ValueError:
        return content
    return json.dumps(_without_permissions(told)).encode()


def _without_permissions(told: Any) -> Any:
    if isinstance(told, list):
        return [_without_permissions(one) for one in told]
    if not isinstance(told, dict):
        return told
    if told.get("__typename") == "Permission" and "value" in told:
        return {**told, "value": False, "disabledReason": "your role reads only"}
    # Whether one asset or schedule may be acted on is told apart, as hasMaterializePermission and the like.
    return {
        key: False if key.startswith("has") and key.endswith("Permission") else _without_permissions(value)
        for key, value in told.items()
    }


def _may_read(request: Request, body: bytes) -> bool:
    if request.url.path.rstrip("/") == "/graphql":
        if request.method == "GET":
            # A query in the address could be a mutation; the UI itself posts.
            return "query" not in request.query_params
        try:
            return request.method == "POST" and only_reads(json.loads(body))
        except ValueError:
            return False
    return request.method in ("GET", "HEAD")


async def _pass_socket(door: Door, socket: WebSocket) -> None:
    account = door.account(socket)
    right = door.right(account) if account else "none"
    if account is None or right not in ("read", "write") or not is_same_site(socket, is_required=True):
        await socket.close(code=4403)
        return
    target = f"ws://{door.upstream}{socket.url.path}" + (f"?{socket.url.query}" if socket.url.query else "")
    asked = [websockets.Subprotocol(name) for name in socket.scope.get("subprotocols", [])]
    try:
        async with websockets.connect(target, subprotocols=asked or None, max_size=MAX_BODY, proxy=None) as upstream:
            await socket.accept(subprotocol=upstream.subprotocol)

            async def inward() -> None:
                while True:
                    message = await socket.receive()
                    if message["type"] == "websocket.disconnect":
                        return
                    text = message.get("text")
                    # A session that ended while its socket stood open says nothing more.
                    if door.account(socket) is None or (right == "read" and not _message_only_reads(text or "")):
                        return
                    await upstream.send(text if text is not None else message["bytes"])

            async def outward() -> None:
                async for message in upstream:
                    if isinstance(message, str):
                        await socket.send_text(message)
                    else:
                        await socket.send_bytes(message)

            tasks = [asyncio.ensure_future(inward()), asyncio.ensure_future(outward())]
            _, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in left:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await socket.close()
    except (OSError, websockets.WebSocketException, WebSocketDisconnect, RuntimeError):
        # One of the two sides is gone already.
        return


def main(arguments: list[str] | None = None) -> int:
    """Serve until the process is ended; exit 1 without accounts."""
    parser = argparse.ArgumentParser(prog="python -m dashboard.access.door", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--upstream-port", type=int, required=True)
    parser.add_argument("--login-port", type=int, default=8050)
    options = parser.parse_args(arguments)
    settings = load_settings()
    if not Accounts(settings).exist():
        sys.stderr.write("no accounts: there is nobody to let in; add one with tew user add\n")
        return 1
    app = create_door(settings, f"127.0.0.1:{options.upstream_port}", options.login_port)
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning", server_header=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
