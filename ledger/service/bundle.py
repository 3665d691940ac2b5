"""Everything that a reviewer of one claim needs, in one zip that grows as it is sent.

    manifest.json              what is inside, under which checkpoint, and which evidence is not, and why
    checkpoint                 the signed note that every proof leads to
    entries/<index>.json       the bytes of an entry, and
    entries/<index>.tlog-proof its proof
    evidence/<digest>          bytes whose SHA-256 is their name

The manifest determines every other byte: dates and order are fixed, entries
never change, and evidence is named by its digest. Memory stays flat, and no
transaction stays open while a slow reader reads.

Source: DESIGN 4.3 and 4.4; STYLE 3 (the walk of a claim, step 6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import SEEK_END
from typing import BinaryIO, Literal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec
from msgspec import Struct

from ledger.core.checkpoint import VerifiedCheckpoint, open_checkpoint
from ledger.domain.records import ClaimRecord
from ledger.domain.statements import members as m
from ledger.domain.statements.claim import Evidence
from ledger.errors import Malformed, Unavailable
from ledger.service.dossier import evidence_of, made_by
from ledger.service.find import entry_lines
from ledger.service.ledger import Ledger
from ledger.service.look import find_one
from ledger.service.submit import prove_under
from ledger.store import log_store

VERSION = 1
CHUNK_BYTES = 256 * 1024
_ENTRIES_AT_ONCE = 64
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold
_FILE_MODE = 0o100644 << 16

MayRead = Callable[[str], bool]
State = Literal["included", "withheld", "missing", "damaged"]
_REASONS: dict[State, str | None] = {
    "included": None,
    "withheld": "it is not public; ask with a token of a party that may see it",
    "missing": "nobody has uploaded it here; ask the claimant",
    "damaged": "the bytes that are kept have another digest; ask the claimant",
}


class EntryInside(Struct, frozen=True):
    """One entry of the bundle."""

    index: int
    kind: str
    issuer: str
    id: str
    entry_hash: str
    file: str
    proof: str


class EvidenceInside(Struct, frozen=True):
    """One piece of evidence that the claim, or an answer to a finding, names, and whether it is inside.

    Units: `size` is that of the bytes inside.
    """

    digest: str
    title: str
    media_type: str
    role: str
    salted: bool
    state: State
    reason: str | None
    file: str | None
    size: int | None


class Under(Struct, frozen=True):
    """The checkpoint to which every proof leads."""

    file: str
    origin: str
    size: int
    root: str


class Manifest(Struct, frozen=True):
    """What a bundle holds."""

    version: int
    claim: m.Reference
    checkpoint: Under
    entries: list[EntryInside]
    evidence: list[EvidenceInside]


class Bundle(Struct, frozen=True):
    """A bundle that can be sent as often as one likes, always the same."""

    claim: m.Reference
    checkpoint: VerifiedCheckpoint
    manifest: bytes
    indexes: list[int]
    evidence: list[str]
    ledger: Ledger

    def stream(self) -> Iterator[bytes]:
        """The zip in parts.

        Raises: Unavailable `evidence_damaged` when evidence vanished since the manifest was made: the zip then has
            no end, so that nobody takes it for whole.
        """
        sink = _Sink()
        with ZipFile(sink, "w") as archive:  # type: ignore[call-overload] # it asks for no more than `write`
            _add(archive, "manifest.json", self.manifest)
            _add(archive, "checkpoint", self.checkpoint.raw)
            for at in range(0, len(self.indexes), _ENTRIES_AT_ONCE):
                with self.ledger.reading() as connection:
                    some, head = self.indexes[at : at + _ENTRIES_AT_ONCE], self.checkpoint
                    proofs = prove_under(connection, some, size=head.size, checkpoint=head.raw)
                for proof in proofs:
                    _add(archive, f"entries/{proof.index}.json", proof.entry)
                    _add(archive, f"entries/{proof.index}.tlog-proof", proof.receipt.encode())
                    yield sink.take()
            for digest in self.evidence:
                yield from self._evidence(archive, sink, digest)
        yield sink.take()

    def _evidence(self, archive: ZipFile, sink: _Sink, digest: str) -> Iterator[bytes]:
        source = self.ledger.evidence.open(digest)
        if source is None:
            raise Unavailable("evidence_damaged", f"the bytes kept as {digest} have vanished", digest=digest)
        with source, archive.open(_info(f"evidence/{digest}"), "w") as target:
            for chunk in _chunks(source):
                target.write(chunk)
                yield sink.take()


def bundle(ledger: Ledger, identity: str, *, may_read: MayRead) -> Bundle:
    """What there is for a reviewer of a claim; `may_read` says which evidence this one may see, by its digest.

    Raises: Refused `unknown_id`, `too_many_entries`; Malformed `no_entry` before the claim is signed for.
    """
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
        claim = find_one(connection, ClaimRecord, identity, m.StatementId)
        if head.checkpoint is None or claim.index >= head.checkpoint_size:
            raise Malformed("no_entry", f"claim {claim.index} is not yet under a checkpoint", index=claim.index)
        indexes = made_by(connection, claim.id, end=head.checkpoint_size)
        lines = entry_lines(connection, indexes)
        named = evidence_of(connection, claim)
    opened = open_checkpoint(head.checkpoint, log=ledger.log, origin=ledger.origin)
    evidence = [_inside(ledger, one, may_read(one.digest)) for _, one in sorted(named.items())]
    manifest = Manifest(
        version=VERSION,
        claim=m.Reference(claim.id, claim.index, claim.entry_hash),
        checkpoint=Under("checkpoint", opened.origin, opened.size, opened.root.hex()),
        entries=[
            EntryInside(
                *(one.index, one.kind, one.issuer, one.id, one.entry_hash),
                file=f"entries/{one.index}.json",
                proof=f"entries/{one.index}.tlog-proof",
            )
            for one in lines
        ],
        evidence=evidence,
    )
    return Bundle(
        claim=manifest.claim,
        checkpoint=opened,
        manifest=msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1) + b"\n",
        indexes=indexes,
        evidence=[one.digest for one in evidence if one.state == "included"],
        ledger=ledger,
    )


def _inside(ledger: Ledger, one: Evidence, readable: bool) -> EvidenceInside:
    # What is withheld is not looked for: whether it is there is nobody's business, either.
    state, size = _looked_at(ledger, one.digest) if readable else ("withheld", None)
    file = f"evidence/{one.digest}" if state == "included" else None
    return EvidenceInside(
        *(one.digest, one.title, one.media_type, one.role, one.salted), state, _REASONS[state], file, size
    )


def _looked_at(ledger: Ledger, digest: str) -> tuple[State, int | None]:
    """Whether the bytes are there and are what their name says, read once from end to end."""
    try:
        source = ledger.evidence.open(digest)
    except Unavailable as error:
        if error.code != "evidence_damaged":
            raise
        return "damaged", None
    if source is None:
        return "missing", None
    with source:
        return "included", source.seek(0, SEEK_END)


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: source.read(CHUNK_BYTES), b"")


def _info(name: str) -> ZipInfo:
    made = ZipInfo(name, _DATE)
    made.compress_type, made.create_system, made.external_attr = ZIP_DEFLATED, 3, _FILE_MODE
    return made


def _add(archive: ZipFile, name: str, raw: bytes) -> None:
    archive.writestr(_info(name), raw, compresslevel=1)


class _Sink:
    """A stream that cannot go back: what was written to it is taken from it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        """Keep a part until it is taken."""
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        """All that was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
