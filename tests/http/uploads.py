"""Evidence as tests send it, and who reads it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import httpx
import msgspec

from ledger.core.jws import open_jws
from ledger.domain.statements import read_statement
from ledger.domain.statements.members import Reference
from tests.http.conftest import Served
from tests.http.parties import bearer
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


def record(client: httpx.Client, statement: bytes) -> Reference:
    """Record a statement; gives what later ones refer to it by."""
    answer = client.post("/v1/statements", content=statement, headers={"Content-Type": "application/vc+jwt"})
    assert answer.status_code == 201, answer.text
    said = answer.json()
    return Reference(read_statement(open_jws(statement)).id, said["index"], said["entry_hash"])


def claim(served: Served, identity: str, raw: bytes, claimant: str = "carrier", **changes: Any) -> bytes:
    """A claim under an id of its author's choice, that names this evidence."""
    subject = served.world.claim_subject(
        claimant, evidence=(evidence(raw),), counted_by=(f"meter:{identity[9:]}:1",), **changes
    )
    return served.world.state("Claim", subject, (claimant, f"{claimant}:claimant"), id=identity)


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
