"""Access tokens: obtained with a registered key, read from one place, strictly, and good for little.

Covers THREATS S07, S08, S10, S11, S13, S14, M15, T17.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.service_keys import TOKEN_KEY, WEBHOOK_KEY
from keys.keyfile import KeyRing, load_private, read_ring
from tests.cast import key_of, public, sign_with
from tests.http.conftest import Served
from tests.http.parties import (
    CARRIER,
    DROP,
    Make,
    ask,
    assertion,
    bearer,
    claims_of,
    code_of,
    encoded,
    seal,
    soon,
    spare_bits,
    token,
)
from tests.world import HOST


def test_a_registered_key_gets_a_token_that_says_what_it_is(served: Served) -> None:
    with served.client() as client:
        answer = ask(client, assertion(served.world, "carrier", CARRIER))
        keys = client.get("/.well-known/jwks.json").json()["keys"]
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert body["scope"] == "drafts evidence:read evidence:write webhooks"
    public = jwt.PyJWK(keys[0]).key
    claims = jwt.decode(body["access_token"], public, algorithms=["EdDSA"], audience=HOST, issuer=HOST)
    header = jwt.get_unverified_header(body["access_token"])
    party = served.world.party_id("carrier")
    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": keys[0]["kid"]}
    assert claims["sub"] == claims["client_id"] == party
    assert claims["exp"] - claims["iat"] == 600
    assert claims["key"] == served.world.kid("carrier", CARRIER).key_text


def test_another_library_signs_it_in_ten_lines(served: Served) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(key_of(CARRIER)))
    headers = {"typ": "client-authentication+jwt", "kid": str(served.world.kid("carrier", CARRIER))}
    made = jwt.encode(claims_of(served.world, "carrier"), key, algorithm="EdDSA", headers=headers)
    with served.client() as client:
        assert ask(client, made).status_code == 200


def test_published_keys_are_two_public_ones_under_their_thumbprints(served: Served) -> None:
    with served.client() as client:
        answer = client.get("/.well-known/jwks.json")
    keys = answer.json()["keys"]
    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    assert len({key["kid"] for key in keys}) == 2
    for key in keys:
        assert set(key) == {"alg", "crv", "kid", "kty", "use", "x"}
        thumb = json.dumps({"crv": key["crv"], "kty": key["kty"], "x": key["x"]}, separators=(",", ":"))
        digest = hashlib.sha256(thumb.encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == key["kid"]


# The token itself


def forged(header: dict[str, Any] | None = None, **claims: Any) -> Make:
    """A true token's header and claims, changed, signed by somebody else's key."""

    def make(served: Served) -> str:
        true = token(served, "carrier")
        said = jwt.decode(true, options={"verify_signature": False})
        return seal({**jwt.get_unverified_header(true), **(header or {})}, {**said, **claims}, sign_with(CARRIER))

    return make


def of_true(change: Callable[[str], str]) -> Make:
    return lambda served: change(token(served, "carrier"))


TOKENS: dict[str, Make] = {
    "a letter": lambda served: "x",
    "words": lambda served: "let me in",
    "signed by the party itself": forged(),
    "with the operator as sub": forged(sub=f"{HOST}/parties/operator", client_id=f"{HOST}/parties/operator"),
    "alg none": lambda served: token(served, "carrier").rpartition(".")[0].replace(
        encoded({"alg": "EdDSA"}), encoded({"alg": "none"})
    ) + ".",
    "another kid": forged({"kid": "x"}),
    "a header more": forged({"jku": "http://127.0.0.1:1/"}),
    "typ JWT": forged({"typ": "JWT"}),
    "a trailing =": of_true(lambda text: text + "="),
    "a part more": of_true(lambda text: text + ".x"),
    "spare bits": of_true(spare_bits),
    "its claims changed": of_true(lambda text: ".".join(
        part if at != 1 else encoded({**json.loads(base64.urlsafe_b64decode(part + "==")), "scope": "x"})
        for at, part in enumerate(text.split("."))
    )),
    "an assertion": lambda served: assertion(served.world, "carrier", CARRIER),
    "a statement": lambda served: served.world.claim().decode(),
    "10 kB": lambda served: "A" * 10_240,
    "no ASCII": lambda served: token(served, "carrier") + "\xe9",
}  # fmt: skip


@pytest.mark.parametrize("name", TOKENS)
def test_a_hostile_token_opens_nothing(served: Served, name: str) -> None:
    value = b"Bearer " + TOKENS[name](served).encode("latin-1")
    with served.client() as client:
        answer = client.get("/v1/drafts", headers=[(b"Authorization", value)])
    assert code_of(answer) == (401, "bad_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


SAID: dict[str, dict[str, Any]] = {
    "expired": {"iat": soon(-700), "exp": soon(-100)},
    "exp is text": {"exp": str(soon(100))},
    "exp is 1e308": {"exp": 1e308},
    "no exp": {"exp": DROP},
    "no jti": {"jti": DROP},
    "no key": {"key": DROP},
    "for another service": {"aud": "https://other.example"},
    "for a list of services": {"aud": [HOST]},
    "of another service": {"iss": "https://other.example"},
    "of a party that is none": {"sub": f"{HOST}/parties/x", "client_id": f"{HOST}/parties/x"},
    "of another party than the key's": {"sub": f"{HOST}/parties/plant", "client_id": f"{HOST}/parties/plant"},
    "with another client": {"client_id": f"{HOST}/parties/plant"},
    "with an unregistered key": {"key": public("nobody:claimant")},
    "with a root's key": {"key": public("root0")},
    "with a role": {"role": "operator"},
    "with scopes as a list": {"scope": ["drafts"]},
}


@pytest.mark.parametrize("name", SAID)
def test_even_the_services_own_key_makes_no_other_token(served: Served, name: str) -> None:
    """What would come of a bug of ours, or of a token of another service with this key."""
    key = own_key(served)
    true = token(served, "carrier")
    header = jwt.get_unverified_header(true)
    said = {**jwt.decode(true, options={"verify_signature": False}), **SAID[name]}
    ordered = {member: said[member] for member in sorted(said) if said[member] is not DROP}
    with served.client() as client:
        answer = client.get("/v1/drafts", headers=bearer(seal(header, ordered, key.sign)))
    assert code_of(answer) == (401, "bad_token")


def test_the_services_own_key_makes_true_tokens(served: Served) -> None:
    """The table above fails for what it changes, and for nothing else."""
    true = token(served, "carrier")
    said = jwt.decode(true, options={"verify_signature": False})
    made = seal(jwt.get_unverified_header(true), dict(sorted(said.items())), own_key(served).sign)
    webhook = seal(jwt.get_unverified_header(true), dict(sorted(said.items())), own_key(served, WEBHOOK_KEY).sign)
    with served.client() as client:
        assert client.get("/v1/drafts", headers=bearer(made)).status_code == 200
        assert code_of(client.get("/v1/drafts", headers=bearer(webhook))) == (401, "bad_token")


@cache
def ring_of(directory: Path) -> KeyRing:
    return read_ring(directory / "keys" / "log.age", "open")


def own_key(served: Served, name: str = TOKEN_KEY) -> Ed25519PrivateKey:
    key = load_private(next(one for one in ring_of(served.directory).keys if one.name == name))
    assert isinstance(key, Ed25519PrivateKey)
    return key


def test_a_token_is_taken_from_one_header_alone(served: Served) -> None:
    good = token(served, "carrier")
    with served.client() as client:
        assert client.get("/v1/drafts", headers=bearer(good)).status_code == 200
        assert code_of(client.get("/v1/drafts")) == (401, "no_token")
        assert code_of(client.get("/v1/drafts", params={"access_token": good})) == (401, "no_token")
        for value in (f"Basic {good}", good, f"Bearer  {good}", f"Bearer {good},"):
            assert code_of(client.get("/v1/drafts", headers={"Authorization": value})) == (401, "bad_token")
        twice = [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")]
        assert code_of(client.get("/v1/drafts", headers=twice)) == (401, "bad_token")


def test_a_token_is_good_for_its_scopes_alone(served: Served) -> None:
    narrow = token(served, "carrier", scope="webhooks")
    with served.client() as client:
        assert code_of(client.get("/v1/drafts", headers=bearer(narrow))) == (403, "scope_too_small")


@pytest.mark.parametrize("make", [assertion, lambda world, party, key: None], ids=["an assertion", "a token"])
def test_neither_assertion_nor_token_is_a_statement(served: Served, make: Any) -> None:
    """Same key, other bytes: the type in the header keeps them apart."""
    body = make(served.world, "carrier", CARRIER) or token(served, "carrier")
    with served.client() as client:
        answer = client.post("/v1/statements", content=body, headers={"Content-Type": "application/vc+jwt"})
    assert code_of(answer) == (400, "bad_header")


def test_what_was_tried_left_the_log_alone(served: Served) -> None:
    """A token and a refusal are no entries."""
    with served.client() as client:
        size = client.get("/log/checkpoint").text.splitlines()[1]
        ask(client, assertion(served.world, "carrier", CARRIER))
        ask(client, "x")
        assert client.get("/log/checkpoint").text.splitlines()[1] == size


def test_errors_hold_no_secret(served: Served) -> None:
    made = assertion(served.world, "carrier", CARRIER, aud="https://other.example")
    with served.client() as client:
        answer: httpx.Response = ask(client, made)
    assert made.split(".")[2] not in answer.text
