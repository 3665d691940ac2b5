"""Refusals around findings: who may raise, insist, answer and close, and what an open one stands against."""

from __future__ import annotations

from typing import Any

from ledger.domain.lifecycle import FINDINGS_MAX, ROUNDS_MAX
from ledger.domain.statements import claim as c
from ledger.domain.statements import finding as d
from ledger.domain.statements import members as m
from ledger.domain.statements import programme as p
from tests import dialogue as says
from tests.domain.scene import FULL, Case, Scene
from tests.world import reference_to

ACCREDITOR = ("accreditor", "accreditor:accreditor")
VERIFIER = ("verifier", "verifier:verifier")


def _raised(
    s: Scene, type: d.FindingType = "CAR", *, claim: m.Reference | None = None, by: str = "verifier"
) -> m.Reference:
    return reference_to(s.log.add(says.raising(s.world, claim or s.claimed(), type, by=by)))


def _answered(s: Scene, finding: m.Reference, round: int = 1) -> m.Reference:
    s.log.add(says.answering(s.world, finding, round))
    return finding


def _closed(s: Scene, finding: m.Reference) -> m.Reference:
    s.log.add(says.closing(s.world, finding))
    return finding


def _newcomer(s: Scene, owner: str | None = None, **grant: Any) -> bytes:
    """A third verifier, with a grant unless it is told otherwise, raises a finding."""
    s.log.add(s.world.party("newcomer", ("verifier",), owner=owner))
    if grant.pop("granted", True):
        s.log.add(s.world.accreditation("newcomer", **grant))
    return says.raising(s.world, s.claimed(), by="newcomer")


def _takes_part(s: Scene) -> bytes:
    shares = tuple(
        c.Participant(role="owner", scope="2", share_ppm=500_000, party=s.world.party_id(name))
        for name in ("carrier", "verifier")
    )
    return says.raising(s.world, s.claimed(participants=shares))


def _on(s: Scene, shape: type[Any]) -> bytes:
    return says.raising(s.world, s.corrected(shape, s.claimed()))


def _superseded(s: Scene) -> bytes:
    old = s.claimed()
    s.claimed(supersedes=old)
    return says.raising(s.world, old)


def _one_more(s: Scene, count: int) -> bytes:
    claim = s.claimed()
    for _ in range(count):
        _closed(s, _raised(s, "FAR", claim=claim))
    return says.raising(s.world, claim)


def _one_more_round(s: Scene, rounds: int) -> bytes:
    finding = _answered(s, _raised(s))
    for number in range(2, rounds + 1):
        s.log.add(says.insisting(s.world, finding, number))
        _answered(s, finding, number)
    return says.insisting(s.world, finding, rounds + 1)


def _halted(s: Scene) -> None:
    for grant in s.log.state.accreditations_of(s.world.party_id("verifier")):
        s.log.add(s.world.state("Accreditation", p.AccreditationWithdraw(grant.id, "A test."), ACCREDITOR))


def _after_the_grant(s: Scene, *, insists: bool) -> bytes:
    finding = _answered(s, _raised(s))
    _halted(s)
    return says.insisting(s.world, finding, 2) if insists else says.closing(s.world, finding)


def _after_the_end(s: Scene, act: str) -> bytes:
    claim = s.claimed()
    finding = _raised(s, claim=claim)
    if act != "answers":
        _answered(s, finding)
    s.corrected(c.Withdraw, claim)
    if act == "insists":
        return says.insisting(s.world, finding, 2)
    return says.answering(s.world, finding) if act == "answers" else says.closing(s.world, finding)


def _raise_of_a_close(s: Scene) -> bytes:
    entry = s.log.add(says.closing(s.world, _raised(s)))
    return says.answering(s.world, reference_to(entry))


def _said_by(s: Scene, subject: m.Subject, *approvals: tuple[str, str], by: tuple[str, str] = VERIFIER) -> bytes:
    kind = "Response" if isinstance(subject, d.Response) else "Finding"
    return s.world.state(kind, subject, by, approvals)


