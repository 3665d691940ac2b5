"""Compact JWS, alone or nested: structure and signatures of a statement, never its meaning.

A further signer signs the JWS of the one before as its payload. Headers have
one spelling a layer, so they are compared as bytes and never interpreted.

Source: DESIGN 4.1; RFC 7515; RFC 8037.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from ledger.core import ed25519
from ledger.core.strict import base64url_bytes, to_base64url
from ledger.errors import BadSignature, Malformed

STATEMENT_BYTES_MAX = 49_152
SIGNATURES_MAX = 8

_PARTY = re.compile(r"[!$-\[\]-~]{1,200}\Z")  # printable ASCII without space, quote, # and backslash
_STATEMENT_HEADER = re.compile(
    rb'\{"alg":"EdDSA","kid":"([!$-\[\]-~]{1,200}#ed25519\.[A-Za-z0-9_-]{43})","typ":"vc\+jwt"\}\Z'
)
_APPROVAL_HEADER = re.compile(
    rb'\{"alg":"EdDSA","cty":"JWT","kid":"([!$-\[\]-~]{1,200}#ed25519\.[A-Za-z0-9_-]{43})","typ":"gigaton-approval\+jwt"\}\Z'
)
_SIGNATURE_CHARACTERS = 86


class Kid(NamedTuple):
    """Who signs: a party and the very key, so that a signature is checked from the entry alone."""

    party: str
    key: bytes

    def __str__(self) -> str:
        return f"{self.party}#ed25519.{to_base64url(self.key)}"

    @classmethod
    def parse(cls, text: str) -> Kid:
        """Raises: Malformed `bad_kid`."""
        party, mark, key = text.partition("#ed25519.")
        if not mark or not _PARTY.match(party):
            raise Malformed("bad_kid", f"{text[:80]!r} is no <party>#ed25519.<key>")
        return cls(party, base64url_bytes(key, size=ed25519.KEY_BYTES))


class Signature(NamedTuple):
    """One layer's signature and the bytes that it covers."""

    kid: Kid
    signing_input: bytes
    signature: bytes


class OpenedJws(NamedTuple):
    """A statement taken apart, nothing verified: the innermost payload and its signatures, author first."""

    payload: bytes
    signatures: tuple[Signature, ...]


def open_jws(raw: bytes) -> OpenedJws:
    """Take a compact JWS apart, layer by layer.

    Raises: Malformed `too_large`, `bad_jws`, `bad_base64`, `bad_header`, `bad_kid`, `too_many_signatures`,
        `same_signer_twice`.
    """
    if len(raw) > STATEMENT_BYTES_MAX:
        raise Malformed(
            "too_large", f"{len(raw)} bytes, a statement has at most {STATEMENT_BYTES_MAX}", limit=STATEMENT_BYTES_MAX
        )
    layers: list[Signature] = []
    while True:
        header, payload, signature, signing_input = _split(raw)
        inner = _parse_header(header)
        layers.append(Signature(inner[0], signing_input, base64url_bytes(signature)))
        raw = base64url_bytes(payload)
        if inner[1]:
            break
        if len(layers) == SIGNATURES_MAX:
            raise Malformed("too_many_signatures", f"a statement carries at most {SIGNATURES_MAX} signatures")
    if len({layer.kid.key for layer in layers}) != len(layers):
        raise Malformed("same_signer_twice", "each signature of a statement is by a key of its own")
    return OpenedJws(raw, tuple(reversed(layers)))


def _split(raw: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    parts = raw.split(b".", 3)
    if len(parts) != 3 or len(parts[2]) != _SIGNATURE_CHARACTERS or not parts[1]:
        raise Malformed("bad_jws", "a statement is header.payload.signature, the signature in 86 characters")
    return parts[0], parts[1], parts[2], raw[: -_SIGNATURE_CHARACTERS - 1]


@lru_cache(maxsize=65536)
def _parse_header(segment: bytes) -> tuple[Kid, bool]:
    """The signer, and whether this is the statement itself rather than an approval."""
    header = base64url_bytes(segment)
    for pattern, is_statement in ((_STATEMENT_HEADER, True), (_APPROVAL_HEADER, False)):
        match = pattern.match(header)
        if match:
            return Kid.parse(match.group(1).decode("ascii")), is_statement
    raise Malformed("bad_header", f"{header[:120]!r} is not exactly the header of a statement or approval")


def check_signatures(opened: OpenedJws) -> None:
    """Verify every layer under the key that it names.

    Raises: BadSignature `bad_signature` with the layer (0 is the author) and kid.
    """
    for layer, (kid, signing_input, signature) in enumerate(opened.signatures):
        try:
            ed25519.verify(key=kid.key, message=signing_input, signature=signature)
        except BadSignature as error:
            raise BadSignature(
                "bad_signature", f"signature {layer} by {kid}: {error.message}", layer=layer, kid=str(kid)
            ) from None


def sign_statement(payload: bytes, *, kid: Kid, sign: Callable[[bytes], bytes]) -> bytes:
    """The author's signature around a payload.

    Raises: Malformed `too_large`.
    """
    return _seal(b'{"alg":"EdDSA","kid":"%b","typ":"vc+jwt"}' % str(kid).encode("ascii"), payload, sign)


def approve(jws: bytes, *, kid: Kid, sign: Callable[[bytes], bytes]) -> bytes:
    """A further signature around a signed statement.

    Raises: Malformed `too_large`.
    """
    return _seal(
        b'{"alg":"EdDSA","cty":"JWT","kid":"%b","typ":"gigaton-approval+jwt"}' % str(kid).encode("ascii"), jws, sign
    )


def _seal(header: bytes, payload: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    signing_input = f"{to_base64url(header)}.{to_base64url(payload)}".encode("ascii")
    signed = signing_input + b"." + to_base64url(sign(signing_input)).encode("ascii")
    if len(signed) > STATEMENT_BYTES_MAX:
        raise Malformed(
            "too_large",
            f"{len(signed)} bytes, a statement has at most {STATEMENT_BYTES_MAX}",
            limit=STATEMENT_BYTES_MAX,
        )
    return signed


def jws_size(payload_bytes: int, kids: Sequence[Kid]) -> int:
    """Bytes that a payload will have under these signatures; tools ask before the first one signs.

    Raises: Malformed `too_large`.
    """
    size = payload_bytes
    for position, kid in enumerate(kids):
        header = len(
            '{"alg":"EdDSA","kid":"","typ":"vc+jwt"}'
            if position == 0
            else '{"alg":"EdDSA","cty":"JWT","kid":"","typ":"gigaton-approval+jwt"}'
        )
        size = _encoded(header + len(str(kid))) + 1 + _encoded(size) + 1 + _SIGNATURE_CHARACTERS
    if size > STATEMENT_BYTES_MAX:
        raise Malformed(
            "too_large",
            f"it would have {size} bytes, a statement has at most {STATEMENT_BYTES_MAX}",
            limit=STATEMENT_BYTES_MAX,
        )
    return size


def _encoded(size: int) -> int:
    return (4 * size + 2) // 3
