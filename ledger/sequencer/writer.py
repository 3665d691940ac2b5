"""The one writer: whoever holds the turn commits for all that wait.

Order of a batch: verify, take the turn, decide, insert, commit, read back,
persist the signer's mark, sign, keep the checkpoint, answer. Nothing is
answered before all of it holds. An I/O error on the way poisons the writer:
what reached the disk is then unknown, until `reload` has verified everything.

Source: DESIGN 5; THREATS R1, R3 to R5, R7, R26, X01, X08.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from ledger.core.checkpoint import Checkpoint, sign_checkpoint
from ledger.core.note import Vkey
from ledger.core.signing import Signer
from ledger.core.tiles import TreeBuilder
from ledger.domain.records import StatementRecord
from ledger.errors import LedgerError, Unavailable
from ledger.sequencer.checking import Checked, Checkers, Verdict
from ledger.sequencer.clock import Clock
from ledger.sequencer.plan import Accepted, Plan, make_plan
from ledger.sequencer.signer_state import Mark, SignerState
from ledger.store import log_store
from ledger.store.engine import STORAGE_ERRORS, Connection, Engine, reading
from ledger.store.view import SqlView

QUEUE_STATEMENTS_MAX = 50_000
BATCH_STATEMENTS_MAX = 2_000

# Called with the name of each step; tests stop the process or raise there.
Step = Callable[[str], None]


class Recorded(Struct, frozen=True):
    """Where a statement stands, and the checkpoint that covers it. `new` is false for bytes recorded before."""

    index: int
    leaf: bytes
    size: int
    checkpoint: bytes
    new: bool


Answer = Recorded | LedgerError


class _Request:
    def __init__(self, checked: list[Verdict]) -> None:
        self.checked = checked
        self.answers: list[Answer] | None = None
        self.failure: LedgerError | None = None


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
    ) -> None:
        self._engine = engine
        self._log, self._signer = log, signer
        self._state = SignerState(directory, origin=log.name)
        self._clock, self._step = clock, step
        self._checkers = Checkers()
        self._mutex, self._commit = threading.Lock(), threading.Lock()
        self._queue: list[_Request] = []
        self._builder: TreeBuilder | None = None
        self._poison: LedgerError | None = None
        self.reload(fully=False)

    def close(self) -> None:
        """Let the processes that check statements go."""
        self._checkers.close()

    def append(self, statements: Sequence[bytes]) -> list[Answer]:
        """Record statements in their order; each gets where it stands, or why it was refused.

        Raises: Unavailable `busy`, `writer_stopped`, `clock_backwards`, `database_rolled_back`; nothing was
            answered then.
        """
        return self.record(self.check(statements))

    def check(self, statements: Sequence[bytes]) -> Callable[[], list[Verdict]]:
        """Begin to check signatures, for `record`; a bulk is checked while another is recorded."""
        return self._checkers.start(statements)

    def record(self, checked: Callable[[], list[Verdict]]) -> list[Answer]:
        """Wait for what `check` began, and record it as `append` does."""
        request = _Request(checked())
        self._step("verified")
        with self._mutex:
            if sum(len(one.checked) for one in self._queue) + len(request.checked) > QUEUE_STATEMENTS_MAX:
                raise Unavailable("busy", "too many statements are waiting")
            self._queue.append(request)
        with self._commit:
            if request.answers is None and request.failure is None:
                self._run_waiting()
        if request.failure is not None:
            raise request.failure
        assert request.answers is not None, "a request without failure is answered"
        return request.answers

    def _run_waiting(self) -> None:
        with self._mutex:
            batch, self._queue = self._queue, []
        try:
            answers = self._write([one for request in batch for one in request.checked])
        except LedgerError as error:
            for request in batch:
                request.failure = error
            return
        except BaseException as error:
            # A bug met by whoever holds the turn; the others of the batch were not answered either.
            for request in batch:
                request.failure = Unavailable("writer_stopped", f"{type(error).__name__}: {error}")
            raise
        at = 0
        for request in batch:
            request.answers = answers[at : at + len(request.checked)]
            at += len(request.checked)

    def _write(self, checked: list[Verdict]) -> list[Answer]:
        answers: list[Answer] = []
        for at in range(0, len(checked), BATCH_STATEMENTS_MAX):
            answers += self._write_batch(checked[at : at + BATCH_STATEMENTS_MAX])
        return answers

    def _write_batch(self, checked: Sequence[Verdict]) -> list[Answer]:
        if self._poison is not None:
            raise Unavailable("writer_stopped", f"an earlier append failed: {self._poison.message}")
        try:
            with self._state.turn():
                plan = self._commit_batch(checked)
                size, checkpoint = self._sign_head(size=plan.size, root=plan.root)
        except STORAGE_ERRORS as error:
            # Whether the commit took effect is unknown: nothing more is written until everything was verified.
            self._poison = Unavailable("writer_stopped", f"{type(error).__name__}: {error}")
            self._builder = None
            raise self._poison from error
        self._step("answer")
        return [
            Recorded(one.index, one.leaf, size, checkpoint, one.new) if isinstance(one, Accepted) else one
            for one in plan.outcomes
        ]

    def _commit_batch(self, checked: Sequence[Verdict]) -> Plan:
        with self._engine.begin() as connection:
            self._step("begun")
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
            self._step("inserted")
        self._step("committed")
        self._builder = builder
        return plan

    def _edge(self, connection: Connection, head: log_store.Head) -> TreeBuilder:
        """A working copy of the right edge, from memory or, where another process moved the head, from the tiles."""
        mark = self._state.read()
        if head.size < mark.size:
            raise Unavailable(
                "database_rolled_back", f"size {head.size} is below {mark.size}, which was signed", size=head.size
            )
        kept = self._builder
        if kept is None or kept.size != head.size:
            kept = log_store.builder_at(connection, head.size)
        if kept.root() != head.root:
            raise Unavailable("tree_damaged", "the stored tiles do not give the root of the head; run `gigaton fsck`")
        _require_mark(connection, mark, head)
        return kept.copy()

    def _sign_head(self, *, size: int, root: bytes) -> tuple[int, bytes]:
        """Sign what was committed; a refusal on the way stops the writer, for the entries stand there unsigned."""
        try:
            return self._read_back_and_sign(size=size, root=root)
        except LedgerError as error:
            self._poison, self._builder = error, None
            raise

    def _read_back_and_sign(self, *, size: int, root: bytes) -> tuple[int, bytes]:
        """Read back what was committed, remember it, sign it, keep the checkpoint."""
        with reading(self._engine) as connection:
            head = log_store.read_head(connection)
            if (head.size, head.root) != (size, root):
                raise Unavailable(
                    "read_back_differs", f"the head is at {head.size}, not at the {size} committed", index=head.size
                )
            if head.checkpoint is not None and head.checkpoint_size == head.size:
                return head.size, head.checkpoint
            _read_back(connection, first=head.checkpoint_size, head=head)
        self._step("read_back")
        self._state.advance(size=head.size, root=head.root)
        self._step("persisted")
        checkpoint = sign_checkpoint(
            Checkpoint(self._log.name, head.size, head.root), vkey=self._log, sign=self._signer.sign
        )
        self._step("signed")
        with self._engine.begin() as connection:
            log_store.store_checkpoint(connection, size=head.size, checkpoint=checkpoint)
        self._step("stored")
        return head.size, checkpoint

    def reload(self, *, fully: bool = True) -> None:
        """Take the log up from the disk: check it against the signer's mark, and sign a head that was left unsigned.

        Raises: Unavailable `database_rolled_back`, `tree_damaged`, `other_log`; Forked `signer_fork`.
        """
        try:
            with self._state.turn():
                with reading(self._engine) as connection:
                    head = log_store.read_head(connection)
                    self._builder = None
                    self._builder = self._edge(connection, head)
                    if fully:
                        _read_back(connection, first=0, head=head)
                if head.size:
                    self._sign_head(size=head.size, root=head.root)
        except STORAGE_ERRORS as error:
            raise Unavailable("writer_stopped", f"{type(error).__name__}: {error}") from error
        self._poison = None


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


def _require_mark(connection: Connection, mark: Mark, head: log_store.Head) -> None:
    """The tree that was signed last must be a prefix of what the database holds, before every batch."""
    root = head.root if mark.size == head.size else log_store.root_of(connection, mark.size)
    if root.hex() != mark.root:
        raise Unavailable(
            "database_replaced", f"the tree of size {mark.size} is not the one that was signed", size=mark.size
        )
    if mark.size < head.checkpoint_size <= head.size:
        raise Unavailable(
            "signer_state_lost", f"signer.json says {mark.size}, {head.checkpoint_size} was signed", size=mark.size
        )


def _read_back(connection: Connection, *, first: int, head: log_store.Head) -> None:
    """Hash the committed bytes by another path than the one that wrote them (THREATS R1).

    Raises: Unavailable `read_back_differs`.
    """
    if not head.size:
        return
    in_tiles = log_store.leaves_in_tiles(connection, first=first, end=head.size)
    found = 0
    for (index, leaf, raw), in_tile in zip(
        log_store.read_entries(connection, first=first, end=head.size), in_tiles, strict=False
    ):
        found += 1
        if sha256(b"\x00" + raw).digest() != leaf or leaf != in_tile:
            raise Unavailable("read_back_differs", f"entry {index} does not hash to its leaf", index=index)
    if found != head.size - first:
        raise Unavailable("read_back_differs", f"{found} entries of {head.size - first} are there", index=first + found)
    if log_store.root_of(connection, head.size) != head.root:
        raise Unavailable("read_back_differs", "the stored tiles do not lead to the root", index=head.size)
