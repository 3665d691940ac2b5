"""The spellings that members of statements share, as types that refuse every other spelling.

Nothing here decides anything: a value of one of these types is well formed,
and the rule book says whether it is right.

Source: DESIGN 4.1, RULES 1.1.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

PARTY_ID_PATTERN = r"\A(?:did:web:|https://|urn:lei:)[A-Za-z0-9._~:/@!$&()*+,;=%-]{1,180}\Z"

PartyId = Annotated[str, Meta(pattern=PARTY_ID_PATTERN)]
StatementId = Annotated[
    str, Meta(pattern=r"\Aurn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
]
DocumentId = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,64}\Z")]
Version = Annotated[int, Meta(ge=1, le=1_000_000)]
Name = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,31}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=400)]
LongText = Annotated[str, Meta(min_length=1, max_length=4000)]
# 32 bytes are 43 base64url characters, of which the last carries two spare bits that must be zero.
PublicKey = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z")]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Amount = Annotated[str, Meta(pattern=r"\A(?:0|[1-9][0-9]{0,12})\.[0-9]{3}\Z")]
Quantity = Annotated[str, Meta(pattern=r"\A(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?\Z")]
Day = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Timestamp = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")]
CountryCode = Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")]
RegionCode = Annotated[str, Meta(pattern=r"\A[A-Z]{2}-[A-Z0-9]{1,3}\Z")]
UnitText = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9]{1,16}(?:[*/][A-Za-z0-9]{1,16}){0,5}\Z")]
Ppm = Annotated[int, Meta(ge=0, le=1_000_000)]
Uncertainty = Annotated[int, Meta(ge=0, le=10_000_000)]
Size = Annotated[int, Meta(ge=0, le=2**53 - 1)]
CountableUri = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9+.-]{0,30}:[A-Za-z0-9._~:/?@!$&'()*+,;=%-]{1,360}\Z")]

Purpose = Literal["claim", "attest", "review", "accredit", "register", "publish", "certify", "recover"]
Role = Literal["claimant", "verifier", "accreditor", "registrar", "methodologist", "partner", "operator"]
Scope = Literal["1", "2", "3", "3+"]
ClaimKind = Literal["reduction", "avoided", "removal"]
Quality = Literal["computed", "reported"]
Assurance = Literal["limited", "reasonable"]
GwpSet = Literal["AR4", "AR5", "AR6"]
Lever = Literal[
    "clean-energy",
    "energy-efficiency",
    "logistics",
    "packaging",
    "circular-economy",
    "greener-product",
    "behaviour",
    "supplier-programme",
    "removal",
    "other",
]
EcosystemRole = Literal[
    "supplier",
    "brand",
    "merchant",
    "manufacturer",
    "logistics",
    "consumer-platform",
    "developer",
    "verification-body",
    "accreditation-body",
    "research",
    "operator",
    "other",
]


class Subject(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part of a statement: unknown members refused, absent optional members left out."""


class Reference(Subject, frozen=True):
    """An earlier entry, named so that nothing else can be meant: all three must match."""

    id: StatementId
    index: Size
    entry_hash: Digest


class DocumentRef(Subject, frozen=True):
    """A versioned, immutable document: a methodology, factor set or target."""

    id: DocumentId
    version: Version


class KeyUse(Subject, frozen=True):
    """One public key and the purposes for which its party uses it."""

    key: PublicKey
    purposes: Annotated[tuple[Purpose, ...], Meta(min_length=1, max_length=8)]
