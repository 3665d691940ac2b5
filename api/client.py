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

from msgspec import Struct

from api.bulk import Imported, import_all
from api.proving import Memory, NoMemory, Prover
from api.reading import Reader
from api.transport import decode
from keys.trust import Trust
from ledger.core.checkpoint import VerifiedCheckpoint
from ledger.core.entry import decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import STATEMENT_BYTES_MAX, open_jws
from ledger.core.note import NOTE_BYTES_MAX
from ledger.core.receipt import parse_receipt
from ledger.core.strict import format_milliseconds
from ledger.domain.statements import Statement, read_statement
from ledger.domain.statements.claim import Claim
from ledger.domain.statements.programme import Programme
from ledger.errors import LedgerError, Malformed, Refused, Unavailable, Unproven, Untrusted
from ledger.service.answers import AsOf, Proof, Shown

STATEMENT_TYPE = "application/vc+jwt"


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


class Client(Reader):
    """One server, seen through one trust file. Threads may share it. Close it, or use it as a context."""

    def __init__(self, server: str, *, trust: Trust | None, memory: Memory | None = None) -> None:
        """Without a trust file, what the server says can be read, and nothing proven.

        Raises: Unreadable `bad_server_url`, `bad_pins_file`.
        """
        super().__init__(server)
        self._trust = trust
        self._prover = None if trust is None else Prover(self.published, trust, memory or NoMemory())

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
        receipt = parse_receipt(self.get(f"/v1/entries/{index}/proof", limit=2 * NOTE_BYTES_MAX))
        proof = Proof(index, raw, receipt)
        self.prover.prove(proof, floor=floor)
        return proof

    def statement(self, index: int) -> Statement:
        """What a proven entry says.

        Raises: as `entry`.
        """
        return read_statement(open_jws(decode_entry(self.entry(index).entry).statement))

    def programme(self) -> Programme:
        """The Programme of entry 0, proven.

        Raises: as `entry`; Malformed `not_a_programme`.
        """
        return programme_of(self.entry(0).entry)

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
        return Shown(
            found.as_of, index, raw, entry_hash, statement, found.claim, [line.index for line in found.history]
        )


def programme_of(raw: bytes) -> Programme:
    """What the first entry of a ledger says.

    Raises: Malformed `not_a_programme`.
    """
    subject = read_statement(open_jws(decode_entry(raw).statement)).subject
    if not isinstance(subject, Programme):
        raise Malformed("not_a_programme", "the first entry of a ledger is its Programme")
    return subject


@contextmanager
def _answered() -> Iterator[None]:
    """After "recorded", what cannot be read is a receipt that does not hold, and no refusal of the statement."""
    try:
        yield
    except Refused as error:
        raise Unproven(error.code, error.message, **error.facts) from None


def _untrusted() -> Untrusted:
    return Untrusted("no_trust_file", "there is no trust file, so nothing that the server says can be proven")
