"""Being told of new entries: a party's subscriptions, and what it could not be told.

What is told is public, so no subscription may show more than the log does; which subscriptions there are, and to
which addresses, is their owner's alone.

Source: DESIGN 7; THREATS H10, H14.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

import msgspec
import uuid_utils
from msgspec import Meta, Struct

from ledger.core.strict import format_milliseconds
from ledger.domain.statements import KINDS
from ledger.domain.statements import members as m
from ledger.errors import Malformed, NotAllowed
from ledger.sequencer.clock import now_ms
from ledger.service.addresses import URL_CHARACTERS_MAX, Allowed, require_allowed
from ledger.service.ledger import Ledger
from ledger.store import log_store
from ledger.store import subscriptions as rows
from ledger.store.beside import writing

OF_ONE_MAX = 20
OF_ALL_MAX = 1_000
FILTER_VALUES_MAX = 50
DEAD_SHOWN_MAX = 100

_Several = Meta(min_length=1, max_length=FILTER_VALUES_MAX)
Kind = Annotated[str, Meta(pattern=rf"\A(?:{'|'.join(KINDS)})\Z")]


class Filters(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which entries: of these kinds, and by these issuers, and about these claims or claims of these claimants."""

    kinds: Annotated[tuple[Kind, ...], _Several] | None = None
    issuers: Annotated[tuple[m.PartyId, ...], _Several] | None = None
    claims: Annotated[tuple[m.StatementId, ...], _Several] | None = None
    claimants: Annotated[tuple[m.PartyId, ...], _Several] | None = None

    @property
    def need_claims(self) -> bool:
        """Whether the claims that an entry is about must be looked up."""
        return self.claims is not None or self.claimants is not None

    def meet(self, *, kind: str, issuer: str, about: Collection[tuple[str, str]]) -> bool:
        """Whether an entry is wanted; `about` are the claims that it is about, each with its claimant."""
        return (
            (self.kinds is None or kind in self.kinds)
            and (self.issuers is None or issuer in self.issuers)
            and (self.claims is None or any(claim in self.claims for claim, _ in about))
            and (self.claimants is None or any(claimant in self.claimants for _, claimant in about))
        )


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """What a subscription is asked for."""

    url: Annotated[str, Meta(min_length=1, max_length=URL_CHARACTERS_MAX)]
    filters: Filters = Filters()


class Subscription(Struct, frozen=True):
    """A subscription as its owner sees it. Entries below `next_index` were looked at already."""

    id: str
    url: str
    filters: Filters
    created_at: str
    next_index: int
    delivered: int
    pending: int
    dead: int


class Dead(Struct, frozen=True):
    """An entry that the subscriber could not be told of, and what went wrong last."""

    index: int
    attempts: int
    problem: str | None


def subscribe(ledger: Ledger, wanted: Wanted, *, owner: str, allowed: Collection[Allowed]) -> Subscription:
    """Tell a party of every entry from now on that meets the filters.

    Raises: NotAllowed `address_not_allowed`, `quota_used_up`; Unavailable `busy`, `database_unusable`.
    """
    require_allowed(wanted.url, allowed)
    with writing(ledger.engine) as connection:
        if len(rows.of_owner(connection, owner)) >= OF_ONE_MAX or rows.count(connection) >= OF_ALL_MAX:
            raise NotAllowed("quota_used_up", f"a party has at most {OF_ONE_MAX} subscriptions", limit=OF_ONE_MAX)
        one = rows.Subscribed(
            id=str(uuid_utils.uuid7()),
            owner=owner,
            url=wanted.url,
            filters=msgspec.json.encode(wanted.filters).decode(),
            created_ms=now_ms(),
            next_index=log_store.read_head(connection).checkpoint_size,
            delivered=0,
        )
        rows.add(connection, one)
    return _shown(one, rows.Load(0, 0))


def listed(ledger: Ledger, *, owner: str) -> list[Subscription]:
    """A party's subscriptions, oldest first.

    Raises: Unavailable `busy`, `database_unusable`.
    """
    with ledger.reading() as connection:
        loads = rows.loads(connection)
        return [_shown(one, loads.get(one.id, rows.Load(0, 0))) for one in rows.of_owner(connection, owner)]


def get(ledger: Ledger, identity: str, *, owner: str) -> Subscription:
    """One of a party's own subscriptions.

    Raises: Malformed `no_webhook`; Unavailable `busy`, `database_unusable`.
    """
    with ledger.reading() as connection:
        one = rows.get(connection, owner, identity)
        if one is None:
            raise _missing()
        return _shown(one, rows.loads(connection).get(identity, rows.Load(0, 0)))


def remove(ledger: Ledger, identity: str, *, owner: str) -> None:
    """End a subscription; what is under way may still arrive.

    Raises: Malformed `no_webhook`; Unavailable `busy`, `database_unusable`.
    """
    with writing(ledger.engine) as connection:
        if not rows.remove(connection, owner, identity):
            raise _missing()


def dead(ledger: Ledger, identity: str, *, owner: str) -> list[Dead]:
    """The first entries that the subscriber could not be told of.

    Raises: Malformed `no_webhook`; Unavailable `busy`, `database_unusable`.
    """
    with ledger.reading() as connection:
        if rows.get(connection, owner, identity) is None:
            raise _missing()
        found = rows.dead(connection, identity, limit=DEAD_SHOWN_MAX)
        return [Dead(one.entry, one.attempts, one.problem) for one in found]


def revive(ledger: Ledger, identity: str, *, owner: str) -> int:
    """Try again what was given up; gives how many.

    Raises: Malformed `no_webhook`; Unavailable `busy`, `database_unusable`.
    """
    with writing(ledger.engine) as connection:
        if rows.get(connection, owner, identity) is None:
            raise _missing()
        return rows.revive(connection, identity, due_ms=now_ms())


def filters_of(one: rows.Subscribed) -> Filters:
    """The filters of a subscription as they are kept."""
    return msgspec.json.decode(one.filters, type=Filters)


def _shown(one: rows.Subscribed, load: rows.Load) -> Subscription:
    created = format_milliseconds(one.created_ms)
    return Subscription(
        one.id, one.url, filters_of(one), created, one.next_index, one.delivered, load.pending, load.dead
    )


def _missing() -> Malformed:
    return Malformed("no_webhook", "you have no subscription with this id")
