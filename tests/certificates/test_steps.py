"""Whatever a check of a certificate finds, it says by a code that stands in the table, and what to do about it.

DESIGN 7, RULES 7, THREATS P09. The code of a total without its log, `total_needs_log`, is held by `test_certify`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from keys.trust import Trust
from ledger.codes import REMEDIES
from ledger.core.entry import decode_entry
from ledger.domain.statements import claim as c
from tests.certificates.conftest import NOW_MS, Authority, Issued, issue
from tests.certificates.dossiers import Log
from tests.logwriter import LogWriter
from tests.world import START_MS, reference_to
from verifier.certificate import CertificateReport, Step, verify_certificate

YEAR_MS = 366 * 86_400_000


def check(issued: Issued, *, trust: Trust | None = None, log: Path | None = None, later_ms: int = 0) -> Step:
    """The one step that did not hold."""
    report = verify_certificate(issued.sealed, trust=trust or issued.trust, now_ms=NOW_MS + later_ms, log=log)
    (found,) = faults(report)
    return found


def faults(report: CertificateReport) -> list[Step]:
    for step in report.steps:
        assert step.remedy == (REMEDIES[step.code] if step.code else "")
    return [step for step in report.steps if step.code]


def copy_of(issued: Issued, *, size: int) -> LogWriter:
    """The first entries of the certificate's own log, byte for byte, in a log that can go on otherwise."""
    writer = LogWriter(issued.log.world)
    for index, raw in enumerate(issued.log.entries[:size]):
        writer.recorded_at_ms = START_MS + 1000 * index
        assert writer.add(decode_entry(raw).statement) == raw
    return writer


@pytest.fixture(scope="module")
def own(sealer: Authority) -> Issued:
    """A certificate of a log that no test goes on writing: each goes on with a copy."""
    log = Log()
    return issue(log, log.certify([log.verified_claim()]), sealer)


def test_a_certificate_that_holds_states_no_code(own: Issued, tmp_path: Path) -> None:
    log = copy_of(own, size=len(own.log.entries)).publish(tmp_path)
    report = verify_certificate(own.sealed, trust=own.trust, now_ms=NOW_MS, log=log)
    assert (report.exit_code, faults(report)) == (0, [])


def test_what_the_trust_file_lacks_is_named(own: Issued) -> None:
    witnesses = msgspec.structs.replace(own.trust.witnesses, quorum=1)
    found = check(own, trust=msgspec.structs.replace(own.trust, witnesses=witnesses))
    assert (found.name, found.result, found.code) == ("witnesses", "not enough trust", "below_quorum")
    found = check(own, trust=msgspec.structs.replace(own.trust, accreditors=()))
    assert (found.name, found.result, found.code) == ("recognised", "not enough trust", "accreditor_not_recognised")


def test_an_ended_validity_is_named(own: Issued) -> None:
    found = check(own, later_ms=YEAR_MS)
    assert (found.name, found.result, found.code) == ("validity", "no longer", "certificate_expired")


def test_a_withdrawn_claim_is_named(own: Issued, tmp_path: Path) -> None:
    """P09."""
    writer = copy_of(own, size=len(own.log.entries))
    claim = reference_to(own.log.entries[-3])
    writer.add(own.log.world.correct(c.Withdraw(claim, "An error."), by=("carrier", "carrier:claimant")))
    found = check(own, log=writer.publish(tmp_path))
    assert (found.name, found.result, found.code) == ("status", "no longer", "no_longer_current")
    assert "withdrawn" in found.what


def test_a_log_that_ends_too_early_is_named(own: Issued, tmp_path: Path) -> None:
    found = check(own, log=copy_of(own, size=len(own.log.entries) - 1).publish(tmp_path))
    assert (found.name, found.result, found.code) == ("status", "not checked", "log_too_short")


@pytest.mark.parametrize("beyond", [0, 2])
def test_a_second_history_of_the_log_is_named_a_fork(own: Issued, tmp_path: Path, beyond: int) -> None:
    """The same log key signed both: the log in hand has the certificate's size, or more, and another root there."""
    writer = copy_of(own, size=len(own.log.entries) - 1)
    for number in range(1 + beyond):
        writer.add(own.log.world.claim("plant", start=f"2025-0{number + 1}-01", end=f"2025-0{number + 2}-01"))
    report = verify_certificate(own.sealed, trust=own.trust, now_ms=NOW_MS, log=writer.publish(tmp_path))
    (found,) = faults(report)
    assert (report.exit_code, found.name, found.result, found.code) == (1, "status", "failed", "forked")


def test_a_refuted_step_gives_the_remedy_of_its_error(own: Issued) -> None:
    found = check(own, trust=msgspec.structs.replace(own.trust, genesis="0" * 64))
    assert (found.name, found.result, found.code) == ("ledger", "failed", "other_genesis")


def test_a_trust_file_without_one_readable_seal_refutes_nothing(own: Issued, sealer: Authority) -> None:
    """The auditor's own file is at fault, not the certificate: exit 2. An authority beside the seal is no seal."""
    for pem in ("", "x", sealer.pem + sealer.issuer_pem, sealer.pem.replace("MII", "MIJ", 1)):
        trust = msgspec.structs.replace(own.trust, seal=(pem,))
        report = verify_certificate(own.sealed, trust=trust, now_ms=NOW_MS)
        (found,) = faults(report)
        assert (report.exit_code, found.name, found.code) == (2, "seal", "bad_seal_certificate")


def test_an_authority_is_no_seal(own: Issued, sealer: Authority) -> None:
    """What a viewer trusts is not what an auditor pins: with the authority pinned, its seal is unknown."""
    found = check(own, trust=msgspec.structs.replace(own.trust, seal=(sealer.issuer_pem,)))
    assert (found.name, found.code) == ("seal", "seal_not_pinned")
