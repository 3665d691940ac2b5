"""Amounts in whole grams, and the fixed table of units with their dimensions.

The table is part of the rule book: a unit is an exact rational multiple of its
dimension's base, and nothing is ever converted by a float.

Source: RULES 3, DESIGN 4.1. 1 lb = 0.45359237 kg, 1 mi = 1.609344 km and
1 US gal = 3.785411784 L are exact by definition (NIST SP 811, appendix B);
1 short ton = 2,000 lb; 1 MWh = 3,600 MJ.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NewType

from ledger.errors import Malformed

Grams = NewType("Grams", int)

PPM = 1_000_000
GRAMS_A_TONNE = 1_000_000
# 13 digits of kilograms and 3 decimals: 9,999,999,999,999.999 kg, far above 1.5 Gt.
GRAMS_MAX = 10**16 - 1

_LB = Fraction(45_359_237, 100_000_000)
_MI = Fraction(1_609_344, 1_000_000)
_GAL = Fraction(3_785_411_784, 1_000_000_000)

# atom -> (dimension, multiple of the dimension's base). Bases: kg of CO2e, kWh, kg, km, L, m2, one, day, kW is kWh/h.
_ATOMS: dict[str, tuple[str, Fraction]] = {
    "gCO2e": ("co2e", Fraction(1, 1000)),
    "kgCO2e": ("co2e", Fraction(1)),
    "tCO2e": ("co2e", Fraction(1000)),
    "lbCO2e": ("co2e", _LB),
    "gCO2": ("co2e", Fraction(1, 1000)),
    "kgCO2": ("co2e", Fraction(1)),
    "tCO2": ("co2e", Fraction(1000)),
    "lbCO2": ("co2e", _LB),
    "Wh": ("energy", Fraction(1, 1000)),
    "kWh": ("energy", Fraction(1)),
    "MWh": ("energy", Fraction(1000)),
    "GWh": ("energy", Fraction(1_000_000)),
    "MJ": ("energy", Fraction(10, 36)),
    "GJ": ("energy", Fraction(10_000, 36)),
    "g": ("mass", Fraction(1, 1000)),
    "kg": ("mass", Fraction(1)),
    "t": ("mass", Fraction(1000)),
    "lb": ("mass", _LB),
    "shortton": ("mass", 2000 * _LB),
    "m": ("distance", Fraction(1, 1000)),
    "km": ("distance", Fraction(1)),
    "mi": ("distance", _MI),
    "L": ("volume", Fraction(1)),
    "m3": ("volume", Fraction(1000)),
    "gal": ("volume", _GAL),
    "m2": ("area", Fraction(1)),
    "ha": ("area", Fraction(10_000)),
    "h": ("time", Fraction(1, 24)),
    "day": ("time", Fraction(1)),
    "one": ("one", Fraction(1)),
    "percent": ("one", Fraction(1, 100)),
    "item": ("item", Fraction(1)),
    "parcel": ("parcel", Fraction(1)),
    "person": ("person", Fraction(1)),
    "passenger": ("passenger", Fraction(1)),
    "trip": ("trip", Fraction(1)),
}

Dimensions = tuple[tuple[str, int], ...]
CO2E: Dimensions = (("co2e", 1),)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as a multiple of its base, with the powers of its dimensions sorted by name."""

    text: str
    scale: Fraction
    dimensions: Dimensions

    @property
    def gas_basis(self) -> str | None:
        """`CO2` or `CO2e` where the unit measures an emission, else None."""
        atoms = self.text.replace("*", "/").split("/")
        for atom in atoms:
            if atom in _ATOMS and _ATOMS[atom][0] == "co2e":
                return "CO2e" if atom.endswith("CO2e") else "CO2"
        return None


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> Unit:
    """Read `kgCO2e/kWh`, `t*km`, `gCO2e/t/km`: each `/` divides by the one atom after it.

    Raises: Malformed `unknown_unit`.
    """
    scale = Fraction(1)
    powers: dict[str, int] = {}
    for position, part in enumerate(text.replace("*", " *").replace("/", " /").split(" ")):
        sign = -1 if part.startswith("/") else 1
        atom = part.lstrip("*/") if position else part
        if atom not in _ATOMS:
            raise Malformed("unknown_unit", f"no unit {atom[:32]!r} in {text[:80]!r}", unit=text[:80])
        dimension, multiple = _ATOMS[atom]
        scale *= multiple**sign
        if dimension != "one":
            powers[dimension] = powers.get(dimension, 0) + sign
    return Unit(text, scale, dimensions_of(powers))


def dimensions_of(powers: dict[str, int]) -> Dimensions:
    """Powers of dimensions in their one order, without those that cancel out."""
    return tuple(sorted((name, power) for name, power in powers.items() if power))


def parse_grams(amount: str) -> Grams:
    """Whole grams of an amount that a schema has already found to be `kg` with exactly 3 decimals."""
    return Grams(int(amount.replace(".", "")))


def format_kg(grams: int) -> str:
    """Grams as the one spelling of an amount: kilograms with exactly 3 decimals.

    Raises: Malformed `amount_out_of_range` below zero or from 10 Tt.
    """
    if not 0 <= grams <= GRAMS_MAX:
        raise Malformed("amount_out_of_range", f"{grams} g does not fit an amount", grams=grams)
    return f"{grams // 1000}.{grams % 1000:03d}"


def format_tonnes(grams: int) -> str:
    """Grams as tonnes with 3 decimals and grouped thousands, cut (never rounded up), for people to read."""
    sign, kg = ("-", -grams // 1000) if grams < 0 else ("", grams // 1000)
    return f"{sign}{kg // 1000:,}.{kg % 1000:03d}"


def share_grams(*, amount: int, share_ppm: int) -> Grams:
    """Part of an amount that one participant may call its own, rounded down to the gram.

    Units: grams of CO2e and parts per million -> grams; the caller gives what
        is left over to the first participant.
    Source: RULES 5.
    """
    return Grams(amount * share_ppm // PPM)


def decimal_ratio(text: str) -> tuple[int, int]:
    """A decimal that a schema has already found well spelled, as an exact (numerator, power of ten)."""
    whole, _, part = text.partition(".")
    return int(whole + part), 10 ** len(part)
