"""Signed notes and verifier keys.

    <text, ends with a line feed>
    <empty line>
    \N{EM DASH} <key name> <base64 of 4-byte key ID and signature>    one line a signature

Lines of unknown (name, key ID) are skipped; a line of a known one must hold.

Source: C2SP signed-note (TLOG-SPEC 2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple

from ledger.core import ed25519
from ledger.core.strict import base64_bytes, hex_bytes, to_base64
from ledger.errors import BadSignature, Malformed

NOTE_BYTES_MAX = 1_000_000
LINES_MAX = 100
ED25519 = 0x01
COSIGNATURE = 0x04

_DASH = "\N{EM DASH} "
_KEY_ID_BYTES = 4
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f\ud800-\udfff]{1,255}\Z")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class Vkey(NamedTuple):
    """A key that verifies notes, with the name that it signs under."""

    name: str
    key_id: bytes
    algorithm: int
    public_key: bytes

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.algorithm]) + self.public_key)}"

    @classmethod
    def make(cls, name: str, public_key: bytes, *, algorithm: int = ED25519) -> Vkey:
        """The vkey of a public key, with the recommended key ID.

        Raises: Malformed `bad_key_name`.
        """
        _require_name(name)
        digest = sha256(name.encode() + b"\n" + bytes([algorithm]) + public_key).digest()
        return cls(name, digest[:_KEY_ID_BYTES], algorithm, public_key)

    @classmethod
    def parse(cls, text: str) -> Vkey:
        """Read `<name>+<key ID>+<base64>`; the key ID must be the recommended one.

        Raises: Malformed `bad_vkey`.
        """
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise Malformed("bad_vkey", f"{text[:80]!r} is no <name>+<key ID>+<key>")
        try:
            name, key_id, raw = parts[0], hex_bytes(parts[1], size=_KEY_ID_BYTES), base64_bytes(parts[2])
            made = cls.make(name, raw[1:], algorithm=raw[0] if raw else 0)
        except Malformed as error:
            raise Malformed("bad_vkey", error.message) from None
        known = made.algorithm in (ED25519, COSIGNATURE) and len(made.public_key) == ed25519.KEY_BYTES
        if not known or made.key_id != key_id:
            raise Malformed("bad_vkey", f"{text[:80]!r} is of an unknown type or carries the key ID of another key")
        return made


class NoteLine(NamedTuple):
    """One signature line, not verified."""

    name: str
    key_id: bytes
    signature: bytes


class ParsedNote(NamedTuple):
    """A note taken apart, nothing verified; `text` ends with its line feed."""

    text: str
    lines: tuple[NoteLine, ...]


def parse_note(raw: bytes) -> ParsedNote:
    """Take a note apart at its last empty line.

    Raises: Malformed `bad_note`.
    """
    if len(raw) > NOTE_BYTES_MAX:
        raise Malformed("bad_note", f"a note has at most {NOTE_BYTES_MAX} bytes")
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("bad_note", "a note is UTF-8") from None
    if _CONTROL.search(whole):
        raise Malformed("bad_note", "a note holds no control character but the line feed")
    at = whole.rfind("\n\n")
    if at < 0 or not whole.endswith("\n"):
        raise Malformed("bad_note", "a note is text, an empty line and signature lines, each with its line feed")
    lines = whole[at + 2 : -1].split("\n")
    if lines == [""] or len(lines) > LINES_MAX:
        raise Malformed("bad_note", f"a note carries 1 to {LINES_MAX} signature lines")
    return ParsedNote(whole[: at + 1], tuple(_parse_line(line) for line in lines))


def _parse_line(line: str) -> NoteLine:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise Malformed("bad_note", f"{line[:80]!r} is no signature line")
    try:
        _require_name(name)
        raw = base64_bytes(encoded)
    except Malformed as error:
        raise Malformed("bad_note", error.message) from None
    if len(raw) <= _KEY_ID_BYTES:
        raise Malformed("bad_note", f"{line[:80]!r} is too short for a signature")
    return NoteLine(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def _require_name(name: str) -> None:
    if not _NAME.match(name):
        raise Malformed("bad_key_name", f"{name[:80]!r}: a key name holds no white space and no +")


def lines_of(note: ParsedNote, vkey: Vkey) -> list[NoteLine]:
    """The signature lines that carry a key's name and ID."""
    return [line for line in note.lines if (line.name, line.key_id) == (vkey.name, vkey.key_id)]


def open_note(raw: bytes, *, known: Sequence[Vkey]) -> tuple[ParsedNote, tuple[Vkey, ...]]:
    """A note and those of the known keys, of type 0x01, that signed it: at least one, and each line of theirs holds.

    Raises: Malformed `bad_note`, `bad_vkey`; BadSignature `bad_note_signature` when a known key's line fails,
        `unsigned_note` when no known key signed.
    """
    note = parse_note(raw)
    verified = []
    for vkey in known:
        require_algorithm(vkey, ED25519)
        lines = lines_of(note, vkey)
        for line in lines:
            verify_line(note.text.encode("utf-8"), vkey=vkey, signature=line.signature)
        if lines:
            verified.append(vkey)
    if not verified:
        raise BadSignature("unsigned_note", "no known key signed this note")
    return note, tuple(verified)


def require_algorithm(vkey: Vkey, algorithm: int) -> None:
    """Raises: Malformed `bad_vkey` for a key that signs something else."""
    if vkey.algorithm != algorithm:
        raise Malformed("bad_vkey", f"{vkey} is of type {vkey.algorithm:#04x}, not {algorithm:#04x}", name=vkey.name)


def verify_line(message: bytes, *, vkey: Vkey, signature: bytes) -> None:
    """Raises: BadSignature `bad_note_signature`."""
    try:
        ed25519.verify(key=vkey.public_key, message=message, signature=signature)
    except BadSignature as error:
        raise BadSignature("bad_note_signature", f"{vkey.name}: {error.message}", name=vkey.name) from None


def sign_note(text: str, *, vkey: Vkey, sign: Callable[[bytes], bytes]) -> bytes:
    """A note with one Ed25519 signature line, opened once before it is handed out.

    Raises: the codes of `open_note`, if the text cannot stand in a note or another key signed.
    """
    line = to_base64(vkey.key_id + sign(text.encode("utf-8")))
    raw = f"{text}\n{_DASH}{vkey.name} {line}\n".encode()
    open_note(raw, known=[vkey])
    return raw
