"""Who waits for the writer: what they want recorded, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from ledger.errors import LedgerError
from ledger.sequencer.checking import Verdict


class Recorded(Struct, frozen=True):
    """Where a statement stands, and the checkpoint that covers it. `new` is false for bytes recorded before."""

    index: int
    leaf: bytes
    size: int
    checkpoint: bytes
    new: bool


Answer = Recorded | LedgerError


class Request:
    """Statements that were checked, or, with `take`, those that wait elsewhere until the turn is there."""

    def __init__(self, checked: list[Verdict], take: Callable[[], list[Verdict]] | None = None) -> None:
        self.checked = checked
        self._take = take
        self.answers: list[Answer] | None = None
        self.failure: LedgerError | None = None

    @property
    def done(self) -> bool:
        """Whether somebody else recorded it meanwhile, or failed to."""
        return self.answers is not None or self.failure is not None

    def fill(self) -> None:
        """The turn is there: whoever waits now goes along."""
        if self._take is not None:
            self.checked = self._take()

    def result(self) -> list[Answer]:
        """What became of it, raised where it failed as a whole."""
        if self.failure is not None:
            raise self.failure
        assert self.answers is not None, "a request without failure is answered"
        return self.answers


def settle(batch: Sequence[Request], answers: Sequence[Answer]) -> None:
    """Give each request the answers to its own statements."""
    at = 0
    for request in batch:
        request.answers = list(answers[at : at + len(request.checked)])
        at += len(request.checked)


def fail(batch: Sequence[Request], error: LedgerError) -> None:
    """Tell all of them that nothing was answered, and why."""
    for request in batch:
        request.failure = error
