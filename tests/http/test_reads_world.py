"""The varied log is what the other tests of reading rest on: the same on disk and in memory, and truly varied."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from ledger.domain import records
from ledger.store.tables import RECORDS
from tests.http.varied import Kept


def test_the_log_on_disk_is_the_one_that_was_written(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "log")
    with kept.ledger:
        assert kept.entries == kept.scene.log.entries
    for shape in RECORDS:
        assert kept.state.all(shape) == kept.scene.log.state.all(shape)


def test_every_state_of_a_claim_is_there_more_than_once(tmp_path: Path) -> None:
    with (kept := Kept(tmp_path / "log")).ledger:
        claims = kept.state.all(records.ClaimRecord)
    found = [claim.status for claim in claims]
    assert {status for status in get_args(records.ClaimStatus) if found.count(status) > 1} == set(
        get_args(records.ClaimStatus)
    )
    assert {claim.quorum for claim in claims} == {1, 2}
