"""Random histories on one log: who tries what in which order, for every test that folds them.

Whatever is tried is kept with what became of it, so that other states can be asked to decide the same again.
"""

from __future__ import annotations

from hypothesis import strategies as st

from ledger.core.jws import open_jws
from ledger.domain.records import FindingRecord
from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import programme as p
from ledger.domain.statements import read_statement
from ledger.domain.statements import report as r
from ledger.domain.statements.finding import FindingType
from ledger.domain.units import format_kg
from ledger.errors import Refused
from tests.cast import ROLES
from tests.dialogue import answering, closing, insisting, raising
from tests.logwriter import LogWriter
from tests.world import World, reference_to

Step = tuple[str, int, int]

ACTIONS = (
    *("claim", "supersede", "attest", "attest2", "revoke", "withdraw", "reverse", "suspend", "reinstate"),
    *("claim", "attest", "again", "grant", "halt", "certify", "end-certificate"),
    *("raise", "raise2", "answer", "answer", "insist", "close"),
)
PERIODS = (("2025-01-01", "2025-04-01"), ("2025-03-01", "2025-06-01"), ("2025-04-01", "2025-07-01"))
WHOLE_YEAR = ("2025-01-01", "2026-01-01")
# What seldom comes about by chance: something counts, and a certificate says so.
OPENING: tuple[Step, ...] = (("claim", 0, 0), ("attest", 0, 499_000), ("certify", 1, 0))
# A corrective action stands against an opinion until it was answered twice and closed.
DIALOGUE: tuple[Step, ...] = (
    *(("claim", 0, 0), ("raise", 0, 0), ("attest", 0, 499_000), ("answer", 0, 0)),
    *(("insist", 0, 0), ("answer", 0, 0), ("close", 0, 0), ("attest", 0, 499_000)),
)
URIS = ("meter:0", "meter:1")
TYPES: tuple[FindingType, ...] = ("CAR", "CL", "FAR")
PARTIES = ("operator", *ROLES, "accreditor2", "verifier3")
OPERATOR = ("operator", "operator:operator")


def histories() -> st.SearchStrategy[list[Step]]:
    """Actions, each with a number to pick by and an amount in kilograms; half have an opening and are long."""
    amounts = st.sampled_from([0, 1, 1000, 400_000, 499_000])
    step = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 11), amounts)
    rest = st.lists(step, min_size=15, max_size=35)
    long = st.tuples(st.sampled_from([OPENING, DIALOGUE]), rest).map(lambda both: [*both[0], *both[1]])
    return st.lists(step, max_size=25) | long


