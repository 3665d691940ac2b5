"""A server between a client and a real ledger, which says what the real one says until it is told to lie."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import httpx

PASSED_ON = ("content-type", "retry-after", "location", "cache-control", "content-encoding")


class Said(NamedTuple):
    """An answer, and what was asked."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: bytes

    def changed(self, **members: Any) -> Said:
        """The same JSON answer with other members."""
        return self._replace(body=json.dumps({**json.loads(self.body), **members}).encode())


# What to answer instead; None hangs up without a word.
Lie = Callable[[Said], Said | None]


def truth(said: Said) -> Said:
    """No lie."""
    return said


class Liar:
    """Where it listens, what it was asked, and how it lies."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.lie: Lie = truth
        self.asked: list[tuple[str, str]] = []
        self.deaf: set[str] = set()  # to what it answers that there is no such route, and asks nobody
        self.client = httpx.Client(timeout=30, trust_env=False)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Said | None:
        """Ask the real ledger, then lie."""
        self.asked.append((method, path))
        if path in self.deaf:
            kept = {"content-type": "application/problem+json"}
            return self.lie(Said(method, path, 404, kept, b'{"code":"no_route"}'))
        passed = {"Content-Type": headers["Content-Type"]} if "Content-Type" in headers else {}
        real = self.client.request(method, self.upstream + path, content=body, headers=passed)
        kept = {name: real.headers[name] for name in PASSED_ON if name in real.headers}
        return self.lie(Said(method, path, real.status_code, kept, real.content))


def handler_of(liar: Liar) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = liar.answer(self.command, self.path, dict(self.headers), body)
            if said is None:
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.body)))
            try:
                self.end_headers()
                self.wfile.write(said.body)
            except OSError:
                self.close_connection = True  # the client had heard enough

        do_GET = _serve  # noqa: N815 - the server's own names
        do_POST = _serve  # noqa: N815
        do_PUT = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Not a word: tests read what the client says."""

    return Handler


@contextmanager
def listening(liar: Liar) -> Iterator[str]:
    """The liar's address, while it listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(liar))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        liar.client.close()
