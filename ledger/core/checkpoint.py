"""Checkpoints: the signed head of the log, and the cosignatures of its witnesses.

`VerifiedCheckpoint` is made here alone. Size and root come out of it together,
because an inclusion path that is true for one size also passes for another.

Source: C2SP tlog-checkpoint, tlog-cosignature (TLOG-SPEC 3 and 4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.core.hashing import EMPTY_ROOT, HASH_BYTES
from ledger.core.note import (
    COSIGNATURE,
    ParsedNote,
    Vkey,
    lines_of,
    open_note,
    require_algorithm,
    sign_note,
    verify_line,
)
from ledger.core.strict import base64_bytes, decimal, require_plain_text, to_base64
from ledger.errors import BadSignature, Malformed, Unproven

SIZE_MAX = 2**63 - 1
_TIMESTAMP_BYTES = 8


class Checkpoint(NamedTuple):
    """What a checkpoint says; not yet whether anyone signed it."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note text, three lines."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"


class Cosignature(NamedTuple):
    """That a witness saw this checkpoint as the largest consistent one at `timestamp_s` (POSIX seconds)."""

    vkey: Vkey
    timestamp_s: int


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A checkpoint that the log's own key signed; only `open_checkpoint` makes one."""

    origin: str
    size: int
    root: bytes
    raw: bytes
    cosignatures: tuple[Cosignature, ...]


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint: exactly three lines, no extension.

    Raises: Malformed `bad_checkpoint`.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise Malformed("bad_checkpoint", "a checkpoint is origin, size and root, one a line, and nothing more")
    try:
        require_plain_text(lines[0])
        checkpoint = Checkpoint(lines[0], decimal(lines[1], limit=SIZE_MAX), base64_bytes(lines[2], size=HASH_BYTES))
    except Malformed as error:
        raise Malformed("bad_checkpoint", error.message) from None
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise Malformed("bad_checkpoint", "the root of the empty tree is the hash of nothing")
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, *, vkey: Vkey, sign: Callable[[bytes], bytes]) -> bytes:
    """The signed note of a checkpoint.

    Raises: Malformed `bad_checkpoint` and the codes of `sign_note`, if what was made would not open again.
    """
    parse_checkpoint(checkpoint.text)
    return sign_note(checkpoint.text, vkey=vkey, sign=sign)


def open_checkpoint(raw: bytes, *, log: Vkey, origin: str, witnesses: Sequence[Vkey] = ()) -> VerifiedCheckpoint:
    """Verify a checkpoint under the log's key and collect the cosignatures of known witnesses.

    A witness counts once, by its key; unknown lines are skipped.
    Raises: Malformed `bad_note`, `bad_checkpoint`, `bad_vkey`; BadSignature `unsigned_note`, `bad_note_signature`;
        Unproven `other_origin`.
    """
    note, _ = open_note(raw, known=[log])
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise Unproven(
            "other_origin", f"the checkpoint is of {checkpoint.origin!r}, not of {origin!r}", origin=checkpoint.origin
        )
    return VerifiedCheckpoint(checkpoint.origin, checkpoint.size, checkpoint.root, raw, _cosignatures(note, witnesses))


def _cosignatures(note: ParsedNote, witnesses: Sequence[Vkey]) -> tuple[Cosignature, ...]:
    by_key: dict[bytes, Cosignature] = {}
    for vkey in witnesses:
        require_algorithm(vkey, COSIGNATURE)
        for line in lines_of(note, vkey):
            timestamp_s = int.from_bytes(line.signature[:_TIMESTAMP_BYTES], "big")
            if not 0 < timestamp_s <= SIZE_MAX:
                raise BadSignature("bad_note_signature", f"{vkey.name}: a cosignature states when", name=vkey.name)
            message = cosignature_message(timestamp_s, note.text)
            verify_line(message, vkey=vkey, signature=line.signature[_TIMESTAMP_BYTES:])
            by_key.setdefault(vkey.public_key, Cosignature(vkey, timestamp_s))
    return tuple(by_key.values())


def cosignature_message(timestamp_s: int, text: str) -> bytes:
    """The bytes that a witness signs at a moment."""
    return f"cosignature/v1\ntime {timestamp_s}\n{text}".encode()
