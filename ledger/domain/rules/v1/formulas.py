"""What must hold of factors and formulas, whoever signs them: the rules that an author can try at home.

`decide` raises the first problem that is found here; the tools for authors
list all of them. Each problem names its place in the document as `path`.

Source: RULES 1.1, 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ledger.domain.ids import require_country
from ledger.domain.quantify import formula_problems
from ledger.domain.statements.methodology import Factor, FactorSet, FactorUse, Methodology
from ledger.domain.units import parse_unit
from ledger.errors import Malformed, Refused

FindSet = Callable[[str, int], Sequence[Factor] | None]


def factor_set_problems(subject: FactorSet) -> Iterator[Refused]:
    """Everything that keeps a factor set from being published."""
    seen: set[str] = set()
    for factor in subject.factors:
        if factor.id in seen:
            yield Malformed("duplicate_member", f"factors: {factor.id} stands twice", what="factors", path=factor.id)
        seen.add(factor.id)
        try:
            _check_factor(factor)
        except Malformed as problem:
            problem.facts["path"] = f"factors.{factor.id}"
            yield problem


def _check_factor(factor: Factor) -> None:
    unit = parse_unit(factor.unit)
    if dict(unit.dimensions).get("co2e") != 1 or unit.gas_basis != factor.gas_basis:
        raise Malformed(
            "dimension_mismatch",
            f"factor {factor.id}: {factor.unit} is no emission of {factor.gas_basis}",
            factor=factor.id,
        )
    if (factor.gwp_set is None) == (factor.gas_basis == "CO2e"):
        raise Malformed(
            "gwp_set_mismatch", f"factor {factor.id}: CO2e names its GWP set, CO2 names none", factor=factor.id
        )
    if factor.region != "world":
        require_country(factor.region[:2])


def methodology_problems(subject: Methodology, *, find: FindSet, gwp_sets: Sequence[str]) -> Iterator[Refused]:
    """Everything that keeps a methodology from being published; `find` gives the factors of a published set."""
    for name in sorted(set(subject.inputs) & set(subject.factors)):
        yield Malformed("duplicate_member", f"{name!r} names an input and a factor", what=name, path=f"factors.{name}")
    factors: dict[str, Factor] = {}
    missing: set[str] = set()
    for name in sorted(subject.factors):
        try:
            factors[name] = find_factor(subject.factors[name], find, name=name)
            _check_use(factors[name], subject, name=name)
        except Refused as problem:
            problem.facts["path"] = f"factors.{name}"
            missing |= {name} - factors.keys()
            yield problem
    for flaw in formula_problems(subject, factors):
        # What a factor that cannot be found would give is not known; it has been named above.
        if not (flaw.code == "unknown_name" and flaw.facts.get("name") in missing):
            yield flaw
    yield from _place_problems(factors)
    if subject.quality == "reported":
        yield from _adoption_problems(subject)
    else:
        yield from _basis_problems(subject)
    if subject.gwp_set is not None and subject.gwp_set not in gwp_sets:
        yield Refused(
            "gwp_set_mismatch",
            f"the programme accepts {', '.join(gwp_sets)}",
            gwp_set=subject.gwp_set,
            path="gwp_set",
        )


def find_factor(use: FactorUse, find: FindSet, *, name: str) -> Factor:
    """The factor that a methodology names.

    Raises: Refused `unknown_factor`.
    """
    published = find(use.set, use.version)
    found = [] if published is None else [factor for factor in published if factor.id == use.factor]
    if not found:
        raise Refused("unknown_factor", f"no factor {use.factor} in {use.set} version {use.version}", name=name)
    return found[0]


def _check_use(factor: Factor, subject: Methodology, *, name: str) -> None:
    if factor.use != "intervention":
        raise Refused("wrong_factor_use", f"factor {factor.id} is for inventories, not for interventions", name=name)
    if factor.gwp_set is not None and factor.gwp_set != subject.gwp_set:
        raise Refused("gwp_set_mismatch", f"factor {factor.id} is on {factor.gwp_set}", name=name)


def _place_problems(factors: dict[str, Factor]) -> Iterator[Refused]:
    """A claim lies in one country and at most one region of it: factors of two places serve no claim at all."""
    places = {factor.region for factor in factors.values()} - {"world"}
    narrowest = max(sorted(places), key=len, default="world")
    if places - {narrowest, narrowest[:2]}:
        yield Refused(
            "factor_region_mismatch",
            f"no claim lies in {' and '.join(sorted(places))} at once",
            path="factors",
        )


def _basis_problems(subject: Methodology) -> Iterator[Refused]:
    """Inputs in CO2e say nothing while nobody says which GWP set made them so."""
    for name, declared in subject.inputs.items():
        try:
            basis = parse_unit(declared.unit).gas_basis
        except Malformed:
            continue
        if basis == "CO2e" and subject.gwp_set is None:
            yield Malformed(
                "gwp_set_mismatch",
                f"input {name} is in {declared.unit}: the methodology names the GWP set of what is given in CO2e",
                name=name,
                path=f"inputs.{name}",
            )


def _adoption_problems(subject: Methodology) -> Iterator[Refused]:
    """A registry's own figure, taken over and shown as not recomputable (RULES 3)."""
    given = subject.inputs.get("issued")
    one_term = len(subject.baseline) == 1 and subject.baseline[0]
    adopts = (
        len(subject.inputs) == 1
        and given is not None
        and given.unit == "tCO2e"
        and one_term
        and one_term.coefficient == "1"
        and [(one.name, one.power) for one in one_term.factors] == [("issued", 1)]
        and (one_term.up_to, one_term.beyond, one_term.cap) == (None, None, None)
        and not (subject.project or subject.leakage or subject.factors)
    )
    if not adopts:
        yield Malformed(
            "bad_adoption",
            "reported quality has one input `issued` in tCO2e, which is the whole baseline",
            path="quality",
        )
