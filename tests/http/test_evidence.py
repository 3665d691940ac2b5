"""Evidence over HTTP: whole or not at all, and read by whom its claim concerns.

Covers THREATS H01, H03, H05, H10, H13, H15, H16, T16, T18.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ledger.domain.statements import programme as p
from ledger.store.evidence import EVIDENCE_BYTES_MAX, UPLOADS_OF_ONE_MAX
from tests.http.conftest import Served
from tests.http.parties import bearer, code_of, token
from tests.world import World

NOBODY = "urn:uuid:019a0000-0000-7000-8000-00000000dead"
Reading = dict[str, tuple[str, str]]


def digest_of(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def put(client: httpx.Client, raw: Any, claim: str, *, digest: str = "", token: str, **more: str) -> httpx.Response:
    path = f"/v1/evidence/{digest or digest_of(raw)}"
    return client.put(path, params={"claim": claim, **more}, content=raw, headers=bearer(token))


def evidence(raw: bytes) -> Any:
    world = World()
    return msgspec.structs.replace(world.claim_subject().evidence[0], digest=digest_of(raw), size=len(raw))


def record(client: httpx.Client, statement: bytes) -> None:
    answer = client.post("/v1/statements", content=statement, headers={"Content-Type": "application/vc+jwt"})
    assert answer.status_code == 201, answer.text


def claim(served: Served, identity: str, raw: bytes, claimant: str = "carrier", **changes: Any) -> bytes:
    """A claim under an id of its author's choice, that names this evidence."""
    subject = served.world.claim_subject(
        claimant, evidence=(evidence(raw),), counted_by=(f"meter:{identity[9:]}:1",), **changes
    )
    return served.world.state("Claim", subject, (claimant, f"{claimant}:claimant"), id=identity)


@pytest.fixture(scope="module")
def tokens(served: Served) -> dict[str, str | None]:
    """A token of everybody, and of nobody."""
    with served.client() as client:
        world = served.world
        record(client, world.party("partner", ("partner",)))
        record(client, world.party("other", ("claimant",)))
        record(client, world.party("elsewhere", ("verifier",)))
        record(client, world.accreditation("elsewhere", families=("registry-adoption",)))
    roles = {
        "carrier": "claimant", "plant": "claimant", "verifier": "verifier", "verifier2": "verifier",
        "operator": "operator", "partner": "partner", "other": "claimant", "elsewhere": "verifier",
        "methodologist": "methodologist",
    }  # fmt: skip
    return {"nobody": None, **{name: token(served, name, role) for name, role in roles.items()}}


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as one:
        yield one


def readers(
    client: httpx.Client, tokens: dict[str, str | None], raw: bytes, identity: str, *, method: str = "GET"
) -> set[str]:
    """Who reads the evidence; everybody else must be told the very same thing."""
    found, refusals = set(), set()
    for name, one in tokens.items():
        answer = client.request(
            method,
            f"/v1/evidence/{digest_of(raw)}",
            params={"claim": identity},
            headers=bearer(one) if one else {},
        )
        if answer.status_code == 200:
            assert answer.content == (raw if method == "GET" else b"")
            assert int(answer.headers["Content-Length"]) == len(raw)
            found.add(name)
        else:
            refusals.add((answer.status_code, answer.content))
    stranger = client.get(f"/v1/evidence/{'0' * 64}", params={"claim": NOBODY})
    assert refusals <= {(404, stranger.content if method == "GET" else b"")}
    return found


def test_evidence_is_read_by_whom_its_claim_concerns(
    served: Served, client: httpx.Client, tokens: dict[str, str | None]
) -> None:
    identity, raw = served.world.next_id(), b"private meter readings"
    own = str(tokens["carrier"])
    first, again = put(client, raw, identity, token=own), put(client, raw, identity, token=own)
    assert [first.status_code, again.status_code] == [201, 200]
    assert first.json() == {
        "claim": identity, "digest": digest_of(raw), "new": True, "owner": served.world.party_id("carrier"),
        "size": len(raw), "visibility": "private",
    }  # fmt: skip
    assert readers(client, tokens, raw, identity) == {"carrier", "operator"}  # not recorded yet
    parts = tuple(
        msgspec.structs.replace(served.world.claim_subject().participants[0], share_ppm=ppm, party=party)
        for party, ppm in ((served.world.party_id("carrier"), 600_000), (served.world.party_id("partner"), 400_000))
    )
    record(client, claim(served, identity, raw, participants=parts))
    concerned = {"carrier", "operator", "partner", "verifier", "verifier2"}
    assert readers(client, tokens, raw, identity) == concerned
    assert readers(client, tokens, raw, identity, method="HEAD") == concerned
    assert put(client, raw, identity, token=own, visibility="public").status_code == 200
    assert readers(client, tokens, raw, identity) == set(tokens)
    assert put(client, raw, identity, token=own, visibility="private").status_code == 200
    assert readers(client, tokens, raw, identity) == concerned


