"""What the rule book remembers: small immutable records, each found by its key.

A record is the whole of what a rule may know about a thing; server tables and
the auditor's spool hold these same fields, so a row can always be recomputed
from the log. `KEY` names the fields that find it.

Units: `*_g` grams of CO2e; `*_day` day numbers (`ledger.domain.period`); `*_ms`
    milliseconds since 1970 (UTC); indexes count entries from 0.
Source: RULES 4, 5 and 7.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

from ledger.domain.statements.finding import FindingType
from ledger.domain.statements.members import Assurance, ClaimKind, Purpose, Quality, Role
from ledger.domain.statements.methodology import Factor, Methodology
from ledger.domain.statements.programme import Programme
from ledger.domain.statements.report import Target

ClaimStatus = Literal[
    "submitted", "under-review", "verified", "not-verified", "superseded", "withdrawn", "reversed", "suspended"
]
FindingStatus = Literal["open", "answered", "closed"]


class Record(Struct, frozen=True, gc=False):
    """Base of all records."""

    KEY: ClassVar[tuple[str, ...]]

    @property
    def identity(self) -> tuple[str | int, ...]:
        """The values that find this record among those of its type."""
        return tuple([getattr(self, name) for name in self.KEY])


class StatementRecord(Record, frozen=True):
    """That a statement id is taken, and where it stands."""

    KEY = ("id",)
    id: str
    index: int
    entry_hash: str
    kind: str
    issuer: str


class ProgrammeRecord(Record, frozen=True):
    """The programme in force; `ledger` is the name that every statement of this log must carry."""

    KEY = ("name",)
    name: Literal["programme"]
    ledger: str
    index: int
    subject: Programme


class PartyRecord(Record, frozen=True):
    """A registered organisation."""

    KEY = ("id",)
    id: str
    legal_name: str
    country: str | None
    roles: tuple[Role, ...]
    ultimate_owner: str
    ecosystem_role: str | None
    index: int


class KeyRecord(Record, frozen=True):
    """A public key, the one owner it may ever have, and what it serves."""

    KEY = ("key",)
    key: str
    owner: str
    serves: Literal["party", "root", "log"]
    purposes: tuple[Purpose, ...]
    added_index: int
    revoked_index: int | None = None


class AccreditationRecord(Record, frozen=True):
    """A grant and its present status."""

    KEY = ("id",)
    id: str
    index: int
    accreditor: str
    accreditor_key: str
    verifier: str
    keys: tuple[str, ...]
    standards: tuple[str, ...]
    families: tuple[str, ...]
    sectors: tuple[str, ...]
    levels: tuple[Assurance, ...]
    from_day: int
    until_day: int
    status: Literal["in-force", "suspended", "withdrawn"]


class DocumentRecord(Record, frozen=True):
    """The latest version of a document and who alone may publish the next."""

    KEY = ("kind", "id")
    kind: Literal["FactorSet", "Methodology", "Target"]
    id: str
    issuer: str
    version: int


class FactorSetRecord(Record, frozen=True):
    """A published set of emission factors."""

    KEY = ("id", "version")
    id: str
    version: int
    index: int
    issuer: str
    title: str
    factors: tuple[Factor, ...]


class MethodologyRecord(Record, frozen=True):
    """A published methodology with the factors it uses, looked up once when it was published."""

    KEY = ("id", "version")
    id: str
    version: int
    index: int
    entry_hash: str
    issuer: str
    approver: str
    subject: Methodology
    factors: dict[str, Factor]

    def __hash__(self) -> int:
        return hash(self.entry_hash)


class TargetRecord(Record, frozen=True):
    """A published goal."""

    KEY = ("id", "version")
    id: str
    version: int
    index: int
    subject: Target


class Counting(Struct, frozen=True, gc=False):
    """One attestation in force on a claim."""

    attestation: str
    verifier: str
    owner: str
    accreditor: str
    accreditor_key: str
    opinion: Literal["unmodified", "modified", "adverse", "disclaimed"]
    amount_g: int
    assurance: Assurance


class Share(Struct, frozen=True, gc=False):
    """One participant's part of a claim; `party` is None for a commitment to somebody who is no party."""

    party: str | None
    share_ppm: int


class ClaimRecord(Record, frozen=True):
    """A claim, what it stated, and what counts of it now.

    At every index: verified_g == current_g + reversed_g (RULES 5). `lost_g` is
    all that reversals ever took; it outlives a suspension, in which nothing counts.
    `findings` were ever raised; of them `open_findings` are not closed, and `open_cars`
    of those are corrective actions.
    """

    KEY = ("id",)
    id: str
    index: int
    entry_hash: str
    claimant: str
    methodology: str
    methodology_version: int
    kind: ClaimKind
    quality: Quality
    scope: str
    lever: str
    country: str
    registry: str
    start_day: int
    end_day: int
    counted_by: tuple[str, ...]
    shares: tuple[Share, ...]
    stated_g: int
    quorum: int
    status: ClaimStatus
    attestations: tuple[Counting, ...]
    verified_g: int
    reversed_g: int
    current_g: int
    lost_g: int
    changed_index: int
    superseded_by: str | None = None
    suspended_by: str | None = None
    findings: int = 0
    open_findings: int = 0
    open_cars: int = 0


class CountedRecord(Record, frozen=True):
    """That a countable thing is taken for a period by a claim, while `live`."""

    KEY = ("uri", "start_day", "claim")
    uri: str
    start_day: int
    claim: str
    end_day: int
    live: bool


class RunningRecord(Record, frozen=True):
    """Stated reductions of a claimant's live claims, which decide how many verifiers the next one needs."""

    KEY = ("claimant", "methodology", "year")
    claimant: str
    methodology: str
    year: int
    stated_g: int


class AttestationRecord(Record, frozen=True):
    """Where an attestation stands, and whether it still does."""

    KEY = ("id",)
    id: str
    index: int
    claim: str
    verifier: str
    revoked_index: int | None = None


class FindingRecord(Record, frozen=True):
    """A finding in its present round; `responses` are the indexes of the answers, one a round.

    `deadline_ms` is when an answer to this round is due; nothing changes when it passes.
    """

    KEY = ("id",)
    id: str
    index: int
    claim: str
    verifier: str
    type: FindingType
    round: int
    deadline_ms: int
    status: FindingStatus
    responses: tuple[int, ...]
    changed_index: int


class CertificateRecord(Record, frozen=True):
    """An issued certificate and its end."""

    KEY = ("number",)
    number: str
    id: str
    index: int
    entry_hash: str
    holder: str
    claims: tuple[str, ...]
    as_of_size: int
    valid_until_day: int
    revoked_index: int | None = None
