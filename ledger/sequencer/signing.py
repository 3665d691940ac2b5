"""From a committed head to its kept signature: read back, remember, sign, keep.

Source: DESIGN 5; THREATS R1, R5, R7.
"""

from __future__ import annotations

from collections.abc import Callable

from ledger.core.checkpoint import Checkpoint, sign_checkpoint
from ledger.core.note import Vkey
from ledger.core.signing import Signer
from ledger.errors import Unavailable
from ledger.sequencer.signer_state import SignerState
from ledger.sequencer.standing import read_back
from ledger.store import log_store
from ledger.store.engine import Connection, looking

# Called with the name of each step; tests stop the process or raise there.
Step = Callable[[str], None]


def sign_head(
    connection: Connection, *, size: int, root: bytes, state: SignerState, log: Vkey, signer: Signer, step: Step
) -> tuple[int, bytes]:
    """Sign the head that was committed, and only that one; gives the checkpoint and its size.

    An Ed25519 signature of the same bytes is the same: whoever signs a head that another left unsigned makes what
    that one would have made.
    Raises: Unavailable `read_back_differs`, `database_rolled_back`, `tile_missing`; Forked `signer_fork`.
    """
    with looking(connection):
        head = log_store.read_head(connection)
        if (head.size, head.root) != (size, root):
            raise Unavailable(
                "read_back_differs", f"the head is at {head.size}, not at the {size} committed", index=head.size
            )
        if head.checkpoint is not None and head.checkpoint_size == head.size:
            return head.size, head.checkpoint
        read_back(connection, first=head.checkpoint_size, head=head)
    step("read_back")
    state.advance(size=head.size, root=head.root)
    step("persisted")
    checkpoint = sign_checkpoint(Checkpoint(log.name, head.size, head.root), vkey=log, sign=signer.sign)
    step("signed")
    with connection.begin():
        log_store.store_checkpoint(connection, size=head.size, checkpoint=checkpoint)
    step("stored")
    return head.size, checkpoint
