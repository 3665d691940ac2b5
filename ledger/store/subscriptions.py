"""Rows of who is told of new entries, and of what they have still to be told. Tenants are separated in each query.

Source: DESIGN 7; THREATS H10, T18.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, case, delete, func, select, update

from ledger.domain.records import AttestationRecord, ClaimRecord, StatementRecord
from ledger.store.projection import from_row, insert_rows
from ledger.store.service_tables import DELIVERY, SUBSCRIPTION
from ledger.store.tables import TABLE_OF

_CHUNK = 500
_CLAIM, _ATTESTATION, _STATEMENT = (TABLE_OF[one] for one in (ClaimRecord, AttestationRecord, StatementRecord))


class Subscribed(NamedTuple):
    """A subscription; columns in the order of the table."""

    id: str
    owner: str
    url: str
    filters: str
    created_ms: int
    next_index: int
    delivered: int


class Pending(NamedTuple):
    """An entry that a subscriber has still to be told of; columns in the order of the table."""

    subscription: str
    entry: int
    attempts: int
    due_ms: int
    dead: bool
    problem: str | None


class Load(NamedTuple):
    """How many deliveries wait, and how many were given up."""

    pending: int
    dead: int


def add(connection: Connection, one: Subscribed) -> None:
    """Keep a new subscription."""
    insert_rows(connection, SUBSCRIPTION, [one])


def of_owner(connection: Connection, owner: str) -> list[Subscribed]:
    """A party's subscriptions, oldest first."""
    query = select(SUBSCRIPTION).where(SUBSCRIPTION.c.owner == owner)
    return [
        Subscribed(*row) for row in connection.execute(query.order_by(SUBSCRIPTION.c.created_ms, SUBSCRIPTION.c.id))
    ]


def get(connection: Connection, owner: str, identity: str) -> Subscribed | None:
    """One of a party's own subscriptions."""
    same = (SUBSCRIPTION.c.owner == owner, SUBSCRIPTION.c.id == identity)
    row = connection.execute(select(SUBSCRIPTION).where(*same)).first()
    return None if row is None else Subscribed(*row)


def count(connection: Connection) -> int:
    """Number of all subscriptions."""
    return int(connection.execute(select(func.count()).select_from(SUBSCRIPTION)).scalar_one())


def remove(connection: Connection, owner: str, identity: str) -> bool:
    """Remove a subscription and what it had still to be told; False where there is none."""
    same = (SUBSCRIPTION.c.owner == owner, SUBSCRIPTION.c.id == identity)
    if connection.execute(delete(SUBSCRIPTION).where(*same)).rowcount != 1:
        return False
    connection.execute(delete(DELIVERY).where(DELIVERY.c.subscription == identity))
    return True


def by_id(connection: Connection, identities: Collection[str]) -> dict[str, Subscribed]:
    """Subscriptions of whomever."""
    query = select(SUBSCRIPTION).where(SUBSCRIPTION.c.id.in_(sorted(identities)))
    return {row.id: Subscribed(*row) for row in connection.execute(query)}


def behind(connection: Connection, size: int) -> list[Subscribed]:
    """Subscriptions that were not looked at for every entry below `size`."""
    query = select(SUBSCRIPTION).where(SUBSCRIPTION.c.next_index < size)
    return [Subscribed(*row) for row in connection.execute(query.order_by(SUBSCRIPTION.c.next_index))]


def loads(connection: Connection) -> dict[str, Load]:
    """What waits and what was given up, by subscription; those with neither are left out."""
    dead = func.sum(case((DELIVERY.c.dead, 1), else_=0))
    query = select(DELIVERY.c.subscription, func.count(), dead).group_by(DELIVERY.c.subscription)
    return {row[0]: Load(int(row[1]) - int(row[2]), int(row[2])) for row in connection.execute(query)}


def problems(connection: Connection) -> list[tuple[str, str, int]]:
    """Each subscription that something failed for, each problem, and when it is tried again; the latest last."""
    until_ms = func.max(DELIVERY.c.due_ms)
    query = select(DELIVERY.c.subscription, DELIVERY.c.problem, until_ms).where(DELIVERY.c.problem.is_not(None))
    rows = connection.execute(query.group_by(DELIVERY.c.subscription, DELIVERY.c.problem).order_by(until_ms))
    return [(row[0], row[1], int(row[2])) for row in rows]


