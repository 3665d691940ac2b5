"""Lists in pages: records by the index of the entry that made them, up to a size of the log.

Each record in a list was made by one entry of its own, so the index is a key
that never moves: a page begins after the last index of the page before, and
what the log has grown by since the first page lies beyond `end`.

Core expressions only, the same for every database.
Source: DESIGN 6.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, exists, select, tuple_

from ledger.core.entry import decode_entry
from ledger.domain import records as r
from ledger.domain.period import parse_day
from ledger.domain.statements import KINDS
from ledger.domain.statements import members as m
from ledger.domain.statements.finding import FindingType
from ledger.domain.statements.report import CertificateNumber
from ledger.store.projection import from_row
from ledger.store.tables import ENTRY, TABLE_OF

WAITING: tuple[r.ClaimStatus, ...] = ("submitted", "under-review")
_KIND: Any = Literal[tuple(KINDS)]
_CHUNK = 1_000


class Filter(NamedTuple):
    """What a list can be narrowed by: the spelling of its value, and the rows that meet it."""

    shape: Any
    meets: Callable[[str], ColumnElement[bool]]


class Listing(NamedTuple):
    """A list: what it is of, in words and as a record with an `index` of its own, and its filters by name."""

    title: str
    shape: type[r.Record]
    filters: dict[str, Filter]


def _equal(shape: type[r.Record], column: str, spelling: Any) -> Filter:
    found = TABLE_OF[shape].c[column]
    return Filter(spelling, lambda text: found == text)


def _is_set(shape: type[r.Record], column: str) -> Filter:
    found = TABLE_OF[shape].c[column]
    return Filter(Literal["true", "false"], lambda text: found.is_not(None) if text == "true" else found.is_(None))


def _names(shape: type[r.Record], column: str, spelling: Any) -> Filter:
    """A list of words, stored as JSON text, that names this one; `spelling` allows no quotation mark."""
    found = TABLE_OF[shape].c[column]
    return Filter(spelling, lambda text: found.contains(f'"{text}"', autoescape=True))


def _member(shape: type[r.Record], column: str, name: str, spelling: Any) -> Filter:
    """A document, stored as JSON text, with this member; inside a text its quotation marks would be escaped."""
    found = TABLE_OF[shape].c[column]
    return Filter(spelling, lambda text: found.contains(f'"{name}":"{text}"', autoescape=True))


_CLAIM, _ATTESTATION = TABLE_OF[r.ClaimRecord], TABLE_OF[r.AttestationRecord]


def _attested_by(verifier: str) -> ColumnElement[bool]:
    """Claim by claim, as far as a page reaches: one verifier may have attested most of them."""
    standing = (_ATTESTATION.c.verifier == verifier, _ATTESTATION.c.revoked_index.is_(None))
    return exists().where(_ATTESTATION.c.claim == _CLAIM.c.id, *standing)


def _on_claims_of(claimant: str) -> ColumnElement[bool]:
    return TABLE_OF[r.FindingRecord].c.claim.in_(select(_CLAIM.c.id).where(_CLAIM.c.claimant == claimant))


# A new list is one entry more.
LISTS: dict[str, Listing] = {
    "claims": Listing(
        "Claims; `start` and `end` give the days that their periods share",
        r.ClaimRecord,
        {
            "status": _equal(r.ClaimRecord, "status", r.ClaimStatus),
            "claimant": _equal(r.ClaimRecord, "claimant", m.PartyId),
            "country": _equal(r.ClaimRecord, "country", m.CountryCode),
            "methodology": _equal(r.ClaimRecord, "methodology", m.DocumentId),
            "registry": _equal(r.ClaimRecord, "registry", m.Text),
            "kind": _equal(r.ClaimRecord, "kind", m.ClaimKind),
            "lever": _equal(r.ClaimRecord, "lever", m.Lever),
            "scope": _equal(r.ClaimRecord, "scope", m.Scope),
            "verifier": Filter(m.PartyId, _attested_by),
            # Half-open, as everywhere: periods that only touch these days do not meet them.
            "start": Filter(m.Day, lambda text: _CLAIM.c.end_day > parse_day(text)),
            "end": Filter(m.Day, lambda text: _CLAIM.c.start_day < parse_day(text)),
        },
    ),
    "findings": Listing(
        "Findings on claims; overdue as of the checkpoint that the answer names",
        r.FindingRecord,
        {
            "claim": _equal(r.FindingRecord, "claim", m.StatementId),
            "claimant": Filter(m.PartyId, _on_claims_of),
            "verifier": _equal(r.FindingRecord, "verifier", m.PartyId),
            "type": _equal(r.FindingRecord, "type", FindingType),
            "status": _equal(r.FindingRecord, "status", r.FindingStatus),
        },
    ),
    "attestations": Listing(
        "Attestations, those revoked included",
        r.AttestationRecord,
        {
            "claim": _equal(r.AttestationRecord, "claim", m.StatementId),
            "verifier": _equal(r.AttestationRecord, "verifier", m.PartyId),
            "revoked": _is_set(r.AttestationRecord, "revoked_index"),
        },
    ),
    "parties": Listing(
        "Registered parties",
        r.PartyRecord,
        {
            "country": _equal(r.PartyRecord, "country", m.CountryCode),
            "role": _names(r.PartyRecord, "roles", m.Role),
            "ultimate_owner": _equal(r.PartyRecord, "ultimate_owner", m.PartyId),
            "ecosystem_role": _equal(r.PartyRecord, "ecosystem_role", m.EcosystemRole),
        },
    ),
    "accreditations": Listing(
        "Accreditations of verifiers",
        r.AccreditationRecord,
        {
            "verifier": _equal(r.AccreditationRecord, "verifier", m.PartyId),
            "accreditor": _equal(r.AccreditationRecord, "accreditor", m.PartyId),
            "status": _equal(r.AccreditationRecord, "status", Literal["in-force", "suspended", "withdrawn"]),
            "family": _names(r.AccreditationRecord, "families", m.DocumentId),
            "sector": _names(r.AccreditationRecord, "sectors", m.DocumentId),
        },
    ),
    "methodologies": Listing(
        "Methodologies, every version",
        r.MethodologyRecord,
        {
            "id": _equal(r.MethodologyRecord, "id", m.DocumentId),
            "issuer": _equal(r.MethodologyRecord, "issuer", m.PartyId),
            "family": _member(r.MethodologyRecord, "subject", "family", m.DocumentId),
            "sector": _member(r.MethodologyRecord, "subject", "sector", m.DocumentId),
            "kind": _member(r.MethodologyRecord, "subject", "kind", m.ClaimKind),
            "quality": _member(r.MethodologyRecord, "subject", "quality", m.Quality),
        },
    ),
    "factor-sets": Listing(
        "Factor sets, every version",
        r.FactorSetRecord,
        {
            "id": _equal(r.FactorSetRecord, "id", m.DocumentId),
            "issuer": _equal(r.FactorSetRecord, "issuer", m.PartyId),
        },
    ),
    "targets": Listing(
        "Targets, every version",
        r.TargetRecord,
        {
            "id": _equal(r.TargetRecord, "id", m.DocumentId),
            "metric": _member(r.TargetRecord, "subject", "metric", Literal["cumulative", "neutrality", "intensity"]),
        },
    ),
    "certificates": Listing(
        "Records of certificates",
        r.CertificateRecord,
        {
            "number": _equal(r.CertificateRecord, "number", CertificateNumber),
            "holder": _equal(r.CertificateRecord, "holder", m.PartyId),
            "revoked": _is_set(r.CertificateRecord, "revoked_index"),
        },
    ),
    "entries": Listing(
        "Entries of the log: who said what kind of thing, and when it was recorded",
        r.StatementRecord,
        {
            "kind": _equal(r.StatementRecord, "kind", _KIND),
            "issuer": _equal(r.StatementRecord, "issuer", m.PartyId),
        },
    ),
}


def page(
    connection: Connection, name: str, where: Mapping[str, str], *, after: int, end: int, limit: int
) -> list[r.Record]:
    """The first records of a list with an index above `after` and below `end` that meet every filter."""
    listing = LISTS[name]
    meets = [listing.filters[parameter].meets(text) for parameter, text in where.items()]
    return _page(connection, listing.shape, meets, after=after, end=end, limit=limit)


def waiting(
    connection: Connection, methodologies: Collection[tuple[str, int]], *, after: int, end: int, limit: int
) -> list[Any]:
    """The first claims that wait for a verifier and were made by one of these (methodology, version)."""
    made_by = tuple_(_CLAIM.c.methodology, _CLAIM.c.methodology_version).in_(sorted(methodologies))
    # Each state has its own range of an index; asked for together they would all be put in order first.
    found = [
        claim
        for status in WAITING
        for claim in _page(
            connection, r.ClaimRecord, [_CLAIM.c.status == status, made_by], after=after, end=end, limit=limit
        )
    ]
    return sorted(found, key=lambda claim: claim.index)[:limit]  # type: ignore[attr-defined]


def _page(
    connection: Connection,
    shape: type[r.Record],
    meets: Sequence[ColumnElement[bool]],
    *,
    after: int,
    end: int,
    limit: int,
) -> list[r.Record]:
    table = TABLE_OF[shape]
    within = (table.c.index > after, table.c.index < end)
    query = select(table).where(*within, *meets).order_by(table.c.index).limit(limit)
    return [from_row(shape, row) for row in connection.execute(query)]


def recorded_at_ms(connection: Connection, indexes: Collection[int]) -> dict[int, int]:
    """When these entries were recorded, as their own bytes say."""
    rows = _at(connection, select(ENTRY.c.index, ENTRY.c.bytes), ENTRY.c.index, indexes)
    return {index: decode_entry(raw).recorded_at_ms for index, raw in rows}


def statements_at(connection: Connection, indexes: Collection[int]) -> list[r.StatementRecord]:
    """The statements of these entries, in the order of the log."""
    table = TABLE_OF[r.StatementRecord]
    found = [from_row(r.StatementRecord, row) for row in _at(connection, select(table), table.c.index, indexes)]
    return sorted(found, key=lambda one: one.index)


def _at(
    connection: Connection, query: Select[Any], column: ColumnElement[int], indexes: Collection[int]
) -> Iterator[Any]:
    """The rows that stand at these indexes, a bounded number of them at a time."""
    wanted = sorted(indexes)
    for at in range(0, len(wanted), _CHUNK):
        yield from connection.execute(query.where(column.in_(wanted[at : at + _CHUNK])))
