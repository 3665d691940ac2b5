"""Methodologies and factor sets that ship with the project, as the signed data that they will be.

Each file is the `credentialSubject` of one statement, to be signed by a
methodologist (and, for a methodology, approved by an accreditor): `factors/`,
`methods/`, and `templates/` for what is completed before it is signed. Nothing
in the code knows them by name: a research group adds one with a JSON file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources

import msgspec

from ledger.domain.rules.v1.formulas import FindSet
from ledger.domain.statements.methodology import Factor, FactorSet, Methodology

ADOPTION = "registry-adoption"


def _names(folder: str) -> tuple[str, ...]:
    listed = resources.files(__package__).joinpath(folder).iterdir()
    return tuple(sorted(one.name.removesuffix(".json") for one in listed if one.name.endswith(".json")))


SHIPPED_FACTOR_SETS = _names("factors")
SHIPPED_METHODOLOGIES = _names("methods")


@cache
def shipped_factor_set(name: str) -> FactorSet:
    """A factor set that ships with the project."""
    return msgspec.json.decode(_read("factors", name), type=FactorSet)


@cache
def shipped_methodology(name: str) -> Methodology:
    """A methodology that ships with the project."""
    return msgspec.json.decode(_read("methods", name), type=Methodology)


def shipped_on(gwp_sets: Sequence[str]) -> list[Methodology]:
    """What ships for a programme that accepts these GWP sets; the rule book refuses the rest."""
    methods = map(shipped_methodology, SHIPPED_METHODOLOGIES)
    return [one for one in methods if one.gwp_set is None or one.gwp_set in gwp_sets]


def _read(folder: str, name: str) -> bytes:
    return resources.files(__package__).joinpath(folder, f"{name}.json").read_bytes()


def finder(sets: Iterable[FactorSet] = ()) -> FindSet:
    """A look-up of factor sets for one who has no ledger: the given ones, then those that ship."""
    given = {(one.id, one.version): one.factors for one in sets}

    def find(id: str, version: int) -> Sequence[Factor] | None:
        if (id, version) not in given and id in SHIPPED_FACTOR_SETS:
            shipped = shipped_factor_set(id)
            given[shipped.id, shipped.version] = shipped.factors
        return given.get((id, version))

    return find


def adoption(*, id: str, title: str, kind: str) -> Methodology:
    """Adoption of what a registry has issued: its own figure, not recomputable, one methodology a
    registry, registry methodology and kind (RULES 3)."""
    template = msgspec.json.decode(_read("templates", ADOPTION))
    return msgspec.convert({**template, "id": id, "title": title, "kind": kind}, Methodology)
