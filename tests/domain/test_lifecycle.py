"""The life of a claim, step by step: its status, and every gram of it, worked out by hand; nothing is lost or made.

After every entry verified = current + reversed, and what counts of all claims
is what every dimension of the totals holds. A share is the floor of its parts
per million; the remainder goes to the first participant.

Covers THREATS D08 to D25 (state machine), L20. Source: RULES 5.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.lifecycle import ARROWS
from ledger.domain.records import ClaimRecord, CountedRecord, Share
from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.totals import party_grams
from ledger.errors import Conflict
from tests.dialogue import raising
from tests.domain.scene import FULL, Scene
from tests.world import reference_to

FULL_G = 499_000_000
CLAIMANT = ("carrier", "carrier:claimant")
MEMBERS = ("carrier", "plant", "operator")


class Book(NamedTuple):
    """What is known of a claim: grams."""

    status: str
    verified: int
    reversed: int
    current: int


@pytest.fixture
def scene() -> Scene:
    return founded()


def founded() -> Scene:
    scene = Scene({})
    scene.log.add_all(scene.world.founding())
    return scene


def record_of(scene: Scene, claim: m.Reference) -> ClaimRecord:
    record = scene.log.state.get(ClaimRecord, claim.id)
    assert record is not None
    return record


def book(scene: Scene, claim: m.Reference) -> Book:
    """The claim's grams, after the books of the whole log were found to balance."""
    balance(scene)
    record = record_of(scene, claim)
    return Book(record.status, record.verified_g, record.reversed_g, record.current_g)


def held(scene: Scene, dimension: Any, *values: str) -> int:
    return sum(cell.grams for value in values for cell in scene.log.state.cells(dimension=dimension, value=value))


def balance(scene: Scene) -> None:
    claims = scene.log.state.all(ClaimRecord)
    for claim in claims:
        assert claim.verified_g == claim.current_g + claim.reversed_g
        assert 0 <= claim.current_g <= claim.stated_g
    total = sum(claim.current_g for claim in claims)
    assert held(scene, "all", "") == held(scene, "country", "DE") == held(scene, "registry", "none") == total
    assert held(scene, "assurance", "limited", "reasonable") == total
    nobody = sum(claim.current_g - sum(party_grams(claim).values()) for claim in claims)
    assert held(scene, "party", *(scene.world.party_id(name) for name in MEMBERS)) == total - nobody


def test_losses_are_taken_from_what_counts_until_nothing_is_left(scene: Scene) -> None:
    claim = scene.claimed()
    assert book(scene, claim) == Book("submitted", 0, 0, 0)
    scene.attested(claim)
    assert book(scene, claim) == Book("verified", FULL_G, 0, FULL_G)
    scene.corrected(c.Reverse, claim, amount="0.001")
    assert book(scene, claim) == Book("verified", FULL_G, 1, 498_999_999)
    scene.corrected(c.Reverse, claim, amount="98999.999")
    assert book(scene, claim) == Book("verified", FULL_G, 99_000_000, 400_000_000)
    scene.corrected(c.Reverse, claim, amount="400000.000")
    assert book(scene, claim) == Book("reversed", FULL_G, FULL_G, 0)
    scene.corrected(c.Withdraw, claim)
    assert book(scene, claim) == Book("withdrawn", 0, 0, 0)


def test_a_suspension_takes_everything_and_gives_back_all_but_the_losses(scene: Scene) -> None:
    claim = scene.verified()
    scene.corrected(c.Reverse, claim, amount="99000.000")
    scene.corrected(c.Suspend, claim)
    assert book(scene, claim) == Book("suspended", 0, 0, 0)
    scene.corrected(c.Reinstate, claim)
    assert book(scene, claim) == Book("verified", FULL_G, 99_000_000, 400_000_000)


def test_a_revoked_opinion_stops_counting_and_a_corrected_one_takes_its_place(scene: Scene) -> None:
    claim = scene.claimed()
    first = scene.attested(claim)
    scene.corrected(c.Revoke, first)
    assert book(scene, claim) == Book("submitted", 0, 0, 0)
    scene.attested(claim, "300000.000", opinion="modified")
    assert book(scene, claim) == Book("verified", 300_000_000, 0, 300_000_000)
    scene.attested(claim, "299999.999", opinion="modified", verifier="verifier2")
    assert book(scene, claim) == Book("verified", 299_999_999, 0, 299_999_999)


