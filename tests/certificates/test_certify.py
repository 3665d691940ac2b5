"""Issuing over a real ledger: recorded, proven, sealed, and refused before anything is recorded. P08, P09, R16."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from cryptography.x509 import load_pem_x509_certificate

from keys.trust import Trust
from ledger.core.entry import decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import open_jws
from ledger.domain.statements import claim as c
from ledger.domain.statements import read_statement
from ledger.domain.statements.members import Reference
from ledger.domain.statements.report import ClaimSet, PartyTotal, ProgrammeTotal
from ledger.errors import LedgerError
from ledger.sequencer.clock import now_ms
from ledger.service import certify
from ledger.service.found import found_ledger
from ledger.service.ledger import Ledger
from ledger.service.submit import prove, submit
from ledger.store.export import export_log
from tests.certificates.conftest import Authority
from tests.dialogue import answering, closing, insisting, raising
from tests.world import ROLES, World, key_of, public, reference_to
from verifier.certificate import CertificateReport, verify_certificate


@dataclass(frozen=True)
class Key:
    """A signer in memory."""

    name: str

    @property
    def public_key(self) -> bytes:
        return bytes(key_of(self.name).verify_key)

    def sign(self, message: bytes) -> bytes:
        return bytes(key_of(self.name).sign(message).signature)


@dataclass(frozen=True)
class Desk:
    """A ledger with two verified claims of one carrier and one of another party."""

    ledger: Ledger
    world: World
    sealing: certify.Sealing
    trust: Trust
    claims: tuple[Reference, ...]

    def issue(self, about: certify.About, *, number: str = "GT-1", holder: str = "carrier") -> certify.Issued:
        return certify.issue(
            self.ledger,
            holder=self.world.party_id(holder),
            about=about,
            start="2025-01-01",
            end="2026-01-01",
            number=number,
            valid_days=90,
            signer=Key("operator:operator"),
            sealing=self.sealing,
        )

    def check(self, pdf: bytes) -> CertificateReport:
        return verify_certificate(pdf, trust=self.trust, now_ms=now_ms())

    def add(self, statement: bytes) -> bytes:
        recorded = submit(self.ledger, statement)
        return prove(self.ledger, [recorded.index])[0].entry


def kind_of(entry: bytes) -> str:
    return read_statement(open_jws(decode_entry(entry).statement)).kind


@pytest.fixture
def desk(tmp_path: Path, sealer: Authority) -> Iterator[Desk]:
    world = World()
    with found_ledger(tmp_path / "data", world.programme(), signer=Key("log")) as ledger:
        genesis = prove(ledger, [0])[0].entry
        world.founded(genesis)
        for name in ROLES:
            submit(ledger, world.party(name))
        submit(ledger, world.accreditation("verifier"))
        submit(ledger, world.accreditation("verifier2"))
        submit(ledger, world.factor_set())
        submit(ledger, world.methodology())
        submit(ledger, world.target())
        trust = Trust.build(
            programme=world.programme_subject(),
            genesis=leaf_hash(genesis).hex(),
            accreditors={world.party_id("accreditor"): (public("accreditor:accreditor"),)},
            seal=(sealer.pem,),
        )
        sealing = certify.Sealing(sealer.key, load_pem_x509_certificate(sealer.pem.encode()))
        made = Desk(ledger, world, sealing, trust, ())
        claims = [verified(made, "carrier", start="2025-01-01"), verified(made, "carrier", start="2025-02-01")]
        verified(made, "plant", start="2025-01-01")
        yield Desk(ledger, world, sealing, trust, tuple(claims))


def verified(desk: Desk, claimant: str, *, start: str) -> Reference:
    end = start[:5] + f"{int(start[5:7]) + 1:02d}-01"
    subject = desk.world.claim_subject(claimant, start=start, end=end)
    reference = reference_to(desk.add(desk.world.claim(claimant, start=start, end=end)))
    desk.add(desk.world.attest(reference, subject.quantification.reduction))
    return reference


def test_a_certificate_of_claims_is_valid_and_carries_only_what_it_rests_on(desk: Desk) -> None:
    issued = desk.issue(ClaimSet(desk.claims))
    report = desk.check(issued.pdf)
    assert (report.verdict, report.exit_code, report.total_g) == ("VALID", 0, 998_000_000)
    assert report.index == issued.index
    assert b"entry-0.json" in issued.pdf
    plants_claim = desk.claims[1].index + 2
    assert f"entry-{plants_claim}.json".encode() not in issued.pdf


def test_the_largest_claims_of_a_party_are_found(desk: Desk) -> None:
    about = certify.largest_claims(
        desk.ledger, party=desk.world.party_id("carrier"), start="2025-01-01", end="2026-01-01"
    )
    assert about.claims == desk.claims
    with pytest.raises(LedgerError) as caught:
        certify.largest_claims(desk.ledger, party=desk.world.party_id("carrier"), start="2024-01-01", end="2025-01-01")
    assert caught.value.code == "nothing_to_certify"


@pytest.mark.parametrize(("about", "holder"), [("party", "carrier"), ("programme", "operator")])
def test_a_total_needs_the_log(desk: Desk, about: str, holder: str) -> None:
    subject = PartyTotal(desk.world.party_id(holder)) if about == "party" else ProgrammeTotal()
    report = desk.check(desk.issue(subject, holder=holder).pdf)
    assert report.exit_code == 3
    assert report.total_g == (998_000_000 if about == "party" else 1_497_000_000)
    assert [(step.name, step.code) for step in report.steps if step.code] == [("recognised", "total_needs_log")]


def test_a_certificate_outlives_a_correction_and_a_second_one_is_refused(desk: Desk) -> None:
    """P09: the file itself stays what it was; what is no longer current is not certified again."""
    issued = desk.issue(ClaimSet(desk.claims))
    size = desk.issue(ClaimSet(desk.claims[1:]), number="GT-2").size
    desk.add(desk.world.correct(c.Withdraw(desk.claims[0], "An error."), by=("carrier", "carrier:claimant")))
    again = certify.make_file(desk.ledger, index=issued.index, sealing=desk.sealing)
    assert desk.check(again).exit_code == 0
    assert desk.check(again).size > size
    with pytest.raises(LedgerError) as caught:
        desk.issue(ClaimSet(desk.claims), number="GT-3")
    assert caught.value.code == "claim_withdrawn"


def test_a_name_that_cannot_be_written_is_refused_before_it_is_recorded(desk: Desk) -> None:
    world = desk.world
    subject = msgspec.structs.replace(world.party_subject("quiet", ("claimant",)), legal_name="\N{ARABIC LETTER BEH}")
    proofs = [("quiet", "quiet:claimant")]
    desk.add(world.state("Party", subject, ("operator", "operator:registrar"), proofs))
    claim = verified(desk, "quiet", start="2025-03-01")
    with pytest.raises(LedgerError) as caught:
        desk.issue(ClaimSet((claim,)), holder="quiet")
    assert caught.value.code == "missing_glyph"
    with desk.ledger.reading() as connection:
        from ledger.store import log_store

        head = log_store.read_head(connection).size
    assert kind_of(prove(desk.ledger, [head - 1])[0].entry) == "Attestation"


def test_a_revoked_certificate_cannot_be_revoked_again(desk: Desk) -> None:
    issued = desk.issue(ClaimSet(desk.claims))
    certify.revoke(desk.ledger, number=issued.number, reason="An error.", signer=Key("operator:operator"))
    with pytest.raises(LedgerError) as caught:
        certify.revoke(desk.ledger, number=issued.number, reason="Again.", signer=Key("operator:operator"))
    assert caught.value.code == "certificate_revoked"


def exported(desk: Desk, folder: Path) -> Path:
    with desk.ledger.reading() as connection:
        export_log(connection, folder)
    return folder


def with_log(desk: Desk, pdf: bytes, log: Path) -> tuple[int, str]:
    report = verify_certificate(pdf, trust=desk.trust, now_ms=now_ms(), log=log)
    return report.exit_code, next(step.result for step in report.steps if step.name == "status")


def test_the_log_tells_the_present_status(desk: Desk, tmp_path: Path) -> None:
    """P09: current, then with a claim reversed in part, then revoked."""
    issued = desk.issue(ClaimSet(desk.claims))
    log = exported(desk, tmp_path / "log")
    assert with_log(desk, issued.pdf, log) == (0, "ok")
    desk.add(desk.world.correct(c.Reverse(desk.claims[0], "1.000", "A leak."), by=("carrier", "carrier:claimant")))
    assert with_log(desk, issued.pdf, exported(desk, log)) == (5, "no longer")
    again = desk.issue(ClaimSet(desk.claims[1:]), number="GT-2")
    assert with_log(desk, again.pdf, exported(desk, log)) == (0, "ok")
    certify.revoke(desk.ledger, number="GT-2", reason="An error.", signer=Key("operator:operator"))
    assert with_log(desk, again.pdf, exported(desk, log)) == (5, "no longer")


def test_a_log_that_ends_before_the_certificate_says_nothing(desk: Desk, tmp_path: Path) -> None:
    early = exported(desk, tmp_path / "early")
    issued = desk.issue(ClaimSet(desk.claims))
    assert with_log(desk, issued.pdf, early) == (3, "not checked")
    assert with_log(desk, issued.pdf, tmp_path / "nothing")[0] == 2


def test_with_its_log_a_total_is_proven(desk: Desk, tmp_path: Path) -> None:
    issued = desk.issue(ProgrammeTotal(), holder="operator")
    assert with_log(desk, issued.pdf, exported(desk, tmp_path / "log")) == (0, "ok")


def test_a_certificate_carries_the_dialogue_that_its_claim_went_through(desk: Desk) -> None:
    """Without it the rule book would not take the attestation that names the finding."""
    claim = reference_to(desk.add(desk.world.claim(start="2025-05-01", end="2025-06-01")))
    finding = reference_to(desk.add(raising(desk.world, claim)))
    said = [answering(desk.world, finding), insisting(desk.world, finding, 2), answering(desk.world, finding, 2)]
    dialogue = [finding.index, *(reference_to(desk.add(one)).index for one in (*said, closing(desk.world, finding)))]
    other = reference_to(desk.add(raising(desk.world, claim, "FAR", by="verifier2")))
    unrelated = reference_to(desk.add(raising(desk.world, desk.claims[0], "FAR", by="verifier2")))
    amount = desk.world.claim_subject(start="2025-05-01", end="2025-06-01").quantification.reduction
    desk.add(desk.world.attest(claim, amount, findings=(finding.id,)))
    issued = desk.issue(ClaimSet((claim,)))
    report = desk.check(issued.pdf)
    assert (report.verdict, report.exit_code) == ("VALID", 0)
    carried = [f"entry-{index}.json".encode() in issued.pdf for index in (*dialogue, other.index, unrelated.index)]
    assert carried == [True] * 6 + [False]
