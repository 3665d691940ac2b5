"""The life of a claim: every arrow in one table, and what counts in each state.

Conservation holds at every index: verified = current + reversed, and nothing
counts of a claim that is not live (RULES 5).

    submitted -> under-review (attested below the quorum, or findings are open) -> verified | not-verified
    verified -> reversed (all of it is lost; a part lost leaves it verified)
    any live -> superseded | withdrawn (ends) ; suspended <-> the state before
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ledger.domain.records import ClaimRecord, ClaimStatus
from ledger.errors import Conflict

Event = Literal["find", "attest", "withdraw", "supersede", "reverse", "suspend", "reinstate", "certify"]

ATTESTATIONS_MAX = 8
FINDINGS_MAX = 64
ROUNDS_MAX = 8

# Event -> the states in which it may happen. What is not here is refused.
ARROWS: dict[Event, frozenset[ClaimStatus]] = {
    "find": frozenset({"submitted", "under-review", "verified", "not-verified", "reversed", "suspended"}),
    "attest": frozenset({"submitted", "under-review", "verified", "not-verified"}),
    "withdraw": frozenset({"submitted", "under-review", "verified", "not-verified", "reversed", "suspended"}),
    "supersede": frozenset({"submitted", "under-review", "verified", "not-verified"}),
    "reverse": frozenset({"verified"}),
    "suspend": frozenset({"submitted", "under-review", "verified", "not-verified", "reversed"}),
    "reinstate": frozenset({"suspended"}),
    "certify": frozenset({"verified"}),
}

_ENDED: frozenset[ClaimStatus] = frozenset({"superseded", "withdrawn"})


def require(event: Event, claim: ClaimRecord) -> None:
    """Raises: Conflict `claim_withdrawn`, `claim_superseded`, `claim_suspended` or `wrong_status`."""
    if claim.status in ARROWS[event]:
        return
    code = {"withdrawn": "claim_withdrawn", "superseded": "claim_superseded", "suspended": "claim_suspended"}.get(
        claim.status, "wrong_status"
    )
    raise Conflict(
        code, f"claim {claim.index} is {claim.status}: {event} is not possible", claim=claim.id, status=claim.status
    )


def settle(claim: ClaimRecord, *, index: int) -> ClaimRecord:
    """The claim with status and amounts that follow from its attestations, losses and open findings.

    The lowest opinion counts, from as many distinct ultimate owners as the
    quorum asks; `disclaimed` is as if absent, `adverse` counts as 0 (RULES 4).
    """
    if claim.status in _ENDED or claim.status == "suspended":
        return msgspec.structs.replace(claim, verified_g=0, reversed_g=0, current_g=0, changed_index=index)
    opinions = [counting for counting in claim.attestations if counting.opinion != "disclaimed"]
    met = len({counting.owner for counting in opinions}) >= claim.quorum
    verified_g = min(counting.amount_g for counting in opinions) if met else 0
    reversed_g = min(claim.lost_g, verified_g)
    status: ClaimStatus
    if not met:
        status = "under-review" if claim.attestations or claim.open_findings else "submitted"
    elif verified_g == 0:
        status = "not-verified"
    else:
        status = "reversed" if reversed_g == verified_g else "verified"
    return msgspec.structs.replace(
        claim,
        status=status,
        verified_g=verified_g,
        reversed_g=reversed_g,
        current_g=verified_g - reversed_g,
        changed_index=index,
    )


def end(claim: ClaimRecord, *, status: ClaimStatus, index: int, superseded_by: str | None = None) -> ClaimRecord:
    """The claim after its last event; nothing of it counts any more."""
    ended = msgspec.structs.replace(claim, status=status, superseded_by=superseded_by)
    return settle(ended, index=index)


def suspend(claim: ClaimRecord, *, by: str, index: int) -> ClaimRecord:
    """The claim while it does not count; its hold on what it counts stays."""
    return settle(msgspec.structs.replace(claim, status="suspended", suspended_by=by), index=index)


def reinstate(claim: ClaimRecord, *, index: int) -> ClaimRecord:
    """The claim in the state that its attestations, losses and open findings give it again."""
    return settle(msgspec.structs.replace(claim, status="submitted", suspended_by=None), index=index)