def test_a_loss_outlives_the_opinion_under_which_it_was_recorded(scene: Scene) -> None:
    claim = scene.claimed()
    first = scene.attested(claim)
    scene.corrected(c.Reverse, claim, amount="400000.000")
    scene.corrected(c.Revoke, first)
    assert book(scene, claim) == Book("submitted", 0, 0, 0)
    second = scene.attested(claim, "450000.000", opinion="modified")
    assert book(scene, claim) == Book("verified", 450_000_000, 400_000_000, 50_000_000)
    scene.corrected(c.Revoke, second)
    scene.attested(claim, "300000.000", opinion="modified")
    assert book(scene, claim) == Book("reversed", 300_000_000, 300_000_000, 0)


def test_a_new_claim_takes_the_place_of_an_old_one_and_counts_only_when_verified(scene: Scene) -> None:
    old = scene.verified()
    with pytest.raises(Conflict) as refused:
        scene.claimed()
    assert (refused.value.code, refused.value.facts["claim"]) == ("overlap", old.id)
    new = scene.claimed(supersedes=old)
    assert book(scene, old) == Book("superseded", 0, 0, 0)
    assert book(scene, new) == Book("submitted", 0, 0, 0)
    assert record_of(scene, old).superseded_by == new.id
    assert [(one.claim, one.live) for one in scene.log.state.all(CountedRecord)] == [(old.id, False), (new.id, True)]
    scene.attested(new, "100.000", opinion="modified")
    assert book(scene, new) == Book("verified", 100_000, 0, 100_000)
    assert held(scene, "all", "") == 100_000


@pytest.mark.parametrize("ends", [True, False], ids=["withdrawn", "suspended"])
def test_only_an_end_frees_what_a_claim_counts(scene: Scene, ends: bool) -> None:
    claim = scene.corrected(c.Withdraw if ends else c.Suspend, scene.verified())
    again = scene.world.claim()
    if ends:
        scene.attested(reference_to(scene.log.add(again)))
        assert held(scene, "all", "") == FULL_G
        return
    with pytest.raises(Conflict) as refused:
        scene.log.add(again)
    assert (refused.value.code, refused.value.facts["claim"]) == ("overlap", claim.id)
    assert book(scene, claim) == Book("suspended", 0, 0, 0)


# Every state, and what may happen in it; everything else is refused.
MAY: dict[str, set[str]] = {
    "submitted": {"find", "attest", "withdraw", "supersede", "suspend"},
    "under-review": {"find", "attest", "withdraw", "supersede", "suspend"},
    "verified": {"find", "attest", "withdraw", "supersede", "suspend", "reverse", "certify"},
    "not-verified": {"find", "attest", "withdraw", "supersede", "suspend"},
    "reversed": {"find", "withdraw", "suspend"},
    "suspended": {"find", "withdraw", "reinstate"},
    "withdrawn": set(),
    "superseded": set(),
}
EVENTS = {event for events in MAY.values() for event in events}
REFUSAL = {"withdrawn": "claim_withdrawn", "superseded": "claim_superseded", "suspended": "claim_suspended"}


def brought_to(scene: Scene, status: str) -> m.Reference:
    """A claim in a state, reached by statements."""
    claim = scene.claimed()
    if status == "under-review":
        scene.attested(claim, "0.000", opinion="disclaimed")
    elif status == "not-verified":
        scene.attested(claim, "0.000", opinion="adverse")
    elif status != "submitted":
        scene.attested(claim)
    if status == "reversed":
        scene.corrected(c.Reverse, claim, amount=FULL)
    elif status == "suspended":
        scene.corrected(c.Suspend, claim)
    elif status == "withdrawn":
        scene.corrected(c.Withdraw, claim)
    elif status == "superseded":
        scene.claimed(supersedes=claim)
    return claim


def attempt(scene: Scene, event: str, claim: m.Reference) -> bytes:
    """The statement that would make the event happen."""
    if event == "find":
        return raising(scene.world, claim)
    if event == "attest":
        return scene.world.attest(claim, FULL, verifier="verifier2")
    if event == "supersede":
        return scene.world.claim(supersedes=claim)
    if event == "certify":
        return scene.issue((claim,))
    if event == "reverse":
        return scene.correction(c.Reverse, claim, amount="0.001")
    shape = {"withdraw": c.Withdraw, "suspend": c.Suspend, "reinstate": c.Reinstate}[event]
    return scene.correction(shape, claim)


def test_the_table_of_arrows_knows_no_state_or_event_that_is_not_tried() -> None:
    assert ARROWS.keys() == EVENTS
    assert {status for states in ARROWS.values() for status in states} <= MAY.keys()