def advance(connection: Connection, one: Subscribed, *, next_index: int, indexes: Sequence[int], due_ms: int) -> bool:
    """Note that a subscription was looked at up to `next_index`, and what it must be told; False if it is gone."""
    same = (SUBSCRIPTION.c.id == one.id, SUBSCRIPTION.c.next_index == one.next_index)
    if connection.execute(update(SUBSCRIPTION).where(*same).values(next_index=next_index)).rowcount != 1:
        return False
    insert_rows(connection, DELIVERY, [Pending(one.id, index, 0, due_ms, False, None) for index in indexes])
    return True


def due(connection: Connection, now_ms: int, *, limit: int) -> list[Pending]:
    """Deliveries whose time has come, those that waited longest first."""
    query = select(DELIVERY).where(DELIVERY.c.due_ms <= now_ms, DELIVERY.c.dead.is_(False))
    order = (DELIVERY.c.due_ms, DELIVERY.c.subscription, DELIVERY.c.index)
    return [Pending(*row) for row in connection.execute(query.order_by(*order).limit(limit))]


def dead(connection: Connection, identity: str, *, limit: int) -> list[Pending]:
    """Deliveries that were given up, by index."""
    same = (DELIVERY.c.subscription == identity, DELIVERY.c.dead.is_(True))
    query = select(DELIVERY).where(*same).order_by(DELIVERY.c.index).limit(limit)
    return [Pending(*row) for row in connection.execute(query)]


def revive(connection: Connection, identity: str, *, due_ms: int) -> int:
    """Let what was given up be tried again from the beginning; gives how many."""
    same = (DELIVERY.c.subscription == identity, DELIVERY.c.dead.is_(True))
    fresh = update(DELIVERY).where(*same).values(dead=False, attempts=0, due_ms=due_ms, problem=None)
    return connection.execute(fresh).rowcount


def delivered(connection: Connection, identity: str, indexes: Sequence[int]) -> None:
    """Forget deliveries that were received, and count them."""
    same = (DELIVERY.c.subscription == identity, DELIVERY.c.index.in_(indexes))
    gone = connection.execute(delete(DELIVERY).where(*same)).rowcount
    more = SUBSCRIPTION.c.delivered + gone
    connection.execute(update(SUBSCRIPTION).where(SUBSCRIPTION.c.id == identity).values(delivered=more))


def failed(connection: Connection, one: Pending) -> None:
    """Note a failed attempt; without a row there is nothing to note, for the subscription is gone."""
    same = (DELIVERY.c.subscription == one.subscription, DELIVERY.c.index == one.entry)
    values = {"attempts": one.attempts, "due_ms": one.due_ms, "dead": one.dead, "problem": one.problem}
    connection.execute(update(DELIVERY).where(*same).values(**values))


def postpone(connection: Connection, identity: str, *, due_ms: int) -> None:
    """Let everything that waits for a subscriber wait until then."""
    same = (DELIVERY.c.subscription == identity, DELIVERY.c.dead.is_(False), DELIVERY.c.due_ms < due_ms)
    connection.execute(update(DELIVERY).where(*same).values(due_ms=due_ms))


def statements(connection: Connection, *, first: int, end: int) -> list[StatementRecord]:
    """The statements of the entries [first, end), in order."""
    within = (_STATEMENT.c.index >= first, _STATEMENT.c.index < end)
    rows = connection.execute(select(_STATEMENT).where(*within).order_by(_STATEMENT.c.index))
    return [from_row(StatementRecord, row) for row in rows]


def statements_at(connection: Connection, indexes: Collection[int]) -> dict[int, StatementRecord]:
    """The statements of these entries."""
    rows = connection.execute(select(_STATEMENT).where(_STATEMENT.c.index.in_(sorted(indexes))))
    found = [from_row(StatementRecord, row) for row in rows]
    return {one.index: one for one in found}


def claims_meant(connection: Connection, identities: Collection[str]) -> dict[str, tuple[str, str]]:
    """Of these ids, those of a claim or of an attestation of one: id -> (claim, claimant)."""
    found: dict[str, tuple[str, str]] = {}
    asked = sorted(identities)
    for at in range(0, len(asked), _CHUNK):
        some = asked[at : at + _CHUNK]
        own = select(_CLAIM.c.id, _CLAIM.c.id, _CLAIM.c.claimant).where(_CLAIM.c.id.in_(some))
        through = (
            select(_ATTESTATION.c.id, _CLAIM.c.id, _CLAIM.c.claimant)
            .join(_CLAIM, _CLAIM.c.id == _ATTESTATION.c.claim)
            .where(_ATTESTATION.c.id.in_(some))
        )
        for query in (own, through):
            found.update({row[0]: (row[1], row[2]) for row in connection.execute(query)})
    return found
