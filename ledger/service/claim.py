"""What a claim is computed with: published methodologies and factor sets."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.domain.records import FactorSetRecord, MethodologyRecord
from ledger.domain.statements.methodology import Factor
from ledger.errors import Refused
from ledger.service.ledger import Ledger
from ledger.store import queries


def find_methodology(ledger: Ledger, name: str, version: int | None = None) -> MethodologyRecord:
    """A published methodology, the latest version unless one is named.

    Raises: Refused `unknown_methodology`.
    """
    with ledger.reading() as connection:
        found = queries.find(
            connection, MethodologyRecord, id=name, **({} if version is None else {"version": version})
        )
    if not found:
        raise Refused("unknown_methodology", f"no methodology {name} version {version or 'any'}", id=name)
    return found[-1]


def find_factors(ledger: Ledger, name: str, version: int) -> Sequence[Factor] | None:
    """The factors of a published set; None where there is none."""
    with ledger.reading() as connection:
        found = queries.find(connection, FactorSetRecord, id=name, version=version)
    return found[0].factors if found else None
