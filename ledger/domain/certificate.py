"""What a certificate sums: the one place in which its totals are computed.

The rule book refuses a Certificate whose totals differ from these; the service
that issues one asks here what to state; the offline check asks again.

Source: RULES 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.domain.lifecycle import require
from ledger.domain.period import Period
from ledger.domain.records import ClaimRecord
from ledger.domain.statements.report import CertificateTotals, TotalRow
from ledger.domain.totals import CellSum, party_grams
from ledger.domain.units import format_kg
from ledger.errors import Conflict, Refused

TEMPLATE = "certificate/1"
AS_OF_INDEXES_MAX = 65_536
VALID_DAYS_MAX = 366


def totals_of_claims(claims: Sequence[ClaimRecord], *, holder: str, period: Period, operator: str) -> CertificateTotals:
    """Totals of named claims: the holder's own shares, or the whole where the holder is the operator.

    Two participants of one claim can so never both show the same gram.
    Raises: Conflict `wrong_status` (and its kin) unless each claim is verified; Refused
        `outside_period`, `holder_not_participant`, `nothing_to_certify`.
    """
    lines: list[tuple[str, str, str, int]] = []
    for claim in claims:
        require("certify", claim)
        if not (period.start <= claim.start_day and claim.end_day <= period.end):
            raise Refused(
                "outside_period", f"claim {claim.index} lies outside the certificate's period", index=claim.index
            )
        grams = claim.current_g if holder == operator else party_grams(claim).get(holder, 0)
        if grams == 0:
            raise Refused("holder_not_participant", f"{holder} has no share in claim {claim.index}", index=claim.index)
        lines.append((claim.scope, claim.kind, claim.lever, grams))
    return _sum((*line, 1) for line in lines)


def totals_of_cells(cells: Iterable[CellSum], *, period: Period) -> CertificateTotals:
    """Totals of a party or of the programme over whole calendar years."""
    first, last = period.first_year, period.last_year
    return _sum(
        (held.cell.scope, held.cell.kind, held.cell.lever, held.grams, held.claims)
        for held in cells
        if first <= held.cell.first_year and held.cell.last_year <= last
    )


def require_current(claims: Iterable[ClaimRecord], *, as_of_size: int) -> None:
    """Raises: Conflict `stale` when a covered claim changed at or after `as_of_size`."""
    for claim in claims:
        if claim.changed_index >= as_of_size:
            raise Conflict("stale", f"claim {claim.index} changed at entry {claim.changed_index}", index=claim.index)


def _sum(lines: Iterable[tuple[str, str, str, int, int]]) -> CertificateTotals:
    rows: dict[tuple[str, str, str], tuple[int, int]] = {}
    for scope, kind, lever, grams, claims in lines:
        held = rows.get((scope, kind, lever), (0, 0))
        rows[(scope, kind, lever)] = (held[0] + grams, held[1] + claims)
    filled = {key: value for key, value in sorted(rows.items()) if value[0]}
    if not filled:
        raise Refused("nothing_to_certify", "nothing verified and current lies in this certificate's period")
    return CertificateTotals(
        total=format_kg(sum(grams for grams, _ in filled.values())),
        claims=sum(claims for _, claims in filled.values()),
        rows=tuple(
            TotalRow(scope, kind, lever, format_kg(grams), claims)  # type: ignore[arg-type]
            for (scope, kind, lever), (grams, claims) in filled.items()
        ),
    )
