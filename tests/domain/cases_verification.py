"""Refusals after the claim: attestations, corrections and certificates."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import programme as p
from ledger.domain.statements import report as r
from tests.domain.scene import FULL, OPERATOR, Case, Scene
from tests.world import reference_to

NOWHERE = "0" * 64
PLANT = ("plant", "plant:claimant")


def _attest(s: Scene, amount: str = FULL, **changes: Any) -> bytes:
    return s.world.attest(s.claimed(), amount, **changes)


def _attest_signed(s: Scene, by: tuple[str, str], *approvals: tuple[str, str]) -> bytes:
    subject = c.Attestation(s.claimed(), "unmodified", FULL, "reasonable", 50_000, FULL, (), (), "none", "Verified.")
    return s.world.state("Attestation", subject, by, approvals)


def _newcomer(s: Scene, owner: str | None = None, *, step: type[Any] | None = None, **grant: Any) -> bytes:
    """A third verifier with a grant, after a step on that grant, attests the carrier's claim."""
    s.log.add(s.world.party("newcomer", ("verifier",), owner=owner))
    given = reference_to(s.log.add(s.world.accreditation("newcomer", **grant)))
    if step is not None:
        s.log.add(s.world.state("Accreditation", step(given.id, "A test."), ("accreditor", "accreditor:accreditor")))
    return s.world.attest(s.claimed(), FULL, verifier="newcomer")


def _without_grant(s: Scene) -> bytes:
    s.log.add(s.world.party("newcomer", ("verifier",)))
    return s.world.attest(s.claimed(), FULL, verifier="newcomer")


def _verifier_takes_part(s: Scene) -> bytes:
    taking_part = tuple(
        c.Participant(role="owner", scope="2", share_ppm=500_000, party=s.world.party_id(name))
        for name in ("carrier", "verifier")
    )
    return s.world.attest(s.claimed(participants=taking_part), FULL)


def _attest_otherwise(s: Scene, **wrong: Any) -> bytes:
    return s.world.attest(msgspec.structs.replace(s.claimed(), **wrong), FULL)


def _second_opinion(s: Scene) -> bytes:
    return s.world.attest(s.verified(), FULL)


def _revoked_twice(s: Scene) -> bytes:
    opinion = s.attested(s.claimed())
    return s.correction(c.Revoke, s.corrected(c.Revoke, opinion))


def _reinstated_by_claimant(s: Scene) -> bytes:
    return s.correction(c.Reinstate, s.corrected(c.Suspend, s.claimed()), by=("carrier", "carrier:claimant"))


def _superseded(s: Scene) -> bytes:
    old = s.claimed()
    s.claimed(supersedes=old)
    return s.world.attest(old, FULL)


def _all_reversed(s: Scene) -> bytes:
    target = s.corrected(c.Reverse, s.verified(), amount=FULL)
    return s.correction(c.Reverse, target, amount="0.001")


ATTESTATIONS = (
    Case("no reviewer", "missing_approval", lambda s: _attest_signed(s, ("verifier", "verifier:verifier"))),
    Case(
        "no reviewer where none is asked for",
        None,
        lambda s: _attest_signed(s, ("verifier", "verifier:verifier")),
        {"reviewer_required": False},
    ),
    Case(
        "a reviewer of another verifier",
        "unexpected_approval",
        lambda s: _attest_signed(s, ("verifier", "verifier:verifier"), ("verifier2", "verifier2:review")),
    ),
    Case(
        "author and reviewer change places",
        "wrong_purpose",
        lambda s: _attest_signed(s, ("verifier", "verifier:review"), ("verifier", "verifier:verifier")),
    ),
    Case("a claimant attests", "missing_role", lambda s: _attest_signed(s, PLANT)),
    Case("an unknown claim", "unknown_reference", lambda s: _attest_otherwise(s, id=s.world.next_id())),
    Case("a claim by another hash", "wrong_entry", lambda s: _attest_otherwise(s, entry_hash=NOWHERE)),
    Case("a claim by another index", "wrong_entry", lambda s: _attest_otherwise(s, index=1)),
    Case("an attestation of an attestation", "wrong_kind", lambda s: s.world.attest(s.attested(s.claimed()), FULL)),
    Case("the verifier takes part", "not_independent", _verifier_takes_part),
    Case("the same ultimate owner", "not_independent", lambda s: _newcomer(s, "carrier")),
    Case("another owner, in force", None, _newcomer),
    Case("no grant", "not_accredited", _without_grant),
    Case("a grant that ended today", "not_accredited", lambda s: _newcomer(s, until="2026-09-21")),
    Case("a grant that ends tomorrow", None, lambda s: _newcomer(s, until="2026-09-22")),
    Case("a grant from tomorrow", "not_accredited", lambda s: _newcomer(s, from_="2026-09-22")),
    Case("a suspended grant", "not_accredited", lambda s: _newcomer(s, step=p.AccreditationSuspend)),
    Case("a withdrawn grant", "not_accredited", lambda s: _newcomer(s, step=p.AccreditationWithdraw)),
    Case("a grant of another family", "not_accredited", lambda s: _newcomer(s, families=("forests",))),
    Case("a grant of another sector", "not_accredited", lambda s: _newcomer(s, sectors=("forestry",))),
    Case("a grant of another level", "not_accredited", lambda s: _newcomer(s, levels=("limited",))),
    Case("a second opinion", "second_opinion", _second_opinion),
    Case("too wide a materiality", "materiality_too_wide", lambda s: _attest(s, materiality_ppm=50_001)),
    Case("adverse, with an amount", "opinion_with_amount", lambda s: _attest(s, "0.001", opinion="adverse")),
    Case("disclaimed, with an amount", "opinion_with_amount", lambda s: _attest(s, "0.001", opinion="disclaimed")),
    Case("unmodified, without an amount", "opinion_without_amount", lambda s: _attest(s, "0.000")),
    Case("a gram above the claim", "amount_above_claim", lambda s: _attest(s, "499000.001")),
    Case("a material difference", "material_difference", lambda s: _attest(s, recomputed="474049.999")),
    Case("a difference that is not material", None, lambda s: _attest(s, recomputed="474050.000")),
    Case("a material difference, modified", None, lambda s: _attest(s, recomputed="1.000", opinion="modified")),
)

