"""Clients that take their time, all at once: they are shown the door within 30 s, and nobody else notices.

Covers THREATS H02, T22.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from api import wire as limits
from tests.http.conftest import Served
from tests.http.test_statements import post
from tests.http.wires import HEAD, connect, receive

SHOWN_OUT_S = 30
IDLE = 200
DRIP_S = 2.0
DRIP_BYTES = 1_600


class Slow(threading.Thread):
    """One slow client: what it sent, what it was answered, and how long it was borne."""

    def __init__(
        self, served: Served, first: bytes, drip: bytes, *, pause_s: float = DRIP_S, drips: int | None = None
    ) -> None:
        super().__init__(daemon=True)
        self.left = drips  # none: without end
        self.wire = connect(served, timeout_s=SHOWN_OUT_S + 30)
        self.first, self.drip, self.pause_s = first, drip, pause_s
        self.status: int | None = None
        self.code, self.borne_s = "", 0.0
        self.rest = b""
        self.ended = threading.Event()
        self.start()

    def run(self) -> None:
        begun = time.monotonic()
        threading.Thread(target=self.send, daemon=True).start()
        try:
            with suppress(OSError):  # the server may end a connection by a reset; what was answered before counts
                answer = receive(self.wire)
                if answer is not None:
                    self.status, self.code = answer.status, answer.problem.get("code", "")
                self.rest = self.wire.recv(1)
        except Exception as error:  # noqa: BLE001 - told by the test that waits for it, not by a thread
            self.code = repr(error)
        self.borne_s = time.monotonic() - begun
        self.ended.set()

    def send(self) -> None:
        with suppress(OSError):  # to be shown the door while sending is what most of them are here for
            self.wire.sendall(self.first)
            while self.drip and self.left != 0 and not self.ended.wait(self.pause_s):
                self.wire.sendall(self.drip)
                self.left = None if self.left is None else self.left - 1


LENGTH = b"Content-Length: 40000\r\n\r\n"
STATEMENT = b"x" * 40_000
PATIENT = {
    "a head that drips": (b"POST /v1/statements HTTP/1.1\r\nHost: here\r\n", b"X-A: b\r\n", 408),
    "a head of one byte": (b"P", b"", 408),
    "nothing at all": (b"", b"", None),
    "empty lines for ever": (b"\r\n", b"\r\n", 408),
    "a body that drips": (HEAD + LENGTH, b"x", 408),
    "a body that never comes": (HEAD + LENGTH, b"", 408),
    "a chunked body that drips": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 408),
}


@pytest.fixture(scope="module")
def slow(served: Served) -> Iterator[dict[str, Slow]]:
    """All of them begin together, so that the whole takes no longer than the slowest."""
    clients = {name: Slow(served, first, drip) for name, (first, drip, _) in PATIENT.items()}
    # What is slow and steady: well above the least pace, and longer under way than any patience.
    # Its body is whole after the last drip: a byte more would be another request.
    drips = len(STATEMENT) // DRIP_BYTES
    clients["steady"] = Slow(served, HEAD + LENGTH, STATEMENT[:DRIP_BYTES], pause_s=1.0, drips=drips)
    yield clients
    for one in clients.values():
        one.wire.close()


@pytest.fixture(scope="module")
def idle(served: Served, slow: dict[str, Slow]) -> Iterator[list[socket.socket]]:
    opened = [connect(served) for _ in range(IDLE)]
    yield opened
    for one in opened:
        one.close()


def test_others_are_served_meanwhile(served: Served, slow: dict[str, Slow], idle: list[socket.socket]) -> None:
    assert len(idle) == IDLE
    begun = time.monotonic()
    for number in range(5):
        answer = post(served, served.world.claim(counted_by=(f"meter:slow-{number}",)))
        assert answer.status_code == 201
    with served.client() as client:
        assert client.get("/readyz").status_code == 200
    assert time.monotonic() - begun < limits.HEAD_S


@pytest.mark.parametrize("name", PATIENT)
def test_whoever_is_too_slow_is_shown_the_door(slow: dict[str, Slow], name: str) -> None:
    client = slow[name]
    assert client.ended.wait(SHOWN_OUT_S + 5)
    assert client.status == PATIENT[name][2]
    assert client.code == ("too_slow" if client.status else "")
    assert client.rest == b""  # nothing follows
    patience_s = limits.BODY_PATIENCE_S if "body" in name else limits.HEAD_S
    assert patience_s - 1 < client.borne_s < SHOWN_OUT_S


def test_a_slow_but_steady_upload_is_taken(slow: dict[str, Slow]) -> None:
    """It took longer than any patience, and was judged by what it brought."""
    client = slow["steady"]
    assert client.ended.wait(90)
    assert (client.status, client.code) == (400, "bad_jws")
    assert client.borne_s > limits.BODY_PATIENCE_S


def test_idle_connections_are_ended(served: Served, idle: list[socket.socket]) -> None:
    for one in idle:
        one.settimeout(SHOWN_OUT_S)
        assert one.recv(1) == b""
