"""Headers, layers and encodings that other JOSE readers might take: here a statement has one spelling.

Covers THREATS S02, S07 to S12, S14 to S16, S22.
"""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest

from ledger.core.jws import check_signatures, open_jws
from tests.core.refusals import code_of
from tests.core.signers import key_of, kid_of, public

KID, APPROVER = str(kid_of("author")), str(kid_of("second"))
STATEMENT = {"alg": "EdDSA", "kid": KID, "typ": "vc+jwt"}
APPROVAL = {"alg": "EdDSA", "cty": "JWT", "kid": APPROVER, "typ": "gigaton-approval+jwt"}
PAYLOAD = b'{"a":1}'


def b64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def spelled(header: dict[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":"), sort_keys=True).encode()


def sealed(header: bytes | dict[str, Any], payload: bytes = PAYLOAD, name: str = "author") -> bytes:
    """A JWS with any header, truly signed over it."""
    raw = header if isinstance(header, bytes) else spelled(header)
    signing_input = b64(raw) + b"." + b64(payload)
    return signing_input + b"." + b64(key_of(name).sign(signing_input))


GOOD = sealed(STATEMENT)
HEADER, BODY, SIGNATURE = GOOD.split(b".")
APPROVED = sealed(APPROVAL, GOOD, "second")


def test_the_good_ones_pass() -> None:
    for jws in (GOOD, APPROVED):
        check_signatures(open_jws(jws))


HEADERS: dict[str, bytes | dict[str, Any]] = {
    # S08, S09, S12, RFC 9864: other algorithms, and extensions that change what is signed
    "no alg": {"kid": KID, "typ": "vc+jwt"},
    "alg none": STATEMENT | {"alg": "none"},
    "alg nOnE": STATEMENT | {"alg": "nOnE"},
    "alg HS256": STATEMENT | {"alg": "HS256"},
    "alg ES256": STATEMENT | {"alg": "ES256"},
    "alg Ed25519": STATEMENT | {"alg": "Ed25519"},
    "alg eddsa": STATEMENT | {"alg": "eddsa"},
    "alg list": STATEMENT | {"alg": ["EdDSA"]},
    "alg null": STATEMENT | {"alg": None},
    "crit": STATEMENT | {"crit": ["exp"]},
    "crit empty": STATEMENT | {"crit": []},
    "b64 false": STATEMENT | {"b64": False, "crit": ["b64"]},
    "b64 true": STATEMENT | {"b64": True},
    "zip": STATEMENT | {"zip": "DEF"},
    # S11: keys in the header
    "jwk": STATEMENT | {"jwk": {"crv": "Ed25519", "kty": "OKP", "x": "A" * 43}},
    "jku": STATEMENT | {"jku": "https://evil.example/keys"},
    "x5u": STATEMENT | {"x5u": "https://evil.example/cert"},
    "x5c": STATEMENT | {"x5c": ["AAAA"]},
    # S14, S15: types and layers
    "no typ": {"alg": "EdDSA", "kid": KID},
    "typ JWT": STATEMENT | {"typ": "JWT"},
    "typ VC+JWT": STATEMENT | {"typ": "VC+JWT"},
    "typ application/vc+jwt": STATEMENT | {"typ": "application/vc+jwt"},
    "typ at+jwt": STATEMENT | {"typ": "at+jwt"},
    "typ null": STATEMENT | {"typ": None},
    "statement with cty": STATEMENT | {"cty": "JWT"},
    "approval without cty": {"alg": "EdDSA", "kid": KID, "typ": "gigaton-approval+jwt"},
    "approval with another cty": STATEMENT | {"cty": "vc", "typ": "gigaton-approval+jwt"},
    # S10: kids
    "no kid": {"alg": "EdDSA", "typ": "vc+jwt"},
    "kid empty": STATEMENT | {"kid": ""},
    "kid list": STATEMENT | {"kid": [KID]},
    "kid number": STATEMENT | {"kid": 1},
    "kid path": STATEMENT | {"kid": "../../dev/null"},
    "kid SQL": STATEMENT | {"kid": "' OR 1=1 --"},
    "kid 10 kB": STATEMENT | {"kid": "x" * 10_000 + KID},
    "kid line feed": STATEMENT | {"kid": KID + "\n"},
    "kid bidi": STATEMENT | {"kid": "\u202e" + KID},
    "kid quote": b'{"alg":"EdDSA","kid":"' + KID.replace("#", '"#').encode() + b'","typ":"vc+jwt"}',
    "kid escape": b'{"alg":"EdDSA","kid":"' + KID.replace("h", "\\u0068", 1).encode() + b'","typ":"vc+jwt"}',
    # Spelling of the JSON
    "extra member": STATEMENT | {"iat": 1},
    "white space": json.dumps(STATEMENT, sort_keys=True).encode(),
    "white space before": b" " + spelled(STATEMENT),
    "white space after": spelled(STATEMENT) + b"\n",
    "another order": b'{"kid":"' + KID.encode() + b'","alg":"EdDSA","typ":"vc+jwt"}',
    "duplicate alg": b'{"alg":"none",' + spelled(STATEMENT)[1:],
    "duplicate kid": spelled(STATEMENT).replace(b',"typ"', b',"kid":"' + KID.encode() + b'","typ"'),
    "escaped alg": spelled(STATEMENT).replace(b"EdDSA", b"\\u0045dDSA"),
    "byte order mark": b"\xef\xbb\xbf" + spelled(STATEMENT),
    "UTF-16": spelled(STATEMENT).decode().encode("utf-16"),
    "not JSON": b"EdDSA",
    "empty": b"",
    "empty object": b"{}",
    "a list": b"[]",
    "null": b"null",
    "truncated": spelled(STATEMENT)[:-1],
    "twice": spelled(STATEMENT) * 2,
    "overlapping ends": b'{"alg":"EdDSA","kid":","typ":"vc+jwt"}',
}


