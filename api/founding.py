"""Entry 0 of a new ledger: the Programme, signed by its roots.

Shared by `gigaton init` and the demonstration.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.author import Hand, state
from ledger.core.note import Vkey
from ledger.core.strict import to_base64url
from ledger.domain.statements.programme import Formats, LogKey, Party, Policy, Programme, RootKeys

# RULES 8.
DEFAULT_POLICY = Policy(
    quorum=1,
    quorum_high=2,
    quorum_high_from_t=100_000,
    reviewer_required=True,
    materiality_ppm=50_000,
    period_days_max=400,
    period_age_days_max=1_827,
    deduction_above_ppm=100_000,
    gwp_sets=("AR5", "AR6"),
    adopts="retired",
    evidence_max=64,
    participants_max=64,
    findings_days=60,
    rotation_delay_hours=24,
    anchor_hours=24,
)


def programme_statement(
    *,
    origin: str,
    name: str,
    base_url: str,
    operator: Party,
    roots: Sequence[Hand],
    threshold: int,
    log_key: bytes,
    policy: Policy,
) -> bytes:
    """The signed Programme of version 1.

    Raises: Malformed `bad_schema` for an origin, name or URL that does not fit.
    """
    subject = Programme(
        version=1,
        origin=origin,
        name=name,
        base_url=base_url,
        operator=operator,
        formats=Formats(entry=1, statement=1, rules=1),
        root=RootKeys(tuple(to_base64url(hand.signer.public_key) for hand in roots), threshold),
        log_keys=(LogKey(str(Vkey.make(origin, log_key)), 0),),
        witnesses=(),
        policy=policy,
    )
    return state("Programme", subject, ledger=origin, author=roots[0], approvals=roots[1:threshold])
