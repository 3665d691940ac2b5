"""A real receiver of webhooks on loopback, which answers as it is told and keeps all that it got."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import jwt


class Got(NamedTuple):
    """One request: its path, headers and body, and when it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float


class Receiver:
    """Keeps requests; `answer` decides the status of each, or None to answer never."""

    def __init__(
        self, answer: Callable[[Got], int | None] = lambda got: 204, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.got: list[Got] = []
        self.answer = answer
        self.released = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got = Got(self.path, dict(self.headers), body, time.monotonic())
                receiver.got.append(got)
                status = receiver.answer(got)
                if status is None:
                    receiver.released.wait(60)
                    return
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                self.send_header("Set-Cookie", "id=1")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - the name that the library calls

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def told(self, keys: dict[str, Any], *, path: str) -> list[dict[str, Any]]:
        """What was said at a path, each verified as a stranger would."""
        return [verified(one, keys, audience=self.url + path) for one in list(self.got) if one.path == path]

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


def verified(got: Got, keys: dict[str, Any], *, audience: str) -> dict[str, Any]:
    """The claims of a delivery under the service's published keys."""
    token = got.body.decode("ascii")
    header = jwt.get_unverified_header(token)
    key = next(one for one in jwt.PyJWKSet.from_dict(keys).keys if one.key_id == header["kid"])
    assert header == {"alg": "EdDSA", "kid": key.key_id, "typ": "gigaton-webhook+jwt"}
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["EdDSA"], audience=audience, options={"require": ["iss", "aud", "iat", "jti"]}
    )
    return claims


@contextmanager
def receiving(
    answer: Callable[[Got], int | None] = lambda got: 204, *, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A receiver, closed at the end."""
    one = Receiver(answer, tls=tls)
    try:
        yield one
    finally:
        one.close()
