"""What passes between a verifier and a claimant about one claim: Finding and Response.

Source: RULES 1 (`Finding`, `Response`); ISO 14064-3, ISO/IEC 17029.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ledger.domain.statements.claim import Evidence
from ledger.domain.statements.members import Digest, LongText, Reference, Subject, Text

# Corrective action: the claim is wrong. Clarification: it cannot be told. Forward action: for the next verification.
FindingType = Literal["CAR", "CL", "FAR"]
Round = Annotated[int, Meta(ge=1, le=1_000)]


class RaiseFinding(Subject, frozen=True, tag_field="action", tag="raise"):
    """Opens a finding on a claim, in its first round; `evidence` names what it speaks of."""

    claim: Reference
    finding_type: FindingType
    title: Text
    text: LongText
    evidence: Annotated[tuple[Digest, ...], Meta(max_length=64)]


class InsistFinding(Subject, frozen=True, tag_field="action", tag="insist"):
    """Says that an answer does not settle the finding, and opens its next round."""

    finding: Reference
    round: Round
    text: LongText


class CloseFinding(Subject, frozen=True, tag_field="action", tag="close"):
    """Ends a finding, for ever."""

    finding: Reference
    resolution: LongText


Finding = RaiseFinding | InsistFinding | CloseFinding


class Response(Subject, frozen=True, tag_field="to", tag="finding"):
    """The claimant's answer to a finding in its present round, with further evidence."""

    finding: Reference
    round: Round
    text: LongText
    evidence: Annotated[tuple[Evidence, ...], Meta(max_length=64)]
