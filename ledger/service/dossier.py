"""Which entries something rests on: all without which the rule book would not accept it.

For a certificate they are attached to its file, for a claim they are in what a
reviewer downloads. The history of records names them, so that no entry is read
that does not belong.

Source: RULES 7; STYLE 3 (the walk of a claim).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ledger.core.entry import decode_entry
from ledger.core.jws import open_jws
from ledger.domain.dossier import ENTRIES_MAX
from ledger.domain.records import (
    AccreditationRecord,
    ClaimRecord,
    DocumentRecord,
    FindingRecord,
    KeyRecord,
    PartyRecord,
    ProgrammeRecord,
    Record,
    TargetRecord,
)
from ledger.domain.statements import Statement, read_statement
from ledger.domain.statements.claim import Attestation, Claim, Evidence
from ledger.domain.statements.finding import CloseFinding, InsistFinding, RaiseFinding, Response
from ledger.domain.statements.methodology import Methodology
from ledger.domain.statements.programme import AccreditationGrant
from ledger.domain.statements.report import ClaimSet, Cumulative, Issue
from ledger.errors import Refused
from ledger.store import log_store, queries
from ledger.store.engine import Connection


def rests_on(connection: Connection, certificate: Statement, *, end: int) -> list[int]:
    """The entries before `end` on which a certificate rests, and those of its goal.

    Raises: Refused `too_many_entries`.
    """
    waiting = _needs(connection, certificate)
    goals = [one for one in queries.find(connection, TargetRecord) if isinstance(one.subject, Cumulative)]
    if goals:
        first = min(goals, key=lambda one: one.index)
        waiting |= set(queries.history(connection, DocumentRecord, "Target", first.id))
    return _closed(connection, waiting, end=end)


def made_by(connection: Connection, claim: str, *, end: int) -> list[int]:
    """The entries before `end` that made a claim what it is, and all on which they rest.

    Raises: Refused `too_many_entries`.
    """
    return _closed(connection, queries.history(connection, ClaimRecord, claim), end=end)


def entries_at(connection: Connection, indexes: Iterable[int]) -> dict[int, bytes]:
    """The bytes of these entries."""
    found = {index: log_store.read_entry(connection, index) for index in indexes}
    return {index: raw for index, raw in found.items() if raw is not None}


def statement_at(connection: Connection, index: int) -> Statement:
    """What an entry says that is known to be there."""
    raw = log_store.read_entry(connection, index)
    assert raw is not None, "records and histories name entries that exist"
    return read_statement(open_jws(decode_entry(raw).statement))


def evidence_of(connection: Connection, claim: ClaimRecord) -> dict[str, Evidence]:
    """The evidence that a claim names by its digest, and that which its claimant's answers to findings added."""
    subject = statement_at(connection, claim.index).subject
    assert isinstance(subject, Claim), "a claim's record stands at its own entry"
    named = {one.digest: one for one in subject.evidence}
    for finding in queries.find(connection, FindingRecord, claim=claim.id) if claim.findings else []:
        for index in finding.responses:
            answer = statement_at(connection, index).subject
            assert isinstance(answer, Response), "a finding's record names the entries of its answers"
            named = {one.digest: one for one in answer.evidence} | named
    return named


def _closed(connection: Connection, indexes: Iterable[int], *, end: int) -> list[int]:
    """These entries, the programme's own, and what each of them rests on, and so on.

    Raises: Refused `too_many_entries`.
    """
    waiting = {0, *queries.history(connection, ProgrammeRecord, "programme"), *indexes}
    found: set[int] = set()
    while waiting:
        index = waiting.pop()
        if index not in found and index < end:
            found.add(index)
            if len(found) > ENTRIES_MAX:
                raise Refused("too_many_entries", f"it rests on more than {ENTRIES_MAX} entries", limit=ENTRIES_MAX)
            waiting |= _needs(connection, statement_at(connection, index))
    return sorted(found)


def _needs(connection: Connection, statement: Statement) -> set[int]:
    """The entries on which one statement rests."""
    return {
        index
        for shape, identity in _records_behind(connection, statement)
        for index in queries.history(connection, shape, *identity)
    }


def _records_behind(connection: Connection, statement: Statement) -> Iterator[tuple[type[Record], tuple[str, ...]]]:
    subject = statement.subject
    for kid in statement.signers:
        yield PartyRecord, (kid.party,)
        yield KeyRecord, (kid.key_text,)
    if isinstance(subject, Issue):
        yield PartyRecord, (subject.holder,)
        if isinstance(subject.subject, ClaimSet):
            for one in subject.subject.claims:
                yield ClaimRecord, (one.id,)
    elif isinstance(subject, Claim):
        yield DocumentRecord, ("Methodology", subject.methodology.id)
        for party in subject.participants:
            if party.party is not None:
                yield PartyRecord, (party.party,)
        if subject.supersedes is not None:
            yield ClaimRecord, (subject.supersedes.id,)
    elif isinstance(subject, Methodology):
        for use in subject.factors.values():
            yield DocumentRecord, ("FactorSet", use.set)
    elif isinstance(subject, RaiseFinding | InsistFinding | CloseFinding | Response):
        yield FindingRecord, (statement.id if isinstance(subject, RaiseFinding) else subject.finding.id,)
    if isinstance(subject, Attestation | RaiseFinding | InsistFinding):
        for grant in queries.find(connection, AccreditationRecord, verifier=statement.issuer):
            yield AccreditationRecord, (grant.id,)
    elif isinstance(subject, AccreditationGrant):
        yield PartyRecord, (subject.verifier,)
        for key in subject.keys:
            yield KeyRecord, (key,)
