"""Writing and signing statements on behalf of a party: what a participant does at home.

The only place on the author's side that asks for randomness (the statement id)
and for the time of day (`validFrom`, which is informative).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import uuid_utils

from keys.signer import Signer
from ledger.core.jws import Kid, approve, jws_size, sign_statement
from ledger.core.strict import format_seconds
from ledger.domain.statements import write_payload
from ledger.domain.statements.members import Subject
from ledger.sequencer.clock import now_ms


@dataclass(frozen=True, slots=True)
class Hand:
    """A party with one of its keys: what signs."""

    party: str
    signer: Signer

    @property
    def kid(self) -> Kid:
        """The name under which this hand signs."""
        return Kid(self.party, self.signer.public_key)


def new_statement_id() -> str:
    """A fresh `urn:uuid:` of version 7, which sorts by time and keeps indexes local."""
    return f"urn:uuid:{uuid_utils.uuid7()}"


def state(
    kind: str,
    subject: Subject,
    *,
    ledger: str,
    author: Hand,
    approvals: Sequence[Hand] = (),
    issuer: str | None = None,
    statement_id: str | None = None,
) -> bytes:
    """A signed statement of this kind for this ledger, ready to be submitted.

    Raises: Malformed `bad_schema`, `bad_text` if it could not be read back, `too_large` before anything is signed.
    """
    payload = write_payload(
        kind=kind,
        subject=subject,
        id=statement_id or new_statement_id(),
        issuer=issuer or author.party,
        ledger=ledger,
        valid_from=format_seconds(now_ms() // 1000),
    )
    hands = (author, *approvals)
    jws_size(len(payload), [hand.kid for hand in hands])
    statement = sign_statement(payload, kid=author.kid, sign=author.signer.sign)
    for hand in approvals:
        statement = approve(statement, kid=hand.kid, sign=hand.signer.sign)
    return statement
