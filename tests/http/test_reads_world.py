"""A log in which every filter of every list has something to tell apart, on disk and folded into plain dicts.

Source: DESIGN 6.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ledger.core.entry import decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import open_jws
from ledger.domain import records
from ledger.domain.memory import MemoryState
from ledger.domain.period import format_day, parse_day
from ledger.domain.rules import decide
from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import methodology as f
from ledger.domain.statements import programme as p
from ledger.domain.statements import read_statement
from ledger.domain.statements import report as r
from ledger.domain.view import Position
from ledger.errors import LedgerError, Refused
from ledger.service.found import found_ledger
from ledger.service.ledger import Ledger
from tests.domain.scene import Scene
from tests.ledgers import LogSigner, fixed_clock, require_whole
from tests.logwriter import LogWriter
from tests.world import World, reference_to

OPERATOR, ACCREDITOR = ("operator", "operator:operator"), ("accreditor", "accreditor:accreditor")
DAYS = [parse_day("2024-01-01") + 40 * step for step in range(20)]


def fold(entries: list[bytes]) -> MemoryState:
    """The state that the entries give, in plain dicts."""
    log = LogWriter(World())
    log.leaves = [leaf_hash(raw) for raw in entries]
    state = MemoryState(root=log._root)
    for raw, leaf in zip(entries, log.leaves, strict=True):
        entry = decode_entry(raw)
        position = Position(entry.index, entry.recorded_at_ms, leaf.hex())
        state.apply(decide(state, position, read_statement(open_jws(entry.statement))))
    return state


def recorded(directory: Path, statements: list[bytes]) -> Ledger:
    """A real ledger to which all of this was submitted; what the rules refuse is not in it."""
    ledger = found_ledger(directory, statements[0], signer=LogSigner(), clock=fixed_clock)
    # One by one: a certificate names the root that the entries before it gave, which must be committed.
    for statement in statements[1:]:
        (answer,) = ledger.writer.append([statement])
        assert not isinstance(answer, LedgerError) or isinstance(answer, Refused), answer
    return ledger


def adopted(scene: Scene, version: int, kind: m.ClaimKind) -> f.Methodology:
    """A figure taken over from a registry, which holds in any country."""
    return scene.world.grid_subject(
        id="adopted",
        version=version,
        family="registry-adoption",
        sector="all-sectors",
        kind=kind,
        quality="reported",
        inputs={"issued": f.Input("tCO2e")},
        factors={},
        baseline=(f.Term("1", (f.Power("issued", 1),)),),
        project=(),
        gwp_set=None,
        title='Adopted, "family":"grid-electricity" and "kind":"removal"',
    )


def varied() -> Scene:
    """A log in which every filter has something to tell apart."""
    scene, chance = Scene({"quorum_high_from_t": 2_000}), random.Random(3)
    world, log = scene.world, scene.log
    log.add_all(world.founding())
    log.add(world.party("broker", ("partner",), owner="carrier"))
    log.add(world.factor_set(version=2))
    log.add(world.methodology(world.grid_subject(id="planting", kind="removal", family="forests", sector="land")))
    log.add_all(world.methodology(adopted(scene, version, kind)) for version, kind in ((1, "avoided"), (2, "removal")))
    log.add(
        world.state(
            "Target", r.Neutrality("neutral", 1, "Neutral", ("1",), "2021-01-01", "2031-01-01", "0.000"), OPERATOR
        )
    )
    log.add(world.accreditation("verifier2", families=("forests",), sectors=("energy",)))
    log.add(world.accreditation("verifier2", families=("forests",), sectors=("land",), until="2026-09-01"))
    claims = [made(scene, chance, number) for number in range(90)]
    opinions = []
    for claim in claims:
        verifier, opinion = (
            chance.choice(("verifier", "verifier2")),
            chance.choice(("modified", "disclaimed", "adverse")),
        )
        amount = "1000.000" if opinion == "modified" else "0.000"
        if chance.random() < 0.6:
            attempt(scene, lambda: opinions.append(scene.attested(claim, amount, verifier=verifier, opinion=opinion)))
    for target in chance.sample(opinions, 8):
        scene.corrected(c.Revoke, target)
    for shape in (c.Withdraw, c.Suspend):
        for target in chance.sample(claims, 6):
            attempt(scene, lambda: scene.corrected(shape, target))
    for number in ("TEST-1", "TEST-2"):
        log.add(certificate(scene, number))
    log.add(world.state("Certificate", r.RevokeCertificate("TEST-1", "A test."), OPERATOR))
    (grant, *_) = log.state.accreditations_of(world.party_id("verifier2"))
    log.add(world.state("Accreditation", p.AccreditationSuspend(grant.id, "A test."), ACCREDITOR))
    return scene


def attempt(scene: Scene, act: Callable[[], Any]) -> None:
    """Do it, unless the rules refuse."""
    try:
        act()
    except Refused:
        assert scene.log.entries


def certificate(scene: Scene, number: str) -> bytes:
    """A certificate about all that counts in 2024 and 2025."""
    issued = read_statement(open_jws(scene.issue())).subject
    cells = [one for one in scene.log.state.cells(dimension="all", value="") if one.grams]
    rows: dict[tuple[str, str, str], tuple[int, int]] = {}
    for one in cells:
        key = (one.cell.scope, one.cell.kind, one.cell.lever)
        grams, count = rows.get(key, (0, 0))
        rows[key] = (grams + one.grams, count + one.claims)
    figures = tuple(r.TotalRow(*key, f"{grams // 1000}.000", count) for key, (grams, count) in sorted(rows.items()))
    total, claims = sum(grams for grams, _ in rows.values()), sum(count for _, count in rows.values())
    totals = r.CertificateTotals(f"{total // 1000}.000", claims, figures)
    period = c.Days("2024-01-01", "2027-01-01")
    subject = msgspec.structs.replace(issued, number=number, totals=totals, period=period)
    return scene.world.state("Certificate", subject, OPERATOR)


def made(scene: Scene, chance: random.Random, number: int) -> m.Reference:
    """A claim unlike the others."""
    start = chance.choice(DAYS)
    changes: dict[str, Any] = {
        "start": format_day(start),
        "end": format_day(start + chance.choice((1, 40, 100))),
        "lever": chance.choice(("clean-energy", "logistics")),
        "programme_scope": chance.choice(("1", "3+")),
        "counted_by": (f"meter:{number}",),
    }
    formula = chance.choice(("grid-displacement", "planting", "adopted"))
    changes["methodology"] = m.DocumentRef(formula, 1)
    if formula == "adopted":
        registry = chance.choice(("Verra", "Gold Standard", "none%"))
        changes |= {
            "methodology": m.DocumentRef(formula, chance.choice((1, 2))),
            "country": chance.choice(("DE", "CN", "FR")),
            "inputs": {"issued": c.InputValue("1000", "tCO2e")},
            "quantification": c.Quantification("1000000.000", "0.000", "0.000", "0.000", "1000000.000"),
            "issued_elsewhere": c.IssuedElsewhere(registry, f"P-{number}", True),
        }
    return reference_to(scene.log.add(scene.world.claim(chance.choice(("carrier", "plant")), **changes)))


class Kept:
    """The varied log on disk, and what brute force knows of it."""

    def __init__(self, directory: Path) -> None:
        self.scene = varied()
        self.ledger = recorded(directory, [decode_entry(raw).statement for raw in self.scene.log.entries])
        self.entries = require_whole(self.ledger)
        self.state = fold(self.entries)


def test_the_log_on_disk_is_the_one_that_was_written(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "log")
    with kept.ledger:
        assert kept.entries == kept.scene.log.entries
    for shape in (records.ClaimRecord, records.AccreditationRecord, records.CertificateRecord):
        assert kept.state.all(shape) == kept.scene.log.state.all(shape)
    assert {claim.status for claim in kept.state.all(records.ClaimRecord)} >= {
        *("submitted", "under-review", "verified", "not-verified", "withdrawn", "suspended"),
    }
