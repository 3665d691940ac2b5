"""The auditor's state: what the rule book asks, in memory that does not grow with the log.

Records live as msgpack in a temporary SQLite database of bounded cache; the
records of a stretch of entries are written behind in one go. What is small and
asked for again and again (programme, parties, keys, grants, methodologies)
stays in memory, up to a limit.

Source: DESIGN 3, 10; RULES, first section.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

import msgspec

from ledger.domain import records
from ledger.domain.period import Period
from ledger.domain.records import (
    AccreditationRecord,
    AttestationRecord,
    ClaimRecord,
    CountedRecord,
    Record,
    StatementRecord,
)
from ledger.domain.totals import Cell, CellSum, Decision, Dimension, cells_of, difference, recognised

R = TypeVar("R", bound=Record)

PENDING_MAX = 50_000
LASTING_MAX = 100_000
CACHE_KIB = 32_768

# A Bloom filter of 16 MiB: at ten million names, one look-up in fifty is in vain.
_SEEN_BITS = 27

_LASTING = (
    records.ProgrammeRecord,
    records.PartyRecord,
    records.KeyRecord,
    records.DocumentRecord,
    records.FactorSetRecord,
    records.MethodologyRecord,
    records.TargetRecord,
)
_SHAPES: tuple[type[Record], ...] = tuple(
    shape
    for shape in vars(records).values()
    if isinstance(shape, type) and issubclass(shape, Record) and shape is not Record
)
_TAG = {shape: number for number, shape in enumerate(sorted(_SHAPES, key=lambda shape: shape.__name__))}


class AuditState:
    """A `StateView` over a temporary spool, with totals of recognised and other claims kept apart."""

    def __init__(self, *, trusted: frozenset[tuple[str, str]], root: Callable[[int], bytes | None]) -> None:
        self._trusted = trusted
        self._root = root
        self._spool = sqlite3.connect("", isolation_level=None)  # a temporary file that goes when it is closed
        for setting in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{CACHE_KIB}", "temp_store=FILE"):
            self._spool.execute(f"PRAGMA {setting}")
        self._spool.execute("CREATE TABLE record (tag INT, key BLOB, value BLOB, PRIMARY KEY (tag, key)) WITHOUT ROWID")
        self._spool.execute(
            "CREATE TABLE counted (uri TEXT, start INT, claim TEXT, end INT, live INT,"
            " PRIMARY KEY (uri, start, claim)) WITHOUT ROWID"
        )
        self._near: dict[type[Record], dict[tuple[Any, ...], Record]] = {shape: {} for shape in _SHAPES}
        self._changed: dict[type[Record], dict[tuple[Any, ...], Record]] = {shape: {} for shape in _LASTING}
        self._waiting = 0
        self._decoders = {shape: msgspec.msgpack.Decoder(shape) for shape in _SHAPES}
        self._encoder = msgspec.msgpack.Encoder()
        self._largest_id = ""
        self._seen = bytearray(1 << (_SEEN_BITS - 3))
        self._grants: dict[str, dict[str, AccreditationRecord]] = {}
        self._held: dict[str, dict[tuple[Any, ...], CountedRecord]] = {}
        self.sums: dict[bool, dict[Cell, CellSum]] = {True: {}, False: {}}
        self.attested = 0
        self.recognised_attested = 0

    def get(self, shape: type[R], *identity: str | int) -> R | None:
        """The record of this type with this identity."""
        return cast("R | None", self._near[shape].get(identity) or self._look_up(shape, identity))

    def _look_up(self, shape: type[Record], identity: tuple[str | int, ...]) -> Record | None:
        if shape is StatementRecord:
            # Ids of version 7 grow with time: one above all that were written behind is new, and needs no look-up.
            if str(identity[0]) > self._largest_id:
                return None
            claim = self.get(ClaimRecord, *identity)
            if claim is not None:
                return StatementRecord(claim.id, claim.index, claim.entry_hash, "Claim", claim.claimant)
        row = self._spool.execute(
            "SELECT value FROM record WHERE tag = ? AND key = ?", (_TAG[shape], self._encoder.encode(identity))
        ).fetchone()
        if row is None:
            return None
        found = self._decoders[shape].decode(row[0])
        if shape in _LASTING or shape is ClaimRecord:  # a claim that is asked for is asked for again, or changed
            self._near[shape][identity] = found
        return found

    def accreditations_of(self, verifier: str) -> Sequence[AccreditationRecord]:
        """Every grant ever made to a verifier, by index."""
        return sorted(self._grants.get(verifier, {}).values(), key=lambda grant: grant.index)

    def overlapping(self, *, uri: str, period: Period, ignoring: str | None) -> CountedRecord | None:
        """A live claim's hold on `uri` that shares a day with `period`, other than the claim `ignoring`."""
        changed = self._held.get(uri, {})
        for held in changed.values():
            if held.live and held.claim != ignoring and Period(held.start_day, held.end_day).overlaps(period):
                return held
        if not self._may_be_spooled(uri):
            return None
        rows = self._spool.execute(
            "SELECT uri, start, claim, end, live FROM counted WHERE uri = ? AND start < ? AND end > ? AND live",
            (uri, period.end, period.start),
        )
        for row in rows:
            held = CountedRecord(row[0], row[1], row[2], row[3], True)
            if held.identity not in changed and held.claim != ignoring:
                return held
        return None

    def _may_be_spooled(self, uri: str) -> bool:
        """False for what was surely never counted: the common case, which then costs no look-up."""
        return all(self._seen[slot >> 3] >> (slot & 7) & 1 for slot in _slots(uri))

    def _mark_spooled(self, uri: str) -> None:
        for slot in _slots(uri):
            self._seen[slot >> 3] |= 1 << (slot & 7)

    def cells(self, *, dimension: Dimension, value: str) -> Sequence[CellSum]:
        """The sums of one dimension's value that are not empty, recognised or not."""
        found: dict[Cell, CellSum] = {}
        for sums in self.sums.values():
            for cell, held in sums.items():
                if (cell.dimension, cell.value) == (dimension, value):
                    before = found.get(cell, CellSum(cell, 0, 0))
                    found[cell] = CellSum(cell, before.grams + held.grams, before.claims + held.claims)
        return [held for held in found.values() if held.claims or held.grams]

    def root(self, size: int) -> bytes | None:
        """Root of the log's tree at an earlier size."""
        return self._root(size)

    def apply(self, decision: Decision) -> None:
        """Take over what one accepted entry changes."""
        for record in decision.records:
            shape, identity = type(record), record.identity
            if isinstance(record, CountedRecord):
                self._held.setdefault(record.uri, {})[identity] = record
                continue
            if isinstance(record, ClaimRecord):
                self._count(record)
            elif isinstance(record, AccreditationRecord):
                self._grants.setdefault(record.verifier, {})[record.id] = record
            elif isinstance(record, AttestationRecord) and record.revoked_index is None:
                self.attested += 1
            self._near[shape][identity] = record
            if shape in self._changed:
                self._changed[shape][identity] = record
        self._waiting += len(decision.records)
        if self._waiting > PENDING_MAX:
            self._write_behind()

    def _count(self, after: ClaimRecord) -> None:
        """Keep the sums; a claim's grams move between them with whether they are recognised."""
        if after.index == after.changed_index:
            self._add(False, cells_of(after))  # a new claim, which nobody has attested yet
            return
        before = self.get(ClaimRecord, after.id)
        assert before is not None, "only a recorded claim changes"
        if len(after.attestations) > len(before.attestations):
            newest = after.attestations[-1]
            self.recognised_attested += (newest.accreditor, newest.accreditor_key) in self._trusted
        was, now = (recognised(one, trusted=self._trusted) for one in (before, after))
        if was == now:
            self._add(now, difference(before=before, after=after))
        else:
            self._add(was, [CellSum(one.cell, -one.grams, -one.claims) for one in cells_of(before)])
            self._add(now, cells_of(after))

    def _add(self, is_recognised: bool, changes: Iterable[CellSum]) -> None:
        sums = self.sums[is_recognised]
        for one in changes:
            held = sums.get(one.cell)
            sums[one.cell] = (
                one if held is None else CellSum(one.cell, held.grams + one.grams, held.claims + one.claims)
            )

    def _write_behind(self) -> None:
        statements = self._near[StatementRecord]
        self._largest_id = max(self._largest_id, max((str(one[0]) for one in statements), default=""))
        for identity in self._near[ClaimRecord]:
            statements.pop(identity, None)  # most statements are claims, whose own records say the same
        self._spool.execute("BEGIN")
        for shape, near in self._near.items():
            encode, tag = self._encoder.encode, _TAG[shape]
            changed = self._changed.get(shape, near)
            self._spool.executemany(
                "INSERT OR REPLACE INTO record VALUES (?, ?, ?)",
                ((tag, encode(identity), encode(record)) for identity, record in changed.items()),
            )
            changed.clear()
            if len(near) > LASTING_MAX:
                near.clear()
        self._spool.executemany(
            "INSERT OR REPLACE INTO counted VALUES (?, ?, ?, ?, ?)",
            (
                (held.uri, held.start_day, held.claim, held.end_day, held.live)
                for one in self._held.values()
                for held in one.values()
            ),
        )
        self._spool.execute("COMMIT")
        for uri in self._held:
            self._mark_spooled(uri)
        self._held.clear()
        self._waiting = 0

    def close(self) -> None:
        """Let the spool go."""
        self._spool.close()


def _slots(uri: str) -> tuple[int, int]:
    mixed = hash(uri)
    return mixed & ((1 << _SEEN_BITS) - 1), mixed >> (64 - _SEEN_BITS) & ((1 << _SEEN_BITS) - 1)
