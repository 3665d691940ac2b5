"""Parties of the small world as clients: their assertions, their tokens, and what they send."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from ledger.core.strict import to_base64url
from tests.cast import sign_with
from tests.http.conftest import Served
from tests.world import HOST, World

AUDIENCE = f"{HOST}/v1/token"
FORM = {
    "grant_type": "client_credentials",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
}
DROP = ...
CARRIER = "carrier:claimant"

Make = Callable[[Served], str]


def encoded(value: object) -> str:
    """JSON, or bytes as they are, in base64url."""
    return to_base64url(value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode())


def seal(header: object, claims: object, sign: Callable[[bytes], bytes]) -> str:
    """A compact JWS around whatever it is told."""
    signed = f"{encoded(header)}.{encoded(claims)}"
    return f"{signed}.{to_base64url(sign(signed.encode()))}"


def header_of(world: World, party: str, key: str) -> dict[str, Any]:
    return {"alg": "EdDSA", "typ": "client-authentication+jwt", "kid": str(world.kid(party, key))}


def claims_of(world: World, party: str) -> dict[str, Any]:
    now, identity = int(time.time()), world.party_id(party)
    return {"iss": identity, "sub": identity, "aud": AUDIENCE, "iat": now, "exp": now + 120, "jti": str(uuid4())}


def assertion(world: World, party: str, key: str, *, header: Any = None, **claims: Any) -> str:
    """A client assertion that is in order but for what is changed or dropped in it."""
    said = {**claims_of(world, party), **claims}
    headers = {**header_of(world, party, key), **(header or {})}
    keep = lambda members: {name: value for name, value in members.items() if value is not DROP}  # noqa: E731
    return seal(keep(headers), keep(said), sign_with(key))


def ask(client: httpx.Client, jwt: str, **fields: str) -> httpx.Response:
    """Ask for a token."""
    return client.post("/v1/token", data={**FORM, "client_assertion": jwt, **fields})


def token(served: Served, party: str, role: str = "claimant", **fields: str) -> str:
    """An access token of a party."""
    with served.client() as client:
        answer = ask(client, assertion(served.world, party, f"{party}:{role}"), **fields)
    assert answer.status_code == 200, answer.text
    given: str = answer.json()["access_token"]
    return given


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def spare_bits(text: str) -> str:
    """Another last character that decodes to the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


def soon(seconds: int) -> int:
    return int(time.time()) + seconds
