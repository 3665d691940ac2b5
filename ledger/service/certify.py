"""Issuing and revoking certificates: state what the log says, record it, gather the proofs, draw and seal.

Nothing is recorded that could not be drawn: the document is drawn once from a
draft of its own entry before the statement is handed to the log.

Source: RULES 7, CERTIFICATE 0.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.x509 import Certificate
from msgspec import Struct
from uuid_utils import uuid7

from ledger.certificates.archive import attachments_of, names_of, render
from ledger.certificates.page import draw
from ledger.certificates.seal import seal
from ledger.core.checkpoint import VerifiedCheckpoint, open_checkpoint
from ledger.core.entry import Entry, decode_entry, encode_entry
from ledger.core.jws import Kid, open_jws, sign_statement
from ledger.core.signing import Signer
from ledger.core.strict import format_seconds
from ledger.domain import certificate as facts_of
from ledger.domain.dossier import fold
from ledger.domain.facts import page_facts
from ledger.domain.period import Period, day_of_ms, format_day, parse_period, parse_whole_years
from ledger.domain.records import ClaimRecord
from ledger.domain.statements import read_statement, write_payload
from ledger.domain.statements.claim import Days
from ledger.domain.statements.members import Reference, Subject
from ledger.domain.statements.report import (
    CERTIFICATE_CLAIMS_MAX,
    CertificateTotals,
    ClaimSet,
    Issue,
    PartyTotal,
    ProgrammeTotal,
    RevokeCertificate,
)
from ledger.errors import Conflict, Unavailable
from ledger.sequencer.clock import now_ms
from ledger.sequencer.writer import Recorded
from ledger.service.dossier import entries_at, rests_on
from ledger.service.ledger import Ledger
from ledger.service.submit import prove, submit
from ledger.store import log_store, queries
from ledger.store.engine import Connection

About = ClaimSet | PartyTotal | ProgrammeTotal


class Sealing(Struct, frozen=True):
    """The P-256 key that seals documents, with its certificate."""

    key: EllipticCurvePrivateKey
    certificate: Certificate


class Issued(Struct, frozen=True):
    """A certificate: its number, its entry, the checkpoint that proves it, and the file."""

    number: str
    index: int
    size: int
    total: str
    pdf: bytes


def issue(
    ledger: Ledger,
    *,
    holder: str,
    about: About,
    start: str,
    end: str,
    number: str,
    valid_days: int,
    signer: Signer,
    sealing: Sealing,
) -> Issued:
    """Record a Certificate over what is verified now, and make its sealed file.

    Units: days as YYYY-MM-DD, `end` exclusive.
    Raises: Refused with the rule's code or `missing_glyph`, before anything is recorded; Unavailable.
    """
    today = day_of_ms(now_ms())
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        subject = Issue(
            number=number,
            holder=holder,
            subject=about,
            period=Days(start, end),
            totals=_totals(ledger, connection, holder=holder, about=about, start=start, end=end),
            as_of_size=head.size,
            as_of_root=head.root.hex(),
            valid_until=format_day(today + valid_days),
            template=facts_of.TEMPLATE,
        )
        statement = _sign(ledger, subject, signer)
        draft = encode_entry(
            Entry(head.size, log_store.last_leaf(connection, head.size), max(now_ms(), head.recorded_at_ms), statement)
        )
        entries = entries_at(connection, rests_on(connection, read_statement(open_jws(statement)), end=head.size))
    dossier = fold({**entries, head.size: draft})
    draw(page_facts(dossier, _checkpoint(ledger, head.checkpoint)), attachments=names_of((*entries, head.size)))
    recorded = submit(ledger, statement)
    return Issued(
        number=number,
        index=recorded.index,
        size=recorded.size,
        total=subject.totals.total,
        pdf=make_file(ledger, index=recorded.index, sealing=sealing),
    )


def make_file(ledger: Ledger, *, index: int, sealing: Sealing) -> bytes:
    """The sealed file of a recorded certificate, proven to the checkpoint that was signed last.

    Raises: Malformed `no_entry`, `bad_dossier`.
    """
    with ledger.reading() as connection:
        raw = log_store.read_entry(connection, index)
        statement = read_statement(open_jws(decode_entry(raw).statement)) if raw is not None else None
        indexes = [] if statement is None else rests_on(connection, statement, end=index)
    proofs = prove(ledger, [*indexes, index])
    entries = {proof.index: proof.entry for proof in proofs}
    dossier = fold(entries)
    checkpoint = _checkpoint(ledger, proofs[0].receipt.checkpoint)
    files = attachments_of(
        credential=dossier.certificate.entry.statement,
        checkpoint=checkpoint.raw,
        entries=entries,
        proofs={proof.index: proof.receipt.encode() for proof in proofs},
    )
    pdf = render(page_facts(dossier, checkpoint), files)
    return seal(pdf, key=sealing.key, certificate=sealing.certificate, at_ms=dossier.certificate.entry.recorded_at_ms)


def revoke(ledger: Ledger, *, number: str, reason: str, signer: Signer) -> Recorded:
    """End a certificate.

    Raises: Conflict `unknown_certificate`, `certificate_revoked`.
    """
    return submit(ledger, _sign(ledger, RevokeCertificate(number=number, reason=reason), signer))


def largest_claims(ledger: Ledger, *, party: str, start: str, end: str) -> ClaimSet:
    """The verified claims of a party within a period that count most, as many as one certificate may name.

    Raises: Conflict `nothing_to_certify`.
    """
    period = parse_period(start=start, end=end)
    with ledger.reading() as connection:
        held = queries.largest_claims(connection, party, limit=queries.PAGE_MAX)
    within = [one for one in held if period.start <= one.start_day and one.end_day <= period.end]
    if not within:
        raise Conflict("nothing_to_certify", f"{party} has nothing verified and current from {start} to {end}")
    chosen = sorted(within[:CERTIFICATE_CLAIMS_MAX], key=lambda one: one.index)
    return ClaimSet(tuple(Reference(one.id, one.index, one.entry_hash) for one in chosen))


def _sign(ledger: Ledger, subject: Subject, signer: Signer) -> bytes:
    operator = ledger.operator
    payload = write_payload(
        kind="Certificate",
        subject=subject,
        id=f"urn:uuid:{uuid7()}",
        issuer=operator,
        ledger=ledger.name,
        valid_from=format_seconds(now_ms() // 1000),
    )
    return sign_statement(payload, kid=Kid(operator, signer.public_key), sign=signer.sign)


def _totals(
    ledger: Ledger, connection: Connection, *, holder: str, about: About, start: str, end: str
) -> CertificateTotals:
    operator = ledger.operator
    if isinstance(about, ClaimSet):
        period: Period = parse_period(start=start, end=end)
        claims = [claim for one in about.claims for claim in queries.find(connection, ClaimRecord, id=one.id)]
        return facts_of.totals_of_claims(claims, holder=holder, period=period, operator=operator)
    wanted = ("party", about.party) if isinstance(about, PartyTotal) else ("all", "")
    cells = [held for held in queries.sums(connection) if (held.cell.dimension, held.cell.value) == wanted]
    return facts_of.totals_of_cells(cells, period=parse_whole_years(start=start, end=end))


def _checkpoint(ledger: Ledger, raw: bytes | None) -> VerifiedCheckpoint:
    if raw is None:
        raise Unavailable("no_head", "the log has no checkpoint yet")
    return open_checkpoint(raw, log=ledger.log, origin=ledger.origin)
