"""What counts, cut into cells that can be summed: by scope, kind, lever and years, and by one further dimension.

A claim that counts adds its grams to one cell of each dimension. Sums over
cells are therefore exact for every goal, certificate and page, and each
dimension sums to the programme's total (a party's share aside, which is
floored, the remainder going to the first participant). The dimension `status`
alone holds no grams: it counts claims, those that do not count too.

Source: RULES 5 and 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from ledger.domain.period import year_of
from ledger.domain.records import ClaimRecord, Record
from ledger.domain.units import Grams, share_grams

Dimension = Literal["all", "country", "registry", "assurance", "party", "status"]


class Cell(NamedTuple):
    """One place in which grams are summed; years are those of a period's first and last day."""

    dimension: Dimension
    value: str
    scope: str
    kind: str
    lever: str
    first_year: int
    last_year: int


class CellSum(NamedTuple):
    """What a cell holds, or by how much it changes: grams that count, and the claims they come from."""

    cell: Cell
    grams: int
    claims: int


class Decision(NamedTuple):
    """What one accepted statement changes: new records in full, and differences of sums."""

    records: tuple[Record, ...]
    sums: tuple[CellSum, ...] = ()


def party_grams(claim: ClaimRecord) -> dict[str, Grams]:
    """What of a claim's current amount each registered participant may call its own.

    Source: RULES 5: floor by parts per million, the remainder to the first participant.
    """
    parts = [share_grams(amount=claim.current_g, share_ppm=share.share_ppm) for share in claim.shares]
    parts[0] = Grams(parts[0] + claim.current_g - sum(parts))
    owned: dict[str, Grams] = {}
    for share, part in zip(claim.shares, parts, strict=True):
        if share.party is not None:
            owned[share.party] = Grams(owned.get(share.party, 0) + part)
    return owned


def lowest_assurance(claim: ClaimRecord) -> str:
    """The weaker assurance among the attestations that count."""
    levels = {counting.assurance for counting in claim.attestations if counting.opinion != "disclaimed"}
    return "limited" if "limited" in levels else "reasonable"


def cells_of(claim: ClaimRecord) -> Iterator[CellSum]:
    """The cells to which a claim adds; while nothing of it counts, that of its status alone."""
    years = (year_of(claim.start_day), year_of(claim.end_day - 1))
    tail = (claim.scope, claim.kind, claim.lever, *years)
    yield CellSum(Cell("status", claim.status, *tail), 0, 1)
    if claim.current_g == 0:
        return
    yield CellSum(Cell("all", "", *tail), claim.current_g, 1)
    yield CellSum(Cell("country", claim.country, *tail), claim.current_g, 1)
    yield CellSum(Cell("registry", claim.registry, *tail), claim.current_g, 1)
    yield CellSum(Cell("assurance", lowest_assurance(claim), *tail), claim.current_g, 1)
    for party, grams in party_grams(claim).items():
        if grams:
            yield CellSum(Cell("party", party, *tail), grams, 1)


def difference(*, before: ClaimRecord | None, after: ClaimRecord) -> tuple[CellSum, ...]:
    """By how much the cells change when a claim's record is made or replaced."""
    if before is None:
        return tuple(cells_of(after))
    changes: dict[Cell, tuple[int, int]] = {}
    for sign, claim in ((-1, before), (1, after)):
        for cell, grams, claims in cells_of(claim):
            held_grams, held_claims = changes.get(cell, (0, 0))
            changes[cell] = (held_grams + sign * grams, held_claims + sign * claims)
    return tuple(CellSum(cell, *change) for cell, change in changes.items() if change != (0, 0))


def recognised(claim: ClaimRecord, *, trusted: frozenset[tuple[str, str]]) -> bool:
    """Whether verifiers whose accreditation ends at a trusted (accreditor, key) alone meet the claim's quorum.

    Source: DESIGN 4.4.
    """
    owners = {
        counting.owner
        for counting in claim.attestations
        if counting.opinion != "disclaimed" and (counting.accreditor, counting.accreditor_key) in trusted
    }
    return len(owners) >= claim.quorum


def merge(sums: Iterable[CellSum]) -> dict[Cell, CellSum]:
    """Cells with what all given sums add to them."""
    merged: dict[Cell, CellSum] = {}
    for one in sums:
        held = merged.get(one.cell)
        merged[one.cell] = one if held is None else CellSum(one.cell, held.grams + one.grams, held.claims + one.claims)
    return merged
