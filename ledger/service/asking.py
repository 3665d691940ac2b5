"""What is asked of a list: filters, limit and cursor, every value checked before it reaches the database.

A cursor binds the list, its filters, the size of the log at the first page and
the last index shown, so it serves no other question.

Source: DESIGN 6; THREATS H06, H13, H20.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ledger.core import canonical
from ledger.core.strict import base64url_bytes, decimal, require_plain_text, to_base64url
from ledger.domain.period import parse_day
from ledger.domain.statements import members as m
from ledger.errors import Malformed, Refused
from ledger.store import pages

LIMIT_DEFAULT = 100
LIMIT_MAX = 500
CURSOR_CHARACTERS_MAX = 400
_SHOWN_CHARACTERS_MAX = 80

# Every list: the parameters that narrow it, each with the spelling of its value.
QUEUE = "queue"
PARAMETERS: dict[str, dict[str, Any]] = {
    **{name: {key: one.shape for key, one in listing.filters.items()} for name, listing in pages.LISTS.items()},
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


class Asked(Struct, frozen=True):
    """A question whose every value has been checked."""

    name: str
    where: dict[str, str]
    limit: int
    cursor: str | None

    @property
    def filters(self) -> str:
        """What a cursor of this question carries, so that it serves no other."""
        return sha256(canonical.encode(self.where)).hexdigest()[:16]

    def begin(self, size: int) -> tuple[int, int]:
        """Behind which index and before which size this page lies, in a log of `size` entries.

        Raises: Refused `bad_cursor`.
        """
        if self.cursor is None:
            return -1, size
        try:
            if len(self.cursor) > CURSOR_CHARACTERS_MAX:
                raise Malformed("too_large", "no cursor is that long")
            cursor = canonical.decode_as(base64url_bytes(self.cursor), _Cursor)
        except Malformed:
            raise Refused("bad_cursor", "this is no cursor that a page gave", parameter="cursor") from None
        if (cursor.list, cursor.filters) != (self.name, self.filters):
            raise Refused("bad_cursor", "this cursor belongs to another list, or to other filters", parameter="cursor")
        if not cursor.after < cursor.size <= size:
            raise Refused("bad_cursor", f"this cursor is of no log with {size} entries", parameter="cursor", size=size)
        return cursor.after, cursor.size

    def cursor_after(self, index: int, *, size: int) -> str:
        """The cursor of the page that begins behind an index."""
        return to_base64url(canonical.encode(_Cursor(index, self.filters, self.name, size)))


def ask(name: str, parameters: Iterable[tuple[str, str]]) -> Asked:
    """A question about a list.

    Raises: Refused `unknown_parameter`, `repeated_parameter`, `missing_parameter`, `bad_parameter`.
    """
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
    return Asked(name, where, _limit(given.get("limit")), given.get("cursor"))


def is_spelled(text: str, spelling: Any) -> bool:
    """Whether a text is well formed; whether it is right, or there at all, is another question."""
    try:
        msgspec.convert(text, spelling)
        require_plain_text(text)
        if spelling is m.Day:
            parse_day(text)
    except (msgspec.ValidationError, Malformed):
        return False
    return True


def _checked(parameter: str, text: str, spelling: Any) -> str:
    if not is_spelled(text, spelling):
        shown = ascii(text[:_SHOWN_CHARACTERS_MAX])
        raise Refused(
            "bad_parameter", f"{parameter} cannot be {shown}: it is not spelled as it must be", parameter=parameter
        )
    return text


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
