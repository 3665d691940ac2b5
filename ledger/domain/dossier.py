"""A dossier: the entries that a certificate carries, judged by the rule book of the log they come from.

The fold is sparse: it sees the carried entries alone, in the order of the log.
Every rule of every kind is asked. What only a full replay can know is taken as
the Certificate states it, and `Dossier.assumed` says so: the root as of which
it was issued, sums over claims that are not carried, and whether anything that
is not carried has changed a claim since.

Source: RULES 7.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.core.entry import NO_PREVIOUS, Entry, decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import check_signatures, open_jws
from ledger.domain.memory import MemoryState
from ledger.domain.period import parse_day, year_of
from ledger.domain.records import ProgrammeRecord
from ledger.domain.rules import decide
from ledger.domain.statements import Statement, read_statement
from ledger.domain.statements.report import ClaimSet, Issue
from ledger.domain.totals import Cell, CellSum, Dimension
from ledger.domain.units import parse_grams
from ledger.domain.view import Position
from ledger.errors import Malformed, Unproven

ENTRIES_MAX = 4_096

ASSUMED_ROOT = "the root of the tree as of which the certificate was issued"
ASSUMED_QUORUM = "the sum of other claims that may ask for more verifiers"
ASSUMED_TOTALS = "the totals, which are over claims that are not carried"


@dataclass(frozen=True, slots=True)
class Carried:
    """One entry of a dossier, read: where it stands, what it says."""

    index: int
    entry_hash: str
    entry: Entry
    statement: Statement


@dataclass(frozen=True, slots=True)
class Dossier:
    """A folded dossier: its certificate, the state that its entries give, and what it takes on trust."""

    carried: tuple[Carried, ...]
    certificate: Carried
    issue: Issue
    state: MemoryState
    ledger: str
    assumed: tuple[str, ...]


class _StatedState(MemoryState):
    """Answers from the certificate where only a full replay could: the root, and sums over what is not carried."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(root=lambda size: bytes.fromhex(issue.as_of_root) if size == issue.as_of_size else None)
        self._issue = issue

    def cells(self, *, dimension: Dimension, value: str) -> Sequence[CellSum]:
        """The certificate's own rows, as if each were one cell within its period."""
        first, last = self._issue.period.start, self._issue.period.end
        years = (year_of(parse_day(first)), year_of(parse_day(last) - 1))
        return [
            CellSum(
                Cell(dimension, value, row.programme_scope, row.kind, row.lever, *years),
                parse_grams(row.amount),
                row.claims,
            )
            for row in self._issue.totals.rows
        ]


def read_carried(entries: Mapping[int, bytes]) -> tuple[Carried, ...]:
    """Read entries by index, their signatures checked, in the order of the log.

    Raises: Malformed and Unproven `bad_dossier`, the codes of `decode_entry`, `open_jws`, `read_statement`;
        BadSignature `bad_signature`.
    """
    if not 0 < len(entries) <= ENTRIES_MAX:
        raise Malformed("bad_dossier", f"a dossier carries 1 to {ENTRIES_MAX} entries, not {len(entries)}")
    carried: list[Carried] = []
    for index, raw in sorted(entries.items()):
        entry = decode_entry(raw)
        if entry.index != index:
            raise Malformed("bad_dossier", f"the entry carried as {index} is entry {entry.index}", index=index)
        opened = open_jws(entry.statement)
        check_signatures(opened)
        carried.append(Carried(index, leaf_hash(raw).hex(), entry, read_statement(opened)))
    _check_order(carried)
    return tuple(carried)


def _check_order(carried: Sequence[Carried]) -> None:
    """Neighbours of the log are linked by hash, and the clock never goes back."""
    first = carried[0]
    if first.index != 0 or first.entry.previous != NO_PREVIOUS:
        raise Malformed("bad_dossier", "a dossier begins with entry 0 of its log")
    for before, after in itertools.pairwise(carried):
        linked = after.entry.previous.hex() == before.entry_hash
        if after.entry.recorded_at_ms < before.entry.recorded_at_ms or (after.index == before.index + 1 and not linked):
            raise Unproven("bad_dossier", f"entry {after.index} does not follow entry {before.index}")


def fold(entries: Mapping[int, bytes]) -> Dossier:
    """Judge every carried entry by the rule book; the last one is the Certificate.

    Raises: the codes of `read_carried` and `decide`.
    """
    carried = read_carried(entries)
    certificate = carried[-1]
    issue = certificate.statement.subject
    if not isinstance(issue, Issue):
        raise Malformed("bad_dossier", "the last entry of a dossier issues the certificate")
    state = _StatedState(issue)
    for one in carried:
        position = Position(one.index, one.entry.recorded_at_ms, one.entry_hash)
        state.apply(decide(state, position, one.statement))
    programme = state.get(ProgrammeRecord, "programme")
    assert programme is not None, "entry 0 was accepted"
    assumed = (ASSUMED_ROOT, ASSUMED_QUORUM) if isinstance(issue.subject, ClaimSet) else (ASSUMED_ROOT, ASSUMED_TOTALS)
    return Dossier(carried, certificate, issue, state, programme.ledger, assumed)
