"""Methodologies and factor sets that ship with the project, as the signed data that they will be.

Each file is the `credentialSubject` of one statement, to be signed by a
methodologist (and, for a methodology, approved by an accreditor). Nothing in
the code knows them by name: a research group adds one with a JSON file.
"""

from __future__ import annotations

from importlib import resources

import msgspec

from ledger.domain.statements.methodology import FactorSet, Input, Methodology, Power, Term

SHIPPED_FACTOR_SETS = ("grid-electricity",)
SHIPPED_METHODOLOGIES = ("grid-displacement-cn", "grid-displacement-us")


def shipped_factor_set(name: str) -> FactorSet:
    """A factor set that ships with the project."""
    return msgspec.json.decode(_read(name), type=FactorSet)


def shipped_methodology(name: str) -> Methodology:
    """A methodology that ships with the project."""
    return msgspec.json.decode(_read(name), type=Methodology)


def _read(name: str) -> bytes:
    return resources.files(__package__).joinpath(f"{name}.json").read_bytes()


def adoption(*, id: str, title: str, kind: str) -> Methodology:
    """Adoption of what a registry has issued: its own figure, not recomputable, one methodology a
    registry, registry methodology and kind (RULES 3)."""
    return msgspec.convert(
        Methodology(
            id=id,
            version=1,
            title=title,
            family="registry-adoption",
            sector="all-sectors",
            kind=kind,  # type: ignore[arg-type]
            quality="reported",
            inputs={"issued": Input(unit="tCO2e")},
            factors={},
            baseline=(Term(coefficient="1", factors=(Power(name="issued", power=1),)),),
            project=(),
            leakage=(),
        ),
        Methodology,
        from_attributes=True,
    )
