"""An estimate, step by step: what each term is made of, exactly, before anything is rounded.

Nothing is computed here a second time: terms come from the compiled formula,
and the components from `quantify.estimate` itself. What is added is the
account of how a term came about, for a person to follow with a pencil.

Units: as written at each member; exact values are fractions.
Source: RULES 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal, NamedTuple

from ledger.domain.quantify import (
    COMPONENTS,
    CompiledTerm,
    Estimate,
    Ratio,
    compile_formula,
    estimate,
    evaluate,
    movements,
    read_inputs,
    tier_part,
)
from ledger.domain.statements.claim import InputValue
from ledger.domain.statements.methodology import Factor, Methodology, Term
from ledger.domain.units import decimal_ratio, parse_unit

FRACTION_DIGITS_MAX = 12


class Part(NamedTuple):
    """One name of a term: the value as it was given, and the value that counts, in the unit of the formula."""

    name: str
    role: Literal["input", "factor"]
    power: int
    given: str
    given_unit: str
    counted: Fraction
    unit: str


class Step(NamedTuple):
    """One term: coefficient x parts x conversion = grams; `tiered` and `capped` say what a bound has cut off."""

    component: str
    number: int
    term: Term
    parts: tuple[Part, ...]
    conversion: Fraction
    grams: Fraction
    tiered: bool
    capped: bool


class Calculation(NamedTuple):
    """All steps, the exact sums of the three components, and what each uncertain name moves, in grams."""

    steps: tuple[Step, ...]
    exact_g: dict[str, Fraction]
    moved_g: dict[str, Fraction]
    estimate: Estimate
    deduction_above_ppm: int


def calculate(
    methodology: Methodology,
    factors: Mapping[str, Factor],
    inputs: Mapping[str, InputValue],
    *,
    deduction_above_ppm: int,
) -> Calculation:
    """Estimate a claim and account for every step of it.

    Raises: the codes of `compile_formula` and `estimate`.
    """
    formula = compile_formula(methodology, factors)
    result = estimate(formula, inputs, deduction_above_ppm=deduction_above_ppm)
    values = read_inputs(formula.inputs, inputs)
    widths = {name: given.uncertainty_ppm for name, given in inputs.items() if given.uncertainty_ppm}
    steps: list[Step] = []
    exact: dict[str, Fraction] = {}
    moved: dict[str, Fraction] = {}
    for component in COMPONENTS:
        sign = 1 if component == "baseline" else -1
        pairs = list(zip(getattr(methodology, component), getattr(formula, component), strict=True))
        for number, (term, compiled) in enumerate(pairs):
            steps.append(_step(component, number, term, compiled, methodology, factors, inputs, values))
            for name, ppm_grams in movements(compiled, evaluate(compiled, values), values, widths):
                moved[name] = moved.get(name, Fraction(0)) + sign * Fraction(*ppm_grams)
        exact[component] = sum((one.grams for one in steps if one.component == component), Fraction(0))
    in_grams = {name: Fraction(abs(ppm_grams), 1_000_000) for name, ppm_grams in moved.items()}
    return Calculation(tuple(steps), exact, in_grams, result, deduction_above_ppm)


def _step(
    component: str,
    number: int,
    term: Term,
    compiled: CompiledTerm,
    methodology: Methodology,
    factors: Mapping[str, Factor],
    inputs: Mapping[str, InputValue],
    values: Mapping[str, Ratio],
) -> Step:
    parts: list[Part] = []
    conversion = Fraction(1)
    for one in term.factors:
        if one.name in methodology.inputs:
            given, unit = inputs[one.name], methodology.inputs[one.name].unit
            value = Fraction(*values[one.name])
            counted = tier_part(value, compiled) if one.name == compiled.tier else value
            parts.append(Part(one.name, "input", one.power, given.value, given.unit, counted, unit))
        else:
            factor = factors[one.name]
            unit, value = factor.unit, Fraction(*decimal_ratio(factor.value))
            parts.append(Part(one.name, "factor", one.power, factor.value, unit, value, unit))
        conversion *= parse_unit(unit).scale ** one.power
    free = Fraction(*evaluate(compiled._replace(cap_g=None), values))
    grams = Fraction(*evaluate(compiled, values))
    tiered = compiled.tier is not None and any(
        one.name == compiled.tier and one.counted != Fraction(*values[one.name]) for one in parts
    )
    return Step(component, number, term, tuple(parts), conversion, grams, tiered, grams != free)


def decimal_text(value: Fraction, digits_max: int = FRACTION_DIGITS_MAX) -> str:
    """A fraction in plain digits: exact where it ends within so many decimals, else cut and marked with `...`."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    scaled, rest = divmod(value.numerator * 10**digits_max, value.denominator)
    whole, part = divmod(scaled, 10**digits_max)
    digits = f"{part:0{digits_max}d}".rstrip("0") if not rest else f"{part:0{digits_max}d}..."
    return f"{sign}{whole}" + (f".{digits}" if digits else "")
