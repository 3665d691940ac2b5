"""Terms to components to reduction: exact, rounded once, against the claimant.

A formula is compiled once into integer constants; a claim is then a few
integer products. No float and no decimal context is involved, so every
machine gives the same gram.

Units: inputs in their declared units; results in whole grams of CO2e.
Source: RULES 3; IPCC 2006 Guidelines, volume 1, chapter 3, approach 1 (error propagation).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import isqrt
from typing import NamedTuple

from ledger.domain.statements.claim import InputValue, Quantification
from ledger.domain.statements.methodology import Factor, Input, Methodology, Term
from ledger.domain.units import CO2E, PPM, Dimensions, decimal_ratio, dimensions_of, format_kg, parse_unit
from ledger.errors import Malformed, Refused


class _Term(NamedTuple):
    """A term with everything but the inputs multiplied out, in grams."""

    numerator: int
    denominator: int
    inputs: tuple[tuple[str, int], ...]
    tier: str | None
    up_to: Fraction | None
    beyond: Fraction | None
    cap_g: Fraction | None
    variance_ppm2: int


class Formula(NamedTuple):
    """A methodology ready to be computed: inputs with unit and bounds, and three lists of terms."""

    inputs: dict[str, Input]
    baseline: tuple[_Term, ...]
    project: tuple[_Term, ...]
    leakage: tuple[_Term, ...]


class Estimate(NamedTuple):
    """What a formula gives for a claim's inputs, in whole grams; `reduction_g` may be negative."""

    baseline_g: int
    project_g: int
    leakage_g: int
    uncertainty_ppm: int
    deduction_g: int

    @property
    def reduction_g(self) -> int:
        """What is left to claim: an integer difference, so the printed parts always sum."""
        return self.baseline_g - self.project_g - self.leakage_g - self.deduction_g


def compile_formula(methodology: Methodology, factors: Mapping[str, Factor]) -> Formula:
    """Prove the dimensions of every term and multiply out its constants.

    Raises: Malformed `unknown_unit`, `unknown_name`, `dimension_mismatch`, `tier_without_input`,
        `zero_factor`, `bad_bounds`.
    """
    for name, declared in methodology.inputs.items():
        parse_unit(declared.unit)
        if declared.min is not None and declared.max is not None and _ratio(declared.min) > _ratio(declared.max):
            raise Malformed("bad_bounds", f"input {name}: min is above max", name=name)
    lists = (methodology.baseline, methodology.project, methodology.leakage)
    baseline, project, leakage = (
        tuple(_compile_term(term, methodology.inputs, factors) for term in terms) for terms in lists
    )
    return Formula(methodology.inputs, baseline, project, leakage)


def estimate(formula: Formula, inputs: Mapping[str, InputValue], *, deduction_above_ppm: int) -> Estimate:
    """Compute the components of a claim from its activity data.

    Raises: Refused `missing_input`, `unknown_input`, `dimension_mismatch`, `unknown_unit`,
        `input_out_of_bounds`, `division_by_zero`.
    """
    values = _read_inputs(formula.inputs, inputs)
    variances = {name: given.uncertainty_ppm**2 for name, given in inputs.items() if given.uncertainty_ppm}
    spread = 0
    sums: list[tuple[int, int]] = []
    for terms in (formula.baseline, formula.project, formula.leakage):
        numerator, denominator = 0, 1
        for term in terms:
            top, bottom = _evaluate(term, values)
            if numerator:
                numerator, denominator = numerator * bottom + top * denominator, denominator * bottom
            else:
                numerator, denominator = top, bottom
            variance = term.variance_ppm2
            if variances:
                variance += sum(variances.get(name, 0) for name, _ in term.inputs)
            if variance:
                spread += variance * _ceil_div(top, bottom) ** 2
        sums.append((numerator, denominator))
    baseline_g = sums[0][0] // sums[0][1]
    project_g, leakage_g = (_ceil_div(*ratio) for ratio in sums[1:])
    net = baseline_g - project_g - leakage_g
    uncertainty_ppm = _ceil_div(_isqrt_up(spread), net) if spread and net > 0 else 0
    excess_ppm = max(0, uncertainty_ppm - deduction_above_ppm)
    deduction_g = _ceil_div(net * excess_ppm, PPM) if excess_ppm else 0
    return Estimate(baseline_g, project_g, leakage_g, uncertainty_ppm, deduction_g)


def quantification_of(result: Estimate) -> Quantification:
    """The figures as a claim states them.

    Raises: Refused `not_a_reduction` when nothing is left to claim.
    """
    if result.reduction_g <= 0:
        raise Refused("not_a_reduction", f"the inputs give {result.reduction_g} g, which is no reduction")
    figures = (result.baseline_g, result.project_g, result.leakage_g, result.deduction_g, result.reduction_g)
    return Quantification(*(format_kg(grams) for grams in figures))


