"""Random histories: whatever is tried, in whatever order, the books balance after every step.

Covers THREATS D08 to D25 (state machine), L20; RULES 4 and 5.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.codes import REMEDIES
from ledger.core.jws import OpenedJws, Signature, open_jws
from ledger.domain.memory import MemoryState
from ledger.domain.records import ClaimRecord, CountedRecord, FindingRecord, RunningRecord
from ledger.domain.rules import decide
from ledger.domain.statements import read_statement
from ledger.domain.totals import CellSum, cells_of, merge, party_grams
from ledger.domain.view import Position
from ledger.errors import LedgerError
from tests.domain.game import Game, Step, histories
from tests.world import START_MS


def check_books(state: MemoryState) -> None:
    """Everything that must hold at every index, by brute force over the claims."""
    claims = state.all(ClaimRecord)
    for claim in claims:
        assert claim.verified_g == claim.current_g + claim.reversed_g
        assert 0 <= claim.current_g <= claim.verified_g <= claim.stated_g
        assert sum(party_grams(claim).values()) == claim.current_g
    expected = merge(one for claim in claims for one in cells_of(claim))
    for dimension, values in {"all": [""], "country": ["DE"], "registry": ["none"]}.items():
        held = {one.cell: one for value in values for one in state.cells(dimension=dimension, value=value)}  # type: ignore[arg-type]
        wanted: dict[object, CellSum] = {
            cell: one for cell, one in expected.items() if cell.dimension == dimension and one.grams
        }
        assert held == wanted
    for claim in claims:
        findings = [one for one in state.all(FindingRecord) if one.claim == claim.id]
        not_closed = [one for one in findings if one.status != "closed"]
        counted = (claim.findings, claim.open_findings, claim.open_cars)
        assert counted == (len(findings), len(not_closed), sum(one.type == "CAR" for one in not_closed))
        if claim.status in ("submitted", "under-review"):
            assert (claim.status == "under-review") == bool(claim.attestations or not_closed)
    for one in state.all(FindingRecord):
        assert len(one.responses) in (one.round - 1, one.round)
        assert one.status == "closed" or (len(one.responses) == one.round) == (one.status == "answered")
    live = [one for one in state.all(CountedRecord) if one.live]
    for one in live:
        for other in live:
            if one is not other and one.uri == other.uri:
                assert one.end_day <= other.start_day or other.end_day <= one.start_day
    holding = {one.claim for one in live}
    for claim in claims:
        assert (claim.id in holding) == (claim.status not in ("withdrawn", "superseded"))
    for running in state.all(RunningRecord):
        assert running.stated_g == sum(
            claim.stated_g for claim in claims if claim.id in holding and running.claimant in ("", claim.claimant)
        )


@settings(max_examples=100)
@given(histories())
def test_the_books_balance_after_every_step(steps: list[Step]) -> None:
    game = Game()
    for step in steps:
        game.step(*step)
        check_books(game.log.state)
    assert game.codes <= REMEDIES.keys()


GOOD = Game()
GOOD.step("claim", 0, 0)
GOOD.step("attest", 0, 1000)
STATEMENTS = [open_jws(raw[raw.index(b'"statement":"') + 13 : -2]) for raw in GOOD.log.entries]


@settings(max_examples=400)
@given(st.sampled_from(STATEMENTS), st.data())
def test_any_payload_gives_a_decision_or_a_known_code(opened: OpenedJws, data: st.DataObject) -> None:
    """`decide` is total: bytes flipped, cut or put in give changes or a code, never another exception."""
    payload = bytearray(opened.payload)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(payload) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "digit", "insert"]))
        if kind == "flip":
            payload[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut" and len(payload) > 1:
            del payload[at]
        elif kind == "digit" and chr(payload[at]).isdigit():
            payload[at] = ord(str(data.draw(st.integers(0, 9))))
        else:
            payload[at:at] = data.draw(st.binary(min_size=1, max_size=3))
    touched = OpenedJws(bytes(payload), tuple(Signature(one.kid, b"", b"") for one in opened.signatures))
    code = "accepted"
    try:
        decide(GOOD.log.state, Position(100, START_MS, "0" * 64), read_statement(touched))
    except LedgerError as error:
        code = error.code
    assert code == "accepted" or code in REMEDIES
