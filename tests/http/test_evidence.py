"""Evidence over HTTP: read by whom its claim concerns, and as if it were not there by everybody else.

Covers THREATS H10, T18.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import msgspec
import pytest

from ledger.domain.statements import programme as p
from tests.dialogue import answering, raising
from tests.http.conftest import Served
from tests.http.parties import bearer, code_of, token
from tests.http.uploads import NOBODY, claim, digest_of, evidence, put, readers, record


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


def test_what_an_answer_adds_is_read_by_the_same(
    served: Served, client: httpx.Client, tokens: dict[str, str | None]
) -> None:
    """And is in the reviewer's bundle, once the answer is recorded."""
    identity, raw, added = served.world.next_id(), b"readings with a gap", b"the readings of March"
    for one in (raw, added):
        assert put(client, one, identity, token=str(tokens["carrier"])).status_code == 201
    finding = raising(served.world, record(client, claim(served, identity, raw)))
    about = record(client, finding)
    assert readers(client, tokens, added, identity) == {"carrier", "operator"}
    record(client, answering(served.world, about, evidence=(evidence(added),)))
    assert readers(client, tokens, added, identity) == {"carrier", "operator", "verifier", "verifier2"}
    answer = client.get(f"/v1/claims/{identity}/bundle", headers=bearer(str(tokens["verifier"])))
    with ZipFile(BytesIO(answer.content)) as inside:
        assert [inside.read(f"evidence/{digest_of(one)}") for one in (raw, added)] == [raw, added]


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
