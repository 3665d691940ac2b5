"""How many verifiers a claim needs, who counts as one, and what their opinions come to.

A quorum counts distinct ultimate owners. Which quorum holds is fixed when a
claim is recorded, from all live claims of its claimant, methodology and year,
so that splitting a claim does not help. `disclaimed` is as if absent; `adverse`
counts to the quorum with an amount of 0; the lowest amount counts.

Covers THREATS D08 to D25 (verification). Source: RULES 4.
"""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain.records import ClaimRecord
from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import programme as p
from ledger.errors import NotAllowed, Refused
from tests.domain.scene import FULL, Scene
from tests.world import reference_to

FULL_G = 499_000_000
ACCREDITOR = ("accreditor", "accreditor:accreditor")
MIDNIGHT_MS = 1_790_035_200_000  # 2026-09-22T00:00:00Z; the world begins on the 21st


def founded(**policy: Any) -> Scene:
    scene = Scene(policy)
    scene.log.add_all(scene.world.founding())
    return scene


def record_of(scene: Scene, claim: m.Reference) -> ClaimRecord:
    record = scene.log.state.get(ClaimRecord, claim.id)
    assert record is not None
    return record


def outcome(scene: Scene, claim: m.Reference) -> tuple[str, int]:
    """Status and the grams that count."""
    record = record_of(scene, claim)
    return record.status, record.current_g


def enrol(scene: Scene, name: str, *, owner: str | None = None, **grant: Any) -> m.Reference:
    """A further verifier with an accreditation; gives its grant."""
    scene.log.add(scene.world.party(name, ("verifier",), owner=owner))
    return reference_to(scene.log.add(scene.world.accreditation(name, **grant)))


# Opinions of verifiers of different owners, in order; the quorum; status and the kilograms that count.
OPINIONS: dict[str, tuple[int, tuple[tuple[str, str], ...], str, int]] = {
    "one is enough for one": (1, (("unmodified", FULL),), "verified", 499_000_000),
    "one is not enough for two": (2, (("unmodified", FULL),), "under-review", 0),
    "two of two": (2, (("unmodified", FULL), ("unmodified", FULL)), "verified", 499_000_000),
    "the lowest counts": (2, (("modified", "400000.000"), ("modified", "399999.999")), "verified", 399_999_999),
    "the lowest counts, whoever comes first": (2, (("modified", "0.001"), ("unmodified", FULL)), "verified", 1),
    "more than asked, the lowest counts": (1, (("unmodified", FULL), ("modified", "5.000")), "verified", 5_000),
    "three, of whom two are asked": (
        2,
        (("unmodified", FULL), ("modified", "7.000"), ("modified", "6.000")),
        "verified",
        6_000,
    ),
    "a disclaimer alone": (1, (("disclaimed", "0.000"),), "under-review", 0),
    "a disclaimer is no second voice": (2, (("unmodified", FULL), ("disclaimed", "0.000")), "under-review", 0),
    "a disclaimer takes nothing away": (1, (("unmodified", FULL), ("disclaimed", "0.000")), "verified", 499_000_000),
    "an adverse opinion alone": (1, (("adverse", "0.000"),), "not-verified", 0),
    "an adverse opinion is a second voice": (2, (("unmodified", FULL), ("adverse", "0.000")), "not-verified", 0),
    "an adverse opinion is not outvoted": (
        1,
        (("unmodified", FULL), ("unmodified", FULL), ("adverse", "0.000")),
        "not-verified",
        0,
    ),
    "an adverse opinion below the quorum": (2, (("adverse", "0.000"),), "under-review", 0),
}


@pytest.mark.parametrize("what", OPINIONS)
def test_opinions_come_to(what: str) -> None:
    quorum, opinions, status, grams = OPINIONS[what]
    scene = founded(quorum=quorum, quorum_high=quorum)
    enrol(scene, "verifier3")
    claim = scene.claimed()
    for verifier, (opinion, amount) in zip(("verifier", "verifier2", "verifier3"), opinions, strict=False):
        recomputed = FULL if opinion == "unmodified" else amount
        scene.attested(claim, amount, verifier=verifier, opinion=opinion, recomputed=recomputed)
    assert outcome(scene, claim) == (status, grams)


@pytest.mark.parametrize("owner", ["verifier", "holding"], ids=["owned by the other", "owned by one not enrolled"])
def test_two_verifiers_of_one_owner_are_one_voice(owner: str) -> None:
    scene = founded(quorum=2)
    enrol(scene, "north", owner=owner)
    enrol(scene, "south", owner=owner)
    claim = scene.claimed()
    scene.attested(claim, verifier="north")
    scene.attested(claim, verifier="verifier" if owner == "verifier" else "south")
    assert outcome(scene, claim) == ("under-review", 0)
    scene.attested(claim, verifier="verifier2")
    assert outcome(scene, claim) == ("verified", FULL_G)


