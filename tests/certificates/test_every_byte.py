"""No byte of a sealed certificate can be changed: every one of them is tried. THREATS P01, M18.

One real certificate, some 190,000 bytes. Every byte of the file is changed in turn, by one bit. In the signature and in
the whole revision that holds it (the fields, the cross-reference table, the trailer) each of the eight bits of every
byte is flipped in turn; only of the zeros that pad the signature it is one bit of each.

What is called is the first step of the check, which alone decides about bytes: `test_verify` holds that the whole check
goes by it. A share of the file is a test of its own, so that several processes can share the work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from ledger.errors import LedgerError
from tests.certificates.conftest import Issued
from verifier.seal import require_sealed

SHARES = 8
CODES = {"bad_seal", "not_sealed", "not_a_certificate", "seal_not_pinned"}


def refusal(issued: Issued, pdf: bytes) -> str:
    try:
        require_sealed(pdf, pinned=issued.trust.seal)
    except LedgerError as error:
        return error.code
    return "accepted"


def not_refused(issued: Issued, changes: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The changes, as (place, bit), after which the seal still holds, or fails for a reason that is no reason."""
    pdf = bytearray(issued.sealed)
    found = []
    for place, bit in changes:
        pdf[place] ^= 1 << bit
        if refusal(issued, bytes(pdf)) not in CODES:
            found.append((place, bit))
        pdf[place] ^= 1 << bit
    assert bytes(pdf) == issued.sealed
    return found


def signature_of(pdf: bytes) -> tuple[int, int, int]:
    """Where the signature begins, where its padding begins, and where the signed bytes go on."""
    match = re.search(rb"/ByteRange \[0 (\d+) (\d+) \d+\]", pdf)
    assert match is not None
    start, end = int(match.group(1)), int(match.group(2))
    return start, start + len(pdf[start:end].rstrip(b"0>")), end


def test_the_certificate_itself_is_accepted(issued: Issued) -> None:
    """Without this, none of the refusals below would say anything."""
    assert refusal(issued, issued.sealed) == "accepted"


@pytest.mark.parametrize("share", range(SHARES))
def test_a_bit_changed_in_any_byte_breaks_the_seal(issued: Issued, share: int) -> None:
    size = len(issued.sealed)
    places = range(size * share // SHARES, size * (share + 1) // SHARES)
    assert not_refused(issued, ((place, place % 8) for place in places)) == []


def test_no_bit_of_the_signature_and_of_its_revision_is_free(issued: Issued) -> None:
    start, padding, end = signature_of(issued.sealed)
    size = len(issued.sealed)
    places = [*range(len(issued.unsealed), start), *range(start, padding + 8), *range(end - 8, size)]
    assert not_refused(issued, ((place, bit) for place in places for bit in range(8))) == []
