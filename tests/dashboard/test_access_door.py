"""The door to Dagster's UI: who passes, who only reads, websockets included. The upstream is a real server of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
import websockets
from dagster_graphql.schema.permissions import GraphenePermission
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from dagster_project.settings import Settings
from dagster_project.supervise import free_port
from dashboard.access import activity
from dashboard.access.accounts import Account, Accounts
from dashboard.access.door import Door, create_door, only_reads
from dashboard.app import create_app
from tests.dashboard.test_access import GOOD, sign_in, token

READ, WRITE = {"query": "query Runs { runs { id } }"}, {"query": "query A { a } mutation B { launch }"}


def apart(talk: Coroutine[Any, Any, str]) -> str:
    """Run in a thread of its own: a browser test before this one leaves an event loop running in the main thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, talk).result(timeout=30)


async def echo(request: Request) -> JSONResponse:
    body = (await request.body()).decode()
    return JSONResponse({"path": request.url.path, "body": body, "cookie": request.headers.get("cookie")})


# What Dagster's web server answers to its UI, which greys out what it may not do.
PERMITTED = {
    "__typename": "Permission",
    "permission": "launch_pipeline_execution",
    "value": True,
    "disabledReason": None,
}
TOLD = {"data": {"permissions": [PERMITTED], "assetNodes": [{"id": "a", "hasMaterializePermission": True}]}}


async def permissions(_request: Request) -> JSONResponse:
    return JSONResponse(TOLD)


async def echo_socket(socket: WebSocket) -> None:
    await socket.accept(subprotocol="graphql-ws")
    async for text in socket.iter_text():
        await socket.send_text(f"echo {text}")


@contextmanager
def served(app: Starlette, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        threading.Event().wait(0.02)
    yield
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Address of the door, and a session's cookie for each role."""
    from tests.conftest import make_home

    settings: Settings = make_home(tmp_path_factory.mktemp("door") / "home")
    cookies = {}
    for role in ("administrator", "auditor", "leader"):
        Accounts(settings).add(Account(role[:3] + "7", role), GOOD)
        browser = create_app(settings).server.test_client()
        sign_in(browser, role[:3] + "7")
        cookie = browser.get_cookie("tew")
        assert cookie
        cookies[role] = f"tew={cookie.value}"
    up, port = free_port(), free_port()
    upstream = Starlette(
        routes=[
            WebSocketRoute("/graphql", echo_socket),
            Route("/graphql/", permissions, methods=["POST"]),
            Route("/{path:path}", echo, methods=["GET", "POST"]),
        ]
    )
    with served(upstream, up), served(create_door(settings, f"127.0.0.1:{up}", 8050), port):
        yield f"127.0.0.1:{port}", cookies
    assert {row["act"] for row in activity.search(settings)} >= {"dagster", "refused", "sign_in"}


def ask(
    door: tuple[str, dict[str, str]], role: str | None, method: str = "GET", path: str = "/graphql", **more: object
) -> httpx.Response:
    address, cookies = door
    headers = {"Cookie": cookies[role]} if role else {}
    headers |= {"Origin": f"http://{address}"} | (more.pop("headers", {}))  # type: ignore[operator, arg-type]
    return httpx.request(method, f"http://{address}{path}", headers=headers, trust_env=False, **more)  # type: ignore[arg-type]


def test_nobody_passes_without_a_session(door: tuple[str, dict[str, str]]) -> None:
    answer = ask(door, None)
    assert answer.status_code == 302 and answer.headers["Location"] == "http://127.0.0.1:8050/login"
    assert ask(door, None, "POST", json=READ).status_code == 401
    forged = httpx.get(f"http://{door[0]}/", headers={"Cookie": door[1]["leader"][:-2] + "xx"}, trust_env=False)
    assert forged.status_code == 302


def test_roles_pass_as_far_as_they_may(door: tuple[str, dict[str, str]]) -> None:
    assert ask(door, "leader").status_code == 403
    found = ask(door, "administrator", "POST", json=WRITE)
    assert found.status_code == 200 and "mutation" in found.json()["body"]
    # Our session never reaches Dagster.
    assert found.json()["cookie"] is None
    assert ask(door, "auditor", "POST", json=READ).status_code == 200
    for body in (WRITE, [READ, WRITE], {}, {"query": "mutation {"}):
        assert ask(door, "auditor", "POST", json=body).status_code == 403
    assert ask(door, "auditor", params={"query": "mutation { a }"}).status_code == 403


def test_the_ui_greys_out_what_a_reader_may_not_do(door: tuple[str, dict[str, str]]) -> None:
    assert ask(door, "administrator", "POST", "/graphql/", json=READ).json() == TOLD
    told = ask(door, "auditor", "POST", "/graphql/", json=READ).json()["data"]
    assert told["permissions"][0]["value"] is False and told["permissions"][0]["disabledReason"]
    assert told["assetNodes"] == [{"id": "a", "hasMaterializePermission": False}]
    assert GraphenePermission._meta.name == "Permission" and "value" in GraphenePermission._meta.fields


def test_a_session_that_was_signed_out_of_opens_no_door(home: Settings) -> None:
    Accounts(home).add(Account("adm7", "administrator"), GOOD)
    browser = create_app(home).server.test_client()
    sign_in(browser, "adm7")
    cookie = browser.get_cookie("tew")
    assert cookie
    asked = HTTPConnection({"type": "http", "headers": [(b"cookie", f"tew={cookie.value}".encode())]})
    inside = Door(home, "127.0.0.1:1", 8050)
    assert inside.account(asked) is not None
    browser.post(
        "/logout", data={"csrf_token": token(browser.get("/account").text)}, headers={"Origin": "http://localhost"}
    )
    assert inside.account(asked) is None


def test_another_site_is_refused(door: tuple[str, dict[str, str]]) -> None:
    answer = ask(door, "administrator", "POST", json=WRITE, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


def test_websockets_pass_with_the_same_rules(door: tuple[str, dict[str, str]]) -> None:
    address, cookies = door
    start = '{"type": "start", "payload": {"query": "%s"}}'

    async def talk(role: str | None, text: str, origin: str = f"http://{address}") -> str:
        headers = {"Cookie": cookies[role]} if role else {}
        protocols = [websockets.Subprotocol("graphql-ws")]
        async with websockets.connect(
            f"ws://{address}/graphql",
            additional_headers=headers,
            origin=origin,
            subprotocols=protocols,
            proxy=None,  # type: ignore[arg-type]
        ) as socket:
            await socket.send(text)
            return str(await asyncio.wait_for(socket.recv(), 5))

    query, mutation = start % "subscription { a }", start % "mutation { a }"
    assert apart(talk("administrator", mutation)) == f"echo {mutation}"
    assert apart(talk("auditor", query)) == f"echo {query}"
    with pytest.raises(websockets.ConnectionClosed):
        apart(talk("auditor", mutation))
    for role, origin in (
        (None, f"http://{address}"),
        ("leader", f"http://{address}"),
        ("auditor", "http://evil.example"),
    ):
        with pytest.raises(websockets.InvalidStatus):
            apart(talk(role, query, origin))


def test_what_cannot_be_read_does_not_only_read() -> None:
    assert only_reads({"query": "{ a }"})
    for content in (None, [], {}, "x", {"query": 7}, {"query": "{"}, {"query": "fragment F on Q { a } mutation { b }"}):
        assert not only_reads(content)
