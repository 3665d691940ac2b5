"""A synthetic ledger for measurements: one claimant, one verifier, as many claims as asked for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nacl.bindings import crypto_sign_open

from api.author import state
from api.demo import claims as drafts
from api.demo.cast import Cast, party_id
from api.methodologies import shipped_factor_set, shipped_methodology
from keys.trust import Trust
from ledger.core.entry import decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import open_jws
from ledger.core.strict import to_base64url
from ledger.domain.quantify import compile_formula, estimate
from ledger.domain.statements import read_statement
from ledger.domain.statements.claim import Claim
from ledger.domain.statements.members import Reference
from ledger.domain.statements.methodology import FactorSet, Methodology
from ledger.domain.statements.programme import AccreditationGrant
from ledger.errors import LedgerError
from ledger.service import submit as acts
from ledger.service.found import found_ledger
from ledger.service.ledger import Ledger
from ledger.store import log_store

OPERATOR, ACCREDITOR, METHODOLOGIST = "Bench Operator", "Bench Accreditor", "Bench Methodologist"
METHODOLOGY = "grid-displacement-us"
CLAIMANT, VERIFIER = "Bench Claimant", "Bench Verifier"
_NANOSECONDS = 1_000_000_000
_SAMPLE = 5_000


@dataclass(frozen=True, slots=True)
class BenchWorld:
    """The founded ledger and everybody's keys."""

    ledger: Ledger
    cast: Cast

    def trust(self) -> Trust:
        """What an auditor of this ledger would hold."""
        key = to_base64url(self.cast.hand(ACCREDITOR, "accredit").signer.public_key)
        return Trust.build(
            programme=self.ledger.programme.subject,
            genesis=self.ledger.name.partition("#")[2],
            accreditors={party_id(ACCREDITOR): (key,)},
        )

    def attestations(self, indexes: list[int]) -> list[bytes]:
        """An attestation, with its reviewer's approval, of each claim."""
        attest, review = self.cast.hand(VERIFIER, "attest"), self.cast.hand(VERIFIER, "review")
        made = []
        with self.ledger.reading() as connection:
            for index in indexes:
                raw = log_store.read_entry(connection, index)
                assert raw is not None, "an imported claim has an entry"
                statement = read_statement(open_jws(decode_entry(raw).statement))
                claim = statement.subject
                assert isinstance(claim, Claim), "only claims are attested"
                body = drafts.attestation_of(
                    Reference(statement.id, index, leaf_hash(raw).hex()),
                    amount=claim.quantification.reduction,
                    evidence=claim.evidence[0].digest,
                    adopted=False,
                )
                made.append(state("Attestation", body, ledger=self.ledger.name, author=attest, approvals=[review]))
        return made


def build(directory: Path, *, database: str | None = None) -> BenchWorld:
    """Found a ledger with everybody enrolled and the methodology published, its rows there or at a PostgreSQL URL."""
    cast = Cast()
    statement, signer = cast.programme(operator=OPERATOR)
    ledger = found_ledger(directory, statement, signer=signer, database=database)
    registrar = cast.hand(OPERATOR, "register")
    name = ledger.name
    born = [
        cast.enrol(ACCREDITOR, ("accreditor",), ledger=name, registrar=registrar, role="other"),
        cast.enrol(METHODOLOGIST, ("methodologist",), ledger=name, registrar=registrar, role="research"),
        cast.enrol(CLAIMANT, ("claimant",), ledger=name, registrar=registrar, role="merchant"),
        cast.enrol(VERIFIER, ("verifier",), ledger=name, registrar=registrar, role="verification-body"),
    ]
    accredit, publish = cast.hand(ACCREDITOR, "accredit"), cast.hand(METHODOLOGIST, "publish")
    grant = AccreditationGrant(
        verifier=party_id(VERIFIER),
        keys=(to_base64url(cast.hand(VERIFIER, "attest").signer.public_key),),
        standards=("ISO 14065",),
        families=("grid-electricity",),
        sectors=("energy",),
        levels=("reasonable",),
        from_="2020-01-01",
        until="2040-01-01",
    )
    method = shipped_methodology(METHODOLOGY)
    born += [
        state("Accreditation", grant, ledger=name, author=accredit),
        *(state("FactorSet", one, ledger=name, author=publish) for one in _factor_sets(method)),
        state("Methodology", method, ledger=name, author=publish, approvals=[accredit]),
    ]
    for answer in acts.submit_all(ledger, born):
        if isinstance(answer, LedgerError):
            raise answer
    return BenchWorld(ledger, cast)


def _factor_sets(method: Methodology) -> list[FactorSet]:
    return [shipped_factor_set(name) for name in sorted({use.set for use in method.factors.values()})]


def statements(world: BenchWorld, claims: int) -> list[bytes]:
    """Signed claims, each on a meter of its own, as large as real ones."""
    return list(sign_claims(world, range(claims)))


def sign_claims(world: BenchWorld, numbers: Iterable[int]) -> Iterator[bytes]:
    """The claims of these numbers, one after the other as they are taken."""
    method = shipped_methodology(METHODOLOGY)
    factors = {factor.id: factor for one in _factor_sets(method) for factor in one.factors}
    formula = compile_formula(method, {name: factors[use.factor] for name, use in method.factors.items()})
    author, owner, now_s = world.cast.hand(CLAIMANT, "claim"), party_id(CLAIMANT), int(time.time())
    for number in numbers:
        activity = drafts.Activity(
            title=f"Rooftop solar {number}",
            owner=CLAIMANT,
            country="US",
            methodology=METHODOLOGY,
            start="2025-01-01",
            end="2026-01-01",
            exported_mwh=f"{100 + number % 900}.25",
            own_t="1.5",
            meter=f"meter:bench-{number}",
        )
        result = estimate(formula, drafts.inputs_of(activity), deduction_above_ppm=100_000)
        subject = drafts.claim_of_activity(activity, result, owner=owner, collected_at_s=now_s)
        yield state("Claim", subject, ledger=world.ledger.name, author=author)


def raw_rate(made: list[bytes]) -> int:
    """Verifications a second of libsodium alone, on one core, over the same bytes."""
    work = []
    for raw in made[:_SAMPLE]:
        signature = open_jws(raw).signatures[0]
        work.append((signature.signature + signature.signing_input, signature.kid.key))
    begun = time.perf_counter_ns()
    for message, key in work:
        crypto_sign_open(message, key)
    return len(work) * _NANOSECONDS // max(1, time.perf_counter_ns() - begun)
