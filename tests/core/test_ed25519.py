"""Signatures on which libraries disagree are refused, each for a reason that plain arithmetic shows.

The cases are those that M1 to M5 and S01 to S06 name, made afresh by
`tests/reference/edwards.py`; nothing is copied. Each is shown to be what it
claims before it is held against `ledger.core`, and OpenSSL, which accepts
some of them, is asked too.
Covers THREATS S07.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from ledger.core.ed25519 import require_strong_key, verify
from ledger.errors import BadSignature, Malformed
from tests.reference import edwards
from tests.reference.edwards import BASE, L, add, challenge, encode, holds, multiply, torsion

TORSION = torsion()
WEAK_ENCODINGS = list(edwards.encodings(TORSION))
SECRET = int.from_bytes(hashlib.sha512(b"a scalar").digest(), "little") % L
NONCE = int.from_bytes(hashlib.sha512(b"a nonce").digest(), "little") % L


class Case(NamedTuple):
    """One signature; `read_as` is its R as hashed when the case was made."""

    key: bytes
    message: bytes
    signature: bytes
    read_as: bytes

    def holds(self, *, cofactor: int) -> bool:
        return holds(
            key=self.key, message=self.message, signature=self.read_as + self.signature[32:], cofactor=cofactor
        )


def made(
    key: bytes, r: bytes, *, a: int = 0, nonce: int = 0, exact: bool = True, read_as: bytes = b"", above: int = 0
) -> Case:
    """A case with S = nonce + k * a (+ above), over the first message for which the torsion cancels, or does not."""
    for number in range(1000):
        message = b"message %d" % number
        s = (nonce + challenge(read_as or r, key, message) * a) % L + above
        found = Case(key, message, r + s.to_bytes(32, "little"), read_as or r)
        if found.holds(cofactor=1) == exact:
            return found
    raise AssertionError("the torsion never cancels")


STRONG, MIXED = encode(multiply(SECRET, BASE)), encode(add(multiply(SECRET, BASE), TORSION[1]))
PLAIN_R, MIXED_R = encode(multiply(NONCE, BASE)), encode(add(multiply(NONCE, BASE), TORSION[3]))
MIXED_R2 = encode(add(multiply(NONCE, BASE), TORSION[4]))
SMALL, SMALL_AGAIN = encode(TORSION[1]), encode(TORSION[4])
# The point of order 2 with the sign of x = 0 set: a second spelling, which a kind decoder takes.
SECOND_SPELLING = SMALL_AGAIN[:31] + bytes([SMALL_AGAIN[31] | 0x80])

# Numbered as in the published list of such cases, which M1 counts.
CASES: dict[str, Callable[[], Case]] = {
    "0 small A, small R, S = 0": lambda: made(SMALL, SMALL),
    "1 small A, mixed R": lambda: made(SMALL, MIXED_R, nonce=NONCE),
    "2 mixed A, small R": lambda: made(MIXED, SMALL, a=SECRET),
    "3 mixed A, mixed R": lambda: made(MIXED, MIXED_R, a=SECRET, nonce=NONCE),
    "4 mixed A, mixed R, only with the cofactor": lambda: made(MIXED, MIXED_R, a=SECRET, nonce=NONCE, exact=False),
    "5 mixed A, plain R, only with the cofactor": lambda: made(MIXED, PLAIN_R, a=SECRET, nonce=NONCE, exact=False),
    "6 S above L": lambda: made(STRONG, PLAIN_R, a=SECRET, nonce=NONCE, above=L),
    "7 S far above L": lambda: made(STRONG, PLAIN_R, a=SECRET, nonce=NONCE, above=14 * L),
    "8 small R in a second spelling": lambda: made(MIXED, SECOND_SPELLING, a=SECRET),
    "9 the same, hashed in the first": lambda: made(MIXED, SECOND_SPELLING, a=SECRET, read_as=SMALL_AGAIN),
    "10 small A in a second spelling, only with the cofactor": lambda: made(
        SECOND_SPELLING, PLAIN_R, nonce=NONCE, exact=False
    ),
    "11 small A in a second spelling": lambda: made(SECOND_SPELLING, MIXED_R2, nonce=NONCE),
}
OPENSSL_ACCEPTS = {"0", "1", "2", "3", "11"}


LIBSODIUM_ACCEPTS = {"3"}


def openssl_accepts(one: Case) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(one.key).verify(one.signature, one.message)
    except InvalidSignature:
        return False
    return True


def libsodium_accepts(one: Case) -> bool:
    try:
        crypto_sign_open(one.signature + one.message, one.key)
    except BadSignatureError:
        return False
    return True


def refusal(*, key: bytes, message: bytes, signature: bytes) -> BadSignature:
    with pytest.raises(BadSignature) as caught:
        verify(key=key, message=message, signature=signature)
    assert caught.value.code == "bad_signature"
    return caught.value


@pytest.mark.parametrize("name", CASES)
def test_none_of_the_twelve_cases_is_accepted(name: str) -> None:
    """S01, S04, S05, S06; M1: the libraries differ on them, so two honest auditors would."""
    one = CASES[name]()
    assert one.holds(cofactor=8)
    assert one.holds(cofactor=1) != ("only with the cofactor" in name)
    number = name.partition(" ")[0]
    assert openssl_accepts(one) == (number in OPENSSL_ACCEPTS)
    assert libsodium_accepts(one) == (number in LIBSODIUM_ACCEPTS)
    refusal(key=one.key, message=one.message, signature=one.signature)


@pytest.mark.parametrize("name", [name for name in CASES if "above L" not in name])
def test_the_keys_of_ten_cases_cannot_be_registered(name: str) -> None:
    """S02, S03, S05; the other two have sound keys."""
    with pytest.raises(Malformed) as caught:
        require_strong_key(CASES[name]().key)
    assert caught.value.code == "weak_key"


def test_there_are_fourteen_weak_encodings() -> None:
    """M2: eight points; those with y = 0, 1 and -1 have further spellings that a kind decoder takes."""
    assert len(WEAK_ENCODINGS) == len(set(WEAK_ENCODINGS)) == 14
    assert {encode(point) for point in TORSION} < set(WEAK_ENCODINGS)
    assert len(set(TORSION)) == 8
    assert all(multiply(8, point) == edwards.IDENTITY for point in TORSION)


@pytest.mark.parametrize("key", WEAK_ENCODINGS, ids=bytes.hex)
def test_weak_keys_are_refused(key: bytes) -> None:
    """S02, M2: with S = 0 and a small R, a signature that nobody made holds for some message under each of them."""
    with pytest.raises(Malformed) as caught:
        require_strong_key(key)
    assert caught.value.code == "weak_key"
    forged = next(
        Case(key, b"message %d" % number, r + bytes(32), r)
        for number in range(100)
        for r in WEAK_ENCODINGS
        if Case(key, b"message %d" % number, r + bytes(32), r).holds(cofactor=1)
    )
    refusal(key=forged.key, message=forged.message, signature=forged.signature)


@pytest.mark.parametrize("r", WEAK_ENCODINGS, ids=bytes.hex)
def test_a_sound_key_cannot_sign_with_a_small_r(r: bytes) -> None:
    """S04, M3: the holder of a good key can make these; OpenSSL takes the identity, so all are refused."""
    require_strong_key(STRONG)
    is_identity = edwards.decode_kindly(r) == edwards.IDENTITY
    one = made(STRONG, r, a=SECRET, exact=is_identity)
    assert one.holds(cofactor=8)
    assert openssl_accepts(one) == (r == encode(edwards.IDENTITY))
    refusal(key=one.key, message=one.message, signature=one.signature)


@pytest.mark.parametrize(
    "key", [b"", bytes(31), bytes(33), b"\xff" * 32, STRONG[:31], STRONG + b"\0", b"\2" + bytes(31)]
)
def test_what_is_no_key(key: bytes) -> None:
    """Of another length, not on the curve, above p."""
    with pytest.raises(Malformed) as caught:
        require_strong_key(key)
    assert caught.value.code == "weak_key"
    refusal(key=key, message=b"", signature=bytes(64))


SEEDS = st.binary(min_size=32, max_size=32)


@settings(max_examples=30)
@given(SEEDS, st.binary(max_size=500))
def test_honest_signatures_verify(seed: bytes, message: bytes) -> None:
    """M4: the guard refuses no honest key, and the arithmetic of the judge agrees with OpenSSL."""
    signer = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = signer.public_key().public_bytes_raw(), signer.sign(message)
    require_strong_key(key)
    verify(key=key, message=message, signature=signature)
    assert holds(key=key, message=message, signature=signature, cofactor=1)


@given(SEEDS, st.binary(max_size=100), st.integers(0, 511))
def test_one_flipped_bit_fails(seed: bytes, message: bytes, bit: int) -> None:
    signer = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = signer.public_key().public_bytes_raw(), signer.sign(message)
    touched = bytearray(signature)
    touched[bit // 8] ^= 1 << bit % 8
    assert refusal(key=key, message=message, signature=bytes(touched)).facts == {"key": key.hex()}
    refusal(key=key, message=message + b"!", signature=signature)


@settings(max_examples=30)
@given(SEEDS, st.integers(1, 15))
def test_s_has_one_spelling(seed: bytes, times: int) -> None:
    """S01: S + L, and every other number above that still fits 32 bytes."""
    signer = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = signer.public_key().public_bytes_raw(), signer.sign(b"message")
    s = int.from_bytes(signature[32:], "little") + times * L
    malleated = signature[:32] + s.to_bytes(32, "little")
    assert holds(key=key, message=b"message", signature=malleated, cofactor=1)
    refusal(key=key, message=b"message", signature=malleated)


@pytest.mark.parametrize("size", [0, 1, 32, 63, 65, 128])
def test_a_signature_has_64_bytes(size: int) -> None:
    """S07."""
    signer = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = (signer.sign(b"message") * 2)[:size]
    refusal(key=signer.public_key().public_bytes_raw(), message=b"message", signature=signature)


@pytest.mark.parametrize("shift", [-64, -1, 1, 7])
def test_signature_and_message_have_a_border(shift: int) -> None:
    """libsodium takes both in one piece, so bytes moved across the border between them must be noticed before."""
    signer = Ed25519PrivateKey.from_private_bytes(bytes(32))
    whole = signer.sign(b"message") + b"message"
    refusal(key=signer.public_key().public_bytes_raw(), message=whole[64 + shift :], signature=whole[: 64 + shift])
