"""Keys end at an index: statements signed before are refused after, and every token dies with its key at once.

Covers THREATS S11, S18 to S22, H14, T13, T17.
"""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
from msgspec.structs import replace

from ledger.core.jws import open_jws
from ledger.domain.statements import members as m
from ledger.domain.statements import programme as p
from ledger.domain.statements import read_statement
from tests.cast import public, sign_with
from tests.http.conftest import Served
from tests.http.parties import ask, assertion, bearer, code_of, header_of, seal, token
from tests.world import reference_to


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as one:
        yield one


def send(client: httpx.Client, statement: bytes) -> httpx.Response:
    return client.post("/v1/statements", content=statement, headers={"Content-Type": "application/vc+jwt"})


def test_a_token_and_a_statement_die_with_their_key(served: Served, client: httpx.Client) -> None:
    world = served.world
    assert send(client, world.party("leaver", ("claimant",))).status_code == 201
    before = world.claim("leaver", start="2025-01-01", end="2025-02-01")
    early = assertion(world, "leaver", "leaver:claimant")
    held = token(served, "leaver")
    assert client.get("/v1/drafts", headers=bearer(held)).status_code == 200
    end = world.state("Key", p.KeyRevoke(key=public("leaver:claimant")), ("leaver", "leaver:claimant"))
    assert send(client, end).status_code == 201
    assert code_of(client.get("/v1/drafts", headers=bearer(held))) == (401, "bad_token")
    assert code_of(ask(client, early)) == (401, "bad_assertion")
    assert code_of(ask(client, assertion(world, "leaver", "leaver:claimant"))) == (401, "bad_assertion")
    assert code_of(send(client, before)) == (403, "key_revoked")


def test_a_key_is_nothing_before_its_registration(served: Served, client: httpx.Client) -> None:
    """S19: a second key signs and asks from the entry on that adds it, and not before."""
    world, second = served.world, ("plant", "plant:second")
    statement = world.state("Claim", world.claim_subject("plant", counted_by=("meter:second:1",)), second)
    assert code_of(send(client, statement)) == (403, "unknown_key")
    assert code_of(ask(client, assertion(world, *second))) == (401, "bad_assertion")
    key = p.KeyAdd(key=public("plant:second"), purposes=("claim",))
    assert send(client, world.state("Key", key, ("plant", "plant:claimant"), [second])).status_code == 201
    assert ask(client, assertion(world, *second)).status_code == 200
    assert send(client, statement).status_code == 201


def test_a_key_serves_one_party_for_ever(served: Served, client: httpx.Client) -> None:
    """S20."""
    world = served.world
    keys = (m.KeyUse(public("plant:claimant"), ("claim",)),)
    subject = replace(world.party_subject("thief", ("claimant",)), keys=keys)
    statement = world.state("Party", subject, ("operator", "operator:registrar"), [("thief", "plant:claimant")])
    assert code_of(send(client, statement)) == (409, "key_taken")


def test_a_signature_covers_the_one_spelling_alone(served: Served, client: httpx.Client) -> None:
    """S21: signed over the same statement, written for people."""
    payload = served.world.claim("plant").decode().split(".")[1]
    value = json.loads(base64.urlsafe_b64decode(payload + "=="))
    header = f'{{"alg":"EdDSA","kid":"{served.world.kid("plant", "plant:claimant")}","typ":"vc+jwt"}}'.encode()
    pretty = seal(header, json.dumps(value, indent=1).encode(), sign_with("plant:claimant"))
    assert code_of(send(client, pretty.encode())) == (400, "not_canonical")


def test_a_key_of_the_party_with_another_purpose_is_not_enough(served: Served, client: httpx.Client) -> None:
    """S22: the reviewer of a verifier cannot attest."""
    world = served.world
    claim = send(client, world.claim("carrier", start="2025-07-01", end="2025-10-01"))
    reference = reference_to(client.get(f"/v1/entries/{claim.json()['index']}").content)
    subject = read_statement(open_jws(world.attest(reference, "499000.000"))).subject
    swapped = world.state("Attestation", subject, ("verifier", "verifier:review"), [("verifier", "verifier:verifier")])
    assert code_of(send(client, swapped)) == (403, "wrong_purpose")


def test_nothing_that_a_request_names_is_fetched(served: Served, client: httpx.Client) -> None:
    """S11 and H14: a listener at an address that headers, claims and statements name hears nothing."""
    world, heard = served.world, threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x"

        def listen() -> None:
            with listener.accept()[0]:
                heard.set()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        for name in ("jku", "x5u", "kid"):
            ask(client, assertion(world, "plant", "plant:claimant", header={name: address}))
        ask(client, assertion(world, "plant", "plant:claimant", iss=address, sub=address))
        held = seal({**header_of(world, "plant", "x"), "jku": address}, {}, sign_with("x"))
        client.get("/v1/drafts", headers=bearer(held))
        named = world.claim_subject("plant", start="2025-10-01", end="2026-01-01", title=address)
        evidence = (replace(named.evidence[0], title=address, collected_by=address),)
        statement = world.state("Claim", replace(named, evidence=evidence), ("plant", "plant:claimant"))
        assert send(client, statement).status_code == 201
        assert not heard.wait(0.5)
        socket.create_connection(listener.getsockname()).close()
        assert heard.wait(10), "the listener would have heard"
        thread.join()
