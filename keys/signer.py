"""What signs: a private key from a key file. A hardware module implements the same port later.

The port is `ledger.core.signing.Signer`.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys.keyfile import StoredKey, load_private
from ledger.core.signing import Signer
from ledger.errors import Unreadable

__all__ = ["FileSigner", "Signer"]


class FileSigner:
    """An Ed25519 key held in memory."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = key.public_key().public_bytes_raw()

    @classmethod
    def from_stored(cls, stored: StoredKey) -> FileSigner:
        """The signer of a stored key.

        Raises: Unreadable `wrong_key_type`, `bad_key_file`.
        """
        key = load_private(stored)
        if not isinstance(key, Ed25519PrivateKey):
            raise Unreadable("wrong_key_type", f"the key {stored.name!r} is no Ed25519 key", name=stored.name)
        return cls(key)

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the public key."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of a message."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"FileSigner({self._public.hex()})"
