"""One sealed certificate for all tests of this folder: made once, checked many times."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from keys.generate import issue_seal
from keys.trust import Trust
from ledger.certificates.archive import attachments_of, render
from ledger.certificates.seal import seal
from ledger.core.hashing import leaf_hash
from ledger.domain.dossier import fold
from ledger.domain.facts import PageFacts, page_facts
from tests.certificates.dossiers import Log, Made
from tests.world import START_MS, public

NOW_MS = START_MS + 10_000_000


@dataclass(frozen=True)
class Authority:
    """A seal key with its certificate, and the certificate of the authority that issued it."""

    key: EllipticCurvePrivateKey
    pem: str
    issuer_pem: str

    def seal(self, pdf: bytes) -> bytes:
        return seal(pdf, key=self.key, certificate=load_pem_x509_certificate(self.pem.encode()), at_ms=NOW_MS)


@dataclass(frozen=True)
class Issued:
    """A certificate with everything that it was made of."""

    log: Log
    made: Made
    facts: PageFacts
    files: dict[str, bytes]
    unsealed: bytes
    sealed: bytes
    trust: Trust


def authority(name: str = "Test programme") -> Authority:
    made = issue_seal(name="seal", common_name=name)
    key = load_pem_private_key(made.stored.pkcs8.encode(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    return Authority(key, made.certificate, made.authority)


def trust_for(log: Log, *seals: str) -> Trust:
    return Trust.build(
        programme=log.world.programme_subject(),
        genesis=leaf_hash(log.entries[0]).hex(),
        accreditors={log.world.party_id("accreditor"): (public("accreditor:accreditor"),)},
        seal=seals,
    )


def issue(log: Log, made: Made, by: Authority) -> Issued:
    facts = page_facts(fold(made.entries), made.checkpoint)
    files = attachments_of(
        credential=made.credential, checkpoint=made.checkpoint.raw, entries=made.entries, proofs=made.proofs
    )
    unsealed = render(facts, files)
    return Issued(log, made, facts, files, unsealed, by.seal(unsealed), trust_for(log, by.pem))


@pytest.fixture(scope="session")
def sealer() -> Authority:
    return authority()


@pytest.fixture(scope="session")
def issued(sealer: Authority) -> Issued:
    log = Log()
    return issue(log, log.certify([log.verified_claim()]), sealer)
