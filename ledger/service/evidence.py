"""Evidence: bytes that a claimant uploads for a claim, and who may read them.

Whoever merely knows a digest reads nothing and learns nothing: what one may
not read is answered as if it were not there. Reading follows the claim. Its
claimant reads what it uploaded; the participants of the claim, verifiers that
attested it or whose accreditation in force covers its methodology, and, where
the claimant says so, everybody read it once the claim, or an answer to a
finding on it, is recorded and names the digest. Another party's upload for
somebody else's claim is read by that party alone. The operator reads
everything, as it holds the files anyway.

Source: RULES 2; DESIGN 7; THREATS H05, H10, T18.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal, NamedTuple

import msgspec
from msgspec import Struct

from ledger.core.strict import hex_bytes
from ledger.domain.period import day_of_ms
from ledger.domain.records import AccreditationRecord, ClaimRecord, MethodologyRecord, PartyRecord
from ledger.domain.statements.members import StatementId
from ledger.errors import Malformed, NotAllowed, Refused, Unavailable
from ledger.sequencer.clock import now_ms
from ledger.service.dossier import evidence_of
from ledger.service.ledger import Ledger
from ledger.store import beside, queries
from ledger.store.engine import Connection
from ledger.store.evidence import EVIDENCE_BYTES_MAX, Upload, pieces

__all__ = [
    "EVIDENCE_BYTES_MAX",
    "QUOTA",
    "Quota",
    "Stored",
    "get",
    "may_read",
    "pieces",
    "put",
    "read_question",
    "receive",
]

Visibility = Literal["private", "public"]


class Quota(NamedTuple):
    """How much evidence one party keeps, each claim's counted for itself."""

    files: int
    size: int


QUOTA = Quota(files=100_000, size=16 * 1024**3)


class Question(Struct, frozen=True):
    """What the parameters beside a digest say."""

    claim: str
    visibility: Visibility


class Stored(Struct, frozen=True):
    """What is kept now. Units: `size` in bytes."""

    claim: str
    digest: str
    owner: str
    size: int
    visibility: Visibility
    new: bool


class Evidence(NamedTuple):
    """An open file whose bytes were found to be right, and their number."""

    file: BinaryIO
    size: int


def read_question(parameters: Iterable[tuple[str, str]], *, writing: bool) -> Question:
    """The parameters of a request for evidence: `claim`, and `visibility` where something is put.

    Raises: Refused `unknown_parameter`, `repeated_parameter`, `missing_parameter`, `bad_parameter`.
    """
    known = {"claim": StatementId, **({"visibility": Visibility} if writing else {})}
    given: dict[str, str] = {}
    for parameter, text in parameters:
        if parameter not in known:
            raise Refused("unknown_parameter", f"evidence takes no {parameter[:80]!a}; it takes {', '.join(known)}")
        if parameter in given:
            raise Refused("repeated_parameter", f"{parameter} is given twice", parameter=parameter)
        try:
            msgspec.convert(text, known[parameter])
        except msgspec.ValidationError:
            raise Refused("bad_parameter", f"{parameter} cannot be {text[:80]!a}", parameter=parameter) from None
        given[parameter] = text
    if "claim" not in given:
        raise Refused("missing_parameter", "evidence is that of a claim", parameter="claim")
    return msgspec.convert({"visibility": "private", **given}, Question)


class Receiving:
    """An upload of a party for a claim, under way."""

    def __init__(self, ledger: Ledger, upload: Upload, *, owner: str, claim: str, digest: str, quota: Quota) -> None:
        self._ledger, self._upload = ledger, upload
        self._owner, self._claim, self._digest, self._quota = owner, claim, digest, quota

    def write(self, chunk: bytes) -> None:
        """Take some more.

        Raises: Malformed `evidence_too_large`; Unavailable `storage_failed`.
        """
        self._upload.write(chunk)

    def keep(self, visibility: Visibility) -> Stored:
        """Keep all that came, durably, if it is what its digest says.

        Raises: Malformed `digest_mismatch`; NotAllowed `quota_used_up`; Unavailable `storage_failed`, `busy`,
            `database_unusable`.
        """
        found, size = self._upload.digest, self._upload.size
        if found != self._digest:
            raise Malformed("digest_mismatch", f"the bytes have the digest {found}", digest=found)
        self._upload.flush()
        held = beside.Held(self._claim, self._digest, self._owner, size, visibility == "public", now_ms())
        with beside.writing(self._ledger.engine) as connection:
            own = _own(connection, self._owner, claim=self._claim, digest=self._digest)
            if own is None:
                _require_room(connection, self._owner, size, self._quota)
            beside.write_evidence(connection, held if own is None else held._replace(stored_ms=own.stored_ms))
        # A crash before this line leaves a row without a file: the same upload again mends it.
        self._upload.keep()
        return Stored(self._claim, self._digest, self._owner, size, visibility, own is None)


