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
STATEMENT_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

_PARTY = r"[!$-\[\]-~]{1,200}"  # printable ASCII without space, quote, # and backslash
_KID = re.compile(rf"({_PARTY})#ed25519\.([A-Za-z0-9_-]{{43}})\Z")
# The header of a layer, before and after its kid.
_STATEMENT_HEADER = (b'{"alg":"EdDSA","kid":"', b'","typ":"vc+jwt"}')
_APPROVAL_HEADER = (b'{"alg":"EdDSA","cty":"JWT","kid":"', b'","typ":"gigaton-approval+jwt"}')
_SIGNATURE_CHARACTERS = 86


class Kid(NamedTuple):
    """Who signs: a party and the very key, so that a signature is checked from the entry alone."""

    party: str
    key: bytes

    def __str__(self) -> str:
        return f"{self.party}#ed25519.{self.key_text}"

    @property
    def key_text(self) -> str:
        """The key as statements and records spell it."""
        return _key_text(self.key)

    @classmethod
    def parse(cls, text: str) -> Kid:
        """Read `<party>#ed25519.<43 base64url characters>`.

        Raises: Malformed `bad_kid`.
        """
        match = _KID.match(text)
        if match is None:
            raise Malformed("bad_kid", f"{text[:80]!r} is no <party>#ed25519.<key>")
        try:
            return cls(match[1], base64url_bytes(match[2], size=ed25519.KEY_BYTES))
        except Malformed as error:
            raise Malformed("bad_kid", error.message) from None


@lru_cache(maxsize=16384)
def _key_text(key: bytes) -> str:
    return to_base64url(key)


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
    _require_size(len(raw))
    layers: list[Signature] = []
    is_statement = False
    while not is_statement:
        if len(layers) == SIGNATURES_MAX:
            raise Malformed("too_many_signatures", f"a statement carries at most {SIGNATURES_MAX} signatures")
        parts = raw.split(b".", 3)
        if len(parts) != 3 or len(parts[2]) != _SIGNATURE_CHARACTERS or not parts[1]:
            raise Malformed("bad_jws", "a statement is header.payload.signature, the signature in 86 characters")
        kid, is_statement = _parse_header(parts[0])
        layers.append(Signature(kid, raw[: -_SIGNATURE_CHARACTERS - 1], base64url_bytes(parts[2])))
        raw = base64url_bytes(parts[1])
    if len(layers) > 1 and len({layer.kid.key for layer in layers}) != len(layers):
        raise Malformed("same_signer_twice", "each signature of a statement is by a key of its own")
    return OpenedJws(raw, tuple(layers[::-1]))


@lru_cache(maxsize=16384)
def _parse_header(segment: bytes) -> tuple[Kid, bool]:
    """The signer, and whether this is the statement itself rather than an approval."""
    header = base64url_bytes(segment)
    for (before, after), is_statement in ((_STATEMENT_HEADER, True), (_APPROVAL_HEADER, False)):
        if header.startswith(before) and header.endswith(after):
            return Kid.parse(header[len(before) : -len(after)].decode("latin-1")), is_statement
    raise Malformed("bad_header", f"{header[:120]!a} is not exactly the header of a statement or approval")


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

    Raises: the codes of `open_jws`, if what was made would not be read back.
    """
    return _seal(_STATEMENT_HEADER, payload, kid, sign)


def approve(jws: bytes, *, kid: Kid, sign: Callable[[bytes], bytes]) -> bytes:
    """A further signature around a signed statement.

    Raises: the codes of `open_jws`, if what was made would not be read back.
    """
    return _seal(_APPROVAL_HEADER, jws, kid, sign)


def _seal(layer: tuple[bytes, bytes], payload: bytes, kid: Kid, sign: Callable[[bytes], bytes]) -> bytes:
    header = str(kid).encode("utf-8").join(layer)
    signing_input = f"{to_base64url(header)}.{to_base64url(payload)}".encode("ascii")
    _require_size(len(signing_input) + 1 + _SIGNATURE_CHARACTERS)
    signed = signing_input + b"." + to_base64url(sign(signing_input)).encode("ascii")
    open_jws(signed)
    return signed


def jws_size(payload_bytes: int, kids: Sequence[Kid]) -> int:
    """Bytes that a payload will have under these signatures; tools ask before the first one signs.

    Raises: Malformed `too_large`.
    """
    size = payload_bytes
    for position, kid in enumerate(kids):
        header = len(str(kid)) + sum(map(len, _APPROVAL_HEADER if position else _STATEMENT_HEADER))
        size = _encoded(header) + 1 + _encoded(size) + 1 + _SIGNATURE_CHARACTERS
    _require_size(size)
    return size


def _encoded(size: int) -> int:
    return (4 * size + 2) // 3


def _require_size(size: int) -> None:
    if size > STATEMENT_BYTES_MAX:
        raise Malformed(
            "too_large", f"{size} bytes, a statement has at most {STATEMENT_BYTES_MAX}", limit=STATEMENT_BYTES_MAX
        )
