"""Recording statements of many callers at once: each waits for its own, the writer takes all that wait as one group.

Two threads stand behind the event loop. One checks signatures, which needs no
state; the other records what was checked and makes the receipts of the whole
group. While one group is written the next one is checked, and requests that
only read never meet either.

Source: DESIGN 5; THREATS H09, R24.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from msgspec import Struct

from ledger.core.receipt import Receipt
from ledger.errors import Unavailable
from ledger.sequencer.checking import Checked, Verdict, check
from ledger.sequencer.writer import Recorded
from ledger.service.ledger import Ledger
from ledger.service.submit import receipts
from ledger.store.engine import STORAGE_ERRORS

# Statements that may wait at once; whoever comes then is told to come again.
WAITING_STATEMENTS_MAX = 4_096
# What one group takes of them, so that nobody waits for more than a few groups.
GROUP_STATEMENTS_MAX = 512

T = TypeVar("T")


class Receipted(Struct, frozen=True):
    """Where a statement stands, and the receipt that proves it."""

    recorded: Recorded
    receipt: Receipt


Outcome = Receipted | Exception


class _Waiting(Generic[T]):
    """Something that a caller waits for, and the future that wakes it."""

    __slots__ = ("future", "what")

    def __init__(self, what: T, future: asyncio.Future[Receipted]) -> None:
        self.what, self.future = what, future


class _Line(Generic[T]):
    """Those who wait for one thread, which is called when there are any and takes as many as it likes."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._work = work
        self._changed = threading.Condition()
        self._waiting: list[_Waiting[T]] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def put(self, one: _Waiting[T]) -> None:
        """Let one more wait; the thread starts with the first."""
        with self._changed:
            if self._thread.ident is None:
                self._thread.start()
            self._waiting.append(one)
            self._changed.notify()

    def take(self) -> list[_Waiting[T]]:
        """The first of those who wait."""
        with self._changed:
            group, self._waiting = self._waiting[:GROUP_STATEMENTS_MAX], self._waiting[GROUP_STATEMENTS_MAX:]
        return group

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
            self._work()

    def close(self) -> None:
        """Let the thread end when nobody waits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()


class Submitter:
    """Records for callers on event loops. Close it before the ledger."""

    def __init__(self, ledger: Ledger, *, admit: Callable[[Checked], None] = lambda checked: None) -> None:
        """`admit` is asked of each statement whose signatures hold, and refuses by raising."""
        self._ledger = ledger
        self._admit = admit
        self._here = 0
        self._to_write = _Line[Verdict]("gigaton-write", self._record)
        self._to_check = _Line[bytes]("gigaton-check", self._check)

    @property
    def waiting(self) -> int:
        """Number of statements that have no answer yet."""
        return self._here

    async def submit(self, statement: bytes) -> Receipted:
        """Record one statement; answered when it is durable and its checkpoint signed.

        Raises: Refused with the rule's code, BadSignature; Unavailable `busy` and the codes of `Writer.append`.
        """
        if self._here >= WAITING_STATEMENTS_MAX:
            raise Unavailable("busy", "too many statements are waiting")
        self._here += 1
        try:
            waiting = _Waiting(statement, asyncio.get_running_loop().create_future())
            self._to_check.put(waiting)
            return await waiting.future
        finally:
            self._here -= 1

    def _check(self) -> None:
        for one in self._to_check.take():
            try:
                verdict = check(one.what)
                self._admit(verdict)
            except Exception as error:  # noqa: BLE001 - refusal or bug, it is told to whoever waits
                _deliver([(one.future, error)])
            else:
                self._to_write.put(_Waiting(verdict, one.future))

    def _record(self) -> None:
        group: list[_Waiting[Verdict]] = []

        def take() -> list[Verdict]:
            group.extend(self._to_write.take())
            return [one.what for one in group]

        try:
            outcomes = self._record_all(take)
        except Exception as error:  # noqa: BLE001 - refusal or bug, it is told to whoever waits
            outcomes = [_told(error)] * len(group or take())
        _deliver([(one.future, outcome) for one, outcome in zip(group, outcomes, strict=True)])

    def _record_all(self, take: Callable[[], list[Verdict]]) -> list[Outcome]:
        answers = self._ledger.writer.record_all_that_wait(take)
        made = iter(receipts(self._ledger, [one for one in answers if isinstance(one, Recorded)]))
        return [Receipted(one, next(made)) if isinstance(one, Recorded) else one for one in answers]

    def close(self) -> None:
        """Answer all that wait, then let the threads go."""
        self._to_check.close()
        self._to_write.close()


def _told(error: Exception) -> Exception:
    if isinstance(error, STORAGE_ERRORS):  # of the writer itself it is a LedgerError by now
        return Unavailable("database_unusable", f"{type(error).__name__} while receipts were made; send it again")
    return error


def _deliver(outcomes: Sequence[tuple[asyncio.Future[Receipted], Outcome]]) -> None:
    """Wake those who wait, each loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Receipted], Outcome]]] = {}
    for future, outcome in outcomes:
        by_loop.setdefault(future.get_loop(), []).append((future, outcome))
    for loop, some in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits on it any more
            loop.call_soon_threadsafe(_settle, some)


def _settle(outcomes: Sequence[tuple[asyncio.Future[Receipted], Outcome]]) -> None:
    for future, outcome in outcomes:
        if future.done():  # the caller has gone
            continue
        if isinstance(outcome, Receipted):
            future.set_result(outcome)
        else:
            future.set_exception(outcome)
