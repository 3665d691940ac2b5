"""Evidence on its way up and down: whole and right, or nothing of it.

Covers THREATS H01, H03, H05, H11, H13, H15, H16, T16.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.store.evidence import EVIDENCE_BYTES_MAX, UPLOADS_OF_ONE_MAX
from tests.http.conftest import Served
from tests.http.parties import bearer, code_of, token
from tests.http.uploads import NOBODY, digest_of, put, readers


@pytest.fixture(scope="module")
def tokens(served: Served) -> dict[str, Any]:
    """A token of some."""
    names = {"carrier": "claimant", "plant": "claimant", "verifier": "verifier", "methodologist": "methodologist"}
    return {name: token(served, name, role) for name, role in {**names, "operator": "operator"}.items()}


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as one:
        yield one


def test_reading_gives_a_file_and_never_a_page(served: Served, client: httpx.Client, tokens: dict[str, Any]) -> None:
    identity, raw = served.world.next_id(), b"<script>alert(1)</script>"
    headers = {**bearer(tokens["carrier"]), "Content-Type": "text/html"}
    path = f"/v1/evidence/{digest_of(raw)}?claim={identity}"
    assert client.put(path, content=raw, headers=headers).status_code == 201
    ranges = {"Range": "bytes=" + ",".join("0-1" for _ in range(1_000))}
    for more in ({}, {"Range": "bytes=-1"}, ranges, {"Accept": "text/html"}):
        answer = client.get(path, headers={**bearer(tokens["carrier"]), **more})
        assert (answer.status_code, answer.content) == (200, raw)
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{digest_of(raw)}"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


PATHS = (
    "../ledger.db", "..%2f..%2fledger.db", "%2e%2e%2fledger.db", "..\\ledger.db", "%00", "/etc/passwd",
    ".incoming", "%2e", "0" * 63, "0" * 65, "A" * 64, "0" * 63 + "%0a", "%ef%bc%90" * 64,
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_digest_is_no_path(client: httpx.Client, tokens: dict[str, Any], path: str) -> None:
    for method in ("GET", "HEAD", "PUT"):
        url = f"/v1/evidence/{path}?claim={NOBODY}"
        answer = client.request(
            method, url, headers=bearer(tokens["operator"]), content=b"x" if method == "PUT" else b""
        )
        assert answer.status_code in ((404, 400, 405) if method == "PUT" else (404, 405)), (method, answer.status_code)


QUESTIONS = {
    "": "missing_parameter",
    f"claim={NOBODY}&claim={NOBODY}": "repeated_parameter",
    f"claim={NOBODY}&owner=x": "unknown_parameter",
    f"claim={NOBODY}&size=1": "unknown_parameter",
    "claim=x": "bad_parameter",
    "claim=%27%20OR%201=1": "bad_parameter",
    f"claim={NOBODY}%00": "bad_parameter",
}


@pytest.mark.parametrize("query", QUESTIONS)
def test_the_query_is_read_strictly(client: httpx.Client, tokens: dict[str, Any], query: str) -> None:
    """Nothing about owner, size or time is taken from a request."""
    for method in ("GET", "PUT"):
        answer = client.request(method, f"/v1/evidence/{'0' * 64}?{query}", headers=bearer(tokens["carrier"]))
        assert code_of(answer) == (422, QUESTIONS[query])


def test_putting_needs_a_token_that_is_good_for_it(client: httpx.Client, tokens: dict[str, Any]) -> None:
    path = f"/v1/evidence/{digest_of(b'x')}?claim={NOBODY}"
    assert code_of(client.put(path, content=b"x")) == (401, "no_token")
    for name in ("verifier", "methodologist"):
        assert code_of(client.put(path, content=b"x", headers=bearer(tokens[name]))) == (403, "scope_too_small")
    gzipped = {**bearer(tokens["carrier"]), "Content-Encoding": "gzip"}
    assert code_of(client.put(path, content=b"x", headers=gzipped)) == (415, "encoded_body")


def kept(served: Served) -> set[str]:
    folder = served.directory / "evidence"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_refused_leaves_nothing(served: Served, client: httpx.Client, tokens: dict[str, Any]) -> None:
    before, own = kept(served), tokens["carrier"]
    piece = b"x" * 1_048_576

    def too_much() -> Iterator[bytes]:
        for _ in range(EVIDENCE_BYTES_MAX // len(piece) + 1):
            yield piece

    answer = put(client, b"x" * 100, NOBODY, digest="0" * 64, token=own)
    assert code_of(answer) == (400, "digest_mismatch")
    answer = put(client, too_much(), NOBODY, digest="0" * 64, token=own)
    assert code_of(answer) == (413, "too_large")
    assert kept(served) == before


def wire(served: Served, head: str) -> socket.socket:
    host, _, port = served.url.removeprefix("http://").partition(":")
    made = socket.create_connection((host, int(port)), timeout=30)
    made.sendall(head.replace("\n", "\r\n").encode())
    return made


def head_of(tokens: dict[str, Any], length: int) -> str:
    return (
        f"PUT /v1/evidence/{'0' * 64}?claim={NOBODY} HTTP/1.1\nHost: here\n"
        f"Authorization: Bearer {tokens['carrier']}\nContent-Length: {length}\n\n"
    )


def test_a_body_said_to_be_too_large_is_refused_before_it_is_sent(served: Served, tokens: dict[str, Any]) -> None:
    with wire(served, head_of(tokens, EVIDENCE_BYTES_MAX + 1)) as one:
        assert one.recv(64).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_is_cut_off_leaves_nothing_and_no_bug(
    served: Served, client: httpx.Client, tokens: dict[str, Any]
) -> None:
    before = kept(served)
    with wire(served, head_of(tokens, 1_000_000)) as one:
        one.sendall(b"x" * 100_000)
        _wait_for(lambda: kept(served) != before)
    _wait_for(lambda: kept(served) == before)
    assert client.get("/healthz").status_code == 200
    assert "unforeseen" not in served.said.read_text()


def _wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_reader_that_goes_leaves_no_file_open(served: Served, client: httpx.Client, tokens: dict[str, Any]) -> None:
    identity, raw = served.world.next_id(), bytes(8 * 1_048_576)
    assert put(client, raw, identity, token=tokens["carrier"]).status_code == 201
    path = f"/v1/evidence/{digest_of(raw)}?claim={identity}"
    for _ in range(20):
        with client.stream("GET", path, headers=bearer(tokens["carrier"])) as answer:
            next(answer.iter_raw(1_024))

    def open_files() -> list[Path]:
        found = []
        for link in Path(f"/proc/{served.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                found.append(link.readlink())
        return [one for one in found if "evidence" in one.parts]

    _wait_for(lambda: open_files() == [])


def test_uploads_of_one_party_at_once_are_counted(served: Served, client: httpx.Client, tokens: dict[str, Any]) -> None:
    before = len(kept(served))
    open_ones = [wire(served, head_of(tokens, 1_000)) for _ in range(UPLOADS_OF_ONE_MAX)]
    try:
        _wait_for(lambda: len(kept(served)) == before + UPLOADS_OF_ONE_MAX)
        answer = put(client, b"one more", NOBODY, token=tokens["carrier"])
        assert code_of(answer) == (503, "busy")
        assert put(client, b"of another", NOBODY, token=tokens["plant"]).status_code == 201
    finally:
        for one in open_ones:
            one.close()
    _wait_for(lambda: len(kept(served)) <= before + 1)
    assert put(client, b"one more", NOBODY, token=tokens["carrier"]).status_code == 201


def test_many_uploads_of_one_digest_at_once_are_one(served: Served, tokens: dict[str, Any]) -> None:
    identity, raw = served.world.next_id(), bytes(range(256)) * 4_096
    names = ("carrier", "plant", "operator")

    def upload(at: int) -> int:
        with served.client() as client:
            return put(client, raw, identity, token=tokens[names[at % 3]]).status_code

    with ThreadPoolExecutor(18) as pool:
        found = sorted(pool.map(upload, range(18)))
    assert found == [200] * 15 + [201] * 3
    with served.client() as client:
        assert readers(client, tokens, raw, identity) == set(names)


def test_damaged_bytes_are_never_sent_and_an_upload_mends_them(
    served: Served, client: httpx.Client, tokens: dict[str, Any]
) -> None:
    identity, raw = served.world.next_id(), b"some readings" * 50_000
    path, own = f"/v1/evidence/{digest_of(raw)}?claim={identity}", tokens["carrier"]
    assert put(client, raw, identity, token=own).status_code == 201
    file: Path = served.directory / "evidence" / digest_of(raw)
    for damage in (raw[:-1] + b"!", raw[:-1], b""):
        file.write_bytes(damage)
        for method in ("GET", "HEAD"):
            assert client.request(method, path, headers=bearer(own)).status_code == 503
        assert code_of(client.get(path, headers=bearer(own))) == (503, "evidence_damaged")
    file.unlink()
    assert code_of(client.get(path, headers=bearer(own))) == (503, "evidence_damaged")
    assert put(client, raw, identity, token=own).status_code == 200
    assert client.get(path, headers=bearer(own)).content == raw