CORRECTIONS = (
    Case("another claimant withdraws", "not_the_author", lambda s: s.correction(c.Withdraw, s.claimed(), by=PLANT)),
    Case("the claimant undoes the registrar", "not_the_author", _reinstated_by_claimant),
    Case(
        "a verifier's attestation as a claim", "wrong_kind", lambda s: s.correction(c.Withdraw, s.attested(s.claimed()))
    ),
    Case("a claim as an attestation", "wrong_kind", lambda s: s.correction(c.Revoke, s.claimed())),
    Case("an attestation revoked twice", "attestation_revoked", _revoked_twice),
    Case(
        "what is not verified is reversed",
        "wrong_status",
        lambda s: s.correction(c.Reverse, s.claimed(), amount="1.000"),
    ),
    Case(
        "more than counts is reversed",
        "amount_above_claim",
        lambda s: s.correction(c.Reverse, s.verified(), amount="499000.001"),
    ),
    Case("nothing is reversed", "amount_above_claim", lambda s: s.correction(c.Reverse, s.verified(), amount="0.000")),
    Case("reversed after all is gone", "wrong_status", _all_reversed),
    Case(
        "a withdrawn claim is attested",
        "claim_withdrawn",
        lambda s: s.world.attest(s.corrected(c.Withdraw, s.claimed()), FULL),
    ),
    Case("a superseded claim is attested", "claim_superseded", _superseded),
    Case(
        "a suspended claim is attested",
        "claim_suspended",
        lambda s: s.world.attest(s.corrected(c.Suspend, s.claimed()), FULL),
    ),
    Case("a live claim is reinstated", "wrong_status", lambda s: s.correction(c.Reinstate, s.claimed())),
)


def _certify(s: Scene, **changes: Any) -> bytes:
    return s.issue((s.verified(),), **changes)


def _old_root(s: Scene) -> bytes:
    """As of the size before the claim was verified."""
    claim = s.verified()
    size = len(s.log.entries) - 1
    root = s.log.state.root(size)
    assert root is not None
    return s.issue((claim,), as_of_size=size, as_of_root=root.hex())


def _total_of(s: Scene, party: str, holder: str | None = None) -> bytes:
    s.verified()
    name = s.world.party_id
    return s.issue(holder=name(holder or party), subject=r.PartyTotal(name(party)))


def _wrong_totals(s: Scene, *, named: bool) -> bytes:
    claim = s.verified()
    row = r.TotalRow("3+", "reduction", "clean-energy", "499000.001", 1)
    return s.issue((claim,) if named else (), totals=r.CertificateTotals("499000.001", 1, (row,)))


def _taken(s: Scene) -> bytes:
    claim = s.verified()
    s.issued((claim,))
    return s.issue((claim,))


def _revoked(s: Scene, times: int) -> bytes:
    s.issued((s.verified(),))
    for _ in range(times - 1):
        s.log.add(_revoke(s))
    return _revoke(s)


def _revoke(s: Scene) -> bytes:
    return s.world.state("Certificate", r.RevokeCertificate("TEST-1", "A test."), OPERATOR)


def _claim_twice(s: Scene) -> bytes:
    claim: m.Reference = s.verified()
    return s.issue((claim, claim))


CERTIFICATES = (
    Case("a right certificate", None, _certify),
    Case("a certificate revoked once", None, lambda s: _revoked(s, 1)),
    Case("a certificate revoked twice", "certificate_revoked", lambda s: _revoked(s, 2)),
    Case("a certificate that was never issued", "unknown_certificate", _revoke),
    Case("a number twice", "number_taken", _taken),
    Case("valid until today", "bad_validity", lambda s: _certify(s, valid_until="2026-09-21")),
    Case("valid until tomorrow", None, lambda s: _certify(s, valid_until="2026-09-22")),
    Case("valid for 367 days", "bad_validity", lambda s: _certify(s, valid_until="2027-09-23")),
    Case("as of before the claim was verified", "stale", _old_root),
    Case("as of the future", "stale", lambda s: _certify(s, as_of_size=1000)),
    Case("another root", "unknown_root", lambda s: _certify(s, as_of_root=NOWHERE)),
    Case("one gram more for named claims", "totals_differ", lambda s: _wrong_totals(s, named=True)),
    Case("one gram more for everything", "stale", lambda s: _wrong_totals(s, named=False)),
    Case(
        "a claim that reaches outside",
        "outside_period",
        lambda s: _certify(s, period=c.Days("2025-01-02", "2026-01-01")),
    ),
    Case("a holder without a share", "holder_not_participant", lambda s: _certify(s, holder=s.world.party_id("plant"))),
    Case("a party's total for another", "holder_not_participant", lambda s: _total_of(s, "carrier", "plant")),
    Case("a party's own total", None, lambda s: _total_of(s, "carrier")),
    Case("a party that has nothing", "nothing_to_certify", lambda s: _total_of(s, "plant")),
    Case("a claim that is not verified", "wrong_status", lambda s: s.issue((s.claimed(),))),
    Case("a claim twice", "duplicate_member", _claim_twice),
)
