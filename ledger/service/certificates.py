"""A certificate as it stands now, and its sealed file, which is made once and stays the same for ever.

The file is the one that `gigaton certify` wrote to `DIR/certificates`; where
there is none, and the seal's key is at hand, it is made of the record. Whoever
puts it there first wins, so that nobody is ever served two files of one number.

Source: RULES 7; DESIGN 6; THREATS H05.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Literal

from msgspec import Struct
from uuid_utils import uuid7

from ledger.core.entry import decode_entry
from ledger.core.jws import open_jws
from ledger.domain.dossier import fold
from ledger.domain.period import day_of_ms, format_day
from ledger.domain.records import CertificateRecord, ClaimRecord, ClaimStatus
from ledger.domain.statements import read_statement
from ledger.domain.statements.report import CertificateNumber, Issue
from ledger.errors import Refused, Unavailable
from ledger.service.answers import EntryLine
from ledger.service.certify import Sealing, make_file
from ledger.service.dossier import entries_at, rests_on
from ledger.service.find import entry_lines
from ledger.service.ledger import Ledger
from ledger.service.look import find_one
from ledger.service.report import AsOf, as_of
from ledger.store import log_store, queries
from ledger.store.engine import Connection

FOLDER = "certificates"
# One at a time in a process: it takes a core for most of a second, and the drawing library keeps state of its own.
_DRAWING = Lock()
_PATIENCE_S = 5


class Changed(Struct, frozen=True):
    """A claim that no longer counts as it did when the certificate was issued."""

    id: str
    index: int
    status: ClaimStatus
    certified_g: int
    current_g: int
    changed_index: int


class FoundCertificate(Struct, frozen=True):
    """A certificate: whether it still stands, what it says, and its credential as it was signed.

    `status` is the first that holds of `revoked`; `expired`, by the log's own time in `as_of`; `stale`, when claims
    that it names have changed; `current`.
    """

    as_of: AsOf
    status: Literal["revoked", "expired", "stale", "current"]
    valid_until: str
    changed: list[Changed]
    certificate: CertificateRecord
    subject: Issue
    credential: str
    entry: EntryLine


def certificate(ledger: Ledger, number: str) -> FoundCertificate:
    """A certificate by its number.

    Raises: Refused `unknown_id`.
    """
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        found = find_one(connection, CertificateRecord, number, CertificateNumber)
        raw = log_store.read_entry(connection, found.index)
        assert raw is not None, "a certificate's record stands at its own entry"
        jws = decode_entry(raw).statement
        subject = read_statement(open_jws(jws)).subject
        assert isinstance(subject, Issue), "the entry of a certificate issues it"
        changed = _changed(connection, found)
        (line,) = entry_lines(connection, [found.index])
    status: Literal["revoked", "expired", "stale", "current"] = "stale" if changed else "current"
    if found.revoked_index is not None:
        status = "revoked"
    elif day_of_ms(head.recorded_at_ms) >= found.valid_until_day:
        status = "expired"
    return FoundCertificate(
        as_of(ledger, head),
        status,
        format_day(found.valid_until_day),
        changed,
        found,
        subject,
        jws.decode("ascii"),
        line,
    )


def _changed(connection: Connection, found: CertificateRecord) -> list[Changed]:
    """The claims that were touched since and count otherwise now, as a check of the file against the log says, too."""
    now = [claim for one in found.claims for claim in queries.find(connection, ClaimRecord, id=one)]
    touched = [claim for claim in now if claim.changed_index >= found.as_of_size]
    if not touched:
        return []
    raw = log_store.read_entry(connection, found.index)
    assert raw is not None, "a certificate's record stands at its own entry"
    statement = read_statement(open_jws(decode_entry(raw).statement))
    indexes = rests_on(connection, statement, end=found.index)
    then = fold(entries_at(connection, [*indexes, found.index])).state
    changed = []
    for claim in touched:
        before = then.get(ClaimRecord, claim.id)
        assert before is not None, "a certificate rests on the claims that it names"
        if claim.status != "verified" or claim.current_g != before.current_g:
            changed.append(
                Changed(claim.id, claim.index, claim.status, before.current_g, claim.current_g, claim.changed_index)
            )
    return changed


def certificate_file(ledger: Ledger, number: str, *, sealing: Sealing | None) -> bytes:
    """The sealed file of a certificate.

    Raises: Refused `unknown_id`, `no_certificate_file`; Unavailable `busy`, `file_unusable`; the codes of `make_file`.
    """
    with ledger.reading() as connection:
        found = find_one(connection, CertificateRecord, number, CertificateNumber)
    path = ledger.directory / FOLDER / f"{found.number}.pdf"
    there = _read(path)
    if there is not None:
        return there
    if sealing is None:
        raise Refused("no_certificate_file", f"{number} is recorded; its file is not here, nor is the key to seal it")
    if not _DRAWING.acquire(timeout=_PATIENCE_S):
        raise Unavailable("busy", "other certificates are being drawn")
    try:
        there = _read(path)  # somebody may have made it while this one waited
        return there if there is not None else keep_file(path, make_file(ledger, index=found.index, sealing=sealing))
    finally:
        _DRAWING.release()


def keep_file(path: Path, raw: bytes) -> bytes:
    """Keep a file durably, unless one is there already; gives the bytes that are kept.

    Raises: Unavailable `file_unusable`: what is not kept must not be handed out, for the next would differ.
    """
    try:
        return _keep(path, raw)
    except OSError as error:
        raise _unusable(path, error) from None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from None


def _unusable(path: Path, error: OSError) -> Unavailable:
    return Unavailable("file_unusable", f"{path.name}: {error.strerror}", name=path.name)


def _keep(path: Path, raw: bytes) -> bytes:
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f"{path.name}.{uuid7()}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        # A link fails where a name is taken; a rename would put another file in the place of one that was served.
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path.read_bytes()
