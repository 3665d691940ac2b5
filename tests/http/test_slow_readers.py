"""Answers that nobody takes do not fill the memory, and answers that are taken slowly arrive whole.

The protocol is the real one, behind a real socket; only the application is a small one with large answers, and
patience is short. Covers THREATS H02, T22.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from api import wire
from api.metrics import Metrics
from api.server import configure

CHUNK = b"x" * 65_536
CHUNKS = 200
PATIENCE_S = 3


async def large(scope, receive, send):
    """Thirteen megabytes an answer, and nothing else."""
    if scope["type"] == "lifespan":
        scope["state"]["metrics"] = METRICS
        while True:
            told = await receive()
            await send({"type": told["type"] + ".complete"})
            if told["type"] == "lifespan.shutdown":
                return
    reading = asyncio.create_task(read_all(receive))
    length = str(len(CHUNK) * CHUNKS).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    for at in range(CHUNKS):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": at < CHUNKS - 1})
    await reading


async def read_all(receive):
    """Take the body while the answer is sent."""
    while (await receive()).get("more_body"):
        pass


METRICS = Metrics()


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    patch = pytest.MonkeyPatch()
    patch.setattr(wire, "ANSWER_PATIENCE_S", PATIENCE_S)
    server = uvicorn.Server(configure(large, workers=1, connections=100))
    listening = socket.create_server(("127.0.0.1", 0))
    name = listening.getsockname()

    def run() -> None:
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(server.serve(sockets=[listening]))

    thread = threading.Thread(target=run)
    thread.start()
    yield name
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()
    patch.undo()


def asked(address: tuple[str, int]) -> socket.socket:
    """A connection on which a large answer is asked for, larger than the buffers of both sides."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    reader.settimeout(30)
    reader.connect(address)
    reader.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    return reader


def test_whoever_takes_nothing_is_cut_off(address: tuple[str, int]) -> None:
    with asked(address) as reader:
        time.sleep(PATIENCE_S + 3)
        with pytest.raises(ConnectionError):
            take_all(reader)


def take_all(reader: socket.socket) -> None:
    """Until the end; an end in good order would be a wrong one."""
    while reader.recv(1 << 20):
        pass


def test_whoever_takes_slowly_gets_all(address: tuple[str, int]) -> None:
    """In pieces with pauses below the patience, and longer than it in all."""
    begun, found = time.monotonic(), bytearray()
    with asked(address) as reader, reader.makefile("rb") as stream:
        while stream.readline() != b"\r\n":
            pass
        for _ in range(5):
            found += stream.read(200_000)
            time.sleep(1)
        found += stream.read(len(CHUNK) * CHUNKS - len(found))
    assert hashlib.sha256(found).digest() == hashlib.sha256(CHUNK * CHUNKS).digest()
    assert time.monotonic() - begun > PATIENCE_S


def test_whoever_still_sends_may_take_the_answer_later(address: tuple[str, int]) -> None:
    """An answer that begins before the request has ended is not held against a client that sends steadily."""
    with socket.create_connection(address, timeout=30) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        sender.sendall(b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(PATIENCE_S + 3):
            sender.sendall(b"400\r\n" + b"x" * 1_024 + b"\r\n")
            time.sleep(1)
        sender.sendall(b"0\r\n\r\n")
        with sender.makefile("rb") as stream:
            while stream.readline() != b"\r\n":
                pass
            assert len(stream.read(len(CHUNK) * CHUNKS)) == len(CHUNK) * CHUNKS
