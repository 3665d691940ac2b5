"""Statements about sums: Target and Certificate.

Source: RULES 1.1, 6 and 7.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from ledger.domain.statements.claim import Days
from ledger.domain.statements.members import (
    Amount,
    ClaimKind,
    Day,
    Digest,
    DocumentId,
    Lever,
    PartyId,
    Ppm,
    Reference,
    Scope,
    Size,
    Subject,
    Text,
    Version,
)

CERTIFICATE_CLAIMS_MAX = 64


class Cumulative(Subject, frozen=True, tag_field="metric", tag="cumulative"):
    """A sum of verified claims whose periods lie wholly in the years of the target, in kgCO2e."""

    id: DocumentId
    version: Version
    title: Text
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=4)]
    kinds: Annotated[tuple[ClaimKind, ...], Meta(min_length=1, max_length=3)]
    from_: Day = field(name="from")
    to: Day
    goal: Amount


class Neutrality(Subject, frozen=True, tag_field="metric", tag="neutrality"):
    """Inventory emissions of the scopes, net of removals and, last, offsets, at most `goal` kgCO2e a year."""

    id: DocumentId
    version: Version
    title: Text
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=4)]
    from_: Day = field(name="from")
    to: Day
    goal: Amount


class Intensity(Subject, frozen=True, tag_field="metric", tag="intensity"):
    """Inventory emissions over their denominator, cut by `goal_ppm` against the base year."""

    id: DocumentId
    version: Version
    title: Text
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=4)]
    from_: Day = field(name="from")
    to: Day
    base_year: Annotated[int, Meta(ge=1990, le=2100)]
    goal_ppm: Ppm


Target = Cumulative | Neutrality | Intensity

CertificateNumber = Annotated[str, Meta(pattern=r"\A[A-Z0-9][A-Z0-9-]{2,39}\Z")]


class ClaimSet(Subject, frozen=True, tag_field="of", tag="claims"):
    """A certificate about named claims."""

    claims: Annotated[tuple[Reference, ...], Meta(min_length=1, max_length=CERTIFICATE_CLAIMS_MAX)]


class PartyTotal(Subject, frozen=True, tag_field="of", tag="party"):
    """A certificate about everything that counts for one party."""

    party: PartyId


class ProgrammeTotal(Subject, frozen=True, tag_field="of", tag="programme"):
    """A certificate about everything that counts in the programme."""


class TotalRow(Subject, frozen=True):
    """One line of a certificate's totals."""

    programme_scope: Scope
    kind: ClaimKind
    lever: Lever
    amount: Amount
    claims: Size


class CertificateTotals(Subject, frozen=True):
    """What a certificate sums: rows by scope, kind and lever, and their total, in kgCO2e."""

    total: Amount
    claims: Size
    rows: Annotated[tuple[TotalRow, ...], Meta(min_length=1, max_length=120)]


class Issue(Subject, frozen=True, tag_field="action", tag="issue"):
    """Issue of a certificate, true at `as_of_size`."""

    number: CertificateNumber
    holder: PartyId
    subject: ClaimSet | PartyTotal | ProgrammeTotal
    period: Days
    totals: CertificateTotals
    as_of_size: Size
    as_of_root: Digest
    valid_until: Day
    template: Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,40}/[0-9]{1,4}\Z")]


class RevokeCertificate(Subject, frozen=True, tag_field="action", tag="revoke"):
    """The end of a certificate."""

    number: CertificateNumber
    reason: Text


Certificate = Issue | RevokeCertificate