def test_a_stranger_uploads_for_itself_alone(
    served: Served, client: httpx.Client, tokens: dict[str, str | None]
) -> None:
    """Neither before nor after does another party's upload open, shadow or spoil anything of a claim."""
    identity, raw, lie = served.world.next_id(), b"true readings", b"a libel"
    other = str(tokens["other"])
    assert put(client, raw, identity, token=other, visibility="public").status_code == 201
    assert put(client, lie, identity, token=other, visibility="public").status_code == 201
    record(client, claim(served, identity, raw, start="2025-04-01", end="2025-07-01"))
    assert readers(client, tokens, raw, identity) == {"other", "operator"}
    assert readers(client, tokens, lie, identity) == {"other", "operator"}
    assert put(client, raw, identity, token=str(tokens["carrier"])).status_code == 201
    assert put(client, lie, identity, token=str(tokens["carrier"]), visibility="public").status_code == 201
    assert readers(client, tokens, raw, identity) == {"carrier", "operator", "other", "verifier", "verifier2"}
    assert readers(client, tokens, lie, identity) == {"carrier", "operator", "other"}  # the claim names it not
    assert readers(client, tokens, raw, NOBODY) == set()


def test_to_know_a_digest_is_not_to_hold_it(served: Served, client: httpx.Client, tokens: dict[str, Any]) -> None:
    identity, raw = served.world.next_id(), b"what only the carrier has"
    assert put(client, raw, identity, token=tokens["carrier"]).status_code == 201
    for guess in (b"", b"another", raw[:-1]):
        answer = put(client, guess, identity, digest=digest_of(raw), token=tokens["other"])
        assert code_of(answer) == (400, "digest_mismatch")
    assert readers(client, tokens, raw, identity) == {"carrier", "operator"}


def test_a_verifier_reads_as_long_as_it_is_accredited_or_has_attested(
    served: Served, client: httpx.Client, tokens: dict[str, Any]
) -> None:
    world, raw = served.world, b"readings of the plant"
    identity = world.next_id()
    record(client, world.party("passing", ("verifier",)))
    grant = world.accreditation("passing")
    record(client, grant)
    assert put(client, raw, identity, token=tokens["plant"]).status_code == 201
    record(client, claim(served, identity, raw, "plant"))
    both = {"passing": token(served, "passing", "verifier"), "verifier": tokens["verifier"]}
    assert readers(client, both, raw, identity) == {"passing", "verifier"}
    listed = client.get("/v1/accreditations", params={"verifier": world.party_id("passing")}).json()["items"]
    end = p.AccreditationWithdraw(accreditation=listed[0]["id"], reason="Test")
    record(client, world.state("Accreditation", end, ("accreditor", "accreditor:accreditor")))
    assert readers(client, both, raw, identity) == {"verifier"}


def test_reading_gives_a_file_and_never_a_page(served: Served, client: httpx.Client, tokens: dict[str, Any]) -> None:
    identity, raw = served.world.next_id(), b"<script>alert(1)</script>"
    headers = {**bearer(tokens["carrier"]), "Content-Type": "text/html"}
    path = f"/v1/evidence/{digest_of(raw)}?claim={identity}"
    assert client.put(path, content=raw, headers=headers).status_code == 201
    ranges = {"Range": "bytes=" + ",".join("0-1" for _ in range(10_000))}
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
    for name in ("verifier", "partner", "methodologist"):
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


def _wait_for(happened: Any) -> None:
    import time

    end = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


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


def test_twenty_uploads_of_one_digest_at_once_are_one(served: Served, tokens: dict[str, Any]) -> None:
    identity, raw = served.world.next_id(), bytes(range(256)) * 4_096
    names = ("carrier", "plant", "other", "operator")

    def upload(at: int) -> int:
        with served.client() as client:
            return put(client, raw, identity, token=tokens[names[at % 4]]).status_code

    with ThreadPoolExecutor(20) as pool:
        found = sorted(pool.map(upload, range(20)))
    assert found == [200] * 16 + [201] * 4
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
