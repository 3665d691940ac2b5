"""From rows to statements: adopted issuances, claims computed from activity data, and their attestations."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from api.demo.rows import Row
from api.methodologies import adoption
from ledger.core.strict import format_seconds
from ledger.domain.quantify import Estimate
from ledger.domain.statements.claim import (
    Attestation,
    Claim,
    Days,
    Evidence,
    InputValue,
    IssuedElsewhere,
    Participant,
    Quantification,
)
from ledger.domain.statements.members import DocumentRef, Reference
from ledger.domain.statements.methodology import Methodology
from ledger.domain.units import PPM, decimal_ratio, format_kg
from ledger.errors import Malformed

_TITLE_CHARACTERS_MAX = 380


@dataclass(frozen=True, slots=True)
class Activity:
    """Activity data of a computed claim. The plants are illustrative and say so in their names."""

    title: str
    owner: str
    country: str
    methodology: str
    start: str
    end: str
    exported_mwh: str
    own_t: str
    meter: str

    @property
    def raw(self) -> bytes:
        """The record that the claim's evidence digests."""
        cells = (self.title, self.owner, self.meter, self.start, self.end, self.exported_mwh, self.own_t)
        return ",".join(cells).encode()


ILLUSTRATIVE_OWNER = "Illustrative Solar Parks (no real company)"
ILLUSTRATIVE_VERIFIER = "Illustrative Verification Body (no real company)"

ACTIVITIES = (
    Activity("Rooftop solar, first half (illustrative)", ILLUSTRATIVE_OWNER, "CN", "grid-displacement-cn",
             "2025-01-01", "2025-07-01", "18250.500", "12.4", "meter:illustrative-cn-1"),
    Activity("Rooftop solar, second half (illustrative)", ILLUSTRATIVE_OWNER, "CN", "grid-displacement-cn",
             "2025-07-01", "2026-01-01", "20110.125", "12.9", "meter:illustrative-cn-1"),
    Activity("Wind farm, 2025 (illustrative)", ILLUSTRATIVE_OWNER, "US", "grid-displacement-us",
             "2025-01-01", "2026-01-01", "96400", "85.25", "meter:illustrative-us-1"),
)  # fmt: skip


def adoption_of(row: Row) -> Methodology:
    """The methodology under which a row is adopted: one a registry, registry methodology and kind."""
    name = f"{row.registry} {row.methodology} {row.kind}"
    slug = re.sub(r"[^a-z0-9]+", "-", f"adopt-{row.registry}-{row.kind}".lower()).strip("-")[:50].strip("-")
    return adoption(
        id=f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:8]}",
        title=f"Adoption of issuances by {row.registry}: {row.methodology} ({row.kind})"[:_TITLE_CHARACTERS_MAX],
        kind=row.kind,
    )


def issued_grams(quantity_t: str) -> int:
    """Whole grams of a decimal of tonnes, cut.

    Raises: Malformed `amount_out_of_range`.
    """
    numerator, denominator = decimal_ratio(quantity_t)
    grams = numerator * 1_000_000 // denominator
    format_kg(grams)
    if grams == 0:
        raise Malformed("bad_quantity", f"{quantity_t} t is less than a gram")
    return grams


def claim_of_row(row: Row, *, developer: str, collected_at_s: int) -> Claim:
    """The claim of one issuance; the developer holds all shares."""
    amount = format_kg(issued_grams(row.quantity_tco2e))
    return Claim(
        title=f"{row.project_name} ({row.registry} {row.project_id})"[:_TITLE_CHARACTERS_MAX],
        lever=row.lever,
        country=row.country,
        programme_scope="3+",
        period=Days(row.period_start, row.period_end),
        methodology=DocumentRef(adoption_of(row).id, 1),
        inputs={"issued": InputValue(row.quantity_tco2e, "tCO2e")},
        quantification=Quantification(amount, "0.000", "0.000", "0.000", amount),
        counted_by=(row.counted_by,),
        participants=(Participant(role="developer", scope="1", share_ppm=PPM, party=developer),),
        evidence=(
            _evidence(row.raw, "Issuance record of the registry", "registry-record", row.registry, collected_at_s),
        ),
        issued_elsewhere=IssuedElsewhere(row.registry, row.project_id, False, row.serial or None),
        disclosure="open",
    )


def inputs_of(activity: Activity) -> dict[str, InputValue]:
    """What the grid methodology asks for."""
    return {
        "exported_energy": InputValue(activity.exported_mwh, "MWh"),
        "own_emissions": InputValue(activity.own_t, "tCO2e"),
        "leaked_emissions": InputValue("0", "tCO2e"),
    }


def claim_of_activity(activity: Activity, result: Estimate, *, owner: str, collected_at_s: int) -> Claim:
    """A claim whose figures were computed from activity data."""
    figures = (result.baseline_g, result.project_g, result.leakage_g, result.deduction_g, result.reduction_g)
    return Claim(
        title=activity.title,
        lever="clean-energy",
        country=activity.country,
        programme_scope="3+",
        period=Days(activity.start, activity.end),
        methodology=DocumentRef(activity.methodology, 1),
        inputs=inputs_of(activity),
        quantification=Quantification(*(format_kg(grams) for grams in figures)),
        counted_by=(activity.meter,),
        participants=(Participant(role="owner", scope="2", share_ppm=PPM, party=owner),),
        evidence=(
            _evidence(activity.raw, "Meter record (illustrative)", "activity-data", activity.owner, collected_at_s),
        ),
        issued_elsewhere="none",
        disclosure="open",
    )


def _evidence(raw: bytes, title: str, role: str, collected_by: str, collected_at_s: int) -> Evidence:
    return Evidence(
        digest=hashlib.sha256(raw).hexdigest(),
        salted=False,
        media_type="text/csv",
        size=len(raw),
        title=title,
        role=role,
        collected_by=collected_by,
        collected_at=format_seconds(collected_at_s),
        derived_from=(),
    )


def attestation_of(reference: Reference, *, amount: str, evidence: str, adopted: bool) -> Attestation:
    """The verification statement of the body that verified: of the registry's issue, or of the computed figure."""
    statement = (
        "Demonstration: this body is named by the registry as the verifier of the issuance. The figure is the "
        "registry's own and was not recomputed here. The signature is made by the demonstration, not by the body."
        if adopted
        else "Demonstration: the figure was recomputed from the activity data and agrees to the gram."
    )
    return Attestation(
        claim=reference,
        opinion="unmodified",
        verified_reduction=amount,
        assurance="reasonable",
        materiality_ppm=50_000,
        recomputed=amount,
        evidence_checked=(evidence,),
        findings=(),
        conflict_of_interest="None known to the demonstration.",
        statement=statement,
    )
