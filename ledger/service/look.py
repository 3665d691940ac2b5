"""Looking one thing up by its id: what it is now, what was said, and which entries made it so.

Ids are matched as they are spelled, after the spelling was checked: an id of
another kind, of another form or of nothing at all is `unknown_id` alike.

Source: DESIGN 6; THREATS H05, H06, H10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ledger.core.strict import decimal
from ledger.domain import records as r
from ledger.domain.statements import members as m
from ledger.domain.statements.claim import Attestation, Claim
from ledger.domain.statements.finding import RaiseFinding
from ledger.domain.statements.programme import AccreditationGrant
from ledger.errors import Malformed, Refused
from ledger.service.answers import (
    EntryLine,
    FoundAccreditation,
    FoundAttestation,
    FoundClaim,
    FoundDocument,
    FoundFinding,
    FoundParty,
    FoundProgramme,
    FoundVersions,
)
from ledger.service.asking import is_spelled
from ledger.service.dossier import statement_at
from ledger.service.find import entry_lines
from ledger.service.findings import shown
from ledger.service.ledger import Ledger
from ledger.service.report import as_of
from ledger.store import log_store, queries
from ledger.store.engine import Connection

# What an answer names at most, newest last; all of it is in the log.
HISTORY_MAX = 1_000
VERSIONS_MAX = 100
_VERSION_MAX = 1_000_000
_SHOWN_CHARACTERS_MAX = 80

T = TypeVar("T")


def claim(ledger: Ledger, identity: str) -> FoundClaim:
    """A claim by its id.

    Raises: Refused `unknown_id`.
    """
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        found = find_one(connection, r.ClaimRecord, identity, m.StatementId)
        subject = statement_at(connection, found.index).subject
        assert isinstance(subject, Claim), "a claim's record stands at its own entry"
        attestations = queries.find(connection, r.AttestationRecord, claim=found.id)
        return FoundClaim(
            as_of(ledger, head),
            found,
            subject,
            _newest(attestations, "index"),
            _history(connection, r.ClaimRecord, found.id),
        )


def attestation(ledger: Ledger, identity: str) -> FoundAttestation:
    """An attestation by its id.

    Raises: Refused `unknown_id`.
    """
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        found = find_one(connection, r.AttestationRecord, identity, m.StatementId)
        subject = statement_at(connection, found.index).subject
        assert isinstance(subject, Attestation), "an attestation's record stands at its own entry"
        (about,) = queries.find(connection, r.ClaimRecord, id=found.claim)
        counting = next((one for one in about.attestations if one.attestation == found.id), None)
        (line,) = entry_lines(connection, [found.index])
        return FoundAttestation(as_of(ledger, head), found, counting, subject, line)


def party(ledger: Ledger, identity: str) -> FoundParty:
    """A party by its id.

    Raises: Refused `unknown_id`.
    """
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        found = find_one(connection, r.PartyRecord, identity, m.PartyId)
        return FoundParty(
            as_of(ledger, head),
            found,
            _newest(queries.find(connection, r.KeyRecord, owner=identity, serves="party"), "added_index"),
            _newest(queries.find(connection, r.AccreditationRecord, verifier=identity), "index"),
            _history(connection, r.PartyRecord, identity),
        )


def accreditation(ledger: Ledger, identity: str) -> FoundAccreditation:
    """An accreditation by the id of its grant.

    Raises: Refused `unknown_id`.
    """
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        found = find_one(connection, r.AccreditationRecord, identity, m.StatementId)
        subject = statement_at(connection, found.index).subject
        assert isinstance(subject, AccreditationGrant), "an accreditation's record stands at its grant"
        return FoundAccreditation(
            as_of(ledger, head), found, subject, _history(connection, r.AccreditationRecord, identity)
        )


def finding(ledger: Ledger, identity: str) -> FoundFinding:
    """A finding by the id of the statement that raised it.

    Raises: Refused `unknown_id`.
    """
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        found = find_one(connection, r.FindingRecord, identity, m.StatementId)
        subject = statement_at(connection, found.index).subject
        assert isinstance(subject, RaiseFinding), "a finding's record stands where it was raised"
        late = shown(found, now_ms=head.recorded_at_ms)
        return FoundFinding(as_of(ledger, head), late, subject, _history(connection, r.FindingRecord, identity))


def programme(ledger: Ledger) -> FoundProgramme:
    """The programme in force."""
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        (found,) = queries.find(connection, r.ProgrammeRecord)
        return FoundProgramme(as_of(ledger, head), found, _history(connection, r.ProgrammeRecord, "programme"))


# Documents have versions: `versions` gives all of one id, `document` one of them.
DOCUMENTS: dict[str, type[r.MethodologyRecord | r.FactorSetRecord | r.TargetRecord]] = {
    "methodologies": r.MethodologyRecord,
    "factor-sets": r.FactorSetRecord,
    "targets": r.TargetRecord,
}


def versions(ledger: Ledger, name: str, identity: str) -> FoundVersions[Any]:
    """The versions of a document of a list.

    Raises: Refused `unknown_id`.
    """
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        found = _published(connection, name, identity)
    return FoundVersions(as_of(ledger, head), found[-VERSIONS_MAX:])


def document(ledger: Ledger, name: str, identity: str, version: str) -> FoundDocument[Any]:
    """One version of a document of a list.

    Raises: Refused `unknown_id`.
    """
    try:
        number = decimal(version, limit=_VERSION_MAX)
    except Malformed:
        raise unknown(DOCUMENTS[name], f"{identity}/{version}") from None
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        (found,) = _published(connection, name, identity, version=number)
        (line,) = entry_lines(connection, [found.index])
    return FoundDocument(as_of(ledger, head), found, line)


def _published(connection: Connection, name: str, identity: str, **version: int) -> list[Any]:
    shape, spelled = DOCUMENTS[name], is_spelled(identity, m.DocumentId)
    found: list[Any] = queries.find(connection, shape, id=identity, **version) if spelled else []
    if not found:
        raise unknown(shape, identity)
    return found


# What else is looked up by one id, under the name of its list.
THINGS: dict[str, Callable[[Ledger, str], Any]] = {
    "claims": claim,
    "findings": finding,
    "attestations": attestation,
    "parties": party,
    "accreditations": accreditation,
}


def find_one(connection: Connection, shape: type[T], identity: str, spelling: Any) -> T:
    """The record whose key is this id.

    Raises: Refused `unknown_id`.
    """
    wanted: Any = shape
    found: list[Any] = (
        queries.find(connection, wanted, **{wanted.KEY[0]: identity}) if is_spelled(identity, spelling) else []
    )
    if not found:
        raise unknown(wanted, identity)
    return found[0]  # type: ignore[no-any-return]


def unknown(shape: type[r.Record], identity: str) -> Refused:
    """The refusal of an id that is none of this kind."""
    kind = shape.__name__.removesuffix("Record")
    return Refused("unknown_id", f"the ledger has no {kind} {identity[:_SHOWN_CHARACTERS_MAX]!a}")


def _newest(records: list[T], by: str) -> list[T]:
    return sorted(records, key=lambda one: getattr(one, by))[-HISTORY_MAX:]


def _history(connection: Connection, shape: type[r.Record], identity: str) -> list[EntryLine]:
    return entry_lines(connection, queries.history(connection, shape, identity)[-HISTORY_MAX:])
