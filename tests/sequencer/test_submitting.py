"""Many callers on one event loop: each gets its own answer, and a receipt that proves it.

Covers THREATS D08, H19, R24, R26; source: DESIGN 5.
"""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger.core.hashing import leaf_hash
from ledger.core.receipt import check_receipt
from ledger.errors import LedgerError, Unavailable
from ledger.service import submitting
from ledger.service.ledger import Ledger
from ledger.service.submit import receipts, submit
from ledger.service.submitting import Receipted, Submitter
from tests.ledgers import require_whole
from tests.sequencer.steps import At, opened, statements
from tests.world import ORIGIN, World

CALLERS = 64


def together(submitter: Submitter, some: Sequence[bytes]) -> list[Receipted | BaseException]:
    """Submit all at once, and close."""

    async def run() -> list[Receipted | BaseException]:
        return await asyncio.gather(*map(submitter.submit, some), return_exceptions=True)

    try:
        return asyncio.run(run())
    finally:
        submitter.close()


def require_receipts(ledger: Ledger, world: World, found: Sequence[object]) -> set[int]:
    """Each receipt proves its entry, and names the entry's hash. Gives the indexes."""
    entries = require_whole(ledger)
    indexes = set()
    for one in found:
        if isinstance(one, Receipted):
            entry = entries[one.recorded.index]
            checkpoint = check_receipt(one.receipt, entry=entry, log=world.log_vkey, origin=ORIGIN)
            assert (checkpoint.size, one.receipt.index) == (one.recorded.size, one.recorded.index)
            assert one.recorded.leaf == leaf_hash(entry)
            indexes.add(one.recorded.index)
    return indexes


def test_each_caller_gets_a_receipt_of_its_own(directory: Path, world: World) -> None:
    with opened(directory) as ledger:
        first = len(require_whole(ledger))
        found = together(Submitter(ledger), statements(world, CALLERS))
        assert require_receipts(ledger, world, found) == set(range(first, first + CALLERS))
        assert all(isinstance(one, Receipted) and one.recorded.new for one in found)


def test_what_is_refused_stops_nobody_else(directory: Path, world: World) -> None:
    one, two, three = statements(world, 3)
    flipped = two[:-2] + (b"A" if two[-2:-1] != b"A" else b"B") + two[-1:]
    over = world.claim(counted_by=("meter:0",))
    with opened(directory) as ledger:
        found = together(Submitter(ledger), [one, b"a.b.c", flipped, over, one, two, b"", three])
        codes = [answer.code if isinstance(answer, LedgerError) else type(answer).__name__ for answer in found]
        expected = [
            "Receipted",
            "bad_jws",
            "bad_signature",
            "overlap",
            "Receipted",
            "Receipted",
            "bad_jws",
            "Receipted",
        ]
        assert codes == expected
        assert len(require_receipts(ledger, world, found)) == 3
        again = found[4]
        assert isinstance(again, Receipted)
        assert again.recorded.new is False


def test_receipts_over_the_borders_of_tiles(directory: Path, world: World) -> None:
    """New entries and entries of long ago, in one group, each under the checkpoint of the group."""
    made = statements(world, 600)
    with opened(directory) as ledger:
        ledger.writer.append(made[:530])
        found = together(Submitter(ledger), [*made[:3], *made[250:260], *made[528:]])
        indexes = require_receipts(ledger, world, found)
        assert len(indexes) == 3 + 10 + 72
        recorded = [one.recorded for one in found if isinstance(one, Receipted)]
        assert [one.receipt for one in found if isinstance(one, Receipted)] == receipts(ledger, recorded)


@pytest.mark.parametrize("step", ["begun", "committed", "persisted", "stored"])
def test_a_failing_disk_is_told_to_all_who_wait(directory: Path, world: World, step: str) -> None:
    def fail() -> None:
        raise OSError(errno.EIO, f"the disk failed at {step}")

    some = statements(world, CALLERS)
    with opened(directory, At(step, fail, 1)) as ledger:
        found = together(Submitter(ledger), some)
        assert Counter(getattr(one, "code", None) for one in found) == {"writer_stopped": CALLERS}
        ledger.writer.reload()
        again = together(Submitter(ledger), some)
        assert len(require_receipts(ledger, world, again)) == CALLERS


def test_a_caller_that_went_away_disturbs_nobody(directory: Path, world: World) -> None:
    some = statements(world, 6)

    async def run(submitter: Submitter) -> list[Receipted | BaseException]:
        tasks = [asyncio.create_task(submitter.submit(one)) for one in some]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with opened(directory) as ledger:
        submitter = Submitter(ledger)
        found = asyncio.run(run(submitter))
        submitter.close()
        assert [isinstance(one, Receipted) for one in found] == [False, True] * 3
        require_receipts(ledger, world, found)
        assert submit(ledger, some[0]).new is False  # it was recorded all the same


def test_whoever_comes_when_too_many_wait_is_told_to_come_again(
    directory: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "WAITING_STATEMENTS_MAX", 4)
    some = statements(world, 7)
    with opened(directory) as ledger:
        found = together(Submitter(ledger), some)
        assert [getattr(one, "code", None) for one in found] == [None] * 4 + ["busy"] * 3
        assert all(isinstance(one, Unavailable) for one in found[4:])
        assert len(require_receipts(ledger, world, found)) == 4


def test_all_that_wait_are_answered_before_it_closes(directory: Path, world: World) -> None:
    async def run(submitter: Submitter) -> list[Receipted]:
        waiting = asyncio.gather(*map(submitter.submit, statements(world, CALLERS)))
        await asyncio.sleep(0)
        await asyncio.to_thread(submitter.close)
        return await waiting

    with opened(directory) as ledger:
        assert len(require_receipts(ledger, world, asyncio.run(run(Submitter(ledger))))) == CALLERS


def test_a_bug_is_told_to_the_caller_and_the_threads_go_on(
    directory: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = statements(world, 2)

    def broken(raw: bytes) -> object:
        if raw == one:
            raise ZeroDivisionError
        return check(raw)

    check = submitting.check
    monkeypatch.setattr(submitting, "check", broken)
    with opened(directory) as ledger:
        found = together(Submitter(ledger), [one, two])
        assert [type(answer) for answer in found] == [ZeroDivisionError, Receipted]
