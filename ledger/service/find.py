"""Finding records: lists with filters, a page at a time, each with the checkpoint at which it is true.

A cursor binds the list, its filters, the size of the log at the first page and
the last index shown. Pages therefore never show a record twice, leave none
out, and show none that came later; what they say of a record is its present
state, as of the checkpoint that each page names. A filter by something that
changes (a claim's status) is judged on that present state as well.

Source: DESIGN 6; THREATS H06, H13, H20.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ledger.core import canonical
from ledger.core.strict import base64url_bytes, decimal, format_milliseconds, require_plain_text, to_base64url
from ledger.domain.period import day_of_ms, parse_day
from ledger.domain.records import (
    AccreditationRecord,
    ClaimRecord,
    KeyRecord,
    MethodologyRecord,
    PartyRecord,
)
from ledger.domain.statements import members as m
from ledger.errors import Malformed, Refused
from ledger.service import findings
from ledger.service.answers import AsOf, FoundClaim, FoundParty, Page, Waiting
from ledger.service.ledger import Ledger
from ledger.store import log_store, pages, queries
from ledger.store.engine import Connection

LIMIT_DEFAULT = 100
LIMIT_MAX = 500
CURSOR_CHARACTERS_MAX = 400
_SHOWN_CHARACTERS_MAX = 80

# Every list: the parameters that narrow it, each with the spelling of its value.
QUEUE = "queue"
PARAMETERS: dict[str, dict[str, Any]] = {
    **{name: {parameter: one.shape for parameter, one in filters.items()} for name, filters in pages.FILTERS.items()},
    QUEUE: {"verifier": m.PartyId},
}
_Index = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class _Cursor(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the next page begins: behind `after`, in what the log held at `size`."""

    after: _Index
    filters: str
    list: str
    size: _Index


canonical.prepare(_Cursor)


class _Asked(Struct, frozen=True):
    """A question whose every value has been checked."""

    name: str
    where: dict[str, str]
    limit: int
    cursor: str | None

    @property
    def filters(self) -> str:
        """What a cursor of this question carries, so that it serves no other."""
        return sha256(canonical.encode(self.where)).hexdigest()[:16]


def find(ledger: Ledger, name: str, parameters: Iterable[tuple[str, str]]) -> Page:
    """One page of a list, oldest first.

    Raises: Refused `unknown_parameter`, `repeated_parameter`, `missing_parameter`, `bad_parameter`, `bad_cursor`.
    """
    asked = _ask(name, parameters)
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        after, end = _begin(asked, head.size)
        if name == QUEUE:
            found = _waiting(connection, asked.where["verifier"], head, after=after, end=end, limit=asked.limit + 1)
        else:
            found = pages.page(connection, name, asked.where, after=after, end=end, limit=asked.limit + 1)
        items: list[Any] = found[: asked.limit]
        if name == QUEUE:
            items = _aged(connection, items, head, verifier=asked.where["verifier"])
    if name == "findings":
        items = [findings.shown(one, now_ms=head.recorded_at_ms) for one in items]
    last = found[asked.limit - 1].index if len(found) > asked.limit else None
    following = None if last is None else _write_cursor(asked, after=last, size=end)
    return Page(_as_of(ledger, head), items, end, following)


def claim(ledger: Ledger, identity: str) -> FoundClaim | None:
    """A claim by its id."""
    if not _is_spelled(identity, m.StatementId):
        return None
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        found = queries.find(connection, ClaimRecord, id=identity)
        if not found:
            return None
        return FoundClaim(_as_of(ledger, head), found[0], queries.history(connection, ClaimRecord, identity))


def party(ledger: Ledger, identity: str) -> FoundParty | None:
    """A party by its id."""
    if not _is_spelled(identity, m.PartyId):
        return None
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        found = queries.find(connection, PartyRecord, id=identity)
        if not found:
            return None
        return FoundParty(
            _as_of(ledger, head),
            found[0],
            queries.find(connection, KeyRecord, owner=identity, serves="party"),
            queries.find(connection, AccreditationRecord, verifier=identity),
            queries.history(connection, PartyRecord, identity),
        )


def _as_of(ledger: Ledger, head: log_store.Head) -> AsOf:
    moment = format_milliseconds(head.recorded_at_ms)
    return AsOf(ledger.origin, head.size, head.root.hex(), moment)


