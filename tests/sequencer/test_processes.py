"""Several processes on one log, and processes that die: no fork, nothing lost that was acknowledged.

Covers THREATS M6, M8, R4, R5, X01, X05, H16, H19.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ledger.core.receipt import check_receipt, parse_receipt
from ledger.errors import LedgerError
from ledger.service.submit import prove, submit
from ledger.store.fsck import fsck
from tests.ledgers import found, reopen, require_whole
from tests.world import ORIGIN, World

PROCESSES = 4
EACH = 25
KILLS = 200
LONGEST_LIFE_MS = 150


def claim(world: World, uri: str) -> bytes:
    """One claim on a thing of its own."""
    return world.claim(counted_by=(uri,))


def fork(work: object) -> int:
    """Run a function in a child process that ends with it; gives the child's id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()  # type: ignore[operator]
            code = 0
        finally:
            os._exit(code)
    return child


def endless(world: World, life: int) -> Iterator[bytes]:
    """Claims until the end of a life, under ids that no other life uses."""
    world._count = life * 100_000
    for number in itertools.count():
        yield claim(world, f"meter:{life}-{number}")


def append_all(directory: Path, statements: Iterable[bytes], kept: Path, ready: int | None = None) -> None:
    """Append one by one, and note each receipt durably before the next; says when the ledger is open."""
    with reopen(directory) as ledger, kept.open("ab", buffering=0) as file:
        if ready is not None:
            os.write(ready, b"!")
        for statement in statements:
            recorded = submit(ledger, statement)
            proof = prove(ledger, [recorded.index])[0]
            raw = proof.receipt.encode()
            file.write(b"%d %d\n" % (recorded.index, len(raw)) + raw)


def receipts(kept: Path) -> list[tuple[int, bytes]]:
    """The receipts that a worker had in hand; a torn last one was never acknowledged to anybody."""
    found_ones, raw, at = [], kept.read_bytes() if kept.exists() else b"", 0
    while (end := raw.find(b"\n", at)) >= 0:
        index, size = map(int, raw[at:end].split())
        if end + 1 + size > len(raw):
            break
        found_ones.append((index, raw[end + 1 : end + 1 + size]))
        at = end + 1 + size
    return found_ones


def require_receipts(world: World, entries: list[bytes], kept: list[Path]) -> int:
    """Every receipt handed out proves the entry that now stands at its index."""
    count = 0
    for path in kept:
        for index, raw in receipts(path):
            check_receipt(parse_receipt(raw), entry=entries[index], log=world.log_vkey, origin=ORIGIN)
            count += 1
    return count


def test_four_processes_append_at_once(directory: Path, world: World, tmp_path: Path) -> None:
    work = [[claim(world, f"meter:{worker}-{number}") for number in range(EACH)] for worker in range(PROCESSES)]
    kept = [tmp_path / f"kept-{worker}" for worker in range(PROCESSES)]
    children = [
        fork(lambda worker=worker: append_all(directory, work[worker], kept[worker])) for worker in range(PROCESSES)
    ]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * PROCESSES
    with reopen(directory) as ledger:
        entries = require_whole(ledger)
        assert require_receipts(world, entries, kept) == PROCESSES * EACH
        assert sum(b"statement" in raw for raw in entries) == 12 + PROCESSES * EACH
        assert fsck(ledger.engine) == []


def wait_for_more(kept: Path) -> None:
    """Until another receipt is kept."""
    before, end = size_of(kept), time.monotonic() + 60
    while size_of(kept) == before:
        assert time.monotonic() < end
        time.sleep(0.002)


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_killed_two_hundred_times_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """kill -9 at a random moment, 200 times, on one growing log; the next process takes it up."""
    world, rng = World(), random.Random(20261123)
    directory = tmp_path / "log"
    found(directory, world).close()
    kept = tmp_path / "kept"
    for life in range(1, KILLS + 1):
        listen, ready = os.pipe()
        child = fork(lambda life=life, ready=ready: append_all(directory, endless(world, life), kept, ready))
        # Most die while they append; every fourth at any moment, also while the ledger is being opened.
        if life % 4:
            os.read(listen, 1)
        if life % 4 == 1:
            wait_for_more(kept)  # however slow the machine, some were acknowledged
        time.sleep(rng.randrange(LONGEST_LIFE_MS) / 1000)
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        os.close(listen)
        os.close(ready)
        # A torn note at the end of the file would hide the notes of the next life.
        whole = receipts(kept)
        kept.write_bytes(b"".join(b"%d %d\n" % (index, len(raw)) + raw for index, raw in whole))
    with reopen(directory) as ledger:
        entries = require_whole(ledger)
        assert require_receipts(world, entries, [kept]) > KILLS // 10
        assert fsck(ledger.engine) == []


def test_the_same_statement_again_gives_the_same_place(tmp_path: Path) -> None:
    """R24: same id and bytes, same receipt; same id and other bytes, a conflict."""
    world = World()
    with found(tmp_path / "log", world) as ledger:
        statement = world.claim()
        first = submit(ledger, statement)
        again = submit(ledger, statement)
        assert (again.index, again.new, first.new) == (first.index, False, True)
        twice = ledger.writer.append([statement, statement])
        assert [answer.index for answer in twice if not isinstance(answer, LedgerError)] == [first.index] * 2
        world._count -= 1
        other = ledger.writer.append([world.claim("plant")])[0]
        assert isinstance(other, LedgerError)
        assert other.code == "duplicate_id"
