"""Telling subscribers of new entries: what is due, and what came of it. No network here.

New entries become deliveries, one for each subscriber that wants it, in the order of the log. A delivery is tried
again later and later, and given up after `ATTEMPTS_MAX`. Of one subscriber only `PENDING_MAX` wait at a time: the
log itself is the queue behind them, so a dead receiver costs a cursor and no storage. A receiver that cannot be
reached is asked once for all that waits for it.

At least once: what was received and not yet noted when the process died is sent again.
Source: DESIGN 7.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from ledger.core.entry import decode_entry
from ledger.core.jws import open_jws
from ledger.domain.records import StatementRecord
from ledger.sequencer.clock import now_ms
from ledger.service.ledger import Ledger
from ledger.service.webhooks import filters_of
from ledger.store import log_store
from ledger.store import subscriptions as rows
from ledger.store.beside import writing
from ledger.store.engine import Connection
from ledger.store.only_one import OnlyOne
from ledger.store.postgres import WRITER_LOCK

ATTEMPTS_MAX = 12
# 5, 15, 45 s, and so on up to six hours: in all, twelve attempts take about a day.
RETRY_FIRST_MS = 5_000
RETRY_FACTOR = 3
RETRY_MAX_MS = 6 * 3_600_000
PENDING_MAX = 64
DEAD_MAX = 200
PARCEL_MAX = 16
DUE_MAX = 2_000
ENTRIES_AT_ONCE_MAX = 200

_PPM = 1_000_000
_JITTER_PPM = 250_000
_DELIVERER_LOCK = WRITER_LOCK + 16
_IDS = re.compile(rb"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Item(Struct, frozen=True):
    """An entry to tell of, and how often that was tried."""

    statement: StatementRecord
    attempts: int


class Parcel(Struct, frozen=True):
    """What one subscriber is to be told now, in the order of the log; `size` is that of the signed log."""

    subscription: str
    url: str
    size: int
    items: tuple[Item, ...]


class Outcome(Struct, frozen=True):
    """What came of one attempt: no problem, or which.

    Units: `chance_ppm` a random number, by which attempts of many subscribers are spread.
    """

    index: int
    attempts: int
    problem: str | None = None
    chance_ppm: int = 0

    @property
    def is_last(self) -> bool:
        """Whether this attempt was the last."""
        return self.problem is not None and self.attempts + 1 >= ATTEMPTS_MAX

    @property
    def is_unreachable(self) -> bool:
        """Whether any other delivery would have met the same."""
        return self.problem is not None and meets_all(self.problem)


def deliverer(ledger: Ledger) -> OnlyOne:
    """The right to deliver, which one process has at a time."""
    return OnlyOne(ledger.engine, path=ledger.directory / "webhooks.lock", number=_DELIVERER_LOCK)


def spread(ledger: Ledger) -> bool:
    """Turn new entries into deliveries; True while there are more to look at.

    Raises: Unavailable `busy`, `database_unusable`.
    """
    with ledger.reading() as connection:
        size = log_store.read_head(connection).checkpoint_size
        behind = rows.behind(connection, size)
        if not behind:
            return False
        plan = _plan(connection, behind, size)
    if not plan:
        return False
    with writing(ledger.engine) as connection:
        begin_ms = now_ms()
        # Who could not be reached is not asked again for every new entry.
        later_ms = {one: due_ms for one, problem, due_ms in rows.problems(connection) if meets_all(problem)}
        for one, indexes, next_index in plan:
            due_ms = max(begin_ms, later_ms.get(one.id, 0))
            rows.advance(connection, one, next_index=next_index, indexes=indexes, due_ms=due_ms)
    return True


def due(ledger: Ledger, *, busy: Collection[str]) -> list[Parcel]:
    """What is to be sent now, except to those that something is being sent to.

    Raises: Unavailable `busy`, `database_unusable`.
    """
    with ledger.reading() as connection:
        by_subscription: dict[str, list[rows.Pending]] = {}
        for one in rows.due(connection, now_ms(), limit=DUE_MAX):
            if one.subscription not in busy:
                by_subscription.setdefault(one.subscription, []).append(one)
        if not by_subscription:
            return []
        size = log_store.read_head(connection).checkpoint_size
        known = rows.by_id(connection, by_subscription)
        wanted = {one: sorted(by_subscription[one], key=_index)[:PARCEL_MAX] for one in known}
        told = rows.statements_at(connection, {pending.entry for some in wanted.values() for pending in some})
    return [
        Parcel(one, known[one].url, size, tuple(Item(told[pending.entry], pending.attempts) for pending in some))
        for one, some in wanted.items()
    ]


def settle(ledger: Ledger, subscription: str, outcomes: Sequence[Outcome]) -> None:
    """Note what came of attempts.

    Raises: Unavailable `busy`, `database_unusable`.
    """
    received = [one.index for one in outcomes if one.problem is None]
    with writing(ledger.engine) as connection:
        if received:
            rows.delivered(connection, subscription, received)
        for one in outcomes:
            if one.problem is not None:
                due_ms = now_ms() + retry_ms(one.attempts, chance_ppm=one.chance_ppm)
                noted = rows.Pending(subscription, one.index, one.attempts + 1, due_ms, one.is_last, one.problem)
                rows.failed(connection, noted)
                if one.is_unreachable:
                    rows.postpone(connection, subscription, due_ms=due_ms)


def load(ledger: Ledger) -> rows.Load:
    """What waits and what was given up, of all subscribers together.

    Raises: Unavailable `busy`, `database_unusable`.
    """
    with ledger.reading() as connection:
        loads = rows.loads(connection).values()
    return rows.Load(sum(one.pending for one in loads), sum(one.dead for one in loads))


def retry_ms(attempts: int, *, chance_ppm: int) -> int:
    """How long to wait after so many failed attempts before this one, give or take a quarter."""
    plain: int = min(RETRY_MAX_MS, RETRY_FIRST_MS * RETRY_FACTOR**attempts)
    return plain * (_PPM - _JITTER_PPM + 2 * _JITTER_PPM * chance_ppm // _PPM) // _PPM


def meets_all(problem: str) -> bool:
    """Whether a problem is one of the receiver as a whole, rather than of what it was told."""
    if not problem.startswith("status_"):
        return True
    status = problem.removeprefix("status_")
    return status == "429" or status >= "500"


def _index(one: rows.Pending) -> int:
    return one.entry


def _plan(
    connection: Connection, behind: Sequence[rows.Subscribed], size: int
) -> list[tuple[rows.Subscribed, list[int], int]]:
    """For each subscription: which of the next entries it wants, and where it goes on. No room, no step."""
    loads = rows.loads(connection)
    seen: dict[tuple[int, bool], list[tuple[StatementRecord, frozenset[tuple[str, str]]]]] = {}
    plan = []
    for one in behind:
        load = loads.get(one.id, rows.Load(0, 0))
        room = PENDING_MAX - load.pending if load.dead < DEAD_MAX else 0
        if room <= 0:
            continue
        filters = filters_of(one)
        key = (one.next_index, filters.need_claims)
        if key not in seen:
            seen[key] = _describe(connection, first=one.next_index, size=size, with_claims=filters.need_claims)
        indexes: list[int] = []
        next_index = one.next_index
        for statement, about in seen[key]:
            wanted = filters.meet(kind=statement.kind, issuer=statement.issuer, about=about)
            if wanted and len(indexes) == room:
                break
            if wanted:
                indexes.append(statement.index)
            next_index = statement.index + 1
        plan.append((one, indexes, next_index))
    return plan


def _describe(
    connection: Connection, *, first: int, size: int, with_claims: bool
) -> list[tuple[StatementRecord, frozenset[tuple[str, str]]]]:
    """The next entries, each with the claims that it is about."""
    end = min(size, first + ENTRIES_AT_ONCE_MAX)
    statements = rows.statements(connection, first=first, end=end)
    if not with_claims:
        return [(one, frozenset()) for one in statements]
    named = {
        index: {found.decode() for found in _IDS.findall(open_jws(decode_entry(raw).statement).payload)}
        for index, _, raw in log_store.read_entries(connection, first=first, end=end)
    }
    meant = rows.claims_meant(connection, {one for some in named.values() for one in some})
    return [(one, _about(named[one.index], meant)) for one in statements]


def _about(named: Collection[str], meant: Mapping[str, tuple[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset(meant[one] for one in named if one in meant)
