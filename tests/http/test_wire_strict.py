"""Requests at the edge of what HTTP allows: served, refused in one way, or refused and the connection ended.

Covers THREATS H01, H07, H08, H12, H15, H18, T22.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from api import wire as limits
from tests.http.conftest import Served, found_with_keys, start, stop
from tests.http.test_statements import size
from tests.http.wires import HEAD, ask, connect, read_answer, receive

GET = b"GET /healthz HTTP/1.1\r\nHost: here\r\n"


def many(count: int) -> bytes:
    return b"".join(b"X-%d: y\r\n" % number for number in range(count))


REFUSED = {
    "a header too long": (GET + b"X: " + b"y" * limits.HEAD_BYTES_MAX + b"\r\n\r\n", 431, "head_too_large"),
    "a header's name too long": (GET + b"X" * limits.HEAD_BYTES_MAX + b": y\r\n\r\n", 431, "head_too_large"),
    "a header without end": (GET + b"X: " + b"y" * 100_000, 431, "head_too_large"),
    "too many headers": (GET + many(limits.HEADERS_MAX) + b"\r\n", 431, "head_too_large"),
    "too long a target": (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n", 414, "target_too_long"),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400, "bad_request"),
    "two hosts": (GET + b"Host: there\r\n\r\n", 400, "bad_request"),
    "a folded header": (GET + b"X: a\r\n b\r\n\r\n", 400, "bad_request"),
    "a blank before the colon": (GET + b"X : a\r\n\r\n", 400, "bad_request"),
    "a NUL in a header": (GET + b"X: a\0b\r\n\r\n", 400, "bad_request"),
    "a bare carriage return": (GET + b"X: a\rY: b\r\n\r\n", 400, "bad_request"),
    "lines ended by LF alone": (b"GET /healthz HTTP/1.1\nHost: here\n\n", 400, "bad_request"),
    "no method of HTTP": (b"PWN /healthz HTTP/1.1\r\nHost: here\r\n\r\n", 400, "bad_request"),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", 400, "bad_request"),
    "HTTP/2 as a version": (b"GET /healthz HTTP/2.0\r\nHost: here\r\n\r\n", 400, "bad_request"),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request"),
    "TLS": (bytes.fromhex("160301020001000001fc0303") + bytes(64), 400, "bad_request"),
    "a tunnel": (b"CONNECT here:443 HTTP/1.1\r\nHost: here\r\n\r\n", 400, "bad_request"),
    "a coding that is not chunked": (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 400, "bad_request"),
    "chunked, then another coding": (HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n", 400, "bad_request"),
    "chunked behind a tab": (HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, "bad_request"),
    "a size that is no number": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "bad_request"),
    "a size beyond 64 bits": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n", 400, "bad_request"),
    "a length beyond 64 bits": (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", 400, "bad_request"),
    "a chunk longer than said": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n", 400, "bad_request"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_and_the_connection_ended(served: Served, name: str) -> None:
    raw, status, code = REFUSED[name]
    before = size(served)
    with connect(served) as wire:
        wire.sendall(raw)
        answer = receive(wire)
        assert answer is not None
        assert (answer.status, answer.problem["code"]) == (status, code)
        assert b"Connection: close" in answer.head
        assert b"application/problem+json" in answer.head
        assert wire.recv(1) == b""
    assert size(served) == before


SERVED = {
    "an absolute target": b"GET http://elsewhere.example/healthz HTTP/1.1\r\nHost: here\r\n\r\n",
    "another host": b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n\r\n",
    "HTTP/1.0": b"GET /healthz HTTP/1.0\r\n\r\n",
    "an upgrade to a web socket": GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an upgrade to HTTP/2": GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
    "empty lines before": b"\r\n\r\n" + GET + b"\r\n",
    "a hundred headers": GET + many(limits.HEADERS_MAX - 1) + b"\r\n",
    "ten thousand ranges": GET + b"Range: bytes=" + b",".join(b"%d-" % at for at in range(10_000)) + b"\r\n\r\n",
    "a range that runs backwards": GET + b"Range: bytes=9-1,-0,0-\r\n\r\n",
}


@pytest.mark.parametrize("name", SERVED)
def test_what_is_merely_odd_is_served(served: Served, name: str) -> None:
    answer = ask(served, SERVED[name])
    assert answer is not None
    assert (answer.status, answer.problem) == (200, {"status": "alive"})
    assert b"evil" not in answer.head + answer.body
    assert b"elsewhere" not in answer.head + answer.body


def test_nothing_follows_a_request_that_asked_for_another_protocol(served: Served) -> None:
    with connect(served) as wire:
        wire.sendall(SERVED["an upgrade to a web socket"] + GET + b"\r\n")
        assert receive(wire) is not None
        assert wire.recv(1) == b""


def test_requests_in_a_row_are_answered_in_their_order(served: Served) -> None:
    row = [b"/healthz", b"/nowhere", b"/readyz", b"/log/tile/0/0"] * 4
    with connect(served) as wire, wire.makefile("rb") as stream:
        wire.sendall(b"".join(b"GET " + path + b" HTTP/1.1\r\nHost: here\r\n\r\n" for path in row))
        answers = [read_answer(stream) for _ in row]
    assert [answer and answer.status for answer in answers] == [200, 404, 200, 404] * 4


def test_too_many_requests_in_a_row_end_the_connection_after_those_before(served: Served) -> None:
    with connect(served) as wire, wire.makefile("rb") as stream:
        wire.sendall((GET + b"\r\n") * 200)
        answers = []
        while (answer := read_answer(stream)) is not None:
            answers.append(answer.status)
    assert answers[-1] == 400
    assert set(answers[:-1]) == {200}
    assert len(answers) <= limits.PIPELINED_MAX + 2


def test_garbage_behind_a_request_does_not_become_its_answer(served: Served) -> None:
    """The answer to the first goes out whole and first, then what became of the second."""
    with connect(served) as wire, wire.makefile("rb") as stream:
        wire.sendall(b"GET /readyz HTTP/1.1\r\nHost: here\r\n\r\n" + b"\0" * 100)
        first = read_answer(stream)
        assert first is not None
        assert first.status == 200
        second = read_answer(stream)
        assert second is not None
        assert (second.status, second.problem["code"]) == (400, "bad_request")
        assert read_answer(stream) is None


def test_what_stands_behind_a_body_changes_nothing(served: Served) -> None:
    """A trailer is no header: the content type stays what the head said."""
    trailer = b"0\r\nContent-Type: text/plain\r\nX-Request-Id: mine\r\n\r\n"
    answer = ask(served, HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\na.b.c\r\n" + trailer)
    assert answer is not None
    assert (answer.status, answer.problem["code"]) == (400, "bad_jws")
    assert b"mine" not in answer.head


def test_an_endless_extension_of_a_chunk_is_ended(served: Served) -> None:
    """Bytes that never become a body are no progress, however fast they come."""
    with connect(served) as wire:
        wire.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        time.sleep(0.2)  # counted from the first bytes behind the head
        wire.sendall(b"1;" + b"a" * 40_000)
        answer = receive(wire)
    assert answer is not None
    assert (answer.status, answer.problem["code"]) == (400, "bad_request")


def test_extensions_of_chunks_are_not_taken_for_the_body(served: Served) -> None:
    body = b'2;x=y\r\na.\r\n3;quoted="a;b"\r\nb.c\r\n0\r\n\r\n'
    answer = ask(served, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    assert answer is not None
    assert (answer.status, answer.problem["code"]) == (400, "bad_jws")


@pytest.mark.parametrize(
    "path", [b"/%0d%0aSet-Cookie:%20a=b", b"/v1/claims/%0d%0aX:%20y", b"/%00", b"/%ff%fe", b"/%1b[31m"]
)
def test_nothing_of_an_address_reaches_a_header(served: Served, path: bytes) -> None:
    answer = ask(served, b"GET " + path + b" HTTP/1.1\r\nHost: here\r\nX-Request-Id: mine\r\n\r\n")
    assert answer is not None
    assert answer.status == 404
    assert answer.problem["code"] in ("no_route", "unknown_id")
    assert b"Set-Cookie" not in answer.head
    assert b"mine" not in answer.head


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that takes ten connections."""
    directory = tmp_path_factory.mktemp("narrow") / "log"
    world = found_with_keys(directory)
    process, url = start(directory, "--connections", "10")
    yield Served(url, directory, world, process)
    stop(process)


def test_the_longest_idle_connection_makes_room(narrow: Served) -> None:
    idle = [connect(narrow) for _ in range(10)]
    answer = ask(narrow, GET + b"\r\n")
    assert answer is not None
    assert answer.status == 200
    assert idle[0].recv(1) == b""
    for one in idle:
        one.close()


def test_beyond_the_limit_a_client_is_told_to_come_again(narrow: Served) -> None:
    """None is idle: each has sent the beginning of a request."""
    busy = [connect(narrow) for _ in range(10)]
    for one in busy:
        one.sendall(GET)
    answer = ask(narrow, GET + b"\r\n")
    assert answer is not None
    assert (answer.status, answer.problem["code"]) == (503, "busy")
    assert b"retry-after: " in answer.head.lower()
    for one in busy:
        one.sendall(b"\r\n")
        found = receive(one)
        assert found is not None
        assert found.status == 200
        one.close()
