"""The service's own two keys: one signs access tokens, one signs webhooks. Neither is a party's or the log's.

They lie in DIR/keys/service.age, made by `gigaton init` or `gigaton keygen --service`; machines that serve
together copy the file. Nothing in the log rests on them: whoever steals them reads private evidence and drafts
until the file is replaced, and records nothing.

Source: RFC 7517, RFC 7638, RFC 8037.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys.generate import new_key
from keys.keyfile import KeyRing, StoredKey, load_private
from ledger.core import canonical
from ledger.core.strict import to_base64url

SERVICE = "service"
FILE_NAME = f"{SERVICE}.age"
TOKEN_KEY, WEBHOOK_KEY = "service: token", "service: webhook"


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """One key with what the world knows it by: `kid` is its JWK thumbprint."""

    private: Ed25519PrivateKey
    kid: str

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> ServiceKey:
        """A private key under its thumbprint."""
        return cls(private, to_base64url(sha256(canonical.encode(_members(private))).digest()))

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as it is published."""
        return {**_members(self.private), "alg": "EdDSA", "kid": self.kid, "use": "sig"}

    def __repr__(self) -> str:
        return f"ServiceKey({self.kid})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKeys:
    """The keys of a service."""

    token: ServiceKey
    webhook: ServiceKey


def new_service_keys(operator: str) -> tuple[StoredKey, StoredKey]:
    """Fresh keys for the service of an operator."""
    token, webhook = (new_key(name=name, owner=operator, purposes=()) for name in (TOKEN_KEY, WEBHOOK_KEY))
    return token, webhook


def find_service_keys(rings: Iterable[KeyRing], *, operator: str) -> ServiceKeys | None:
    """The service's keys among others, by name, owner and that they serve no statement; None unless both are there.

    Raises: Unreadable `bad_key_file`.
    """
    found: dict[str, ServiceKey] = {}
    for ring in rings:
        for stored in ring.keys:
            if stored.name in (TOKEN_KEY, WEBHOOK_KEY) and (stored.owner, stored.purposes) == (operator, ()):
                private = load_private(stored)
                if isinstance(private, Ed25519PrivateKey):
                    found[stored.name] = ServiceKey.of(private)
    if len(found) != 2:
        return None
    return ServiceKeys(token=found[TOKEN_KEY], webhook=found[WEBHOOK_KEY])


def _members(private: Ed25519PrivateKey) -> dict[str, str]:
    """The members that make the thumbprint (RFC 8037, appendix A.3)."""
    return {"crv": "Ed25519", "kty": "OKP", "x": to_base64url(private.public_key().public_bytes_raw())}
