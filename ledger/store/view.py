"""The state as the rule book sees it, answered from rows, with the batch's own changes on top.

`prefetch` fetches what a batch will ask for with one query a table; whatever
it did not foresee is looked up alone and remembered.

Source: DESIGN 3 and 10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Select, and_, bindparam, select, tuple_

from ledger.domain.period import Period, parse_day
from ledger.domain.records import (
    AccreditationRecord,
    AttestationRecord,
    ClaimRecord,
    CountedRecord,
    FindingRecord,
    KeyRecord,
    PartyRecord,
    Record,
    RunningRecord,
    StatementRecord,
)
from ledger.domain.statements import Statement
from ledger.domain.statements.claim import Attestation, Claim
from ledger.domain.statements.finding import CloseFinding, InsistFinding, RaiseFinding, Response
from ledger.domain.totals import Cell, CellSum, Decision, Dimension, merge
from ledger.errors import Malformed
from ledger.store.projection import add_sums, from_row, write_history, write_records
from ledger.store.tables import CELL, TABLE_OF

R = TypeVar("R", bound=Record)

# SQLite binds at most 32,766 values a statement.
_PREFETCH_MAX = 10_000


def _by_keys(shape: type[Record]) -> Select[Any]:
    table = TABLE_OF[shape]
    columns = [table.c[name] for name in shape.KEY]
    key = columns[0] if len(columns) == 1 else tuple_(*columns)
    return select(table).where(key.in_(bindparam("wanted", expanding=True)))


# Spelled once: making a statement anew costs more than running it.
_BY_KEY = {
    shape: select(table).where(*(table.c[name] == bindparam(name) for name in shape.KEY))
    for shape, table in TABLE_OF.items()
}
_BY_KEYS = {shape: _by_keys(shape) for shape in TABLE_OF}


class SqlView:
    """A `StateView` over one connection; `apply` and `flush` make it the writer's."""

    def __init__(self, connection: Connection, *, root: Callable[[int], bytes | None]) -> None:
        self._connection = connection
        self._root = root
        self._records: dict[type[Record], dict[tuple[Any, ...], Record | None]] = {shape: {} for shape in TABLE_OF}
        self._changed: dict[tuple[type[Record], tuple[Any, ...]], Record] = {}
        self._touched: list[tuple[Record, int]] = []
        self._counted: dict[str, dict[tuple[Any, ...], CountedRecord]] = {}
        self._held: dict[str, list[CountedRecord]] = {}
        self._held_window = Period(0, 0)
        self._granted: dict[str, dict[str, AccreditationRecord]] = {}
        self._sums: dict[Cell, CellSum] = {}

    def get(self, shape: type[R], *identity: str | int) -> R | None:
        """The record of this type with this identity."""
        known = self._records[shape]
        if identity not in known:
            row = self._connection.execute(_BY_KEY[shape], dict(zip(shape.KEY, identity, strict=True))).first()
            known[identity] = None if row is None else from_row(shape, row)
        return cast("R | None", known[identity])

    def prefetch(self, statements: Iterable[Statement]) -> None:
        """Fetch in bulk what deciding these statements is likely to ask for."""
        wanted: dict[type[Record], set[tuple[Any, ...]]] = {}
        claims: list[Claim] = []
        for statement in statements:
            for shape, identity in _needs(statement):
                wanted.setdefault(shape, set()).add(identity)
            if isinstance(statement.subject, Claim):
                claims.append(statement.subject)
        for shape, identities in wanted.items():
            self._fetch(shape, list(identities - self._records[shape].keys()))
        self._fetch_held(claims)

    def _fetch(self, shape: type[Record], identities: list[tuple[Any, ...]]) -> None:
        known, columns = self._records[shape], len(shape.KEY)
        for at in range(0, len(identities), _PREFETCH_MAX // columns):
            chunk = identities[at : at + _PREFETCH_MAX // columns]
            known.update(dict.fromkeys(chunk))
            wanted = [identity[0] for identity in chunk] if columns == 1 else chunk
            for row in self._connection.execute(_BY_KEYS[shape], {"wanted": wanted}):
                record = from_row(shape, row)
                known[record.identity] = record

    def _fetch_held(self, claims: Sequence[Claim]) -> None:
        """Every live hold on what these claims count, within the days from the first to the last of them."""
        days = [_day(text) for claim in claims for text in (claim.period.start, claim.period.end)]
        known = [day for day in days if day is not None]
        if not known:
            return
        self._held_window = Period(min(known), max(known))
        self._held.clear()  # what was fetched before was fetched for another window
        uris = sorted({uri for claim in claims for uri in claim.counted_by})
        for at in range(0, len(uris), _PREFETCH_MAX):
            chunk = uris[at : at + _PREFETCH_MAX]
            self._held.update({uri: [] for uri in chunk})
            for held in self._select_held(TABLE_OF[CountedRecord].c.uri.in_(chunk), self._held_window):
                self._held[held.uri].append(held)

    def _select_held(self, which: Any, period: Period) -> Iterator[CountedRecord]:
        table = TABLE_OF[CountedRecord]
        meets = and_(which, table.c.start_day < period.end, table.c.end_day > period.start, table.c.live)
        for row in self._connection.execute(select(table).where(meets)):
            yield from_row(CountedRecord, row)

    def accreditations_of(self, verifier: str) -> Sequence[AccreditationRecord]:
        """Every grant ever made to a verifier, by index."""
        if verifier not in self._granted:
            table = TABLE_OF[AccreditationRecord]
            rows = self._connection.execute(select(table).where(table.c.verifier == verifier))
            grants = {grant.id: grant for grant in (from_row(AccreditationRecord, row) for row in rows)}
            for (shape, _), record in self._changed.items():
                if shape is AccreditationRecord and cast(AccreditationRecord, record).verifier == verifier:
                    grants[cast(AccreditationRecord, record).id] = cast(AccreditationRecord, record)
            self._granted[verifier] = grants
        return sorted(self._granted[verifier].values(), key=lambda grant: grant.index)

    def overlapping(self, *, uri: str, period: Period, ignoring: str | None) -> CountedRecord | None:
        """A live claim's hold on `uri` that shares a day with `period`, other than the claim `ignoring`."""
        changed = self._counted.get(uri, {})
        for held in changed.values():
            if held.live and held.claim != ignoring and Period(held.start_day, held.end_day).overlaps(period):
                return held
        window = self._held_window
        if uri in self._held and window.start <= period.start and period.end <= window.end:
            stored: Iterable[CountedRecord] = self._held[uri]
        else:
            stored = self._select_held(TABLE_OF[CountedRecord].c.uri == uri, period)
        for held in stored:
            if held.identity in changed or held.claim == ignoring:
                continue
            if Period(held.start_day, held.end_day).overlaps(period):
                return held
        return None

    def cells(self, *, dimension: Dimension, value: str) -> Sequence[CellSum]:
        """The sums of one dimension's value that are not empty."""
        rows = self._connection.execute(select(CELL).where(CELL.c.dimension == dimension, CELL.c.value == value))
        stored = [CellSum(Cell(*row[:7]), row.grams, row.claims) for row in rows]
        pending = [one for one in self._sums.values() if (one.cell.dimension, one.cell.value) == (dimension, value)]
        return [held for held in merge([*stored, *pending]).values() if held.claims or held.grams]

    def root(self, size: int) -> bytes | None:
        """Root of the log's tree at `size`, up to the committed size."""
        return self._root(size)

    def apply(self, decision: Decision, *, index: int) -> None:
        """Take over what one accepted statement changes."""
        for record in decision.records:
            shape, identity = type(record), record.identity
            self._records[shape][identity] = record
            self._changed[(shape, identity)] = record
            self._touched.append((record, index))
            if isinstance(record, CountedRecord):
                self._counted.setdefault(record.uri, {})[identity] = record
            elif isinstance(record, AccreditationRecord) and record.verifier in self._granted:
                self._granted[record.verifier][record.id] = record
        for one in decision.sums:
            held = self._sums.get(one.cell)
            self._sums[one.cell] = (
                one if held is None else CellSum(one.cell, held.grams + one.grams, held.claims + one.claims)
            )

    def flush(self) -> None:
        """Write every change since the view was made."""
        write_records(self._connection, self._changed.values())
        write_history(self._connection, self._touched)
        add_sums(self._connection, self._sums.values())


def _day(text: str) -> int | None:
    try:
        return parse_day(text)
    except Malformed:
        return None


def _needs(statement: Statement) -> list[tuple[type[Record], tuple[Any, ...]]]:
    """What the rule for a statement will surely look up by identity."""
    needs: list[tuple[type[Record], tuple[Any, ...]]] = [
        (StatementRecord, (statement.id,)),
        (PartyRecord, (statement.issuer,)),
        *((KeyRecord, (kid.key_text,)) for kid in statement.signers),
    ]
    subject = statement.subject
    if isinstance(subject, Claim):
        year = int(subject.period.end[:4])
        needs += [(PartyRecord, (one.party,)) for one in subject.participants if one.party is not None]
        needs += [(RunningRecord, (statement.issuer, subject.methodology.id, at)) for at in (year - 1, year)]
    elif isinstance(subject, Attestation):
        needs += [(StatementRecord, (subject.claim.id,)), (ClaimRecord, (subject.claim.id,))]
        needs += [(AttestationRecord, (statement.id,))]
        needs += [(FindingRecord, (finding,)) for finding in subject.findings]
    elif isinstance(subject, RaiseFinding):
        needs += [(StatementRecord, (subject.claim.id,)), (ClaimRecord, (subject.claim.id,))]
    elif isinstance(subject, InsistFinding | CloseFinding | Response):
        needs += [(StatementRecord, (subject.finding.id,)), (FindingRecord, (subject.finding.id,))]
    return needs