def test_a_revoked_opinion_leaves_the_quorum() -> None:
    scene = founded(quorum=2)
    claim = scene.claimed()
    scene.attested(claim)
    second = scene.attested(claim, verifier="verifier2")
    scene.corrected(c.Revoke, second)
    assert outcome(scene, claim) == ("under-review", 0)
    scene.attested(claim, "1.000", verifier="verifier2", opinion="modified")
    assert outcome(scene, claim) == ("verified", 1_000)


def test_a_ninth_opinion_is_one_too_many() -> None:
    scene = founded()
    claim = scene.claimed()
    for number in range(3, 10):
        enrol(scene, f"verifier{number}")
    names = ["verifier", *(f"verifier{number}" for number in range(2, 9))]
    for name in names:
        scene.attested(claim, verifier=name)
    with pytest.raises(Refused) as refused:
        scene.attested(claim, verifier="verifier9")
    assert refused.value.code == "too_many"
    assert len(record_of(scene, claim).attestations) == len(names) == 8


# The running sum. The world's claim states 499 t.

PART = "101"  # MWh: 50.5 t, less 1 t, is 49.5 t


def quorums(scene: Scene, *claims: m.Reference) -> list[int]:
    return [record_of(scene, claim).quorum for claim in claims]


@pytest.mark.parametrize(("threshold_t", "expected"), [(0, 2), (498, 2), (499, 2), (500, 1)], ids=str)
def test_a_claim_that_reaches_the_threshold_alone_needs_the_second_verifier(threshold_t: int, expected: int) -> None:
    scene = founded(quorum_high_from_t=threshold_t)
    assert quorums(scene, scene.claimed()) == [expected]


def part(scene: Scene, number: int, claimant: str = "carrier", **changes: Any) -> m.Reference:
    """One of many small claims of 49.5 t, each with a meter of its own."""
    inputs = {"energy": c.InputValue(PART, "MWh"), "own": c.InputValue("1", "tCO2e")}
    fixed = {
        "inputs": inputs,
        "quantification": c.Quantification("50500.000", "1000.000", "0.000", "0.000", "49500.000"),
    }
    return scene.claimed(claimant, counted_by=(f"meter:{claimant}:{number}",), **{**fixed, **changes})


def test_splitting_a_claim_does_not_spare_the_second_verifier() -> None:
    """Ten parts of 49.5 t: the running sum is 198 t with the fourth, and 247.5 t with the fifth."""
    scene = founded(quorum_high_from_t=200)
    parts = [part(scene, number) for number in range(10)]
    assert quorums(scene, *parts) == [1, 1, 1, 1, 2, 2, 2, 2, 2, 2]
    scene.attested(parts[9], "49500.000")
    assert outcome(scene, parts[9]) == ("under-review", 0)
    scene.attested(parts[9], "49500.000", verifier="verifier2")
    assert outcome(scene, parts[9]) == ("verified", 49_500_000)


def test_the_sum_reaches_the_threshold_to_the_gram() -> None:
    """Two parts of 49.5 t are 99 t: at a threshold of 99 t the second needs two verifiers, at 100 t it does not."""
    assert [quorums(scene := founded(quorum_high_from_t=at), part(scene, 0), part(scene, 1)) for at in (99, 100)] == [
        [1, 2],
        [1, 1],
    ]


def test_the_requirement_stays_as_it_was_when_the_claim_was_recorded() -> None:
    scene = founded(quorum_high_from_t=90)
    first, second = part(scene, 0), part(scene, 1)
    assert quorums(scene, first, second) == [1, 2]
    scene.corrected(c.Withdraw, first)
    scene.attested(second, "49500.000")
    assert quorums(scene, second) == [2]
    assert outcome(scene, second) == ("under-review", 0)


@pytest.mark.parametrize("attested", [False, True])
def test_an_ended_claim_leaves_the_sum_and_a_suspended_one_does_not(attested: bool) -> None:
    scene = founded(quorum_high_from_t=90)
    first = part(scene, 0)
    if attested:
        scene.attested(first, "49500.000")
    scene.corrected(c.Suspend, first)
    second = part(scene, 1)
    scene.corrected(c.Withdraw, first)
    scene.corrected(c.Withdraw, second)
    assert quorums(scene, second, part(scene, 2)) == [2, 1]


def test_a_claim_that_supersedes_is_counted_in_place_of_the_old_one() -> None:
    scene = founded(quorum_high_from_t=90)
    first = part(scene, 0)
    instead = part(scene, 0, supersedes=first)
    assert quorums(scene, instead, part(scene, 1)) == [1, 2]


