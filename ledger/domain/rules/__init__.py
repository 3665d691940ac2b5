"""The front door of the rule book: one pure function, shared by server and auditor.

`decide` gives what changes or raises `Refused` with a stable code; it never
raises anything else, whatever bytes it is given. An entry is judged by the
version of the rules in force at its index; there is one version so far.

Source: RULES, first section.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.domain.records import ProgrammeRecord, StatementRecord
from ledger.domain.rules.v1 import attestations, certificates, claims, corrections, documents, findings, founding
from ledger.domain.statements import Statement
from ledger.domain.totals import Decision
from ledger.domain.view import Position, StateView
from ledger.errors import Conflict, NotAllowed

Rule = Callable[[StateView, Position, Statement, Any], Decision]

# One rule a kind; the keys are those of `ledger.domain.statements.KINDS`.
RULES: dict[str, Rule] = {
    "Programme": founding.decide_programme,
    "Party": founding.decide_party,
    "Key": founding.decide_key,
    "Accreditation": founding.decide_accreditation,
    "FactorSet": documents.decide_factor_set,
    "Methodology": documents.decide_methodology,
    "Target": documents.decide_target,
    "Claim": claims.decide_claim,
    "Finding": findings.decide_finding,
    "Response": findings.decide_response,
    "Attestation": attestations.decide_attestation,
    "Correction": corrections.decide_correction,
    "Certificate": certificates.decide_certificate,
}


def decide(view: StateView, position: Position, statement: Statement) -> Decision:
    """What a statement changes at this position. Its signatures have been checked against its own bytes.

    Raises: Refused, with the code of the rule that it breaks; Unsupported for what this release does not know.
    """
    programme = view.get(ProgrammeRecord, "programme")
    if programme is None:
        if statement.kind != "Programme":
            raise NotAllowed("no_programme", "the log has no Programme yet; it must be entry 0")
    elif statement.ledger != programme.ledger:
        raise NotAllowed("other_ledger", f"made for {statement.ledger[:200]}, this log is {programme.ledger}")
    taken = view.get(StatementRecord, statement.id)
    if taken is not None:
        raise Conflict(
            "duplicate_id", f"{statement.id} is entry {taken.index} already", id=statement.id, index=taken.index
        )
    decision = RULES[statement.kind](view, position, statement, statement.subject)
    seen = StatementRecord(statement.id, position.index, position.entry_hash, statement.kind, statement.issuer)
    return Decision((seen, *decision.records), decision.sums)
