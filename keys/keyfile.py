"""Key files: PKCS#8 keys inside age passphrase encryption, readable by their owner alone.

Inside the encryption is JSON: {"version": 1, "keys": [{name, owner, purposes,
algorithm, pkcs8}]}, `pkcs8` being an unencrypted PKCS#8 PEM. age's scrypt
protects it; PKCS#8's own encryption is far weaker.

Source: DESIGN 9; THREATS X10 to X12 and section 5.6.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pyrage
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ledger.core.strict import to_base64url
from ledger.domain.statements.members import Purpose
from ledger.errors import Unavailable, Unreadable

FILE_BYTES_MAX = 64 * 1024 * 1024
_FORBIDDEN_MODE = 0o077
_AGE_MARK = b"age-encryption.org/v1\n"


class StoredKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One private key with the party that owns it and what it serves. Its representation never shows the key."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    owner: str
    purposes: tuple[Purpose, ...]
    algorithm: Literal["ed25519", "p256"]
    pkcs8: str

    def __repr__(self) -> str:
        return f"StoredKey(name={self.name!r}, owner={self.owner!r}, purposes={self.purposes!r})"

    @property
    def public(self) -> str:
        """The Ed25519 public key as statements spell it; empty for the P-256 seal.

        Raises: Unreadable `bad_key_file`.
        """
        key = load_private(self)
        return to_base64url(key.public_key().public_bytes_raw()) if isinstance(key, Ed25519PrivateKey) else ""


class KeyRing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of one file."""

    keys: tuple[StoredKey, ...]
    version: Literal[1] = 1


def write_ring(path: Path, ring: KeyRing, passphrase: str) -> None:
    """Write a new key file; an existing one is never replaced.

    Raises: Unreadable `key_file_exists`, `empty_passphrase`, `key_file_permissions`, `unreadable_file`.
    """
    if not passphrase:
        raise Unreadable("empty_passphrase", "a key file needs a passphrase", path=str(path))
    sealed = pyrage.passphrase.encrypt(msgspec.json.encode(ring), passphrase)
    _require_private_folder(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Unreadable("key_file_exists", f"{path} is there already", path=str(path)) from None
    except OSError as error:
        raise Unreadable("unreadable_file", f"{path}: {error.strerror}", path=str(path)) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(sealed)
        file.flush()
        os.fsync(file.fileno())


def read_ring(path: Path, passphrase: str) -> KeyRing:
    """Open a key file.

    No message holds key bytes.
    Raises: Unreadable `unreadable_file`, `key_file_permissions`, `bad_key_file`, `wrong_passphrase`;
        Unavailable `machine_too_busy`.
    """
    _require_private_folder(path)
    sealed = _read_private(path)
    try:
        raw = pyrage.passphrase.decrypt(sealed, passphrase)
    except pyrage.DecryptError as error:
        # age measures the machine before it opens a file, and declines what would take it too long just now.
        if "xcessive work" in str(error):
            raise Unavailable("machine_too_busy", f"{path}: {error}", path=str(path)) from None
        if not sealed.startswith(_AGE_MARK):
            raise Unreadable("bad_key_file", f"{path} is no age file", path=str(path)) from None
        reason = "the passphrase is not right, or the file is damaged"
        raise Unreadable("wrong_passphrase", f"{path}: {reason}", path=str(path)) from None
    try:
        ring = msgspec.json.decode(raw, type=KeyRing)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Unreadable("bad_key_file", f"{path}: what it holds is no key ring", path=str(path)) from None
    for stored in ring.keys:
        load_private(stored)
    return ring


def load_private(stored: StoredKey) -> Ed25519PrivateKey | EllipticCurvePrivateKey:
    """The private key itself.

    Raises: Unreadable `bad_key_file`.
    """
    try:
        key = load_pem_private_key(stored.pkcs8.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unreadable(
            "bad_key_file", f"the key {stored.name!r} is no PKCS#8 private key", name=stored.name
        ) from None
    if stored.algorithm == "ed25519" and isinstance(key, Ed25519PrivateKey):
        return key
    if stored.algorithm == "p256" and isinstance(key, EllipticCurvePrivateKey) and key.curve.name == "secp256r1":
        return key
    raise Unreadable("bad_key_file", f"the key {stored.name!r} is no {stored.algorithm} key", name=stored.name)


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unreadable("unreadable_file", f"{path}: {error.strerror}", path=str(path)) from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > FILE_BYTES_MAX:
            raise Unreadable("bad_key_file", f"{path} is no key file", path=str(path))
        if found.st_mode & _FORBIDDEN_MODE or found.st_uid != os.geteuid():
            raise Unreadable("key_file_permissions", f"{path} must belong to you alone, mode 0600", path=str(path))
        return file.read(FILE_BYTES_MAX)


def _require_private_folder(path: Path) -> None:
    """Nobody else may be able to swap the file: its folder is not writable by group or world."""
    try:
        found = path.absolute().parent.stat()
    except OSError as error:
        raise Unreadable("unreadable_file", f"{path.parent}: {error.strerror}", path=str(path.parent)) from None
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unreadable(
            "key_file_permissions", f"the folder {path.parent} is writable by others", path=str(path.parent)
        )
