"""What a handler may ask for: everything that was built once for this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from api.batch import Batches
from api.metrics import Metrics
from api.rates import OFF, Rates
from api.service_keys import ServiceKeys
from api.webhooks import Deliverer
from ledger.errors import Unavailable
from ledger.sequencer.checking import Checked
from ledger.service.addresses import Allowed
from ledger.service.certify import Sealing
from ledger.service.ledger import Ledger
from ledger.service.submitting import Submitter


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The parts of a serving process. The wiring opens them; `close` lets all of them go."""

    ledger: Ledger
    metrics: Metrics = field(default_factory=Metrics)
    log_clients: bool = False
    webhooks_allowed: Sequence[Allowed] = ()
    deliverer: Deliverer | None = None
    own_keys: ServiceKeys | None = None
    sealing: Sealing | None = None
    rates: Rates = field(default_factory=lambda: Rates([OFF]))
    submitter: Submitter = field(init=False)
    batches: Batches = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "submitter", Submitter(self.ledger, admit=self._admit))
        object.__setattr__(self, "batches", Batches(self.ledger))

    @property
    def keys(self) -> ServiceKeys:
        """The keys of the service itself.

        Raises: Unavailable `no_service_keys`.
        """
        if self.own_keys is None:
            raise Unavailable("no_service_keys", "this service was opened without keys of its own")
        return self.own_keys

    def _admit(self, checked: Checked) -> None:
        """Raises: Refused `rate_limited`."""
        # The key that signed, and not the issuer: anybody may write that name above a key of their own, which the
        # rule book finds out later, and would so use up what another party may ask for.
        self.rates.charge("writes", f"key {checked.statement.signers[0].key_text}")

    def close(self) -> None:
        """Let connections and threads go."""
        if self.deliverer is not None:
            self.deliverer.close()
        self.submitter.close()
        self.batches.close()
        self.ledger.close()


# Asynchronous, for FastAPI would hand a plain function to a thread on every request.
async def _service_of(request: Request) -> Service:
    return cast(Service, request.app.state.service)


async def _ledger_of(request: Request) -> Ledger:
    return (await _service_of(request)).ledger


async def _submitter_of(request: Request) -> Submitter:
    return (await _service_of(request)).submitter


ServiceDep = Annotated[Service, Depends(_service_of)]
LedgerDep = Annotated[Ledger, Depends(_ledger_of)]
SubmitterDep = Annotated[Submitter, Depends(_submitter_of)]
