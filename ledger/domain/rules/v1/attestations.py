"""Attestation: who may confirm a claim, and what its opinion does.

Source: RULES 4.
"""

from __future__ import annotations

import msgspec

from ledger.domain import lifecycle
from ledger.domain.ids import require_distinct
from ledger.domain.period import day_of_ms
from ledger.domain.records import (
    AccreditationRecord,
    AttestationRecord,
    ClaimRecord,
    Counting,
    MethodologyRecord,
    PartyRecord,
)
from ledger.domain.rules.v1 import who
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
    _require_independence(view, verifier, claim)
    grant = _find_grant(view, position, statement, subject, claim)
    if any(counting.verifier == verifier.id for counting in claim.attestations):
        raise Conflict(
            "second_opinion", f"{verifier.id} has attested this claim; it must revoke that first", verifier=verifier.id
        )
    if len(claim.attestations) >= lifecycle.ATTESTATIONS_MAX:
        raise Refused("too_many", f"a claim carries at most {lifecycle.ATTESTATIONS_MAX} attestations")
    require_distinct(subject.evidence_checked, what="evidence_checked")
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


def _require_independence(view: StateView, verifier: PartyRecord, claim: ClaimRecord) -> None:
    """Raises: NotAllowed `not_independent`."""
    involved = {claim.claimant, *(share.party for share in claim.shares if share.party is not None)}
    for party in sorted(involved):
        if party == verifier.id or who.require_party(view, party).ultimate_owner == verifier.ultimate_owner:
            raise NotAllowed(
                "not_independent",
                f"{verifier.id} is, or is owned like, {party}, who has a part in the claim",
                party=party,
            )


def _find_grant(
    view: StateView, position: Position, statement: Statement, subject: Attestation, claim: ClaimRecord
) -> AccreditationRecord:
    """The first grant in force that names this key and covers family, sector and level.

    Raises: NotAllowed `not_accredited`.
    """
    methodology = view.get(MethodologyRecord, claim.methodology, claim.methodology_version)
    assert methodology is not None, "a recorded claim has its methodology"
    key = statement.signers[0].key_text
    today = day_of_ms(position.recorded_at_ms)
    reason = "no accreditation names its key"
    for grant in view.accreditations_of(statement.issuer):
        if key not in grant.keys:
            continue
        if grant.status != "in-force":
            reason = f"its accreditation is {grant.status}"
        elif not grant.from_day <= today < grant.until_day:
            reason = "its accreditation is not yet or no longer valid"
        elif methodology.subject.family not in grant.families:
            reason = f"its accreditation does not cover the family {methodology.subject.family}"
        elif methodology.subject.sector not in grant.sectors:
            reason = f"its accreditation does not cover the sector {methodology.subject.sector}"
        elif subject.assurance not in grant.levels:
            reason = f"its accreditation does not cover {subject.assurance} assurance"
        else:
            return grant
    raise NotAllowed(
        "not_accredited", f"{statement.issuer} may not attest this claim: {reason}", verifier=statement.issuer
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
