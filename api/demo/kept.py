"""Claims of the demonstration: with their evidence, which everybody may read, and as others refer to them."""

from __future__ import annotations

from api.author import Hand, new_statement_id, state
from ledger.core.entry import decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import open_jws
from ledger.domain.statements import read_statement
from ledger.domain.statements.claim import Claim
from ledger.domain.statements.members import Reference
from ledger.service import evidence
from ledger.service.ledger import Ledger
from ledger.store import log_store


def state_with_evidence(ledger: Ledger, subject: Claim, author: Hand, record: bytes) -> bytes:
    """A signed claim whose evidence, this record of a public registry, is kept under the claim's id."""
    identity, digest = new_statement_id(), subject.evidence[0].digest
    evidence.put(ledger, [record], owner=author.party, claim=identity, digest=digest, visibility="public")
    return state("Claim", subject, ledger=ledger.name, author=author, statement_id=identity)


def reference_to(ledger: Ledger, index: int) -> Reference:
    """The reference to a recorded statement."""
    with ledger.reading() as connection:
        entry = log_store.read_entry(connection, index)
    assert entry is not None, "a recorded claim has an entry"
    statement = read_statement(open_jws(decode_entry(entry).statement))
    return Reference(statement.id, index, leaf_hash(entry).hex())
