"""The state held in plain dicts: for small logs, tests and the entries inside a certificate.

Nothing here decides; `apply` only stores what the rule book returned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from ledger.domain.period import Period
from ledger.domain.records import AccreditationRecord, CountedRecord, Record
from ledger.domain.totals import Cell, CellSum, Decision, Dimension

R = TypeVar("R", bound=Record)


class MemoryState:
    """A `StateView` in memory, and the only place that changes it: `apply`."""

    def __init__(self, *, root: Callable[[int], bytes | None] = lambda size: None) -> None:
        self._records: dict[type[Record], dict[tuple[str | int, ...], Record]] = {}
        self._accreditations: dict[str, dict[str, AccreditationRecord]] = {}
        self._counted: dict[str, dict[tuple[str | int, ...], CountedRecord]] = {}
        self._sums: dict[tuple[str, str], dict[Cell, CellSum]] = {}
        self._root = root

    def apply(self, decision: Decision) -> None:
        """Store what one accepted statement changes."""
        for record in decision.records:
            self._records.setdefault(type(record), {})[record.identity] = record
            if isinstance(record, AccreditationRecord):
                self._accreditations.setdefault(record.verifier, {})[record.id] = record
            elif isinstance(record, CountedRecord):
                self._counted.setdefault(record.uri, {})[record.identity] = record
        for change in decision.sums:
            cells = self._sums.setdefault((change.cell.dimension, change.cell.value), {})
            held = cells.get(change.cell, CellSum(change.cell, 0, 0))
            cells[change.cell] = CellSum(change.cell, held.grams + change.grams, held.claims + change.claims)

    def get(self, shape: type[R], *identity: str | int) -> R | None:
        """The record of this type with this identity."""
        return cast("R | None", self._records.get(shape, {}).get(identity))

    def all(self, shape: type[R]) -> list[R]:
        """Every record of a type, in the order in which they came."""
        return cast("list[R]", list(self._records.get(shape, {}).values()))

    def accreditations_of(self, verifier: str) -> Sequence[AccreditationRecord]:
        """Every grant ever made to a verifier, by index."""
        return sorted(self._accreditations.get(verifier, {}).values(), key=lambda grant: grant.index)

    def overlapping(self, *, uri: str, period: Period, ignoring: str | None) -> CountedRecord | None:
        """A live claim's hold on `uri` that shares a day with `period`, other than the claim `ignoring`."""
        for held in self._counted.get(uri, {}).values():
            if held.live and held.claim != ignoring and Period(held.start_day, held.end_day).overlaps(period):
                return held
        return None

    def cells(self, *, dimension: Dimension, value: str) -> Sequence[CellSum]:
        """The sums of one dimension's value that are not empty."""
        return [held for held in self._sums.get((dimension, value), {}).values() if held.claims or held.grams]

    def root(self, size: int) -> bytes | None:
        """Root of the log's tree at `size`, where the owner of this state can tell."""
        return self._root(size)
