"""Everybody at once: the same statement, statements that exclude each other, and more than the queue holds.

Covers THREATS D08, R24; DESIGN 5 (one writer, bounded queue); STYLE 3, steps 3 and 4.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import pytest

from ledger.errors import LedgerError, Unavailable
from ledger.sequencer import writer as sequencer
from ledger.sequencer.writer import Recorded, Writer
from ledger.service.ledger import Ledger
from ledger.service.submit import submit
from ledger.store.fsck import fsck
from tests.ledgers import reopen, require_whole
from tests.world import World

THREADS = 20
FOUNDED = 12
CARRIER = ("carrier", "carrier:claimant")


@pytest.fixture
def ledger(directory: Path) -> Iterator[Ledger]:
    """A founded ledger on either database, checked from outside when the test is done."""
    with reopen(directory) as one:
        yield one
        require_whole(one)
        assert fsck(one.engine) == []


def same_id(world: World, number: int) -> bytes:
    """A claim with an id that others have too."""
    subject = world.claim_subject(counted_by=(f"meter:{number}",))
    return world.state("Claim", subject, CARRIER, id="urn:uuid:019a0000-7777-7000-8000-000000007777")


def overlapping(world: World, number: int) -> bytes:
    """One of many claims that share the last days of March."""
    return world.claim(counted_by=("meter:one",), start=f"2025-03-{1 + number:02d}", end="2025-04-01")


def outcome(ledger: Ledger, statement: bytes) -> Recorded | str:
    """Where a statement stands, or the code of its refusal."""
    try:
        return submit(ledger, statement)
    except LedgerError as error:
        return error.code


def together(ledger: Ledger, statements: list[bytes]) -> list[Recorded | str]:
    """Submit each on a thread of its own, all let go at one moment."""
    barrier = threading.Barrier(len(statements))

    def one(statement: bytes) -> Recorded | str:
        barrier.wait()
        return outcome(ledger, statement)

    with ThreadPoolExecutor(len(statements)) as threads:
        return list(threads.map(one, statements))


class Announced:
    """The writer's own commit lock, which tells when somebody comes to wait for it."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self.came = threading.Semaphore(0)

    def __enter__(self) -> None:
        self.came.release()
        self._lock.acquire()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._lock.release()


class Held:
    """A writer held at the start of its first transaction, until `go`; everybody else has to queue."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.begun, self.go = threading.Event(), threading.Event()
        self.lock = Announced(writer._commit)
        writer._commit = self.lock  # type: ignore[assignment]
        writer._step = self._at
        self.threads = ThreadPoolExecutor(THREADS + 1)

    def _at(self, name: str) -> None:
        if name == "begun":
            self.begun.set()
            self.go.wait()

    def send(self, statements: list[bytes]) -> Future[list[sequencer.Answer]]:
        """Append from another thread; comes back when that one is writing, in the queue, or refused and done."""
        future = self.threads.submit(self.writer.append, statements)
        future.add_done_callback(lambda one: self.lock.came.release() if one.exception() is not None else None)
        self.lock.came.acquire()
        return future

    def close(self) -> None:
        """Let everything go."""
        self.go.set()
        self.threads.shutdown()


@pytest.fixture
def held(ledger: Ledger) -> Iterator[Held]:
    """The ledger's writer, held."""
    one = Held(ledger.writer)
    yield one
    one.close()


def test_the_same_statement_from_many_threads_is_one_entry(ledger: Ledger, world: World) -> None:
    answers = together(ledger, [world.claim()] * THREADS)
    assert {one.index for one in answers if isinstance(one, Recorded)} == {FOUNDED}
    assert Counter(isinstance(one, Recorded) and one.new for one in answers) == {True: 1, False: THREADS - 1}
    assert len(require_whole(ledger)) == FOUNDED + 1


def test_the_same_statement_in_one_batch_is_one_entry(ledger: Ledger, world: World, held: Held) -> None:
    """Those who wait are written in one transaction, in which nothing is recorded yet that could be found again."""
    first = held.send([world.claim("plant")])
    statement = world.claim()
    assert held.begun.wait()
    waiting = [held.send([statement]) for _ in range(THREADS)]
    held.go.set()
    assert [one.index for one in first.result() if isinstance(one, Recorded)] == [FOUNDED]
    answers = [one for future in waiting for one in future.result() if isinstance(one, Recorded)]
    assert [(one.index, one.size) for one in answers] == [(FOUNDED + 1, FOUNDED + 2)] * THREADS
    assert len({one.checkpoint for one in answers}) == 1
    assert [one.new for one in answers].count(True) == 1