def _compile_term(term: Term, inputs: Mapping[str, Input], factors: Mapping[str, Factor]) -> _Term:
    constant = _ratio(term.coefficient) * 1000
    powers: dict[str, int] = {}
    used: list[tuple[str, int]] = []
    variance = 0
    for name, power in ((one.name, one.power) for one in term.factors):
        if name in inputs:
            unit = parse_unit(inputs[name].unit)
            constant *= unit.scale**power
            used.append((name, power))
        elif name in factors:
            unit = parse_unit(factors[name].unit)
            value = _ratio(factors[name].value) * unit.scale
            if power < 0 and value == 0:
                raise Malformed("zero_factor", f"factor {name} is 0 and cannot divide", name=name)
            constant *= value**power
            variance += factors[name].uncertainty_ppm ** 2
        else:
            raise Malformed("unknown_name", f"a term names {name!r}, which is neither input nor factor", name=name)
        for dimension, exponent in unit.dimensions:
            powers[dimension] = powers.get(dimension, 0) + power * exponent
    _require_emission(dimensions_of(powers), term)
    tiered = term.up_to is not None or term.beyond is not None
    if tiered and not used:
        raise Malformed("tier_without_input", "a term with a tier must name an input")
    up_to, beyond, cap = (None if text is None else _ratio(text) for text in (term.up_to, term.beyond, term.cap))
    if up_to is not None and beyond is not None and beyond > up_to:
        raise Malformed("bad_bounds", "a term's beyond is above its up_to")
    return _Term(
        constant.numerator,
        constant.denominator,
        tuple(used),
        used[0][0] if tiered else None,
        up_to,
        beyond,
        None if cap is None else cap * 1000,
        variance,
    )


def _require_emission(dimensions: Dimensions, term: Term) -> None:
    if dimensions != CO2E:
        found = " ".join(f"{name}^{power}" for name, power in dimensions) or "a plain number"
        names = ", ".join(one.name for one in term.factors)
        raise Malformed("dimension_mismatch", f"the term of {names} comes out in {found}, not in kgCO2e", found=found)


def _read_inputs(declared: Mapping[str, Input], given: Mapping[str, InputValue]) -> dict[str, tuple[int, int]]:
    values: dict[str, tuple[int, int]] = {}
    for name, wanted in declared.items():
        if name not in given:
            raise Refused("missing_input", f"the methodology asks for the input {name!r} in {wanted.unit}", name=name)
        value, unit = given[name].value, given[name].unit
        numerator, denominator = decimal_ratio(value)
        if unit != wanted.unit:
            have, want = parse_unit(unit), parse_unit(wanted.unit)
            if have.dimensions != want.dimensions or have.gas_basis != want.gas_basis:
                raise Refused("dimension_mismatch", f"input {name}: {unit} is no {wanted.unit}", name=name, unit=unit)
            scale = Fraction(have.scale, want.scale)
            numerator, denominator = numerator * scale.numerator, denominator * scale.denominator
        for bound, sign in ((wanted.min, 1), (wanted.max, -1)):
            if bound is not None:
                top, bottom = _bound(bound)
                if sign * (numerator * bottom - top * denominator) < 0:
                    span = f"{wanted.min or 0} .. {wanted.max or 'any'} {wanted.unit}"
                    raise Refused("input_out_of_bounds", f"input {name} = {value} {unit} is outside {span}", name=name)
        values[name] = (numerator, denominator)
    for name in given:
        if name not in declared:
            raise Refused("unknown_input", f"the methodology has no input {name!r}", name=name)
    return values


def _evaluate(term: _Term, values: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    top, bottom = term.numerator, term.denominator
    for name, power in term.inputs:
        numerator, denominator = values[name]
        if name == term.tier:
            numerator, denominator = _tier(Fraction(numerator, denominator), term).as_integer_ratio()
        if power < 0:
            if numerator == 0:
                raise Refused("division_by_zero", f"input {name} is 0 and the formula divides by it", name=name)
            numerator, denominator = denominator, numerator
        top, bottom = top * numerator, bottom * denominator
    if term.cap_g is not None and top * term.cap_g.denominator > term.cap_g.numerator * bottom:
        return term.cap_g.numerator, term.cap_g.denominator
    return top, bottom


def _tier(value: Fraction, term: _Term) -> Fraction:
    if term.up_to is not None:
        value = min(value, term.up_to)
    return max(Fraction(0), value - term.beyond) if term.beyond is not None else value


_bound = lru_cache(maxsize=1024)(decimal_ratio)


def _ratio(text: str) -> Fraction:
    return Fraction(*decimal_ratio(text))


def _ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def _isqrt_up(value: int) -> int:
    root = isqrt(value)
    return root if root * root == value else root + 1
