"""What signs: the port that key files and hardware modules implement."""

from __future__ import annotations

from typing import Protocol


class Signer(Protocol):
    """Holds one Ed25519 private key and never shows it."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the public key."""

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of a message."""
