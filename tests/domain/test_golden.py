"""A log from before there were findings gives the same state, to the byte, as the rule book gave it then.

Source: RULES, first section (golden logs); the digests were taken with the rule book before it knew findings.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from ledger.domain.statements import claim as c
from ledger.domain.totals import CellSum
from ledger.store.tables import RECORDS
from tests.domain.scene import FULL, Scene

ROOT = "905b19c568a1eb6dde07d18d0efc11b964fb36517430a9850166f14bb838349e"
STATE = "9bac769d2f93d993789cd332a62312e36112efaafb6c7e0430579e298220b7e7"

# Members of records that came later, with what they must be where nothing of their kind was recorded.
LATER: dict[str, dict[str, Any]] = {"ClaimRecord": {"findings": 0, "open_findings": 0, "open_cars": 0}}


def lived() -> Scene:
    """A log in which every kind and every correction occurs, and claims in every state."""
    scene = Scene({"quorum_high_from_t": 2_000})
    scene.log.add_all(scene.world.founding())
    claims = [
        scene.claimed(start=f"2025-{month:02}-01", end=f"2025-{month + 1:02}-01", counted_by=(f"meter:{month}",))
        for month in range(1, 11)
    ]
    verified, attested, adverse, lost, revoked, suspended, back, withdrawn, superseded, _ = claims
    scene.attested(verified)
    scene.attested(attested, "0.000", opinion="disclaimed")
    scene.attested(adverse, "0.000", opinion="adverse", verifier="verifier2")
    scene.attested(lost, "300000.000", opinion="modified")
    scene.corrected(c.Reverse, lost, amount="100000.000")
    scene.corrected(c.Reverse, lost, amount="200000.000")
    scene.corrected(c.Revoke, scene.attested(revoked))
    for claim in (suspended, back):
        scene.attested(claim)
        scene.attested(claim, FULL, verifier="verifier2")
        scene.corrected(c.Suspend, claim)
    scene.corrected(c.Reinstate, back)
    scene.corrected(c.Withdraw, withdrawn)
    scene.claimed(supersedes=superseded, start="2025-09-01", end="2025-10-01", counted_by=("meter:9",))
    scene.issued((verified,))
    return scene


def plain(record: Any) -> dict[str, Any]:
    """A record as it was before later members came."""
    told: dict[str, Any] = msgspec.to_builtins(record)
    for name, value in LATER.get(type(record).__name__, {}).items():
        assert told.pop(name) == value
    return told


def test_the_same_entries_give_the_same_state() -> None:
    log = lived().log
    assert log._root(len(log.entries)).hex() == ROOT
    records = {
        shape.__name__: sorted((plain(one) for one in log.state.all(shape)), key=str)
        for shape in RECORDS
        if log.state.all(shape)
    }
    held = [one for cells in log.state._sums.values() for one in cells.values()]
    cells: list[CellSum] = sorted(one for one in held if one.cell.dimension != "status")  # which came later
    said = msgspec.json.encode([records, cells], order="sorted")
    assert sha256(said).hexdigest() == STATE
