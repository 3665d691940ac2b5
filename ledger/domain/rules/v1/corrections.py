"""Correction: withdrawal, reversal, revocation, suspension and reinstatement; nothing is ever edited.

Source: RULES 1 (`Correction`) and 5.
"""

from __future__ import annotations

import msgspec

from ledger.domain import lifecycle
from ledger.domain.records import AttestationRecord, ClaimRecord
from ledger.domain.rules.v1 import who
from ledger.domain.rules.v1.claims import release_claim
from ledger.domain.statements import Statement
from ledger.domain.statements.claim import Correction, Reinstate, Reverse, Revoke, Suspend, Withdraw
from ledger.domain.totals import Decision, difference
from ledger.domain.units import parse_grams
from ledger.domain.view import Position, StateView
from ledger.errors import Conflict, Refused


def decide_correction(view: StateView, position: Position, statement: Statement, subject: Correction) -> Decision:
    """What is taken back, by its author or a registrar, always with a reason."""
    who.require_no_approval(statement)
    if isinstance(subject, Revoke):
        return _revoke(view, position, statement, subject)
    who.require_entry(view, subject.target, kind="Claim")
    claim = view.get(ClaimRecord, subject.target.id)
    assert claim is not None, "a recorded Claim statement has a claim record"
    _require_right(view, statement, subject, claim)
    if isinstance(subject, Withdraw):
        lifecycle.require("withdraw", claim)
        return release_claim(view, claim, position)
    if isinstance(subject, Reverse):
        lifecycle.require("reverse", claim)
        amount_g = parse_grams(subject.amount)
        if not 0 < amount_g <= claim.current_g:
            raise Refused(
                "amount_above_claim", f"{amount_g} g of {claim.current_g} g that count", claimed=claim.current_g
            )
        lost = msgspec.structs.replace(claim, lost_g=claim.lost_g + amount_g)
        after = lifecycle.settle(lost, index=position.index)
    elif isinstance(subject, Suspend):
        lifecycle.require("suspend", claim)
        after = lifecycle.suspend(claim, by=statement.issuer, index=position.index)
    else:
        lifecycle.require("reinstate", claim)
        after = lifecycle.reinstate(claim, index=position.index)
    return Decision((after,), difference(before=claim, after=after))


def _require_right(view: StateView, statement: Statement, subject: Correction, claim: ClaimRecord) -> None:
    """A reinstatement corrects the suspension: a claimant cannot undo a registrar's."""
    author, purpose = claim.claimant, "claim"
    if isinstance(subject, Reinstate) and claim.suspended_by not in (None, claim.claimant):
        author, purpose = str(claim.suspended_by), "register"
    who.may_author_or_register(view, statement, author=author, purpose=purpose)  # type: ignore[arg-type]


def _revoke(view: StateView, position: Position, statement: Statement, subject: Revoke) -> Decision:
    who.require_entry(view, subject.target, kind="Attestation")
    attestation = view.get(AttestationRecord, subject.target.id)
    assert attestation is not None, "a recorded Attestation statement has a record"
    who.may_author_or_register(view, statement, author=attestation.verifier, purpose="attest")
    if attestation.revoked_index is not None:
        raise Conflict(
            "attestation_revoked", f"entry {attestation.revoked_index} revoked it already", id=attestation.id
        )
    claim = view.get(ClaimRecord, attestation.claim)
    assert claim is not None, "an attestation belongs to a claim"
    kept = tuple(counting for counting in claim.attestations if counting.attestation != attestation.id)
    after = msgspec.structs.replace(claim, attestations=kept)
    after = lifecycle.settle(after, index=position.index)
    record = msgspec.structs.replace(attestation, revoked_index=position.index)
    return Decision((after, record), difference(before=claim, after=after))
