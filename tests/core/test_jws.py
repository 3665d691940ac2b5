"""Statements as JWS: made, opened, verified here and by PyJWT, at every number of signatures and at the size limit.

Covers THREATS S07, S10, S21.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.jws import (
    SIGNATURES_MAX,
    STATEMENT_BYTES_MAX,
    Kid,
    approve,
    check_signatures,
    jws_size,
    open_jws,
    sign_statement,
)
from ledger.errors import BadSignature, Malformed
from tests.core.refusals import code_of
from tests.core.signers import key_of, kid_of, public

PAYLOAD = b'{"a":1}'
NAMES = ["author", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]
PYJWS = jwt.PyJWS(algorithms=["EdDSA"])


def statement(names: list[str], payload: bytes = PAYLOAD, kid: Callable[[str], Kid] = kid_of) -> bytes:
    jws = sign_statement(payload, kid=kid(names[0]), sign=key_of(names[0]).sign)
    for name in names[1:]:
        jws = approve(jws, kid=kid(name), sign=key_of(name).sign)
    return jws


@given(st.binary(min_size=1, max_size=300), st.integers(1, SIGNATURES_MAX))
def test_statements_are_opened_as_they_were_signed(payload: bytes, signatures: int) -> None:
    names = NAMES[:signatures]
    jws = statement(names, payload)
    opened = open_jws(jws)
    assert opened.payload == payload
    assert [one.kid for one in opened.signatures] == [kid_of(name) for name in names]
    check_signatures(opened)
    assert len(jws) == jws_size(len(payload), [kid_of(name) for name in names])


@pytest.mark.parametrize("signatures", [1, 2, 3, 8])
def test_pyjwt_reads_it_layer_by_layer(signatures: int) -> None:
    """DESIGN 4.1: `PyJWS.decode`, from the outermost layer inwards."""
    names = NAMES[:signatures]
    raw = statement(names)
    for name in reversed(names):
        header = jwt.get_unverified_header(raw)
        typ = {"cty": "JWT", "typ": "gigaton-approval+jwt"} if name != "author" else {"typ": "vc+jwt"}
        assert header == {"alg": "EdDSA", "kid": str(kid_of(name))} | typ
        raw = PYJWS.decode(raw, key_of(name).public_key(), algorithms=["EdDSA"])
    assert raw == PAYLOAD


@given(st.binary(min_size=1, max_size=300))
def test_pyjwt_makes_the_same_bytes(payload: bytes) -> None:
    """DESIGN 4.1: `PyJWS.encode(bytes, sort_headers=True)`."""
    raw = payload
    for name in NAMES[:3]:
        typ = {"cty": "JWT", "typ": "gigaton-approval+jwt"} if name != "author" else {"typ": "vc+jwt"}
        headers = {"kid": str(kid_of(name)), **typ}
        raw = PYJWS.encode(raw, key_of(name), algorithm="EdDSA", headers=headers, sort_headers=True).encode()
    assert raw == statement(NAMES[:3], payload)


def test_each_signature_covers_what_is_inside() -> None:
    """An approval covers the author's signature; the author's layer alone is a statement of its own."""
    jws = statement(NAMES[:2])
    inner = base64.urlsafe_b64decode(jws.split(b".")[1] + b"===")
    assert inner == statement(NAMES[:1])
    author, approval = open_jws(jws).signatures
    assert author.signing_input == inner.rpartition(b".")[0]
    assert approval.signing_input == jws.rpartition(b".")[0]


@pytest.mark.parametrize("layer", range(3))
def test_a_bad_signature_names_its_layer(layer: int) -> None:
    """Counted from the author, whatever the nesting."""
    names = NAMES[:3]
    jws = sign_statement(PAYLOAD, kid=kid_of(names[0]), sign=key_of("thief" if layer == 0 else names[0]).sign)
    for at, name in enumerate(names[1:], 1):
        jws = approve(jws, kid=kid_of(name), sign=key_of("thief" if layer == at else name).sign)
    with pytest.raises(BadSignature) as caught:
        check_signatures(open_jws(jws))
    assert caught.value.code == "bad_signature"
    assert caught.value.facts == {"layer": layer, "kid": str(kid_of(names[layer]))}


@given(st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    """S21: what was signed is exactly these bytes, header included."""
    jws = bytearray(statement(NAMES[: data.draw(st.integers(1, 3))]))
    bit = data.draw(st.integers(0, len(jws) * 8 - 1))
    jws[bit // 8] ^= 1 << bit % 8
    assert code_of(lambda: check_signatures(open_jws(bytes(jws)))) != ""


def kid_of_29(name: str) -> Kid:
    """A party id of 29 characters, as they come."""
    return Kid("https://ledger.example/p/0001", public(name))


# For party ids of 29 characters.
LARGEST = {1: 36_678, 2: 27_302, 3: 20_271, 5: 11_041, 8: 4_182}


@pytest.mark.parametrize(("signatures", "payload"), LARGEST.items())
def test_the_largest_payload(signatures: int, payload: int) -> None:
    """DESIGN 4.1: the limit holds for the outermost layer, and tools can tell before the first signature."""
    kids = [kid_of_29(name) for name in NAMES[:signatures]]
    jws = statement(NAMES[:signatures], b"x" * payload, kid_of_29)
    assert len(jws) == jws_size(payload, kids) <= STATEMENT_BYTES_MAX
    check_signatures(open_jws(jws))
    with pytest.raises(Malformed) as caught:
        jws_size(payload + 1, kids)
    assert (caught.value.code, caught.value.facts) == ("too_large", {"limit": STATEMENT_BYTES_MAX})
    assert code_of(lambda: statement(NAMES[:signatures], b"x" * (payload + 1), kid_of_29)) == "too_large"


def test_nothing_too_large_is_signed_or_opened() -> None:
    asked = []
    assert code_of(lambda: sign_statement(b"x" * 40_000, kid=kid_of("author"), sign=asked.append)) == "too_large"
    assert asked == []
    assert code_of(lambda: open_jws(b"x" * (STATEMENT_BYTES_MAX + 1))) == "too_large"
    assert code_of(lambda: open_jws(b"." * 10_000_000)) == "too_large"


def test_nine_signatures() -> None:
    eight = statement(NAMES)
    assert len(open_jws(eight).signatures) == 8
    assert code_of(lambda: approve(eight, kid=kid_of("ninth"), sign=key_of("ninth").sign)) == "too_many_signatures"


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_key_signs_once(at: int) -> None:
    """Also under another party's name."""
    three = statement(NAMES[:3])
    for kid in (kid_of(NAMES[at]), Kid("https://ledger.example/parties/other", public(NAMES[at]))):
        assert code_of(lambda kid=kid: approve(three, kid=kid, sign=key_of(NAMES[at]).sign)) == "same_signer_twice"


