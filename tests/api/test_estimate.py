"""`gigaton estimate` and `gigaton methodology`: step by step before anything is signed, with a ledger and without.

Covers THREATS D (figures trusted on reputation): every figure that is printed is recomputed here from what is printed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import pytest
import typer

from api.cli.estimating import estimate
from api.cli.output import exit_code_of
from ledger.errors import LedgerError
from tests.api.small import ATTESTED, answer, cut, run

GRID = ("exported_energy=100MWh+-2%", "own_emissions=1.5+-12.5%", "leaked_emissions=250kgCO2e")
NOWHERE = Path("no-ledger-here")


@pytest.fixture
def estimated(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """What the command prints as JSON, or as text with `text=True`, in this process."""

    def command(name: object, *words: str, text: bool = False, **options: Any) -> Any:
        capsys.readouterr()
        estimate(str(name), list(words), as_json=not text, **{"data": NOWHERE, **options})
        said = capsys.readouterr().out
        return said if text else json.loads(said)

    return command


def fraction(exact: dict[str, str]) -> Fraction:
    return Fraction(exact["fraction"])


def check_arithmetic(said: dict[str, Any]) -> None:
    """From the printed steps to the printed figures, with nothing but fractions."""
    sums = {"baseline": Fraction(0), "project": Fraction(0), "leakage": Fraction(0)}
    for term in said["terms"]:
        grams = Fraction(term["coefficient"]) * fraction(term["conversion"]) * 1000
        for one in term["names"]:
            grams *= fraction(one["counted"]) ** one["power"]
        if not term["capped"]:
            assert grams == fraction(term["grams"])
        sums[term["component"]] += fraction(term["grams"])
    assert {name: fraction(exact) for name, exact in said["exact_g"].items()} == sums
    assert said["baseline_g"] == floor(sums["baseline"])
    assert (said["project_g"], said["leakage_g"]) == (ceil(sums["project"]), ceil(sums["leakage"]))
    net = said["baseline_g"] - said["project_g"] - said["leakage_g"]
    excess = max(0, said["uncertainty_ppm"] - said["deduction_above_ppm"])
    assert said["deduction_g"] == (ceil(Fraction(net * excess, 1_000_000)) if net > 0 else 0)
    assert said["reduction_g"] == net - said["deduction_g"]
    assert said["refused_as_claim"] == (said["reduction_g"] <= 0)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("grid-displacement-us", GRID),
        ("grid-displacement-tiered", ("solar_energy=0.105MWh+-40%",)),
        ("freight-road-to-rail-uk", ("mass=20+-5%", "road_distance=500", "rail_distance=300mi", "last_mile=20")),
        ("remote-work-uk", ("trips=200", "round_trip=10", "home_hours=1600")),
    ],
)
def test_what_ships_is_estimated_without_a_ledger_and_its_steps_lead_to_its_figures(
    estimated: Callable[..., Any], name: str, words: tuple[str, ...]
) -> None:
    said, shown = estimated(name, *words), estimated(name, *words, text=True)
    assert said["methodology"]["id"] == name
    check_arithmetic(said)
    kg = f"{abs(said['reduction_g']) // 1000:,}.{abs(said['reduction_g']) % 1000:03d}"
    assert kg in shown
    assert ("not_a_reduction" in shown) == said["refused_as_claim"]
    for term in said["terms"]:
        assert all(one["name"] in shown for one in term["names"])


def test_uncertainty_and_what_moves_the_figure_are_shown(estimated: Callable[..., Any]) -> None:
    """2 % of 34,995.694607951 kg and 12.5 % of 1,500 kg, by hand: 699.91... and 187.5 kg."""
    said = estimated("grid-displacement-us", *GRID)
    moved = {name: fraction(exact) for name, exact in said["moved_g"].items()}
    assert moved == {"exported_energy": Fraction("699913.89215902"), "own_emissions": Fraction(187_500)}
    net = said["baseline_g"] - 1_500_000 - 250_000
    exact = (moved["exported_energy"] ** 2 + moved["own_emissions"] ** 2) / net**2
    assert (said["uncertainty_ppm"] - 2) ** 2 < exact * 10**12 <= said["uncertainty_ppm"] ** 2
    assert any("CO2 alone" in note for note in said["notes"])


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("nobody-knows-it", "a=1"), "unknown_methodology", 1),
        (("grid-displacement-us@2", "a=1"), "unknown_methodology", 1),
        (("grid-displacement-us", "exported_energy=1"), "missing_input", 1),
        (("grid-displacement-us", *GRID, "spare=1"), "unknown_input", 1),
        (("grid-displacement-us", "exported_energy=1km", *GRID[1:]), "dimension_mismatch", 1),
        (("grid-displacement-us", "exported_energy=1parsec", *GRID[1:]), "unknown_unit", 1),
        (("grid-displacement-us", "exported_energy=1.", *GRID[1:]), "bad_schema", 1),
        (
            ("removal-stored-co2", "stored=1", "durable=101", "own_emissions=0", "leaked_emissions=0"),
            "input_out_of_bounds",
            1,
        ),
        (("no-such-file.json", "a=1"), "unreadable_file", 2),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_its_code(words: tuple[str, ...], code: str, exit_code: int) -> None:
    with pytest.raises(LedgerError) as refused:
        estimate(words[0], list(words[1:]), data=NOWHERE)
    assert (refused.value.code, exit_code_of(refused.value)) == (code, exit_code)


@pytest.mark.parametrize("word", ["exported_energy", "=1", "Energy=1", "e=-1", "e=1+-x%", "e=1+-12345%", "e=1 MWh"])
def test_a_word_that_is_no_input_is_wrong_usage(word: str) -> None:
    with pytest.raises(typer.BadParameter):
        estimate("grid-displacement-us", [word], data=NOWHERE)


def test_from_a_province_to_a_draft_that_is_checked_and_estimated(
    estimated: Callable[..., Any], tmp_path: Path
) -> None:
    draft = run(
        "gigaton",
        "methodology",
        "draft",
        "grid-displacement-cn",
        "--factor",
        "mee-electricity/cn-yn-2023",
        "--data",
        NOWHERE,
    )
    path = tmp_path / "yunnan.json"
    path.write_text(draft.stdout, encoding="utf-8")
    code, said = answer("gigaton", "methodology", "check", path, "--data", NOWHERE)
    assert (code, said["sound"], said["factors"]["grid"]["region"]) == (0, True, "CN-YN")
    assert [one["comes_out_in"] for one in said["terms"]] == ["kgCO2e"] * 3
    assert estimated(path, "exported_energy=10", "own_emissions=0", "leaked_emissions=0")["reduction_g"] == 1_333_000
    broken = json.loads(draft.stdout)
    broken["baseline"][0]["factors"].pop()
    broken["factors"]["grid"]["factor"] = "cn-xz-2023"
    path.write_text(json.dumps(broken), encoding="utf-8")
    code, said = answer("gigaton", "methodology", "check", path, "--data", NOWHERE)
    assert code == 1
    assert [(one["path"], one["code"]) for one in said["problems"]] == [
        ("factors.grid", "unknown_factor"),
        ("baseline[0]", "dimension_mismatch"),
    ]
    shown = run("gigaton", "methodology", "check", path, "--data", NOWHERE)
    assert all(one["message"] in shown.stdout for one in said["problems"])
    refused, said = answer("gigaton", "estimate", path, "exported_energy=10", "--data", NOWHERE)
    assert (refused, said["error"]["code"]) == (1, "unknown_factor")


def test_a_draft_may_bring_its_own_factors(estimated: Callable[..., Any], tmp_path: Path) -> None:
    shipped = answer("gigaton", "methodology", "show", "mee-electricity")[1]
    factors = {**shipped, "id": "my-factors", "factors": [{**shipped["factors"][0], "id": "mine", "value": "0.25"}]}
    (tmp_path / "factors.json").write_text(json.dumps(factors), encoding="utf-8")
    method = answer("gigaton", "methodology", "show", "grid-displacement-cn", "--data", NOWHERE)[1]
    del method["origin"]
    method["factors"] = {"grid": {"set": "my-factors", "version": 1, "factor": "mine"}}
    (tmp_path / "method.json").write_text(json.dumps(method), encoding="utf-8")
    words = ("exported_energy=1", "own_emissions=0", "leaked_emissions=0")
    said = estimated(tmp_path / "method.json", *words, factors=[tmp_path / "factors.json"])
    assert said["reduction_g"] == 250_000


def test_with_a_ledger_the_published_one_counts(estimated: Callable[..., Any], tmp_path: Path) -> None:
    source = cut(tmp_path / "two.csv", ATTESTED)
    assert run("gigaton", "demo", "--data", tmp_path / "ledger", "--input", source).returncode == 0
    data = tmp_path / "ledger"
    words = ("--data", data)
    said = estimated("grid-displacement-us", *GRID, data=data)
    assert "published in demonstration.gigaton.example/log" in said["origin"]
    check_arithmetic(said)
    # On AR4, which the demonstration does not accept: it ships, and is not published there.
    other = estimated("recycling-instead-of-landfill-us", "recycled=7", data=data)
    assert (other["reduction_g"], "not published" in other["origin"]) == (20_580_000, True)
    assert any("AR4" in note for note in other["notes"])
    method = answer("gigaton", "methodology", "show", "grid-displacement-us", *words)[1]
    assert method.pop("origin") == said["origin"]
    (tmp_path / "again.json").write_text(json.dumps({**method, "gwp_set": "AR4"}), encoding="utf-8")
    code, checked = answer("gigaton", "methodology", "check", tmp_path / "again.json", *words)
    assert (code, [one["code"] for one in checked["problems"]]) == (1, ["gwp_set_mismatch"])
    assert "demonstration.gigaton.example/log" in checked["judged_by"]


def test_lists_and_adoptions() -> None:
    methods = answer("gigaton", "methodology", "list")[1]
    sets = answer("gigaton", "methodology", "list", "--factors")[1]
    assert len(methods) == len({one["id"] for one in methods}) > 30
    assert {"mee-electricity", "epa-egrid", "uk-conversion-2025", "gwp-ar6"} <= {one["id"] for one in sets}
    words = ("methodology", "draft", "registry-adoption", "--id", "adopt-x", "--title", "X", "--kind")
    assert json.loads(run("gigaton", *words, "removal").stdout)["kind"] == "removal"
    refused = run("gigaton", *words, "saving")
    assert (refused.returncode, "bad_schema" in refused.stderr) == (1, True)
