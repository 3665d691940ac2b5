"""Signers for the tests of the byte rooms, by a library that `ledger.core` does not use.

Keys come from words, so the same test always makes the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.core.checkpoint import Checkpoint
from ledger.core.jws import Kid
from ledger.core.note import COSIGNATURE, Vkey

ORIGIN = "ledger.example/log"


@cache
def key_of(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"core test key {name}".encode()).digest())


def public(name: str) -> bytes:
    return key_of(name).public_key().public_bytes_raw()


def kid_of(name: str) -> Kid:
    return Kid(f"https://ledger.example/parties/{name}", public(name))


def log_vkey(name: str = "log", *, origin: str = ORIGIN) -> Vkey:
    return Vkey.make(origin, public(name))


def witness_vkey(name: str) -> Vkey:
    return Vkey.make(f"witness.example/{name}", public(name), algorithm=COSIGNATURE)


def note_line(name: str, key_id: bytes, signature: bytes) -> str:
    return f"\N{EM DASH} {name} {base64.b64encode(key_id + signature).decode()}\n"


def signed(text: str, name: str = "log", *, vkey: Vkey | None = None) -> bytes:
    """A note made by hand, so that `sign_note` is not its own judge."""
    vkey = vkey or log_vkey(name)
    return f"{text}\n{note_line(vkey.name, vkey.key_id, key_of(name).sign(text.encode()))}".encode()


def cosignature_line(text: str, name: str, *, timestamp_s: int, vkey: Vkey | None = None) -> bytes:
    """A witness's line, by the words of tlog-cosignature."""
    vkey = vkey or witness_vkey(name)
    signature = key_of(name).sign(f"cosignature/v1\ntime {timestamp_s}\n{text}".encode())
    return note_line(vkey.name, vkey.key_id, timestamp_s.to_bytes(8, "big") + signature).encode()


def checkpoint_text(size: int, root: bytes, *, origin: str = ORIGIN) -> str:
    return Checkpoint(origin, size, root).text
