"""Reads for people: claims, parties, sums, entries and what made a record what it is.

Source: DESIGN 6.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, select

from ledger.domain.records import (
    ClaimRecord,
    Record,
    StatementRecord,
    TargetRecord,
)
from ledger.domain.totals import Cell, CellSum
from ledger.store.projection import from_row
from ledger.store.tables import CELL, HISTORY, TABLE_OF, table_name

R = TypeVar("R", bound=Record)

PAGE_MAX = 1_000


def find(connection: Connection, shape: type[R], **columns: Any) -> list[R]:
    """Records whose columns have these values, in the order of their identity."""
    table = TABLE_OF[shape]
    same = [table.c[name] == value for name, value in columns.items()]
    order = [table.c[name] for name in shape.KEY]
    return [from_row(shape, row) for row in connection.execute(select(table).where(*same).order_by(*order))]


def statement_at(connection: Connection, index: int) -> StatementRecord | None:
    """The statement of an entry."""
    found = find(connection, StatementRecord, index=index)
    return found[0] if found else None


def claim_at(connection: Connection, index: int) -> ClaimRecord | None:
    """The claim whose handle is the index of its entry."""
    found = find(connection, ClaimRecord, index=index)
    return found[0] if found else None


def claims(connection: Connection, *, after: int = -1, limit: int = PAGE_MAX, **columns: Any) -> list[ClaimRecord]:
    """Claims by index, from the one after `after`: keyset pages that stay stable while the log grows."""
    table = TABLE_OF[ClaimRecord]
    same = [table.c[name] == value for name, value in columns.items()]
    query = select(table).where(table.c.index > after, *same).order_by(table.c.index).limit(min(limit, PAGE_MAX))
    return [from_row(ClaimRecord, row) for row in connection.execute(query)]


def largest_claims(connection: Connection, party: str, *, limit: int) -> list[ClaimRecord]:
    """The verified claims of a claimant that count most, largest first."""
    table = TABLE_OF[ClaimRecord]
    query = (
        select(table)
        .where(table.c.claimant == party, table.c.status == "verified")
        .order_by(table.c.current_g.desc(), table.c.index)
        .limit(limit)
    )
    return [from_row(ClaimRecord, row) for row in connection.execute(query)]


def targets(connection: Connection) -> list[TargetRecord]:
    """The latest version of every target."""
    latest: dict[str, TargetRecord] = {}
    for target in find(connection, TargetRecord):
        latest[target.id] = target
    return list(latest.values())


def sums(connection: Connection) -> list[CellSum]:
    """Every cell that is not empty."""
    return [CellSum(Cell(*row[:7]), row.grams, row.claims) for row in connection.execute(select(CELL)) if row.claims]


def history(connection: Connection, shape: type[Record], *identity: str | int) -> list[int]:
    """The indexes of the entries that made a record what it is."""
    same = (HISTORY.c.kind == table_name(shape), HISTORY.c.identity == msgspec.json.encode(identity).decode())
    return list(connection.execute(select(HISTORY.c.index).where(*same).order_by(HISTORY.c.index)).scalars())
