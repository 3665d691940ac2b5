"""Offline proofs: that an entry is in the log of a signed checkpoint, in one text file.

Source: C2SP tlog-proof (TLOG-SPEC 8).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ledger.core.check import PROOF_HASHES_MAX, check_inclusion
from ledger.core.checkpoint import SIZE_MAX, VerifiedCheckpoint, open_checkpoint
from ledger.core.hashing import HASH_BYTES, leaf_hash
from ledger.core.note import NOTE_BYTES_MAX, Vkey
from ledger.core.strict import base64_bytes, decimal, to_base64
from ledger.errors import Malformed

_HEADER = "c2sp.org/tlog-proof@v1"


class Receipt(Struct, frozen=True):
    """Where an entry stands, the path from it to the root, and the checkpoint as published.

    `extra` travels along and is not authenticated.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def encode(self) -> bytes:
        """The `.tlog-proof` file."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(f"extra {to_base64(self.extra)}")
        lines += [f"index {self.index}", *(to_base64(step) for step in self.path), "", ""]
        return "\n".join(lines).encode("ascii") + self.checkpoint


def parse_receipt(raw: bytes) -> Receipt:
    """Read a `.tlog-proof` file; nothing is verified.

    Raises: Malformed `bad_receipt`.
    """
    head, separator, checkpoint = raw.partition(b"\n\n")
    if not separator or len(raw) > 2 * NOTE_BYTES_MAX or not head.isascii():
        raise Malformed("bad_receipt", "a proof is a header, an empty line and a checkpoint")
    lines = head.decode("ascii").split("\n")
    if lines.pop(0) != _HEADER:
        raise Malformed("bad_receipt", f"a proof begins with {_HEADER}")
    try:
        extra = base64_bytes(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
        if not lines or not lines[0].startswith("index "):
            raise Malformed("bad_receipt", "the line `index` is missing")
        index = decimal(lines.pop(0)[6:], limit=SIZE_MAX)
        if len(lines) > PROOF_HASHES_MAX:
            raise Malformed("bad_receipt", f"more than {PROOF_HASHES_MAX} hashes")
        path = tuple(base64_bytes(line, size=HASH_BYTES) for line in lines)
    except Malformed as error:
        raise Malformed("bad_receipt", error.message) from None
    return Receipt(index, path, checkpoint, extra)


def check_receipt(
    receipt: Receipt, *, entry: bytes, log: Vkey, origin: str, witnesses: Sequence[Vkey] = ()
) -> VerifiedCheckpoint:
    """That these entry bytes stand at the receipt's index in the log of its checkpoint.

    Raises: the codes of `open_checkpoint` and `check_inclusion`.
    """
    checkpoint = open_checkpoint(receipt.checkpoint, log=log, origin=origin, witnesses=witnesses)
    check_inclusion(index=receipt.index, leaf=leaf_hash(entry), path=receipt.path, head=checkpoint)
    return checkpoint
