"""Signed statements of a dialogue about a claim: findings, answers, further rounds."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.domain.statements import claim as c
from ledger.domain.statements import finding as d
from ledger.domain.statements import members as m
from tests.world import World


def raising(
    world: World, claim: m.Reference, type: d.FindingType = "CAR", *, by: str = "verifier", **other: Any
) -> bytes:
    """A finding on a claim."""
    subject = d.RaiseFinding(claim, type, "The readings stop in March", "Where are the others?", ())
    return _said(world, msgspec.structs.replace(subject, **other), by)


def insisting(world: World, finding: m.Reference, round: int, *, by: str = "verifier") -> bytes:
    """The next round of a finding."""
    return _said(world, d.InsistFinding(finding, round, "That is the same file again."), by)


def closing(world: World, finding: m.Reference, *, by: str = "verifier") -> bytes:
    """The end of a finding."""
    return _said(world, d.CloseFinding(finding, "The readings are whole now."), by)


def answering(world: World, finding: m.Reference, round: int = 1, *, by: str = "carrier", **other: Any) -> bytes:
    """An answer to a finding, with one more file."""
    subject = d.Response(finding, round, "Here they are.", (evidence(round),))
    return world.state("Response", msgspec.structs.replace(subject, **other), (by, f"{by}:claimant"))


def evidence(number: int, **other: Any) -> c.Evidence:
    """A file that came with an answer."""
    one = c.Evidence(
        digest=f"{number:064x}",
        salted=False,
        media_type="text/csv",
        size=100,
        title="The rest of the readings",
        role="activity-data",
        collected_by="carrier",
        collected_at="2026-02-01T00:00:00Z",
        derived_from=(),
    )
    return msgspec.structs.replace(one, **other)


def _said(world: World, subject: m.Subject, by: str) -> bytes:
    return world.state("Finding", subject, (by, f"{by}:verifier"))
