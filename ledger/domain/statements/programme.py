"""Statements that found the log and say who takes part: Programme, Party, Key, Accreditation.

Source: RULES 1, 1.1 and 8.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from ledger.domain.statements.members import (
    Assurance,
    CountryCode,
    Day,
    Digest,
    DocumentId,
    EcosystemRole,
    GwpSet,
    KeyUse,
    PartyId,
    Ppm,
    PublicKey,
    Purpose,
    Role,
    Size,
    StatementId,
    Subject,
    Text,
    Version,
)

Origin = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9.-]{0,120}(?::[0-9]{1,5})?(?:/[a-z0-9._~-]{1,60}){0,4}/log\Z")]
VkeyText = Annotated[str, Meta(pattern=r"\A[!-~]{1,200}\Z")]


class Party(Subject, frozen=True):
    """An organisation, its roles, who ultimately owns it, and its first keys."""

    id: PartyId
    legal_name: Text
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=7)]
    ultimate_owner: PartyId
    keys: Annotated[tuple[KeyUse, ...], Meta(min_length=1, max_length=4)]
    country: CountryCode | None = None
    ecosystem_role: EcosystemRole | None = None


class Formats(Subject, frozen=True):
    """Versions of the entry bytes, of statements and of the rule book, from the next index on."""

    entry: int
    statement: int
    rules: int


class RootKeys(Subject, frozen=True):
    """Offline keys that may change the programme, and how many of them it takes."""

    keys: Annotated[tuple[PublicKey, ...], Meta(min_length=1, max_length=7)]
    threshold: Annotated[int, Meta(ge=1, le=7)]


class LogKey(Subject, frozen=True):
    """A key of the log and the tree size from which its checkpoints are good."""

    vkey: VkeyText
    from_size: Size


class Policy(Subject, frozen=True):
    """The numbers a programme sets for itself.

    Units: `quorum_high_from_t` tonnes CO2e a claimant, methodology and year;
        `*_ppm` parts per million; `*_days` days; `*_hours` hours.
    Source: RULES 8.
    """

    quorum: Annotated[int, Meta(ge=1, le=8)]
    quorum_high: Annotated[int, Meta(ge=1, le=8)]
    quorum_high_from_t: Annotated[int, Meta(ge=0, le=10**12)]
    reviewer_required: bool
    materiality_ppm: Ppm
    period_days_max: Annotated[int, Meta(ge=1, le=40_000)]
    period_age_days_max: Annotated[int, Meta(ge=1, le=40_000)]
    deduction_above_ppm: Ppm
    gwp_sets: Annotated[tuple[GwpSet, ...], Meta(min_length=1, max_length=3)]
    adopts: Literal["none", "retired", "any"]
    evidence_max: Annotated[int, Meta(ge=1, le=64)]
    participants_max: Annotated[int, Meta(ge=1, le=64)]
    findings_days: Annotated[int, Meta(ge=1, le=3650)]
    rotation_delay_hours: Annotated[int, Meta(ge=0, le=8760)]
    anchor_hours: Annotated[int, Meta(ge=1, le=8760)]


class Predecessor(Subject, frozen=True):
    """The log that this one follows after a loss that could not be made good."""

    origin: Origin
    size: Size
    root: Digest


class Programme(Subject, frozen=True):
    """Entry 0, and each later change of what it says."""

    version: Version
    origin: Origin
    name: Text
    base_url: Annotated[str, Meta(pattern=r"\Ahttps?://[A-Za-z0-9.:/_~-]{1,200}\Z")]
    operator: Party
    formats: Formats
    root: RootKeys
    log_keys: Annotated[tuple[LogKey, ...], Meta(min_length=1, max_length=32)]
    witnesses: Annotated[tuple[VkeyText, ...], Meta(max_length=32)]
    policy: Policy
    predecessor: Predecessor | None = None


class KeyAdd(Subject, frozen=True, tag_field="action", tag="add"):
    """A further key of the issuer, which approves as proof that it is held."""

    key: PublicKey
    purposes: Annotated[tuple[Purpose, ...], Meta(min_length=1, max_length=8)]


class KeyRotate(Subject, frozen=True, tag_field="action", tag="rotate"):
    """A key that takes the place of another after the policy's delay."""

    key: PublicKey
    replaces: PublicKey
    purposes: Annotated[tuple[Purpose, ...], Meta(min_length=1, max_length=8)]


class KeyRevoke(Subject, frozen=True, tag_field="action", tag="revoke"):
    """The end of a key, from this index on; with `compromised_since`, doubt on what it signed from there."""

    key: PublicKey
    compromised_since: Size | None = None


Key = KeyAdd | KeyRotate | KeyRevoke


class AccreditationGrant(Subject, frozen=True, tag_field="action", tag="grant"):
    """What a verifier's named keys may attest, and from when until when (half-open days)."""

    verifier: PartyId
    keys: Annotated[tuple[PublicKey, ...], Meta(min_length=1, max_length=16)]
    standards: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=16)]
    families: Annotated[tuple[DocumentId, ...], Meta(min_length=1, max_length=64)]
    sectors: Annotated[tuple[DocumentId, ...], Meta(min_length=1, max_length=64)]
    levels: Annotated[tuple[Assurance, ...], Meta(min_length=1, max_length=2)]
    from_: Day = field(name="from")
    until: Day


class AccreditationSuspend(Subject, frozen=True, tag_field="action", tag="suspend"):
    """A halt to new attestations under a grant; those already made stand."""

    accreditation: StatementId
    reason: Text


class AccreditationReinstate(Subject, frozen=True, tag_field="action", tag="reinstate"):
    """The end of a suspension."""

    accreditation: StatementId
    reason: Text


class AccreditationWithdraw(Subject, frozen=True, tag_field="action", tag="withdraw"):
    """The end of a grant, for ever."""

    accreditation: StatementId
    reason: Text


Accreditation = AccreditationGrant | AccreditationSuspend | AccreditationReinstate | AccreditationWithdraw
