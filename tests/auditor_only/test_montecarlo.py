"""Monte Carlo with a stated seed: the same figures everywhere, and what propagation gives where the two must agree.

Source: IPCC 2006 Guidelines, volume 1, chapter 3, approaches 1 and 2. Covers THREATS D (a verifier's figures that
nobody can repeat).
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from statistics import NormalDist

import msgspec
import pytest

from keys.trust import write_trust
from ledger.domain.statements import claim as c
from ledger.domain.statements import methodology as f
from ledger.errors import LedgerError, Malformed
from tests.logwriter import LogWriter
from tests.world import World
from verifier.montecarlo import DRAWS_MAX, Spread, _draw, simulate

DRAWS = 4_000
# The 95 % width of 4,000 draws is itself known to some 3 %; seeds are fixed, so nothing varies from run to run.
CLOSE = 0.04


def term(*names: str, **bounds: str) -> f.Term:
    return f.Term(
        "1", tuple(f.Power(name.removeprefix("/"), -1 if name.startswith("/") else 1) for name in names), **bounds
    )


def method(inputs: dict[str, str], **lists: tuple[f.Term, ...]) -> f.Methodology:
    parts = {"baseline": (), "project": (), "leakage": (), **lists}
    return World().grid_subject(inputs={name: f.Input(unit) for name, unit in inputs.items()}, **parts)


def grid(width_ppm: int, value: str = "0.5") -> dict[str, f.Factor]:
    one = f.Factor("grid", value, "kgCO2e/kWh", "CO2e", "world", 2024, "intervention", width_ppm, "A test", "AR6")
    return {"grid": one}


def run(
    subject: f.Methodology, given: dict[str, tuple[str, int]], factors: dict[str, f.Factor], **other: object
) -> Spread:
    inputs = {
        name: c.InputValue(value, subject.inputs[name].unit, width or None) for name, (value, width) in given.items()
    }
    return simulate(subject, factors, inputs, **{"seed": "a", "draws": DRAWS, **other})  # type: ignore[arg-type]


def agrees(spread: Spread) -> bool:
    return abs(spread.uncertainty_ppm - spread.propagated_ppm) <= CLOSE * spread.propagated_ppm


PRODUCT = method({"e": "kWh"}, baseline=(term("e", "grid"),))
TWO_SIDES = method({"b": "kWh", "p": "kWh"}, baseline=(term("b", "grid"),), project=(term("p", "grid"),))


@pytest.mark.parametrize("seed", ["a", "b", "2026-03-01"])
def test_a_product_and_a_difference_agree_with_propagation(seed: str) -> None:
    """3 % and 4 % make 5 % of a product; a factor on both sides moves the difference alone."""
    product = run(PRODUCT, {"e": ("2000", 30_000)}, grid(40_000), seed=seed)
    assert product.propagated_ppm == 50_000
    assert agrees(product)
    sides = run(TWO_SIDES, {"b": ("2000", 0), "p": ("1000", 0)}, grid(100_000), seed=seed)
    assert sides.propagated_ppm == 100_000
    assert agrees(sides)
    apart = run(TWO_SIDES, {"b": ("2000", 30_000), "p": ("1000", 80_000)}, grid(0), seed=seed)
    assert apart.propagated_ppm == 100_000
    assert agrees(apart)


def test_what_stands_twice_in_a_sum_agrees_because_it_is_taken_together() -> None:
    """A rule that squared term by term would say 7.1 % here, and be wrong in the claimant's favour."""
    twice = method({"own": "tCO2e"}, baseline=(term("own"), term("own")))
    spread = run(twice, {"own": ("1", 100_000)}, {})
    assert spread.propagated_ppm == 100_000
    assert agrees(spread)


def test_the_draws_show_what_propagation_cannot() -> None:
    """First order is straight: a cap that is near cuts one side off, and a divisor bends."""
    capped = run(method({"own": "kgCO2e"}, baseline=(term("own", cap="1000"),)), {"own": ("1000", 100_000)}, {})
    assert capped.most_g == capped.p97_5_g == 1_000_000
    assert capped.uncertainty_ppm < capped.propagated_ppm == 100_000
    divided = method({"own": "kgCO2e", "n": "one"}, baseline=(term("own", "/n"),))
    bent = run(divided, {"own": ("1000", 0), "n": ("1", 600_000)}, {})
    assert bent.p97_5_g - bent.p50_g > 2 * (bent.p50_g - bent.p2_5_g)


