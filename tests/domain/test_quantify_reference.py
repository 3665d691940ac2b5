"""Estimates against a slow reference of fractions; uncertainty by hand; and every methodology that ships, in a log.

The published factors: China, average 2022, 0.5366 kgCO2/kWh (Ministry of
Ecology and Environment, 2024-12-26); United States, eGRID2023 average, 771.523
lbCO2/MWh (EPA, Emission Factors Hub, January 2025).

Source: RULES 3; IPCC 2006 Guidelines, volume 1, chapter 3, approach 1 (error propagation).
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.methodologies import (
    SHIPPED_FACTOR_SETS,
    SHIPPED_METHODOLOGIES,
    adoption,
    shipped_factor_set,
    shipped_methodology,
)
from ledger.domain.records import ClaimRecord
from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import methodology as f
from ledger.errors import Refused
from tests.domain.test_quantify import factor, run, term
from tests.logwriter import LogWriter
from tests.world import World, reference_to

PUBLISHER = ("methodologist", "methodologist:methodologist")

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


def test_a_term_is_squared_at_its_next_whole_gram_and_never_below_its_value() -> None:
    """Two halves of a gram at 100 %: exactly 707,107 ppm of the whole; taken as two grams, 1,414,214."""
    result = run({"own": ("0.5 gCO2e", 1_000_000)}, baseline=(term("own"),) * 2)
    assert (result.baseline_g, result.uncertainty_ppm) == (1, 1_414_214)


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


class Slow:
    """One term's exact value and the square of its relative spread."""

    def __init__(self, shape: Shape, said: f.Term, values: dict[str, Fraction], spreads: dict[str, int]) -> None:
        self.grams = Fraction(said.coefficient) * shape.grams
        for name in shape.names:
            value = values[name.removeprefix("/")]
            if name.removeprefix("/") == shape.tiered:
                upper = value if said.up_to is None else min(value, Fraction(said.up_to))
                value = upper if said.beyond is None else max(Fraction(0), upper - Fraction(said.beyond))
            self.grams = self.grams / value if name.startswith("/") else self.grams * value
        if said.cap is not None:
            self.grams = min(self.grams, Fraction(said.cap) * 1000)
        self.square_ppm2 = sum(spreads[name.removeprefix("/")] ** 2 for name in shape.names)


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
        slow.append([Slow(shape, one, values, spreads) for shape, one in zip(shapes, terms, strict=True)])
    result = run(
        {name: (f"{said[name]} {unit}", spreads[name]) for name, unit in INPUTS.items()},
        baseline=parts[0],
        project=parts[1],
        leakage=parts[2],
        factors={name: factor(said[name], unit, spreads[name]) for name, unit in FACTORS.items()},
        policy_ppm=policy_ppm,
    )
    sums = [sum((one.grams for one in part), Fraction(0)) for part in slow]
    baseline_g, project_g, leakage_g = floor(sums[0]), ceil(sums[1]), ceil(sums[2])
    assert (result.baseline_g, result.project_g, result.leakage_g) == (baseline_g, project_g, leakage_g)
    net_g = baseline_g - project_g - leakage_g
    everything = [one for part in slow for one in part]
    if net_g > 0:
        # A term may be taken up to its next whole gram before it is squared, and never below its exact value.
        exact = least_whole(sum((one.square_ppm2 * one.grams**2 for one in everything), Fraction(0)), net_g)
        whole = least_whole(sum((one.square_ppm2 * ceil(one.grams) ** 2 for one in everything), Fraction(0)), net_g)
        assert exact <= result.uncertainty_ppm <= whole
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


# What ships. Exported MWh, then own and leaked emissions of 1.5 t and 0.25 t; figures by hand.
SHIPPED = {
    # 1,234.567 x 0.5366 = 662.4686522 t
    "grid-displacement-cn": ("CN", "1234.567", ("662468.652", "1500.000", "250.000", "0.000", "660718.652")),
    # 1,000 x 771.523 lb x 0.45359237 = 349,956.94607951 kg
    "grid-displacement-us": ("US", "1000", ("349956.946", "1500.000", "250.000", "0.000", "348206.946")),
}


@pytest.fixture
def log() -> LogWriter:
    """A log in which everything that ships is published."""
    log = LogWriter(World())
    log.add_all(log.world.founding())
    for name in SHIPPED_FACTOR_SETS:
        log.add(log.world.state("FactorSet", shipped_factor_set(name), PUBLISHER))
    for name in SHIPPED_METHODOLOGIES:
        log.add(log.world.methodology(shipped_methodology(name)))
    return log


def shipped_claim(log: LogWriter, name: str, *, country: str, figures: tuple[str, ...]) -> bytes:
    inputs = {
        "exported_energy": SHIPPED[name][1] + " MWh",
        "own_emissions": "1.5 tCO2e",
        "leaked_emissions": "250 kgCO2e",
    }
    return log.world.claim(
        methodology=m.DocumentRef(name, 1),
        country=country,
        inputs={key: c.InputValue(*text.split(" ")) for key, text in inputs.items()},
        quantification=c.Quantification(*figures),
    )


def test_every_methodology_that_ships_has_its_golden_example() -> None:
    assert SHIPPED.keys() == set(SHIPPED_METHODOLOGIES)


def test_the_factors_that_ship_are_those_that_were_published() -> None:
    published = {"cn-2022": ("0.5366", "kgCO2/kWh", "CO2"), "us-2023": ("771.523", "lbCO2/MWh", "CO2")}
    shipped = [one for name in SHIPPED_FACTOR_SETS for one in shipped_factor_set(name).factors]
    assert {one.id: (one.value, one.unit, one.gas_basis) for one in shipped} == published


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_methodology_counts_to_the_gram_from_claim_to_attestation(log: LogWriter, name: str) -> None:
    country, _, figures = SHIPPED[name]
    for at, wrong in ((0, "0.001"), (4, "0.001")):
        touched = (*figures[:at], wrong, *figures[at + 1 :])
        with pytest.raises(Refused) as refused:
            log.add(shipped_claim(log, name, country=country, figures=touched))
        assert (refused.value.code, refused.value.facts["recomputed"]) == ("quantification_differs", figures[at])
    elsewhere = shipped_claim(log, name, country="DE", figures=figures)
    with pytest.raises(Refused, match="factor") as refused:
        log.add(elsewhere)
    assert refused.value.code == "factor_region_mismatch"
    claim = reference_to(log.add(shipped_claim(log, name, country=country, figures=figures)))
    log.add(log.world.attest(claim, figures[4]))
    record = log.state.get(ClaimRecord, claim.id)
    assert record is not None
    assert (record.status, record.current_g) == ("verified", int(figures[4].replace(".", "")))


@pytest.mark.parametrize("kind", ["reduction", "avoided", "removal"])
def test_an_adopted_figure_is_the_registrys_own_to_the_gram(log: LogWriter, kind: str) -> None:
    log.add(log.world.methodology(adoption(id="adopted", title="Adopted", kind=kind)))
    amount = "12345678.901"
    claim = log.world.claim(
        methodology=m.DocumentRef("adopted", 1),
        inputs={"issued": c.InputValue("12345.678901", "tCO2e")},
        quantification=c.Quantification(amount, "0.000", "0.000", "0.000", amount),
        issued_elsewhere=c.IssuedElsewhere("Verra", "VCS-1", True),
    )
    record = log.state.get(ClaimRecord, reference_to(log.add(claim)).id)
    assert record is not None
    assert (record.kind, record.quality, record.registry) == (kind, "reported", "Verra")
    assert record.stated_g == 12_345_678_901