def test_in_one_batch_one_id_and_one_place_are_taken_once(ledger: Ledger, world: World, held: Held) -> None:
    """What excludes each other meets in the same transaction: the first in the queue has it."""
    first = held.send([world.claim("plant")])
    assert held.begun.wait()
    ids = [held.send([same_id(world, number)]) for number in range(5)]
    places = [held.send([overlapping(world, number)]) for number in range(5)]
    held.go.set()
    assert all(isinstance(one, Recorded) for one in first.result())
    for index, waiting, code in ((FOUNDED + 1, ids, "duplicate_id"), (FOUNDED + 2, places, "overlap")):
        answers = [one for future in waiting for one in future.result()]
        assert isinstance(answers[0], Recorded)
        assert (answers[0].index, answers[0].new) == (index, True)
        assert [one.code for one in answers[1:] if isinstance(one, LedgerError)] == [code] * 4


def test_of_overlapping_claims_from_many_threads_one_is_accepted(ledger: Ledger, world: World) -> None:
    answers = together(ledger, [overlapping(world, number) for number in range(THREADS)])
    assert [one.index for one in answers if isinstance(one, Recorded)] == [FOUNDED]
    assert Counter(one for one in answers if isinstance(one, str)) == {"overlap": THREADS - 1}
    assert len(require_whole(ledger)) == FOUNDED + 1


def test_one_id_with_many_contents_is_recorded_once(ledger: Ledger, world: World) -> None:
    statements = [same_id(world, number) for number in range(THREADS)]
    answers = together(ledger, statements)
    assert [(one.index, one.new) for one in answers if isinstance(one, Recorded)] == [(FOUNDED, True)]
    assert Counter(one for one in answers if isinstance(one, str)) == {"duplicate_id": THREADS - 1}
    # The winner keeps its place, the others stay refused.
    again = [outcome(ledger, statement) for statement in statements]
    assert [(one.index, one.new) for one in again if isinstance(one, Recorded)] == [(FOUNDED, False)]
    assert [isinstance(one, str) for one in again] == [isinstance(one, str) for one in answers]


def append_in_child(directory: Path, statements: list[bytes], *, ready: int, go: int, results: int) -> int:
    """Submit from threads of a child process once told to; outcomes go into a pipe. Gives the child's id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with reopen(directory) as ledger:
                os.write(ready, b"!")
                os.read(go, 1)
                answers = together(ledger, statements)
            words = [one if isinstance(one, str) else str(one.index) for one in answers]
            os.write(results, f"{' '.join(words)}\n".encode())
            code = 0
        finally:
            os._exit(code)
    return child


def test_of_overlapping_claims_from_two_processes_one_is_accepted(directory: Path, world: World) -> None:
    statements = [overlapping(world, number) for number in range(THREADS)]
    (ready, say_ready), (go, say_go), (results, say_results) = os.pipe(), os.pipe(), os.pipe()
    children = [
        append_in_child(directory, statements[half::2], ready=say_ready, go=go, results=say_results)
        for half in range(2)
    ]
    # With the writing ends open in the children alone, one that dies early ends the reading instead of holding it up.
    for descriptor in (say_ready, say_results, go):
        os.close(descriptor)
    for _ in children:
        os.read(ready, 1)
    os.write(say_go, b"!!")
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    with os.fdopen(results) as file:
        answers = file.read().split()
    os.close(ready)
    os.close(say_go)
    assert Counter(answers) == {str(FOUNDED): 1, "overlap": THREADS - 1}
    with reopen(directory) as ledger:
        assert len(require_whole(ledger)) == FOUNDED + 1
        assert fsck(ledger.engine) == []


def test_a_full_queue_is_busy_and_loses_nothing(
    ledger: Ledger, world: World, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "QUEUE_STATEMENTS_MAX", 3)
    claims = [world.claim(counted_by=(f"meter:{number}",)) for number in range(7)]
    writing = held.send(claims[:1])
    assert held.begun.wait()
    two, one = held.send(claims[1:3]), held.send(claims[3:4])
    for refused in (claims[4:5], claims[4:7]):
        future = held.send(refused)
        assert future.done(), "it waits in a queue that is full"
        busy = future.exception()
        assert isinstance(busy, Unavailable)
        assert busy.code == "busy"
    held.go.set()
    recorded = [answer for future in (writing, two, one) for answer in future.result()]
    assert [(answer.index, answer.new) for answer in recorded if isinstance(answer, Recorded)] == [
        (FOUNDED + number, True) for number in range(4)
    ]
    # Nothing of what was turned away was written, and there is room for it now.
    assert len(require_whole(ledger)) == FOUNDED + 4
    late = [answer for answer in ledger.writer.append(claims[4:7]) if isinstance(answer, Recorded)]
    assert [(answer.index, answer.new) for answer in late] == [(FOUNDED + number, True) for number in range(4, 7)]


def test_more_than_the_queue_can_ever_hold_is_busy_at_once(
    ledger: Ledger, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "QUEUE_STATEMENTS_MAX", 3)
    claims = [world.claim(counted_by=(f"meter:{number}",)) for number in range(4)]
    with pytest.raises(Unavailable) as busy:
        ledger.writer.append(claims)
    assert busy.value.code == "busy"
    assert len(require_whole(ledger)) == FOUNDED
    assert len([one for one in ledger.writer.append(claims[:3]) if isinstance(one, Recorded)]) == 3