@contextmanager
def receive(ledger: Ledger, *, owner: str, claim: str, digest: str, quota: Quota = QUOTA) -> Iterator[Receiving]:
    """An upload, of which nothing stays if it is not kept. All bytes are sent again even where they are known:
    to know a digest is not to hold what it digests.

    Raises: Malformed `bad_hex`; NotAllowed `quota_used_up`; Unavailable `busy`, `storage_failed`.
    """
    hex_bytes(digest, size=32)
    with ledger.reading() as connection:
        if _own(connection, owner, claim=claim, digest=digest) is None:
            _require_room(connection, owner, 0, quota)
    with ledger.evidence.receiving(owner) as upload:
        yield Receiving(ledger, upload, owner=owner, claim=claim, digest=digest, quota=quota)


def put(
    ledger: Ledger, chunks: Iterable[bytes], *, owner: str, claim: str, digest: str, visibility: Visibility = "private"
) -> Stored:
    """Keep evidence that is at hand.

    Raises: NotAllowed `unknown_party`, and the codes of `receive` and of `Receiving`.
    """
    with ledger.reading() as connection:
        if not queries.find(connection, PartyRecord, id=owner):
            raise NotAllowed("unknown_party", f"{owner} is not registered", party=owner)
    with receive(ledger, owner=owner, claim=claim, digest=digest) as upload:
        for chunk in chunks:
            upload.write(chunk)
        return upload.keep(visibility)


def get(ledger: Ledger, *, party: str | None, claim: str, digest: str) -> Evidence:
    """Evidence that a party may read, or anybody where no party is named; the caller closes the file.

    Raises: Malformed `no_evidence`, whatever the reason; Unavailable `evidence_damaged`, `storage_failed`.
    """
    if not may_read(ledger, party=party, claim=claim, digest=digest):
        raise Malformed("no_evidence", "there is no evidence here that you may read")
    file = ledger.evidence.open(digest)
    if file is None:
        raise Unavailable("evidence_damaged", f"the bytes of {digest} are missing", digest=digest)
    size = file.seek(0, 2)
    file.seek(0)
    return Evidence(file, size)


def may_read(ledger: Ledger, *, party: str | None, claim: str, digest: str) -> bool:
    """Whether a party, or anybody where none is named, may read this digest as evidence of this claim.

    Raises: Unavailable `busy`, `database_unusable`.
    """
    with ledger.reading() as connection:
        held = beside.holders(connection, claim=claim, digest=digest)
        if not held:
            return False
        if party is not None and party in {ledger.operator, *(one.owner for one in held)}:
            return True
        found = queries.find(connection, ClaimRecord, id=claim)
        if not found or digest not in evidence_of(connection, found[0]):
            return False
        recorded = found[0]
        own = [one for one in held if one.owner == recorded.claimant]
        return bool(own) and (own[0].public or (party is not None and _has_a_part(connection, party, recorded)))


def _has_a_part(connection: Connection, party: str, claim: ClaimRecord) -> bool:
    """A participant, a verifier that attested, or one that might (RULES 4): its grant is in force and covers it."""
    if party in {share.party for share in claim.shares} | {one.verifier for one in claim.attestations}:
        return True
    today = day_of_ms(now_ms())
    grants = [
        grant
        for grant in queries.find(connection, AccreditationRecord, verifier=party, status="in-force")
        if grant.from_day <= today < grant.until_day
    ]
    if not grants:
        return False
    method = queries.find(connection, MethodologyRecord, id=claim.methodology, version=claim.methodology_version)[0]
    return any(method.subject.family in grant.families and method.subject.sector in grant.sectors for grant in grants)


def _own(connection: Connection, owner: str, *, claim: str, digest: str) -> beside.Held | None:
    held = beside.holders(connection, claim=claim, digest=digest)
    return next((one for one in held if one.owner == owner), None)


def _require_room(connection: Connection, owner: str, size: int, quota: Quota) -> None:
    used = beside.evidence_used(connection, owner)
    if used.files >= quota.files or used.size + size > quota.size or used.size >= quota.size:
        raise NotAllowed(
            "quota_used_up",
            f"you keep {used.files} files of {used.size} bytes; at most {quota.files} of {quota.size} are kept",
            files=used.files,
            size=used.size,
        )
