"""Signatures on which libraries disagree are refused, each for a reason that plain arithmetic shows.

The cases are those that M1 to M5 and S01 to S06 name, made afresh by
`tests/reference/edwards.py`; nothing is copied. Each is shown to be what it
claims before it is held against `ledger.core`, and OpenSSL, which accepts
some of them, is asked too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.ed25519 import require_strong_key, verify
from ledger.errors import BadSignature, Malformed
from tests.reference import edwards
from tests.reference.edwards import BASE, L, add, challenge, encode, holds, multiply, torsion

TORSION = torsion()
WEAK_ENCODINGS = list(edwards.encodings(TORSION))
SECRET = int.from_bytes(hashlib.sha512(b"a scalar").digest(), "little") % L
NONCE = int.from_bytes(hashlib.sha512(b"a nonce").digest(), "little") % L


class Case(NamedTuple):
    """One signature, and under which readings of the equation it holds."""

    key: bytes
    message: bytes
    signature: bytes
    with_cofactor: bool
    without: bool


def forge(
    *, a: int, key: bytes, r: int, r_bytes: bytes, holds_without: bool, hashed_r: bytes | None = None
) -> tuple[bytes, bytes]:
    """A message and signature with S = r + k * a, where the torsion parts of the equation cancel or do not, as asked."""
    for number in range(1000):
        message = b"message %d" % number
        k = challenge(hashed_r or r_bytes, key, message)
        signature = r_bytes + ((r + k * a) % L).to_bytes(32, "little")
        if holds(key=key, message=message, signature=signature, cofactor=1) == holds_without:
            return message, signature
    raise AssertionError("no message found")


def case(name: str) -> Case:
    """The twelve cases, by what is odd about them."""
    strong, mixed = multiply(SECRET, BASE), add(multiply(SECRET, BASE), TORSION[1])
    plain_r, mixed_r = multiply(NONCE, BASE), add(multiply(NONCE, BASE), TORSION[3])
    small, odd_small = encode(TORSION[1]), WEAK_ENCODINGS[-1]
    match name:
        case "0 small A, small R, S = 0":
            key, (message, signature) = small, forge(a=0, key=small, r=0, r_bytes=small, holds_without=True)
        case "1 small A, mixed R":
            r = encode(mixed_r)
            key, (message, signature) = small, forge(a=0, key=small, r=NONCE, r_bytes=r, holds_without=True)
        case "2 mixed A, small R":
            key = encode(mixed)
            message, signature = forge(a=SECRET, key=key, r=0, r_bytes=small, holds_without=True)
        case "3 mixed A, mixed R":
            key = encode(mixed)
            message, signature = forge(a=SECRET, key=key, r=NONCE, r_bytes=encode(mixed_r), holds_without=True)
        case "4 mixed A, mixed R, only with the cofactor":
            key = encode(mixed)
            message, signature = forge(a=SECRET, key=key, r=NONCE, r_bytes=encode(mixed_r), holds_without=False)
        case "5 mixed A, plain R, only with the cofactor":
            key = encode(mixed)
            message, signature = forge(a=SECRET, key=key, r=NONCE, r_bytes=encode(plain_r), holds_without=False)
        case "6 S above L" | "7 S far above L":
            key = encode(strong)
            message, signature = forge(a=SECRET, key=key, r=NONCE, r_bytes=encode(plain_r), holds_without=True)
            s = int.from_bytes(signature[32:], "little") + L * (1 if name[0] == "6" else 14)
            signature = signature[:32] + s.to_bytes(32, "little")
        case "8 small R in a second spelling":
            key = encode(mixed)
            message, signature = forge(a=SECRET, key=key, r=0, r_bytes=odd_small, holds_without=True)
        case "9 small R in a second spelling, hashed in the first":
            key = encode(mixed)
            hashed = encode(edwards.decode_kindly(odd_small) or BASE)
            message, signature = forge(a=SECRET, key=key, r=0, r_bytes=odd_small, holds_without=False, hashed_r=hashed)
        case "10 small A in a second spelling" | "11 small A in a second spelling, mixed R":
            r = encode(plain_r if name[:2] == "10" else mixed_r)
            key = odd_small
            message, signature = forge(a=0, key=key, r=NONCE, r_bytes=r, holds_without=name[:2] == "11")
        case _:
            raise AssertionError(name)
    found = [holds(key=key, message=message, signature=signature, cofactor=cofactor) for cofactor in (8, 1)]
    return Case(key, message, signature, *found)
