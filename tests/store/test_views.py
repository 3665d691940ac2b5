"""One history, three states: SQL, the auditor's spool and plain memory decide the same and remember the same.

The rule book cannot tell its views apart (DESIGN 3), so neither the server nor an
auditor may ever decide otherwise than the other. Covers THREATS L20, D08 to D25.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ledger.core.entry import NO_PREVIOUS, Entry, encode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import open_jws
from ledger.core.tiles import TreeBuilder
from ledger.domain.goals import by_status
from ledger.domain.memory import MemoryState
from ledger.domain.period import Period, parse_day
from ledger.domain.records import AttestationRecord, ClaimRecord, ClaimStatus, CountedRecord
from ledger.domain.rules import decide
from ledger.domain.statements import Statement, read_statement
from ledger.domain.totals import Cell, CellSum, Decision, Dimension, cells_of, merge, recognised
from ledger.domain.view import Position, StateView
from ledger.errors import Refused
from ledger.store.create import create_database
from ledger.store.engine import Connection
from ledger.store.projection import from_row
from ledger.store.tables import CELL, RECORDS, TABLE_OF
from ledger.store.view import SqlView
from tests.cast import public
from tests.domain.game import PARTIES, PERIODS, URIS, Game, Step, histories
from tests.world import START_MS, World
from verifier import state as auditor
from verifier.state import AuditState

# The days before and after each edge of the periods of a history.
DAYS = [parse_day(day) + by for period in PERIODS for day in period for by in (-1, 0)]
WORLD = World()
PLACES: list[tuple[Dimension, str]] = [
    *(("all", ""), ("country", "DE"), ("country", "FR"), ("registry", "none")),
    *(("assurance", "reasonable"), ("assurance", "limited")),
    *(("status", status) for status in get_args(ClaimStatus)),
    *(("party", WORLD.party_id(name)) for name in PARTIES),
]


class Roots:
    """The tree under a history: positions for what is decided, and roots of all that was accepted."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []

    def position(self, raw: bytes) -> Position:
        """Where the next statement stands if it is accepted."""
        index = len(self.leaves)
        entry = encode_entry(Entry(index, self.leaves[-1] if self.leaves else NO_PREVIOUS, START_MS, raw))
        return Position(index, START_MS, leaf_hash(entry).hex())

    def root(self, size: int) -> bytes | None:
        """Root of an earlier size."""
        if not 0 < size <= len(self.leaves):
            return None
        builder = TreeBuilder()
        builder.extend(self.leaves[:size])
        return builder.root()


def outcome(view: StateView, position: Position, statement: Statement) -> Decision | str:
    """What a state's rule book says: what changes, or the code of the refusal."""
    try:
        return decide(view, position, statement)
    except Refused as error:
        return error.code


def cells(view: StateView) -> dict[tuple[Dimension, str], list[CellSum]]:
    """Every sum that the view answers, put in order."""
    return {place: sorted(view.cells(dimension=place[0], value=place[1])) for place in PLACES}


def holds(view: StateView, *, ignoring: str | None) -> list[CountedRecord | None]:
    """Who holds each thing on each day; on one day it can be only one."""
    return [view.overlapping(uri=uri, period=Period(day, day + 1), ignoring=ignoring) for uri in URIS for day in DAYS]


def require_same_answers(view: StateView, memory: MemoryState) -> None:
    """Sums, holds and grants of a view are those of the plain dicts."""
    assert cells(view) == cells(memory)
    ignored = [None, *(one.claim for one in memory.all(CountedRecord) if one.live)]
    for claim in ignored[:3]:
        assert holds(view, ignoring=claim) == holds(memory, ignoring=claim)
    for name in PARTIES:
        verifier = WORLD.party_id(name)
        assert list(view.accreditations_of(verifier)) == list(memory.accreditations_of(verifier))


def require_same_rows(connection: Connection, memory: MemoryState) -> None:
    """Every row is a record of the plain dicts, and none is missing."""
    for shape in RECORDS:
        rows = [from_row(shape, row) for row in connection.execute(select(TABLE_OF[shape]))]
        assert {one.identity: one for one in rows} == {one.identity: one for one in memory.all(shape)}
    stored = [CellSum(Cell(*row[:7]), row.grams, row.claims) for row in connection.execute(select(CELL))]
    known = [one for found in cells(memory).values() for one in found]
    assert sorted(one for one in stored if one.grams or one.claims) == sorted(known)