def test_a_loss_among_the_draws_is_counted() -> None:
    spread = run(TWO_SIDES, {"b": ("1010", 50_000), "p": ("1000", 50_000)}, grid(0))
    assert 300_000 < spread.no_gain_ppm < 500_000
    assert spread.least_g < 0
    loss = run(TWO_SIDES, {"b": ("10", 50_000), "p": ("1000", 50_000)}, grid(0))
    assert (loss.no_gain_ppm, loss.uncertainty_ppm, loss.propagated_ppm) == (1_000_000, 0, 0)


def test_without_uncertainty_every_draw_is_the_figure() -> None:
    spread = run(PRODUCT, {"e": ("2000.0001", 0)}, grid(0), draws=40)
    assert spread.names == {}
    assert {spread.least_g, spread.mean_g, spread.most_g, spread.net_g} == {1_000_000}


def test_the_same_seed_gives_the_same_figures_and_these() -> None:
    """Golden: any machine, any Python, any language that has SHAKE-256."""
    given = {"e": ("2000", 30_000)}
    first, again = (run(PRODUCT, given, grid(40_000), seed="golden", draws=1_000) for _ in range(2))
    other = run(PRODUCT, given, grid(40_000), seed="silver", draws=1_000)
    assert first == again
    assert first.p97_5_g != other.p97_5_g
    assert (first.least_g, first.p2_5_g, first.p50_g, first.mean_g, first.p97_5_g, first.most_g) == GOLDEN
    digest = hashlib.sha256(msgspec.json.encode(first, order="sorted")).hexdigest()
    assert digest[:16] == GOLDEN_DIGEST


# Worked out apart from this project, by twelve lines that follow the description, on Python 3.8 and 3.13.
GOLDEN = (925_900, 950_668, 999_784, 999_829, 1_050_931, 1_074_434)
GOLDEN_DIGEST = "3879389fc6284d22"


def test_a_draw_is_what_its_description_says() -> None:
    bits = hashlib.shake_256(b"gigaton-monte-carlo/1\nseed\n7\ngrid").digest(1_250)
    ones = sum(bin(byte).count("1") for byte in bits)
    assert _draw({"grid": 40_000}, "seed", 7) == {"grid": 98_000_000 + 40_000 * (ones - 5_000)}
    assert _draw({"grid": 10_000_000}, "seed", 2)["grid"] >= 98


def test_draws_are_as_good_as_normal() -> None:
    """Counts below quantiles of the normal distribution, within four standard errors."""
    width = 1_000
    drawn = [(_draw({"x": width}, "n", number)["x"] - 98_000_000) / (width * 50) for number in range(DRAWS)]
    for quantile in (0.025, 0.16, 0.5, 0.84, 0.975):
        # Between two neighbouring values of the lattice, which are 0.02 apart.
        edge = NormalDist().inv_cdf(quantile)
        below = sum(one < edge for one in drawn) / DRAWS
        assert abs(below - quantile) < 4 * (quantile * (1 - quantile) / DRAWS) ** 0.5 + 0.005


@pytest.mark.parametrize(("seed", "draws"), [("a", 39), ("a", DRAWS_MAX + 1), ("", 100), ("x" * 201, 100)])
def test_draws_and_seeds_are_bounded(seed: str, draws: int) -> None:
    with pytest.raises(Malformed) as refused:
        run(PRODUCT, {"e": ("1", 1)}, grid(1), seed=seed, draws=draws)
    assert refused.value.code == "bad_draws"


def test_a_formula_that_cannot_be_computed_is_refused_as_elsewhere() -> None:
    with pytest.raises(LedgerError) as refused:
        run(method({"own": "kgCO2e", "n": "one"}, baseline=(term("own", "/n"),)), {"own": ("1", 1), "n": ("0", 1)}, {})
    assert refused.value.code == "division_by_zero"


def test_a_verifier_draws_a_claim_of_a_published_log(tmp_path: Path) -> None:
    log = LogWriter(World())
    log.add_all(log.world.founding())
    inputs = {"energy": c.InputValue("1000", "MWh", 50_000), "own": c.InputValue("1", "tCO2e")}
    log.add(log.world.claim(inputs=inputs))
    write_trust(tmp_path / "trust.json", log.trust())
    log.publish(tmp_path / "log")
    words = ["monte-carlo", tmp_path / "log", "--trust", tmp_path / "trust.json", "--claim", len(log.entries) - 1]
    run_ = [sys.executable, "-m", "verifier.cli", *map(str, words), "--seed", "s", "--draws", "400", "--json"]
    done = subprocess.run(run_, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert (said["net_g"], said["propagated_ppm"], said["names"]) == (499_000_000, 50_101, {"energy": 50_000})
    assert said["p2_5_g"] < said["net_g"] < said["p97_5_g"]
    wrong = subprocess.run([*run_[:-1], "--claim", "0"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, "not_a_claim" in wrong.stderr) == (1, True)
