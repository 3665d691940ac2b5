"""Monte Carlo: how far a claim's net result may lie from its figure, with a stated seed. A tool, never a rule.

Nothing here is left to chance or to a processor: the draw of a name is a count
of the ones among 10,000 bits of SHAKE-256 over seed, number and name, which is
binomial, of mean 5,000 and standard deviation 50, and as good as normal. So
any two machines, and a program in another language, give the same figures, and
no float takes part.

    ones   = bits set in SHAKE-256("gigaton-monte-carlo/1\\n" seed "\\n" number "\\n" name), 1,250 bytes
    value  = stated value x (1 + u x (ones - 5000) / 50 / 1.96), u being its 95 % half-width,
             and never below a millionth of the stated value

A name is drawn once a round and moves every term that names it. Tiers and caps
are applied to what was drawn.

Units: grams of CO2e; half-widths in parts per million.
Source: RULES 3; IPCC 2006 Guidelines, volume 1, chapter 3, approach 2 (Monte Carlo).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from fractions import Fraction

from msgspec import Struct

from ledger.domain.quantify import CompiledTerm, Ratio, compile_formula, estimate, evaluate, read_inputs
from ledger.domain.statements.claim import InputValue
from ledger.domain.statements.methodology import Factor, Methodology
from ledger.errors import Malformed

DRAWS_MAX = 1_000_000
SEED_CHARACTERS_MAX = 200
_BYTES = 1_250
_MEAN = 5_000
# 1,000,000 ppm x 50 (a standard deviation in ones) x 1.96 (of them make a half-width)
_WHOLE = 98_000_000
_LEAST = 98
PPM = 1_000_000


class Spread(Struct, frozen=True):
    """What the draws gave for baseline - project - leakage, in whole grams, beside what propagation gives.

    `uncertainty_ppm` is half the distance from the 2.5th to the 97.5th percentile, over the net figure; 0 when that is
    no gain.
    """

    seed: str
    draws: int
    names: dict[str, int]
    net_g: int
    mean_g: int
    least_g: int
    p2_5_g: int
    p50_g: int
    p97_5_g: int
    most_g: int
    no_gain_ppm: int
    uncertainty_ppm: int
    propagated_ppm: int


def simulate(
    methodology: Methodology,
    factors: Mapping[str, Factor],
    inputs: Mapping[str, InputValue],
    *,
    seed: str,
    draws: int,
) -> Spread:
    """Draw every uncertain input and factor so often, and compute the net result each time.

    Raises: Malformed `bad_draws`, and the codes of `compile_formula` and `estimate`.
    """
    if not 40 <= draws <= DRAWS_MAX or not 1 <= len(seed) <= SEED_CHARACTERS_MAX:
        raise Malformed("bad_draws", f"40 to {DRAWS_MAX} draws, and a seed of 1 to {SEED_CHARACTERS_MAX} characters")
    formula = compile_formula(methodology, factors)
    stated = estimate(formula, inputs, deduction_above_ppm=0)
    values = read_inputs(formula.inputs, inputs)
    signed = [(1, term) for term in formula.baseline]
    signed += [(-1, term) for term in (*formula.project, *formula.leakage)]
    used = {name for _, term in signed for name, _ in term.inputs} | {
        name for _, term in signed for name, *_ in term.factors
    }
    widths = {name: given.uncertainty_ppm for name, given in inputs.items() if given.uncertainty_ppm}
    widths |= {name: one.uncertainty_ppm for name, one in factors.items() if one.uncertainty_ppm}
    widths = {name: width for name, width in sorted(widths.items()) if name in used}
    results = sorted(_net(signed, values, _draw(widths, seed, number)) for number in range(draws))
    net = stated.baseline_g - stated.project_g - stated.leakage_g
    low, middle, high = (_percentile(results, per_mille) for per_mille in (25, 500, 975))
    return Spread(
        seed=seed,
        draws=draws,
        names=widths,
        net_g=net,
        mean_g=sum(results) // draws,
        least_g=results[0],
        p2_5_g=low,
        p50_g=middle,
        p97_5_g=high,
        most_g=results[-1],
        no_gain_ppm=sum(one <= 0 for one in results) * PPM // draws,
        uncertainty_ppm=-((low - high) * PPM // (2 * net)) if net > 0 else 0,
        propagated_ppm=stated.uncertainty_ppm,
    )


def _draw(widths: Mapping[str, int], seed: str, number: int) -> dict[str, int]:
    """For each uncertain name the millionths (of 98) by which its value is multiplied in this round."""
    drawn = {}
    for name, width in widths.items():
        said = f"gigaton-monte-carlo/1\n{seed}\n{number}\n{name}".encode()
        ones = int.from_bytes(hashlib.shake_256(said).digest(_BYTES), "big").bit_count()
        drawn[name] = max(_LEAST, _WHOLE + width * (ones - _MEAN))
    return drawn


def _net(signed: list[tuple[int, CompiledTerm]], values: Mapping[str, Ratio], drawn: Mapping[str, int]) -> int:
    moved = {
        name: (top * drawn[name], bottom * _WHOLE) if name in drawn else (top, bottom)
        for name, (top, bottom) in values.items()
    }
    total = Fraction(0)
    for sign, term in signed:
        numerator, denominator = term.numerator, term.denominator
        for name, power, _ in term.factors:
            if name in drawn:
                up, down = (drawn[name], _WHOLE) if power > 0 else (_WHOLE, drawn[name])
                numerator, denominator = numerator * up, denominator * down
        total += sign * Fraction(*evaluate(term._replace(numerator=numerator, denominator=denominator), moved))
    return total.numerator // total.denominator


def _percentile(ordered: list[int], per_mille: int) -> int:
    """The nearest rank."""
    return ordered[max(0, -(-len(ordered) * per_mille // 1000) - 1)]
