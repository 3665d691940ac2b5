"""Statements open, layer by layer, in JOSE libraries that are not ours, and what those sign opens here.

Judges: PyJWT, and the npm library `jose` run by node (jose.mjs).
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.core.jws import Kid, approve, check_signatures, open_jws, sign_statement
from ledger.core.strict import to_base64url
from ledger.errors import BadSignature

HERE = Path(__file__).parent
PAYLOAD = '{"a":"Łódź, 杭州","b":[1,2,3],"c":true}'.encode()


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """The answer of the npm library to one request."""
    node = Path(sys.executable).with_name("node")
    said = subprocess.run(
        [node, "jose.mjs"],
        cwd=HERE,
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
        input=json.dumps(request).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(said.stdout)


class Signer:
    def __init__(self, name: str) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.kid = Kid(f"https://example.org/parties/{name}", self.private.public_key().public_bytes_raw())

    @property
    def header(self) -> dict[str, str]:
        return {"alg": "EdDSA", "kid": str(self.kid), "typ": "vc+jwt"}


@pytest.fixture
def signers() -> list[Signer]:
    return [Signer(name) for name in ("author", "approver", "third")]


def nested(signers: list[Signer]) -> bytes:
    statement = sign_statement(PAYLOAD, kid=signers[0].kid, sign=signers[0].private.sign)
    for signer in signers[1:]:
        statement = approve(statement, kid=signer.kid, sign=signer.private.sign)
    return statement


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_our_statements_open_in_jose(signers: list[Signer], layers: int) -> None:
    answer = ask({"open": nested(signers[:layers]).decode()})
    assert base64.b64decode(answer["payload"]) == PAYLOAD
    assert [header["kid"] for header in answer["headers"]] == [str(signer.kid) for signer in reversed(signers[:layers])]
    assert answer["headers"][-1] == signers[0].header


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_our_statements_open_in_pyjwt(signers: list[Signer], layers: int) -> None:
    statement = nested(signers[:layers])
    for signer in reversed(signers[:layers]):
        key = Ed25519PublicKey.from_public_bytes(signer.kid.key)
        statement = jwt.PyJWS().decode(statement, key, algorithms=["EdDSA"])
    assert statement == PAYLOAD


def test_what_jose_signs_opens_here(signers: list[Signer]) -> None:
    author = signers[0]
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": to_base64url(author.kid.key),
        "d": to_base64url(author.private.private_bytes_raw()),
    }
    payload = base64.b64encode(PAYLOAD).decode()
    answer = ask({"sign": {"jwk": jwk, "header": author.header, "payload": payload}})
    opened = open_jws(answer["statement"].encode())
    check_signatures(opened)
    assert (opened.payload, [layer.kid for layer in opened.signatures]) == (PAYLOAD, [author.kid])
    # Ed25519 leaves no choice: another library's statement is ours, byte for byte.
    assert answer["statement"].encode() == nested([author])


def test_what_pyjwt_signs_opens_here(signers: list[Signer]) -> None:
    author = signers[0]
    statement = jwt.PyJWS().encode(PAYLOAD, author.private, "EdDSA", headers=author.header, sort_headers=True)
    check_signatures(open_jws(statement.encode()))
    assert statement.encode() == nested([author])


def test_all_refuse_a_changed_payload(signers: list[Signer]) -> None:
    header, payload, signature = nested(signers[:1]).split(b".")
    changed = b".".join([header, payload[:-2] + (b"AA" if payload[-2:] != b"AA" else b"QQ"), signature])
    assert ask({"open": changed.decode()}) == {"refused": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"}
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.PyJWS().decode(changed, signers[0].private.public_key(), algorithms=["EdDSA"])
    with pytest.raises(BadSignature):
        check_signatures(open_jws(changed))
