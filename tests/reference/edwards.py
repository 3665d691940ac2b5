"""Ed25519 by plain arithmetic, to make the signatures that no honest library would make.

Points are affine pairs of integers; nothing here is fast or safe for secrets.

Source: RFC 8032, sections 5.1 and 5.1.1 to 5.1.7.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(one: Point, other: Point) -> Point:
    """The complete addition law of the twisted Edwards curve -x^2 + y^2 = 1 + d x^2 y^2."""
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2 % P
    x3 = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P
    y3 = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P
    return x3, y3


def multiply(scalar: int, point: Point) -> Point:
    """scalar * point, by doubling and adding."""
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def x_of(y: int, *, odd: bool) -> int | None:
    """The x of a point from its y and the parity of x; None if no such point is on the curve."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if x and x % 2 != odd else x


def encode(point: Point) -> bytes:
    """The canonical 32 bytes of a point."""
    x, y = point
    return (y | (x % 2) << 255).to_bytes(32, "little")


def decode_kindly(raw: bytes) -> Point | None:
    """A point from any of its encodings: y may be above p, and the sign of x = 0 may be set."""
    number = int.from_bytes(raw, "little")
    y = number % 2**255 % P
    x = x_of(y, odd=bool(number >> 255))
    return None if x is None else (x, y)


_base_x = x_of(4 * pow(5, -1, P) % P, odd=False)
assert _base_x is not None
BASE: Point = (_base_x, 4 * pow(5, -1, P) % P)


def torsion() -> list[Point]:
    """The eight points of small order, as multiples 0 to 7 of one of order 8."""
    y = 2
    while True:
        x = x_of(y, odd=False)
        if x is not None:
            generator = multiply(L, (x, y))
            if multiply(4, generator) != IDENTITY:
                return [multiply(times, generator) for times in range(8)]
        y += 1


def encodings(points: list[Point]) -> Iterator[bytes]:
    """Every 32 bytes that a kind decoder reads as one of these points."""
    for y in sorted({y for _, y in points}):
        for number in (y, y + P):
            for sign in (0, 1):
                if number < 2**255:
                    raw = (number | sign << 255).to_bytes(32, "little")
                    if decode_kindly(raw) in points:
                        yield raw


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    """k = SHA-512(R || A || M), reduced modulo L as libraries do; under a mixed A that is not the same as k."""
    return int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L


def holds(*, key: bytes, message: bytes, signature: bytes, cofactor: int) -> bool:
    """Whether cofactor * S * B = cofactor * (R + k * A), with R and A read kindly and S not bounded."""
    r, s = decode_kindly(signature[:32]), int.from_bytes(signature[32:], "little")
    a = decode_kindly(key)
    if r is None or a is None:
        return False
    k = challenge(signature[:32], key, message)
    return multiply(cofactor * s, BASE) == multiply(cofactor, add(r, multiply(k, a)))