@pytest.mark.parametrize("status", MAY)
@pytest.mark.parametrize("event", sorted(EVENTS))
def test_an_event_happens_only_in_the_states_that_allow_it(scene: Scene, status: str, event: str) -> None:
    claim = brought_to(scene, status)
    before = book(scene, claim)
    assert before.status == status
    statement = attempt(scene, event, claim)
    if event in MAY[status]:
        scene.log.add(statement)
        balance(scene)
        return
    with pytest.raises(Conflict) as refused:
        scene.log.add(statement)
    assert (refused.value.code, refused.value.facts["status"]) == (REFUSAL.get(status, "wrong_status"), status)
    assert book(scene, claim) == before


# Shares: (party, or None for a commitment to somebody who is no party; parts per million).


def shared(scene: Scene, *shares: tuple[str | None, int], amount: str) -> m.Reference:
    """A claim in these shares, of which an amount counts."""
    participants = tuple(
        c.Participant(role="owner", scope="2", share_ppm=ppm, party=scene.world.party_id(name))
        if name is not None
        else c.Participant(role="owner", scope="2", share_ppm=ppm, commitment=f"{number:064x}")
        for number, (name, ppm) in enumerate(shares)
    )
    claim = scene.claimed(participants=participants)
    scene.attested(claim, amount, opinion="modified")
    return claim


@pytest.mark.parametrize(
    ("shares", "amount", "owned"),
    [
        # 100,001 g in thirds: 33,333.63 and 33,333.73 are cut to 33,333; 2 g remain.
        ((("carrier", 333_333), ("plant", 333_333), ("operator", 333_334)), "100.001", (33_335, 33_333, 33_333)),
        ((("plant", 333_333), ("operator", 333_333), ("carrier", 333_334)), "100.001", (33_333, 33_335, 33_333)),
        ((("carrier", 500_000), ("plant", 500_000)), "0.003", (2, 1, 0)),
        ((("carrier", 1), ("plant", 999_999)), "0.001", (1, 0, 0)),
        ((("plant", 999_999), ("carrier", 1)), "499000.000", (499, 498_999_501, 0)),
        ((("carrier", 0), ("plant", 1_000_000)), "0.007", (0, 7, 0)),
        # Somebody who is no party keeps the share, and as the first one the remainder.
        (((None, 333_333), ("carrier", 333_333), ("plant", 333_334)), "100.001", (33_333, 33_333, 0)),
        ((("carrier", 333_333), (None, 333_333), (None, 333_334)), "100.001", (33_335, 0, 0)),
        (((None, 1_000_000),), "499000.000", (0, 0, 0)),
    ],
)
def test_a_share_is_its_floor_and_the_first_participant_has_the_remainder(
    scene: Scene, shares: tuple[tuple[str | None, int], ...], amount: str, owned: tuple[int, int, int]
) -> None:
    claim = shared(scene, *shares, amount=amount)
    assert book(scene, claim).current == int(amount.replace(".", ""))
    assert tuple(held(scene, "party", scene.world.party_id(name)) for name in MEMBERS) == owned


def test_shares_follow_every_loss_and_are_never_left_behind(scene: Scene) -> None:
    claim = shared(scene, ("carrier", 333_333), ("plant", 333_333), ("operator", 333_334), amount="100.001")
    names = [scene.world.party_id(name) for name in MEMBERS]
    scene.corrected(c.Reverse, claim, amount="99.999")  # 2 g are left: every floor is 0
    assert book(scene, claim) == Book("verified", 100_001, 99_999, 2)
    assert [held(scene, "party", name) for name in names] == [2, 0, 0]
    scene.corrected(c.Withdraw, claim)
    balance(scene)
    assert [scene.log.state.cells(dimension="party", value=name) for name in names] == [[], [], []]


TEMPLATE_SCENE = founded()
TEMPLATE_CLAIM = record_of(TEMPLATE_SCENE, TEMPLATE_SCENE.claimed())


@given(st.integers(0, 10**16 - 1), st.lists(st.integers(1, 10**6), min_size=1, max_size=64), st.data())
def test_any_shares_together_are_the_whole(current_g: int, weights: list[int], data: st.DataObject) -> None:
    ppm = [weight * 1_000_000 // sum(weights) for weight in weights]
    ppm[-1] += 1_000_000 - sum(ppm)
    known = [data.draw(st.booleans()) for _ in ppm]
    shares = tuple(Share(f"p{n}" if known[n] else None, share) for n, share in enumerate(ppm))
    owned = party_grams(msgspec.structs.replace(TEMPLATE_CLAIM, current_g=current_g, shares=shares))
    exact = [Fraction(current_g * share, 1_000_000) for share in ppm]
    rest = current_g - sum(int(part) for part in exact)
    expected = {f"p{n}": int(part) + (0 if n else rest) for n, part in enumerate(exact) if known[n]}
    assert owned == expected
    assert rest < len(ppm)
