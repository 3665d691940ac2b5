"""A dialogue about a claim, step by step: whose turn it is, until when, and what becomes of the claim meanwhile.

Covers THREATS D15 to D19 (who may speak as a verifier), T11. Source: RULES 1 (`Finding`, `Response`), 4, 5 and 8.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pytest

from ledger.domain.records import ClaimRecord, FindingRecord
from ledger.domain.statements import claim as c
from ledger.domain.statements import finding as d
from ledger.domain.statements import members as m
from ledger.errors import Conflict
from ledger.service.findings import shown
from tests.dialogue import answering, closing, insisting, raising
from tests.domain.scene import FULL, Scene
from tests.world import START_MS, reference_to

DAY_MS = 86_400_000
FULL_G = 499_000_000


class Seen(NamedTuple):
    """What is known of a claim: its status, its findings (ever, open, open CARs), and what counts."""

    status: str
    findings: tuple[int, int, int]
    current: int


@pytest.fixture
def scene() -> Scene:
    made = Scene({})
    made.log.add_all(made.world.founding())
    return made


def seen(scene: Scene, claim: m.Reference) -> Seen:
    record = scene.log.state.get(ClaimRecord, claim.id)
    assert record is not None
    assert record.changed_index < len(scene.log.entries)
    return Seen(record.status, (record.findings, record.open_findings, record.open_cars), record.current_g)


def raised(scene: Scene, claim: m.Reference, type: d.FindingType = "CAR", *, by: str = "verifier") -> m.Reference:
    return reference_to(scene.log.add(raising(scene.world, claim, type, by=by)))


def known(scene: Scene, finding: m.Reference) -> FindingRecord:
    record = scene.log.state.get(FindingRecord, finding.id)
    assert record is not None
    return record


def test_a_dialogue_from_the_first_question_to_the_opinion(scene: Scene) -> None:
    claim = scene.claimed()
    finding = raised(scene, claim)
    first = known(scene, finding)
    assert (first.round, first.status, first.deadline_ms) == (1, "open", START_MS + 60 * DAY_MS)
    assert seen(scene, claim) == Seen("under-review", (1, 1, 1), 0)

    scene.log.recorded_at_ms += 10 * DAY_MS
    answer = reference_to(scene.log.add(answering(scene.world, finding)))
    assert (known(scene, finding).status, known(scene, finding).responses) == ("answered", (answer.index,))
    assert known(scene, finding).deadline_ms == first.deadline_ms
    assert seen(scene, claim) == Seen("under-review", (1, 1, 1), 0)

    scene.log.add(insisting(scene.world, finding, 2))
    second = known(scene, finding)
    assert (second.round, second.status, second.deadline_ms) == (2, "open", START_MS + 70 * DAY_MS)
    again = reference_to(scene.log.add(answering(scene.world, finding, 2)))
    closed = reference_to(scene.log.add(closing(scene.world, finding)))
    last = known(scene, finding)
    assert (last.status, last.responses, last.changed_index) == ("closed", (answer.index, again.index), closed.index)
    assert seen(scene, claim) == Seen("submitted", (1, 0, 0), 0)

    scene.attested(claim, findings=(finding.id,))
    assert seen(scene, claim) == Seen("verified", (1, 0, 0), FULL_G)


def test_each_type_keeps_a_claim_under_review_and_only_a_corrective_action_stands_in_the_way(scene: Scene) -> None:
    claim = scene.claimed()
    findings = [raised(scene, claim, "CL"), raised(scene, claim, "FAR", by="verifier2"), raised(scene, claim)]
    assert seen(scene, claim) == Seen("under-review", (3, 3, 1), 0)
    with pytest.raises(Conflict) as refused:
        scene.attested(claim)
    assert (refused.value.code, refused.value.facts["open"]) == ("open_findings", 1)
    scene.log.add(closing(scene.world, findings[2]))
    assert seen(scene, claim) == Seen("under-review", (3, 2, 0), 0)
    scene.attested(claim)
    assert seen(scene, claim) == Seen("verified", (3, 2, 0), FULL_G)
    scene.log.add(closing(scene.world, findings[1], by="verifier2"))
    assert seen(scene, claim) == Seen("verified", (3, 1, 0), FULL_G)


def test_what_counts_goes_on_counting_while_a_finding_is_open(scene: Scene) -> None:
    """A finding takes nothing away: the verifier revokes its opinion, or a registrar suspends the claim."""
    claim = scene.verified()
    raised(scene, claim, by="verifier2")
    assert seen(scene, claim) == Seen("verified", (1, 1, 1), FULL_G)
    with pytest.raises(Conflict) as refused:
        scene.attested(claim, verifier="verifier2")
    assert refused.value.code == "open_findings"


def test_a_revoked_opinion_leaves_a_claim_under_review_while_a_finding_is_open(scene: Scene) -> None:
    claim = scene.claimed()
    opinion = scene.attested(claim)
    finding = raised(scene, claim)
    scene.corrected(c.Revoke, opinion)
    assert seen(scene, claim) == Seen("under-review", (1, 1, 1), 0)
    scene.log.add(closing(scene.world, finding))
    assert seen(scene, claim) == Seen("submitted", (1, 0, 0), 0)


def test_a_suspension_hides_the_review_and_a_reinstatement_shows_it_again(scene: Scene) -> None:
    claim = scene.claimed()
    scene.corrected(c.Suspend, claim)
    finding = raised(scene, claim)
    assert seen(scene, claim) == Seen("suspended", (1, 1, 1), 0)
    scene.log.add(answering(scene.world, finding))
    scene.corrected(c.Reinstate, claim)
    assert seen(scene, claim) == Seen("under-review", (1, 1, 1), 0)


@pytest.mark.parametrize("supersedes", [True, False], ids=["superseded", "withdrawn"])
def test_an_ended_claim_is_answered_for_and_its_findings_are_closed(scene: Scene, supersedes: bool) -> None:
    claim = scene.claimed()
    finding = raised(scene, claim)
    new = scene.claimed(supersedes=claim) if supersedes else None
    if new is None:
        scene.corrected(c.Withdraw, claim)
    status = "superseded" if supersedes else "withdrawn"
    assert seen(scene, claim) == Seen(status, (1, 1, 1), 0)
    scene.log.add(answering(scene.world, finding))
    scene.log.add(closing(scene.world, finding))
    assert seen(scene, claim) == Seen(status, (1, 0, 0), 0)
    if new is not None:
        # A new statement is a new matter: what was found on the old one is seen there, and does not bind here.
        assert seen(scene, new) == Seen("submitted", (0, 0, 0), 0)
        scene.attested(new)


def test_late_is_a_label_of_a_read_and_nothing_in_the_log(scene: Scene) -> None:
    claim = scene.claimed()
    finding = raised(scene, claim)
    due_ms = START_MS + 60 * DAY_MS
    assert [shown(known(scene, finding), now_ms=due_ms + by).overdue for by in (0, 1)] == [False, True]
    assert shown(known(scene, finding), now_ms=due_ms).deadline == "2026-11-20T14:13:20.000Z"
    scene.log.recorded_at_ms = due_ms + 1000 * DAY_MS
    scene.log.add(answering(scene.world, finding))
    answered = known(scene, finding)
    assert (answered.status, answered.deadline_ms) == ("answered", due_ms)
    assert not shown(answered, now_ms=due_ms + 2000 * DAY_MS).overdue


def test_a_round_is_due_by_the_policy_of_the_entry_that_opened_it(scene: Scene) -> None:
    finding = raised(scene, scene.claimed())
    scene.log.add(answering(scene.world, finding))
    policy = scene.world.programme_subject().policy
    scene.log.add(scene.world.programme(version=2, policy=msgspec.structs.replace(policy, findings_days=7)))
    assert known(scene, finding).deadline_ms == START_MS + 60 * DAY_MS
    scene.log.add(insisting(scene.world, finding, 2))
    assert known(scene, finding).deadline_ms == START_MS + 7 * DAY_MS


def test_a_certificate_issued_as_of_before_a_finding_is_stale(scene: Scene) -> None:
    claim = scene.verified()
    late = scene.issue((claim,))
    raised(scene, claim, "FAR", by="verifier2")
    with pytest.raises(Conflict) as refused:
        scene.log.add(late)
    assert refused.value.code == "stale"
    scene.issued((claim,))
    assert seen(scene, claim).current == int(FULL.replace(".", ""))
