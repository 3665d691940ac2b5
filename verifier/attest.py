"""Attesting at home: replay the log, recompute the claim, draft the opinion, sign it with keys that never leave.

The statement is decided by the rule book on the replayed state before anything
is signed, so that a verifier learns of a refusal from its own machine.

Source: RULES 4; STYLE 3, steps 6 to 8.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import uuid_utils
from msgspec import Struct

from keys.keyfile import StoredKey, read_ring
from keys.signer import FileSigner
from ledger.core.entry import decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import Kid, OpenedJws, Signature, approve, jws_size, open_jws, sign_statement
from ledger.core.strict import format_seconds
from ledger.core.tiles import TILE_WIDTH, decode_bundle
from ledger.domain.quantify import Estimate, compile_formula, estimate
from ledger.domain.records import ClaimRecord, MethodologyRecord, ProgrammeRecord
from ledger.domain.rules import decide
from ledger.domain.statements import read_statement, write_payload
from ledger.domain.statements.claim import Attestation, Claim
from ledger.domain.statements.members import Purpose, Reference
from ledger.domain.units import format_kg
from ledger.domain.view import Position
from ledger.errors import Malformed, NotAllowed, Unproven
from verifier.bundle import Bundle
from verifier.replay import Replay


class Review(Struct, frozen=True):
    """A claim as the log holds it, beside what its inputs give."""

    reference: Reference
    claim: Claim
    record: ClaimRecord
    recomputed: Estimate


def review(bundle: Bundle, result: Replay, index: int) -> Review:
    """Recompute a claim of a replayed log.

    Raises: Unproven `not_proven` when the replay found a problem; Malformed `no_entry`, `not_a_claim`.
    """
    if result.problem is not None:
        raise Unproven(
            "not_proven", f"entry {result.problem.index}: {result.problem.message}", index=result.problem.index
        )
    raw = _entry(bundle, index, result.checkpoint.size)
    statement = read_statement(open_jws(decode_entry(raw).statement))
    record = result.state.get(ClaimRecord, statement.id)
    if not isinstance(statement.subject, Claim) or record is None:
        raise Malformed("not_a_claim", f"entry {index} is a {statement.kind}, not a claim", index=index)
    method = result.state.get(MethodologyRecord, record.methodology, record.methodology_version)
    programme = result.state.get(ProgrammeRecord, "programme")
    assert method is not None, "a recorded claim has its methodology"
    assert programme is not None, "a replayed log has its programme"
    formula = compile_formula(method.subject, method.factors)
    limit = programme.subject.policy.deduction_above_ppm
    recomputed = estimate(formula, statement.subject.inputs, deduction_above_ppm=limit)
    reference = Reference(statement.id, index, leaf_hash(raw).hex())
    return Review(reference, statement.subject, record, recomputed)


def _entry(bundle: Bundle, index: int, size: int) -> bytes:
    if not 0 <= index < size:
        raise Malformed("no_entry", f"the log has no entry {index}", index=index)
    number = index // TILE_WIDTH
    width = min(TILE_WIDTH, size - number * TILE_WIDTH)
    return decode_bundle(bundle.entries(number, width), width=width)[index % TILE_WIDTH]


def find_key(path: Path, passphrase: str, *, purpose: Purpose) -> StoredKey:
    """The key of a file that serves a purpose.

    Raises: NotAllowed `no_such_key`, and the codes of `read_ring`.
    """
    for stored in read_ring(path, passphrase).keys:
        if purpose in stored.purposes:
            return stored
    raise NotAllowed("no_such_key", f"{path} holds no key to {purpose}", path=str(path))


def draft(reviewed: Review, **opinion: Any) -> Attestation:
    """The attestation as it will be signed.

    Raises: Malformed `bad_schema`.
    """
    members = {
        "claim": msgspec.to_builtins(reviewed.reference),
        "recomputed": format_kg(max(0, reviewed.recomputed.reduction_g)),
        "findings": [],
        "evidence_checked": [one.digest for one in reviewed.claim.evidence],
        **opinion,
    }
    try:
        return msgspec.convert(members, Attestation)
    except msgspec.ValidationError as error:
        raise Malformed("bad_schema", str(error)) from None


def sign_attestation(result: Replay, subject: Attestation, *, keys: list[StoredKey]) -> tuple[bytes, bytes]:
    """The payload and the signed statement: author first, then the independent reviewer.

    Raises: Refused with the code of the rule that the statement would break; nothing is signed then.
    """
    signers = [FileSigner.from_stored(stored) for stored in keys]
    kids = [Kid(stored.owner, signer.public_key) for stored, signer in zip(keys, signers, strict=True)]
    programme = result.state.get(ProgrammeRecord, "programme")
    assert programme is not None, "a replayed log has its programme"
    now_s = int(time.time())
    payload = write_payload(
        kind="Attestation",
        subject=subject,
        id=f"urn:uuid:{uuid_utils.uuid7()}",
        issuer=keys[0].owner,
        ledger=programme.ledger,
        valid_from=format_seconds(now_s),
    )
    jws_size(len(payload), kids)
    unsigned = OpenedJws(payload, tuple(Signature(kid, b"", b"") for kid in kids))
    decide(result.state, Position(result.checkpoint.size, now_s * 1000, "0" * 64), read_statement(unsigned))
    signed = sign_statement(payload, kid=kids[0], sign=signers[0].sign)
    for kid, signer in zip(kids[1:], signers[1:], strict=True):
        signed = approve(signed, kid=kid, sign=signer.sign)
    return payload, signed
