"""What stands behind a request of many lines: the splitter, whatever the pieces, and the spool, whoever is faster.

Covers THREATS H01.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.ndjson import LINE_BYTES_MAX, Splitter
from api.spool import IN_MEMORY_BYTES_MAX, Spool
from ledger.errors import LedgerError

LINES = st.lists(st.sampled_from([b"", b"x", b'"a"', b'"a.b"', b'"' + b"y" * (LINE_BYTES_MAX + 5) + b'"']), max_size=6)


@given(LINES, st.lists(st.integers(0, 3 * LINE_BYTES_MAX), max_size=8), st.booleans())
def test_pieces_make_no_difference(lines: list[bytes], cuts: list[int], ended: bool) -> None:
    body = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    splitter, found = Splitter(), []
    for start, end in pairwise(edges):
        found += splitter.feed(body[start:end])
        assert len(splitter._rest) <= LINE_BYTES_MAX
    found += splitter.end()
    # A line feed ends a line: after the last one there is none.
    expected = lines if ended or not lines or lines[-1] else lines[:-1]
    assert [one.number for one in found] == list(range(1, len(expected) + 1))
    assert [one.held.code if isinstance(one.held, LedgerError) else one.held for one in found] == [
        {b"": "not_json", b"x": "not_json"}.get(one, "too_large" if len(one) > 9 else one.strip(b'"'))
        for one in expected
    ]


def test_a_spool_gives_what_was_put_in_its_order_and_holds_no_more_than_its_bound() -> None:
    limit = 3 * IN_MEMORY_BYTES_MAX
    pieces = [bytes([number]) * (IN_MEMORY_BYTES_MAX // 2) for number in range(40)]
    whole = b"".join(pieces)

    async def run() -> bytes:
        spool, taken = Spool(bytes_max=limit), []

        async def put() -> None:
            for piece in pieces:
                await spool.put(piece)
                assert spool._written <= limit
            await spool.end()

        putting = asyncio.create_task(put())
        await asyncio.sleep(0.01)
        assert not putting.done()  # more than the bound is to come, and nobody takes anything
        while raw := await spool.take(100_000):
            taken.append(raw)
        await putting
        spool.close()
        return b"".join(taken)

    assert asyncio.run(run()) == whole


def test_one_piece_above_the_bound_passes_alone() -> None:
    async def run() -> bytes:
        spool = Spool(bytes_max=10)
        await spool.put(b"x" * 25)
        await spool.end()
        with closing(spool):
            return await spool.take(100)

    assert asyncio.run(run()) == b"x" * 25