def _attest_against(
    s: Scene, type: d.FindingType = "CAR", *, opinion: str = "unmodified", by: str = "verifier", closed: bool = False
) -> bytes:
    claim = s.claimed()
    finding = _raised(s, type, claim=claim, by=by)
    if closed:
        s.log.add(says.closing(s.world, finding, by=by))
    amount = FULL if opinion in ("unmodified", "modified") else "0.000"
    return s.world.attest(claim, amount, opinion=opinion)


def _naming(s: Scene, *, by: str = "verifier", elsewhere: bool = False, twice: bool = False) -> bytes:
    """An attestation that names a finding."""
    claim = s.claimed()
    finding = _raised(s, "FAR", claim=s.claimed("plant") if elsewhere else claim, by=by)
    return s.world.attest(claim, FULL, findings=(finding.id,) * (2 if twice else 1))


def _resolution(s: Scene) -> d.CloseFinding:
    return d.CloseFinding(_raised(s), "Settled.")


def _answer(s: Scene, **other: Any) -> bytes:
    return says.answering(s.world, _raised(s), **other)


RAISED = (
    Case("a corrective action", None, lambda s: says.raising(s.world, s.claimed())),
    Case("a finding on what counts already", None, lambda s: says.raising(s.world, s.verified())),
    Case("a finding on a suspended claim", None, lambda s: _on(s, c.Suspend)),
    Case("a finding on a withdrawn claim", "claim_withdrawn", lambda s: _on(s, c.Withdraw)),
    Case("a finding on a superseded claim", "claim_superseded", _superseded),
    Case("a finding on no claim", "wrong_kind", lambda s: says.raising(s.world, s.attested(s.claimed()))),
    Case(
        "a finding on an unknown claim",
        "unknown_reference",
        lambda s: says.raising(s.world, m.Reference(s.world.next_id(), 1, "0" * 64)),
    ),
    Case(
        "a claimant raises",
        "missing_role",
        lambda s: _said_by(s, d.RaiseFinding(s.claimed(), "CL", "x", "x", ()), by=("plant", "plant:claimant")),
    ),
    Case(
        "the reviewer raises",
        "wrong_purpose",
        lambda s: _said_by(s, d.RaiseFinding(s.claimed(), "CL", "x", "x", ()), by=("verifier", "verifier:review")),
    ),
    Case(
        "the reviewer approves a finding",
        "unexpected_approval",
        lambda s: _said_by(s, d.RaiseFinding(s.claimed(), "CL", "x", "x", ()), ("verifier", "verifier:review")),
    ),
    Case("who takes part raises", "not_independent", _takes_part),
    Case("who is owned alike raises", "not_independent", lambda s: _newcomer(s, "carrier")),
    Case("who has no grant raises", "not_accredited", lambda s: _newcomer(s, granted=False)),
    Case("who has a grant of another sector raises", "not_accredited", lambda s: _newcomer(s, sectors=("forestry",))),
    Case("who has a grant of one level alone raises", None, lambda s: _newcomer(s, levels=("limited",))),
    Case(
        "a finding names a file twice",
        "duplicate_member",
        lambda s: says.raising(s.world, s.claimed(), evidence=("a" * 64, "a" * 64)),
    ),
    Case("the last finding that fits", None, lambda s: _one_more(s, FINDINGS_MAX - 1)),
    Case("one finding too many", "too_many", lambda s: _one_more(s, FINDINGS_MAX)),
)

