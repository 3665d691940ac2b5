"""One I/O error, or one death, at each step of the writer: nothing acknowledged is lost, nothing stands twice.

The writer names its steps; a test raises there, or kills the process there, once
or again at the first retry. Covers THREATS R4, R7, R19, R26, X01, X08.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from pathlib import Path

import pytest

from ledger.errors import LedgerError, Unavailable
from ledger.service.ledger import Ledger
from ledger.service.submit import prove, submit
from ledger.store.fsck import fsck
from tests.sequencer.steps import STEPS, At, head_of, opened, require_proof, require_recorded, statements
from tests.world import World

# From here on the turn is held, and what reached the disk is unknown after an error.
IN_TURN = STEPS[1:-1]
BEFORE_COMMIT = STEPS[: STEPS.index("committed")]
# What the writer does again when it takes up a head that was left unsigned.
WHILE_SIGNING = ("read_back", "persisted", "signed")
# A checkpoint that was stored is not signed again: a first retry never comes to that step.
FAULTS = [(name, 1) for name in STEPS] + [(name, 2) for name in STEPS if name != "stored"]
EACH_FAULT = pytest.mark.parametrize(("name", "times"), FAULTS)


def failing(name: str, times: int = 0) -> At:
    """A disk that fails at one step, as often as it is told to."""

    def fail() -> None:
        raise OSError(errno.EIO, f"the disk failed at {name}")

    return At(name, fail, times)


@EACH_FAULT
def test_after_an_io_error_a_reload_makes_the_log_whole(directory: Path, world: World, name: str, times: int) -> None:
    first, second, third = statements(world, 3)
    fault = failing(name)
    with opened(directory, fault) as ledger:
        kept = prove(ledger, [submit(ledger, first).index])[0]
        fault.left = times
        require_failure(ledger, second, name)
        if name in IN_TURN:
            require_poisoned(ledger, third)
        while fault.left:
            if name in WHILE_SIGNING:
                with pytest.raises(Unavailable) as caught:
                    ledger.writer.reload()
                assert caught.value.code == "writer_stopped"
                require_poisoned(ledger, third)
            else:
                ledger.writer.reload()
                require_failure(ledger, second, name)
        ledger.writer.reload()
        recorded = submit(ledger, second)
        assert recorded.new is (name in BEFORE_COMMIT)
        entries = require_recorded(ledger, world, recorded.index, second)
        require_proof(kept, world, entries)
        assert submit(ledger, third).index == len(entries)
        assert fsck(ledger.engine) == []


def require_failure(ledger: Ledger, statement: bytes, name: str) -> None:
    """An append that meets the fault acknowledges nothing and, within the turn, says that the writer stopped."""
    with pytest.raises((OSError, LedgerError)) as caught:
        ledger.writer.append([statement])
    if name in IN_TURN:
        assert isinstance(caught.value, Unavailable)
        assert caught.value.code == "writer_stopped"
        assert isinstance(caught.value.__cause__, OSError)
    else:
        assert isinstance(caught.value, OSError)


def require_poisoned(ledger: Ledger, statement: bytes) -> None:
    """Nothing is accepted and nothing is written until everything was verified."""
    before = head_of(ledger)
    with pytest.raises(Unavailable) as caught:
        ledger.writer.append([statement])
    assert caught.value.code == "writer_stopped"
    assert head_of(ledger) == before


@EACH_FAULT
def test_after_an_io_error_the_next_opening_makes_the_log_whole(
    directory: Path, world: World, name: str, times: int
) -> None:
    first, second, third = statements(world, 3)
    with opened(directory) as ledger:
        kept = prove(ledger, [submit(ledger, first).index])[0]
    for attempt in range(times):
        fault = failing(name, 1)
        if attempt and name in WHILE_SIGNING:
            with pytest.raises(Unavailable) as caught:
                opened(directory, fault)
            assert caught.value.code == "writer_stopped"
            continue
        with opened(directory, fault) as ledger:
            require_failure(ledger, second, name)
    with opened(directory) as ledger:
        recorded = submit(ledger, second)
        assert recorded.new is (name in BEFORE_COMMIT)
        entries = require_recorded(ledger, world, recorded.index, second)
        require_proof(kept, world, entries)
        assert submit(ledger, third).index == len(entries)
        assert fsck(ledger.engine) == []


def killed_at(directory: Path, name: str, statement: bytes) -> None:
    """Append in another process, which is killed by a signal exactly at this step."""

    child = os.fork()
    if child == 0:
        try:
            opened(directory, At(name, lambda: os.kill(os.getpid(), signal.SIGKILL), 1)).writer.append([statement])
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status), f"the process did not come to {name}"
    assert os.WTERMSIG(status) == signal.SIGKILL


@EACH_FAULT
def test_a_process_killed_at_any_step_loses_nothing(directory: Path, world: World, name: str, times: int) -> None:
    first, second, third = statements(world, 3)
    with opened(directory) as ledger:
        kept = prove(ledger, [submit(ledger, first).index])[0]
    for _ in range(times):
        killed_at(directory, name, second)
    with opened(directory) as ledger:
        recorded = submit(ledger, second)
        assert recorded.new is (name in BEFORE_COMMIT)
        entries = require_recorded(ledger, world, recorded.index, second)
        require_proof(kept, world, entries)
        assert submit(ledger, third).index == len(entries)
        assert fsck(ledger.engine) == []


class Announced(list):
    """A queue that tells when something was put into it."""

    def __init__(self) -> None:
        super().__init__()
        self.put = threading.Semaphore(0)

    def append(self, request: object) -> None:
        super().append(request)
        self.put.release()


@pytest.mark.parametrize("name", IN_TURN)
def test_all_who_waited_for_one_batch_are_told_that_it_failed(directory: Path, world: World, name: str) -> None:
    waiting = statements(world, 3)
    failures: dict[bytes, BaseException] = {}
    with opened(directory) as ledger:
        writer = ledger.writer
        writer._step = failing(name, 1)

        def append(statement: bytes) -> None:
            try:
                writer.append([statement])
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test judges it
                failures[statement] = error

        queue = Announced()
        writer._queue = queue
        threads = [threading.Thread(target=append, args=(one,)) for one in waiting]
        with writer._commit:
            for thread in threads:
                thread.start()
                queue.put.acquire()
        for thread in threads:
            thread.join()
        assert [getattr(failures[one], "code", failures[one]) for one in waiting] == ["writer_stopped"] * 3
        writer.reload()
        answers = writer.append(waiting)
        assert [getattr(one, "new", one) for one in answers] == [name in BEFORE_COMMIT] * 3
        for statement, one in zip(waiting, answers, strict=True):
            require_recorded(ledger, world, one.index, statement)
