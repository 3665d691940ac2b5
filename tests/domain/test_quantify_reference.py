"""Estimates against a slow reference of fractions, and uncertainty by hand.

What ships with the project is in `test_shipped.py`.

Source: RULES 3; IPCC 2006 Guidelines, volume 1, chapter 3, approach 1 (error propagation). Approach 1 holds for
quantities that vary on their own; what stands in several terms varies together, and is taken together first.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.statements import methodology as f
from tests.domain.test_quantify import factor, run, term

# Uncertainty: (policy) -> (uncertainty, deduction in grams), each worked out by hand.


@pytest.mark.parametrize(
    ("policy_ppm", "deduction_g"),
    [(0, 50_000), (49_999, 1), (50_000, 0), (50_001, 0), (40_000, 10_000)],
)
def test_a_product_spreads_by_the_root_of_its_squares(policy_ppm: int, deduction_g: int) -> None:
    """3 % and 4 % give 5 % of 1,000 kg; what is above the policy is deducted."""
    result = run(
        {"e": ("2000 kWh", 30_000)},
        baseline=(term("e", "grid"),),
        factors={"grid": factor("0.5", "kgCO2e/kWh", 40_000)},
        policy_ppm=policy_ppm,
    )
    assert (result.uncertainty_ppm, result.deduction_g) == (50_000, deduction_g)
    assert result.reduction_g == 1_000_000 - deduction_g


def test_a_sum_spreads_by_its_absolute_parts_over_the_whole() -> None:
    """300 kg and 400 kg at 10 % each: 30 and 40 kg make 50 of 700, 71,428.57 ppm, rounded up."""
    given_ = {"p": ("300 kgCO2e", 100_000), "q": ("400 kgCO2e", 100_000)}
    result = run(given_, baseline=(term("p"), term("q")), policy_ppm=0)
    assert (result.uncertainty_ppm, result.deduction_g) == (71_429, 50_001)  # 50,000.3 g


def test_what_is_taken_off_adds_to_the_spread() -> None:
    """1,000 kg at 12 % less 400 kg at 22.5 % less 100 kg at 80 %: 120, 90 and 80 kg make 170 of 500."""
    given_ = {"b": ("1000 kgCO2e", 120_000), "p": ("400 kgCO2e", 225_000), "l": ("100 kgCO2e", 800_000)}
    result = run(given_, baseline=(term("b"),), project=(term("p"),), leakage=(term("l"),))
    assert (result.uncertainty_ppm, result.deduction_g, result.reduction_g) == (340_000, 120_000, 380_000)


def test_roots_and_deductions_are_rounded_up() -> None:
    """1 ppm twice is 1.41 ppm of the product, so 2; a deduction of a millionth of 3 g is 1 g."""
    result = run({"own": ("1 tCO2e", 1), "n": ("1 one", 1)}, baseline=(term("own", "n"),), policy_ppm=0)
    assert (result.uncertainty_ppm, result.deduction_g) == (2, 2)
    gram = run({"own": ("1 gCO2e", 1), "n": ("1 one", 1)}, baseline=(term("own", "n"),), policy_ppm=0)
    assert (gram.uncertainty_ppm, gram.deduction_g) == (2, 1)
    small = run({"own": ("3 gCO2e", 100_001)}, baseline=(term("own"),))
    assert (small.uncertainty_ppm, small.deduction_g, small.reduction_g) == (100_001, 1, 2)


def test_what_stands_in_two_terms_moves_both() -> None:
    """Half a gram twice at 100 % is one gram at 100 %: 1,000,000 ppm, not the root of two halves squared."""
    result = run({"own": ("0.5 gCO2e", 1_000_000)}, baseline=(term("own"),) * 2)
    assert (result.baseline_g, result.uncertainty_ppm) == (1, 1_000_000)
    squared = run({"n": ("3 one", 100_000), "own": ("1 kgCO2e", 0)}, baseline=(term("own", "n", "n"),), policy_ppm=0)
    assert squared.uncertainty_ppm == 200_000


def test_what_stands_on_both_sides_moves_the_difference_alone() -> None:
    """10 % of the grid factor is 10 % of what is saved, however large the two sides are; its inputs move apart."""
    grid = {"grid": factor("0.5", "kgCO2e/kWh", 100_000)}
    lamps = run(
        {"b": "2000 kWh", "p": "1000 kWh"}, baseline=(term("b", "grid"),), project=(term("p", "grid"),), factors=grid
    )
    assert (lamps.reduction_g, lamps.uncertainty_ppm) == (500_000, 100_000)
    apart = run(
        {"b": ("2000 kWh", 30_000), "p": ("1000 kWh", 80_000)},
        baseline=(term("b", "grid"),),
        project=(term("p", "grid"),),
        factors={"grid": factor("0.5", "kgCO2e/kWh")},
    )
    assert apart.uncertainty_ppm == 100_000  # 30 and 40 kg make 50, of 500 kg


@pytest.mark.parametrize(
    ("solar", "uncertainty_ppm"),
    [
        ("20 kWh", 100_000),  # inside the first tier
        ("55 kWh", 100_000),  # at its edge, still inside
        ("105 kWh", 31_094),  # 10.5 kWh more or less at 1.3 kg: 13.65 of 439 kg, 31,093.4 ppm
        ("1000 kWh", 81_124),  # 130 of 1,602.5 kg, 81,123.2 ppm
    ],
)
def test_a_tier_moves_with_its_input_while_it_lies_inside(solar: str, uncertainty_ppm: int) -> None:
    result = run(
        {"solar": (solar, 100_000)},
        baseline=(term("solar", "a", up_to="55"), term("solar", "b", beyond="55")),
        factors={"a": factor("6.8", "tCO2e/MWh"), "b": factor("1.3", "tCO2e/MWh")},
    )
    assert result.uncertainty_ppm == uncertainty_ppm


def test_what_is_above_its_cap_does_not_move() -> None:
    assert run({"own": ("7 kgCO2e", 500_000)}, baseline=(term("own", cap="5"),)).uncertainty_ppm == 0
    assert run({"own": ("5 kgCO2e", 500_000)}, baseline=(term("own", cap="5"),)).uncertainty_ppm == 500_000


def test_uncertainty_may_leave_less_than_nothing_and_is_not_clamped() -> None:
    result = run({"own": ("1 kgCO2e", 3_000_000)}, baseline=(term("own"),))
    assert (result.uncertainty_ppm, result.deduction_g, result.reduction_g) == (3_000_000, 2_900, -1_900)


@pytest.mark.parametrize("own", ["1", "0.999", "2"])
def test_without_a_net_gain_nothing_is_deducted(own: str) -> None:
    given_ = {"b": (f"{own} kgCO2e", 500_000), "p": ("2 kgCO2e", 500_000)}
    result = run(given_, baseline=(term("b"),), project=(term("p"),), policy_ppm=0)
    assert (result.uncertainty_ppm, result.deduction_g) == (0, 0)
    assert result.reduction_g == int(Fraction(own) * 1000) - 2000


# The slow reference: what a term is worth in grams, written out for each shape of term.


class Shape(NamedTuple):
    """A product of names, of which `tiered` is the first input, and grams of CO2e when all values are 1."""

    names: tuple[str, ...]
    tiered: str
    grams: int


SHAPES = (
    Shape(("e", "grid"), "e", 1_000),  # kWh x kgCO2e/kWh
    Shape(("each", "n"), "n", 1),  # gCO2e/item x item
    Shape(("own",), "own", 1_000_000),  # tCO2e
    Shape(("e", "grid", "n", "/k"), "e", 1_000),  # kWh x kgCO2e/kWh x item / item
    Shape(("grid", "/k", "e", "n"), "k", 1_000),
)
INPUTS = {"e": "kWh", "n": "item", "own": "tCO2e", "k": "item"}
FACTORS = {"grid": "kgCO2e/kWh", "each": "gCO2e/item"}


def quantities(least: int = 0) -> st.SearchStrategy[str]:
    return st.builds(
        lambda whole, part, digits: f"{whole}.{part:012d}"[: len(str(whole)) + 1 + digits] if digits else f"{whole}",
        st.integers(least, 10**5),
        st.integers(0, 10**12 - 1),
        st.integers(0, 12),
    )


class Slow(NamedTuple):
    """One term, to be computed for any values."""

    shape: Shape
    said: f.Term

    def grams(self, values: dict[str, Fraction]) -> Fraction:
        grams = Fraction(self.said.coefficient) * self.shape.grams
        for name in self.shape.names:
            value = values[name.removeprefix("/")]
            if name.removeprefix("/") == self.shape.tiered:
                upper = value if self.said.up_to is None else min(value, Fraction(self.said.up_to))
                value = upper if self.said.beyond is None else max(Fraction(0), upper - Fraction(self.said.beyond))
            grams = grams / value if name.startswith("/") else grams * value
        return grams if self.said.cap is None else min(grams, Fraction(self.said.cap) * 1000)


# A value is moved by this part of itself, downwards: so little that what is not straight cannot be seen.
NUDGE = Fraction(1, 10**40)


def moved(parts: list[list[Slow]], values: dict[str, Fraction], name: str) -> Fraction:
    """Grams by which the net result moves with a name, for each whole of the name's value: its slope, measured."""
    nudged = {**values, name: values[name] * (1 - NUDGE)}
    net = [sum((one.grams(at) for one in part), Fraction(0)) for at in (values, nudged) for part in parts]
    return ((net[0] - net[1] - net[2]) - (net[3] - net[4] - net[5])) / NUDGE


