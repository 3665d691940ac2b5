"""Who is asking: a party by a key that is in force now, and assertions that serve once.

Source: DESIGN 7; RFC 7523; THREATS S10, S17, T16, T17; ASVS V8.3.2.
"""

from __future__ import annotations

from ledger.core.jws import Kid
from ledger.domain.records import KeyRecord, PartyRecord
from ledger.sequencer.clock import now_ms
from ledger.service.ledger import Ledger
from ledger.store import beside, queries

# Clocks of machines that share a database may differ by less than this.
_FORGET_AFTER_MS = 3_600_000


def party_of(ledger: Ledger, kid: Kid) -> PartyRecord | None:
    """The party of a key that is registered to it and in force at the head of the log; None otherwise.

    Raises: Unavailable `busy`, `database_unusable`.
    """
    with ledger.reading() as connection:
        keys = queries.find(connection, KeyRecord, key=kid.key_text, owner=kid.party, serves="party")
        if not keys or keys[0].revoked_index is not None:
            return None
        return next(iter(queries.find(connection, PartyRecord, id=kid.party)), None)


def use_once(ledger: Ledger, *, party: str, jti: str, expires_ms: int) -> bool:
    """Use a party's assertion up, for every process and machine; False where it was used before.

    Units: `expires_ms` from when on nobody would take it anyway.
    Raises: Unavailable `busy`, `database_unusable`.
    """
    with beside.writing(ledger.engine) as connection:
        return beside.use_assertion(
            connection, f"{party} {jti}", expires_ms=expires_ms, forget_before_ms=now_ms() - _FORGET_AFTER_MS
        )
