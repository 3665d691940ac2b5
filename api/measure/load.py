"""A closed load over HTTP/1.1: each connection sends its next prepared request when the answer to the last is whole.

Runs in a process of its own, so that what makes the load and what bears it do
not wait for one interpreter. It reads of an answer only its status and length.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import cast

import uvloop
from msgspec import Struct

CONNECTIONS = 64
ANSWER_BYTES_MAX = 16 * 1024 * 1024
_NANOSECONDS = 1_000_000_000
_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) .*?\r\ncontent-length: (\d+)\r\n", re.DOTALL | re.IGNORECASE)


class Load(Struct, frozen=True):
    """What a load met: its rate, how long answers took, and their statuses."""

    per_second: int
    p50_us: int
    p99_us: int
    statuses: dict[int, int]


class _Connection(asyncio.Protocol):
    """One client: a request that only opens the way, then a request, its whole answer, the next request."""

    def __init__(self, requests: Iterator[bytes], took_ns: list[int], statuses: Counter[int]) -> None:
        self._requests, self._took_ns, self._statuses = requests, took_ns, statuses
        self._transport: asyncio.Transport | None = None
        self._answer, self._begun_ns = b"", 0
        self._is_open = False
        # Done when the way is open; made anew for the load.
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(get("/healthz"))

    def begin(self) -> None:
        """Send request after request until there are none; `done` tells the end."""
        self.done = asyncio.get_running_loop().create_future()
        self._is_open = True
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer = self._answer + data if self._answer else data
        end = self._answer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = _HEAD.match(self._answer, 0, end + 2)
        assert head is not None, self._answer[:200]
        if len(self._answer) < end + 4 + int(head[2]):
            assert len(self._answer) < ANSWER_BYTES_MAX, "no answer that is measured is this large"
            return
        if not self._is_open:
            self._answer = b""
            self.done.set_result(None)
            return
        self._took_ns.append(time.perf_counter_ns() - self._begun_ns)
        self._statuses[int(head[1])] += 1
        self._answer = b""
        self._send()

    def _send(self) -> None:
        assert self._transport is not None, "a request is sent over a connection"
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._begun_ns = time.perf_counter_ns()
        self._transport.write(request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))


def post(path: str, content_type: str, body: bytes) -> bytes:
    """The bytes of a POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def get(path: str) -> bytes:
    """The bytes of a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def run_load(port: int, requests: Sequence[bytes], *, connections: int = CONNECTIONS) -> Load:
    """Send requests to a port of loopback from another process, and wait for all answers."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
        return other.submit(_run, port, requests, connections).result()


def _run(port: int, requests: Sequence[bytes], connections: int) -> Load:
    return uvloop.run(_drive(port, requests, connections))


async def _drive(port: int, requests: Sequence[bytes], connections: int) -> Load:
    waiting, took_ns, statuses = iter(requests), list[int](), Counter[int]()
    loop = asyncio.get_running_loop()
    clients: list[_Connection] = []
    for _ in range(connections):
        _, made = await loop.create_connection(lambda: _Connection(waiting, took_ns, statuses), "127.0.0.1", port)
        clients.append(made)
    await asyncio.gather(*(client.done for client in clients))
    begun = time.perf_counter_ns()
    for client in clients:
        client.begin()
    await asyncio.gather(*(client.done for client in clients))
    whole_ns = max(1, time.perf_counter_ns() - begun)
    took_ns.sort()
    return Load(
        per_second=len(took_ns) * _NANOSECONDS // whole_ns,
        p50_us=took_ns[len(took_ns) // 2] // 1000,
        p99_us=took_ns[len(took_ns) * 99 // 100] // 1000,
        statuses=dict(statuses),
    )