def test_the_sum_is_kept_for_each_claimant_methodology_and_year_of_the_last_day() -> None:
    scene = founded(quorum_high_from_t=90)
    scene.log.add(scene.world.methodology(scene.world.grid_subject(id="another")))
    apart = [
        part(scene, 0, end="2026-01-01"),  # the last day is the last of 2025
        part(scene, 1, start="2025-12-01", end="2026-01-02"),  # the last day is the first of 2026
        part(scene, 2, "plant"),
        part(scene, 3, methodology=m.DocumentRef("another", 1)),
    ]
    assert quorums(scene, *apart) == [1, 1, 1, 1]
    together = [
        part(scene, 4, start="2024-12-01", end="2025-01-02"),
        part(scene, 5, start="2026-01-01", end="2026-02-01"),
        part(scene, 6, "plant"),
        part(scene, 7, methodology=m.DocumentRef("another", 1)),
    ]
    assert quorums(scene, *together) == [2, 2, 2, 2]


def test_a_later_version_of_the_methodology_shares_its_sum() -> None:
    scene = founded(quorum_high_from_t=90)
    scene.log.add(scene.world.methodology(scene.world.grid_subject(version=2)))
    later = m.DocumentRef("grid-displacement", 2)
    assert quorums(scene, part(scene, 0), part(scene, 1, methodology=later)) == [1, 2]


# Independence: nobody who has a part in the claim, and nobody owned like them.


@pytest.mark.parametrize(
    ("owner_of_plant", "shares_of", "attests"),
    [
        (None, ("plant",), True),  # another owner
        ("fleet-holding", ("plant",), False),  # the participant is owned like the verifier
        ("fleet-holding", (), True),  # owned like it, but without a part
    ],
)
def test_a_verifier_owned_like_a_participant_is_not_independent(
    owner_of_plant: str | None, shares_of: tuple[str, ...], attests: bool
) -> None:
    scene = founded()
    enrol(scene, "checker", owner="fleet-holding")
    scene.log.add(scene.world.party("mill", ("claimant",), owner=owner_of_plant))
    names = ("carrier", *("mill" for _ in shares_of))
    participants = tuple(
        c.Participant(role="owner", scope="2", share_ppm=1_000_000 // len(names), party=scene.world.party_id(name))
        for name in names
    )
    claim = scene.claimed(participants=participants)
    if attests:
        scene.attested(claim, verifier="checker")
        assert outcome(scene, claim) == ("verified", FULL_G)
        return
    with pytest.raises(NotAllowed) as refused:
        scene.attested(claim, verifier="checker")
    assert (refused.value.code, refused.value.facts["party"]) == ("not_independent", scene.world.party_id("mill"))
    assert outcome(scene, claim) == ("submitted", 0)


# Accreditation, judged where the attestation stands in the log; what was signed says 2026-09-01 throughout.


def test_a_grant_ends_with_its_last_day_by_the_clock_of_the_log_and_what_it_allowed_still_counts() -> None:
    scene = founded()
    enrol(scene, "guest", from_="2026-09-21", until="2026-09-22")
    first, second = scene.claimed(), scene.claimed("plant")
    scene.log.recorded_at_ms = MIDNIGHT_MS - 1
    scene.attested(first, verifier="guest")
    scene.log.recorded_at_ms = MIDNIGHT_MS
    with pytest.raises(NotAllowed) as refused:
        scene.attested(second, verifier="guest")
    assert refused.value.code == "not_accredited"
    assert (outcome(scene, first), outcome(scene, second)) == (("verified", FULL_G), ("submitted", 0))


def test_a_grant_begins_with_its_first_day_by_the_clock_of_the_log() -> None:
    scene = founded()
    enrol(scene, "guest", from_="2026-09-22")
    claim = scene.claimed()
    scene.log.recorded_at_ms = MIDNIGHT_MS - 1
    with pytest.raises(NotAllowed) as refused:
        scene.attested(claim, verifier="guest")
    assert refused.value.code == "not_accredited"
    scene.log.recorded_at_ms = MIDNIGHT_MS
    scene.attested(claim, verifier="guest")
    assert outcome(scene, claim) == ("verified", FULL_G)


def test_a_step_on_a_grant_holds_from_its_own_place_in_the_log() -> None:
    scene = founded()
    grant = enrol(scene, "guest")
    before, after = scene.claimed(), scene.claimed("plant")
    scene.attested(before, verifier="guest")
    scene.log.add(scene.world.state("Accreditation", p.AccreditationSuspend(grant.id, "A test."), ACCREDITOR))
    with pytest.raises(NotAllowed) as refused:
        scene.attested(after, verifier="guest")
    assert refused.value.code == "not_accredited"
    assert outcome(scene, before) == ("verified", FULL_G)
    scene.log.add(scene.world.state("Accreditation", p.AccreditationReinstate(grant.id, "A test."), ACCREDITOR))
    scene.attested(after, verifier="guest")
    assert outcome(scene, after) == ("verified", FULL_G)