def require_split(audit: AuditState, memory: MemoryState, *, trusted: frozenset[tuple[str, str]]) -> None:
    """What the auditor counts as it goes is what a count over all claims gives: sums, statuses, attestations."""
    claims = memory.all(ClaimRecord)
    for which in (True, False):
        ones = [claim for claim in claims if recognised(claim, trusted=trusted) == which]
        expected = merge(one for claim in ones for one in cells_of(claim))
        assert {cell: one for cell, one in audit.sums[which].items() if one.grams or one.claims} == expected
    assert by_status(one for sums in audit.sums.values() for one in sums.values()) == Counter(
        one.status for one in claims
    )
    assert audit.attested == len(memory.all(AttestationRecord))


def require_same_records(audit: AuditState, memory: MemoryState) -> None:
    """The auditor gives every record by its identity (of what is counted, it answers the question of the rules)."""
    for shape in RECORDS:
        if shape is not CountedRecord:
            for one in memory.all(shape):
                assert audit.get(shape, *one.identity) == one


@contextmanager
def limits(*, pending: int, lasting: int) -> Iterator[None]:
    """The auditor's memory made as small as this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditor, "PENDING_MAX", pending)
        patch.setattr(auditor, "LASTING_MAX", lasting)
        yield


def spooled(audit: AuditState) -> int:
    """How many records the auditor has written behind."""
    count: int = audit._spool.execute("SELECT count(*) FROM record").fetchone()[0]
    return count


def batches(raw: list[bytes], widths: list[int]) -> Iterator[list[bytes]]:
    """A history cut at random, the widths over and over."""
    at, turn = 0, 0
    while at < len(raw):
        width = widths[turn % len(widths)]
        yield raw[at : at + width]
        at, turn = at + width, turn + 1


@settings(max_examples=30)
@given(histories(), st.lists(st.integers(1, 12), min_size=1, max_size=6), st.integers(0, 3))
def test_rows_and_plain_memory_decide_and_remember_the_same(
    steps: list[Step], widths: list[int], foreseen: int
) -> None:
    """Batches of random widths, of which all, none, or every so many statements are fetched for in advance."""
    tried = Game().play(steps).tried
    memory, tree = MemoryState(), Roots()
    memory._root = tree.root
    with tempfile.TemporaryDirectory() as folder:
        engine = create_database(Path(folder) / "ledger.db")
        try:
            for batch in batches(tried, widths):
                statements = [read_statement(open_jws(raw)) for raw in batch]
                with engine.begin() as connection:
                    view = SqlView(connection, root=tree.root)
                    view.prefetch(statements[:: foreseen or 1] if foreseen else [])
                    for raw, statement in zip(batch, statements, strict=True):
                        position = tree.position(raw)
                        said = outcome(view, position, statement)
                        assert said == outcome(memory, position, statement)
                        if isinstance(said, Decision):
                            view.apply(said, index=position.index)
                            memory.apply(said)
                            tree.leaves.append(bytes.fromhex(position.entry_hash))
                    # The batch's own changes still lie over the rows.
                    require_same_answers(view, memory)
                    view.flush()
            with engine.connect() as connection:
                require_same_answers(SqlView(connection, root=tree.root), memory)
                require_same_rows(connection, memory)
        finally:
            engine.dispose()


@settings(max_examples=60)
@given(
    histories(),
    st.sampled_from([0, 1, 2, 7, 30]),
    st.sampled_from([0, 1, 5, 1000]),
    st.sets(st.sampled_from(["accreditor", "accreditor2"])),
)
def test_the_auditors_spool_and_plain_memory_decide_and_remember_the_same(
    steps: list[Step], pending: int, lasting: int, trust: set[str]
) -> None:
    tried = Game().play(steps).tried
    memory, tree = MemoryState(), Roots()
    memory._root = tree.root
    trusted = frozenset((WORLD.party_id(name), public(f"{name}:accreditor")) for name in trust)
    audit = AuditState(trusted=trusted, root=tree.root)
    try:
        with limits(pending=pending, lasting=lasting):
            for raw in tried:
                statement, position = read_statement(open_jws(raw)), tree.position(raw)
                said = outcome(audit, position, statement)
                assert said == outcome(memory, position, statement)
                if isinstance(said, Decision):
                    audit.apply(said)
                    memory.apply(said)
                    tree.leaves.append(bytes.fromhex(position.entry_hash))
            assert spooled(audit) > 0
            require_same_answers(audit, memory)
            require_same_records(audit, memory)
            require_split(audit, memory, trusted=trusted)
    finally:
        audit.close()
