"""Factors that ship: the published figures, the arithmetic of combined ones, and what no factor may hide.

The figures here were copied apart from the files that ship, from: MEE and NBS of China, Announcement 2025
No. 47, Table 3; US EPA, GHG Emission Factors Hub, January 2025; UK Government GHG conversion factors 2020, 2021, 2025;
IPCC AR5 and AR6, GWP-100.

Source: CARBON 3 and 4.9. Covers THREATS D (mixed GWP bases, unit bugs of carried tables).
"""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from api.methodologies import SHIPPED_FACTOR_SETS, shipped_factor_set
from ledger.domain.statements.methodology import FACTORS_MAX, Factor
from ledger.domain.units import parse_unit
from tests.logwriter import LogWriter
from tests.world import World

GWP = {"AR5": {"CH4": Fraction(28), "N2O": Fraction(265)}, "AR6": {"CH4": Fraction("27.9"), "N2O": Fraction(273)}}

PUBLISHED = {
    "mee-electricity": """cn-2021 0.5568  cn-2022 0.5366  cn-2022-without-traded 0.5856
        cn-bj-2023 0.5554  cn-tj-2023 0.6796  cn-he-2023 0.6516  cn-sx-2023 0.6634  cn-nm-2023 0.6479
        cn-ln-2023 0.4878  cn-jl-2023 0.4671  cn-hl-2023 0.5229  cn-sh-2023 0.5737  cn-js-2023 0.5827
        cn-zj-2023 0.4974  cn-ah-2023 0.6553  cn-fj-2023 0.4211  cn-jx-2023 0.5836  cn-sd-2023 0.6191
        cn-ha-2023 0.5897  cn-hb-2023 0.4044  cn-hn-2023 0.4976  cn-gd-2023 0.4419  cn-gx-2023 0.4476
        cn-hi-2023 0.3648  cn-cq-2023 0.5581  cn-sc-2023 0.1564  cn-gz-2023 0.5683  cn-yn-2023 0.1333
        cn-sn-2023 0.6335  cn-gs-2023 0.4471  cn-qh-2023 0.1796  cn-nx-2023 0.6187  cn-xj-2023 0.6021""",
    "epa-egrid": "us-2023 771.523  us-2023-nonbaseload 1393.7",
    "epa-transport": "truck-co2 0.186  rail-co2 0.021  water-co2 0.077  air-co2 1.086  car-co2 0.297",
    "epa-waste": """corrugated-containers-recycled 0.11  corrugated-containers-landfilled 1  pet-recycled 0.23
        corrugated-containers-combusted 0.05  mixed-paper-general-recycled 0.07  mixed-paper-general-landfilled 0.89
        pet-landfilled 0.02  pet-combusted 2.05  mixed-msw-landfilled 0.58  mixed-msw-combusted 0.43""",
    "epa-equivalencies": "avoided-electricity 1558.8  recycled-not-landfilled 2.94  urban-tree-10-years 0.06",
    "epa-smartway": "truck 161.8  rail 22.94",
    "undp-solar-tiers": "first 6.8  further 1.3",
    "uk-conversion-2020": """electricity 0.23314  hgv-ttw 0.1065  artic-ttw 0.07936  van-ttw 0.61986  rail-ttw 0.02556
        board-primary 750.26  board-closed-loop 770.28  car 0.1714""",
    "uk-conversion-2021": """electricity 0.21233  electricity-loss 0.01879  hgv-ttw 0.10749  hgv-wtt 0.02599
        rail-ttw 0.02782  rail-wtt 0.0067  board-primary 821.234  board-closed-loop 718.535  paper-primary 919.396
        paper-closed-loop 739.396  clothing-primary 22310  clothing-reused 152.25""",
    "uk-conversion-2025": """hgv-ttw 0.10163  hgv-wtt 0.02359  artic-ttw 0.078  artic-wtt 0.01823  van-ttw 0.6313
        van-wtt 0.15095  rail-ttw 0.02779  rail-wtt 0.00691  car 0.16725  homeworking 0.33378
        board-primary 1199.72542  board-closed-loop 1098.11442  pet-primary 3863.90131  pet-closed-loop 2213.90131
        plastic-film-primary 2916.50513  clothing-primary 22310  clothing-reused 152.25""",
    "gwp-ar5": """co2 1  ch4 28  n2o 265  sf6 23500  nf3 16100  hfc-23 12400  hfc-32 677  hfc-125 3170  hfc-134a 1300
        hfc-143a 4800  hfc-152a 138  hfc-227ea 3350  hfc-245fa 858  cf4 6630  c2f6 11100""",
    "gwp-ar6": """co2 1  ch4 27.9  n2o 273  sf6 25200  nf3 17400  hfc-23 14600  hfc-32 771  hfc-125 3740  hfc-134a 1530
        hfc-143a 5810  hfc-152a 164  hfc-227ea 3600  hfc-245fa 962  cf4 7380  c2f6 12400""",
}
COMBINED = re.compile(
    r"([0-9.]+) (?:kg )?CO2 \+ ([0-9.]+) (g )?CH4 x ([0-9.]+) \+ ([0-9.]+) (g )?N2O x ([0-9.]+) = ([0-9.]+)"
)


