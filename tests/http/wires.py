"""Raw connections to a served ledger, for requests that no decent client sends."""

from __future__ import annotations

import json
import socket
from typing import Any, NamedTuple

from tests.http.conftest import Served

HEAD = b"POST /v1/statements HTTP/1.1\r\nHost: here\r\nContent-Type: application/vc+jwt\r\n"


class Answer(NamedTuple):
    """The first answer on a connection."""

    status: int
    head: bytes
    body: bytes

    @property
    def problem(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def connect(served: Served, *, timeout_s: float = 30) -> socket.socket:
    """An open connection."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=timeout_s)


def receive(wire: socket.socket) -> Answer | None:
    """The next answer; None where the connection ends without one."""
    with wire.makefile("rb") as stream:
        return read_answer(stream)


def read_answer(stream: Any) -> Answer | None:
    """The next answer of a stream that may hold several."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    length = next(
        (int(line.partition(b":")[2]) for line in head.splitlines() if line.lower().startswith(b"content-length:")), 0
    )
    return Answer(int(head.split(b" ", 2)[1]), head, stream.read(length))


def ask(served: Served, *parts: bytes) -> Answer | None:
    """Send, and give the first answer; the connection is then closed, whatever the server still waits for."""
    with connect(served) as wire:
        for part in parts:
            wire.sendall(part)
        return receive(wire)