def _ask(name: str, parameters: Iterable[tuple[str, str]]) -> _Asked:
    known = PARAMETERS[name]
    given: dict[str, str] = {}
    for parameter, text in parameters:
        if parameter not in known and parameter not in ("limit", "cursor"):
            shown = ascii(parameter[:_SHOWN_CHARACTERS_MAX])
            raise Refused(
                "unknown_parameter", f"{name} takes no {shown}; it takes {', '.join([*known, 'limit', 'cursor'])}"
            )
        if parameter in given:
            raise Refused("repeated_parameter", f"{parameter} is given twice", parameter=parameter)
        given[parameter] = text
    where = {
        parameter: _checked(parameter, given[parameter], known[parameter]) for parameter in known if parameter in given
    }
    if name == QUEUE and not where:
        raise Refused("missing_parameter", "a queue is that of a verifier", parameter="verifier")
    if "start" in where and "end" in where and parse_day(where["start"]) >= parse_day(where["end"]):
        raise Refused("bad_parameter", "the period must end after it begins; the end is exclusive", parameter="end")
    return _Asked(name, where, _limit(given.get("limit")), given.get("cursor"))


def _checked(parameter: str, text: str, spelling: Any) -> str:
    try:
        if not _is_spelled(text, spelling):
            raise Malformed("bad_text", "it is not spelled as it must be")
        require_plain_text(text)
        if spelling is m.Day:
            parse_day(text)
    except Malformed as error:
        shown = ascii(text[:_SHOWN_CHARACTERS_MAX])
        raise Refused("bad_parameter", f"{parameter} cannot be {shown}: {error.message}", parameter=parameter) from None
    return text


def _is_spelled(text: str, spelling: Any) -> bool:
    try:
        msgspec.convert(text, spelling)
    except msgspec.ValidationError:
        return False
    return True


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT_DEFAULT
    try:
        limit = decimal(text, limit=LIMIT_MAX)
    except Malformed:
        limit = 0
    if limit == 0:
        raise Refused("bad_parameter", f"limit must be a number from 1 to {LIMIT_MAX}", parameter="limit")
    return limit


def _begin(asked: _Asked, size: int) -> tuple[int, int]:
    """Behind which index and before which size this page lies.

    Raises: Refused `bad_cursor`.
    """
    if asked.cursor is None:
        return -1, size
    try:
        if len(asked.cursor) > CURSOR_CHARACTERS_MAX:
            raise Malformed("too_large", "no cursor is that long")
        cursor = canonical.decode_as(base64url_bytes(asked.cursor), _Cursor)
    except Malformed:
        raise Refused("bad_cursor", "this is no cursor that a page gave", parameter="cursor") from None
    if (cursor.list, cursor.filters) != (asked.name, asked.filters):
        raise Refused("bad_cursor", "this cursor belongs to another list, or to other filters", parameter="cursor")
    if not cursor.after < cursor.size <= size:
        raise Refused("bad_cursor", f"this cursor is of no log with {size} entries", parameter="cursor", size=size)
    return cursor.after, cursor.size


def _write_cursor(asked: _Asked, *, after: int, size: int) -> str:
    return to_base64url(canonical.encode(_Cursor(after, asked.filters, asked.name, size)))


def _waiting(
    connection: Connection, verifier: str, head: log_store.Head, *, after: int, end: int, limit: int
) -> list[Any]:
    """Claims by methodologies whose family and sector one grant in force covers, on the day of the log's head."""
    today = day_of_ms(head.recorded_at_ms)
    grants = [
        grant
        for grant in queries.find(connection, AccreditationRecord, verifier=verifier, status="in-force")
        if grant.from_day <= today < grant.until_day
    ]
    if not grants:
        return []
    covered = {
        (one.id, one.version)
        for one in queries.find(connection, MethodologyRecord)
        if any(one.subject.family in grant.families and one.subject.sector in grant.sectors for grant in grants)
    }
    return pages.waiting(connection, covered, after=after, end=end, limit=limit)


def _aged(connection: Connection, claims: list[ClaimRecord], head: log_store.Head, *, verifier: str) -> list[Waiting]:
    moments = pages.recorded_at_ms(connection, [one.index for one in claims])
    return [
        Waiting(
            claim=one,
            recorded_at=format_milliseconds(moments[one.index]),
            age_s=(head.recorded_at_ms - moments[one.index]) // 1000,
            attested=any(counting.verifier == verifier for counting in one.attestations),
        )
        for one in claims
    ]
