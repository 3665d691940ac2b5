"""A log in which every filter of every list has something to tell apart, on disk and folded into plain dicts.

Source: DESIGN 6.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from ledger.core.entry import decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import open_jws
from ledger.domain.memory import MemoryState
from ledger.domain.period import format_day, parse_day
from ledger.domain.records import ClaimRecord
from ledger.domain.rules import decide
from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import methodology as f
from ledger.domain.statements import programme as p
from ledger.domain.statements import read_statement
from ledger.domain.statements import report as r
from ledger.domain.totals import Decision
from ledger.domain.units import format_kg
from ledger.domain.view import Position
from ledger.errors import LedgerError, Refused
from ledger.service.found import found_ledger
from ledger.service.ledger import Ledger
from tests.cast import PURPOSES, public
from tests.domain.scene import OPERATOR, REGISTRAR, Scene
from tests.ledgers import LogSigner, fixed_clock, reopen, require_whole
from tests.logwriter import LogWriter
from tests.world import World, reference_to

ACCREDITOR = ("accreditor", "accreditor:accreditor")
DAYS = [parse_day("2024-01-01") + 40 * step for step in range(20)]
CLAIMS = 96
# What becomes of a claim, in turn; whoever may not be attested stays as it was submitted.
FATES = (
    *("verified", "part", "none", "adverse", "disclaimed", "verified", "revoked", "none"),
    *("reversed", "lost", "suspended", "reinstated", "withdrawn", "superseded", "none", "again"),
)


def fold(
    entries: list[bytes],
    note: Callable[[int, Decision], None] = lambda index, decision: None,
) -> MemoryState:
    """The state that the entries give, in plain dicts; `note` is told what each of them changed.

    They need not be all of a log, as long as no certificate is among them.
    """
    log = LogWriter(World())
    log.leaves = [leaf_hash(raw) for raw in entries]
    state = MemoryState(root=log._root)
    for raw, leaf in zip(entries, log.leaves, strict=True):
        entry = decode_entry(raw)
        position = Position(entry.index, entry.recorded_at_ms, leaf.hex())
        decision = decide(state, position, read_statement(open_jws(entry.statement)))
        note(entry.index, decision)
        state.apply(decision)
    return state


def recorded(directory: Path, statements: list[bytes], *, database: str | None = None) -> Ledger:
    """A real ledger to which all of this was submitted; what the rules refuse is not in it."""
    ledger = found_ledger(directory, statements[0], signer=LogSigner(), database=database, clock=fixed_clock)
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


def enrolled(scene: Scene, name: str, role: m.Role, *, owner: str | None = None, **changes: Any) -> bytes:
    """A party with a country and a part in the value chain."""
    subject = msgspec.structs.replace(scene.world.party_subject(name, (role,), owner=owner), **changes)
    return scene.world.state("Party", subject, REGISTRAR, [(name, f"{name}:{role}")])


def documents(scene: Scene) -> list[bytes]:
    """Parties, formulas, targets and grants beside those of the small world."""
    world = scene.world
    neutral = r.Neutrality("neutral", 1, "Neutral", ("1",), "2021-01-01", "2031-01-01", "0.000")
    other = r.Intensity("intensity", 1, "Half", ("3",), "2021-01-01", "2031-01-01", base_year=2020, goal_ppm=500_000)
    factors = read_statement(open_jws(world.factor_set())).subject
    own = msgspec.structs.replace(factors, id="own-grid", version=1, title="Another's")
    author = m.KeyUse(public("institute:methodologist"), PURPOSES["methodologist"])
    institute = msgspec.structs.replace(
        world.party_subject("institute", ("methodologist",)), keys=(author,), country="CN", ecosystem_role="research"
    )
    grant = read_statement(open_jws(world.accreditation("verifier", sectors=("waste",)))).subject
    signer = ("institute", "institute:methodologist")
    planting = world.grid_subject(id="planting", kind="removal", family="forests", sector="land")
    return [
        enrolled(scene, "broker", "partner", owner="carrier", country="FR", ecosystem_role="brand"),
        enrolled(scene, "shop", "claimant", country=None, ecosystem_role="merchant"),
        enrolled(scene, "accreditor2", "accreditor", country="CN", ecosystem_role="accreditation-body"),
        world.state("Party", institute, REGISTRAR, [signer]),
        world.factor_set(version=2),
        world.state("FactorSet", own, signer),
        world.methodology(planting),
        world.state("Methodology", world.grid_subject(id="theirs"), signer, [ACCREDITOR]),
        world.methodology(adopted(scene, 1, "avoided")),
        world.methodology(adopted(scene, 2, "removal")),
        world.state("Target", neutral, OPERATOR),
        world.state("Target", other, OPERATOR),
        world.accreditation("verifier2", families=("forests",), sectors=("energy",)),
        world.accreditation("verifier2", families=("forests",), sectors=("land",), until="2026-09-01"),
        world.state("Accreditation", grant, ("accreditor2", "accreditor2:accreditor")),
    ]


def varied() -> Scene:
    """A log in which every filter has something to tell apart."""
    scene, chance = Scene({"quorum_high_from_t": 4_000}), random.Random(3)
    scene.log.add_all(scene.world.founding())
    scene.log.add_all(documents(scene))
    kept: list[m.Reference] = []
    for number in range(CLAIMS):
        claimant, changes = drawn(chance, number)
        claim = reference_to(scene.log.add(scene.world.claim(claimant, **changes)))
        fate = FATES[number % len(FATES)] if changes["methodology"].id != "planting" else "none"
        if meet(scene, claim, fate, claimant, changes):
            kept.append(claim)
    scene.log.add(certificate(scene, "TEST-1"))
    scene.log.add(certificate(scene, "TEST-2"))
    scene.log.add(certificate(scene, "TEST-3", kept[:2]))
    scene.log.add(certificate(scene, "TEST-4", kept[2:4]))
    scene.log.add(scene.world.state("Certificate", r.RevokeCertificate("TEST-1", "A test."), OPERATOR))
    scene.corrected(c.Suspend, kept[2])  # what TEST-4 rests on is not what it was
    (grant, *_) = scene.log.state.accreditations_of(scene.world.party_id("verifier2"))
    scene.log.add(scene.world.state("Accreditation", p.AccreditationSuspend(grant.id, "A test."), ACCREDITOR))
    return scene


def drawn(chance: random.Random, number: int) -> tuple[str, dict[str, Any]]:
    """A claim unlike the others: its claimant, and what it says."""
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
    return chance.choice(("carrier", "plant")), changes


def meet(scene: Scene, claim: m.Reference, fate: str, claimant: str, changes: dict[str, Any]) -> bool:
    """Let a claim meet its fate; whether all of it counts in the end."""
    opinions = []
    if fate in ("verified", "part", "adverse", "disclaimed", "revoked", "reversed", "lost", "reinstated", "again"):
        opinions = attested(scene, claim, fate)
    if fate in ("revoked", "again"):
        scene.corrected(c.Revoke, opinions[0])
    if fate == "again":
        attested(scene, claim, "again", only=1)
    if fate in ("reversed", "lost"):
        counts = state_of(scene, claim).current_g
        scene.corrected(c.Reverse, claim, amount=format_kg(counts if fate == "lost" else counts // 3))
    if fate in ("suspended", "reinstated"):
        scene.corrected(c.Suspend, claim)
    if fate == "reinstated":
        scene.corrected(c.Reinstate, claim)
    if fate == "withdrawn":
        scene.corrected(c.Withdraw, claim)
    if fate == "superseded":
        scene.claimed(claimant, **{**changes, "supersedes": claim, "title": "Measured again"})
    return fate in ("verified", "reinstated") and claimant == "carrier"


def attested(scene: Scene, claim: m.Reference, fate: str, *, only: int | None = None) -> list[m.Reference]:
    """As many opinions as the claim needs, each for all of it, a part or nothing."""
    record = state_of(scene, claim)
    amount, opinion = format_kg(record.stated_g), "unmodified"
    if fate == "part":
        amount, opinion = "1000.000", "modified"
    elif fate in ("adverse", "disclaimed"):
        amount, opinion = "0.000", fate
    verifiers = ("verifier", "verifier2") if record.index % 2 else ("verifier2", "verifier")
    return [
        scene.attested(claim, amount, verifier=verifier, opinion=opinion, recomputed=format_kg(record.stated_g))
        for verifier in verifiers[: only or record.quorum]
    ]


def state_of(scene: Scene, claim: m.Reference) -> ClaimRecord:
    """What counts of a claim now."""
    record = scene.log.state.get(ClaimRecord, claim.id)
    assert record is not None
    return record


def certificate(scene: Scene, number: str, claims: list[m.Reference] | None = None) -> bytes:
    """About all that counts in 2024 to 2026, or about these claims of the carrier."""
    if claims is None:
        cells = [one for one in scene.log.state.cells(dimension="all", value="") if one.grams]
        lines = [(one.cell.scope, one.cell.kind, one.cell.lever, one.grams, one.claims) for one in cells]
    else:
        found = [state_of(scene, claim) for claim in claims]
        lines = [(one.scope, one.kind, one.lever, one.current_g, 1) for one in found]
    rows: dict[tuple[str, str, str], tuple[int, int]] = {}
    for scope, kind, lever, grams, count in lines:
        held = rows.get((scope, kind, lever), (0, 0))
        rows[(scope, kind, lever)] = (held[0] + grams, held[1] + count)
    figures = tuple(r.TotalRow(*key, format_kg(grams), count) for key, (grams, count) in sorted(rows.items()))
    total, count = sum(line[3] for line in lines), sum(line[4] for line in lines)
    return scene.issue(
        tuple(claims or ()),
        number=number,
        holder=scene.world.party_id("operator" if claims is None else "carrier"),
        totals=r.CertificateTotals(format_kg(total), count, figures),
        period=c.Days("2024-01-01", "2027-01-01"),
    )


def statements_of(scene: Scene) -> list[bytes]:
    """What was said, entry by entry."""
    return [decode_entry(raw).statement for raw in scene.log.entries]


@cache
def _recorded_once() -> tuple[Scene, TemporaryDirectory[str]]:
    """The varied log, recorded statement by statement in a folder that lives as long as the tests."""
    scene, folder = varied(), TemporaryDirectory()
    recorded(Path(folder.name) / "log", statements_of(scene)).close()
    return scene, folder


class Kept:
    """A copy of the varied log on disk, and what brute force knows of it."""

    def __init__(self, directory: Path) -> None:
        self.scene, folder = _recorded_once()
        shutil.copytree(Path(folder.name) / "log", directory)
        self.ledger = reopen(directory)
        self.entries = require_whole(self.ledger)
        self.state = fold(self.entries)