@pytest.mark.parametrize("name", HEADERS)
def test_other_headers(name: str) -> None:
    """Truly signed, and yet refused: the header is compared, not interpreted."""
    assert code_of(lambda: open_jws(sealed(HEADERS[name]))) in ("bad_header", "bad_kid")


@pytest.mark.parametrize("key", [public("author"), public("author").hex().encode(), b""])
def test_a_signature_by_a_shared_secret(key: bytes) -> None:
    """S09: HMAC under the public key, with its own header and with ours."""
    for header, wanted in [(STATEMENT | {"alg": "HS256"}, "bad_header"), (STATEMENT, "bad_signature")]:
        signing_input = b64(spelled(header)) + b"." + b64(PAYLOAD)
        macs = (hmac.digest(key, signing_input, name) for name in ("sha256", "sha512"))
        short, long = (signing_input + b"." + b64(mac) for mac in macs)
        assert code_of(lambda short=short: open_jws(short)) == "bad_jws"
        assert code_of(lambda long=long: check_signatures(open_jws(long))) == wanted


def stray(segment: bytes) -> bytes:
    """The same bytes in base64url with a spare bit set."""
    return segment[:-1] + bytes([segment[-1] + 1])


ENCODINGS = {
    "padding after the header": HEADER + b"=." + BODY + b"." + SIGNATURE,
    "padding after the payload": HEADER + b"." + BODY + b"==." + SIGNATURE,
    "padding after the signature": GOOD + b"==",
    "one character of padding": GOOD + b"=",
    "spare bits in the payload": HEADER + b"." + stray(BODY) + b"." + SIGNATURE,
    "spare bits in the signature": HEADER + b"." + BODY + b"." + stray(SIGNATURE),
    "white space before": b" " + GOOD,
    "white space after": GOOD + b" ",
    "line feed after": GOOD + b"\n",
    "NUL after": GOOD + b"\0",
    "line feed inside the payload": HEADER + b"." + BODY[:4] + b"\n" + BODY[4:] + b"." + SIGNATURE,
    "line feed inside the signature": HEADER + b"." + BODY + b"." + SIGNATURE[:40] + b"\n" + SIGNATURE[40:],
    "plus for minus": GOOD.replace(b"-", b"+"),
    "slash for underscore": GOOD.replace(b"_", b"/"),
    "signature of 63 bytes": HEADER + b"." + BODY + b"." + b64(base64.urlsafe_b64decode(SIGNATURE + b"==")[:63]),
    "signature of 65 bytes": HEADER + b"." + BODY + b"." + b64(base64.urlsafe_b64decode(SIGNATURE + b"==") + b"\0"),
    "signature in hex": HEADER + b"." + BODY + b"." + base64.urlsafe_b64decode(SIGNATURE + b"==").hex().encode(),
    "no signature": HEADER + b"." + BODY + b".",
    "no third part": HEADER + b"." + BODY,
    "no payload": HEADER + b".." + SIGNATURE,
    "no header": b"." + BODY + b"." + SIGNATURE,
    "four parts": GOOD + b"." + SIGNATURE,
    "five parts, as JWE": HEADER + b".." + BODY + b"." + BODY + b"." + SIGNATURE,
    "dots": b"..",
    "nothing": b"",
    "JSON serialisation": json.dumps({"payload": BODY.decode(), "protected": HEADER.decode()}).encode(),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "not ASCII": HEADER + b"." + "é".encode() + b"." + SIGNATURE,
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_other_encodings(name: str) -> None:
    """S07, S17, M15, M16: one text a statement, so that its bytes can be its identity."""
    assert ENCODINGS[name] != GOOD
    assert code_of(lambda: open_jws(ENCODINGS[name])) in ("bad_jws", "bad_base64", "bad_header")
    inside = sealed(APPROVAL, ENCODINGS[name] or b" ", "second")
    assert code_of(lambda: open_jws(inside)) in ("bad_jws", "bad_base64", "bad_header")


def test_layers_in_another_order() -> None:
    """S16: an approval around a payload, a statement around a statement, an approval outside in."""
    assert code_of(lambda: open_jws(sealed(APPROVAL, PAYLOAD, "second"))) == "bad_jws"
    around = sealed(STATEMENT | {"kid": APPROVER}, GOOD, "second")
    # Its payload is a text that looks like a statement; what it says is judged by the schema, and it has one signer.
    assert open_jws(around).payload == GOOD
    assert len(open_jws(around).signatures) == 1
    swapped = sealed(STATEMENT, sealed(APPROVAL, PAYLOAD, "second"))
    assert len(open_jws(swapped).signatures) == 1
    assert code_of(lambda: open_jws(sealed(APPROVAL | {"typ": "vc+jwt"}, GOOD, "second"))) == "bad_header"
    assert code_of(lambda: open_jws(sealed(APPROVAL | {"cty": "vc+jwt"}, GOOD, "second"))) == "bad_header"


def test_a_layer_moved_to_another_statement() -> None:
    """S15: an approval covers one statement, its author's signature included."""
    other = sealed(STATEMENT, b'{"a":2}')
    header, _, signature = APPROVED.split(b".")
    moved = header + b"." + b64(other) + b"." + signature
    assert code_of(lambda: check_signatures(open_jws(moved))) == "bad_signature"
    inner_header, inner_payload, _ = GOOD.split(b".")
    spliced = inner_header + b"." + inner_payload + b"." + other.split(b".")[2]
    assert code_of(lambda: check_signatures(open_jws(spliced))) == "bad_signature"


def test_the_wrong_key_in_the_header() -> None:
    """S22: another party's kid over a true signature; the same key under another party's name is for the rule book."""
    forged = sealed(STATEMENT | {"kid": APPROVER})
    assert code_of(lambda: check_signatures(open_jws(forged))) == "bad_signature"
    renamed = sealed(STATEMENT | {"kid": KID.replace("author", "other")})
    check_signatures(open_jws(renamed))
    assert open_jws(renamed).signatures[0].kid.party.endswith("other")


def test_a_weak_key_in_the_header_verifies_nothing() -> None:
    """M2, S02: the identity as key would verify a signature that nobody made."""
    identity = b"\1" + bytes(31)
    header = spelled(STATEMENT | {"kid": f"party#ed25519.{b64(identity).decode()}"})
    forged = b64(header) + b"." + b64(PAYLOAD) + b"." + b64(identity + bytes(32))
    assert code_of(lambda: check_signatures(open_jws(forged))) == "bad_signature"
