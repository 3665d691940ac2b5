"""What an author is told of a draft: everything at once, with place, code and remedy, and nothing else than the rule
book would say.

Covers THREATS D (a methodology that says one thing and computes another), H (hostile files never end in a traceback).
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.methodologies import (
    SHIPPED_FACTOR_SETS,
    SHIPPED_METHODOLOGIES,
    finder,
    shipped_factor_set,
    shipped_methodology,
)
from api.methodologies.drafts import Judged, judge, require_sound, variant
from ledger.domain.statements.methodology import FactorUse
from ledger.errors import LedgerError, Malformed

SETS = ("AR4", "AR5", "AR6")


def judged(body: Any, gwp_sets: tuple[str, ...] = SETS) -> Judged:
    return judge(json.dumps(body).encode(), find=finder(), gwp_sets=gwp_sets)


def found(body: Any, gwp_sets: tuple[str, ...] = SETS) -> list[tuple[object, str]]:
    return [(one.facts.get("path"), one.code) for one in judged(body, gwp_sets).problems]


def grid(**changes: Any) -> dict[str, Any]:
    return {**msgspec.to_builtins(shipped_methodology("grid-displacement-cn")), **changes}


@pytest.mark.parametrize("name", SHIPPED_FACTOR_SETS)
def test_factor_sets_that_ship_are_sound(name: str) -> None:
    assert judged(msgspec.to_builtins(shipped_factor_set(name))).problems == []


def test_every_flaw_of_form_is_told_with_its_place() -> None:
    body = grid(id="Bad Id", kind="saving", extra=1)
    del body["leakage"]
    body["inputs"] = {"e": {"unit": "MWh", "colour": 1}, "n": {"unit": "item"}}
    body["factors"] = {"w": {"set": "epa-waste", "version": 1}}
    body["baseline"] = [
        {"coefficient": "-1", "factors": [{"name": "e", "power": 1}]},
        {"coefficient": "1", "factors": [{"name": "e", "power": 2}]},
    ]
    assert found(body) == [
        ("id", "bad_schema"),
        ("kind", "bad_schema"),
        ("inputs.e", "bad_schema"),
        ("factors.w", "bad_schema"),
        ("baseline[0].coefficient", "bad_schema"),
        ("baseline[1].factors[0].power", "bad_schema"),
        ("leakage", "bad_schema"),
        ("extra", "bad_schema"),
    ]


def test_every_flaw_of_meaning_is_told_by_the_rule_book() -> None:
    body = grid(
        inputs={"e": {"unit": "MWh", "min": "5", "max": "2"}, "n": {"unit": "items"}, "own": {"unit": "tCO2e"}},
        factors={
            "w": {"set": "epa-waste", "version": 1, "factor": "pet-landfilled"},
            "g": {"set": "mee-electricity", "version": 1, "factor": "cn-2022"},
            "u": {"set": "uk-conversion-2025", "version": 2, "factor": "board-primary"},
        },
        baseline=[
            {"coefficient": "1", "factors": [{"name": "e", "power": 1}]},
            {"coefficient": "1", "factors": [{"name": "e", "power": 1}, {"name": "g", "power": 1}]},
            {"coefficient": "1", "factors": [{"name": "e", "power": 1}, {"name": "u", "power": 1}]},
            {
                "coefficient": "1",
                "factors": [{"name": "e", "power": 1}, {"name": "g", "power": 1}],
                "up_to": "1",
                "beyond": "2",
            },
        ],
        project=[{"coefficient": "1", "factors": [{"name": "ghost", "power": 1}]}],
        leakage=[],
    )
    del body["gwp_set"]
    assert found(body) == [
        ("factors.u", "unknown_factor"),
        ("factors.w", "wrong_factor_use"),
        ("inputs.e", "bad_bounds"),
        ("inputs.n", "unknown_unit"),
        ("baseline[0]", "dimension_mismatch"),
        ("baseline[3]", "bad_bounds"),
        ("project[0]", "unknown_name"),
        ("factors", "factor_region_mismatch"),
        ("inputs.own", "gwp_set_mismatch"),
    ]
    views = judged(body).terms
    assert [one.comes_out_in for one in views] == ["energy", "kgCO2e", "?", "kgCO2e", "?"]
    assert all(one.remedy for one in judged(body).problems)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"gwp_set": "AR4"}, ("gwp_set", "gwp_set_mismatch")),
        ({"factors": {"exported_energy": {"set": "mee-electricity", "version": 1, "factor": "cn-2022"}}}, None),
        ({"quality": "reported"}, ("quality", "bad_adoption")),
        (
            {"factors": {"grid": {"set": "epa-egrid", "version": 1, "factor": "us-2023-ar6"}}},
            ("factors.grid", "gwp_set_mismatch"),
        ),
    ],
)
def test_what_policy_and_basis_forbid(changes: dict[str, Any], expected: tuple[str, str] | None) -> None:
    problems = found(grid(**changes), gwp_sets=("AR5", "AR6"))
    if expected is None:
        assert ("factors.exported_energy", "duplicate_member") in problems
    else:
        assert problems == [expected]


def test_what_is_merely_odd_is_noted() -> None:
    body = grid()
    del body["source"]
    body["inputs"]["spare"] = {"unit": "item"}
    assert judged(body).problems == []
    assert judged(body).notes == ["input spare stands in no term", "source is not stated"]


def test_a_draft_that_is_too_large_to_sign_is_told() -> None:
    body = msgspec.to_builtins(shipped_factor_set("epa-waste"))
    one = {**body["factors"][0], "citation": "x" * 390}
    body["factors"] = [{**one, "id": f"f-{n}"} for n in range(50)]
    assert found(body) == []
    body["factors"] = [{**one, "id": f"f-{n}"} for n in range(100)]
    assert [code for _, code in found(body)] == ["too_large"]
    body["factors"] *= 2
    assert [code for _, code in found(body)] == ["bad_schema"]


def test_text_that_no_statement_may_hold_is_told() -> None:
    assert [code for _, code in found(grid(title="turned \u202e round"))] == ["bad_text"]


@pytest.mark.parametrize("raw", [b"", b"[1", b"\xff", b'{"id":"\\ud800"}', b"[]", b"null", b"[" * 100_000, b"1e999"])
def test_bytes_that_are_no_draft_are_told(raw: bytes) -> None:
    problems = judge(raw, find=finder(), gwp_sets=SETS).problems
    assert [one.code for one in problems] in (["not_json"], ["bad_schema"])


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(sorted(grid()))


@given(st.dictionaries(MEMBERS, ANY, max_size=3), st.sampled_from(SHIPPED_METHODOLOGIES))
def test_no_draft_ends_in_anything_but_problems(changes: dict[str, Any], name: str) -> None:
    body = {**msgspec.to_builtins(shipped_methodology(name)), **changes}
    said = judged(body)
    assert all(isinstance(one, LedgerError) for one in said.problems)
    if said.problems:
        with pytest.raises(LedgerError):
            require_sound(said)
    else:
        assert require_sound(said) is said.draft


def test_a_factor_is_replaced_by_name_alone() -> None:
    base = shipped_methodology("grid-displacement-cn")
    factor = shipped_factor_set("mee-electricity").factors[0]
    use = FactorUse("mee-electricity", 1, factor.id)
    with pytest.raises(Malformed) as refused:
        variant(base, name="wind", use=use, factor=factor, id="x", title="x")
    assert refused.value.code == "unknown_name"
    with pytest.raises(Malformed) as refused:
        variant(base, name="grid", use=use, factor=factor, id="Not An Id", title="x")
    assert refused.value.code == "bad_schema"
