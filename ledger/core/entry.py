"""Entry bytes in their one spelling, and the link of the hash chain.

Source: DESIGN 4.2.
"""

from __future__ import annotations

from msgspec import Struct

from ledger.core.jws import STATEMENT_BYTES_MAX
from ledger.core.strict import decimal, format_milliseconds, hex_bytes, timestamp_milliseconds
from ledger.errors import Malformed

ENTRY_BYTES_MAX = 65_535
INDEX_MAX = 2**53 - 1
NO_PREVIOUS = bytes(32)

_PREVIOUS, _RECORDED, _STATEMENT = b',"previous":"', b'","recorded_at":"', b'","statement":"'
_RECORDED_CHARACTERS = 24


class Entry(Struct, frozen=True):
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
    if len(raw) > ENTRY_BYTES_MAX:
        raise Malformed("bad_entry", f"{len(raw)} bytes, an entry has at most {ENTRY_BYTES_MAX}")
    at = raw.find(_PREVIOUS, 9, 40)
    previous_at = at + len(_PREVIOUS)
    recorded_at = previous_at + 64 + len(_RECORDED)
    statement_at = recorded_at + _RECORDED_CHARACTERS + len(_STATEMENT)
    well_formed = (
        raw.startswith(b'{"index":')
        and at > 0
        and raw[previous_at + 64 : recorded_at] == _RECORDED
        and raw[recorded_at + _RECORDED_CHARACTERS : statement_at] == _STATEMENT
        and raw.endswith(b'"}')
        and raw.isascii()
    )
    statement = raw[statement_at:-2]
    if not well_formed or not 0 < len(statement) <= STATEMENT_BYTES_MAX or b'"' in statement or b"\\" in statement:
        raise Malformed("bad_entry", "the bytes are not an entry in its one spelling")
    try:
        return Entry(
            decimal(raw[9:at].decode("ascii"), limit=INDEX_MAX),
            hex_bytes(raw[previous_at : previous_at + 64].decode("ascii"), size=32),
            timestamp_milliseconds(raw[recorded_at : recorded_at + _RECORDED_CHARACTERS].decode("ascii")),
            statement,
        )
    except Malformed as error:
        raise Malformed("bad_entry", error.message) from None
