"""Real ledgers on disk for tests: founded from the small world, with the test's own log key and clock."""

from __future__ import annotations

from pathlib import Path

from ledger.core.entry import NO_PREVIOUS, decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.tiles import TreeBuilder
from ledger.errors import LedgerError
from ledger.sequencer.clock import Clock
from ledger.service.found import found_ledger
from ledger.service.ledger import Ledger
from ledger.service.submit import submit_all
from ledger.store import log_store
from tests.cast import key_of, sign_with
from tests.world import START_MS, World


class LogSigner:
    """The log key of the small world."""

    public_key = bytes(key_of("log").verify_key)

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""
        signature: bytes = sign_with("log")(message)
        return signature


def fixed_clock() -> int:
    """The moment of the small world."""
    return START_MS


def found(directory: Path, world: World) -> Ledger:
    """A ledger with everybody enrolled and the methodology published."""
    first, *rest = world.founding()
    ledger = found_ledger(directory, first, signer=LogSigner(), clock=fixed_clock)
    for answer in submit_all(ledger, rest):
        if isinstance(answer, LedgerError):
            raise answer
    return ledger


def database_of(directory: Path) -> str | None:
    """The PostgreSQL database of a directory; None for its own file."""
    noted = directory / "database.url"
    return noted.read_text().strip() if noted.exists() else None


def reopen(directory: Path, *, clock: Clock = fixed_clock) -> Ledger:
    """The ledger of a directory, for writing."""
    return Ledger.open(directory, database=database_of(directory), signer=LogSigner(), clock=clock)


def require_whole(ledger: Ledger) -> list[bytes]:
    """Check rows against each other without the writer's help: indexes, chain, leaves, root. Gives the entries."""
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        rows = list(log_store.read_entries(connection, first=0, end=head.size + 1_000_000))
    previous, leaves = NO_PREVIOUS, []
    for at, (index, leaf, raw) in enumerate(rows):
        entry = decode_entry(raw)
        assert (index, entry.index, entry.previous, leaf) == (at, at, previous, leaf_hash(raw))
        previous = leaf
        leaves.append(leaf)
    builder = TreeBuilder()
    builder.extend(leaves)
    assert (head.size, head.root) == (len(rows), builder.root())
    return [raw for _, _, raw in rows]
