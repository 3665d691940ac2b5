"""Entry bytes in their one spelling, and the link of the hash chain.

The longest statement leaves an entry well below the 65,535 bytes that a bundle can hold.

Source: DESIGN 4.2.
"""

from __future__ import annotations

import re

from msgspec import Struct

from ledger.core.jws import STATEMENT_ALPHABET, STATEMENT_BYTES_MAX
from ledger.core.strict import decimal, format_milliseconds, timestamp_milliseconds
from ledger.errors import Malformed

INDEX_MAX = 2**53 - 1
NO_PREVIOUS = bytes(32)

# Everything before the statement; what the numbers mean is left to the strict readers.
_HEAD = re.compile(
    rb'\{"index":([0-9]{1,16}),"previous":"([0-9a-f]{64})","recorded_at":"([0-9TZ:.-]{24})","statement":"'
)


class Entry(Struct, frozen=True, gc=False):
    """One line of the log: a statement, when it was recorded, and the leaf hash of the entry before it."""

    index: int
    previous: bytes
    recorded_at_ms: int
    statement: bytes


def encode_entry(entry: Entry) -> bytes:
    """The bytes that are stored, hashed, served and checked."""
    return b'{"index":%d,"previous":"%b","recorded_at":"%b","statement":"%b"}' % (
        entry.index,
        entry.previous.hex().encode("ascii"),
        format_milliseconds(entry.recorded_at_ms).encode("ascii"),
        entry.statement,
    )


def decode_entry(raw: bytes) -> Entry:
    """Read entry bytes; any other spelling is refused.

    Raises: Malformed `bad_entry`.
    """
    head = _HEAD.match(raw)
    if head is None or not raw.endswith(b'"}'):
        raise Malformed("bad_entry", f"the {len(raw)} bytes are not an entry in its one spelling")
    statement = raw[head.end() : -2]
    if not 0 < len(statement) <= STATEMENT_BYTES_MAX or statement.translate(None, STATEMENT_ALPHABET):
        raise Malformed("bad_entry", "what the entry holds is not a statement")
    index, previous, recorded_at = head.groups()
    try:
        return Entry(
            decimal(index.decode("ascii"), limit=INDEX_MAX),
            bytes.fromhex(previous.decode("ascii")),
            timestamp_milliseconds(recorded_at.decode("ascii")),
            statement,
        )
    except Malformed as error:
        raise Malformed("bad_entry", error.message) from None
