"""Terms to components to reduction: exact, rounded once, against the claimant.

A formula is compiled once into integer constants; a claim is then a few
integer products. No float and no decimal context is involved, so every
machine gives the same gram.

Uncertainty is propagated to first order, by name: what one input or factor
moves, it moves together in every term that names it, and different names move
on their own. So a factor that stands in baseline and project does not count
against itself, and one that stands in two terms of the baseline counts twice.

Units: inputs in their declared units; results in whole grams of CO2e.
Source: RULES 3; IPCC 2006 Guidelines, volume 1, chapter 3, approach 1 (error propagation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from math import isqrt
from typing import NamedTuple

from ledger.domain.statements.claim import InputValue, Quantification
from ledger.domain.statements.methodology import Factor, Input, Methodology, Term
from ledger.domain.units import CO2E, PPM, Dimensions, decimal_ratio, dimensions_of, format_kg, parse_unit
from ledger.errors import Malformed, Refused

COMPONENTS = ("baseline", "project", "leakage")
Ratio = tuple[int, int]


class CompiledTerm(NamedTuple):
    """A term with everything but the inputs multiplied out, in grams.

    `factors` are the names that stand in the constant, each with its power and its 95 % half-width in ppm.
    """

    numerator: int
    denominator: int
    inputs: tuple[tuple[str, int], ...]
    factors: tuple[tuple[str, int, int], ...]
    tier: str | None
    up_to: Fraction | None
    beyond: Fraction | None
    cap_g: Fraction | None


class Formula(NamedTuple):
    """A methodology ready to be computed: inputs with unit and bounds, and three lists of terms."""

    inputs: dict[str, Input]
    baseline: tuple[CompiledTerm, ...]
    project: tuple[CompiledTerm, ...]
    leakage: tuple[CompiledTerm, ...]
    uncertain_factors: bool


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

    Raises: the first of `formula_problems`.
    """
    for problem in formula_problems(methodology, factors):
        raise problem
    baseline, project, leakage = (
        tuple(compile_term(term, methodology.inputs, factors) for term in terms)
        for terms in (methodology.baseline, methodology.project, methodology.leakage)
    )
    uncertain = any(width for term in (*baseline, *project, *leakage) for _, _, width in term.factors)
    return Formula(methodology.inputs, baseline, project, leakage, uncertain)


def formula_problems(methodology: Methodology, factors: Mapping[str, Factor]) -> Iterator[Malformed]:
    """Everything that keeps a formula from being computed, with `path` in its facts.

    Gives: Malformed `unknown_unit`, `unknown_name`, `dimension_mismatch`, `tier_without_input`,
        `zero_factor`, `bad_bounds`.
    """
    for name, declared in methodology.inputs.items():
        try:
            parse_unit(declared.unit)
            if declared.min is not None and declared.max is not None and _ratio(declared.min) > _ratio(declared.max):
                raise Malformed("bad_bounds", f"input {name}: min is above max", name=name)
        except Malformed as problem:
            problem.facts["path"] = f"inputs.{name}"
            yield problem
    for component in COMPONENTS:
        for number, term in enumerate(getattr(methodology, component)):
            try:
                compile_term(term, methodology.inputs, factors)
            except Malformed as problem:
                problem.facts["path"] = f"{component}[{number}]"
                yield problem


def estimate(formula: Formula, inputs: Mapping[str, InputValue], *, deduction_above_ppm: int) -> Estimate:
    """Compute the components of a claim from its activity data.

    Raises: Refused `missing_input`, `unknown_input`, `dimension_mismatch`, `unknown_unit`,
        `input_out_of_bounds`, `division_by_zero`.
    """
    values = read_inputs(formula.inputs, inputs)
    widths = {name: given.uncertainty_ppm for name, given in inputs.items() if given.uncertainty_ppm}
    spreads = bool(widths) or formula.uncertain_factors
    moved: dict[str, Ratio] = {}
    sums: list[Ratio] = []
    for sign, terms in ((1, formula.baseline), (-1, formula.project), (-1, formula.leakage)):
        total: Ratio = (0, 1)
        for term in terms:
            grams = evaluate(term, values)
            total = _plus(total, grams)
            if spreads:
                for name, (top, bottom) in movements(term, grams, values, widths):
                    moved[name] = _plus(moved.get(name, (0, 1)), (sign * top, bottom))
        sums.append(total)
    baseline_g = sums[0][0] // sums[0][1]
    project_g, leakage_g = (_ceil_div(*ratio) for ratio in sums[1:])
    net = baseline_g - project_g - leakage_g
    spread = sum(_ceil_div(abs(grams), parts) ** 2 for grams, parts in moved.values())
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


