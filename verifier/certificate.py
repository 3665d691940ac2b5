"""Checking a certificate with nothing but the file and the auditor's own trust: step by step, each named.

    seal          one signature by the pinned key, over the whole file (verifier.seal)
    file          nothing but pages and attachments, each named once (verifier.carried)
    checkpoint    signed by the trusted log, for the trusted origin
    proofs        every carried entry stands in the log of that one checkpoint
    ledger        entry 0 is the trusted one
    rules         every carried entry passes the rule book, the Certificate last; totals are computed again
    credential    certificate.jws is what the Certificate's own entry holds
    page          the page is what these facts draw
    status, witnesses, recognised, validity

Source: RULES 7, DESIGN 4.4 and 7, CERTIFICATE 7.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from msgspec import Struct

from keys.trust import Trust
from ledger.certificates.archive import attachments_of, render
from ledger.codes import REMEDIES
from ledger.core.check import check_inclusion
from ledger.core.checkpoint import VerifiedCheckpoint, open_checkpoint
from ledger.core.hashing import leaf_hash
from ledger.core.receipt import parse_receipt
from ledger.core.strict import hex_bytes
from ledger.domain.dossier import Dossier, fold
from ledger.domain.facts import claims_of, page_facts
from ledger.domain.period import day_of_ms, parse_day
from ledger.domain.records import CertificateRecord, ClaimRecord
from ledger.domain.statements.report import ClaimSet, PartyTotal
from ledger.domain.totals import recognised
from ledger.errors import LedgerError, Unproven, Unreadable, Unsupported
from verifier.bundle import Bundle
from verifier.carried import Attached, read_carried
from verifier.replay import replay
from verifier.seal import require_sealed
from verifier.state import AuditState

Result = Literal["ok", "failed", "not checked", "not enough trust", "no longer"]

PROVEN, REFUTED, UNREADABLE, UNTRUSTED, ENDED = 0, 1, 2, 3, 5
_VERDICTS = {
    PROVEN: "VALID",
    REFUTED: "NOT VALID",
    UNREADABLE: "UNREADABLE",
    UNTRUSTED: "NOT ENOUGH TRUST",
    ENDED: "VALID ONCE, NO LONGER",
}


class Step(Struct, frozen=True):
    """One check and what it found; `code`, and what to do about it, are set where it did not hold."""

    name: str
    result: Result
    what: str
    code: str = ""
    remedy: str = ""


class CertificateReport(Struct, frozen=True):
    """Every step, the verdict, and the exit code of DESIGN 7. `assumed` is what only a full replay could know."""

    verdict: str
    exit_code: int
    steps: tuple[Step, ...]
    number: str = ""
    holder: str = ""
    total_g: int = 0
    index: int = -1
    size: int = -1
    assumed: tuple[str, ...] = ()


def verify_certificate(pdf: bytes, *, trust: Trust, now_ms: int, log: Path | None = None) -> CertificateReport:
    """Check a certificate offline; with the exported `log`, also what has become of it since.

    Units: `now_ms` milliseconds since 1970 (UTC), the auditor's own clock.
    """
    steps: list[Step] = []
    try:
        checkpoint, dossier = _prove(pdf, trust, steps)
    except LedgerError as error:
        name = next(name for name in _PROVEN_STEPS if name not in {step.name for step in steps})
        steps.append(_step(name, "failed", error.message, error.code))
        code = UNREADABLE if isinstance(error, Unreadable | Unsupported) else REFUTED
        return CertificateReport(_VERDICTS[code], code, tuple(steps))
    code, state = PROVEN, None
    if log is not None:
        code, state = _status(steps, dossier, checkpoint, trust, log)
    else:
        steps.append(_step("status", "not checked", f"not known after size {checkpoint.size}: no log was given"))
    code = _worst(
        code,
        _witnessed(steps, checkpoint, trust),
        _recognised(steps, dossier, trust, state),
        _valid(steps, dossier, now_ms),
    )
    facts = page_facts(dossier, checkpoint)
    return CertificateReport(
        verdict=_VERDICTS[code],
        exit_code=code,
        steps=tuple(steps),
        number=facts.number,
        holder=facts.holder,
        total_g=facts.total_g,
        index=facts.index,
        size=facts.size,
        assumed=dossier.assumed,
    )


def _step(name: str, result: Result, what: str, code: str = "") -> Step:
    return Step(name, result, what, code, REMEDIES[code] if code else "")


_PROVEN_STEPS = ("seal", "file", "checkpoint", "proofs", "ledger", "rules", "credential", "page")


def _prove(pdf: bytes, trust: Trust, steps: list[Step]) -> tuple[VerifiedCheckpoint, Dossier]:
    """Everything that must hold; the first that does not ends the check.

    Raises: LedgerError.
    """

    def passed(name: str, what: str) -> None:
        steps.append(_step(name, "ok", what))

    require_sealed(pdf, pinned=trust.seal)
    passed("seal", "one seal by the pinned key, over the whole file")
    attached = read_carried(pdf)
    passed("file", f"{len(attached.entries)} entries carried, nothing else in the file")
    checkpoint = open_checkpoint(
        attached.checkpoint, log=trust.log_vkey, origin=trust.origin, witnesses=trust.witness_vkeys
    )
    passed("checkpoint", f"{checkpoint.origin}, size {checkpoint.size}, root {checkpoint.root.hex()}")
    _check_proofs(attached, checkpoint)
    passed("proofs", "every carried entry stands in the log of this checkpoint")
    if 0 not in attached.entries or leaf_hash(attached.entries[0]) != hex_bytes(trust.genesis, size=32):
        raise Unproven("other_genesis", "entry 0 is not that of the ledger that the trust file names")
    passed("ledger", f"entry 0 is {trust.genesis}")
    dossier = fold(attached.entries)
    passed("rules", f"{len(dossier.carried)} entries pass the rule book, the totals are computed again")
    if attached.credential != dossier.certificate.entry.statement:
        raise Unproven("other_credential", "certificate.jws is not the statement of the Certificate's own entry")
    passed("credential", f"recorded as entry {dossier.certificate.index}, {dossier.certificate.entry_hash}")
    _check_page(pdf, attached, dossier, checkpoint)
    passed("page", "drawn again from these facts, it is the same to the byte")
    return checkpoint, dossier


def _check_proofs(attached: Attached, checkpoint: VerifiedCheckpoint) -> None:
    for index, raw in attached.proofs.items():
        receipt = parse_receipt(raw)
        if receipt.index != index or receipt.checkpoint != attached.checkpoint or receipt.encode() != raw:
            raise Unproven("other_proof", f"the proof of entry {index} is another entry's or to another checkpoint")
        check_inclusion(index=index, leaf=leaf_hash(attached.entries[index]), path=receipt.path, head=checkpoint)


def _check_page(pdf: bytes, attached: Attached, dossier: Dossier, checkpoint: VerifiedCheckpoint) -> None:
    """Raises: Unproven `page_differs`."""
    files = attachments_of(
        credential=attached.credential,
        checkpoint=attached.checkpoint,
        entries=attached.entries,
        proofs=attached.proofs,
    )
    if render(page_facts(dossier, checkpoint), files) != pdf[: attached.unsealed_bytes]:
        raise Unproven("page_differs", "drawn again from its own facts, the document comes out differently")


def _witnessed(steps: list[Step], checkpoint: VerifiedCheckpoint, trust: Trust) -> int:
    cosigned = len(checkpoint.cosignatures)
    if cosigned < trust.witnesses.quorum:
        what = f"{cosigned} of the {trust.witnesses.quorum} witnesses that the trust file asks for"
        steps.append(_step("witnesses", "not enough trust", what, "below_quorum"))
        return UNTRUSTED
    steps.append(_step("witnesses", "ok", f"{cosigned} cosigned" if cosigned else "unwitnessed: none is asked for"))
    return PROVEN


def _recognised(steps: list[Step], dossier: Dossier, trust: Trust, state: AuditState | None) -> int:
    """Whether accreditors that the auditor lists stand behind every gram."""
    about = dossier.issue.subject
    if isinstance(about, ClaimSet):
        claims = claims_of(dossier)
        others = sum(not recognised(claim, trusted=trust.recognised) for claim in claims)
    elif state is None:
        what = "the claims behind a total are not carried: give the log to check it"
        steps.append(_step("recognised", "not enough trust", what, "total_needs_log"))
        return UNTRUSTED
    else:
        wanted = ("party", about.party) if isinstance(about, PartyTotal) else ("all", "")
        cells = state.sums[False].items()
        others = sum(held.claims for cell, held in cells if (cell.dimension, cell.value) == wanted)
    if others:
        what = f"{others} claims rest on accreditors that the trust file does not list"
        steps.append(_step("recognised", "not enough trust", what, "accreditor_not_recognised"))
        return UNTRUSTED
    steps.append(_step("recognised", "ok", "every claim rests on accreditors that the trust file lists"))
    return PROVEN


def _valid(steps: list[Step], dossier: Dossier, now_ms: int) -> int:
    until = dossier.issue.valid_until
    if day_of_ms(now_ms) >= parse_day(until):
        steps.append(_step("validity", "no longer", f"valid until {until}", "certificate_expired"))
        return ENDED
    steps.append(_step("validity", "ok", f"valid until {until}"))
    return PROVEN


def _worst(*codes: int) -> int:
    """The exit code that counts, by the precedence of DESIGN 7."""
    return next(code for code in (UNREADABLE, REFUTED, UNTRUSTED, ENDED, PROVEN) if code in codes)


def _status(
    steps: list[Step], dossier: Dossier, checkpoint: VerifiedCheckpoint, trust: Trust, log: Path
) -> tuple[int, AuditState | None]:
    """What the exported log says of the certificate and its claims now, after a full replay."""
    try:
        bundle = Bundle(log)
        try:
            result = replay(bundle, trust, roots_at=frozenset({checkpoint.size, dossier.issue.as_of_size}))
        finally:
            bundle.close()
    except LedgerError as error:
        steps.append(_step("status", "failed", error.message, error.code))
        return (UNREADABLE if isinstance(error, Unreadable) else REFUTED), None
    if result.problem is not None:
        steps.append(_step("status", "failed", result.problem.message, result.problem.code))
        return REFUTED, None
    if result.checkpoint.size < checkpoint.size:
        what = f"the log given ends at {result.checkpoint.size}, before the certificate's checkpoint"
        steps.append(_step("status", "not checked", what, "log_too_short"))
        return UNTRUSTED, None
    if result.roots.get(checkpoint.size, result.checkpoint.root) != checkpoint.root:
        what = "two histories are signed for this log: at the certificate's size the log given has another root"
        steps.append(_step("status", "failed", what, "forked"))
        return REFUTED, None
    ended = _ended(result.state, dossier)
    if ended:
        steps.append(_step("status", "no longer", "; ".join(ended)[:1000], "no_longer_current"))
        return ENDED, result.state
    steps.append(_step("status", "ok", f"current as of size {result.checkpoint.size}"))
    return PROVEN, result.state


def _ended(state: AuditState, dossier: Dossier) -> list[str]:
    get: Callable[..., CertificateRecord | None] = state.get
    found = get(CertificateRecord, dossier.issue.number)
    ended = []
    if found is None or found.entry_hash != dossier.certificate.entry_hash:
        return [f"the log holds no certificate {dossier.issue.number} like this"]
    if found.revoked_index is not None:
        ended.append(f"revoked by entry {found.revoked_index}")
    for before in claims_of(dossier):
        now = state.get(ClaimRecord, before.id)
        if now is None or now.status != "verified":
            ended.append(f"claim {before.index} is {'missing' if now is None else now.status}")
        elif now.current_g != before.current_g:
            ended.append(f"claim {before.index} now counts {now.current_g} g")
    return ended
