"""One ledger, two databases: the same statements give the same receipts, rows and files on SQLite and PostgreSQL.

Covers DESIGN 5 and 8; THREATS X05, X09, X15.
"""

from __future__ import annotations

from ledger.errors import LedgerError
from ledger.service.ledger import Ledger
from ledger.service.submit import prove, submit, submit_all
from ledger.store.fsck import fsck
from tests.ledgers import require_whole
from tests.store.databases import Place
from tests.world import World, reference_to


def lived(place: Place) -> Ledger:
    """A ledger with two claims, one attested, that was closed and opened in between."""
    world = World()
    with place.found(world) as ledger:
        claim = submit(ledger, world.claim())
    ledger = place.opened()
    reference = reference_to(prove(ledger, [claim.index])[0].entry)
    for answer in submit_all(ledger, [world.attest(reference, "499000.000"), world.claim("plant")]):
        assert not isinstance(answer, LedgerError)
    return ledger


def test_a_ledger_lives_and_is_found_in_order(database: Place) -> None:
    with lived(database) as ledger:
        assert ledger.engine.dialect.name == database.kind
        require_whole(ledger)
        assert fsck(ledger.engine) == []
