"""Recording statements, one or many, and the receipts that prove it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from ledger.core.prove import prove_inclusion
from ledger.core.receipt import Receipt
from ledger.core.tiles import TileReader
from ledger.errors import LedgerError, Malformed
from ledger.sequencer.checking import Verdict
from ledger.sequencer.writer import Answer, Recorded
from ledger.service.answers import Proof
from ledger.service.ledger import Ledger
from ledger.store import log_store
from ledger.store.engine import Connection

__all__ = ["Proof", "prove", "submit", "submit_all"]

IMPORT_BATCH = 500
# Signatures of these are checked while the batch before them is written.
BATCHES_AHEAD = 4


def submit(ledger: Ledger, statement: bytes) -> Recorded:
    """Record one statement.

    Raises: Refused with the rule's code, BadSignature, Unavailable.
    """
    answer = ledger.writer.append([statement])[0]
    if isinstance(answer, LedgerError):
        raise answer
    return answer


def begin(ledger: Ledger, group: Sequence[bytes | LedgerError]) -> Callable[[], list[Answer]]:
    """Begin to check statements; what is returned records them, each with its own answer, in order.

    What is refused already, such as a line that holds no statement, keeps its place among them.
    Raises: Unavailable; the codes of `Writer.append` when the returned is called.
    """
    checked = ledger.writer.check([one for one in group if isinstance(one, bytes)])

    def verdicts() -> list[Verdict]:
        found = iter(checked())
        return [next(found) if isinstance(one, bytes) else one for one in group]

    return lambda: ledger.writer.record(verdicts)


def submit_all(
    ledger: Ledger, statements: Iterable[bytes], *, progress: Callable[[int], None] = lambda done: None
) -> Iterator[Answer]:
    """Record statements in batches, each with its own answer; a refusal never stops the rest."""
    waiting, done = iter(statements), 0
    batches = iter(lambda: list(islice(waiting, IMPORT_BATCH)), [])
    begun = deque(begin(ledger, batch) for batch in islice(batches, BATCHES_AHEAD))
    while begun:
        record = begun.popleft()
        begun.extend(begin(ledger, batch) for batch in islice(batches, 1))
        answers = record()
        yield from answers
        done += len(answers)
        progress(done)


def receipts(ledger: Ledger, recorded: Sequence[Recorded]) -> list[Receipt]:
    """The receipt of each, under the checkpoint that it was recorded with; tiles that many share are read once.

    Raises: Unavailable `tile_missing`.
    """
    made: list[Receipt] = []
    with ledger.reading() as connection:
        readers: dict[int, TileReader] = {}
        for one in recorded:
            reader = readers.get(one.size) or readers.setdefault(one.size, log_store.reader(connection, one.size))
            path = prove_inclusion(index=one.index, size=one.size, reader=reader)
            made.append(Receipt(one.index, tuple(path), one.checkpoint))
    return made


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
