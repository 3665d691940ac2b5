"""Recording statements, one or many, and the receipts that prove it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from msgspec import Struct

from ledger.core.prove import prove_inclusion
from ledger.core.receipt import Receipt
from ledger.errors import LedgerError, Malformed
from ledger.sequencer.writer import Answer, Recorded
from ledger.service.ledger import Ledger
from ledger.store import log_store

IMPORT_BATCH = 1_000


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
    waiting, writer = iter(statements), ledger.writer
    done = 0
    batch = list(islice(waiting, IMPORT_BATCH))
    checked = writer.check(batch)
    while batch:
        ahead = list(islice(waiting, IMPORT_BATCH))
        checked_ahead = writer.check(ahead)
        yield from writer.record(checked)
        done += len(batch)
        progress(done)
        batch, checked = ahead, checked_ahead


def prove(ledger: Ledger, indexes: Sequence[int]) -> list[Proof]:
    """Entries with their proofs, all to the one checkpoint that was signed last.

    Raises: Malformed `no_entry`.
    """
    proofs = []
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        reader = log_store.reader(connection, head.checkpoint_size)
        for index in indexes:
            entry = log_store.read_entry(connection, index) if 0 <= index < head.checkpoint_size else None
            if entry is None or head.checkpoint is None:
                raise Malformed("no_entry", f"the log has no entry {index} under its checkpoint", index=index)
            path = prove_inclusion(index=index, size=head.checkpoint_size, reader=reader)
            proofs.append(Proof(index, entry, Receipt(index, tuple(path), head.checkpoint)))
    return proofs
