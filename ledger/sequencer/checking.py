"""Checking statements before their turn: a few in the caller's own thread, many in processes.

A signature costs more than everything else of an append, and needs no state:
so a bulk is checked beside the writer, which goes on with the bulk before it.

Source: DESIGN 5, 10.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from hashlib import sha256
from multiprocessing import connection, get_context, parent_process

from msgspec import Struct

from ledger.core.jws import check_signatures, open_jws
from ledger.domain.statements import Statement, read_statement
from ledger.errors import LedgerError

# From so many statements on, other processes are worth their start.
BULK_STATEMENTS_MIN = 500
_CHUNK = 500


class Checked(Struct, frozen=True, gc=False):
    """A statement whose structure and signatures hold, and the digest of the very bytes that were checked."""

    raw: bytes
    digest: bytes
    statement: Statement


Verdict = Checked | LedgerError


def check(raw: bytes) -> Checked:
    """Parse a statement and verify its signatures.

    Raises: Malformed, Unsupported, BadSignature.
    """
    digest = sha256(raw).digest()
    opened = open_jws(raw)
    statement = read_statement(opened)
    check_signatures(opened)
    return Checked(raw, digest, statement)


class Checkers:
    """Processes that check statements, started with the first bulk."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def start(self, statements: Sequence[bytes]) -> Callable[[], list[Verdict]]:
        """Begin to check; what is returned waits for the verdicts, in order."""
        if len(statements) < BULK_STATEMENTS_MIN:
            verdicts = _check_all(statements)
            return lambda: verdicts
        chunks = [statements[at : at + _CHUNK] for at in range(0, len(statements), _CHUNK)]
        try:
            pool = self._processes()
            waiting = [pool.submit(_check_all, chunk) for chunk in chunks]
        except (BrokenProcessPool, OSError):
            waiting = []
        return lambda: self._collect(chunks, waiting)

    def _collect(self, chunks: Sequence[Sequence[bytes]], waiting: list[Future[list[Verdict]]]) -> list[Verdict]:
        try:
            return [verdict for future in waiting for verdict in future.result()] if waiting else _check_each(chunks)
        except BrokenProcessPool:
            # A process was killed, for want of memory perhaps: checking needs none of them.
            self.close()
            return _check_each(chunks)

    def _processes(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                # Not by fork: other threads of a server may hold locks at that moment.
                context = get_context("forkserver")
                context.set_forkserver_preload([__name__])
                # One core is left to the writer, whose turns are what a bulk waits for.
                jobs = max(1, (os.cpu_count() or 1) - 1)
                self._pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=end_with_parent)
            return self._pool

    def close(self) -> None:
        """Let the processes go."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _check_all(statements: Sequence[bytes]) -> list[Verdict]:
    verdicts: list[Verdict] = []
    for raw in statements:
        try:
            verdicts.append(check(raw))
        except LedgerError as error:
            verdicts.append(error)
    return verdicts


def _check_each(chunks: Sequence[Sequence[bytes]]) -> list[Verdict]:
    return [verdict for chunk in chunks for verdict in _check_all(chunk)]


def end_with_parent(end: Callable[[], object] = lambda: os._exit(0)) -> None:
    """Let this process end with the one that started it, even when that was killed."""
    parent = parent_process()
    assert parent is not None, "whoever started this process did so through multiprocessing"

    def watch() -> None:
        connection.wait([parent.sentinel])
        end()

    threading.Thread(target=watch, daemon=True).start()