def compile_term(term: Term, inputs: Mapping[str, Input], factors: Mapping[str, Factor]) -> CompiledTerm:
    """Prove that a term is an emission, and multiply out its constants.

    Raises: Malformed `unknown_unit`, `unknown_name`, `dimension_mismatch`, `tier_without_input`,
        `zero_factor`, `bad_bounds`.
    """
    constant = _ratio(term.coefficient) * 1000
    powers: dict[str, int] = {}
    used: list[tuple[str, int]] = []
    fixed: list[tuple[str, int, int]] = []
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
            fixed.append((name, power, factors[name].uncertainty_ppm))
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
    return CompiledTerm(
        constant.numerator,
        constant.denominator,
        tuple(used),
        tuple(fixed),
        used[0][0] if tiered else None,
        up_to,
        beyond,
        None if cap is None else cap * 1000,
    )


def _require_emission(dimensions: Dimensions, term: Term) -> None:
    if dimensions != CO2E:
        found = " ".join(f"{name}^{power}" for name, power in dimensions) or "a plain number"
        names = ", ".join(one.name for one in term.factors)
        raise Malformed("dimension_mismatch", f"the term of {names} comes out in {found}, not in kgCO2e", found=found)


def read_inputs(declared: Mapping[str, Input], given: Mapping[str, InputValue]) -> dict[str, Ratio]:
    """The inputs in their declared units, within their bounds.

    Raises: Refused `missing_input`, `unknown_input`, `dimension_mismatch`, `unknown_unit`, `input_out_of_bounds`.
    """
    values: dict[str, Ratio] = {}
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


def evaluate(term: CompiledTerm, values: Mapping[str, Ratio]) -> Ratio:
    """A term in grams, exactly, as (numerator, denominator).

    Raises: Refused `division_by_zero`.
    """
    top, bottom = term.numerator, term.denominator
    for name, power in term.inputs:
        numerator, denominator = values[name]
        if name == term.tier:
            numerator, denominator = tier_part(Fraction(numerator, denominator), term).as_integer_ratio()
        if power < 0:
            if numerator == 0:
                raise Refused("division_by_zero", f"input {name} is 0 and the formula divides by it", name=name)
            numerator, denominator = denominator, numerator
        top, bottom = top * numerator, bottom * denominator
    if term.cap_g is not None and top * term.cap_g.denominator > term.cap_g.numerator * bottom:
        return term.cap_g.numerator, term.cap_g.denominator
    return top, bottom


def movements(
    term: CompiledTerm, grams: Ratio, values: Mapping[str, Ratio], widths: Mapping[str, int]
) -> Iterator[tuple[str, Ratio]]:
    """By how many millionths of a gram a term that is worth `grams` moves with a name's 95 % half-width, with its sign.

    A tier moves with its input while the input lies within it; a term above its cap does not move.
    """
    top, bottom = grams
    if term.cap_g is not None:
        whole = Fraction(*evaluate(term._replace(cap_g=None), values))
        if term.cap_g < whole:
            return
    for name, power, width in term.factors:
        if width:
            yield name, (power * width * top, bottom)
    for name, power in term.inputs:
        width = widths.get(name, 0)
        if not width:
            continue
        if name == term.tier:
            value = Fraction(*values[name])
            part = tier_part(value, term)
            if part == 0 or (term.up_to is not None and value > term.up_to):
                continue
            ratio = Fraction(value, part)
            yield name, (power * width * top * ratio.numerator, bottom * ratio.denominator)
        else:
            yield name, (power * width * top, bottom)


def tier_part(value: Fraction, term: CompiledTerm) -> Fraction:
    """The part of an input, in its declared unit, that a term's tier lets count."""
    if term.up_to is not None:
        value = min(value, term.up_to)
    return max(Fraction(0), value - term.beyond) if term.beyond is not None else value


_bound = lru_cache(maxsize=1024)(decimal_ratio)


def _ratio(text: str) -> Fraction:
    return Fraction(*decimal_ratio(text))


def _plus(one: Ratio, other: Ratio) -> Ratio:
    """A sum, left as large as it comes: reducing it would cost more than it saves."""
    if not one[0]:
        return other
    if one[1] == other[1]:
        return one[0] + other[0], one[1]
    return one[0] * other[1] + other[0] * one[1], one[1] * other[1]


def _ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def _isqrt_up(value: int) -> int:
    root = isqrt(value)
    return root if root * root == value else root + 1
