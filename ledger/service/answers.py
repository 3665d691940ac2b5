"""What the acts answer: plain records, the same from the store, over HTTP and in a client that has no database.

Units: `*_g` grams of CO2e; `age_s` seconds.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ledger.core.receipt import Receipt
from ledger.domain import goals
from ledger.domain.records import AccreditationRecord, ClaimRecord, KeyRecord, PartyRecord
from ledger.domain.statements import Statement


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
    claim: ClaimRecord | None
    history: list[int]


class Page(Struct, frozen=True):
    """Part of a list. `listed_to` is the size of the log at its first page; `next` is the cursor of what follows."""

    as_of: AsOf
    items: list[Any]
    listed_to: int
    next: str | None


class Waiting(Struct, frozen=True):
    """A claim that waits for a verifier, and for how long by the log's own time."""

    claim: ClaimRecord
    recorded_at: str
    age_s: int
    attested: bool


class FoundClaim(Struct, frozen=True):
    """A claim and the entries that made it what it is."""

    as_of: AsOf
    claim: ClaimRecord
    history: list[int]


class FoundParty(Struct, frozen=True):
    """A party with its keys and the accreditations that it was given."""

    as_of: AsOf
    party: PartyRecord
    keys: list[KeyRecord]
    accreditations: list[AccreditationRecord]
    history: list[int]
