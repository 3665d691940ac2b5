"""Recording statements, one or many, and the receipts that prove it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from msgspec import Struct

from ledger.core.prove import prove_inclusion
from ledger.core.receipt import Receipt
from ledger.errors import LedgerError, Malformed
from ledger.sequencer.writer import Answer, Recorded
from ledger.service.ledger import Ledger
from ledger.store import log_store
from ledger.store.engine import Connection

IMPORT_BATCH = 500
# Signatures of these are checked while the batch before them is written.
BATCHES_AHEAD = 4


class Proof(Struct, frozen=True):
    """What a submitter keeps: the entry bytes and the proof that they are in the log."""

    index: int
    entry: bytes
    receipt: Receipt


def submit(ledger: Ledger, statement: bytes) -> Recorded:
    """Record one statement.

    Raises: Refused with the rule's code, BadSignature, Unavailable.
    """
    answer = ledger.writer.append([statement])[0]
    if isinstance(answer, LedgerError):
        raise answer
    return answer


def submit_all(
    ledger: Ledger, statements: Iterable[bytes], *, progress: Callable[[int], None] = lambda done: None
) -> Iterator[Answer]:
    """Record statements in batches, each with its own answer; a refusal never stops the rest."""
    waiting, done = iter(statements), 0
    batches = iter(lambda: list(islice(waiting, IMPORT_BATCH)), [])
    begun = deque((len(batch), ledger.writer.check(batch)) for batch in islice(batches, BATCHES_AHEAD))
    while begun:
        count, checked = begun.popleft()
        begun.extend((len(batch), ledger.writer.check(batch)) for batch in islice(batches, 1))
        yield from ledger.writer.record(checked)
        done += count
        progress(done)


def prove(ledger: Ledger, indexes: Sequence[int]) -> list[Proof]:
    """Entries with their proofs, all to the one checkpoint that was signed last.

    Raises: Malformed `no_entry`.
    """
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        return prove_under(connection, indexes, size=head.checkpoint_size, checkpoint=head.checkpoint or b"")


def prove_under(connection: Connection, indexes: Sequence[int], *, size: int, checkpoint: bytes) -> list[Proof]:
    """Entries with their proofs to one checkpoint, of this size, that was signed at some time.

    Raises: Malformed `no_entry`.
    """
    proofs = []
    reader = log_store.reader(connection, size)
    for index in indexes:
        entry = log_store.read_entry(connection, index) if 0 <= index < size else None
        if entry is None or not checkpoint:
            raise Malformed("no_entry", f"the log has no entry {index} under its checkpoint", index=index)
        path = prove_inclusion(index=index, size=size, reader=reader)
        proofs.append(Proof(index, entry, Receipt(index, tuple(path), checkpoint)))
    return proofs
