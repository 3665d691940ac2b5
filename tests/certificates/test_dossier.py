"""A dossier is judged by the same rule book as the log, and gives what the page shows. R11, R16."""

from __future__ import annotations

import pytest

from ledger.domain.dossier import ASSUMED_ROOT, fold
from ledger.domain.facts import page_facts
from ledger.domain.goals import progress
from ledger.domain.records import TargetRecord
from ledger.errors import LedgerError
from tests.certificates.dossiers import Log, Made
from tests.world import ROLES, START_MS, World, reference_to


@pytest.fixture(scope="module")
def made() -> Made:
    log = Log()
    return log.certify([log.verified_claim(), log.verified_claim(start="2025-04-01", end="2025-07-01", energy="77")])


def refusal(entries: dict[int, bytes]) -> str:
    with pytest.raises(LedgerError) as caught:
        fold(entries)
    return caught.value.code


def test_facts_of_a_certificate(made: Made) -> None:
    dossier = fold(made.entries)
    facts = page_facts(dossier, made.checkpoint)
    assert facts.number == "GT-2026-000417"
    assert facts.holder == "Carrier Ltd"
    assert [claim.amount_g for claim in facts.claims] == [499_000_000, 37_500_000]
    assert facts.total_g == 536_500_000
    assert (facts.first_day, facts.last_day) == ("2025-01-01", "2025-12-31")
    assert facts.verifiers == (("Verifier Ltd", "reasonable"),)
    assert facts.goal_g == 1_500_000_000_000_000
    assert facts.qr_text.endswith(f"/certificates/GT-2026-000417#{facts.index}.{facts.entry_hash}")
    assert facts.size == len(made.entries)
    assert ASSUMED_ROOT in dossier.assumed


def test_a_sparse_dossier_folds_like_the_whole_log() -> None:
    """R16: only what the certificate rests on is needed; other claims and parties are left out."""
    log = Log()
    wanted = log.verified_claim()
    log.verified_claim("plant")
    log.append(log.world.party("other", ("claimant",)))
    whole = log.certify([wanted])
    spare = {len(ROLES), len(whole.entries) - 2, len(whole.entries) - 3, len(whole.entries) - 4}
    sparse = {index: raw for index, raw in whole.entries.items() if index not in spare}
    assert page_facts(fold(sparse), whole.checkpoint) == page_facts(fold(whole.entries), whole.checkpoint)


def test_each_missing_entry_that_matters_is_missed(made: Made) -> None:
    """Without any one entry that the certificate rests on, the rule book refuses another."""
    idle = {4, 6, 8, 11}  # verifier2, plant, verifier2's grant and the goal carry no other entry
    for index in sorted(set(made.entries) - idle):
        assert refusal({other: raw for other, raw in made.entries.items() if other != index})


def test_an_entry_of_another_log_does_not_fit(made: Made) -> None:
    """R11: the dossier of another log, in part or in its first entry."""
    other = Log(World(origin="other.example/log"))
    reference = other.verified_claim()
    theirs = other.certify([reference, other.verified_claim(start="2025-04-01", end="2025-07-01")])
    assert refusal({**made.entries, 0: theirs.entries[0]}) == "bad_dossier"
    assert refusal({**theirs.entries, len(made.entries) - 1: made.entries[len(made.entries) - 1]}) == "bad_dossier"


def test_an_entry_at_another_place_is_refused(made: Made) -> None:
    moved = dict(made.entries)
    moved[3], moved[4] = moved[4], moved[3]
    assert refusal(moved) == "bad_dossier"


def test_a_dossier_that_ends_without_certificate_is_refused(made: Made) -> None:
    entries = dict(made.entries)
    del entries[max(entries)]
    assert refusal(entries) == "bad_dossier"
    assert refusal({}) == "bad_dossier"


def test_a_forged_signature_is_found(made: Made) -> None:
    index = max(made.entries)
    raw = made.entries[index]
    forged = raw[:-5] + (b"A" if raw[-5:-4] != b"A" else b"B") + raw[-4:]
    assert refusal({**made.entries, index: forged}) == "bad_signature"


def test_a_total_is_taken_as_stated_and_said_so() -> None:
    log = Log()
    reference = log.verified_claim()
    made = log.certify([reference])
    assert reference_to(made.entries[max(made.entries)]).index == max(made.entries)
    assert len(fold(made.entries).assumed) == 2


@pytest.mark.parametrize(("both", "part_g"), [(False, 0), (True, 499_000_000)])
def test_years_outside_the_goal_are_no_share_of_it(both: bool, part_g: int) -> None:
    """A claim of 2019 counts towards no goal that begins in 2021: the page says what `gigaton goals` says."""
    log = Log(World(period_age_days_max=30 * 366))
    claims = [log.verified_claim(start="2019-01-01", end="2019-07-01")]
    if both:
        claims.append(log.verified_claim(start="2025-01-01", end="2025-04-01"))
    made = log.certify(claims, start="2019-01-01")
    goal = progress(log.state.all(TargetRecord)[0], log.state.cells(dimension="all", value=""), now_ms=START_MS)
    assert (page_facts(fold(made.entries), made.checkpoint).goal_part_g, goal.achieved_g) == (part_g, part_g)
