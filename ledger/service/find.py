"""Finding records: lists with filters, a page at a time, each with the checkpoint at which it is true.

Pages never show a record twice, leave none out, and show none that came later
than the first of them; what they say of a record is its present state, as of
the checkpoint that each page names. A filter by something that changes (a
claim's status) is judged on that present state as well.

Source: DESIGN 6; THREATS H20.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from ledger.core.strict import format_milliseconds
from ledger.domain.period import day_of_ms
from ledger.domain.records import AccreditationRecord, MethodologyRecord, StatementRecord
from ledger.service import findings
from ledger.service.answers import EntryLine, Page, Waiting
from ledger.service.asking import QUEUE, Asked, ask
from ledger.service.ledger import Ledger
from ledger.service.report import as_of
from ledger.store import log_store, pages, queries
from ledger.store.engine import Connection


def find(ledger: Ledger, name: str, parameters: Iterable[tuple[str, str]]) -> Page[Any]:
    """One page of a list, oldest first.

    Raises: the codes of `ask`; Refused `bad_cursor`.
    """
    asked = ask(name, parameters)
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        after, end = asked.begin(head.size)
        if name == QUEUE:
            found = _waiting(connection, asked.where["verifier"], head, after=after, end=end, limit=asked.limit + 1)
        else:
            found = pages.page(connection, name, asked.where, after=after, end=end, limit=asked.limit + 1)
        shown = found[: asked.limit]
        items = _DRESSED[name](connection, shown, head, asked) if name in _DRESSED else shown
    following = asked.cursor_after(shown[-1].index, size=end) if len(found) > asked.limit else None
    return Page(as_of(ledger, head), items, end, following)


def entry_lines(connection: Connection, indexes: Collection[int]) -> list[EntryLine]:
    """These entries, in the order of the log."""
    return _lines(connection, pages.statements_at(connection, indexes))


def _lines(connection: Connection, statements: Iterable[StatementRecord]) -> list[EntryLine]:
    found = list(statements)
    moments = pages.recorded_at_ms(connection, [one.index for one in found])
    return [
        EntryLine(one.index, one.kind, one.issuer, one.id, one.entry_hash, format_milliseconds(moments[one.index]))
        for one in found
    ]


def _waiting(
    connection: Connection, verifier: str, head: log_store.Head, *, after: int, end: int, limit: int
) -> list[Any]:
    """Claims by methodologies whose family and sector one grant in force covers, on the day of the log's head."""
    today = day_of_ms(head.recorded_at_ms)
    grants = [
        grant
        for grant in queries.find(connection, AccreditationRecord, verifier=verifier, status="in-force")
        if grant.from_day <= today < grant.until_day
    ]
    if not grants:
        return []
    covered = {
        (one.id, one.version)
        for one in queries.find(connection, MethodologyRecord)
        if any(one.subject.family in grant.families and one.subject.sector in grant.sectors for grant in grants)
    }
    return pages.waiting(connection, covered, after=after, end=end, limit=limit)


def _aged(connection: Connection, claims: list[Any], head: log_store.Head, asked: Asked) -> list[Any]:
    moments = pages.recorded_at_ms(connection, [one.index for one in claims])
    return [
        Waiting(
            claim=one,
            recorded_at=format_milliseconds(moments[one.index]),
            age_s=(head.recorded_at_ms - moments[one.index]) // 1000,
            attested=any(counting.verifier == asked.where["verifier"] for counting in one.attestations),
        )
        for one in claims
    ]


# Lists whose items say more than the record alone.
_DRESSED: dict[str, Callable[[Connection, list[Any], log_store.Head, Asked], list[Any]]] = {
    QUEUE: _aged,
    "findings": lambda connection, found, head, asked: [
        findings.shown(one, now_ms=head.recorded_at_ms) for one in found
    ],
    "entries": lambda connection, statements, head, asked: _lines(connection, statements),
}
