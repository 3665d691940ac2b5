"""A founded log in which refusals are tried: everything up to the one statement that a rule must refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ledger.core.jws import sign_statement
from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import report as r
from tests.cast import sign_with
from tests.logwriter import LogWriter
from tests.world import World, reference_to

FULL = "499000.000"  # what the world's claim states: 1,000 MWh at 0.5 t, less 1 t
NO_CHANGES: Mapping[str, Any] = MappingProxyType({})
CARRIER = ("carrier", "carrier:claimant")
REGISTRAR = ("operator", "operator:registrar")
OPERATOR = ("operator", "operator:operator")


class Scene:
    """One log, and short names for the steps that lead up to a refusal."""

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self.world = World(**policy)
        self.log = LogWriter(self.world)

    def claimed(self, claimant: str = "carrier", **changes: Any) -> m.Reference:
        """A recorded claim."""
        return reference_to(self.log.add(self.world.claim(claimant, **changes)))

    def attested(self, claim: m.Reference, amount: str = FULL, **changes: Any) -> m.Reference:
        """A recorded attestation of a claim."""
        return reference_to(self.log.add(self.world.attest(claim, amount, **changes)))

    def verified(self, **changes: Any) -> m.Reference:
        """A claim that counts in full."""
        claim = self.claimed(**changes)
        self.attested(claim)
        return claim

    def correction(self, shape: type[Any], target: m.Reference, by: tuple[str, str] = REGISTRAR, **other: Any) -> bytes:
        """A correction, not yet recorded."""
        return self.world.correct(shape(target=target, reason="A test.", **other), by=by)

    def corrected(self, shape: type[Any], target: m.Reference, **other: Any) -> m.Reference:
        """What a recorded correction leaves behind: the same target."""
        self.log.add(self.correction(shape, target, **other))
        return target

    def resigned(self, payload: bytes, by: tuple[str, str] = CARRIER) -> bytes:
        """A payload that the tools would not write, properly signed."""
        return sign_statement(payload, kid=self.world.kid(*by), sign=sign_with(by[1]))

    def issue(self, claims: tuple[m.Reference, ...] = (), **changes: Any) -> bytes:
        """A certificate of the operator about whole claims, as of now; right where nothing is changed."""
        size = len(self.log.entries)
        root = self.log.state.root(size)
        assert root is not None
        amount = f"{499 * max(1, len(claims))}000.000"
        count = max(1, len(claims))
        members: dict[str, Any] = {
            "number": "TEST-1",
            "holder": self.world.party_id("operator"),
            "subject": r.ClaimSet(claims) if claims else r.ProgrammeTotal(),
            "period": c.Days("2025-01-01", "2026-01-01"),
            "totals": r.CertificateTotals(
                amount, count, (r.TotalRow("3+", "reduction", "clean-energy", amount, count),)
            ),
            "as_of_size": size,
            "as_of_root": root.hex(),
            "valid_until": "2027-01-01",
            "template": "certificate/1",
        }
        return self.world.state("Certificate", r.Issue(**{**members, **changes}), OPERATOR)

    def issued(self, claims: tuple[m.Reference, ...]) -> None:
        """A recorded certificate with the number TEST-1."""
        self.log.add(self.issue(claims))


class Case(NamedTuple):
    """What is done, and the code with which its last statement is refused (none: it is accepted)."""

    what: str
    code: str | None
    last: Callable[[Scene], bytes]
    policy: Mapping[str, Any] = NO_CHANGES
    founded: bool = True
