"""The list of findings is what brute force over the records gives, and says of each whether it is late.

A scene of its own: two claimants, two verifiers, every type in every status, and a clock that passes deadlines.
Covers THREATS H13, H20; source: DESIGN 6, RULES 8.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.cli.main import app
from ledger.core.entry import decode_entry
from ledger.core.strict import format_milliseconds
from ledger.domain.records import ClaimRecord, FindingRecord
from ledger.errors import Refused
from ledger.service import find as acts
from ledger.service.found import found_ledger
from ledger.store import pages
from tests.dialogue import answering, closing, insisting, raising
from tests.domain.scene import Scene
from tests.http.conftest import Served
from tests.http.test_pages import every_page
from tests.ledgers import LogSigner
from tests.world import reference_to

DAY_MS = 86_400_000


def varied() -> Scene:
    """Findings unlike each other, raised over half a year."""
    scene, chance = Scene({}), random.Random(5)
    world, log = scene.world, scene.log
    log.add_all(world.founding())
    claims = {}
    for number in range(6):
        claimant = ("carrier", "plant")[number % 2]
        claims[scene.claimed(claimant, counted_by=(f"meter:{number}",))] = claimant
    for number in range(40):
        log.recorded_at_ms += 4 * DAY_MS
        claim = chance.choice(list(claims))
        verifier, kind = chance.choice(("verifier", "verifier2")), chance.choice(("CAR", "CL", "FAR"))
        finding = reference_to(log.add(raising(world, claim, kind, by=verifier)))
        if number % 4 > 0:
            log.add(answering(world, finding, by=claims[claim]))
        if number % 4 == 2:
            log.add(insisting(world, finding, 2, by=verifier))
        if number % 4 == 3:
            log.add(closing(world, finding, by=verifier))
    return scene


class Kept:
    """The scene on disk, recorded at the same moments."""

    def __init__(self, directory: Path) -> None:
        self.scene = varied()
        entries = [decode_entry(raw) for raw in self.scene.log.entries]
        now_ms = [entries[0].recorded_at_ms]
        self.ledger = found_ledger(directory, entries[0].statement, signer=LogSigner(), clock=lambda: now_ms[0])
        for entry in entries[1:]:
            now_ms[0] = entry.recorded_at_ms
            self.ledger.writer.append([entry.statement])
        self.now_ms = now_ms[0]

    def expected(self, **where: str) -> list[dict[str, Any]]:
        """Brute force: every finding that meets the filters, and how it is shown."""
        state = self.scene.log.state
        shown = []
        for one in sorted(state.all(FindingRecord), key=lambda one: one.index):
            claim = state.get(ClaimRecord, one.claim)
            assert claim is not None
            if all(
                {**msgspec.to_builtins(one), "claimant": claim.claimant}[name] == text for name, text in where.items()
            ):
                late = one.status == "open" and self.now_ms > one.deadline_ms
                moment = format_milliseconds(one.deadline_ms)
                shown.append({**msgspec.to_builtins(one), "deadline": moment, "overdue": late})
        return shown

    def listed(self, *, limit: int = 500, **where: str) -> list[dict[str, Any]]:
        """What the service lists, over all pages."""
        return [msgspec.to_builtins(one) for one in every_page(self.ledger, "findings", where, limit=limit)]

    def values(self) -> dict[str, list[str]]:
        """Every value that a filter may have here, and one that no finding has."""
        ones = self.scene.log.state.all(FindingRecord)
        names = [self.scene.world.party_id(name) for name in ("verifier", "verifier2", "carrier", "plant", "operator")]
        return {
            "claim": sorted({one.claim for one in ones} | {ones[0].id}),
            "claimant": names,
            "verifier": names,
            "type": ["CAR", "CL", "FAR"],
            "status": ["open", "answered", "closed"],
        }


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    made = Kept(tmp_path_factory.mktemp("findings") / "log")
    with made.ledger:
        yield made


def test_the_scene_has_something_for_every_filter(kept: Kept) -> None:
    everything = kept.expected()
    assert {one["overdue"] for one in everything} == {True, False}
    assert {one["round"] for one in everything} == {1, 2}
    assert pages.LISTS["findings"].filters.keys() == kept.values().keys()
    for name, values in kept.values().items():
        counts = {len(kept.expected(**{name: text})) for text in values}
        assert any(0 < count < len(everything) for count in counts), name


@pytest.mark.parametrize("limit", [1, 7, 500])
def test_every_single_filter_gives_what_brute_force_gives(kept: Kept, limit: int) -> None:
    assert kept.listed(limit=limit) == kept.expected()
    for name, values in kept.values().items():
        for text in values:
            assert kept.listed(limit=limit, **{name: text}) == kept.expected(**{name: text}), (name, text)


@settings(max_examples=60)
@given(data=st.data())
def test_filters_together_give_what_brute_force_gives(kept: Kept, data: st.DataObject) -> None:
    names = data.draw(st.sets(st.sampled_from(sorted(kept.values())), min_size=2, max_size=4))
    where = {name: data.draw(st.sampled_from(kept.values()[name])) for name in sorted(names)}
    assert kept.listed(limit=2, **where) == kept.expected(**where)


@pytest.mark.parametrize(
    ("name", "text"), [("type", "car"), ("status", "late"), ("claim", "1"), ("verifier", "x"), ("claimant", "")]
)
def test_a_value_of_another_spelling_is_refused(kept: Kept, name: str, text: str) -> None:
    with pytest.raises(Refused) as refused:
        acts.find(kept.ledger, "findings", [(name, text)])
    assert (refused.value.code, refused.value.facts["parameter"]) == ("bad_parameter", name)


def test_over_http_and_at_the_prompt_a_claimant_finds_what_it_has_to_answer(served: Served) -> None:
    world = served.world
    with served.client() as http:
        claim = posted(http, world.claim())
        finding = posted(http, raising(world, claim, "CAR"))
        (found,) = http.get("/v1/findings", params={"claim": claim.id}).json()["items"]
        assert found.pop("deadline") == format_milliseconds(found.pop("deadline_ms"))
        assert found == {
            "id": finding.id,
            "index": finding.index,
            "claim": claim.id,
            "verifier": world.party_id("verifier"),
            "type": "CAR",
            "round": 1,
            "status": "open",
            "responses": [],
            "changed_index": finding.index,
            "overdue": False,
        }
        seen = http.get(f"/v1/claims/{claim.id}").json()["claim"]
        assert (seen["status"], seen["findings"], seen["open_findings"], seen["open_cars"]) == ("under-review", 1, 1, 1)
        refused = http.post("/v1/statements", content=world.attest(claim, "499000.000"), headers=JOSE)
        assert (refused.status_code, refused.json()["code"], refused.json()["facts"]) == (
            409,
            "open_findings",
            {"open": 1},
        )
        mine = {"claimant": world.party_id("carrier"), "status": "open"}
        assert [one["id"] for one in http.get("/v1/findings", params=mine).json()["items"]] == [finding.id]
        answer = posted(http, answering(world, finding))
        assert http.get("/v1/findings", params=mine).json()["items"] == []
        asked = CliRunner().invoke(
            app, ["find", "findings", f"claim={claim.id}", "--json", "--data", str(served.directory)]
        )
        assert [one["responses"] for one in json.loads(asked.stdout)["items"]] == [[answer.index]]
        told = CliRunner().invoke(app, ["find", "findings", "--data", str(served.directory)])
        assert told.exit_code == 0
        posted(http, closing(world, finding))
        posted(http, world.attest(claim, "499000.000", findings=(finding.id,)))
        seen = http.get(f"/v1/claims/{claim.id}").json()["claim"]
        assert (seen["status"], seen["open_findings"], seen["findings"]) == ("verified", 0, 1)
        paths = http.get("/openapi.json").json()["paths"]
        assert {one["name"] for one in paths["/v1/findings"]["get"]["parameters"]} == {
            *("claim", "claimant", "verifier", "type", "status", "limit", "cursor"),
        }


JOSE = {"content-type": "application/vc+jwt"}


def posted(http: httpx.Client, statement: bytes) -> Any:
    """Record a statement; gives the reference to its entry."""
    answer = http.post("/v1/statements", content=statement, headers=JOSE)
    assert answer.status_code == 201, answer.text
    return reference_to(http.get(f"/v1/entries/{answer.json()['index']}").content)