def test_what_would_not_be_read_back_is_not_handed_out() -> None:
    sign = key_of("author").sign
    assert code_of(lambda: sign_statement(b"", kid=kid_of("author"), sign=sign)) == "bad_jws"
    assert code_of(lambda: sign_statement(PAYLOAD, kid=Kid("", public("author")), sign=sign)) == "bad_kid"
    assert code_of(lambda: sign_statement(PAYLOAD, kid=Kid('a"b', public("author")), sign=sign)) == "bad_kid"
    assert code_of(lambda: sign_statement(PAYLOAD, kid=Kid("é", public("author")), sign=sign)) == "bad_kid"
    assert code_of(lambda: sign_statement(PAYLOAD, kid=Kid("a", public("author")[:31]), sign=sign)) == "bad_kid"
    assert code_of(lambda: sign_statement(PAYLOAD, kid=kid_of("author"), sign=lambda _: b"short")) == "bad_jws"
    assert code_of(lambda: approve(b"not a statement", kid=kid_of("author"), sign=sign)) == "bad_jws"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"#\\'), min_size=1, max_size=200))
def test_kids_are_read_back(party: str) -> None:
    kid = Kid(party, public("author"))
    assert Kid.parse(str(kid)) == kid
    assert open_jws(sign_statement(PAYLOAD, kid=kid, sign=key_of("author").sign)).signatures[0].kid == kid
    # No party id can break out of the header's JSON.
    assert json.loads(json.dumps(str(kid))) == str(kid) == json.loads(f'"{kid}"')


KEY = str(kid_of("author")).partition("#ed25519.")[2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        f"#ed25519.{KEY}",
        f"party#ed25519{KEY}",
        f"party#ed25519.{KEY[:-1]}",
        f"party#ed25519.{KEY}A",
        f"party#ed25519.{KEY}=",
        f"party#ed25519.{KEY}\n",
        f"party#ed25519.{KEY[:-1]}" + chr(ord(KEY[-1]) + 1),
        f"party#ed25519.{'A' * 42}+",
        f"party#Ed25519.{KEY}",
        f"party#p256.{KEY}",
        f"party##ed25519.{KEY}",
        f"par#ty#ed25519.{KEY}",
        f"par ty#ed25519.{KEY}",
        f'par"ty#ed25519.{KEY}',
        f"par\\ty#ed25519.{KEY}",
        f"par\tty#ed25519.{KEY}",
        f"par\0ty#ed25519.{KEY}",
        f"par\x7fty#ed25519.{KEY}",
        f"p\u00e4rty#ed25519.{KEY}",
        f"p\ud800rty#ed25519.{KEY}",
        f"{'x' * 201}#ed25519.{KEY}",
        f"{'x' * 10_000}#ed25519.{KEY}",
        KEY,
    ],
    ids=lambda text: ascii(text[:30]),
)
def test_what_is_no_kid(text: str) -> None:
    """S07, S10: paths, SQL and the like may stand in a party's name; they are text and nothing is looked up by them."""
    assert code_of(lambda: Kid.parse(text)) == "bad_kid"
