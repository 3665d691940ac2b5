"""Goals: what counts for each, its share to the millionth, the pace that is needed and today's projection, by hand.

1.5 Gt are 1,500,000,000,000,000 g, so one part per million of them is 1,500 t.
The goal's window has 5,478 days; of these 1,826 lie before 2026.

Source: RULES 6.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.goals import Progress, progress, summary
from ledger.domain.records import TargetRecord
from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import report as r
from ledger.domain.totals import Cell, CellSum
from ledger.errors import Malformed
from tests.domain.scene import FULL, OPERATOR, Scene

GOAL_G = 1_500_000_000_000_000
HALF_GIGATONNE_G = 500_000_000_000_000
KINDS: tuple[m.ClaimKind, ...] = ("reduction", "avoided", "removal")


def founded() -> Scene:
    scene = Scene({})
    scene.log.add_all(scene.world.founding())
    return scene


def target_of(scene: Scene, id: str) -> TargetRecord:
    found = [one for one in scene.log.state.all(TargetRecord) if one.id == id]
    return found[-1]


GIGATONNES = target_of(founded(), "gigatonnes")


def at(day: str) -> int:
    """The first millisecond of a day."""
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * 86_400_000


def cell(grams: int, *, years: tuple[int, int] = (2025, 2025), scope: str = "3+", kind: str = "reduction") -> CellSum:
    return CellSum(Cell("all", "", scope, kind, "clean-energy", *years), grams, 1)


def told(*cells: CellSum, day: str = "2026-01-01") -> Progress:
    return progress(GIGATONNES, cells, now_ms=at(day))


@pytest.mark.parametrize(
    ("achieved_g", "share_ppm", "status"),
    [
        (0, 0, "in-progress"),
        (1_499_999_999, 0, "in-progress"),
        (1_500_000_000, 1, "in-progress"),
        (15_000_000_000_000, 10_000, "in-progress"),  # 15 Mt are one percent
        (HALF_GIGATONNE_G, 333_333, "in-progress"),
        (GOAL_G - 1, 999_999, "in-progress"),
        (GOAL_G, 1_000_000, "reached"),
        (2 * GOAL_G, 2_000_000, "reached"),
    ],
)
def test_the_share_of_the_goal_is_exact_and_cut(achieved_g: int, share_ppm: int, status: str) -> None:
    result = told(cell(achieved_g))
    assert (result.achieved_g, result.goal_g, result.share_ppm, result.status) == (
        achieved_g,
        GOAL_G,
        share_ppm,
        status,
    )


@pytest.mark.parametrize(
    ("years", "counts"),
    [
        ((2021, 2021), True),
        ((2035, 2035), True),
        ((2024, 2025), True),
        ((2020, 2020), False),
        ((2020, 2021), False),
        ((2035, 2036), False),
        ((2036, 2036), False),
        ((2020, 2036), False),
    ],
)
def test_a_period_counts_that_lies_wholly_inside_the_goal(years: tuple[int, int], counts: bool) -> None:
    result = told(cell(7, years=years), day="2037-01-01")
    assert result.achieved_g == (7 if counts else 0)
    assert result.by["year"] == ({str(years[1]): 7} if counts else {})


@pytest.mark.parametrize(("scope", "counts"), [("1", False), ("2", False), ("3", False), ("3+", True)])
def test_the_place_in_the_value_chain_decides(scope: str, counts: bool) -> None:
    assert told(cell(7, scope=scope), cell(5)).achieved_g == (12 if counts else 5)


def test_kinds_stand_side_by_side_and_only_those_that_the_goal_names_count() -> None:
    cells = [cell(grams, kind=kind) for kind, grams in zip(KINDS, (1, 10, 100), strict=True)]
    assert told(*cells).by["kind"] == {"reduction": 1, "avoided": 10, "removal": 100}
    scene = founded()
    scene.log.add(scene.world.target(id="removals", kinds=("removal",)))
    removals = progress(target_of(scene, "removals"), cells, now_ms=at("2026-01-01"))
    assert (removals.achieved_g, removals.by["kind"]) == (100, {"removal": 100})


# On 2026-01-01, 1,826 days are gone and 3,652 are left, twice as many; from 2032-01-01 it is four years, 1,461 days.


@pytest.mark.parametrize(
    ("day", "achieved_g", "needed_g", "projected_g"),
    [
        ("2026-01-01", HALF_GIGATONNE_G, 100_013_691_128_149, GOAL_G),  # 10^15 x 1461 / 14608, rounded up
        ("2026-01-01", 7, 150_020_536_692_223, 21),
        ("2026-01-02", 10, 150_061_626_951_520, 29),  # 10 x 3651 / 1827 is 19.98
        ("2032-01-01", HALF_GIGATONNE_G, 250_000_000_000_000, 681_852_128_454_070),
        ("2032-01-01", HALF_GIGATONNE_G + 1, 250_000_000_000_000, 681_852_128_454_071),
        ("2032-01-01", HALF_GIGATONNE_G + 4, 249_999_999_999_999, 681_852_128_454_075),
        ("2035-12-31", GOAL_G - 4, 1_461, 1_500_273_872_557_965),  # 4 g in one day, 365.25 times
        ("2026-01-01", GOAL_G, 0, 3 * GOAL_G),
        ("2026-01-01", 0, 150_020_536_692_224, 0),
    ],
)
def test_pace_and_projection(day: str, achieved_g: int, needed_g: int, projected_g: int) -> None:
    result = told(cell(achieved_g), day=day)
    assert (result.needed_g_a_year, result.projected_g) == (needed_g, projected_g)


@given(st.integers(0, 2 * GOAL_G), st.dates(date(2021, 1, 2), date(2035, 12, 31)))
def test_the_pace_needed_meets_the_goal_and_the_projection_holds_todays_pace(achieved_g: int, day: date) -> None:
    result = told(cell(achieved_g), day=day.isoformat())
    passed, left = (day - date(2021, 1, 1)).days, (date(2036, 1, 1) - day).days
    assert result.needed_g_a_year == ceil(Fraction(max(0, GOAL_G - achieved_g), left) * Fraction(1461, 4))
    assert result.projected_g == int(achieved_g * Fraction(passed + left, passed))


@pytest.mark.parametrize(
    ("day", "achieved_g", "status", "needed"),
    [
        ("2035-12-31", GOAL_G - 1, "in-progress", True),
        ("2036-01-01", GOAL_G - 1, "missed", False),
        ("2040-06-01", GOAL_G - 1, "missed", False),
        ("2036-01-01", GOAL_G, "reached", False),
    ],
)
def test_after_the_last_day_a_goal_is_reached_or_missed(day: str, achieved_g: int, status: str, needed: bool) -> None:
    result = told(cell(achieved_g), day=day)
    assert (result.status, result.needed_g_a_year is not None) == (status, needed)
    if not needed:
        assert result.projected_g == achieved_g


INVENTORY_GOALS = {
    "neutral": r.Neutrality("neutral", 1, "Neutral by 2030", ("1", "2"), "2021-01-01", "2031-01-01", "0.000"),
    "intensity": r.Intensity("intensity", 1, "Half by 2030", ("3",), "2021-01-01", "2031-01-01", 2020, 500_000),
}


@pytest.mark.parametrize("id", INVENTORY_GOALS)
@pytest.mark.parametrize("day", ["2026-01-01", "2031-01-01"])
def test_without_an_inventory_nothing_is_said_of_neutrality_and_intensity(id: str, day: str) -> None:
    scene = founded()
    scene.log.add(scene.world.state("Target", INVENTORY_GOALS[id], OPERATOR))
    target = target_of(scene, id)
    cells = [cell(GOAL_G, scope=scope) for scope in ("1", "2", "3")]
    assert progress(target, cells, now_ms=at(day)) == Progress(target, "no_inventory", None, None, None, None, None, {})


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        ("2021-01-02", "2036-01-01", "period_not_whole_years"),
        ("2021-01-01", "2035-12-31", "period_not_whole_years"),
        ("2021-02-01", "2036-02-01", "period_not_whole_years"),
        ("2021-01-01", "2021-01-01", "period_reversed"),
        ("2036-01-01", "2021-01-01", "period_reversed"),
    ],
)
@pytest.mark.parametrize("metric", ["cumulative", *INVENTORY_GOALS])
def test_a_goal_that_is_not_of_whole_years_cannot_be_published(metric: str, start: str, end: str, code: str) -> None:
    scene = founded()
    shape: dict[str, Any] = {"from_": start, "to": end}
    if metric == "cumulative":
        statement = scene.world.target(id="other", **shape)
    else:
        given_ = INVENTORY_GOALS[metric]
        members = {name: getattr(given_, name) for name in given_.__struct_fields__}
        statement = scene.world.state("Target", type(given_)(**{**members, **shape}), OPERATOR)
    with pytest.raises(Malformed) as refused:
        scene.log.add(statement)
    assert refused.value.code == code


# A small log, whose sums are worked out by hand.


def all_cells(scene: Scene) -> list[CellSum]:
    name = scene.world.party_id
    values: dict[Any, list[str]] = {
        "all": [""],
        "country": ["DE", "FR"],
        "registry": ["none", "Verra"],
        "assurance": ["limited", "reasonable"],
        "party": [name("carrier"), name("plant"), name("operator")],
    }
    return [
        held
        for dimension, names in values.items()
        for one in names
        for held in scene.log.state.cells(dimension=dimension, value=one)
    ]


def test_a_log_gives_every_goal_and_breakdown_to_the_gram() -> None:
    scene = founded()
    name = scene.world.party_id
    scene.log.add(scene.world.methodology(scene.world.grid_subject(id="second-hand", kind="avoided")))
    scene.log.add(scene.world.target(id="one-year", from_="2024-01-01", to="2025-01-01"))
    scene.log.add(scene.world.target(id="two-years", from_="2023-01-01", to="2025-01-01"))
    avoided = m.DocumentRef("second-hand", 1)
    halves = tuple(
        c.Participant(role="owner", scope="3", share_ppm=500_000, party=name(party)) for party in ("plant", "carrier")
    )
    counted = [
        # (meter, first day, end, amount that is verified, and what is not as in the world's claim)
        ("a", "2024-12-01", "2025-01-01", FULL, {}),  # ends with the last day of 2024
        ("b", "2024-12-31", "2025-01-02", "3.001", {"lever": "logistics", "participants": halves}),
        ("c", "2023-12-01", "2024-01-02", "20.000", {"methodology": avoided, "lever": "circular-economy"}),
        ("d", "2024-01-01", "2024-02-01", "1000.000", {"programme_scope": "2"}),
        ("e", "2024-03-01", "2024-04-01", "400.000", {"issued_elsewhere": c.IssuedElsewhere("Verra", "VCS-1", True)}),
    ]
    for meter, start, end, amount, changes in counted:
        claim = scene.claimed(counted_by=(f"meter:{meter}",), start=start, end=end, **changes)
        assurance = "limited" if meter == "c" else "reasonable"
        scene.attested(claim, amount, opinion="modified", assurance=assurance)
    scene.claimed(counted_by=("meter:f",))  # stated, but verified by nobody
    cells, now_ms = all_cells(scene), at("2026-01-01")
    achieved = {
        goal: progress(target_of(scene, goal), cells, now_ms=now_ms).achieved_g
        for goal in ("gigatonnes", "one-year", "two-years")
    }
    assert achieved == {
        "gigatonnes": 499_000_000 + 3_001 + 20_000 + 400_000,
        "one-year": 499_000_000 + 400_000,
        "two-years": 499_000_000 + 20_000 + 400_000,
    }
    assert progress(target_of(scene, "gigatonnes"), cells, now_ms=now_ms).by == {
        "kind": {"reduction": 499_403_001, "avoided": 20_000},
        "lever": {"clean-energy": 499_400_000, "logistics": 3_001, "circular-economy": 20_000},
        "year": {"2024": 499_420_000, "2025": 3_001},
        "country": {"DE": 499_423_001},
        "registry": {"none": 499_023_001, "Verra": 400_000},
        "assurance": {"reasonable": 499_403_001, "limited": 20_000},
        "party": {name("carrier"): 499_421_500, name("plant"): 1_501},
    }
    assert summary(cells)["registry"] == {"none": 500_023_001, "Verra": 400_000}