class Game:
    """One random history on one log with two accreditors. `tried` holds every statement; `codes` every refusal."""

    def __init__(self) -> None:
        self.log = LogWriter(World(quorum_high_from_t=900))
        self.world = self.log.world
        founding = self.world.founding()
        others = [self.world.party("accreditor2", ("accreditor",)), self.world.party("verifier3", ("verifier",))]
        self.tried = [*founding, *others, self._grant("verifier3")]
        self.log.add_all(self.tried)
        self.claims: list[m.Reference] = []
        self.opinions: list[m.Reference] = []
        self.findings: list[m.Reference] = []
        self.codes: set[str] = set()

    def play(self, steps: list[Step]) -> Game:
        """Try one thing after the other."""
        for step in steps:
            self.step(*step)
        return self

    def step(self, action: str, pick: int, kg: int) -> None:
        """Try one thing; a refusal is as good an outcome as any, if its code is known."""
        statement = self._statement(action, pick, kg)
        self.tried.append(statement)
        try:
            entry = self.log.add(statement)
        except Refused as error:
            self.codes.add(error.code)
            return
        if action in ("claim", "supersede"):
            self.claims.append(reference_to(entry))
        elif action in ("attest", "attest2"):
            self.opinions.append(reference_to(entry))
        elif action in ("raise", "raise2"):
            self.findings.append(reference_to(entry))

    def _statement(self, action: str, pick: int, kg: int) -> bytes:
        world = self.world
        start, end = PERIODS[pick % len(PERIODS)]
        if action == "again":
            # Among them are statements that were refused then, and whose ids are lower than what came since.
            return self.tried[-1 - pick % len(self.tried)]
        if action in ("grant", "halt"):
            return self._accreditation(action, pick)
        if action in ("certify", "end-certificate"):
            return self._certificate(action, pick)
        if action == "claim" or not self.claims:
            return world.claim(counted_by=(URIS[pick % 2],), start=start, end=end)
        target = self.claims[pick % len(self.claims)]
        if action == "supersede":
            return world.claim(counted_by=(URIS[pick % 2],), start=start, end=end, supersedes=target)
        if action in ("attest", "attest2"):
            verifier = "verifier" if action == "attest" else "verifier3"
            amount = format_kg(min(kg, 499_000) * 1000)
            opinion = "modified" if kg else "adverse"
            named = tuple(one.id for one in self.findings[-1:] if pick % 4 == 3)
            return world.attest(target, amount, verifier=verifier, opinion=opinion, findings=named)
        if action in ("raise", "raise2", "answer", "insist", "close"):
            return self._finding(action, target, pick, kg)
        return self._correction(action, target, pick, kg)

    def _finding(self, action: str, target: m.Reference, pick: int, kg: int) -> bytes:
        """A step of a dialogue: in the right round unless the amount is odd, mostly by the right party."""
        if action in ("raise", "raise2"):
            by = "verifier" if action == "raise" else "verifier3"
            return raising(self.world, target, TYPES[pick % len(TYPES)], by=by)
        finding = self.findings[pick % len(self.findings)] if self.findings else target
        record = self.log.state.get(FindingRecord, finding.id)
        by = "verifier3" if record is None or record.verifier != self.world.party_id("verifier") else "verifier"
        by = "verifier" if pick % 5 == 4 else by
        number = (1 if record is None else record.round) + kg % 2
        if action == "answer":
            return answering(self.world, finding, number, by="plant" if pick % 6 == 5 else "carrier")
        return (
            insisting(self.world, finding, number + 1, by=by)
            if action == "insist"
            else closing(self.world, finding, by=by)
        )

    def _correction(self, action: str, target: m.Reference, pick: int, kg: int) -> bytes:
        if action == "revoke":
            opinion_ref = self.opinions[pick % len(self.opinions)] if self.opinions else target
            by = ("operator", "operator:registrar")
            return self.world.correct(c.Revoke(target=opinion_ref, reason="test"), by=by)
        subject: m.Subject
        if action == "reverse":
            subject = c.Reverse(target=target, amount=format_kg(kg * 1000), reason="test")
        else:
            shape = {"withdraw": c.Withdraw, "suspend": c.Suspend, "reinstate": c.Reinstate}[action]
            subject = shape(target=target, reason="test")
        by = ("operator", "operator:registrar") if pick % 3 else ("carrier", "carrier:claimant")
        return self.world.correct(subject, by=by)

    def _grant(self, verifier: str) -> bytes:
        if verifier == "verifier":
            return self.world.accreditation()
        subject = read_statement(open_jws(self.world.accreditation(verifier))).subject
        return self.world.state("Accreditation", subject, ("accreditor2", "accreditor2:accreditor"))

    def _accreditation(self, action: str, pick: int) -> bytes:
        verifier = "verifier" if pick % 2 else "verifier3"
        if action == "grant":
            return self._grant(verifier)
        grants = self.log.state.accreditations_of(self.world.party_id(verifier))
        grant = grants[pick % len(grants)]
        shapes = (p.AccreditationSuspend, p.AccreditationReinstate, p.AccreditationWithdraw)
        accreditor = "accreditor" if pick % 2 else "accreditor2"
        by = (accreditor, f"{accreditor}:accreditor")
        return self.world.state("Accreditation", shapes[pick % 3](grant.id, "test"), by)

    def _certificate(self, action: str, pick: int) -> bytes:
        number = f"TEST-{pick % 2}"
        if action == "end-certificate":
            return self.world.state("Certificate", r.RevokeCertificate(number, "test"), OPERATOR)
        size = len(self.log.entries)
        root = self.log.state.root(size)
        assert root is not None
        cells = self.log.state.cells(dimension="all", value="")
        # Every fourth says one gram, and so is one about nothing at all.
        amount = format_kg(sum(one.grams for one in cells) if pick % 4 and cells else 1)
        claims = max(1, sum(one.claims for one in cells))
        row = r.TotalRow("3+", "reduction", "clean-energy", amount, claims)
        subject = r.Issue(
            number=number,
            holder=self.world.party_id("operator"),
            subject=r.ProgrammeTotal(),
            period=c.Days(*WHOLE_YEAR),
            totals=r.CertificateTotals(amount, claims, (row,)),
            as_of_size=size,
            as_of_root=root.hex(),
            valid_until="2027-01-01",
            template="certificate/1",
        )
        return self.world.state("Certificate", subject, OPERATOR)
