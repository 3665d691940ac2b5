"""Attestation: who may confirm a claim, and what its opinion does.

Source: RULES 4.
"""

from __future__ import annotations

import msgspec

from ledger.domain import lifecycle
from ledger.domain.ids import require_distinct
from ledger.domain.records import AttestationRecord, ClaimRecord, Counting, FindingRecord, PartyRecord
from ledger.domain.rules.v1 import who
from ledger.domain.rules.v1.reviewing import find_grant, require_independence
from ledger.domain.statements import Statement
from ledger.domain.statements.claim import Attestation
from ledger.domain.statements.programme import Policy
from ledger.domain.totals import Decision, difference
from ledger.domain.units import PPM, parse_grams
from ledger.domain.view import Position, StateView
from ledger.errors import Conflict, NotAllowed, Refused


def decide_attestation(view: StateView, position: Position, statement: Statement, subject: Attestation) -> Decision:
    """A verification statement by an independent verifier with a key that its accreditation names."""
    verifier = who.require_author(view, statement, role="verifier", purpose="attest")
    policy = who.require_programme(view).subject.policy
    _require_review(view, statement, policy)
    who.require_entry(view, subject.claim, kind="Claim")
    claim = view.get(ClaimRecord, subject.claim.id)
    assert claim is not None, "a recorded Claim statement has a claim record"
    lifecycle.require("attest", claim)
    require_independence(view, verifier, claim)
    grant = find_grant(view, position, statement, claim, level=subject.assurance)
    if any(counting.verifier == verifier.id for counting in claim.attestations):
        raise Conflict(
            "second_opinion", f"{verifier.id} has attested this claim; it must revoke that first", verifier=verifier.id
        )
    if len(claim.attestations) >= lifecycle.ATTESTATIONS_MAX:
        raise Refused("too_many", f"a claim carries at most {lifecycle.ATTESTATIONS_MAX} attestations")
    require_distinct(subject.evidence_checked, what="evidence_checked")
    _check_findings(view, subject, claim, verifier)
    amount_g = _check_opinion(subject, claim, policy)
    counting = Counting(
        attestation=statement.id,
        verifier=verifier.id,
        owner=verifier.ultimate_owner,
        accreditor=grant.accreditor,
        accreditor_key=grant.accreditor_key,
        opinion=subject.opinion,
        amount_g=amount_g,
        assurance=subject.assurance,
    )
    attested = msgspec.structs.replace(claim, attestations=(*claim.attestations, counting))
    after = lifecycle.settle(attested, index=position.index)
    record = AttestationRecord(statement.id, position.index, claim.id, verifier.id)
    return Decision((after, record), difference(before=claim, after=after))


def _require_review(view: StateView, statement: Statement, policy: Policy) -> None:
    """The independent reviewer of the same verifier approves, with another key (ISO 14064-3)."""
    approvals = statement.signers[1:]
    if len(approvals) > 1:
        raise NotAllowed("unexpected_approval", "an attestation carries its author's and one reviewer's signature")
    if not approvals:
        if policy.reviewer_required:
            raise NotAllowed("missing_approval", "the programme asks for the independent reviewer's approval")
        return
    if approvals[0].party != statement.issuer:
        raise NotAllowed(
            "unexpected_approval", "the reviewer belongs to the verifier that attests", party=approvals[0].party
        )
    who.require_key(view, approvals[0], purpose="review")


def _check_findings(view: StateView, subject: Attestation, claim: ClaimRecord, verifier: PartyRecord) -> None:
    """The findings that it names are the verifier's own on this claim, and none stands against a favourable opinion.

    Raises: Conflict `unknown_finding` or `open_findings`; Malformed `duplicate_member`.
    """
    require_distinct(subject.findings, what="findings")
    for one in subject.findings:
        finding = view.get(FindingRecord, one)
        if finding is None or (finding.claim, finding.verifier) != (claim.id, verifier.id):
            raise Conflict("unknown_finding", f"{one} is no finding of {verifier.id} on this claim", id=one)
    if claim.open_cars and subject.opinion in ("unmodified", "modified"):
        raise Conflict(
            "open_findings", f"{claim.open_cars} corrective actions on this claim are not closed", open=claim.open_cars
        )


def _check_opinion(subject: Attestation, claim: ClaimRecord, policy: Policy) -> int:
    """What the opinion lets count, in grams.

    Raises: Refused `materiality_too_wide`, `opinion_with_amount`, `opinion_without_amount`,
        `amount_above_claim` or `material_difference`.
    """
    amount_g, recomputed_g = parse_grams(subject.verified_reduction), parse_grams(subject.recomputed)
    if subject.materiality_ppm > policy.materiality_ppm:
        raise Refused(
            "materiality_too_wide", f"the programme allows {policy.materiality_ppm} ppm", ppm=subject.materiality_ppm
        )
    if subject.opinion in ("adverse", "disclaimed"):
        if amount_g:
            raise Refused(
                "opinion_with_amount", f"an opinion that is {subject.opinion} verifies 0.000", opinion=subject.opinion
            )
        return 0
    if not amount_g:
        raise Refused("opinion_without_amount", "an amount of 0.000 is an adverse opinion", opinion=subject.opinion)
    if amount_g > claim.stated_g:
        raise Refused(
            "amount_above_claim", f"{amount_g} g verified of {claim.stated_g} g claimed", claimed=claim.stated_g
        )
    differs = abs(claim.stated_g - recomputed_g) * PPM > subject.materiality_ppm * claim.stated_g
    if differs and subject.opinion == "unmodified":
        raise Refused(
            "material_difference",
            f"recomputed {recomputed_g} g against {claim.stated_g} g claimed is no unmodified opinion",
            recomputed=recomputed_g,
            claimed=claim.stated_g,
        )
    return amount_g
