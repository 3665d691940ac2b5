"""What tests of the writer share: something that happens at one of its steps, and what must hold afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ledger.core.checkpoint import open_checkpoint
from ledger.core.entry import decode_entry
from ledger.core.receipt import check_receipt
from ledger.sequencer.signer_state import SignerState
from ledger.sequencer.signing import Step
from ledger.service.ledger import Ledger
from ledger.service.submit import Proof, prove
from ledger.store import log_store
from tests.ledgers import LogSigner, database_of, fixed_clock, require_whole
from tests.world import ORIGIN, World

STEPS = (
    *("verified", "begun", "decided", "inserted", "committed"),
    *("read_back", "persisted", "signed", "stored", "answer"),
)


class At:
    """Lets something happen when the writer comes to a step, `left` times."""

    def __init__(self, name: str, act: Callable[[], object], left: int = 0) -> None:
        self.name, self.act, self.left = name, act, left

    def __call__(self, name: str) -> None:
        if self.left and name == self.name:
            self.left -= 1
            self.act()


def nothing(name: str) -> None:
    """What happens at a step when nothing does."""


def opened(directory: Path, step: Step = nothing) -> Ledger:
    """The ledger of a directory, for writing, with something that happens at its steps."""
    database = database_of(directory)
    return Ledger.open(directory, database=database, signer=LogSigner(), clock=fixed_clock, step=step)


def statements(world: World, count: int) -> list[bytes]:
    """Claims on a thing of their own each."""
    return [world.claim(counted_by=(f"meter:{number}",)) for number in range(count)]


def head_of(ledger: Ledger) -> log_store.Head:
    """The head row as anybody reads it."""
    with ledger.reading() as connection:
        return log_store.read_head(connection)


def require_recorded(ledger: Ledger, world: World, index: int, statement: bytes) -> list[bytes]:
    """The statement is in the whole log exactly once, under a checkpoint that the signer remembers as its last."""
    entries = require_whole(ledger)
    assert [at for at, raw in enumerate(entries) if decode_entry(raw).statement == statement] == [index]
    head = head_of(ledger)
    assert head.checkpoint is not None
    checkpoint = open_checkpoint(head.checkpoint, log=world.log_vkey, origin=ORIGIN)
    assert (checkpoint.size, checkpoint.root) == (len(entries), head.root)
    mark = SignerState(ledger.directory, origin=ORIGIN).read()
    assert (mark.size, mark.root) == (len(entries), head.root.hex())
    require_proof(prove(ledger, [index])[0], world, entries)
    return entries


def require_proof(proof: Proof, world: World, entries: list[bytes]) -> None:
    """What a submitter was given is still true of the log."""
    assert entries[proof.index] == proof.entry
    check_receipt(proof.receipt, entry=entries[proof.index], log=world.log_vkey, origin=ORIGIN)


def files(directory: Path) -> dict[str, bytes]:
    """Every file of a directory that holds anything: not SQLite's shared index, nor an empty write-ahead log."""
    found = {str(path.relative_to(directory)): path for path in directory.rglob("*") if path.is_file()}
    read = {name: path.read_bytes() for name, path in found.items() if not name.endswith("-shm")}
    return {name: raw for name, raw in read.items() if raw or not name.endswith("-wal")}
