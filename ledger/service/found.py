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
from ledger.service.ledger import DATABASE, Ledger
from ledger.store import log_store
from ledger.store.engine import create_database


def found_ledger(directory: Path, programme: bytes, *, signer: Signer, clock: Clock = now_ms) -> Ledger:
    """Make entry 0 of a new ledger.

    Nothing is left behind when the Programme is refused.
    Raises: Unavailable `database_exists`; Malformed `not_a_programme`; NotAllowed `wrong_log_key`; what
        `decide` raises.
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
    path = directory / DATABASE
    engine = create_database(path)
    try:
        with engine.begin() as connection:
            log_store.first_head(connection)
        writer = Writer(engine, directory=directory, log=log, signer=signer, clock=clock)
        answer = writer.append([programme])[0]
        writer.close()
        if isinstance(answer, LedgerError):
            raise answer
    except LedgerError:
        engine.dispose()
        for leftover in directory.glob(f"{DATABASE}*"):
            leftover.unlink()
        raise
    engine.dispose()
    return Ledger.open(directory, signer=signer, clock=clock)
