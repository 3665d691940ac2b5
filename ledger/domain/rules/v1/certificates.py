"""Certificate: its issue over what is verified and current, and its revocation.

Source: RULES 7.
"""

from __future__ import annotations

import msgspec

from ledger.domain import certificate as facts
from ledger.domain.ids import require_distinct
from ledger.domain.period import Period, day_of_ms, parse_day, parse_period, parse_whole_years
from ledger.domain.records import CertificateRecord, ClaimRecord
from ledger.domain.rules.v1 import who
from ledger.domain.statements import Statement
from ledger.domain.statements.report import (
    Certificate,
    CertificateTotals,
    ClaimSet,
    Issue,
    PartyTotal,
    RevokeCertificate,
)
from ledger.domain.totals import Decision
from ledger.domain.view import Position, StateView
from ledger.errors import Conflict, Refused


def decide_certificate(view: StateView, position: Position, statement: Statement, subject: Certificate) -> Decision:
    """Issue or revocation by the operator's `certify` key."""
    operator = who.require_author(view, statement, role="operator", purpose="certify")
    who.require_no_approval(statement)
    held = view.get(CertificateRecord, subject.number)
    if isinstance(subject, RevokeCertificate):
        if held is None:
            raise Conflict("unknown_certificate", f"no certificate {subject.number} was issued", number=subject.number)
        if held.revoked_index is not None:
            raise Conflict(
                "certificate_revoked", f"entry {held.revoked_index} revoked it already", number=subject.number
            )
        return Decision((msgspec.structs.replace(held, revoked_index=position.index),))
    if held is not None:
        raise Conflict("number_taken", f"certificate {subject.number} is entry {held.index}", number=subject.number)
    _check_dates(position, subject)
    _check_as_of(view, position, subject)
    totals, claims = _recompute(view, subject, operator=operator.id)
    if totals != subject.totals:
        # For a named claim set the claims are known to be unchanged, so the sums were never right.
        code = "totals_differ" if isinstance(subject.subject, ClaimSet) else "stale"
        raise Conflict(
            code, f"the certificate says {subject.totals.total} kg, the log gives {totals.total} kg", total=totals.total
        )
    record = CertificateRecord(
        number=subject.number,
        id=statement.id,
        index=position.index,
        entry_hash=position.entry_hash,
        holder=subject.holder,
        claims=claims,
        as_of_size=subject.as_of_size,
        valid_until_day=parse_day(subject.valid_until),
    )
    return Decision((record,))


def _check_dates(position: Position, subject: Issue) -> None:
    today, until = day_of_ms(position.recorded_at_ms), parse_day(subject.valid_until)
    if not today < until <= today + facts.VALID_DAYS_MAX:
        raise Refused(
            "bad_validity", f"valid until {subject.valid_until}; 1 to {facts.VALID_DAYS_MAX} days are allowed"
        )


def _check_as_of(view: StateView, position: Position, subject: Issue) -> None:
    if not max(0, position.index - facts.AS_OF_INDEXES_MAX) < subject.as_of_size <= position.index:
        raise Conflict(
            "stale", f"as of size {subject.as_of_size}, at entry {position.index}", as_of_size=subject.as_of_size
        )
    root = view.root(subject.as_of_size)
    if root is None or root.hex() != subject.as_of_root:
        raise Conflict(
            "unknown_root", f"the tree of size {subject.as_of_size} has another root", as_of_size=subject.as_of_size
        )


def _recompute(view: StateView, subject: Issue, *, operator: str) -> tuple[CertificateTotals, tuple[str, ...]]:
    who.require_party(view, subject.holder)
    about = subject.subject
    if isinstance(about, ClaimSet):
        period = parse_period(start=subject.period.start, end=subject.period.end)
        claims = _find_claims(view, about)
        facts.require_current(claims, as_of_size=subject.as_of_size)
        totals = facts.totals_of_claims(claims, holder=subject.holder, period=period, operator=operator)
        return totals, tuple(claim.id for claim in claims)
    period = parse_whole_years(start=subject.period.start, end=subject.period.end)
    if isinstance(about, PartyTotal):
        _require_holder(subject.holder, expected=about.party)
        return _of_cells(view, "party", about.party, period), ()
    _require_holder(subject.holder, expected=operator)
    return _of_cells(view, "all", "", period), ()


def _find_claims(view: StateView, about: ClaimSet) -> list[ClaimRecord]:
    require_distinct(tuple(reference.id for reference in about.claims), what="claims")
    claims = []
    for reference in about.claims:
        who.require_entry(view, reference, kind="Claim")
        claim = view.get(ClaimRecord, reference.id)
        assert claim is not None, "a recorded Claim statement has a claim record"
        claims.append(claim)
    return claims


def _of_cells(view: StateView, dimension: str, value: str, period: Period) -> CertificateTotals:
    return facts.totals_of_cells(view.cells(dimension=dimension, value=value), period=period)  # type: ignore[arg-type]


def _require_holder(holder: str, *, expected: str) -> None:
    if holder != expected:
        raise Refused("holder_not_participant", f"this certificate is {expected}'s own, not {holder}'s", holder=holder)
