"""Local receivers of alerts: an HTTP server that answers as the services do, and a small SMTP server.

Belongs here: what stands in for the other side of the wire. Does not belong here: anything of ours that is tested.
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Web:
    """Requests received as (path with query, body); `answers` are given in turn, the last one again and again."""

    port: int = 0
    got: list[tuple[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=lambda: [(200, {"errcode": 0, "errmsg": "ok"})])

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def web() -> Iterator[Web]:
    seen = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.got.append((self.path, json.loads(body)))
            status, answer = seen.answers.pop(0) if len(seen.answers) > 1 else seen.answers[0]
            content = json.dumps(answer).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", seen.url("/elsewhere"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Mail:
    """Mails received as (sender, recipients, text); `refusals` are answered to the next MAIL commands."""

    port: int = 0
    got: list[tuple[str, list[str], str]] = field(default_factory=list)
    refusals: list[bytes] = field(default_factory=list)


@contextmanager
def mail() -> Iterator[Mail]:
    seen = Mail()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 local\r\n")
            sender, to = "", []
            while line := self.rfile.readline():
                word = line.split()[0].upper() if line.split() else b""
                if word in (b"EHLO", b"HELO"):
                    self.wfile.write(b"250 local\r\n")
                elif word == b"MAIL":
                    if seen.refusals:
                        self.wfile.write(seen.refusals.pop(0) + b"\r\n")
                        continue
                    sender, to = line.decode().split("<")[1].split(">")[0], []
                    self.wfile.write(b"250 ok\r\n")
                elif word == b"RCPT":
                    to.append(line.decode().split("<")[1].split(">")[0])
                    self.wfile.write(b"250 ok\r\n")
                elif word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = []
                    while (part := self.rfile.readline()) != b".\r\n":
                        lines.append(part)
                    seen.got.append((sender, to, b"".join(lines).decode()))
                    self.wfile.write(b"250 ok\r\n")
                elif word == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 ok\r\n")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    seen.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
