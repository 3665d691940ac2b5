"""Founding a ledger: an empty directory, a signed Programme, the log's signer."""

from __future__ import annotations

from pathlib import Path

from ledger.core.note import Vkey
from ledger.core.signing import Signer
from ledger.domain.statements.programme import Programme
from ledger.errors import LedgerError, Malformed, NotAllowed, Unavailable
from ledger.sequencer.checking import check
from ledger.sequencer.clock import Clock, now_ms
from ledger.sequencer.writer import Writer
from ledger.service.ledger import Ledger, place_of
from ledger.store import log_store
from ledger.store.create import create_database, drop_database
from ledger.store.faults import told


def found_ledger(
    directory: Path, programme: bytes, *, signer: Signer, database: str | None = None, clock: Clock = now_ms
) -> Ledger:
    """Make entry 0 of a new ledger, its rows in the directory or at a PostgreSQL URL.

    Nothing is left behind when the Programme is refused.
    Raises: Unavailable with the codes of `create_database`; Malformed `not_a_programme`; NotAllowed `wrong_log_key`;
        what `decide` raises.
    """
    subject = check(programme).statement.subject
    if not isinstance(subject, Programme):
        raise Malformed("not_a_programme", "the first statement of a ledger is its Programme")
    log = Vkey.parse(subject.log_keys[0].vkey)
    if signer.public_key != log.public_key:
        raise NotAllowed("wrong_log_key", "this key is not the log key that the Programme names")
    directory.mkdir(parents=True, exist_ok=True)
    if (directory / "signer.json").exists():
        raise Unavailable("database_exists", f"{directory} belongs to a ledger: signer.json is there")
    where = place_of(directory, database)
    engine = create_database(where)
    try:
        with told(), engine.begin() as connection:
            log_store.first_head(connection)
        writer = Writer(engine, directory=directory, log=log, signer=signer, clock=clock)
        answer = writer.append([programme])[0]
        writer.close()
        if isinstance(answer, LedgerError):
            raise answer
    except LedgerError:
        drop_database(engine, where)
        raise
    engine.dispose()
    return Ledger.open(directory, database=database, signer=signer, clock=clock)