def least_whole(spread: Fraction, net: int) -> int:
    """The least whole ppm that is no less than the root of the spread over the net, found by halving."""
    low, high = -1, 1
    while (high * net) ** 2 < spread:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if (middle * net) ** 2 < spread else (low, middle)
    return high


@given(st.data())
def test_any_formula_gives_what_fractions_give(data: st.DataObject) -> None:
    spread = st.integers(0, 400_000) | st.just(0)
    said = {name: data.draw(quantities(1 if name == "k" else 0), label=name) for name in (*INPUTS, *FACTORS)}
    spreads = {name: data.draw(spread, label=f"{name} ppm") for name in said}
    values = {name: Fraction(text) for name, text in said.items()}
    policy_ppm = data.draw(st.sampled_from([0, 100_000]), label="policy")
    parts: list[tuple[f.Term, ...]] = []
    slow: list[list[Slow]] = []
    for terms_max in (4, 2, 1):
        shapes = data.draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=terms_max))
        terms = [data.draw(terms_of(shape)) for shape in shapes]
        parts.append(tuple(terms))
        slow.append([Slow(shape, one) for shape, one in zip(shapes, terms, strict=True)])
    result = run(
        {name: (f"{said[name]} {unit}", spreads[name]) for name, unit in INPUTS.items()},
        baseline=parts[0],
        project=parts[1],
        leakage=parts[2],
        factors={name: factor(said[name], unit, spreads[name]) for name, unit in FACTORS.items()},
        policy_ppm=policy_ppm,
    )
    sums = [sum((one.grams(values) for one in part), Fraction(0)) for part in slow]
    baseline_g, project_g, leakage_g = floor(sums[0]), ceil(sums[1]), ceil(sums[2])
    assert (result.baseline_g, result.project_g, result.leakage_g) == (baseline_g, project_g, leakage_g)
    net_g = baseline_g - project_g - leakage_g
    if net_g > 0:
        # Each name may be taken up to its next millionth of a gram before it is squared, and never below its value.
        widths = [abs(moved(slow, values, name)) * spreads[name] for name in said]
        close = Fraction(1, 10**18)
        exact = least_whole(sum((max(Fraction(0), width - close) ** 2 for width in widths), Fraction(0)), net_g)
        whole = least_whole(sum(((width + 1) ** 2 for width in widths if width), Fraction(0)), net_g)
        assert exact <= result.uncertainty_ppm <= max(whole, exact)
    else:
        assert result.uncertainty_ppm == 0
    excess = max(0, result.uncertainty_ppm - policy_ppm)
    assert result.deduction_g == ceil(Fraction(net_g * excess, 1_000_000))
    assert result.reduction_g == net_g - result.deduction_g


def terms_of(shape: Shape) -> st.SearchStrategy[f.Term]:
    """Terms of a shape, with any tier and cap; what divides is never cut to nothing."""
    least = {"beyond": st.none()} if f"/{shape.tiered}" in shape.names else {"beyond": st.none() | st.just("20000.5")}
    bounds: dict[str, st.SearchStrategy[Any]] = {
        **least,
        "up_to": st.none() | st.sampled_from(["20000.5", "60000"]),
        "cap": st.none() | st.just("1000000.000000000001"),
    }
    return st.builds(
        lambda coefficient, bounds: term(*shape.names, coefficient=coefficient, **bounds),
        quantities(),
        st.fixed_dictionaries(bounds),
    )
