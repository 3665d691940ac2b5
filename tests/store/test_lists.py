"""Lists, things, bundles and certificates on PostgreSQL are those of SQLite: what brute force over the entries gives.

On SQLite the same is shown by `tests/http/test_pages.py` and what stands beside it. Source: DESIGN 5 and 6.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ledger.domain import records
from ledger.service import bundle, certificates, look, report
from ledger.service.ledger import Ledger
from tests.http.test_pages import require_every_list
from tests.http.varied import Kept, recorded, statements_of
from tests.ledgers import require_whole
from tests.store.databases import Place
from tests.store.servers import Server


def everything(ledger: Ledger, kept: Kept) -> tuple[bytes, list[bytes]]:
    """What is said of every claim, party and certificate, and the bundles of some claims."""
    claims = kept.state.all(records.ClaimRecord)
    found: list[Any] = [look.claim(ledger, claim.id) for claim in claims]
    found += [look.party(ledger, party.id) for party in kept.state.all(records.PartyRecord)]
    found += [certificates.certificate(ledger, one.number) for one in kept.state.all(records.CertificateRecord)]
    found += [report.totals(ledger), report.goal_progress(ledger), look.programme(ledger)]
    zips = [b"".join(bundle.bundle(ledger, claim.id, may_read=bool).stream()) for claim in claims[::9]]
    return msgspec.json.encode(found, order="sorted"), zips


def test_reading_is_the_same_on_either_database(server: Server, tmp_path: Path) -> None:
    kept = Kept(tmp_path / "sqlite")
    place = Place(tmp_path / "postgresql", server=server, name=server.create())
    with kept.ledger as ledger, recorded(place.directory, statements_of(kept.scene), database=place.url) as other:
        assert require_whole(other) == kept.entries
        require_every_list(other, kept.state, limit=11)
        assert everything(other, kept) == everything(ledger, kept)
