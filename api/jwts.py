"""Reading and making JWTs of one algorithm: stricter than any library, before and beside PyJWT.

PyJWT forgives duplicate members (the last wins), padding, any `typ`, and numbers of any kind (THREATS M15, M16).
So bytes are read here first, in one spelling of base64url and with every member named and typed; then PyJWT
checks the signature under a key object and the claims.

Source: RFC 7515, RFC 7519, RFC 8725; THREATS S07 to S17.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NoReturn, TypeVar

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from ledger.core import canonical, ed25519
from ledger.core.strict import base64url_bytes
from ledger.errors import BadSignature, Malformed

H = TypeVar("H", bound=Struct)
C = TypeVar("C", bound=Struct)

JWT_CHARACTERS_MAX = 4_096
LEEWAY_S = 30
_ALGORITHM = "EdDSA"
_REQUIRED = ["aud", "exp", "iat", "iss", "jti", "sub"]

Seconds = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Jti = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._~:-]{8,128}\Z")]


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """A header with these three members and no other: no key, no address of one, nothing critical."""

    alg: Literal["EdDSA"]
    kid: Annotated[str, Meta(min_length=1, max_length=300)]
    typ: str


def read(token: str, *, typ: str, claims: type[C]) -> tuple[Header, C]:
    """What a JWT says, nothing verified.

    Raises: Malformed with the codes of the byte readers.
    """
    if len(token) > JWT_CHARACTERS_MAX:
        raise Malformed("too_large", f"a JWT has at most {JWT_CHARACTERS_MAX} characters", limit=JWT_CHARACTERS_MAX)
    parts = token.split(".", 3)
    if len(parts) != 3:
        raise Malformed("bad_jws", "a JWT is header.payload.signature")
    header = _read(base64url_bytes(parts[0]), Header)
    if header.typ != typ:
        raise Malformed("bad_header", f"the type is {header.typ[:60]!a} where {typ} belongs")
    said = _read(base64url_bytes(parts[1]), claims)
    base64url_bytes(parts[2], size=ed25519.SIGNATURE_BYTES)
    return header, said


def verify(token: str, key: Ed25519PublicKey, *, issuer: str, audience: str) -> None:
    """Check signature, issuer, audience and times of a JWT that was read.

    Raises: BadSignature `bad_signature`.
    """
    try:
        jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_S,
            options={"require": _REQUIRED, "strict_aud": True},
        )
    except jwt.PyJWTError as error:
        raise BadSignature("bad_signature", f"it does not hold: {error}") from None


def make(claims: Struct, key: Ed25519PrivateKey, *, typ: str, kid: str) -> str:
    """A signed JWT, header and claims in their one spelling."""
    signer = jwt.PyJWS(algorithms=[_ALGORITHM])
    headers = {"kid": kid, "typ": typ}
    return signer.encode(canonical.encode(claims), key, algorithm=_ALGORITHM, headers=headers, sort_headers=True)


def _read(raw: bytes, shape: type[H]) -> H:
    """JSON with each member once, whole numbers alone, and the members of a shape alone."""
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_once, parse_float=_refuse_number, parse_constant=_refuse_number
        )
        return msgspec.convert(value, shape)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise Malformed("bad_schema", f"this is no {shape.__name__.lower()} of a JWT: {str(error)[:200]!a}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("bad_schema", "a member stands there twice")
    return members


def _refuse_number(text: str) -> NoReturn:
    raise Malformed("bad_schema", f"{text[:40]} is no whole number")
