"""Worked examples of what ships: inputs and results as their publishers print them, or worked out by hand.

`by` says whose figure it is. Figures "by hand" come from the published factors
by multiplication; nothing here was computed by the code under test.
"""

from __future__ import annotations

from typing import NamedTuple

UNDP = "UNDP carbon registry, carbon credit calculator, README and tests"
STORAGE = "The Granular Registry, methodology-storage, example-transactions/carbon-shifting.md, commit a7d8055"
EPA = "US EPA, Greenhouse Gas Equivalencies Calculator"
DRIFTLESS = "Driftless Area Land Conservancy, How CLEA-N Calculated Energy Savings for the LED Exchange, quoting EPA"
EDF = "EDF, Green Freight Math: How to Calculate Emissions for a Truck Move; rail: gocarboncalculator.com"
HAND = "by hand from the published factors"


class Golden(NamedTuple):
    """One run of a methodology: inputs, then baseline, project, leakage and reduction in grams."""

    inputs: str
    baseline_g: int
    project_g: int
    leakage_g: int
    reduction_g: int
    by: str
    place: str = "GB"


GRID = "own_emissions=1.5tCO2e leaked_emissions=250kgCO2e"

GOLDENS: dict[str, list[Golden]] = {
    # 1,234.567 MWh x 0.5366 = 662.4686522 t
    "grid-displacement-cn": [
        Golden(f"exported_energy=1234.567 {GRID}", 662_468_652, 1_500_000, 250_000, 660_718_652, HAND, "CN")
    ],
    # Zhejiang: 1,000 x 0.4974
    "grid-displacement-cn-zj": [
        Golden(f"exported_energy=1000 {GRID}", 497_400_000, 1_500_000, 250_000, 495_650_000, HAND, "CN-ZJ")
    ],
    # 1,000 x 771.523 lb x 0.45359237 = 349,956.94607951 kg
    "grid-displacement-us": [
        Golden(f"exported_energy=1000 {GRID}", 349_956_946, 1_500_000, 250_000, 348_206_946, HAND, "US")
    ],
    # 1,393.7 + 0.104 x 28 + 0.015 x 265 = 1,400.587 lb; 1,000 x that x 0.45359237 = 635,295.57670119 kg
    "grid-displacement-us-nonbaseload": [
        Golden(f"exported_energy=1000 {GRID}", 635_295_576, 1_500_000, 250_000, 633_545_576, HAND, "US")
    ],
    "grid-displacement-tiered": [
        Golden("solar_energy=20kWh", 136_000, 0, 0, 136_000, UNDP),  # published: 0.136 t
        Golden("solar_energy=105kWh", 439_000, 0, 0, 439_000, UNDP),  # published: 0.439 t
    ],
    # Published: charging 1,000 t, retired -900 t, discharging -1,912.5 t, adjusted -1,812.5 t.
    "storage-shift": [
        Golden(
            "charged=5000 charging_rate=0.20 matched=100 matched_rate=0.18 discharged=4250 discharging_rate=0.45",
            2_812_500_000,
            1_000_000_000,
            0,
            1_812_500_000,
            STORAGE,
        ),
        # Published as the net carbon impact without certificates: 1,000 - 1,912.5 = -912.5 t
        Golden(
            "charged=5000 charging_rate=0.20 matched=0 matched_rate=0 discharged=4250 discharging_rate=0.45",
            1_912_500_000,
            1_000_000_000,
            0,
            912_500_000,
            STORAGE,
        ),
    ],
    # 7,500 lamps, 75 W and 11 W, 3 hours a day: 615,937.5 and 90,337.5 kWh x 1.5588 lb x 0.45359237:
    # 435,504.6371586487... and 63,874.0134499351... kg
    "efficiency-lamps-us": [
        Golden(
            "lamps=7500 power_before=75 power_after=11 hours=1095",
            435_504_637,
            63_874_014,
            0,
            371_630_623,
            f"{HAND}, lamps of {DRIFTLESS}",
            "US",
        )
    ],
    # 1,000 lamps x 64 W x 1,000 h: 75,000 and 11,000 kWh x 0.5366
    "efficiency-lamps-cn": [
        Golden("lamps=1000 power_before=75 power_after=11 hours=1000", 40_245_000, 5_902_600, 0, 34_342_400, HAND, "CN")
    ],
    # G4: 37.2 kWh a bulb, 7,500 bulbs: 279,000 kWh x 1,558.8 lb = 434,905.2 lb = 197,269.680... kg at the exact pound.
    "efficiency-appliances-us": [
        Golden(
            "appliances=7500 energy_before=37.2 energy_after=0 refrigerant_lost=0",
            197_269_680,
            0,
            0,
            197_269_680,
            DRIFTLESS,
            "US",
        )
    ],
    # 100 refrigerators, 400 and 150 kWh: 40,000 and 15,000 kWh x 0.5366
    "efficiency-appliances-cn": [
        Golden(
            "appliances=100 energy_before=400 energy_after=150 refrigerant_lost=0.5",
            21_464_000,
            8_049_000,
            500_000,
            12_915_000,
            HAND,
            "CN",
        )
    ],
    # 10,000 tkm: 1,252.2 - 347.0 kg
    "freight-road-to-rail-uk": [
        Golden("mass=20 road_distance=500 rail_distance=500 last_mile=0", 1_252_200, 347_000, 0, 905_200, HAND)
    ],
    # G7: 10,000 tkm, (0.10749 + 0.02599) and (0.02782 + 0.0067): 1,334.8 - 345.2 = 989.6 kg
    "freight-road-to-rail-uk-2021": [
        Golden("mass=20 road_distance=500 rail_distance=500 last_mile=0", 1_334_800, 345_200, 0, 989_600, HAND)
    ],
    # G7 without the fuel's own emissions: 1,074.9 - 278.2 = 796.7 kg
    "freight-road-to-rail-uk-2021-ttw": [
        Golden("mass=20 road_distance=500 rail_distance=500 last_mile=0", 1_074_900, 278_200, 0, 796_700, HAND)
    ],
    # 20 short tons, 1,000 miles: 20,000 x 0.1874758 and 0.0211773 kg
    "freight-road-to-rail-us": [
        Golden(
            "mass=20 road_distance=1000 rail_distance=1000 last_mile=0", 3_749_516, 423_546, 0, 3_325_970, HAND, "US"
        )
    ],
    # G5, published: 3,236,000 g by truck. Rail 22.94 g: 458,800 g; the shift saves 2.7772 t.
    "freight-road-to-rail-us-smartway": [
        Golden("mass=20 road_distance=1000 rail_distance=1000 last_mile=0", 3_236_000, 458_800, 0, 2_777_200, EDF, "US")
    ],
    # 20 t, 500 and 450 km at 0.078 + 0.01823
    "freight-fewer-kilometres-uk": [
        Golden("mass=20 distance_before=500 distance_after=450", 962_300, 866_070, 0, 96_230, HAND)
    ],
    "packaging-recycled-board-uk": [Golden("mass_before=1 mass_after=1", 1_199_725, 1_098_115, 0, 101_610, HAND)],
    # 821.234 - 718.535 = 102.699 kg a tonne
    "packaging-recycled-board-uk-2021": [Golden("mass_before=1 mass_after=1", 821_234, 718_535, 0, 102_699, HAND)],
    "packaging-lighter-board-uk": [Golden("mass_before=10 mass_after=8", 11_997_254, 9_597_804, 0, 2_399_450, HAND)],
    "packaging-recycled-pet-uk": [Golden("mass_before=1 mass_after=1", 3_863_901, 2_213_902, 0, 1_649_999, HAND)],
    # Board weighs more than film for the same goods: 1 t of film, 2 t of board.
    "packaging-board-for-plastic-film-uk": [
        Golden("mass_before=1 mass_after=2", 2_916_505, 2_399_451, 0, 517_054, HAND)
    ],
    # G8, published: 2.94 t a short ton x 7 tons a truck = 20.58 t
    "recycling-instead-of-landfill-us": [Golden("recycled=7", 20_580_000, 0, 0, 20_580_000, f"{EPA}, WARM v15", "US")],
    # Published: 0.3 kg x 11.2 kg x 0.91 = 3.1 kg (3.0576, printed to one decimal)
    "second-hand": [
        Golden(
            "items=1 weight=0.3 new_footprint=11.2 replaced=91 sale_emissions=0",
            3_057,
            0,
            0,
            3_057,
            "eproductive, How are CO2 savings calculated? (ladies' tops)",
        )
    ],
    # 10 t, 60 %: 6 x 22,310; 10 x 152.25, and 2 t of sales
    "second-hand-clothing-uk": [
        Golden("clothing=10 replaced=60 sale_emissions=2", 133_860_000, 3_522_500, 0, 130_337_500, HAND)
    ],
    "commute-car-avoided": [
        # G10, published: 32,000 km x 160 g = 5,120,000 g
        Golden(
            "trips=1 round_trip=32000 car_rate=160 replacement_emissions=0",
            5_120_000,
            0,
            0,
            5_120_000,
            "petros.blog, 2009-10-15",
        ),
        # 0.393 kg a mile, 27 miles, 245 days: 2.5997 t (2,599.695 kg)
        Golden(
            "trips=245 round_trip=27mi/trip car_rate=0.393kgCO2/mi replacement_emissions=0",
            2_599_695,
            0,
            0,
            2_599_695,
            "fastool.io, How to Calculate Remote Work CO2 Savings",
        ),
    ],
    # 200 trips x 30 km x 0.16725; 1,600 hours x 0.33378
    "remote-work-uk": [
        Golden("trips=200 round_trip=30 home_hours=1600", 1_003_500, 534_048, 0, 469_452, HAND),
        # A short way: 200 x 10 km saves less than the homes take. Shown, and refused.
        Golden("trips=200 round_trip=10 home_hours=1600", 334_500, 534_048, 0, -199_548, HAND),
    ],
    # 245 x 27 x (0.297 + 0.0001652 + 0.0014045) = 1,975.0385... kg; 500 kWh x 775.239 lb = 175.821... kg
    "remote-work-us": [Golden("trips=245 round_trip=27 home_energy=500", 1_975_038, 175_822, 0, 1_799_216, HAND, "US")],
    "greener-product-kg": [
        Golden(
            "quantity=12500 reference_footprint=3.25 product_footprint=2.6", 40_625_000, 32_500_000, 0, 8_125_000, HAND
        )
    ],
    "greener-product-item": [
        Golden(
            "quantity=1000 reference_footprint=77.5 product_footprint=70.001",
            77_500_000,
            70_001_000,
            0,
            7_499_000,
            HAND,
        )
    ],
    "greener-product-l": [
        Golden("quantity=3 reference_footprint=0.3333 product_footprint=0.1111", 999, 334, 0, 665, HAND)
    ],
    "greener-product-kwh": [
        Golden("quantity=1MWh reference_footprint=0.5 product_footprint=0.45", 500_000, 450_000, 0, 50_000, HAND)
    ],
    # 1,000 t stored, 97.5 % for the term
    "removal-stored-co2": [
        Golden(
            "stored=1000 durable=97.5 own_emissions=120.25 leaked_emissions=3",
            975_000_000,
            120_250_000,
            3_000_000,
            851_750_000,
            HAND,
        )
    ],
    "removal-urban-trees-us": [
        # Published: 20 trees x 13 schools = 260 trees x 0.060 t = 15.6 t; 2,600 seedlings: 156 t
        Golden("trees=260 own_emissions=0", 15_600_000, 0, 0, 15_600_000, f"Orange County NC, from {EPA}", "US"),
        Golden("trees=2600 own_emissions=0", 156_000_000, 0, 0, 156_000_000, f"Orange County NC, from {EPA}", "US"),
    ],
}
