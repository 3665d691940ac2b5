"""How the ledger is: what a watcher of the service asks for, cheap enough to be asked every few seconds."""

from __future__ import annotations

from msgspec import Struct

from ledger.errors import LedgerError
from ledger.service import publish
from ledger.service.ledger import Ledger
from ledger.store import log_store
from ledger.store.engine import STORAGE_ERRORS, connections


class Local(Struct, frozen=True):
    """What is this process's own: statements that wait for the writer, and connections to the database."""

    waiting: int
    connections_in_use: int
    connections_idle: int


class Vitals(Struct, frozen=True):
    """What the database says, the same for every process; None where it cannot be read.

    Units: `recorded_at_ms` milliseconds since 1970 (UTC), of the last entry.
    """

    ready: bool
    size: int | None = None
    signed_size: int | None = None
    recorded_at_ms: int | None = None


def local(ledger: Ledger) -> Local:
    """The state of this process; touches no database."""
    in_use, idle = connections(ledger.engine)
    return Local(ledger.waiting, in_use, idle)


def vitals(ledger: Ledger) -> Vitals:
    """The state of the log; a ledger that cannot be read is told as one that is not ready."""
    try:
        with ledger.reading() as connection:
            head = log_store.read_head(connection)
        return Vitals(_is_ready(ledger), head.size, head.checkpoint_size, head.recorded_at_ms)
    except (*STORAGE_ERRORS, LedgerError):
        return Vitals(ready=False)


def _is_ready(ledger: Ledger) -> bool:
    try:
        publish.require_ready(ledger)
    except LedgerError:
        return False
    return True
