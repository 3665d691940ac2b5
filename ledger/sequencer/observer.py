"""Who is told what the writer did: for counting alone, after the fact, and without a say in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from ledger.errors import LedgerError

A = TypeVar("A")


class Observer(Protocol):
    """Told by the writer; must return at once and never raise."""

    def wrote(self, answers: Sequence[Any], *, took_ns: int) -> None:
        """A batch was committed and signed, with these answers (`Recorded`, or the error of a refusal)."""

    def failed(self, code: str) -> None:
        """A batch was not written; all that waited in it get this code."""


class Silent:
    """Counts nothing."""

    def wrote(self, answers: Sequence[Any], *, took_ns: int) -> None:
        """Ignored."""

    def failed(self, code: str) -> None:
        """Ignored."""


def observed(observer: Observer, write: Callable[[], list[A]]) -> list[A]:
    """Write a batch and tell of it."""
    begun_ns = time.perf_counter_ns()
    try:
        answers = write()
    except LedgerError as error:
        observer.failed(error.code)
        raise
    observer.wrote(answers, took_ns=time.perf_counter_ns() - begun_ns)
    return answers
