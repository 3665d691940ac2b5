"""The ledger of a directory, as the commands see it: each method is the act of `ledger.service` behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from api.bulk import Imported
from api.client import Recorded
from ledger.domain.records import MethodologyRecord
from ledger.domain.statements.methodology import Factor
from ledger.domain.statements.programme import Policy
from ledger.errors import LedgerError
from ledger.service import certificates, claim, find, look, report, submit
from ledger.service.answers import AsOf, Goals, Page, Shown, Totals
from ledger.service.ledger import Ledger


class LocalBook:
    """A `Book` over an opened ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def name(self) -> str:
        """What statements for this ledger carry as `ledger`."""
        return self._ledger.name

    def submit(self, statement: bytes) -> Recorded:
        """Record one statement, with its proof."""
        recorded = submit.submit(self._ledger, statement)
        proof = submit.prove(self._ledger, [recorded.index])[0]
        return Recorded(recorded.index, recorded.size, recorded.new, proof)

    def submit_all(self, statements: Iterable[bytes]) -> Iterator[Imported | LedgerError]:
        """Record many, each with its own answer."""
        for answer in submit.submit_all(self._ledger, statements):
            yield answer if isinstance(answer, LedgerError) else Imported(answer.index, answer.new)

    def page(self, what: str, where: Iterable[tuple[str, str]]) -> Page[Any]:
        """One page of a list."""
        return find.find(self._ledger, what, where)

    def head(self) -> AsOf:
        """Where the log stands."""
        return report.head(self._ledger)

    def show(self, index: int) -> Shown:
        """One entry."""
        return report.show(self._ledger, index)

    def thing(self, what: str, ids: Sequence[str]) -> Any:
        """One thing."""
        if what == "programme":
            return look.programme(self._ledger)
        if what == "certificates":
            return certificates.certificate(self._ledger, *ids)
        if what not in look.DOCUMENTS:
            return look.THINGS[what](self._ledger, *ids)
        return (look.versions if len(ids) == 1 else look.document)(self._ledger, what, *ids)

    def totals(self) -> Totals:
        """Everything that counts now."""
        return report.totals(self._ledger)

    def goals(self) -> Goals:
        """How far every goal is."""
        return report.goal_progress(self._ledger)

    def party_names(self) -> dict[str, str]:
        """Legal name of every registered party by its id."""
        return report.party_names(self._ledger)

    def methodology(self, name: str, version: int | None = None) -> MethodologyRecord:
        """A published methodology, the latest version unless one is named."""
        return claim.find_methodology(self._ledger, name, version)

    def factors(self, name: str, version: int) -> Sequence[Factor] | None:
        """The factors of a published set; None where there is none."""
        return claim.find_factors(self._ledger, name, version)

    def policy(self) -> Policy:
        """The numbers of the programme in force."""
        return self._ledger.programme.subject.policy
