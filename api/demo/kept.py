"""Claims of the demonstration with their evidence, which everybody may read: it comes from public registries."""

from __future__ import annotations

from api.author import Hand, new_statement_id, state
from ledger.domain.statements.claim import Claim
from ledger.service import evidence
from ledger.service.ledger import Ledger


def state_with_evidence(ledger: Ledger, subject: Claim, author: Hand, record: bytes) -> bytes:
    """A signed claim whose first piece of evidence, this record, is kept under the claim's id."""
    identity, digest = new_statement_id(), subject.evidence[0].digest
    evidence.put(ledger, [record], owner=author.party, claim=identity, digest=digest, visibility="public")
    return state("Claim", subject, ledger=ledger.name, author=author, statement_id=identity)
