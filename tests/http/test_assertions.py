"""Client assertions: one spelling, one algorithm, one audience, once.

Covers THREATS S07 to S14, S16, S17, M15, M16, T16, T17.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.cast import key_of, sign_with
from tests.http.conftest import Served
from tests.http.parties import (
    AUDIENCE,
    CARRIER,
    DROP,
    Make,
    ask,
    assertion,
    claims_of,
    code_of,
    encoded,
    header_of,
    seal,
    soon,
    spare_bits,
    token,
)
from tests.world import HOST

ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group of Ed25519


def changed(header: dict[str, Any] | None = None, *, party: str = "carrier", key: str = CARRIER, **claims: Any) -> Make:
    def make(served: Served) -> str:
        # Moments are taken when the test runs, which may be long after this table was made.
        now = {name: value() if callable(value) else value for name, value in claims.items()}
        return assertion(served.world, party, key, header=header, **now)

    return make


def raw(header: Callable[[Served], Any] | None = None, claims: Callable[[Served], Any] | None = None) -> Make:
    """Bytes for header or claims that no JSON writer would make."""

    def make(served: Served) -> str:
        said = header(served) if header else header_of(served.world, "carrier", CARRIER)
        return seal(said, claims(served) if claims else claims_of(served.world, "carrier"), sign_with(CARRIER))

    return make


def text_claims(served: Served, **changes: str) -> bytes:
    """Claims in which some values are spelled by hand."""
    said = {name: json.dumps(value) for name, value in claims_of(served.world, "carrier").items()} | changes
    return ("{" + ",".join(f'"{name}":{value}' for name, value in said.items()) + "}").encode()


def hs256(spelling: Callable[[bytes], bytes]) -> Make:
    """Signed with the public key as if it were a secret."""

    def make(served: Served) -> str:
        header = {**header_of(served.world, "carrier", CARRIER), "alg": "HS256"}
        secret = spelling(bytes(key_of(CARRIER).verify_key))
        return seal(
            header,
            claims_of(served.world, "carrier"),
            lambda message: hmac.new(secret, message, hashlib.sha256).digest(),
        )

    return make


def pem(key: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = Ed25519PublicKey.from_public_bytes(key)
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key: bytes) -> bytes:
    return json.dumps({"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(key).decode()}).encode()


def mangled(change: Callable[[str], str]) -> Make:
    return lambda served: change(assertion(served.world, "carrier", CARRIER))


def signature(change: Callable[[bytes], str]) -> Make:
    """The signature's bytes in another spelling, or others."""

    def make(served: Served) -> str:
        head, _, given = assertion(served.world, "carrier", CARRIER).rpartition(".")
        return f"{head}.{change(base64.urlsafe_b64decode(given + '=='))}"

    return make


def url64(raw_bytes: bytes) -> str:
    return base64.urlsafe_b64encode(raw_bytes).rstrip(b"=").decode()


def jwe(served: Served) -> str:
    header = encoded({"alg": "dir", "enc": "A128GCM", "zip": "DEF"})
    return f"{header}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"


def nested(served: Served) -> str:
    inner = assertion(served.world, "carrier", CARRIER).encode()
    return seal({**header_of(served.world, "carrier", CARRIER), "cty": "JWT"}, inner, sign_with(CARRIER))


