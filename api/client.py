"""A typed client of a ledger over HTTP, which says "recorded" only of what it has proven.

    with Client("https://ledger.example", trust=read_trust(path)) as client:
        recorded = client.submit(statement)

A receipt is checked under the log key of the caller's own trust file before
`submit` returns: the entry holds the very bytes that were sent, it stands at
the index that is named, and its checkpoint continues the log that this client
saw before. Lists, totals and goals are the server's word: only an audit
recomputes them. Here is no database and no rule.

Source: DESIGN 4.3, 5; THREATS R6, R11, R12, H16, H19.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import msgspec
from msgspec import Struct

from api.bulk import Imported, import_all
from api.proving import Memory, NoMemory, Prover
from api.transport import Transport, decode
from keys.trust import Trust
from ledger.core.checkpoint import VerifiedCheckpoint
from ledger.core.entry import decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import STATEMENT_BYTES_MAX, open_jws
from ledger.core.note import NOTE_BYTES_MAX
from ledger.core.receipt import parse_receipt
from ledger.core.strict import format_milliseconds
from ledger.domain import records as r
from ledger.domain.statements import Statement, read_statement
from ledger.domain.statements.claim import Claim
from ledger.errors import LedgerError, Malformed, Refused, Unavailable, Unproven, Unreadable, Untrusted
from ledger.service.answers import AsOf, FoundClaim, FoundParty, Goals, Page, Proof, Shown, Totals, Waiting
from ledger.service.findings import ShownFinding

ENTRY_BYTES_MAX = 65_535
BUNDLE_BYTES_MAX = 1024 * 1024 * 1024
PAGE_ITEMS_MAX = 500

STATEMENT_TYPE = "application/vc+jwt"
# What stands in each list.
LISTS: dict[str, type[Any]] = {
    "claims": r.ClaimRecord,
    "findings": ShownFinding,
    "attestations": r.AttestationRecord,
    "parties": r.PartyRecord,
    "accreditations": r.AccreditationRecord,
    "methodologies": r.MethodologyRecord,
    "factor-sets": r.FactorSetRecord,
    "targets": r.TargetRecord,
    "certificates": r.CertificateRecord,
    "queue": Waiting,
}


class Recorded(Struct, frozen=True):
    """A statement that is proven to stand in the log; `new` is false for bytes that were recorded before."""

    index: int
    size: int
    new: bool
    proof: Proof


class _Said(Struct, frozen=True):
    """What a server says of a recorded statement; none of it is believed as it stands."""

    index: int
    new: bool
    receipt: str
    size: int
    entry_hash: str | None = None


class Client:
    """One server, seen through one trust file. Threads may share it. Close it, or use it as a context."""

    def __init__(self, server: str, *, trust: Trust | None, memory: Memory | None = None) -> None:
        """Without a trust file, what the server says can be read, and nothing proven.

        Raises: Unreadable `bad_server_url`, `bad_pins_file`.
        """
        self.transport = Transport(server)
        self._trust = trust
        self._prover = None if trust is None else Prover(self._published, trust, memory or NoMemory())

    def close(self) -> None:
        """Let the connections go."""
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What is proven

    @property
    def name(self) -> str:
        """What statements for this ledger carry as `ledger`; the server is not asked.

        Raises: Untrusted `no_trust_file`.
        """
        if self._trust is None:
            raise _untrusted()
        return f"{self._trust.origin}#{self._trust.genesis}"

    @property
    def prover(self) -> Prover:
        """What is proven of this server's log.

        Raises: Untrusted `no_trust_file`.
        """
        if self._prover is None:
            raise _untrusted()
        return self._prover

    def _floor(self) -> VerifiedCheckpoint:
        """What is known before a question is asked; at the first contact, the server shows its log first."""
        return self.prover.seen or self.prover.head()

    def submit(self, statement: bytes) -> Recorded:
        """Record one statement and prove that it is. Called again with the same bytes, it gives the same entry.

        Raises: the refusal that the server gives; Unproven `receipt_differs`, `other_statement` and the codes of
            `Prover.prove` when the receipt does not hold; Unavailable; Untrusted `no_trust_file`.
        """
        if len(statement) > STATEMENT_BYTES_MAX:
            raise Malformed("too_large", f"{len(statement)} bytes, a statement has at most {STATEMENT_BYTES_MAX}")
        floor = self._floor()
        answer = self.transport.call(
            "POST", "/v1/statements", content=statement, headers={"Content-Type": STATEMENT_TYPE}
        )
        said: _Said = decode(answer.body, _Said, lines=True)
        with _answered():
            proof = Proof(said.index, self.entry_bytes(said.index), parse_receipt(said.receipt.encode()))
            entry, head = self.prover.prove(proof, floor=floor)
        if entry.statement != statement:
            raise Unproven("other_statement", f"entry {said.index} holds another statement", index=said.index)
        # What the log had before the call cannot be new, and no answer reaches beyond its own checkpoint.
        agrees = said.entry_hash in (None, leaf_hash(proof.entry).hex()) and said.index < said.size <= head.size
        if not agrees or (said.new and said.index < floor.size):
            raise Unproven("receipt_differs", "the answer says something else than its receipt", index=said.index)
        return Recorded(said.index, head.size, said.new, proof)

    def submit_all(self, statements: Iterable[bytes]) -> Iterator[Imported | LedgerError]:
        """Record many statements, each with its own answer in their order; a refusal never stops the rest.

        Only some of them are held at any time. Raises: as `submit`, but for refusals, which are answers here.
        """
        return import_all(self.transport, self.prover, self._floor, self.submit, statements)

    def entry(self, index: int) -> Proof:
        """An entry with its proof, checked.

        Raises: Malformed `no_entry`; the codes of `Prover.prove`.
        """
        floor = self._floor()
        raw = self.entry_bytes(index)
        receipt = parse_receipt(self._get(f"/v1/entries/{index}/proof", limit=2 * NOTE_BYTES_MAX))
        proof = Proof(index, raw, receipt)
        self.prover.prove(proof, floor=floor)
        return proof

    def statement(self, index: int) -> Statement:
        """What a proven entry says.

        Raises: as `entry`.
        """
        return read_statement(open_jws(decode_entry(self.entry(index).entry).statement))

    def head(self) -> AsOf:
        """Where the log stands, proven, with the moment of its last entry.

        Raises: the codes of `Prover.accept`.
        """
        head = self.prover.head()
        raw = self.entry_bytes(head.size - 1)
        self.prover.require_leaf(head.size - 1, raw, head)
        moment = format_milliseconds(decode_entry(raw).recorded_at_ms)
        return AsOf(head.origin, head.size, head.root.hex(), moment)

    def show(self, index: int) -> Shown:
        """One proven entry; for a claim, also what the server says of it now.

        Raises: Malformed `no_entry`; the codes of `Prover.prove`; Unavailable `bad_answer`.
        """
        raw = self.entry(index).entry
        entry_hash = leaf_hash(raw).hex()
        statement = read_statement(open_jws(decode_entry(raw).statement))
        if not isinstance(statement.subject, Claim):
            return Shown(self.head(), index, raw, entry_hash, statement, None, [])
        found = self.claim(statement.id)
        if (found.claim.index, found.claim.entry_hash) != (index, entry_hash):
            raise Unavailable("bad_answer", f"the record of claim {statement.id} is of another entry", index=index)
        return Shown(found.as_of, index, raw, entry_hash, statement, found.claim, found.history)

    # What is the server's word

    def page(self, what: str, where: Iterable[tuple[str, str]]) -> Page:
        """One page of a list, as `ledger.service.find.find` gives it.

        Raises: Refused with its codes.
        """
        page: Page = decode(self._get(f"/v1/{what}", params=list(where)), Page)
        try:
            items = [msgspec.convert(item, LISTS[what]) for item in page.items]
        except msgspec.ValidationError as error:
            raise Unavailable("bad_answer", f"an item of {what} cannot be read: {error}") from None
        return msgspec.structs.replace(page, items=items)

    def find(self, what: str, **filters: str) -> Iterator[Any]:
        """Everything in a list that meets the filters, fetched page by page as it is taken.

        Raises: as `page`; Unavailable `bad_answer` when pages do not go forward.
        """
        cursor: list[tuple[str, str]] = []
        reached = -1
        while True:
            page = self.page(what, [*filters.items(), ("limit", str(PAGE_ITEMS_MAX)), *cursor])
            for item in page.items:
                index = item.claim.index if isinstance(item, Waiting) else item.index
                if index <= reached:
                    raise Unavailable("bad_answer", f"the pages of {what} do not go forward")
                reached = index
                yield item
            if page.next is None:
                return
            if not page.items:
                raise Unavailable("bad_answer", f"a page of {what} is empty and yet not the last")
            cursor = [("cursor", page.next)]

    def claim(self, identity: str) -> FoundClaim:
        """A claim by its id, and the entries that made it what it is.

        Raises: Malformed `no_route` where there is none.
        """
        found: FoundClaim = decode(self._get(f"/v1/claims/{quote(identity, safe='')}"), FoundClaim)
        return found

    def party(self, identity: str) -> FoundParty:
        """A party by its id.

        Raises: Malformed `no_route` where there is none.
        """
        found: FoundParty = decode(self._get(f"/v1/parties/{quote(identity, safe='')}"), FoundParty)
        return found

    def totals(self) -> Totals:
        """Everything that counts now."""
        found: Totals = decode(self._get("/v1/totals"), Totals)
        return found

    def goals(self) -> Goals:
        """How far every goal is."""
        found: Goals = decode(self._get("/v1/goals"), Goals)
        return found

    def bundle(self, claim: str, to: Path) -> None:
        """Everything that a reviewer of a claim needs, as one zip file; an existing file is replaced when all is there.

        Raises: Malformed `no_route`; Unreadable `unreadable_file`.
        """
        self._download(f"/v1/claims/{quote(claim, safe='')}/bundle", to, BUNDLE_BYTES_MAX)

    def _download(self, path: str, to: Path, limit: int) -> None:
        partial = to.with_name(to.name + ".part")

        def take(chunks: Iterator[bytes]) -> None:
            with partial.open("wb") as file:
                file.writelines(chunks)

        try:
            self.transport.download(path, take, limit=limit)
            partial.replace(to)
        except OSError as error:
            raise Unreadable("unreadable_file", f"{to}: {error.strerror}", path=str(to)) from None
        finally:
            partial.unlink(missing_ok=True)

    # The wire

    def _get(self, path: str, **given: Any) -> bytes:
        return self.transport.call("GET", path, **given).body

    def _published(self, path: str, limit: int) -> bytes:
        return self._get(f"/log/{path}", limit=limit)

    def entry_bytes(self, index: int) -> bytes:
        """The bytes that the server gives for an entry; nothing is proven of them.

        Raises: Malformed `no_entry`.
        """
        return self._get(f"/v1/entries/{index}", limit=ENTRY_BYTES_MAX)


@contextmanager
def _answered() -> Iterator[None]:
    """After "recorded", what cannot be read is a receipt that does not hold, and no refusal of the statement."""
    try:
        yield
    except Refused as error:
        raise Unproven(error.code, error.message, **error.facts) from None


def _untrusted() -> Untrusted:
    return Untrusted("no_trust_file", "there is no trust file, so nothing that the server says can be proven")
