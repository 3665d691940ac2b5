"""Recompute every row from the entry bytes, and name the row and column that differ.

The log is folded again, by the same rule book, into a second database; then
every table is compared, column by column. What can be told apart is told apart:
bytes that no longer hash to their committed leaf (restorable from an export),
and a tree or projection that does not follow from the bytes (THREATS R2, R17).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, Table, or_, select

from ledger.core.entry import NO_PREVIOUS, decode_entry
from ledger.core.jws import check_signatures, open_jws
from ledger.core.tiles import TreeBuilder
from ledger.domain.rules import decide
from ledger.domain.statements import read_statement
from ledger.domain.view import Position
from ledger.errors import LedgerError
from ledger.store import log_store
from ledger.store.create import create_database
from ledger.store.engine import reading
from ledger.store.faults import told
from ledger.store.tables import CELL, ENTRY, HEAD, HISTORY, TABLE_OF, TILE
from ledger.store.view import SqlView

BATCH = 1_000
FINDINGS_MAX = 1_000
# How SQLite puts values of several types in order: nothing, numbers, text, bytes.
_RANKS = {type(None): 0, str: 2, bytes: 3}
_DERIVED: tuple[Table, ...] = (*TABLE_OF.values(), CELL, HISTORY, TILE)

Progress = Callable[[int, int], None]


class Finding(Struct, frozen=True):
    """One thing that is not what the log says it is."""

    table: str
    row: str
    column: str
    expected: str
    found: str


def fsck(engine: Engine, *, progress: Progress = lambda done, total: None) -> list[Finding]:
    """Every difference between the database and what its own entries give, at most `FINDINGS_MAX`.

    Raises: Unavailable `database_unusable` where the database itself cannot read what it holds.
    """
    with told(), tempfile.TemporaryDirectory(prefix="gigaton-fsck-") as folder, reading(engine) as real:
        second = create_database(Path(folder) / "again.db")
        try:
            findings: list[Finding] = []
            with second.begin() as again:
                size = _rebuild(real, again, findings, progress)
                for table in _DERIVED:
                    findings += _compare(table, real, again, limit=FINDINGS_MAX - len(findings))
                findings += _check_head(real, again, size)
        finally:
            second.dispose()
    return findings[:FINDINGS_MAX]


class _Tree:
    """The tree of the second database: leaves wait in memory until a batch ends or a rule asks for a root."""

    def __init__(self, again: Connection) -> None:
        self._again = again
        self._builder = TreeBuilder()
        self._waiting: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """One more leaf."""
        self._waiting.append(leaf)

    def write(self) -> None:
        """Write the tiles that the waiting leaves touch."""
        if self._waiting:
            log_store.write_tiles(self._again, self._builder.extend(self._waiting))
            self._waiting = []

    def root(self, size: int) -> bytes | None:
        """Root at an earlier size, None beyond what was added."""
        self.write()
        return log_store.root_of(self._again, size) if 0 < size <= self._builder.size else None


def _rebuild(real: Connection, again: Connection, findings: list[Finding], progress: Progress) -> int:
    """Fold the entries from the first; stops at the first that the rules would not accept."""
    total = log_store.read_head(real).size
    tree, previous, index = _Tree(again), NO_PREVIOUS, 0
    entries = select(ENTRY.c.index, ENTRY.c.leaf_hash, ENTRY.c.bytes).order_by(ENTRY.c.index)
    with real.execute(entries.execution_options(yield_per=BATCH)) as rows:
        while batch := rows.fetchmany(BATCH):
            view = SqlView(again, root=tree.root)
            problem: tuple[str, str, str] | None = None
            for found_index, leaf, raw in batch:
                computed = sha256(b"\x00" + raw).digest()
                if computed != leaf and len(findings) < FINDINGS_MAX:
                    findings.append(Finding("entry", str(found_index), "leaf_hash", computed.hex(), leaf.hex()))
                problem = None if found_index == index else ("index", str(index), str(found_index))
                problem = problem or _fold(view, raw, index=index, previous=previous, leaf=computed)
                if problem is not None:
                    findings.append(Finding("entry", str(found_index), *problem))
                    break
                tree.add(computed)
                previous, index = computed, index + 1
            view.flush()
            tree.write()
            if problem is not None:
                break
            progress(index, total)
    return index


def _fold(view: SqlView, raw: bytes, *, index: int, previous: bytes, leaf: bytes) -> tuple[str, str, str] | None:
    try:
        entry = decode_entry(raw)
        if entry.index != index or entry.previous != previous:
            return "bytes", f"index {index} after {previous.hex()}", f"index {entry.index} after {entry.previous.hex()}"
        opened = open_jws(entry.statement)
        check_signatures(opened)
        decision = decide(view, Position(index, entry.recorded_at_ms, leaf.hex()), read_statement(opened))
    except LedgerError as error:
        return "bytes", "an entry that the rules accept", f"{error.code}: {error.message}"
    view.apply(decision, index=index)
    return None


def _compare(table: Table, real: Connection, again: Connection, *, limit: int) -> Iterator[Finding]:
    """Differences of one table, both sides read once and side by side, in the order of the primary key."""
    yield from islice(_differences(table, real, again), max(0, limit))


def _differences(table: Table, real: Connection, again: Connection) -> Iterator[Finding]:
    names = [column.name for column in table.columns]
    keys = [names.index(column.name) for column in table.primary_key.columns]
    expected, found = _rows(table, again), _rows(table, real)
    wanted, there = next(expected, None), next(found, None)
    while wanted is not None or there is not None:
        before, after = _place(wanted, keys), _place(there, keys)
        if before == after:
            assert wanted is not None, "there are two rows to compare"
            assert there is not None, "there are two rows to compare"
            for name, one, other in zip(names, wanted, there, strict=True):
                if one != other:
                    yield Finding(table.name, _key(wanted, keys), name, _show(one), _show(other))
            wanted, there = next(expected, None), next(found, None)
        elif there is None or (wanted is not None and before < after):
            assert wanted is not None, "a row is left on one side"
            yield Finding(table.name, _key(wanted, keys), names[keys[0]], _show(wanted[keys[0]]), "no such row")
            wanted = next(expected, None)
        else:
            yield Finding(table.name, _key(there, keys), names[keys[0]], "no such row", _show(there[keys[0]]))
            there = next(found, None)


def _rows(table: Table, connection: Connection) -> Iterator[tuple[Any, ...]]:
    """Every row, a part of them in memory at a time; a cell in which nothing is left is as good as none."""
    order = table.primary_key.columns
    query = select(table).order_by(*order).execution_options(yield_per=BATCH)
    if table is CELL:
        query = query.where(or_(CELL.c.grams != 0, CELL.c.claims != 0))
    with connection.execute(query) as rows:
        for row in rows:
            yield tuple(row)


def _place(row: tuple[Any, ...] | None, keys: list[int]) -> list[tuple[int, Any]]:
    """Where a row stands in the order of its database, also where SQLite was given a key of another type."""
    if row is None:
        return []
    return [(_RANKS.get(type(row[at]), 1), 0 if row[at] is None else row[at]) for at in keys]


def _key(row: tuple[Any, ...], keys: list[int]) -> str:
    return " ".join(str(row[at]) for at in keys)


def _check_head(real: Connection, again: Connection, size: int) -> Iterator[Finding]:
    head = log_store.read_head(real)
    last = log_store.read_entry(real, size - 1) if size else None
    recorded_at_ms = decode_entry(last).recorded_at_ms if last else 0
    root = log_store.root_of(again, size)
    for column, expected, found in (
        ("size", size, head.size),
        ("root", root.hex(), head.root.hex()),
        ("recorded_at_ms", recorded_at_ms, head.recorded_at_ms),
    ):
        if expected != found:
            yield Finding(HEAD.name, "1", column, str(expected), str(found))


def _show(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
