"""A small world for tests: parties with keys from seeds, and signed statements in the order of a birth.

Pure: nothing but the byte and domain rooms and a signature library. The same
calls give the same bytes, so logs made here can be compared.

    world = World()
    log = [*world.founding(), world.claim("carrier", start="2025-01-01", end="2025-04-01")]
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec

from ledger.core.hashing import leaf_hash
from ledger.core.jws import Kid, approve, open_jws, sign_statement
from ledger.core.note import Vkey
from ledger.domain.quantify import compile_formula, estimate
from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import methodology as f
from ledger.domain.statements import programme as p
from ledger.domain.statements import read_statement, write_payload
from ledger.domain.statements import report as r
from ledger.domain.units import format_kg
from tests.cast import DEFAULT_POLICY, PURPOSES, ROLES, key_of, public, sign_with

ORIGIN = "ledger.example/log"
HOST = "https://ledger.example"
START_MS = 1_790_000_000_000  # 2026-09-21: every claim of the tests lies before it


class World:
    """One programme and its parties. `policy` members may be replaced by keyword."""

    def __init__(self, *, origin: str = ORIGIN, roots: int = 3, threshold: int = 2, **policy: Any) -> None:
        self.origin = origin
        self.roots, self.threshold = roots, threshold
        self.policy = msgspec.structs.replace(DEFAULT_POLICY, **policy)
        self.ledger = origin
        self._count = 0

    # Names

    def party_id(self, name: str) -> str:
        """The id of a party by its short name."""
        return f"{HOST}/parties/{name}"

    @property
    def log_vkey(self) -> Vkey:
        """The log's verifier key; its private half is `key_of("log")`."""
        return Vkey.make(self.origin, bytes(key_of("log").verify_key))

    def next_id(self) -> str:
        """A fresh statement id of version 7, counted and not random."""
        self._count += 1
        digits = f"{self._count:012x}"
        return f"urn:uuid:019a0000-{digits[:4]}-7000-8000-{digits}"

    # Statements

    def state(
        self,
        kind: str,
        subject: m.Subject,
        by: tuple[str, str],
        approvals: Sequence[tuple[str, str]] = (),
        **other: Any,
    ) -> bytes:
        """A statement signed by (party, key name), then by each approval."""
        payload = write_payload(
            kind=kind,
            subject=subject,
            id=other.get("id") or self.next_id(),
            issuer=self.party_id(other.get("issuer", by[0])),
            ledger=other.get("ledger", self.ledger),
            valid_from="2026-09-01T00:00:00Z",
        )
        jws = sign_statement(payload, kid=self.kid(*by), sign=sign_with(by[1]))
        for party, key in approvals:
            jws = approve(jws, kid=self.kid(party, key), sign=sign_with(key))
        return jws

    def kid(self, party: str, key: str) -> Kid:
        """The kid of a party's key."""
        return Kid(self.party_id(party), bytes(key_of(key).verify_key))

    def programme_subject(self, *, version: int = 1, **changes: Any) -> p.Programme:
        """What entry 0 says."""
        subject = p.Programme(
            version=version,
            origin=self.origin,
            name="Test programme",
            base_url=HOST,
            operator=self.party_subject("operator", ("operator", "registrar")),
            formats=p.Formats(entry=1, statement=1, rules=1),
            root=p.RootKeys(keys=tuple(public(f"root{n}") for n in range(self.roots)), threshold=self.threshold),
            log_keys=(p.LogKey(vkey=str(self.log_vkey), from_size=0),),
            witnesses=(),
            policy=self.policy,
        )
        return msgspec.structs.replace(subject, **changes)

    def programme(self, **changes: Any) -> bytes:
        """Entry 0, signed by the threshold of roots. Tell the world what became of it with `founded`."""
        signers = [("operator", f"root{n}") for n in range(self.threshold)]
        return self.state("Programme", self.programme_subject(**changes), signers[0], signers[1:])

    def founded(self, entry: bytes) -> None:
        """From the bytes of entry 0 on, statements name this ledger."""
        self.ledger = f"{self.origin}#{leaf_hash(entry).hex()}"

    def party_subject(self, name: str, roles: tuple[m.Role, ...], *, owner: str | None = None) -> p.Party:
        """A party with one key a role; a verifier has a second one to review with."""
        keys = [m.KeyUse(key=public(f"{name}:{role}"), purposes=PURPOSES[role]) for role in roles]
        if "verifier" in roles:
            keys.append(m.KeyUse(key=public(f"{name}:review"), purposes=("review",)))
        return p.Party(
            id=self.party_id(name),
            legal_name=f"{name.capitalize()} Ltd",
            roles=roles,
            ultimate_owner=self.party_id(owner or name),
            keys=tuple(keys),
            country="DE",
        )

    def party(self, name: str, roles: tuple[m.Role, ...] | None = None, *, owner: str | None = None) -> bytes:
        """The enrolment of a party, with proof that it holds each key."""
        roles = roles or ROLES[name]
        keys = [f"{name}:{role}" for role in roles] + ([f"{name}:review"] if "verifier" in roles else [])
        subject = self.party_subject(name, roles, owner=owner)
        return self.state("Party", subject, ("operator", "operator:registrar"), [(name, key) for key in keys])

    def accreditation(self, verifier: str = "verifier", **changes: Any) -> bytes:
        """A grant to the attest key of a verifier."""
        subject = p.AccreditationGrant(
            verifier=self.party_id(verifier),
            keys=(public(f"{verifier}:verifier"),),
            standards=("ISO 14065", "ISO/IEC 17029"),
            families=("grid-electricity", "registry-adoption"),
            sectors=("energy", "all-sectors"),
            levels=("limited", "reasonable"),
            from_="2026-01-01",
            until="2028-01-01",
        )
        subject = msgspec.structs.replace(subject, **changes)
        return self.state("Accreditation", subject, ("accreditor", "accreditor:accreditor"))

    def factor_set(self, *, version: int = 1, value: str = "0.500") -> bytes:
        """Grid factors of two countries."""
        one = f.Factor(
            id="de-2024",
            value=value,
            unit="kgCO2e/kWh",
            gas_basis="CO2e",
            region="DE",
            year=2024,
            use="intervention",
            uncertainty_ppm=0,
            citation="A test, 2024",
            gwp_set="AR6",
        )
        two = msgspec.structs.replace(one, id="fr-2024", region="FR", value="0.050", use="inventory")
        subject = f.FactorSet(id="grid", version=version, title="Grid", factors=(one, two))
        return self.state("FactorSet", subject, ("methodologist", "methodologist:methodologist"))

    def grid_subject(self, **changes: Any) -> f.Methodology:
        """Grid electricity displacement with a leakage input."""
        subject = f.Methodology(
            id="grid-displacement",
            version=1,
            title="Grid electricity displacement",
            family="grid-electricity",
            sector="energy",
            kind="reduction",
            quality="computed",
            inputs={"energy": f.Input(unit="MWh"), "own": f.Input(unit="tCO2e")},
            factors={"grid": f.FactorUse(set="grid", version=1, factor="de-2024")},
            baseline=(f.Term("1", (f.Power("energy", 1), f.Power("grid", 1))),),
            project=(f.Term("1", (f.Power("own", 1),)),),
            leakage=(),
            gwp_set="AR6",
        )
        return msgspec.structs.replace(subject, **changes)

    def methodology(self, subject: f.Methodology | None = None) -> bytes:
        """A methodology with its accreditor's approval."""
        author = ("methodologist", "methodologist:methodologist")
        return self.state(
            "Methodology", subject or self.grid_subject(), author, [("accreditor", "accreditor:accreditor")]
        )

    def target(self, **changes: Any) -> bytes:
        """The 1.5 Gt goal."""
        subject = r.Cumulative(
            id="gigatonnes",
            version=1,
            title="1.5 gigatonnes by 2035",
            scopes=("3+",),
            kinds=("reduction", "avoided", "removal"),
            from_="2021-01-01",
            to="2036-01-01",
            goal="1500000000000.000",
        )
        return self.state("Target", msgspec.structs.replace(subject, **changes), ("operator", "operator:operator"))

    def founding(self) -> list[bytes]:
        """Every statement up to the first claim, in the order of a birth.

        Entry 0 must be recorded at `START_MS`, with nothing before it, as `tests.logwriter` and the fake clock do.
        """
        from ledger.core.entry import NO_PREVIOUS, Entry, encode_entry

        first = self.programme()
        self.founded(encode_entry(Entry(0, NO_PREVIOUS, START_MS, first)))
        return [
            first,
            *(self.party(name) for name in ROLES),
            self.accreditation("verifier"),
            self.accreditation("verifier2"),
            self.factor_set(),
            self.methodology(),
            self.target(),
        ]

    def claim_subject(
        self,
        claimant: str = "carrier",
        *,
        energy: str = "1000",
        start: str = "2025-01-01",
        end: str = "2025-04-01",
        **changes: Any,
    ) -> c.Claim:
        """A claim of grid displacement whose figures are right: 0.5 t a MWh."""
        inputs = {"energy": c.InputValue(energy, "MWh"), "own": c.InputValue("1", "tCO2e")}
        subject = c.Claim(
            title="Solar roof",
            lever="clean-energy",
            country="DE",
            programme_scope="3+",
            period=c.Days(start, end),
            methodology=m.DocumentRef("grid-displacement", 1),
            inputs=inputs,
            quantification=self.quantify(inputs),
            counted_by=(f"meter:{claimant}:1",),
            participants=(c.Participant(role="owner", scope="2", share_ppm=1_000_000, party=self.party_id(claimant)),),
            evidence=(
                c.Evidence(
                    digest=sha256(f"{claimant}{start}".encode()).hexdigest(),
                    salted=False,
                    media_type="text/csv",
                    size=100,
                    title="Meter readings",
                    role="activity-data",
                    collected_by=claimant,
                    collected_at="2026-01-01T00:00:00Z",
                    derived_from=(),
                ),
            ),
            issued_elsewhere="none",
            disclosure="open",
        )
        return msgspec.structs.replace(subject, **changes)

    def quantify(self, inputs: dict[str, c.InputValue]) -> c.Quantification:
        """The figures that the grid methodology gives for these inputs."""
        factor = msgspec.json.decode(
            b'{"id":"x","value":"0.500","unit":"kgCO2e/kWh","gas_basis":"CO2e","region":"DE",'
            b'"year":2024,"use":"intervention","uncertainty_ppm":0,"citation":"x"}',
            type=f.Factor,
        )
        result = estimate(compile_formula(self.grid_subject(), {"grid": factor}), inputs, deduction_above_ppm=100_000)
        figures = (
            result.baseline_g,
            result.project_g,
            result.leakage_g,
            result.deduction_g,
            max(0, result.reduction_g),
        )
        return c.Quantification(*(format_kg(figure) for figure in figures))

    def claim(self, claimant: str = "carrier", **changes: Any) -> bytes:
        """A signed claim; keywords as for `claim_subject`."""
        return self.state("Claim", self.claim_subject(claimant, **changes), (claimant, f"{claimant}:claimant"))

    def attest(self, reference: m.Reference, amount: str, *, verifier: str = "verifier", **changes: Any) -> bytes:
        """An attestation of a claim, approved by the verifier's reviewer."""
        subject = c.Attestation(
            claim=reference,
            opinion="unmodified",
            verified_reduction=amount,
            assurance="reasonable",
            materiality_ppm=50_000,
            recomputed=amount,
            evidence_checked=(),
            findings=(),
            conflict_of_interest="none",
            statement="Verified.",
        )
        subject = msgspec.structs.replace(subject, **changes)
        return self.state(
            "Attestation", subject, (verifier, f"{verifier}:verifier"), [(verifier, f"{verifier}:review")]
        )

    def correct(self, subject: m.Subject, *, by: tuple[str, str]) -> bytes:
        """A correction by (party, key name)."""
        return self.state("Correction", subject, by)


def reference_to(entry: bytes) -> m.Reference:
    """The reference to an entry by its own bytes."""
    from ledger.core.entry import decode_entry

    read = decode_entry(entry)
    return m.Reference(read_statement(open_jws(read.statement)).id, read.index, leaf_hash(entry).hex())