HOSTILE: dict[str, Make] = {
    # S07
    "signature of 63 bytes": signature(lambda raw_bytes: url64(raw_bytes[:63])),
    "signature of 65 bytes": signature(lambda raw_bytes: url64(raw_bytes + b"\0")),
    "no signature": signature(lambda raw_bytes: ""),
    "signature in hex": signature(lambda raw_bytes: raw_bytes.hex()),
    "signature in base64": signature(lambda raw_bytes: base64.b64encode(raw_bytes).decode()),
    "signature with padding": signature(lambda raw_bytes: base64.urlsafe_b64encode(raw_bytes).decode()),
    "signature with spare bits": signature(lambda raw_bytes: spare_bits(url64(raw_bytes))),
    "signature with its last byte turned": signature(lambda r: url64(r[:-1] + bytes([r[-1] ^ 1]))),
    "signature plus the order of the group": signature(
        lambda r: url64(r[:32] + (int.from_bytes(r[32:], "little") + ORDER).to_bytes(32, "little"))
    ),
    "white space": mangled(lambda text: text + "\n"),
    "white space within": mangled(lambda text: text.replace(".", ". ", 1)),
    # S08
    **{
        f"alg {alg!r}": changed({"alg": alg})
        for alg in ("none", "None", "nOnE", "", "ES256", "Ed25519", "eddsa", DROP, None, ["EdDSA"])
    },
    "alg none, unsigned": lambda served: (
        f"{encoded({**header_of(served.world, 'carrier', CARRIER), 'alg': 'none'})}"
        f".{encoded(claims_of(served.world, 'carrier'))}."
    ),
    # S09
    "HS256 with the raw key": hs256(bytes),
    "HS256 with the key in hex": hs256(lambda key: key.hex().encode()),
    "HS256 with the key in PEM": hs256(pem),
    "HS256 with the key as JWK": hs256(jwk),
    # S10
    "kid is a path": changed({"kid": "../../dev/null"}),
    "kid is a path with a key": changed({"kid": "../../etc/passwd#ed25519." + "A" * 43}),
    "kid is SQL": changed({"kid": "' OR 1=1 --"}),
    "kid is SQL with a key": changed({"kid": "x'/**/OR/**/1=1--#ed25519." + "A" * 43}),
    "kid of 10 kB": changed({"kid": "k" * 10_240}),
    "kid of 2 kB": changed({"kid": "k" * 2_048}),
    "kid is a list": changed({"kid": ["a"]}),
    "kid is a number": changed({"kid": 1}),
    "no kid": changed({"kid": DROP}),
    "key that nobody registered": changed(key="nobody:claimant"),
    "key of another party": changed(key="plant:claimant"),
    "another party under its own kid": lambda served: assertion(
        served.world, "carrier", "plant:claimant", header={"kid": str(served.world.kid("plant", "plant:claimant"))}
    ),
    "root key": changed(party="operator", key="root0"),
    "log key": changed(party="operator", key="log"),
    # S11, S12
    **{
        f"header {name}": changed({name: value})
        for name, value in {
            "jku": "http://127.0.0.1:1/keys",
            "x5u": "http://127.0.0.1:1/cert",
            "jwk": {"kty": "OKP"},
            "x5c": ["MIIB"],
            "crit": ["exp"],
            "b64": False,
            "zip": "DEF",
            "cty": "JWT",
        }.items()
    },
    "crit and b64": changed({"crit": ["b64"], "b64": False}),
    # S13
    "expired": changed(iat=lambda: soon(-400), exp=lambda: soon(-100)),
    "not yet": changed(nbf=lambda: soon(200)),
    "from the future": changed(iat=lambda: soon(200), exp=lambda: soon(300)),
    "no exp": changed(exp=DROP),
    "no iat": changed(iat=DROP),
    "exp is text": changed(exp=lambda: str(soon(100))),
    "exp is a fraction": changed(exp=lambda: soon(100) + 0.5),
    "exp is a whole float": raw(claims=lambda served: text_claims(served, exp=f"{soon(100)}.0")),
    "exp is 1e308": raw(claims=lambda served: text_claims(served, exp="1e308")),
    "exp is 1e999": raw(claims=lambda served: text_claims(served, exp="1e999")),
    "exp is Infinity": raw(claims=lambda served: text_claims(served, exp="Infinity")),
    "exp is NaN": raw(claims=lambda served: text_claims(served, exp="NaN")),
    "exp has 5,000 digits": raw(claims=lambda served: text_claims(served, exp="9" * 2_000)),
    "exp is true": changed(exp=True),
    "exp is null": changed(exp=None),
    "exp is a list": changed(exp=lambda: [soon(100)]),
    "iat is text": changed(iat=lambda: str(soon(0))),
    "iat is below zero": changed(iat=-1),
    "ten years long": changed(exp=lambda: soon(315_360_000)),
    "301 seconds long": changed(iat=lambda: soon(0), exp=lambda: soon(301)),
    "ends as it begins": changed(iat=lambda: soon(20), exp=lambda: soon(20)),
    # S14
    "aud of another service": changed(aud="https://other.example/v1/token"),
    "aud is the service alone": changed(aud=HOST),
    "aud is a list": changed(aud=[AUDIENCE]),
    "aud is several": changed(aud=[AUDIENCE, "https://other.example"]),
    "no aud": changed(aud=DROP),
    "iss of another": changed(iss=f"{HOST}/parties/plant"),
    "sub of another": changed(sub=f"{HOST}/parties/plant"),
    "iss and sub of another": changed(iss=f"{HOST}/parties/plant", sub=f"{HOST}/parties/plant"),
    "sub is a list": changed(sub=[f"{HOST}/parties/carrier"]),
    **{f"typ {typ!r}": changed({"typ": typ}) for typ in ("JWT", "at+jwt", "vc+jwt", "", DROP, None)},
    "a statement": lambda served: served.world.claim().decode(),
    "an access token": lambda served: token(served, "carrier"),
    "jti is short": changed(jti="1"),
    "jti is long": changed(jti="j" * 200),
    "jti is a number": changed(jti=12345678),
    "no jti": changed(jti=DROP),
    "an unknown claim": changed(role="operator"),
    # S16
    "sub twice": raw(
        claims=lambda served: text_claims(served)[:-1] + f',"sub":"{HOST}/parties/plant"}}'.encode(),
    ),
    "sub twice, spelled otherwise": raw(
        claims=lambda served: text_claims(served)[:-1] + f',"s\\u0075b":"{HOST}/parties/carrier"}}'.encode(),
    ),
    "alg twice": raw(
        header=lambda served: b'{"alg":"none",' + json.dumps(header_of(served.world, "carrier", CARRIER)).encode()[1:]
    ),
    "nested": nested,
    "JWE": jwe,
    "claims are a list": raw(claims=lambda served: b"[]"),
    "claims are nothing": raw(claims=lambda served: b""),
    "claims with a mark before": raw(claims=lambda served: b"\xef\xbb\xbf" + text_claims(served)),
    "claims in UTF-16": raw(claims=lambda served: text_claims(served).decode().encode("utf-16")),
    "claims that are no UTF-8": raw(claims=lambda served: b'{"iss":"\xff"}'),
    "claims deeper than a parser goes": raw(claims=lambda served: b"[" * 2_000),
    "claims with half a character": raw(claims=lambda served: text_claims(served, aud='"\\ud800"')),
    "a type with half a character": raw(header=lambda served: b'{"alg":"EdDSA","kid":"\\ud800","typ":"\\ud800"}'),
    # S17
    "a trailing =": mangled(lambda text: text + "="),
    "a trailing ==": mangled(lambda text: text + "=="),
    "two parts": mangled(lambda text: text.rpartition(".")[0]),
    "four parts": mangled(lambda text: text + ".AAAA"),
    "nothing": mangled(lambda text: ""),
    "no ASCII": mangled(lambda text: "é" + text),
    "100 kB": lambda served: "A" * 6_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_assertion_gets_nothing(served: Served, name: str) -> None:
    with served.client() as client:
        answer = ask(client, HOSTILE[name](served))
    assert code_of(answer) == (401, "bad_assertion")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_assertion_serves_once(served: Served) -> None:
    made = assertion(served.world, "carrier", CARRIER)
    again = assertion(served.world, "carrier", CARRIER, jti="the same jti again".replace(" ", "-"))
    third = assertion(served.world, "carrier", CARRIER, jti="the-same-jti-again", exp=soon(60))
    other = assertion(served.world, "plant", "plant:claimant", jti="the-same-jti-again")
    with served.client() as client:
        answers = [ask(client, one) for one in (made, made, again, third, other)]
    found = [code_of(answer) if answer.is_error else answer.status_code for answer in answers]
    assert found == [200, (401, "assertion_used"), 200, (401, "assertion_used"), 200]
