"""Drafts: bytes that a party keeps here before it signs them, or between two signatures. Nobody else sees them.

Source: DESIGN 7; THREATS T18, H10, H11.
"""

from __future__ import annotations

import re

from msgspec import Struct

from ledger.core.strict import format_milliseconds
from ledger.errors import Malformed, NotAllowed
from ledger.sequencer.clock import now_ms
from ledger.service.ledger import Ledger
from ledger.store import beside

DRAFT_BYTES_MAX = 64 * 1024
DRAFTS_OF_ONE_MAX = 1_000

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")


class Draft(Struct, frozen=True):
    """A draft without its bytes. Units: `size` in bytes."""

    id: str
    size: int
    changed_at: str


def listed(ledger: Ledger, *, owner: str) -> list[Draft]:
    """A party's drafts, the latest change first; there are never more than `DRAFTS_OF_ONE_MAX`."""
    with ledger.reading() as connection:
        kept = beside.drafts(connection, owner)
    return [Draft(one.id, one.size, format_milliseconds(one.changed_ms)) for one in kept]


def put(ledger: Ledger, identity: str, body: bytes, *, owner: str) -> bool:
    """Keep a draft, or another version of it; True where it is new. The id is the party's own choice, a UUID.

    Raises: Malformed `bad_draft_id`, `too_large`; NotAllowed `quota_used_up`; Unavailable `busy`, `database_unusable`.
    """
    if not _UUID.match(identity):
        raise Malformed("bad_draft_id", f"{identity[:60]!a} is no UUID in lower case")
    if len(body) > DRAFT_BYTES_MAX:
        raise Malformed("too_large", f"{len(body)} bytes, a draft has at most {DRAFT_BYTES_MAX}", limit=DRAFT_BYTES_MAX)
    with beside.writing(ledger.engine) as connection:
        new = beside.draft(connection, owner, identity) is None
        if new and beside.drafts_kept(connection, owner) >= DRAFTS_OF_ONE_MAX:
            raise NotAllowed(
                "quota_used_up", f"a party keeps at most {DRAFTS_OF_ONE_MAX} drafts", limit=DRAFTS_OF_ONE_MAX
            )
        beside.write_draft(connection, owner, identity, body, changed_ms=now_ms())
    return new


def get(ledger: Ledger, identity: str, *, owner: str) -> bytes:
    """The bytes of a draft.

    Raises: Malformed `no_draft`; Unavailable `busy`, `database_unusable`.
    """
    with ledger.reading() as connection:
        body = beside.draft(connection, owner, identity)
    if body is None:
        raise _missing()
    return body


def delete(ledger: Ledger, identity: str, *, owner: str) -> None:
    """Remove a draft.

    Raises: Malformed `no_draft`; Unavailable `busy`, `database_unusable`.
    """
    with beside.writing(ledger.engine) as connection:
        gone = beside.delete_draft(connection, owner, identity)
    if not gone:
        raise _missing()


def _missing() -> Malformed:
    return Malformed("no_draft", "you keep no draft with this id")
