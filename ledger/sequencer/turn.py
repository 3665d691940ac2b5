"""The turn: the right to write, from reading the head to keeping its signature.

Processes of one machine, which share the signer's memory, take turns by a file
lock; on PostgreSQL machines take turns by a lock of the database. All that is
done in a turn goes through its one connection, so that losing the connection
is losing the turn. The head's compare-and-swap and the key of an entry would
still stop whoever wrote without one.

Source: DESIGN 5 and 8; THREATS R5, R27, X05.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ledger.sequencer.signer_state import SignerState
from ledger.store import engine as store
from ledger.store.engine import STORAGE_ERRORS, Connection, Engine
from ledger.store.faults import unavailable


@contextmanager
def turn(state: SignerState, engine: Engine) -> Iterator[Connection]:
    """Wait for the turn and hold it.

    Raises: Unavailable `busy`, `database_unusable` where it is not to be had; nothing was begun then.
    """
    with ExitStack() as held:
        try:
            held.enter_context(state.locked())
            connection = held.enter_context(store.turn(engine))
        except STORAGE_ERRORS as error:
            raise unavailable(error) from error
        yield connection
