"""Statements that say how a reduction is estimated: FactorSet and Methodology.

A methodology is data, not code: three lists of terms over named inputs and
factors. `ledger.domain.quantify` gives them their meaning.

Source: RULES 1.1 and 3.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ledger.domain.statements.members import (
    ClaimKind,
    DocumentId,
    GwpSet,
    LongText,
    Name,
    Quality,
    Quantity,
    Subject,
    Text,
    Uncertainty,
    UnitText,
    Version,
)

FACTORS_MAX = 100
TERMS_MAX = 32
NAMES_A_TERM_MAX = 8


class Factor(Subject, frozen=True):
    """One emission factor with the source that publishes it.

    Units: `unit` is CO2 or CO2e a something; `uncertainty_ppm` is the 95 %
        half-width in parts per million of the value.
    """

    id: DocumentId
    value: Quantity
    unit: UnitText
    gas_basis: Literal["CO2", "CO2e"]
    region: Annotated[str, Meta(pattern=r"\A(?:world|[A-Z]{2}(?:-[A-Z0-9]{1,3})?)\Z")]
    year: Annotated[int, Meta(ge=1990, le=2100)]
    use: Literal["inventory", "intervention"]
    uncertainty_ppm: Uncertainty
    citation: Text
    gwp_set: GwpSet | None = None


class FactorSet(Subject, frozen=True):
    """Emission factors of one publisher, immutable under one version; `licence` is that of the published data."""

    id: DocumentId
    version: Version
    title: Text
    factors: Annotated[tuple[Factor, ...], Meta(min_length=1, max_length=FACTORS_MAX)]
    licence: Text | None = None


class Input(Subject, frozen=True):
    """Activity data that a claim must give: its unit and the bounds within which the formula holds."""

    unit: UnitText
    min: Quantity | None = None
    max: Quantity | None = None
    meaning: Text | None = None


class FactorUse(Subject, frozen=True):
    """Where a factor of a formula comes from."""

    set: DocumentId
    version: Version
    factor: DocumentId


class Power(Subject, frozen=True):
    """One named input or factor in a term, multiplied (1) or divided by (-1)."""

    name: Name
    power: Literal[1, -1]


class Term(Subject, frozen=True):
    """coefficient x product of named values, in kgCO2e.

    The first named input, in its declared unit, counts only up to `up_to` and
    only its part beyond `beyond`; `cap` bounds the term's result in kgCO2e.
    """

    coefficient: Quantity
    factors: Annotated[tuple[Power, ...], Meta(min_length=1, max_length=NAMES_A_TERM_MAX)]
    up_to: Quantity | None = None
    beyond: Quantity | None = None
    cap: Quantity | None = None


Terms = Annotated[tuple[Term, ...], Meta(max_length=TERMS_MAX)]


class Methodology(Subject, frozen=True):
    """A versioned formula; it fixes the kind of every claim that uses it.

    `description` says in words when it may be used and what it leaves out, `source` where the method was published.
    """

    id: DocumentId
    version: Version
    title: Text
    family: DocumentId
    sector: DocumentId
    kind: ClaimKind
    quality: Quality
    inputs: Annotated[dict[Name, Input], Meta(min_length=1, max_length=16)]
    factors: Annotated[dict[Name, FactorUse], Meta(max_length=16)]
    baseline: Annotated[tuple[Term, ...], Meta(min_length=1, max_length=TERMS_MAX)]
    project: Terms
    leakage: Terms
    gwp_set: GwpSet | None = None
    description: LongText | None = None
    source: Text | None = None
