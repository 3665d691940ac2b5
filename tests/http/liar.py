"""A server between a client and a real ledger, which says what the real one says until it is told to lie."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import httpx

PASSED_ON = ("content-type", "retry-after", "location", "cache-control", "content-encoding", "etag")


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
        self.client = httpx.Client(timeout=30, trust_env=False, headers={"Accept-Encoding": "identity"})

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Said | None:
        """Ask the real ledger, then lie."""
        self.asked.append((method, path))
        if path in self.deaf:
            kept = {"content-type": "application/problem+json"}
            return self.lie(Said(method, path, 404, kept, b'{"code":"no_route"}'))
        passed = {name: headers[name] for name in ("Content-Type", "Authorization") if name in headers}
        real = self.client.request(method, self.upstream + path, content=body, headers=passed)
        kept = {name: real.headers[name] for name in PASSED_ON if name in real.headers}
        return self.lie(Said(method, path, real.status_code, kept, real.content))


class Cache(Liar):
    """A shared cache whose key is the path alone, as a gateway once had it (R6).

    It keeps what may be kept and asks again about the rest; one that is `careless` keeps whatever it is given.
    """

    def __init__(self, upstream: str, *, careless: bool = False) -> None:
        super().__init__(upstream)
        self.careless = careless
        self.kept: dict[str, Said] = {}
        self.hits = 0

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Said | None:
        """From what is kept, from the server, or from what is kept because the server says that it still holds."""
        key = path.partition("?")[0]
        kept = self.kept.get(key) if method == "GET" else None
        if kept is not None and (self.careless or "max-age" in kept.headers.get("cache-control", "")):
            self.hits += 1
            return kept
        passed = {"Content-Type": headers["Content-Type"]} if "Content-Type" in headers else {}
        if kept is not None and "etag" in kept.headers:
            passed["If-None-Match"] = kept.headers["etag"]
        real = self.client.request(method, self.upstream + path, content=body, headers=passed)
        if real.status_code == 304 and kept is not None:
            self.hits += 1
            return kept
        held = {name: real.headers[name] for name in PASSED_ON if name in real.headers}
        said = Said(method, path, real.status_code, held, real.content)
        if method == "GET" and real.is_success and (self.careless or "no-store" not in held.get("cache-control", "")):
            self.kept[key] = said
        return said


def handler_of(liar: Liar) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _serve(self) -> None:
            body = self._body()
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


class Quiet(ThreadingHTTPServer):
    """Says nothing of clients that hang up."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Not a word."""


@contextmanager
def listening(liar: Liar) -> Iterator[str]:
    """The liar's address, while it listens."""
    server = Quiet(("127.0.0.1", 0), handler_of(liar))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        liar.client.close()
