"""Where the database stands to what this machine's signer remembers, and whether it kept what was committed.

A database below the mark, or with another tree of the mark's size, is an old
or a foreign one: nothing is signed for it. One that is ahead of the mark is in
order where several machines sign in turns, if the log key signed what it holds
and the tree of the mark is a prefix of that. Where this machine signs alone,
it cannot be ahead: then the memory went back.

Source: DESIGN 5; THREATS R1, R5, R20, T7, T23, X09, X15.
"""

from __future__ import annotations

from hashlib import sha256

from ledger.core.checkpoint import open_checkpoint
from ledger.core.note import Vkey
from ledger.errors import LedgerError, Unavailable
from ledger.sequencer.signer_state import Mark
from ledger.store import log_store
from ledger.store.engine import Connection
from ledger.store.log_store import Head


def require_reach(mark: Mark, head: Head) -> None:
    """The database holds at least what was signed.

    Raises: Unavailable `database_rolled_back`.
    """
    if head.size < mark.size:
        raise Unavailable(
            "database_rolled_back", f"size {head.size} is below {mark.size}, which was signed", size=head.size
        )


def require_prefix(connection: Connection, mark: Mark, head: Head) -> None:
    """The tree that was signed last is a prefix of what the database holds.

    Raises: Unavailable `database_replaced`.
    """
    root = head.root if mark.size == head.size else log_store.root_of(connection, mark.size)
    if root.hex() != mark.root:
        raise Unavailable(
            "database_replaced", f"the tree of size {mark.size} is not the one that was signed", size=mark.size
        )


def is_behind(mark: Mark, head: Head) -> bool:
    """Whether more was signed than the mark says."""
    return mark.size < head.checkpoint_size <= head.size


def require_memory(mark: Mark, head: Head) -> None:
    """A signer that signs alone remembers all that was signed.

    Raises: Unavailable `signer_state_lost`.
    """
    if is_behind(mark, head):
        raise Unavailable(
            "signer_state_lost", f"signer.json says {mark.size}, {head.checkpoint_size} was signed", size=mark.size
        )


def signed_by_others(connection: Connection, head: Head, *, log: Vkey) -> tuple[int, bytes]:
    """Size and root of the checkpoint that the database holds, once the log key and the tree both bear it out.

    Raises: Unavailable `checkpoint_damaged`.
    """
    size, root = head.checkpoint_size, log_store.root_of(connection, head.checkpoint_size)
    try:
        signed = open_checkpoint(head.checkpoint or b"", log=log, origin=log.name)
    except LedgerError as error:
        raise Unavailable("checkpoint_damaged", f"{error.code}: {error.message}", size=size) from None
    if (signed.size, signed.root) != (size, root):
        raise Unavailable("checkpoint_damaged", f"it is of size {signed.size} or of another tree", size=size)
    return size, root


def read_back(connection: Connection, *, first: int, head: Head) -> None:
    """Hash the committed bytes by another path than the one that wrote them (THREATS R1).

    Raises: Unavailable `read_back_differs`.
    """
    if not head.size:
        return
    in_tiles = log_store.leaves_in_tiles(connection, first=first, end=head.size)
    found = 0
    for (index, leaf, raw), in_tile in zip(
        log_store.read_entries(connection, first=first, end=head.size), in_tiles, strict=False
    ):
        found += 1
        if sha256(b"\x00" + raw).digest() != leaf or leaf != in_tile:
            raise Unavailable("read_back_differs", f"entry {index} does not hash to its leaf", index=index)
    if found != head.size - first:
        raise Unavailable("read_back_differs", f"{found} entries of {head.size - first} are there", index=first + found)
    if log_store.root_of(connection, head.size) != head.root:
        raise Unavailable("read_back_differs", "the stored tiles do not lead to the root", index=head.size)
