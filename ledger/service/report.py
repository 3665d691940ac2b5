"""Totals, goals and single things, each with the checkpoint at which it is true.

Source: DESIGN 6, RULES 6.
"""

from __future__ import annotations

from ledger.core.entry import decode_entry
from ledger.core.jws import open_jws
from ledger.core.strict import format_milliseconds
from ledger.domain import goals
from ledger.domain.records import ClaimRecord, PartyRecord
from ledger.domain.statements import read_statement
from ledger.errors import Malformed
from ledger.service.answers import AsOf, Goals, Shown, Totals
from ledger.service.ledger import Ledger
from ledger.store import log_store, queries
from ledger.store.engine import Connection

__all__ = ["AsOf", "Goals", "Shown", "Totals", "goal_progress", "head", "party_names", "show", "totals"]


def as_of(ledger: Ledger, head: log_store.Head) -> AsOf:
    """The checkpoint of a head."""
    moment = format_milliseconds(head.recorded_at_ms)
    return AsOf(ledger.origin, head.size, head.root.hex(), moment)


def _read(ledger: Ledger, connection: Connection) -> tuple[AsOf, log_store.Head]:
    head = log_store.read_head(connection)
    return as_of(ledger, head), head


def totals(ledger: Ledger) -> Totals:
    """Everything that counts now."""
    with ledger.reading() as connection:
        true_at, _ = _read(ledger, connection)
        cells = queries.sums(connection)
    whole = [held for held in cells if held.cell.dimension == "all"]
    return Totals(
        true_at,
        sum(held.grams for held in whole),
        sum(held.claims for held in whole),
        goals.summary(cells),
        goals.by_status(cells),
    )


def goal_progress(ledger: Ledger) -> Goals:
    """Progress of every target, at the moment of the last entry."""
    with ledger.reading() as connection:
        true_at, head = _read(ledger, connection)
        cells = queries.sums(connection)
        targets = queries.targets(connection)
    return Goals(true_at, [goals.progress(target, cells, now_ms=head.recorded_at_ms) for target in targets])


def show(ledger: Ledger, index: int) -> Shown:
    """One entry by its index.

    Raises: Malformed `no_entry`.
    """
    with ledger.reading() as connection:
        true_at, head = _read(ledger, connection)
        within = 0 <= index < head.size  # beyond it, a number may be larger than a database can look up
        entry = log_store.read_entry(connection, index) if within else None
        record = queries.statement_at(connection, index) if within else None
        if entry is None or record is None:
            raise Malformed("no_entry", f"the log has no entry {index}", index=index)
        claim = queries.claim_at(connection, index)
        history = queries.history(connection, ClaimRecord, claim.id) if claim is not None else []
    statement = read_statement(open_jws(decode_entry(entry).statement))
    return Shown(true_at, index, entry, record.entry_hash, statement, claim, history)


def head(ledger: Ledger) -> AsOf:
    """Where the log stands."""
    with ledger.reading() as connection:
        return _read(ledger, connection)[0]


def party_names(ledger: Ledger) -> dict[str, str]:
    """Legal name of every registered party by its id."""
    with ledger.reading() as connection:
        return {party.id: party.legal_name for party in queries.find(connection, PartyRecord)}
