"""Which verifier may look into a claim: independent of everybody in it, and accredited for what it is about.

Source: RULES 4.
"""

from __future__ import annotations

from ledger.domain.period import day_of_ms
from ledger.domain.records import AccreditationRecord, ClaimRecord, MethodologyRecord, PartyRecord
from ledger.domain.rules.v1 import who
from ledger.domain.statements import Statement
from ledger.domain.statements.members import Assurance
from ledger.domain.view import Position, StateView
from ledger.errors import NotAllowed


def require_independence(view: StateView, verifier: PartyRecord, claim: ClaimRecord) -> None:
    """Raises: NotAllowed `not_independent`."""
    involved = {claim.claimant, *(share.party for share in claim.shares if share.party is not None)}
    for party in sorted(involved):
        if party == verifier.id or who.require_party(view, party).ultimate_owner == verifier.ultimate_owner:
            raise NotAllowed(
                "not_independent",
                f"{verifier.id} is, or is owned like, {party}, who has a part in the claim",
                party=party,
            )


def find_grant(
    view: StateView, position: Position, statement: Statement, claim: ClaimRecord, *, level: Assurance | None
) -> AccreditationRecord:
    """The first grant in force that names the author's key and covers family, sector and, where one is asked, level.

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
        elif level is not None and level not in grant.levels:
            reason = f"its accreditation does not cover {level} assurance"
        else:
            return grant
    raise NotAllowed(
        "not_accredited", f"{statement.issuer} may not review this claim: {reason}", verifier=statement.issuer
    )