def factors(name: str) -> dict[str, Factor]:
    return {one.id: one for one in shipped_factor_set(name).factors}


def everything() -> list[tuple[str, Factor]]:
    return [(name, one) for name in SHIPPED_FACTOR_SETS for one in shipped_factor_set(name).factors]


def test_every_set_that_ships_is_compared_with_its_publication() -> None:
    assert set(PUBLISHED) == set(SHIPPED_FACTOR_SETS)


@pytest.mark.parametrize("name", SHIPPED_FACTOR_SETS)
def test_factors_are_those_that_were_published(name: str) -> None:
    words = PUBLISHED[name].split()
    known = factors(name)
    for one, value in zip(words[::2], words[1::2], strict=True):
        assert (one, Fraction(known[one].value)) == (one, Fraction(value))


@pytest.mark.parametrize("name", SHIPPED_FACTOR_SETS)
def test_a_set_is_named_bounded_cited_and_licensed(name: str) -> None:
    shipped = shipped_factor_set(name)
    assert (shipped.id, shipped.version) == (name, 1)
    assert len(shipped.factors) <= FACTORS_MAX
    assert shipped.licence
    assert all(len(one.citation) > 5 for one in shipped.factors)
    if all(one.uncertainty_ppm == 0 for one in shipped.factors):
        assert "0 means: not stated" in shipped.title


@pytest.mark.parametrize("name", SHIPPED_FACTOR_SETS)
def test_a_set_fits_one_signed_statement(name: str) -> None:
    """Signed, recorded, and read back by the rule book."""
    log = LogWriter(World())
    log.add_all(log.world.founding())
    log.add(log.world.state("FactorSet", shipped_factor_set(name), ("methodologist", "methodologist:methodologist")))


def test_a_combined_factor_is_its_gases_times_their_potentials() -> None:
    """The arithmetic stands in the citation, and comes out; its potentials are those of the factor's own set."""
    seen = 0
    for name, one in everything():
        found = COMBINED.search(one.citation)
        if found is None:
            continue
        seen += 1
        co2, ch4, in_grams, gwp_ch4, n2o, _, gwp_n2o, total = found.groups()
        assert one.gwp_set is not None
        assert (Fraction(gwp_ch4), Fraction(gwp_n2o)) == (GWP[one.gwp_set]["CH4"], GWP[one.gwp_set]["N2O"])
        other = Fraction(ch4) * Fraction(gwp_ch4) + Fraction(n2o) * Fraction(gwp_n2o)
        value = Fraction(co2) + (other / 1000 if in_grams else other)
        assert (name, one.id, value) == (name, one.id, Fraction(one.value))
        assert Fraction(total) == value
    assert seen == 9  # four of eGRID, five of the hub


@pytest.mark.parametrize("tag", ["us-2023", "us-2023-nonbaseload"])
@pytest.mark.parametrize("gwp", ["ar5", "ar6"])
def test_the_gases_of_a_grid_sum_to_its_combined_factor(tag: str, gwp: str) -> None:
    known = factors("epa-egrid")
    parts = (known[tag], known[f"{tag}-ch4-{gwp}"], known[f"{tag}-n2o-{gwp}"])
    assert sum(Fraction(one.value) for one in parts) == Fraction(known[f"{tag}-{gwp}"].value)


def test_potentials_that_are_multiplied_are_those_of_the_tables_that_ship() -> None:
    for name, gases in GWP.items():
        known = factors(f"gwp-{name.lower()}")
        assert {gas: Fraction(known[gas.lower()].value) for gas in gases} == gases


def test_bases_and_uses_are_what_units_and_publishers_say() -> None:
    for name, one in everything():
        assert one.gas_basis == parse_unit(one.unit).gas_basis
        assert (one.gwp_set is None) == (one.gas_basis == "CO2")
        assert (one.use == "inventory") == (name == "epa-waste")


def test_provinces_are_as_the_announcement_has_them() -> None:
    """Thirty; Tibet, Hong Kong, Macao and Taiwan are not in the table. Each holds in its own region."""
    provinces = {name: one for name, one in factors("mee-electricity").items() if one.year == 2023}
    assert len(provinces) == 30
    assert all(one.region == name.removesuffix("-2023").upper() for name, one in provinces.items())
    assert not {"CN-XZ", "CN-HK", "CN-MO", "CN-TW"} & {one.region for one in provinces.values()}
