"""Lines of a body that comes in pieces, each of bounded length; no more than one line is held that is not whole."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from ledger.core.jws import STATEMENT_BYTES_MAX
from ledger.errors import LedgerError, Malformed

# A statement as a JSON string: its quotes, and room for a carriage return and some white space.
LINE_BYTES_MAX = STATEMENT_BYTES_MAX + 16


class Line(Struct, frozen=True):
    """A line by its number, from 1 on: the statement that it holds, or why it holds none."""

    number: int
    held: bytes | LedgerError


class Splitter:
    """Cuts what comes in at line feeds. A line that is too long is skipped to its end and is an error of its own."""

    def __init__(self) -> None:
        self._rest = b""
        self._too_long = False
        self._number = 0

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that this piece makes whole; take them all before the next piece."""
        *whole, rest = chunk.split(b"\n")
        for one in whole:
            line = self._line(self._rest + one)
            self._rest, self._too_long = b"", False
            yield line
        self._rest += rest
        if len(self._rest) > LINE_BYTES_MAX:
            self._rest, self._too_long = b"", True

    def end(self) -> Iterator[Line]:
        """The last line, if nothing ended it."""
        if self._rest or self._too_long:
            yield self._line(self._rest)

    def _line(self, raw: bytes) -> Line:
        self._number += 1
        if self._too_long or len(raw) > LINE_BYTES_MAX:
            error = Malformed("too_large", f"a line has at most {LINE_BYTES_MAX} bytes", limit=LINE_BYTES_MAX)
            return Line(self._number, error)
        return Line(self._number, read_statement_line(raw))


def read_statement_line(raw: bytes) -> bytes | LedgerError:
    """The statement that a JSON string holds; what is no such string is an error, given and not raised."""
    try:
        return msgspec.json.decode(raw, type=str).encode("ascii")
    except msgspec.ValidationError:
        return Malformed("bad_schema", "a line holds one JSON string")
    except msgspec.DecodeError as error:
        return Malformed("not_json", str(error))
    except UnicodeError:
        return Malformed("bad_jws", "a statement is ASCII alone")
