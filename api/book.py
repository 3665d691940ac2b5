"""One ledger as the commands see it: in a directory of this machine, or behind a server.

The commands are written once, against `Book`. Here is the ledger behind a
server; the one in a directory is `api.local`, which alone needs a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from api.bulk import Imported
from api.client import Client, Recorded, programme_of
from api.transport import decode
from keys.trust import Trust
from ledger.core.entry import decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import check_signatures, open_jws
from ledger.domain.quantify import Estimate, compile_formula, estimate
from ledger.domain.records import FactorSetRecord, MethodologyRecord
from ledger.domain.rules.v1.formulas import FindSet, find_factor
from ledger.domain.statements.claim import InputValue
from ledger.domain.statements.methodology import Factor, FactorSet, Methodology
from ledger.domain.statements.programme import Policy
from ledger.errors import LedgerError, Refused, Unavailable
from ledger.service.answers import AsOf, Goals, Page, Shown, Totals


class Book(Protocol):
    """What a command may ask of a ledger. Each method raises the errors of the act that it stands for."""

    @property
    def name(self) -> str:
        """What statements for this ledger carry as `ledger`."""

    def submit(self, statement: bytes) -> Recorded:
        """Record one statement, with its proof."""

    def submit_all(self, statements: Iterable[bytes]) -> Iterator[Imported | LedgerError]:
        """Record many, each with its own answer."""

    def page(self, what: str, where: Iterable[tuple[str, str]]) -> Page[Any]:
        """One page of a list."""

    def head(self) -> AsOf:
        """Where the log stands."""

    def show(self, index: int) -> Shown:
        """One entry."""

    def thing(self, what: str, ids: Sequence[str]) -> Any:
        """One thing of a list by its id (of documents also the version), or the programme."""

    def totals(self) -> Totals:
        """Everything that counts now."""

    def goals(self) -> Goals:
        """How far every goal is."""

    def party_names(self) -> dict[str, str]:
        """Legal name of every registered party by its id."""

    def methodology(self, name: str, version: int | None = None) -> MethodologyRecord:
        """A published methodology, the latest version unless one is named."""

    def factors(self, name: str, version: int) -> Sequence[Factor] | None:
        """The factors of a published set; None where there is none."""

    def policy(self) -> Policy:
        """The numbers of the programme in force."""


class RemoteBook(Client):
    """A ledger behind a server. What is signed at home rests on proven entries, not on the server's word."""

    def thing(self, what: str, ids: Sequence[str]) -> Any:
        """One thing, as the server says; nothing is proven of it."""
        return decode(self.get("/".join(["/v1", what, *(quote(one, safe="") for one in ids)])), dict[str, Any])

    def party_names(self) -> dict[str, str]:
        """Legal name of every registered party by its id."""
        return {party.id: party.legal_name for party in self.find("parties")}

    def methodology(self, name: str, version: int | None = None) -> MethodologyRecord:
        """A published methodology with its factors, as proven entries state them.

        Raises: Refused `unknown_methodology`; Unavailable `bad_answer`; the codes of `entry`.
        """
        found = [one for one in self.find("methodologies", id=name) if version in (None, one.version)]
        if not found:
            raise Refused("unknown_methodology", f"no methodology {name} version {version or 'any'}", id=name)
        record: MethodologyRecord = max(found, key=lambda one: one.version)
        subject = self.statement(record.index).subject
        if not isinstance(subject, Methodology) or (subject.id, subject.version) != (name, record.version):
            raise Unavailable("bad_answer", f"entry {record.index} is not methodology {name}", index=record.index)
        factors = factors_of(subject, self.factors)
        return msgspec.structs.replace(record, subject=subject, factors=factors)

    def factors(self, name: str, version: int) -> Sequence[Factor] | None:
        """The factors of a published set, as a proven entry states them; None where the server names none.

        Raises: the codes of `entry`.
        """
        published: list[FactorSetRecord] = list(self.find("factor-sets", id=name))
        for record in published:
            subject = self.statement(record.index).subject if record.version == version else None
            if isinstance(subject, FactorSet) and (subject.id, subject.version) == (name, version):
                return subject.factors
        return None

    def policy(self) -> Policy:
        """The policy of the Programme in entry 0, proven.

        Raises: the codes of `entry`.
        """
        return self.programme().policy


def factors_of(subject: Methodology, find: FindSet) -> dict[str, Factor]:
    """The factors that a methodology names.

    Raises: Refused `unknown_factor`.
    """
    return {name: find_factor(use, find, name=name) for name, use in subject.factors.items()}


def estimate_at(book: Book, method: MethodologyRecord, inputs: Mapping[str, InputValue]) -> Estimate:
    """What a methodology gives for some inputs, under the programme's policy.

    Raises: Refused with the codes of `quantify.estimate`.
    """
    formula = compile_formula(method.subject, method.factors)
    return estimate(formula, inputs, deduction_above_ppm=book.policy().deduction_above_ppm)


def trust_at_first_contact(server: str) -> Trust:
    """A trust file made of what a server shows of itself: entry 0, signed by the roots that it names.

    It binds the server to that log from then on; that it is the right log, only another channel can tell.
    Raises: Unreadable `bad_server_url`; Malformed `not_a_programme` and what reading entry 0 raises; Unavailable.
    """
    with Client(server, trust=None) as client:
        raw = client.entry_bytes(0)
    check_signatures(open_jws(decode_entry(raw).statement))
    return Trust.build(programme=programme_of(raw), genesis=leaf_hash(raw).hex(), accreditors={})
