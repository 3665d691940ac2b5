"""What httpx would never send: bodies that are announced and not sent, and requests that read in two ways.

Covers THREATS H01, H04, H18.
"""

from __future__ import annotations

import json
import socket

import pytest

from tests.http.conftest import Served
from tests.http.test_statements import size

HEAD = b"POST /v1/statements HTTP/1.1\r\nHost: here\r\nContent-Type: application/vc+jwt\r\n"
BIG = b"Content-Length: 52428800\r\n"


def connect(served: Served) -> socket.socket:
    host, _, port = served.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def answer_to(served: Served, *parts: bytes) -> tuple[bytes, bytes]:
    """Head and body of the first answer; the connection is then closed, whatever the server still waits for."""
    with connect(served) as wire:
        for part in parts:
            wire.sendall(part)
        return first_answer(wire)


def first_answer(wire: socket.socket) -> tuple[bytes, bytes]:
    with wire.makefile("rb") as stream:
        head = b"".join(iter(stream.readline, b"\r\n"))
        length = next(
            int(line.partition(b":")[2]) for line in head.splitlines() if line.lower().startswith(b"content-length:")
        )
        return head, stream.read(length)


@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
def test_a_body_said_to_be_too_large_is_refused_before_it_is_sent(served: Served, expect: bytes) -> None:
    """No byte of the body was sent, and none was invited."""
    head, body = answer_to(served, HEAD + expect + BIG + b"\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(body)["code"] == "too_large"


def test_a_body_of_another_type_is_refused_before_it_is_sent(served: Served) -> None:
    head, body = answer_to(served, HEAD.replace(b"vc+jwt", b"json") + BIG + b"\r\n")
    assert head.startswith(b"HTTP/1.1 415 ")
    assert json.loads(body)["code"] == "wrong_content_type"


def test_a_body_in_chunks_is_refused_when_it_has_grown_too_large(served: Served) -> None:
    """The last chunk is never sent, so an answer cannot wait for the end."""
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    head, body = answer_to(served, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 13)
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(body)["code"] == "too_large"


TWICE = {
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 3\r\nContent-Length: 5\r\n\r\na.b.c",
    "a negative length": b"Content-Length: -1\r\n\r\na.b.c",
    "a length with a sign": b"Content-Length: +5\r\n\r\na.b.c",
}


@pytest.mark.parametrize("name", TWICE)
def test_a_request_that_reads_in_two_ways_is_refused(served: Served, name: str) -> None:
    before = size(served)
    head, _ = answer_to(served, HEAD + TWICE[name])
    assert head.startswith(b"HTTP/1.1 400 ")
    assert size(served) == before


@pytest.mark.parametrize("twice", [b"Content-Type: text/plain\r\n", b"Content-Encoding: identity, gzip\r\n"])
def test_a_header_that_contradicts_another_is_refused(served: Served, twice: bytes) -> None:
    head, _ = answer_to(served, HEAD + twice + b"Content-Length: 5\r\n\r\na.b.c")
    assert head.startswith(b"HTTP/1.1 415 ")
