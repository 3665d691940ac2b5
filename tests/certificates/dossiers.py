"""A small log in memory, the certificates of it, and everything that goes into their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.core.checkpoint import Checkpoint, VerifiedCheckpoint, open_checkpoint, sign_checkpoint
from ledger.core.entry import NO_PREVIOUS, Entry, decode_entry, encode_entry
from ledger.core.hashing import leaf_hash, node_hash
from ledger.core.jws import open_jws
from ledger.core.merkle import Node, root_at
from ledger.core.prove import prove_inclusion
from ledger.core.receipt import Receipt
from ledger.domain import certificate as totals
from ledger.domain.memory import MemoryState
from ledger.domain.period import parse_period
from ledger.domain.records import ClaimRecord
from ledger.domain.rules import decide
from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import read_statement
from ledger.domain.statements import report as r
from ledger.domain.view import Position
from tests.world import START_MS, World, reference_to, sign_with

VALID_UNTIL = "2027-03-01"


class Leaves:
    """Every hash of a tree, by recursion over its leaves: slow, plain, enough for a test."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = leaves

    def read(self, nodes: Sequence[Node]) -> list[bytes]:
        return [self._hash(node.level, node.index) for node in nodes]

    def _hash(self, level: int, index: int) -> bytes:
        if level == 0:
            return self._leaves[index]
        return node_hash(self._hash(level - 1, 2 * index), self._hash(level - 1, 2 * index + 1))


@dataclass(frozen=True)
class Made:
    """The parts of one certificate."""

    entries: dict[int, bytes]
    proofs: dict[int, bytes]
    checkpoint: VerifiedCheckpoint
    credential: bytes


class Log:
    """A log that the rule book has accepted, entry by entry."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.entries: list[bytes] = []
        self.state = MemoryState(root=self.root)
        for statement in self.world.founding():
            self.append(statement)

    def append(self, statement: bytes) -> bytes:
        index = len(self.entries)
        previous = leaf_hash(self.entries[-1]) if self.entries else NO_PREVIOUS
        raw = encode_entry(Entry(index, previous, START_MS + 1000 * index, statement))
        position = Position(index, START_MS + 1000 * index, leaf_hash(raw).hex())
        self.state.apply(decide(self.state, position, read_statement(open_jws(statement))))
        self.entries.append(raw)
        return raw

    def root(self, size: int) -> bytes:
        return root_at(size, Leaves([leaf_hash(raw) for raw in self.entries[:size]]))

    def verified_claim(self, claimant: str = "carrier", **changes: object) -> m.Reference:
        subject = self.world.claim_subject(claimant, **changes)  # type: ignore[arg-type]
        reference = reference_to(self.append(self.world.claim(claimant, **changes)))
        self.append(self.world.attest(reference, subject.quantification.reduction))
        return reference

    def issue(
        self,
        claims: Sequence[m.Reference],
        *,
        number: str = "GT-2026-000417",
        holder: str = "carrier",
        start: str = "2025-01-01",
    ) -> bytes:
        """The signed Certificate over named claims, not yet recorded."""
        party = self.world.party_id(holder)
        days = c.Days(start, "2026-01-01")
        records = [self.state.get(ClaimRecord, one.id) for one in claims]
        period = parse_period(start=days.start, end=days.end)
        subject = r.Issue(
            number=number,
            holder=party,
            subject=r.ClaimSet(tuple(claims)),
            period=days,
            totals=totals.totals_of_claims(
                [one for one in records if one is not None],
                holder=party,
                period=period,
                operator=self.world.party_id("operator"),
            ),
            as_of_size=len(self.entries),
            as_of_root=self.root(len(self.entries)).hex(),
            valid_until=VALID_UNTIL,
            template=totals.TEMPLATE,
        )
        return self.world.state("Certificate", subject, ("operator", "operator:operator"))

    def certify(self, claims: Sequence[m.Reference], **options: str) -> Made:
        """Record a certificate and gather what its file carries: here the whole log."""
        self.append(self.issue(claims, **options))
        return self.made(range(len(self.entries)))

    def checkpoint(self) -> VerifiedCheckpoint:
        size, log = len(self.entries), self.world.log_vkey
        raw = sign_checkpoint(Checkpoint(self.world.origin, size, self.root(size)), vkey=log, sign=sign_with("log"))
        return open_checkpoint(raw, log=log, origin=self.world.origin)

    def made(self, indexes: Sequence[int]) -> Made:
        checkpoint = self.checkpoint()
        reader = Leaves([leaf_hash(raw) for raw in self.entries])
        proofs = {
            index: Receipt(
                index, tuple(prove_inclusion(index=index, size=checkpoint.size, reader=reader)), checkpoint.raw
            ).encode()
            for index in indexes
        }
        entries = {index: self.entries[index] for index in indexes}
        return Made(entries, proofs, checkpoint, decode_entry(self.entries[max(indexes)]).statement)


def payload_of(credential: bytes) -> bytes:
    """The credential inside a statement."""
    return open_jws(credential).payload
