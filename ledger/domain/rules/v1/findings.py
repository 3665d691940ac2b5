"""Finding and Response: what a verifier asks about a claim, and what the claimant answers, round by round.

    raise -> open -> (Response) answered -> (insist) open, one round later
    open or answered -> (close) closed, by the verifier that raised it

A claim that has ended gets no new findings and no new rounds; what is open on
it can still be answered and closed. Nothing happens because a deadline passes.

Source: RULES 1 (`Finding`, `Response`), 4 and 5.
"""

from __future__ import annotations

import msgspec

from ledger.domain import lifecycle
from ledger.domain.ids import require_distinct
from ledger.domain.period import DAY_MS
from ledger.domain.records import ClaimRecord, FindingRecord, PartyRecord
from ledger.domain.rules.v1 import who
from ledger.domain.rules.v1.claims import check_evidence
from ledger.domain.rules.v1.reviewing import find_grant, require_independence
from ledger.domain.statements import Statement
from ledger.domain.statements.finding import Finding, InsistFinding, RaiseFinding, Response
from ledger.domain.statements.members import Reference
from ledger.domain.totals import Decision, difference
from ledger.domain.view import Position, StateView
from ledger.errors import Conflict, NotAllowed, Refused


def decide_finding(view: StateView, position: Position, statement: Statement, subject: Finding) -> Decision:
    """What a verifier finds on a claim, insists on, or takes as settled."""
    verifier = who.require_author(view, statement, role="verifier", purpose="attest")
    who.require_no_approval(statement)
    if isinstance(subject, RaiseFinding):
        return _raise(view, position, statement, subject, verifier)
    finding, claim = _find(view, subject.finding)
    if finding.verifier != verifier.id:
        raise NotAllowed("not_the_author", f"this finding belongs to {finding.verifier}", author=finding.verifier)
    _require_not_closed(finding)
    if isinstance(subject, InsistFinding):
        return _insist(view, position, statement, subject, finding, claim)
    return _close(position, finding, claim)


def decide_response(view: StateView, position: Position, statement: Statement, subject: Response) -> Decision:
    """The claimant's answer, one a round."""
    who.require_author(view, statement, role="claimant", purpose="claim")
    who.require_no_approval(statement)
    finding, claim = _find(view, subject.finding)
    if claim.claimant != statement.issuer:
        raise NotAllowed("not_the_author", f"claim {claim.index} belongs to {claim.claimant}", author=claim.claimant)
    _require_not_closed(finding)
    if finding.status == "answered":
        raise Conflict(
            "finding_answered", f"round {finding.round} is answered by entry {finding.responses[-1]}", id=finding.id
        )
    _require_round(subject.round, expected=finding.round)
    check_evidence(subject.evidence, who.require_programme(view).subject.policy)
    answered = msgspec.structs.replace(
        finding, status="answered", responses=(*finding.responses, position.index), changed_index=position.index
    )
    return Decision((answered,))


def _raise(
    view: StateView, position: Position, statement: Statement, subject: RaiseFinding, verifier: PartyRecord
) -> Decision:
    who.require_entry(view, subject.claim, kind="Claim")
    claim = view.get(ClaimRecord, subject.claim.id)
    assert claim is not None, "a recorded Claim statement has a claim record"
    lifecycle.require("find", claim)
    require_independence(view, verifier, claim)
    find_grant(view, position, statement, claim, level=None)
    require_distinct(subject.evidence, what="evidence")
    if claim.findings >= lifecycle.FINDINGS_MAX:
        raise Refused("too_many", f"a claim carries at most {lifecycle.FINDINGS_MAX} findings")
    finding = FindingRecord(
        id=statement.id,
        index=position.index,
        claim=claim.id,
        verifier=verifier.id,
        type=subject.finding_type,
        round=1,
        deadline_ms=_deadline_ms(view, position),
        status="open",
        responses=(),
        changed_index=position.index,
    )
    counted = msgspec.structs.replace(claim, findings=claim.findings + 1)
    after = _recount(counted, finding, by=1, position=position)
    return Decision((after, finding), difference(before=claim, after=after))


def _insist(
    view: StateView,
    position: Position,
    statement: Statement,
    subject: InsistFinding,
    finding: FindingRecord,
    claim: ClaimRecord,
) -> Decision:
    lifecycle.require("find", claim)
    find_grant(view, position, statement, claim, level=None)
    if finding.status != "answered":
        raise Conflict("finding_not_answered", f"round {finding.round} awaits its answer", id=finding.id)
    if finding.round >= lifecycle.ROUNDS_MAX:
        raise Refused("too_many", f"a finding has at most {lifecycle.ROUNDS_MAX} rounds")
    _require_round(subject.round, expected=finding.round + 1)
    again = msgspec.structs.replace(
        finding,
        round=subject.round,
        deadline_ms=_deadline_ms(view, position),
        status="open",
        changed_index=position.index,
    )
    return Decision((again,))


def _close(position: Position, finding: FindingRecord, claim: ClaimRecord) -> Decision:
    closed = msgspec.structs.replace(finding, status="closed", changed_index=position.index)
    after = _recount(claim, finding, by=-1, position=position)
    return Decision((after, closed), difference(before=claim, after=after))


def _recount(claim: ClaimRecord, finding: FindingRecord, *, by: int, position: Position) -> ClaimRecord:
    """The claim with one finding more or fewer that is open. What counts of it does not depend on findings."""
    recounted = msgspec.structs.replace(
        claim,
        open_findings=claim.open_findings + by,
        open_cars=claim.open_cars + (by if finding.type == "CAR" else 0),
    )
    return lifecycle.settle(recounted, index=position.index)


def _find(view: StateView, reference: Reference) -> tuple[FindingRecord, ClaimRecord]:
    """Raises: Conflict `unknown_finding` and the codes of `require_entry`."""
    who.require_entry(view, reference, kind="Finding")
    finding = view.get(FindingRecord, reference.id)
    if finding is None:
        raise Conflict("unknown_finding", f"entry {reference.index} raises no finding", id=reference.id)
    claim = view.get(ClaimRecord, finding.claim)
    assert claim is not None, "a finding belongs to a claim"
    return finding, claim


def _require_not_closed(finding: FindingRecord) -> None:
    if finding.status == "closed":
        raise Conflict("finding_closed", f"entry {finding.changed_index} closed it", id=finding.id)


def _require_round(given: int, *, expected: int) -> None:
    """Whoever speaks says in which round, so that nothing is taken for an answer to what it did not know."""
    if given != expected:
        raise Conflict("wrong_round", f"this is round {expected}, not {given}", round=expected)


def _deadline_ms(view: StateView, position: Position) -> int:
    return position.recorded_at_ms + who.require_programme(view).subject.policy.findings_days * DAY_MS
