"""The QR code of a certificate, as rectangles: address, index and whole hash, error correction M.

Source: ISO/IEC 18004; CERTIFICATE 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import segno


class Bar(NamedTuple):
    """Dark modules side by side, counted from the upper left corner of the code."""

    row: int
    column: int
    length: int


def bars(text: str) -> tuple[int, list[Bar]]:
    """Modules a side, and the dark bars of a code for this text."""
    code = segno.make_qr(text, error="m", boost_error=False)
    rows = [list(row) for row in code.matrix]
    return len(rows), [bar for number, row in enumerate(rows) for bar in _bars_of(number, row)]


def _bars_of(number: int, row: list[int]) -> Iterator[Bar]:
    start: int | None = None
    for column, dark in enumerate([*row, 0]):
        if dark and start is None:
            start = column
        elif not dark and start is not None:
            yield Bar(number, start, column - start)
            start = None
