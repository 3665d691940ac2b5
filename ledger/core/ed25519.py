"""The only verifier of Ed25519 signatures, the same on the server and at the auditor's.

libsodium alone is not enough: a key of small or mixed order would verify for
messages that nobody signed, so keys are guarded first (THREATS M1 to M4).

Source: RFC 8032, section 5.1.7.
"""

from __future__ import annotations

from functools import lru_cache

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_BYTES, crypto_sign_open
from nacl.exceptions import BadSignatureError

from ledger.errors import BadSignature, Malformed

KEY_BYTES = 32
SIGNATURE_BYTES = crypto_sign_BYTES


def require_strong_key(key: bytes) -> None:
    """Raises: Malformed `weak_key` unless the key is a canonical point of the prime-order subgroup."""
    if not _is_strong(key):
        raise Malformed("weak_key", f"{key.hex()[:64]} is no sound Ed25519 public key")


@lru_cache(maxsize=65536)
def _is_strong(key: bytes) -> bool:
    return len(key) == KEY_BYTES and bool(crypto_core_ed25519_is_valid_point(key))


def verify(*, key: bytes, message: bytes, signature: bytes) -> None:
    """Check one signature.

    Raises: BadSignature `bad_signature`.
    """
    if not _is_strong(key):
        raise BadSignature("bad_signature", f"{key.hex()[:64]} is no sound Ed25519 public key")
    if len(signature) != SIGNATURE_BYTES:
        raise BadSignature("bad_signature", f"a signature has {SIGNATURE_BYTES} bytes, not {len(signature)}")
    try:
        crypto_sign_open(signature + message, key)
    except BadSignatureError:
        raise BadSignature("bad_signature", f"the signature does not verify under {key.hex()}", key=key.hex()) from None
