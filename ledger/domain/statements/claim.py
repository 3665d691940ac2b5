"""Statements about reductions: Claim, Attestation and Correction.

Source: RULES 1.1, 2 and 4.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ledger.domain.statements.members import (
    Amount,
    Assurance,
    CountableUri,
    CountryCode,
    Day,
    Digest,
    DocumentRef,
    Lever,
    LongText,
    Name,
    PartyId,
    Ppm,
    Quantity,
    Reference,
    RegionCode,
    Scope,
    Size,
    StatementId,
    Subject,
    Text,
    Timestamp,
    Uncertainty,
    UnitText,
)

COUNTED_BY_MAX = 8


class Days(Subject, frozen=True):
    """Days (UTC) from `start` up to, but not including, `end`."""

    start: Day
    end: Day


class InputValue(Subject, frozen=True):
    """Activity data: a decimal, its unit, and its 95 % half-width in parts per million."""

    value: Quantity
    unit: UnitText
    uncertainty_ppm: Uncertainty | None = None


class Quantification(Subject, frozen=True):
    """The figures that the methodology gives for the inputs, in kgCO2e."""

    baseline: Amount
    project: Amount
    leakage: Amount
    deduction: Amount
    reduction: Amount


class Participant(Subject, frozen=True):
    """Who shares in the reduction: a registered party, or a salted commitment to somebody who is none."""

    role: Text
    scope: Scope
    share_ppm: Ppm
    party: PartyId | None = None
    commitment: Digest | None = None
    scope3_category: Annotated[int, Meta(ge=1, le=15)] | None = None


class Evidence(Subject, frozen=True):
    """A document by its digest; the bytes lie beside the log."""

    digest: Digest
    salted: bool
    media_type: Annotated[str, Meta(pattern=r"\A[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}\Z")]
    size: Size
    title: Text
    role: Text
    collected_by: Text
    collected_at: Timestamp
    derived_from: Annotated[tuple[Digest, ...], Meta(max_length=64)]


class IssuedElsewhere(Subject, frozen=True):
    """A credit that a registry has issued for the same reduction."""

    registry: Text
    project: Text
    retired_for_programme: bool
    serial: Text | None = None


class ActivityRecords(Subject, frozen=True):
    """Merkle root over salted rows of activity data that stay with the claimant."""

    root: Digest
    count: Size


class Claim(Subject, frozen=True):
    """A reduction, avoided emission or removal, with the data that it was computed from."""

    title: Text
    lever: Lever
    country: CountryCode
    programme_scope: Scope
    period: Days
    methodology: DocumentRef
    inputs: Annotated[dict[Name, InputValue], Meta(min_length=1, max_length=16)]
    quantification: Quantification
    counted_by: Annotated[tuple[CountableUri, ...], Meta(min_length=1, max_length=COUNTED_BY_MAX)]
    participants: Annotated[tuple[Participant, ...], Meta(min_length=1, max_length=64)]
    evidence: Annotated[tuple[Evidence, ...], Meta(max_length=64)]
    issued_elsewhere: Literal["none"] | IssuedElsewhere
    disclosure: Literal["open", "confidential"]
    region: RegionCode | None = None
    supersedes: Reference | None = None
    activity_records: ActivityRecords | None = None


class Sample(Subject, frozen=True):
    """How a verifier drew rows of activity data."""

    nonce: Digest
    size: Size


class Attestation(Subject, frozen=True):
    """A verification statement (ISO 14064-3) about one claim."""

    claim: Reference
    opinion: Literal["unmodified", "modified", "adverse", "disclaimed"]
    verified_reduction: Amount
    assurance: Assurance
    materiality_ppm: Ppm
    recomputed: Amount
    evidence_checked: Annotated[tuple[Digest, ...], Meta(max_length=64)]
    findings: Annotated[tuple[StatementId, ...], Meta(max_length=64)]
    conflict_of_interest: Text
    statement: LongText
    site_visit: Text | None = None
    sample: Sample | None = None


class Withdraw(Subject, frozen=True, tag_field="action", tag="withdraw"):
    """Takes a claim back, for ever."""

    target: Reference
    reason: Text


class Reverse(Subject, frozen=True, tag_field="action", tag="reverse"):
    """Loss of permanence: part or all of a verified amount is no longer there."""

    target: Reference
    amount: Amount
    reason: Text


class Revoke(Subject, frozen=True, tag_field="action", tag="revoke"):
    """Takes an attestation back."""

    target: Reference
    reason: Text


class Suspend(Subject, frozen=True, tag_field="action", tag="suspend"):
    """Stops a claim from counting until it is reinstated."""

    target: Reference
    reason: Text


class Reinstate(Subject, frozen=True, tag_field="action", tag="reinstate"):
    """Ends a suspension."""

    target: Reference
    reason: Text


Correction = Withdraw | Reverse | Revoke | Suspend | Reinstate
