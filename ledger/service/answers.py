"""What the acts answer: plain records, the same from the store, over HTTP and in a client that has no database.

Units: `*_g` grams of CO2e; `age_s` seconds.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from ledger.core.receipt import Receipt
from ledger.domain import goals
from ledger.domain import records as r
from ledger.domain.statements import Statement
from ledger.domain.statements.claim import Attestation, Claim
from ledger.domain.statements.finding import RaiseFinding
from ledger.domain.statements.programme import AccreditationGrant

T = TypeVar("T")


class AsOf(Struct, frozen=True):
    """The checkpoint at which an answer is true."""

    origin: str
    size: int
    root: str
    recorded_at: str


class Proof(Struct, frozen=True):
    """What a submitter keeps: the entry bytes and the proof that they are in the log."""

    index: int
    entry: bytes
    receipt: Receipt


class Totals(Struct, frozen=True):
    """What counts, in grams, with its breakdowns, and how many claims are in which status."""

    as_of: AsOf
    total_g: int
    claims: int
    by: dict[str, dict[str, int]]
    status: dict[str, int]


class Goals(Struct, frozen=True):
    """Every goal and how far it is."""

    as_of: AsOf
    goals: list[goals.Progress]


class Shown(Struct, frozen=True):
    """One entry: its bytes, what they say, and, for a claim, what counts of it now."""

    as_of: AsOf
    index: int
    entry: bytes
    entry_hash: str
    statement: Statement
    claim: r.ClaimRecord | None
    history: list[int]


class Page(Struct, Generic[T], frozen=True):
    """Part of a list. `listed_to` is the size of the log at its first page; `next` is the cursor of what follows."""

    as_of: AsOf
    items: list[T]
    listed_to: int
    next: str | None


class Waiting(Struct, frozen=True):
    """A claim that waits for a verifier, for how long by the log's own time, and whether this one attested already."""

    claim: r.ClaimRecord
    recorded_at: str
    age_s: int
    attested: bool


class EntryLine(Struct, frozen=True):
    """One entry of the log: what kind of statement it holds, by whom, and when it was recorded."""

    index: int
    kind: str
    issuer: str
    id: str
    entry_hash: str
    recorded_at: str


class ShownFinding(r.FindingRecord, frozen=True):
    """A finding; `overdue` while its answer is awaited and the log's last entry is later than `deadline`."""

    deadline: str
    overdue: bool


class FoundClaim(Struct, frozen=True):
    """A claim: what counts of it now, what it stated, every attestation of it, and the entries that made it so."""

    as_of: AsOf
    claim: r.ClaimRecord
    subject: Claim
    attestations: list[r.AttestationRecord]
    history: list[EntryLine]


class FoundAttestation(Struct, frozen=True):
    """An attestation: where it stands, what it says, and what it adds to its claim (null once revoked)."""

    as_of: AsOf
    attestation: r.AttestationRecord
    counting: r.Counting | None
    subject: Attestation
    entry: EntryLine


class FoundParty(Struct, frozen=True):
    """A party with its keys and the accreditations that it was given."""

    as_of: AsOf
    party: r.PartyRecord
    keys: list[r.KeyRecord]
    accreditations: list[r.AccreditationRecord]
    history: list[EntryLine]


class FoundAccreditation(Struct, frozen=True):
    """An accreditation: its present status, what was granted, and the entries that made it so."""

    as_of: AsOf
    accreditation: r.AccreditationRecord
    subject: AccreditationGrant
    history: list[EntryLine]


class FoundVersions(Struct, Generic[T], frozen=True):
    """The versions of a document, oldest first: the newest hundred, and all of them in its list under `id`."""

    as_of: AsOf
    versions: list[T]


class FoundDocument(Struct, Generic[T], frozen=True):
    """One version of a document, which never changes, and the entry that published it."""

    as_of: AsOf
    document: T
    entry: EntryLine


class FoundProgramme(Struct, frozen=True):
    """The programme in force, and the entries that set its terms."""

    as_of: AsOf
    programme: r.ProgrammeRecord
    history: list[EntryLine]


class FoundFinding(Struct, frozen=True):
    """A finding: what it says, whether its answer is late, and the entries of its dialogue."""

    as_of: AsOf
    finding: ShownFinding
    subject: RaiseFinding
    history: list[EntryLine]
