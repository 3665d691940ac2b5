"""The one writer: whoever holds the turn commits for all that wait.

Order of a batch: verify, take the turn, decide, insert, commit, read back,
persist the signer's mark, sign, keep the checkpoint, answer. Nothing is
answered before all of it holds. An I/O error on the way stops the writer:
what reached the disk is then unknown, until `reload` has verified everything.
Where the database is a server, a keeper does so when it has come back.

Source: DESIGN 5 and 8; THREATS R1, R3 to R5, R7, R26, X01, X05, X08, X15.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ledger.core.note import Vkey
from ledger.core.signing import Signer
from ledger.core.tiles import TreeBuilder
from ledger.domain.records import StatementRecord
from ledger.errors import LedgerError, Unavailable
from ledger.sequencer.checking import Checked, Checkers, Verdict
from ledger.sequencer.clock import Clock
from ledger.sequencer.observer import Observer, Silent, observed
from ledger.sequencer.plan import Accepted, Plan, make_plan
from ledger.sequencer.request import Answer, Recorded, Request, fail, settle
from ledger.sequencer.signer_state import SignerState
from ledger.sequencer.signing import Step, sign_head
from ledger.sequencer.standing import (
    is_behind,
    read_back,
    require_memory,
    require_prefix,
    require_reach,
    signed_by_others,
)
from ledger.sequencer.stop import Stop
from ledger.sequencer.turn import turn
from ledger.store import log_store
from ledger.store.engine import STORAGE_ERRORS, Connection, Engine, looking, require_schema
from ledger.store.faults import has_other_machines, unavailable, was_undone
from ledger.store.view import SqlView

__all__ = ["Answer", "Recorded", "Step", "Writer"]

QUEUE_STATEMENTS_MAX = 50_000
BATCH_STATEMENTS_MAX = 2_000


class Writer:
    """Appends statements to one log, from any number of threads and processes."""

    def __init__(
        self,
        engine: Engine,
        *,
        directory: Path,
        log: Vkey,
        signer: Signer,
        clock: Clock,
        step: Step = lambda name: None,
        observer: Observer | None = None,
    ) -> None:
        self._engine = engine
        self._log, self._signer = log, signer
        self._state = SignerState(directory, origin=log.name)
        self._clock, self._step = clock, step
        self._observer: Observer = observer or Silent()
        self._checkers = Checkers()
        self._mutex, self._commit = threading.Lock(), threading.Lock()
        self._queue: list[Request] = []
        self._builder: TreeBuilder | None = None
        self._stop = Stop(engine)
        self.reload(fully=False)

    def close(self) -> None:
        """Let the processes that check statements go."""
        self._checkers.close()

    @property
    def waiting(self) -> int:
        """Number of statements that wait for the turn."""
        with self._mutex:
            return sum(len(one.checked) for one in self._queue)

    def append(self, statements: Sequence[bytes]) -> list[Answer]:
        """Record statements in their order; each gets where it stands, or why it was refused.

        Raises: Unavailable `busy`, `writer_stopped`, `clock_backwards`, `database_unusable`, `database_rolled_back`;
            nothing was answered then.
        """
        return self.record(self.check(statements))

    def check(self, statements: Sequence[bytes]) -> Callable[[], list[Verdict]]:
        """Begin to check signatures, for `record`; a bulk is checked while another is recorded."""
        return self._checkers.start(statements)

    def record(self, checked: Callable[[], list[Verdict]]) -> list[Answer]:
        """Wait for what `check` began, and record it as `append` does."""
        request = Request(checked())
        self._step("verified")
        return self._answer(request)

    def record_waiting(self, take: Callable[[], list[Verdict]]) -> list[Answer]:
        """Record what `take` gives when it is this process's turn: who came while others wrote goes along."""
        return self._answer(Request([], take))

    def _answer(self, request: Request) -> list[Answer]:
        with self._mutex:
            if sum(len(one.checked) for one in self._queue) + len(request.checked) > QUEUE_STATEMENTS_MAX:
                raise Unavailable("busy", "too many statements are waiting")
            self._queue.append(request)
        with self._commit:
            if not request.done:
                self._run_waiting()
        return request.result()

    def _run_waiting(self) -> None:
        batch: list[Request] = []
        try:
            self._stop.require_running()
            with turn(self._state, self._engine) as connection:
                batch = self._take_queue()
                answers = self._write(connection, [one for request in batch for one in request.checked])
            self._step("answer")
        except LedgerError as error:
            if not batch:  # the turn was not to be had
                self._observer.failed(error.code)
                batch = self._take_queue()
            fail(batch, error)
            return
        except BaseException as error:
            # A bug met by whoever holds the turn; the others of the batch were not answered either.
            fail(batch or self._take_queue(), Unavailable("writer_stopped", f"{type(error).__name__}: {error}"))
            raise
        settle(batch, answers)

    def _take_queue(self) -> list[Request]:
        with self._mutex:
            batch, self._queue = self._queue, []
        for request in batch:
            request.fill()
        return batch

    def _write(self, connection: Connection, checked: list[Verdict]) -> list[Answer]:
        answers: list[Answer] = []
        for at in range(0, len(checked), BATCH_STATEMENTS_MAX):
            batch = checked[at : at + BATCH_STATEMENTS_MAX]
            answers += observed(self._observer, partial(self._write_batch, connection, batch))
        return answers

    def _write_batch(self, connection: Connection, checked: Sequence[Verdict]) -> list[Answer]:
        try:
            plan = self._commit_batch(connection, checked)
            # An empty log is not signed: its founding was refused, and leaves nothing.
            signed = self._sign_head(connection, size=plan.size, root=plan.root) if plan.size else (0, b"")
        except STORAGE_ERRORS as error:
            self._builder = None
            raise self._stop.after_storage(error) from error
        return [
            Recorded(one.index, one.leaf, *signed, one.new) if isinstance(one, Accepted) else one
            for one in plan.outcomes
        ]

    def _commit_batch(self, connection: Connection, checked: Sequence[Verdict]) -> Plan:
        try:
            with connection.begin():
                self._step("begun")
                plan, builder = self._decide(connection, checked)
                self._step("inserted")
        except STORAGE_ERRORS as error:
            if was_undone(error):
                raise unavailable(error) from error
            raise
        self._step("committed")
        self._builder = builder
        return plan

    def _decide(self, connection: Connection, checked: Sequence[Verdict]) -> tuple[Plan, TreeBuilder]:
        """Decide on the present state and write what that gives; also the right edge that it leads to."""
        require_schema(connection)
        head = log_store.read_head(connection)
        builder = self._edge(connection, head)
        view = SqlView(connection, root=lambda size: _root(connection, size, head.size))
        view.prefetch([one.statement for one in checked if isinstance(one, Checked)])
        plan = make_plan(
            checked,
            view=view,
            builder=builder,
            previous=log_store.last_leaf(connection, head.size) if head.size else b"",
            head_recorded_at_ms=head.recorded_at_ms,
            now_ms=self._clock(),
            stored=_stored(connection, view, checked),
        )
        self._step("decided")
        if plan.entries:
            log_store.append_entries(
                connection, first=plan.first, entries=plan.entries, leaves=plan.leaves, tiles=plan.tiles
            )
            view.flush()
            log_store.move_head(
                connection, old=head, size=plan.size, root=plan.root, recorded_at_ms=plan.recorded_at_ms
            )
        return plan, builder

    def _edge(self, connection: Connection, head: log_store.Head) -> TreeBuilder:
        """A working copy of the right edge, from memory or, where another process moved the head, from the tiles."""
        mark = self._state.read()
        require_reach(mark, head)
        kept = self._builder
        if kept is None or (kept.size, kept.root()) != (head.size, head.root):
            kept = log_store.builder_at(connection, head.size)
        if kept.root() != head.root:
            raise Unavailable("tree_damaged", "the stored tiles do not give the root of the head; run `gigaton fsck`")
        require_prefix(connection, mark, head)
        if not has_other_machines(self._engine):
            require_memory(mark, head)
        elif is_behind(mark, head):
            size, root = signed_by_others(connection, head, log=self._log)
            self._state.advance(size=size, root=root)
        return kept.copy()

    def _sign_head(self, connection: Connection, *, size: int, root: bytes) -> tuple[int, bytes]:
        """Sign what was committed; a refusal on the way stops the writer, for the entries stand there unsigned."""
        try:
            return sign_head(
                connection,
                size=size,
                root=root,
                state=self._state,
                log=self._log,
                signer=self._signer,
                step=self._step,
            )
        except LedgerError as error:
            self._builder = None
            self._stop.after_refusal(error)
            raise

    def reload(self, *, fully: bool = True) -> None:
        """Take the log up from the disk: check it against the signer's mark, and sign a head that was left unsigned.

        Raises: Unavailable `database_rolled_back`, `tree_damaged`, `other_log`; Forked `signer_fork`.
        """
        try:
            with turn(self._state, self._engine) as connection:
                with looking(connection):
                    head = log_store.read_head(connection)
                    self._builder = None
                    self._builder = self._edge(connection, head)
                    if fully:
                        read_back(connection, first=0, head=head)
                if head.size:
                    self._sign_head(connection, size=head.size, root=head.root)
        except STORAGE_ERRORS as error:
            raise Unavailable("writer_stopped", f"{type(error).__name__}: {error}") from error
        self._stop.end()

    def require_running(self) -> None:
        """Refuse while nothing can be written.

        Raises: Unavailable `writer_stopped`, or what the database was found to be when it came back.
        """
        self._stop.require_running()

    def take_up(self) -> bool:
        """Reload a writer that its database had left; false where there is nothing to take up.

        Raises: Unavailable with the codes of `reload`; it is worth trying again.
        """
        if not self._stop.settles:
            return False
        with self._commit:
            try:
                self.reload(fully=False)
            except LedgerError as error:
                self._stop.after_reload(error)
                raise
        return True


def _root(connection: Connection, size: int, committed: int) -> bytes | None:
    return log_store.root_of(connection, size) if 0 < size <= committed else None


def _stored(connection: Connection, view: SqlView, checked: Sequence[Verdict]) -> list[bytes | None]:
    """The statement bytes that are recorded under each id, for answering a repeated request with its first receipt."""
    stored: list[bytes | None] = []
    for one in checked:
        record = view.get(StatementRecord, one.statement.id) if isinstance(one, Checked) else None
        entry = None if record is None else log_store.read_entry(connection, record.index)
        stored.append(None if entry is None else entry[entry.index(b'"statement":"') + 13 : -2])
    return stored