ROUNDS = (
    Case("an answer", None, _answer),
    Case("an answer by another claimant", "not_the_author", lambda s: _answer(s, by="plant")),
    Case(
        "an answer by the verifier",
        "missing_role",
        lambda s: _said_by(s, d.Response(_raised(s), 1, "x", ()), by=VERIFIER),
    ),
    Case(
        "an approved answer",
        "unexpected_approval",
        lambda s: _said_by(
            s, d.Response(_raised(s), 1, "x", ()), ("plant", "plant:claimant"), by=("carrier", "carrier:claimant")
        ),
    ),
    Case("an answer to another round", "wrong_round", lambda s: _answer(s, round=2)),
    Case("a second answer", "finding_answered", lambda s: says.answering(s.world, _answered(s, _raised(s)))),
    Case("an answer after the close", "finding_closed", lambda s: says.answering(s.world, _closed(s, _raised(s)))),
    Case("an answer to a claim", "wrong_kind", lambda s: says.answering(s.world, s.claimed())),
    Case("an answer to a close", "unknown_finding", _raise_of_a_close),
    Case(
        "an answer with a file twice",
        "duplicate_member",
        lambda s: _answer(s, evidence=(says.evidence(1), says.evidence(1))),
    ),
    Case(
        "an answer with a file of no moment",
        "bad_timestamp",
        lambda s: _answer(s, evidence=(says.evidence(1, collected_at="2026-02-30T00:00:00Z"),)),
    ),
    Case("an answer without a file", None, lambda s: _answer(s, evidence=())),
    Case(
        "an answer with too many files",
        "too_many",
        lambda s: _answer(s, evidence=tuple(says.evidence(n) for n in range(3))),
        {"evidence_max": 2},
    ),
    Case("a second round", None, lambda s: says.insisting(s.world, _answered(s, _raised(s)), 2)),
    Case("a round is left out", "wrong_round", lambda s: says.insisting(s.world, _answered(s, _raised(s)), 3)),
    Case("insisting before the answer", "finding_not_answered", lambda s: says.insisting(s.world, _raised(s), 2)),
    Case("insisting on what is closed", "finding_closed", lambda s: says.insisting(s.world, _closed(s, _raised(s)), 2)),
    Case(
        "another verifier insists",
        "not_the_author",
        lambda s: says.insisting(s.world, _answered(s, _raised(s)), 2, by="verifier2"),
    ),
    Case("insisting without a grant", "not_accredited", lambda s: _after_the_grant(s, insists=True)),
    Case("insisting on a withdrawn claim", "claim_withdrawn", lambda s: _after_the_end(s, "insists")),
    Case("the last round that fits", None, lambda s: _one_more_round(s, ROUNDS_MAX - 1)),
    Case("one round too many", "too_many", lambda s: _one_more_round(s, ROUNDS_MAX)),
    Case("a close before the answer", None, lambda s: says.closing(s.world, _raised(s))),
    Case("another verifier closes", "not_the_author", lambda s: says.closing(s.world, _raised(s), by="verifier2")),
    Case(
        "the reviewer approves a close",
        "unexpected_approval",
        lambda s: _said_by(s, _resolution(s), ("verifier", "verifier:review")),
    ),
    Case("a close of what is closed", "finding_closed", lambda s: says.closing(s.world, _closed(s, _raised(s)))),
    Case("a close without a grant", None, lambda s: _after_the_grant(s, insists=False)),
    Case("an answer on a withdrawn claim", None, lambda s: _after_the_end(s, "answers")),
    Case("a close on a withdrawn claim", None, lambda s: _after_the_end(s, "closes")),
)

ATTESTED = (
    Case("unmodified against a corrective action", "open_findings", _attest_against),
    Case("modified against it", "open_findings", lambda s: _attest_against(s, opinion="modified")),
    Case("unmodified against another verifier's", "open_findings", lambda s: _attest_against(s, by="verifier2")),
    Case("adverse against it", None, lambda s: _attest_against(s, opinion="adverse")),
    Case("disclaimed against it", None, lambda s: _attest_against(s, opinion="disclaimed")),
    Case("unmodified after its close", None, lambda s: _attest_against(s, closed=True)),
    Case("unmodified against a clarification", None, lambda s: _attest_against(s, "CL")),
    Case("unmodified against a forward action", None, lambda s: _attest_against(s, "FAR")),
    Case("naming its own finding", None, _naming),
    Case("naming its finding twice", "duplicate_member", lambda s: _naming(s, twice=True)),
    Case("naming another verifier's finding", "unknown_finding", lambda s: _naming(s, by="verifier2")),
    Case("naming a finding on another claim", "unknown_finding", lambda s: _naming(s, elsewhere=True)),
    Case(
        "naming what is no finding",
        "unknown_finding",
        lambda s: s.world.attest(s.claimed(), FULL, findings=(s.world.next_id(),)),
    ),
)

FINDINGS = (*RAISED, *ROUNDS, *ATTESTED)
